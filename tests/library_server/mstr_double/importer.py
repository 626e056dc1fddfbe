# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Importing: the rules of conflicts, applied to the metadata, and the undo package that takes an import back.

The rules are those of the vendor's Object Manager help: same id and version means that an object exists identically,
same id and another version that it exists differently.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import Any

from mstr_double import ids, package_rules
from mstr_double.errors import Missing
from mstr_double.package_format import PackageContent
from mstr_double.settings import Settings
from mstr_double.store import FOLDER, OBJECT_FIELDS, Scope, Store, StoredObject, User

DEFAULT_ACTION = "replace"


class ImportRefused(Exception):
    """The Intelligence Server stops the import here; what was written before stays."""

    def __init__(self, message: str, missing: list[Missing] | None = None) -> None:
        super().__init__(message)
        self.missing = missing or []


def effective_action(row: dict[str, Any], settings: dict[str, Any]) -> str:
    """A row without an action of its own follows the default action of the package."""
    return row.get("action") or settings.get("defaultAction") or DEFAULT_ACTION


def decide(action: str, row: dict[str, Any], existing: StoredObject | None) -> str:
    """What an action does to one object: create, replace, duplicate, delete or none."""
    if action == "delete":
        return "delete" if existing else "none"
    if existing is None:
        return "create"
    if action == "force_replace":
        return "replace"
    if action == "use_existing" or row["version"] == existing.version:
        return "none"
    if action == "keep_both":
        return "duplicate"
    if action in ("use_newer", "use_older"):
        newer = ids.parse_date(row["dateModified"]) > ids.parse_date(existing.date_modified)
        return "replace" if newer == (action == "use_newer") else "none"
    return "replace"


