# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of migrations: make, approve, import, validate, certify, undo, delete. A step out of turn is 400."""

from __future__ import annotations

from typing import Any

from mstr_double import errors, migrations, package_rules
from mstr_double.holders import ImportProcess
from mstr_double.migrations import Migration, needs_project
from mstr_double.package_format import CorruptPackage
from mstr_double.reply import Reply
from mstr_double.routes_objects import checked_project
from mstr_double.routes_packages import download, need_async, need_project, query_flag
from mstr_double.routes_storage import need_storage, stored_file
from mstr_double.server import IMPORT, Call

LARGEST_PAGE = 1000
CONTENT = ("default", "tocview", "treeview", "all")
# From where an import can be begun; and from where it can be taken back, a failed one not on all versions.
BEFORE_IMPORT = (migrations.PENDING, migrations.IMPORT_FAILED, migrations.UNDO_SUCCESS)
BEFORE_UNDO = (migrations.IMPORTED, migrations.UNDO_FAILED)


def _part(body: dict[str, Any], name: str) -> dict[str, Any]:
    part = body.get(name)
    if part is not None and not isinstance(part, dict):
        raise errors.invalid_input(f"{name} is not valid.")
    return part or {}


def _record(call: Call, also_deleted: bool = False) -> Migration:
    need_storage(call)
    record = call.server.migrations.records.get(call.arguments["migration_id"])
    if record is None or (record.deleted and not also_deleted):
        raise errors.not_found(f"The migration with ID '{call.arguments['migration_id']}' is not found.")
    return record


def _out_of_turn(what: str, record: Migration) -> errors.ApiError:
    return errors.invalid_input(
        f"The migration cannot be {what} while its package is '{record.package['status']}' and its import is "
        f"'{record.import_status}'."
    )


def _need_privileges(call: Call) -> None:
    for privilege in ("bypass_acl", "create_package", "import_package"):
        call.need(privilege)


def _project_of(call: Call, project_id: str | None) -> dict[str, Any]:
    """How a record names a project."""
    if project_id is None:
        return {}
    return {"project": {"id": project_id, "name": call.server.store.projects[project_id].name}}


async def create_migration(call: Call) -> Reply:
    """Make a package from objects, or reuse one, or import a file that was uploaded."""
    need_storage(call)
    _need_privileges(call)
    body = await call.read_object()
    package, importing = _part(body, "packageInfo"), _part(body, "importInfo")
    project = checked_project(call)
    if call.request.query.get("packageId"):
        record = _reuse(call, call.request.query["packageId"], importing)
    elif package.get("purpose") == migrations.FROM_FILE:
        record = _from_file(call, package, importing, project)
    else:
        record = _from_objects(call, package, importing, project)
    return Reply(201, json=call.server.migrations.brief(record))


def _from_objects(call: Call, package: dict[str, Any], importing: dict[str, Any], project: str | None) -> Migration:
    purpose = package.get("purpose") or migrations.OBJECT_MIGRATION
    if purpose != migrations.OBJECT_MIGRATION:
        raise errors.invalid_input(f"'{purpose}' is not a purpose of migrations that is supported here.")
    if not package.get("name") or not package.get("environment"):
        raise errors.missing_information("A migration needs a name and an environment.")
    toc_view = _part(package, "tocView")
    package_rules.check_definition({"type": package.get("type"), **toc_view}, project)
    shown = {name: package[name] for name in ("name", "type", "environment")}
    server = call.server
    record = server.migrations.new(
        call.session.user.username,
        {**shown, "purpose": purpose, "status": migrations.CREATING, **_project_of(call, project)},
        {name: importing[name] for name in ("environment", "project") if importing.get(name)},
    )
    record.toc_view, record.tree_view = toc_view, package.get("treeView")
    server.spawn(server.migrations.create(record, project, call.session.may("bypass_acl")))
    return record


