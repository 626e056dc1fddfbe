# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan that was made before says that imports would fail for."""

from __future__ import annotations

from collections.abc import Iterable

from ..support.text import printable
from .approval import refuse_as_stale
from .decision import Decision
from .document import PlanDocument
from .gaps import Gaps, Named


def gaps_of(plan: PlanDocument, decision: Decision) -> Gaps:
    """Return what a package would fail for, as a plan says.

    Args:
        plan: The plan.
        decision: What becomes of the package.
    """
    rows = [change.row for change in decision.plan.objects]
    objects = {row.id.upper(): Named(row.key, row.name or None) for row in rows}
    steps = [step for step in plan.steps if step.position == decision.position]
    missing = [item for step in steps for item in step.missing]
    return Gaps.of_result(missing, [item for step in steps for item in step.still_used], objects)


def refuse_new_gaps(plan: PlanDocument, decisions: Iterable[Decision]) -> None:
    """Fail where an import would fail for something for which it would not have when a plan was made.

    Args:
        plan: The plan.
        decisions: What is due, with what it would fail for now.

    Raises:
        InputError: It would; the message says for what.
    """
    reasons = []
    for decision in decisions:
        new = decision.plan.gaps.since(gaps_of(plan, decision)).sentences
        reasons += ["Package %s: %s now." % (printable(decision.package.name, 100), sentence) for sentence in new]
    refuse_as_stale(plan, reasons)
