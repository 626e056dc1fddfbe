# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects that the playbook awx_setup makes in AWX: what is wrong with its variables, and what they come to.

What AWX takes, and what it does with it, is from its own source (24.6): surveys (``main/models/mixins.py``), what nodes
of a workflow hand on (``main/models/workflow.py``), and what jobs are told (``main/models/unified_jobs.py``).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.mstr.migration.plugins.plugin_utils.inputs import VARIABLES, Kind, given, mistakes

# The inputs of the credential type, extensions/awx/credential_type.yml, less base_url. Where an environment is, its
# variables say: the credential of another one, chosen by mistake, would lead a job to that one's server.
INPUTS = ("username", "password", "api_token", "login_mode", "ca_certificate")
# By this a host is chosen (limit), and it is part of names.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


# As some variables of the role.
_TEXT, _SWITCH = VARIABLES["mstr_project"], VARIABLES["mstr_force"]
_MAPPING = Kind("a dictionary", lambda value: isinstance(value, Mapping))
_ABSOLUTE = Kind(
    "an absolute path, as the volume is mounted in the containers of jobs",
    lambda value: isinstance(value, str) and value.startswith("/"),
)
_NAMES = Kind("a list of names", lambda value: _is_list(value) and all(isinstance(item, str) for item in value))
_SECONDS = Kind("a whole number of seconds, 0 or more", lambda value: str(value).isdecimal())
_PULL = ("always", "missing", "never")
_ONE_OF_PULL = Kind("always, missing or never", lambda value: value in _PULL)

# The variables of the playbook by their names. docs/awx.md says what each means.
AWX_VARIABLES: dict[str, Kind] = {
    "mstr_awx_organization": _TEXT,
    "mstr_awx_name": _TEXT,
    "mstr_awx_environments": Kind("a list of environments, as [{name: test}, {name: prod}]", _is_list),
    "mstr_awx_variables": _MAPPING,
    "mstr_awx_credential": _MAPPING,
    "mstr_awx_update_secrets": _SWITCH,
    "mstr_awx_scm_url": _TEXT,
    "mstr_awx_scm_branch": _TEXT,
    "mstr_awx_scm_credential": _TEXT,
    "mstr_awx_deploy_playbook": _TEXT,
    "mstr_awx_rollback_playbook": _TEXT,
    "mstr_awx_volume": _ABSOLUTE,
    "mstr_awx_instance_groups": _NAMES,
    "mstr_awx_image": _TEXT,
    "mstr_awx_image_pull": _ONE_OF_PULL,
    "mstr_awx_image_credential": _TEXT,
    "mstr_awx_approval_timeout": _SECONDS,
}
_REQUIRED = {
    "mstr_awx_organization": "the organization of AWX that is to own the objects",
    "mstr_awx_environments": "the environments in the order of the workflow, as [{name: test}, {name: prod}]",
    "mstr_awx_scm_url": "the Git repository with the packages and the playbooks",
}
_DEFAULTS: dict[str, Any] = {
    "mstr_awx_name": "MicroStrategy",
    "mstr_awx_variables": {},
    "mstr_awx_credential": {},
    "mstr_awx_update_secrets": False,
    "mstr_awx_scm_branch": "",
    "mstr_awx_deploy_playbook": "deploy.yml",
    "mstr_awx_rollback_playbook": "rollback.yml",
    "mstr_awx_volume": "/mnt/mstr",
    "mstr_awx_image_pull": "missing",
    "mstr_awx_approval_timeout": 0,
}
_ENVIRONMENT = Kind("an environment, as {name: prod}", lambda value: isinstance(value, Mapping))
# The keys of an environment.
_KEYS = {"name": _TEXT, "variables": _MAPPING, "credential": _MAPPING, "approve": _SWITCH}


