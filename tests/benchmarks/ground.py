# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the benchmarks stand on: servers, package files, an inventory, and commands as a user would give them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certifi
import trustme
from measure import Command

ROOT = Path(__file__).resolve().parent.parent.parent
PEERS = Path(__file__).resolve().parent / "peers"
# The harness of the integration tests knows how to start a double and to ask it.
sys.path.insert(0, str(ROOT / "tests" / "integration"))
from harness import PASSWORD, TUTORIAL, Server, make_package, running_server  # noqa: E402

MIB = 1 << 20
USER = "administrator"
PROJECT = "MicroStrategy Tutorial"
# The environment of the nox session that has the vendor's client.
MSTRIO = ROOT / ".cache" / "nox" / "vendor_client" / "bin" / "python"


def package_rows(name: str, objects: int) -> list[dict[str, Any]]:
    """Return the rows of a package with so many metrics of its own."""
    return [{"name": "%s %d" % (name, number), "type": 4} for number in range(objects)]


class Ground:
    """A working directory, and what can be run in it.

    Args:
        directory: The directory; what is in it is thrown away.
    """

    def __init__(self, directory: Path) -> None:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        self.directory = directory
        self.history = directory / "history"
        self.certificates = directory / "ca.pem"
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.certificates))
        # What a company hands out often has all public authorities in it, and its own.
        self.many_certificates = directory / "many-ca.pem"
        self.many_certificates.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + authority.cert_pem.bytes())
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(directory / "server.pem"))
        self.variables = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "MSTR_"))},
            "PATH": "%s:%s" % (Path(sys.executable).parent, os.environ["PATH"]),
            "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
            "PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
            "ANSIBLE_LOCAL_TEMP": str(directory / "ansible-tmp"),
            "ANSIBLE_REMOTE_TEMP": str(directory / "ansible-tmp"),
            "ANSIBLE_NOCOLOR": "1",
            # The servers are on this machine; a proxy is for others.
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    @contextlib.contextmanager
    def server(self, tls: bool = False) -> Iterator[Server]:
        """Start a server double, and stop it in the end."""
        certificate = str(self.directory / "server.pem")
        arguments = ["--tls-cert", certificate, "--tls-key", certificate] if tls else []
        with running_server(*arguments, ca_file=self.certificates if tls else None) as server:
            yield server

    def package(self, name: str, objects: int, padding: int = 0) -> Path:
        """Write a package file with so many metrics of its own, and so many bytes of ballast."""
        path = self.directory / "packages" / (name + ".mmp")
        path.parent.mkdir(exist_ok=True)
        return make_package(path, *package_rows(name, objects), padding=padding)

    def forget_history(self) -> None:
        """Throw away what earlier imports left."""
        shutil.rmtree(self.history, ignore_errors=True)

    def connection(self, server: Server, **options: Any) -> dict[str, Any]:
        """Return the options by which a module logs in."""
        trust = {"ca_path": str(self.certificates)} if server.base_url.startswith("https") else {}
        return {"base_url": server.base_url, "username": USER, "password": PASSWORD, **trust, **options}

    def module(self, name: str, **options: Any) -> Command:
        """Run a module as a process of its own, without ansible-playbook around it."""
        module = "ansible_collections.mstr.migration.plugins.modules." + name
        given = json.dumps({"ANSIBLE_MODULE_ARGS": options})
        return Command([sys.executable, "-m", module], self.variables, self.directory, given)

    def tasks(self, tasks: list[dict[str, Any]], watch: str | None = None) -> Command:
        """Run tasks on this machine with ansible-playbook."""
        return self.play("tasks", {"hosts": "all", "gather_facts": False, "tasks": tasks}, {"here": {}}, watch=watch)

    def role(
        self, servers: dict[str, Server], packages: list[dict[str, Any]], *arguments: str, **options: Any
    ) -> Command:
        """Run the role for environments that are to have packages; the options are those of the connection."""
        hosts = {
            name: {"mstr_" + key: value for key, value in self.connection(server, **options).items()}
            for name, server in servers.items()
        }
        shared = {"mstr_project": PROJECT, "mstr_history_dir": str(self.history), "mstr_packages": packages}
        play = {"hosts": "all", "gather_facts": False, "roles": ["mstr.migration.mstr"]}
        return self.play("role", play, hosts, shared, *arguments)

    def play(
        self,
        name: str,
        play: dict[str, Any],
        hosts: dict[str, dict[str, Any]],
        shared: dict[str, Any] | None = None,
        *arguments: str,
        watch: str | None = None,
    ) -> Command:
        """Write a play and an inventory, and run it. Every module runs on this machine, with this interpreter."""
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        inventory = self._write("%s-hosts.yml" % name, {"all": {"hosts": hosts, "vars": {**local, **(shared or {})}}})
        playbook = self._write("%s.yml" % name, [play])
        return self.playbook(playbook, "-i", str(inventory), *arguments, watch=watch)

    def playbook(self, playbook: Path, *arguments: str, watch: str | None = None) -> Command:
        """Run a playbook."""
        program = str(Path(sys.executable).parent / "ansible-playbook")
        return Command([program, str(playbook), *arguments], self.variables, self.directory, watch=watch)

    def peer(self, *arguments: str, server: Server, package: Path | str) -> Command:
        """Run a script of those that do the same another way. All they need is in their environment."""
        given = {
            "BASE": server.base_url,
            "USERNAME": USER,
            "PASSWORD": PASSWORD,
            "PROJECT_ID": TUTORIAL,
            "PACKAGE": str(package),
            "CURL_CA_BUNDLE": str(self.certificates),
            "REQUESTS_CA_BUNDLE": str(self.certificates),
            "WORK": str(self.directory),
            "PYTHON": sys.executable,
        }
        return Command(list(arguments), {**self.variables, **given}, self.directory)

    def _write(self, name: str, content: Any) -> Path:
        path = self.directory / name
        # JSON is YAML.
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")
        return path
