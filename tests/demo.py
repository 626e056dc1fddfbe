# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration: two environments, played by the server double over TLS, brought to two packages; one taken back.

``make demo`` runs it with the built and installed collection. What is shown is what a user sees of the same commands.
"""

from __future__ import annotations

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

import trustme

ROOT = Path(__file__).resolve().parent.parent
DOUBLE = ROOT / "tests" / "library_server"
WORK = ROOT / ".cache" / "demo"
ANSIBLE = Path(sys.executable).parent / "ansible-playbook"


class DemoFailed(Exception):
    """A step did not do what it is there to show."""


def say(text: str) -> None:
    """Print a line of the demonstration's own, marked off from what the commands print."""
    print("\n\033[1m### %s\033[0m" % text if sys.stdout.isatty() else "\n### %s" % text, flush=True)


def prepare() -> None:
    """Make the directory that a release engineer would have: packages, an inventory, the CA's certificate."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    subprocess.run(
        [sys.executable, str(DOUBLE), "sample-packages", str(WORK / "packages")], check=True, stdout=subprocess.DEVNULL
    )
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(WORK / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(WORK / "server.pem"))


@contextlib.contextmanager
def environment(name: str) -> Iterator[str]:
    """Start a server with TLS and give its base URL; stop it in the end."""
    certificate = str(WORK / "server.pem")
    server = subprocess.Popen(
        [sys.executable, str(DOUBLE), "--port", "0", "--tls-cert", certificate, "--tls-key", certificate],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        base_url = (server.stdout.readline() if server.stdout else "").strip()
        if not base_url.startswith("https://"):
            raise DemoFailed("the server of environment %s did not start" % name)
        print("environment %-4s is %s" % (name, base_url))
        yield base_url
    finally:
        server.terminate()
        server.wait(10)


def write_inventory(environments: dict[str, str]) -> str:
    """Write the inventory and return its text."""
    hosts = "\n".join(
        "    %s:\n      mstr_base_url: %s\n      mstr_environment_name: %s" % (name, url, name)
        for name, url in environments.items()
    )
    text = """\
mstr:
  hosts:
%s
  vars:
    mstr_username: administrator
    mstr_password: library-demo  # in earnest: from a vault or the environment
    mstr_ca_path: ca.pem
    mstr_project: MicroStrategy Tutorial
    mstr_history_dir: history
    mstr_packages:
      - name: finance
        src: packages/finance.mmp
      - name: users
        src: packages/users.mmp
        type: configuration
""" % (hosts,)
    (WORK / "inventory.yml").write_text(text, encoding="utf-8")
    return text


def run(*arguments: str) -> dict[str, int]:
    """Run ansible-playbook as a user would and return how many changes its recap counts for each environment."""
    command = ["ansible-playbook", "-i", "inventory.yml", *arguments]
    say("$ " + shlex.join(command))
    settings = {key: value for key, value in os.environ.items() if not key.startswith("MSTR_")}
    process = subprocess.Popen(
        [str(ANSIBLE), *command[1:]],
        cwd=WORK,
        # The servers are on this machine; a proxy is for others.
        env={**settings, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
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
        raise DemoFailed("ansible-playbook ended with exit code %d" % process.returncode)
    return changed


def undo_packages() -> list[str]:
    """Return a line for each undo package on disk: path, size, sha256, and whether the receipt agrees."""
    lines = []
    for path in sorted((WORK / "history").rglob("undo.mmp")):
        receipt = json.loads((path.parent / "receipt.json").read_text(encoding="utf-8"))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != receipt["undo"]["sha256"]:
            raise DemoFailed("%s is not the file that its receipt names" % path)
        lines.append(
            "%s  %d bytes, mode %04o, sha256 %s..."
            % (path.relative_to(WORK), path.stat().st_size, path.stat().st_mode & 0o777, digest[:12])
        )
    return lines


def expect(what: str, found: object, wanted: object) -> None:
    """Fail unless a step came to what it is there to show."""
    if found != wanted:
        raise DemoFailed("%s: expected %s, found %s" % (what, wanted, found))


def main() -> int:
    """Run the demonstration; return the exit code."""
    try:
        prepare()
        say("Two environments, each a Library server with TLS")
        with environment("test") as first, environment("prod") as second:
            say("The inventory: environments, and the packages that they are to hold")
            print(write_inventory({"test": first, "prod": second}))
            predicted = run("mstr.migration.deploy", "--check", "--diff")
            first_run = run("mstr.migration.deploy")
            second_run = run("mstr.migration.deploy")
            rollback = run("mstr.migration.rollback", "--limit", "prod", "-e", "mstr_package=finance", "--diff")
            third_run = run("mstr.migration.deploy")
        say("The undo packages on disk, below %s" % WORK.relative_to(ROOT))
        kept = undo_packages()
        print("\n".join(kept))
        both = {"test": 1, "prod": 1}
        # One task predicts them all.
        expect("environments that would change", predicted, {"test": 1, "prod": 1})
        expect("changes of the first run", first_run, both)
        expect("changes of the second run", second_run, {"test": 0, "prod": 0})
        expect("changes of the rollback", rollback, {"prod": 1})
        expect("changes of the run after the rollback", third_run, {"test": 0, "prod": 0})
        expect("undo packages", len(kept), 4)
    except (DemoFailed, subprocess.SubprocessError, OSError) as error:
        print("\nThe demonstration failed: %s" % error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nThe demonstration was stopped.", file=sys.stderr)
        return 130
    say("Summary")
    print(
        "check:        2 packages on each of 2 environments would be imported, and nothing was written\n"
        "deploy:       4 imports, each with its undo package and a receipt on disk\n"
        "deploy again: changed=0 everywhere\n"
        "rollback:     finance on prod is taken back; the next deploy leaves it alone and says so"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
