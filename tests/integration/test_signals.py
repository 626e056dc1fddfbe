# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Told to stop: quick, with a message, an undo package that is due saved, and nothing left on the server."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from harness import PASSWORD, TUTORIAL, Controller, Server, declared
from processes import StartedModule, module_processes, output, result_of, start_import, started, until


def stop(process: StartedModule, number: signal.Signals) -> dict[str, Any]:
    """Send a signal, and return what the module says; it must not take long about it."""
    process.send_signal(number)
    sent = time.monotonic()
    output = process.output(20)
    assert time.monotonic() - sent < 8
    return json.loads(output)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_while_the_import_runs(number: signal.Signals, server: Server, controller: Controller) -> None:
    server.set(import_duration=10)
    process = start_import(controller, server)
    until(lambda: server.calls("GET", "/packages/imports/"), "the first poll")
    result = stop(process, number)
    assert result["failed"]
    assert "Stopped by %s" % number.name in result["msg"]
    assert "It is unknown whether it will be imported" in result["msg"]
    assert result["import_outcome"] == "unknown"
    # Nobody waits for its lease to run out.
    server.set(import_duration=0)
    began = time.monotonic()
    result = result_of(start_import(controller, server))
    assert time.monotonic() - began < 40
    assert [item["outcome"] for item in result["recovered"]] == ["imported"]
    assert result["changed"] is False
    assert server.state()["imports_started"] == 1
    assert server.held() == []


def test_while_the_undo_package_is_waited_for(server: Server, controller: Controller) -> None:
    server.set(undo_delay=2)
    process = start_import(controller, server)
    history = controller.directory / "history"
    until(lambda: any('"imported"' in path.read_text() for path in history.rglob("receipt.json")), "the import's end")
    result = stop(process, signal.SIGTERM)
    assert "The import is done" in result["msg"]
    (undo,) = history.rglob("undo.mmp")
    assert str(undo) in result["msg"]
    assert result["undo"]["path"] == str(undo)
    assert server.held() == []


def test_before_the_import(server: Server, controller: Controller) -> None:
    server.set(upload_processing=30)
    process = start_import(controller, server)
    until(lambda: server.calls("GET", "/packages/"), "the package to be polled")
    assert "Stopped by SIGTERM" in stop(process, signal.SIGTERM)["msg"]
    assert server.state()["imports_started"] == 0
    assert server.held() == []


def test_while_the_import_is_asked_for(server: Server, controller: Controller) -> None:
    server.fault("POST", "^/packages/imports$", {"kind": "hang", "seconds": 4, "when": "after"})
    process = start_import(controller, server)
    until(lambda: server.state()["imports_started"], "the import")
    result = stop(process, signal.SIGTERM)
    assert result["import_outcome"] == "unknown"
    assert result["changed"]
    assert "its undo package is lost" in result["msg"]
    (receipt,) = (controller.directory / "history").rglob("receipt.json")
    assert json.loads(receipt.read_text(encoding="utf-8"))["state"] == "interrupted"
    assert server.held() == []


def test_in_the_clean_up(server: Server, controller: Controller) -> None:
    server.fault("DELETE", "^/packages/imports/", {"kind": "hang", "seconds": 2, "when": "before"})
    process = start_import(controller, server)
    until(lambda: server.calls("DELETE", "/packages/imports/"), "the release")
    result = stop(process, signal.SIGTERM)
    assert result["changed"]
    assert not result.get("failed")
    assert Path(result["undo"]["path"]).exists()
    assert server.held() == []


def the_playbook(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    os.kill(process.pid, number)


def the_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """As a terminal does with Ctrl-C."""
    os.killpg(process.pid, number)


def the_module(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    for each in module_processes(process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, number)


# What breaks or delays the server, and the call at which the run is stopped.
PHASES: dict[str, tuple[tuple[str, str], dict[str, Any], str]] = {
    "logging in": (("POST", "^/auth/login$"), {"kind": "hang", "seconds": 1, "when": "after"}, "/auth/login"),
    "looking up": (("GET", "^/objects/"), {"kind": "hang", "seconds": 30, "when": "before"}, "/objects/"),
    "uploading": (("PUT", "/binary$"), {"kind": "hang", "seconds": 30, "when": "after"}, "/binary"),
    "importing": (
        ("GET", "^/packages/imports/"),
        {"kind": "hang", "seconds": 30, "when": "before"},
        "/packages/imports/",
    ),
}


# The module alone, in each phase and with each signal. Where Ansible is told as well, each phase and each signal once.
STOPS = [
    *((phase, number, the_module) for phase in PHASES for number in (signal.SIGINT, signal.SIGTERM)),
    pytest.param("logging in", signal.SIGTERM, the_playbook, marks=pytest.mark.ansible),
    pytest.param("looking up", signal.SIGINT, the_group, marks=pytest.mark.ansible),
    pytest.param("uploading", signal.SIGINT, the_playbook, marks=pytest.mark.ansible),
    pytest.param("importing", signal.SIGTERM, the_playbook, marks=pytest.mark.ansible),
    pytest.param("importing", signal.SIGINT, the_group, marks=pytest.mark.oldest_core),
]


@pytest.mark.parametrize(("phase", "number", "whom"), STOPS)
def test_stopped_in_a_run(
    phase: str, number: signal.Signals, whom: Any, server: Server, controller: Controller
) -> None:
    (method, path), fault, part = PHASES[phase]
    # Learnt before, so that the plan has no upload of its own.
    controller.declare(server, controller.sample("inc1"), mstr_lease_timeout=3, mstr_lock_timeout=20)
    assert controller.steps("plan").code == 0
    server.set(import_duration=2)
    server.fault(method, path, fault, times=None)
    calls = len(server.calls(method, part))
    with started(controller) as process:
        until(lambda: len(server.calls(method, part)) > calls or process.poll() is not None, phase)
        assert process.poll() is None, output(controller)
        sent = time.monotonic()
        whom(process, number)
        assert process.wait(30) != 0
        # The module may outlive ansible-playbook by its clean-up.
        if phase != "importing":
            until(lambda: server.held() == [], "the session to be closed", 15)
        assert time.monotonic() - sent < 12
    printed = output(controller)
    assert "Traceback" not in printed
    assert PASSWORD not in printed
    server.reset_faults()
    if phase == "importing":
        until(lambda: server.state()["imports_running"] == 0, "the end of the import")
    run = controller.steps("deploy")
    assert run.code == 0, run.output
    assert server.state()["imports_started"] == 1
    assert server.has(declared("inc1"))
    assert server.held() == []
    (receipt,) = controller.receipts()
    assert json.loads(receipt.read_text(encoding="utf-8"))["state"] == "imported"
    assert receipt.with_name("undo.mmp").exists()
    assert not list(controller.history.glob("*/sessions/*"))
    assert not list(controller.history.glob("locks/*"))
    assert TUTORIAL in str(receipt)
