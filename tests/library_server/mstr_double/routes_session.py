# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server status, login, session, logout."""

from __future__ import annotations

import hmac
import json
import time
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl

from mstr_double import errors
from mstr_double.errors import LOGIN_FAILED, ApiError, invalid_input
from mstr_double.reply import Reply
from mstr_double.server import Call
from mstr_double.sessions import BALANCER_COOKIE, BALANCER_VALUE, SESSION_COOKIE
from mstr_double.store import User

STANDARD, ANONYMOUS, LDAP, API_TOKEN = 1, 8, 16, 4096
# The application type of Python programs, which older servers do not know.
PYTHON_APPLICATION = "76"
STATUS_REFUSED = {
    401: errors.session_invalid,
    403: lambda: errors.ApiError(403, "ERR014", "You do not have the privilege(s) to perform the task."),
    404: errors.no_such_call,
}


async def get_status(call: Call) -> Reply:
    settings = call.server.settings
    if settings.status_refused is not None:
        raise STATUS_REFUSED[settings.status_refused]()
    return Reply(200, json={"webVersion": settings.web_version, "iServerVersion": settings.iserver_version})


async def login(call: Call) -> Reply:
    """Log in with a JSON body, or with a form as the vendor's Python client does; unknown fields are ignored."""
    fields = _login_fields(await call.read(), call.request.content_type)
    # An optional field in every login mode. All messages of the double are English.
    call.entry["messages_locale"] = fields.get("messagesLocale")
    try:
        mode = int(fields.get("loginMode", STANDARD))
    except (TypeError, ValueError):
        raise invalid_input("The login mode is not valid.") from None
    if str(fields.get("applicationType")) == PYTHON_APPLICATION and not call.server.settings.python_application:
        raise invalid_input("Invalid request: constraint violations: applicationType.")
    user = _find_user(call, mode, str(fields.get("username", "")), str(fields.get("password", "")))
    if user is None:
        call.server.sessions.refused_logins += 1
        raise ApiError(401, "ERR003", "Login failed", LOGIN_FAILED)
    session = call.server.sessions.open(user)
    call.attach(session)
    offset = call.server.settings.clock_offset
    return Reply(
        204,
        headers=[
            ("X-MSTR-AuthToken", session.token),
            ("Set-Cookie", f"{SESSION_COOKIE}={session.cookie}; {_session_cookie_attributes(call)}"),
            ("Set-Cookie", f"{BALANCER_COOKIE}={BALANCER_VALUE}; Path=/"),
            *(("Set-Cookie", f"{cookie}; Path=/") for cookie in call.server.settings.balancer_cookies),
            *([("Date", formatdate(time.time() + offset, usegmt=True))] if offset else []),
        ],
    )


def _session_cookie_attributes(call: Call) -> str:
    given = call.server.settings.session_cookie_attributes
    if given is None:
        return "Path=/MicroStrategyLibrary; HttpOnly" + ("; Secure" if call.request.secure else "")
    return given if "path=" in given.lower() else f"Path=/MicroStrategyLibrary; {given}"


def _login_fields(body: bytes, content_type: str) -> dict[str, Any]:
    if content_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        fields = json.loads(body)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise invalid_input("Invalid JSON")
    return fields


def _find_user(call: Call, mode: int, username: str, password: str) -> User | None:
    """The user whom the credentials belong to. LDAP is the same check, for users marked so in the seed."""
    users = call.server.store.users
    if mode == API_TOKEN:
        return next((user for user in users if user.api_token and _same(user.api_token, username)), None)
    if mode == ANONYMOUS:
        return next((user for user in users if user.anonymous), None) if call.server.settings.anonymous else None
    if mode not in (STANDARD, LDAP):
        raise invalid_input("The login mode is not valid.")
    for user in users:
        if user.username == username and user.password is not None and user.ldap == (mode == LDAP):
            return user if _same(user.password, password) else None
    return None


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8"), other.encode("utf-8"))


async def get_session(call: Call) -> Reply:
    timeout = int(call.server.settings.session_timeout)
    return Reply(200, json={"locale": 1033, "maxSearch": 3, "timeout": timeout, "workingSet": 10})


async def renew_session(_call: Call) -> Reply:
    """Being asked is what renews a session."""
    return Reply(204)


async def logout(call: Call) -> Reply:
    call.server.sessions.drop(call.session)
    call.server.sessions.logouts += 1
    return Reply(204)
