# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the virtual environments that tests and checks run in.

``python3 tests/environments.py NAME...`` makes each named environment, unless it is there and up to date.
The pinned versions are in ``tests/requirements``. Only the standard library is used, and Python 3.9 is enough, since
this runs before anything is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
REQUIREMENTS = ROOT / "tests" / "requirements"
# A directory for sys.path in which this checkout is importable as ansible_collections.mstr.migration.
IMPORT_ROOT = CACHE / "tree"

Version = tuple[int, int]

# What is looked for, the most wanted first. Modules run on 3.9 too; no supported ansible-core does.
VERSIONS: tuple[Version, ...] = ((3, 13), (3, 12), (3, 11), (3, 10), (3, 9))

# Asks an interpreter who it is. The base executable matters: from inside a virtual environment, "python3" is that
# environment's, and an environment made of another one breaks when the other is made anew. Links are followed, so that
# one interpreter has one name, whichever way it was found.
PROBE = """
import importlib.util, json, os, sys
print(json.dumps({
    "executable": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
    "version": sys.version_info[:3],
    "final": sys.version_info[3] == "final",
    "venv": all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")),
}))
"""


class EnvironmentProblem(Exception):
    """An environment could not be made; the text says why."""


class NoInterpreter(EnvironmentProblem):
    """This machine has no interpreter that the environment can use."""


@dataclass(frozen=True)
class Interpreter:
    executable: str
    version: tuple[int, int, int]
    # False where Debian split venv and ensurepip off into a package that is not installed.
    can_make_venv: bool

    @property
    def minor(self) -> Version:
        return self.version[:2]

    def __str__(self) -> str:
        return ".".join(map(str, self.version))


@dataclass(frozen=True)
class Environment:
    name: str
    directory: Path
    requirements: tuple[str, ...]
    # Newest first: the first of these that the machine has is taken.
    versions: tuple[Version, ...]
    # Whether any other Python 3.10 or newer will do where none of these is there.
    any_other: bool = False

    @property
    def bin(self) -> Path:
        return self.directory / "bin"

    @property
    def python(self) -> Path:
        return self.bin / "python"


def _declare() -> dict[str, Environment]:
    controllers = tuple(version for version in VERSIONS if version >= (3, 10))
    environments = [
        Environment("main", ROOT / ".venv", ("core-newest.txt", "test.txt"), controllers, any_other=True),
        Environment("lint", CACHE / "venvs" / "lint", ("lint.txt",), controllers, any_other=True),
        Environment("importer", CACHE / "venvs" / "importer", ("importer.txt",), controllers, any_other=True),
        Environment("mstrio", CACHE / "venvs" / "mstrio", ("mstrio.txt",), controllers, any_other=True),
        Environment("bench", CACHE / "venvs" / "bench", ("bench.txt",), controllers, any_other=True),
        Environment(
            "oldest",
            CACHE / "venvs" / "oldest",
            ("core-oldest.txt", "client.txt"),
            # ansible-core 2.17 knows no newer interpreter than 3.12.
            tuple(version for version in controllers if version <= (3, 12)),
        ),
    ]
    for version in VERSIONS:
        name = "unit-{}.{}".format(*version)
        environments.append(
            Environment(name, CACHE / "venvs" / name, ("core-newest.txt", "unit.txt"), (version,)),
        )
    return {environment.name: environment for environment in environments}


ENVIRONMENTS = _declare()


