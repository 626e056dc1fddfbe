# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running a module from the collection where it is installed, for tasks whose host is this machine.

For each task ansible-core packs the module with all that it imports, and Python then compiles all of it. That takes
longer than what most tasks do. Beside Ansible, and with its Python, nothing needs to be packed: the module is started
from its file, with its arguments on standard input, as the developer guide of ansible-core starts one for debugging.
"""

from __future__ import annotations

import datetime
import json
import os
import shlex
import sys
from collections.abc import Mapping
from typing import Any

from ansible import constants as C
from ansible.module_utils.json_utils import _filter_non_json_lines
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible.utils.vars import merge_hash

# The directory ansible_collections, in which this collection is.
_ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 4))
_COLLECTION = "mstr.migration."
_MODULES = "ansible_collections.mstr.migration.plugins.modules."
# The directory in which a task runs is that of the playbook; nothing is imported from there. Nor is anything but
# collections from where these are: beside ansible_collections may be the files of a project, named as those of Python.
_START = (
    "import sys; sys.path[:] = filter(None, sys.path); "
    "package = type(sys)('ansible_collections'); package.__path__ = [sys.argv.pop()]; "
    "sys.modules[package.__name__] = package; "
    "import runpy; runpy.run_module(sys.argv.pop(), run_name='__main__', alter_sys=True)"
)
_INTERPRETER = "ansible_python_interpreter"


class InstalledModuleAction(ActionBase):
    """An action that runs the module of its name: from where it is installed if it can, else as ansible-core does."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module and return its result.

        Args:
            tmp: Not used; ansible-core passes it on.
            task_vars: The variables of the task.
        """
        result: dict[str, Any] = super().run(tmp, task_vars)
        result = merge_hash(result, self._run_module(dict(self._task.args), task_vars or {}))
        if not self._task.async_val:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _run_module(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Run the module and return its result.

        Args:
            arguments: The module's arguments; changed, as _execute_module changes them.
            task_vars: The variables of the task.
        """
        if not self._is_at_home(task_vars):
            done: dict[str, Any] = self._execute_module(
                module_args=arguments, task_vars=task_vars, wrap_async=bool(self._task.async_val)
            )
            return done
        self._update_module_args(self._task.resolved_action, arguments, task_vars)
        module = _MODULES + self._task.resolved_action[len(_COLLECTION) :]
        command = shlex.join([sys.executable, "-c", _START, module, _ROOT])
        environment = self._compute_environment_string()
        Display().vvv("Using module %s in %s" % (module, _ROOT))
        # The arguments are in no command line and in no file.
        given = json.dumps({"ANSIBLE_MODULE_ARGS": _plain(arguments)}).encode()
        ended = self._low_level_execute_command(("%s %s" % (environment, command)).strip(), in_data=given)
        return _result_of(ended)

    def _is_at_home(self, task_vars: Mapping[str, Any]) -> bool:
        """Return whether the module is to run on this machine, as this user and with this Python."""
        if self._connection.transport != "local" or getattr(self._connection, "become", None):
            return False
        # Whoever keeps the packed module wants to see it.
        if C.DEFAULT_KEEP_REMOTE_FILES or self._task.async_val or self._task.delegate_to:
            return False
        if not str(self._task.resolved_action).startswith(_COLLECTION):
            return False
        return bool(self._templar.template(task_vars.get(_INTERPRETER)) == sys.executable)


def _plain(value: Any) -> Any:
    """Return a value as JSON has it. What ansible-core hands over has types of its own, which differ by its version."""
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    # Not all sequences: a text of the vault is one of letters with ansible-core 2.17 and 2.18, and no str.
    if isinstance(value, (list, tuple, set, frozenset, range)):
        return [_plain(item) for item in value]
    if isinstance(value, datetime.date):
        return value.isoformat()
    # Texts of the vault as well, which are decrypted by it.
    return str(value)


def _warning(given: Any) -> str:
    """Return the text of a warning. Modules of ansible-core 2.19 and newer send an object with more than that."""
    event = given.get("event") if isinstance(given, Mapping) else None
    return str(event.get("msg") if isinstance(event, Mapping) else given)


def _result_of(ended: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a module said in the end, or that it said nothing."""
    warnings: list[str] = []
    try:
        # Around it may be what Python's own start prints, by a sitecustomize for example.
        text, warnings = _filter_non_json_lines(ended["stdout"], objects_only=True)
        result = json.loads(text)
    except ValueError:
        result = None
    if isinstance(result, dict):
        if isinstance(result.get("warnings"), list):
            result["warnings"] = [_warning(each) for each in result["warnings"]]
        for warning in warnings:
            Display().warning(warning)
        return result
    return {
        "failed": True,
        "msg": "MODULE FAILURE: the module ended without a result. See its standard output and standard error.",
        "module_stdout": ended["stdout"],
        "module_stderr": ended["stderr"],
        "rc": ended["rc"],
    }
