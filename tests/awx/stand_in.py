# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in for AWX, and the playbook awx_setup against it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# The server double, and what tells processes apart.
sys.path.insert(0, str(ROOT / "tests" / "integration"))

BIN = Path(sys.executable).parent
# What every set-up of the tests says.
VARIABLES: dict[str, Any] = {
    "mstr_awx_organization": "Default",
    "mstr_awx_scm_url": "https://git.example.com/bi/packages.git",
    "mstr_awx_environments": [
        {
            "name": "test",
            "approve": False,
            "variables": {"mstr_base_url": "https://test.example.com/MicroStrategyLibrary"},
        },
        {"name": "prod", "variables": {"mstr_base_url": "https://prod.example.com/MicroStrategyLibrary"}},
    ],
}


class Awx:
    """A running stand-in."""

    def __init__(self, url: str) -> None:
        self.url = url

    def _control(self, method: str, name: str) -> Any:
        request = urllib.request.Request("%s/_control/%s" % (self.url, name), method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def reset(self) -> None:
        """Begin anew."""
        self._control("POST", "reset")

    def log(self) -> list[dict[str, Any]]:
        """Return the requests so far that were to change something."""
        return self._control("GET", "log")

    def state(self) -> dict[str, list[dict[str, Any]]]:
        """Return all objects, by the plural of their kind."""
        return self._control("GET", "state")

    def one(self, kind: str, name: str) -> dict[str, Any]:
        """Return the object of a kind that has a name, or of a node the identifier."""
        (found,) = (item for item in self.state()[kind] if name in (item.get("name"), item.get("identifier")))
        return found

    def by_id(self, kind: str, identity: int) -> dict[str, Any]:
        """Return an object by its id."""
        (found,) = (item for item in self.state()[kind] if item["id"] == identity)
        return found


@contextlib.contextmanager
def running_awx() -> Iterator[Awx]:
    """Start a stand-in on a free port, and stop it in the end."""
    process = subprocess.Popen([sys.executable, str(ROOT / "tests" / "awx_server")], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Awx(process.stdout.readline().strip())
    finally:
        process.terminate()
        process.wait(10)


@dataclass
class Setup:
    """What a run of awx_setup came to.

    Attributes:
        code: The exit code.
        output: What it printed.
        changed: The task, and for a loop the item, of each thing that changed.
    """

    code: int
    output: str
    changed: list[str]

    @property
    def lines(self) -> str:
        """What it printed, with one space for all white space: long messages are broken."""
        return " ".join(self.output.split())


def set_up(awx: Awx, directory: Path, *, environment: dict[str, str] | None = None, **variables: Any) -> Setup:
    """Run awx_setup with the variables of the tests and some more; those that are None are left out."""
    given = {name: value for name, value in {**VARIABLES, **variables}.items() if value is not None}
    path = directory / "awx.yml"
    # JSON is YAML.
    path.write_text(json.dumps(given), encoding="utf-8")
    # Nothing of the tester's own AWX.
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("CONTROLLER_", "TOWER_"))}
    done = subprocess.run(
        [str(BIN / "ansible-playbook"), "mstr.migration.awx_setup", "-e", "@%s" % path],
        cwd=directory,
        env={
            **inherited,
            "CONTROLLER_HOST": awx.url,
            "CONTROLLER_USERNAME": "admin",
            "CONTROLLER_PASSWORD": "awx-demo",
            "ANSIBLE_LOCAL_TEMP": str(directory / "tmp"),
            "ANSIBLE_REMOTE_TEMP": str(directory / "tmp"),
            "ANSIBLE_CONFIG": str(ROOT / "tests" / "integration" / "ansible.cfg"),
            # One process less for each task.
            "ANSIBLE_PIPELINING": "1",
            # The stand-in has no TLS, and each module of awx.awx reads the system's certificates several times.
            "SSL_CERT_FILE": os.devnull,
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
            "ANSIBLE_DEPRECATION_WARNINGS": "0",
            **(environment or {}),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=280,
        check=False,
    )
    return Setup(done.returncode, done.stdout, _changed(done.stdout))


def _changed(output: str) -> list[str]:
    task, found = "", []
    for line in output.splitlines():
        if line.startswith("TASK ["):
            task = line[len("TASK [") : line.rindex("]")]
        elif line.startswith("changed: "):
            item = line.partition("(item=")[2].rstrip(")")
            found.append("%s: %s" % (task, item) if item else task)
    return found
