# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Building a package from objects of a project or of the configuration level."""

from __future__ import annotations

from typing import Any

from mstr_double import package_rules
from mstr_double.errors import Missing
from mstr_double.package_format import PackageContent
from mstr_double.store import KINDS, Scope, Store, StoredObject


class BuildFailed(Exception):
    """The package cannot be built, since objects are missing."""

    def __init__(self, message: str, missing: Missing) -> None:
        super().__init__(message)
        self.missing = [missing]


def build(
    store: Store, body: dict[str, Any], project: str | None, see_hidden: bool
) -> tuple[PackageContent, dict[str, dict[str, bool]]]:
    """Collect what a definition asks for, with all that it depends on where it says so.

    :returns: the content, and by object id the flags ``includeDependents`` and ``explicitIncluded``
    :raises BuildFailed: when an object is missing
    """
    package_type = body["type"]
    own_scope = store.scope(project)
    rows: dict[str, dict[str, Any]] = {}
    flags: dict[str, dict[str, bool]] = {}
    for asked in body["content"]:
        scope = _scope_for(store, package_type, asked["type"], own_scope)
        item = scope.get(str(asked["id"]).upper())
        if item is None or item.type != asked["type"] or ((item.hidden or item.private) and not see_hidden):
            missing = Missing(str(asked["id"]).upper(), KINDS.get(asked["type"], "Object"), asked.get("name"))
            raise BuildFailed(f"The object with ID '{asked['id']}' and type {asked['type']} is not found.", missing)
        dependents = bool(asked.get("includeDependents", False))
        rows[item.id] = _row(store, package_type, project, item, asked.get("action"))
        flags[item.id] = {"includeDependents": dependents, "explicitIncluded": True}
        along: list[StoredObject] = []
        if package_type == package_rules.PROJECT and item.type == package_rules.CONTENT_BUNDLE:
            along = _contents(own_scope, item, dependents)
        elif dependents and package_type != package_rules.PROJECT_SECURITY:
            along = _closure(scope, item)
        for needed in along:
            if needed.id not in rows:
                row = _row(store, package_type, project, needed, asked.get("action"))
                rows[needed.id] = {**row, "implied": True}
                flags[needed.id] = {"includeDependents": False, "explicitIncluded": False}
    settings = dict(body.get("settings") or {})
    return PackageContent(package_type, settings, list(rows.values())), flags


def _scope_for(store: Store, package_type: str, kind: int, own_scope: Scope) -> Scope:
    if package_type == package_rules.PROJECT_SECURITY or kind == package_rules.CONTENT_BUNDLE:
        return store.configuration
    return own_scope


def _contents(scope: Scope, bundle: StoredObject, dependents: bool) -> list[StoredObject]:
    """What of a content group is in a project, and comes with it [page on content groups]; recipients do not."""
    contents = [scope[one] for one in bundle.depends_on if one in scope]
    return _closure(scope, bundle) if dependents else contents


def _closure(scope: Scope, item: StoredObject) -> list[StoredObject]:
    """All that an object needs, nearest first."""
    found: dict[str, StoredObject] = {}
    queue = list(item.depends_on)
    while queue:
        needed = scope.get(queue.pop(0))
        if needed is not None and needed.id not in found and needed.id != item.id:
            found[needed.id] = needed
            queue.extend(needed.depends_on)
    return list(found.values())


def _row(
    store: Store, package_type: str, project: str | None, item: StoredObject, action: str | None
) -> dict[str, Any]:
    row = item.as_dict()
    row["level"] = package_rules.row_level(package_type)
    if item.type == package_rules.CONTENT_BUNDLE:
        row["level"] = "configuration_object"
    if action is not None:
        row["action"] = action
    if package_type == package_rules.PROJECT_SECURITY and project is not None:
        row["definition"] = store.projects[project].security.get(item.id)
    return row
