# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan is carried out: the one that was approved, or a run's own, planned anew where the world moved."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest
from harness import TUTORIAL, Controller, Run, Server, declared, object_id, running_server

SESSION = "{{ here }}/private/session.json"
HISTORY = "{{ here }}/history"
APPROVED = ("-e", "mstr_plan_file=prod.plan.json")
REFUSED = {"kind": "status", "status": 403, "body": {"code": "ERR017", "message": "Not now."}}


def approve(controller: Controller, *arguments: str) -> dict[str, Any]:
    """Have the plan written, as for a board. :returns: the document"""
    run = controller.deploy("--check", *APPROVED, *arguments)
    assert run.code == 0, run.output
    return document(controller)


def document(controller: Controller) -> dict[str, Any]:
    return dict(json.loads((controller.directory / "prod.plan.json").read_text(encoding="utf-8")))


def states(controller: Controller) -> list[tuple[str, str]]:
    receipts = [json.loads(path.read_text(encoding="utf-8")) for path in controller.receipts()]
    return [(receipt["name"], receipt["state"]) for receipt in receipts]


def assert_refused(run: Run, server: Server, *words: str) -> None:
    """Assert that a run was refused before anything was done, in these words."""
    assert run.code != 0
    (message,) = run.failures
    for word in ("plan_file: ", "Nothing was done.", *words):
        assert word in message
    assert server.state()["imports_started"] == 0
    assert server.held() == []


def test_what_was_approved_is_what_is_done(server: Server, controller: Controller) -> None:
    """One package that is to be undone, one of the configuration, one held, one in sync, two due."""
    controller.declare(server, *(controller.sample(name) for name in ("inc1", "finance")))
    assert controller.deploy().changed == ["inc1", "finance"]
    assert controller.rollback("finance").recap("prod")["changed"] == 1
    for key, version in declared("year").items():
        server.edit(key, name="seeded", type=12, version=version)
    users = controller.sample("users", type="configuration")
    names = ("finance", "year", "inc2", "inc3")
    packages = [controller.sample("inc1", state="undone"), users, *(controller.sample(name) for name in names)]
    controller.declare(server, *packages)
    before = (server.objects(), server.objects("configuration"))
    approved = approve(controller)
    steps = {step["name"]: step["do"] for step in approved["steps"]}
    assert steps == {
        "inc1": "take_back",
        "users": "import",
        "finance": "held",
        "year": "leave",
        "inc2": "import",
        "inc3": "import",
    }
    assert (server.objects(), server.objects("configuration")) == before
    imports = server.state()["imports_started"]

    run = controller.deploy(*APPROVED)
    assert run.code == 0, run.output
    assert run.changed == ["inc1", "users", "inc2", "inc3"]
    assert server.state()["imports_started"] == imports + 4
    assert run.named("Import what is due")["plan_id"] == approved["plan_id"]
    assert run.report["complete"]
    receipts = [json.loads(path.read_text(encoding="utf-8")) for path in controller.receipts()]
    of_plan = [receipt["name"] for receipt in receipts if receipt.get("plan_id") == approved["plan_id"]]
    assert sorted(of_plan) == ["inc2", "inc3", "users"]

    again = controller.deploy(*APPROVED)
    assert (again.code, again.changed) == (0, [])
    assert server.state()["imports_started"] == imports + 4
    assert server.held() == []


def test_an_object_edited_since_stops_the_plan_as_a_whole(server: Server, controller: Controller) -> None:
    for key, version in declared("finance").items():
        server.edit(key, name="seeded", type=4, version=version)
    server.edit(object_id("Amount", 13), name="Amount", type=13)
    controller.declare(server, controller.sample("inc1"), controller.sample("finance"))
    approved = approve(controller)
    server.edit(object_id("Amount", 13), name="Amount", type=13)
    now = server.objects()[object_id("Amount", 13)]["version"]
    run = controller.deploy(*APPROVED)
    assert_refused(run, server, approved["plan_id"], 'Fact "Amount"', object_id("Amount", 13), now, "is stale")
    # Without the file the run plans anew.
    run = controller.deploy()
    assert run.changed == ["inc1", "finance"]


