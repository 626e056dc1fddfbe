# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in over HTTP: tokens, lists, details, sub-lists, surveys, approvals; and what tests may ask beside that."""

from __future__ import annotations

import argparse
import base64
import copy
import json
import re
import secrets
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from awx_double import rules
from awx_double.kinds import KINDS
from awx_double.rules import ENCRYPTED, Refused
from awx_double.store import Store

API = "/api/v2/"
# Who can log in, with which password; the second one may look only.
USERS = {"admin": "awx-demo", "auditor": "awx-demo"}
_READERS = {"auditor"}
_PAGE = 25
_PATH = re.compile(r"/api/v2/(?P<kind>\w+)/(?:(?P<id>\d+)/(?:(?P<part>\w+)/)?)?\Z")
_HIDDEN = ("_kind", "_source", "_update", "playbooks", "survey_spec")


class Api:
    """What the server answers. One request at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.store = Store()
        self.tokens: dict[str, tuple[int, str]] = {}
        self.log: list[dict[str, Any]] = []

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> tuple[int, Any]:
        """Return the status of the answer, and its body."""
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        try:
            if parts.path.startswith("/_control/"):
                return 200, self._control(method, parts.path)
            match = _PATH.match(parts.path)
            if match is None:
                raise Refused({"detail": "The requested resource could not be found."}, 404)
            kind, identity, part = match.group("kind", "id", "part")
            if kind == "tokens":
                return self._tokens(method, identity, headers)
            self._authorize(method, headers)
            if method != "GET":
                self.log.append({"method": method, "path": parts.path, "body": body})
            if identity is None:
                return self._list(method, kind, query, body)
            item = self.store.find(kind, identity)
            if part is None:
                return self._detail(method, kind, item, body)
            return self._part(method, kind, item, part, body)
        except Refused as refused:
            return refused.status, refused.body

    def _control(self, method: str, path: str) -> Any:
        if (method, path) == ("POST", "/_control/reset"):
            self.reset()
            return {}
        if (method, path) == ("GET", "/_control/log"):
            return self.log
        if (method, path) == ("GET", "/_control/state"):
            return {kind: list(items.values()) for kind, items in self.store.items.items()}
        raise Refused({"detail": "Not found."}, 404)

    def _tokens(self, method: str, identity: str | None, headers: Mapping[str, str]) -> tuple[int, Any]:
        scheme, _space, value = headers.get("Authorization", "").partition(" ")
        user, _colon, password = base64.b64decode(value).decode().partition(":") if scheme == "Basic" else ("", "", "")
        if not user or USERS.get(user) != password:
            raise Refused({"detail": "Invalid username/password."}, 401)
        if method == "DELETE" and identity:
            self.tokens = {token: known for token, known in self.tokens.items() if known[0] != int(identity)}
            return 204, None
        token = secrets.token_hex(15)
        number = 1 + max((known[0] for known in self.tokens.values()), default=0)
        self.tokens[token] = (number, user)
        return 201, {"id": number, "token": token}

    def _authorize(self, method: str, headers: Mapping[str, str]) -> None:
        scheme, _space, value = headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or value not in self.tokens:
            raise Refused({"detail": "Authentication credentials were not provided."}, 401)
        if method != "GET" and self.tokens[value][1] in _READERS:
            raise Refused({"detail": "You do not have permission to perform this action."}, 403)

    def _list(self, method: str, kind: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if method == "POST" and kind in KINDS and kind not in ("workflow_approval_templates", "project_updates"):
            return 201, self._shown(kind, self.store.make(kind, body))
        if method != "GET" or (kind not in KINDS and kind != "unified_job_templates"):
            raise Refused({"detail": 'Method "%s" not allowed.' % method}, 405)
        return 200, self._page(kind, query)

    def _page(self, kind: str, query: dict[str, str]) -> dict[str, Any]:
        page, size = int(query.pop("page", 1)), int(query.pop("page_size", _PAGE))
        found = self.store.listed(kind, query)
        more = len(found) > page * size
        rest = "&".join("%s=%s" % pair for pair in {**query, "page": page + 1, "page_size": size}.items())
        return {
            "count": len(found),
            "next": "%s%s/?%s" % (API, kind, rest) if more else None,
            "previous": None,
            "results": [self._shown(item["_kind"], item) for item in found[(page - 1) * size : page * size]],
        }

    def _detail(self, method: str, kind: str, item: dict[str, Any], body: Any) -> tuple[int, Any]:
        if method == "PATCH":
            self.store.change(kind, item, body)
        elif method == "DELETE":
            self.store.remove(kind, item)
            return 204, None
        elif method != "GET":
            raise Refused({"detail": 'Method "%s" not allowed.' % method}, 405)
        if kind == "project_updates":
            self.store.go_on(item)
        return 200, self._shown(kind, item)

    def _part(self, method: str, kind: str, item: dict[str, Any], part: str, body: Any) -> tuple[int, Any]:
        if part == "survey_spec" and "survey_spec" in item:
            if method == "POST":
                rules.check_survey(body)
                item["survey_spec"] = body
            elif method == "DELETE":
                item["survey_spec"] = {}
            return 200, item["survey_spec"] if method == "GET" else {}
        if part == "create_approval_template" and method == "POST":
            return 201, self._shown("workflow_approval_templates", self.store.approval(item, body))
        if part not in KINDS[kind].relations:
            raise Refused({"detail": "Not found."}, 404)
        if method == "POST":
            self.store.relate(kind, item, part, body)
            return 204, None
        related = KINDS[kind].relations[part]
        found = [self._shown(related, self.store.find(related, each)) for each in item[part]]
        return 200, {"count": len(found), "next": None, "previous": None, "results": found}

    def _shown(self, kind: str, item: Mapping[str, Any]) -> dict[str, Any]:
        shown = {name: copy.deepcopy(value) for name, value in item.items() if name not in _HIDDEN}
        url = "%s%s/%d/" % (API, kind, item["id"])
        related = {relation: url + relation + "/" for relation in KINDS[kind].relations}
        if "survey_spec" in item:
            related["survey_spec"] = url + "survey_spec/"
        if kind == "workflow_job_template_nodes" and item["unified_job_template"] is not None:
            template = self.store.find("unified_job_templates", item["unified_job_template"])
            related["unified_job_template"] = "%s%s/%d/" % (API, template["_kind"], template["id"])
        if kind == "credentials":
            hidden = self.store.secrets_of(item)
            shown["inputs"] = {name: ENCRYPTED if name in hidden else value for name, value in shown["inputs"].items()}
        summary = {}
        if "_update" in item:
            summary["current_update"] = {"id": item["_update"]}
        if kind == "projects":
            shown["scm_revision"] = ""
        return {**shown, "url": url, "related": related, "summary_fields": summary}


class Handler(BaseHTTPRequestHandler):
    """Hands requests to the API."""

    protocol_version = "HTTP/1.1"
    api: Api

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            body = None
        if not isinstance(body, dict):
            status, answer = 400, {"detail": "JSON parse error"}
        else:
            with self.api.lock:
                status, answer = self.api.answer(self.command, self.path, self.headers, body)
        data = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-API-Product-Name", "AWX")
        self.send_header("X-API-Product-Version", "24.6.1")
        self.end_headers()
        self.wfile.write(data)

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
