# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan: what importing a package would do to each object, cell by cell of the documented table."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools

import pytest
from samples import FOLDER, OTHER_VERSION, REPORT, USER, VERSION, row

from ansible_collections.mstr.migration.plugins.module_utils.errors import InputError
from ansible_collections.mstr.migration.plugins.module_utils.package.content import Content
from ansible_collections.mstr.migration.plugins.module_utils.plan import package as plan
from ansible_collections.mstr.migration.plugins.module_utils.rest.models import DestinationObject

BEFORE = "2021-03-04T03:53:08.000+0000"
SAME_TIME = "2021-03-04T03:53:09.000+0000"
AFTER = "2021-03-04T03:53:10.000+0000"

DESTINATIONS = {
    "does_not_exist": None,
    "exists_identically": DestinationObject(VERSION, SAME_TIME),
    "differs, older": DestinationObject(OTHER_VERSION, BEFORE),
    "differs, as old": DestinationObject(OTHER_VERSION, SAME_TIME),
    "differs, newer": DestinationObject(OTHER_VERSION, AFTER),
}

# A column for each of DESTINATIONS, in their order.
TABLE = {
    "use_existing": ("create", "none", "none", "none", "none"),
    "replace": ("create", "none", "replace", "replace", "replace"),
    "force_replace": ("create", "none", "replace", "replace", "replace"),
    "keep_both": ("create", "none", "duplicate", "duplicate", "duplicate"),
    "use_newer": ("create", "none", "replace", "none", "none"),
    "use_older": ("create", "none", "none", "replace", "replace"),
    "delete": ("none", "delete", "delete", "delete", "delete"),
}
CELLS = [
    pytest.param(action, column, effect, id="%s, %s" % (action, column))
    for action, effects in TABLE.items()
    for column, effect in zip(DESTINATIONS, effects)
]
EXISTING = [name for name in DESTINATIONS if name != "does_not_exist"]


def planned(rows, destination, default_action="replace", comparable=True):
    action = plan.default_action({"defaultAction": default_action})
    return plan.PackagePlan(tuple(plan.plan_row(item, action, destination, comparable) for item in rows))


def effect_of(one_row, destination, **kwargs):
    (change,) = planned([one_row], destination, **kwargs).objects
    return change.effect


@pytest.mark.parametrize(("action", "column", "effect"), CELLS)
def test_effect_of_each_action_on_each_destination(action, column, effect):
    result = planned([row(action=action)], DESTINATIONS[column])
    (change,) = result.objects
    assert change.effect == effect
    assert change.conflict == ("exists_differently" if column.startswith("differs") else column)
    assert result.in_sync is (effect == "none")
    assert result.summary == dict(result.summary, **{effect: 1})
    assert sum(result.summary.values()) == 1


@pytest.mark.parametrize(("action", "column", "effect"), CELLS)
def test_a_row_without_an_action_follows_the_default_action(action, column, effect):
    assert effect_of(row(action=None), DESTINATIONS[column], default_action=action) == effect
    assert effect_of(row(action=None), DESTINATIONS[column], default_action=action.upper()) == effect


@pytest.mark.parametrize("column", DESTINATIONS)
def test_a_rows_own_action_beats_the_default_action(column):
    kept = effect_of(row(action="use_existing"), DESTINATIONS[column], default_action="delete")
    assert kept == ("create" if column == "does_not_exist" else "none")


@pytest.mark.parametrize("column", EXISTING)
@pytest.mark.parametrize("action", TABLE)
def test_a_folder_that_exists_is_only_ever_deleted(action, column):
    expected = "delete" if action == "delete" else "none"
    assert effect_of(row(type=FOLDER, action=action), DESTINATIONS[column]) == expected


@pytest.mark.parametrize("action", TABLE)
def test_a_folder_that_is_missing_is_created_like_any_object(action):
    assert effect_of(row(type=FOLDER, action=action), None) == ("none" if action == "delete" else "create")


@pytest.mark.parametrize("column", [name for name in EXISTING if name != "exists_identically"])
@pytest.mark.parametrize("settings", [{}, {"defaultAction": None}, {"defaultAction": "merge"}, {"defaultAction": 7}])
def test_an_action_that_nobody_documented_is_not_called_in_sync(settings, column):
    change = plan.plan_row(row(action=None), plan.default_action(settings), DESTINATIONS[column])
    assert change.effect == "unknown"
    assert change.counts


@pytest.mark.parametrize("destination", DESTINATIONS.values(), ids=str)
def test_an_action_word_that_nobody_documented_is_not_called_in_sync(destination):
    assert not planned([row(action="merge")], destination).in_sync


