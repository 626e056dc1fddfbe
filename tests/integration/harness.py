# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the server double, ansible-playbook, and its steps without it, for the integration tests."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
from ansible.module_utils.common.parameters import PASS_VARS
from jinja2 import Environment
from steps import PREFIX, Steps
from warm_modules import COLLECTIONS, ROOT, Modules, Ran, shared

DOUBLE = ROOT / "tests" / "library_server"
TUTORIAL = "B7CA92F04B9FAE8D941C3E9B7E0CD754"
DEMO = "B19DEDCC11D4E0EFC000EB9495D0F44F"
PASSWORD = "library-demo"
API_TOKEN = "library-demo-token"

# Package files are made as make-package does it, but within this process: some tests need many.
sys.path.insert(0, str(DOUBLE))
from mstr_double.package_spec import write_package  # noqa: E402
from mstr_double.samples import SAMPLES, sample_id, write_samples  # noqa: E402, F401


def make_package(path: Path, *rows: dict[str, Any], **spec: Any) -> Path:
    """Write a package file with these rows."""
    write_package({"content": list(rows), **spec}, path)
    return path


def object_id(name: str, kind: int = 12) -> str:
    """Return the id of an object of the sample packages, an attribute unless another type is given."""
    return sample_id(name, kind)


def declared(*packages: str) -> dict[str, str]:
    """Return the versions by id that a list of sample packages declares: later ones win."""
    rows = [row for name in packages for row in SAMPLES[name][1]["content"]]
    return {row["id"]: row["version"] for row in rows}


