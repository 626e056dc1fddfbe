# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which options of modules the role's variables are.

An option has the name of its variable without ``mstr_``, but for those in ``_CALLED``. A variable that is not given
makes no option, so that the module's own default counts.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.mstr.migration.plugins.plugin_utils.inputs import AS_IT_IS, given, names_in

# What all modules are given: those that work with the history, and those that do not.
ALL = "all"
ACCESS = "access"
_ACCESS = (
    "base_url",
    "username",
    "password",
    "api_token",
    "login_mode",
    "validate_certs",
    "ca_path",
    "client_cert",
    "client_key",
    "timeout",
    "retries",
    "environment_name",
    "wait_timeout",
)
# The options that the role takes from its variables, by module. What else a module needs is in the role's tasks.
OPTIONS: dict[str, tuple[str, ...]] = {
    ACCESS: _ACCESS,
    ALL: (
        *_ACCESS,
        "history_dir",
        "history_mode",
        "server_moved",
        "history_must_exist",
        "session_dir",
        "lease_timeout",
        "lock_timeout",
        "undo_timeout",
    ),
    "mstr_package_plan": (
        "project",
        "name",
        "manifest_dir",
        "preflight",
        "refuse",
        "proven_on",
        "soak",
        "journal",
        "schema",
        "caches",
        "window",
    ),
    "mstr_package_import": (
        "project",
        "name",
        "manifest_dir",
        "on_failure",
        "plan_max_age",
        "history_keep",
        "poll_interval",
        "preflight",
        "refuse",
        "proven_on",
        "soak",
        "journal",
        "schema",
        "caches",
        "window",
    ),
    "mstr_undo_package": (
        "project",
        "run",
        "name",
        "entry",
        "force",
        "poll_interval",
        "preflight",
        "schema",
        "caches",
    ),
}
# The variables of options that are called otherwise.
_CALLED = {"name": "mstr_package"}
# The options that are paths, which mean mstr_base_dir.
_PATHS = ("ca_path", "client_cert", "client_key", "history_dir", "session_dir", "manifest_dir")
# What says which environment a host is, and where its history is.
_OF_STAGES = ("environment_name", "base_url", "history_dir")
# What counts where the variable is not given. The project is empty then, and not what MSTR_PROJECT says.
_DEFAULTS = {"history_dir": "history", "history_mode": "0600", "on_failure": "stop", "project": ""}

# What AWX, and Automation Controller before it had that name, tell a playbook of its job.
_JOB = {
    "template": ("awx_job_template_name", "tower_job_template_name"),
    "user": ("awx_user_name", "tower_user_name"),
}

# The role's variables of which options are made, and those that say what these mean.
VARIABLES = {"mstr_base_dir"} | {
    _CALLED.get(option, "mstr_" + option) for options in OPTIONS.values() for option in options
}
# Those that are none of the role's.
OTHERS = {name for names in _JOB.values() for name in names}


def options_of(module: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a module that the role's variables give.

    Args:
        module: The module's name, or ``ALL`` or ``ACCESS`` for what all modules are given.
        variables: The role's variables by their names.

    Raises:
        AnsibleFilterError: The directory that relative paths mean is no absolute path.
        KeyError: The role gives such a module nothing of its own.
    """
    found = {}
    for option in OPTIONS[module]:
        value = _value_of(option, variables)
        if value is not None:
            found[option] = value
    job = _job(variables) if module == ALL else {}
    return {**found, "job": job} if job else found


def stages_of(
    hosts: Any, hostvars: Mapping[str, Mapping[str, Any]], groups: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """Return the environments of hosts as the option ``proven_on`` takes them.

    Args:
        hosts: Names of hosts, or of groups, as ``mstr_proven_on`` has them.
        hostvars: The variables of the hosts of the inventory.
        groups: The hosts of the inventory by their groups.

    Raises:
        AnsibleFilterError: There is no such host or group, or nobody can tell which environment a host is.
    """
    found: dict[str, dict[str, Any]] = {}
    for name in names_in(hosts):
        members = groups.get(name) or ([name] if name in hostvars else [])
        if not members:
            raise AnsibleFilterError(
                "mstr_proven_on: the inventory has no host %s, and no group of that name with hosts. Name the hosts on "
                "which packages are to be proven." % name
            )
        for host in members:
            stage = {option: _value_of(option, hostvars[host]) for option in _OF_STAGES}
            if stage["environment_name"] is None and stage["base_url"] is None:
                raise AnsibleFilterError(
                    "mstr_proven_on: host %s has neither mstr_base_url nor mstr_environment_name, so that nobody can "
                    "tell whose history it has." % host
                )
            found[host] = {"name": host, **{option: value for option, value in stage.items() if value is not None}}
    return list(found.values())


def below(path: Any, directory: Any) -> str:
    """Return a path made absolute, as below a directory; one that is not given is empty.

    Args:
        path: The path, as text or as what YAML makes of a name that is a number. One that begins with ``/``, ``~`` or
            ``$`` is left as it is.
        directory: The directory, with such a beginning. Where it is not given, the one in which Ansible was started.

    Raises:
        AnsibleFilterError: The directory has another one, so that it would mean a place that depends on who reads it.
    """
    directory = str(given(directory, os.path.realpath(".")))
    if not directory.startswith(AS_IT_IS):
        raise AnsibleFilterError("mstr_base_dir is to be an absolute path, since others mean it; it is %s." % directory)
    # YAML has numbers and dates for some names, which an argument of the type path would take as text.
    text = str(given(path, ""))
    if not text or text.startswith(AS_IT_IS):
        return text
    return posixpath.join(directory, text)


def _job(variables: Mapping[str, Any]) -> dict[str, str]:
    told = {key: [given(variables.get(name)) for name in names] for key, names in _JOB.items()}
    values = {key: next((value for value in found if value is not None), None) for key, found in told.items()}
    return {key: str(value) for key, value in values.items() if value is not None}


def _value_of(option: str, variables: Mapping[str, Any]) -> Any:
    value = given(variables.get(_CALLED.get(option, "mstr_" + option)), _DEFAULTS.get(option))
    if value is None and option == "manifest_dir":
        value = posixpath.join(_value_of("history_dir", variables), "manifests")
    if value is not None and option in _PATHS:
        return below(value, variables.get("mstr_base_dir"))
    return value
