# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Migrations: records of the storage service, which outlive sessions [pages on migrations in Workstation].

A record is made where its package is (the source), and again where that is imported (the target), under one id. Each
environment keeps its own; the package's file, the undo package's and what a validation came to are in the storage.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mstr_double import ids, package_rules
from mstr_double.builder import BuildFailed, build
from mstr_double.holders import FAILED, PROCESSING, ImportProcess
from mstr_double.import_runner import run_import
from mstr_double.importer import Importer
from mstr_double.package_format import CorruptPackage, MemoryBlob, PackageContent, decode, encode
from mstr_double.passing import take
from mstr_double.store import ADMINISTRATOR

if TYPE_CHECKING:
    from mstr_double.server import Server

# Why a package was made.
OBJECT_MIGRATION, PROJECT_MERGE, FROM_FILE = "object_migration", "project_merge", "migration_from_shared_file_store"
CREATING, CREATED, CREATE_FAILED, LOCKED = "creating", "created", "create_failed", "locked"
PENDING, REQUESTED, REJECTED, APPROVED = "pending", "requested", "rejected", "approved"
IMPORTING, IMPORTED, IMPORT_FAILED = "importing", "imported", "import_failed"
UNDOING, UNDO_SUCCESS, UNDO_FAILED = "undoing", "undo_success", "undo_failed"
VALIDATING, VALIDATED, VALIDATION_FAILED = "validating", "validated", "validation_failed"
CERTIFICATION = ("uncertified", "requested", "certified", "rejected")


def creator(username: str) -> dict[str, str]:
    """Who made something. The seed's users are not the metadata's; the first of these stands for all of them."""
    return {"id": ADMINISTRATOR, "name": username}


@dataclass
class Migration:
    """A record, in the parts that it is shown in.

    Attributes:
        package: ``packageInfo`` without its content.
        importing: ``importInfo`` without its status and progress, which follow from what runs.
        toc_view: Settings and content, as they were asked for.
        tree_view: What Workstation remembers; nothing reads it here.
        validation: What is known of a validation.
        process: The import, and ``undoing`` what takes it back.
    """

    package: dict[str, Any]
    importing: dict[str, Any]
    toc_view: Any = None
    tree_view: Any = None
    validation: dict[str, Any] | None = None
    process: ImportProcess | None = None
    undoing: ImportProcess | None = None

    @property
    def id(self) -> str:
        return f"{self.package['id']}:{self.importing['id']}"

    @property
    def type(self) -> str:
        return str(self.package["type"])

    @property
    def file(self) -> str:
        return str(self.package["storage"]["path"])

    @property
    def import_status(self) -> str:
        for process, words in (
            (self.undoing, (UNDOING, UNDO_FAILED, UNDO_SUCCESS)),
            (self.process, (IMPORTING, IMPORT_FAILED, IMPORTED)),
        ):
            if process is not None:
                return words[0] if process.status == PROCESSING else words[1 if process.status == FAILED else 2]
        return PENDING

    @property
    def busy(self) -> bool:
        return self.package["status"] == CREATING or self.import_status in (IMPORTING, UNDOING)

    @property
    def deleted(self) -> bool:
        return bool(self.package["deleted"])

    def delete(self) -> None:
        self.package["deleted"] = self.importing["deleted"] = True
        self.touch()

    def touch(self) -> None:
        """Note that it was changed now."""
        self.package["lastUpdatedDate"] = self.importing["lastUpdatedDate"] = ids.now()


