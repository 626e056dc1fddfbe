# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cookies of a session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

try:
    from requests.cookies import RequestsCookieJar
except ImportError:
    # Told to the user where the transport is imported; here it must only be possible to read on.
    RequestsCookieJar = object  # type: ignore[assignment,misc]


class SharedCookies(RequestsCookieJar):
    """Cookies that can be gone through while the answers to other threads bring some or take them away.

    requests goes through them for each request. Before Python 3.11 one that goes meanwhile leaves None in its place.
    """

    def __iter__(self) -> Iterator[Any]:
        # Whoever puts a cookie in holds it, too.
        with self._cookies_lock:  # type: ignore[attr-defined]
            return iter(list(super().__iter__()))


def as_data(jar: Any) -> list[dict[str, Any]]:
    """Return cookies as plain data, for ``put_in``."""
    return [
        {
            "name": cookie.name,
            "value": cookie.value,
            "domain": cookie.domain,
            "path": cookie.path,
            "secure": cookie.secure,
        }
        for cookie in jar
    ]


def put_in(jar: Any, cookies: Iterable[Mapping[str, Any]]) -> None:
    """Put cookies in that ``as_data`` returned earlier."""
    for cookie in cookies:
        jar.set(
            cookie["name"],
            cookie["value"],
            domain=cookie["domain"],
            path=cookie["path"],
            secure=cookie["secure"],
        )
