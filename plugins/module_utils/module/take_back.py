# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flow of the module mstr_undo_package that takes imports back: one, those of a name, or those of a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ..errors import MigrationError, about
from ..history import store as histories
from ..history.entry import Entry
from ..history.receipt import FAILED, UNDONE
from ..imports.follow_up import FollowUps
from ..imports.outcome import Outcome
from ..imports.rollback import Rollback
from ..package.file import PackageFile, examine
from ..plan import text as plan_text
from ..plan.destination import look_up_all
from ..plan.listing import ObjectKey
from ..plan.package import Found, PackagePlan
from ..plan.preflight import Preflight
from ..plan.together import Together
from ..session.session import Session
from ..support.text import printable
from .around import place_of, preflight_of, wanted_of
from .around_import import follow_ups_of
from .base import MigrationModule
from .history import open_history, settle_metadata
from .to_take_back import Chosen, by_name, by_run, entry_of_file, refuse_nothing_named, refuse_of_another_server


def applied(module: MigrationModule) -> dict[str, Any]:
    """Take imports back."""
    params = module.params
    package = None
    if params["src"]:
        package = examine(params["src"], params["checksum"], module.warnings)
        module.package = os.path.basename(params["src"])
    else:
        module.package = params["name"] or ""
        if not params["name"]:
            # A run is of all projects.
            module.project = ""
    history = open_history(module)
    if package is not None:
        refuse_of_another_server(module, package, history)
    elif not params["history_dir"] or (history is not None and not (params["name"] or params["run"])):
        refuse_nothing_named(history)
    with module.session() as session:
        settle_metadata(module, session)
        if package is not None:
            project_id = session.project_id(params["project"])
            entry, entries = entry_of_file(package, history, project_id)
            if entry is None:
                return _take_back_unknown(module, session, package, project_id)
            chosen = Chosen.one(entry, entries, params["force"])
            return _TakingBack(module, session, chosen, {entry.path: package}).do()
        if history is None:
            raise AssertionError("there is a session, and no environment")
        chosen = by_run(module, history) if params["run"] else by_name(module, session, history)
        return _TakingBack(module, session, chosen).do()


def _take_back_unknown(
    module: MigrationModule, session: Session, package: PackageFile, project_id: str | None
) -> dict[str, Any]:
    """Take back what an undo package reverts of which the history has nothing."""
    name = os.path.basename(package.path)
    preflight = preflight_of(module, session)
    preflight.look([place_of(module, project_id, module.params["project"])])
    follow_ups = follow_ups_of(module, session)
    rollback = _rollback(module, package, name, None, [], follow_ups)
    planned, outcome, due = rollback.take_back(session, project_id, module.warnings)
    follow_ups.do()
    item = _item(None, name, project_id, package, outcome, due)
    result = {**_result([item], None, preflight), **follow_ups.as_result()}
    result["msg"] = _line(printable(name, 100), planned.plan, due, module.check_mode)
    if module.wants_diff and due:
        texts = [preflight.text(), _text(name, module.params["project"], planned.plan)]
        result["diff"] = {"prepared": plan_text.joined(texts)}
    return result


