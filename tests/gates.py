# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the gates: everything that a change has to pass.

``python3 tests/gates.py`` runs all of them, ``python3 tests/gates.py NAME...`` those named. Each gate writes a log,
``.cache/gates/<gate>.log``; the end of it is printed when the gate fails. The last lines are a table, the number of
tests, and the number of gates. Only the standard library is used, and Python 3.9 is enough.
"""

from __future__ import annotations

import argparse
import configparser
import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import environments
from environments import CACHE, ENVIRONMENTS, ROOT, VERSIONS, Environment, EnvironmentProblem, NoInterpreter

LOGS = CACHE / "gates"
# Where the built collection is installed: for the integration tests, the demo, and whoever tries a playbook.
COLLECTIONS = CACHE / "collections"
ARTIFACTS = CACHE / "artifacts"

CORES = 2
TAIL_LINES = 80
# No gate takes a quarter of this. One that hangs must not use up the time that a CI run has for all.
GATE_SECONDS = 20 * 60

# The fault matrix waits more than it computes, so it is cut up into more pieces than there are cores.
RELIABILITY = ("tests/reliability", "-n", str(3 * CORES), "--dist", "worksteal")

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


class GateFailed(Exception):
    """A gate did not pass; the text is for the table."""


class Stopped(Exception):
    """The whole run was interrupted."""


@dataclass
class Tests:
    """What pytest counted."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    # "file::test: reason", one for each skipped test.
    skips: list[tuple[str, str]] = field(default_factory=list)

    def __str__(self) -> str:
        counts = [(self.failed, FAILED), (self.passed, PASSED), (self.skipped, SKIPPED)]
        return ", ".join(f"{count} {word}" for count, word in counts if count) or "no tests"


@dataclass
class Gate:
    name: str
    about: str
    action: Callable[[Run], str]
    # Environments it needs, by the names that environments.py gives them.
    needs: tuple[str, ...] = ("main",)
    # Gates that have to pass first.
    after: tuple[str, ...] = ()
    # A gate that uses both cores itself runs alone.
    cores: int = 1


@dataclass
class Result:
    outcome: str
    why: str
    seconds: float = 0.0
    tests: Tests | None = None
    notes: list[str] = field(default_factory=list)


class Processes:
    """The programs that gates have started, so that all of them can be ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self.stopped = False

    def start(self, command: list[str], **options: object) -> subprocess.Popen[bytes]:
        with self._lock:
            if self.stopped:
                raise Stopped
            # A session of its own: then whatever the program starts can be ended together with it.
            process = subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL, **options)  # type: ignore[call-overload]
            self._running.add(process)
            return process

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """End a program, if it still runs, and what it has left behind."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
                break
        with self._lock:
            self._running.discard(process)

    def end_all(self) -> None:
        with self._lock:
            self.stopped = True
            running = list(self._running)
        for process in running:
            self.end(process)


PROCESSES = Processes()


