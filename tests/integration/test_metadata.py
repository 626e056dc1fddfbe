# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The history belongs to a metadata: another one behind the same address is not taken for it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from harness import Controller, Run, Server, declared

RESTORED = {"id": "0" * 31 + "1"}
MOVED = ("-e", "mstr_server_moved=true")


def receipts(controller: Controller) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in controller.receipts()]


def deployed(server: Server, controller: Controller) -> str:
    """Import a package, and return which metadata its receipt names."""
    controller.declare(server, controller.sample("inc1"))
    assert controller.deploy().code == 0
    (receipt,) = receipts(controller)
    return str(receipt["metadata"])


def refuses(run: Run, server: Server, known: str) -> None:
    assert run.code != 0, run.output
    for part in ("server_moved", known, RESTORED["id"], "nothing was done"):
        assert part in run.failures[0]
    assert server.held() == []


@pytest.mark.parametrize("quiet", [True, False])
def test_deploy_and_rollback_refuse_until_they_are_told(quiet: bool, server: Server, controller: Controller) -> None:
    known = deployed(server, controller)
    assert known == server._call("GET", "/settings")["repository"]["id"]
    if not quiet:
        server.edit(next(iter(declared("inc1"))))
    server.set(repository=RESTORED)
    objects, uploads = server.objects(), server.uploads()
    refuses(controller.deploy(), server, known)
    refuses(controller.deploy("--check"), server, known)
    refuses(controller.rollback("inc1"), server, known)
    assert (server.objects(), server.uploads()) == (objects, uploads)
    # In check mode nothing is taken over.
    checked = controller.deploy("--check", *MOVED)
    assert checked.code == 0, checked.output
    assert "would be taken over" in checked.warnings
    assert [receipt["metadata"] for receipt in receipts(controller)] == [known]
    moved = controller.deploy(*MOVED)
    assert moved.code == 0, moved.output
    assert "are taken over" in moved.warnings
    assert moved.changed == ([] if quiet else ["inc1"])
    assert {receipt["metadata"] for receipt in receipts(controller)} == {RESTORED["id"]}
    assert receipts(controller)[0]["metadata_before"] == known
    # Once.
    again = controller.deploy()
    assert again.code == 0
    assert "server_moved" not in again.warnings
    assert controller.rollback("inc1").code == 0


def test_rollback_can_be_told_too(server: Server, controller: Controller) -> None:
    deployed(server, controller)
    server.set(repository=RESTORED)
    assert controller.rollback("inc1", *MOVED).code == 0
    (receipt,) = receipts(controller)
    assert (receipt["state"], receipt["metadata"]) == ("undone", RESTORED["id"])


def test_entries_without_a_metadata_count_as_before(server: Server, controller: Controller) -> None:
    """Those of older versions of the collection, and of a server that did not say."""
    server.set(calls={"GET /configurations/repository": False})
    controller.declare(server, controller.sample("inc1"))
    assert controller.deploy().code == 0
    assert "metadata" not in receipts(controller)[0]
    server.set(calls={}, repository=RESTORED)
    server.forget()
    again = controller.deploy()
    assert (again.code, again.changed) == (0, [])
    # Nothing depends on it, so it is not asked for.
    assert server.calls("GET", "/configurations/") == []
    assert controller.rollback("inc1").code == 0


def test_a_server_that_does_not_say_any_more_is_warned_of(server: Server, controller: Controller) -> None:
    deployed(server, controller)
    server.fault("GET", "^/configurations/", {"kind": "status", "status": 403, "body": ""}, times=9)
    again = controller.deploy()
    assert (again.code, again.changed) == (0, [])
    assert "cannot be told" in again.warnings


def test_an_approved_plan_is_of_one_metadata(server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1"))
    checked = controller.deploy("--check", "-e", "mstr_plan_file=p.json")
    plan = json.loads((controller.directory / "p.json").read_text(encoding="utf-8"))
    assert plan["metadata"] == server._call("GET", "/settings")["repository"]["id"]
    server.set(repository=RESTORED)
    run = controller.deploy("-e", "mstr_plan_file=p.json")
    assert run.code != 0
    assert RESTORED["id"] in run.failures[0]
    assert server.state()["imports_started"] == 0
    # What decides is the same, and so is the id.
    assert controller.deploy("--check").named("Plan the list")["plan_id"] == checked.named("Plan the list")["plan_id"]


def test_a_task_that_imports_a_file_refuses_too(server: Server, controller: Controller) -> None:
    options = {
        "src": str(controller.packages / "inc1.mmp"),
        "project": "Demo Project",
        "history_dir": str(controller.history),
    }
    tasks = [{"name": "import", "mstr.migration.mstr_package_import": options}]
    assert controller.tasks(server, tasks).code == 0
    assert receipts(controller)[0]["metadata"]
    server.set(repository={"other": ["fields", 1]})
    run = controller.tasks(server, tasks)
    assert "server_moved" in run.failures[0]
    assert server.held() == []
