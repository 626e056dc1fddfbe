# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cut off without warning, at any moment: the next run takes up what is left, and imports nothing twice."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import TUTORIAL, Controller, Run, Server, declared, make_package, object_id
from processes import kill_all, module_processes, output, result_of, start_import, started, until

INCREMENTS = ("inc1", "inc2", "inc3")
YEAR = "8D679D5111D3E4981000E787EC6DE8A4"
# Seconds. Long enough for the time between two tasks, short enough for a test.
LEASE = 3


def declare(controller: Controller, server: Server, *packages: str, **variables: Any) -> None:
    limits = {"mstr_lease_timeout": LEASE, "mstr_lock_timeout": 20}
    controller.declare(server, *map(controller.sample, packages), **{**limits, **variables})


def sessions(controller: Controller) -> list[Path]:
    """Return the session files, and the locks, below the history."""
    return sorted([*controller.history.glob("*/sessions/*.json"), *controller.history.glob("locks/*")])


def everything(process: Any) -> None:
    kill_all(process.pid)


def the_playbook(process: Any) -> None:
    os.kill(process.pid, signal.SIGKILL)


def the_module(process: Any) -> None:
    for each in module_processes(process.pid):
        os.kill(each, signal.SIGKILL)


def cut_off(
    controller: Controller,
    condition: Callable[[], Any],
    what: str,
    kill: Callable[[Any], None] = everything,
    *arguments: str,
) -> None:
    """Start a playbook, deploy unless another is given, and kill it at a moment."""
    with started(controller, *arguments) as process:
        until(lambda: condition() or process.poll() is not None, what)
        assert process.poll() is None, output(controller)
        kill(process)
        process.wait(60)
        if kill is the_module:
            assert process.returncode not in (0, -signal.SIGKILL), output(controller)
            return
        # The module notices by itself that nobody waits for it, and ends.
        until(lambda: not module_processes(1) or not _of(controller), "the end of the module", 15)


def _of(controller: Controller) -> list[int]:
    """Return the modules that run for this controller, whoever is their parent."""
    mark = ("TMPDIR=%s" % controller.temporary).encode()
    found = []
    for each in module_processes(1):
        try:
            environment = Path("/proc/%d/environ" % each).read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if mark in environment:
            found.append(each)
    return found


def assert_completed(server: Server, controller: Controller, *packages: str) -> Run:
    """Assert that the next run completes what was begun: each package imported once, with its undo package."""
    run = controller.deploy()
    assert run.code == 0, run.output
    assert server.has(declared(*packages))
    assert server.held() == []
    assert sessions(controller) == []
    assert server.state()["imports_started"] == len(packages), controller.receipts()
    again = controller.steps("deploy")
    assert again.recap("prod")["changed"] == 0
    assert not list(controller.history.rglob(".mstr_*"))
    return run


def states(controller: Controller) -> list[str]:
    """Return the states in the receipts, and assert that what they say of undo packages is so."""
    found = []
    for path in controller.receipts():
        receipt = json.loads(path.read_text(encoding="utf-8"))
        found.append(receipt["state"])
        if receipt["undo"]:
            assert path.with_name("undo.mmp").stat().st_size == receipt["undo"]["size"]
        if receipt["state"] == "imported":
            assert receipt["undo"], path
    return found


def called(method: str, path: str, times: int) -> Callable[[Server, Controller], Any]:
    """Wait for the server to have seen a call so many times."""
    return lambda server, _controller: len(server.calls(method, path)) >= times


def importing(times: int) -> Callable[[Server, Controller], Any]:
    """Wait for so many imports, of which the run knows the last: before that nobody could ask for its undo package."""

    def holds(server: Server, controller: Controller) -> bool:
        held = [json.loads(path.read_text(encoding="utf-8")) for path in controller.history.glob("*/sessions/*.json")]
        known = any(session["import_process"] and session["import_process"]["id"] for session in held)
        return known and len(server.calls("POST", "/packages/imports")) >= times

    return holds


# What the server is like, and when the run is killed; then what becomes of the two packages, and what the next run says
# of it.
Moment = tuple[dict[str, Any], Callable[[Server, Controller], Any], list[str], str]
MOMENTS: dict[str, Moment] = {
    "the list is learnt": ({"upload_processing": 1}, called("PUT", "/binary", 2), ["imported"] * 2, "released"),
    "the first import runs": (
        {"import_duration": 2},
        called("GET", "/packages/imports/", 1),
        ["imported"] * 2,
        "imported",
    ),
    "its undo package is not there": (
        {"undo_delay": 2},
        called("GET", "/packages/imports/", 2),
        ["imported"] * 2,
        "imported",
    ),
    "the first import is released": (
        {"latency": 0.3},
        called("DELETE", "/packages/imports/", 1),
        ["imported"] * 2,
        "released",
    ),
    "the second import runs": ({"import_duration": 1}, importing(2), ["imported"] * 2, "imported"),
    "it logs out": ({"latency": 0.3}, called("POST", "/auth/logout", 1), ["imported"] * 2, ""),
}


