# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program that runs ansible-playbook, each time in a child of its own.

A third of the time that ansible-playbook takes to start goes to Python's start and to modules of Python's library and
of the packages that Ansible needs. So this process imports those once and then forks for each run. It imports nothing
of Ansible itself, which reads its settings while it is imported.

Its argument is the file of ansible-playbook, whose name a module has to find among the processes above it.

A job is a line of JSON on standard input, ``{arguments, directory, environment, printed, limit}``; ``printed`` is the
file for standard output and errors. The answer is a line on standard output, ``{code}``, with null for a run that was
ended because it took longer than the limit, in seconds.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import tempfile
from pathlib import Path
from types import CodeType
from typing import Any

import forking


def main() -> None:
    """Import what Ansible imports, then run what is asked for until standard input ends."""
    playbook = Path(sys.argv[1])
    # As where ansible-playbook is started: its directory first; neither that of this file nor the collections.
    sys.path[:] = [str(playbook.parent), *(path for path in sys.path[1:] if path != os.environ.get("PYTHONPATH"))]
    program = compile(playbook.read_bytes(), str(playbook), "exec")
    for name in sorted(imported_by_ansible()):
        # Some names are those of parts that a module makes by itself.
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    assert "ansible" not in sys.modules
    forking.serve(lambda job: {"code": forking.run(lambda: in_child(job, program), job["limit"])})


def imported_by_ansible() -> list[str]:
    """Return the names of the modules that ansible-playbook imports at its start, less those of Ansible."""
    with tempfile.TemporaryDirectory() as directory:
        names = Path(directory, "names")

        def look() -> int:
            # Where Ansible makes a directory as soon as it is imported.
            os.environ["HOME"] = directory
            importlib.import_module("ansible.cli.playbook")
            names.write_text(json.dumps(list(sys.modules)), encoding="utf-8")
            return 0

        assert forking.run(look, 60) == 0, "ansible-playbook could not be imported"
        found = json.loads(names.read_text(encoding="utf-8"))
    return [name for name in found if name.partition(".")[0] != "ansible"]


def in_child(job: dict[str, Any], program: CodeType) -> int:
    """Be ansible-playbook. :returns: the exit status"""
    forking.enter(job["directory"], job["environment"])
    forking.print_to(job["printed"])
    return forking.execute(program, sys.argv[1], *job["arguments"])


if __name__ == "__main__":
    main()
