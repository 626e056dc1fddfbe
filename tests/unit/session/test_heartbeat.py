# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signs of life of a module, and its look at who waits for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from ansible_collections.mstr.migration.plugins.module_utils.session import heartbeat
from ansible_collections.mstr.migration.plugins.module_utils.session.heartbeat import Heartbeat


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_leases_are_renewed_while_a_module_works_and_not_afterwards(tmp_path):
    paths = [str(tmp_path / "one")]
    for name in ("one", "two"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    with Heartbeat(paths, 1.0, watch_parents=False):
        assert os.stat(tmp_path / "one").st_mtime > 0
        # What a task begins while it works.
        paths.append(str(tmp_path / "two"))
        os.utime(tmp_path / "one", (0, 0))
        until(lambda: os.stat(tmp_path / "one").st_mtime > 0 and os.stat(tmp_path / "two").st_mtime > 0)
    os.utime(tmp_path / "one", (0, 0))
    time.sleep(0.8)
    assert os.stat(tmp_path / "one").st_mtime == 0


def test_a_lease_that_is_gone_is_not_made_again(tmp_path):
    with Heartbeat([str(tmp_path / "gone")], 1.0, watch_parents=False):
        pass
    assert not (tmp_path / "gone").exists()


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="only Linux tells who started whom")
def test_the_end_of_those_that_wait_stops_the_module():
    # A grandparent, a parent, and a child that stands for the module.
    child = (
        "import signal, sys, time\n"
        "from ansible_collections.mstr.migration.plugins.module_utils.session.heartbeat import Heartbeat\n"
        "def stop(number, frame):\n"
        "    print('stopped', flush=True)\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        "with Heartbeat([], 60.0, watch_parents=True):\n"
        "    print('works', flush=True)\n"
        "    time.sleep(30)\n"
    )
    parent = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    grandparent = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1], sys.argv[2]])"
    process = subprocess.Popen(
        [sys.executable, "-c", grandparent, parent, child],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "works\n"
        os.kill(process.pid, signal.SIGKILL)
        assert process.stdout.readline() == "stopped\n"
    finally:
        process.kill()
        process.communicate(timeout=20)


def test_an_asynchronous_task_may_outlive_what_started_it(monkeypatch):
    monkeypatch.setattr(heartbeat, "_command", lambda number: b"python3\0/tmp/async_wrapper.py\0")
    assert heartbeat.ancestors() == []


def test_without_a_look_at_processes_nothing_is_watched(monkeypatch):
    monkeypatch.setattr(heartbeat, "_command", lambda number: None)
    assert heartbeat.ancestors() == []


def test_ansible_playbook_itself_is_found_behind_its_worker(monkeypatch):
    playbook = b"python\0/usr/bin/ansible-playbook\0site.yml\0"
    commands = {50: b"sh\0-c\0x", 40: b"sh\0-c\0y", 30: playbook, 20: playbook, 10: b"make\0deploy"}
    monkeypatch.setattr(heartbeat.os, "getppid", lambda: 50)
    monkeypatch.setattr(heartbeat, "_command", commands.get)
    monkeypatch.setattr(heartbeat, "_parent", {50: 40, 40: 30, 30: 20, 20: 10, 10: 1}.get)
    # Not make: ansible-playbook may go on without the shell that started it.
    assert heartbeat.ancestors() == [50, 40, 30, 20]
    commands[20] = b"ansible-runner\0run"
    assert heartbeat.ancestors() == [50, 40]
