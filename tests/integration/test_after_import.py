# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""After imports: the schema is reloaded once a project, caches are purged; what fails stays due, and is done later."""

from __future__ import annotations

import json
from typing import Any

import pytest
from harness import DEMO, TUTORIAL, Controller, Run, Server, declared, make_package, object_id

PROJECT = "MicroStrategy Tutorial"
RELOAD = "/model/schema/reload"
REFUSED = {"kind": "status", "status": 403, "body": {"code": "ERR017", "message": "Not now."}}


def report(controller: Controller, name: str = "sales", **spec: Any) -> dict[str, Any]:
    """Return a package that holds a report."""
    path = make_package(controller.directory / (name + ".mmp"), {"name": name, "type": 3}, **spec)
    return {"src": str(path)}


def attribute(controller: Controller, name: str = "Region", **spec: Any) -> dict[str, Any]:
    """Return a package that holds an attribute."""
    path = make_package(controller.directory / (name + ".mmp"), {"name": name, "type": 12}, **spec)
    return {"src": str(path)}


def reloads(server: Server, project: str = TUTORIAL) -> int:
    return int(server.upkeep()["schema_reloads"][project])


def receipts(controller: Controller) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in controller.receipts()]


def due(controller: Controller) -> list[bool]:
    """Return of each receipt whether it says that the schema is still to be reloaded."""
    return [bool((receipt.get("schema") or {}).get("due")) for receipt in receipts(controller)]


def imported(run: Run) -> dict[str, Any]:
    return run.named("Import what is due")


def in_order(server: Server) -> list[str]:
    """Return the imports and reloads in their order."""
    calls = [call["path"] for call in server.log() if call["method"] == "POST"]
    return [path for path in calls if path in ("/packages/imports", RELOAD)]


def test_the_schema_is_reloaded_once_after_the_last_import(server: Server, controller: Controller) -> None:
    controller.declare(server, attribute(controller), report(controller), attribute(controller, "Store"))
    run = controller.deploy()
    assert run.code == 0, run.output
    assert in_order(server) == ["/packages/imports"] * 3 + [RELOAD]
    assert reloads(server) == 1
    (became,) = imported(run)["schema"].items()
    assert became[0] == PROJECT
    assert (became[1]["reloaded"], became[1]["due"]) == (True, False)
    assert "schema of project MicroStrategy Tutorial: reloaded" in imported(run)["msg"]
    assert [bool((receipt.get("schema") or {}).get("reloaded")) for receipt in receipts(controller)] == [
        True, False, True
    ]  # fmt: skip
    assert controller.deploy().recap("prod")["changed"] == 0
    assert reloads(server) == 1


def test_a_report_alone_needs_none(server: Server, controller: Controller) -> None:
    controller.declare(server, report(controller))
    run = controller.deploy()
    assert run.code == 0, run.output
    assert reloads(server) == 0
    assert imported(run)["schema"] == {}
    assert "schema" not in receipts(controller)[0]


def test_a_package_that_reloads_the_schema_itself_needs_none(server: Server, controller: Controller) -> None:
    settings = {"updateSchema": ["recal_table_logical_size", "update_schema_logical_info"]}
    itself = attribute(controller, "Store", settings=settings)
    controller.declare(server, itself)
    assert controller.deploy().code == 0
    assert reloads(server) == 0
    # It reloads the schema for what was imported before it as well, but not for what comes after it.
    controller.declare(server, itself, attribute(controller), attribute(controller, "Shop", settings=settings))
    run = controller.deploy()
    assert run.code == 0, run.output
    assert reloads(server) == 0
    assert due(controller) == [False] * 3
    controller.declare(server, attribute(controller, "City"))
    assert controller.deploy().code == 0
    assert reloads(server) == 1


def test_recalculating_alone_is_no_reload(server: Server, controller: Controller) -> None:
    settings = {"updateSchema": ["recal_table_logical_size"]}
    controller.declare(server, attribute(controller, settings=settings))
    assert controller.deploy().code == 0
    assert reloads(server) == 1
    assert server._call("GET", "/settings")["schema_reload"] == "task"


