# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks warm processes, which have imported what runs need; above all for modules without Ansible: see warm.py."""

from __future__ import annotations

import atexit
import functools
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
COLLECTIONS = ROOT / ".cache" / "collections"


@dataclass
class Ran:
    """A module that has run.

    Attributes:
        module: Its name.
        code: Its exit status; None where it had to be ended.
        stdout: Its output.
        stderr: What it wrote to standard error.
    """

    module: str
    code: int | None
    stdout: str
    stderr: str

    @property
    def result(self) -> dict[str, Any]:
        """The result, which is a single document of strict JSON."""

        def refuse(constant: str) -> Any:
            raise ValueError("%s is no JSON" % constant)

        return dict(json.loads(self.stdout, parse_constant=refuse))

    @property
    def failed(self) -> bool:
        return bool(self.result.get("failed"))

    @property
    def message(self) -> str:
        return str(self.result.get("msg", "")) if self.failed else ""

    @property
    def text(self) -> str:
        """All that a person is told."""
        return "\n".join([self.message, *map(_words, self.result.get("warnings", []))])


def _words(warning: Any) -> str:
    """Return a warning's text; newer versions of ansible-core wrap it."""
    return str(warning["event"]["msg"]) if isinstance(warning, dict) else str(warning)


class Program:
    """A program in this directory that answers each line of JSON with a line of JSON."""

    def __init__(self, name: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name(name)), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(COLLECTIONS), "LC_ALL": "C.UTF-8"},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        assert self._from.readline() == "ready\n", "%s did not start" % name

    def ask(self, question: dict[str, Any]) -> Any:
        """Return the answer to a line."""
        try:
            self._to.write(json.dumps(question) + "\n")
            self._to.flush()
            return json.loads(self._from.readline())
        except BaseException:
            # What it answers later would be taken for the answer to the next line.
            self._process.kill()
            shared.cache_clear()
            raise

    def stop(self) -> None:
        """End the process."""
        self._to.close()
        self._process.wait(10)


@functools.cache
def shared(name: str, *arguments: str) -> Program:
    """Return a program that is started once, and ends with this process."""
    program = Program(name, *arguments)
    atexit.register(program.stop)
    return program


class Modules:
    """Runs modules, as a subclass says how.

    Args:
        output: A directory for what they print, outside of what tests look at.
    """

    def __init__(self, output: Path) -> None:
        self._output = output

    def run(
        self,
        module: str,
        arguments: dict[str, Any],
        directory: Path,
        temporary: Path,
        *,
        environment: dict[str, str] | None = None,
        limit: float = 40,
    ) -> Ran:
        """Run a module.

        Args:
            module: Its name.
            arguments: Its options.
            directory: Its working directory.
            temporary: Its TMPDIR.
            environment: More of its environment, which has hardly anything.
            limit: Seconds after which it hangs for good, and is ended.
        """
        job = _job(module, arguments, directory, temporary, environment, self._output)
        code = self._code_of({**job, "limit": limit})
        out, err = (Path(job[name]).read_text(encoding="utf-8") for name in ("stdout", "stderr"))
        return Ran(module, code, out, err)

    def start(
        self,
        module: str,
        arguments: dict[str, Any],
        directory: Path,
        temporary: Path,
        own: Path,
        *,
        environment: dict[str, str] | None = None,
        file_limit: int | None = None,
    ) -> int:
        """Start a module.

        Args:
            module: Its name.
            arguments: Its options.
            directory: Its working directory.
            temporary: Its TMPDIR.
            own: Where it prints, to ``stdout`` and ``stderr``, and where the file ``ended`` gets its exit status.
            environment: More of its environment, which has hardly anything.
            file_limit: Bytes beyond which no file can grow, as on a device that is full.

        Returns:
            The id of its process.
        """
        job = {**_job(module, arguments, directory, temporary, environment, own), "ended": str(own / "ended")}
        return self._started(job if file_limit is None else {**job, "file_limit": file_limit})

    def _code_of(self, job: dict[str, Any]) -> int | None:
        """Run a job of warm.py. :returns: its exit status, None if it had to be ended"""
        raise NotImplementedError

    def _started(self, job: dict[str, Any]) -> int:
        """Start a job of warm.py. :returns: the id of its process"""
        raise NotImplementedError


def _job(
    module: str,
    arguments: dict[str, Any],
    directory: Path,
    temporary: Path,
    environment: dict[str, str] | None,
    output: Path,
) -> dict[str, Any]:
    """Return what is the same in all jobs of warm.py."""
    basis = {"PATH": os.defpath, "HOME": str(directory), "TMPDIR": str(temporary), "LC_ALL": "C.UTF-8"}
    return {
        "module": module,
        "arguments": arguments,
        "directory": str(directory),
        "environment": {**basis, **(environment or {})},
        "stdout": str(output / "stdout"),
        "stderr": str(output / "stderr"),
    }


class WarmModules(Modules):
    """Runs modules in a warm process, see warm.py."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="mstr_output_")
        super().__init__(Path(self._directory.name))
        self._program = Program("warm.py")

    def _code_of(self, job: dict[str, Any]) -> int | None:
        return self._program.ask(job)["code"]

    def _started(self, job: dict[str, Any]) -> int:
        return self._program.ask(job)["process"]

    def stop(self) -> None:
        """End the process."""
        self._program.stop()
        self._directory.cleanup()
