# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan as a file: what comes back says the same, and what decides decides its id."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import OBJECT_ID, OTHER_VERSION, PROJECT_ID, SHA256, VERSION, damaged, json_values

from ansible_collections.mstr.migration.plugins.module_utils.errors import InputError
from ansible_collections.mstr.migration.plugins.module_utils.plan import document
from ansible_collections.mstr.migration.plugins.module_utils.plan.document import (
    HELD,
    IMPORT,
    LEAVE,
    STEPS,
    TAKE_BACK,
    PlanDocument,
    PlannedPackage,
    Step,
)
from ansible_collections.mstr.migration.plugins.module_utils.plan.package import CannotTell
from ansible_collections.mstr.migration.plugins.module_utils.rest.models import DestinationObject
from ansible_collections.mstr.migration.plugins.module_utils.support.shape import ShapeError

SEEN = "5" * 64
CHANGE = {
    "id": OBJECT_ID,
    "name": "Revenue",
    "type": 3,
    "type_name": "report",
    "action": "replace",
    "conflict": "exists_differently",
    "effect": "replace",
    "version_now": OTHER_VERSION,
    "version_before": OTHER_VERSION,
    "version_after": VERSION,
}
PACKAGE = PlannedPackage(
    1,
    "finance",
    "Tutorial",
    PROJECT_ID,
    "imported",
    "finance.mmp",
    SHA256,
    4,
    SEEN,
    "project",
    {"defaultAction": "replace"},
)
STEP = Step(IMPORT, 1, "finance", "1 to replace", [], {"replace": 1}, [CHANGE])
GAP = {"id": "1" * 32, "type": 4, "name": "Margin", "needed_by": [], "uses": []}
PLAN = PlanDocument("prod", "https://mstr.example.com/x", None, SEEN, (PACKAGE,), (STEP,))

texts = st.text(max_size=8)
versions = st.one_of(st.none(), st.text("0123456789ABCDEFabcdef", min_size=32, max_size=32))
changes = st.builds(
    lambda identity, kind, effect, before, after: {
        **CHANGE,
        "id": identity,
        "type": kind,
        "effect": effect,
        "version_now": before,
        "version_before": before,
        "version_after": after,
    },
    st.text("0123456789ABCDEF", min_size=32, max_size=32),
    st.integers(1, 99),
    st.sampled_from(("create", "replace", "delete", "duplicate", "unknown")),
    versions,
    versions,
)


def gaps(ids):
    """Return rows of what an import would fail for."""
    objects = st.text("0123456789ABCDEF", min_size=32, max_size=32)
    return st.fixed_dictionaries(
        {"id": objects, "type": st.integers(1, 99), "name": st.one_of(st.none(), texts), ids: st.lists(objects)}
    )


steps = st.builds(
    Step,
    st.sampled_from(STEPS),
    st.integers(1, 9),
    texts,
    texts,
    st.lists(texts, max_size=2),
    st.dictionaries(texts, st.integers(0, 9), max_size=3),
    st.lists(changes, max_size=3),
    st.lists(gaps("needed_by"), max_size=2),
    st.lists(gaps("uses"), max_size=2),
)
packages = st.builds(
    PlannedPackage,
    st.integers(1, 9),
    texts,
    texts,
    st.one_of(st.none(), texts),
    st.sampled_from(("imported", "undone")),
    st.one_of(st.none(), texts),
    st.one_of(st.none(), texts),
    st.one_of(st.none(), st.integers(0, 99)),
    st.one_of(st.none(), texts),
    st.one_of(st.none(), st.sampled_from(("project", "configuration"))),
    st.dictionaries(texts, texts, max_size=3),
    st.booleans(),
    st.one_of(st.none(), st.booleans()),
)
plans = st.builds(
    PlanDocument,
    st.text("abc", min_size=1, max_size=4),
    st.text("abc:/.", min_size=1, max_size=8),
    st.one_of(st.none(), st.text(min_size=1, max_size=4)),
    st.just(SEEN),
    st.lists(packages, max_size=3).map(tuple),
    st.lists(steps, max_size=3).map(tuple),
)


@given(plans)
def test_what_is_written_comes_back(plan):
    text = plan.dumps()
    again = document.loads(text)
    assert again == plan
    assert again.plan_id == plan.plan_id
    assert again.dumps() == text


@given(plans)
def test_the_id_depends_on_no_time(plan):
    assert replace(plan, made="2020-01-01T00:00:00.000Z").plan_id == plan.plan_id