def _reuse(call: Call, package_id: str, importing: dict[str, Any]) -> Migration:
    """Another import of a package that is there. It is made for one target, so that nothing is left to approve."""
    server = call.server
    known = _of_package(call, package_id)
    old = known[0]
    if old.package["status"] not in (migrations.CREATED, migrations.LOCKED):
        raise _out_of_turn("reused", old)
    if not importing.get("environment"):
        raise errors.missing_information("A migration that reuses a package needs an environment to import it to.")
    record = server.migrations.new(
        call.session.user.username,
        {**old.package, "status": migrations.LOCKED},
        {
            "importRequestStatus": migrations.APPROVED,
            **{name: importing[name] for name in ("environment", "project") if importing.get(name)},
        },
    )
    record.toc_view, record.tree_view = old.toc_view, old.tree_view
    return record


def _from_file(call: Call, package: dict[str, Any], importing: dict[str, Any], project: str | None) -> Migration:
    """Import a file that was uploaded, at once: there is nothing to approve."""
    file = stored_file(call, _part(_part(_part(package, "storage"), "sharedFileStore"), "files").get("id"))
    if not file["existing"]:
        raise errors.invalid_input("The file has not been uploaded.")
    package_type = file["extraInfo"]["packageType"]
    _need_level(package_type, project)
    server = call.server
    try:
        content = server.migrations.content(file["path"])
    except CorruptPackage as error:
        raise errors.iserver_error(f"The package could not be read. {error}", errors.PACKAGE_CORRUPT) from error
    if content.type != package_type:
        raise errors.invalid_input(f"The file is no package of type '{package_type}'.", errors.PACKAGE_MISMATCH)
    record = server.migrations.new(
        call.session.user.username,
        {
            "id": file["extraInfo"]["packageId"],
            "name": file["name"],
            "type": package_type,
            "purpose": migrations.FROM_FILE,
            "status": migrations.LOCKED,
            "progress": 100.0,
            "environment": file["environment"],
            "existing": True,
            "storage": {"size": file["size"], "path": file["path"]},
            **_project_of(call, project),
        },
        {
            "importRequestStatus": migrations.APPROVED,
            **{name: importing[name] for name in ("environment", "project") if importing.get(name)},
        },
    )
    record.toc_view = {"settings": content.settings, "content": content.rows}
    _start_import(call, record, project, True)
    return record


def _need_level(package_type: str, project: str | None) -> None:
    if needs_project(package_type) != (project is not None):
        wants = "needs" if needs_project(package_type) else "must not have"
        raise errors.invalid_input(f"A package of type '{package_type}' {wants} a project ID in its request headers.")


def _start_import(call: Call, record: Migration, project: str | None, generate_undo: bool) -> None:
    server = call.server
    record.process, record.undoing = ImportProcess(record.id, project), None
    record.importing.pop("undoStorage", None)
    server.imports_started += 1
    server.spawn(server.migrations.import_package(record, record.process, generate_undo), IMPORT)


async def list_migrations(call: Call) -> Reply:
    need_storage(call)
    query = call.request.query
    purposes = query.get("packageInfo.purpose", migrations.OBJECT_MIGRATION).split(",")
    try:
        offset, limit = int(query.get("offset", 0)), int(query.get("limit", LARGEST_PAGE))
    except ValueError:
        raise errors.invalid_input("offset and limit are numbers.") from None
    if offset < 0 or not 0 < limit <= LARGEST_PAGE:
        raise errors.invalid_input(f"limit is at most {LARGEST_PAGE}.")
    found = [one for one in call.server.migrations.alive() if one.package["purpose"] in purposes]
    shown = [call.server.migrations.whole(one) for one in found[offset : offset + limit]]
    return Reply(200, json={"data": shown, "total": len(found)})


async def get_migration(call: Call) -> Reply:
    """Show a record. One that was deleted is still to be seen, else nothing could say that it is."""
    record = _record(call, also_deleted=True)
    content = call.request.query.get("showContent", "default")
    if content not in CONTENT:
        raise errors.invalid_input(f"'{content}' is not a valid value for 'showContent'.")
    call.server.migrations.take_validation(record)
    return Reply(200, json=call.server.migrations.whole(record, content))


