# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far an approved plan was carried out, as the receipts of the history say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..history.entry import Entry
from ..history.queries import was_started_after_undoing
from ..history.receipt import IMPORTED, UNDONE
from ..rest.models import Key
from .document import IMPORT, TAKE_BACK, PlanDocument, PlannedPackage
from .listing import ObjectKey


@dataclass
class CarriedOut:
    """How far a plan was carried out so far.

    Attributes:
        done: The places in the list, from 1, of packages whose import a receipt of this plan shows.
        left: What its steps left, by object, as receipts and look-ups say.
        begun: The places of packages of which an import was begun.
        taken_back: The places of packages that were taken back since the plan was made, and not imported after that.
    """

    done: set[int] = field(default_factory=set)
    left: dict[ObjectKey, list[str | None]] = field(default_factory=dict)
    begun: set[int] = field(default_factory=set)
    taken_back: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, plan: PlanDocument, entries: Mapping[str | None, Sequence[Entry]]) -> CarriedOut:
        """Return how far receipts say that a plan was carried out.

        Args:
            plan: The plan.
            entries: The entries of the history, oldest first, by project.

        Raises:
            DiskError: A receipt cannot be read.
        """
        carried_out = cls()
        packages = {package.position: package for package in plan.packages}
        for step in plan.steps:
            package = packages[step.position]
            for entry in entries.get(package.project_id, ()):
                # In this order: a receipt is only read where the entry's name has the file's checksum.
                if step.do == IMPORT and _is_since(entry, plan, package) and entry.receipt.plan_id == plan.plan_id:
                    carried_out._add(package, entry)
                elif step.do == TAKE_BACK and entry.name in step.entries:
                    carried_out.leave(package.project_id, entry.receipt.after_undoing)
            if step.do == IMPORT and _taken_back_since(entries.get(package.project_id, ()), plan, package):
                carried_out.taken_back.add(package.position)
        return carried_out

    def leave(self, project_id: str | None, versions: Mapping[Key, str | None]) -> None:
        """Note what a step left.

        Args:
            project_id: Its project, None at the configuration level.
            versions: The versions of its objects, None for what is not there.
        """
        for key, version in versions.items():
            self.left.setdefault((project_id or "", *key), []).append(version)

    def _add(self, package: PlannedPackage, entry: Entry) -> None:
        receipt = entry.receipt
        if receipt.state == UNDONE:
            # As before the plan. What the taking back left counts as well.
            self.done.discard(package.position)
            self.leave(package.project_id, receipt.after_undoing)
            return
        self.begun.add(package.position)
        if receipt.state == IMPORTED:
            self.done.add(package.position)
        self.leave(package.project_id, receipt.after)


def _is_of_file(entry: Entry, package: PlannedPackage) -> bool:
    """Return whether an import is one of the package's file."""
    if package.sha256 is None or entry.sha256_part != package.sha256[:12]:
        return False
    return (entry.receipt.name, entry.receipt.sha256) == (package.name, package.sha256)


def _taken_back_since(entries: Sequence[Entry], plan: PlanDocument, package: PlannedPackage) -> bool:
    """Return whether an import of the package's file was taken back since the plan was made, and none came after it."""
    own = [entry for entry in entries if _is_of_file(entry, package)]
    return any(
        undone.receipt.state == UNDONE
        # What a failed run takes back itself is to be tried again.
        and undone.receipt.held is not False
        and (_is_since(undone, plan, package) or (undone.receipt.undone_at or "") >= plan.made)
        and not any(entry.receipt.state == IMPORTED and was_started_after_undoing(entry, undone) for entry in own)
        for undone in own
    )


def _is_since(entry: Entry, plan: PlanDocument, package: PlannedPackage) -> bool:
    """Return whether an import is one of the package's file, begun after the plan was made."""
    if not _is_of_file(entry, package):
        return False
    receipt, newest = entry.receipt, plan.newest.get(package.project_id or "")
    # The order of entries does not depend on clocks. A machine without the history has only its clock.
    return entry.name > newest if newest is not None else (receipt.started or "") >= plan.made