def test_an_object_that_was_to_be_left_alone_is_looked_at_too(server: Server, controller: Controller) -> None:
    for key, version in declared("inc1").items():
        server.edit(key, name="seeded", type=12, version=version)
    controller.declare(server, controller.sample("inc1"), controller.sample("finance"))
    approved = approve(controller)
    assert [step["do"] for step in approved["steps"]] == ["leave", "import"]
    server.edit(object_id("Store"), name="Store", type=12)
    assert_refused(controller.deploy(*APPROVED), server, '"Store"')


@pytest.mark.parametrize("what", ["the list", "the order", "an option", "the file", "the selection", "the age", "gone"])
def test_a_plan_of_something_else_is_refused(what: str, server: Server, controller: Controller) -> None:
    packages = [controller.sample("inc1"), controller.sample("finance")]
    controller.declare(server, *packages)
    approve(controller)
    arguments: list[str] = []
    if what == "the list":
        controller.declare(server, packages[0])
        words = ["Package finance is in the plan, and not in the list"]
    elif what == "the order":
        controller.declare(server, *reversed(packages))
        words = ["The list has another order than in the plan"]
    elif what == "an option":
        controller.declare(server, packages[0], {**packages[1], "force": True})
        words = ["Package finance has force: true in the list, and false in the plan"]
    elif what == "the file":
        other = controller.directory / "finance.mmp"
        shutil.copy(controller.packages / "year.mmp", other)
        controller.declare(server, packages[0], {"src": str(other)})
        words = ["The file of package finance is another one than in the plan"]
    elif what == "the selection":
        arguments = ["-e", "mstr_package=inc1"]
        words = ["is for the whole list, and this task for the package inc1 alone"]
    elif what == "the age":
        arguments = ["-e", "mstr_plan_max_age=0.001"]
        words = ["plan_max_age", "too old"]
    else:
        (controller.directory / "prod.plan.json").unlink()
        run = controller.deploy(*APPROVED)
        assert "plan_file: there is no file" in run.failures[0]
        assert (server.state()["imports_started"], server.held()) == (0, [])
        return
    assert_refused(controller.deploy(*APPROVED, *arguments), server, *words)