def test_each_project_has_its_own(server: Server, controller: Controller) -> None:
    there = {**attribute(controller), "name": "there", "project": "Demo Project"}
    users = controller.sample("users", type="configuration")
    controller.declare(server, attribute(controller), there, users)
    run = controller.deploy()
    assert run.code == 0, run.output
    assert (reloads(server), reloads(server, DEMO)) == (1, 1)
    assert set(imported(run)["schema"]) == {PROJECT, "Demo Project"}


@pytest.mark.parametrize(
    ("role", "package", "kind", "expected"),
    [
        ("none", None, "attribute", 0),
        ("reload", None, "report", 1),
        ("none", "auto", "attribute", 1),
        ("none", "reload", "report", 1),
        ("auto", "none", "attribute", 0),
        ("", None, "attribute", 1),
    ],
)
def test_what_the_list_and_the_role_say(
    server: Server, controller: Controller, role: str, package: str | None, kind: str, expected: int
) -> None:
    item = {"report": report, "attribute": attribute}[kind](controller)
    controller.declare(server, {**item, **({"schema": package} if package else {})}, mstr_schema=role)
    assert controller.deploy().code == 0
    assert reloads(server) == expected


def test_a_reload_that_fails_leaves_the_import_and_is_done_by_the_next_run(
    server: Server, controller: Controller
) -> None:
    server.set(schema_failure="A table has no key.")
    controller.declare(server, attribute(controller))
    run = controller.deploy()
    assert run.code != 0
    (message,) = run.failures
    for word in (
        "schema of project MicroStrategy Tutorial was not reloaded",
        "no key",
        "stays so",
        "the next run does it",
    ):
        assert word in message
    assert run.changed == ["Region"]
    assert run.packages[0]["failed"] is False
    assert receipts(controller)[0]["state"] == "imported"
    assert receipts(controller)[0]["undo"]
    assert due(controller) == [True]
    assert server.held() == []

    check = controller.deploy("--check", "--diff")
    assert check.code == 0, check.output
    assert check.recap("prod")["changed"] == 1
    planned = check.named("Plan the list")
    assert planned["schema"] == {PROJECT: {"reloaded": False, "due": True, "seconds": None}}
    assert not planned["in_sync"]
    assert "schema of project MicroStrategy Tutorial: to be reloaded" in check.output
    assert due(controller) == [True]

    server.set(schema_failure=None)
    again = controller.deploy()
    assert again.code == 0, again.output
    assert again.recap("prod")["changed"] == 1
    assert again.changed == []
    assert reloads(server) == 1
    assert server.state()["imports_started"] == 1
    assert due(controller) == [False]
    assert controller.deploy().recap("prod")["changed"] == 0


def test_what_is_due_is_shown_before_the_import(server: Server, controller: Controller) -> None:
    controller.declare(server, attribute(controller), mstr_caches="purge")
    check = controller.deploy("--check", "--diff")
    planned = check.named("Plan the list")
    assert planned["schema"][PROJECT]["due"]
    assert planned["caches"] == {PROJECT: {"purged": [], "due": True}}
    assert "caches of project MicroStrategy Tutorial: to be purged" in check.output
    assert server.upkeep()["caches_purged"][TUTORIAL] == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"tasks_lost": 2}, ("not found",)),
        ({"schema_duration": 30}, ("did not end within 1 s (wait_timeout)",)),
    ],
)
def test_a_reload_whose_end_is_not_seen_stays_due(
    server: Server, controller: Controller, settings: dict[str, Any], words: tuple[str, ...]
) -> None:
    server.set(**settings)
    controller.declare(server, attribute(controller), mstr_wait_timeout=1)
    run = controller.deploy()
    assert run.code != 0
    for word in words:
        assert word in run.failures[0]
    assert due(controller) == [True]


def test_a_reload_that_a_restart_has_lost_is_asked_for_again(server: Server, controller: Controller) -> None:
    server.set(tasks_lost=1)
    controller.declare(server, attribute(controller))
    run = controller.deploy()
    assert run.code == 0, run.output
    assert len(server.calls("POST", RELOAD)) == 2
    assert reloads(server) == 1


