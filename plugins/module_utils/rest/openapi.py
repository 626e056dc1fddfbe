# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server's own OpenAPI file: which calls it has.

PyYAML is not needed where modules run. Of the file only the keys below ``paths`` are read, by their indentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_METHODS = frozenset(("get", "put", "post", "delete", "patch", "head", "options", "trace"))
_KEY = re.compile(
    r"(?P<indent> *)(?:'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|(?P<plain>[^\s#'\"](?:[^:]|:(?! |$))*?)) *:(?: |$)"
)
# Characters; no key is that long. What is no key may take time by the square of its length.
_LONGEST_KEY = 1000
_PARAMETER = re.compile(r"{[^}]*}")

# A method in upper case, and a path below ``/api`` with ``{}`` for each parameter.
CallKey = tuple[str, str]


def form_of(path: str) -> str:
    """Return a path as it is compared: without ``/api`` before it, and without the names of its parameters."""
    path = _PARAMETER.sub("{}", path).rstrip("/")
    return path[len("/api") :] if path.startswith("/api/") else path


def calls_of(lines: Iterable[str]) -> frozenset[CallKey]:
    """Return the calls that an OpenAPI file in YAML names; none where it is something else.

    Args:
        lines: Its lines.
    """
    found = set()
    below = False
    of_path = of_method = -1
    path = ""
    for line in lines:
        line = line.rstrip()
        match = _KEY.match(line.lstrip("\ufeff")[:_LONGEST_KEY])
        if match is None:
            # Neither a key of a path nor of a method; what a text says is indented deeper than both.
            continue
        indent, key = len(match["indent"]), match["single"] or match["double"] or match["plain"] or ""
        if indent == 0:
            below, of_path = key == "paths", -1
        elif below and of_path in (-1, indent):
            of_path, of_method, path = indent, -1, form_of(key)
        elif below and indent > of_path and of_method in (-1, indent):
            of_method = indent
            if key.lower() in _METHODS and path.startswith("/"):
                found.add((key.upper(), path))
    return frozenset(found)
