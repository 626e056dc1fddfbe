# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifest: what a package file holds, as a text that a reviewer reads instead of a binary.

It lies beside the file as ``<file>.manifest.json``. Order and layout are stable, so that it diffs well in Git.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..rest import models
from ..rest.models import Row
from ..support.shape import ShapeError
from ..support.text import readable_json

SUFFIX = ".manifest.json"

_SHA256 = re.compile(r"[0-9A-Fa-f]{64}\Z")

# What a row shows when two are compared, in the order of the manifest's text.
_ROW_FIELDS = ("id", "name", "type", "type_name", "version", "date_modified", "action", "level")


@dataclass(frozen=True)
class Manifest:
    """What a package file holds.

    Attributes:
        sha256: The file's sha256, hexadecimal.
        size: The file's size in bytes.
        type: project, project_security or configuration.
        settings: The package's settings, with the server's names.
        rows: Its content, sorted.
        request: For a package that was built here, what it was built from; else None.
    """

    sha256: str
    size: int
    type: str
    settings: Mapping[str, Any]
    rows: tuple[Row, ...]
    request: Mapping[str, Any] | None = None

    @property
    def digest(self) -> str:
        """The sha256 of what it says of the package's content, see ``content_digest``."""
        return content_digest(self.settings, self.rows)


def path_for(package_file: str) -> str:
    """Return where the manifest of a package file lies."""
    return package_file + SUFFIX


def sort_rows(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Return rows in the manifest's order: by level, type and id, none of which an edit changes.

    The rest of a row counts only where a package has an object twice.
    """
    return tuple(sorted(rows, key=_order))


def _order(row: Row) -> tuple[object, ...]:
    rest = (row.action, row.version, row.date_modified, row.name, row.id)
    return (row.level or "", row.type, row.id.upper(), *(text or "" for text in rest))


def _row_as_json(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "type": row.type,
        "type_name": models.type_name(row.type),
        "version": row.version,
        "date_modified": row.date_modified,
        "action": row.action,
        "level": row.level,
    }


def dumps(manifest: Manifest) -> str:
    """Return the manifest's text: JSON, one field a line, rows sorted, a line break at the end."""
    document: dict[str, Any] = {
        "sha256": manifest.sha256,
        "size": manifest.size,
        "type": manifest.type,
        "settings": {key: manifest.settings[key] for key in sorted(manifest.settings)},
        "content": [_row_as_json(row) for row in sort_rows(manifest.rows)],
    }
    if manifest.request is not None:
        document["request"] = manifest.request
    return readable_json(document)


def loads(text: str) -> Manifest:
    """Return the manifest that a text holds.

    Raises:
        ShapeError: The text is no manifest; the message says what is wrong.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ShapeError("not JSON: %s" % error) from error
    if not isinstance(document, dict):
        raise ShapeError("expected an object at the top")
    content = document.get("content")
    if not isinstance(content, list):
        raise ShapeError("content: expected a list")
    rows = []
    for index, item in enumerate(content):
        where = "content[%d]" % index
        if not isinstance(item, dict):
            raise ShapeError("%s: expected an object" % where)
        rows.append(models.parse_row(dict(item, dateModified=item.get("date_modified")), where))
    sha256, size, kind = document.get("sha256"), document.get("size"), document.get("type")
    settings, request = document.get("settings"), document.get("request")
    if not isinstance(sha256, str) or not _SHA256.match(sha256):
        raise ShapeError("sha256: expected 64 hexadecimal digits")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise ShapeError("size: expected a number of bytes")
    if kind not in models.PACKAGE_TYPES:
        raise ShapeError("type: expected one of %s" % ", ".join(models.PACKAGE_TYPES))
    if not isinstance(settings, dict):
        raise ShapeError("settings: expected an object")
    if request is not None and not isinstance(request, dict):
        raise ShapeError("request: expected an object")
    return Manifest(sha256.lower(), size, kind, settings, sort_rows(rows), request)


def content_digest(settings: Mapping[str, Any], rows: Iterable[Row]) -> str:
    """Return the sha256, hexadecimal, of what a package holds: two descriptions that say the same have the same."""
    content = [
        {name: _field(name, value) for name, value in _row_as_json(row).items() if name != "type_name"}
        for row in sort_rows(rows)
    ]
    said = {key: meaning for key, meaning in ((key, _meaning(value)) for key, value in settings.items()) if meaning}
    text = json.dumps([said, content], sort_keys=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def differences(manifest: Manifest, settings: Mapping[str, Any], rows: Iterable[Row]) -> list[str]:
    """Return how a server's description of an uploaded package differs from the manifest that was reviewed.

    Returns:
        One sentence a difference, for people; empty where both say the same.
    """
    found = []
    for key in sorted(set(manifest.settings) | set(settings)):
        ours, theirs = manifest.settings.get(key), settings.get(key)
        if _meaning(ours) != _meaning(theirs):
            found.append("setting %s: manifest %s, server %s" % (key, json.dumps(ours), json.dumps(theirs)))
    reviewed, served = _by_object(manifest.rows), _by_object(rows)
    for identity in sorted(set(reviewed) | set(served)):
        ours_rows, theirs_rows = reviewed.get(identity, []), served.get(identity, [])
        if not theirs_rows:
            found.append("object %s (type %d) is in the manifest only" % identity)
        elif not ours_rows:
            found.append("object %s (type %d) is on the server only" % identity)
        elif len(ours_rows) != len(theirs_rows):
            counts = (len(ours_rows), len(theirs_rows))
            found.append("object %s (type %d): manifest %d times, server %d times" % (*identity, *counts))
        for ours_row, theirs_row in zip(ours_rows, theirs_rows):
            for name in _ROW_FIELDS:
                if _field(name, ours_row[name]) != _field(name, theirs_row[name]):
                    found.append(
                        "object %s (type %d), %s: manifest %s, server %s"
                        % (*identity, name, json.dumps(ours_row[name]), json.dumps(theirs_row[name]))
                    )
    return found


def _field(name: str, value: Any) -> Any:
    """Return what a field of a row says: ids and versions are hexadecimal digits, and say the same in either case."""
    return value.upper() if name in ("id", "version") and isinstance(value, str) else value


def _meaning(setting: Any) -> Any:
    """Return what a setting means: given as nothing is not given, and the order of a list says nothing."""
    if isinstance(setting, list):
        return sorted(json.dumps(item, sort_keys=True) for item in setting) or None
    return setting or None


def _by_object(rows: Iterable[Row]) -> dict[tuple[str, int], list[dict[str, Any]]]:
    grouped: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in sort_rows(rows):
        grouped.setdefault(row.key, []).append(_row_as_json(row))
    return grouped