@pytest.mark.parametrize(
    "other",
    [
        replace(PLAN, base_url="https://other.example.com/x"),
        replace(PLAN, selection="finance"),
        replace(PLAN, seen="0" * 64),
        replace(PLAN, packages=(replace(PACKAGE, sha256="f" * 64),)),
        replace(PLAN, packages=(replace(PACKAGE, project_id="F" * 32),)),
        replace(PLAN, steps=(replace(STEP, do=LEAVE),)),
        replace(PLAN, steps=(replace(STEP, entries=["20260101T000000000Z-finance-000000000000"]),)),
        replace(PLAN, steps=(replace(STEP, changes=[{**CHANGE, "version_before": None}]),)),
        replace(PLAN, steps=(replace(STEP, changes=[]),)),
        replace(PLAN, steps=(replace(STEP, missing=[GAP]),)),
        replace(PLAN, steps=(replace(STEP, still_used=[GAP]),)),
    ],
    ids=str,
)
def test_what_decides_decides_the_id(other):
    assert other.plan_id != PLAN.plan_id


def test_what_is_for_people_does_not_decide():
    told = replace(
        STEP, reason="because", changes=[{**CHANGE, "name": "Umsatz", "version_before": OTHER_VERSION.lower()}]
    )
    assert replace(PLAN, environment="production", steps=(told,)).plan_id == PLAN.plan_id


@given(st.one_of(json_values, damaged(json.loads(PLAN.dumps()))))
def test_any_json_is_a_plan_or_is_named(value):
    with contextlib.suppress(ShapeError):
        document.loads(json.dumps(value))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("format", 2, "format is 2"),
        ("plan_id", "000000000000", "plan_id"),
        ("base_url", "https://elsewhere.example.com", "plan_id"),
        ("steps", [{"do": "guess", "position": 1, "name": "x", "reason": ""}], r"steps\[0\]\.do"),
        ("packages", None, "packages"),
        # No part of the id, and read by whoever approves.
        ("made", "2027-01-01T00:00:00.000Z", "checksum"),
        ("environment", "test", "checksum"),
        ("steps", [{**json.loads(PLAN.dumps())["steps"][0], "reason": "nothing to see"}], "checksum|plan_id"),
        ("comment", "approved by nobody", "checksum"),
        ("checksum", None, "checksum"),
    ],
)
def test_a_plan_that_was_edited_or_is_newer_is_refused(tmp_path, field, value, said):
    path = tmp_path / "prod.plan.json"
    path.write_text(json.dumps({**json.loads(PLAN.dumps()), field: value}))
    with pytest.raises(InputError, match=said) as refused:
        document.read(str(path))
    assert str(path) in refused.value.message


def test_a_plan_is_written_anew_also_where_it_is_the_same(tmp_path):
    path = str(tmp_path / "prod.plan.json")
    for made in ("2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"):
        document.write(path, replace(PLAN, made=made))
        assert document.read(path).made == made
    assert document.read(path) == PLAN


@pytest.mark.parametrize(
    "there", [replace(PLAN, environment="test").dumps(), replace(PLAN, base_url="https://b/x").dumps(), "{}", "secret"]
)
def test_what_is_not_this_environments_plan_is_left_as_it_is(tmp_path, there):
    path = tmp_path / "prod.plan.json"
    path.write_text(there)
    with pytest.raises(InputError, match=r"^plan_file: "):
        document.write(str(path), PLAN)
    assert path.read_text() == there


def test_a_directory_gets_a_file_an_environment(tmp_path):
    assert document.path_for(str(tmp_path), "prod") == str(tmp_path / "prod.plan.json")
    assert document.path_for("plans/", "a/b") == "plans/a_b.plan.json"
    assert document.path_for("my.json", "prod") == "my.json"


def test_files_are_named_as_in_the_list():
    named = [document.as_named(path) for path in ("packages/finance.mmp", "/srv/packages/finance.mmp", "", None)]
    assert named == ["packages/finance.mmp", "finance.mmp", None, None]


def test_what_is_taken_back_comes_first_newest_first():
    given_steps = [
        Step(HELD, 1, "a", ""),
        Step(TAKE_BACK, 2, "b", "", ["20260101T000000000Z-b-0"]),
        STEP,
        Step(TAKE_BACK, 3, "c", "", ["20260102T000000000Z-c-0"]),
    ]
    assert [step.name for step in document.in_order(given_steps)] == ["c", "b", "a", "finance"]


def test_all_that_was_seen_is_in_the_digest():
    key, other = (PROJECT_ID, OBJECT_ID, 3), ("", OBJECT_ID, 34)
    worlds = [
        {},
        {key: None},
        {key: CannotTell("forbidden")},
        {key: DestinationObject(VERSION, None)},
        {key: DestinationObject(OTHER_VERSION, None)},
        {key: DestinationObject(None, None)},
        {key: None, other: None},
    ]
    assert len({document.digest_of(world) for world in worlds}) == len(worlds)
    lower = {other: None, key: DestinationObject(VERSION.lower(), "2021-03-04T03:53:09.000+0000")}
    assert document.digest_of(lower) == document.digest_of({key: DestinationObject(VERSION, None), other: None})
