# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls by which an environment is looked after around an import: schema, caches, the state of projects.

Paths, words and statuses are those of the vendor's pages "Manage the schema" and on monitors, and of its Python client.
Each of these calls does the same when it is sent twice, so that one whose answer was lost is sent again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import ServerError
from ..support import shape
from ..support.text import printable
from .answers import is_page, says_no_such_call
from .calls import Calls, quoted, with_project
from .http import Repeat

# The modes that a project is put into: the vendor's help "Setting the status of a project", the words of the API.
LOADED = "loaded"
UNLOADED = "unloaded"
FULL_IDLE = "full_idle"
_PENDING = "_pending"

ELEMENT_CACHES = "element"
OBJECT_CACHES = "object"

_COMPLETED = ("completed", "finished", "success")
_FAILED = ("failed", "error", "cancelled", "canceled")
# Connections that are asked for at once, and of which names are told.
_CONNECTIONS = 1000


def is_pending(state: str) -> bool:
    """Return whether a project is on its way to another state."""
    return state.endswith(_PENDING)


def lacks_call(error: ServerError) -> bool:
    """Return whether an error says that the server has no such call, or that something before it lets none through.

    A page or an empty answer with 404 is that of a gateway, since the server's own errors have a code.
    """
    if says_no_such_call(error.status, error.server_message):
        return True
    return error.status in (404, 405, 501) and error.code is None


@dataclass(frozen=True)
class Task:
    """A reload of a schema that goes on by itself.

    Attributes:
        id: Its id.
        status: The server's word in lower case.
        message: Why it failed, None where the server does not say.
    """

    id: str
    status: str
    message: str | None = None

    @property
    def is_completed(self) -> bool:
        """Whether it has ended well."""
        return self.status in _COMPLETED

    @property
    def has_failed(self) -> bool:
        """Whether it has ended, and not well."""
        return self.status in _FAILED


def parse_task(data: Any) -> Task:
    """Return a task from the answer that began it, or that says how far it is."""
    task = shape.mapping(data, "task")
    rows = task.get("errors")
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    said = ["%s %s" % (row.get("code") or "", row.get("message") or "") for row in rows]
    said.append(str(task.get("message") or ""))
    message = printable("; ".join(text.strip() for text in said if text.strip()), 500)
    return Task(shape.text(task, "id", "task"), shape.text(task, "status", "task").lower(), message or None)


def parse_connections(data: Any) -> list[str]:
    """Return the names of the users who are connected, each once, from ``GET /monitors/userConnections``.

    Its fields are not documented; those are read that the vendor's client reads.
    """
    rows = data.get("userConnections") if isinstance(data, dict) else data
    names: dict[str, None] = {}
    for row in shape.items(rows, "userConnections"):
        about = row if isinstance(row, dict) else {}
        name = about.get("username") or about.get("userFullName")
        if isinstance(name, str):
            names[printable(name, 100)] = None
    return sorted(names)


class Upkeep(Calls):
    """A server, and what is done to it around an import.

    All methods raise ``MigrationError`` as the transport does; a server that lacks a call, and a user who lacks a
    privilege, show as ``ServerError``.
    """

    def reload_schema(self, project_id: str) -> Task | None:
        """Have a project's schema reloaded; since 2021 Update 1.

        Nothing is recalculated, which would give objects other versions: that is for the package's ``updateSchema``.

        Returns:
            The task that does it, None where it is done.
        """
        step = "reload the schema"
        response = self.transport.request(
            "POST",
            "/model/schema/reload",
            step,
            repeat=Repeat.SAFE,
            headers=with_project({"Prefer": "respond-async"}, project_id),
            body={"updateTypes": []},
            expect=(200, 201, 202, 204),
        )
        if is_page(response):
            raise ServerError("%s: the server sent a web page instead of an answer." % step, response.status_code)
        if response.status_code != 202 and not response.content.strip():
            return None
        try:
            task = parse_task(response.json())
        except (ValueError, RecursionError) as error:
            raise ServerError(
                "%s: the server's answer is not as documented: %s." % (step, printable(error, 200)),
                response.status_code,
            ) from error
        return None if task.is_completed else task

    def task(self, task_id: str, project_id: str) -> Task:
        """Return how far a task is."""
        path = quoted("/model/tasks/%s", task_id)
        return self._parsed(parse_task, "GET", path, "ask how far the reload of the schema is", project_id)

    def purge_caches(self, project_id: str, kind: str) -> None:
        """Have the caches of a kind purged in a project; since 2021 Update 8. It is done a while later.

        The vendor's page writes the path in two ways; its client uses the first.
        """
        step = "purge the %s caches" % kind
        path = quoted("/monitors/projects/%s", project_id) + "/%s/" + kind
        try:
            self._without_body("DELETE", path % "caches", step)
        except ServerError as error:
            if not lacks_call(error):
                raise
            try:
                self._without_body("DELETE", path % "cache", step)
            except ServerError as other:
                raise error if lacks_call(other) else other from None

    def set_state_everywhere(self, project_id: str, state: str) -> None:
        """Put a project into a state on all nodes; since 2025. It is so a while later."""
        self._changing(
            "PATCH",
            "/monitors/projects/status",
            "change the state of the project",
            params={"projectId": project_id},
            body={"status": state},
        )

    def set_state(self, node: str, project_id: str, state: str) -> None:
        """Put a project into a state on one node; since 2020. It is so a while later."""
        path = quoted("/monitors/iServer/nodes/%s", node) + quoted("/projects/%s", project_id)
        change = {"op": "replace", "path": "/status", "value": state}
        self._changing("PATCH", path, "change the state of the project", body={"operationList": [change]})

    def _changing(self, method: str, path: str, step: str, **kwargs: Any) -> None:
        response = self.transport.request(
            method, path, step, repeat=Repeat.SAFE, headers=with_project(None, None), expect=(200, 202, 204), **kwargs
        )
        if is_page(response):
            raise ServerError("%s: the server sent a web page instead of an answer." % step, response.status_code)

    def connected_users(self, project_id: str) -> list[str]:
        """Return who is connected to a project. It wants the privilege Monitor user connections."""
        params = {"projectId": project_id, "offset": "0", "limit": str(_CONNECTIONS)}
        step = "ask who is connected to the project"
        return self._parsed(parse_connections, "GET", "/monitors/userConnections", step, None, params=params)
