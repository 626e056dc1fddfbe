# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The preflight: what would make an import fail, found out before anything is uploaded.

All is asked side by side, once a task. What the server does not say, or says in a way that is not understood, stops
nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Callable, TypeVar

from ..errors import ConnectionLost, ServerError
from ..rest.http import POOL_SIZE
from ..rest.known import BY_NAME
from ..rest.needs import IMPORTING, UPLOADING, Need, is_loaded_nowhere, keeps_out, lacks, lock_row, node_rows, states_on
from ..rest.state import Lock, Node, Privileges, User
from ..session.session import Session
from ..support.parallel import side_by_side
from ..support.text import printable
from .verdict import Verdict

PROJECT, SCHEMA, CONFIGURATION = "project", "schema", "configuration"
_CALLS = {PROJECT: "project_lock", SCHEMA: "schema_lock", CONFIGURATION: "configuration_lock"}

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """Where something is about to be imported or taken back.

    Attributes:
        project_id: The project; None for the configuration.
        project: What people call it.
        schema: Whether objects of its schema are among what is due.
        needs: The privileges that it takes there.
    """

    project_id: str | None
    project: str
    schema: bool = False
    needs: tuple[Need, ...] = (UPLOADING, IMPORTING)

    @property
    def shown(self) -> str:
        """The place for people, within a sentence."""
        return (
            "project %s" % printable(self.project or self.project_id, 100) if self.project_id else "the configuration"
        )

    def and_also(self, other: Place) -> Place:
        """Return the place with what another package, or the same one after a closer look, wants there."""
        needs = (*self.needs, *(need for need in other.needs if need not in self.needs))
        return replace(self, schema=self.schema or other.schema, needs=needs)


