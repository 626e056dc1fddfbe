# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the server is, how to reach it, and where it may lead a request to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from ..errors import InputError, ServerError
from ..support.text import printable

# Characters on which parsers of URLs disagree about where the host ends.
_AMBIGUOUS = re.compile(r"[\\\x00-\x20\x7f]")
# Where Library is open in a browser. An application whose own path is /app is not meant.
_OF_BROWSER = re.compile(r"//[^/]+/.+/app\Z")


@dataclass(frozen=True)
class TransportOptions:
    """How to reach the server.

    Attributes:
        base_url: ``https://host/MicroStrategyLibrary``, without a trailing slash.
        validate_certs: Whether the server's certificate is checked.
        ca_path: A file or directory of CA certificates; None for the environment's or the system's.
        client_cert: A client certificate (PEM), or None.
        client_key: Its key (PEM), None where the certificate's file holds it.
        timeout: Seconds to connect, and the longest silence within a request.
        retries: How often a request is sent again where that is safe. One that is refused for now is given up by time
            instead: see Pace.
    """

    base_url: str
    validate_certs: bool = True
    ca_path: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    timeout: float = 60.0
    retries: int = 3


def normalise_base_url(url: str, option: str = "base_url") -> str:
    """Return a base URL without a trailing ``/`` or ``/api``, and without the ``/app`` of a browser.

    Args:
        url: The URL as it is given.
        option: The option that gives it.

    Raises:
        InputError: It is no http or https URL, or it carries a user, a query or a fragment.
    """
    stripped = url.strip().rstrip("/")
    if stripped.endswith("/api") or _OF_BROWSER.search(stripped):
        stripped = stripped[: -len("/api")].rstrip("/")
    try:
        parts = urlsplit(stripped)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        port_is_fine, parts = False, urlsplit("")
    if not port_is_fine or parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(
            # Without its user and password.
            "%s: %s is not a URL such as https://host/MicroStrategyLibrary."
            % (option, printable(url.rsplit("@", 1)[-1], 200))
        )
    if parts.username is not None or parts.password is not None:
        raise InputError("%s: a user or password in the URL would be logged; use username and password." % option)
    # Also where nothing follows them.
    if "?" in stripped or "#" in stripped:
        raise InputError("%s: leave out everything from the ? or # on." % option)
    return stripped


def same_base_url(one: str, other: str) -> bool:
    """Return whether two normalised base URLs lead to the same place (case of scheme and host, default port)."""
    try:
        return _origin(one) == _origin(other) and urlsplit(one).path == urlsplit(other).path
    except ValueError:
        # What is no address is nowhere.
        return False


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    return (parts.scheme, (parts.hostname or "").lower(), port)


def _same_origin(target: str, base_url: str) -> bool:
    """Return whether a redirect stays with the server; what two parsers could read differently does not."""
    try:
        return (
            not _AMBIGUOUS.search(target)
            and "@" not in urlsplit(target).netloc
            and _origin(target) == _origin(base_url)
        )
    except ValueError:
        return False


def redirected(response: Any, method: str, url: str, base_url: str, step: str) -> str:
    """Return where a redirect leads, if the session's token may follow it there.

    Args:
        response: The answer that redirects.
        method: The method of the request.
        url: What was asked for.
        base_url: Where the server is.
        step: What the request is a part of.

    Raises:
        ServerError: It may not.
    """
    location: str = response.headers.get("Location", "")
    try:
        target = urljoin(url, location)
    except ValueError:
        # It is no address at all.
        target = location
    shown = printable(target.split("?", 1)[0], 200)
    if not _same_origin(target, base_url):
        raise ServerError(
            "%s: the server redirects to %s, which is another origin than base_url; this is refused, because "
            "the session's token would go there. If it is right, set base_url to it." % (step, shown),
            response.status_code,
        )
    if method not in ("GET", "HEAD"):
        raise ServerError(
            "%s: the server redirects a %s to %s. Set base_url to the address that answers without a redirect."
            % (step, method, shown),
            response.status_code,
        )
    return target
