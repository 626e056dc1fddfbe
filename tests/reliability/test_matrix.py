# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every call of the workflows, and every fault: see cells.py for the cells and judge.py for what must hold."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from cells import ASKED_OF_EDITORS, COURSE, SIDE_BY_SIDE, Cell, all_cells
from judge import judge_of
from workflows import Bench, shape


@pytest.mark.parametrize("workflow", COURSE)
def test_the_calls_of_a_workflow_are_those_of_the_matrix(
    workflow: str, courses: dict[str, list[dict[str, Any]]]
) -> None:
    assert in_order([shape(entry) for entry in courses[workflow]]) == COURSE[workflow]


def in_order(shapes: list[str]) -> tuple[str, ...]:
    """Return calls with those that are sent side by side in one order."""
    found: list[str] = []
    for side_by_side, group in itertools.groupby(shapes, key=lambda name: name in (*SIDE_BY_SIDE, *ASKED_OF_EDITORS)):
        names = list(group)
        found += sorted(names) if side_by_side else names
    return tuple(found)


@pytest.mark.parametrize("cell", all_cells(), ids=lambda cell: cell.key)
def test_cell(
    cell: Cell, bench: Bench, courses: dict[str, list[dict[str, Any]]], record_property: pytest.RecordProperty
) -> None:
    course = courses[cell.workflow]
    bench.renew()
    if cell.is_large:
        bench.enlarge()
    bench.prepare(cell.workflow)
    bench.limit(cell)
    bench.break_call(cell, course)
    bench.run(cell.workflow)
    faults = bench.server.faults()
    bench.mend()
    state = bench.settle()
    judge = judge_of(cell, bench, course, state)
    verdict = judge.judge()
    # What is refused from the first call on is so without a fault.
    if any(not fault["hits"] for fault in faults):
        verdict.problems.append("the fault did not strike")
    # What the next run does follows from what this one has left.
    if not verdict.problems and bench.leaves_something_new(cell.workflow, state):
        bench.pass_time()
        bench.run(cell.workflow)
        judge.judge_again()
    record_property("cell", {"key": cell.key, **verdict.as_dict()})
    assert not verdict.problems, "\n".join(verdict.problems)
