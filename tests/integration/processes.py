# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that are stopped or killed half-way, and the processes they consist of."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harness import DEMO, PASSWORD, PREFIX, Controller, Server, ansible_bin
from warm_modules import shared

# What the command line of a module says: of one that ansible-core has packed, of one that runs where it is installed.
PACKED = b"AnsiballZ_mstr_"
INSTALLED = b"ansible_collections.mstr.migration.plugins.modules.mstr_"


def until(condition: Callable[[], Any], what: str, seconds: float = 60) -> None:
    """Wait until a condition holds. A file that goes away while it is looked at is looked at again."""
    deadline = time.monotonic() + seconds
    while not _holds(condition):
        assert time.monotonic() < deadline, "waited in vain for %s" % what
        time.sleep(0.04)


def _holds(condition: Callable[[], Any]) -> bool:
    try:
        return bool(condition())
    except FileNotFoundError:
        return False


def _parent(process: int) -> int:
    """Return the parent of a process; 0 for one that is gone."""
    try:
        # The name, in parentheses, may hold anything.
        return int(Path("/proc/%d/stat" % process).read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _children(process: int) -> set[int]:
    """Return the processes that a process, any thread of it, has started."""
    found: set[int] = set()
    for thread in Path("/proc/%d/task" % process).glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found.update(map(int, thread.read_text().split()))
    return found


def descendants(root: int) -> set[int]:
    """Return a process and all that it has started, whatever their sessions."""
    found = {root}
    more = [root]
    while more:
        fresh = _children(more.pop()) - found
        found |= fresh
        more += fresh
    return found


def alive(process: int) -> bool:
    """Return whether a process runs; one that has ended and was not asked for its status does not."""
    try:
        return Path("/proc/%d/stat" % process).read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def module_processes(root: int) -> list[int]:
    """Return the processes below root in which a module of the collection runs."""
    return [each for each in descendants(root) if _is_module(each)]


def _is_module(process: int) -> bool:
    """Return whether a process is a module: a program of Ansible's, or a child of a warm process."""
    command = _command(process)
    if not command or b"python" not in command[0]:
        return False
    if any(mark in part for part in command[1:] for mark in (PACKED, INSTALLED)):
        return True
    return _is_warm(process, command)


def _is_warm(process: int, command: list[bytes]) -> bool:
    """Return whether a process is a module that a warm process, or a run that warm_steps.py has started, runs."""
    warm = [part for part in command if part.endswith((b"/warm.py", b"/warm_steps.py"))]
    if not warm or warm[0] not in _command(_parent(process)):
        return False
    # Each run of steps leads a session of its own.
    with contextlib.suppress(ProcessLookupError):
        return os.getsid(process) != process
    return False


def _command(process: int) -> list[bytes]:
    try:
        return Path("/proc/%d/cmdline" % process).read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def kill_all(root: int) -> None:
    """Kill a process and all that it has started, as the end of a job's container does."""
    stopped: set[int] = set()
    # What is stopped starts nothing more.
    while descendants(root) - stopped:
        for each in descendants(root) - stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGSTOP)
            stopped.add(each)
    for each in stopped:
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


class Started:
    """A process that a warm process has started, with what a ``subprocess.Popen`` has.

    Args:
        process: Its id.
        own: The directory with the file ``ended``, which gets its exit status.
    """

    def __init__(self, process: int, own: Path) -> None:
        self.pid = process
        self._own = own

    @property
    def returncode(self) -> int | None:
        ended = self._own / "ended"
        return int(ended.read_text(encoding="utf-8")) if ended.exists() else None

    def poll(self) -> int | None:
        """Return its exit status; None while it runs."""
        return self.returncode

    def wait(self, seconds: float) -> int:
        """Return its exit status, once it has one."""
        until(lambda: self.returncode is not None, "the end of a process", seconds)
        code = self.returncode
        assert code is not None
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal. Of a process that is over the number may be another's by now."""
        if self.poll() is None:
            # It can end right now.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


