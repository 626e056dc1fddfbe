# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A window: projects are idled while packages are imported, and are afterwards what they were before on each node.

What they were is on disk before anything is changed (``open_window``): a run that dies leaves that, and the next run on
the environment puts it right before it does anything else.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Callable

from ..errors import Interrupted, MigrationError, ServerError
from ..history.entry import Entry
from ..history.store import History
from ..rest.state import Node
from ..rest.upkeep import FULL_IDLE, UNLOADED, is_pending, lacks_call
from ..session.session import Session
from ..support import signals
from ..support.progress import IDLE, RESUME
from ..support.text import environment_from_url, printable
from ..support.wait import TimeIsUp, wait_for
from . import open_window
from .messages import sentence
from .open_window import OpenWindow

# The mode that a project is put into. The vendor's help "Setting the status of a project" and Command Manager's IDLE
# PROJECT say that no user's request is taken or carried out then, while the project stays in the server's memory. That
# a package can be imported then no document says, nor that it cannot.
_MODE = FULL_IDLE
_RUNNING = "running"
_LONGEST_PAUSE = 2.0
# Names of users that a line has.
_NAMED = 10


@dataclass
class Window:
    """The projects that a run idles.

    Attributes:
        session: The session.
        history: The history, below which what is open is noted.
        wait_timeout: Seconds to wait for a project to be what it is to be.
        again: Gives a session of its own, for where that of the run has ended.
        warnings: Gets sentences about what is not as it should be and is no failure.
        entries: The directories of the entries of imports while it was open.
    """

    session: Session
    history: History
    wait_timeout: float
    again: Callable[[], contextlib.AbstractContextManager[Session]]
    warnings: list[str]
    entries: list[str] = field(default_factory=list)
    _results: dict[str, dict[str, Any]] = field(default_factory=dict)
    _note: OpenWindow | None = None

    @contextlib.contextmanager
    def over(self, projects: Mapping[str, str]) -> Iterator[None]:
        """Idle projects for as long as this lasts, however it ends.

        Args:
            projects: The names of the projects, by their ids.

        Raises:
            MigrationError: They cannot be idled, or are not restored.
        """
        try:
            self._open(projects)
            yield
        except (MigrationError, Interrupted) as error:
            problem = self._close()
            if problem is not None and isinstance(error, MigrationError):
                error.message = "%s %s" % (error.message, problem)
            elif problem is not None:
                self.warnings.append(problem)
            raise
        except BaseException:
            problem = self._close()
            if problem is not None:
                self.warnings.append(problem)
            raise
        problem = self._close()
        if problem is not None:
            raise MigrationError("What was due is done. %s" % problem, changed=True)

    def of(self, project_id: str | None) -> dict[str, Any] | None:
        """Return what the receipt of an import into a project says; None for one that is not idled."""
        project = self._note.project(project_id) if self._note is not None and project_id else None
        return None if project is None else {"before": project.before, "restored": False}

    def as_result(self) -> dict[str, dict[str, Any]]:
        """Return it as a task returns it, by the names of the projects."""
        return self._results

    def lines(self) -> list[str]:
        """Return what became of it for people, one line each."""
        lines = []
        for name, result in self._results.items():
            users = result["users"]
            who = ""
            if users is not None:
                shown = ", ".join(printable(user, 60) for user in users[:_NAMED])
                more = " and %d more" % (len(users) - _NAMED) if len(users) > _NAMED else ""
                who = ", connected then: %s%s" % (shown or "nobody", more)
            became = "restored" if result["restored"] else "not restored"
            lines.append("project %s: idled%s; %s" % (printable(name, 100), who, became))
        return lines

    # Opening.

    def _open(self, projects: Mapping[str, str]) -> None:
        library = self.session.library
        # Of a task of this very run that died, since the run has the lock.
        address = environment_from_url(self.session.state.base_url)
        restore_left(self.session, self.history, address, self.wait_timeout, self.warnings)
        found = []
        for project_id, name in projects.items():
            try:
                nodes = _settled(self.session, project_id, self.wait_timeout)
            except ServerError as error:
                if not lacks_call(error):
                    raise
                self._without(name, error)
                continue
            before = _states(nodes, project_id)
            if all(state == UNLOADED for state in before.values()):
                raise MigrationError(
                    "window: project %s is loaded on no node (%s), so that nothing can be imported into it. Load it."
                    % (printable(name, 100), _in_words(before))
                )
            found.append(open_window.Project(project_id, name, before))
        if not found:
            return
        self.session.check_lock()
        note = OpenWindow(self.session.state.base_url, self.session.state.run or "", tuple(found))
        open_window.write(self.history, note)
        self._note = note
        for project in found:
            users = None
            with contextlib.suppress(MigrationError):
                own = (self.session.state.user or "").casefold()
                users = [user for user in library.connected_users(project.id) if user.casefold() != own]
            self._results[project.name] = {"before": project.before, "restored": False, "users": users}
        for project in found:
            self.session.progress.phase(IDLE)
            to_idle = {node: _MODE for node, state in project.before.items() if state not in (UNLOADED, _MODE)}
            try:
                _bring(self.session, project.id, project.before, to_idle, self.wait_timeout)
            except ServerError as error:
                if not lacks_call(error):
                    raise
                self._without(project.name, error)

    def _without(self, name: str, error: ServerError) -> None:
        """Say that a project is not idled, because the server cannot do it."""
        self._results.pop(name, None)
        self.warnings.append(
            "window: project %s is not idled, because this server has no call for it (%s) What is due is imported all "
            "the same." % (printable(name, 100), sentence(error.message))
        )

    # Closing.

    def _close(self) -> str | None:
        """Restore what was idled; return what went wrong in words, None for nothing.

        A run that was told to stop does it too: signals are ignored meanwhile.
        """
        note = self._note
        if note is None:
            return None
        with signals.ignored():
            if self.session.is_taken_over:
                return (
                    "Another run has taken over this environment, and restores what this one had idled: %s."
                    % note.names
                )
            try:
                self._restore(note)
            except MigrationError as error:
                return open_window.not_restored(self.history, note, error)
            for result in self._results.values():
                result["restored"] = True
            try:
                open_window.remove(self.history, note.address)
                mark_restored(self.entries)
            except MigrationError as error:
                return "The projects are restored: %s. %s" % (note.names, error.message)
        self._note = None
        return None

    def _restore(self, note: OpenWindow) -> None:
        self.session.progress.phase(RESUME)
        try:
            _restore_all(self.session, note, self.wait_timeout, self.warnings)
        except ServerError as error:
            if error.status != 401:
                raise
            # The session has ended; what it had idled stays so.
            with self.again() as session:
                _restore_all(session, note, self.wait_timeout, self.warnings)


