# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the server says about what is around a package, in the forms that are known and in all others."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import PROJECT_ID, json_values

from ansible_collections.mstr.migration.plugins.module_utils.rest import state
from ansible_collections.mstr.migration.plugins.module_utils.support.shape import ShapeError

OTHER = "F" * 32
CREATE = "Create package"


def row(name=CREATE, **more):
    return {"id": 301, "name": name, **more}


@pytest.mark.parametrize(
    ("answer", "everywhere", "here", "elsewhere"),
    [
        ({"privileges": [row(isUserLevelAllowed=True, projects=[])]}, True, True, True),
        ([row(isUserLevelAllowed=False, projects=[{"id": PROJECT_ID, "isAllowed": True}])], False, True, False),
        ([row(isUserLevelAllowed=False, projects=[{"id": PROJECT_ID, "isAllowed": False}])], False, False, False),
        ([row(isUserLevelAllowed=False)], False, False, False),
        ([row(projects=[{"id": PROJECT_ID.lower()}])], False, True, False),
        ([row(projects=[PROJECT_ID])], False, True, False),
        ([row()], True, True, True),
        ([CREATE], True, True, True),
        ({"privileges": ["CREATE_PACKAGE"]}, True, True, True),
        ([row("Create report", isUserLevelAllowed=True)], False, False, False),
        ([], False, False, False),
    ],
)
def test_privileges_in_every_form(answer, everywhere, here, elsewhere):
    held = state.parse_privileges(answer)
    assert [held.has((CREATE,), project) for project in (None, PROJECT_ID, OTHER)] == [everywhere, here, elsewhere]


def test_a_privilege_has_several_names():
    held = state.parse_privileges(["Apply package"])
    assert held.has(("Import package", "Apply package"), None)


@pytest.mark.parametrize("answer", [None, 1, "x", {}, {"privileges": {}}, {"privileges": None}])
def test_no_privileges_are_not_an_empty_list(answer):
    with pytest.raises(ShapeError, match="privileges"):
        state.parse_privileges(answer)


@pytest.mark.parametrize(
    ("answer", "locked", "owner", "outlives"),
    [
        ({"lockType": "not_locked"}, False, None, False),
        ({"lockType": "none"}, False, None, False),
        ({"lockType": "NOT_LOCKED", "comment": ""}, False, None, False),
        ({"lockType": "temporal_individual", "owner": {"id": "1", "name": "Ann"}}, True, "Ann", False),
        ({"lockType": "PERMANENT_constituent", "owner": {"name": "Ann"}}, True, "Ann", True),
        ({"lockType": "exclusive_constituent", "ownerId": "1", "ownerName": "Bob"}, True, "Bob", False),
        ({"lockType": "something_new", "owner": None}, True, None, False),
    ],
)
def test_locks(answer, locked, owner, outlives):
    lock = state.parse_lock(answer)
    assert (lock.is_locked, lock.owner, lock.outlives_session) == (locked, owner, outlives)


def test_when_and_where_a_lock_was_taken():
    project = {"lockType": "permanent_individual", "lockTime": "T1", "machineName": "m", "comment": "c"}
    schema = {"lockType": "absolute_individual", "dateCreated": "T2"}
    assert state.parse_lock(project) == state.Lock("permanent_individual", None, None, "m", "T1", "c")
    assert state.parse_lock(schema).time == "T2"


def test_nodes():
    answer = {
        "nodes": [
            {"name": "one", "status": "RUNNING", "projects": [{"id": PROJECT_ID.lower(), "status": "Loaded"}, 3, {}]},
            {"name": "two"},
        ]
    }
    assert state.parse_nodes(answer) == [
        state.Node("one", "running", {PROJECT_ID.upper(): "loaded"}),
        state.Node("two", None, {}),
    ]
    assert state.parse_nodes(answer["nodes"]) == state.parse_nodes(answer)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"id": "U1", "fullName": "Ann"}, state.User("U1", "Ann")),
        ({"id": 7, "name": "Ann"}, state.User("7", "Ann")),
        ({"username": "ann"}, state.User(None, "ann")),
        ({}, state.User(None, None)),
    ],
)
def test_user(answer, expected):
    assert state.parse_user(answer) == expected


@pytest.mark.parametrize("answer", [None, {}, [], "", "text", 3])
def test_an_answer_with_nothing_in_it_identifies_no_metadata(answer):
    assert state.metadata_id(answer) is None


def test_metadata_is_known_by_its_id():
    assert state.metadata_id({"id": "ABC", "time": 1}) == state.metadata_id({"time": 2, "id": "ABC"}) == "ABC"


@given(st.dictionaries(st.text(min_size=1).filter(lambda key: key != "id"), json_values, min_size=1))
def test_metadata_without_an_id_is_known_by_all_that_is_said_of_it(answer):
    known = state.metadata_id(answer)
    assert known is not None
    assert len(known) == 64
    assert state.metadata_id(dict(reversed(answer.items()))) == known
    assert state.metadata_id({**answer, "id": None, "more": [json.dumps(answer)]}) != known


PARSERS = (state.parse_privileges, state.parse_lock, state.parse_nodes, state.parse_user, state.metadata_id)


@given(json_values)
def test_whatever_the_server_says_is_read_or_refused(answer):
    for parse in PARSERS:
        with contextlib.suppress(ShapeError):
            parse(answer)