class _TakingBack:
    """Imports that the history knows, on their way back.

    Args:
        module: The module.
        session: The session.
        chosen: What is to be taken back.
        files: The undo packages that are given, by the directories of the entries; None for those of the history.
    """

    def __init__(
        self, module: MigrationModule, session: Session, chosen: Chosen, files: dict[str, PackageFile] | None = None
    ) -> None:
        self.module = module
        self.session = session
        self.chosen = chosen
        self.files = files
        self.together = Together(chosen.what, chosen.parts, chosen.entries)
        self.preflight = preflight_of(module, session)
        self.items: list[dict[str, Any]] = []
        self.lines: list[str] = []
        self.texts: list[str] = []
        self.follow_ups = follow_ups_of(module, session)

    def do(self) -> dict[str, Any]:
        """Take them back, newest first, and return the result of the task.

        Raises:
            MigrationError: One cannot be taken back; then nothing is done, unless the server fails only later.
        """
        module, parts = self.module, self.chosen.parts
        # One alone is compared as its undo package is planned.
        found: dict[ObjectKey, Found] = {}
        files = self.together.files() if self.files is None and parts else self.files or {}
        if not module.params["force"]:
            self.together.refuse_under_newer()
        if len(parts) > 1:
            found = look_up_all(self.session, self.together.objects())
            if not module.params["force"]:
                self.together.refuse_edited(found)
        self.preflight.look(
            place_of(module, entry.receipt.project, self._project(entry), (key[1] for key in entry.receipt.touched))
            for entry in parts
        )
        self._hold()
        if module.check_mode and len(parts) > 1:
            self._foretell(files, found)
        else:
            for entry in parts:
                self._take_back(entry, files[entry.path])
        self._follow_up()
        return self._result()

    def _follow_up(self) -> None:
        """Do what is due once the imports are taken back, and what earlier runs have left to do in their projects."""
        module, history = self.module, self.module.history
        projects = [entry.receipt.project for entry in (*self.chosen.parts, *self.chosen.done)]
        self.follow_ups.find(history, projects, wanted_of(module))
        if module.check_mode:
            return
        try:
            self.follow_ups.do()
        except MigrationError as error:
            error.details.update(taken_back=self.items, run=self.chosen.run_id, **self.follow_ups.as_result())
            if any(item["changed"] for item in self.items):
                error.details["changed"] = True
            raise

    def _hold(self) -> None:
        """Have what is taken back already stay so, also where a failed run took it back and would try again."""
        if self.module.check_mode or not self.module.params["hold"]:
            return
        for entry in self.chosen.done:
            if entry.receipt.held is False:
                entry.write(held=True)

    def _foretell(self, files: dict[str, PackageFile], found: dict[ObjectKey, Found]) -> None:
        """Say what becomes of each: the objects of an older one are not yet as they will be when its turn comes."""
        for entry, changes in zip(self.chosen.parts, self.together.predicted(found)):
            plan = PackagePlan(tuple(changes))
            due = not plan.in_sync
            self._note(entry, files[entry.path], plan, Outcome(plan.as_result()), due)

    def _take_back(self, entry: Entry, package: PackageFile) -> None:
        receipt = entry.receipt
        title = self._title(entry)
        self.session.progress.package(receipt.name, len(self.items) + 1, len(self.chosen.parts))
        beside = self.together.beside(entry)
        rollback = _rollback(self.module, package, receipt.name, entry, beside, self.follow_ups)
        try:
            with about(receipt.name, self._project(entry)):
                planned, outcome, due = rollback.take_back(self.session, receipt.project, self.module.warnings)
        except MigrationError as error:
            self._say_how_far(error)
            raise
        self._note(entry, package, planned.plan, outcome, due, title)
        self.session.progress.say(self.lines[-1])

    def _note(
        self,
        entry: Entry,
        package: PackageFile,
        plan: PackagePlan,
        outcome: Outcome,
        due: bool,
        title: str | None = None,
    ) -> None:
        receipt = entry.receipt
        self.items.append(_item(entry, receipt.name, receipt.project, package, outcome, due))
        self.lines.append(_line(title or self._title(entry), plan, due, self.module.check_mode))
        if due and self.module.wants_diff:
            self.texts.append(_text(receipt.name, self._project(entry), plan))

    def _title(self, entry: Entry) -> str:
        """Return what an import is called in a line, so that it is told from the others."""
        name = printable(entry.receipt.name, 100)
        same = [other for other in self.chosen.parts if other.receipt.name == entry.receipt.name]
        if len({other.receipt.project for other in same}) > 1:
            name += " (%s)" % (printable(self._project(entry), 100) or histories.CONFIGURATION)
        return name + (", its failed import" if entry.receipt.state == FAILED else "")

    def _project(self, entry: Entry) -> str:
        """Return the project as the task knows it, else its id; empty for the configuration level."""
        project = entry.receipt.project or ""
        names = [name for name, identity in self.session.state.projects.items() if identity == project]
        return names[0] if names else project

    def _say_how_far(self, error: MigrationError) -> None:
        """Have a failure say what of several is taken back, and how to go on."""
        parts = self.chosen.parts
        if len(parts) > 1:
            done = [entry for entry in parts[: len(self.items) + 1] if entry.receipt.state == UNDONE]
            left = [entry for entry in parts if entry not in done]
            error.message += " Taken back: %s. Not taken back: %s." % (_names(done), _names(left))
            if left:
                error.message += " The same command goes on with those; what is taken back stays so."
            error.details.update(taken_back=self.items, run=self.chosen.run_id)
            if any(item["changed"] for item in self.items):
                error.details["changed"] = True

    def _result(self) -> dict[str, Any]:
        result = _result(self.items, self.chosen.first, self.preflight)
        if self.chosen.run_id is not None:
            result["run"] = self.chosen.run_id
        follow_ups = self.follow_ups
        result.update(follow_ups.as_result())
        result["changed"] |= follow_ups.have_done or (self.module.check_mode and follow_ups.are_due)
        result["msg"] = "\n".join([*self.lines, *follow_ups.lines()]) or self.chosen.nothing_left
        if not self.items and self.chosen.further:
            result["msg"] += " " + self.chosen.further
            self.module.warnings.append(result["msg"])
        if self.texts:
            result["diff"] = {"prepared": plan_text.joined([self.preflight.text(), *self.texts])}
        return result


