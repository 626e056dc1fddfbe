# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Projects and objects."""

from __future__ import annotations

from typing import Any

from mstr_double import errors
from mstr_double.reply import Reply
from mstr_double.server import Call
from mstr_double.store import CONFIGURATION_TYPES, PROJECT, Project, Scope, StoredObject

ALL_RIGHTS = 255
# The vendor's enumeration of a project's states (EnumDSSXMLProjectStatus); full idle is both of the first two.
IDLE = {"exec_idle": 1, "request_idle": 2, "full_idle": 3, "wh_exec_idle": 4, "partial_idle": 6}


async def list_projects(call: Call) -> Reply:
    return Reply(
        200,
        json=[
            {
                "id": project.id,
                "name": project.name,
                "alias": project.alias,
                "description": project.description,
                "status": project.status or _idle_number(call, project),
            }
            for project in call.server.store.projects.values()
        ],
    )


def _idle_number(call: Call, project: Project) -> int:
    """What the state of a project is as a number, by the node that a session is on: the default one."""
    node = next((one for one in call.server.store.nodes if one.default), None)
    return IDLE.get(node.status_of(project), 0) if node is not None and call.server.settings.idle_shown else 0


async def get_object(call: Call) -> Reply:
    """Look an object up by id and type: in the project of the header, and at the configuration level."""
    kind = _object_type(call)
    object_id = call.arguments["object_id"].upper()
    store = call.server.store
    scopes: list[Scope] = []
    project = checked_project(call)
    if project is not None:
        scopes.append(store.scope(project))
    scopes.append(store.configuration)
    as_object = store.project_object(object_id) if kind == PROJECT else None
    if as_object is not None:
        return Reply(200, json=_shown(call, store.configuration, as_object))
    for scope in scopes:
        item = scope.get(object_id)
        if item is not None and item.type == kind and may_see(call, item):
            return Reply(200, json=_shown(call, scope, item))
    if project is None and kind not in CONFIGURATION_TYPES:
        raise errors.invalid_input("The project ID is required in the request headers.")
    raise _missing(call, object_id, kind)


def may_see(call: Call, item: StoredObject) -> bool:
    """Whether the user may know of an object."""
    return not (item.hidden or item.private) or call.session.may("bypass_acl")


def checked_project(call: Call) -> str | None:
    """The project of the header, which must exist and be active. :raises ApiError: otherwise"""
    project_id = call.project
    if project_id is None:
        return None
    project = call.server.store.projects.get(project_id)
    if project is None:
        raise errors.invalid_input(f"The project ID '{project_id}' is not valid.")
    if project.status != 0:
        status, code = (404, "ERR004") if call.server.settings.unloaded_project == "404" else (500, "ERR002")
        raise errors.ApiError(status, code, f"The project '{project.name}' is not loaded.", errors.PROJECT_NOT_LOADED)
    _need_place(call, project_id)
    return project_id


def _need_place(call: Call, project_id: str) -> None:
    """A user has so many sessions in a project, and no more. :raises ApiError: 500"""
    cap = call.server.settings.session_cap
    if cap is not None and project_id not in call.session.projects:
        alive = call.server.sessions.alive(call.server.settings.session_timeout)
        others = [one for one in alive if one.user is call.session.user and project_id in one.projects]
        if len(others) >= cap:
            message = "Maximum number of interactive session per user for project exceeded."
            raise errors.ApiError(500, "ERR001", message, errors.TOO_MANY_SESSIONS)
    call.session.projects.add(project_id)


def _object_type(call: Call) -> int:
    text = call.request.query.get("type")
    if text is None:
        raise errors.missing_information("Required parameter 'type' is not present.")
    try:
        return int(text)
    except ValueError:
        raise errors.invalid_input(f"'{text}' is not a valid object type.") from None


def _missing(call: Call, object_id: str, kind: int) -> errors.ApiError:
    """Versions differ in what they answer here."""
    message = f"The object with ID '{object_id}' and type {kind} is not found in metadata. It may have been deleted."
    said = call.server.settings.missing_object
    if said == "500":
        return errors.iserver_error(message, errors.OBJECT_NOT_FOUND)
    return errors.ApiError(500, "ERR001", message) if said == "500_ERR001" else errors.not_found(message)


def shown_in_lists(call: Call, item: StoredObject) -> dict[str, Any]:
    """An object as folders and searches list it: what is usual is left out."""
    owner = call.server.store.configuration.get(item.owner)
    shown = {
        "id": item.id,
        "name": item.name,
        "type": item.type,
        "subtype": item.subtype,
        "extType": 0,
        "version": item.version,
        "dateCreated": item.date_created,
        "dateModified": item.date_modified,
        "owner": {"id": item.owner, "name": owner.name if owner else item.owner},
        "acg": ALL_RIGHTS,
    }
    return {**shown, "hidden": True} if item.hidden else shown


def _shown(call: Call, scope: Scope, item: StoredObject) -> dict[str, Any]:
    return {
        **shown_in_lists(call, item),
        "hidden": item.hidden,
        "ancestors": call.server.store.ancestors(scope, item),
        "certifiedInfo": {"certified": False},
    }
