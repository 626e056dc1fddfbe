# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan: what holds for every package and every destination."""

from __future__ import annotations

from ansible_collections.mstr.migration.plugins.module_utils import models, plan
from ansible_collections.mstr.migration.plugins.module_utils.models import DestinationObject, Row
from hypothesis import given
from hypothesis import strategies as st
from samples import FOLDER

versions = st.sampled_from(["%032X" % number for number in range(4)])
# What servers write, and what they should not.
dates = st.one_of(
    st.none(),
    st.datetimes().map(lambda moment: moment.isoformat(timespec="milliseconds") + "+0000"),
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()),
    st.dates().map(str),
    st.from_regex(r"\A\d{4}-\d\d-\d\d[T ]?\d\d:?\d\d:?\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?\Z"),
    st.text(max_size=30),
)


def rows(types=st.sampled_from([3, FOLDER, 12]), actions=st.sampled_from(models.ACTIONS)):
    one = st.builds(
        Row,
        id=st.integers(0, 12).map("{:032X}".format),
        name=st.text(max_size=8),
        type=types,
        version=versions,
        date_modified=dates,
        action=actions,
        level=st.just(models.PROJECT_OBJECT),
    )
    return st.lists(one, max_size=8, unique_by=lambda item: item.key)


destinations = st.fixed_dictionaries(
    {
        ("%032X" % number, kind): st.one_of(st.none(), st.builds(DestinationObject, versions, dates))
        for number in range(13)
        for kind in (3, FOLDER, 12)
    }
)


def planned(content, destination):
    return plan.plan_package(content, {"defaultAction": "replace"}, lambda row: destination[row.key], models.PROJECT)


def imported(content, destination):
    """Return the destination as it is after an import that does what the plan predicts."""
    after = dict(destination)
    for change in planned(content, destination).changes:
        if change.effect in ("create", "replace"):
            after[change.row.key] = DestinationObject(change.row.version, change.row.date_modified)
        elif change.effect == "delete":
            after[change.row.key] = None
    return after


@given(rows(), destinations)
def test_every_object_has_an_effect_and_planning_again_says_the_same(content, destination):
    first = planned(content, destination)
    assert first == planned(content, destination)
    assert [change.row for change in first.objects] == content
    assert sum(first.summary.values()) == len(content)


@given(rows(actions=st.sampled_from(["replace", "force_replace", "delete", None])), destinations)
def test_what_was_imported_is_in_sync(content, destination):
    after = imported(content, destination)
    assert planned(content, after).in_sync
    assert imported(content, after) == after


@given(rows(), destinations)
def test_after_an_import_only_what_cannot_settle_is_left(content, destination):
    left = planned(content, imported(content, destination)).changes
    assert {change.effect for change in left} <= {"duplicate", "unknown"}


@given(
    rows(types=st.just(FOLDER), actions=st.sampled_from([action for action in models.ACTIONS if action != "delete"])),
    destinations,
)
def test_no_folder_that_exists_ever_causes_an_import(content, destination):
    for change in planned(content, destination).objects:
        assert (change.effect == "create") is (destination[change.row.key] is None)
        assert change.effect in ("create", "none")