@pytest.mark.parametrize("action", TABLE)
@pytest.mark.parametrize("destination", DESTINATIONS.values(), ids=str)
def test_project_security_is_never_compared_by_version(action, destination):
    (change,) = planned([row(type=USER, action=action)], destination, comparable=False).objects
    assert (change.conflict, change.effect) == ("not_compared", "unknown")
    assert (change.version_before, change.version_after) == (None, None)
    assert change.note == "links are not compared"


@pytest.mark.parametrize("action", TABLE)
def test_an_object_that_may_not_be_looked_up_is_unknown_and_counts(action):
    result = planned([row(action=action)], plan.CannotTell("forbidden"))
    assert [(change.effect, change.note) for change in result.changes] == [("unknown", "forbidden")]
    assert result.summary["unknown"] == 1


@pytest.mark.parametrize(("ours", "theirs"), [(None, VERSION), (VERSION, None), (None, None)])
def test_versions_that_are_missing_are_not_taken_for_the_same(ours, theirs):
    assert not planned([row(version=ours)], DestinationObject(theirs, SAME_TIME)).in_sync


@pytest.mark.parametrize(
    ("action", "effect"), [("replace", "replace"), ("keep_both", "duplicate"), ("delete", "delete")]
)
def test_a_version_that_the_server_will_make_equals_none_and_is_not_shown(action, effect):
    (change,) = planned([row(action=action)], DestinationObject(plan.FRESH, None)).objects
    assert (change.effect, change.version_before) == (effect, None)


def test_ids_of_versions_are_compared_without_case():
    assert planned([row(version=VERSION.lower())], DESTINATIONS["exists_identically"]).in_sync


ONE_MOMENT = (
    "2021-03-04T03:53:09.000+0000",
    "2021-03-04T03:53:09.000+00:00",
    "2021-03-04T03:53:09.000Z",
    "2021-03-04T03:53:09Z",
    "2021-03-04T03:53:09+0000",
    "2021-03-04T03:53:09.000000Z",
    "2021-03-04T03:53:09.000000000Z",
    "2021-03-04T03:53:09",
    "2021-03-04T09:23:09.000+0530",
    "2021-03-03T22:53:09.000-0500",
)


@pytest.mark.parametrize(("ours", "theirs"), [*itertools.product(ONE_MOMENT, (ONE_MOMENT[0], ONE_MOMENT[-1]))])
def test_one_moment_in_two_spellings_is_neither_newer_nor_older(ours, theirs):
    found = DestinationObject(OTHER_VERSION, theirs)
    assert effect_of(row(action="use_newer", date_modified=ours), found) == "none"
    assert effect_of(row(action="use_older", date_modified=ours), found) == "replace"


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("2021-03-04T03:53:09.001+0000", "2021-03-04T03:53:09.000+0000"),
        ("2021-03-04T03:53:09.000+0000", "2021-03-04T04:53:09.000+0200"),
        ("2021-03-03T23:00:00.000-0500", "2021-03-04T03:59:59.999Z"),
        ("2021-03-04T03:53:10Z", "2021-03-04T03:53:09.999+0000"),
    ],
)
def test_newer_and_older_are_judged_by_the_moment_not_by_the_text(newer, older):
    for action, ours, theirs, effect in (
        ("use_newer", newer, older, "replace"),
        ("use_newer", older, newer, "none"),
        ("use_older", newer, older, "none"),
        ("use_older", older, newer, "replace"),
    ):
        found = DestinationObject(OTHER_VERSION, theirs)
        assert effect_of(row(action=action, date_modified=ours), found) == effect


@pytest.mark.parametrize("action", ["use_newer", "use_older"])
@pytest.mark.parametrize(
    ("ours", "theirs"), [(None, AFTER), (AFTER, None), ("yesterday", AFTER), (AFTER, "04.03.2021")]
)
def test_dates_that_cannot_be_read_are_no_reason_to_call_it_in_sync(action, ours, theirs):
    found = DestinationObject(OTHER_VERSION, theirs)
    assert effect_of(row(action=action, date_modified=ours), found) == "unknown"


@pytest.mark.parametrize(
    ("action", "destination", "before", "after"),
    [
        ("replace", None, None, VERSION),
        ("replace", DESTINATIONS["differs, older"], OTHER_VERSION, VERSION),
        ("delete", DESTINATIONS["differs, older"], OTHER_VERSION, None),
        ("keep_both", DESTINATIONS["differs, older"], OTHER_VERSION, OTHER_VERSION),
    ],
)
def test_a_change_shows_its_versions_and_names(action, destination, before, after):
    (shown,) = planned([row(action=action)], destination).as_result()["changes"]
    assert (shown["version_before"], shown["version_after"]) == (before, after)
    assert (shown["name"], shown["type"], shown["type_name"], shown["action"]) == ("Revenue", 3, "report", action)