async def change_migration(call: Call) -> Reply:
    """Change a record: its name, where it is to go, requests and what becomes of them."""
    record = _record(call)
    body = await call.read_object()
    package, importing = _part(body, "packageInfo"), _part(body, "importInfo")
    for name in ("type", "purpose"):
        if package.get(name) not in (None, record.package[name]):
            raise errors.invalid_input(f"The {name} of a migration cannot be changed.")
    # All of them are looked at before any is done.
    undo = _undo_request(call, record, importing.get("undoRequestStatus"))
    request = _import_request(record, importing)
    validation = _part(body, "validation").get("status")
    if validation is not None:
        _need_validable(record, validation)
        record.validation = {"status": validation, "progress": 0.0}
    if package.get("name"):
        record.package["name"] = package["name"]
    record.importing.update({name: importing[name] for name in ("environment", "project") if importing.get(name)})
    if request is not None:
        record.importing["importRequestStatus"] = request
        if request == migrations.APPROVED:
            record.package["status"] = migrations.LOCKED
    if undo is not None:
        record.importing["undoRequestStatus"] = undo
    record.touch()
    if undo == migrations.APPROVED and record.process is not None:
        record.undoing = ImportProcess(record.id, record.process.project)
        call.server.imports_started += 1
        call.server.spawn(call.server.migrations.undo(record, record.undoing), IMPORT)
        return Reply(202, json=call.server.migrations.brief(record))
    return Reply(200, json=call.server.migrations.whole(record))


def _import_request(record: Migration, importing: dict[str, Any]) -> str | None:
    """The new state of the request to import; what is approved or rejected has to be requested first."""
    word = importing.get("importRequestStatus")
    if word is None or word == record.importing["importRequestStatus"]:
        return None
    if not (importing.get("environment") or record.importing["environment"]):
        raise errors.missing_information("An import needs an environment to go to.")
    _need_turn(word, record.importing["importRequestStatus"])
    if record.package["status"] != migrations.CREATED or record.import_status != migrations.PENDING:
        raise _out_of_turn("imported", record)
    return str(word)


def _undo_request(call: Call, record: Migration, word: Any) -> str | None:
    """The new state of the request to take an import back."""
    if word is None or word == record.importing["undoRequestStatus"] == migrations.REQUESTED:
        return None
    allowed = BEFORE_UNDO + ((migrations.IMPORT_FAILED,) if call.server.settings.undo_failed_imports else ())
    if record.import_status not in allowed:
        raise _out_of_turn("undone", record)
    _need_turn(word, record.importing["undoRequestStatus"])
    if word == migrations.APPROVED:
        _need_privileges(call)
        need_project(call, record.process.project if record.process else None)
        if "undoStorage" not in record.importing:
            raise errors.invalid_input("The migration has no undo package.")
    return str(word)


def _need_turn(word: Any, before: str) -> None:
    if word not in (migrations.REQUESTED, migrations.APPROVED, migrations.REJECTED):
        raise errors.invalid_input(f"'{word}' is not a valid state of a request.")
    if word != migrations.REQUESTED and before != migrations.REQUESTED:
        raise errors.invalid_input(f"What is '{before}' cannot be '{word}': it has to be requested first.")


def _need_validable(record: Migration, word: Any = migrations.VALIDATING) -> None:
    if word != migrations.VALIDATING:
        raise errors.invalid_input(f"'{word}' is not a state that a validation can be given.")
    if record.package["purpose"] == migrations.FROM_FILE or record.package["status"] != migrations.CREATED:
        raise _out_of_turn("validated", record)


async def _record_of_another(call: Call) -> tuple[dict[str, Any], str | None]:
    """The record of the source, which a target is asked with. :returns: it, and the project that it is to go to"""
    need_storage(call)
    _need_privileges(call)
    need_async(call)
    body = await call.read_object()
    package, importing = _part(body, "packageInfo"), _part(body, "importInfo")
    if body.get("id") != call.arguments["migration_id"] or not package.get("storage") or not importing.get("id"):
        raise errors.missing_information("The migration is not complete.")
    project = checked_project(call)
    _need_level(str(package.get("type")), project)
    if project != _part(importing, "project").get("id", project):
        raise errors.invalid_input("The project ID of the request headers is not that of the migration.")
    return body, project