def restore_left(
    session: Session, history: History, address: str, wait_timeout: float, warnings: list[str]
) -> list[str]:
    """Restore the projects that a run has left idle which was cut off; return their names.

    Args:
        session: A session of a run that has the lock of the environment.
        history: The history.
        address: The address of the server under which the run worked, as a file name.
        wait_timeout: Seconds to wait for a project to be what it was.
        warnings: Gets a sentence for what was found.

    Raises:
        MigrationError: They cannot be restored.
    """
    note = open_window.read(history, address)
    if note is None:
        return []
    try:
        _restore_all(session, note, wait_timeout, warnings)
    except MigrationError as error:
        error.message = open_window.not_restored(history, note, error)
        raise
    open_window.remove(history, address)
    own = [entry for entry in history.all_entries() if entry.receipt.run == note.run and entry.receipt.window]
    mark_restored([entry.path for entry in own])
    warnings.append(
        "Projects were left idle by a task that was cut off, or could not restore them. They are restored: %s."
        % note.names
    )
    return [project.name for project in note.projects]


def mark_restored(entries: list[str]) -> None:
    """Have the receipts of entries say that their project is what it was.

    Raises:
        DiskError: A receipt cannot be written.
    """
    for path in filter(os.path.lexists, entries):
        entry = Entry.reopen(path)
        if entry.receipt.window:
            entry.write(window={**entry.receipt.window, "restored": True})


