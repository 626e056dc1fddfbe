# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A session: what it holds is on disk before anybody relies on it, and nothing is lost without a word."""

from __future__ import annotations

import pytest
from samples import OBJECT_ID, PROJECT_ID, SHA256, session_with
from scripted_server import Reply

from ansible_collections.mstr.migration.plugins.module_utils.errors import InputError, MigrationError
from ansible_collections.mstr.migration.plugins.module_utils.session import file as session_file
from ansible_collections.mstr.migration.plugins.module_utils.session.file import ImportProcess, PackageInSession

PACKAGE = PackageInSession("p=", PROJECT_ID, SHA256, 4, "finance.mmp", "project")


def import_process(**state):
    return ImportProcess("i=", PROJECT_ID, **state)


def test_what_is_held_is_in_the_session_file_at_once(serve, tmp_path):
    session = session_with(serve(Reply(202)), tmp_path / "run.json")
    session.put_package(PACKAGE)
    session.put_import(import_process())
    assert session_file.read(session.path).package == PACKAGE
    assert session_file.read(session.path).import_process == import_process()
    session.release_all()
    assert session_file.read(session.path).package is None
    assert session_file.read(session.path).import_process is None


def test_the_import_is_released_before_its_package(serve):
    server = serve(Reply(202))
    session_with(server, package=PACKAGE, import_process=import_process()).release_all()
    assert [path.rpartition("/api")[2] for path in server.paths] == ["/packages/imports/i%3D", "/packages/p%3D"]


def test_what_cannot_be_released_is_still_known_to_be_held(serve, tmp_path):
    session = session_with(serve(Reply(403, {"code": "ERR014"})), tmp_path / "run.json", package=PACKAGE)
    with pytest.raises(MigrationError):
        session.release_all()
    assert session.package == PACKAGE


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (None, None),
        (import_process(finished=True), None),
        (import_process(), "still runs"),
        (import_process(undo_pending=True), "still runs"),
        (import_process(finished=True, undo_pending=True), "undo package"),
    ],
)
def test_a_running_import_and_an_unsaved_undo_package_are_not_thrown_away(serve, held, words):
    session = session_with(serve(Reply(202)), import_process=held)
    assert bool(session.losses()) is bool(words)
    if words is None:
        session.refuse_loss("replace the package")
    else:
        with pytest.raises(InputError, match=r"replace the package.*%s.*force: true" % words):
            session.refuse_loss("replace the package")


PROJECTS = [
    {"id": PROJECT_ID, "name": "Tutorial", "status": 0},
    {"id": OBJECT_ID, "name": "Finance", "status": 0},
    {"id": "0" * 32, "name": "Twins", "status": 0},
    {"id": "1" * 32, "name": "Twins", "status": 0},
    {"id": "2" * 32, "name": "Unloaded", "status": -1},
    {"id": "3" * 32, "name": "Silent"},
]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("Tutorial", PROJECT_ID),
        (PROJECT_ID, PROJECT_ID),
        (PROJECT_ID.lower(), PROJECT_ID),
        ("1" * 32, "1" * 32),
        ("Silent", "3" * 32),
        ("", None),
        (None, None),
    ],
)
def test_a_project_is_named_by_name_or_id(serve, wanted, found):
    assert session_with(serve(Reply(200, PROJECTS))).project_id(wanted) == found


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("tutorial", "Tutorial"),
        ("F" * 32, "Tutorial"),
        ("Twins", "1" * 32),
        ("Unloaded", "not loaded"),
        ("\x1b[2J", "there is no project"),
    ],
)
def test_a_project_that_cannot_be_used_is_refused_with_what_there_is(serve, wanted, words):
    with pytest.raises(InputError, match=words) as refused:
        session_with(serve(Reply(200, PROJECTS))).project_id(wanted)
    assert refused.value.message.startswith("project: ")
    assert "\x1b" not in refused.value.message


def test_a_project_is_asked_for_once_a_session(serve, tmp_path):
    server = serve(Reply(200, PROJECTS))
    session = session_with(server, tmp_path / "run.json")
    assert session.project_id("Tutorial") == session.project_id("Tutorial") == PROJECT_ID
    assert session_file.read(session.path).projects == {"Tutorial": PROJECT_ID}
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("state", "ends"),
    [
        ({}, True),
        ({"package": PACKAGE}, True),
        ({"import_process": import_process(finished=True)}, True),
        ({"import_process": import_process()}, False),
        ({"import_process": import_process(finished=True, undo_pending=True)}, False),
        # There is no such lock any more: another run has taken it.
        ({"lock": "/nonexistent/1.lock", "lock_token": "token"}, False),
    ],
    ids=["nothing held", "package", "import that ended", "import that runs", "undo package", "taken over"],
)
def test_a_session_ends_with_its_task_unless_that_loses_something(state, ends, serve, tmp_path):
    session = session_with(serve(), tmp_path / "run.json", **state)
    assert session.end_with_task() is ends
    assert session.ends_with_task is ends


def test_a_session_without_a_file_is_not_given_up(serve):
    assert session_with(serve()).end_with_task() is False


def test_a_session_of_one_task_has_a_file_and_does_not_outlive_it(serve, tmp_path):
    session = session_with(serve(), tmp_path / "run.json", lock=str(tmp_path / "x.1.lock"), lock_token="token")
    assert session.outlives_task
    session.is_of_one_task = True
    assert not session.outlives_task
    assert session.end_with_task() is False
    with pytest.raises(MigrationError, match=r"^lease_timeout: another run has taken over"):
        session.check_lock()
