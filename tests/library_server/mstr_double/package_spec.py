# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Package files from a description: the input of ``make-package`` and of the sample packages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mstr_double import package_rules
from mstr_double.errors import ApiError
from mstr_double.ids import derived_id
from mstr_double.package_format import PackageContent, pieces
from mstr_double.store import owner_id

ROW_FIELDS = frozenset(
    {
        "id", "name", "type", "subtype", "version", "dateCreated", "dateModified", "action", "level", "owner",
        "definition", "depends_on", "folder", "hidden", "private",
    }
)  # fmt: skip
DEFAULT_SETTINGS: dict[str, dict[str, Any]] = {
    "project": {"updateSchema": [], "aclOnReplacingObjects": "use_existing"},
    "configuration": {"updateSchema": None, "aclOnReplacingObjects": "use_existing"},
    "project_security": {"updateSchema": None, "aclOnReplacingObjects": None},
}


def content_of(spec: dict[str, Any]) -> PackageContent:
    """Fill up a description with defaults that depend on nothing but itself.

    A row without ``action`` stays without one: the default action of the settings decides on it.

    :raises ValueError: when it does not describe a package
    """
    unknown = set(spec) - {"type", "settings", "content", "padding", "undo"}
    if unknown:
        raise ValueError(f"A package description has no part {', '.join(sorted(unknown))}.")
    package_type = spec.get("type", "project")
    if package_type not in package_rules.TYPES:
        raise ValueError(f"{package_type!r} is not a package type.")
    settings = {
        **DEFAULT_SETTINGS[package_type],
        "aclOnNewObjects": ["keep_acl_as_source_object"],
        "defaultAction": "replace",
        **(spec.get("settings") or {}),
    }
    try:
        package_rules.check_settings(package_type, settings)
    except ApiError as error:
        raise ValueError(error.message) from error
    rows = [_row(package_type, row) for row in spec.get("content") or []]
    return PackageContent(package_type, settings, rows, bool(spec.get("undo", False)))


def _row(package_type: str, given: dict[str, Any]) -> dict[str, Any]:
    unknown = set(given) - ROW_FIELDS
    if unknown:
        raise ValueError(f"A row has no field {', '.join(sorted(unknown))}.")
    if not given.get("name") and not given.get("id"):
        raise ValueError("A row needs a name or an id.")
    kind = int(given.get("type", 3))
    object_id = str(given.get("id") or derived_id("object", given["name"], kind)).upper()
    name = given.get("name") or object_id
    modified = given.get("dateModified", "2024-01-01T00:00:00.000+0000")
    definition = given.get("definition", {"note": name})
    row = {
        "id": object_id,
        "name": name,
        "type": kind,
        "subtype": int(given.get("subtype", kind * 256)),
        "version": given.get("version") or derived_id("version", object_id, name, modified, definition),
        "dateCreated": given.get("dateCreated", "2020-01-01T00:00:00.000+0000"),
        "dateModified": modified,
        "owner": {"id": owner_id(given.get("owner"))},
        "level": given.get("level") or package_rules.row_level(package_type),
        "definition": definition,
        "depends_on": [str(item).upper() for item in given.get("depends_on") or []],
        "folder": given.get("folder"),
        "hidden": bool(given.get("hidden", False)),
    }
    if given.get("action") is not None:
        if given["action"] not in package_rules.ACTIONS:
            raise ValueError(f"{given['action']!r} is not an action.")
        row["action"] = given["action"]
    return row


def write_package(spec: dict[str, Any], path: Path) -> None:
    """Write the file that a description means; a file already there is replaced only by a whole one."""
    content = content_of(spec)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("wb") as file:
            for piece in pieces(content, int(spec.get("padding", 0))):
                file.write(piece)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
