# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the options ``content`` and ``exclude`` say: selectors, each of which chooses objects."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..errors import InputError, MigrationError
from ..rest.models import CONFIGURATION, PROJECT, parse_date
from ..rest.objects import FIRST_SUBTYPE, SourceObject
from ..support.text import printable
from .kinds import check_fits, parse_types

LAST_EXPORT = "last_export"
CONTENT, EXCLUDE = "content", "exclude"
# Where a selector looks; without one it looks in the whole project.
PLACES = ("id", "folder", "search", "shortcuts_in")
FILTERS = ("types", "owner", "name", "modified_since")
_OBJECT_ID = re.compile(r"[0-9A-Fa-f]{32}\Z")


def is_object_id(text: str) -> bool:
    """Return whether a text is an object's id."""
    return bool(_OBJECT_ID.match(text))


@dataclass(frozen=True)
class Selector:
    """One item of ``content`` or ``exclude``.

    Attributes:
        where: The option and the item, for messages: ``content: item 2``.
        id: The id of one object, in upper case.
        type: Its type; None where only an id is given, in ``exclude``.
        folder: A folder's path or id.
        recursive: Whether its subfolders count as well.
        search: A saved search's path or id.
        shortcuts_in: The path or id of a folder whose shortcuts lead to the objects.
        types: Types and subtypes, any of which an object has; empty for all.
        modified_since: A time, or ``last_export``.
        owner: The id or name of the owner.
        name: A pattern of names: ``*`` for any characters, ``?`` for one; upper and lower case are the same.
        action: What an import does with the objects; None for the default action.
        include_dependents: Whether all that the objects need comes along.
    """

    where: str
    id: str | None = None
    type: int | None = None
    folder: str | None = None
    recursive: bool = True
    search: str | None = None
    shortcuts_in: str | None = None
    types: tuple[int, ...] = ()
    modified_since: str | None = None
    owner: str | None = None
    name: str | None = None
    action: str | None = None
    include_dependents: bool = False

    @property
    def place(self) -> str | None:
        """The option that says where it looks; None for the whole project."""
        return next((name for name in PLACES if getattr(self, name)), None)

    @property
    def since(self) -> datetime | None:
        """The time that objects were changed since, in UTC; None for any time, and for ``last_export``."""
        return parse_date(self.modified_since)

    def document(self) -> dict[str, Any]:
        """Return it as manifests write it: what was given, in one form."""
        found: dict[str, Any] = {}
        for name in (*PLACES, "type", *FILTERS, "action"):
            value = getattr(self, name)
            if value:
                found[name] = sorted(value) if isinstance(value, tuple) else value
        if self.include_dependents:
            found["include_dependents"] = True
        if not self.recursive:
            found["recursive"] = False
        return found

    def accepts(self, item: SourceObject, since: datetime | None = None) -> bool:
        """Return whether an object is one that the filters let through.

        Names and owners are compared here and not by the server: servers differ in how they compare.

        Args:
            item: The object.
            since: What to take for its ``modified_since``; None for what it says itself.

        Raises:
            MigrationError: The server did not say what a filter asks for.
        """
        if self.types and not any(fits(item, number) for number in self.types):
            return False
        if self.name and not fnmatch.fnmatchcase(item.name.casefold(), self.name.casefold()):
            return False
        if self.owner and not self._is_owned(item):
            return False
        limit = since or self.since
        if limit is None:
            return True
        changed = parse_date(item.date_modified)
        if changed is None:
            raise MigrationError("%s: the server does not say when object %s was changed." % (self.where, item.id))
        return changed >= limit

    def _is_owned(self, item: SourceObject) -> bool:
        if item.owner_id is None and item.owner_name is None:
            raise MigrationError("%s: the server does not say who owns object %s." % (self.where, item.id))
        wanted = (self.owner or "").casefold()
        return wanted in ((item.owner_id or "").casefold(), (item.owner_name or "").casefold())


def fits(item: SourceObject, number: int) -> bool:
    """Return whether an object has this type, or subtype."""
    return item.subtype == number if number >= FIRST_SUBTYPE else item.type == number


