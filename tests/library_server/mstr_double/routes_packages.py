# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages: the one that a session may hold."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from mstr_double import errors, package_rules, upload
from mstr_double.builder import BuildFailed, build
from mstr_double.holders import DELETING, EMPTY, FAILED, PROCESSING, READY, ImportProcess, PackageHolder
from mstr_double.ids import new_id
from mstr_double.importer import Importer
from mstr_double.package_format import Blob, CorruptPackage, PackageContent, decode
from mstr_double.passing import take
from mstr_double.reply import Reply
from mstr_double.routes_objects import checked_project
from mstr_double.server import Call

FLAGS = {"true": True, "false": False}


# The page says that a session holds one package, and not what a server answers that is asked for a second one.
SECOND_HOLDER = {"refuse": (409, "ERR015"), "400": (400, "ERR006"), "500": (500, "ERR001")}


def need_async(call: Call) -> None:
    """Some calls only work asynchronously, and want that said. :raises ApiError: 400"""
    answer = call.server.settings.missing_prefer
    if "respond-async" not in call.request.headers.get("Prefer", "") and answer != "accept":
        raise errors.ApiError(400, answer, "The request header 'Prefer: respond-async' is required.")


def query_flag(call: Call, name: str, default: bool) -> bool:
    """A flag of the query, in any case: the pages write true, Python writes True. :raises ApiError: 400"""
    text = call.request.query.get(name)
    if text is None:
        return default
    if text.lower() not in FLAGS:
        raise errors.invalid_input(f"'{text}' is not a valid value for '{name}'.")
    return FLAGS[text.lower()]


def need_project(call: Call, project: str | None) -> None:
    """A call about a package or an import must name the project that it was made with. :raises ApiError: 400"""
    if call.project != project:
        wants = "must not be sent" if project is None else f"must be '{project}'"
        raise errors.invalid_input(f"The request header 'X-MSTR-ProjectID' {wants} for this package.")


def held_package(call: Call, package_id: str) -> PackageHolder:
    """The package of this session. :raises ApiError: 404 when it is not in this session, 400 for another project"""
    holder = call.session.package
    if holder is None or holder.id != package_id:
        raise errors.not_found(f"The package with ID '{package_id}' is not found.")
    need_project(call, holder.project)
    return holder


def _brief(call: Call, holder: PackageHolder) -> dict[str, Any]:
    return {"id": holder.id, "status": call.server.word(holder.status)}


async def create_package(call: Call) -> Reply:
    call.need("create_package")
    project = checked_project(call)
    second = call.server.settings.second_holder
    if call.session.package is not None and second in SECOND_HOLDER:
        raise errors.ApiError(*SECOND_HOLDER[second], "The session holds a package already.")
    call.session.package = PackageHolder(project)
    return Reply(201, json=_brief(call, call.session.package))


async def define_package(call: Call) -> Reply:
    """Build a package from objects; only an empty one can be filled."""
    call.need("create_package")
    holder = held_package(call, call.arguments["package_id"])
    need_async(call)
    _need_empty(holder)
    try:
        body = json.loads(await call.read())
    except ValueError:
        raise errors.invalid_input("Invalid JSON") from None
    package_rules.check_definition(body, holder.project)
    if call.server.settings.missing_content == "refuse":
        try:
            build(call.server.store, body, holder.project, call.session.may("bypass_acl"))
        except BuildFailed as error:
            raise errors.objects_missing(str(error), error.missing) from error
    holder.status = PROCESSING
    call.server.spawn(_build(call, holder, body))
    return Reply(202, json=_brief(call, holder))


async def _build(call: Call, holder: PackageHolder, body: dict[str, Any]) -> None:
    await take(lambda: call.server.settings.build_duration)
    try:
        content, flags = build(call.server.store, body, holder.project, call.session.may("bypass_acl"))
    except BuildFailed as error:
        _fail(holder, str(error), error.missing)
        return
    if call.server.settings.stamp_files:
        content.stamp = new_id()
    holder.content, holder.built = content, flags
    _finish(call, holder)


def _finish(call: Call, holder: PackageHolder) -> None:
    failure = call.server.settings.package_failure
    if failure is not None:
        _fail(holder, failure)
    elif holder.status == PROCESSING:
        holder.status = READY


