# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carrying a plan out: what is to be undone is taken back, what is due is imported, in the order of the list.

Each import has its history entry and its undo package before the next begins. The list is planned again after each,
for what is there then.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Callable

from ..errors import InputError, Interrupted, MigrationError, about, as_failure
from ..history.entry import Entry
from ..history.receipt import UNDONE
from ..history.store import History
from ..package.declared import Declared, Reader
from ..package.upload import Staged, stage
from ..plan import approval
from ..plan.carried_out import CarriedOut
from ..plan.decision import Decision
from ..plan.document import IMPORT, TAKE_BACK, PlanDocument
from ..plan.listing import ObjectKey
from ..plan.package import Found
from ..plan.planner import Planner
from ..rest.models import DestinationObject
from ..session.session import Session
from ..support import signals
from ..support.text import printable
from . import run as runs
from .follow_up import FollowUps
from .outcome import ImportOptions
from .report import Report
from .rollback import Rollback
from .run_rollback import RunRollback


@dataclass(frozen=True)
class HowToApply:
    """How a plan is carried out.

    Attributes:
        options: How to import; the name and what a package has of its own are filled in.
        approved: Whether the plan is to be carried out as it is, or not at all.
        take_back: Whether what was imported is taken back where something fails.
        log_in_again: Brings a session back that has ended, so that what was imported can be taken back.
        settle: Finds out what an import has left whose end nobody saw.
        judge: Fails for a package that was planned anew, and is not to be imported so.
    """

    options: ImportOptions
    approved: bool
    take_back: bool
    log_in_again: Callable[[Session], None]
    settle: Callable[[Session], None]
    judge: Callable[[Decision], None]


class _NotSeen(MigrationError):
    """What a run has left could not be looked at in the end."""


