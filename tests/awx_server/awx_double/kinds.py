# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of objects: their fields, what makes one of them unique, and which lists hang on one.

From the models of AWX 24.6 (``awx/main/models``) and their serializers (``awx/api/serializers.py``), as far as the
modules of awx.awx send or read the fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Field:
    """A field of a kind.

    Attributes:
        type: str, int, bool, dict, or the plural name of the kind that it refers to.
        default: Its value where none is given.
        required: Whether an object cannot be made without it.
        choices: What it can be; empty for anything.
        nullable: Whether it can be null. Where not, AWX takes null for an empty text or false.
        written_only: Whether it is taken and never shown.
    """

    type: str = "str"
    default: Any = None
    required: bool = False
    choices: tuple[Any, ...] = ()
    nullable: bool = False
    written_only: bool = False


@dataclass(frozen=True)
class Kind:
    """A kind of objects.

    Attributes:
        type: Its name, as objects have it.
        fields: Its fields.
        unique: The fields which no two objects have alike.
        read_only: Fields that are ignored where they are sent, as AWX does.
        relations: The lists on an object, each with the kind of what is in it.
    """

    type: str
    fields: dict[str, Field]
    unique: tuple[str, ...] = ("name",)
    read_only: frozenset[str] = frozenset()
    relations: dict[str, str] = field(default_factory=dict)


def _text(**more: Any) -> Field:
    return Field(**{"default": "", **more})


def _flag(default: bool = False) -> Field:
    return Field("bool", default)


def _reference(kind: str, **more: Any) -> Field:
    return Field(kind, nullable=True, **more)


NAMED = {"name": _text(required=True), "description": _text()}
PROMPTS = {
    "inventory": _reference("inventories"),
    "scm_branch": Field("str", nullable=True),
    "job_type": Field("str", nullable=True, choices=("run", "check", None, "")),
    "job_tags": Field("str", nullable=True),
    "skip_tags": Field("str", nullable=True),
    "limit": Field("str", nullable=True),
    "diff_mode": Field("bool", nullable=True),
    "verbosity": Field("int", nullable=True, choices=(0, 1, 2, 3, 4, 5, None)),
    "execution_environment": _reference("execution_environments"),
    "forks": Field("int", nullable=True),
    "job_slice_count": Field("int", nullable=True),
    "timeout": Field("int", nullable=True),
}
# Whether a template asks for a prompt: ask_<name>_on_launch.
ASKED = {
    "extra_data": "ask_variables_on_launch",
    "inventory": "ask_inventory_on_launch",
    "scm_branch": "ask_scm_branch_on_launch",
    "job_type": "ask_job_type_on_launch",
    "job_tags": "ask_tags_on_launch",
    "skip_tags": "ask_skip_tags_on_launch",
    "limit": "ask_limit_on_launch",
    "diff_mode": "ask_diff_mode_on_launch",
    "verbosity": "ask_verbosity_on_launch",
    "execution_environment": "ask_execution_environment_on_launch",
    "forks": "ask_forks_on_launch",
    "job_slice_count": "ask_job_slice_count_on_launch",
    "timeout": "ask_timeout_on_launch",
    "credentials": "ask_credential_on_launch",
    "labels": "ask_labels_on_launch",
    "instance_groups": "ask_instance_groups_on_launch",
}
_ASKS = {name: _flag() for name in ASKED.values()}