class Run:
    """One run of one gate: its log, its programs, what it found."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.log_path = LOGS / f"{gate.name}.log"
        # A home of its own keeps caches and settings of this user out of the gate, and the gate's out of theirs.
        self.home = CACHE / "home" / gate.name
        self.tests: Tests | None = None
        self.notes: list[str] = []
        self._deadline = time.monotonic() + GATE_SECONDS
        self.home.mkdir(parents=True, exist_ok=True)
        LOGS.mkdir(parents=True, exist_ok=True)
        self._log = self.log_path.open("wb")

    def close(self) -> None:
        self._log.close()

    def say(self, text: str) -> None:
        self._log.write(text.encode() + b"\n")
        self._log.flush()

    def log_text(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def environ(self, environment: Environment, extra: dict[str, str]) -> dict[str, str]:
        """The variables for a gate's programs: this user's settings of Ansible and of tools left out."""
        environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ANSIBLE_", "GALAXY_", "GIT_", "MSTR_", "PYTEST_"))
            and name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "FORCE_COLOR", "MYPYPATH")
        }
        locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
        if "utf" not in locale.lower():
            # Ansible refuses to run otherwise.
            environ["LC_ALL"] = "C.UTF-8"
        environ["HOME"] = str(self.home)
        environ["NO_COLOR"] = "1"
        environ["ANSIBLE_NOCOLOR"] = "1"
        environ["PATH"] = os.pathsep.join([str(environment.bin), environ.get("PATH", os.defpath)])
        environ.update(extra)
        return environ

    def program(
        self,
        environment: str,
        command: list[str],
        *,
        cwd: Path = ROOT,
        extra: dict[str, str] | None = None,
        check: bool = True,
    ) -> int:
        """Run a program of an environment, its output into the log.

        :param check: raise GateFailed when it does not end with 0.
        :returns: what it ended with.
        """
        where = ENVIRONMENTS[environment]
        path = shutil.which(command[0], path=str(where.bin)) or command[0]
        self.say(f"$ {' '.join(command)}")
        process = PROCESSES.start(
            [path, *command[1:]],
            cwd=cwd,
            env=self.environ(where, extra or {}),
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        try:
            code = process.wait(timeout=max(1.0, self._deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.say(f"ended after {GATE_SECONDS} seconds")
            raise GateFailed(f"{command[0]} was still running after {GATE_SECONDS // 60} minutes") from None
        finally:
            PROCESSES.end(process)
        if PROCESSES.stopped:
            raise Stopped
        if code and check:
            raise GateFailed(f"{Path(command[0]).name} ended with {code}")
        return code

    def pytest(self, environment: str, arguments: list[str], extra: dict[str, str] | None = None) -> str:
        """Run pytest. A run in which no test passed is a failure: then the gate has shown nothing.

        :returns: the counts, for the table.
        """
        report = LOGS / f"{self.gate.name}.xml"
        report.unlink(missing_ok=True)
        cache = f"cache_dir={CACHE / 'pytest' / self.gate.name}"
        command = ["python", "-m", "pytest", "-q", "-o", cache, f"--junitxml={report}", *arguments]
        variables = {"HYPOTHESIS_STORAGE_DIRECTORY": str(CACHE / "hypothesis" / self.gate.name), **(extra or {})}
        code = self.program(environment, command, extra=variables, check=False)
        if not report.exists():
            raise GateFailed(f"pytest ended with {code}, and no report")
        self.tests = tests = read_report(report)
        if code == 5 or not (tests.passed or tests.failed):
            # Also where every test was skipped: pytest calls that a success.
            raise GateFailed(f"no test ran ({tests})")
        if code or tests.failed:
            raise GateFailed(str(tests) if tests.failed else f"pytest ended with {code} ({tests})")
        return str(tests)

    def copy(self) -> Path:
        """Copy what Git has or would take to a directory where ansible-test and others expect a collection.

        It becomes a work tree of its own there: otherwise the tools that ask Git would learn from this checkout that
        all of the copy is ignored, and look at nothing.
        """
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        if listed.returncode:
            raise GateFailed(f"git ls-files: {listed.stderr.decode(errors='replace').strip()}")
        target = CACHE / self.gate.name / "ansible_collections" / "mstr" / "migration"
        if target.exists():
            shutil.rmtree(target)
        target.mkdir(parents=True)
        for name in filter(None, os.fsdecode(listed.stdout).split("\0")):
            source, copied = ROOT / name, target / name
            copied.parent.mkdir(parents=True, exist_ok=True)
            # A file can be deleted and not yet be removed from the index, or go away right now.
            with contextlib.suppress(FileNotFoundError):
                shutil.copy2(source, copied, follow_symlinks=False)
        self.program("main", ["git", "init", "--quiet"], cwd=target)
        self.program("main", ["git", "add", "--all"], cwd=target)
        return target


def read_report(path: Path) -> Tests:
    """Count pytest's JUnit report. An error in a fixture counts as a failure of its test."""
    tests = Tests()
    for case in ElementTree.parse(path).iter("testcase"):
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            tests.failed += 1
        elif skip is not None:
            tests.skipped += 1
            tests.skips.append((f"{case.get('classname')}::{case.get('name')}", skip.get("message") or "no reason"))
        else:
            tests.passed += 1
    return tests


def core_version(environment: str) -> str:
    """The version of ansible-core in an environment."""
    for found in sorted(ENVIRONMENTS[environment].directory.glob("lib/python*/site-packages/ansible_core-*.dist-info")):
        return found.name[len("ansible_core-") : -len(".dist-info")]
    return "unknown"