@pytest.mark.parametrize(
    ("mark", "counted_as"),
    [
        ({}, "replace"),
        ({"superseded_by": "later"}, "superseded"),
        ({"settled": True}, "settled"),
        ({"superseded_by": "later", "settled": True}, "superseded"),
    ],
)
def test_what_is_superseded_or_settled_does_not_count(mark, counted_as):
    change = dataclasses.replace(plan.plan_row(row(), "replace", DESTINATIONS["differs, older"]), **mark)
    result = plan.PackagePlan((change,))
    assert result.in_sync is bool(mark)
    assert result.as_result()["changes"] == ([] if mark else [change.as_result()])
    assert {word: count for word, count in result.summary.items() if count} == {counted_as: 1}


def test_what_has_no_effect_is_counted_as_that_whatever_else_is_known():
    change = dataclasses.replace(plan.plan_row(row(), "replace", DESTINATIONS["exists_identically"]), settled=True)
    assert plan.PackagePlan((change,)).summary["none"] == 1


@pytest.mark.parametrize(
    ("actions", "default_action", "expected"),
    [
        (["replace"], "replace", False),
        (["replace", "keep_both"], "replace", True),
        (["replace"], "keep_both", True),
        (["replace"], "KEEP_BOTH", True),
        ([], "keep_both", True),
    ],
)
def test_keep_both_anywhere_is_found_whatever_its_effect(actions, default_action, expected):
    rows = [row(id="%032X" % number, action=action) for number, action in enumerate(actions)]
    content = Content("0" * 64, 4, "project", {"defaultAction": default_action}, tuple(rows))
    refused = pytest.raises(InputError, match=r"^generate_undo: .*generate_undo: false")
    with refused if expected else contextlib.nullcontext():
        plan.refuse_keep_both(content, generate_undo=True)
    plan.refuse_keep_both(content, generate_undo=False)


SERVERS_OWN = DestinationObject("F" * 32, AFTER)


@pytest.mark.parametrize(
    ("action", "before", "after", "left"),
    [
        pytest.param("replace", None, DESTINATIONS["exists_identically"], False, id="created"),
        pytest.param("replace", None, SERVERS_OWN, False, id="created with a version of the server's own"),
        pytest.param("replace", None, None, True, id="not created"),
        pytest.param(
            "replace", DESTINATIONS["differs, older"], DESTINATIONS["exists_identically"], False, id="replaced"
        ),
        pytest.param("replace", DESTINATIONS["differs, older"], SERVERS_OWN, False, id="got another new version"),
        pytest.param("replace", DESTINATIONS["differs, older"], DESTINATIONS["differs, older"], True, id="as it was"),
        pytest.param("replace", DESTINATIONS["differs, older"], None, True, id="gone instead of replaced"),
        pytest.param("delete", DESTINATIONS["differs, older"], None, False, id="deleted"),
        pytest.param("delete", DESTINATIONS["differs, older"], DESTINATIONS["differs, older"], True, id="still there"),
        pytest.param(
            "use_existing", DESTINATIONS["differs, older"], DESTINATIONS["differs, older"], False, id="not due"
        ),
    ],
)
def test_objects_without_what_was_predicted_are_unresolved(action, before, after, left):
    rows = [row(action=action)]
    predicted = plan.changes_from_result(planned(rows, before).as_result())
    assert bool(plan.unresolved(predicted, planned(rows, after))) is left


@pytest.mark.parametrize(
    ("kind", "before", "after", "told"),
    [
        pytest.param(REPORT, None, SERVERS_OWN, True, id="created with a version of the server's own"),
        pytest.param(REPORT, None, DESTINATIONS["exists_identically"], False, id="created"),
        pytest.param(REPORT, None, None, False, id="not created"),
        pytest.param(REPORT, DESTINATIONS["differs, older"], SERVERS_OWN, True, id="got another new version"),
        pytest.param(REPORT, *[DESTINATIONS["differs, older"]] * 2, False, id="as it was"),
        pytest.param(FOLDER, None, SERVERS_OWN, False, id="a folder, which always gets another"),
    ],
)
def test_versions_of_the_servers_own_are_told(kind, before, after, told):
    rows = [row(type=kind)]
    predicted = plan.changes_from_result(planned(rows, before).as_result())
    assert bool(plan.other_versions(predicted, planned(rows, after))) is told
