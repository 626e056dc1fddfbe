# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan for people: one line an object that fits 120 columns, whatever the names hold."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import OBJECT_ID, OTHER_VERSION, VERSION, listed, row

from ansible_collections.mstr.migration.plugins.module_utils.history.queries import Record
from ansible_collections.mstr.migration.plugins.module_utils.plan.listing import ListedPlan
from ansible_collections.mstr.migration.plugins.module_utils.plan.package import CannotTell, PackagePlan, plan_row
from ansible_collections.mstr.migration.plugins.module_utils.plan.text import (
    counts,
    describe,
    describe_list,
    joined,
    title,
    why_left_alone,
)
from ansible_collections.mstr.migration.plugins.module_utils.rest.models import ACTIONS, DestinationObject
from ansible_collections.mstr.migration.plugins.module_utils.support.text import columns

OTHER = DestinationObject(OTHER_VERSION, "2021-03-04T03:53:08.000+0000", "/Public Objects/Reports")
SAME = DestinationObject(VERSION, "2021-03-04T03:53:09.000+0000")


# Of the versions above, the digits that a line shows.
NEW, OLD = VERSION[:7], OTHER_VERSION[:7]


def planned(*rows_and_found):
    return PackagePlan(tuple(plan_row(item, "replace", found) for item, found in rows_and_found))


@pytest.mark.parametrize(
    ("project", "expected"), [("Demo Project", "finance (project Demo Project)"), (None, "finance"), ("", "finance")]
)
def test_the_title_names_the_project_where_there_is_one(project, expected):
    assert title("finance", project) == expected


def test_the_counts_name_only_what_would_change():
    superseded = dataclasses.replace(plan_row(row(), "replace", OTHER), superseded_by="later")
    settled = dataclasses.replace(plan_row(row(), "replace", OTHER), settled=True)
    left_alone = PackagePlan((superseded, settled, plan_row(row(), "replace", SAME)))
    assert counts(left_alone) == "in sync"
    assert counts(planned((row(), None), (row(), OTHER), (row(), None), (row(), SAME))) == "2 to create, 1 to replace"
    assert counts(planned((row(), CannotTell("forbidden")))) == "1 unknown"


def lines_of(*rows_and_found):
    """Return the lines of the objects in a package's block."""
    _title, *lines, _counts = describe("finance", planned(*rows_and_found)).splitlines()
    return lines


def test_a_package_is_a_block_with_its_title_above_and_its_counts_below():
    assert describe("finance", PackagePlan(())) == "package finance\nin sync\n"
    assert describe("finance", PackagePlan(()), forced=True).endswith("in sync, but imported all the same (force)\n")
    text = describe(title("finance", "Demo Project"), planned((row(), None), (row(id="A" * 32), OTHER)))
    assert text.splitlines() == [
        "package finance (project Demo Project)",
        '+ report "Revenue"                                 none -> %s  create   %s' % (NEW, OBJECT_ID),
        '~ report "Revenue"  in /Public Objects/Reports  %s -> %s  replace  %s' % (OLD, NEW, "A" * 32),
        "1 to create, 1 to replace",
    ]


@pytest.mark.parametrize(
    ("age", "made"),
    [
        (None, "made now"),
        (0.0, "made now"),
        (12.7, "made 12 s ago"),
        (60, "made 1 min ago"),
        (3 * 3600 + 12 * 60, "made 3 h 12 min ago"),
        (25 * 3600, "made 1 day 1 h ago"),
        (9 * 86400, "made 9 days 0 h ago"),
        (-20, "made now"),
        (-300, "made by a clock that is 5 min ahead of this one"),
    ],
)
def test_a_list_begins_with_the_plan_and_its_age(age, made):
    text = describe_list("9f86d081884c", age, ["package base\nin sync\n", "package finance\nin sync\n"])
    assert text == "plan 9f86d081884c, %s\n\npackage base\nin sync\n\npackage finance\nin sync\n" % made


def test_blocks_are_joined_by_an_empty_line():
    assert joined(["", "one\n", "two\n"]) == "one\n\ntwo\n"


@pytest.mark.parametrize(
    ("action", "found", "sign", "parts", "below"),
    [
        ("replace", None, "+", ("none -> " + NEW, "create"), []),
        ("use_newer", None, "+", ("none -> " + NEW, "create"), []),
        ("replace", OTHER, "~", ("in /Public Objects/Reports  %s -> %s  replace  " % (OLD, NEW),), []),
        ("use_newer", OTHER, "~", ("%s -> %s  replace, newer  " % (OLD, NEW),), []),
        ("delete", SAME, "-", (NEW + " -> none", "delete"), []),
        ("keep_both", OTHER, "*", (OLD + " -> " + OLD, "duplicate"), ["a copy is made, and this one stays"]),
        ("replace", CannotTell("forbidden"), "?", ("unknown -> unknown",), ["cannot be compared: forbidden"]),
        ("replace", DestinationObject(None, None), "?", (" unknown",), ["cannot be compared: a version is missing"]),
        (
            "merge",
            OTHER,
            "?",
            (OLD + " -> unknown",),
            ["the package names an action for it that is not known here: merge"],
        ),
        (
            "use_older",
            DestinationObject(OTHER_VERSION, None),
            "?",
            (" unknown",),
            ["use_older: which one is newer cannot be told, because a date is missing"],
        ),
    ],
)
def test_a_line_shows_what_happens_to_which_object_and_below_it_why(action, found, sign, parts, below):
    line, *reasons = lines_of((row(action=action), found))
    assert line.startswith(sign + ' report "Revenue"')
    assert line.endswith("  " + OBJECT_ID)
    for part in parts:
        assert part in line
    assert reasons == ["    " + reason for reason in below]


