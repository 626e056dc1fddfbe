# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text from elsewhere, made fit for a message, a terminal or a file name."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from urllib.parse import urlsplit

# Controls, formats such as direction overrides, halves of surrogate pairs, what is not assigned, line separators.
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_NOT_ASCII = re.compile(r"[^\x00-\x7e]")
# What begins a page, or a piece of one. Not every "<": a message may compare numbers, or name "<Default>".
_PAGE = re.compile(r"<(?:!doctype|html|head|body|div|h[1-6]|p|b|br|pre|table)\b", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_UNSAFE_IN_NAME = re.compile(r"[^A-Za-z0-9._-]+")
# Characters of a file's name, and of a digest in one.
_LONGEST_NAME = 100
_DIGEST = 8
_OWN_PORTS = {"http": 80, "https": 443}
# Of an address that its name tells: every character of it is in the name, but for the slashes.
_PLAIN_HOST = re.compile(r"[a-z0-9.-]+\Z")
_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9.-]+)*\Z")
_LIKE_A_PORT = re.compile(r"/\d+(?:/|\Z)")
# Characters. A session cookie has 32; a load balancer's own words have fewer.
_SHORTEST_SECRET = 16


def is_secret(value: str) -> bool:
    """Return whether a cookie's value is to be kept out of all output.

    Cookies of load balancers are words such as ``1`` or ``node2``. Masked, they would blank out what is no secret. What
    opens a session is long, or it could be guessed.
    """
    return len(value) >= _SHORTEST_SECRET


def printable(text: object, limit: int = 300) -> str:
    """Return text for one line of a message or a terminal.

    Names and messages come from a server. Control characters, terminal escapes and direction overrides in them become
    escapes such as ``\\x1b``, line breaks become spaces.

    Args:
        text: What to show; anything that is not a string is converted.
        limit: Longest result in characters; what is longer is cut and ends in ``...``.
    """
    raw = str(text)
    # Cut first: a hostile answer can be megabytes long, and each character is looked at below.
    cut = raw[: limit * 2]
    out = []
    for char in cut:
        if char in "\r\n\t":
            out.append(" ")
        elif unicodedata.category(char) in _INVISIBLE:
            out.append(char.encode("unicode_escape").decode("ascii"))
        else:
            out.append(char)
    line = " ".join("".join(out).split())
    return line[: max(0, limit - 3)] + "..." if len(line) > limit or len(raw) > len(cut) else line


def columns(text: str) -> int:
    """Return how many columns a text takes in a terminal: letters of East Asian scripts take two, accents none."""
    if text.isascii():
        return len(text)
    return sum(_columns_of(char) for char in text)


def _columns_of(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def shortened(text: str, width: int) -> str:
    """Return a text that takes at most so many columns; what is longer is cut at its end, and ends in ``...``."""
    if columns(text) <= width:
        return text
    return _beginning(text, max(0, width - 3)) + "..."[: max(0, width)]


def shortened_path(path: str, width: int) -> str:
    """Return a path of folders that takes at most so many columns; what is longer lacks folders in its middle.

    The nearest folder, at the end, tells most; the first one tells the area. Where not even they fit, the path is cut
    within the names.
    """
    if columns(path) <= width:
        return path
    first, *others = path.strip("/").split("/")
    ends = ["/".join(others[index:]) for index in range(1, len(others))]
    for short in (*("/%s/.../%s" % (first, end) for end in ends), *(".../%s" % end for end in (*others[-1:],))):
        if columns(short) <= width:
            return short
    end = _beginning(path[::-1], max(0, width - 3) * 2 // 3)[::-1]
    return shortened(path, width - columns(end)) + end


def _beginning(text: str, width: int) -> str:
    taken = 0
    for index, char in enumerate(text):
        taken += _columns_of(char)
        if taken > width:
            return text[:index]
    return text


def folded(text: str, width: int) -> list[str]:
    """Return a text as lines of at most so many columns, at least one; broken between words where these are short."""
    lines = [""]
    for word in text.split():
        while columns(word) > width:
            piece = _beginning(word, width) or word[:1]
            lines.append(piece)
            word = word[len(piece) :]
        joined = ("%s %s" % (lines[-1], word)).strip()
        if columns(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(word)
    return [line for line in lines if line] or [""]


def without_tags(text: str) -> str:
    """Return text without the tags, where it is a page of HTML or a piece of one."""
    return _TAG.sub(" ", text) if _PAGE.search(text) else text


def readable_json(value: object) -> str:
    """Return JSON for people to read: indented, a line break at the end, letters of all scripts as they are.

    Characters that do not show, such as direction overrides, are escaped: what a reviewer sees is what is there.
    """

    def escaped(match: re.Match[str]) -> str:
        char = match.group()
        return json.dumps(char)[1:-1] if unicodedata.category(char) in _INVISIBLE else char

    return _NOT_ASCII.sub(escaped, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def file_name_part(text: str) -> str:
    """Return text made safe to be one component of a path: letters, digits and ``. _ -`` only.

    Never empty, never ``.`` or ``..``, never longer than 100 characters.
    """
    name = _UNSAFE_IN_NAME.sub("_", text).strip("._")[:_LONGEST_NAME]
    return name or "_"


def plain_environment_from_url(base_url: str) -> str:
    """Return host, port and path of a base URL, made safe for a file name. Several addresses may have the same.

    A port that is the scheme's own is left out, so that two spellings of one URL agree.
    """
    parts = urlsplit(base_url)
    port = "" if parts.port in (None, _OWN_PORTS.get(parts.scheme)) else "_%d" % parts.port
    return file_name_part((parts.hostname or "") + port + parts.path.rstrip("/"))


def environment_from_url(base_url: str) -> str:
    """Return the name of an environment that was given none: host, port and path of its base URL.

    Where that does not tell the address, because a character was lost or cut, a digest of it is added: no two addresses
    have one name. Only http and https of one host do, since as a rule one leads to the other.
    """
    name = plain_environment_from_url(base_url)
    parts = urlsplit(base_url)
    host, path = parts.hostname or "", parts.path.rstrip("/")
    port = parts.port or _OWN_PORTS.get(parts.scheme, 0)
    shown = "" if port == _OWN_PORTS.get(parts.scheme) else "_%d" % port
    # What the name is read back as: an underscore is a slash, and digits after the first one are a port.
    plain = _PLAIN_HOST.match(host) and _PLAIN_PATH.match(path) and (shown or not _LIKE_A_PORT.match(path))
    if plain and len(name) == len(host + shown + path):
        return name
    address = "%s://%s:%s%s" % (parts.scheme, host, port, path)
    digest = hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    return "%s-%s" % (name[: _LONGEST_NAME - _DIGEST - 1], digest)
