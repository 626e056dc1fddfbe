# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking objects up: each once, with the right scope, and no guess where the server does not say."""

from __future__ import annotations

import pytest
from samples import PROJECT_ID, USER, VERSION, row, session_with
from scripted_server import Reply

from ansible_collections.mstr.migration.plugins.module_utils.errors import ServerError
from ansible_collections.mstr.migration.plugins.module_utils.planning import make_plan

FOUND = Reply(200, {"version": VERSION, "dateModified": "2021-03-04T03:53:09.000+0000"})
SETTINGS = {"defaultAction": "replace"}


def test_each_object_is_looked_up_once_whatever_the_number(serve):
    server = serve(FOUND)
    rows = [row(id="%032X" % number) for number in range(40)]
    result = make_plan(session_with(server), [*rows, row(id=rows[0].id.lower())], SETTINGS, "project", PROJECT_ID)
    assert result.in_sync
    assert len(result.objects) == 41
    assert len(server.requests) == 40
    assert len({request.connection for request in server.requests}) <= 16


def test_objects_of_the_configuration_are_looked_up_without_the_project(serve):
    server = serve(FOUND)
    rows = [row(), row(type=USER, level="configuration_object")]
    make_plan(session_with(server), rows, SETTINGS, "project", PROJECT_ID)
    headers = {request.path.partition("type=")[2]: request.headers["X-MSTR-ProjectID"] for request in server.requests}
    assert headers == {"3": PROJECT_ID, "34": None}


def test_a_forbidden_look_up_is_unknown_and_a_missing_object_is_not(serve):
    server = serve(lambda request: Reply(403, {"code": "ERR017"}) if "type=3" in request.path else missing)
    missing = Reply(404, {"code": "ERR004"})
    result = make_plan(session_with(server), [row(), row(type=4)], SETTINGS, "project", PROJECT_ID)
    assert [change.effect for change in result.objects] == ["unknown", "create"]


@pytest.mark.parametrize("status", [401, 404, 500, 502])
def test_any_other_error_ends_the_plan(serve, status):
    server = serve(Reply(status, {"code": "ERR001", "message": "General error."}))
    with pytest.raises(ServerError):
        make_plan(session_with(server), [row(), row(type=4)], SETTINGS, "project", PROJECT_ID)


def test_project_security_needs_no_look_up(serve):
    server = serve(FOUND)
    result = make_plan(session_with(server), [row(type=USER)], SETTINGS, "project_security", PROJECT_ID)
    assert [change.effect for change in result.changes] == ["unknown"]
    assert server.requests == []


def test_an_empty_package_is_in_sync(serve):
    assert make_plan(session_with(serve(FOUND)), [], SETTINGS, "project", PROJECT_ID).in_sync