def _fail(holder: PackageHolder, message: str, missing: Sequence[errors.Missing] = ()) -> None:
    if holder.status == PROCESSING:
        holder.status, holder.message, holder.missing = FAILED, message, list(missing)


def failure(call: Call, failed: PackageHolder | ImportProcess) -> dict[str, Any]:
    """What the state of a package or an import says about its failure; not all servers say something."""
    settings = call.server.settings
    if failed.message is None or not settings.failure_messages:
        return {}
    return {"message": failed.message, **errors.sub_errors(failed.missing, settings)}


async def get_package(call: Call) -> Reply:
    holder = held_package(call, call.arguments["package_id"])
    answer = _brief(call, holder)
    answer.update(failure(call, holder))
    if query_flag(call, "showContent", False) and holder.content is not None and holder.status == READY:
        answer["settings"] = {name: value for name, value in holder.content.settings.items() if value is not None}
        answer["content"] = holder.shown_content(call.server.settings.list_dependents)
    return Reply(200, json=answer)


async def upload_package(call: Call) -> Reply:
    call.need("create_package")
    holder = held_package(call, call.arguments["package_id"])
    _need_empty(holder)
    boundary = upload.boundary_of(call.request.headers.get("Content-Type"))
    spool = upload.Spool()
    await spool.fill(call.request, call.server.settings.keep_uploads)
    call.entry["bytes_in"] = spool.size
    part = await upload.find_file(spool, boundary)
    if call.server.settings.hash_uploads:
        call.entry["sha256_in"] = await asyncio.to_thread(lambda: part.sha256)
    try:
        content = await asyncio.to_thread(decode, part)
    except CorruptPackage as error:
        raise errors.iserver_error(f"The package could not be read. {error}", errors.PACKAGE_CORRUPT) from error
    _need_fitting(content, holder)
    _need_components(call, content, holder)
    _need_empty(holder)
    holder.content, holder.blob = content, part
    settings = call.server.settings
    holder.status = PROCESSING
    if settings.upload_processing:
        call.server.spawn(_process_upload(call, holder))
    else:
        _finish(call, holder)
    return Reply(200, json=_brief(call, holder))


async def _process_upload(call: Call, holder: PackageHolder) -> None:
    await take(lambda: call.server.settings.upload_processing)
    _finish(call, holder)


def _need_empty(holder: PackageHolder) -> None:
    if holder.status != EMPTY:
        raise errors.invalid_input("The package is not empty.")


def _need_fitting(content: PackageContent, holder: PackageHolder) -> None:
    if (content.type == package_rules.CONFIGURATION) != (holder.project is None):
        place = "the configuration level" if holder.project is None else "a project"
        raise errors.invalid_input(
            f"A package of type '{content.type}' cannot be used at {place}.", errors.PACKAGE_MISMATCH
        )


def _need_components(call: Call, content: PackageContent, holder: PackageHolder) -> None:
    if call.server.settings.missing_component == "refuse_upload":
        missing = Importer(call.server.store, call.server.settings, content, holder.project).missing()
        if missing:
            raise errors.objects_missing(f"The package could not be read. {missing[0]}.", missing)


async def download_package(call: Call) -> Reply:
    holder = held_package(call, call.arguments["package_id"])
    if holder.status != READY:
        raise errors.invalid_input("The package is not ready.")
    return download(holder.file(), "package.mmp", True)


def download(blob: Blob, name: str, with_length: bool, quoted: bool = True) -> Reply:
    """A file as an answer."""
    shown = f'"{name}"' if quoted else name
    return Reply(
        200,
        download=blob,
        with_length=with_length,
        headers=[("Content-Disposition", f"attachment; filename={shown}")],
    )


async def delete_package(call: Call) -> Reply:
    holder = held_package(call, call.arguments["package_id"])
    need_async(call)
    holder.status = DELETING
    answer = _brief(call, holder)
    if call.server.settings.delete_duration:
        call.server.spawn(_forget_later(call, holder))
    else:
        call.session.package = None
    return Reply(202, json=answer)


async def _forget_later(call: Call, holder: PackageHolder) -> None:
    await take(lambda: call.server.settings.delete_duration)
    if call.session.package is holder:
        call.session.package = None