def test_a_plan_for_another_server_is_refused(server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1"), mstr_environment_name="prod")
    approve(controller)
    with running_server() as other:
        controller.declare(other, controller.sample("inc1"), mstr_environment_name="prod")
        assert_refused(controller.deploy(*APPROVED), other, "is for environment prod, the server %s" % server.base_url)


def test_a_run_of_it_that_broke_off_is_continued(server: Server, controller: Controller) -> None:
    names = ("inc1", "inc2", "finance")
    controller.declare(server, *(controller.sample(name) for name in names))
    approve(controller)
    server.fault("POST", "^/packages/imports$", REFUSED, skip=2, times=1)
    broken = controller.deploy(*APPROVED)
    assert broken.code != 0
    assert broken.changed == ["inc1", "inc2"]
    assert [row["failed"] for row in broken.packages] == [False, False, True]
    run = controller.deploy(*APPROVED)
    assert (run.code, run.changed) == (0, ["finance"])
    assert server.has(declared("inc1", "inc2"))
    assert server.held() == []


def test_forced_packages_and_copies_are_done_once(server: Server, controller: Controller) -> None:
    forced = controller.sample("inc1", force=True)
    copied = controller.sample("keep_both", generate_undo=False)
    controller.declare(server, forced, copied)
    approve(controller)
    assert controller.deploy(*APPROVED).changed == ["inc1", "keep_both"]
    again = controller.deploy(*APPROVED)
    assert (again.code, again.changed) == (0, [])
    # What is taken back stays so, although the plan forces it: a job that repeats would undo the taking back.
    controller.rollback("inc1", "-e", "mstr_force=true")
    refused = controller.deploy(*APPROVED)
    assert refused.code != 0
    assert "Package inc1 was taken back since" in refused.failures[0]
    approve(controller)
    assert "inc1" in controller.deploy(*APPROVED).changed


def test_a_plan_of_what_was_taken_back_after_an_import_without_effect_stops(
    server: Server, controller: Controller
) -> None:
    controller.declare(server, controller.sample("inc1", force=True))
    approve(controller)
    controller.deploy(*APPROVED)
    # By a nightly job, and nothing changes; so it is the import of the plan that is taken back.
    controller.deploy()
    controller.rollback("inc1")
    assert not server.has(declared("inc1"))
    started = server.state()["imports_started"]
    run = controller.deploy(*APPROVED)
    assert "Package inc1 was taken back since" in run.failures[0]
    assert server.state()["imports_started"] == started


def test_a_package_that_was_taken_back_since_stops_it(server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1"), controller.sample("finance"))
    approve(controller)
    controller.declare(server, controller.sample("inc1"))
    controller.deploy()
    controller.rollback("inc1")
    controller.declare(server, controller.sample("inc1"), controller.sample("finance"))
    started = server.state()["imports_started"]
    run = controller.deploy(*APPROVED)
    assert "Package inc1 was taken back since, and stays so" in run.failures[0]
    assert server.state()["imports_started"] == started


def test_two_machines_approve_the_same(server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1"), controller.sample("finance"))
    first = approve(controller)
    # What another machine learnt of the packages is not there, nor is what it has read.
    shutil.rmtree(controller.history, ignore_errors=True)
    (controller.directory / "prod.plan.json").unlink()
    second = approve(controller)
    for name in ("made", "run", "checksum"):
        del first[name], second[name]
    assert second == first
    controller.deploy(*APPROVED)


def tasks(controller: Controller, *packages: dict[str, Any], **options: Any) -> dict[str, dict[str, Any]]:
    """Return tasks that log in as a run, plan, and carry the plan out, by their modules."""
    listed = {"session_file": SESSION, "packages": list(packages), "project": TUTORIAL, "history_dir": HISTORY}
    listed.update(plan_file="{{ log_in.plan_file }}", manifest_dir=HISTORY + "/manifests", **options)
    return {
        "log_in": {
            "name": "log_in",
            "mstr.migration.mstr_session": {"session_file": SESSION, "history_dir": HISTORY},
        },
        "plan": {"name": "plan", "mstr.migration.mstr_package_plan": dict(listed)},
        "import": {"name": "import", "mstr.migration.mstr_package_import": dict(listed)},
    }


def test_a_runs_own_plan_is_made_anew_where_the_world_has_moved(server: Server, controller: Controller) -> None:
    steps = tasks(controller, controller.sample("inc1"), controller.sample("finance"))
    planned = controller.tasks(server, [steps["log_in"], steps["plan"]]).named("plan")
    assert planned["logged_out"] is False
    # Somebody else has brought in a part of it meanwhile.
    for key, version in declared("inc1").items():
        server.edit(key, name="seeded", type=12, version=version)
    run = controller.tasks(server, [steps["import"]])
    done = run.named("import")
    assert done["outcome"] == "ok", run.output
    assert [row["changed"] for row in done["packages"]] == [False, True]
    assert done["logged_out"] is True
    assert server.has(declared("inc1"))
    assert list((controller.directory / "private").iterdir()) == []
    assert server.held() == []


def test_what_moved_in_a_package_is_said(server: Server, controller: Controller) -> None:
    steps = tasks(controller, controller.sample("finance"))
    controller.tasks(server, [steps["log_in"], steps["plan"]])
    server.edit(object_id("Amount", 13), name="Amount", type=13)
    run = controller.tasks(server, [steps["import"]])
    assert run.named("import")["planned_anew"] == ["finance"]
    assert "Package finance was planned anew" in run.warnings
    assert run.named("import")["packages"][0]["summary"]["replace"] == 1


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_a_run_whose_plan_leaves_nothing_to_do_is_closed(check: bool, server: Server, controller: Controller) -> None:
    steps = tasks(controller, controller.sample("inc1"))
    if not check:
        for key, version in declared("inc1").items():
            server.edit(key, name="seeded", type=12, version=version)
    planned = controller.tasks(server, [steps["log_in"], steps["plan"]], *(["--check"] if check else [])).named("plan")
    assert (planned["in_sync"], planned["logged_out"]) == (not check, True)
    assert planned["packages"][0]["changed"] is check
    assert server.held() == []
    assert list((controller.directory / "private").iterdir()) == []


def test_a_session_of_no_run_stays_open(server: Server, controller: Controller) -> None:
    steps = tasks(controller, controller.sample("inc1"))
    steps["log_in"]["mstr.migration.mstr_session"].pop("history_dir")
    for step in ("plan", "import"):
        (options,) = (value for key, value in steps[step].items() if key != "name")
        options["plan_file"] = "{{ here }}/my.plan.json"
    run = controller.tasks(server, list(steps.values()))
    assert run.failures == [], run.output
    assert [run.named(name)["logged_out"] for name in ("plan", "import")] == [False, False]
    assert run.named("import")["changed"]
    assert len(server.state()["sessions"]) == 1


def test_one_task_with_credentials_carries_a_plan_out(server: Server, controller: Controller) -> None:
    steps = tasks(controller, controller.sample("inc1"), controller.sample("users", type="configuration"))
    for step in ("plan", "import"):
        (options,) = (value for key, value in steps[step].items() if key != "name")
        options.update(session_file=None, plan_file="{{ here }}/my.plan.json")
    run = controller.tasks(server, [steps["plan"], steps["import"]])
    done = run.named("import")
    assert done["outcome"] == "ok", run.output
    head, *lines = done["msg"].splitlines()
    assert head.startswith("plan %s, made " % done["plan_id"])
    assert lines == [
        "inc1 (project %s): imported, %d created; undo kept" % (TUTORIAL, len(declared("inc1"))),
        "users: imported, %d created; undo kept" % done["packages"][1]["summary"]["create"],
        "schema of project %s: reloaded" % TUTORIAL,
    ]
    assert server.held() == []


def test_in_check_mode_it_says_what_would_be_done(server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1"), controller.sample("finance"))
    approve(controller)
    options = {"packages": [controller.sample("inc1"), controller.sample("finance")], "project": TUTORIAL}
    options.update(plan_file="{{ here }}/prod.plan.json", history_dir=HISTORY)
    task = {"name": "import", "mstr.migration.mstr_package_import": options}
    done = controller.tasks(server, [task], "--check", "--diff").named("import")
    assert done["outcome"] == "ok", done["msg"]
    assert (done["changed"], [row["changed"] for row in done["packages"]]) == (True, [True, True])
    assert "inc1: would be imported" in done["msg"]
    assert done["diff"]["prepared"].startswith("plan %s, made " % document(controller)["plan_id"])
    assert server.state()["imports_started"] == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"wait": False, "session_file": SESSION}, "wait: each import of a plan is waited for"),
        ({"force": True}, "force: with plan_file"),
        ({"on_failure": "rollback"}, "on_failure: rollback takes imports back by their history"),
        ({"src": "x.mmp"}, "mutually exclusive"),
    ],
    ids=["wait", "force", "no history", "src"],
)
def test_options_that_do_not_go_with_a_plan(
    options: dict[str, Any], words: str, server: Server, controller: Controller
) -> None:
    (controller.directory / "my.plan.json").write_text("{}")
    given = {"packages": [controller.sample("inc1")], "plan_file": "{{ here }}/my.plan.json", **options}
    run = controller.tasks(server, [{"name": "import", "mstr.migration.mstr_package_import": given}])
    assert words in run.named("import")["msg"]
    assert server.state()["imports_started"] == 0