# The gates, one function each. What it returns is shown in the table.


def build(run: Run) -> str:
    """Build the collection, and install it into COLLECTIONS."""
    source = run.copy()
    shutil.rmtree(ARTIFACTS, ignore_errors=True)
    run.program(
        "main", ["ansible-galaxy", "collection", "build", "--output-path", str(ARTIFACTS), "--force"], cwd=source
    )
    built = artifact()
    fresh = COLLECTIONS.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    command = ["ansible-galaxy", "collection", "install", str(built), "-p", str(fresh)]
    command += ["--offline", "--no-deps", "--force"]
    run.program("main", command, extra={"ANSIBLE_COLLECTIONS_PATH": str(fresh)})
    # Swapped in as a whole, so that no old file stays.
    old = COLLECTIONS.with_suffix(".old")
    shutil.rmtree(old, ignore_errors=True)
    if COLLECTIONS.exists():
        COLLECTIONS.rename(old)
    fresh.rename(COLLECTIONS)
    shutil.rmtree(old, ignore_errors=True)
    return f"{built.name}, {built.stat().st_size // 1024} KiB"


def artifact() -> Path:
    built = sorted(ARTIFACTS.glob("mstr-migration-*.tar.gz"))
    if len(built) != 1:
        raise GateFailed(f"expected one built collection in {ARTIFACTS.relative_to(ROOT)}, found {len(built)}")
    return built[0]


def unit(environment: str) -> Callable[[Run], str]:
    def action(run: Run) -> str:
        # No unit test waits for anything, so a minute is a hang; one that loops can fill the memory meanwhile.
        counts = run.pytest(environment, ["tests/unit", "--timeout=60"])
        return f"{counts} (ansible-core {core_version(environment)})"

    return action


# What can differ between ansible-cores: playbooks, the role, results, signals. The rest is about the modules, which are
# the same whatever core starts them, and runs on the newest one alone.
ON_EVERY_CORE = ["deploy", "list", "rollback", "signals", "cut_off", "secrets"]


def integration(environment: str, tests: list[str]) -> Callable[[Run], str]:
    def action(run: Run) -> str:
        # pytest always runs from the main environment, which has the server double's packages. The tests find
        # ansible-playbook through the variable.
        counts = run.pytest(
            "main",
            [*tests, "-n", str(CORES), "--dist", "worksteal"],
            {
                "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
                "MSTR_ANSIBLE_BIN": str(ENVIRONMENTS[environment].bin),
                "MSTR_SERVER_PYTHON": str(ENVIRONMENTS["main"].python),
            },
        )
        return f"{counts} (ansible-core {core_version(environment)})"

    return action


def reliability(run: Run) -> str:
    variables = {
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "MSTR_ANSIBLE_BIN": str(ENVIRONMENTS["main"].bin),
        "MSTR_SERVER_PYTHON": str(ENVIRONMENTS["main"].python),
    }
    counts = run.pytest("main", list(RELIABILITY), variables)
    found = re.findall(r"^(.*: \d+)$", run.log_text().partition("= fault matrix =")[2], re.MULTILINE)
    return f"{counts} ({'; '.join(found)})" if found else counts


def conformance(run: Run) -> str:
    arguments = ["tests/conformance", "--ignore=tests/conformance/test_mstrio.py"]
    return run.pytest("main", arguments, {"MSTR_SERVER_PYTHON": str(ENVIRONMENTS["main"].python)})


def mstrio(run: Run) -> str:
    # mstrio-py has many dependencies, so it has its own environment; the server it talks to runs in the main one.
    arguments = ["tests/conformance/test_mstrio.py"]
    return run.pytest("mstrio", arguments, {"MSTR_SERVER_PYTHON": str(ENVIRONMENTS["main"].python)})


