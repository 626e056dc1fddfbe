# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done around an import: the schema is reloaded, caches are purged, projects are idled and resumed.

Words and fields are those of the vendor's page "Manage the schema", of its pages on monitors, and of its Python client.
The names of privileges are those of the vendor's help on administration privileges.
"""

from __future__ import annotations

from typing import Any

from mstr_double import errors
from mstr_double.ids import new_id, now
from mstr_double.passing import take
from mstr_double.reply import Reply
from mstr_double.routes_monitors import MACHINE
from mstr_double.routes_objects import checked_project
from mstr_double.server import PRIVILEGES, Call
from mstr_double.settings import Settings
from mstr_double.store import Node, Project, SchemaTask

UPDATE_TYPES = ("table_key", "entry_level", "logical_size", "clear_element_cache")
CACHES = ("element", "object", "report", "all")
LOADED = "loaded"
UNLOADED = "unloaded"
STATES = (LOADED, UNLOADED, "request_idle", "exec_idle", "wh_exec_idle", "partial_idle", "full_idle")
RUNNING, COMPLETED, FAILED = "running", "completed", "failed"


def _of_header(call: Call) -> Project:
    project_id = checked_project(call)
    if project_id is None:
        raise errors.invalid_input("The project ID is required in the request headers.")
    return call.server.store.projects[project_id]


async def reload_schema(call: Call) -> Reply:
    """Reload the schema: at once, or as a task where the client asks for that and this server has tasks for it."""
    project, body, settings = _of_header(call), await call.read_object(), call.server.settings
    types = body.get("updateTypes")
    if not isinstance(types, list) or any(kind not in UPDATE_TYPES for kind in types):
        raise errors.invalid_input("updateTypes is required, and can have: " + ", ".join(UPDATE_TYPES))
    locked = project.schema_lock is not None and settings.locked_reload != "accept"
    if locked and settings.locked_reload == "refuse":
        raise errors.invalid_input("The schema is locked.")
    task = SchemaTask(id=new_id(), started=now(), lost=settings.tasks_lost > len(call.server.store.tasks))
    call.server.store.tasks[task.id] = task
    failure = "The schema is locked." if locked else settings.schema_failure
    prefers_task = "respond-async" in call.request.headers.get("Prefer", "")
    if not prefers_task or settings.schema_reload == "sync":
        await _run(task, project, settings, failure)
        if failure is not None:
            raise errors.iserver_error(failure, errors.METADATA_LOCKED)
        return Reply(201)
    call.server.spawn(_run(task, project, settings, failure))
    return Reply(202, json=task.as_dict())


async def _run(task: SchemaTask, project: Project, settings: Settings, failure: str | None) -> None:
    await take(lambda: settings.schema_duration)
    task.status, task.ended, task.failure = (COMPLETED if failure is None else FAILED), now(), failure
    if failure is None and not task.lost:
        project.schema_reloads += 1


async def get_task(call: Call) -> Reply:
    """How far a task is. One of before a restart is not known any more."""
    _of_header(call)
    task = call.server.store.tasks.get(call.arguments["task_id"])
    if task is None or task.lost:
        raise errors.not_found(f"The task with ID '{call.arguments['task_id']}' is not found.")
    return Reply(200, json=task.as_dict())


async def purge_caches(call: Call) -> Reply:
    """Begin to purge the caches of a kind in a project."""
    kind, project = call.arguments["kind"], call.server.store.projects.get(call.arguments["project_id"].upper())
    if project is None or kind not in CACHES:
        raise errors.invalid_input("The project or the type of the caches is not valid.")
    _need_in(call, "administer_caches", project.id)
    project.caches_purged.append(kind)
    return Reply(204)


def _need_in(call: Call, privilege: str, project_id: str) -> None:
    """Refuse a user who lacks a privilege in the project that a path or a query names. :raises ApiError: 403"""
    if not call.session.may(privilege, project_id):
        raise errors.no_privilege(PRIVILEGES[privilege][1])


# The state of projects.


def _named(call: Call, project_id: str | None) -> Project:
    project = call.server.store.projects.get((project_id or "").upper())
    if project is None:
        raise errors.not_found(f"The project with ID '{project_id}' is not found.")
    return project


def _wanted(status: Any) -> str:
    if status not in STATES:
        raise errors.invalid_input("The status can be: " + ", ".join(STATES))
    return str(status)


async def change_on_node(call: Call) -> Reply:
    """Change what a project is on one node: it is so a while later."""
    project, body = _named(call, call.arguments["project_id"]), await call.read_object()
    _need_in(call, "idle_project", project.id)
    node = next((one for one in call.server.store.nodes if one.name == call.arguments["node"]), None)
    if node is None or node.status != "running":
        raise errors.not_found(f"The node '{call.arguments['node']}' is not found.")
    operations = body.get("operationList")
    if not isinstance(operations, list) or len(operations) != 1 or operations[0].get("path") != "/status":
        raise errors.invalid_input("The operationList replaces /status.")
    _change(call, node, project, _wanted(operations[0].get("value")))
    return Reply(202, json={"project": {"id": project.id, "name": project.name, "status": "pending"}})


async def change_everywhere(call: Call) -> Reply:
    """Change what a project is on all nodes that run; one on which it is not loaded gets it too, as far as is known."""
    project, body = _named(call, call.request.query.get("projectId")), await call.read_object()
    _need_in(call, "idle_project", project.id)
    status = _wanted(body.get("status"))
    for node in call.server.store.nodes:
        if node.status == "running":
            _change(call, node, project, status)
    return Reply(202)


def _change(call: Call, node: Node, project: Project, status: str) -> None:
    node.projects[project.id] = status
    node.pending[project.id] = call.server.settings.pending_polls
    call.server.store.project_states.append((node.name, project.id, status))


async def list_connections(call: Call) -> Reply:
    """Who is connected: the sessions that were used in a project, and whom a test has put there."""
    call.need("monitor_users")
    query = call.request.query
    rows = list(call.server.store.connections)
    for session in call.server.sessions.alive(call.server.settings.session_timeout):
        rows += [_connection(call, session.user, project_id) for project_id in sorted(session.projects)]
    rows = [row for row in rows if query.get("projectId") in (None, row["projectId"])]
    rows = [row for row in rows if query.get("username") in (None, row["username"])]
    try:
        offset, limit = int(query.get("offset", 0)), int(query.get("limit", -1))
    except ValueError:
        raise errors.invalid_input("offset and limit are numbers.") from None
    shown = rows[offset:] if limit < 0 else rows[offset : offset + limit]
    return Reply(200, json={"userConnections": shown}, headers=[("X-MSTR-Total-Count", str(len(rows)))])


def _connection(call: Call, user: Any, project_id: str) -> dict[str, Any]:
    return {
        "id": f"{user.id}:{project_id}",
        "username": user.username,
        "userFullName": user.full_name,
        "projectId": project_id,
        "projectName": call.server.store.projects[project_id].name,
        "clientMachine": MACHINE,
        "openJobsCount": 0,
    }