# Only where Ansible starts it is a module left that has to notice by itself that nobody waits for it.
CUTS = [
    *((moment, kill) for moment in MOMENTS for kill in (everything, the_module)),
    pytest.param("the first import runs", the_module, marks=pytest.mark.ansible),
    pytest.param("the first import runs", the_playbook, marks=pytest.mark.oldest_core),
    pytest.param("its undo package is not there", the_playbook, marks=pytest.mark.ansible),
]


@pytest.mark.parametrize(("moment", "kill"), CUTS)
def test_the_next_run_completes_it(
    moment: str, kill: Callable[[Any], None], server: Server, controller: Controller
) -> None:
    settings, reached, expected, outcome = MOMENTS[moment]
    server.set(**settings)
    declare(controller, server, "inc1", "inc2")
    cut_off(controller, lambda: reached(server, controller), moment, kill)
    if kill is the_module and moment in ("the list is learnt", "the first import is released"):
        # ansible-playbook lives, and has logged out. An import that was not at its end it has left to the next run.
        assert server.held() == []
    run = assert_completed(server, controller, "inc1", "inc2")
    assert states(controller) == expected
    recovered = run.named("Log in")["recovered"]
    if kill is everything and outcome:
        assert [item["outcome"] for item in recovered] == [outcome]
        assert (outcome == "released") == (recovered[0]["entry"] is None)
    for item in recovered:
        if item["entry"]:
            assert item["entry"] in run.warnings


def test_a_long_import_is_waited_for_while_the_list_goes_on(server: Server, controller: Controller) -> None:
    # All is there but one object of the first increment. Importing that brings an old Store and an old Manager.
    for key, version in declared(*INCREMENTS).items():
        server.edit(key, name="seeded", type=12, version=version)
    server.edit(object_id("Region"))
    server.set(import_duration=4)
    declare(controller, server, *INCREMENTS)
    cut_off(controller, lambda: importing(1)(server, controller), "the first import")
    assert controller.deploy().code == 0
    assert server.has(declared(*INCREMENTS))
    assert controller.deploy().recap("prod")["changed"] == 0
    assert set(states(controller)) == {"imported"}


@pytest.mark.parametrize("kind", ["killed while it is asked for", "session ended"])
def test_an_import_that_nobody_can_ask_for_is_watched(kind: str, server: Server, controller: Controller) -> None:
    declare(controller, server, "inc1")
    server.set(import_duration=LEASE + 4)
    if kind == "session ended":
        cut_off(controller, lambda: server.calls("GET", "/packages/imports/"), kind)
        server.expire_sessions()
    else:
        server.fault("POST", "^/packages/imports$", {"kind": "hang", "seconds": 3, "when": "after"})
        cut_off(controller, lambda: server.state()["imports_started"], kind)
    run = assert_completed(server, controller, "inc1")
    assert states(controller) == ["interrupted"]
    (recovered,) = run.named("Log in")["recovered"]
    assert recovered["outcome"] == "interrupted"
    assert "has no undo package" in run.warnings
    assert recovered["entry"] in run.warnings


def test_a_rollback_that_is_cut_off_counts(server: Server, controller: Controller) -> None:
    declare(controller, server, "inc1")
    before = server.versions()
    assert controller.deploy().code == 0
    server.set(import_duration=2)
    cut_off(
        controller,
        lambda: importing(2)(server, controller),
        "the rollback",
        everything,
        "rollback",
        "-e",
        "mstr_package=inc1",
    )
    run = controller.deploy()
    assert run.code == 0, run.output
    # It is held, and not brought in again.
    assert server.versions() == before
    assert server.state()["imports_started"] == 2
    assert states(controller) == ["undone"]
    assert [item["outcome"] for item in run.named("Log in")["recovered"]] == ["undone"]
    assert "is taken back now" in run.warnings


def test_a_run_that_was_cut_off_while_it_is_taken_back_is_taken_back_by_the_same_command(
    server: Server, controller: Controller
) -> None:
    declare(controller, server, *INCREMENTS)
    before = server.objects()
    assert controller.deploy().code == 0
    imported = len(controller.receipts())
    server.set(import_duration=1)
    command = ("rollback", "-e", "mstr_run=last")
    cut_off(controller, lambda: importing(imported + 2)(server, controller), "the second import", everything, *command)
    assert states(controller)[-1] == "undone"
    assert states(controller)[0] == "imported"
    server.set(import_duration=0)
    run = controller.steps(*command)
    assert run.code == 0, run.output
    assert [item["outcome"] for item in run.named("Log in")["recovered"]] == ["undone"]
    assert len(run.named("Take back the run or the package")["taken_back"]) == imported - 2
    assert states(controller) == ["undone"] * imported
    assert server.objects() == before
    assert server.state()["imports_started"] == 2 * imported
    assert controller.steps(*command).recap("prod")["changed"] == 0
    assert server.held() == []