class PlanRun:
    """A plan that is carried out.

    Args:
        session: The session.
        planner: The list.
        plan: The plan.
        how: How it is carried out.
        warnings: Gets sentences about what is not as it should be and is no failure.

    Attributes:
        report: What became of the packages so far.
        plan: The plan.
        due_at_first: What was to be done when it began.
        is_complete: Whether nothing is left to do once it is carried out.
        moved: The names of packages whose objects have changed between the plan and their import.
        follow_ups: What is to be done after the imports.
    """

    def __init__(
        self, session: Session, planner: Planner, plan: PlanDocument, how: HowToApply, warnings: list[str]
    ) -> None:
        self.report = Report((), session.state.run, plan.plan_id)
        self.due_at_first: list[Decision] = []
        self.is_complete = True
        self.moved: list[str] = []
        self._session = session
        self._planner = planner
        self.plan = plan
        self._how = how
        self._warnings = warnings
        self._carried_out = CarriedOut()
        # The places, from 1, of the packages that may be imported; None for all that are due.
        self._open: set[int] | None = None
        self._acted: set[int] = set()
        # Objects that were looked up since something was last changed.
        self._fresh: set[ObjectKey] = set()
        self._rollback = RunRollback(session, how.options, warnings)
        self.follow_ups = how.options.follow_ups or FollowUps(session, 0.0, 1.0, warnings)

    @property
    def _history(self) -> History | None:
        return self._how.options.history

    def prepare(
        self,
        reader: Reader,
        seen: dict[ObjectKey, Found] | None,
        before_upload: Callable[[list[Declared]], None] | None = None,
    ) -> None:
        """Find out what is there, and see whether the plan still holds; nothing is changed yet.

        Args:
            reader: Finds out what packages hold.
            seen: What this run has looked up for the plan a moment ago; None to look it up now.
            before_upload: Called with the packages that have to be uploaded to find out what they hold.

        Raises:
            MigrationError: The plan is stale, or something would stop its being carried out.
        """
        planner = self._planner
        planner.prepare(self._session, reader, before_upload=before_upload)
        if seen is None:
            planner.look_up(self._session)
            self._fresh = set(planner.found)
        else:
            planner.found.update(seen)
        decisions = planner.decide()
        self.report = Report(decisions, self._session.state.run, self.plan.plan_id)
        if self._how.approved:
            self._refuse_stale(decisions)
        planner.check(decisions, self._how.options.generate_undo)
        self.due_at_first = [decision for decision in decisions if decision.due and self._may(decision)]
        self.follow_ups.find(self._history, (item.project_id for item in planner.packages), self._how.options.wanted)
        for decision in self.due_at_first:
            if decision.do == IMPORT and decision.package.file is None:
                raise InputError("packages: %s is due and has no src." % printable(decision.package.name, 100))

    def _refuse_stale(self, decisions: Sequence[Decision]) -> None:
        projects = {package.project_id for package in self._planner.packages}
        entries = {project: self._history.entries(project) for project in projects} if self._history else {}
        self._carried_out = CarriedOut.of(self.plan, entries)
        approval.refuse_stale(self.plan, decisions, self._planner.found, self._carried_out)
        self._open = approval.open_positions(self.plan, self._carried_out)

    def _may(self, decision: Decision) -> bool:
        if decision.position in self._acted:
            return False
        return decision.do != IMPORT or self._open is None or decision.position in self._open

    def _begin(self, decision: Decision) -> None:
        """Note that the turn of a package has come."""
        self._acted.add(decision.position)
        # Where others became due by what the server did, the last numbers are beyond what was known at first.
        of = max(len(self.due_at_first), len(self._acted))
        self._session.progress.package(decision.package.name, len(self._acted), of)

    def foretell(self) -> None:
        """Note what would be due after the imports, where they are only predicted."""
        for decision in self.due_at_first:
            wanted = self._how.options.wanted.of(decision.package.option)
            content = decision.planned.package.content if decision.planned is not None else None
            self.follow_ups.predict(decision.package.project_id, wanted.predicted(decision.plan, content))

    def carry_out(self) -> None:
        """Do what is to be done.

        Raises:
            MigrationError: A package could not be imported or taken back, or what is due after it not be done.
        """
        window = self._how.options.window
        due = [decision.package for decision in self.due_at_first]
        projects = {package.project_id: package.project for package in due if package.project_id}
        with window.over(projects) if window is not None and projects else contextlib.nullcontext():
            self._carry_out()
            self.follow_ups.do()

    def _carry_out(self) -> None:
        try:
            self._take_back_undone()
            self._import_due()
            if self._acted and self._is_more_due():
                # The server gave versions of its own, or somebody edited an object meanwhile.
                self._import_due()
        except _NotSeen:
            raise
        except MigrationError as error:
            if self._how.take_back:
                how = self._how
                names = self._rollback.take_back(error, self._undone(), how.log_in_again, how.settle)
                self.report.taken_back.extend(names)
            self._follow_up_all_the_same(error)
            raise
        self._conclude()

    def _follow_up_all_the_same(self, error: MigrationError) -> None:
        """Do what is due after the imports that were done before one failed, where that can be done now."""
        session, process = self._session, self._session.import_process
        may_run = process is not None and not process.finished
        if may_run or signals.told_to_stop() is not None or session.is_taken_over:
            return
        try:
            self.follow_ups.do()
        except MigrationError as problem:
            error.message = "%s %s" % (error.message, problem.message)

    def _conclude(self) -> None:
        """Note what is due in the end and was not for this run to do."""
        for decision in self._planner.decide():
            if not decision.due or decision.position in self._acted:
                continue
            done = decision.position in self._carried_out.done
            # What is due by force alone is done once for each plan.
            self.is_complete = self.is_complete and done and decision.plan.in_sync
            because = "this plan has imported it before" if done else "the plan leaves it alone"
            self.report.leave(decision.position, because)

    def _undone(self) -> list[str]:
        """Return the names of the packages that were taken back because the list says so."""
        return [row["name"] for row in self.report.packages if row["changed"] and row["state"] == UNDONE]

    def _fail(self, decision: Decision, error: MigrationError, changed: bool = False) -> None:
        """Note that something failed with a package."""
        details = error.details
        self.report.note(
            decision.position,
            changed=changed or bool(details.get("changed")),
            failed=True,
            msg=error.message,
            undo=details.get("undo"),
            receipt=details.get("receipt"),
        )

    # What is to be undone.

    def _take_back_undone(self) -> None:
        history = self._history
        due = [decision for decision in self.due_at_first if decision.do == TAKE_BACK]
        if not due or history is None:
            return
        # The newest import first, whatever the order of the list: the older ones lie under it.
        parts = [(entry, decision) for decision in due for entry in decision.undoing.parts]
        for entry, decision in sorted(parts, key=lambda part: part[0].name, reverse=True):
            with about(decision.package.name, decision.package.project):
                self._take_back(entry, decision, history)
        self._planner.find_entries(history, again=True)
        self._planner.look_up(self._session, self._fresh)
        self._fresh = set(self._planner.found)
        for entry, _decision in parts:
            self._carried_out.leave(entry.receipt.project, Entry.reopen(entry.path).receipt.after_undoing)

    def _take_back(self, entry: Entry, decision: Decision, history: History) -> None:
        """Take one import of a package back; its last part ends it."""
        parts = decision.undoing.parts
        if decision.position not in self._acted:
            self._begin(decision)
        row = self.report.packages[decision.position - 1]
        try:
            force = bool(decision.package.option["force"])
            options = replace(self._how.options, wanted=self._how.options.wanted.of(decision.package.option))
            rollback = Rollback.of_entry(entry, history, options, force, hold=True)
            _planned, _outcome, changed = rollback.take_back(self._session, entry.receipt.project, self._warnings)
        except (MigrationError, Interrupted) as error:
            failure = as_failure(error)
            self._fail(decision, failure, changed=row["changed"])
            raise failure from error
        for place in (entry.receipt.project or "", ""):
            self._fresh -= {(place, *key) for key in entry.receipt.touched}
        self.report.note(decision.position, changed=row["changed"] or changed)
        if entry.path == parts[0].path:
            file = rollback.package
            undo = {"path": file.path, "sha256": file.hash(), "size": file.size}
            self.report.note(decision.position, undo=undo, receipt=entry.receipt_path)
        if entry.path == min(parts, key=lambda part: part.name).path:
            self._session.progress.say(self.report.line(decision.position))

    # What is due to be imported.

    def _import_due(self) -> None:
        position = 0
        while True:
            due = [item for item in self._planner.decide() if item.do == IMPORT and item.position > position]
            due = [item for item in due if self._may(item)]
            if not due:
                return
            decision, position = due[0], due[0].position
            self._import(decision)

    def _is_more_due(self) -> bool:
        """Look over the whole list; return whether something is due by what the run has done.

        Raises:
            _NotSeen: The objects cannot be looked up. What was done is done, and not taken back for that.
        """
        try:
            self._planner.look_up(self._session, self._fresh)
        except MigrationError as error:
            raise _NotSeen(
                "All that was due is done. Whether something has become due by it is not known: %s Run again to see it."
                % error.message,
                **error.details,
            ) from error
        self._fresh = set(self._planner.found)
        return any(item.do == IMPORT and self._may(item) for item in self._planner.decide())

    def _import(self, decision: Decision) -> None:
        package = decision.package
        with about(package.name, package.project):
            self._begin(decision)
            try:
                self._stage_and_import(decision)
            except (MigrationError, Interrupted) as error:
                failure = as_failure(error)
                self._fail(decision, failure)
                if failure.details.get("changed") and failure.details.get("receipt"):
                    self._rollback.add(package.name, failure.details["receipt"])
                raise failure from error

    def _stage_and_import(self, decision: Decision) -> None:
        package, session = decision.package, self._session
        if package.file is None or decision.planned is None:
            raise AssertionError("there is no file to import")
        content = decision.planned.package.content
        options = self._how.options.of_package(package, self.plan.plan_id)
        runs.check_destinations(options, package.project_id, make=True)
        staged = stage(session, package.file, package.project_id, content.type, options.wait_timeout)
        if staged.content.digest != content.digest:
            if self._how.approved:
                raise InputError(
                    "plan_file: the server reads other objects in the file of this package than the plan %s was made "
                    "for. It was not imported. Remove what is kept of it in manifest_dir, make the plan anew, and have "
                    "it approved." % self.plan.plan_id
                )
            # What was remembered of the file is not what the server reads in it.
            package.content = staged.content
        # Only now, since an upload can take long.
        self._planner.look_up(session, only=decision.position - 1)
        decision = self._planner.decide()[decision.position - 1]
        self._note_moved(decision)
        if decision.do != IMPORT:
            # Others have brought it about meanwhile.
            self.report.note(decision.position, **decision.row())
            return
        self._import_staged(decision, staged, options)

    def _import_staged(self, decision: Decision, staged: Staged, options: ImportOptions) -> None:
        session = self._session
        session.refuse_loss("import the package again")
        session.release_import()
        self._fresh.clear()
        run = runs.start(session, staged, decision.plan, options, self._warnings)
        runs.finish(run)
        outcome = run.outcome
        self._planner.done.add(decision.position - 1)
        self._planner.found.update(run.seen)
        self._fresh = set(run.seen)
        for key, state in run.seen.items():
            version = state.version if isinstance(state, DestinationObject) else None
            self._carried_out.left.setdefault(key, []).append(version)
        receipt = outcome.entry.receipt_path if outcome.entry else None
        self.report.note(
            decision.position,
            changed=True,
            summary=decision.plan.summary,
            undo=outcome.undo.as_result() if outcome.undo else None,
            receipt=receipt,
        )
        self.report.count(decision.position, decision.plan.effects)
        session.progress.say(self.report.line(decision.position))
        if receipt is not None:
            self._rollback.add(decision.package.name, receipt)

    def _note_moved(self, decision: Decision) -> None:
        """Note that the world has moved since the plan, where what is to be done is not what that says."""
        if self._how.approved:
            approval.refuse_moved(self.plan, decision, self._planner.found, self._carried_out)
            return
        steps = [step for step in self.plan.steps if step.position == decision.position]
        planned = {
            (change["id"].upper(), change["type"], change["effect"]) for step in steps for change in step.changes
        }
        now = {(*change.row.key, change.effect) for change in decision.plan.changes}
        if steps and (steps[0].do != decision.do or planned != now):
            self.moved.append(decision.package.name)
            self._warnings.append(
                "Package %s was planned anew, because objects of it have changed since the plan %s was made."
                % (printable(decision.package.name, 100), self.plan.plan_id)
            )
            if decision.do == IMPORT:
                self._how.judge(decision)
