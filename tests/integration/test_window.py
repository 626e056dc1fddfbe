# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A window: projects are idle while packages are imported, and are afterwards what they were, whatever happens."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import DEMO, PASSWORD, TUTORIAL, Controller, Run, Server, declared
from processes import output, started, until
from test_cut_off import LEASE, called, cut_off, everything, the_module

PROJECT = "MicroStrategy Tutorial"
REFUSED = {"kind": "status", "status": 403, "body": {"code": "ERR017", "message": "Not now."}}
ONE, TWO = {"name": "one", "default": True}, {"name": "two"}


def nodes(server: Server, *rows: dict[str, Any]) -> None:
    server._call("PUT", "/nodes", list(rows))


def states(server: Server, project: str = TUTORIAL) -> dict[str, str]:
    return dict(server.upkeep()["states"][project])


def declare(controller: Controller, server: Server, *packages: str, **variables: Any) -> None:
    limits = {"mstr_lease_timeout": LEASE, "mstr_lock_timeout": 20, "mstr_window": True}
    controller.declare(server, *map(controller.sample, packages or ("inc1",)), **{**limits, **variables})


def note(controller: Controller) -> list[Path]:
    """Return the notes of windows that are open."""
    return sorted(controller.history.glob("locks/*.window.json"))


def window(run: Run) -> dict[str, Any]:
    return dict(run.named("Import what is due")["window"])


def receipts(controller: Controller) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in controller.receipts()]


def test_a_project_is_idle_for_its_imports_and_then_what_it_was(server: Server, controller: Controller) -> None:
    nodes(server, ONE, TWO)
    server.set(pending_polls=2)
    server._call("PUT", "/connections", [{"username": name, "projectId": TUTORIAL} for name in ("joe", "jane", "joe")])
    declare(controller, server, "inc1", "inc2")
    run = controller.deploy()
    assert run.code == 0, run.output
    loaded = {"one": "loaded", "two": "loaded"}
    assert window(run) == {PROJECT: {"before": loaded, "restored": True, "users": ["jane", "joe"]}}
    assert "project MicroStrategy Tutorial: idled, connected then: jane, joe; restored" in run.output
    assert server.upkeep()["imported_while"] == [{"one": "full_idle", "two": "full_idle"}] * 2
    assert states(server) == loaded
    assert [receipt["window"] for receipt in receipts(controller)] == [{"before": loaded, "restored": True}] * 2
    assert note(controller) == []
    # The schema is reloaded before users are let in again.
    calls = [call["path"] for call in server.log() if call["method"] in ("POST", "PATCH")]
    assert calls.index("/model/schema/reload") < len(calls) - 1 - calls[::-1].index("/monitors/projects/status")

    server.forget()
    again = controller.deploy()
    assert again.recap("prod")["changed"] == 0
    assert not server.calls("GET", "/monitors") + server.calls("PATCH", "/monitors")


@pytest.mark.parametrize(
    "before",
    [
        {"one": "loaded", "two": "unloaded"},
        {"one": "loaded", "two": "request_idle"},
        {"one": "loaded", "two": "full_idle"},
        {"one": "full_idle", "two": "full_idle"},
        {"one": "partial_idle", "two": "partial_idle"},
    ],
    ids=lambda before: "+".join(before.values()),
)
def test_each_node_is_what_it_was(server: Server, controller: Controller, before: dict[str, str]) -> None:
    """On a node that does not have the project it is not loaded, and what was idle stays so."""
    rows = [{"name": name, "default": name == "one", "projects": {TUTORIAL: state}} for name, state in before.items()]
    nodes(server, *rows, {"name": "three", "status": "stopped"})
    declare(controller, server)
    run = controller.deploy()
    assert run.code == 0, run.output
    assert states(server) == {**before, "three": "unloaded"}
    (while_importing,) = server.upkeep()["imported_while"]
    idle = {name: "unloaded" if state == "unloaded" else "full_idle" for name, state in before.items()}
    assert while_importing == {**idle, "three": "unloaded"}
    assert window(run)[PROJECT]["before"] == before
    untouched = [name for name, state in before.items() if state in ("unloaded", "full_idle")]
    assert not [change for change in server.upkeep()["project_states"] if change[0] in untouched]


@pytest.mark.parametrize("release", ["2021-update-2", "2024"])
def test_an_older_server_is_asked_node_by_node(server: Server, controller: Controller, release: str) -> None:
    nodes(server, ONE, TWO)
    server.set(release=release)
    declare(controller, server)
    run = controller.deploy()
    assert run.code == 0, run.output
    assert server.upkeep()["imported_while"] == [{"one": "full_idle", "two": "full_idle"}]
    assert states(server) == {"one": "loaded", "two": "loaded"}