class Server:
    """A running server double, and what a test may ask or tell it beside the API."""

    def __init__(self, process: subprocess.Popen[str], base_url: str, ca_file: Path | None) -> None:
        self.process = process
        self.base_url = base_url
        self._control = base_url[: -len("/MicroStrategyLibrary")] + "/_control"
        # Not requests, which takes longer than the double does: some tests ask a great deal.
        self._http = urllib3.PoolManager(ca_certs=None if ca_file is None else str(ca_file), timeout=30, retries=False)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        # Not as json=: that refuses numbers which JSON does not have, and a double is to send such, too.
        data = None if body is None else json.dumps(body)
        answer = self._http.request(method, self._control + path, body=data)
        assert answer.status == 200, "%s %s: %d %s" % (method, path, answer.status, answer.data.decode())
        return json.loads(answer.data)

    def reset(self, **settings: Any) -> None:
        """Go back to the seed, then change settings."""
        self._call("POST", "/reset", settings)

    def keep(self) -> None:
        """Keep all that outlives a session, and the count of imports, as they are now."""
        self._call("POST", "/keep")

    def restore(self) -> None:
        """Go back to what was kept."""
        self._call("POST", "/restore")

    def set(self, **settings: Any) -> None:
        """Change settings."""
        self._call("PATCH", "/settings", settings)

    def state(self) -> dict[str, Any]:
        """Return what the server holds, and its counters."""
        return self._call("GET", "/state")

    def held(self) -> list[Any]:
        """Return the sessions, packages and import processes that the server holds."""
        state = self.state()
        return state["sessions"] + state["packages"] + state["imports"]

    def log(self) -> list[dict[str, Any]]:
        """Return the API calls so far."""
        return self._call("GET", "/log")

    def calls(self, method: str, part: str) -> list[dict[str, Any]]:
        """Return the API calls with a method, and a text in their path."""
        return [call for call in self.log() if call["method"] == method and part in call["path"]]

    def objects(self, scope: str = TUTORIAL) -> dict[str, dict[str, Any]]:
        """Return the metadata of a project, or of the configuration level."""
        return self._call("GET", "/objects/%s" % scope)

    def security(self, project: str = TUTORIAL) -> dict[str, Any]:
        """Return the links of users in a project."""
        return self._call("GET", "/security/%s" % project)

    def expire_sessions(self) -> None:
        """End all sessions, as a restart of the server does."""
        self._call("POST", "/expire-sessions")

    def reset_faults(self) -> None:
        """Break nothing any more."""
        self._call("DELETE", "/faults")

    def versions(self, scope: str = TUTORIAL) -> dict[str, str]:
        """Return the versions of the objects of a project, or of the configuration level, by id."""
        return {key: item["version"] for key, item in self.objects(scope).items()}

    def has(self, versions: dict[str, str], scope: str = TUTORIAL) -> bool:
        """Return whether objects are there in these versions."""
        return versions.items() <= self.versions(scope).items()

    def uploads(self) -> int:
        """Return how many package files were uploaded so far."""
        return len(self.calls("PUT", "/binary"))

    def edit(self, object_id: str, scope: str = TUTORIAL, by: str = "", **values: Any) -> dict[str, Any]:
        """Change an object by hand, which gives it a new version; by whom, as ``viewer``, for the change journal."""
        path = "/objects/%s/%s%s" % (scope, object_id, "?user=" + by if by else "")
        return self._call("PUT", path, values or {"definition": {"edited": True}})

    def purge_journal(self) -> None:
        """Empty the change journal."""
        self._call("DELETE", "/journal")

    def lock(self, scope: str = TUTORIAL, schema: bool = False, **values: Any) -> None:
        """Lock a project, its schema, or the configuration, as somebody else does."""
        about = {"lockType": "exclusive_constituent" if schema else "permanent_individual", "machineName": "desk"}
        about.update(
            owner={"id": "A" * 32, "name": "Ann"}, comment="month end", lockTime="2026-03-01T12:00:00.000+0000"
        )
        self._call("PUT", "/%slocks/%s" % ("schema-" if schema else "", scope), {**about, **values})

    def plant(self, rows: list[dict[str, Any]], scope: str = TUTORIAL) -> None:
        """Make, or change, many objects at once."""
        self._call("POST", "/objects/%s" % scope, rows)

    def remove(self, object_id: str, scope: str = TUTORIAL) -> None:
        """Delete an object by hand."""
        self._call("DELETE", "/objects/%s/%s" % (scope, object_id))

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults that are set, and how often each has struck."""
        return self._call("GET", "/faults")

    def refuse(self, seconds: float | None) -> None:
        """Refuse connections for some seconds, or until the faults are taken away."""
        self._call("POST", "/refuse", {"seconds": seconds})

    def upkeep(self) -> dict[str, Any]:
        """Return what was done around imports: reloads, purges, and the states of projects."""
        return self._call("GET", "/upkeep")

    def forget(self) -> None:
        """Forget the API calls so far."""
        self._call("DELETE", "/log")

    def secrets(self) -> list[str]:
        """Return the tokens and cookies of all sessions so far."""
        return self._call("GET", "/secrets")

    def fault(self, method: str, path: str, fault: dict[str, Any], **when: Any) -> None:
        """Break a call."""
        self._call("POST", "/faults", dict(when, method=method, path=path, fault=fault))


@contextlib.contextmanager
def running_server(*arguments: str, ca_file: Path | None = None) -> Iterator[Server]:
    """Start a server double on a free port, and stop it in the end."""
    process = subprocess.Popen(
        [sys.executable, str(DOUBLE), "--port", "0", *arguments], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        assert base_url.endswith("/MicroStrategyLibrary"), "the server double did not start"
        yield Server(process, base_url, ca_file)
    finally:
        process.terminate()
        process.wait(10)


@dataclass
class Run:
    """What a run of ansible-playbook came to."""

    code: int
    output: str
    results: list[dict[str, Any]] = field(default_factory=list)

    def named(self, task: str, host: str | None = None) -> dict[str, Any]:
        """Return the last result of a task."""
        found = [item for item in self.results if item["task"] == task and host in (None, item["host"])]
        assert found, "no result of task %s in:\n%s" % (task, self.output)
        return dict(found[-1]["result"], outcome=found[-1]["outcome"])

    @property
    def failures(self) -> list[str]:
        """The messages of the tasks that failed."""
        return [item["result"].get("msg", "") for item in self.results if item["outcome"] == "failed"]

    @property
    def warnings(self) -> str:
        """The warnings of all tasks, as one text."""
        return "\n".join(str(item["result"].get("warnings", "")) for item in self.results)

    @property
    def packages(self) -> list[dict[str, Any]]:
        """The role's result: the packages of the list, and what became of each."""
        return self.named("Keep the result")["ansible_facts"]["mstr_packages_result"]

    @property
    def changed(self) -> list[str]:
        """The names of the packages that were changed, or in check mode would be."""
        return [package["name"] for package in self.packages if package["changed"]]

    @property
    def report(self) -> dict[str, Any]:
        """What the role reports to AWX about the environment of its last use."""
        data = self.named("Report the result to AWX")["ansible_stats"]["data"]
        (report,) = data["mstr_packages_report"].values()
        return dict(report)

    @property
    def modules(self) -> list[str]:
        """The modules of the collection that ran, in order."""
        ran = [item["action"] for item in self.results if item["outcome"] != "skipped"]
        return [action[len(PREFIX) :] for action in ran if action.startswith(PREFIX)]

    def recap(self, host: str) -> dict[str, int]:
        """Return the counts that the recap shows for a host."""
        line = next(line for line in self.output.splitlines() if line.startswith(host + " ") and "ok=" in line)
        return {key: int(value) for key, value in (item.split("=") for item in line.split(":", 1)[1].split())}


