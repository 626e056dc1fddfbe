# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flow of the module mstr_info: what a server is and can do, whatever of that it is asked for it does not say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from ..errors import ConnectionLost, ServerError
from ..rest.client import Library
from ..rest.known import BY_NAME, KNOWN_CALLS, KnownCall, is_there
from ..rest.models import Project
from ..rest.needs import NEEDS, lock_row, node_rows, privilege_row
from ..rest.openapi import CallKey
from ..rest.state import Privileges
from ..session.session import pick_project

if TYPE_CHECKING:
    from .base import MigrationModule

# As many answers may be lost in a row until nothing more is asked.
_MOST_LOST = 2

T = TypeVar("T")


def info(module: MigrationModule) -> dict[str, Any]:
    """Return what is known of the server, the user, and the projects or that of the option."""
    with module.session() as session:
        return {"changed": False, **describe(session.library, session.state.server, module.params["project"])}


def describe(library: Library, versions: Mapping[str, Any], project: str | None = None) -> dict[str, Any]:
    """Return what a server is and can do. Nothing is changed by it.

    Args:
        library: The server, with a session.
        versions: Its versions, as ``Library.status`` returns them.
        project: The name or id of the only project to look at; None or empty for all that the user sees.

    Raises:
        InputError: There is no such project.
        MigrationError: The session is not valid.
    """
    return _Survey(library).result(versions, project)


class _Survey:
    """What was found out so far.

    Attributes:
        calls: Whether each call is there, by its name; None for one that cannot be told.
        differs: Sentences about what is not as the collection expects.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self.calls: dict[str, bool | None] = {}
        self.differs: list[str] = []
        self._lost = 0
        self._locks_are_refused = False

    def result(self, versions: Mapping[str, Any], project: str | None) -> dict[str, Any]:
        if not versions.get("iserver_version"):
            self.differs.append("GET /status does not tell the version of the Intelligence Server.")
        metadata = self._read("repository", self._library.metadata_id)
        user = self._read("user", self._library.user)
        privileges = self._read("privileges", self._library.privileges)
        projects = self._projects(project)
        rows = self._rows(projects)
        self._find_calls(projects)
        self._judge_privileges(privileges, projects)
        return {
            "server": {
                "web_version": versions.get("web_version"),
                "iserver_version": versions.get("iserver_version"),
                "metadata": metadata,
            },
            "user": {
                "id": user.id if user else None,
                "name": user.name if user else None,
                "privileges": None if privileges is None else [privilege_row(one) for one in privileges],
            },
            "projects": rows,
            "calls": {call.name: self.calls.get(call.name) for call in KNOWN_CALLS},
            "differs": self.differs + self._lacking(),
        }

    def _read(self, name: str, read: Callable[[], T]) -> T | None:
        """Return what a call gives; None where it is not there, is refused, or gives something else."""
        call = BY_NAME[name]
        if self._lost >= _MOST_LOST:
            return None
        try:
            value = read()
        except ConnectionLost as error:
            self._lost += 1
            self.differs.append("%s was not answered: %s" % (call.shown, error.message))
            return None
        except ServerError as error:
            self._refused(call, error)
            return None
        self._lost = 0
        self.calls[name] = True
        return value

    def _refused(self, call: KnownCall, error: ServerError) -> None:
        self._lost = 0
        # Below 400, what came is not as documented, and may be the page of a gateway: it is asked for again.
        self.calls[call.name] = None if error.status < 400 else is_there(call, error, wrong_methods_show=True)
        if self.calls[call.name] is not False:
            self.differs.append("%s could not be used: %s" % (call.shown, error.message))

    def _projects(self, wanted: str | None) -> list[Project]:
        try:
            projects = self._library.projects()
        except ServerError as error:
            # Every session may ask for this: it shows whether there is one.
            if error.status == 401 or wanted:
                raise
            self._refused(BY_NAME["projects"], error)
            return []
        self.calls["projects"] = True
        return [pick_project(projects, wanted)] if wanted else projects

    def _rows(self, projects: list[Project]) -> list[dict[str, Any]]:
        only = projects[0].id if len(projects) == 1 else None
        nodes = self._read("nodes", lambda: self._library.nodes(only))
        return [
            {
                "id": project.id,
                "name": project.name,
                "status": project.status,
                "nodes": None if nodes is None else node_rows(nodes, project.id),
                "lock": self._lock(project),
            }
            for project in projects
        ]

    def _lock(self, project: Project) -> dict[str, Any] | None:
        if self._locks_are_refused:
            return None
        before = len(self.differs)
        lock = self._read("project_lock", lambda: self._library.project_lock(project.id))
        if lock is not None:
            return lock_row(lock)
        # One that is not loaded says nothing of the others; all else is the same for all, and is said once.
        self._locks_are_refused = project.status in (None, 0)
        self.differs[before:] = ["%s [project %s]" % (text, project.name) for text in self.differs[before:]]
        return None

    def _find_calls(self, projects: list[Project]) -> None:
        """Find out about the calls that were not made: from the server's own file, else by asking for each."""
        described = self._read("openapi", self._library.described_calls) or frozenset()
        if self.calls.get("openapi") and not described:
            self.differs.append("GET /openapi.yaml names no calls, or is no OpenAPI file.")
        named = [call for call in KNOWN_CALLS if call.key in described]
        self.calls.update({call.name: True for call in named if self.calls.get(call.name) is None})
        open_calls = [call for call in KNOWN_CALLS if self.calls.get(call.name) is None]
        if open_calls:
            # One that is loaded, if there is any: else asking says more of the project than of the call.
            loaded = [one for one in projects if one.status in (None, 0)] or projects
            self._ask(open_calls, loaded[0].id if loaded else None)
        self._compare(described)

    def _ask(self, calls: list[KnownCall], project_id: str | None) -> None:
        shows = self._asked(self._library.shows_wrong_methods)
        for call in calls:
            self.calls[call.name] = self._asked(lambda: self._library.has_call(call, project_id, bool(shows)))  # noqa: B023

    def _asked(self, ask: Callable[[], bool | None]) -> bool | None:
        if self._lost >= _MOST_LOST:
            return None
        try:
            answer = ask()
        except ConnectionLost:
            self._lost += 1
            return None
        self._lost = 0
        return answer

    def _compare(self, described: frozenset[CallKey]) -> None:
        for call in KNOWN_CALLS if described else ():
            if self.calls.get(call.name) and call.key not in described and call.name != "openapi":
                self.differs.append("openapi.yaml does not name %s, which is there." % call.shown)

    def _judge_privileges(self, privileges: Privileges | None, projects: list[Project]) -> None:
        if privileges is None:
            return
        for need in NEEDS:
            without = [one.name for one in projects if not privileges.has(need.names, one.id)]
            if without:
                self.differs.append(need.missing(without))

    def _lacking(self) -> list[str]:
        """Return what it means that calls are not there, or that nobody can tell."""
        sentences = []
        for call in KNOWN_CALLS:
            there = self.calls.get(call.name)
            if there is False:
                sentences.append("%s is not there: %s." % (call.shown, call.lacking))
            elif there is None:
                sentences.append("Whether %s is there cannot be told. Without it: %s." % (call.shown, call.lacking))
        return sentences