class StartedModule(Started):
    """A module that was started.

    What it prints goes through a pipe: the file of a module that has a limit for files could not take it.
    """

    def __init__(self, controller: Controller, module: str, options: dict[str, Any], file_limit: int | None) -> None:
        # One each, since several may be started at once; not where tests look.
        self._directory = tempfile.TemporaryDirectory(prefix="mstr_started_")
        own = Path(self._directory.name)
        os.mkfifo(own / "stdout")
        self._printed = os.open(own / "stdout", os.O_RDONLY | os.O_NONBLOCK)
        super().__init__(controller.start_module(module, options, own, file_limit), own)

    def output(self, seconds: float = 60) -> str:
        """Return what it has printed, once it is over. To be asked once: its files go."""
        parts: list[bytes] = []

        def is_over() -> bool:
            over = self.poll() is not None
            with contextlib.suppress(BlockingIOError):
                while part := os.read(self._printed, 1 << 16):
                    parts.append(part)
            return over

        until(is_over, "the end of a module", seconds)
        os.close(self._printed)
        errors = (self._own / "stderr").read_text(encoding="utf-8")
        self._directory.cleanup()
        assert "Traceback" not in errors, errors
        return b"".join(parts).decode()


@contextlib.contextmanager
def started(controller: Controller, playbook: str = "deploy", *arguments: str, log: str = "stopped") -> Iterator[Any]:
    """Start a playbook, or its steps, as the leader of a process group; what is left of it in the end is killed."""
    variables = controller.variables(controller.directory / (log + ".jsonl"))
    printed = controller.directory / (log + ".log")
    printed.touch()
    with tempfile.TemporaryDirectory(prefix="mstr_steps_") as own:
        if controller.with_ansible:
            process: Any = _start_ansible(playbook, arguments, controller.directory, variables, printed)
        else:
            # What the steps make for themselves is not in the directory that tests look at.
            del variables["TMPDIR"]
            order = {
                "directory": str(controller.directory),
                "temporary": str(controller.temporary),
                "playbook": playbook,
                "arguments": arguments,
                "environment": variables,
                "printed": str(printed),
                "own": own,
            }
            process = Started(shared("warm_steps.py").ask(order), Path(own))
        try:
            yield process
        finally:
            # Of one that is over the number may be another's by now.
            if process.poll() is None:
                kill_all(process.pid)
                process.wait(10)


def _start_ansible(
    playbook: str, arguments: tuple[str, ...], directory: Path, variables: dict[str, str], printed: Path
) -> subprocess.Popen[bytes]:
    with printed.open("wb") as handle:
        return subprocess.Popen(
            [str(ansible_bin() / "ansible-playbook"), "-i", "inventory.yml", PREFIX + playbook, *arguments],
            cwd=directory,
            env=variables,
            stdout=handle,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # Where tests run in the background, SIGINT is ignored, and what they start would ignore it as well.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )


def output(controller: Controller, log: str = "stopped") -> str:
    """Return what a run that was started has printed."""
    return (controller.directory / (log + ".log")).read_text(encoding="utf-8")


def start_module(
    controller: Controller, server: Server, module: str, /, file_limit: int | None = None, **options: Any
) -> StartedModule:
    """Start a module as a process of its own, so that signals and limits are for it alone.

    Args:
        controller: Where it is started.
        server: The server, to which it logs in as administrator.
        module: Its name.
        file_limit: The size in bytes beyond which no file can grow, as on a device that is full.
        options: The module's options.
    """
    connection = {"base_url": server.base_url, "username": "administrator", "password": PASSWORD}
    return StartedModule(controller, module, {**connection, **options}, file_limit)


def start_import(
    controller: Controller, server: Server, file_limit: int | None = None, **options: Any
) -> StartedModule:
    """Start the import of finance into the demo project, unless options say otherwise; see start_module."""
    arguments = {
        "project": DEMO,
        "src": str(controller.packages / "finance.mmp"),
        "history_dir": str(controller.history),
        # What is due after an import would be for the next run to do, and count as a change.
        "schema": "none",
    }
    return start_module(controller, server, "mstr_package_import", file_limit=file_limit, **{**arguments, **options})


def result_of(process: StartedModule, seconds: float = 60) -> dict[str, Any]:
    """Return what a module says in the end."""
    return json.loads(process.output(seconds))
