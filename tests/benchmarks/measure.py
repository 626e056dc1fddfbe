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
            for pid in [self._pid] if self._watch is None else _pids_with(self._watch, self._pid):
                self.bytes = max(self.bytes, _high_water(pid))

    def stop(self) -> None:
        self._done.set()
        self.join()


def _pids_with(text: str, top: int) -> list[int]:
    """Return the processes below another one whose command line has a text: not those of anybody else's run."""
    found = []
    for pid in _below(top):
        try:
            line = Path("/proc/%d/cmdline" % pid).read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if text in line:
            found.append(pid)
    return found


def _below(top: int) -> list[int]:
    """Return the children of a process, their children, and so on."""
    children: dict[int, list[int]] = {}
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            try:
                parent = int(_stat(int(directory.name))[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(directory.name))
    found: list[int] = []
    generation = [top]
    while generation:
        generation = [child for pid in generation for child in children.get(pid, [])]
        found += generation
    return found


def _stat(pid: int) -> list[str]:
    """Return what the kernel tells of a process in ``/proc/<pid>/stat``, from its state on."""
    # The name before that is in parentheses, and may hold some itself.
    return Path("/proc/%d/stat" % pid).read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()


def _high_water(pid: int) -> int:
    try:
        status = Path("/proc/%d/status" % pid).read_text(encoding="utf-8")
    except OSError:
        return 0
    mark = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(mark.group(1)) * 1024 if mark else 0


def processor_time(pid: int) -> float:
    """Return the seconds of processor time that a running process has taken so far."""
    fields = _stat(pid)
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


# Which figure is held against the goal: of rounds of one thing the median, of different things that all have to meet it
# the worst, and of what can only be promised on the whole the mean.
MEDIAN, WORST, MEAN = "median", "worst", "mean"


@dataclass(frozen=True)
class Result:
    """A figure that has a goal.

    Attributes:
        work: What is done.
        values: The figure, round by round; or where judged is not MEDIAN, each that was measured.
        limit: The goal.
        form: How the figure is written, with one place for a number.
        least: True where the goal is the least; else it is the most.
        judged: What of the values has to meet the goal: MEDIAN, WORST or MEAN.
        rounds: How often each thing was measured, in words where that differs; empty for once a value.
    """

    work: str
    values: list[float]
    limit: float
    form: str
    least: bool = False
    judged: str = MEDIAN
    rounds: str = ""

    @property
    def figure(self) -> float:
        """What is held against the goal."""
        worst = min if self.least else max
        return {MEDIAN: statistics.median, WORST: worst, MEAN: statistics.mean}[self.judged](self.values)

    def _meets(self, value: float) -> bool:
        return value >= self.limit if self.least else value <= self.limit

    @property
    def met(self) -> bool:
        """Whether the figure meets the goal."""
        return self._meets(self.figure)

    @property
    def rounds_met(self) -> str:
        """In how many rounds the goal was met, where that was in some of them only; else empty."""
        count = sum(map(self._meets, self.values))
        some = self.judged == MEDIAN and 0 < count < len(self.values)
        return "%d of %d rounds" % (count, len(self.values)) if some else ""

    def as_json(self) -> dict[str, object]:
        return {
            "work": self.work,
            "figure": self.form % _number(self.figure),
            "judged": self.judged,
            "spread": "%s to %s" % (_number(min(self.values)), _number(max(self.values))),
            "rounds": self.rounds or str(len(self.values)),
            "goal": ("at least " if self.least else "at most ") + self.form % _number(self.limit),
            "met": self.met,
            "rounds_met": self.rounds_met,
            # How the figure relates to its goal, whichever way that goes: at most 1 is within it.
            "share": self.limit / self.figure if self.least else self.figure / self.limit,
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
