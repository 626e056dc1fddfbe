# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks of projects, of the configuration and of schemas; the nodes of the cluster.

Words and fields are those of the vendor's page "Manage the schema" and of its Python client. What a lock is refused
with is a guess: 400 ``ERR006``.
"""

from __future__ import annotations

from mstr_double import errors
from mstr_double.ids import now
from mstr_double.reply import Reply
from mstr_double.routes_objects import checked_project
from mstr_double.routes_packages import query_flag
from mstr_double.server import Call
from mstr_double.store import Lock, Project

TEMPORAL = ("temporal_individual", "temporal_constituent")
LOCK_TYPES = (*TEMPORAL, "permanent_individual", "permanent_constituent")
SCHEMA_LOCK_TYPES = ("absolute_individual", "absolute_constituent", "exclusive_constituent", "shared")
CONFIGURATION_LEVEL = ""
MACHINE = "client.example"


def _project(call: Call) -> Project:
    wanted = call.arguments["project_id"]
    project = call.server.store.project(wanted)
    if project is None:
        raise errors.not_found(f"The project with ID '{wanted}' is not found.")
    return project


def lock_of(call: Call, place: str) -> Lock | None:
    """The lock of a project, by its id, or of the configuration. A temporal one ends with its session."""
    lock = call.server.store.locks.get(place)
    if lock is not None and lock.session is not None:
        alive = call.server.sessions.alive(call.server.settings.session_timeout)
        if all(lock.session is not session for session in alive):
            del call.server.store.locks[place]
            return None
    return lock


def foreign_lock(call: Call, project: str | None) -> Lock | None:
    """A lock by which somebody else keeps this session out, None where there is none."""
    lock = lock_of(call, project or CONFIGURATION_LEVEL)
    return lock if lock is not None and lock.session is not call.session else None


async def get_project_lock(call: Call) -> Reply:
    return _shown(lock_of(call, _project(call).id))


async def set_project_lock(call: Call) -> Reply:
    return await _set(call, _project(call).id)


async def drop_project_lock(call: Call) -> Reply:
    return _drop(call, _project(call).id)


async def get_configuration_lock(call: Call) -> Reply:
    return _shown(lock_of(call, CONFIGURATION_LEVEL))


async def set_configuration_lock(call: Call) -> Reply:
    return await _set(call, CONFIGURATION_LEVEL)


async def drop_configuration_lock(call: Call) -> Reply:
    return _drop(call, CONFIGURATION_LEVEL)


def _shown(lock: Lock | None) -> Reply:
    return Reply(200, json={"lockType": "not_locked"} if lock is None else lock.as_dict())


async def _set(call: Call, place: str) -> Reply:
    body = await call.read_object()
    if body.get("lockType") not in LOCK_TYPES or not body.get("lockId"):
        raise errors.missing_information("A lock needs its lockType and its lockId.")
    if lock_of(call, place) is not None:
        raise errors.invalid_input("It is locked already.")
    user = call.session.user
    call.server.store.locks[place] = Lock(
        type=body["lockType"],
        id=str(body["lockId"]),
        time=now(),
        comment=str(body.get("comment") or ""),
        machine=MACHINE,
        owner_id=user.id,
        owner_name=user.full_name,
        session=call.session if body["lockType"] in TEMPORAL else None,
    )
    return Reply(204)


def _drop(call: Call, place: str) -> Reply:
    lock = lock_of(call, place)
    if lock is None:
        raise errors.invalid_input("It is not locked.")
    if not query_flag(call, "force", False) and call.request.query.get("lockId") != lock.id:
        raise errors.invalid_input("The lock has another id.")
    del call.server.store.locks[place]
    return Reply(204)


def _schema(call: Call) -> Project:
    project_id = checked_project(call)
    if project_id is None:
        raise errors.invalid_input("The project ID is required in the request headers.")
    return call.server.store.projects[project_id]


async def get_schema_lock(call: Call) -> Reply:
    lock = _schema(call).schema_lock
    if lock is None:
        return Reply(200, json={"lockType": "none"})
    shown = lock.as_dict()
    owner = shown.pop("owner")
    shown["dateCreated"] = shown.pop("lockTime")
    return Reply(200, json={**shown, "ownerId": owner["id"], "ownerName": owner["name"]})


async def set_schema_lock(call: Call) -> Reply:
    project, body = _schema(call), await call.read_object()
    if body.get("lockType") not in SCHEMA_LOCK_TYPES:
        raise errors.invalid_input("The lockType is not valid.")
    if project.schema_lock is not None:
        raise errors.invalid_input("The schema is locked already.")
    user = call.session.user
    project.schema_lock = Lock(
        type=body["lockType"], time=now(), machine=MACHINE, owner_id=user.id, owner_name=user.full_name
    )
    return Reply(201)


async def drop_schema_lock(call: Call) -> Reply:
    """Unlock. The page says 201; 204 would be usual."""
    _schema(call).schema_lock = None
    return Reply(call.server.settings.unlock_status)


async def list_nodes(call: Call) -> Reply:
    """The nodes, each with the projects and what they are there: loaded unless the seed says something else."""
    call.need("monitor_cluster")
    wanted, name = call.request.query.get("projects.id"), call.request.query.get("name")
    projects = [one for one in call.server.store.projects.values() if wanted in (None, one.id)]
    nodes = []
    for node in call.server.store.nodes:
        if name in (None, node.name):
            rows = [{"id": one.id, "name": one.name, "status": node.told(one)} for one in projects]
            about = {"name": node.name, "port": node.port, "status": node.status, "load": 0, "default": node.default}
            nodes.append({**about, "projects": rows})
    return Reply(200, json={"nodes": nodes})
