# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the server says of a reload and of who is connected, in the forms that are known and in all others."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from samples import json_values

from ansible_collections.mstr.migration.plugins.module_utils.errors import ServerError
from ansible_collections.mstr.migration.plugins.module_utils.rest import upkeep
from ansible_collections.mstr.migration.plugins.module_utils.support.shape import ShapeError


@pytest.mark.parametrize(
    ("status", "completed", "failed"),
    [("running", False, False), ("COMPLETED", True, False), ("Failed", False, True), ("half-baked", False, False)],
)
def test_a_task_has_ended_or_not(status, completed, failed):
    task = upkeep.parse_task({"id": "1", "status": status})
    assert (task.is_completed, task.has_failed, task.message) == (completed, failed, None)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"errors": [{"code": "8004cb40", "message": "No key."}]}, "8004cb40 No key."),
        ({"errors": [{"message": "One."}, {"message": "Two."}, "three"]}, "One.; Two."),
        ({"errors": "none", "message": "Whole."}, "Whole."),
        ({"errors": []}, None),
    ],
)
def test_a_task_says_why_it_failed(more, message):
    assert upkeep.parse_task({"id": "1", "status": "failed", **more}).message == message


@pytest.mark.parametrize("answer", [None, [], {}, {"id": "1"}, {"status": "running"}, {"id": 1, "status": "running"}])
def test_what_is_no_task_is_refused(answer):
    with pytest.raises(ShapeError):
        upkeep.parse_task(answer)


def test_users_are_named_once_each():
    rows = [{"username": "joe"}, {"username": "ann"}, {"username": "joe"}, {"userFullName": "Eve"}, {}, "x"]
    assert upkeep.parse_connections({"userConnections": rows}) == ["Eve", "ann", "joe"]
    assert upkeep.parse_connections([{"username": "joe"}]) == ["joe"]


@given(json_values)
def test_any_answer_is_read_or_refused(answer):
    for parse in (upkeep.parse_task, upkeep.parse_connections):
        with contextlib.suppress(ShapeError):
            parse(answer)


@pytest.mark.parametrize(
    ("status", "code", "message", "lacks"),
    [
        (404, "ERR004", "HTTP 404 Not Found", True),
        (404, "ERR004", "The task is not found", False),
        (404, None, None, True),
        (405, "ERR001", "HTTP 405 Method Not Allowed", True),
        (501, None, None, True),
        (501, "ERR001", "Later", False),
        (403, "ERR017", "No privilege", False),
        (500, None, None, False),
    ],
)
def test_a_call_is_lacking_or_refused(status, code, message, lacks):
    assert upkeep.lacks_call(ServerError("x", status, code, server_message=message)) is lacks