KINDS: dict[str, Kind] = {
    "organizations": Kind("organization", NAMED),
    "instance_groups": Kind("instance_group", {"name": _text(required=True)}),
    "labels": Kind("label", {"name": _text(required=True), "organization": _reference("organizations", required=True)}),
    "credential_types": Kind(
        "credential_type",
        {
            **NAMED,
            "kind": _text(required=True),
            "inputs": Field("dict", {}),
            "injectors": Field("dict", {}),
        },
        unique=("name", "kind"),
        read_only=frozenset(["managed", "namespace"]),
    ),
    "credentials": Kind(
        "credential",
        {
            **NAMED,
            "organization": _reference("organizations"),
            "credential_type": Field("credential_types", required=True),
            "inputs": Field("dict", {}),
            "user": _reference("users", written_only=True),
            "team": _reference("teams", written_only=True),
        },
        unique=("name", "organization", "credential_type"),
        read_only=frozenset(["managed", "kind", "cloud", "kubernetes"]),
    ),
    "projects": Kind(
        "project",
        {
            **NAMED,
            "organization": _reference("organizations"),
            "local_path": _text(),
            "scm_type": _text(choices=("", "git", "svn", "insights", "archive")),
            "scm_url": _text(),
            "scm_branch": _text(),
            "scm_refspec": _text(),
            "scm_clean": _flag(),
            "scm_delete_on_update": _flag(),
            "scm_track_submodules": _flag(),
            "scm_update_on_launch": _flag(),
            "scm_update_cache_timeout": Field("int", 0),
            "timeout": Field("int", 0),
            "allow_override": _flag(),
            "credential": _reference("credentials"),
            "default_environment": _reference("execution_environments"),
            "signature_validation_credential": _reference("credentials"),
        },
        unique=("name", "organization"),
        read_only=frozenset(["custom_virtualenv", "scm_revision", "status"]),
    ),
    "execution_environments": Kind(
        "execution_environment",
        {
            **NAMED,
            "organization": _reference("organizations"),
            "image": _text(required=True),
            "credential": _reference("credentials"),
            "pull": _text(choices=("", "always", "missing", "never")),
        },
        read_only=frozenset(["managed"]),
    ),
    "inventories": Kind(
        "inventory",
        {
            **NAMED,
            "organization": Field("organizations", required=True),
            "kind": _text(choices=("", "smart", "constructed")),
            "host_filter": Field("str", nullable=True),
            "variables": _text(),
            "prevent_instance_group_fallback": _flag(),
        },
        unique=("name", "organization"),
        relations={"instance_groups": "instance_groups"},
    ),
    "hosts": Kind(
        "host",
        {
            **NAMED,
            "inventory": Field("inventories", required=True),
            "enabled": _flag(True),
            "instance_id": _text(),
            "variables": _text(),
        },
        unique=("name", "inventory"),
    ),
    "groups": Kind(
        "group",
        {**NAMED, "inventory": Field("inventories", required=True), "variables": _text()},
        unique=("name", "inventory"),
        relations={"hosts": "hosts", "children": "groups"},
    ),
    "job_templates": Kind(
        "job_template",
        {
            **NAMED,
            **_ASKS,
            "job_type": _text(default="run", choices=("run", "check")),
            "inventory": _reference("inventories"),
            "project": _reference("projects"),
            "playbook": _text(),
            "scm_branch": _text(),
            "forks": Field("int", 0),
            "limit": _text(),
            "verbosity": Field("int", 0, choices=(0, 1, 2, 3, 4, 5)),
            "extra_vars": _text(),
            "job_tags": _text(),
            "force_handlers": _flag(),
            "skip_tags": _text(),
            "start_at_task": _text(),
            "timeout": Field("int", 0),
            "use_fact_cache": _flag(),
            "host_config_key": _text(),
            "execution_environment": _reference("execution_environments"),
            "survey_enabled": _flag(),
            "become_enabled": _flag(),
            "diff_mode": _flag(),
            "allow_simultaneous": _flag(),
            "job_slice_count": Field("int", 1),
            "webhook_service": _text(choices=("", "github", "gitlab", "bitbucket_dc")),
            "webhook_credential": _reference("credentials"),
            "prevent_instance_group_fallback": _flag(),
        },
        unique=("name", "organization"),
        # The organization is that of the project.
        read_only=frozenset(["organization", "status", "custom_virtualenv"]),
        relations={"credentials": "credentials", "labels": "labels", "instance_groups": "instance_groups"},
    ),
    "workflow_job_templates": Kind(
        "workflow_job_template",
        {
            **NAMED,
            "extra_vars": _text(),
            "organization": _reference("organizations"),
            "survey_enabled": _flag(),
            "allow_simultaneous": _flag(),
            "inventory": _reference("inventories"),
            "limit": Field("str", nullable=True),
            "scm_branch": Field("str", nullable=True),
            "job_tags": Field("str", nullable=True),
            "skip_tags": Field("str", nullable=True),
            "ask_variables_on_launch": _flag(),
            "ask_inventory_on_launch": _flag(),
            "ask_scm_branch_on_launch": _flag(),
            "ask_limit_on_launch": _flag(),
            "ask_labels_on_launch": _flag(),
            "ask_tags_on_launch": _flag(),
            "ask_skip_tags_on_launch": _flag(),
            "webhook_service": _text(choices=("", "github", "gitlab")),
            "webhook_credential": _reference("credentials"),
        },
        unique=("name", "organization"),
        relations={"labels": "labels"},
    ),
    "workflow_job_template_nodes": Kind(
        "workflow_job_template_node",
        {
            **PROMPTS,
            "extra_data": Field("dict", {}),
            "workflow_job_template": Field("workflow_job_templates", required=True),
            "unified_job_template": _reference("unified_job_templates"),
            "all_parents_must_converge": _flag(),
            "identifier": _text(),
        },
        unique=("identifier", "workflow_job_template"),
        read_only=frozenset(["type"]),
        relations={
            "success_nodes": "workflow_job_template_nodes",
            "failure_nodes": "workflow_job_template_nodes",
            "always_nodes": "workflow_job_template_nodes",
            "credentials": "credentials",
            "labels": "labels",
            "instance_groups": "instance_groups",
        },
    ),
    "workflow_approval_templates": Kind("workflow_approval_template", {**NAMED, "timeout": Field("int", 0)}, unique=()),
    "project_updates": Kind("project_update", {"project": Field("projects"), "status": _text()}, unique=()),
}
# What a node of a workflow can run. Their ids are from one series.
UNIFIED = ("job_templates", "workflow_job_templates", "workflow_approval_templates", "projects")
