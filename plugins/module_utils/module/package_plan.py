# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flow of the module mstr_package_plan: from its options to its result."""

from __future__ import annotations

from typing import Any

from ..errors import InputError, about
from ..history.entry import Entry
from ..history.queries import named, vouches
from ..history.receipt import UNDONE
from ..history.store import History
from ..package.declared import Declared, Reader, refuse_twice, selected
from ..plan import text as plan_text
from ..plan.destination import changes_of_undo_now, make_plans
from ..plan.document import (
    HELD,
    IMPORT,
    LEAVE,
    TAKE_BACK,
    PlanDocument,
    PlannedPackage,
    Step,
    as_named,
    digest_of,
    in_order,
    path_for,
    write,
)
from ..plan.listing import Listed, ListedPlan, ObjectKey
from ..plan.package import Found, PackagePlan, refuse_keep_both
from ..plan.undo import (
    ToUndo,
    change_of_undo,
    names_of_entries,
    once_undone,
    refuse_edited,
    refuse_under_newer,
    undo_file,
)
from ..session.session import Session
from ..support.text import printable
from .base import MigrationModule
from .history import open_history
from .options import parse_mode

_IMPORTED = "imported"
_HELD = "held"


def plan_packages(module: MigrationModule) -> dict[str, Any]:
    """Plan the list, and return what the task returns."""
    params = module.params
    reader = Reader(
        params["manifest_dir"],
        parse_mode(params["history_mode"]),
        module.check_mode,
        params["wait_timeout"],
        module.warnings,
    )
    if not params["packages"]:
        module.warnings.append(
            "packages: the list is empty (mstr_packages of the role), so nothing is declared for this environment."
        )
    packages = [reader.read(option, params["project"]) for option in params["packages"]]
    refuse_twice(packages, [package.project for package in packages])
    plan = _Plan(module, packages, selected(packages, params["name"]), open_history(module))
    with module.session() as session:
        result = plan.make(session, reader)
        if params["plan_file"]:
            result["plan_file"] = _write(params["plan_file"], plan.document)
        result["logged_out"] = result["in_sync"] and params["log_out_when_in_sync"] and session.end_with_task()
    return result


