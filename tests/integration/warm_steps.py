# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program that runs the steps of playbooks, each run as a process that can be killed with all that it has started.

Importing what the steps need takes longer than they do. So this process imports it once, as warm.py does, and then
forks for each run, which forks for each module.

A run is a line of JSON on standard input, ``{directory, temporary, playbook, arguments, environment, printed, own}``,
with what Controller calls by the first four names; ``printed`` is the file for its output, ``own`` a directory for what
it makes for itself. The answer is a line on standard output, the id of its process. The exit status goes to the file
``ended`` in ``own`` as soon as the run is over.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from types import CodeType
from typing import Any

import emulations
import warm
from harness import Controller
from warm_modules import Modules


class Forked(Modules):
    """Runs modules as children of this process."""

    def __init__(self, output: Path, programs: dict[str, tuple[str, CodeType]]) -> None:
        super().__init__(output)
        self._programs = programs

    def _code_of(self, job: dict[str, Any]) -> int | None:
        return warm.run(job, self._programs)


def main() -> None:
    """Import everything, then start what is asked for until standard input ends."""
    programs = warm.compile_modules()
    warm.rehearse()
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        print(start(json.loads(line), programs), flush=True)
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def start(order: dict[str, Any], programs: dict[str, tuple[str, CodeType]]) -> int:
    """Start a run. :returns: the id of its process"""
    reading, writing = os.pipe()
    # Its parent, which waits for its end. This process goes on meanwhile.
    if os.fork() == 0:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = in_child(order, programs)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        os.write(writing, b"%d" % child)
        os.close(writing)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        ended = Path(order["own"]) / "ended"
        ended.with_suffix(".new").write_text(str(code), encoding="utf-8")
        ended.with_suffix(".new").rename(ended)
        os._exit(0)
    os.close(writing)
    child = int(os.read(reading, 20))
    os.close(reading)
    return child


def in_child(order: dict[str, Any], programs: dict[str, tuple[str, CodeType]]) -> int:
    """Be the run. :returns: the exit status"""
    os.setsid()
    # Where tests run in the background, SIGINT is ignored, and what they start would ignore it as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(order["directory"])
    os.environ.clear()
    os.environ.update(order["environment"])
    for name, numbers, mode in ((os.devnull, (0,), os.O_RDONLY), (order["printed"], (1, 2), os.O_WRONLY)):
        opened = os.open(name, mode)
        for number in numbers:
            os.dup2(opened, number)
        os.close(opened)
    directory, temporary = Path(order["directory"]), Path(order["temporary"])
    controller = Controller(directory, directory, temporary, Forked(Path(order["own"]), programs), with_ansible=False)
    if emulations.VARIABLE in os.environ:
        controller.environment[emulations.VARIABLE] = os.environ[emulations.VARIABLE]
    # JSON is YAML, and what the test wrote is both.
    controller.inventory(json.loads((directory / "inventory.yml").read_text(encoding="utf-8"))["mstr"]["hosts"])
    run = controller.steps(order["playbook"], *order["arguments"])
    print(run.output)
    return run.code


if __name__ == "__main__":
    main()
