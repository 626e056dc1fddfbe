# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A definition as text, which is another one only where the object is, and how two such texts differ."""

from __future__ import annotations

import contextlib
import difflib
import json
from collections.abc import Mapping
from typing import Any

from ..support.text import printable, readable_json

# What differs between two servers, or two days, though the object is the same: anywhere, and in what is said of it.
_VOLATILE = frozenset(("dateCreated", "dateModified", "versionId"))
_OF_INFORMATION = frozenset(("path", "acg", "acl", "owner"))
INDENT = 4 * " "
# Columns of a line of a definition.
_WIDEST = 110


def normalised(definition: Mapping[str, Any]) -> str:
    """Return a definition as text: JSON, keys sorted, a value a line. Lists keep their order, which may mean something.

    Raises:
        RecursionError: It is nested too deeply.
    """
    found = _without(definition)
    about = found.get("information")
    if isinstance(about, dict):
        found["information"] = {name: value for name, value in about.items() if name not in _OF_INFORMATION}
    return readable_json(found)


def _without(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without(value[name]) for name in sorted(value) if name not in _VOLATILE}
    return [_without(part) for part in value] if isinstance(value, list) else value


def subtype_in(text: str | None) -> str | None:
    """Return the subtype that a definition's text names, None for none."""
    with contextlib.suppress(ValueError, LookupError, TypeError, RecursionError):
        return str(json.loads(text or "")["information"]["subType"])
    return None


def difference(old: str | None, new: str | None, most: int) -> list[str]:
    """Return the lines by which two definitions differ, for people, with one line around them.

    Args:
        old: The one; None where there is none.
        new: The other.
        most: How many lines at most; one more says how many were left out.
    """
    if old is None or new is None or old == new:
        return []
    found = list(difflib.unified_diff(old.splitlines(), new.splitlines(), n=1, lineterm=""))[2:]
    # The first mark of a place says nothing.
    lines = [INDENT + ("..." if line.startswith("@@") else _line(line)) for line in found[1:]]
    return lines if len(lines) <= most else [*lines[:most], "%s(%d more lines)" % (INDENT, len(lines) - most)]


def _line(line: str) -> str:
    """Return a line of a difference for a terminal: its sign, its depth and its text."""
    body = line[1:]
    depth = min(len(body) - len(body.lstrip(" ")), _WIDEST // 2)
    return line[:1] + " " * depth + printable(body, _WIDEST - depth)
