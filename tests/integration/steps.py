# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbooks deploy and rollback do, module by module, without Ansible.

A task of ansible-playbook takes far longer than what its module does. So tests that are about what the modules do in a
run, and not about how Ansible runs them, go through these steps: the same modules, in the order and with the options of
``roles/mstr/tasks``. test_role_options.py holds the options against the role's. By pytest's option ``--ansible`` what
goes through these steps otherwise goes through ansible-playbook.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from warm_modules import COLLECTIONS, Ran

# The role's filters, as they were built.
sys.path.insert(0, str(COLLECTIONS))
from ansible_collections.mstr.migration.plugins.filter import packages as filters
from ansible_collections.mstr.migration.plugins.plugin_utils.inputs import given, mistakes

PREFIX = "mstr.migration."
# The options of modules that are role variables of the same name.
HOST = ("base_url", "username", "password", "api_token", "login_mode", "validate_certs", "environment_name")
LIMITS = ("timeout", "retries")
AROUND = ("journal", "schema", "caches", "window")
LEASE = ("lease_timeout", "lock_timeout")
# What AWX tells of a job in extra variables, by its name among the options.
JOB = {"template": "job_template_name", "user": "user_name"}

# Runs a module with options: its name, the options.
RunModule = Callable[[str, dict[str, Any]], Ran]


def never(_result: dict[str, Any]) -> bool:
    """Say that nothing changed: a session changes nothing in the environment."""
    return False


class StepFailed(Exception):
    """A task failed, and with it the block that it is in."""