def sanity(run: Run) -> str:
    """ansible-test's own checks, for every interpreter found, without an ignore file."""
    ignores = sorted((ROOT / "tests" / "sanity").glob("ignore*"))
    if ignores:
        raise GateFailed(f"{ignores[0].relative_to(ROOT)}: findings are to be mended, not ignored")
    source = run.copy()
    give_pip_to_ansible_test(run.home)
    extra = {"PATH": sanity_path(), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    # First its environments, so that the end of the log is about the collection and not about pip.
    run.program("main", ["ansible-test", "sanity", "--prime-venvs", "--color", "no"], cwd=source, extra=extra)
    try:
        code = run.program("main", ["ansible-test", "sanity", "--color", "no"], cwd=source, extra=extra, check=False)
    finally:
        # Also what was not checked belongs into the report.
        missing = re.findall(r'^WARNING: Skipping sanity test "(.+?)" (.*)$', run.log_text(), re.MULTILINE)
        reasons: dict[str, list[str]] = {}
        for test, reason in missing:
            tests = reasons.setdefault(reason.rstrip("."), [])
            if test not in tests:
                tests.append(test)
        run.notes += [f"{', '.join(tests)} {reason}" for reason, tests in reasons.items()]
    if code:
        listed = re.search(r"^FATAL: The \d+ sanity test.*\n((?:\S+\n)+)", run.log_text(), re.MULTILINE)
        names = ", ".join(listed.group(1).split()) if listed else ""
        raise GateFailed(f"failed: {names}" if names else f"ansible-test ended with {code}")
    count = len(set(re.findall(r'^Running sanity test "(.+?)"', run.log_text(), re.MULTILINE)))
    if not count:
        raise GateFailed("ansible-test ran no sanity test")
    return f"{count} sanity tests (ansible-core {core_version('main')})"


def give_pip_to_ansible_test(home: Path) -> None:
    """Let ansible-test make its environments without a download from its own host.

    It makes them without pip and then runs a bootstrap script that it downloads, unless the script is in its cache.
    Python's own ensurepip does as well.
    """
    packages = next(ENVIRONMENTS["main"].directory.glob("lib/python*/site-packages"))
    source = (packages / "ansible_test" / "_internal" / "python_requirements.py").read_text(encoding="utf-8")
    versions = re.findall(r"\bpip=['\"]([\d.]+)['\"]", source)
    if not versions:
        raise GateFailed("ansible-test no longer says which pip it wants: see give_pip_to_ansible_test")
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in versions:
        script = cache / f"get_pip_{version.replace('.', '_')}.py"
        if not script.exists():
            script.write_text("import ensurepip\nensurepip.bootstrap()\n", encoding="utf-8")
    # ansible-test hands no PIP_* variable on, so where pip's registry is must come from the user's files.
    for name in (".config/pip", ".pip"):
        real, link = Path.home() / name, home / name
        if real.exists() and not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(real)


def sanity_path() -> str:
    """A PATH on which every pythonX.Y works: ansible-test takes each name it finds there, and fails where one is a
    shim with nothing behind it."""
    links = CACHE / "interpreters"
    shutil.rmtree(links, ignore_errors=True)
    links.mkdir(parents=True)
    found = environments.find_interpreters()
    for (major, minor), interpreter in found.items():
        (links / f"python{major}.{minor}").symlink_to(interpreter.executable)
    directories = [str(ENVIRONMENTS["main"].bin), str(links)]
    for directory in os.environ.get("PATH", os.defpath).split(os.pathsep):
        # A newer one than is looked for here may be there and work; a shim for one that is found is harmless.
        names = [name for name in Path(directory or ".").glob("python3.*") if re.fullmatch(r"python3\.\d+", name.name)]
        if all((3, int(name.name[8:])) in found or works(name) for name in names):
            directories.append(directory)
    return os.pathsep.join(directories)


def works(program: Path) -> bool:
    try:
        return subprocess.run([str(program), "-c", ""], capture_output=True, timeout=30, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def lint(run: Run) -> str:
    codes = {
        "ruff check": run.program("lint", ["ruff", "check", "--output-format", "concise", "."], check=False),
        "ruff format": run.program("lint", ["ruff", "format", "--check", "."], check=False),
    }
    source = run.copy()
    # The path makes the copy's own modules and roles known by their full names.
    extra = {"ANSIBLE_COLLECTIONS_PATH": str(source.parents[2])}
    command = ["ansible-lint", "--offline", "--profile", "production", "--nocolor"]
    codes["ansible-lint"] = run.program("lint", command, cwd=source, extra=extra, check=False)
    if any(codes.values()):
        raise GateFailed(", ".join(name for name, code in codes.items() if code) + " found something")
    checked = re.search(r"in (\d+) files processed", run.log_text())
    if not checked or checked.group(1) == "0":
        raise GateFailed("ansible-lint looked at no file")
    return f"ruff, ansible-lint ({checked.group(1)} files)"


def mypy(run: Run) -> str:
    # By the name under which Ansible imports them: IMPORT_ROOT of environments.py makes that possible.
    packages = []
    for kind in ("filter", "module_utils", "modules"):
        if not any((ROOT / "plugins" / kind).glob("*.py")):
            raise GateFailed(f"there is nothing to check in plugins/{kind}")
        packages += ["-p", f"ansible_collections.mstr.migration.plugins.{kind}"]
    run.program("lint", ["mypy", "--no-color-output", *packages])
    checked = re.search(r"no issues found in (\d+) source files?", run.log_text())
    return f"{checked.group(1)} files" if checked else ""


def docs(run: Run) -> str:
    source = run.copy()
    extra = {"ANSIBLE_COLLECTIONS_PATH": str(source.parents[2])}
    command = ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "self", "."]
    codes = {
        "antsibull-docs": run.program("lint", command, cwd=source, extra=extra, check=False),
        "antsibull-changelog": run.program(
            "lint", ["antsibull-changelog", "lint"], cwd=source, extra=extra, check=False
        ),
    }
    if any(codes.values()):
        raise GateFailed(", ".join(name for name, code in codes.items() if code) + " found something")
    return "antsibull-docs, antsibull-changelog"


def importer(run: Run) -> str:
    """What Galaxy does with an uploaded collection, less ansible-test, which is a gate of its own."""
    directory = CACHE / "importer"
    directory.mkdir(parents=True, exist_ok=True)
    settings = configparser.ConfigParser()
    settings["galaxy-importer"] = {
        "run_ansible_doc": "true",
        "run_ansible_lint": "true",
        "offline_ansible_lint": "true",
        "run_ansible_test": "false",
        "check_changelog": "true",
        "check_required_tags": "true",
    }
    with (directory / "galaxy-importer.cfg").open("w", encoding="utf-8") as handle:
        settings.write(handle)
    result = directory / "importer_result.json"
    result.unlink(missing_ok=True)
    code = run.program(
        "importer",
        ["python", "-m", "galaxy_importer.main", str(artifact())],
        cwd=directory,
        extra={"GALAXY_IMPORTER_CONFIG": str(directory / "galaxy-importer.cfg")},
        check=False,
    )
    text = run.log_text()
    run.notes += re.findall(r"^WARNING: (.*)$", text, re.MULTILINE)
    errors = re.findall(r"^(?:ERROR|CRITICAL): (.*)$", text, re.MULTILINE)
    if code or errors or not result.exists():
        raise GateFailed(errors[0] if errors else f"galaxy-importer ended with {code}")
    contents = len(json.loads(result.read_text(encoding="utf-8")).get("contents", []))
    warnings = f", {len(run.notes)} warnings" if run.notes else ""
    return f"{contents} pieces of content{warnings}"


def declare(found: dict[environments.Version, environments.Interpreter]) -> dict[str, Gate]:
    """All gates, in the order in which they start."""
    gates = [
        Gate("build", "build and install the collection", build),
        # It takes longest of those that need one core only.
        Gate("sanity", "ansible-test sanity", sanity),
    ]
    main_version: environments.Version | None = None
    with contextlib.suppress(NoInterpreter):
        main_version = environments.choose(ENVIRONMENTS["main"], found).minor
    for version in sorted({*VERSIONS, *([main_version] if main_version else [])}, reverse=True):
        dotted = "{}.{}".format(*version)
        environment = "main" if version == main_version else f"unit-{dotted}"
        gates.append(Gate(f"unit-{dotted}", f"unit tests on Python {dotted}", unit(environment), (environment,)))
    gates += [
        Gate("conformance", "the server double against the documents", conformance),
        Gate("mstrio", "the server double against the vendor's client", mstrio, ("main", "mstrio")),
        Gate("lint", "ruff, ansible-lint", lint, ("main", "lint")),
        Gate("mypy", "types of the plugins", mypy, ("lint",)),
        Gate("docs", "documentation and changelog", docs, ("main", "lint")),
        Gate("importer", "Galaxy's import checks", importer, ("importer",), after=("build",)),
        Gate(
            "integration-newest",
            "real ansible-playbook, newest ansible-core",
            integration("main", ["tests/integration"]),
            after=("build",),
            cores=CORES,
        ),
        Gate(
            "integration-oldest",
            "real ansible-playbook, oldest ansible-core",
            integration("oldest", [f"tests/integration/test_{name}.py" for name in ON_EVERY_CORE]),
            ("main", "oldest"),
            after=("build",),
            cores=CORES,
        ),
        Gate("reliability", "every call, every fault", reliability, after=("build",), cores=CORES),
    ]
    return {gate.name: gate for gate in gates}


def select(gates: dict[str, Gate], names: list[str]) -> list[Gate]:
    """The gates to run: those named, and those that they need first. ``unit`` stands for all ``unit-...``.

    :raises KeyError: there is no such gate.
    """
    chosen: set[str] = set()
    for name in names or list(gates):
        matching = [gate for gate in gates if gate == name or gate.startswith(f"{name}-")]
        if not matching:
            raise KeyError(name)
        chosen.update(matching)
    for name in list(chosen):
        chosen.update(gates[name].after)
    return [gate for name, gate in gates.items() if name in chosen]


class Screen:
    """What is seen while gates run: a line for each that ends, and on a terminal one that says which are running."""

    def __init__(self, total: int, quiet: bool) -> None:
        self.total = total
        self.done = 0
        self.quiet = quiet
        self.live = sys.stdout.isatty() and not quiet

    def _line(self, text: str) -> None:
        print(("\r\x1b[K" if self.live else "") + text, flush=True)

    def ended(self, gate: Gate, result: Result, log: Path) -> None:
        self.done += 1
        if not self.quiet or result.outcome == FAILED:
            place = f"[{self.done}/{self.total}]"
            self._line(f"{place} {gate.name} {result.outcome} in {result.seconds:.0f} s: {result.why}")
        if result.outcome == FAILED and log.exists() and result.seconds:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            self._line(f"---- the end of {log.relative_to(ROOT)} ----")
            print("\n".join(lines[-TAIL_LINES:]))
            self._line("----")

    def running(self, started: dict[str, float]) -> None:
        if self.live and started:
            now = time.monotonic()
            text = ", ".join(f"{name} {now - since:.0f} s" for name, since in started.items())
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\x1b[K[{self.done}/{self.total}] running: {text}"[:width], end="", flush=True)


def perform(gate: Gate) -> Result:
    """Run one gate to its end. Whatever goes wrong in it becomes its result."""
    started = time.monotonic()
    run = Run(gate)
    try:
        why = gate.action(run)
        outcome = PASSED
    except GateFailed as failure:
        outcome, why = FAILED, str(failure)
    except Stopped:
        outcome, why = FAILED, "interrupted"
    except Exception as error:
        # A mistake in a gate must not take the others' results along.
        outcome, why = FAILED, f"{type(error).__name__}: {error}"
        run.say(why)
    finally:
        run.close()
    return Result(outcome, why, time.monotonic() - started, run.tests, run.notes)


def run_gates(
    gates: list[Gate], problems: dict[str, EnvironmentProblem], results: dict[str, Result], screen: Screen
) -> None:
    """Run the gates on CORES cores, in their order where what comes first does not keep the cores busy.

    :param problems: the environments that could not be made.
    :param results: filled while they end.
    """
    waiting = list(gates)
    threads: dict[str, threading.Thread] = {}
    since: dict[str, float] = {}
    ended: dict[str, Result] = {}
    free = CORES

    def finish(gate: Gate, result: Result) -> None:
        results[gate.name] = result
        screen.ended(gate, result, LOGS / f"{gate.name}.log")

    def work(gate: Gate) -> None:
        ended[gate.name] = perform(gate)

    while waiting or threads:
        for gate in list(waiting):
            unmet = [name for name in gate.after if name in results and results[name].outcome != PASSED]
            problem = next((problems[name] for name in gate.needs if name in problems), None)
            if problem is not None:
                # No interpreter is this machine's lack; anything else is a failure.
                outcome = SKIPPED if isinstance(problem, NoInterpreter) else FAILED
                waiting.remove(gate)
                finish(gate, Result(outcome, str(problem).splitlines()[0]))
            elif unmet:
                waiting.remove(gate)
                finish(gate, Result(FAILED, f"not run, since {unmet[0]} did not pass"))
            elif free >= gate.cores and all(name in results for name in gate.after):
                waiting.remove(gate)
                free -= gate.cores
                since[gate.name] = time.monotonic()
                threads[gate.name] = threading.Thread(target=work, args=(gate,), daemon=True)
                threads[gate.name].start()
        screen.running(since)
        time.sleep(0.1)
        for gate in gates:
            if gate.name in threads and not threads[gate.name].is_alive():
                threads.pop(gate.name).join()
                since.pop(gate.name)
                free += gate.cores
                finish(gate, ended[gate.name])


def report(gates: list[Gate], results: dict[str, Result]) -> None:
    """Print the table, what was not checked, and the counts."""
    rows = [("gate", "result", "time", "what")]
    for gate in gates:
        result = results[gate.name]
        rows.append((gate.name, result.outcome, f"{result.seconds:.0f} s", result.why))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    print()
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths)]
        print(" | ".join([*cells, row[3]]).rstrip())
        if row is rows[0]:
            print("-|-".join(["-" * width for width in widths] + ["-" * 4]))
    # The same test skipped for the same reason on several interpreters is one line.
    skips: dict[tuple[str, str], list[str]] = {}
    for gate in gates:
        result = results[gate.name]
        for note in result.notes:
            print(f"{gate.name}: {note}")
        for skip in result.tests.skips if result.tests is not None else ():
            skips.setdefault(skip, []).append(gate.name)
    for (test, reason), names in skips.items():
        print(f"skipped {test} in {', '.join(names)}: {reason}")
    counted = [result.tests for result in results.values() if result.tests is not None]
    print()
    if counted:
        passed, failed, skipped = (sum(getattr(tests, word) for tests in counted) for word in (PASSED, FAILED, SKIPPED))
        print(f"tests: {passed} passed, {failed} failed, {skipped} skipped")
    print(closing_line(results))