def given(run: Run) -> list[tuple[str, dict[str, Any]]]:
    """Return the modules that ran, each with its options less the files that are new each time."""
    ran = []
    for item in run.results:
        if item["action"].startswith(PREFIX) and item["outcome"] != "skipped":
            options = dict(item["result"]["invocation"]["module_args"], session_file=None)
            if str(options.get("plan_file")).endswith(".plan"):
                options["plan_file"] = None
            if "progress_file" in options:
                options["progress_file"] = None
            ran.append((item["action"][len(PREFIX) :], options))
    return ran


class Controller:
    """A directory from which a user works, by ansible-playbook or, without Ansible, by its steps.

    Args:
        directory: The directory.
        packages: Where the sample packages are.
        temporary: Its TMPDIR. Short, since ansible-core puts a Unix socket there, whose path may have 107 characters.
        modules: Runs modules where Ansible does not; None where all goes through Ansible.
        with_ansible: Whether deploy and rollback go through ansible-playbook, and not through its steps.
    """

    def __init__(
        self,
        directory: Path,
        packages: Path,
        temporary: Path,
        modules: Modules | None = None,
        with_ansible: bool = True,
    ) -> None:
        self.directory = directory
        self.packages = packages
        self.temporary = temporary
        self.environment: dict[str, str] = {}
        self._modules = modules
        self.with_ansible = with_ansible
        self.hosts: dict[str, dict[str, Any]] = {}
        self._registered: dict[str, Any] = {}
        self._runs = 0

    def inventory(self, hosts: dict[str, dict[str, Any]]) -> None:
        """Write the inventory: the environments and their variables."""
        self.hosts = hosts
        self._write("inventory.yml", {"mstr": {"hosts": hosts}})

    def _write(self, name: str, content: Any) -> Path:
        path = self.directory / name
        # JSON is YAML.
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")
        return path

    def declare(self, server: Server, *packages: dict[str, Any], **variables: Any) -> None:
        """Write the inventory of one environment, prod, that is to have these packages."""
        connection = {"mstr_base_url": server.base_url, "mstr_username": "administrator", "mstr_password": PASSWORD}
        project = {"mstr_project": "MicroStrategy Tutorial"}
        self.inventory({"prod": {**connection, **project, "mstr_packages": list(packages), **variables}})

    def sample(self, sample: str, /, **options: Any) -> dict[str, Any]:
        """Return a sample package as an item of mstr_packages."""
        return {"src": str(self.packages / (sample + ".mmp")), **options}

    @property
    def history(self) -> Path:
        """The directory of the history."""
        return self.directory / "history"

    def receipts(self, name: str = "*") -> list[Path]:
        """Return the receipts of a package, or of all, oldest first."""
        return sorted(self.history.glob("*/*/*Z-%s-*/receipt.json" % name), key=lambda path: path.parent.name)

    def rollback(self, package: str, *arguments: str) -> Run:
        """Run the playbook rollback for a package."""
        return self._run("rollback", "-e", "mstr_package=" + package, *arguments)

    def deploy(self, *arguments: str) -> Run:
        """Run the playbook deploy."""
        return self._run("deploy", *arguments)

    def _run(self, playbook: str, *arguments: str) -> Run:
        return (self.playbook_run if self.with_ansible else self.steps)(playbook, *arguments)

    def playbook_run(self, playbook: str, *arguments: str) -> Run:
        """Run a playbook of the collection on the inventory."""
        return self.playbook(PREFIX + playbook, "-i", "inventory.yml", *arguments)

    def steps(self, playbook: str, *arguments: str) -> Run:
        """Do what a playbook does, without Ansible.

        Args:
            playbook: Its name, deploy or rollback; or plan, which is deploy with ``--tags plan``.
            arguments: What ansible-playbook would be given: no other options than ``--check``, ``--diff`` and ``-e``.
        """
        parser = argparse.ArgumentParser()
        parser.add_argument("--check", action="store_true")
        parser.add_argument("--diff", action="store_true")
        parser.add_argument("-e", action="append", default=[], dest="extra")
        options, others = parser.parse_known_args(arguments)
        assert not others, "%s: mark the test, so that it goes through ansible-playbook" % others
        assert len(self.hosts) == 1, "several hosts: mark the test, so that it goes through ansible-playbook"
        extra = dict(pair.split("=", 1) for pair in options.extra)
        ((host, variables),) = self.hosts.items()

        def run(module: str, given: dict[str, Any]) -> Ran:
            return self._module(module, given, check=options.check, diff=options.diff)

        steps = Steps(run, host, {**variables, **extra}, self.directory, options.check)
        code = 0 if getattr(steps, playbook)() else 2
        changed = sum(bool(item["result"].get("changed")) for item in steps.results)
        recap = "%s : ok=%d changed=%d" % (host, len(steps.results), changed)
        return Run(code, "\n".join([*steps.printed, recap]), steps.results)

    def _module(self, module: str, options: dict[str, Any], *, check: bool = False, diff: bool = False) -> Ran:
        """Run a module without Ansible."""
        assert self._modules is not None
        flags = {"_ansible_check_mode": check, "_ansible_diff": diff}
        if "inject_invocation" in PASS_VARS:
            # Older versions of ansible-core do so always: the options are in the result.
            flags["_ansible_inject_invocation"] = True
        ran = self._modules.run(
            module, {**options, **flags}, self.directory, self.temporary, environment=self.environment, limit=120
        )
        assert "Traceback" not in ran.stderr, ran.stderr
        if ran.code is not None and ran.code < 0:
            # As Ansible says of a module that died.
            ran.stdout = json.dumps({"failed": True, "msg": "The module ended with %d." % ran.code})
        return ran

    def start_module(self, module: str, options: dict[str, Any], own: Path, file_limit: int | None = None) -> int:
        """Start a module without Ansible; see Modules.start. :returns: the id of its process"""
        assert self._modules is not None
        return self._modules.start(
            module,
            options,
            self.directory,
            self.temporary,
            own,
            environment=self.environment,
            file_limit=file_limit,
        )

    def tasks(self, server: Server, tasks: list[dict[str, Any]], *arguments: str, **defaults: Any) -> Run:
        """Run tasks of modules of the collection without Ansible, as administrator unless defaults say otherwise.

        A failed task does not stop those after it. Options are templates: ``here`` is the directory, and the result of
        each task of this test, also of an earlier list, is there by the task's name.

        Args:
            server: The server.
            tasks: The tasks; each has a name, a module's options by its full name, and perhaps ``check_mode``.
            arguments: ``--check`` and ``--diff``, as with ansible-playbook.
            defaults: Options that all modules are given.
        """
        connection = {"base_url": server.base_url, "username": "administrator", "password": PASSWORD, **defaults}
        run = Run(0, "")
        for task in tasks:
            (action,) = (key for key in task if key.startswith(PREFIX))
            options = self._rendered({**connection, **task[action]})
            check = bool(task.get("check_mode", "--check" in arguments))
            result = self._module(action[len(PREFIX) :], options, check=check, diff="--diff" in arguments).result
            failed = bool(result.get("failed"))
            outcome = "failed" if failed else "ok"
            run.code = run.code or 2 * failed
            run.output += json.dumps(result) + "\n"
            run.results.append(
                {"outcome": outcome, "host": "localhost", "task": task["name"], "action": action, "result": result}
            )
            self._registered[task["name"]] = result
        return run

    def _rendered(self, value: Any) -> Any:
        """Return options with their templates filled in."""
        if isinstance(value, dict):
            return {key: self._rendered(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._rendered(item) for item in value]
        if isinstance(value, str) and "{{" in value:
            return Environment(autoescape=False).from_string(value).render(here=str(self.directory), **self._registered)
        return value

    def play(self, server: Server, tasks: list[dict[str, Any]], *arguments: str, **defaults: Any) -> Run:
        """Run tasks by ansible-playbook against a server, as administrator unless defaults say otherwise.

        A failed task does not stop those after it.
        """
        connection = {"base_url": server.base_url, "username": "administrator", "password": PASSWORD, **defaults}
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "ignore_errors": True,
            "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}", "here": str(self.directory)},
            "module_defaults": {"group/mstr.migration.mstr": connection},
            "tasks": tasks,
        }
        return self.playbook(str(self._write("tasks.yml", [play])), *arguments)

    def playbook(self, *arguments: str) -> Run:
        """Run ansible-playbook, in a warm process: see warm_ansible.py."""
        assert not any(name.startswith("PYTHON") for name in self.environment), "Python has started: see started()"
        self._runs += 1
        record = self.directory / ("results-%d.jsonl" % self._runs)
        with tempfile.NamedTemporaryFile(prefix="mstr_printed_") as printed:
            job = {"arguments": arguments, "directory": str(self.directory), "environment": self.variables(record)}
            warm = shared("warm_ansible.py", str(ansible_bin() / "ansible-playbook"))
            # Less than a test may take.
            code = warm.ask({**job, "printed": printed.name, "limit": 240})["code"]
            output = Path(printed.name).read_text(encoding="utf-8")
        assert code is not None, "ansible-playbook did not end:\n%s" % output
        results = []
        if record.exists():
            results = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
        return Run(code, output, results)

    def variables(self, record: Path) -> dict[str, str]:
        """Return the environment of ansible-playbook: nothing of the tester's own settings."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "MSTR_"))}
        return {
            **inherited,
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_CONFIG": str(Path(__file__).with_name("ansible.cfg")),
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "recorder",
            "ANSIBLE_LOCAL_TEMP": str(self.directory / "ansible-tmp"),
            "ANSIBLE_REMOTE_TEMP": str(self.directory / "ansible-tmp"),
            "ANSIBLE_NOCOLOR": "1",
            # As ansible-core did before 2.21: the arguments of each module are in its result.
            "ANSIBLE_INJECT_INVOCATION": "1",
            "ANSIBLE_DEPRECATION_WARNINGS": "0",
            "MSTR_RECORD": str(record),
            "TMPDIR": str(self.temporary),
            **self.environment,
        }

    def left_in_tmp(self) -> list[str]:
        """Return what the runs left in their temporary directory."""
        return sorted(str(path.relative_to(self.temporary)) for path in self.temporary.rglob("*"))


def ansible_bin() -> Path:
    """Return the directory of the ansible-playbook to test, which is that of the Python that runs the tests."""
    return Path(sys.executable).parent
