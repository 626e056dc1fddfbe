# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of a package, in one line."""

from __future__ import annotations

import pytest

from ansible_collections.mstr.migration.plugins.module_utils.imports.report import Report
from ansible_collections.mstr.migration.plugins.module_utils.imports.words import outcome_line

UNDO = {"path": "/history/undo.mmp", "sha256": "0" * 64, "size": 1}
NOTHING = dict.fromkeys(("create", "replace", "delete", "duplicate", "unknown", "none", "superseded", "settled"), 0)
SOME = {**NOTHING, "create": 2, "replace": 1, "none": 7, "superseded": 1, "settled": 1}


def outcome(**fields):
    values = {
        "position": 1,
        "name": "finance",
        "project": "Demo Project",
        "state": "imported",
        "in_sync": False,
        "due": True,
        "changed": False,
        "failed": False,
        "msg": None,
        "summary": SOME,
        "undo": None,
        "receipt": None,
    }
    return {**values, **fields}


IMPORTED = outcome(changed=True, undo=UNDO)
TAKEN_BACK = outcome(state="undone", changed=True, summary={**NOTHING, "replace": 3})


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (IMPORTED, "imported, 2 created, 1 replaced; undo kept"),
        ({**IMPORTED, "undo": None}, "imported, 2 created, 1 replaced; no undo package"),
        ({**IMPORTED, "summary": NOTHING}, "imported; undo kept"),
        (
            {**IMPORTED, "summary": {**NOTHING, "delete": 1, "duplicate": 2, "unknown": 3}},
            "imported, 1 deleted, 2 duplicated, 3 unknown; undo kept",
        ),
        (outcome(in_sync=True, due=False, summary={**NOTHING, "none": 8}), "in sync"),
        (outcome(state="held", due=False), "held (it was taken back)"),
        (TAKEN_BACK, "taken back, 3 replaced"),
        (outcome(state="undone", in_sync=True, due=False, summary=NOTHING), "nothing to take back"),
        (outcome(state="undone", due=False, summary=NOTHING), "nothing to take back"),
        (outcome(state="undone", due=False), "not for this run, 2 to create, 1 to replace"),
        (outcome(failed=True), "failed"),
        ({**IMPORTED, "failed": True}, "failed, after it changed objects; undo kept"),
        ({**IMPORTED, "failed": True, "undo": None}, "failed, after it changed objects; no undo package"),
        ({**TAKEN_BACK, "failed": True}, "failed, after it changed objects"),
        (outcome(), "not reached"),
        (outcome(state="undone"), "not reached"),
        (outcome(due=False), "not for this run, 2 to create, 1 to replace"),
    ],
)
def test_a_line_says_what_became_of_a_package(row, words):
    assert outcome_line(row) == "finance: " + words


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (outcome(changed=True), "would be imported, 2 to create, 1 to replace"),
        (outcome(summary=NOTHING), "would be imported"),
        (TAKEN_BACK, "would be taken back, 3 to replace"),
        (outcome(in_sync=True, due=False), "in sync"),
        (outcome(state="held", due=False), "held (it was taken back)"),
        (outcome(failed=True), "failed"),
    ],
)
def test_in_check_mode_a_line_says_what_would_become_of_it(row, words):
    assert outcome_line(row, check_mode=True) == "finance: " + words


def test_a_row_of_a_plan_is_enough():
    row = {key: IMPORTED[key] for key in ("name", "project", "state", "in_sync", "due", "summary")}
    assert outcome_line(row, check_mode=True) == "finance: would be imported, 2 to create, 1 to replace"
    assert outcome_line({**row, "due": False, "in_sync": True}) == "finance: in sync"


def test_a_package_that_is_held_for_another_reason_is_said_to_be():
    line = outcome_line(outcome(state="held", due=False), held_because="it may be there already")
    assert line == "finance: held (it may be there already)"


class Decided:
    """A decision of which only these are asked."""

    reason = "it may be there already"

    def __init__(self, row):
        self.row = lambda: row


def reported(*rows):
    decisions = [Decided({**row, "position": position, "changed": False}) for position, row in enumerate(rows, 1)]
    report = Report(decisions, None, "9f86d081884c")
    for position, row in enumerate(rows, 1):
        report.packages[position - 1].update(row, position=position)
    return report


def test_the_project_is_named_where_the_list_has_several():
    users = outcome(name="users", project="")
    assert reported(IMPORTED, outcome(name="sales")).text() == (
        "finance: imported, 2 created, 1 replaced; undo kept\nsales: not reached"
    )
    assert reported(IMPORTED, users).text(check_mode=True) == (
        "finance (project Demo Project): would be imported, 2 to create, 1 to replace\n"
        "users: would be imported, 2 to create, 1 to replace"
    )


def test_what_names_hold_makes_no_second_line():
    line = outcome_line(outcome(name="fin\nance\x1b[2J", project="Demo\nProject"), names_project=True)
    assert line == r"fin ance\x1b[2J (project Demo Project): not reached"