def test_the_third_of_five_fails_and_all_is_as_before(server: Server, controller: Controller) -> None:
    names = ("inc1", "inc2", "finance", "inc3", "year")
    controller.declare(server, *(controller.sample(name) for name in names), mstr_on_failure="rollback")
    before = server.objects()
    server.fault("POST", "^/packages/imports$", REFUSED, skip=2, times=1)
    run = controller.deploy()
    assert run.code != 0
    (message,) = run.failures
    assert "Taken back, newest first: inc2, inc1. The environment is as it was before this run." in message
    assert [row["name"] for row in run.packages if row["failed"]] == ["finance"]
    assert server.objects() == before
    assert states(controller) == [("inc1", "undone"), ("inc2", "undone")]
    # That of the year is there already.
    assert controller.deploy().changed == ["inc1", "inc2", "finance", "inc3"]
    assert server.held() == []


def test_what_cannot_be_looked_at_in_the_end_takes_nothing_back(server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1"), controller.sample("year"), mstr_on_failure="rollback")
    down = {"kind": "status", "status": 500, "body": {"code": "ERR002", "message": "The metadata database is down."}}
    # That of the year is there already. It is looked up for the plan, and in the end.
    for key in declared("year"):
        server.fault("GET", "^/objects/%s" % key, down, skip=1, times=None)
    run = controller.deploy()
    (message,) = run.failures
    assert "All that was due is done." in message
    assert run.changed == ["inc1"]
    assert run.report["complete"] is False
    assert states(controller) == [("inc1", "imported")]
    assert server.held() == []