def test_a_keep_both_package_that_was_cut_off_is_imported_once(server: Server, controller: Controller) -> None:
    server.set(import_duration=2)
    controller.declare(server, controller.sample("keep_both", generate_undo=False), mstr_lease_timeout=LEASE)
    cut_off(controller, lambda: server.calls("GET", "/packages/imports/"), "the import")
    assert controller.deploy().code == 0
    assert controller.deploy().recap("prod")["changed"] == 0
    assert server.state()["imports_started"] == 1


def test_a_keep_both_package_whose_import_nobody_saw_end_is_held(server: Server, controller: Controller) -> None:
    server.set(import_duration=1)
    path = make_package(controller.directory / "x.mmp", {"id": YEAR, "name": "Year", "type": 12, "action": "keep_both"})
    package = {"src": str(path), "generate_undo": False}
    controller.declare(server, package, mstr_lease_timeout=LEASE)
    assert controller.deploy("--check").recap("prod")["changed"] == 1
    cut_off(controller, lambda: server.calls("GET", "/packages/imports/"), "the import")
    server.expire_sessions()
    run = controller.deploy()
    assert run.code == 0, run.output
    assert "may be there already" in run.warnings
    assert server.state()["imports_started"] == 1
    controller.declare(server, {**package, "force": True})
    assert controller.deploy().code == 0
    assert server.state()["imports_started"] == 2


def test_the_second_of_two_runs_is_told_who_is_at_work(server: Server, controller: Controller) -> None:
    server.set(import_duration=4 * LEASE)
    declare(controller, server, "inc1", mstr_lock_timeout=1)
    with started(controller) as process:
        until(lambda: server.calls("GET", "/packages/imports/"), "the first import")
        # One task takes longer than its lease, which it has to renew.
        time.sleep(LEASE + 1)
        second = controller.deploy("-e", "mstr_lock_timeout=1")
        (message,) = second.failures
        assert "Another run is at work on this environment" in message
        (session,) = controller.history.glob("*/sessions/*.json")
        assert str(session) in message
        assert "host" in message
        assert "lock_timeout" in message
        # Its holder lives on, and looking costs nothing.
        assert controller.deploy("--check").code == 0
        assert process.wait(60) == 0, output(controller)
    assert server.state()["imports_started"] == 1
    assert server.held() == []
    # One that waits gets through.
    with started(controller) as process:
        until(lambda: sessions(controller), "its lock")
        assert controller.deploy("-e", "mstr_lock_timeout=30").code == 0
        assert process.wait(60) == 0, output(controller)


def test_a_run_that_slept_too_long_imports_nothing(server: Server, controller: Controller) -> None:
    history = {"history_dir": "{{ here }}/history", "lease_timeout": LEASE}
    package = {"src": str(controller.packages / "inc1.mmp"), "project": TUTORIAL}
    log_in = {"name": "first", "mstr.migration.mstr_session": history}
    # It sleeps: its sign of life is old.
    os.utime(controller.tasks(server, [log_in]).named("first")["session_file"], (0, 0))
    run = controller.tasks(
        server,
        [
            {"name": "second", "mstr.migration.mstr_session": history},
            {
                "name": "Import",
                "mstr.migration.mstr_package_import": {**package, "session_file": "{{ first.session_file }}"},
            },
            {
                "name": "Import under the lock",
                "mstr.migration.mstr_package_import": {**package, "session_file": "{{ second.session_file }}"},
            },
            {
                "name": "Log out",
                "mstr.migration.mstr_session": {"session_file": "{{ second.session_file }}", "state": "absent"},
            },
        ],
    )
    assert run.named("second")["recovered"] == [{"entry": None, "outcome": "released"}]
    assert "there is no file" in run.named("Import")["msg"]
    assert run.named("Import under the lock")["changed"]
    assert server.state()["imports_started"] == 1
    assert sessions(controller) == []


