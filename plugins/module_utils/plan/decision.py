# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of one package of a list: as a task returns it, as a plan's file has it, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..history.receipt import IMPORTED, UNDONE
from ..package.declared import Declared
from ..rest.models import DestinationObject
from . import text as plan_text
from .document import HELD, IMPORT, LEAVE, TAKE_BACK, PlannedPackage, Step, as_named
from .gaps import Gaps
from .listing import ListedPlan, ObjectKey, in_found
from .package import Found, PackagePlan
from .undo import ToUndo, change_of_undo


@dataclass(frozen=True)
class Decision:
    """What becomes of a package.

    Attributes:
        position: Its place in the list, from 1.
        package: The package.
        plan: What importing it, or taking it back, would change.
        do: What is done about it, one of ``document.STEPS``.
        reason: Why, for people.
        state: imported, undone or held.
        in_sync: Whether the environment is as the list declares it, as far as this package goes.
        planned: The plan of its import; None where it is to be undone.
        undoing: What there is to take back of it.
    """

    position: int
    package: Declared
    plan: PackagePlan
    do: str
    reason: str
    state: str
    in_sync: bool
    planned: ListedPlan | None = None
    undoing: ToUndo = field(default_factory=ToUndo)

    @property
    def due(self) -> bool:
        """Whether it has to be imported, or taken back, in this run."""
        return self.do in (IMPORT, TAKE_BACK)

    def told(self, planned: ListedPlan) -> Decision:
        """Return the decision with a plan of its import that says more."""
        return replace(self, planned=planned, plan=planned.plan)

    def with_gaps(self, gaps: Gaps) -> Decision:
        """Return the decision with what its import would fail for."""
        plan = replace(self.plan, gaps=gaps)
        planned = self.planned
        return replace(self, plan=plan, planned=None if planned is None else replace(planned, plan=plan))

    @property
    def entry(self) -> str | None:
        """The directory name of the newest import of a package that is to be undone, None for none."""
        return self.undoing.newest.name if self.undoing.newest else None

    def row(self) -> dict[str, Any]:
        """Return it as a task returns it."""
        return {
            "position": self.position,
            "name": self.package.name,
            "project": self.package.project,
            "state": self.state,
            **self.plan.as_result(),
            "in_sync": self.in_sync,
            "due": self.due,
            "entry": self.entry,
        }

    def step(self, found: Mapping[ObjectKey, Found]) -> Step:
        """Return what is done about it, as a plan's file has it.

        Args:
            found: What is there now, before any step.
        """
        result, place = self.plan.as_result(), self.package.project_id or ""
        changes = []
        for change in result["changes"]:
            key = in_found(found, (place, change["id"].upper(), change["type"]))
            now = found.get(key)
            version = now.version if isinstance(now, DestinationObject) else None
            changes.append({**change, "version_now": version if key in found else change["version_before"]})
        # Servers and manifests have the content of a package in another order.
        changes.sort(key=lambda change: (change["type_name"], change["name"], change["id"]))
        return Step(
            do=self.do,
            position=self.position,
            name=self.package.name,
            reason=self.reason,
            entries=[entry.name for entry in self.undoing.parts] if self.do == TAKE_BACK else [],
            summary=result["summary"],
            changes=changes,
            missing=result["missing"],
            still_used=result["still_used"],
        )

    def as_planned(self) -> PlannedPackage:
        """Return the package as a plan's file has it."""
        package, content = self.package, self.planned.package.content if self.planned is not None else None
        return PlannedPackage(
            position=self.position,
            name=package.name,
            project=package.given_project,
            project_id=package.project_id,
            state=package.option["state"],
            file=as_named(package.given),
            sha256=content.sha256 if content else None,
            size=content.size if content else None,
            content=content.digest if content else None,
            type=content.type if content else None,
            settings=dict(sorted(content.settings.items())) if content else {},
            force=package.option["force"],
            generate_undo=package.option["generate_undo"],
        )

    def described(self) -> str:
        """Return it for people: the package, and each object that would change."""
        name, forced = self.package.name, False
        if self.planned is None:
            name = "%s (taken back)" % name
        else:
            forced = self.planned.package.force
        return plan_text.describe(plan_text.title(name, self.package.project), self.plan, forced)


def to_import(position: int, package: Declared, planned: ListedPlan) -> Decision:
    """Return what becomes of a package that the environment is to have.

    Args:
        position: Its place in the list, from 1.
        package: The package.
        planned: The plan of its import.
    """
    plan = planned.plan
    if planned.due:
        do, reason = IMPORT, plan_text.counts(plan) + (", forced" if planned.package.force else "")
    elif planned.is_left_alone:
        do, reason = HELD, "it may be there already" if planned.doubtful else "it was taken back, and stays so"
    elif planned.in_sync:
        do, reason = LEAVE, "in sync"
    else:
        do, reason = LEAVE, "not for this run: %s" % plan_text.counts(plan)
    state = HELD if planned.is_left_alone else IMPORTED
    return Decision(position, package, plan, do, reason, state, planned.in_sync, planned)


def to_take_back(position: int, package: Declared, undoing: ToUndo, chosen: bool) -> Decision:
    """Return what becomes of a package that the environment is not to have.

    Args:
        position: Its place in the list, from 1.
        package: The package.
        undoing: What there is to take back of it.
        chosen: Whether the run may act on it.
    """
    plan = PackagePlan(tuple(change_of_undo(undoing.parts)))
    if undoing.parts and chosen:
        do, reason = TAKE_BACK, "declared as undone: %s" % plan_text.counts(plan)
    else:
        do, reason = LEAVE, "not for this run" if undoing.parts else "nothing of it is there to take back"
    in_sync = not undoing.parts and not undoing.older
    return Decision(position, package, plan, do, reason, UNDONE, in_sync, undoing=undoing)
