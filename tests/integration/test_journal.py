# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who edited an object since its last import, as the server's change journal says."""

from __future__ import annotations

from typing import Any

import pytest
from harness import TUTORIAL, Controller, Server, declared, object_id

REGION = object_id("Region")


@pytest.fixture
def imported(server: Server, controller: Controller) -> Server:
    """A server that has a package, imported by us."""
    controller.declare(server, controller.sample("inc1"))
    assert controller.deploy().code == 0
    assert server.calls("POST", "/changeJournal") == []
    server.forget()
    return server


def told(server: Server, controller: Controller, *arguments: str) -> tuple[dict[str, Any], str]:
    """Return who edited the region, as the plan's result has it, and the plan's diff on one line."""
    run = controller.deploy("--check", "--diff", *arguments)
    assert run.code == 0, run.output
    plan = run.named("Plan the list")
    (change,) = [change for change in plan["packages"][0]["changes"] if change["id"] == REGION]
    return change.get("edited"), " ".join(plan["diff"]["prepared"].split())


def test_somebody_else_is_named(imported: Server, controller: Controller) -> None:
    imported.edit(REGION, by="viewer")
    edited, diff = told(imported, controller)
    assert (edited["user"], edited["machine"], edited["by_deployer"]) == ("viewer", "desk", False)
    assert edited["time"].endswith("Z")
    assert edited["text"] in diff
    assert "edited since the last import by viewer, 20" in diff
    assert "UTC, from desk" in diff
    # One question for all, and no import of ours is taken for an edit.
    (question,) = imported.calls("POST", "/changeJournal")
    assert question["asked"]["affectedObjects"] == [{"id": REGION, "type": 12}]
    assert question["asked"]["affectedProjects"] == [TUTORIAL]


def test_the_last_of_several_is_named_and_all_objects_are_asked_for_at_once(
    imported: Server, controller: Controller
) -> None:
    imported.edit(REGION, by="viewer")
    imported.edit(object_id("Store"), by="viewer")
    imported.edit(REGION, by="creator")
    assert told(imported, controller)[0]["user"] == "creator"
    (question,) = imported.calls("POST", "/changeJournal")
    assert len(question["asked"]["affectedObjects"]) == 2


def test_the_user_who_deploys_is_called_so(imported: Server, controller: Controller) -> None:
    imported.edit(REGION, by="administrator")
    edited, diff = told(imported, controller)
    assert edited["by_deployer"] is True
    assert "by Administrator, the user who deploys, " in diff


def test_an_object_that_was_deleted_is_told_so(imported: Server, controller: Controller) -> None:
    imported._call("DELETE", "/objects/%s/%s?user=viewer" % (TUTORIAL, REGION))
    assert told(imported, controller)[0]["text"].startswith("deleted since the last import by viewer")


def test_a_journal_that_was_purged_names_nobody(imported: Server, controller: Controller) -> None:
    imported.edit(REGION, by="viewer")
    imported.purge_journal()
    edited, diff = told(imported, controller)
    assert (edited["user"], edited["by_deployer"]) == (None, None)
    assert "nobody can be named: the change journal has no entry of it; it may have been purged" in diff


@pytest.mark.parametrize(
    ("settings", "fault", "reason"),
    [
        ({"release": "2024"}, None, "has no change journal that can be asked (since September 2024)"),
        ({}, {"kind": "status", "status": 500, "body": ""}, "search the change journal"),
        ({}, {"kind": "reset"}, "search the change journal"),
        ({}, {"kind": "body", "json": {"nothing": 1}}, "search the change journal"),
    ],
    ids=["old", "500", "reset", "odd"],
)
def test_a_server_that_does_not_say_is_no_failure(
    settings: dict[str, Any], fault: dict[str, Any] | None, reason: str, imported: Server, controller: Controller
) -> None:
    imported.edit(REGION, by="viewer")
    imported.set(**settings)
    if fault is not None:
        imported.fault("POST", "^/changeJournal$", fault, times=9)
    edited, diff = told(imported, controller, "-e", "mstr_retries=0")
    assert edited["user"] is None
    assert reason in diff
    assert controller.deploy().changed == ["inc1"]


def test_a_user_who_may_not_read_it_is_told_the_privilege(imported: Server, controller: Controller) -> None:
    imported.edit(REGION, by="viewer")
    imported._call("PATCH", "/users/administrator", {"privileges": ["create_package", "import_package", "bypass_acl"]})
    assert "(privilege Monitor Change Journal)" in told(imported, controller)[1]


def test_it_is_asked_only_for_objects_that_we_have_imported(server: Server, controller: Controller) -> None:
    """What was there before, in another version, is nobody's edit."""
    server.edit(REGION, name="Region", type=12)
    controller.declare(server, controller.sample("inc1"))
    assert told(server, controller)[0] is None
    assert controller.deploy().changed == ["inc1"]
    # What a newer file of the package brings is none either.
    controller.declare(server, controller.sample("inc1"), controller.sample("inc2"))
    assert controller.deploy().changed == ["inc2"]
    assert server.calls("POST", "/changeJournal") == []


def test_what_a_taking_back_left_is_no_edit(imported: Server, controller: Controller) -> None:
    assert controller.rollback("inc1").code == 0
    controller.declare(imported, controller.sample("inc1", force=True))
    assert controller.deploy("--check").changed == ["inc1"]
    assert imported.calls("POST", "/changeJournal") == []


def test_it_can_be_left_out(imported: Server, controller: Controller) -> None:
    imported.edit(REGION, by="viewer")
    assert told(imported, controller, "-e", "mstr_journal=false")[0] is None
    assert imported.calls("POST", "/changeJournal") == []


def test_it_is_asked_for_a_hundred_objects_at_most(server: Server, controller: Controller) -> None:
    from harness import make_package

    rows = [{"id": "%032X" % (1000 + number), "name": "Attribute %d" % number, "type": 12} for number in range(120)]
    path = make_package(controller.directory / "many.mmp", *rows, type="project")
    controller.declare(server, {"src": str(path)})
    assert controller.deploy().code == 0
    for row in rows:
        server.edit(row["id"], by="viewer")
    server.forget()
    plan = controller.deploy("--check").named("Plan the list")
    named = [change["edited"]["user"] for change in plan["packages"][0]["changes"]]
    assert (named.count("viewer"), named.count(None)) == (100, 20)
    assert len(server.calls("POST", "/changeJournal")) == 1
    assert "only 100 objects" in plan["packages"][0]["changes"][-1]["edited"]["text"]


def test_a_task_that_imports_a_file_names_them_too(server: Server, controller: Controller) -> None:
    options = {
        "src": str(controller.packages / "inc1.mmp"),
        "project": TUTORIAL,
        "history_dir": str(controller.history),
    }
    tasks = [{"name": "import", "mstr.migration.mstr_package_import": options}]
    assert controller.tasks(server, tasks).code == 0
    server.edit(REGION, by="viewer")
    run = controller.tasks(server, tasks, "--diff")
    assert "by viewer" in run.named("import")["diff"]["prepared"]
    assert server.has(declared("inc1"))
