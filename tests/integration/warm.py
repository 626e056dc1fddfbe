# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program that runs modules of the installed collection, each in a child of its own.

Starting Python, and importing Ansible and requests, takes longer than what a module does. So this process imports them
once and then forks for each run. The child's arguments come as JSON on its standard input and its result goes as JSON
to its standard output, as where Ansible runs it.

A job is a line of JSON on standard input, ``{module, arguments, directory, environment, stdout, stderr, limit}``; the
answer is a line on standard output, ``{code}``, with null for a run that was ended because it took longer than the
limit.

A job with ``ended``, the name of a file, and perhaps ``file_limit``, bytes beyond which no file can grow, is only
started, and has no limit. Its answer is ``{process}``, the id of its process; its exit status goes to that file.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import pkgutil
import resource
import socket
import sys
from pathlib import Path
from types import CodeType
from typing import Any

import emulations
import forking

MODULES = "ansible_collections.mstr.migration.plugins.modules"
UTILITIES = "ansible_collections.mstr.migration.plugins.module_utils"


def main() -> None:
    """Import everything, then run what is asked for until standard input ends."""
    programs = compile_modules()
    rehearse()

    def answer(job: dict[str, Any]) -> dict[str, Any]:
        return {"process": start_module(job, programs)} if "ended" in job else {"code": run_module(job, programs)}

    forking.serve(answer)


def compile_modules() -> dict[str, tuple[str, CodeType]]:
    """Import what the modules import, and return their programs by name."""
    for name in ("ansible.module_utils.basic", "argparse", "requests", "tempfile"):
        importlib.import_module(name)
    utilities = importlib.import_module(UTILITIES)
    for found in pkgutil.walk_packages(utilities.__path__, UTILITIES + "."):
        importlib.import_module(found.name)
    programs = {}
    for path in (Path(utilities.__path__[0]).parent / "modules").glob("mstr_*.py"):
        programs[path.stem] = (str(path), compile(path.read_bytes(), str(path), "exec"))
    return programs


def rehearse() -> None:
    """Do once what Ansible and requests do in each run, so that a child finds their caches filled, as warm as imports.

    Nothing of the collection runs here.
    """
    for name in ("_strptime", "encodings.ascii", "encodings.idna", "encodings.utf_8_sig"):
        importlib.import_module(name)
    basic = importlib.import_module("ansible.module_utils.basic")
    requests = importlib.import_module("requests")
    kept, arguments, standard_input = dict(vars(basic)), sys.argv, sys.stdin
    given = json.dumps({"ANSIBLE_MODULE_ARGS": {"one": "1", "many": [{"one": "1"}]}}).encode()
    sys.argv, sys.stdin = ["module"], io.TextIOWrapper(io.BytesIO(given))
    spec = {"one": {"type": "int"}, "many": {"type": "list", "elements": "dict", "options": {"one": {"type": "float"}}}}
    code: Any = None
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            basic.AnsibleModule(argument_spec=spec).exit_json(changed=False)
        except SystemExit as end:
            code = end.code
    # A module that fails ends by SystemExit as well.
    assert code == 0, "the rehearsal failed"
    sys.argv, sys.stdin = arguments, standard_input
    vars(basic).update(kept)
    with contextlib.suppress(requests.RequestException), socket.socket() as taken:
        # Nobody listens here.
        taken.bind(("127.0.0.1", 0))
        requests.get("http://127.0.0.1:%d" % taken.getsockname()[1], timeout=1)


def run_module(job: dict[str, Any], programs: dict[str, tuple[str, CodeType]]) -> int | None:
    """Run one module. :returns: its exit status, None if it had to be ended"""
    return forking.run(lambda: in_child(job, *programs[job["module"]]), job["limit"])


def start_module(job: dict[str, Any], programs: dict[str, tuple[str, CodeType]]) -> int:
    """Start one module, as what can be stopped or killed while this process goes on. :returns: the id of its process"""

    def work() -> int:
        if "file_limit" in job:
            resource.setrlimit(resource.RLIMIT_FSIZE, (job["file_limit"], job["file_limit"]))
        return in_child(job, *programs[job["module"]])

    return forking.start(work, Path(job["ended"]))


def in_child(job: dict[str, Any], path: str, program: CodeType) -> int:
    """Be the module. :returns: the exit status"""
    forking.enter(job["directory"], job["environment"])
    redirect(job)
    emulations.emulate()
    return forking.execute(program, path)


def redirect(job: dict[str, Any]) -> None:
    """Let standard input be the arguments, and output and errors files."""
    reading, writing = os.pipe()
    # Far less than a pipe holds, so that nobody need read it yet.
    os.write(writing, json.dumps({"ANSIBLE_MODULE_ARGS": job["arguments"]}).encode())
    os.close(writing)
    os.dup2(reading, 0)
    for number, name in ((1, "stdout"), (2, "stderr")):
        forking.attach(job[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - it lives as long as the process


if __name__ == "__main__":
    main()
