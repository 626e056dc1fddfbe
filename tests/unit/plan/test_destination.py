# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning against a server: each object looked up once, with the right scope, and no guess where it does not say."""

from __future__ import annotations

import os
import signal
import threading
import types

import pytest
from samples import OBJECT_ID, OTHER_VERSION, PROJECT_ID, SHA256, USER, VERSION, listed, row, session_with
from scripted_server import Reply

from ansible_collections.mstr.migration.plugins.module_utils.errors import Interrupted, ServerError
from ansible_collections.mstr.migration.plugins.module_utils.history.receipt import Receipt
from ansible_collections.mstr.migration.plugins.module_utils.history.store import History
from ansible_collections.mstr.migration.plugins.module_utils.plan.destination import look_up_all, make_plan, plan_for
from ansible_collections.mstr.migration.plugins.module_utils.plan.listing import wanted
from ansible_collections.mstr.migration.plugins.module_utils.plan.package import CannotTell
from ansible_collections.mstr.migration.plugins.module_utils.rest.models import DestinationObject
from ansible_collections.mstr.migration.plugins.module_utils.support import parallel

FOUND = Reply(200, {"version": VERSION, "dateModified": "2021-03-04T03:53:09.000+0000"})
MISSING = Reply(404, {"code": "ERR004"})
OTHER_PROJECT = "C" * 32


def in_projects(server):
    return sorted(request.headers["X-MSTR-ProjectID"] or "" for request in server.requests)


def plans_of(server, packages):
    return plan_for(packages, None, look_up_all(session_with(server), wanted(packages)))


def test_each_object_is_looked_up_once_whatever_the_number(serve):
    server = serve(FOUND)
    rows = [row(id="%032X" % number) for number in range(40)]
    result = make_plan(session_with(server), listed(*rows, row(id=rows[10].id.lower()))).plan
    assert result.in_sync
    assert len(result.objects) == 41
    assert len(server.requests) == 40
    assert len({request.connection for request in server.requests}) <= 16


def test_an_object_of_several_packages_is_looked_up_once_in_each_project(serve):
    server = serve(FOUND)
    packages = [listed(row()), listed(row(version="0")), listed(row(), project_id=OTHER_PROJECT)]
    plans = plans_of(server, packages)
    assert [item.package for item in plans] == packages
    assert [item.in_sync for item in plans] == [True, False, True]
    assert in_projects(server) == [PROJECT_ID, OTHER_PROJECT]


def test_objects_of_the_configuration_are_looked_up_without_the_project(serve):
    server = serve(FOUND)
    user = row(type=USER, level="configuration_object")
    make_plan(session_with(server), listed(row(), user))
    headers = {request.path.partition("type=")[2]: request.headers["X-MSTR-ProjectID"] for request in server.requests}
    assert headers == {"3": PROJECT_ID, "34": None}


def test_an_object_of_the_configuration_is_one_for_all_packages(serve):
    server = serve(FOUND)
    user = row(type=USER, level="configuration_object")
    packages = [
        listed(user),
        listed(user, project_id=OTHER_PROJECT),
        listed(row(type=USER, level=None), type="configuration", project_id=None),
    ]
    plans_of(server, packages)
    assert in_projects(server) == [""]


def test_look_ups_are_returned_by_what_was_asked_for(serve):
    server = serve(lambda request: FOUND if "type=3" in request.path else MISSING)
    objects = wanted([listed(row(), row(type=4))])
    assert look_up_all(session_with(server), objects) == {
        (PROJECT_ID, OBJECT_ID, 3): DestinationObject(VERSION, "2021-03-04T03:53:09.000+0000"),
        (PROJECT_ID, OBJECT_ID, 4): None,
    }


def test_the_plan_tells_in_which_folder_an_object_is(serve):
    found = Reply(200, {"id": OBJECT_ID, "version": "F" * 32, "ancestors": [{"name": "Reports", "level": 1}]})
    server = serve(lambda request: found if "type=3" in request.path else MISSING)
    packages = [listed(row(), row(type=4)), listed(row(version="E" * 32, action="use_existing"), row(version="D" * 32))]
    first, second = plans_of(server, packages)
    assert [change.folder for change in first.plan.objects] == ["/Reports", None]
    assert {change.folder for change in second.plan.objects} == {"/Reports"}, "also where an import comes before"
    assert "folder" not in first.plan.objects[0].as_result()


def test_a_forbidden_look_up_is_unknown_and_a_missing_object_is_not(serve):
    server = serve(lambda request: Reply(403, {"code": "ERR017"}) if "type=3" in request.path else MISSING)
    result = make_plan(session_with(server), listed(row(), row(type=4))).plan
    assert [change.effect for change in result.objects] == ["unknown", "create"]
    assert "ERR017" in result.objects[0].note


def test_a_forbidden_look_up_without_a_code_says_the_status(serve):
    answers = look_up_all(session_with(serve(Reply(403, {}))), wanted([listed(row())]))
    found = answers[listed(row()).key(row())]
    assert isinstance(found, CannotTell)
    assert "403" in found.reason


@pytest.mark.parametrize("status", [401, 404, 500, 502])
def test_any_other_error_ends_the_plan(serve, status):
    server = serve(Reply(status, {"code": "ERR001", "message": "General error."}))
    with pytest.raises(ServerError):
        make_plan(session_with(server), listed(row(), row(type=4)))


