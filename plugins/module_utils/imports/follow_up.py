# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be done in a project after imports into it: the schema is reloaded, caches are purged.

It is done once a project, after the last import of a run. That it fails is a failure of its own: the imports are done.
Receipts say that it is due, from before an import is asked for until it is done, so that the next run does it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..errors import ConnectionLost, MigrationError, ServerError
from ..history.entry import Entry
from ..history.receipt import IMPORTED, Receipt
from ..history.store import History
from ..plan.afterwards import NONE, Wanted, as_due, covers
from ..rest.state import Lock
from ..rest.upkeep import ELEMENT_CACHES, OBJECT_CACHES, Task, lacks_call
from ..session.session import Session
from ..support.progress import SCHEMA
from ..support.text import printable
from ..support.wait import TimeIsUp, wait_for
from .messages import sentence
from .outcome import ImportRun

# How often a reload is asked for of which the server knows nothing any more when it is asked how far it is.
_TIMES = 2
_KINDS = (ELEMENT_CACHES, OBJECT_CACHES)


@dataclass
class _Project:
    """What is due in a project, and what became of it."""

    entries: list[str] = field(default_factory=list)
    schema: dict[str, Any] | None = None
    caches: dict[str, Any] | None = None

    def add(self, entry: str | None, schema: bool, caches: bool) -> None:
        if entry is not None and entry not in self.entries:
            self.entries.append(entry)
        if schema:
            self.schema = {"reloaded": False, "due": True, "seconds": None}
        if caches:
            self.caches = {"purged": [], "due": True}

    @property
    def is_due(self) -> bool:
        return bool((self.schema or {}).get("due") or (self.caches or {}).get("due"))