class Preflight:
    """What is asked before an import, and what came of it.

    Args:
        session: The session.
        wanted: Whether it is made at all.
        stops: Whether a problem ends the task; else it is warned of.
        with_metadata: Whether to ask, beside the rest, which metadata is behind the server.
        warnings: Gets sentences about what is not as it should be and is no failure.
    """

    def __init__(self, session: Session, wanted: bool, stops: bool, with_metadata: bool, warnings: list[str]) -> None:
        self._session = session
        self._wanted = wanted
        self._with_metadata = with_metadata
        self._verdict = Verdict("preflight: the import would fail", stops, warnings)
        self._warn = self._verdict.warn
        # By their projects, as what was found out is.
        self._places: dict[str | None, Place] = {}
        self._privileges: Privileges | None = None
        self._nodes: dict[str, list[Node] | None] = {}
        self._locks: dict[tuple[str, str | None], Lock] = {}
        self._user: User | None = None
        # Why something is not known, by the call.
        self._unknown: dict[str, str] = {}

    @property
    def problems(self) -> list[str]:
        """What would make an import fail, a sentence each."""
        return self._verdict.problems

    def look(self, places: Iterable[Place]) -> None:
        """Ask what is not known yet of these places, and judge.

        Args:
            places: Where something is due. Without one, nothing is asked.

        Raises:
            MigrationError: The import would fail, and the task is to end then.
        """
        known, places = dict(self._places), list(places)
        if places and self._with_metadata and not self._wanted:
            self._session.learn_metadata()
        for place in places if self._wanted else ():
            before = self._places.get(place.project_id)
            self._places[place.project_id] = place if before is None else before.and_also(place)
        if self._places == known:
            return
        self._ask([place for project_id, place in self._places.items() if project_id not in known])
        problems = [*self._privilege_problems(), *self._project_problems(), *self._lock_problems()]
        self._warn_of_unknown()
        self._verdict.give(
            problems,
            "preflight: false (mstr_preflight of the role)",
            "The import would fail: %s",
            {"preflight": {**(self.as_result() or {}), "problems": problems}},
        )

    def _ask(self, places: Sequence[Place]) -> None:
        """Ask for all of it side by side."""
        if not places:
            return
        library = self._session.library
        projects = [place.project_id for place in places if place.project_id]
        only = projects[0] if len(projects) == 1 else None
        asked: list[Callable[[], Any]] = [self._session.learn_metadata] if self._with_metadata else []
        answers: dict[str, Any] = {}
        if self._privileges is None:
            asked.append(lambda: answers.update(privileges=self._answer("privileges", library.privileges)))
        if projects:
            asked.append(lambda: answers.update(nodes=self._answer("nodes", lambda: library.nodes(only))))
        for place in places:
            for kind in (PROJECT, SCHEMA) if place.project_id else (CONFIGURATION,):
                asked.append(functools.partial(self._ask_lock, kind, place.project_id))
        side_by_side(lambda ask: ask(), asked, POOL_SIZE)
        self._privileges = self._privileges or answers.get("privileges")
        self._nodes.update((project_id, answers.get("nodes")) for project_id in projects)
        # Whose they are is asked where there are some.
        if self._user is None and any(keeps_out(lock) for lock in self._locks.values()):
            self._user = self._answer("user", library.user)

    def _ask_lock(self, kind: str, project_id: str | None) -> None:
        library = self._session.library
        if project_id is None:
            lock = self._answer(_CALLS[kind], library.configuration_lock)
        else:
            ask = library.project_lock if kind == PROJECT else library.schema_lock
            lock = self._answer(_CALLS[kind], functools.partial(ask, project_id))
        if lock is not None:
            self._locks[kind, project_id] = lock

    def _answer(self, call: str, ask: Callable[[], T]) -> T | None:
        """Return what the server says; None where it does not say, which is no failure."""
        try:
            return ask()
        except (ConnectionLost, ServerError) as error:
            self._unknown.setdefault(call, error.message)
            return None

    # What is judged.

    def _privilege_problems(self) -> Iterable[str]:
        for need in self._needs():
            states = {place: self._held(need, place) for place in self._places.values() if need in place.needs}
            missing = [place.shown for place, held in states.items() if held is False]
            if missing:
                yield need.missing(missing)
            unclear = [place.shown for place, held in states.items() if held is None]
            if unclear and self._privileges is not None:
                self._warn(
                    "Whether the user has the privilege %s for %s cannot be told by what the server lists."
                    % (" or ".join(need.names), ", ".join(unclear))
                )

    def _needs(self) -> list[Need]:
        """Return the privileges that are wanted somewhere, each once."""
        return list(dict.fromkeys(need for place in self._places.values() for need in place.needs))

    def _held(self, need: Need, place: Place) -> bool | None:
        missing = None if self._privileges is None else lacks(self._privileges, need, place.project_id)
        return None if missing is None else not missing

    def _project_problems(self) -> Iterable[str]:
        for project_id, place in self._places.items():
            nodes = self._nodes.get(project_id or "")
            states = states_on(nodes, project_id) if nodes and project_id else {}
            if is_loaded_nowhere(states):
                yield "%s is loaded on no node (%s). Load it first." % (_begin(place.shown), _by_node(states))
            elif any("idle" in state for state in states.values()):
                self._warn("%s is idle (%s); the import may be refused." % (_begin(place.shown), _by_node(states)))

    def _lock_problems(self) -> Iterable[str]:
        for (kind, project_id), lock in self._locks.items():
            if not lock.is_locked:
                continue
            place = self._places[project_id]
            what = "the schema of %s" % place.shown if kind == SCHEMA else place.shown
            text = "%s is locked%s." % (_begin(what), _details(lock))
            if self._is_own(lock):
                self._warn("%s The lock is this user's own, of another session; the import may be refused." % text)
            elif not keeps_out(lock) or (kind == SCHEMA and not place.schema):
                self._warn("%s The import may be refused." % text)
            else:
                yield "%s Wait until it is unlocked, or ask for it." % text

    def _is_own(self, lock: Lock) -> bool:
        return self._user is not None and self._user.id is not None and self._user.id == lock.owner_id

    def _warn_of_unknown(self) -> None:
        calls = [call for call in self._unknown if call != "user"]
        if calls:
            self._warn(
                "The preflight could not find out all, since the server does not say it: %s. The import goes on "
                "without." % "; ".join("%s (%s)" % (BY_NAME[call].shown, self._unknown[call]) for call in calls)
            )

    # What is shown.

    def text(self) -> str:
        """Return the problems for people, as a block of a diff; empty for none."""
        return self._verdict.text()

    def as_result(self) -> dict[str, Any] | None:
        """Return what was found out, as a task returns it; None where nothing was asked."""
        if not self._places:
            return None
        return {
            "privileges": [
                {"name": need.names[0], "project": place.project_id, "held": self._held(need, place)}
                for need in self._needs()
                for place in self._places.values()
                if need in place.needs
            ],
            "projects": [self._project_row(place) for place in self._places.values() if place.project_id],
            "locks": [
                {"what": kind, "project": project_id, **lock_row(lock), "own": self._is_own(lock)}
                for (kind, project_id), lock in self._locks.items()
                if lock.is_locked
            ],
            "problems": self.problems,
        }

    def _project_row(self, place: Place) -> dict[str, Any]:
        nodes, project_id = self._nodes.get(place.project_id or ""), place.project_id or ""
        return {
            "id": project_id,
            "name": place.project,
            "nodes": None if nodes is None else node_rows(nodes, project_id),
        }


def _begin(text: str) -> str:
    return text[:1].upper() + text[1:]


def _by_node(states: dict[str, str]) -> str:
    return ", ".join("%s: %s" % (printable(name, 60), printable(state, 40)) for name, state in states.items())


def _details(lock: Lock) -> str:
    """Return who holds a lock, from where, since when, and why, as far as the server says."""
    parts = [
        "by %s" % lock.owner if lock.owner else "",
        "from %s" % lock.machine if lock.machine else "",
        "since %s" % lock.time if lock.time else "",
    ]
    comment = ': "%s"' % lock.comment if lock.comment else ""
    return "".join(" " + part for part in parts if part) + " (%s)" % lock.type + comment
