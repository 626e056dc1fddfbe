# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task with credentials and a history is a run of its own: it holds the lock, and takes up what dead runs left."""

from __future__ import annotations

import json
import signal
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from emulations import VARIABLE
from harness import DEMO, PASSWORD, Controller, Server, object_id
from processes import StartedModule, output, result_of, start_import, start_module, started, until

TUTORIAL = "MicroStrategy Tutorial"
# Seconds. Short enough for a test.
LEASE = 2
QUICK = {"lease_timeout": LEASE, "lock_timeout": 30}


def imports(controller: Controller, server: Server, **options: Any) -> StartedModule:
    """Start the import of inc1."""
    package = {"src": str(controller.packages / "inc1.mmp"), "project": TUTORIAL}
    return start_import(controller, server, **{**QUICK, **package, **options})


def takes_back(controller: Controller, server: Server, **options: Any) -> StartedModule:
    """Start taking inc1 back."""
    which = {"state": "applied", "name": "inc1", "history_dir": str(controller.history), "project": TUTORIAL}
    which["schema"] = "none"
    return start_module(controller, server, "mstr_undo_package", **{**QUICK, **which, **options})


def plans(controller: Controller, server: Server, **options: Any) -> StartedModule:
    """Start planning inc1."""
    packages = [{"src": str(controller.packages / "inc1.mmp")}]
    which = {"packages": packages, "history_dir": str(controller.history), "project": TUTORIAL}
    return start_module(controller, server, "mstr_package_plan", **{**QUICK, **which, **options})


def left(controller: Controller) -> list[Path]:
    """Return the session files, and the locks, below the history."""
    return sorted([*controller.history.glob("*/sessions/*"), *controller.history.glob("locks/*")])


def states(controller: Controller) -> list[str]:
    return [json.loads(path.read_text(encoding="utf-8"))["state"] for path in controller.receipts()]


def warnings(result: dict[str, Any]) -> str:
    return json.dumps(result.get("warnings", []))


def importing(controller: Controller) -> bool:
    """Return whether the run knows the id of its import."""
    sessions = [json.loads(path.read_text(encoding="utf-8")) for path in controller.history.glob("*/sessions/*.json")]
    return any(session["import_process"] and session["import_process"]["id"] for session in sessions)


def kill(process: StartedModule) -> None:
    process.send_signal(signal.SIGKILL)
    process.output(20)