def parse_selectors(given: list[Mapping[str, Any]] | None, option: str, package_type: str) -> tuple[Selector, ...]:
    """Return the selectors of an option.

    Args:
        given: The items; of each, what is None or empty is not given.
        option: ``content`` or ``exclude``.
        package_type: The type of the package.

    Raises:
        InputError: One cannot be used; the message names the option and the item.
    """
    return tuple(
        _parse(item, "%s: item %d" % (option, position), option == EXCLUDE, package_type)
        for position, item in enumerate(given or [], 1)
    )


def _parse(item: Mapping[str, Any], where: str, excludes: bool, package_type: str) -> Selector:
    said = {name: value for name, value in item.items() if value not in (None, "", [])}
    places = [name for name in PLACES if name in said]
    if len(places) > 1:
        raise InputError("%s: %s cannot be together; make an item of each." % (where, " and ".join(places)))
    if not places and not any(name in said for name in FILTERS):
        raise InputError("%s: it chooses nothing; give one of %s." % (where, ", ".join((*PLACES, *FILTERS))))
    _check_together(said, where, excludes)
    if places and places[0] != "id" and package_type != PROJECT:
        raise InputError(
            "%s: %s is in a project; objects of a package of type %s are chosen by id, types, name, owner or "
            "modified_since." % (where, places[0], package_type)
        )
    types: list[int] = []
    for name in said.get("types", ()):
        types += parse_types(name, where + ", types")
    for number in types:
        check_fits(number, package_type, where + ", types")
    _check_time(said.get("modified_since"), where, excludes)
    values = {name: said[name] for name in (*PLACES, "owner", "name", "modified_since", "action") if name in said}
    if "id" in said:
        values.update(_identity(said, where, excludes, package_type))
    return Selector(
        where=where,
        types=tuple(sorted(set(types))),
        recursive=said.get("recursive") is not False,
        include_dependents=bool(said.get("include_dependents")),
        **values,
    )


def _check_together(said: Mapping[str, Any], where: str, excludes: bool) -> None:
    alone = [name for name in (*FILTERS, "recursive") if name in said]
    if "id" in said and alone:
        raise InputError("%s: with id, %s says nothing; leave it out." % (where, " and ".join(alone)))
    if "type" in said and "id" not in said:
        raise InputError("%s: type is that of an id; for several objects give types, a list." % where)
    if "recursive" in said and not {"folder", "shortcuts_in"} & set(said):
        raise InputError("%s: recursive is about a folder; give folder or shortcuts_in." % where)
    about = [name for name in ("action", "include_dependents") if said.get(name)]
    if excludes and about:
        raise InputError("%s: %s is not for objects that are left out." % (where, " and ".join(about)))


def _check_time(given: Any, where: str, excludes: bool) -> None:
    if given is None:
        return
    if given == LAST_EXPORT:
        if excludes:
            raise InputError("%s: modified_since: last_export is for content; it cannot leave anything out." % where)
        return
    if parse_date(str(given)) is None:
        raise InputError(
            "%s: modified_since: %s is no time such as 2026-01-31T12:00:00Z, nor last_export."
            % (where, printable(given, 60))
        )


def _identity(said: Mapping[str, Any], where: str, excludes: bool, package_type: str) -> dict[str, Any]:
    if not is_object_id(str(said["id"])):
        raise InputError("%s: id: %s is not 32 hexadecimal digits." % (where, printable(said["id"], 60)))
    if "type" not in said:
        if excludes:
            return {"id": said["id"].upper()}
        raise InputError("%s: id needs its type, as type: report, since ids are looked up by both." % where)
    number = parse_types(said["type"], where + ", type")[0]
    check_fits(number, package_type, where + ", type")
    return {"id": said["id"].upper(), "type": number // 256 if number >= FIRST_SUBTYPE else number}


def needs_project(package_type: str) -> bool:
    """Return whether packages of a type are built within a project."""
    return package_type != CONFIGURATION
