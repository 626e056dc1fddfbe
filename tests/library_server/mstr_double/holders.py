# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a session holds: a package, and import processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mstr_double.errors import Missing
from mstr_double.ids import process_id
from mstr_double.package_format import Blob, MemoryBlob, PackageContent, encode

EMPTY = "EMPTY"
PROCESSING = "PROCESSING"
READY = "READY"
FAILED = "FAILED"
DELETING = "DELETING"
IMPORTED = "IMPORTED"

# The fields of a row that a client gets to see [import page]; a file carries more.
SHOWN = ("id", "name", "version", "type", "owner", "dateCreated", "dateModified", "action")


@dataclass
class PackageHolder:
    """A package in the memory of a session; bound to the project it was made with, or to the configuration level."""

    project: str | None
    id: str = ""
    status: str = EMPTY
    message: str | None = None
    # What the message is about, where the package failed for want of objects.
    missing: list[Missing] = field(default_factory=list)
    content: PackageContent | None = None
    blob: Blob | None = None
    # Flags of rows that only a package built here has: the vendor shows them for built packages, not for uploaded ones.
    built: dict[str, dict[str, bool]] = field(default_factory=dict)
    running: ImportProcess | None = None

    def __post_init__(self) -> None:
        self.id = process_id(self.project)

    def file(self) -> Blob:
        """The package as a file: what was uploaded, or what was built."""
        if self.blob is None:
            assert self.content is not None
            self.blob = MemoryBlob(encode(self.content))
        return self.blob

    def shown_content(self, with_dependents: bool) -> list[dict[str, Any]]:
        """The rows as ``GET /packages/{id}`` shows them; some servers may list only what was asked for."""
        shown = []
        for row in self.content.rows if self.content else []:
            if row.get("implied") and not with_dependents:
                continue
            one = {name: row[name] for name in SHOWN if name in row}
            one.update(self.built.get(row["id"], {}))
            one["level"] = row["level"]
            shown.append(one)
        return shown


@dataclass
class ImportProcess:
    """An import process; the work itself is done in :mod:`mstr_double.importer`."""

    package_id: str
    project: str | None
    id: str = ""
    status: str = PROCESSING
    progress: float = 0.0
    message: str | None = None
    missing: list[Missing] = field(default_factory=list)
    undo: Blob | None = None
    # How often its end was told so far.
    told: int = 0

    def __post_init__(self) -> None:
        self.id = process_id(self.project)