def test_a_server_without_the_calls_gets_a_warning(server: Server, controller: Controller) -> None:
    calls = ("PATCH /monitors/projects/status", "PATCH /monitors/iServer/nodes/{}/projects/{}")
    server.set(calls=dict.fromkeys(calls, False))
    declare(controller, server)
    run = controller.deploy()
    assert run.code == 0, run.output
    assert "is not idled, because this server has no call for it" in run.warnings
    assert window(run) == {}
    assert note(controller) == []
    assert server.has(declared("inc1"))


def test_only_projects_in_which_something_is_due_are_idled(server: Server, controller: Controller) -> None:
    declare(controller, server)
    assert controller.deploy().code == 0
    users = controller.sample("users", type="configuration")
    there = controller.sample("inc2", project="Demo Project")
    controller.declare(server, controller.sample("inc1"), users, there, mstr_window="yes")
    run = controller.deploy()
    assert run.code == 0, run.output
    assert set(window(run)) == {"Demo Project"}
    assert states(server, DEMO) == {"node1": "loaded"}


def test_who_may_not_ask_for_users_does_without(server: Server, controller: Controller) -> None:
    server.fault("GET", "^/monitors/userConnections$", REFUSED)
    declare(controller, server)
    run = controller.deploy()
    assert run.code == 0, run.output
    assert window(run)[PROJECT]["users"] is None


# What fails


def assert_nothing_done(server: Server, controller: Controller) -> None:
    assert server.state()["imports_started"] == 0
    assert states(server) == {"node1": "loaded"}
    assert note(controller) == []
    assert server.held() == []


@pytest.mark.parametrize("path", ["^/monitors/iServer/nodes$", "^/monitors/projects/status$"])
def test_what_cannot_be_idled_is_not_imported(server: Server, controller: Controller, path: str) -> None:
    # The preflight asks for the nodes too, and goes on without.
    server.fault("*", path, REFUSED, times=2 if "nodes" in path else 1)
    declare(controller, server)
    run = controller.deploy()
    assert run.code != 0
    assert "Not now" in run.failures[0]
    assert_nothing_done(server, controller)


def test_a_project_that_does_not_become_idle_is_restored(server: Server, controller: Controller) -> None:
    server.set(pending_polls=1000)
    declare(controller, server, mstr_wait_timeout=1)
    run = controller.deploy()
    assert run.code != 0
    assert "wait for the project to be full_idle on node1" in run.failures[0]
    # It was not seen to come back either, which the next run finds out.
    assert "The next run on this environment restores them first" in run.failures[0]
    assert len(note(controller)) == 1
    server.set(pending_polls=0)
    nodes(server, {"name": "node1", "default": True, "projects": {TUTORIAL: "full_idle"}})
    assert controller.deploy().code == 0
    assert states(server) == {"node1": "loaded"}


def test_a_failed_import_leaves_the_project_as_it_was(server: Server, controller: Controller) -> None:
    server.set(idle_import="fail")
    declare(controller, server)
    run = controller.deploy()
    assert run.code != 0
    assert "The project is idle" in run.failures[0]
    assert states(server) == {"node1": "loaded"}
    assert note(controller) == []
    assert window(run)[PROJECT]["restored"] is True
    assert receipts(controller)[0]["window"]["restored"] is True


def test_what_is_not_restored_is_said_and_put_right_by_the_next_run(server: Server, controller: Controller) -> None:
    server.fault("PATCH", "^/monitors/projects/status$", REFUSED, skip=1, times=None)
    declare(controller, server)
    run = controller.deploy()
    assert run.code != 0
    for word in ("What was due is done", "are not restored", "loaded on node1", "Not now", str(note(controller)[0])):
        assert word in run.failures[0]
    assert states(server) == {"node1": "full_idle"}
    assert receipts(controller)[0]["window"]["restored"] is False
    check = controller.deploy("--check")
    assert "Projects are idle for an import since" in check.warnings
    assert states(server) == {"node1": "full_idle"}
    server.reset_faults()
    # Also a run that is not to idle anything, and has nothing to do.
    again = controller.deploy("-e", "mstr_window=false")
    assert again.code == 0, again.output
    assert "They are restored: MicroStrategy Tutorial (loaded on node1)" in again.warnings
    assert states(server) == {"node1": "loaded"}
    assert note(controller) == []
    assert receipts(controller)[0]["window"]["restored"] is True
    assert server.state()["imports_started"] == 1


def test_the_log_out_restores_what_a_task_could_not(server: Server, controller: Controller) -> None:
    server.fault("PATCH", "^/monitors/projects/status$", REFUSED, skip=1)
    declare(controller, server)
    run = controller.deploy()
    assert run.code != 0
    assert "are restored: MicroStrategy Tutorial" in run.warnings
    assert states(server) == {"node1": "loaded"}
    assert note(controller) == []