@dataclass
class Importer:
    """Applies the rows of one package, one after the other, and remembers what was there before."""

    store: Store
    settings: Settings
    content: PackageContent
    project: str | None
    _before: dict[tuple[str, str], tuple[dict[str, Any] | None, dict[str, Any]]] = field(default_factory=dict)
    _users: dict[str, list[str]] | None = None
    _own_ids: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._own_ids = frozenset(row["id"] for row in self.content.rows)

    def apply(self, row: dict[str, Any]) -> None:
        """Import one row. :raises ImportRefused: when an object to delete is still in use"""
        if row["id"] in self.settings.ignore_objects:
            return
        if self.content.type == package_rules.PROJECT_SECURITY:
            self._apply_links(row)
            return
        scope = self._scope(row["level"])
        existing = scope.get(row["id"])
        effect = decide(effective_action(row, self.content.settings), row, existing)
        if effect in ("create", "replace"):
            self._write(scope, row, existing)
        elif effect == "duplicate":
            self._duplicate(scope, row)
        elif effect == "delete" and existing is not None:
            self._delete(scope, row, existing)

    def missing(self) -> list[Missing]:
        """What the objects that this import writes need, and that neither the package nor the destination has then."""
        if self.content.type == package_rules.PROJECT_SECURITY:
            return []
        found: dict[str, Missing] = {}
        deleted = {row["id"] for row in self.content.rows if self._action(row) == "delete"}
        for row in self.content.rows:
            if row["type"] == package_rules.CONTENT_BUNDLE:
                # What it holds comes later, with the packages of the projects; recipients that are not there are lost.
                continue
            scope = self._scope(row["level"])
            effect = decide(effective_action(row, self.content.settings), row, scope.get(row["id"]))
            if effect in ("create", "replace", "duplicate"):
                for needed in row["depends_on"]:
                    there = needed in self._own_ids or needed in scope or needed in self.store.configuration
                    if needed in deleted or not there:
                        found.setdefault(needed, self.store.missing(needed))
        return list(found.values())

    def problems(self) -> list[str]:
        """What would stop this import, one sentence each."""
        found = [str(missing) for missing in self.missing()]
        for row in self.content.rows if self.content.type != package_rules.PROJECT_SECURITY else ():
            scope = self._scope(row["level"])
            existing = scope.get(row["id"])
            if decide(effective_action(row, self.content.settings), row, existing) == "delete" and existing:
                refusal = self._in_use(scope, existing)
                found += [refusal] if refusal else []
        return found

    def note(self, user: User, machine: str) -> None:
        """Write into the change journal what this import has changed."""
        for place in ("", "configuration_object"):
            scope = self._scope(place)
            own = [key[1] for key in self._before if (key[0] == "configuration_object") == bool(place)]
            self.store.note(user, machine, scope, "change_object", [scope[one] for one in own if one in scope])

    def undo_package(self) -> PackageContent:
        """The package that brings back exactly what this import changed."""
        rows = []
        for (level, object_id), (before, imported) in reversed(self._before.items()):
            row = dict(before or imported, id=object_id, level=level)
            row["action"] = "force_replace" if before else "delete"
            # Every row of it was asked for.
            row.pop("implied", None)
            rows.append(row)
        settings = dict(self.content.settings, defaultAction="force_replace")
        stamp = ids.new_id() if self.settings.stamp_files else None
        return PackageContent(self.content.type, settings, rows, undo=True, stamp=stamp)

    def _action(self, row: dict[str, Any]) -> str:
        return effective_action(row, self.content.settings)

    def _scope(self, level: str) -> Scope:
        return self.store.scope(None if level == "configuration_object" else self.project)

    def _remember(self, row: dict[str, Any], before: dict[str, Any] | None) -> None:
        self._before.setdefault((row["level"], row["id"]), (before, row))

    def _write(self, scope: Scope, row: dict[str, Any], existing: StoredObject | None) -> None:
        self._remember(row, existing.as_dict() if existing else None)
        item = StoredObject.from_dict({name: value for name, value in row.items() if name in OBJECT_FIELDS})
        if not self.content.undo:
            # A folder never ends up with the version and time of its source [Object Manager's help]; an undo package
            # is different, since it brings back what this very server had.
            if item.type == FOLDER:
                item = replace(item, version=ids.new_id(), date_modified=ids.now())
            elif item.type in self.settings.reversion_types:
                item = replace(item, version=ids.new_id())
        scope[item.id] = item

    def _duplicate(self, scope: Scope, row: dict[str, Any]) -> None:
        item = StoredObject.from_dict({name: value for name, value in row.items() if name in OBJECT_FIELDS})
        stamp = ids.now()
        copied = replace(
            item,
            id=ids.new_id(),
            name=f"{item.name} (1)",
            version=ids.new_id(),
            date_created=stamp,
            date_modified=stamp,
        )
        scope[copied.id] = copied

    def _delete(self, scope: Scope, row: dict[str, Any], existing: StoredObject) -> None:
        refusal = self._in_use(scope, existing)
        if refusal is not None:
            raise ImportRefused(refusal)
        self._remember(row, existing.as_dict())
        del scope[existing.id]

    def _in_use(self, scope: Scope, existing: StoredObject) -> str | None:
        """Why an object cannot be deleted; None where it can."""
        user = self._still_used_by(scope, existing.id)
        if user is None:
            return None
        return (
            f"The object '{existing.name}' with ID '{existing.id}' cannot be deleted: "
            f"the object '{user.name}' with ID '{user.id}' depends on it."
        )

    def _still_used_by(self, scope: Scope, object_id: str) -> StoredObject | None:
        if self._users is None:
            # Once for all deletions: what counts is what objects need once all of the package is imported.
            self._users = {}
            rows = {row["id"]: row for row in self.content.rows}
            for item in scope.values():
                row = rows.get(item.id)
                effect = "none" if row is None else decide(self._action(row), row, item)
                needs = row["depends_on"] if row is not None and effect == "replace" else item.depends_on
                for needed in needs if effect != "delete" else ():
                    self._users.setdefault(needed, []).append(item.id)
        return next((scope[user] for user in self._users.get(object_id, []) if user in scope), None)

    def _apply_links(self, row: dict[str, Any]) -> None:
        """A project security package holds links of users to roles and filters of the project, not the users."""
        assert self.project is not None
        links = self.store.projects[self.project].security
        action = effective_action(row, self.content.settings)
        before = {**row, "definition": links[row["id"]]} if row["id"] in links else None
        if action == "delete":
            if before:
                self._remember(row, before)
                del links[row["id"]]
        elif before is None or action != "use_existing":
            self._remember(row, before)
            links[row["id"]] = copy.deepcopy(row.get("definition"))
