# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in over HTTP: tokens, lists, details, sub-lists, surveys, approvals; and what tests may ask beside that."""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import re
import secrets
import threading
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from awx_double import lists, members, removal, surveys
from awx_double.kinds import KINDS, UNIFIED
from awx_double.refused import Refused, forbidden, not_allowed, not_found
from awx_double.shown import API, address, shown
from awx_double.store import Store

# Who can log in, with which password; the second one may look only.
USERS = {"admin": "awx-demo", "auditor": "awx-demo"}
_READERS = {"auditor"}
_PATH = re.compile(r"/api/v2/(?P<kind>\w+)/(?:(?P<id>\d+)/(?:(?P<part>\w+)/)?)?\Z")
_TOKENS = re.compile(r"/api/v2/(?:tokens/(?:(?P<id>\d+)/)?|users/(?P<user>\w+)/personal_tokens/)\Z")
_READS = ("GET", "HEAD")
Query = list[tuple[str, str]]


class Api:
    """What the server answers. One request at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.store = Store()
        self.tokens: dict[str, tuple[int, str, str]] = {}
        self.log: list[dict[str, Any]] = []

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> tuple[int, Any]:
        """Return the status of the answer, and its body; None for none."""
        parts = urlsplit(url)
        query = parse_qsl(parts.query, keep_blank_values=True)
        try:
            if parts.path.startswith("/_control/"):
                return 200, self._control(method, parts.path)
            if parts.path in ("/api/", API):
                return 200, _root(parts.path)
            user, scope = self.who(headers)
            if method not in _READS and (user in _READERS or scope == "read") and not _TOKENS.match(parts.path):
                raise forbidden()
            return self._api(method, parts.path, query, body, user)
        except Refused as refused:
            return refused.status, refused.body

    def who(self, headers: Mapping[str, str]) -> tuple[str, str]:
        """Return who sends a request, and what they may do: ``read`` or ``write``. :raises Refused: nobody knows"""
        scheme, _space, value = headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            try:
                user, _colon, password = base64.b64decode(value).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                user, password = "", ""
            if USERS.get(user) != password:
                raise Refused({"detail": "Invalid username/password."}, 401)
            return user, "write"
        if scheme != "Bearer" or value not in self.tokens:
            raise Refused({"detail": "Authentication credentials were not provided."}, 401)
        return self.tokens[value][1:]

    def _control(self, method: str, path: str) -> Any:
        if (method, path) == ("POST", "/_control/reset"):
            self.reset()
            return {}
        if (method, path) == ("GET", "/_control/log"):
            return self.log
        if (method, path) == ("GET", "/_control/state"):
            return {kind: list(items.values()) for kind, items in self.store.items.items()}
        raise Refused({"detail": "Not found."}, 404)

    def _api(self, method: str, path: str, query: Query, body: Any, user: str) -> tuple[int, Any]:
        tokens = _TOKENS.match(path)
        if tokens is not None:
            return self._tokens(method, tokens, user, body)
        match = _PATH.match(path)
        if match is None or (match.group("kind") not in KINDS and path != API + "unified_job_templates/"):
            raise Refused({"detail": "The requested resource could not be found."}, 404)
        if method not in _READS:
            self.log.append({"method": method, "path": path, "body": body})
        kind, identity, part = match.group("kind", "id", "part")
        if identity is None:
            return self._list(method, kind, query, body)
        if part is None:
            return self._one(method, kind, int(identity), body)
        return self._part(method, kind, self.store.find(kind, identity), part, query, body)

    def _tokens(self, method: str, match: re.Match[str], user: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        identity, of_user = match.group("id", "user")
        if of_user not in (None, user):
            raise forbidden()
        if method == "DELETE" and identity:
            if int(identity) not in {known[0] for known in self.tokens.values()}:
                raise not_found("o_auth2_access_token")
            self.tokens = {token: known for token, known in self.tokens.items() if known[0] != int(identity)}
            return 204, None
        if method != "POST" or identity:
            raise not_allowed(method)
        scope = body.get("scope") or "write"
        if scope not in ("read", "write"):
            raise Refused({"scope": ["It is to be read or write."]})
        token = secrets.token_hex(15)
        number = 1 + max((known[0] for known in self.tokens.values()), default=0)
        self.tokens[token] = (number, user, scope)
        return 201, {"id": number, "type": "o_auth2_access_token", "token": token, "scope": scope}

    def _list(self, method: str, kind: str, query: Query, body: Any) -> tuple[int, Any]:
        unified = kind == "unified_job_templates"
        allowed = ("GET",) if unified else KINDS[kind].of_list
        if not allowed:
            raise Refused({"detail": "The requested resource could not be found."}, 404)
        if method not in allowed:
            raise not_allowed(method)
        if method == "POST":
            return 201, self._shown(self.store.make(kind, body))
        found = [item for each in (UNIFIED if unified else [kind]) for item in self.store.items[each].values()]
        return 200, self._page(API + kind + "/", kind, found, query)

    def _page(self, path: str, kind: str, items: Iterable[dict[str, Any]], query: Query) -> dict[str, Any]:
        page = lists.page(path, lists.fitting(kind, items, query, self.store.find), query)
        return {**page, "results": [self._shown(item) for item in page["results"]]}

    def _one(self, method: str, kind: str, identity: int, body: Any) -> tuple[int, Any]:
        if method not in KINDS[kind].of_one:
            raise not_allowed(method)
        item = self.store.find(kind, identity)
        if method == "DELETE":
            return removal.remove(self.store, kind, item), None
        if method in ("PATCH", "PUT"):
            self.store.change(kind, item, body, whole=method == "PUT")
        elif kind == "project_updates":
            self.store.go_on(item)
        return 200, self._shown(item)

    def _part(
        self, method: str, kind: str, item: dict[str, Any], part: str, query: Query, body: Any
    ) -> tuple[int, Any]:
        if part == "survey_spec" and part in item:
            return self._survey(method, item, body)
        if (kind, part) == ("workflow_job_template_nodes", "create_approval_template"):
            return _approved(method) if method != "POST" else (201, self._shown(self.store.approval(item, body)))
        if kind == "projects" and part in ("update", "playbooks"):
            return self._of_project(method, item, part)
        listed = KINDS[kind].lists.get(part)
        if listed is None:
            raise Refused({"detail": "The requested resource could not be found."}, 404)
        if method == "POST":
            made = members.post(self.store, kind, item, part, body)
            return (204, None) if made is None else (201, self._shown(made))
        if method != "GET":
            raise not_allowed(method)
        found = self.store.those_of(kind, item, part)
        return 200, self._page(address(kind, item["id"], part), listed.kind, found, query)

    def _survey(self, method: str, item: dict[str, Any], body: Any) -> tuple[int, Any]:
        if method == "GET":
            return 200, surveys.shown(item["survey_spec"])
        if method not in ("POST", "DELETE"):
            raise not_allowed(method)
        item["survey_spec"] = surveys.checked(body, item["survey_spec"]) if method == "POST" else {}
        return 200, None

    def _of_project(self, method: str, project: dict[str, Any], part: str) -> tuple[int, Any]:
        can = bool(project["scm_type"])
        if method == "GET":
            return 200, {"can_update": can} if part == "update" else project["playbooks"]
        if method != "POST" or part != "update" or not can:
            raise not_allowed(method)
        update = self.store.update(project)
        return 202, {"project_update": update["id"], **self._shown(update)}

    def _shown(self, item: Mapping[str, Any]) -> dict[str, Any]:
        return shown(self.store, item)


def _approved(method: str) -> tuple[int, Any]:
    if method != "GET":
        raise not_allowed(method)
    return 200, {}


def _root(path: str) -> dict[str, Any]:
    """Return which addresses there are."""
    if path != API:
        return {"description": "A stand-in for AWX", "current_version": API, "available_versions": {"v2": API}}
    names = {kind: kind for kind, spec in KINDS.items() if spec.of_list}
    names["inventory"] = names.pop("inventories")
    names.update({name: name for name in ("tokens", "unified_job_templates")})
    return {name: API + kind + "/" for name, kind in names.items()}


class Handler(BaseHTTPRequestHandler):
    """Hands requests to the API."""

    protocol_version = "HTTP/1.1"
    # An answer in one piece: the second of two would wait until the first one is acknowledged.
    wbufsize = -1
    api: Api

    def _handle(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = self._body(raw)
            with self.api.lock:
                status, answer = self.api.answer(self.command, self.path, self.headers, body)
        except Refused as refused:
            status, answer = refused.status, refused.body
        data = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-API-Product-Name", "AWX")
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer realm=api")
        else:
            self.send_header("X-API-Product-Version", "24.6.1")
        self.end_headers()
        self.wfile.write(data)

    def _body(self, raw: bytes) -> dict[str, Any]:
        """Return what was sent. :raises Refused: it cannot be read"""
        if not raw:
            return {}
        if self.headers.get_content_type() != "application/json":
            raise Refused({"detail": "The Content-Type is to be application/json."}, 415)
        try:
            body = json.loads(raw)
        except ValueError as error:
            raise Refused({"detail": "JSON parse error - %s" % error}) from None
        if not isinstance(body, dict):
            raise Refused({"detail": "The body is to be an object."})
        return body

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _handle

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def main() -> None:
    """Serve until the process is stopped. Prints the address first."""
    parser = argparse.ArgumentParser(prog="awx_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    options = parser.parse_args()
    Handler.api = Api()
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    server.daemon_threads = True
    print("http://127.0.0.1:%d" % server.server_address[1], flush=True)
    server.serve_forever()
