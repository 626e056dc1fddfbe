# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cookies of a session, and those of a log-in that this client would not send back.

Token and cookies of the log-in go together (the vendor's page "Authentication"). http.cookiejar drops a cookie without
a word where its attributes do not fit the address, or this machine's clock.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..support.text import printable
from .answers import timestamp

try:
    from requests import Request
    from requests.cookies import RequestsCookieJar, get_cookie_header
except ImportError:
    # ``http`` keeps what the user is told; here it must only be possible to import.
    RequestsCookieJar = object  # type: ignore[assignment,misc]


# What is kept of a cookie in a session file.
_KEPT = ("name", "value", "domain", "path", "secure")


class SharedCookies(RequestsCookieJar):
    """Cookies that can be gone through, as requests does each time, while answers to other threads change them.

    Before Python 3.11 one that goes meanwhile leaves None in its place.
    """

    def __iter__(self) -> Iterator[Any]:
        # Whoever puts a cookie in holds it, too.
        with self._cookies_lock:  # type: ignore[attr-defined]
            return iter(list(super().__iter__()))


def as_data(jar: Any) -> list[dict[str, Any]]:
    """Return cookies as plain data, for ``put_in``."""
    return [{name: getattr(cookie, name) for name in _KEPT} for cookie in jar]


def put_in(jar: Any, cookies: Iterable[Mapping[str, Any]]) -> None:
    """Put cookies in that ``as_data`` returned earlier."""
    for cookie in cookies:
        jar.set(**{name: cookie[name] for name in _KEPT})


@dataclass(frozen=True)
class Untaken:
    """A cookie that the server set and that does not go back to it.

    Attributes:
        name: Its name.
        value: Its value.
        why: Why it does not, and what to do, in words.
    """

    name: str
    value: str
    why: str


@dataclass(frozen=True)
class _Set:
    """A cookie as a ``Set-Cookie`` header has it; names of attributes are in lower case."""

    name: str
    value: str
    attributes: dict[str, str]


def untaken_cookies(response: Any, jar: Any, base_url: str) -> list[Untaken]:
    """Return the cookies of an answer that requests to the API do not carry, although the server did not delete them.

    Args:
        response: The answer, of which the jar has been told.
        jar: The session's cookies.
        base_url: Where the API is.
    """
    # By their names: where one is set twice, the last one counts.
    cookies = {cookie.name: cookie for cookie in map(_parsed, response.raw.headers.getlist("Set-Cookie"))}
    date = timestamp(response.headers.get("Date", ""))
    sent = set(cookie_header(jar, base_url).split("; "))
    return [
        Untaken(cookie.name, cookie.value, _why_not(cookie, base_url, urlsplit(response.url).path, date))
        for cookie in cookies.values()
        if cookie.name and "%s=%s" % (cookie.name, cookie.value) not in sent and not _is_deletion(cookie, date)
    ]


def cookie_header(jar: Any, base_url: str, untaken: list[Untaken] | None = None) -> str:
    """Return the header ``Cookie`` of a request to the API.

    Args:
        jar: The session's cookies.
        base_url: Where the API is.
        untaken: Cookies to send all the same.
    """
    sent = get_cookie_header(jar, Request("GET", base_url + "/api/sessions")) or ""  # type: ignore[no-untyped-call]
    if not untaken:
        return str(sent)
    names = {cookie.name for cookie in untaken}
    others = [pair for pair in sent.split("; ") if pair and pair.partition("=")[0] not in names]
    return "; ".join([*("%s=%s" % (cookie.name, cookie.value) for cookie in untaken), *others])


def _parsed(header: str) -> _Set:
    pair, *rest = header.split(";")
    name, has_value, value = pair.partition("=")
    attributes: dict[str, str] = {}
    for attribute in rest:
        key, _equals, text = attribute.partition("=")
        # http.cookiejar takes the first.
        attributes.setdefault(key.strip().lower(), text.strip().strip('"'))
    return _Set(name.strip() if has_value else "", value.strip(), attributes)


def _is_deletion(cookie: _Set, date: float | None) -> bool:
    """Return whether the server itself took the cookie away, by its own clock."""
    if not cookie.value.strip('"'):
        return True
    age = _max_age(cookie)
    if age is not None:
        return age <= 0
    expires = timestamp(cookie.attributes.get("expires", ""))
    return expires is not None and date is not None and expires <= date


def _max_age(cookie: _Set) -> int | None:
    try:
        return int(cookie.attributes.get("max-age", ""))
    except ValueError:
        return None


def _why_not(cookie: _Set, base_url: str, asked_path: str, date: float | None) -> str:
    """Return why a cookie of the answer to a request does not go back, and what to do about it."""
    parts = urlsplit(base_url)
    host, attributes = (parts.hostname or "").lower(), cookie.attributes
    domain = attributes.get("domain", "").lstrip(".").lower()
    if "secure" in attributes and parts.scheme != "https":
        return "it is marked Secure, and base_url is http. Use https in base_url"
    if domain and domain != host and not host.endswith("." + domain):
        return "it is for Domain=%s, and the host of base_url is %s. Name the server in base_url by that domain" % (
            printable(domain, 100),
            printable(host, 100),
        )
    path = attributes.get("path", "")
    if not path.startswith("/"):
        path = asked_path.rpartition("/")[0] or "/"
        if not _is_below(parts.path + "/api/sessions", path):
            return (
                "it has no Path, so that it is for %s alone. Have the server, or what is before it, set one"
                % printable(path, 100)
            )
    elif not _is_below(parts.path + "/api/sessions", path):
        return "it is for Path=%s, and the path of base_url is %s. Write base_url as the server names itself" % (
            printable(path, 100),
            printable(parts.path or "/", 100),
        )
    expires, now = timestamp(attributes.get("expires", "")), time.time()
    if _max_age(cookie) is None and expires is not None and expires <= now:
        ahead = "" if date is None else ", which is %d s ahead of the server's (header Date)" % (now - date)
        return "its Expires has passed by the clock of this machine%s. Set that clock right" % ahead
    if domain and "." not in domain:
        return "its Domain=%s has no dot, which Python does not take. Use the full name of the host" % printable(domain)
    return "Python's rules for cookies do not take it. Look at its attributes (%s)" % printable(
        ", ".join(filter(None, sorted(attributes))) or "none", 100
    )


def _is_below(path: str, cookie_path: str) -> bool:
    """Return whether a path is one for which a cookie is (RFC 6265, 5.1.4)."""
    return path == cookie_path or path.startswith(cookie_path if cookie_path.endswith("/") else cookie_path + "/")
