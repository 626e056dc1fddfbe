# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifest: what a package file holds, as a text that a reviewer reads instead of a binary.

It lies beside the file as ``<file>.manifest.json``. Order and layout are stable, so that it diffs well in Git.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..errors import DiskError, InputError
from ..rest import models
from ..rest.models import Component, Row
from ..support import shape
from ..support.files import disk_errors, write_file
from ..support.shape import ShapeError
from ..support.text import printable, readable_json
from .content import Content, field_meaning, row_document, setting_meaning, sort_rows, why_document

SUFFIX = ".manifest.json"

_SHA256 = re.compile(r"[0-9A-Fa-f]{64}\Z")

# Stands for the rows while the rest becomes text; and what is between two of them.
_ROWS = "\0rows"
_INDENT = "\n" + 4 * " "

# What a row shows when two are compared, in the order of the manifest's text.
_ROW_FIELDS = ("id", "name", "type", "type_name", "version", "date_modified", "action", "level")


def path_for(package_file: str) -> str:
    """Return where the manifest of a package file lies."""
    return package_file + SUFFIX


def dumps(manifest: Content) -> str:
    """Return the manifest's text: JSON, one field a line, rows sorted, a line break at the end."""
    document: dict[str, Any] = {
        "sha256": manifest.sha256,
        "size": manifest.size,
        "type": manifest.type,
        "settings": {key: manifest.settings[key] for key in sorted(manifest.settings)},
        "content": [_ROWS] if manifest.rows else [],
    }
    if manifest.request is not None:
        document["request"] = manifest.request
    if manifest.seen_until is not None:
        document["seen_until"] = manifest.seen_until
    if manifest.iserver_version is not None:
        document["iserver_version"] = manifest.iserver_version
    if manifest.definitions is not None:
        document["definitions"] = manifest.definitions
    text = readable_json(document)
    if not manifest.rows:
        return text
    # Row by row: as one document, thousands of them take more memory.
    before, _mark, behind = text.partition(json.dumps(_ROWS))
    rows = (
        readable_json({**row_document(row), **why_document(row)}).rstrip("\n").replace("\n", _INDENT)
        for row in sort_rows(manifest.rows)
    )
    return before + ("," + _INDENT).join(rows) + behind


def loads(text: str) -> Content:
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
        row = models.parse_row(dict(item, dateModified=item.get("date_modified")), where)
        rows.append(replace(row, **_why(item, where)))
        # A package can have thousands: what is read is let go of.
        content[index] = None
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
    seen_until = shape.optional_text(document, "seen_until", "manifest")
    iserver_version = shape.optional_text(document, "iserver_version", "manifest")
    kept = document.get("definitions")
    if kept is not None and (isinstance(kept, bool) or not isinstance(kept, int)):
        raise ShapeError("definitions: expected a number of files")
    return Content(sha256.lower(), size, kind, settings, sort_rows(rows), request, seen_until, iserver_version, kept)


def _why(item: dict[str, Any], where: str) -> dict[str, Any]:
    """Return why a row is in the package, and what it uses, as far as the manifest says it."""
    found: dict[str, Any] = {"included": shape.optional_text(item, "included", where)}
    if item.get("needed_by") is not None:
        place = where + ".needed_by"
        ids = shape.items(item["needed_by"], place)
        if not all(isinstance(identity, str) for identity in ids):
            raise ShapeError("%s: expected ids" % place)
        found["needed_by"] = tuple(ids)
    if item.get("components") is not None:
        place = where + ".components"
        parts = [shape.mapping(part, place) for part in shape.items(item["components"], place)]
        found["components"] = tuple(
            Component(
                shape.text(part, "id", place).upper(),
                shape.integer(part, "type", place),
                shape.optional_text(part, "name", place),
            )
            for part in parts
        )
    return found


def differences(manifest: Content, settings: Mapping[str, Any], rows: Iterable[Row]) -> list[str]:
    """Return how a server's description of an uploaded package differs from the manifest that was reviewed.

    Returns:
        One sentence a difference, for people; empty where both say the same.
    """
    found = []
    for key in sorted(set(manifest.settings) | set(settings)):
        ours, theirs = manifest.settings.get(key), settings.get(key)
        if setting_meaning(ours) != setting_meaning(theirs):
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
                if field_meaning(name, ours_row[name]) != field_meaning(name, theirs_row[name]):
                    found.append(
                        "object %s (type %d), %s: manifest %s, server %s"
                        % (*identity, name, json.dumps(ours_row[name]), json.dumps(theirs_row[name]))
                    )
    return found


def _by_object(rows: Iterable[Row]) -> dict[tuple[str, int], list[dict[str, Any]]]:
    grouped: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in sort_rows(rows):
        grouped.setdefault(row.key, []).append(row_document(row))
    return grouped


def read(path: str) -> Content | None:
    """Return the manifest at path, None where there is no file.

    Raises:
        InputError: There is one that is none.
        DiskError: There is one that cannot be read.
    """
    try:
        # Some editors begin a file with a mark of its byte order.
        with open(path, encoding="utf-8-sig") as handle:
            return loads(handle.read())
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise DiskError("manifest: %s cannot be read: %s." % (path, printable(error))) from error
    except ShapeError as error:
        raise InputError(
            "manifest: %s is no manifest: %s. Restore it, or remove it." % (path, printable(error))
        ) from error


def write(path: str, manifest: Content, check_mode: bool, mode: int = 0o644) -> bool:
    """Write a manifest unless it is there already; return whether it was, or in check mode would be, written.

    Args:
        path: Where to write it.
        manifest: What to write.
        check_mode: Whether to write nothing.
        mode: Permission bits of the file. As a rule others are to read it: it lies in a repository beside the
            package, and holds nothing that the package does not.

    Raises:
        DiskError: It cannot be written.
    """
    text = dumps(manifest).encode("utf-8")
    # One that is not there, or not readable, is written, which tells what is wrong.
    with contextlib.suppress(OSError), open(path, "rb") as handle:
        if handle.read() == text:
            return False
    if not check_mode:
        with disk_errors("manifest: %s cannot be written" % path):
            write_file(path, text, mode)
    return True