class _Plan:
    """The plan of a list on its way.

    Args:
        module: The module.
        packages: The list.
        chosen: Those of the list that the run may act on.
        history: The history, or None.
    """

    def __init__(
        self, module: MigrationModule, packages: list[Declared], chosen: list[Declared], history: History | None
    ) -> None:
        self.module = module
        self.packages = packages
        self.chosen = chosen
        self.history = history
        self.to_undo: dict[int, ToUndo] = {}
        self.seen: dict[ObjectKey, Found] = {}
        self.document: PlanDocument

    def make(self, session: Session, reader: Reader) -> dict[str, Any]:
        """Return the result of the task, less whether it logs out.

        Raises:
            MigrationError: A package cannot be read, planned, imported or taken back.
        """
        for package in self.packages:
            with about(package.name, package.project):
                package.project_id = session.project_id(package.project)
        # Once more, since one may name the project and another give its id.
        refuse_twice(self.packages, [package.project_id for package in self.packages])
        self._learn(session, reader)
        if self.module.params["write_manifests"]:
            for package in self.packages:
                reader.write_beside(package)
        if self.history is not None:
            self._find_entries(session, self.history)
        to_import = [package for package in self.packages if not package.is_undone]
        plans = self._plan(session, to_import)
        for package, planned in zip(to_import, plans):
            with about(package.name, package.project):
                self._check(package, planned)
                if not planned.due and not planned.is_left_alone and package in self.chosen:
                    self._confirm(session, reader, package)
        return self._result(session, {id(package): planned for package, planned in zip(to_import, plans)})

    def _learn(self, session: Session, reader: Reader) -> None:
        """Upload packages of which nobody knows what they hold.

        The first of them last, so that it is in the session when its turn comes to be imported.
        """
        to_learn = [package for package in self.packages if package.file is not None and package.content is None]
        for package in to_learn:
            # A history that cannot be written is said so before the manifest below it is.
            with about(package.name, package.project):
                self._check_history(package)
        for package in reversed(to_learn):
            with about(package.name, package.project):
                reader.learn(session, package)

    def _confirm(self, session: Session, reader: Reader, package: Declared) -> None:
        """Upload a package that is left alone by its manifest, unless it was seen before that the manifest is right.

        It may have been edited, or be that of an older build. What is due is compared when it is imported.
        """
        file = package.file
        if file is None or file.manifest is None or reader.has_seen(file, file.manifest.digest):
            return
        entries = self.history.entries(package.project_id) if self.history is not None else []
        if not vouches(entries, file.hash(), file.manifest.digest):
            reader.learn(session, package)

    def _plan(self, session: Session, to_import: list[Declared]) -> list[ListedPlan]:
        listed = []
        for package in to_import:
            with about(package.name, package.project):
                is_chosen = package in self.chosen
                force = package.option["force"] and is_chosen
                listed.append(Listed(package.name, package.checked_content(), package.project_id, force, is_chosen))
        projects = {package.project for package in self.packages}
        # What breaks now is about the list as a whole.
        self.module.project = projects.pop() if len(projects) == 1 else ""
        expected = once_undone(
            (entry, package.project_id or "") for package in self.chosen for entry in self._undoing(package).parts
        )
        plans = make_plans(session, listed, self.history, expected, self.seen)
        needed = [planned.package.name for planned in plans if planned.needed]
        if needed:
            raise InputError(
                "name: importing only %s would leave older versions of objects that later packages of this list carry "
                "too, which would have to be imported after it: %s. Nothing was imported. Deploy the whole list, "
                "without naming a package."
                % (printable(self.module.params["name"], 100), ", ".join(printable(item, 100) for item in needed))
            )
        return plans

    def _check(self, package: Declared, planned: ListedPlan) -> None:
        """Say now, before anything of the list is imported, what would stop the import of a package."""
        if planned.is_left_alone:
            self.module.warnings.append(plan_text.why_left_alone(planned))
        if not planned.due:
            return
        refuse_keep_both(planned.package.content, package.option["generate_undo"] is True)
        self._check_history(package)

    def _check_history(self, package: Declared) -> None:
        if self.history is not None:
            self.history.check(package.project_id, make=False)

    def _undoing(self, package: Declared) -> ToUndo:
        return self.to_undo.get(id(package), ToUndo())

    def _find_entries(self, session: Session, history: History) -> None:
        """Find the imports of the packages that are to be undone."""
        undone = [package for package in self.packages if package.is_undone]
        entries = {package.project_id: history.entries(package.project_id) for package in undone}
        for package in undone:
            own = named(entries[package.project_id], package.name)
            if not own and package.option["project"] is None and package.option["type"] is None:
                own = _find_elsewhere(history, package)
                entries.setdefault(package.project_id, history.entries(package.project_id))
            self.to_undo[id(package)] = ToUndo.find(own, self.module.warnings)
            if not own:
                self.module.warnings.append(
                    "Package %s is to be undone, but the history of environment %s has no import of that name%s. "
                    "Nothing is done about it." % (printable(package.name, 100), self.module.environment, package.place)
                )
        due = [package for package in undone if package in self.chosen and self._undoing(package).parts]
        names = [entry.name for package in due for entry in self._undoing(package).parts]
        for package in undone:
            # Where the run goes on to take the newest one back, that task says it.
            if self.module.check_mode or package not in due:
                self._warn_of_older(package)
        for package in due:
            with about(package.name, package.project):
                self._refuse_to_undo(session, package, entries[package.project_id], names)

    def _warn_of_older(self, package: Declared) -> None:
        older = self._undoing(package).older
        if older:
            self.module.warnings.append(
                "Package %s is to be undone, which takes back its newest import only. Older imports of the same file "
                "stay: %s. To take them back too: playbook rollback with mstr_package and mstr_entry, newest first."
                % (printable(package.name, 100), names_of_entries(older[-5:]))
            )

    def _refuse_to_undo(
        self, session: Session, package: Declared, entries: list[Entry], undone_first: list[str]
    ) -> None:
        """Fail now, and not half-way through the list, where a package cannot be taken back."""
        parts = self._undoing(package).parts
        own = named(entries, package.name)
        for entry in parts:
            undo_file(entry, own)
        if package.option["force"]:
            return
        newest = parts[0]
        refuse_under_newer(newest, entries, undone_first)
        if not any(name > newest.name for name in undone_first):
            refuse_edited(newest, entries, changes_of_undo_now(session, newest, package.project_id))

    def _result(self, session: Session, plans: dict[int, ListedPlan]) -> dict[str, Any]:
        results, texts, steps = [], [], []
        for position, package in enumerate(self.packages, 1):
            planned = plans.get(id(package))
            if planned is None:
                plan, row, what = self._to_take_back(package)
            else:
                plan, row, what = _to_import(planned)
            results.append({"position": position, "name": package.name, "project": package.project, **row})
            steps.append(
                Step(position=position, name=package.name, summary=row["summary"], changes=row["changes"], **what)
            )
            if row["due"] and self.module.wants_diff:
                name = package.name if planned is not None else "%s (taken back)" % package.name
                forced = planned is not None and planned.package.force
                texts.append(plan_text.describe(plan_text.title(name, package.project), plan, forced))
        self.document = PlanDocument(
            environment=self.module.environment,
            base_url=session.state.base_url,
            selection=self.module.params["name"] or None,
            seen=digest_of(self.seen),
            packages=tuple(
                _planned_package(position, package, plans.get(id(package)))
                for position, package in enumerate(self.packages, 1)
            ),
            steps=in_order(steps),
        )
        result: dict[str, Any] = {
            "changed": False,
            "in_sync": not any(item["due"] for item in results),
            "plan_id": self.document.plan_id,
            "packages": results,
        }
        if texts:
            result["diff"] = {"prepared": plan_text.describe_list(self.document.plan_id, None, texts)}
        return result

    def _to_take_back(self, package: Declared) -> tuple[PackagePlan, dict[str, Any], dict[str, Any]]:
        """Return what taking a package back would change, what the result says of it, and what is done and why."""
        undoing = self._undoing(package)
        plan = PackagePlan(tuple(change_of_undo(undoing.parts)))
        due = bool(undoing.parts) and package in self.chosen
        row = {
            "state": UNDONE,
            **plan.as_result(),
            "in_sync": not undoing.parts and not undoing.older,
            "due": due,
            "entry": undoing.newest.name if undoing.newest else None,
        }
        if due:
            reason = "declared as undone: %s" % plan_text.counts(plan)
            return plan, row, {"do": TAKE_BACK, "reason": reason, "entries": [entry.name for entry in undoing.parts]}
        reason = "not for this run" if undoing.parts else "nothing of it is there to take back"
        return plan, row, {"do": LEAVE, "reason": reason}


