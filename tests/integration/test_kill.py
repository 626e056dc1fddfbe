# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cut off without warning, at any moment of a deployment: the next one brings the environment to its packages."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import Controller, Server, ansible_bin, declared, object_id

INCREMENTS = ("inc1", "inc2", "inc3")


def until(condition: Callable[[], Any], what: str) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited in vain for %s" % what
        time.sleep(0.02)


def descendants(root: int) -> set[int]:
    """Return a process and all that it has started, whatever their sessions."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in parentheses, may hold anything.
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found = {root}
    while True:
        more = {child for child, parent in parents.items() if parent in found} - found
        if not more:
            return found
        found |= more


def kill_all(root: int) -> None:
    """Kill a process and all that it has started, as the end of a job's container does."""
    stopped: set[int] = set()
    # What is stopped starts nothing more.
    while descendants(root) - stopped:
        for each in descendants(root) - stopped:
            os.kill(each, signal.SIGSTOP)
            stopped.add(each)
    for each in stopped:
        os.kill(each, signal.SIGKILL)


def deploy_until(controller: Controller, condition: Callable[[], Any], what: str) -> None:
    """Start a deployment, and kill it at a moment."""
    with (controller.directory / "killed.log").open("wb") as log:
        process = subprocess.Popen(
            [str(ansible_bin() / "ansible-playbook"), "-i", "inventory.yml", "mstr.migration.deploy"],
            cwd=controller.directory,
            env=controller.variables(controller.directory / "killed.jsonl"),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            until(lambda: condition() or process.poll() is not None, what)
        finally:
            kill_all(process.pid)
            code = process.wait(10)
    assert code == -signal.SIGKILL, (controller.directory / "killed.log").read_text(encoding="utf-8")


# How many of which calls the server has seen when the run is killed.
MOMENTS = {
    "while the list is learnt": ("PUT", "/binary", 2),
    "as the first import begins": ("POST", "/packages/imports", 1),
    "as the second import begins": ("POST", "/packages/imports", 2),
    "as the second undo package is fetched": ("GET", "/undoPackage/binary", 2),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_after_a_kill_the_next_deployment_completes_it(moment: str, server: Server, controller: Controller) -> None:
    method, path, count = MOMENTS[moment]
    server.set(import_duration=0.4)
    controller.declare(server, *map(controller.sample, INCREMENTS))
    deploy_until(controller, lambda: len(server.calls(method, path)) >= count, moment)
    until(lambda: server.state()["imports_running"] == 0, "the end of what was begun")
    assert not server.has(declared(*INCREMENTS))

    assert_completed(server, controller)


def test_after_a_kill_with_old_versions_in_between(server: Server, controller: Controller) -> None:
    # All is there but one object of the first increment. Importing that brings an old Store and an old Manager.
    for key, version in declared(*INCREMENTS).items():
        server.edit(key, name="seeded", type=12, version=version)
    server.edit(object_id("Region"))
    server.set(import_duration=0.4)
    controller.declare(server, *map(controller.sample, INCREMENTS))
    deploy_until(controller, lambda: server.calls("GET", "/undoPackage/binary"), "the first undo package")
    assert server.has(declared("inc1"))
    assert_completed(server, controller)


def assert_completed(server: Server, controller: Controller) -> None:
    run = controller.deploy()
    assert run.code == 0, run.output
    assert server.has(declared(*INCREMENTS))
    assert controller.deploy().recap("prod")["changed"] == 0
    for path in controller.receipts():
        receipt = json.loads(path.read_text(encoding="utf-8"))
        assert receipt["state"] in ("started", "imported", "interrupted")
        if receipt["state"] == "imported" and receipt["undo"]:
            assert path.with_name("undo.mmp").stat().st_size == receipt["undo"]["size"]
