# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program that runs modules of the installed collection, each in a child of its own.

Starting Python, and importing Ansible and requests, takes longer than what a module does. So this process imports them
once and then forks for each run. The child is as good as a fresh process: its arguments come as JSON on its standard
input and its result goes as JSON to its standard output, as where Ansible runs it, and nothing of an earlier run is in
its memory.

A job is a line of JSON on standard input, ``{module, arguments, directory, environment, stdout, stderr, limit}``; the
answer is a line on standard output, ``{code}``, with null for a run that was ended because it took longer than the
limit.

A job with ``ended``, the name of a file, and perhaps ``file_limit``, bytes beyond which no file can grow, is only
started, and has no limit. Its answer is ``{process}``, the id of its process; its exit status goes to that file.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import pkgutil
import resource
import select
import signal
import socket
import sys
import threading
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

import emulations

MODULES = "ansible_collections.mstr.migration.plugins.modules"
UTILITIES = "ansible_collections.mstr.migration.plugins.module_utils"


def main() -> None:
    """Import everything, then run what is asked for until standard input ends."""
    programs = compile_modules()
    rehearse()
    # What is there now is never freed; the collector of a child need not copy its pages to find that out.
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        answer = {"process": start_module(job, programs)} if "ended" in job else {"code": run(job, programs)}
        print(json.dumps(answer), flush=True)


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


def run(job: dict[str, Any], programs: dict[str, tuple[str, CodeType]]) -> int | None:
    """Run one module. :returns: its exit status, None if it had to be ended"""
    # Closed by the end of the child, whatever that is.
    alive, held = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(alive)
        code = 70
        try:
            code = in_child(job, *programs[job["module"]])
        finally:
            os._exit(code)
    os.close(held)
    ended = bool(select.select([alive], [], [], job["limit"])[0])
    os.close(alive)
    if not ended:
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if ended else None


def start_module(job: dict[str, Any], programs: dict[str, tuple[str, CodeType]]) -> int:
    """Start one module, as what can be stopped or killed while this process goes on. :returns: the id of its process"""

    def work() -> int:
        if "file_limit" in job:
            resource.setrlimit(resource.RLIMIT_FSIZE, (job["file_limit"], job["file_limit"]))
        return in_child(job, *programs[job["module"]])

    return start(work, Path(job["ended"]))


def start(work: Callable[[], int], ended: Path) -> int:
    """Do some work in a process of its own.

    Args:
        work: Does it, and returns the exit status.
        ended: The file to which the exit status goes as soon as the process is over.

    Returns:
        The id of the process.
    """
    # The parents of earlier ones that are over.
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    reading, writing = os.pipe()
    # Its parent, which waits for its end. This process goes on meanwhile.
    if os.fork() == 0:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.close(reading)
                os.close(writing)
                # Where tests run in the background, SIGINT is ignored, and what they start would ignore it as well.
                signal.signal(signal.SIGINT, signal.default_int_handler)
                code = work()
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        os.write(writing, b"%d" % child)
        os.close(writing)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        ended.with_suffix(".new").write_text(str(code), encoding="utf-8")
        ended.with_suffix(".new").rename(ended)
        os._exit(0)
    os.close(writing)
    child = int(os.read(reading, 20))
    os.close(reading)
    return child


def in_child(job: dict[str, Any], path: str, program: CodeType) -> int:
    """Be the module. :returns: the exit status"""
    os.chdir(job["directory"])
    os.environ.clear()
    os.environ.update(job["environment"])
    redirect(job)
    emulations.emulate()
    module = types.ModuleType("__main__")
    module.__file__ = path
    sys.modules["__main__"] = module
    sys.argv = [path]
    code: Any = 0
    try:
        exec(program, module.__dict__)
    except SystemExit as end:
        code = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        code = 1
    # As the end of an interpreter does: it waits for each thread that is no daemon.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else int(code is not None)


def redirect(job: dict[str, Any]) -> None:
    """Let standard input be the arguments, and output and errors files."""
    reading, writing = os.pipe()
    # Far less than a pipe holds, so that nobody need read it yet.
    os.write(writing, json.dumps({"ANSIBLE_MODULE_ARGS": job["arguments"]}).encode())
    os.close(writing)
    os.dup2(reading, 0)
    for number, name in ((1, "stdout"), (2, "stderr")):
        descriptor = os.open(job[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - it lives as long as the process


if __name__ == "__main__":
    main()