@dataclass
class Migrations:
    """The records of one environment, and the work that they stand for."""

    server: Server
    records: dict[str, Migration] = field(default_factory=dict)

    def new(self, username: str, package: dict[str, Any], importing: dict[str, Any]) -> Migration:
        """Keep a new record. Its import is pending."""
        stamp = ids.now()
        made = {"creator": creator(username), "creationDate": stamp, "lastUpdatedDate": stamp, "deleted": False}
        record = Migration(
            package={"id": ids.new_id(), "progress": 0.0, "replicated": False, "existing": False, **made, **package},
            importing={
                "id": ids.new_id(),
                # The vendor's client cannot read a record without one.
                "environment": {},
                "importRequestStatus": PENDING,
                "undoRequestStatus": PENDING,
                **made,
                **importing,
            },
        )
        self.records[record.id] = record
        return record

    def alive(self) -> list[Migration]:
        """The records that were not deleted."""
        return [record for record in self.records.values() if not record.deleted]

    # Work that goes on by itself.

    async def create(self, record: Migration, project: str | None, see_hidden: bool) -> None:
        """Build the package of a record from objects, and put it into the storage."""
        server = self.server
        await take(lambda: server.settings.build_duration)
        try:
            content, _flags = build(server.store, {"type": record.type, **record.toc_view}, project, see_hidden)
        except BuildFailed as error:
            record.package.update(status=CREATE_FAILED, message=str(error))
        else:
            blob = MemoryBlob(encode(content))
            path = f"packages/{record.package['id']}.mmp"
            server.storage.write(path, blob)
            storage = {"size": blob.length, "path": path}
            record.package.update(status=CREATED, progress=100.0, storage=storage, existing=True)
        record.touch()

    async def import_package(self, record: Migration, process: ImportProcess, generate_undo: bool) -> None:
        """Import the package of a record from the storage, and put its undo package there."""
        await self._run(record.file, process, generate_undo)
        if process.undo is not None:
            path = f"undo/{record.importing['id']}.mmp"
            self.server.storage.write(path, process.undo)
            record.importing["undoStorage"] = {"size": process.undo.length, "path": path}
        record.touch()

    async def undo(self, record: Migration, process: ImportProcess) -> None:
        """Take an import back."""
        await self._run(record.importing["undoStorage"]["path"], process, False)
        record.touch()

    async def _run(self, path: str, process: ImportProcess, generate_undo: bool) -> None:
        server = self.server
        try:
            content = self.content(path)
        except CorruptPackage as error:
            process.status, process.message = FAILED, f"The package could not be read. {error}"
            return
        importer = Importer(server.store, server.settings, content, process.project)
        await run_import(process, importer, server.settings, generate_undo)

    def content(self, path: str) -> PackageContent:
        """Read a package of the storage. :raises CorruptPackage: when it is not there or not whole"""
        blob = self.server.storage.read(path)
        if blob is None:
            raise CorruptPackage(f"The storage has no file '{path}'.")
        return decode(blob)

    # Validations: asked for at the target, which leaves the result in the storage, where the source finds it.

    async def validate(self, migration_id: str, path: str, project: str | None) -> None:
        """Find out what an import would end in, without writing anything to the metadata."""
        server = self.server
        stamp = ids.now()
        await take(lambda: server.settings.validation_duration)
        problem = None
        try:
            content = self.content(path)
            problems = Importer(server.store, server.settings, content, project).problems()
            problem = problems[0] if problems else None
        except CorruptPackage as error:
            problem = f"The package could not be read. {error}"
        result = {
            "status": VALIDATION_FAILED if problem else VALIDATED,
            "progress": 100.0,
            "creationDate": stamp,
            "lastUpdatedDate": ids.now(),
            **({"message": problem} if problem else {}),
        }
        server.storage.write_json(validation_path(migration_id), result)

    def take_validation(self, record: Migration) -> None:
        """Take up what the target has left in the storage."""
        if record.validation is not None and record.validation["status"] == VALIDATING:
            record.validation = self.server.storage.read_json(validation_path(record.id)) or record.validation

    # What is shown.

    def brief(self, record: Migration) -> dict[str, Any]:
        """The short record, which tells how far things are."""
        package, importing = self.package_info(record), self.import_info(record)
        requests = ("importRequestStatus", "undoRequestStatus")
        return {
            "id": record.id,
            "packageInfo": {name: package[name] for name in ("id", "status", "progress")},
            "importInfo": {name: importing[name] for name in ("id", "status", *requests, "progress")},
        }

    def whole(self, record: Migration, content: str = "default") -> dict[str, Any]:
        """The record, with content where that is asked for: ``tocview``, ``treeview`` or ``all``."""
        package = self.package_info(record)
        if content in ("tocview", "all"):
            package["tocView"] = record.toc_view
        if content in ("treeview", "all"):
            as_text = self.server.settings.tree_view == "string"
            package["treeView"] = json.dumps(record.tree_view) if as_text else record.tree_view
        shown = {"id": record.id, "packageInfo": package, "importInfo": self.import_info(record), "version": "2"}
        if record.validation is not None:
            shown["validation"] = record.validation
        return shown

    def package_info(self, record: Migration) -> dict[str, Any]:
        return dict(record.package)

    def import_info(self, record: Migration) -> dict[str, Any]:
        process = record.undoing or record.process
        shown = {**record.importing, "status": record.import_status, "progress": process.progress if process else 0.0}
        if process is not None and process.message is not None and self.server.settings.failure_messages:
            shown["message"] = process.message
        return shown


def validation_path(migration_id: str) -> str:
    return f"validations/{migration_id.replace(':', '_')}.json"


def needs_project(package_type: str) -> bool:
    """Whether packages of a type belong to a project, and want its header."""
    return package_type != package_rules.CONFIGURATION