class Steps:
    """One run of a playbook for one environment.

    Args:
        run: Runs a module.
        host: The inventory's name of the environment.
        variables: Its variables, those of the command line included.
        base_dir: Where the playbook is started.
        check: Whether it is in check mode.
    """

    def __init__(self, run: RunModule, host: str, variables: dict[str, Any], base_dir: Path, check: bool) -> None:
        self._run = run
        self._host = host
        self._variables = variables
        self._base = str(given(variables.get("mstr_base_dir"), base_dir))
        self._check = check
        self._login: dict[str, Any] = {}
        self._logged_out = False
        self._planned: dict[str, Any] = {}
        self._imported: dict[str, Any] = {}
        # As the callback of the tests records them.
        self.results: list[dict[str, Any]] = []
        self.printed: list[str] = []

    def deploy(self) -> bool:
        """Do what the playbook deploy does. :returns: whether all went well"""
        if not self._succeeds(lambda: self._check_variables("deploy")):
            return False
        succeeded = self._succeeds(self._deploy)
        succeeded = self._succeeds(self._log_out) and succeeded
        self._keep_result()
        return succeeded

    def plan(self) -> bool:
        """Log in, plan, and log out, as deploy with ``--tags plan``. :returns: whether all went well"""
        if not self._succeeds(lambda: self._check_variables("deploy")):
            return False
        succeeded = self._succeeds(self._log_in) and self._succeeds(self._plan)
        return self._succeeds(self._log_out) and succeeded

    def rollback(self) -> bool:
        """Do what the playbook rollback does. :returns: whether all went well"""
        if not self._succeeds(lambda: self._check_variables("rollback")):
            return False
        succeeded = self._succeeds(self._rollback)
        return self._succeeds(self._log_out) and succeeded

    @staticmethod
    def _succeeds(block: Callable[[], None]) -> bool:
        try:
            block()
        except StepFailed:
            return False
        return True

    def _check_variables(self, playbook: str) -> None:
        found = mistakes(self._variables, playbook)
        if found:
            task = "Refuse variables that cannot be used"
            self._record(task, "ansible.builtin.fail", {"failed": True, "msg": " ".join(found)})
            raise StepFailed

    def _deploy(self) -> None:
        self._log_in()
        if self._check or self._variable("plan_file") is None:
            self._plan()
        if not self._check and not self._planned.get("in_sync"):
            self._import()

    def _rollback(self) -> None:
        self._log_in()
        options = self._given("run", "entry", "force", "preflight", "schema", "caches")
        if self._variable("package") is not None:
            options["name"] = self._variable("package")
        options.update(packages=self._packages, project=self._variable("project", ""))
        self._take_back("Take back the run or the package", **options)

    def _variable(self, name: str, otherwise: Any = None) -> Any:
        return given(self._variables.get("mstr_" + name), otherwise)

    def _given(self, *names: str) -> dict[str, Any]:
        return {name: self._variable(name) for name in names if self._variable(name) is not None}

    @property
    def _packages(self) -> list[dict[str, Any]]:
        return filters.package_list(self._variable("packages", []), self._base)

    @property
    def _history(self) -> dict[str, Any]:
        directory = filters.below(self._variable("history_dir", "history"), self._base)
        mode = self._variable("history_mode", "0600")
        return {"history_dir": directory, "history_mode": mode, **self._given("server_moved", "history_must_exist")}

    def _task(
        self,
        name: str,
        module: str,
        options: dict[str, Any],
        changed_when: Callable[[dict[str, Any]], bool] | None = None,
    ) -> dict[str, Any]:
        """Run a task, and record it.

        :param changed_when: what says, of the result, whether the task changed something; None leaves it to the module.
        :raises StepFailed: the module failed.
        """
        result = self._run(module, options).result
        if changed_when is not None and not result.get("failed"):
            result["changed"] = changed_when(result)
        self._record(name, PREFIX + module, result)
        if result.get("failed"):
            raise StepFailed
        return result

    def _record(self, name: str, action: str, result: dict[str, Any]) -> None:
        outcome = "failed" if result.get("failed") else "ok"
        line = {"outcome": outcome, "host": self._host, "task": name, "action": action, "result": result}
        self.results.append(line)
        diff = result.get("diff") or []
        self.printed.append(json.dumps({**line, "result": {**result, "diff": None}}))
        self.printed += [part.get("prepared", "") for part in (diff if isinstance(diff, list) else [diff])]

    @property
    def _connection(self) -> dict[str, Any]:
        options = {**self._given(*HOST, *LIMITS, *LEASE, "wait_timeout", "undo_timeout"), **self._history}
        job = {key: self._variables.get("awx_" + name) for key, name in JOB.items()}
        options["job"] = {key: value for key, value in job.items() if value} or None
        for name, path in self._given("ca_path", "client_cert", "client_key", "session_dir").items():
            options[name] = filters.below(path, self._base)
        return options

    def _log_in(self) -> None:
        self._login = self._task("Log in", "mstr_session", self._connection, never)

    @property
    def _list(self) -> dict[str, Any]:
        manifests = self._variable("manifest_dir", self._history["history_dir"] + "/manifests")
        plan_file = filters.below(self._variable("plan_file"), self._base) or self._login["plan_file"]
        options = {
            **self._connection,
            "session_file": self._login["session_file"],
            "plan_file": plan_file,
            "project": self._variable("project", ""),
            "packages": self._packages,
            "manifest_dir": filters.below(manifests, self._base),
        }
        if self._variable("package") is not None:
            options["name"] = self._variable("package")
        return {**options, **self._given("preflight", "refuse", "proven_on", "soak", *AROUND)}

    def _plan(self) -> None:
        self._planned = self._task("Plan the list", "mstr_package_plan", self._list, self._predicts)
        self._logged_out = self._planned["logged_out"]

    def _predicts(self, plan: dict[str, Any]) -> bool:
        """Return whether the plan's task says changed: in check mode the plan is the prediction."""
        return self._check and not plan["in_sync"]

    def _import(self) -> None:
        own = self._given("plan_max_age", "history_keep", "poll_interval")
        options = {**self._list, "on_failure": self._variable("on_failure", "stop"), **own}
        try:
            self._imported = self._task("Import what is due", "mstr_package_import", options)
            self._logged_out = self._imported["logged_out"]
        except StepFailed:
            self._imported = self.results[-1]["result"]
            raise

    def _take_back(self, task: str, **options: Any) -> None:
        session = {"session_file": self._login["session_file"], "state": "applied"}
        self._task(
            task, "mstr_undo_package", {**self._connection, **session, **self._given("poll_interval"), **options}
        )

    def _log_out(self) -> None:
        if self._login and not self._logged_out:
            options = {**self._connection, "session_file": self._login["session_file"], "state": "absent"}
            self._task("Log out", "mstr_session", options, never)

    def _keep_result(self) -> None:
        ended = next((result for result in (self._imported, self._planned) if "packages" in result), {})
        nothing: dict[str, Any] = {"changed": [], "failed": [], "packages": [], "complete": False, "taken_back": []}
        stats = {"data": {"mstr_packages_report": {self._host: ended.get("report", nothing)}}}
        self._record("Report the result to AWX", "ansible.builtin.set_stats", {"ansible_stats": stats})
        facts = {"ansible_facts": {"mstr_packages_result": ended.get("packages", [])}}
        self._record("Keep the result", "ansible.builtin.set_fact", facts)
