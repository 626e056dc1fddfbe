# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a package holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..rest.models import PROJECT_SECURITY, Row, type_name


@dataclass(frozen=True)
class Content:
    """What a package file holds, as the server or a manifest says.

    Attributes:
        sha256: The file's sha256, hexadecimal.
        size: The file's size in bytes.
        type: project, project_security or configuration.
        settings: The package's settings, with the server's names.
        rows: Its objects.
        request: For a package that was built here, what it was built from; else None.
        seen_until: For one that was built of what changed since the last export, the newest change seen by then.
        iserver_version: For one that was built here, the version of the Intelligence Server that it was exported from;
            None where not known.
        definitions: How many definitions of its objects are kept beside it; None where none were asked for.
    """

    sha256: str
    size: int
    type: str
    settings: Mapping[str, Any]
    rows: tuple[Row, ...]
    request: Mapping[str, Any] | None = None
    seen_until: str | None = None
    iserver_version: str | None = None
    definitions: int | None = None

    @property
    def comparable(self) -> bool:
        """Whether versions show what it would change: links of users have none."""
        return self.type != PROJECT_SECURITY

    @property
    def digest(self) -> str:
        """The sha256, hexadecimal, of settings and rows: two descriptions that say the same have the same."""
        rows = [
            {name: field_meaning(name, value) for name, value in row_document(row).items() if name != "type_name"}
            for row in sort_rows(self.rows)
        ]
        settings = {key: setting_meaning(value) for key, value in self.settings.items()}
        said = {key: meaning for key, meaning in settings.items() if meaning}
        return hashlib.sha256(json.dumps([said, rows], sort_keys=True).encode("ascii")).hexdigest()


def sort_rows(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Return rows in the manifest's order: by level, type and id, none of which an edit changes.

    The rest of a row counts only where a package has an object twice.
    """
    return tuple(sorted(rows, key=_order))


def _order(row: Row) -> tuple[object, ...]:
    rest = (row.action, row.version, row.date_modified, row.name, row.id)
    return (row.level or "", row.type, row.id.upper(), *(text or "" for text in rest))


def row_document(row: Row) -> dict[str, Any]:
    """Return a row as manifests write it."""
    return {
        "id": row.id,
        "name": row.name,
        "type": row.type,
        "type_name": type_name(row.type),
        "version": row.version,
        "date_modified": row.date_modified,
        "action": row.action,
        "level": row.level,
    }


def why_document(row: Row) -> dict[str, Any]:
    """Return why a row is in its package, and what it uses, as manifests write it; empty where that is not known."""
    found: dict[str, Any] = {}
    if row.included is not None:
        found["included"] = row.included
    if row.needed_by is not None:
        found["needed_by"] = list(row.needed_by)
    if row.components is not None:
        found["components"] = [
            {"id": part.id, "type": part.type, **({"name": part.name} if part.name else {})} for part in row.components
        ]
    return found


def with_reasons(content: Content, known: Content | None) -> Content:
    """Return a content with what another description of the same file knows beside it: why, and from what request."""
    if known is None:
        return content
    rows = {row.key: row for row in known.rows}

    def reasoned(row: Row) -> Row:
        same = rows.get(row.key)
        if same is None:
            return row
        return replace(row, included=same.included, needed_by=same.needed_by, components=same.components)

    return replace(
        content,
        rows=tuple(reasoned(row) for row in content.rows),
        request=known.request,
        seen_until=known.seen_until,
        iserver_version=known.iserver_version,
        definitions=known.definitions,
    )


def field_meaning(name: str, value: Any) -> Any:
    """Return what a field of a row says: ids and versions are hexadecimal digits, and say the same in either case."""
    return value.upper() if name in ("id", "version") and isinstance(value, str) else value


def setting_meaning(setting: Any) -> Any:
    """Return what a setting means: given as nothing is not given, and the order of a list says nothing."""
    if isinstance(setting, list):
        return sorted(json.dumps(item, sort_keys=True) for item in setting) or None
    return setting or None
