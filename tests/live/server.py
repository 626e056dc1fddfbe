# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server under test: its address and who logs in, by the collection's own environment variables; plain calls."""

from __future__ import annotations

import re
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.mstr.migration.plugins.module_utils.errors import InputError, MigrationError
from ansible_collections.mstr.migration.plugins.module_utils.rest.client import Library
from ansible_collections.mstr.migration.plugins.module_utils.rest.http import Repeat, Transport
from ansible_collections.mstr.migration.plugins.module_utils.rest.login import LOGIN_MODES, TOKEN_HEADER
from ansible_collections.mstr.migration.plugins.module_utils.session.connection import (
    Credentials,
    base_url,
    connection_spec,
    secrets_of,
    transport_options,
)

PROJECT_HEADER = "X-MSTR-ProjectID"
ASYNC = {"Prefer": "respond-async"}
# No status is an error here, but that for too many requests, which says nothing of the call.
ANY = frozenset(range(200, 600)) - {429}
_CODE = re.compile(r"(ERR)0*(\d+)\Z|[0-9a-f]{8}\Z")
_WORD = re.compile(r"\w{1,30}\Z", re.ASCII)


class Live:
    """The server that the environment names.

    Attributes:
        project: What ``MSTR_PROJECT`` says, empty for nothing.

    Raises:
        InputError: The environment does not say which server, or who logs in.
    """

    def __init__(self) -> None:
        checked = ArgumentSpecValidator(connection_spec()).validate({})
        if checked.error_messages:
            raise InputError("; ".join(checked.error_messages))
        params = checked.validated_parameters
        self.options = transport_options(params, base_url(params, None), None)
        self.credentials = Credentials(params)
        self._secrets = secrets_of(params)
        self.project = str(params["project"] or "")
        self._open: list[Library] = []

    def library(self) -> Library:
        """Return a client that is not logged in."""
        library = Library(Transport(self.options))
        library.transport.hide(*self._secrets)
        return library

    def log_in(self) -> Library:
        """Return a client that is logged in, as the modules do it; ``close`` logs it out."""
        library, who = self.library(), self.credentials
        library.log_in(who.login_mode, who.username, who.password, who.api_token)
        self._open.append(library)
        return library

    def forget(self, library: Library) -> None:
        """Have ``close`` leave a session alone that is logged out already."""
        self._open.remove(library)

    def close(self) -> list[str]:
        """Log out of all sessions that are open. :returns: what could not be closed, in words"""
        left = []
        for library in self._open:
            try:
                library.log_out()
            except MigrationError as error:
                left.append(f"A session stays until the server ends it: {error.message}")
        self._open.clear()
        return left

    def log_in_fields(self, **more: Any) -> dict[str, Any]:
        """Return the body of a log-in with further fields."""
        who = self.credentials
        fields: dict[str, Any] = {"loginMode": LOGIN_MODES[who.login_mode], **more}
        if who.login_mode == "api_token":
            fields["username"] = who.api_token
        elif who.login_mode != "anonymous":
            fields.update(username=who.username, password=who.password)
        return fields

    def without_cookies(self, library: Library) -> Library:
        """Return a client that has the token of a session, and none of its cookies."""
        bare = self.library()
        bare.transport.headers[TOKEN_HEADER] = library.token
        return bare


def send(library: Library, method: str, path: str, project: str | None = None, **sent: Any) -> Any:
    """Send a request once, and return the answer, whatever its status."""
    headers = {**sent.pop("headers", {}), **({PROJECT_HEADER: project} if project else {})}
    return library.transport.request(
        method, path, "ask the server under test", repeat=Repeat.REFUSED, expect=ANY, headers=headers, **sent
    )


def error_of(response: Any) -> dict[str, Any]:
    """Return the error in an answer; empty where there is none."""
    try:
        body = response.json()
    except ValueError:
        return {}
    if isinstance(body, dict) and isinstance(body.get("errors"), list) and body["errors"]:
        body = body["errors"][0]
    return body if isinstance(body, dict) else {}


def answer_of(response: Any) -> str:
    """Return the status of an answer, with the server's code where it is an error."""
    code = str(error_of(response).get("code") or "") if response.status_code >= 400 else ""
    match = _CODE.match(code)
    if code and match is None:
        code = "another code"
    elif match is not None and match[1]:
        # ERR004 and ERR0004 are the same, and which of them it is is a point of its own.
        code = f"ERR{int(match[2]):03d}"
    return " ".join(part for part in (str(response.status_code), code) if part)


def word_of(response: Any) -> str:
    """Return the status word in an answer, as the server writes it; empty where there is none."""
    return word(error_of(response).get("status"))


def word(said: Any) -> str:
    """Return a word of the server; empty for what is none, and might name something."""
    return said if isinstance(said, str) and _WORD.match(said) else ""