def test_a_package_without_any_action_is_said_to_name_none():
    plan = PackagePlan((plan_row(row(action=None), "unspecified", OTHER),))
    assert "\n    the package names no action for it\n" in describe("finance", plan)


def test_what_else_decides_is_said_below_the_object_and_never_cut():
    name = "base " * 50
    note = "package %sof this list changes it before" % name
    plan = PackagePlan((dataclasses.replace(plan_row(row(), "replace", OTHER), note=note),))
    _title, _object, *reasons, _counts = describe("finance", plan).splitlines()
    assert len(reasons) > 1
    assert all(line.startswith("    ") and len(line) <= 120 for line in reasons)
    assert " ".join(line.strip() for line in reasons) == note


def test_versions_that_begin_alike_are_shown_by_the_digits_that_differ():
    before = VERSION[:20] + "0" * 12
    (line,) = lines_of((row(), DestinationObject(before, None)))
    assert "...0000 -> ...%s" % VERSION[20:24] in line


def test_long_names_and_folders_are_shortened_and_their_ends_that_tell_most_stay():
    deep = DestinationObject(OTHER_VERSION, None, "/Public Objects/Reports/Finance/Monthly close/2024/Comparisons")
    (line,) = lines_of((row(name="Sales"), deep))
    assert "  in /Public Objects/.../2024/Comparisons  " in line
    (line,) = lines_of((row(name="Revenue compared with the year before, by customer and month"), deep))
    assert line.startswith('~ report "Revenue compared with ')
    assert '..."  in .../Comparisons  ' in line
    (line,) = lines_of((row(name="Revenue"), DestinationObject(OTHER_VERSION, None, "/" + "x" * 200 + "end")))
    assert "xxx...xxx" in line
    assert "xxend  " in line
    assert len(line) == 120


def test_the_columns_of_a_block_stand_below_each_other_in_all_scripts():
    lines = lines_of((row(name="売上高"), OTHER), (row(name="Revenu\u0301", action="use_newer"), OTHER), (row(), None))
    assert len({columns(line[: line.index(" -> ")]) for line in lines}) == 1
    assert len({columns(line) for line in lines}) == 1


def test_what_does_not_count_gets_no_line():
    superseded = dataclasses.replace(plan_row(row(name="Margin"), "replace", OTHER), superseded_by="later")
    plan = PackagePlan((superseded, plan_row(row(), "replace", OTHER)))
    _title, line, total = describe("finance", plan).splitlines()
    assert total == "1 to replace, 1 that later packages of the list decide"
    assert "Revenue" in line


def test_a_package_that_is_held_is_named_with_its_entry_and_the_ways_out():
    package = listed(row(), name="finance\nforged", record=Record("/history/entry", held=True))
    text = why_left_alone(ListedPlan(package, PackagePlan(()), due=False))
    for part in ("Package finance forged", "/history/entry", "force: true", "state: undone", "new file"):
        assert part in text
    text = why_left_alone(ListedPlan(package, PackagePlan(()), due=False, doubtful=True))
    for part in ("Package finance forged", "may be there already", "/history/entry", "force: true", "new file"):
        assert part in text


ANYTHING = st.text(max_size=150)
FOUND = st.one_of(
    st.none(),
    st.builds(CannotTell, ANYTHING),
    st.builds(DestinationObject, st.none() | ANYTHING, st.none(), st.none() | ANYTHING.map(lambda text: "/" + text)),
)
ROWS = st.builds(
    row,
    id=st.just(OBJECT_ID) | ANYTHING,
    name=ANYTHING,
    type=st.integers(),
    version=st.none() | ANYTHING,
    action=st.sampled_from(ACTIONS) | ANYTHING,
)


@given(st.lists(st.tuples(ROWS, FOUND), min_size=1, max_size=4))
def test_no_line_passes_120_columns_whatever_a_server_says(rows_and_found):
    plan = planned(*rows_and_found)
    lines = lines_of(*rows_and_found)
    assert all(columns(line) <= 120 for line in lines)
    shown = [line for line in lines if not line.startswith("    ")]
    assert len(shown) == len(plan.changes)
    for line in shown:
        assert line[0] in "+~-*?"
        assert " -> " in line
    whole = [change for change in plan.changes if change.row.id == OBJECT_ID]
    assert sum(line.endswith("  " + OBJECT_ID) for line in shown) >= len(whole)


def test_the_description_has_one_line_an_object_whatever_the_names_hold():
    text = describe(
        "finance\nforged",
        planned(
            (row(id="A" * 32, name="Revenue\nreport forged"), DestinationObject(OTHER_VERSION, None, "/a\n+ b")),
            (row(id="B" * 32, name="\x1b[2J\u202eemoh", action="use_existing"), OTHER),
            (row(id="C" * 32, name="Margin\x1b[2J\u202e", action="delete"), OTHER),
            (row(id="D" * 32, action="merge\nreport"), OTHER),
            (row(id="E" * 32), CannotTell("no\nreason \x1b[2J")),
        ),
    )
    lines = text.splitlines()
    assert len(lines) == 8, "package, counts, a line for each object that would change, and two reasons"
    assert lines[0] == "package finance forged"
    assert any(line.startswith('~ report "Revenue report forged"  in /a + b ') for line in lines)
    assert any(line.startswith('- report "Margin') for line in lines)
    assert "\x1b" not in text
    assert "\u202e" not in text
