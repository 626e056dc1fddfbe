# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The log-in: what is sent, and what its answer says (the vendor's page "Authentication")."""

from __future__ import annotations

import re
from typing import Any

from ..errors import ConnectionLost, ServerError
from .answers import is_page
from .cookies import Untaken
from .http import Repeat, Transport

LOGIN_MODES = {"standard": 1, "ldap": 16, "anonymous": 8, "api_token": 4096}
TOKEN_HEADER = "X-MSTR-AuthToken"
# The language of messages, because some are compared. Else it is that of the user's profile.
_LANGUAGE = {"messagesLocale": "en_us"}
# Words of a message that is about who logs in, not about the request.
_WRONG_USER = re.compile(r"log-?\s?in|password|credential|user\b", re.IGNORECASE)
# Without its token nobody can log the session out.
_ORPHAN = "It may have opened a session all the same, which stays until the server ends it."


def log_in(
    transport: Transport, login_mode: str, username: str | None, password: str | None, api_token: str | None
) -> tuple[str, list[Untaken]]:
    """Log in, and return the token of the session, and the cookies that the client would not send back.

    Args:
        transport: The HTTP session with the server.
        login_mode: One of ``LOGIN_MODES``.
        username: The user's name, for standard and ldap.
        password: The user's password, for standard and ldap.
        api_token: The API token, for api_token.

    Raises:
        MigrationError: There is no session then, or one that cannot be used.
    """
    body: dict[str, Any] = {"loginMode": LOGIN_MODES[login_mode]}
    if login_mode == "api_token":
        # The token goes where the name would (mstrio-py, login mode 4096).
        body["username"] = api_token
    elif login_mode != "anonymous":
        body.update(username=username, password=password)
    transport.hide(password, api_token)
    try:
        response = _send(transport, body)
    except ConnectionLost as error:
        if error.sent and not error.hopeless:
            error.message += " " + _ORPHAN
        raise
    except ServerError as error:
        if error.status >= 500 and "retry_after" not in error.details:
            error.message += " " + _ORPHAN
        if error.status == 401 and password == "" and login_mode in ("standard", "ldap"):
            error.message += " The password that was given is empty."
        raise
    token = response.headers.get(TOKEN_HEADER)
    if not token:
        # Something before the server made the page; the server has not seen the log-in then.
        orphan = "" if is_page(response) and response.content else " " + _ORPHAN
        raise ServerError(
            "log in: the server answered %d without the header %s. It may be a sign-in page or a proxy; check "
            "base_url.%s" % (response.status_code, TOKEN_HEADER, orphan),
            response.status_code,
        )
    return str(token), transport.untaken_cookies(response)


def _send(transport: Transport, body: dict[str, Any]) -> Any:
    """Send the log-in; to a server that does not know the field for the language, a second time without it.

    mstrio-py sends these fields in every login mode.
    """

    def send(fields: dict[str, Any]) -> Any:
        return transport.request("POST", "/auth/login", "log in", repeat=Repeat.REFUSED, expect=(200, 204), body=fields)

    try:
        return send({**body, **_LANGUAGE})
    except ServerError as error:
        if not _may_be_an_unknown_field(error):
            raise
    return send(body)


def _may_be_an_unknown_field(error: ServerError) -> bool:
    """Return whether a log-in may have been refused because of a field that this version of the server does not know.

    mstrio-py knows the words ``constraint violations`` from servers that do not know its ``applicationType``.
    """
    # Never after a wrong password, whatever the status: accounts lock.
    if error.status == 401 or error.code == "ERR003" or _WRONG_USER.search(error.server_message or ""):
        return False
    return error.status == 400 or "constraint violation" in (error.server_message or "").lower()
