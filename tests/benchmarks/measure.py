# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measuring commands: ways of doing one thing, run in turns, so that a ratio compares what ran side by side."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
# The kernel keeps the high-water mark itself: a look only has to come before the process ends.
_LOOK_EVERY = 0.005


class CommandFailed(Exception):
    """A command that is measured did not do its work; the text is what it printed."""


@dataclass(frozen=True)
class Command:
    """What is run.

    Attributes:
        arguments: The program and its arguments.
        variables: Its whole environment.
        directory: Where it runs.
        stdin: What it reads.
        watch: A text in the command line of the process below it whose memory counts; None for its own.
    """

    arguments: list[str]
    variables: Mapping[str, str]
    directory: Path
    stdin: str = ""
    watch: str | None = None


@dataclass(frozen=True)
class Cost:
    """What a command took.

    Attributes:
        wall: Seconds from start to end.
        cpu: Seconds of processor time, its own and that of all processes it waited for.
        memory: The most memory that one process held at a time, in bytes (see Command.watch); 0 where none was seen.
        output: What it printed.
    """

    wall: float
    cpu: float
    memory: int
    output: str = field(repr=False, default="")


def run(command: Command) -> Cost:
    """Run a command and measure it.

    Raises:
        CommandFailed: Its exit status is not 0.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        command.arguments,
        env=command.variables,
        cwd=command.directory,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    peak = _Peak(process.pid, command.watch)
    peak.start()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(command.stdin)
    process.stdin.close()
    output = process.stdout.read()
    _pid, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    peak.stop()
    process.stdout.close()
    if process.returncode != 0:
        raise CommandFailed("%s ended with %d:\n%s" % (" ".join(command.arguments), process.returncode, output))
    return Cost(wall, usage.ru_utime + usage.ru_stime, peak.bytes, output)


class _Peak(threading.Thread):
    """Looks at the high-water mark of a process's resident memory, or of those below whose command line has a text.

    Not from getrusage: there a process begins with the mark of the one that started it.
    """

    def __init__(self, pid: int, watch: str | None) -> None:
        super().__init__(daemon=True)
        self.bytes = 0
        self._pid = pid
        self._watch = watch
        self._done = threading.Event()

    def run(self) -> None:
        # Whoever looks for a process reads many files; a module that is worth watching runs for long.
        pause = _LOOK_EVERY if self._watch is None else 10 * _LOOK_EVERY
        while not self._done.wait(pause):
            for pid in [self._pid] if self._watch is None else _pids_with(self._watch):
                self.bytes = max(self.bytes, _high_water(pid))

    def stop(self) -> None:
        self._done.set()
        self.join()


def _pids_with(text: str) -> list[int]:
    found = []
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            try:
                line = (directory / "cmdline").read_bytes().decode("utf-8", "replace")
            except OSError:
                continue
            if text in line:
                found.append(int(directory.name))
    return found


def _high_water(pid: int) -> int:
    try:
        status = Path("/proc/%d/status" % pid).read_text(encoding="utf-8")
    except OSError:
        return 0
    mark = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(mark.group(1)) * 1024 if mark else 0


def processor_time(pid: int) -> float:
    """Return the seconds of processor time that a running process has taken so far."""
    fields = Path("/proc/%d/stat" % pid).read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def in_turns(ways: Mapping[str, Callable[[], Cost]], rounds: int, warm_up: bool = True) -> dict[str, list[Cost]]:
    """Run each way once a round, forwards and backwards by turns, and return what each took, round by round.

    Args:
        ways: What to run, by name.
        rounds: How often.
        warm_up: Whether to run each once before that, unmeasured: what is on disk is then in memory.
    """
    if warm_up:
        for way in ways.values():
            way()
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    for number in range(rounds):
        for name in list(ways) if number % 2 == 0 else reversed(list(ways)):
            costs[name].append(ways[name]())
    return costs


@dataclass(frozen=True)
class Result:
    """A figure that has a goal.

    Attributes:
        work: What is done.
        values: The figure, round by round.
        limit: The goal.
        form: How the figure is written, with one place for a number.
        least: True where the goal is the least; else it is the most.
    """

    work: str
    values: list[float]
    limit: float
    form: str
    least: bool = False

    @property
    def middle(self) -> float:
        return statistics.median(self.values)

    @property
    def met(self) -> bool:
        """Whether the median meets the goal."""
        return self.middle >= self.limit if self.least else self.middle <= self.limit

    def as_json(self) -> dict[str, object]:
        return {
            "work": self.work,
            "figure": self.form % _number(self.middle),
            "spread": "%s to %s" % (_number(min(self.values)), _number(max(self.values))),
            "rounds": len(self.values),
            "goal": ("at least " if self.least else "at most ") + self.form % _number(self.limit),
            "met": self.met,
            # How the figure relates to its goal, whichever way that goes: at most 1 is within it.
            "share": self.limit / self.middle if self.least else self.middle / self.limit,
        }


def _number(value: float) -> str:
    return "%.0f" % value if value >= 100 or value == int(value) else "%.2f" % value


def middle(costs: list[Cost]) -> Cost:
    """Return the medians of what a way took."""
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
        max(cost.memory for cost in costs),
    )