@pytest.mark.parametrize("settings", [{"schema_reload": "sync"}, {"schema_duration": 0.4}], ids=["sync", "task"])
def test_a_reload_is_waited_for(server: Server, controller: Controller, settings: dict[str, Any]) -> None:
    server.set(**settings)
    controller.declare(server, attribute(controller))
    run = controller.deploy()
    assert run.code == 0, run.output
    assert reloads(server) == 1
    assert due(controller) == [False]


def test_a_server_without_the_calls_gets_a_warning(server: Server, controller: Controller) -> None:
    server.set(calls={"POST /model/schema/reload": False, "DELETE /monitors/projects/{}/caches/{}": False})
    controller.declare(server, attribute(controller), mstr_caches="purge")
    run = controller.deploy()
    assert run.code == 0, run.output
    assert run.changed == ["Region"]
    assert "is to be reloaded by hand" in run.warnings
    assert "caches of project MicroStrategy Tutorial are to be purged by hand" in run.warnings
    assert due(controller) == [False]
    again = controller.deploy()
    assert again.recap("prod")["changed"] == 0
    assert "by hand" not in again.warnings


def test_who_locks_the_schema_is_named(server: Server, controller: Controller) -> None:
    lock = {"lockType": "exclusive_constituent", "owner": {"id": "1", "name": "Ann"}, "machineName": "desk"}
    server._call("PUT", "/schema-locks/%s" % TUTORIAL, lock)
    server.set(locked_reload="refuse")
    # The preflight stops before the import what the lock would stop after it.
    controller.declare(server, attribute(controller), mstr_preflight=False)
    run = controller.deploy()
    assert "The schema is locked by Ann from desk since " in run.failures[0]
    assert due(controller) == [True]


def test_caches_are_purged_where_something_was_imported(server: Server, controller: Controller) -> None:
    there = {**report(controller, "there"), "project": "Demo Project", "caches": "none"}
    controller.declare(server, report(controller), there, mstr_caches="purge")
    run = controller.deploy()
    assert run.code == 0, run.output
    assert server.upkeep()["caches_purged"] == {TUTORIAL: ["element", "object"], DEMO: []}
    assert imported(run)["caches"] == {PROJECT: {"purged": ["element", "object"], "due": False}}
    assert controller.deploy().recap("prod")["changed"] == 0
    assert server.upkeep()["caches_purged"][TUTORIAL] == ["element", "object"]


def test_caches_that_are_not_purged_stay_due(server: Server, controller: Controller) -> None:
    server.fault("DELETE", "/caches/object$", REFUSED)
    controller.declare(server, report(controller), mstr_caches="purge")
    run = controller.deploy()
    assert run.code != 0
    assert "The object caches of project MicroStrategy Tutorial were not purged" in run.failures[0]
    assert receipts(controller)[0]["caches"] == {"due": True, "purged": ["element"]}
    # Whatever the next run says of caches: who asked for it wants it still.
    again = controller.deploy("-e", "mstr_caches=none")
    assert again.code == 0, again.output
    assert server.upkeep()["caches_purged"][TUTORIAL] == ["element", "element", "object"]
    assert controller.deploy().recap("prod")["changed"] == 0


def test_a_page_may_call_the_path_otherwise(server: Server, controller: Controller) -> None:
    calls = {"DELETE /monitors/projects/{}/caches/{}": False, "DELETE /monitors/projects/{}/cache/{}": True}
    server.set(calls=calls)
    controller.declare(server, report(controller), mstr_caches="purge")
    assert controller.deploy().code == 0
    assert server.upkeep()["caches_purged"][TUTORIAL] == ["element", "object"]


def test_taking_an_import_back_reloads_as_well(server: Server, controller: Controller) -> None:
    controller.declare(server, attribute(controller), report(controller))
    assert controller.deploy().code == 0
    assert reloads(server) == 1
    assert controller.rollback("sales").code == 0
    assert reloads(server) == 1
    server.set(schema_failure="No.")
    failed = controller.rollback("Region")
    assert failed.code != 0
    assert receipts(controller)[0]["state"] == "undone"
    assert due(controller) == [True, False]
    server.set(schema_failure=None)
    # It is taken back; what is left to do is done all the same.
    again = controller.rollback("Region")
    assert again.code == 0, again.output
    assert reloads(server) == 2
    assert due(controller) == [False, False]


