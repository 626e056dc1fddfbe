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

import json
import os
from pathlib import Path
from types import CodeType
from typing import Any

import emulations
import forking
import warm
from harness import Controller
from warm_modules import Modules


class Forked(Modules):
    """Runs modules as children of this process."""

    def __init__(self, output: Path, programs: dict[str, tuple[str, CodeType]]) -> None:
        super().__init__(output)
        self._programs = programs

    def _code_of(self, job: dict[str, Any]) -> int | None:
        return warm.run_module(job, self._programs)


def main() -> None:
    """Import everything, then start what is asked for until standard input ends."""
    programs = warm.compile_modules()
    warm.rehearse()

    def answer(order: dict[str, Any]) -> int:
        return forking.start(lambda: in_child(order, programs), Path(order["own"]) / "ended")

    forking.serve(answer)


def in_child(order: dict[str, Any], programs: dict[str, tuple[str, CodeType]]) -> int:
    """Be the run. :returns: the exit status"""
    os.setsid()
    forking.enter(order["directory"], order["environment"])
    forking.print_to(order["printed"])
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
