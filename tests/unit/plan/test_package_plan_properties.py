# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan: what holds for every package and every destination."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from samples import FOLDER

from ansible_collections.mstr.migration.plugins.module_utils.plan import package as plan
from ansible_collections.mstr.migration.plugins.module_utils.rest import models
from ansible_collections.mstr.migration.plugins.module_utils.rest.models import DestinationObject, Row

versions = st.sampled_from(["%032X" % number for number in range(3)])
moments = st.sampled_from(["2021-03-04T03:53:0%d.000+0000" % second for second in range(3)])
dates = st.one_of(moments, st.none())
objects = st.builds(DestinationObject, versions, dates)


@st.composite
def packages(draw, types=(3, FOLDER, 12), actions=models.ACTIONS):
    """Draw the rows of a package, and what the destination has for each of them."""
    rows = st.builds(
        Row,
        id=st.integers(0, 12).map("{:032X}".format),
        name=st.just("name"),
        type=st.sampled_from(types),
        version=versions,
        date_modified=dates,
        action=st.sampled_from(actions),
        level=st.just(models.PROJECT_OBJECT),
    )
    content = draw(st.lists(rows, max_size=8, unique_by=lambda item: item.key))
    return content, {item.key: draw(st.one_of(st.none(), objects)) for item in content}


def planned(content, destination):
    return plan.PackagePlan(tuple(plan.plan_row(item, "replace", destination[item.key]) for item in content))


def imported(content, destination):
    """Return the destination as it is after an import that does what the plan predicts."""
    after = dict(destination)
    for change in planned(content, destination).changes:
        if change.effect in ("create", "replace"):
            after[change.row.key] = DestinationObject(change.row.version, change.row.date_modified)
        elif change.effect == "delete":
            after[change.row.key] = None
    return after


@given(packages())
def test_every_object_has_an_effect_and_planning_again_says_the_same(package):
    content, destination = package
    first = planned(content, destination)
    assert first == planned(content, destination)
    assert [change.row for change in first.objects] == content
    assert sum(first.summary.values()) == len(content)


@given(packages(actions=("replace", "force_replace", "delete", None)))
def test_what_was_imported_is_in_sync(package):
    content, destination = package
    after = imported(content, destination)
    assert planned(content, after).in_sync
    assert imported(content, after) == after


@given(packages())
def test_after_an_import_only_what_cannot_settle_is_left(package):
    content, destination = package
    left = planned(content, imported(content, destination)).changes
    assert {change.effect for change in left} <= {"duplicate", "unknown"}


@given(packages(types=(FOLDER,), actions=[action for action in models.ACTIONS if action != "delete"]))
def test_no_folder_that_exists_ever_causes_an_import(package):
    content, destination = package
    for change in planned(content, destination).objects:
        assert change.effect == ("create" if destination[change.row.key] is None else "none")
