# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running programs as children of a process that has imported what they import, for warm.py and its like.

A child is as good as a fresh process, since nothing of an earlier run is in its memory; but all children order their
sets alike, and what Python reads of the environment at its start is that of their parent.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import select
import signal
import sys
import tempfile
import threading
import time
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any, NoReturn


def serve(answer: Callable[[dict[str, Any]], Any]) -> None:
    """Answer each line of JSON on standard input with one on standard output, until standard input ends."""
    # What is there now is never freed; the collector of a child need not copy its pages to find that out.
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


def run(work: Callable[[], int], limit: float) -> int | None:
    """Do some work in a child.

    Args:
        work: Does it, and returns the exit status.
        limit: Seconds after which the child is killed.

    Returns:
        The exit status, negative for a signal; None if it had to be killed.
    """
    # Closed by the end of the child, whatever that is.
    alive, held = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(alive)
        _end_with(work)
    os.close(held)
    ended = bool(select.select([alive], [], [], limit)[0])
    os.close(alive)
    if not ended:
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if ended else None


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
            os.close(reading)
            os.close(writing)
            # Where tests run in the background, SIGINT is ignored, and what they start would ignore it as well.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            _end_with(work)
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


def _end_with(work: Callable[[], int]) -> NoReturn:
    """Do what the child is for, and end."""
    code = 70
    try:
        code = work()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def enter(directory: str, environment: dict[str, str]) -> None:
    """Be in a directory, with an environment."""
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    # What was found out by the environment of the parent.
    tempfile.tempdir = None
    time.tzset()


def print_to(name: str) -> None:
    """Let standard output and errors be the end of a file, and standard input nothing."""
    attach(os.devnull, os.O_RDONLY, 0)
    attach(name, os.O_WRONLY | os.O_APPEND, 1, 2)


def attach(name: str, flags: int, *numbers: int) -> None:
    """Let these descriptors, those of standard input or output, be a file."""
    opened = os.open(name, flags, 0o600)
    for number in numbers:
        os.dup2(opened, number)
    os.close(opened)


def execute(program: CodeType, path: str, *arguments: str) -> int:
    """Be a program, as Python is one that it is started with.

    Args:
        program: What it is compiled to.
        path: Its file.
        arguments: Those of its command line.

    Returns:
        The exit status.
    """
    module = types.ModuleType("__main__")
    module.__file__ = path
    sys.modules["__main__"] = module
    sys.argv = [path, *arguments]
    code: Any = 0
    try:
        exec(program, module.__dict__)
    except SystemExit as end:
        code = end.code
        if not isinstance(code, (int, type(None))):
            print(code, file=sys.stderr)
    except BaseException:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        code = 1
    # As the end of an interpreter does: it waits for each thread that is no daemon.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else int(code is not None)
