# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the steps of a playbook as a process of its own, which can be killed with all that it has started.

``python run_steps.py DIRECTORY TEMPORARY PLAYBOOK [ARGUMENT...]``, with what Controller calls by these names.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import emulations
from harness import Controller
from warm_modules import Modules


def main() -> int:
    directory, temporary = map(Path, sys.argv[1:3])
    playbook, *arguments = sys.argv[3:]
    controller = Controller(directory, directory, temporary, Modules(), with_ansible=False)
    if emulations.VARIABLE in os.environ:
        controller.environment[emulations.VARIABLE] = os.environ[emulations.VARIABLE]
    # JSON is YAML, and what the test wrote is both.
    controller.inventory(json.loads((directory / "inventory.yml").read_text(encoding="utf-8"))["mstr"]["hosts"])
    run = controller.steps(playbook, *arguments)
    print(run.output)
    return run.code


if __name__ == "__main__":
    sys.exit(main())