def closing_line(results: dict[str, Result]) -> str:
    outcomes = Counter(result.outcome for result in results.values())
    return f"{outcomes[PASSED]} passed, {outcomes[FAILED]} failed, {outcomes[SKIPPED]} skipped"


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Wait for another run of the gates in this checkout: they would share the logs and the installed collection."""
    (CACHE / "locks").mkdir(parents=True, exist_ok=True)
    with (CACHE / "locks" / "gates").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("waiting for another run of the gates to end", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the gates: all, or those named.")
    parser.add_argument("names", nargs="*", metavar="GATE")
    parser.add_argument("--list", action="store_true", help="list the gates, and run none")
    parser.add_argument("--quiet", action="store_true", help="print nothing unless a gate fails")
    arguments = parser.parse_args()
    found = environments.find_interpreters()
    gates = declare(found)
    if arguments.list:
        for gate in gates.values():
            print(f"{gate.name}: {gate.about}")
        return 0
    try:
        chosen = select(gates, arguments.names)
    except KeyError as error:
        parser.error(f"there is no gate {error.args[0]}; there are {', '.join(gates)}")
    signal.signal(signal.SIGTERM, interrupt)
    results: dict[str, Result] = {}
    with alone():
        needed = [name for name in ENVIRONMENTS if any(name in gate.needs for gate in chosen)]
        made = environments.ensure_all(needed, found)
        problems = {name: made[name] for name in needed if isinstance(made[name], EnvironmentProblem)}
        for name, problem in problems.items():
            if not isinstance(problem, NoInterpreter):
                print(f"environment {name}: {problem}", flush=True)
        try:
            run_gates(chosen, problems, results, Screen(len(chosen), arguments.quiet))
        except KeyboardInterrupt:
            PROCESSES.end_all()
            print("\ninterrupted", flush=True)
            return 130
    failed = any(result.outcome == FAILED for result in results.values())
    if failed or not arguments.quiet:
        report(chosen, results)
    # A run in which nothing passed has shown nothing, whatever the reasons.
    passed = any(result.outcome == PASSED for result in results.values())
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