def test_a_task_that_imports_without_a_lock_is_not_taken_for_dead(server: Server, controller: Controller) -> None:
    server.set(import_duration=3)
    lasting = {"session_file": str(controller.directory / "lasting.json")}
    # Without a history, so that nothing is locked.
    controller.tasks(server, [{"name": "present", "mstr.migration.mstr_session": lasting}])
    process = start_import(controller, server, **lasting)
    until(lambda: server.calls("GET", "/packages/imports/"), "the import")
    options = {"session_file": str(controller.directory / "session.json"), "history_dir": str(controller.history)}
    log_in = {"name": "present", "mstr.migration.mstr_session": options}
    log_out = {"name": "absent", "mstr.migration.mstr_session": {**options, "state": "absent"}}
    assert controller.tasks(server, [log_in, log_out]).named("present")["recovered"] == []
    assert states(controller) == ["started"]
    assert result_of(process)["undo"]["size"] > 0
    assert states(controller) == ["imported"]
    controller.tasks(server, [{"name": "absent", "mstr.migration.mstr_session": {**lasting, "state": "absent"}}])
    assert server.held() == []


def test_a_run_that_is_taken_over_while_it_plans_imports_nothing(server: Server, controller: Controller) -> None:
    log_in = {"name": "first", "mstr.migration.mstr_session": {"history_dir": str(controller.history)}}
    session = controller.tasks(server, [log_in]).named("first")["session_file"]
    server.fault("GET", "^/objects/", {"kind": "hang", "seconds": 1, "when": "before"})
    process = start_import(controller, server, session_file=session)
    until(lambda: server.calls("GET", "/objects/"), "the plan")
    (lock,) = controller.history.glob("locks/*.1.lock")
    lock.with_name(lock.name.replace(".1.", ".2.")).write_text("{}", encoding="utf-8")
    result = result_of(process)
    assert "another run has taken over this environment" in result["msg"]
    assert server.state()["imports_started"] == 0
    assert controller.receipts() == []


def test_a_run_that_was_taken_over_closes_nothing_of_its_successor(server: Server, controller: Controller) -> None:
    server.set(import_duration=8)
    declare(controller, server, "inc1", mstr_lock_timeout=30)
    with started(controller) as process:
        until(lambda: server.calls("GET", "/packages/imports/"), "the import")
        asleep = module_processes(process.pid)
        for each in asleep:
            os.kill(each, signal.SIGSTOP)
        with started(controller, log="second") as second:
            # It waits for the import of the one that sleeps, which wakes up and is told to stop.
            until(lambda: len(list(controller.history.glob("locks/*.2.lock"))) == 1, "its successor")
            for each in asleep:
                os.kill(each, signal.SIGTERM)
                os.kill(each, signal.SIGCONT)
            process.wait(60)
            assert second.wait(90) == 0, output(controller, "second")
    assert states(controller) == ["imported"]
    assert server.state()["imports_started"] == 1
    assert server.held() == []
    assert sessions(controller) == []


def test_what_is_not_ours_to_read_is_said(server: Server, controller: Controller) -> None:
    server.set(import_duration=1)
    declare(controller, server, "inc1")
    cut_off(controller, lambda: server.calls("GET", "/packages/imports/"), "the import")
    (path,) = controller.history.glob("*/sessions/*.json")
    # As another user's would be for one who is not root.
    path.chmod(0o644)
    until(lambda: server.state()["imports_running"] == 0, "the end of what was begun")
    run = controller.deploy()
    assert run.code == 0, run.output
    assert states(controller) == ["interrupted"]
    assert "cannot be taken up" in run.warnings
    assert "has no undo package" in run.warnings
    assert sessions(controller) == []


@pytest.mark.parametrize("due", [True, False], ids=["due", "in sync"])
def test_a_session_that_could_not_be_closed_is_closed_by_the_next_run(
    due: bool, server: Server, controller: Controller
) -> None:
    declare(controller, server, "inc1", mstr_retries=0)
    if not due:
        assert controller.deploy().changed == ["inc1"]
    server.fault("POST", "^/auth/logout$", {"kind": "status", "status": 500}, times=None)
    run = controller.deploy()
    assert run.changed == (["inc1"] if due else [])
    assert "could not be closed" in run.warnings
    assert len(server.held()) == 1
    (left,) = sessions(controller)
    server.reset_faults()
    run = controller.deploy()
    assert run.named("Log in")["recovered"] == [{"entry": None, "outcome": "released"}]
    assert server.held() == []
    assert list(controller.history.glob("*/sessions/*")) == []
    assert not left.exists()


def test_check_mode_takes_nothing_up(server: Server, controller: Controller) -> None:
    server.set(import_duration=1)
    declare(controller, server, "inc1")
    cut_off(controller, lambda: server.calls("GET", "/packages/imports/"), "the import")
    left = sessions(controller)
    run = controller.deploy("--check")
    assert run.code == 0, run.output
    assert run.named("Log in")["recovered"] == []
    assert sessions(controller) == left
    assert states(controller) == ["started"]
    assert controller.left_in_tmp() == []
    assert_completed(server, controller, "inc1")