def awx_mistakes(variables: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the variables of the playbook, a sentence or two each.

    Args:
        variables: All variables whose names begin with ``mstr_awx_``, by their names.
    """
    found = []
    for name, value in variables.items():
        kind = AWX_VARIABLES.get(name)
        if kind is None:
            found.append("%s: there is no such variable%s." % (name, _meant(name, AWX_VARIABLES)))
        elif given(value) is not None and not kind.fits(value):
            found.append("%s: %s" % (name, kind.refusal(value)))
    for name, meaning in _REQUIRED.items():
        if given(variables.get(name)) is None:
            found.append("%s: it is needed, %s." % (name, meaning))
    if found:
        return found
    chosen = _with_defaults(variables)
    found += _mistakes_of_inputs(chosen["mstr_awx_credential"], "mstr_awx_credential")
    found += _mistakes_of_environments(chosen)
    return found


def awx_objects(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the objects of AWX, as the modules of awx.awx take them.

    Args:
        variables: All variables whose names begin with ``mstr_awx_``, without mistakes.
    """
    chosen = _with_defaults(variables)
    name = chosen["mstr_awx_name"]
    environments = chosen["mstr_awx_environments"]
    default = _inputs(chosen["mstr_awx_credential"])
    credentials = {name: default} if default else {}
    for environment in environments:
        own = _inputs(given(environment.get("credential"), {}))
        if own:
            credentials[_own_credential(name, environment)] = own
    nodes = [node for environment in environments for node in _nodes(chosen, environment, credentials)]
    return {
        "name": name,
        "organization": chosen["mstr_awx_organization"],
        "update_secrets": _is_true(chosen["mstr_awx_update_secrets"]),
        "credentials": credentials,
        "project": {
            "scm_url": chosen["mstr_awx_scm_url"],
            "scm_branch": chosen["mstr_awx_scm_branch"],
            "credential": given(chosen.get("mstr_awx_scm_credential")),
        },
        "execution_environment": _execution_environment(chosen),
        "instance_groups": given(chosen.get("mstr_awx_instance_groups")),
        "variables": {"mstr_history_dir": _volume(chosen) + "/history", **chosen["mstr_awx_variables"]},
        "hosts": {environment["name"]: _host_variables(environment) for environment in environments},
        "templates": _templates(chosen, [name] if default else []),
        "workflow": {"survey": _survey(PACKAGE, ON_FAILURE, MUST_EXIST)},
        # Each leads to the next one only, the last one nowhere. That one comes first: AWX refuses a circle, and what is
        # in order already leads to nothing that is not, also where environments change places.
        "nodes": [
            {**node, "next": [after["identifier"]] if after else []}
            for node, after in reversed(list(zip(nodes, [*nodes[1:], None])))
        ],
    }


def _with_defaults(variables: Mapping[str, Any]) -> dict[str, Any]:
    return {**_DEFAULTS, **{name: value for name, value in variables.items() if given(value) is not None}}


def _name_of(key: Any) -> str:
    return str(key)[:60]


def _is_true(value: Any) -> bool:
    return str(value).strip().lower() in ("true", "yes", "on", "1", "y", "t")


def _volume(chosen: Mapping[str, Any]) -> str:
    return str(chosen["mstr_awx_volume"]).rstrip("/")


def _inputs(credential: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs of a credential that are given: AWX keeps what it gets, and compares names as well."""
    return {name: str(credential[name]) for name in INPUTS if given(credential.get(name)) is not None}


def _own_credential(name: str, environment: Mapping[str, Any]) -> str:
    return "%s %s" % (name, environment["name"])


def _host_variables(environment: Mapping[str, Any]) -> dict[str, Any]:
    return {"mstr_environment_name": environment["name"], **given(environment.get("variables"), {})}


def _execution_environment(chosen: Mapping[str, Any]) -> dict[str, Any] | None:
    image = given(chosen.get("mstr_awx_image"))
    if image is None:
        return None
    credential = given(chosen.get("mstr_awx_image_credential"))
    return {"image": image, "pull": chosen["mstr_awx_image_pull"], "credential": credential}


# The questions of surveys. Each asks for a variable of the role. One without a default that is left blank is not given.

PACKAGE = {
    "variable": "mstr_package",
    "question_name": "Package",
    "question_description": "Only the package of this name. Blank: all of the list.",
    "type": "text",
    "required": False,
}
PLAN_FILE = {
    "variable": "mstr_plan_file",
    "question_name": "Plan",
    "question_description": "A plan that was approved, as the job that made it says. Blank: a new plan.",
    "type": "text",
    "required": False,
}
ON_FAILURE = {
    "variable": "mstr_on_failure",
    "question_name": "After a failure",
    "question_description": "stop: what was imported stays. rollback: what this job imported is taken back.",
    "type": "multiplechoice",
    "choices": ["stop", "rollback"],
    "default": "stop",
    "required": True,
}
MUST_EXIST = {
    "variable": "mstr_history_must_exist",
    "question_name": "There must be a history",
    "question_description": "false for the first job on a new environment. true sees that the volume is mounted.",
    "type": "multiplechoice",
    "choices": ["true", "false"],
    "default": "true",
    "required": True,
}
RUN = {
    "variable": "mstr_run",
    "question_name": "Run",
    "question_description": "last, or the id of a run: all that it imported. Without a package either, runs are listed",
    "type": "text",
    "required": False,
}
ROLLBACK_PACKAGE = {
    **PACKAGE,
    "question_description": "Instead of a run: the newest import of this package.",
}
FORCE = {
    "variable": "mstr_force",
    "question_name": "Take back edited objects too",
    "question_description": "true: also where objects were edited since, or newer imports have them. Edits are lost.",
    "type": "multiplechoice",
    "choices": ["false", "true"],
    "default": "false",
    "required": True,
}


def _survey(*questions: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": "", "description": "", "spec": [dict(question) for question in questions]}


def _templates(chosen: Mapping[str, Any], credentials: Sequence[str]) -> list[dict[str, Any]]:
    """Return the job templates.

    A template with a survey is launched by people. A survey's default comes before what the template says, and that
    before what an inventory says, so the template that carries out an approved plan has none: nothing can make it plan
    anew.
    """
    name, volume = chosen["mstr_awx_name"], _volume(chosen)
    # Jobs and workflow jobs are numbered together, so that no two plans meet.
    of_job = "{{ awx_workflow_job_id | default(awx_job_id) }}"
    # Launched outside of the workflow, it finds no plan, and fails.
    of_workflow = "{{ awx_workflow_job_id | default('not-launched-by-the-workflow') }}"
    common = {
        "credentials": list(credentials),
        # Whoever launches one by hand and says nothing means the first environment, not all of them.
        "limit": chosen["mstr_awx_environments"][0]["name"],
    }
    deploy, rollback = chosen["mstr_awx_deploy_playbook"], chosen["mstr_awx_rollback_playbook"]
    return [
        {
            **common,
            "name": name + " plan",
            "description": "Show what a deployment would change, and write it down as a plan",
            "playbook": deploy,
            "job_type": "check",
            "extra_vars": {"mstr_plan_file": "%s/plans/%s/" % (volume, of_job)},
            "survey": _survey(PACKAGE, MUST_EXIST),
        },
        {
            **common,
            "name": name + " deploy",
            "description": "Bring an environment to its packages",
            "playbook": deploy,
            "job_type": "run",
            "extra_vars": {},
            "survey": _survey(PACKAGE, PLAN_FILE, ON_FAILURE, MUST_EXIST),
        },
        {
            **common,
            "name": name + " deploy plan",
            "description": "Carry out the plan that was approved in the workflow; nothing else",
            "playbook": deploy,
            "job_type": "run",
            "extra_vars": {"mstr_plan_file": "%s/plans/%s/" % (volume, of_workflow)},
            "survey": {},
        },
        {
            **common,
            "name": name + " rollback",
            "description": "Take back a run, or the newest import of a package",
            "playbook": rollback,
            "job_type": "run",
            "extra_vars": {"mstr_history_must_exist": True},
            "survey": _survey(RUN, ROLLBACK_PACKAGE, FORCE),
        },
    ]


def _nodes(
    chosen: Mapping[str, Any], environment: Mapping[str, Any], credentials: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Give the nodes of an environment in their order: its plan, the approval, that plan carried out."""
    prefix, name = chosen["mstr_awx_name"], environment["name"]
    own = _own_credential(prefix, environment)
    job = {"limit": name, "credentials": [own] if own in credentials else []}
    yield {"identifier": name + " plan", "template": prefix + " plan", **job}
    if _is_true(given(environment.get("approve"), True)):
        yield {
            "identifier": name + " approval",
            "approval": {
                "name": "%s approve the plan for %s" % (prefix, name),
                "description": "The job before shows the plan. Approved, that plan is carried out, or nothing.",
                "timeout": int(chosen["mstr_awx_approval_timeout"]),
            },
        }
    yield {"identifier": name + " deploy", "template": prefix + " deploy plan", **job}


def _meant(name: str, known: Mapping[str, Any] | Sequence[str]) -> str:
    similar = difflib.get_close_matches(name, list(known), 1)
    return "; %s is meant, perhaps" % similar[0] if similar else ""


def _mistakes_of_inputs(credential: Mapping[str, Any], where: str) -> Iterator[str]:
    for key in credential:
        if key not in INPUTS:
            yield "%s: it can have %s, not %s%s." % (
                where,
                ", ".join(INPUTS),
                _name_of(key),
                _meant(str(key), INPUTS),
            )
    if given(credential.get("api_token")) is not None and given(credential.get("password")) is not None:
        yield "%s: give either an api_token, or username and password, not both." % where


def _mistakes_of_environments(chosen: Mapping[str, Any]) -> Iterator[str]:
    environments = chosen["mstr_awx_environments"]
    if not environments:
        yield "mstr_awx_environments: it is empty; name at least one environment."
    seen = set()
    for position, environment in enumerate(environments, 1):
        where = "mstr_awx_environments: item %d" % position
        if not _ENVIRONMENT.fits(environment):
            yield "%s: %s" % (where, _ENVIRONMENT.refusal(environment))
            continue
        wrong = list(_mistakes_of_keys(environment))
        yield from ("%s: %s" % (where, mistake) for mistake in wrong)
        if wrong:
            continue
        if environment["name"] in seen:
            yield "%s: there is an environment %s before it; give each its own name." % (where, environment["name"])
        seen.add(environment["name"])
        own = given(environment.get("credential"), {})
        yield from _mistakes_of_inputs(own, "%s (%s): credential" % (where, environment["name"]))
        yield from (
            "%s (%s): %s" % (where, environment["name"], text) for text in _mistakes_of_host(chosen, environment)
        )


def _mistakes_of_keys(environment: Mapping[str, Any]) -> Iterator[str]:
    for key, value in environment.items():
        kind = _KEYS.get(key)
        if kind is None:
            yield "an environment has no %s%s. It can have %s." % (
                _name_of(key),
                _meant(str(key), _KEYS),
                ", ".join(_KEYS),
            )
        elif given(value) is not None and not kind.fits(value):
            yield "its %s: %s" % (key, kind.refusal(value))
    if not _NAME.match(str(given(environment.get("name"), ""))):
        yield "it needs a name of letters, digits, dots, hyphens and underscores, by which AWX limits a job to it."


def _mistakes_of_host(chosen: Mapping[str, Any], environment: Mapping[str, Any]) -> Iterator[str]:
    variables = {**chosen["mstr_awx_variables"], **given(environment.get("variables"), {})}
    # What is a template for the jobs has its value only there.
    yield from mistakes({name: value for name, value in variables.items() if "{{" not in str(value)}, "deploy")
    if given(given(environment.get("variables"), {}).get("mstr_base_url")) is None:
        yield "its server is not known; say mstr_base_url in its variables."
