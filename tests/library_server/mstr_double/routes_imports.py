# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Import processes and their undo packages."""

from __future__ import annotations

from typing import Any

from mstr_double import errors
from mstr_double.holders import FAILED, PROCESSING, READY, ImportProcess
from mstr_double.import_runner import run_import
from mstr_double.importer import Importer
from mstr_double.reply import Reply
from mstr_double.routes_monitors import foreign_lock
from mstr_double.routes_packages import download, failure, held_package, need_async, need_project, query_flag
from mstr_double.server import IMPORT, Call
from mstr_double.store import Lock

# What an import ends with in a project that is idle, where that is in its way; a guess.
IDLE = "The project is idle."


async def create_import(call: Call) -> Reply:
    """Start an import; an undo package is made unless the client does without [import page, More examples]."""
    call.need("import_package")
    need_async(call)
    package_id = call.request.query.get("packageId")
    if not package_id:
        raise errors.missing_information("Required parameter 'packageId' is not present.")
    generate_undo = query_flag(call, "generateUndo", True)
    holder = held_package(call, package_id)
    if holder.status != READY or holder.content is None:
        raise errors.invalid_input("The package is not ready.")
    if holder.running is not None and holder.running.status == PROCESSING:
        raise errors.invalid_input("The package is being imported already.")
    server = call.server
    lock = foreign_lock(call, holder.project)
    if lock is not None and server.settings.locked_import == "refuse":
        raise errors.iserver_error(_locked(lock), errors.METADATA_LOCKED)
    states = server.store.states(holder.project) if holder.project else {}
    server.store.imported_while.append(states)
    idle = any(state.endswith("idle") for state in states.values()) and server.settings.idle_import != "accept"
    if idle and server.settings.idle_import == "refuse":
        raise errors.iserver_error(IDLE, errors.PROJECT_IDLE)
    importer = Importer(server.store, server.settings, holder.content, holder.project)
    if server.settings.missing_component == "refuse" and (missing := importer.missing()):
        raise errors.objects_missing(f"The package cannot be imported. {missing[0]}.", missing)
    process = ImportProcess(holder.id, holder.project)
    holder.running = process
    call.session.imports[process.id] = process
    server.imports_started += 1
    if lock is not None and server.settings.locked_import == "fail":
        process.status, process.message = FAILED, _locked(lock)
        return Reply(202, json=_shown(call, process))
    if idle:
        process.status, process.message = FAILED, IDLE
        return Reply(202, json=_shown(call, process))
    work = run_import(process, importer, server.settings, generate_undo, call.session.user)
    server.spawn(work, IMPORT)
    return Reply(202, json=_shown(call, process))


def _locked(lock: Lock) -> str:
    """What an import ends with in a project that is locked; a guess, as is the code."""
    return f"The metadata is locked by {lock.owner_name} on {lock.machine}."


def _held_import(call: Call) -> ImportProcess:
    process = call.session.imports.get(call.arguments["import_id"])
    if process is None:
        raise errors.not_found(f"The import process with ID '{call.arguments['import_id']}' is not found.")
    need_project(call, process.project)
    return process


def _shown(call: Call, process: ImportProcess) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "id": process.id,
        "status": call.server.word(process.status),
        "undoPackageCreated": process.undo is not None,
        "progress": process.progress,
    }
    answer.update(failure(call, process))
    return answer


async def get_import(call: Call) -> Reply:
    process = _held_import(call)
    answer = _shown(call, process)
    if process.status != PROCESSING:
        process.told += 1
        if process.told <= call.server.settings.undo_unseen:
            answer["undoPackageCreated"] = False
    return Reply(200, json=answer)


async def download_undo(call: Call) -> Reply:
    process = _held_import(call)
    if process.undo is None:
        raise errors.not_found("The undo package is not found.")
    return download(process.undo, "undo.mmp", call.server.settings.undo_length)


async def delete_import(call: Call) -> Reply:
    """Close an import process; one that is still running goes on by itself."""
    process = _held_import(call)
    need_async(call)
    del call.session.imports[process.id]
    return Reply(202)