def rows_with_ids(count):
    return [row(id="%032X" % number) for number in range(count)]


def threads_of_a_kind(monkeypatch, **methods):
    kind = type("Thread", (threading.Thread,), methods)
    monkeypatch.setattr(parallel, "threading", types.SimpleNamespace(Thread=kind))


@pytest.fixture(name="sigterm_raises")
def sigterm_as_in_a_module():
    def stop(_number, _frame):
        raise Interrupted("SIGTERM")

    before = signal.signal(signal.SIGTERM, stop)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("sigterm_raises")
def test_after_a_signal_no_look_up_begins_and_none_is_waited_for(serve, monkeypatch):
    goes_on = threading.Event()
    workers = []

    def start(thread):
        workers.append(thread)
        threading.Thread.start(thread)

    def answer(_request):
        if len(server.requests) == 16:
            os.kill(os.getpid(), signal.SIGTERM)
        goes_on.wait(30)
        return FOUND

    server = serve(answer)
    threads_of_a_kind(monkeypatch, start=start)
    with pytest.raises(Interrupted):
        make_plan(session_with(server), listed(*rows_with_ids(200)))
    assert not goes_on.is_set()
    goes_on.set()
    for thread in workers:
        thread.join(30)
    assert len(server.requests) == 16


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_where_threads_are_limited_a_plan_does_with_fewer(serve, monkeypatch, limit):
    started = []

    def start(thread):
        if len(started) == limit:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        threading.Thread.start(thread)

    threads_of_a_kind(monkeypatch, start=start)
    server = serve(FOUND)
    assert make_plan(session_with(server), listed(*rows_with_ids(40))).plan.in_sync
    assert len(server.requests) == 40
    assert len({request.connection for request in server.requests}) <= max(limit, 1)


def test_an_error_without_threads_ends_the_plan_at_once(serve, monkeypatch):
    def start(_thread):
        raise RuntimeError("can't start new thread")

    threads_of_a_kind(monkeypatch, start=start)
    server = serve(Reply(401, {"code": "ERR001"}))
    with pytest.raises(ServerError):
        make_plan(session_with(server), listed(*rows_with_ids(40)))
    assert len(server.requests) == 1


@pytest.mark.timeout(30)
def test_threads_that_die_are_not_waited_for(serve, monkeypatch):
    threads_of_a_kind(monkeypatch, run=lambda _thread: None)
    with pytest.raises(RuntimeError, match="without a result"):
        make_plan(session_with(serve(FOUND)), listed(*rows_with_ids(40)))


def test_project_security_needs_no_look_up(serve):
    server = serve(FOUND)
    result = make_plan(session_with(server), listed(row(type=USER), type="project_security")).plan
    assert [change.effect for change in result.changes] == ["unknown"]
    assert server.requests == []


@pytest.mark.parametrize("packages", [[], [listed()]], ids=["no package", "an empty package"])
def test_nothing_to_plan_needs_no_look_up(serve, packages):
    server = serve(FOUND)
    assert all(item.in_sync for item in plans_of(server, packages))
    assert server.requests == []


OBJECT = OBJECT_ID + ":3"
IMPORTED = {"state": "imported", "versions_before": {OBJECT: OTHER_VERSION}, "versions": {OBJECT: VERSION}}


@pytest.mark.parametrize(
    ("receipt", "settled", "held"),
    [
        pytest.param(IMPORTED, True, False, id="imported"),
        pytest.param(dict(IMPORTED, versions={OBJECT: OTHER_VERSION}), False, False, id="edited since"),
        pytest.param(dict(IMPORTED, sha256="0" * 64), False, False, id="another file"),
        pytest.param(dict(IMPORTED, state="failed"), False, False, id="failed"),
        pytest.param(dict(IMPORTED, state="undone"), False, True, id="taken back"),
        pytest.param(dict(IMPORTED, state="undone", held=False), False, False, id="taken back after a failed run"),
    ],
)
def test_the_receipt_of_the_very_file_counts(serve, tmp_path, receipt, settled, held):
    receipt = {"name": "finance", "sha256": SHA256, **receipt}
    history = History(str(tmp_path), "prod")
    history.begin(Receipt(project=PROJECT_ID, **receipt))
    plan = make_plan(session_with(serve(FOUND)), listed(row(version="0" * 32)), history)
    assert (plan.plan.summary["settled"], plan.package.held) == (int(settled), held)
    assert plan.due is not (settled or held)


def test_receipts_of_another_project_do_not_count(serve, tmp_path):
    history = History(str(tmp_path), "prod")
    for project_id in (OTHER_PROJECT, None):
        history.begin(Receipt(project=project_id, name="finance", sha256=SHA256, **IMPORTED))
    assert make_plan(session_with(serve(FOUND)), listed(row(version="0" * 32)), history).due


@pytest.mark.parametrize("newer", [None, "f" * 64], ids=["newest", "overtaken"])
def test_what_may_not_be_looked_up_is_settled_by_the_newest_import_of_it(serve, tmp_path, newer):
    history = History(str(tmp_path), "prod")
    changes = [{"id": OBJECT_ID, "type": 3}]
    for sha256 in filter(None, (SHA256, newer)):
        history.begin(Receipt("imported", "finance", sha256, project=PROJECT_ID, versions={}, changes=changes))
    plan = make_plan(session_with(serve(Reply(403, {}))), listed(row()), history)
    assert plan.due is bool(newer)
