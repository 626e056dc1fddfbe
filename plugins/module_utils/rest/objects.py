# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects of a project as folders and searches list them, and what a search asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..support import shape
from .models import Key

# Where a search looks, numbers of EnumDSSXMLSearchDomain.
DOMAIN_PROJECT = 2
DOMAIN_CONFIGURATION = 4
# The folder that holds all others of a project; the same in every project.
ROOT_FOLDER = "D43364C684E34A5F9B2F9AD7108F7828"
SEARCH_TYPE = 39
SHORTCUT_TYPE = 18
# From this number on it is a subtype.
FIRST_SUBTYPE = 256


class SourceObject(NamedTuple):
    """An object of the environment that packages are built from. A tuple, since a folder can have thousands.

    Attributes:
        id: Its id, in upper case.
        type: Its type.
        name: Its name.
        subtype: Its subtype; None where the server gave none.
        version: Its version id; None where the server gave none.
        date_modified: When it was last changed, as the server wrote it; None where not given.
        owner_id: Its owner's id; None where not given.
        owner_name: Its owner's name; None where not given.
    """

    id: str
    type: int
    name: str
    subtype: int | None = None
    version: str | None = None
    date_modified: str | None = None
    owner_id: str | None = None
    owner_name: str | None = None

    @property
    def key(self) -> Key:
        """What it is known by in the metadata."""
        return (self.id, self.type)


@dataclass(frozen=True)
class Query:
    """What a search of the metadata asks for (the vendor's page "Data lineage analysis").

    Attributes:
        domain: Where it looks.
        root: The id of the folder that objects are below; None for anywhere.
        types: Types and subtypes, any of which an object has; empty for all.
        modified_since: ``2021-04-04T06:33:32Z``; None for any time.
        used_by: An object that uses those which are found.
        uses: An object that those which are found use. One of the two at most.
        name: What names contain; empty for any.
        criteria: Further criteria, as the body of the newer call has them.
    """

    domain: int = DOMAIN_PROJECT
    root: str | None = None
    types: tuple[int, ...] = ()
    modified_since: str | None = None
    used_by: Key | None = None
    uses: Key | None = None
    name: str = ""
    criteria: Mapping[str, Any] = field(default_factory=dict)

    def parameters(self) -> dict[str, str | list[str]]:
        """Return the query of the call; what is a list is repeated."""
        found: dict[str, str | list[str]] = {"domain": str(self.domain)}
        if self.root:
            found["root"] = self.root
        if self.types:
            found["type"] = [str(number) for number in self.types]
        if self.modified_since:
            found["beginModificationTime"] = self.modified_since
        if self.used_by:
            found.update(usedByObject="%s;%d" % self.used_by, usedByRecursive="false")
        if self.uses:
            found.update(usesObject="%s;%d" % self.uses, usesRecursive="false")
        if self.name:
            found.update(name=self.name, pattern="4")
        return found


class StartedSearch(NamedTuple):
    """A search whose result is on the server.

    Attributes:
        id: What it is read by.
        total: How many objects it has found; None where the server did not say.
    """

    id: str
    total: int | None


def parse_started(data: Any) -> StartedSearch:
    """Return a search that was started from decoded JSON."""
    search = shape.mapping(data, "search")
    total = search.get("totalItems")
    return StartedSearch(shape.text(search, "id", "search"), total if isinstance(total, int) else None)


def parse_source_object(data: Any, where: str = "object") -> SourceObject:
    """Return an object from decoded JSON, which is at this place in the document."""
    row = shape.mapping(data, where)
    given = row.get("owner")
    owner: dict[str, Any] = given if isinstance(given, dict) else {}
    subtype = row.get("subtype")
    return SourceObject(
        id=shape.text(row, "id", where).upper(),
        type=shape.integer(row, "type", where),
        name=shape.optional_text(row, "name", where) or "",
        subtype=subtype if isinstance(subtype, int) else None,
        version=shape.optional_text(row, "version", where),
        date_modified=shape.optional_text(row, "dateModified", where),
        owner_id=owner.get("id") if isinstance(owner.get("id"), str) else None,
        owner_name=owner.get("name") if isinstance(owner.get("name"), str) else None,
    )


def parse_source_objects(data: Any) -> list[SourceObject]:
    """Return a page of objects from decoded JSON: a list, or one that is called ``result``."""
    rows = data.get("result") if isinstance(data, dict) else data
    return [parse_source_object(item, "objects[%d]" % index) for index, item in enumerate(shape.items(rows, "objects"))]
