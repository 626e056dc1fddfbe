# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of the storage service: its configuration, and files that are uploaded to be imported as migrations."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

from mstr_double import errors, ids, migrations, package_rules, upload
from mstr_double.reply import Reply
from mstr_double.routes_packages import download
from mstr_double.server import Call

PACKAGES = "migrations.packages"


def need_storage(call: Call) -> None:
    """Refuse what needs the storage service, where that is not set up. :raises ApiError: 500"""
    if not call.server.settings.storage_configured:
        raise errors.ApiError(500, "ERR016", "The Storage Service is not configured properly.")


async def get_storage(call: Call) -> Reply:
    configured = call.server.settings.storage_configured
    shown = {"type": "file_system", "alias": "", "location": "", "configured": configured}
    if configured:
        shown.update(alias="storage", location=str(call.server.storage.directory))
    return Reply(200, json={"sharedFileStore": shown})


def _key(file_id: Any) -> str:
    """The part of a file's path that its id stands for; ids are base64, those of nothing stand for nothing."""
    try:
        return base64.b64decode(str(file_id), validate=True).decode("ascii")
    except ValueError:
        return ""


def stored_file(call: Call, file_id: Any) -> dict[str, Any]:
    """The description of a file. :raises ApiError: 404 when there is none"""
    found = call.server.storage.read_json(f"files/{_key(file_id)}.json")
    if found is None:
        raise errors.not_found(f"The file with ID '{file_id}' is not found.")
    return dict(found)


async def create_file(call: Call) -> Reply:
    """Describe a file that is going to be uploaded."""
    need_storage(call)
    call.need("import_package")
    try:
        body = json.loads(await call.read())
    except ValueError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("extraInfo"), dict):
        raise errors.invalid_input("Invalid JSON")
    for name in ("name", "size", "sha256", "environment"):
        if not body.get(name):
            raise errors.missing_information(f"The {name} of the file is missing.")
    if (body.get("type"), body.get("extension")) != (PACKAGES, "mmp"):
        raise errors.invalid_input("The file is of no type that is supported here.")
    extra = body["extraInfo"]
    if extra.get("packageType") not in package_rules.TYPES or extra.get("packagePurpose") != migrations.FROM_FILE:
        raise errors.invalid_input("The package's type and purpose are not valid.")
    key = ids.new_id()
    described = {
        **{name: body[name] for name in ("name", "type", "extension", "size", "sha256", "environment")},
        "id": base64.b64encode(key.encode("ascii")).decode("ascii"),
        "path": f"files/{key}.mmp",
        "existing": False,
        "extraInfo": {"packageId": ids.new_id(), **extra},
    }
    call.server.storage.write_json(f"files/{key}.json", described)
    return Reply(200, json=described)


async def upload_file(call: Call) -> Reply:
    """Take a file in; it must be the one that was described."""
    need_storage(call)
    call.need("import_package")
    described = stored_file(call, call.arguments["file_id"])
    boundary = upload.boundary_of(call.request.headers.get("Content-Type"))
    spool = upload.Spool()
    await spool.fill(call.request, keep=True)
    call.entry["bytes_in"] = spool.size
    part = await upload.find_file(spool, boundary)
    if (part.length, await asyncio.to_thread(lambda: part.sha256)) != (described["size"], described["sha256"]):
        raise errors.invalid_input("The file is not the one that was described.")
    call.server.storage.write(described["path"], part)
    described["existing"] = True
    call.server.storage.write_json(described["path"].replace(".mmp", ".json"), described)
    return Reply(200, json=described)


async def download_file(call: Call) -> Reply:
    need_storage(call)
    described = stored_file(call, call.arguments["file_id"])
    blob = call.server.storage.read(described["path"])
    if blob is None:
        raise errors.not_found("The file has not been uploaded.")
    return download(blob, f"{described['name']}.mmp", True)


async def list_files(call: Call) -> Reply:
    need_storage(call)
    query = call.request.query
    kind = query.get("type", PACKAGES)
    found = [file for file in call.server.storage.list_json("files") if file["type"] == kind]
    try:
        offset, limit = int(query.get("offset", 0)), int(query.get("limit", 1000))
    except ValueError:
        raise errors.invalid_input("offset and limit are numbers.") from None
    return Reply(200, json={"data": found[offset : offset + limit], "total": len(found)})


async def delete_file(call: Call) -> Reply:
    need_storage(call)
    call.need("import_package")
    described = stored_file(call, call.arguments["file_id"])
    for path in (described["path"], described["path"].replace(".mmp", ".json")):
        call.server.storage.remove(path)
    return Reply(204)