def test_a_package_that_is_declared_as_undone_reloads_as_well(server: Server, controller: Controller) -> None:
    item = attribute(controller)
    controller.declare(server, item)
    assert controller.deploy().code == 0
    controller.declare(server, {**item, "state": "undone"})
    run = controller.deploy()
    assert run.code == 0, run.output
    assert reloads(server) == 2
    assert due(controller) == [False]


def test_what_was_imported_before_a_failure_is_followed_up(server: Server, controller: Controller) -> None:
    server.fault("POST", "^/packages/imports$", REFUSED, skip=1)
    controller.declare(server, attribute(controller), report(controller))
    run = controller.deploy()
    assert run.code != 0
    assert reloads(server) == 1
    assert due(controller) == [False]


def test_a_run_that_takes_back_what_it_imported_reloads_in_the_end(server: Server, controller: Controller) -> None:
    server.fault("POST", "^/packages/imports$", REFUSED, skip=1)
    controller.declare(server, attribute(controller), report(controller), mstr_on_failure="rollback")
    run = controller.deploy()
    assert run.code != 0
    assert in_order(server) == ["/packages/imports"] * 3 + [RELOAD]
    assert due(controller) == [False]
    assert not server.has({object_id("Region"): ""})


def test_a_failed_import_that_changed_schema_objects_counts(server: Server, controller: Controller) -> None:
    server.set(import_failure={"message": "No.", "after_objects": 1})
    controller.declare(server, controller.sample("inc1"))
    assert controller.deploy().code != 0
    assert reloads(server) == 1
    server.set(import_failure={"message": "No.", "after_objects": 0})
    assert controller.deploy().code != 0
    assert reloads(server) == 1


def test_one_task_alone_does_it_too(server: Server, controller: Controller) -> None:
    src = attribute(controller)["src"]
    options = {"src": src, "project": PROJECT, "history_dir": str(controller.history), "caches": "purge"}
    task = [{"name": "import", "mstr.migration.mstr_package_import": options}]
    server.set(schema_failure="No.")
    failed = controller.tasks(server, task)
    assert failed.code != 0
    assert failed.named("import")["import"]["status"] == "imported"
    assert failed.named("import")["schema"][PROJECT]["due"]
    assert failed.named("import")["caches"][PROJECT]["purged"] == ["element", "object"]
    server.set(schema_failure=None)
    again = controller.tasks(server, task)
    assert again.code == 0, again.output
    assert again.named("import")["changed"]
    assert again.named("import")["import"] is None
    assert reloads(server) == 1
    assert not controller.tasks(server, task).named("import")["changed"]
    # Without a history nobody tells that it is due; with a file of its own it is taken back.
    undo = next(controller.history.rglob("undo.mmp"))
    back = {"state": "applied", "src": str(undo), "project": PROJECT}
    taken = controller.tasks(server, [{"name": "back", "mstr.migration.mstr_undo_package": back}])
    assert taken.code == 0, taken.output
    assert reloads(server) == 2


def test_without_a_history_it_is_said_that_nobody_does_it(server: Server, controller: Controller) -> None:
    server.set(schema_failure="No.")
    options = {"src": attribute(controller)["src"], "project": PROJECT, "undo_dest": "{{ here }}/undo.mmp"}
    run = controller.tasks(server, [{"name": "import", "mstr.migration.mstr_package_import": options}])
    assert "do it by hand, since no history tells" in run.failures[0]


def test_objects_that_the_server_left_alone_need_no_reload(server: Server, controller: Controller) -> None:
    server.set(ignore_objects=list(declared("inc1")))
    controller.declare(server, controller.sample("inc1"))
    controller.deploy()
    assert reloads(server) == 0
    assert due(controller) == [False]


def test_an_approved_plan_does_what_is_due_still(server: Server, controller: Controller) -> None:
    server.set(schema_failure="No.")
    controller.declare(server, attribute(controller))
    assert controller.deploy().code != 0
    approved = ("-e", "mstr_plan_file=prod.plan.json")
    assert controller.deploy("--check", *approved).recap("prod")["changed"] == 1
    server.set(schema_failure=None)
    run = controller.deploy(*approved)
    assert run.code == 0, run.output
    assert reloads(server) == 1
    assert run.report["complete"]
