# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking an import back: its undo package is imported, and its receipt says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import MigrationError
from ..history.entry import Entry
from ..history.queries import named
from ..history.receipt import UNDONE
from ..history.store import History
from ..package.file import PackageFile
from ..package.upload import Staged, stage
from ..plan.afterwards import NOTHING, Wanted, as_due
from ..plan.destination import make_plan
from ..plan.listing import Listed, ListedPlan
from ..plan.package import EXISTS_DIFFERENTLY, PackagePlan
from ..plan.text import names_of
from ..plan.undo import refuse_edited, undo_file
from ..rest.models import FOLDER_TYPE
from ..session.session import Session
from ..support.text import printable
from . import run as runs
from .follow_up import FollowUps
from .outcome import ImportFailed, ImportOptions, ImportRun, Outcome, versions_of


@dataclass(frozen=True)
class Rollback:
    """An import that is to be taken back, and how.

    Attributes:
        package: The undo package's file.
        name: What the package is called.
        entry: Its entry in the history; None for a file that no entry knows.
        entries: The entries of its project, or of the configuration level, oldest first.
        wait_timeout: Seconds to wait for the server to take the package in, and for the import.
        poll_interval: The longest pause between two polls, in seconds.
        force: Take it back although objects were edited since.
        hold: Whether it is to stay so.
        check_mode: Whether only to see what would change.
        wanted: What is to be done after it.
        follow_ups: Gets what is due after it; None where nobody does it.
    """

    package: PackageFile
    name: str
    entry: Entry | None
    entries: list[Entry]
    wait_timeout: float
    poll_interval: float
    force: bool
    hold: bool
    check_mode: bool
    wanted: Wanted = NOTHING
    follow_ups: FollowUps | None = None

    @classmethod
    def of_entry(cls, entry: Entry, history: History, options: ImportOptions, force: bool, hold: bool) -> Rollback:
        """Return what takes an import back that the history knows.

        Args:
            entry: The import's entry.
            history: The history.
            options: How long to wait, and how often to ask.
            force: Take it back although objects were edited since.
            hold: Whether it is to stay so.

        Raises:
            InputError: It has no undo package, or another one than was saved.
        """
        entries, name = history.entries(entry.receipt.project), entry.receipt.name
        return cls(
            package=undo_file(entry, named(entries, name)),
            name=name,
            entry=entry,
            entries=entries,
            wait_timeout=options.wait_timeout,
            poll_interval=options.poll_interval,
            force=force,
            hold=hold,
            check_mode=False,
            wanted=options.wanted,
            follow_ups=options.follow_ups,
        )

    def take_back(
        self, session: Session, project_id: str | None, warnings: list[str]
    ) -> tuple[ListedPlan, Outcome, bool]:
        """Take the import back. What is opened for it in a session that goes on is released.

        Args:
            session: The session.
            project_id: The project, None at the configuration level.
            warnings: Gets sentences about what is not as it should be and is no failure.

        Returns:
            The plan, what it came to, and whether anything was to be changed.

        Raises:
            MigrationError: It cannot be taken back, or only in part.
        """
        declared = self.entry.receipt.type if self.entry is not None else None
        staged = stage(session, self.package, project_id, declared, self.wait_timeout)
        earlier = session.import_process
        try:
            planned = make_plan(session, Listed(self.name, staged.content, project_id))
            if self.entry is not None and not self.force:
                refuse_edited(self.entry, self.entries, planned.plan.changes)
            due = not planned.plan.in_sync or _folders_are_due(self.entry, planned)
            outcome = Outcome(planned.plan.as_result())
            if due and not self.check_mode:
                outcome = self._import(session, staged, planned, warnings)
            elif not self.check_mode:
                self._mark(session, versions_undone=versions_of(planned.plan))
        finally:
            if session.outlives_task:
                runs.release_opened(session, staged, earlier, False, warnings)
        return planned, outcome, due

    def _import(self, session: Session, staged: Staged, planned: ListedPlan, warnings: list[str]) -> Outcome:
        taken_back: list[bool] = []

        def mark() -> None:
            # Before anything else can fail: a deployment must not bring in again what was just taken back.
            taken_back.append(True)
            self._mark(session)

        options = ImportOptions(
            name=self.name,
            # The vendor's help: an undo package reverts what its own import did; there is none for it in turn.
            generate_undo=False,
            wait_timeout=self.wait_timeout,
            poll_interval=self.poll_interval,
            force=self.force,
            when_imported=mark,
            takes_back=self.entry.path if self.entry else None,
            hold=self.hold,
        )
        session.refuse_loss("take an import back")
        session.release_import()
        self._announce(planned.plan, staged)
        run = runs.start(session, staged, planned.plan, options, warnings)
        outcome = run.outcome
        name = printable(self.name, 100)
        self._finish(run, taken_back)
        if self.entry is not None and outcome.versions is not None:
            self.entry.write(versions_undone=outcome.versions)
        if outcome.unresolved:
            raise MigrationError(
                "The undo package of %s was imported, but %d objects did not come back as they were: %s. The import "
                "counts as taken back all the same, so that no deployment brings it in again. To try anew: force: "
                "true, with its name and entry where several were taken back."
                % (name, len(outcome.unresolved), names_of(outcome.unresolved)),
                changed=True,
                **outcome.as_result(),
            )
        return outcome

    def _finish(self, run: ImportRun, taken_back: list[bool]) -> None:
        """See the import of the undo package to its end, however that is.

        Args:
            run: The import.
            taken_back: Has something in it once the history says that the import is taken back.
        """
        process, name = run.process, printable(self.name, 100)
        try:
            runs.finish(run)
        except MigrationError as error:
            if taken_back:
                error.message += " %s is taken back." % name
            elif isinstance(error, ImportFailed):
                error.message += (
                    " %s may be taken back in part. Remove the cause, then take it back again; a deployment before "
                    "that brings it in again." % name
                )
            raise
        finally:
            if self.follow_ups is not None and process.finished:
                self.follow_ups.note(run, self.entry, self.wanted)

    def _announce(self, plan: PackagePlan, staged: Staged) -> None:
        """Note what is due once the import is taken back, before anybody can be missing who says so."""
        due = self.wanted.predicted(plan, staged.content) if staged.package.project_id else (False, False)
        if self.entry is not None and any(due):
            self.entry.write(**as_due(due))

    def _mark(self, session: Session, **values: Any) -> None:
        """Note in the receipt that its import is taken back."""
        if self.entry is None:
            return
        try:
            self.entry.mark_undone(self.hold, session.state.job, **values)
        except MigrationError as error:
            error.message += (
                " So the history does not say that the import is taken back: a deployment may bring it in again."
            )
            raise


def _folders_are_due(entry: Entry | None, planned: ListedPlan) -> bool:
    """Return whether folders have to come back that the import changed: versions do not tell of folders otherwise."""
    if entry is None or entry.receipt.state == UNDONE:
        return False
    changed = entry.receipt.touched
    return any(
        change.row.type == FOLDER_TYPE and change.conflict == EXISTS_DIFFERENTLY and change.row.key in changed
        for change in planned.plan.objects
    )
