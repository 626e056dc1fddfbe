# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a list of packages, the history and the destination to what becomes of each package.

What was looked up is kept, so that the list can be planned again after each step of its carrying out with few look-ups.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Callable

from ..errors import InputError, about
from ..history.entry import Entry
from ..history.queries import named, vouches
from ..history.store import History
from ..package.declared import Declared, Reader, refuse_twice, selected
from ..session.session import Session
from ..support.text import printable
from . import text as plan_text
from .decision import Decision, to_import, to_take_back
from .destination import look_up_all, plan_for
from .document import PlanDocument, digest_of, in_order
from .edited import Editors
from .find_gaps import GapFinder
from .listing import Listed, ListedPlan, ObjectKey, wanted
from .package import Found, refuse_keep_both
from .together import Together
from .undo import ToUndo, change_of_undo, names_of_entries, once_undone


@dataclass(frozen=True)
class Scope:
    """What a list is planned for.

    Attributes:
        environment: The environment's name.
        selection: The name of the packages that the run may act on; None for all.
        history: The history, or None.
        warnings: Gets sentences about what is not as it should be and is no failure.
    """

    environment: str
    selection: str | None
    history: History | None
    warnings: list[str]


class Planner:
    """A list of packages on its way to a plan.

    Args:
        packages: The list.
        scope: What it is planned for.

    Attributes:
        packages: The list.
        found: What is known of the destination's objects.
        done: The places in the list, from 0, of packages that this run has acted on: force does not count for them.

    Raises:
        InputError: Two packages have one name, or none has the selected one.
    """

    def __init__(self, packages: list[Declared], scope: Scope) -> None:
        refuse_twice(packages, [package.project for package in packages])
        self.packages = packages
        self.found: dict[ObjectKey, Found] = {}
        self.done: set[int] = set()
        self._scope = scope
        self._chosen = selected(packages, scope.selection)
        self._to_undo: dict[int, ToUndo] = {}

    def prepare(
        self,
        session: Session,
        reader: Reader,
        write_manifests: bool = False,
        before_upload: Callable[[list[Declared]], None] | None = None,
    ) -> None:
        """Find out what the packages hold, and what there is to take back.

        Args:
            session: The session.
            reader: Finds out what packages hold.
            write_manifests: Whether to write manifests beside packages that have none.
            before_upload: Called with the packages that have to be uploaded to find out, where there are some.

        Raises:
            MigrationError: A package cannot be read or taken back.
        """
        for package in self.packages:
            with about(package.name, package.project):
                package.project_id = session.project_id(package.project)
        # Once more, since one may name the project and another give its id.
        refuse_twice(self.packages, [package.project_id for package in self.packages])
        self._learn(session, reader, before_upload)
        if write_manifests:
            for package in self.packages:
                reader.write_beside(package)
        history = self._scope.history
        if history is not None:
            self.find_entries(history)
        elif any(package.is_undone for package in self._chosen):
            raise InputError("history_dir: it is needed for packages that are to be undone (state), and is not set.")

    def _learn(self, session: Session, reader: Reader, before_upload: Callable[[list[Declared]], None] | None) -> None:
        """Upload packages of which nobody knows what they hold.

        The first of them last, so that it is in the session when its turn comes to be imported.
        """
        to_learn = [package for package in self.packages if package.file is not None and package.content is None]
        for package in to_learn:
            # A history that cannot be written is said so before the manifest below it is.
            with about(package.name, package.project):
                self._check_history(package)
        if to_learn and before_upload is not None:
            before_upload([package for package in to_learn if package in self._chosen])
        for package in reversed(to_learn):
            with about(package.name, package.project):
                reader.learn(session, package)

    def confirm(self, session: Session, reader: Reader, decisions: Iterable[Decision]) -> None:
        """Upload packages that are left alone by their manifests, unless it was seen before that these are right.

        A manifest may have been edited, or be that of an older build. What is due is compared when it is imported.

        Raises:
            MigrationError: A package cannot be uploaded, or is not what its manifest says.
        """
        for decision in decisions:
            package, planned = decision.package, decision.planned
            if planned is None or planned.due or planned.is_left_alone or package not in self._chosen:
                continue
            file = package.file
            if file is None or file.manifest is None or reader.has_seen(file, file.manifest.digest):
                continue
            if not vouches(self._entries(package), file.hash(), file.manifest.digest):
                with about(package.name, package.project):
                    reader.learn(session, package)

    def _entries(self, package: Declared) -> list[Entry]:
        history = self._scope.history
        return history.entries(package.project_id) if history is not None else []

    def _listed(self) -> dict[int, Listed]:
        listed = {}
        for place, package in enumerate(self.packages):
            if package.is_undone:
                continue
            with about(package.name, package.project):
                chosen = package in self._chosen
                force = package.option["force"] and chosen and place not in self.done
                listed[place] = Listed(package.name, package.checked_content(), package.project_id, force, chosen)
        return listed

    def look_up(
        self,
        session: Session,
        known: Iterable[ObjectKey] = (),
        only: int | None = None,
        beside: Callable[[], None] | None = None,
    ) -> None:
        """Look up what the destination has of the objects of the list.

        Args:
            session: The session.
            known: Objects that were looked up a moment ago, and are not again.
            only: The place of a package, from 0, to look up the objects of that one alone.
            beside: What to ask beside the look-ups.

        Raises:
            MigrationError: A look-up neither found the object, nor said that it is not there, nor refused to say.
        """
        objects = wanted(item for place, item in self._listed().items() if only in (None, place))
        if only is None:
            for package, undoing in self._undoing():
                changes = change_of_undo(undoing.parts)
                objects.update({(package.project_id or "", *change.row.key): change.row for change in changes})
        for key in known:
            objects.pop(key, None)
        projects = {package.project for package in self.packages}
        # What breaks now is about the list as a whole.
        with about("", projects.pop() if len(projects) == 1 else ""):
            self.found.update(look_up_all(session, objects, beside))

    def decide(self) -> list[Decision]:
        """Return what becomes of each package of the list, for what is known of the destination.

        Raises:
            InputError: The selected packages cannot be imported alone.
            DiskError: The history could not be read.
        """
        listed = self._listed()
        plans = dict(zip(listed, plan_for(list(listed.values()), self._scope.history, self._found_then())))
        self._refuse_needed(plans.values())
        decisions = []
        for place, package in enumerate(self.packages):
            planned = plans.get(place)
            if planned is not None:
                decisions.append(to_import(place + 1, package, planned))
            else:
                undoing = self._to_undo.get(place, ToUndo())
                decisions.append(to_take_back(place + 1, package, undoing, package in self._chosen))
        return decisions

    def _found_then(self) -> dict[ObjectKey, Found]:
        """Return what is known of the destination's objects once packages are taken back that are to be."""
        pending = [(entry, package.project_id or "") for package, undoing in self._undoing() for entry in undoing.parts]
        return {**self.found, **once_undone(pending)}

    def _refuse_needed(self, plans: Iterable[ListedPlan]) -> None:
        needed = [planned.package.name for planned in plans if planned.needed]
        if needed:
            raise InputError(
                "name: importing only %s would leave older versions of objects that later packages of this list carry "
                "too, which would have to be imported after it: %s. Nothing was imported. Deploy the whole list, "
                "without naming a package."
                % (printable(self._scope.selection, 100), ", ".join(printable(item, 100) for item in needed))
            )

    def check(self, decisions: Iterable[Decision], generate_undo: bool = False) -> None:
        """Say now, before anything of the list is done, what would stop an import or a taking back.

        Args:
            decisions: What becomes of each package.
            generate_undo: Whether undo packages are asked for where the list does not say.

        Raises:
            MigrationError: Something would.
        """
        if self._scope.history is not None:
            self._refuse_to_undo_any(self._scope.history)
        for decision in decisions:
            package, planned = decision.package, decision.planned
            if planned is None:
                continue
            if planned.is_left_alone:
                self._scope.warnings.append(plan_text.why_left_alone(planned))
            if planned.due:
                with about(package.name, package.project):
                    asked = package.option["generate_undo"]
                    refuse_keep_both(planned.package.content, generate_undo if asked is None else asked)
                    self._check_history(package)

    def _check_history(self, package: Declared) -> None:
        if self._scope.history is not None:
            self._scope.history.check(package.project_id, make=False)

    def name_editors(self, session: Session, decisions: Sequence[Decision]) -> list[Decision]:
        """Return decisions whose objects say who edited them since our last import of them, see ``Editors``.

        Args:
            session: The session.
            decisions: What becomes of each package.
        """
        editors = Editors(session, self._scope.history, self.found)
        editors.look(decision.planned for decision in decisions if decision.due and decision.planned is not None)
        return [
            decision.told(editors.told(decision.planned)) if decision.planned else decision for decision in decisions
        ]

    def find_gaps(self, session: Session, decisions: Sequence[Decision], timeout: float) -> list[Decision]:
        """Return decisions whose plans say what their imports would fail for, see ``GapFinder``.

        Args:
            session: The session.
            decisions: What becomes of each package, in the order of the list.
            timeout: Seconds to wait for a search.

        Raises:
            MigrationError: Something cannot be looked up.
        """
        finder = GapFinder(session, self._found_then(), timeout, self._scope.warnings)
        due = [decision.planned for decision in decisions if decision.due and decision.planned is not None]
        told = iter(finder.told(due))
        return [decision.told(next(told)) if decision.due and decision.planned else decision for decision in decisions]

    def document(self, session: Session, decisions: Sequence[Decision]) -> PlanDocument:
        """Return the plan as it is written to a file.

        Args:
            session: The session.
            decisions: What becomes of each package.
        """
        return PlanDocument(
            environment=self._scope.environment,
            base_url=session.state.base_url,
            selection=self._scope.selection,
            seen=digest_of(self.found),
            packages=tuple(decision.as_planned() for decision in decisions),
            steps=in_order([decision.step(self.found) for decision in decisions]),
            run=session.state.run,
            newest=self._newest(),
            metadata=session.state.metadata or None,
        )

    def _newest(self) -> dict[str, str]:
        """Return the newest entries of the history by project, empty for the configuration level."""
        if self._scope.history is None:
            return {}
        projects = {package.project_id for package in self.packages}
        entries = {project or "": self._scope.history.entries(project) for project in sorted(projects, key=str)}
        return {project: found[-1].name if found else "" for project, found in entries.items()}

    # Packages that are to be undone.

    def _undoing(self) -> list[tuple[Declared, ToUndo]]:
        """Return the packages that are to be taken back in this run, with what there is to take back of them."""
        return [
            (self.packages[place], undoing)
            for place, undoing in self._to_undo.items()
            if self.packages[place] in self._chosen and undoing.parts
        ]

    def find_entries(self, history: History, again: bool = False) -> None:
        """Find the imports of the packages that are to be undone.

        Args:
            history: The history.
            again: Whether that was done before, so that what there is to say of it was said.
        """
        warnings: list[str] = [] if again else self._scope.warnings
        for place, package in enumerate(self.packages):
            if not package.is_undone:
                continue
            own = named(history.entries(package.project_id), package.name)
            if not own and package.option["project"] is None and package.option["type"] is None:
                own = _find_elsewhere(history, package)
            self._to_undo[place] = ToUndo.find(own, warnings)
            if not own:
                warnings.append(
                    "Package %s is to be undone, but the history of environment %s has no import of that name%s. "
                    "Nothing is done about it." % (printable(package.name, 100), self._scope.environment, package.place)
                )
            older = self._to_undo[place].older
            if older:
                warnings.append(
                    "Package %s is to be undone, which takes back its newest import only. Older imports of the same "
                    "file stay: %s. To take them back too: playbook rollback with mstr_package and mstr_entry, newest "
                    "first." % (printable(package.name, 100), names_of_entries(older[-5:]))
                )

    def _refuse_to_undo_any(self, history: History) -> None:
        """Fail now, and not half-way through the list, where a package cannot be taken back."""
        due = self._undoing()
        parts = [entry for _package, undoing in due for entry in undoing.parts]
        parts.sort(key=lambda entry: entry.name, reverse=True)
        projects = {package.project_id for package, _undoing in due}
        entries = [entry for project in projects for entry in history.entries(project)]
        forced = {entry.path for package, undoing in due if package.option["force"] for entry in undoing.parts}
        together = Together("packages: what is declared as undone", parts, entries, forced)
        one = due[0][0] if len(due) == 1 else None
        with about(one.name, one.project) if one is not None else contextlib.nullcontext():
            together.files()
            together.refuse_under_newer()
            together.refuse_edited(self.found)


def _find_elsewhere(history: History, package: Declared) -> list[Entry]:
    """Return the entries of a package to be undone whose project nobody names, if the history has it in one place."""
    found = named(history.all_entries(), package.name)
    places = {entry.receipt.project for entry in found}
    if len(places) != 1:
        return []
    package.project_id = places.pop()
    package.project = package.project_id or ""
    return found
