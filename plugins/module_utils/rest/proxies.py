# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proxy that the environment names, understood before anything is sent through it.

Left to the libraries, a value that is no URL ends in a message that quotes it, password and all.
"""

from __future__ import annotations

import base64
import importlib.util
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from ..errors import InputError
from ..support.text import is_secret

_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
# A name, an IPv4 address, or an IPv6 address in brackets; then a port, perhaps.
_PLACE = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\x00-\x20\x7f\[\]:@/?#\\]+)(?::([0-9]{0,6}))?\Z")
_HOW = (
    "Write it as http://user:password@proxy.example.com:3128, and in the user and the password %23 for #, %2F for /, "
    "%3F for ?, %40 for @, %3A for : and %25 for %. It is not shown here, because a password may be in it."
)


@dataclass(frozen=True)
class Proxy:
    """A proxy.

    Attributes:
        url: Its URL, as requests takes it.
        place: Its host and port, for messages.
        variable: The environment variable that names it.
        secrets: What must be in no message.
    """

    url: str
    place: str
    variable: str
    secrets: tuple[str, ...]


def find_proxy(scheme: str, proxies: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for URLs of a scheme, None for none.

    Args:
        scheme: ``http`` or ``https``.
        proxies: What the environment names, by scheme; ``all`` is for the others.

    Raises:
        InputError: What it names is no usable URL. The text has nothing of it.
    """
    for key in (scheme, "all"):
        value, name = proxies.get(key, ""), key + "_proxy"
        if value.strip():
            variable = next((each for each in (name, name.upper()) if os.environ.get(each) == value), name)
            return _parsed(value.strip(), variable)
    return None


def _parsed(value: str, variable: str) -> Proxy:
    match = _SCHEME.match(value)
    scheme = match.group(1).lower() if match else "http"
    rest = value[match.end() :] if match else value.lstrip("/")
    end = next((index for index, char in enumerate(rest) if char in "/?#"), len(rest))
    user_info, _at, place = rest[:end].rpartition("@")
    if scheme not in _SCHEMES:
        raise _unusable(variable, "its scheme is none of %s" % ", ".join(_SCHEMES))
    if "@" in rest[end:]:
        raise _unusable(variable, "a /, ? or # stands before its @")
    host, port = _host_and_port(place, variable)
    if scheme.startswith("socks") and importlib.util.find_spec("socks") is None:
        raise InputError(
            "%s: this environment variable names a SOCKS proxy, for which the Python package PySocks is missing where "
            "the modules run. Install it there (pip install PySocks), or name an HTTP proxy." % variable
        )
    login, secrets = _user_info(user_info, variable)
    place = "%s:%s" % (host, port) if port else host
    # Without a path, which means nothing for a proxy.
    return Proxy("%s://%s%s" % (scheme, login, place), place, variable, secrets)


def _host_and_port(place: str, variable: str) -> tuple[str, str]:
    match = _PLACE.match(place)
    host, port = (match.group(1), match.group(2) or "") if match else ("", "")
    if match is None or (port and not 0 < int(port) < 65536):
        raise _unusable(variable, _what_is_wrong(place))
    return host, port


def _what_is_wrong(place: str) -> str:
    name, _colon, port = place.rpartition(":")
    if not place or place.startswith(":"):
        return "it has no host"
    if "[" in place or ":" in name:
        return "an IPv6 address stands in brackets, and a port after them is a number from 1 to 65535"
    wrong_port = name and not (port.isdigit() and 0 < int(port[:6]) < 65536)
    return "its port is no number from 1 to 65535" if wrong_port else "its host is no name of a machine"


def _user_info(text: str, variable: str) -> tuple[str, tuple[str, ...]]:
    """Return a user and a password as a URL takes them, and all forms of what must be in no message."""
    if not text:
        return "", ()
    raw_user, colon, raw_password = text.partition(":")
    user, password = unquote(raw_user), unquote(raw_password)
    try:
        # As requests sends it.
        basic = base64.b64encode(("%s:%s" % (user, password)).encode("latin-1")).decode("ascii")
    except UnicodeEncodeError:
        why = "its user or password has a letter that proxies do not take (one outside Latin-1)"
        raise _unusable(variable, why) from None
    # A name alone may be a token.
    secrets = (raw_password, password) if colon else (raw_user, user) if is_secret(user) else ()
    # With the colon in any case: without it requests would send neither.
    return "%s:%s@" % (quote(user, safe=""), quote(password, safe="")), tuple(filter(None, (*secrets, basic)))


def _unusable(variable: str, why: str) -> InputError:
    return InputError("%s: the value of this environment variable is no URL of a proxy: %s. %s" % (variable, why, _HOW))