def test_a_session_that_ends_meanwhile_is_replaced_to_restore(server: Server, controller: Controller) -> None:
    server.fault("GET", "^/packages/imports/", {"kind": "expire"})
    declare(controller, server)
    run = controller.deploy()
    assert run.code != 0
    assert states(server) == {"node1": "loaded"}
    assert note(controller) == []
    assert server.held() == []


def test_a_session_that_ends_after_the_imports_is_replaced_to_restore(server: Server, controller: Controller) -> None:
    server.fault("GET", "^/model/tasks/", {"kind": "expire"})
    declare(controller, server)
    run = controller.deploy()
    assert run.code != 0
    assert "schema of project MicroStrategy Tutorial was not reloaded" in run.failures[0]
    assert states(server) == {"node1": "loaded"}
    assert controller.deploy().code == 0
    assert server.state()["imports_started"] == 1


def test_a_node_that_has_gone_is_named(server: Server, controller: Controller) -> None:
    nodes(server, ONE, TWO)
    server.fault("PATCH", "^/monitors/projects/status$", REFUSED, skip=1, times=None)
    declare(controller, server)
    assert controller.deploy().code != 0
    server.reset_faults()
    nodes(server, {**ONE, "projects": {TUTORIAL: "full_idle"}}, {**TWO, "status": "stopped"})
    run = controller.deploy()
    assert run.code == 0, run.output
    assert "idled on nodes that do not run any more: two" in run.warnings
    assert states(server)["one"] == "loaded"


def test_a_note_that_cannot_be_read_stops_the_run(server: Server, controller: Controller) -> None:
    server.fault("PATCH", "^/monitors/projects/status$", REFUSED, skip=1, times=None)
    declare(controller, server)
    assert controller.deploy().code != 0
    (path,) = note(controller)
    for secret in (*server.secrets(), PASSWORD):
        assert secret not in path.read_text(encoding="utf-8")
    path.write_text("{", encoding="utf-8")
    run = controller.deploy()
    assert run.code != 0
    assert "says which projects a run has idled, and cannot be read" in run.failures[0]
    assert server.held() == []


def test_a_window_needs_a_history_and_the_environment_for_itself(server: Server, controller: Controller) -> None:
    src = {"src": str(controller.packages / "inc1.mmp"), "project": PROJECT, "window": True}
    run = controller.tasks(server, [{"name": "import", "mstr.migration.mstr_package_import": src}])
    assert "window: it needs history_dir" in run.failures[0]
    assert server.log() == []
    session = {"session_file": "{{ here }}/session.json"}
    tasks = [
        {"name": "log in", "mstr.migration.mstr_session": session},
        {
            "name": "import",
            "mstr.migration.mstr_package_import": {**src, **session, "history_dir": str(controller.history)},
        },
        {"name": "log out", "mstr.migration.mstr_session": {**session, "state": "absent"}},
    ]
    assert "does not have the environment to itself" in controller.tasks(server, tasks).failures[0]
    assert_nothing_done(server, controller)


def test_one_task_alone_has_a_window_too(server: Server, controller: Controller) -> None:
    options = {"src": str(controller.packages / "inc1.mmp"), "project": PROJECT, "window": True}
    options["history_dir"] = str(controller.history)
    run = controller.tasks(server, [{"name": "import", "mstr.migration.mstr_package_import": options}])
    assert run.code == 0, run.output
    assert run.named("import")["window"][PROJECT]["restored"] is True
    assert server.upkeep()["imported_while"] == [{"node1": "full_idle"}]
    assert states(server) == {"node1": "loaded"}


def test_a_run_that_takes_back_what_it_imported_does_it_in_the_window(server: Server, controller: Controller) -> None:
    server.fault("POST", "^/packages/imports$", REFUSED, skip=1)
    declare(controller, server, "inc1", "finance", mstr_on_failure="rollback")
    assert controller.deploy().code != 0
    assert server.upkeep()["imported_while"] == [{"node1": "full_idle"}] * 2
    assert states(server) == {"node1": "loaded"}


# Stopped and killed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_run_that_is_told_to_stop_restores(server: Server, controller: Controller, number: signal.Signals) -> None:
    server.set(import_duration=3)
    declare(controller, server)
    with started(controller) as process:
        until(lambda: server.calls("GET", "/packages/imports/"), "the import")
        os.killpg(process.pid, number)
        process.wait(60)
        # The module outlives who waits for it.
        until(lambda: note(controller) == [], "what is said of the project to go", 15)
    assert states(server) == {"node1": "loaded"}, output(controller)
    run = controller.deploy()
    assert run.code == 0, run.output
    assert server.has(declared("inc1"))
    assert server.state()["imports_started"] == 1


