# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API for tests: settings, faults, the log, and the metadata itself. It asks for no login."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from mstr_double.seed import build_nodes, project_privileges
from mstr_double.server import Server
from mstr_double.store import CONFIGURATION, Lock, Project, Scope, StoredObject

CONTROL = "/_control"
ControlHandler = Callable[[Server, web.Request], Awaitable[Any]]


class Refused(Exception):
    """A control call that does not fit; carries the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def add_control_routes(app: web.Application, server: Server) -> None:
    """Serve the control API."""

    def bound(handler: ControlHandler) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def serve(request: web.Request) -> web.Response:
            try:
                return web.json_response(await handler(server, request))
            except Refused as error:
                return web.json_response({"error": str(error)}, status=error.status)
            except (ValueError, KeyError, TypeError, re.error) as error:
                return web.json_response({"error": str(error)}, status=400)

        return serve

    for method, path, handler in CONTROL_ROUTES:
        app.router.add_route(method, CONTROL + path, bound(handler))


async def _body(request: web.Request) -> Any:
    text = await request.text()
    return json.loads(text) if text else {}


async def get_settings(server: Server, _request: web.Request) -> Any:
    return server.settings.as_dict()


async def patch_settings(server: Server, request: web.Request) -> Any:
    server.settings.update(await _settings(request))
    return server.settings.as_dict()


async def _settings(request: web.Request) -> dict[str, Any]:
    body = await _body(request)
    if not isinstance(body, dict):
        raise Refused(400, "Settings are a JSON object.")
    return body


async def reset(server: Server, request: web.Request) -> Any:
    settings = await _settings(request)
    server.reset()
    server.settings.update(settings)
    await _open_door(server)
    return {}


async def keep(server: Server, _request: web.Request) -> Any:
    server.keep()
    return {}


async def restore(server: Server, _request: web.Request) -> Any:
    server.restore()
    return {}


async def get_state(server: Server, _request: web.Request) -> Any:
    sessions = server.sessions.alive(server.settings.session_timeout)
    holders = [session.package for session in sessions if session.package is not None]
    return {
        "sessions": [
            {
                "user": session.user.username,
                "package": session.package.id if session.package else None,
                "imports": list(session.imports),
            }
            for session in sessions
        ],
        "packages": [
            {"id": holder.id, "status": server.word(holder.status), "project": holder.project} for holder in holders
        ],
        "imports": [
            {
                "id": process.id,
                "status": server.word(process.status),
                "project": process.project,
                "undo": process.undo is not None,
            }
            for session in sessions
            for process in session.imports.values()
        ],
        "imports_started": server.imports_started,
        "imports_running": server.imports_running,
        "logins": server.sessions.logins,
        "logouts": server.sessions.logouts,
        "refused_logins": server.sessions.refused_logins,
        "in_flight": server.in_flight,
    }


async def get_log(server: Server, _request: web.Request) -> Any:
    return server.log


async def clear_log(server: Server, _request: web.Request) -> Any:
    server.log.clear()
    return {}


async def expire_sessions(server: Server, _request: web.Request) -> Any:
    return {"expired": server.sessions.drop_all()}


async def add_fault(server: Server, request: web.Request) -> Any:
    return server.faults.add(await _body(request)).as_dict()


async def list_faults(server: Server, _request: web.Request) -> Any:
    return server.faults.as_list()


async def clear_faults(server: Server, _request: web.Request) -> Any:
    server.faults.clear()
    await _open_door(server)
    return {}


async def _open_door(server: Server) -> None:
    if server.door is not None:
        await server.door.open()


async def refuse(server: Server, request: web.Request) -> Any:
    seconds = (await _body(request)).get("seconds")
    if server.door is not None:
        await server.door.close(seconds)
    return {}


async def list_secrets(server: Server, _request: web.Request) -> Any:
    return server.sessions.secrets


def _project(server: Server, name: str) -> Project:
    project = server.store.project(name)
    if project is None:
        raise Refused(404, f"There is no project {name!r}.")
    return project


def _scope(server: Server, request: web.Request) -> Scope:
    name = request.match_info["scope"]
    return server.store.configuration if name == CONFIGURATION else _project(server, name).objects


async def list_objects(server: Server, request: web.Request) -> Any:
    return {item.id: item.as_dict() for item in _scope(server, request).values()}


async def get_object(server: Server, request: web.Request) -> Any:
    item = _scope(server, request).get(request.match_info["id"].upper())
    if item is None:
        raise Refused(404, "There is no such object.")
    return item.as_dict()


async def put_object(server: Server, request: web.Request) -> Any:
    """Edit an object; the query says who does, and from which machine: ``?user=viewer&machine=desk``."""
    scope, object_id = _scope(server, request), request.match_info["id"].upper()
    change = "change_object" if object_id in scope else "create_object"
    item = server.store.edit(scope, object_id, await _body(request))
    _note(server, request, scope, change, item)
    return item.as_dict()


def _note(server: Server, request: web.Request, scope: Scope, change: str, item: StoredObject) -> None:
    """Write an edit into the change journal."""
    name = request.query.get("user", "administrator")
    user = next((one for one in server.store.users if one.username == name), None)
    if user is None:
        raise Refused(404, f"There is no user {name!r}.")
    server.store.note(user, request.query.get("machine", "desk"), scope, change, [item])


async def purge_journal(server: Server, _request: web.Request) -> Any:
    server.store.journal.clear()
    return {}


async def put_objects(server: Server, request: web.Request) -> Any:
    """Change or create many objects at once, each as above."""
    scope = _scope(server, request)
    for row in await _body(request):
        server.store.edit(scope, str(row["id"]).upper(), row)
    return {}


async def delete_object(server: Server, request: web.Request) -> Any:
    scope = _scope(server, request)
    item = scope.pop(request.match_info["id"].upper(), None)
    if item is None:
        raise Refused(404, "There is no such object.")
    _note(server, request, scope, "delete_object", item)
    return item.as_dict()


async def get_security(server: Server, request: web.Request) -> Any:
    return _project(server, request.match_info["scope"]).security


async def patch_user(server: Server, request: web.Request) -> Any:
    """Give a user other privileges, everywhere or in some projects; sessions notice at once."""
    name, body = request.match_info["name"], await _settings(request)
    user = next((one for one in server.store.users if one.username == name), None)
    if user is None:
        raise Refused(404, f"There is no user {name!r}.")
    if set(body) - {"privileges", "project_privileges"}:
        raise Refused(400, "A user has privileges and project_privileges.")
    if "privileges" in body:
        user.privileges = frozenset(body["privileges"])
    if "project_privileges" in body:
        user.project_privileges = project_privileges(body["project_privileges"])
    return {}


def _place(server: Server, request: web.Request) -> str:
    name = request.match_info["scope"]
    return "" if name == CONFIGURATION else _project(server, name).id


async def put_lock(server: Server, request: web.Request) -> Any:
    """Lock a project, or the configuration, as somebody else would."""
    lock = Lock.from_dict(await _settings(request))
    server.store.locks[_place(server, request)] = lock
    return lock.as_dict()


async def delete_lock(server: Server, request: web.Request) -> Any:
    server.store.locks.pop(_place(server, request), None)
    return {}


async def put_schema_lock(server: Server, request: web.Request) -> Any:
    """Lock the schema of a project, as somebody who edits it does."""
    lock = Lock.from_dict(await _settings(request))
    _project(server, request.match_info["scope"]).schema_lock = lock
    return lock.as_dict()


async def get_upkeep(server: Server, _request: web.Request) -> Any:
    """What was done around imports."""
    store = server.store
    return {
        "schema_reloads": {project.id: project.schema_reloads for project in store.projects.values()},
        "caches_purged": {project.id: project.caches_purged for project in store.projects.values()},
        "states": {project_id: store.states(project_id) for project_id in store.projects},
        "project_states": store.project_states,
        "imported_while": store.imported_while,
    }


async def put_connections(server: Server, request: web.Request) -> Any:
    rows = await _body(request)
    fields = {"id": "", "username": "", "userFullName": "", "projectId": "", "projectName": "", "openJobsCount": 0}
    server.store.connections = [{**fields, **row} for row in rows]
    return {}


async def put_nodes(server: Server, request: web.Request) -> Any:
    server.store.nodes = build_nodes(await _body(request))
    return {}


CONTROL_ROUTES: list[tuple[str, str, ControlHandler]] = [
    ("GET", "/settings", get_settings),
    ("PATCH", "/settings", patch_settings),
    ("POST", "/reset", reset),
    ("POST", "/keep", keep),
    ("POST", "/restore", restore),
    ("GET", "/state", get_state),
    ("GET", "/log", get_log),
    ("DELETE", "/log", clear_log),
    ("POST", "/expire-sessions", expire_sessions),
    ("GET", "/secrets", list_secrets),
    ("POST", "/refuse", refuse),
    ("POST", "/faults", add_fault),
    ("GET", "/faults", list_faults),
    ("DELETE", "/faults", clear_faults),
    ("GET", "/objects/{scope}", list_objects),
    ("POST", "/objects/{scope}", put_objects),
    ("GET", "/objects/{scope}/{id}", get_object),
    ("PUT", "/objects/{scope}/{id}", put_object),
    ("DELETE", "/objects/{scope}/{id}", delete_object),
    ("GET", "/security/{scope}", get_security),
    ("PATCH", "/users/{name}", patch_user),
    ("PUT", "/locks/{scope}", put_lock),
    ("DELETE", "/locks/{scope}", delete_lock),
    ("PUT", "/schema-locks/{scope}", put_schema_lock),
    ("PUT", "/nodes", put_nodes),
    ("DELETE", "/journal", purge_journal),
    ("GET", "/upkeep", get_upkeep),
    ("PUT", "/connections", put_connections),
]
