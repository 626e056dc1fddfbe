# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A saved search, run anew: by itself a server leaves out the hidden objects that it finds."""

from __future__ import annotations

from typing import Any

from ..rest.models import TYPE_NAMES
from ..rest.objects import Query
from .kinds import SEARCH_WORDS

# Criteria that the body of a search has as well, with the same meaning (the vendor's Python client, SearchObject.run).
_CARRIED_OVER = ("includeSubfolders", "dateFilterType", "timeRange", "descriptionQuery", "ownerId", "localeId")
# What describes the search object itself, or says nothing of what it finds.
_NO_CRITERIA = frozenset(
    (
        "id", "name", "type", "subtype", "extType", "description", "dateCreated", "dateModified", "version", "acg",
        "acl", "owner", "ancestors", "hidden", "certifiedInfo", "visibility", "scope", "comments", "viewMedia",
        "usesRecursive", "usesOneOf", "usedByRecursive", "usedByOneOf", "matchExactName", "matchExactDescription",
        "iconPath", "abbreviation", "targetInfo", "sinceNextRelease",
    )
)  # fmt: skip
_READ = frozenset((*_CARRIED_OVER, "nameQuery", "root", "types", "subtypes", "excludedFolders"))
_WORDS = {**{name.lower().replace(" ", "_"): number for number, name in TYPE_NAMES.items()}, **SEARCH_WORDS}


def query_of(criteria: dict[str, Any]) -> Query | None:
    """Return a search that finds what a saved search asks for, hidden objects included.

    Args:
        criteria: What ``GET /searchObjects/{id}`` tells.

    Returns:
        None where it asks for something that is not known here, so that only the server can run it.
    """
    said = {name for name, value in criteria.items() if value not in (None, "", [], {}, False)}
    if said - _READ - _NO_CRITERIA or criteria.get("matchExactName"):
        return None
    types = [_number(word) for word in [*(criteria.get("types") or []), *(criteria.get("subtypes") or [])]]
    root = _id(criteria.get("root"))
    if None in types or (criteria.get("root") and root is None):
        return None
    body = {name: criteria[name] for name in _CARRIED_OVER if criteria.get(name) is not None}
    excluded = [_id(folder) for folder in criteria.get("excludedFolders") or []]
    if None in excluded:
        return None
    if excluded:
        body["excludedFolders"] = excluded
    return Query(
        root=root,
        types=tuple(number for number in types if number is not None),
        name=str(criteria.get("nameQuery") or ""),
        criteria=body,
    )


def _number(word: Any) -> int | None:
    return word if isinstance(word, int) else _WORDS.get(str(word).lower())


def _id(given: Any) -> str | None:
    """Return the id of a folder, which is a text, or in an object."""
    found = given.get("id") if isinstance(given, dict) else given
    return found if isinstance(found, str) and found else None