def _to_import(planned: ListedPlan) -> tuple[PackagePlan, dict[str, Any], dict[str, Any]]:
    """Return what importing a package would change, what the result says of it, and what is done and why."""
    plan = planned.plan
    row = {
        "state": _HELD if planned.is_left_alone else _IMPORTED,
        **plan.as_result(),
        "in_sync": planned.in_sync,
        "due": planned.due,
        "entry": None,
    }
    if planned.due:
        what = {"do": IMPORT, "reason": plan_text.counts(plan) + (", forced" if planned.package.force else "")}
    elif planned.is_left_alone:
        reason = "it may be there already" if planned.doubtful else "it was taken back, and stays so"
        what = {"do": HELD, "reason": reason}
    elif planned.in_sync:
        what = {"do": LEAVE, "reason": "in sync"}
    else:
        what = {"do": LEAVE, "reason": "not for this run: %s" % plan_text.counts(plan)}
    return plan, row, what


def _planned_package(position: int, package: Declared, planned: ListedPlan | None) -> PlannedPackage:
    content = planned.package.content if planned is not None else None
    return PlannedPackage(
        position=position,
        name=package.name,
        project=package.project,
        project_id=package.project_id,
        state=package.option["state"],
        file=as_named(package.given),
        sha256=content.sha256 if content else None,
        size=content.size if content else None,
        type=content.type if content else None,
        settings=dict(sorted(content.settings.items())) if content else {},
        force=package.option["force"],
        generate_undo=package.option["generate_undo"],
    )


def _write(plan_file: str, plan: PlanDocument) -> str:
    """Write the plan, also in check mode, which is what it is for; return where it is."""
    path = path_for(plan_file, plan.environment)
    write(path, plan)
    return path


def _find_elsewhere(history: History, package: Declared) -> list[Entry]:
    """Return the entries of a package to be undone whose project nobody names, if the history has it in one place."""
    found = named(history.all_entries(), package.name)
    places = {entry.receipt.project for entry in found}
    if len(places) != 1:
        return []
    package.project_id = places.pop()
    package.project = package.project_id or ""
    return found