def catches(process: StartedModule, number: signal.Signals) -> bool:
    """Return whether a process has a handler for a signal."""
    status = Path("/proc/%d/status" % process.pid).read_text(encoding="utf-8")
    (caught,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")]
    return bool(int(caught, 16) >> (number - 1) & 1)


def assert_over(server: Server, controller: Controller) -> None:
    """Assert that nothing is left of any run."""
    assert server.held() == []
    assert left(controller) == []
    assert not list(controller.history.rglob(".mstr_*"))
    assert controller.left_in_tmp() == []


def test_while_it_works_its_session_file_is_private_and_it_has_the_lock(server: Server, controller: Controller) -> None:
    server.set(import_duration=1)
    process = imports(controller, server)
    until(lambda: importing(controller), "the import")
    (session,) = controller.history.glob("*/sessions/*.json")
    assert stat.S_IMODE(session.stat().st_mode) == 0o600
    assert PASSWORD not in session.read_text(encoding="utf-8")
    (lock,) = controller.history.glob("locks/*")
    assert json.loads(lock.read_text(encoding="utf-8"))["session_file"] == str(session)
    first = session.stat().st_mtime_ns
    until(lambda: session.stat().st_mtime_ns != first, "a sign of life", 5)
    result = result_of(process)
    assert result["changed"]
    assert result["recovered"] == []
    assert warnings(result).count("begun anew") == 1
    assert_over(server, controller)


@pytest.mark.parametrize("way", ["plan", "import", "take back", "role"])
@pytest.mark.parametrize("moment", ["import", "undo package"])
def test_what_was_killed_is_taken_up_by_the_next_run(
    moment: str, way: str, server: Server, controller: Controller
) -> None:
    server.set(**({"import_duration": 1.5} if moment == "import" else {"undo_delay": 1.5}))
    process = imports(controller, server)
    until(lambda: importing(controller), "the import")
    if moment == "undo package":
        until(lambda: states(controller) == ["imported"], "its end")
    kill(process)
    assert len(left(controller)) == 2
    (receipt,) = controller.receipts()
    expected = [{"entry": receipt.parent.name, "outcome": "imported"}]
    if way == "role":
        controller.declare(server, controller.sample("inc1"), mstr_lease_timeout=LEASE)
        run = controller.steps("deploy")
        assert run.code == 0, run.output
        assert run.changed == []
        assert run.named("Log in")["recovered"] == expected
    else:
        result = result_of({"plan": plans, "import": imports, "take back": takes_back}[way](controller, server))
        assert not result.get("failed"), result
        assert result["recovered"] == expected
        assert result["changed"] is (way == "take back")
        assert warnings(result).count("which is imported now") == 1
    assert states(controller) == ["undone" if way == "take back" else "imported"]
    assert receipt.with_name("undo.mmp").exists()
    assert server.state()["imports_started"] == (2 if way == "take back" else 1)
    assert_over(server, controller)


def test_a_taking_back_that_was_killed_is_taken_up(server: Server, controller: Controller) -> None:
    before = server.versions()
    assert result_of(imports(controller, server))["changed"]
    server.set(import_duration=1.5)
    process = takes_back(controller, server)
    until(lambda: importing(controller), "the import")
    kill(process)
    result = result_of(takes_back(controller, server))
    (receipt,) = controller.receipts()
    assert result["recovered"] == [{"entry": receipt.parent.name, "outcome": "undone"}]
    assert result["changed"] is False
    assert states(controller) == ["undone"]
    assert server.versions() == before
    assert server.state()["imports_started"] == 2
    assert_over(server, controller)


@pytest.mark.parametrize("there_again", [False, True], ids=["taken back", "there again"])
def test_what_is_there_tells_whether_it_was_taken_back_where_the_session_has_ended(
    there_again: bool, server: Server, controller: Controller
) -> None:
    before = server.versions()
    assert result_of(imports(controller, server))["changed"]
    server.set(import_duration=2)
    process = takes_back(controller, server)
    until(lambda: importing(controller), "the import")
    kill(process)
    server.expire_sessions()
    until(lambda: not server.state()["imports_running"], "the end of the import")
    assert server.versions() == before
    if there_again:
        server.edit(object_id("Region"), name="Region", type=12)
    result = result_of(plans(controller, server))
    (receipt,) = controller.receipts()
    assert result["recovered"] == [{"entry": receipt.parent.name, "outcome": "interrupted"}]
    assert "its session has ended" in warnings(result)
    said = "is not taken back, or only in part. Take it back again." if there_again else "is taken back."
    assert "%s %s" % (receipt.parent.name, said) in warnings(result)
    assert states(controller) == ["imported" if there_again else "undone"]
    assert json.loads(receipt.read_text(encoding="utf-8")).get("taking_back") is None
    assert server.state()["imports_started"] == 2
    assert_over(server, controller)


def test_a_taking_back_that_is_stopped_is_left_to_the_next_run(server: Server, controller: Controller) -> None:
    assert result_of(imports(controller, server))["changed"]
    server.set(import_duration=600)
    server.forget()
    process = takes_back(controller, server, lease_timeout=600)
    # Not the start alone: what is asked for is waited for by then.
    until(lambda: server.calls("GET", "/packages/imports/"), "the wait for the import")
    process.send_signal(signal.SIGTERM)
    result = result_of(process)
    server.set(import_duration=1)
    assert "the next run on this environment waits for it." in result["msg"]
    assert "undo package is lost" not in result["msg"]
    assert len(result["left_behind"]) == 1
    assert "for the next run to take up" in result["left_behind"][0]
    # That it is over is known at once.
    began = time.monotonic()
    result = result_of(takes_back(controller, server, lease_timeout=600))
    assert time.monotonic() - began < 60
    assert [item["outcome"] for item in result["recovered"]] == ["undone"]
    assert_over(server, controller)


def test_of_two_at_once_one_waits_for_the_other(server: Server, controller: Controller) -> None:
    server.set(import_duration=600)
    first = imports(controller, server)
    until(lambda: importing(controller), "the import")
    impatient = result_of(imports(controller, server, lock_timeout=0))
    server.set(import_duration=1)
    for part in ("Another run is at work on this environment", "(lock_timeout)", "[environment "):
        assert part in impatient["msg"]
    second = result_of(imports(controller, server))
    assert result_of(first)["changed"]
    assert second["changed"] is False
    assert second["recovered"] == []
    assert server.state()["imports_started"] == 1
    assert_over(server, controller)


def test_beside_a_run_of_the_role(server: Server, controller: Controller) -> None:
    server.set(import_duration=10)
    controller.declare(server, controller.sample("inc1"), mstr_lock_timeout=30)
    with started(controller) as process:
        until(lambda: importing(controller), "the import of the role")
        impatient = [each(controller, server, lock_timeout=0) for each in (takes_back, plans)]
        one_task = takes_back(controller, server)
        for each in impatient:
            assert "Another run is at work" in result_of(each)["msg"]
        assert process.wait(60) == 0, output(controller)
    assert result_of(one_task)["changed"]
    assert states(controller) == ["undone"]
    # And the other way round.
    process_of_task = imports(controller, server, force=True)
    until(lambda: importing(controller), "the import of the task")
    run = controller.steps("deploy", "-e", "mstr_lock_timeout=0")
    assert "Another run is at work" in run.failures[0]
    assert controller.steps("deploy").code == 0
    assert result_of(process_of_task)["changed"]
    assert_over(server, controller)


def test_one_that_waits_is_told_to_stop(server: Server, controller: Controller) -> None:
    server.set(import_duration=4)
    first = imports(controller, server)
    until(lambda: importing(controller), "the import")
    second = imports(controller, server)
    until(lambda: catches(second, signal.SIGTERM), "its start")
    second.send_signal(signal.SIGTERM)
    assert "Stopped by SIGTERM" in result_of(second, 5)["msg"]
    assert result_of(first)["changed"]
    assert_over(server, controller)


@pytest.mark.parametrize("module", [imports, plans, takes_back])
def test_check_mode_neither_locks_nor_takes_up(module: Any, server: Server, controller: Controller) -> None:
    assert result_of(imports(controller, server))["changed"]
    server.set(import_duration=2)
    process = imports(controller, server, force=True)
    until(lambda: importing(controller), "the import")
    kill(process)
    before = left(controller)
    result = result_of(module(controller, server, _ansible_check_mode=True))
    # Only the next run can see to the undo package of the newest import.
    assert bool(result.get("failed")) is (module is takes_back), result
    assert result["recovered"] == []
    assert warnings(result).count("Another run is at work on this environment, or was cut off") == 1
    assert left(controller) == before
    assert states(controller) == ["imported", "started"]
    assert len(result_of(plans(controller, server))["recovered"]) == 1
    assert_over(server, controller)


def test_one_that_was_taken_over_imports_nothing(server: Server, controller: Controller) -> None:
    server.fault("GET", "^/objects/", {"kind": "hang", "seconds": 1, "when": "before"})
    process = imports(controller, server)
    until(lambda: server.calls("GET", "/objects/"), "the plan")
    (lock,) = controller.history.glob("locks/*.1.lock")
    successor = lock.with_name(lock.name.replace(".1.", ".2."))
    successor.write_text("{}", encoding="utf-8")
    result = result_of(process)
    assert "another run has taken over this environment" in result["msg"]
    assert "session_file" not in result["msg"]
    assert server.state()["imports_started"] == 0
    assert controller.receipts() == []
    successor.unlink()
    # What it had is for its successor to close.
    assert result_of(plans(controller, server))["recovered"] == [{"entry": None, "outcome": "released"}]
    assert_over(server, controller)


def test_an_undo_package_that_cannot_be_fetched_in_time_is_left_to_the_next_run(
    server: Server, controller: Controller
) -> None:
    server.fault("GET", "/undo", {"kind": "status", "status": 500}, times=None)
    result = result_of(imports(controller, server, undo_timeout=1, retries=0))
    for part in ("The import is done", "undo_timeout", "the next run on this environment fetches it"):
        assert part in result["msg"], result["msg"]
    assert "session is logged out" not in result["msg"]
    server.reset_faults()
    (receipt,) = controller.receipts()
    result = result_of(imports(controller, server))
    assert result["recovered"] == [{"entry": receipt.parent.name, "outcome": "imported"}]
    assert receipt.with_name("undo.mmp").exists()
    assert_over(server, controller)


@pytest.mark.parametrize("setting", ["undo_never", "not required", "session ended"])
def test_what_nobody_can_fetch_is_not_left(setting: str, server: Server, controller: Controller) -> None:
    options: dict[str, Any] = {"undo_timeout": 1, "retries": 0}
    if setting == "undo_never":
        server.set(undo_never=True)
    elif setting == "not required":
        server.fault("GET", "/undo", {"kind": "status", "status": 500}, times=None)
        options["undo_required"] = False
    else:
        server.fault("GET", "^/packages/imports/[^/]+$", {"kind": "expire"}, times=None)
    result = result_of(imports(controller, server, **options))
    text = result.get("msg", "") + warnings(result)
    assert ("undo package is lost" if setting == "session ended" else "cannot be undone") in text, text
    assert "next run" not in text
    assert_over(server, controller)


def test_a_session_that_could_not_be_closed_is_closed_by_the_next_run(server: Server, controller: Controller) -> None:
    server.fault("POST", "^/auth/logout$", {"kind": "status", "status": 500}, times=None)
    result = result_of(imports(controller, server, retries=0))
    assert result["changed"]
    assert "could not be closed" in warnings(result)
    assert [path.suffix for path in left(controller)] == [".json"]
    server.reset_faults()
    assert result_of(imports(controller, server))["recovered"] == [{"entry": None, "outcome": "released"}]
    assert_over(server, controller)


def test_the_history_of_a_server_that_has_moved_is_taken_over_once(server: Server, controller: Controller) -> None:
    assert result_of(imports(controller, server))["changed"]
    (receipt,) = controller.receipts()
    document = json.loads(receipt.read_text(encoding="utf-8"))
    receipt.write_text(json.dumps({**document, "base_url": "http://127.0.0.1:1/MicroStrategyLibrary"}))
    assert warnings(result_of(imports(controller, server))).count("They count for nothing here") == 1
    result = result_of(imports(controller, server, server_moved=True))
    assert warnings(result).count("because server_moved is set") == 1
    assert json.loads(receipt.read_text(encoding="utf-8"))["base_url"] == document["base_url"]
    assert_over(server, controller)


def test_where_files_are_not_private_the_session_file_goes_elsewhere(server: Server, controller: Controller) -> None:
    package = {"src": str(controller.packages / "inc1.mmp"), "project": TUTORIAL}
    options = {**package, "history_dir": str(controller.history)}
    controller.environment[VARIABLE] = "share_shows_modes,0777"
    (name, module) = ("import", "mstr.migration.mstr_package_import")
    run = controller.tasks(server, [{"name": name, module: options}])
    for part in ("does not stay private", "session_dir", str(controller.history)):
        assert part in run.failures[0]
    assert server.log() == []
    assert left(controller) == []
    del controller.environment[VARIABLE]
    elsewhere = controller.directory / "sessions"
    run = controller.tasks(server, [{"name": name, module: {**options, "session_dir": str(elsewhere)}}])
    assert run.named(name)["changed"]
    assert list(elsewhere.iterdir()) == []
    assert_over(server, controller)


def test_what_is_killed_with_a_session_file_elsewhere_is_found_there(server: Server, controller: Controller) -> None:
    elsewhere = {"session_dir": str(controller.directory / "sessions")}
    server.set(import_duration=1.5)
    process = imports(controller, server, **elsewhere)
    until(lambda: server.calls("GET", "/packages/imports/"), "the import")
    until(lambda: '"import_id": null' not in controller.receipts()[0].read_text(encoding="utf-8"), "its id")
    kill(process)
    result = result_of(imports(controller, server, **elsewhere))
    assert [item["outcome"] for item in result["recovered"]] == ["imported"]
    assert_over(server, controller)


def test_without_history_or_with_a_session_file_nothing_is_locked(server: Server, controller: Controller) -> None:
    process = start_import(controller, server, history_dir=None)
    result = result_of(process)
    assert result["changed"]
    assert "recovered" not in result
    session = {"session_file": str(controller.directory / "session.json")}
    assert result_of(start_module(controller, server, "mstr_session", **session))["changed"]
    result = result_of(start_import(controller, server, **session, force=True, project=DEMO))
    assert result["changed"]
    assert "recovered" not in result
    assert list(controller.history.glob("locks")) == []
    assert result_of(start_module(controller, server, "mstr_session", **session, state="absent"))["changed"]
    assert server.held() == []