def _clean_environ() -> dict[str, str]:
    """This process's variables, less those that would make an interpreter look into somebody else's packages."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_USER", "PIP_TARGET", "PIP_PREFIX")
    }
    environ["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    return environ


def _probe(candidate: str) -> Interpreter | None:
    """Ask a candidate who it is. None when it does not run: a shim can be on PATH with nothing behind it."""
    try:
        answer = subprocess.run(
            [candidate, "-c", PROBE],
            env=_clean_environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=30,
            check=True,
        ).stdout
        facts = json.loads(answer)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    if not facts["final"]:
        return None
    return Interpreter(facts["executable"], tuple(facts["version"]), facts["venv"])


def _on_path(name: str) -> Iterator[str]:
    for directory in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = Path(directory or ".") / name
        if path.is_file() and os.access(path, os.X_OK):
            yield str(path)


def _candidates(version: Version) -> Iterator[str]:
    dotted = "{}.{}".format(*version)
    yield from _on_path(f"python{dotted}")
    builds = Path.home().glob(f".pyenv/versions/{dotted}.*")
    # As numbers: 3.9.18 is newer than 3.9.2.
    for build in sorted(builds, key=lambda path: [int(part) for part in re.findall(r"\d+", path.name)], reverse=True):
        yield str(build / "bin" / "python")


def find_interpreters() -> dict[Version, Interpreter]:
    """Find one interpreter of each version in VERSIONS, and whatever ``python3`` is, newest first.

    One that can make virtual environments is preferred to one that comes earlier on PATH and cannot.
    """
    found: dict[Version, Interpreter] = {}

    def consider(candidate: str) -> bool:
        interpreter = _probe(candidate)
        if interpreter is None:
            return False
        known = found.get(interpreter.minor)
        if known is None or (interpreter.can_make_venv and not known.can_make_venv):
            found[interpreter.minor] = interpreter
        return interpreter.can_make_venv

    for version in VERSIONS:
        for candidate in _candidates(version):
            if consider(candidate) and version in found:
                break
    for candidate in (sys.executable, *_on_path("python3")):
        if candidate:
            consider(candidate)
    return dict(sorted(found.items(), reverse=True))


def choose(environment: Environment, found: dict[Version, Interpreter]) -> Interpreter:
    """The interpreter to make an environment with.

    :raises NoInterpreter: the machine has none that fits, or only ones that cannot make virtual environments.
    """
    fitting = [found[version] for version in environment.versions if version in found]
    if environment.any_other:
        fitting += [
            interpreter
            for version, interpreter in found.items()
            if version >= (3, 10) and version not in environment.versions
        ]
    for interpreter in fitting:
        if interpreter.can_make_venv:
            return interpreter
    if fitting:
        raise NoInterpreter(
            f"{fitting[0].executable} has no venv or ensurepip module. On Debian and Ubuntu the package "
            "python{}.{}-venv has them.".format(*fitting[0].minor)
        )
    wanted = " or ".join("{}.{}".format(*version) for version in reversed(environment.versions))
    raise NoInterpreter(f"no Python {wanted} found")


def _requirement_texts(names: tuple[str, ...]) -> dict[str, str]:
    """The requirement files of an environment, with those that they include."""
    texts: dict[str, str] = {}
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in texts:
            texts[name] = (REQUIREMENTS / name).read_text(encoding="utf-8")
            pending += re.findall(r"^-r\s+(\S+)", texts[name], re.MULTILINE)
    return texts


def _stamp(environment: Environment, interpreter: Interpreter) -> str:
    """What an environment was made of. Comments in a requirement file do not count."""
    lines = {
        name: [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
        for name, text in _requirement_texts(environment.requirements).items()
    }
    made_of = [interpreter.executable, str(interpreter), str(environment.directory), lines]
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()


def _run(command: list[str]) -> None:
    """Run a step quietly.

    :raises EnvironmentProblem: it failed; the text is its output.
    """
    done = subprocess.run(
        command,
        env=_clean_environ(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise EnvironmentProblem(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout.rstrip()}")


@contextlib.contextmanager
def _lock(name: str) -> Iterator[None]:
    """Hold one environment against other processes that would make it at the same time."""
    directory = CACHE / "locks"
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / name).open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def link_checkout() -> None:
    """Make this checkout importable by its collection name, from IMPORT_ROOT, whatever directory it lies in."""
    link = IMPORT_ROOT / "ansible_collections" / "mstr" / "migration"
    target = os.path.relpath(ROOT, link.parent)
    with _lock("tree"):
        if link.is_symlink() and os.readlink(link) == target:
            return
        link.parent.mkdir(parents=True, exist_ok=True)
        if link.is_symlink():
            link.unlink()
        link.symlink_to(target, target_is_directory=True)


def ensure(name: str, found: dict[Version, Interpreter] | None = None) -> Environment:
    """Make an environment if it is missing or was made of something else; then return it.

    :param found: what find_interpreters() returned, to not look twice.
    :raises NoInterpreter: this machine has no interpreter for it.
    :raises EnvironmentProblem: making it failed; the text has pip's output.
    """
    environment = ENVIRONMENTS[name]
    interpreter = choose(environment, find_interpreters() if found is None else found)
    stamp = _stamp(environment, interpreter)
    stamp_file = environment.directory / ".made-of"
    link_checkout()
    with _lock(name):
        try:
            if stamp_file.read_text(encoding="utf-8") == stamp and environment.python.exists():
                return environment
        except OSError:
            pass
        started = time.monotonic()
        # An environment without its stamp is half made, or of older requirements: start again from nothing, so that
        # no package stays in it that is in no requirement file.
        if environment.directory.exists():
            shutil.rmtree(environment.directory)
        environment.directory.parent.mkdir(parents=True, exist_ok=True)
        _run([interpreter.executable, "-m", "venv", str(environment.directory)])
        install = [str(environment.python), "-m", "pip", "install", "--no-input", "--progress-bar", "off"]
        install += ["--prefer-binary", "--quiet"]
        for requirement in environment.requirements:
            install += ["-r", str(REQUIREMENTS / requirement)]
        try:
            _run(install)
        except EnvironmentProblem:
            # A registry that hiccups once is no reason to fail; pip keeps what it has downloaded.
            time.sleep(2)
            _run(install)
        stamp_file.write_text(stamp, encoding="utf-8")
    seconds = time.monotonic() - started
    where = environment.directory.relative_to(ROOT)
    print(f"made {where} with Python {interpreter} in {seconds:.0f} s", file=sys.stderr, flush=True)
    return environment


def ensure_all(
    names: list[str], found: dict[Version, Interpreter] | None = None
) -> dict[str, Environment | EnvironmentProblem]:
    """Make several environments, two at a time; return each, or the problem it met."""
    interpreters = find_interpreters() if found is None else found

    def attempt(name: str) -> Environment | EnvironmentProblem:
        try:
            return ensure(name, interpreters)
        except EnvironmentProblem as problem:
            return problem

    # pip waits for the network as long as it works: two of them fill two cores, more do not help.
    with ThreadPoolExecutor(max_workers=2) as pool:
        return dict(zip(names, pool.map(attempt, names)))


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the named virtual environments where they are not up to date.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(ENVIRONMENTS)}")
    parser.add_argument("--list", action="store_true", help="list the interpreters found, and each environment's own")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in ENVIRONMENTS]
    if unknown:
        parser.error(f"no such environment: {', '.join(unknown)}; there are {', '.join(ENVIRONMENTS)}")
    found = find_interpreters()
    if arguments.list:
        for interpreter in found.values():
            note = "" if interpreter.can_make_venv else " (cannot make virtual environments)"
            print(f"Python {interpreter}: {interpreter.executable}{note}")
        for environment in ENVIRONMENTS.values():
            try:
                what = f"Python {choose(environment, found)}"
            except NoInterpreter as problem:
                what = str(problem)
            print(f"{environment.name}: {environment.directory.relative_to(ROOT)}, {what}")
        return 0
    if not arguments.names:
        parser.error(f"name at least one environment of {', '.join(ENVIRONMENTS)}")
    failed = False
    for name, result in ensure_all(arguments.names, found).items():
        if isinstance(result, EnvironmentProblem):
            print(f"{name}: {result}", file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
