# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan for people: one line an object, whatever the names hold."""

from __future__ import annotations

import dataclasses

import pytest
from samples import OTHER_VERSION, VERSION, listed, row

from ansible_collections.mstr.migration.plugins.module_utils.history.queries import Record
from ansible_collections.mstr.migration.plugins.module_utils.plan.listing import ListedPlan
from ansible_collections.mstr.migration.plugins.module_utils.plan.package import CannotTell, PackagePlan, plan_row
from ansible_collections.mstr.migration.plugins.module_utils.plan.text import counts, describe, title, why_left_alone
from ansible_collections.mstr.migration.plugins.module_utils.rest.models import DestinationObject

OTHER = DestinationObject(OTHER_VERSION, "2021-03-04T03:53:08.000+0000")
SAME = DestinationObject(VERSION, "2021-03-04T03:53:09.000+0000")


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


def test_an_empty_package_is_in_sync():
    assert describe("finance", PackagePlan(())) == "package finance: in sync\n"


@pytest.mark.parametrize(
    ("action", "found", "parts"),
    [
        ("replace", None, ("+ create", "none -> " + VERSION, "(replace, not there yet)")),
        ("replace", OTHER, ("~ replace", OTHER_VERSION + " -> " + VERSION, "(replace, exists in another version)")),
        ("delete", SAME, ("- delete", VERSION + " -> none", "(delete, exists in this version)")),
        ("keep_both", OTHER, ("* duplicate", OTHER_VERSION + " -> " + OTHER_VERSION, "(keep_both, exists")),
        ("replace", CannotTell("forbidden"), ("? unknown", "unknown -> unknown", "cannot be compared, forbidden)")),
    ],
    ids=["create", "replace", "delete", "duplicate", "unknown"],
)
def test_a_line_shows_what_happens_to_which_object_and_why(action, found, parts):
    (_title, line) = describe("finance", planned((row(action=action), found))).splitlines()
    for part in (*parts, 'report "Revenue" ' + row().id):
        assert part in line


def test_what_does_not_count_gets_no_line():
    superseded = dataclasses.replace(plan_row(row(name="Margin"), "replace", OTHER), superseded_by="later")
    head, line = describe("finance", PackagePlan((superseded, plan_row(row(), "replace", OTHER)))).splitlines()
    assert head.startswith("package finance: 1 to replace, 1 that later packages")
    assert "Revenue" in line


def test_a_package_that_is_held_is_named_with_its_entry_and_the_ways_out():
    package = listed(row(), name="finance\nforged", record=Record("/history/entry", held=True))
    text = why_left_alone(ListedPlan(package, PackagePlan(()), due=False))
    for part in ("Package finance forged", "/history/entry", "force: true", "state: undone", "new file"):
        assert part in text
    text = why_left_alone(ListedPlan(package, PackagePlan(()), due=False, doubtful=True))
    for part in ("Package finance forged", "may be there already", "/history/entry", "force: true", "new file"):
        assert part in text


def test_the_description_has_one_line_an_object_whatever_the_names_hold():
    text = describe(
        "finance\nforged",
        planned(
            (row(id="A" * 32, name="Revenue\nreport forged"), OTHER),
            (row(id="B" * 32, name="\x1b[2J\u202eemoh", action="use_existing"), OTHER),
            (row(id="C" * 32, name="Margin", action="delete"), OTHER),
            (row(id="D" * 32, action="merge\nreport"), OTHER),
            (row(id="E" * 32), CannotTell("no\nreason \x1b[2J")),
        ),
    )
    lines = text.splitlines()
    assert len(lines) == 5, "a line for the package, and one for each object that would change"
    assert lines[0].startswith("package finance forged: ")
    assert "Revenue report forged" in lines[1]
    assert "Margin" in lines[2]
    assert "\x1b" not in text
    assert "\u202e" not in text
