# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many deployments of changing packages to many environments, with faults at random.

``python tests/reliability/soak.py --deployments 200 --environments 10 --seed 1`` (``make soak``). Each environment is a
server double of its own. In each round some packages of each environment become new ones, some calls break, some runs
are killed or stopped, and one ``ansible-playbook`` deploys to all. In the end nothing breaks any more: each environment
has to come to what is declared, with nothing left on any server or disk, and each package imported once.

The numbers that decide about what happens come from the seed. When a kill strikes depends on the machine as well.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))
from harness import PASSWORD, TUTORIAL, Controller, Server, ansible_bin, running_server
from mstr_double.package_spec import content_of, write_package
from processes import kill_all

# Seconds.
LEASE = 4
CALLS = {
    "GET": ["^/status", "^/projects", "^/objects/", "^/packages/[^/]+$", "^/packages/imports/[^/]+$", "/undoPackage/"],
    "POST": ["^/auth/login", "^/auth/logout", "^/packages$", "^/packages/imports$"],
    "PUT": ["/binary$"],
    "DELETE": ["^/packages/imports/", "^/packages/[^/]+$"],
}
FAULTS: list[dict[str, Any]] = [
    {"kind": "reset", "when": "before"},
    {"kind": "reset", "when": "after"},
    {"kind": "cut", "bytes": 10},
    {"kind": "hang", "seconds": 4, "when": "before"},
    {"kind": "hang", "seconds": 4, "when": "after"},
    {"kind": "status", "status": 401, "body": {"code": "ERR009", "message": "The session has timed out."}},
    {"kind": "status", "status": 403, "body": {"code": "ERR014", "message": "No."}},
    {"kind": "status", "status": 404, "body": {"code": "ERR004", "message": "Not found."}},
    {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}},
    {"kind": "status", "status": 500, "body": {"code": "ERR002", "message": "Something broke."}},
    {"kind": "status", "status": 502, "body": "<html>Bad gateway</html>", "content_type": "text/html"},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 504, "act": True},
    {"kind": "html"},
]


@dataclass
class Environment:
    """One environment: its server, and the packages that are declared for it."""

    name: str
    server: Server
    directory: Path
    # For each package the number of its newest file.
    editions: dict[str, int] = field(default_factory=dict)
    declared: dict[str, str] = field(default_factory=dict)
    handles: list[int] = field(default_factory=list)

    def renew(self, package: str) -> None:
        """Make a new file of a package: every object in it gets another version."""
        edition = self.editions[package] = self.editions.get(package, 0) + 1
        rows = [
            {
                "name": "%s of %s" % (thing, package),
                "type": 12,
                "action": "replace",
                "definition": {"edition": edition, "environment": self.name},
            }
            for thing in ("Region", "Store", "Year")
        ]
        spec = {"content": rows, "settings": {"defaultAction": "replace"}}
        write_package(spec, self.directory / ("%s.mmp" % package))
        content = content_of(spec).rows
        self.declared.update({row["id"]: row["version"] for row in content})


