# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding objects in the metadata: what a search asks for, and which objects that are.

After the vendor's page "Data lineage analysis" and what its Python client sends and expects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mstr_double import errors
from mstr_double.ids import parse_date
from mstr_double.store import FOLDER, ROOT_FOLDER, Scope, StoredObject

# Where a search looks [EnumDSSXMLSearchDomain].
PROJECT, CONFIGURATION = 2, 4
# How a name is compared [EnumDSSXMLSearchTypes]; 4, which is "contains", where a search does not say it.
PATTERNS = {
    0: lambda name, text: any(word in name for word in text.split()),
    1: lambda name, text: name.startswith(text),
    2: lambda name, text: name == text,
    3: lambda name, text: name.startswith(text),
    4: lambda name, text: text in name,
    5: lambda name, text: name.endswith(text),
}
CONTAINS = 4
# What search objects call types of objects [mstrio-py, which has them all]; of others their number is taken.
WORDS = {
    "filter": 1, "template": 2, "report_definition": 3, "metric": 4, "folder": 8, "prompt": 10, "attribute": 12,
    "fact": 13, "dimension": 14, "table": 15, "type_shortcut": 18, "column": 26, "user": 34, "usergroup": 34,
    "search": 39, "document_definition": 55, "md_security_filter": 58,
}  # fmt: skip
# From this number on it is a subtype.
SUBTYPES = 256


@dataclass
class Query:
    """What a search asks for.

    :ivar types: types and subtypes, any of which an object has; empty for all
    :ivar uses: objects that are to be used, as id and type
    :ivar used_by: objects that are to use it
    :ivar one_of: whether one of several objects is enough
    """

    domain: int = PROJECT
    name: str = ""
    pattern: int = CONTAINS
    root: str | None = None
    below: bool = True
    excluded: frozenset[str] = frozenset()
    types: frozenset[int] = frozenset()
    owner: str | None = None
    begin: datetime | None = None
    end: datetime | None = None
    created: bool = False
    inclusive: bool = True
    hidden: bool = True
    uses: tuple[str, ...] = ()
    used_by: tuple[str, ...] = ()
    one_of: bool = False


class Tree:
    """A level of the metadata, seen by a user: where everything is, and what of it may be seen.

    :param all_of_it: whether the user may see what is private
    """

    def __init__(self, scope: Scope, all_of_it: bool) -> None:
        self._scope = scope
        self._all = all_of_it
        # What is known of folders: those above each, itself first; None where one of them is not to be browsed.
        self._above: dict[str, tuple[str, ...] | None] = {}

    def folders_of(self, item: StoredObject) -> tuple[str, ...] | None:
        """The folders above an object, nearest first; None where the user must not know of it."""
        if (item.private or item.hidden) and not self._all:
            return None
        return self._chain(item.folder or ROOT_FOLDER)

    def _chain(self, folder_id: str) -> tuple[str, ...] | None:
        if folder_id not in self._above:
            folder = self._scope.get(folder_id)
            self._above[folder_id] = (folder_id,)
            if folder is not None:
                above = self.folders_of(folder)
                self._above[folder_id] = None if above is None else (folder_id, *above)
            elif folder_id != ROOT_FOLDER:
                # A folder that the seed names and does not have hangs below the root.
                self._above[folder_id] = (folder_id, ROOT_FOLDER)
        return self._above[folder_id]

    def children(self, folder_id: str) -> list[StoredObject]:
        """What is in a folder, one level of it."""
        found = []
        for item in self._scope.values():
            above = self.folders_of(item)
            if above is not None and above[0] == folder_id:
                found.append(item)
        return found

    def find(self, query: Query) -> Iterator[StoredObject]:
        """What a search finds: in the order of the metadata, and by id what depends on an object or is needed by it."""
        related = _related(self._scope, query)
        if related is None:
            among: Iterable[StoredObject] = self._scope.values()
        else:
            # A server has an index of these, and need not look through the metadata.
            among = (self._scope[one] for one in sorted(related) if one in self._scope)
        for item in among:
            above = self.folders_of(item)
            if above is not None and _is_there(query, above) and _is_asked_for(query, item):
                yield item


def _related(scope: Scope, query: Query) -> set[str] | None:
    """The objects that use what is asked for, or are used by it; None where nothing of the kind is asked for."""
    found: list[set[str]] = []
    for used in query.uses:
        found.append({item.id for item in scope.values() if used in item.depends_on})
    for user in query.used_by:
        found.append(set(scope[user].depends_on) if user in scope else set())
    if not found:
        return None
    return set.union(*found) if query.one_of else set.intersection(*found)


def _is_there(query: Query, above: tuple[str, ...]) -> bool:
    if query.excluded.intersection(above):
        return False
    if query.root is None or query.root == ROOT_FOLDER:
        return query.below or above[0] == ROOT_FOLDER
    return query.root in above if query.below else query.root == above[0]


def _is_asked_for(query: Query, item: StoredObject) -> bool:
    if item.hidden and not query.hidden:
        return False
    if query.types and not query.types & {item.type, item.subtype}:
        return False
    if query.name and not PATTERNS[query.pattern](item.name.casefold(), query.name.casefold()):
        return False
    if query.owner is not None and item.owner.upper() != query.owner.upper():
        return False
    moment = parse_date(item.date_created if query.created else item.date_modified)
    if query.begin is not None and (moment < query.begin or (moment == query.begin and not query.inclusive)):
        return False
    return query.end is None or moment < query.end or (moment == query.end and query.inclusive)


def ids_of(given: Iterable[str], name: str) -> tuple[str, ...]:
    """The ids of objects that are written as id, semicolon, type. :raises ApiError: 400"""
    found = []
    for text in given:
        object_id, _semicolon, kind = text.partition(";")
        if not kind.isdigit():
            raise errors.invalid_input(f"'{text}' is not a valid value for '{name}'.")
        found.append(object_id.upper())
    return tuple(found)


def type_numbers(given: Iterable[Any]) -> frozenset[int]:
    """Types by their words or numbers. :raises ApiError: 400"""
    found = set()
    for word in given:
        number = word if isinstance(word, int) else WORDS.get(str(word).lower())
        if number is None and str(word).isdigit():
            number = int(word)
        if number is None:
            raise errors.invalid_input(f"'{word}' is not a valid object type.")
        found.add(number)
    return frozenset(found)


def moment_of(text: Any) -> datetime | None:
    """A time of a search: 2021-04-04T06:33:32Z, or with thousandths and an offset. :raises ApiError: 400"""
    if not text:
        return None
    for form in ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"):
        try:
            return datetime.strptime(str(text), form)
        except ValueError:
            continue
    raise errors.invalid_input(f"'{text}' is not a valid time.")


def is_folder(item: StoredObject | None) -> bool:
    return item is not None and item.type == FOLDER