def _rollback(
    module: MigrationModule,
    package: PackageFile,
    name: str,
    entry: Entry | None,
    entries: list[Entry],
    follow_ups: FollowUps,
) -> Rollback:
    params = module.params
    return Rollback(
        package=package,
        name=name,
        entry=entry,
        entries=entries,
        wait_timeout=params["wait_timeout"],
        poll_interval=params["poll_interval"] or 0.1,
        force=params["force"],
        hold=params["hold"],
        check_mode=module.check_mode,
        wanted=wanted_of(module),
        follow_ups=follow_ups,
    )


def _names(entries: Sequence[Entry]) -> str:
    return ", ".join("%s (%s)" % (printable(entry.receipt.name, 60), entry.name) for entry in entries) or "none"


def _line(title: str, plan: PackagePlan, due: bool, check_mode: bool) -> str:
    """Return what became of an import in words: ``finance: taken back, 3 replaced``."""
    if not due:
        return "%s: its objects are as they were before it" % title
    if check_mode:
        return "%s: would be taken back, %s" % (title, plan_text.counts(plan))
    return "%s: taken back, %s" % (title, plan_text.counts_done(plan))


def _text(name: str, project: str | None, plan: PackagePlan) -> str:
    return plan_text.describe(plan_text.title("%s (taken back)" % name, project), plan)


def _item(
    entry: Entry | None, name: str, project: str | None, package: PackageFile, outcome: Outcome, changed: bool
) -> dict[str, Any]:
    done = outcome.as_result()
    saved = None
    if package.sha256 is not None:
        saved = {"path": package.path, "sha256": package.sha256, "size": package.size}
    return {
        "entry": entry.name if entry else None,
        "name": name,
        "project": project or "",
        "changed": changed,
        "undo": saved,
        "import": done.get("import"),
        "plan": done.get("plan"),
        "verified": done.get("verified", False),
        "unresolved": done.get("unresolved", []),
        "receipt": entry.receipt_path if entry else None,
    }


def _result(items: list[dict[str, Any]], first: Entry | None, preflight: Preflight) -> dict[str, Any]:
    """Return the result of the task: what became of each import, and of the newest once more by itself.

    Args:
        items: What became of each, newest first.
        first: The entry that is named where nothing was to be taken back.
        preflight: What was found out before.
    """
    result: dict[str, Any] = {
        "undo": None,
        "entry": first.name if first else None,
        "import": None,
        "plan": None,
        "verified": False,
        "unresolved": [],
        "receipt": first.receipt_path if first else None,
    }
    if items:
        result.update((key, items[0][key]) for key in result)
    result["changed"] = any(item["changed"] for item in items)
    result["taken_back"] = items
    result["preflight"] = preflight.as_result()
    return result
