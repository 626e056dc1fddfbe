# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role tells at its end, and that nothing of one use gets into the next one of the same run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from harness import Controller, Run, Server, declared, running_server

DOWN = {"kind": "status", "status": 500, "body": {"code": "ERR002", "message": "The metadata database is down."}}
REFUSED = {"kind": "status", "status": 403, "body": {"code": "ERR017", "message": "Not now."}}


def site(controller: Controller, plays: list[dict[str, Any]], *arguments: str) -> Run:
    """Run plays on the inventory."""
    (controller.directory / "site.yml").write_text(json.dumps(plays), encoding="utf-8")
    return controller.playbook("-i", "inventory.yml", "site.yml", *arguments)


def play(*tasks: dict[str, Any]) -> dict[str, Any]:
    interpreter = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    return {"hosts": "mstr", "connection": "local", "gather_facts": False, "vars": interpreter, "tasks": tasks}


def use(*packages: dict[str, Any], **variables: Any) -> dict[str, Any]:
    """Return the task that uses the role for these packages."""
    return {
        "name": "use",
        "ansible.builtin.include_role": {"name": "mstr.migration.mstr"},
        "vars": {"mstr_packages": packages, **variables},
    }


def result_of(run: Run) -> list[dict[str, Any]]:
    """Return what the role told of the packages, use by use."""
    return [
        package
        for item in run.results
        if item["task"] == "Keep the result"
        for package in item["result"]["ansible_facts"]["mstr_packages_result"]
    ]


def state(receipt: Path) -> str:
    return str(json.loads(receipt.read_text(encoding="utf-8"))["state"])


def undone_and_due(controller: Controller, server: Server) -> None:
    """Leave an environment with an import to take back, and another package to import."""
    controller.declare(server, controller.sample("inc1"))
    assert controller.steps("deploy").changed == ["inc1"]
    controller.declare(server, controller.sample("inc1", state="undone"), controller.sample("finance"))


@pytest.mark.ansible
def test_a_run_that_only_plans_is_not_complete(server: Server, controller: Controller) -> None:
    undone_and_due(controller, server)
    run = controller.deploy("--tags", "plan")
    assert run.code == 0, run.output
    assert run.changed == run.report["changed"] == []
    assert run.report["complete"] is False
    # What was left is done by a run that leaves nothing out, and is then complete.
    rest = controller.deploy()
    assert rest.changed == rest.report["changed"] == ["inc1", "finance"]
    assert rest.report["complete"] is True
    assert server.held() == []


def test_in_check_mode_all_that_is_due_is_shown(server: Server, controller: Controller) -> None:
    undone_and_due(controller, server)
    report = controller.deploy("--check").report
    assert (report["complete"], report["changed"], report["failed"]) == (True, ["inc1", "finance"], [])