@dataclass
class Result:
    """What a soak came to."""

    deployments: int = 0
    failed: int = 0
    faults: int = 0
    cut_off: Counter[str] = field(default_factory=Counter)
    imports: int = 0
    doubled: int = 0
    undo_lost: int = 0
    left: int = 0
    untold: int = 0
    secrets: int = 0
    memory: list[int] = field(default_factory=list)
    handles: tuple[int, int] = (0, 0)
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        first, last = self.memory[1 : 1 + len(self.memory) // 3], self.memory[-(1 + len(self.memory) // 3) :]
        return "\n".join(
            [
                "deployments: %d, of which %d failed by %d faults, %d killed, %d stopped"
                % (self.deployments, self.failed, self.faults, self.cut_off["SIGKILL"], self.cut_off["SIGTERM"]),
                "imports: %d; doubled: %d; undo packages lost without a word: %d; left on servers and disks: %d; "
                "secrets found: %d; sessions of which a server never told: %d"
                % (self.imports, self.doubled, self.undo_lost, self.left, self.secrets, self.untold),
                "peak memory of ansible-playbook: %d MiB in the first third, %d MiB in the last; open files of a "
                "server: at most %d after the first round, %d after the last"
                % (max(first or [0]) // 1024, max(last or [0]) // 1024, *self.handles),
                *("PROBLEM: " + problem for problem in self.problems),
            ]
        )


class Soak:
    """A soak.

    Args:
        environments: How many environments.
        rounds: How many times all of them are deployed to.
        seed: Decides what breaks.
        directory: An empty directory.
        temporary: A directory for temporary files, with a short name.
    """

    def __init__(self, environments: int, rounds: int, seed: int, directory: Path, temporary: Path) -> None:
        self.random = random.Random(seed)
        self.rounds = rounds
        self.count = environments
        self.controller = Controller(directory, directory, temporary)
        self.environments: list[Environment] = []
        self.result = Result()
        # All that runs have printed.
        self.printed = ""

    def run(self) -> Result:
        """Run it and return what it came to."""
        with contextlib.ExitStack() as stack:
            for number in range(self.count):
                name = "env%02d" % number
                directory = self.controller.directory / name
                directory.mkdir()
                server = stack.enter_context(running_server())
                server.set(import_duration=0.3)
                environment = Environment(name, server, directory)
                for package in ("a", "b", "c"):
                    environment.renew(package)
                self.environments.append(environment)
            self._inventory()
            for number in range(self.rounds):
                self._round(number)
            self._come_to_rest()
        return self.result

    def _inventory(self) -> None:
        hosts = {}
        for environment in self.environments:
            hosts[environment.name] = {
                "mstr_base_url": environment.server.base_url,
                "mstr_username": "administrator",
                "mstr_password": PASSWORD,
                "mstr_project": TUTORIAL,
                "mstr_packages": [{"src": str(environment.directory / (name + ".mmp"))} for name in ("a", "b", "c")],
                "mstr_environment_name": environment.name,
                "mstr_timeout": 2,
                "mstr_retries": 1,
                "mstr_undo_timeout": 5,
                "mstr_wait_timeout": 15,
                "mstr_lease_timeout": LEASE,
                "mstr_lock_timeout": 30,
            }
        self.controller.inventory(hosts)

    def _round(self, number: int) -> None:
        for environment in self.environments:
            if number:
                for package in self.random.sample(("a", "b", "c"), self.random.choice((0, 1, 2))):
                    environment.renew(package)
            environment.server.reset_faults()
            for _fault in range(self.random.choice((0, 0, 1, 2))):
                method = self.random.choice(list(CALLS))
                environment.server.fault(
                    method,
                    self.random.choice(CALLS[method]),
                    self.random.choice(FAULTS),
                    skip=self.random.choice((0, 0, 1, 3)),
                    times=self.random.choice((1, 2, 5)),
                )
                self.result.faults += 1
        how = self.random.choice((None, None, None, None, signal.SIGKILL, signal.SIGTERM))
        after = self.random.uniform(2, 10)
        code = self._deploy(number, how, after)
        self.result.deployments += len(self.environments)
        for environment in self.environments:
            environment.handles.append(len(os.listdir("/proc/%d/fd" % environment.server.process.pid)))
        print("round %d: %s" % (number + 1, code), flush=True)

    def _deploy(self, number: int, how: signal.Signals | None, after: float) -> str:
        """Deploy to all, and kill or stop that after some seconds; return what became of it."""
        record = self.controller.directory / ("results-%d.jsonl" % number)
        log = self.controller.directory / ("output-%d.log" % number)
        arguments = [str(ansible_bin() / "ansible-playbook"), "-i", "inventory.yml", "mstr.migration.deploy"]
        arguments += ["--forks", str(self.count)]
        process = os.fork()
        if not process:
            os.setsid()
            os.chdir(self.controller.directory)
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.execve(arguments[0], arguments, self.controller.variables(record))
        deadline = time.monotonic() + (after if how else 600)
        said = ""
        while True:
            ended, status, usage = os.wait4(process, os.WNOHANG)
            if ended:
                break
            if time.monotonic() >= deadline and not said:
                said = (how or signal.SIGKILL).name
                if how is None:
                    self.result.problems.append("round %d did not end" % (number + 1))
                self.result.cut_off[said] += 1
                if how is signal.SIGTERM:
                    os.kill(process, how)
                else:
                    kill_all(process)
            time.sleep(0.05)
        text = log.read_text(encoding="utf-8", errors="replace")
        self.printed += text
        if "Traceback" in text or "defect of mstr.migration" in text:
            self.result.problems.append("round %d: a traceback, see %s" % (number + 1, log))
        self.result.secrets += text.count(PASSWORD)
        if not said:
            self.result.memory.append(usage.ru_maxrss)
            # The recap has a line for each environment.
            self.result.failed += sum("failed=1" in line for line in text.splitlines() if line.startswith("env"))
        return said or ("ended with %d" % os.waitstatus_to_exitcode(status))

    def _come_to_rest(self) -> None:
        """Let nothing break any more, and see that all comes to what is declared."""
        for environment in self.environments:
            environment.server.reset_faults()
        problems = self.result.problems
        for attempt in ("first", "second"):
            run = self.controller.deploy("--forks", str(self.count))
            self.printed += run.output
            if run.code:
                problems.append("the %s deployment without faults failed: %s" % (attempt, run.failures))
        for environment in self.environments:
            if run.recap(environment.name)["changed"]:
                problems.append("%s does not come to rest" % environment.name)
            if not environment.server.has(environment.declared):
                problems.append("%s is not as declared" % environment.name)
            held = environment.server.held()
            # Nobody can close a session of which the server never told; it ends by the server's time-out.
            unknown = sum("fault" in call for call in environment.server.calls("POST", "/auth/login"))
            self.result.untold += min(unknown, len(held))
            if len(held) > unknown:
                self.result.left += len(held) - unknown
                problems += ["%s holds %s" % (environment.name, item) for item in held]
            self._check_history(environment)
        history = self.controller.history
        left = [*history.rglob(".mstr_*"), *history.glob("*/sessions/*"), *history.glob("locks/*")]
        self.result.left += len(left)
        problems += ["%s is left" % path for path in left]
        self.result.secrets += sum(
            PASSWORD.encode() in path.read_bytes() for path in history.rglob("*") if path.is_file()
        )
        self.result.handles = (
            max(environment.handles[0] for environment in self.environments),
            max(environment.handles[-1] for environment in self.environments),
        )
        if self.result.handles[1] > self.result.handles[0] + 10:
            problems.append("open files grow")
        for name in ("doubled", "undo_lost", "secrets"):
            if getattr(self.result, name):
                problems.append("%s: %d" % (name, getattr(self.result, name)))

    def _check_history(self, environment: Environment) -> None:
        done: Counter[str] = Counter()
        receipts = list((self.controller.history / environment.name).glob("*/*/receipt.json"))
        for path in receipts:
            receipt = json.loads(path.read_text(encoding="utf-8"))
            done[receipt["sha256"]] += receipt["state"] == "imported"
            named = path.parent.name in self.printed or str(receipt["import_id"]) in self.printed
            if receipt["state"] in ("imported", "interrupted") and not receipt["undo"] and not named:
                self.result.undo_lost += 1
            if receipt["state"] == "started":
                self.result.problems.append("%s is not completed" % path)
            if receipt["undo"]:
                whole = path.with_name("undo.mmp").stat().st_size == receipt["undo"]["size"]
                if not whole:
                    self.result.problems.append("%s has half an undo package" % path)
        self.result.imports += environment.server.state()["imports_started"]
        # No package has objects of another one, so none has to be imported again.
        self.result.doubled += sum(count - 1 for count in done.values() if count > 1)
        downloads = environment.server.calls("GET", "/undoPackage/binary")
        saved = sum(path.with_name("undo.mmp").exists() for path in receipts)
        if saved > len([call for call in downloads if call.get("sha256_out")]):
            self.result.problems.append("%s has undo packages that no server sent" % environment.name)


def main() -> int:
    """Run a soak as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deployments", type=int, default=200, help="how many in all (default: 200)")
    parser.add_argument("--environments", type=int, default=10, help="to how many environments (default: 10)")
    parser.add_argument("--seed", type=int, default=1, help="decides what breaks (default: 1)")
    parser.add_argument("--keep", action="store_true", help="keep the directory in which it ran")
    options = parser.parse_args()
    rounds = max(1, options.deployments // options.environments)
    with _directory(options.keep) as directory, tempfile.TemporaryDirectory(prefix="mstr") as temporary:
        result = Soak(options.environments, rounds, options.seed, directory, Path(temporary)).run()
    print("seed %d, %d environments, %d rounds" % (options.seed, options.environments, rounds))
    print(result)
    return 1 if result.problems else 0


@contextlib.contextmanager
def _directory(keep: bool) -> Iterator[Path]:
    if keep:
        path = Path(tempfile.mkdtemp(prefix="mstr_soak_"))
        print("in %s" % path)
        yield path
    else:
        with tempfile.TemporaryDirectory(prefix="mstr_soak_") as name:
            yield Path(name)


if __name__ == "__main__":
    sys.exit(main())