def the_second_import_is_asked_for(server: Server, _controller: Controller) -> bool:
    """Return whether it was asked how far the second import is: its id has come by then."""
    methods = [call["method"] for call in server.log() if "/packages/imports" in call["path"]]
    return methods.count("POST") == 2 and methods[-1] == "GET"


# When a run is killed, with what the server is like then.
MOMENTS: dict[str, tuple[dict[str, Any], Callable[[Server, Controller], Any]]] = {
    "the nodes are asked for": ({"latency": 0.3}, called("GET", "/monitors/iServer/nodes", 1)),
    "users are asked for": ({"latency": 0.3}, called("GET", "/monitors/userConnections", 1)),
    "it is being idled": ({"latency": 0.3}, called("PATCH", "/monitors/projects/status", 1)),
    "it is on its way": ({"pending_polls": 8}, called("GET", "/monitors/iServer/nodes", 5)),
    "a package is uploaded": ({"latency": 0.3}, called("PUT", "/binary", 2)),
    "an import is asked for": ({"latency": 0.3}, called("POST", "/packages/imports", 1)),
    "an import runs": ({"import_duration": 2}, called("GET", "/packages/imports/", 2)),
    "its undo package is not there": ({"undo_delay": 2}, called("GET", "/packages/imports/", 2)),
    "the second import runs": ({"import_duration": 1}, the_second_import_is_asked_for),
    "the schema is being reloaded": ({"schema_duration": 2}, called("GET", "/model/tasks/", 1)),
    "caches are purged": ({"latency": 0.3}, called("DELETE", "/caches/element", 1)),
    "it is being restored": ({"latency": 0.3}, called("PATCH", "/monitors/projects/status", 2)),
    "it is on its way back": ({"pending_polls": 8}, called("PATCH", "/monitors/projects/status", 2)),
    "it logs out": ({"latency": 0.3}, called("POST", "/auth/logout", 1)),
}


@pytest.mark.parametrize("kill", [everything, the_module], ids=lambda kill: kill.__name__)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_that_is_killed_is_put_right_by_the_next_one(
    server: Server, controller: Controller, moment: str, kill: Callable[[Any], None]
) -> None:
    settings, reached = MOMENTS[moment]
    before = {"one": "loaded", "two": "request_idle", "three": "unloaded"}
    if moment in ("it is being idled", "it is being restored", "it is on its way back"):
        # The call for all nodes.
        before = {"one": "loaded", "two": "loaded"}
    rows = [{"name": name, "default": name == "one", "projects": {TUTORIAL: state}} for name, state in before.items()]
    nodes(server, *rows)
    server.set(**settings)
    declare(controller, server, "inc1", "inc2", mstr_caches="purge")
    cut_off(controller, lambda: reached(server, controller), moment, kill)
    server.set(**dict.fromkeys(settings, 0))
    run = controller.deploy()
    assert run.code == 0, run.output
    assert states(server) == before
    assert server.has(declared("inc1", "inc2"))
    assert server.state()["imports_started"] == 2, receipts(controller)
    assert note(controller) == []
    assert server.held() == []
    done = server.upkeep()
    assert done["schema_reloads"][TUTORIAL] >= 1
    assert done["caches_purged"][TUTORIAL][-2:] == ["element", "object"]
    for receipt in receipts(controller):
        # Nobody heard of the end of one whose id never came.
        assert receipt["state"] == "imported" or moment == "an import is asked for"
        assert not receipt["schema"]["due"]
        assert not receipt["caches"]["due"]
        if receipt.get("window"):
            assert receipt["window"] == {"before": before, "restored": True}
    again = controller.steps("deploy")
    assert again.recap("prod")["changed"] == 0
    assert states(server) == before


def test_a_run_whose_lock_is_taken_over_leaves_the_project_to_the_other(server: Server, controller: Controller) -> None:
    """The first one sleeps while it has the project idle; the other restores it, and works on; the first one wakes."""
    server.set(import_duration=600)
    declare(controller, server)
    with started(controller) as process:
        until(lambda: server.calls("GET", "/packages/imports/"), "the import")
        group = os.getpgid(process.pid)
        os.killpg(group, signal.SIGSTOP)
        server.set(import_duration=1)
        run = controller.deploy("-e", "mstr_window=false")
        assert run.code == 0, run.output
        assert states(server) == {"node1": "loaded"}
        assert "They are restored" in run.warnings
        changes = len(server.upkeep()["project_states"])
        os.killpg(group, signal.SIGCONT)
        process.wait(60)
        assert process.returncode != 0
    assert len(server.upkeep()["project_states"]) == changes
    assert states(server) == {"node1": "loaded"}
    assert server.state()["imports_started"] == 1