def test_the_report_names_what_failed_and_what_was_taken_back(server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1"), controller.sample("finance"), mstr_on_failure="rollback")
    before = server.objects()
    server.fault("POST", "^/packages/imports$", REFUSED, skip=1, times=1)
    run = controller.deploy()
    assert run.code != 0
    assert server.objects() == before
    report = run.report
    assert (report["complete"], report["failed"], report["taken_back"]) == (False, ["finance"], ["inc1"])


def test_a_package_that_could_not_be_taken_back_is_reported_as_failed(server: Server, controller: Controller) -> None:
    undone_and_due(controller, server)
    server.set(import_failure={"message": "No space.", "after_objects": 0})
    run = controller.deploy()
    assert run.code != 0
    report = run.report
    assert (report["complete"], report["failed"], report["changed"]) == (False, ["inc1"], [])
    assert "No space." in run.packages[0]["msg"]
    assert server.held() == []


def test_a_package_that_is_taken_back_and_not_verified_is_reported_as_both(
    server: Server, controller: Controller
) -> None:
    controller.declare(server, controller.sample("inc1"))
    controller.steps("deploy")
    controller.declare(server, controller.sample("inc1", state="undone"))
    # Once for the plan, and once for what the undo package holds.
    server.fault("GET", "^/objects/", DOWN, skip=2 * len(declared("inc1")), times=None)
    run = controller.deploy()
    assert run.code != 0
    assert "inc1 is taken back" in run.failures[0]
    report = run.report
    assert (report["complete"], report["failed"], report["changed"]) == (False, ["inc1"], ["inc1"])


@pytest.mark.ansible
def test_the_report_comes_even_where_the_log_out_fails(server: Server, controller: Controller) -> None:
    # No timeout for the log-out alone, which is the one that comes after a plan.
    timeout = "{{ 'none' if __mstr_planned.packages is defined else 60 }}"
    controller.declare(server, controller.sample("inc1"), mstr_timeout=timeout, mstr_lease_timeout=3)
    run = controller.deploy("--tags", "plan")
    assert run.code != 0
    assert "timeout" in run.named("Log out")["msg"]
    assert run.report["packages"][0]["name"] == "inc1"
    assert [package["due"] for package in run.packages] == [True]
    controller.declare(server, controller.sample("inc1"), mstr_lease_timeout=3)
    assert controller.steps("deploy").changed == ["inc1"]
    assert server.held() == []


@pytest.mark.oldest_core
def test_the_role_can_be_used_again_in_a_play(server: Server, controller: Controller) -> None:
    controller.declare(server)
    first, second = controller.sample("inc1"), controller.sample("finance")
    run = site(controller, [play(use(first), use(first, second), use({**first, "state": "undone"}))])
    assert run.code == 0, run.output
    told = [(package["name"], package["changed"]) for package in result_of(run)]
    assert told == [("inc1", True), ("inc1", False), ("finance", True), ("inc1", True)]
    assert [state(path) for path in controller.receipts()] == ["undone", "imported"]
    assert server.held() == []


@pytest.mark.ansible
def test_nothing_of_a_failed_use_is_in_the_next(server: Server, controller: Controller) -> None:
    controller.declare(server, mstr_on_failure="rollback")
    server.fault("POST", "^/packages/imports$", REFUSED, skip=1, times=1)
    packages = [controller.sample("inc1"), controller.sample("finance")]
    rescued = {"block": [use(*packages)], "rescue": [use(*packages)]}
    run = site(controller, [play(rescued)])
    assert run.code == 0, run.output
    told = [(package["name"], package["changed"]) for package in result_of(run)]
    # What the first use imported it took back, and the second one imports it again.
    assert told == [("inc1", True), ("finance", False), ("inc1", True), ("finance", True)]
    report = run.report
    assert (report["complete"], report["failed"], report["taken_back"]) == (True, [], [])
    assert [state(path) for path in controller.receipts()] == ["undone", "imported", "imported"]


@pytest.mark.ansible
@pytest.mark.parametrize("how", ["run", "check", "not closed"])
def test_a_deploy_after_a_rollback_has_a_session_of_its_own(how: str, server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1"), controller.sample("finance"), mstr_retries=0)
    controller.steps("deploy")
    if how == "not closed":
        # The rollback cannot log out, so its session is still there for the deploy to find.
        server.fault("POST", "^/auth/logout$", DOWN)
    playbooks = [{"ansible.builtin.import_playbook": "mstr.migration." + name} for name in ("rollback", "deploy")]
    run = site(controller, playbooks, "-e", "mstr_package=finance", *(["--check"] if how == "check" else []))
    assert run.code == 0, run.output
    sessions = [item["result"]["session_file"] for item in run.results if item["task"] == "Log in"]
    assert len(sessions) == len(set(sessions)) == 2
    found = [{"entry": None, "outcome": "released"}] if how == "not closed" else []
    assert run.named("Log in")["recovered"] == found
    assert run.packages[1]["state"] == ("imported" if how == "check" else "held")
    assert server.held() == []
    assert list(controller.history.glob("*/sessions/*")) == []
    assert [name for name in controller.left_in_tmp() if "mstr_session" in name] == []


@pytest.mark.ansible
def test_a_rollback_and_a_deploy_of_two_environments_of_one_host(server: Server, controller: Controller) -> None:
    with running_server() as second:
        controller.declare(server, controller.sample("inc1"))
        controller.steps("deploy")
        rollback = {
            "name": "roll back",
            "ansible.builtin.include_role": {"name": "mstr.migration.mstr", "tasks_from": "rollback"},
            "vars": {"mstr_package": "inc1"},
        }
        elsewhere = use(controller.sample("finance"), mstr_base_url=second.base_url)
        run = site(controller, [play(rollback), play(elsewhere)])
        assert run.code == 0, run.output
        files = [Path(item["result"]["session_file"]) for item in run.results if item["task"] == "Log in"]
        assert files[0].parent != files[1].parent
        assert run.changed == ["finance"]
        assert [each.held() for each in (server, second)] == [[], []]