class FollowUps:
    """What is to be done after the imports of a run.

    Args:
        session: The session.
        wait_timeout: Seconds to wait for a reload.
        poll_interval: The longest pause between two polls, in seconds.
        warnings: Gets sentences about what is not as it should be and is no failure.
    """

    def __init__(self, session: Session, wait_timeout: float, poll_interval: float, warnings: list[str]) -> None:
        self._session = session
        self._wait_timeout = wait_timeout
        self._poll_interval = poll_interval
        self._warnings = warnings
        self._projects: dict[str, _Project] = {}
        self._problems: list[str] = []

    @property
    def are_due(self) -> bool:
        """Whether something is to be done."""
        return any(project.is_due for project in self._projects.values())

    @property
    def have_done(self) -> bool:
        """Whether something was done."""
        return any(
            (project.schema or {}).get("reloaded") or (project.caches or {}).get("purged")
            for project in self._projects.values()
        )

    def find(self, history: History | None, projects: Iterable[str | None], wanted: Wanted) -> None:
        """Find what earlier runs have left to do.

        Args:
            history: The history, or None.
            projects: The ids of the projects that the run is about; None for the configuration level, which has none.
            wanted: What the options ask for: what they do not want is left as it is.

        Raises:
            DiskError: A receipt cannot be read.
        """
        for project_id in dict.fromkeys(projects):
            for entry in history.with_due(project_id) if history is not None and project_id else ():
                receipt = entry.receipt
                schema = receipt.is_schema_due and wanted.schema != NONE
                # Who asked for it then wants it still.
                if schema or receipt.are_caches_due:
                    self._of(project_id or "").add(entry.path, schema, receipt.are_caches_due)

    def predict(self, project_id: str | None, wanted: tuple[bool, bool]) -> None:
        """Note what will be due once a package is imported, for a plan to show."""
        if project_id and any(wanted):
            self._of(project_id).add(None, *wanted)

    def _of(self, project_id: str) -> _Project:
        return self._projects.setdefault(project_id, _Project())

    def note(self, run: ImportRun, entry: Entry | None, wanted: Wanted) -> None:
        """Note what is due after an import, or a taking back, that has come to an end, also one that failed.

        What it was seen to change counts, and not what was predicted.

        Args:
            run: The import.
            entry: Its entry, or that of the import that is taken back; None for none.
            wanted: What the options ask for.
        """
        project_id, outcome = run.package.project_id, run.outcome
        if project_id is None:
            return
        process = run.session.import_process
        seen = Receipt(
            state=IMPORTED,
            name="",
            sha256="",
            changes=outcome.plan.get("changes"),
            versions_before=process.before if process is not None else None,
            versions=outcome.versions,
        )
        schema, caches = wanted.after(seen.touched, run.content)
        ended_well = outcome.info is not None and not outcome.info.has_failed
        if ended_well and covers(run.content):
            self._covered(project_id)
        if entry is not None:
            receipt = entry.receipt
            # Whether the package reloads the schema itself was known when the import was asked for.
            schema = schema and (run.content is not None or receipt.is_schema_due)
            if (receipt.is_schema_due, receipt.are_caches_due) != (schema, caches):
                outcome.note(lambda: entry.write(**as_due((schema, caches))))
        if schema or caches:
            self._of(project_id).add(entry.path if entry is not None else None, schema, caches)

    def _covered(self, project_id: str) -> None:
        """Note that the import of a package has reloaded the schema, for those before it too."""
        project = self._projects.get(project_id)
        if project is not None and project.schema is not None and project.schema["due"]:
            project.schema = {"reloaded": True, "due": False, "seconds": None}
            self._record(project, schema=project.schema)

    def do(self) -> None:
        """Do what is due, in each project.

        Raises:
            MigrationError: Something could not be done; the message says so, and what is due still.
        """
        for project_id, project in self._projects.items():
            if (project.schema or {}).get("due"):
                self._reload(project_id, project)
            if (project.caches or {}).get("due"):
                self._purge(project_id, project)
        problems, self._problems = self._problems, []
        if problems:
            raise MigrationError(" ".join(problems), **({"changed": True} if self.have_done else {}))

    def _name(self, project_id: str) -> str:
        """Return the project as the task knows it, else its id."""
        known = self._session.state.projects
        return next((name for name, identity in known.items() if identity == project_id), project_id)

    def _record(self, project: _Project, **values: Any) -> None:
        for path in project.entries:
            try:
                entry = Entry.reopen(path)
                said = {name: value for name, value in values.items() if getattr(entry.receipt, name) is not None}
                if said:
                    entry.write(**said)
            except MigrationError as error:
                self._problems.append(error.message)

    # The schema.

    def _reload(self, project_id: str, project: _Project) -> None:
        name, began = printable(self._name(project_id), 100), time.monotonic()
        state: dict[str, Any] = {"reloaded": False, "due": True, "seconds": None}
        try:
            self._session.check_lock()
            self._session.progress.phase(SCHEMA)
            self._reload_and_wait(project_id)
            state = {"reloaded": True, "due": False, "seconds": round(time.monotonic() - began, 3)}
        except ServerError as error:
            if lacks_call(error):
                state = {"reloaded": False, "due": False, "seconds": None}
                self._warnings.append(
                    "The schema of project %s is to be reloaded by hand, because this server has no call for it (%s)"
                    % (name, sentence(error.message))
                )
            else:
                self._fail_schema(name, "%s%s" % (sentence(error.message), self._who_locks(project_id)))
        except MigrationError as error:
            self._fail_schema(name, sentence(error.message))
        project.schema = state
        self._record(project, schema=state)

    def _fail_schema(self, name: str, why: str) -> None:
        self._problems.append(
            "The schema of project %s was not reloaded: %s What was imported, or taken back, stays so. The reload is "
            "still due%s schema: none (mstr_schema) does without it." % (name, why, self._who_does_it())
        )

    def _who_does_it(self) -> str:
        return ", and the next run does it." if self._session.state.run else ": do it by hand, since no history tells."

    def _reload_and_wait(self, project_id: str) -> None:
        """Reload a schema.

        Raises:
            MigrationError: It failed, or did not end in time.
        """
        for left in range(_TIMES - 1, -1, -1):
            task = self._session.library.reload_schema(project_id)
            try:
                ended = self._wait(task, project_id) if task is not None else None
            except ServerError as error:
                # A server that was restarted knows nothing of it.
                if error.status == 404 and error.code is not None and left:
                    continue
                raise _without_lack(error) from error
            if ended is not None and ended.has_failed:
                raise MigrationError(
                    "reload the schema: the server ended it as %s: %s."
                    % (printable(ended.status, 40), (ended.message or "it gives no reason").rstrip("."))
                )
            return

    def _wait(self, task: Task, project_id: str) -> Task:
        if task.has_failed:
            return task

        def look() -> Task:
            self._session.progress.phase(SCHEMA)
            return self._session.library.task(task.id, project_id)

        try:
            return wait_for(
                look, lambda seen: seen.is_completed or seen.has_failed, self._wait_timeout, self._poll_interval
            )
        except TimeIsUp as limit:
            raise MigrationError(
                "wait for the reload of the schema: it did not end within %g s (wait_timeout)." % self._wait_timeout
            ) from limit

    def _who_locks(self, project_id: str) -> str:
        """Return a sentence on who has locked the schema, with a space before it; empty where nobody has."""
        try:
            lock = self._session.library.schema_lock(project_id)
        except MigrationError:
            return ""
        return " " + _locked(lock) if lock.is_locked else ""

    # Caches.

    def _purge(self, project_id: str, project: _Project) -> None:
        name = printable(self._name(project_id), 100)
        state: dict[str, Any] = {"purged": [], "due": False}
        for kind in _KINDS:
            try:
                self._session.check_lock()
                self._session.library.purge_caches(project_id, kind)
                state["purged"].append(kind)
            except (ConnectionLost, ServerError) as error:
                if isinstance(error, ServerError) and lacks_call(error):
                    self._warnings.append(
                        "The %s caches of project %s are to be purged by hand, because this server has no call for it "
                        "(%s)" % (kind, name, sentence(error.message))
                    )
                    continue
                self._fail_caches(name, kind, error, state)
            except MigrationError as error:
                self._fail_caches(name, kind, error, state)
        project.caches = state
        self._record(project, caches=state)

    def _fail_caches(self, name: str, kind: str, error: MigrationError, state: dict[str, Any]) -> None:
        state["due"] = True
        self._problems.append(
            "The %s caches of project %s were not purged: %s What was imported, or taken back, stays so. The purge is "
            "still due%s" % (kind, name, sentence(error.message), self._who_does_it())
        )

    # What a task returns.

    def as_result(self) -> dict[str, dict[str, Any]]:
        """Return it as a task returns it, by project."""
        schema = {self._name(key): project.schema for key, project in self._projects.items() if project.schema}
        caches = {self._name(key): project.caches for key, project in self._projects.items() if project.caches}
        return {"schema": schema, "caches": caches}

    def lines(self) -> list[str]:
        """Return what became of it, or is to be done, for people, one line each."""
        lines = []
        for project_id, project in self._projects.items():
            name = printable(self._name(project_id), 100)
            if project.schema is not None:
                became = "reloaded" if project.schema["reloaded"] else "to be reloaded" if project.schema["due"] else ""
                lines += ["schema of project %s: %s" % (name, became)] if became else []
            if project.caches is not None:
                purged = " and ".join(project.caches["purged"])
                became = "%s purged" % purged if purged else ""
                became += (", not all" if became else "to be purged") if project.caches["due"] else ""
                lines += ["caches of project %s: %s" % (name, became)] if became else []
        return lines


def _without_lack(error: ServerError) -> MigrationError:
    """Return the error as one that says nothing of what calls there are: the task was begun by one that is there."""
    return MigrationError(error.message, **error.details)


def _locked(lock: Lock) -> str:
    parts = ["by %s" % lock.owner if lock.owner else "", "from %s" % lock.machine if lock.machine else ""]
    parts.append("since %s" % lock.time if lock.time else "")
    who = " ".join(part for part in parts if part)
    return "The schema is locked%s." % (" " + who if who else " (%s)" % lock.type)
