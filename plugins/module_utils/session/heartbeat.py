# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows that a module lives while it works, and tells it when nobody waits for it any more."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Sequence

from .lock import touch

# Seconds between two signs of life, at most. Few, because whoever waits for one waits for so long.
_INTERVAL = 1.0
# A short lease is renewed after this share of it.
_SHARE = 0.2
# Seconds between two looks at whether Ansible is still there.
_LOOK = 0.5


class Heartbeat:
    """A thread that renews leases while a module works.

    It also sends the module SIGTERM when the processes that started it are gone. ansible-core before 2.21 passes no
    signal on, and nothing passes SIGKILL on: a module would go on alone, and nobody would close the run's session.

    Args:
        paths: The files whose modification time is a lease; may be added to.
        lease_timeout: Seconds after which the lease runs out.
        watch_parents: Whether to look at the processes that started this one.
    """

    def __init__(self, paths: Sequence[str], lease_timeout: float, watch_parents: bool) -> None:
        self._paths = paths
        self._interval = min(_INTERVAL, lease_timeout * _SHARE)
        self._ancestors = ancestors() if watch_parents else []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Heartbeat:
        self._beat()
        self._thread.start()
        return self

    def __exit__(self, *_details: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it; no lease is renewed afterwards."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _beat(self) -> None:
        for path in list(self._paths):
            touch(path)

    def _run(self) -> None:
        last = time.monotonic()
        while not self._ended.wait(_LOOK):
            if time.monotonic() - last >= self._interval:
                last = time.monotonic()
                self._beat()
            if self._ancestors and not _still_there(self._ancestors):
                self._ancestors = []
                os.kill(os.getpid(), signal.SIGTERM)


def ancestors() -> list[int]:
    """Return the processes whose end means that nobody waits for this module: each is the parent of the one before.

    These are the shell that started it, and the shell's parent (a worker of ansible-playbook, or of sshd). Where a
    worker is among them, ansible-playbook itself is too: a worker is a fork of it, with the same command line. Empty
    where that cannot be told, and for asynchronous tasks, which are meant to outlive what started them.
    """
    chain: list[int] = []
    commands: list[bytes] = []
    number = os.getppid()
    while number > 1 and len(chain) < 12:
        command = _command(number)
        if command is None or b"async_wrapper" in command:
            return []
        chain.append(number)
        commands.append(command)
        parent = _parent(number)
        if parent is None:
            return []
        number = parent
    for index in range(1, len(chain)):
        if commands[index] == commands[index - 1] and re.search(rb"\bansible", commands[index]):
            return chain[: index + 1]
    return chain[:2]


def _still_there(chain: Sequence[int]) -> bool:
    if os.getppid() != chain[0]:
        return False
    return all(_parent(child) == parent for child, parent in zip(chain, chain[1:]))


def _parent(number: int) -> int | None:
    try:
        with open("/proc/%d/stat" % number, "rb") as handle:
            # The name, in parentheses, may hold anything.
            return int(handle.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None


def _command(number: int) -> bytes | None:
    try:
        with open("/proc/%d/cmdline" % number, "rb") as handle:
            return handle.read()
    except OSError:
        return None