def _restore_all(session: Session, note: OpenWindow, wait_timeout: float, warnings: list[str]) -> None:
    """Bring all projects to what they were; one that cannot be restored keeps no other from it.

    Raises:
        MigrationError: One cannot; the first error.
    """
    failure: MigrationError | None = None
    for project in note.projects:
        try:
            _restore(session, project, wait_timeout, warnings)
        except MigrationError as error:
            failure = failure or error
    if failure is not None:
        raise failure


def _restore(session: Session, project: open_window.Project, wait_timeout: float, warnings: list[str]) -> None:
    now = _states(_settled(session, project.id, wait_timeout), project.id)
    gone = sorted(node for node in project.before if node not in now)
    if gone:
        warnings.append(
            "Project %s was idled on nodes that do not run any more: %s. See what it is there once they do."
            % (printable(project.name, 100), ", ".join(printable(node, 60) for node in gone))
        )
    wanted = {node: state for node, state in project.before.items() if node in now and now[node] != state}
    _bring(session, project.id, now, wanted, wait_timeout)


# States of a project.


def _states(nodes: list[Node], project_id: str) -> dict[str, str]:
    """Return what a project is on each node that runs."""
    running = [node for node in nodes if node.status in (None, _RUNNING)]
    return {node.name: node.projects.get(project_id.upper(), UNLOADED) for node in running}


def _settled(session: Session, project_id: str, wait_timeout: float) -> list[Node]:
    """Return the nodes once the project is on its way to another state on none of them.

    Raises:
        MigrationError: It is not in time, or they cannot be asked for.
    """

    def settled(nodes: list[Node]) -> bool:
        return not any(is_pending(state) for state in _states(nodes, project_id).values())

    return _wait(session, project_id, settled, wait_timeout, "to come to rest")


def _bring(
    session: Session, project_id: str, now: Mapping[str, str], wanted: Mapping[str, str], wait_timeout: float
) -> None:
    """Bring a project to a state on each of some nodes.

    Args:
        session: The session.
        project_id: The project.
        now: What it is on each node that runs.
        wanted: The states by node.
        wait_timeout: Seconds to wait for it.

    Raises:
        MigrationError: It cannot be done, or is not so in time.
    """
    if not wanted:
        return
    _ask_for(session, project_id, now, wanted)

    def there(nodes: list[Node]) -> bool:
        seen = _states(nodes, project_id)
        # A node that has gone meanwhile is waited for in vain.
        return all(seen.get(node, state) == state for node, state in wanted.items())

    _wait(session, project_id, there, wait_timeout, "to be %s" % _in_words(wanted))


def _ask_for(session: Session, project_id: str, now: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    library = session.library
    # The call for all nodes may load a project where it is not loaded.
    if set(now) == set(wanted) and len(set(wanted.values())) == 1:
        try:
            library.set_state_everywhere(project_id, next(iter(wanted.values())))
            return
        except ServerError as error:
            if not lacks_call(error):
                raise
    for node, state in wanted.items():
        library.set_state(node, project_id, state)


def _wait(
    session: Session, project_id: str, done: Callable[[list[Node]], bool], wait_timeout: float, what: str
) -> list[Node]:
    try:
        return wait_for(lambda: session.library.nodes(project_id), done, wait_timeout, _LONGEST_PAUSE)
    except TimeIsUp as limit:
        last = _in_words(_states(limit.last, project_id)) if isinstance(limit.last, list) else ""
        raise MigrationError(
            "wait for the project %s: it is not so after %g s (wait_timeout), but %s."
            % (what, wait_timeout, last or "not known")
        ) from limit


def _in_words(states: Mapping[str, str]) -> str:
    return ", ".join("%s on %s" % (printable(state, 40), printable(node, 60)) for node, state in states.items())
