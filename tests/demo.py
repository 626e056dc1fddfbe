# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration: the inventory of examples/ against three servers on this machine, from plan to rollback.

``make demo`` runs it with the built collection, in an environment that has only ansible-core and requests. What is
shown is what a user sees of the same commands. It works in a copy of examples/, in which two things are otherwise: the
servers have free ports, and there is the file with the vault's password that examples/README.md says to make.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(sys.executable).parent
ENVIRONMENTS = ("dev", "test", "prod")


class DemoFailed(Exception):
    """A step did not do what it is there to show."""


def say(text: str) -> None:
    """Print a line of the demonstration's own, marked off from what the commands print."""
    print("\n\033[1m### %s\033[0m" % text if sys.stdout.isatty() else "\n### %s" % text, flush=True)


def expect(what: str, found: object, wanted: object) -> None:
    """Fail unless a step came to what it is there to show."""
    if found != wanted:
        raise DemoFailed("%s: expected %s, found %s" % (what, wanted, found))


@contextlib.contextmanager
def servers(python: str, authority: Path) -> Iterator[dict[str, str]]:
    """Start a server with TLS for each environment and give their addresses by name; stop them in the end."""
    command = [python, str(ROOT / "tests" / "servers.py"), "--free-ports", str(authority)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        lines = [(process.stdout.readline() if process.stdout else "").split() for _name in ENVIRONMENTS]
        if not all(lines):
            raise DemoFailed("the servers did not start")
        yield dict(lines)
    finally:
        process.terminate()
        process.wait(20)


class Desk:
    """The directory in which a release engineer works: a copy of examples/, and a home in which nothing else is.

    Attributes:
        directory: The copy.
        work: The directory that holds it.
    """

    def __init__(self, work: Path) -> None:
        shutil.rmtree(work, ignore_errors=True)
        self.work = work
        self.directory = work / "examples"
        made = shutil.ignore_patterns("history", "plans", "ca.pem", ".vault-password")
        shutil.copytree(ROOT / "examples", self.directory, ignore=made)
        page = (self.directory / "README.md").read_text(encoding="utf-8")
        (command,) = re.findall(r"^\$ (echo \S+ > \.vault-password)$", page, re.MULTILINE)
        subprocess.run(["sh", "-c", command], cwd=self.directory, check=True)
        # What is set for other work, and another user's collections, are none of a newcomer's.
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("MSTR_", "ANSIBLE_"))}
        home = work / "home"
        home.mkdir()
        # The servers are on this machine; a proxy is for others.
        self.environment = {**kept, "HOME": str(home), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        if not sys.stdout.isatty():
            self.environment["ANSIBLE_NOCOLOR"] = "1"

    def connect(self, addresses: dict[str, str]) -> None:
        """Write where the servers are into the inventory."""
        hosts = self.directory / "inventory" / "hosts.yml"
        text = hosts.read_text(encoding="utf-8")
        for name, address in addresses.items():
            text, count = re.subn(r"(\n    %s:\n      mstr_base_url: )\S+" % name, r"\g<1>%s" % address, text)
            expect("addresses of %s in the inventory" % name, count, 1)
        hosts.write_text(text, encoding="utf-8")

    def run(self, program: str, *arguments: str) -> dict[str, int]:
        """Run a program of Ansible as a user would; return how many changes its recap counts for each environment."""
        say("$ " + shlex.join([program, *arguments]))
        process = subprocess.Popen(
            [str(PROGRAMS / program), *arguments],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        changed = {}
        for line in process.stdout or ():
            print(line, end="", flush=True)
            recap = re.match(r"(\S+)\s+: ok=\d+\s+changed=(\d+)", re.sub(r"\x1b\[[0-9;]*m", "", line))
            if recap:
                changed[recap.group(1)] = int(recap.group(2))
        if process.wait() != 0:
            raise DemoFailed("%s ended with exit code %d" % (program, process.returncode))
        return changed

    def plans(self) -> dict[str, str]:
        """Return the id of the plan that was written for each environment."""
        plans = {}
        for path in sorted((self.directory / "plans").iterdir()):
            plan = json.loads(path.read_text(encoding="utf-8"))
            plans[path.name.partition(".")[0]] = plan["plan_id"]
            print("%s  plan %s" % (path.relative_to(self.directory), plan["plan_id"]))
        return plans

    def entries(self) -> list[tuple[str, str]]:
        """Show each entry of the history, its undo package checked; return environment and plan of each."""
        entries = []
        for path in sorted((self.directory / "history").rglob("undo.mmp")):
            receipt = json.loads((path.parent / "receipt.json").read_text(encoding="utf-8"))
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            expect("sha256 of %s" % path, receipt["undo"]["sha256"], digest)
            entries.append((receipt["environment"], receipt["plan_id"]))
            place = path.relative_to(self.directory)
            print(
                "%s  %s, %d bytes, mode %04o"
                % (place, receipt["state"], path.stat().st_size, path.stat().st_mode & 0o777)
            )
        return entries


def show(desk: Desk, collection: str) -> None:
    """Run the commands of examples/README.md, and hold each to what it is there to show."""
    every = dict.fromkeys(ENVIRONMENTS, 1)
    none = dict.fromkeys(ENVIRONMENTS, 0)
    desk.run("ansible-galaxy", "collection", "install", "--offline", collection)
    say("The inventory of examples/: what is common to all environments")
    variables = (desk.directory / "inventory/group_vars/mstr/vars.yml").read_text(encoding="utf-8")
    # Without whose it is and under which licence.
    print(variables.partition("\n\n")[2], end="")
    plan = ("-e", "mstr_plan_file=plans/")
    predicted = desk.run("ansible-playbook", "mstr.migration.deploy", "--check", "--diff", *plan)
    expect("environments that would change", predicted, every)
    say("What there is to approve, below %s" % desk.directory.relative_to(ROOT))
    plans = desk.plans()
    expect("environments with a plan", sorted(plans), sorted(ENVIRONMENTS))
    carried_out = desk.run("ansible-playbook", "mstr.migration.deploy", *plan)
    expect("changes by the approved plans", carried_out, every)
    expect("changes of the next run", desk.run("ansible-playbook", "mstr.migration.deploy"), none)
    rollback = ("mstr.migration.rollback", "--limit", "prod", "-e", "mstr_run=last", "--diff")
    expect("changes of the rollback", desk.run("ansible-playbook", *rollback), {"prod": 1})
    expect("changes of the run after the rollback", desk.run("ansible-playbook", "mstr.migration.deploy"), none)
    say("The undo packages on disk, below %s" % desk.directory.relative_to(ROOT))
    entries = desk.entries()
    expect("entries by the approved plans", sorted(entries), sorted(list(plans.items()) * 2))
    say("Summary")
    print(
        "check:        2 packages on each of 3 environments would be imported, and only the plans were written\n"
        "deploy:       the plans were carried out: 6 imports, each with its undo package and a receipt on disk\n"
        "deploy again: changed=0 everywhere\n"
        "rollback:     prod is as it was before the last run; the next deploy leaves it alone and says so"
    )


def main() -> int:
    """Run the demonstration; return the exit code."""
    parser = argparse.ArgumentParser(description="Deploy examples/ to three servers on this machine, and roll back.")
    parser.add_argument("--collection", required=True, help="the built collection, a file")
    parser.add_argument("--servers", required=True, help="a Python that has what the server double needs")
    parser.add_argument("--directory", default=".cache/demo", help="where to work, below the checkout; made anew")
    options = parser.parse_args()
    try:
        desk = Desk(ROOT / options.directory)
        with servers(options.servers, desk.directory / "ca.pem") as addresses:
            desk.connect(addresses)
            show(desk, options.collection)
    except (DemoFailed, subprocess.SubprocessError, OSError) as error:
        print("\nThe demonstration failed: %s" % error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nThe demonstration was stopped.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
