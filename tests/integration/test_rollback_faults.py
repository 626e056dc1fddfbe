# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way back where something breaks, or where little tells what there is to take back."""

from __future__ import annotations

import json

import pytest
from harness import TUTORIAL, Controller, Server, declared, make_package, object_id

DOWN = {"kind": "status", "status": 500, "body": {"code": "ERR002", "message": "The metadata database is down."}}


def states(controller: Controller) -> list[str]:
    return [json.loads(path.read_text(encoding="utf-8"))["state"] for path in controller.receipts()]


def test_links_of_users_come_back_and_stay_back(server: Server, controller: Controller) -> None:
    links = server.security()
    controller.declare(server, controller.sample("project_security"))
    assert controller.deploy().changed == ["project_security"]
    assert server.security() != links
    assert controller.rollback("project_security").recap("prod")["changed"] == 1
    assert server.security() == links
    assert states(controller) == ["undone"]
    assert controller.rollback("project_security").recap("prod")["changed"] == 0
    assert "was taken back" in controller.deploy().warnings
    assert server.security() == links


def test_what_is_taken_back_stays_so_even_if_nobody_can_look_afterwards(server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1"))
    controller.deploy()
    rows = len(declared("inc1"))
    server.fault("GET", "^/objects/", DOWN, skip=rows, times=None)
    run = controller.rollback("inc1")
    assert run.code != 0
    (failed,) = [item["result"] for item in run.results if item["outcome"] == "failed"]
    assert failed["changed"] is True
    assert "The import is done, and was not verified" in failed["msg"]
    assert "inc1 is taken back" in failed["msg"]
    assert states(controller) == ["undone"]
    server.reset_faults()
    assert controller.deploy().changed == []
    assert server.held() == []


def test_a_failed_import_that_changed_nothing_is_passed_over(server: Server, controller: Controller) -> None:
    before = server.objects()
    controller.declare(server, controller.sample("inc1"))
    controller.deploy()
    server.set(import_failure={"message": "No space.", "after_objects": 0})
    controller.declare(server, controller.sample("inc1", force=True))
    assert "No object was changed" in controller.deploy().failures[0]
    server.set(import_failure=None)
    assert controller.rollback("inc1").recap("prod")["changed"] == 1
    assert server.objects() == before
    assert states(controller) == ["undone", "failed"]


def test_an_older_import_of_the_same_file_is_named_and_can_be_taken_back(
    server: Server, controller: Controller
) -> None:
    before = server.objects()
    controller.declare(server, controller.sample("finance"))
    controller.deploy()
    server.edit(object_id("Total Amount", 4))
    assert controller.deploy().changed == ["finance"]
    first = controller.receipts()[0].parent.name
    run = controller.rollback("finance")
    assert run.recap("prod")["changed"] == 1
    assert "Older imports of the same file stay: %s." % first in run.warnings
    # What the repair replaced is the edit, which is back now; so the older import is only taken back by force.
    older = controller.rollback("finance", "-e", "mstr_entry=" + first, "-e", "mstr_force=true")
    assert older.recap("prod")["changed"] == 1
    assert server.objects() == before


def test_after_a_failed_run_a_rollback_by_hand_makes_it_stay(server: Server, controller: Controller) -> None:
    refused = {"kind": "status", "status": 403, "body": {"code": "ERR017", "message": "Not now."}}
    server.fault("POST", "^/packages/imports$", refused, skip=1, times=1)
    packages = (controller.sample("inc1"), controller.sample("finance"))
    controller.declare(server, *packages, mstr_on_failure="rollback")
    assert controller.deploy().code != 0
    controller.declare(server, *packages)
    assert controller.steps("rollback", "-e", "mstr_package=inc1").recap("prod")["changed"] == 0
    run = controller.steps("deploy")
    assert run.changed == ["finance"]
    assert "Package inc1 was taken back" in run.warnings


def test_a_session_that_has_ended_does_not_keep_a_run_from_being_taken_back(
    server: Server, controller: Controller
) -> None:
    before = server.objects()
    expired = {"kind": "status", "status": 401, "body": {"code": "ERR009", "message": "The session has expired."}}
    server.fault("POST", "^/packages/imports$", expired, skip=1, times=1)
    server.fault("PUT", "^/sessions$", expired, times=1)
    packages = (controller.sample("inc1"), controller.sample("finance"))
    controller.declare(server, *packages, mstr_on_failure="rollback")
    run = controller.deploy()
    assert "Taken back, newest first: inc1. The environment is as it was before this run." in run.failures[-1]
    assert server.objects() == before
    assert controller.left_in_tmp() == []


def test_an_undo_package_that_does_not_come_keeps_nothing_else_from_being_taken_back(
    server: Server, controller: Controller
) -> None:
    server.fault("GET", "/undoPackage/binary$", DOWN, skip=1, times=None)
    packages = (controller.sample("inc1"), controller.sample("finance"))
    controller.declare(server, *packages, mstr_on_failure="rollback", mstr_undo_timeout=1, mstr_retries=0)
    run = controller.deploy()
    assert "Taken back, newest first: inc1. Not taken back: finance: " in run.failures[-1]
    assert "has no undo package" in run.failures[-1]
    assert server.held() == []


def test_what_lies_under_an_import_that_stays_is_not_taken_back(server: Server, controller: Controller) -> None:
    rows = [{"id": object_id(name), "name": name, "type": 12} for name in ("Store", "City")]
    under = make_package(controller.directory / "under.mmp", *rows)
    over = make_package(controller.directory / "over.mmp", {**rows[0], "definition": "of over"})
    server.fault("GET", "/undoPackage/binary$", DOWN, skip=1, times=None)
    packages = ({"src": str(under)}, {"src": str(over)})
    controller.declare(server, *packages, mstr_on_failure="rollback", mstr_undo_timeout=1, mstr_retries=0)
    message = controller.deploy().failures[-1]
    first, second = (path.parent.name for path in controller.receipts())
    assert "Taken back, newest first: none. Not taken back: over: " in message
    assert "under: entry: %s cannot be taken back alone, because newer imports" % first in message
    assert "over (%s)" % second in message
    assert states(controller) == ["imported", "imported"]
    assert object_id("City") in server.objects()


def test_an_undo_package_that_comes_late_is_still_used(server: Server, controller: Controller) -> None:
    before = server.objects()
    server.set(undo_delay=3)
    controller.declare(server, controller.sample("finance"), mstr_on_failure="rollback", mstr_undo_timeout=0.5)
    run = controller.deploy()
    assert "Taken back, newest first: finance. The environment is as it was before this run." in run.failures[-1]
    assert server.objects() == before


@pytest.mark.parametrize("by", ["the list", "the playbook"])
def test_a_package_is_found_wherever_the_history_has_it(by: str, server: Server, controller: Controller) -> None:
    before = server.objects("configuration")
    controller.declare(server, controller.sample("users", type="configuration"))
    controller.deploy()
    # Another project than the package's is no reason not to find it.
    controller.environment["MSTR_PROJECT"] = TUTORIAL
    if by == "the list":
        controller.declare(server, {"name": "users", "state": "undone"})
        assert controller.deploy().changed == ["users"]
    else:
        controller.declare(server)
        assert controller.rollback("users").recap("prod")["changed"] == 1
    assert server.objects("configuration") == before


def test_a_folder_comes_back_though_its_version_says_nothing(server: Server, controller: Controller) -> None:
    server.edit("F" * 32, name="Old name", type=8)
    before = server.objects()
    rows = (
        {"id": "F" * 32, "name": "New name", "type": 8},
        {"id": "E" * 32, "name": "Report", "type": 3},
    )
    package = make_package(controller.directory / "folder.mmp", *rows)
    server.set(import_failure={"message": "No space.", "after_objects": 1})
    controller.declare(server, {"src": str(package)})
    assert "changed 1 of 2 objects" in controller.deploy().failures[0]
    assert server.objects() != before
    server.set(import_failure=None)
    assert controller.rollback("folder").recap("prod")["changed"] == 1
    assert server.objects() == before


def test_taking_back_half_of_it_is_said_and_not_marked(server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1"))
    controller.deploy()
    server.set(import_failure={"message": "Object is in use.", "after_objects": 1})
    run = controller.rollback("inc1")
    (message,) = run.failures
    assert "Object is in use" in message
    assert "inc1 may be taken back in part" in message
    assert states(controller) == ["imported"]
    server.set(import_failure=None)
    assert controller.rollback("inc1").recap("prod")["changed"] == 1
    assert states(controller) == ["undone"]