async def import_migration(call: Call) -> Reply:
    """Import a package of the storage here, with the record that its source has of it."""
    body, project = await _record_of_another(call)
    package, importing = dict(body["packageInfo"]), dict(body["importInfo"])
    if package.get("replicated") is not True:
        raise errors.invalid_input("The migration is not marked as replicated.")
    if importing.get("importRequestStatus") != migrations.APPROVED:
        raise errors.invalid_input("The import of the migration is not approved.")
    records = call.server.migrations.records
    record = records.get(body["id"])
    if record is None:
        toc_view, tree_view = package.pop("tocView", None), package.pop("treeView", None)
        for name in ("status", "progress", "message"):
            importing.pop(name, None)
        record = Migration(package, importing, toc_view, tree_view)
    elif record.deleted or record.import_status not in BEFORE_IMPORT:
        raise _out_of_turn("imported", record)
    records[record.id] = record
    record.importing["undoRequestStatus"] = migrations.PENDING
    record.touch()
    _start_import(call, record, project, query_flag(call, "generateUndo", True))
    return Reply(201, json=call.server.migrations.brief(record))


async def validate_migration(call: Call) -> Reply:
    """Look what importing a package of the storage here would end in."""
    body, project = await _record_of_another(call)
    package = body["packageInfo"]
    if package.get("purpose") == migrations.FROM_FILE or package.get("status") != migrations.CREATED:
        raise errors.invalid_input("Only a package that was created, and not imported yet, can be validated.")
    server = call.server
    server.storage.remove(migrations.validation_path(body["id"]))
    server.spawn(server.migrations.validate(body["id"], package["storage"].get("path"), project))
    return Reply(202)


async def certify_migration(call: Call) -> Reply:
    """Note that somebody vouches for a package. Sources disagree on whether the body is wrapped."""
    record = _record(call)
    body = await call.read_object()
    if query_flag(call, "autoSync", False):
        return Reply(204)
    form = call.server.settings.certification_body
    wrapped = _part(_part(body, "packageInfo"), "certification")
    certification = {"wrapped": wrapped, "inner": body}.get(form, wrapped or body)
    if certification.get("status") not in migrations.CERTIFICATION:
        raise errors.invalid_input("The certification is not valid.")
    record.package["certification"] = {
        "operator": migrations.creator(call.session.user.username),
        "lastUpdatedDate": record.package["lastUpdatedDate"],
        **{name: value for name, value in certification.items() if value is not None},
    }
    return Reply(204)


def _of_package(call: Call, package_id: str) -> list[Migration]:
    found = [one for one in call.server.migrations.alive() if one.package["id"] == package_id]
    if not found:
        code = call.server.settings.unknown_migration
        raise errors.ApiError(404, code, f"The migration package with ID '{package_id}' is not found.")
    return found


async def delete_migration(call: Call) -> Reply:
    """Delete a package here with all its imports and undo packages; the package's file goes with its source."""
    need_storage(call)
    found = _of_package(call, call.request.query.get("packageId", ""))
    if any(record.busy for record in found):
        raise errors.invalid_input("The migration is busy.")
    storage = call.server.storage
    for record in found:
        record.delete()
        storage.remove(record.importing.get("undoStorage", {}).get("path"))
        if not record.package["replicated"]:
            storage.remove(migrations.validation_path(record.id))
            storage.remove(record.package.get("storage", {}).get("path"))
    return Reply(204)


async def download_migration_package(call: Call) -> Reply:
    need_storage(call)
    package_id = call.arguments["package_id"]
    record = _of_package(call, package_id)[0]
    return _file(call, record.package, "storage", f"{package_id}.mmp")


async def download_migration_undo(call: Call) -> Reply:
    need_storage(call)
    import_id = call.arguments["import_id"]
    for record in call.server.migrations.alive():
        if record.importing["id"] == import_id:
            return _file(call, record.importing, "undoStorage", f"{import_id}.mmp")
    raise errors.not_found(f"The import with ID '{import_id}' is not found.")


def _file(call: Call, info: dict[str, Any], part: str, name: str) -> Reply:
    blob = call.server.storage.read(info.get(part, {}).get("path"))
    if blob is None:
        raise errors.not_found("The file is not found in the storage.")
    # Without quotes: the vendor's client takes what stands behind the sign for the name.
    return download(blob, name, True, quoted=False)
