# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an error answer of the server says, and what to do about it.

The server answers with ``{code, message, ticketId, iServerCode}``, sometimes inside ``{"errors": [...]}``. A proxy, or
a sign-in page, answers without JSON at all (the vendor's page "Handle REST API errors").
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz
from typing import Any, Callable

from ..errors import ServerError
from ..support.text import printable, without_tags

# Codes of the Intelligence Server. A user has as many sessions as the server allows.
_TOO_MANY_SESSIONS = -2147072486
# The same as the modeling service says it, which gives no number of the Intelligence Server.
_TOO_MANY_SESSIONS_MODELING = "8004cb0a"
# No node has loaded the project; this comes with 404 as well.
_PROJECT_NOT_LOADED = -2147209151
# There is no such id, or object, in the metadata: 0x8004140B (MDSVR_E_NO_ID) and 0x80041414 (MDSVR_E_NO_OBJECT).
# Published clients test for the first one.
_ISERVER_NOT_FOUND = frozenset((-2147216373, -2147216364))
_OBJECT_NOT_FOUND = re.compile(
    # The object, by its id and type perhaps, and nothing else in between: other things are not found as well.
    r"\bobject(?: with [^.:;]{0,200}?| '?[0-9A-F]{4,32}'?)?"
    r" (?:(?:is |was |could |cannot |can )?not (?:be )?found|cannot be found|does not exist)\b",
    re.IGNORECASE,
)
# How many parts of an error are shown: there can be one for each object of a package.
_SHOWN_PARTS = 5
# Bytes. A text of megabytes is still read for its code; what is longer is no answer of this server.
_LONGEST_BODY = 8 * 1024 * 1024
# Seconds after which a server is asked again, also where it asks to wait longer.
LONGEST_PAUSE = 60.0
_WEB_PAGE = ("text/html", "application/xhtml+xml")
# The headers by which gateways name a limit of the client.
_LIMIT_HEADERS = ("Retry-After", "RateLimit-Limit", "RateLimit-Policy", "X-RateLimit-Limit")


def media_type(response: Any) -> str:
    """Return the content type of an answer, in lower case and without parameters."""
    return str(response.headers.get("Content-Type", "")).partition(";")[0].strip().lower()


def is_page(response: Any) -> bool:
    """Return whether an answer says that it is a web page."""
    return media_type(response) in _WEB_PAGE


@dataclass(frozen=True)
class _Refusal:
    """What an error answer says of itself, cleaned for a message."""

    code: str | None = None
    iserver_code: int | None = None
    message: str | None = None
    ticket_id: str | None = None
    parts: tuple[str, ...] = ()


def refused(response: Any, step: str, masked: Callable[[str], str] = str) -> ServerError:
    """Return the error for an answer with an unexpected status.

    Args:
        response: The answer.
        step: What the request was a part of, for the message.
        masked: Returns a text without the secrets that the client has sent.
    """
    try:
        said = _read_refusal(response, masked)
    except OSError:
        # The answer breaks off: what requests raises then is an OSError, too.
        said = _Refusal()
    status = response.status_code
    text = "%s: the server answered %d" % (step, status)
    if said.message:
        text += ": %s" % said.message.rstrip(".")
    if said.parts:
        text += ": %s" % "; ".join(said.parts)
    numbers = {"code": said.code, "iServerCode": said.iserver_code, "ticketId": said.ticket_id}
    known = ["%s %s" % (name, value) for name, value in numbers.items() if value is not None]
    text += " (%s)." % ", ".join(known) if known else "."
    if is_refused_for_now(response) and said.iserver_code != _TOO_MANY_SESSIONS:
        text += " " + _limit(response, masked)
    elif advice := _advice(status, said):
        text += " " + advice
    return ServerError(
        text,
        status,
        code=said.code,
        iserver_code=said.iserver_code,
        server_message=said.message,
        ticket_id=said.ticket_id,
    )


def _advice(status: int, said: _Refusal) -> str:
    """Return what to do about an error answer; empty where there is nothing sure to say."""
    if said.iserver_code == _TOO_MANY_SESSIONS:
        return (
            "The user has as many sessions as the server allows. Log out others of this user, let them end, give this "
            "job a user of its own, or raise the limit of sessions; it is not tried again."
        )
    if said.iserver_code == _PROJECT_NOT_LOADED:
        return "The project is not loaded on any node of the server; load it."
    if status == 401 and said.code == "ERR003":
        return (
            "Check username, password and login_mode, or the api_token; it is not tried again, because accounts lock."
        )
    if status == 401:
        return "The session is not, or no longer, valid: log in again (mstr_session state present)."
    if status == 403:
        return "Check the user's privileges: Create package, Import (Apply) package, and access to the project."
    if says_no_such_call(status, said.message):
        return "This version of the server does not have this call, or base_url is not that of the Library server."
    if status == 407:
        return "The proxy asks for a user and a password: put them into its URL in the environment."
    if status == 413:
        return "The upload is larger than the server, or a proxy before it, takes; raise that limit."
    if said.message is None:
        return (
            "The answer is no JSON: it may come from a proxy or another application; check base_url (mstr_base_url of "
            "the role), which is what stands before /app when Library is open in a browser."
        )
    return ""


def _limit(response: Any, masked: Callable[[str], str]) -> str:
    """Return what a refusal for now says of the limit that was reached."""
    given = ((name, response.headers.get(name, "").strip()) for name in _LIMIT_HEADERS)
    said = ["%s: %s" % (name, printable(masked(value), 60)) for name, value in given if value]
    if response.status_code == 429:
        text = "The server, or a gateway before it, limits how often it is asked"
    else:
        text = "The server, or what is before it, takes no requests for now"
    return text + (" (%s)." % ", ".join(said) if said else ".")


def given_up(status: int, seconds: float, timeout: float) -> str:
    """Return what to add to a refusal for now that is given up.

    Args:
        status: Its HTTP status.
        seconds: For how long nothing got through.
        timeout: The option of that name.
    """
    if status == 429:
        way_out = "Have that limit raised for this client, let fewer jobs run at once, or raise timeout."
    else:
        way_out = "Try again when it takes requests, or raise timeout."
    text = "For %.3g s no request got through, however slowly they came (timeout: %g s). %s"
    return text % (seconds, timeout, way_out)


def is_refused_for_now(response: Any) -> bool:
    """Return whether an answer plainly says that the request was not acted on, and may come again later."""
    return response.status_code == 429 or (response.status_code == 503 and retry_after(response) is not None)


def retry_after(response: Any) -> float | None:
    """Return the seconds that a ``Retry-After`` header names; None where there is no usable one."""
    value = response.headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        return max(0.0, float(value)) if float(value) < 1e6 else LONGEST_PAUSE
    except ValueError:
        # A date, by the server's clock; a second where it is none.
        end, start = timestamp(value), timestamp(response.headers.get("Date", ""))
        return 1.0 if end is None or start is None else min(max(0.0, end - start), LONGEST_PAUSE)


def timestamp(date: str) -> float | None:
    """Return a date of a header as seconds since 1970, None where it is none."""
    try:
        parts = parsedate_tz(date)
        return None if parts is None else float(mktime_tz(parts))
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def _integer_or_none(value: Any) -> int | None:
    """Return an ``iServerCode``, which comes as a number or as its digits."""
    if isinstance(value, bool):
        return None
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _read_refusal(response: Any, masked: Callable[[str], str]) -> _Refusal:
    raw = bytearray()
    for chunk in response.iter_content(1 << 16):
        raw += chunk
        if len(raw) > _LONGEST_BODY:
            break
    try:
        document = json.loads(raw.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return _Refusal()
    if isinstance(document, dict) and isinstance(document.get("errors"), list) and document["errors"]:
        document = document["errors"][0]
    if not isinstance(document, dict):
        return _Refusal()
    code, message, ticket = document.get("code"), document.get("message"), document.get("ticketId")
    number = _integer_or_none(document.get("iServerCode"))
    if number is None and str(code).lower() == _TOO_MANY_SESSIONS_MODELING:
        number = _TOO_MANY_SESSIONS
    return _Refusal(
        code=printable(masked(str(code)), 40) if code else None,
        iserver_code=number,
        # Masked first: half of a secret that is cut off would not be found.
        message=printable(without_tags(masked(str(message))), 500) if message else None,
        ticket_id=printable(masked(str(ticket)), 80) if ticket else None,
        parts=error_parts(document.get("subErrors"), masked),
    )


def error_parts(errors: Any, masked: Callable[[str], str] = str) -> tuple[str, ...]:
    """Return the parts of an error in words: ``subErrors`` name the objects that it is about.

    Each is ``{message, iServerCode, additionalProperties: {objectId, objectName}}``, and none of it need be there.
    """
    found = []
    for error in errors if isinstance(errors, list) else ():
        if not isinstance(error, dict):
            continue
        about = error.get("additionalProperties")
        about = about if isinstance(about, dict) else {}
        name, number = about.get("objectName"), about.get("objectId")
        words = ["object %s" % number] if number else []
        words += ['"%s"' % name] if name else []
        message, code = error.get("message"), _integer_or_none(error.get("iServerCode"))
        said = [str(message).rstrip(".")] if message else []
        said += ["iServerCode %d" % code] if code is not None else []
        text = ": ".join(part for part in (" ".join(words), ", ".join(said)) if part)
        if text:
            found.append(printable(without_tags(masked(text)), 200))
    more = len(found) - _SHOWN_PARTS
    return (*found[:_SHOWN_PARTS], *(["and %d more" % more] if more > 0 else []))


def is_hopeless(error: ServerError) -> bool:
    """Return whether the same request would be refused again: another attempt makes it worse, or changes nothing."""
    return error.iserver_code == _TOO_MANY_SESSIONS


def says_no_such_call(status: int, message: str | None) -> bool:
    """Return whether an error says that this version of the server does not have the call (as mstrio-py reads it)."""
    return status == 405 or (status == 404 and (message or "").strip().rstrip(".") == "HTTP 404 Not Found")


def says_not_found(error: ServerError) -> bool:
    """Return whether an error clearly says that the thing asked for does not exist.

    404 with ``ERR004``; some versions answer 500 (or 400) and say so in ``iServerCode`` or in the message.
    Every other error says nothing about the thing.
    """
    if error.iserver_code == _PROJECT_NOT_LOADED:
        # Its objects are there; nobody can look.
        return False
    if error.status == 404 and error.code == "ERR004":
        return not says_no_such_call(error.status, error.server_message)
    if error.status in (400, 404, 500) and error.iserver_code in _ISERVER_NOT_FOUND:
        return True
    return error.status == 500 and bool(_OBJECT_NOT_FOUND.search(error.server_message or ""))
