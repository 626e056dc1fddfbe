# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of objects: their fields, what makes one of them unique, and which lists hang on one.

From the models of AWX 24.6 (``awx/main/models``), their serializers (``awx/api/serializers.py``) and views
(``awx/api/views``), as far as the modules of awx.awx and awxkit send or read them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Field:
    """A field of a kind.

    Attributes:
        type: str, int, bool, dict, list, or the plural name of the kind that it refers to.
        default: Its value where none is given.
        required: Whether an object cannot be made without it.
        blank: Whether a text can be empty.
        choices: What it can be; empty for anything.
        nullable: Whether it can be null. Where not, AWX takes null for an empty text or false.
        written_only: Whether it is taken and never shown.
        fixed: Whether it is taken when the object is made, and ignored later.
        cascade: Whether the object goes with the one that the field refers to. Where not, the field becomes null.
        lowest: The smallest number; None for any.
    """

    type: str = "str"
    default: Any = None
    required: bool = False
    blank: bool = True
    choices: tuple[Any, ...] = ()
    nullable: bool = False
    written_only: bool = False
    fixed: bool = False
    cascade: bool = False
    lowest: int | None = None


@dataclass(frozen=True)
class Listed:
    """A list that hangs on an object.

    Attributes:
        kind: What is in it.
        key: The field of those in it that names the object. Empty where one of the two holds ids: the object itself, or
            those in the list where ``held_by`` says in which field of theirs.
        held_by: See key.
        makes: Whether what is sent without an id is made, and put there.
        takes: Whether what is there already can be put there, and taken out.
        same: A field that one made there has from the object's field of that name.
    """

    kind: str
    key: str = ""
    held_by: str = ""
    makes: bool = False
    takes: bool = True
    same: str = ""


@dataclass(frozen=True)
class Kind:
    """A kind of objects.

    Attributes:
        type: Its name, as objects have it.
        fields: Its fields.
        unique: The fields which no two objects have alike.
        unique_without: Whether null is like null there. In the database it is not.
        read_only: Fields beside those of all kinds that are ignored where they are sent, as AWX does.
        dropped: Fields that AWX does not know, that awxkit sends all the same, and that AWX drops.
        lists: The lists on an object.
        order: The fields by which a list is in order; one with ``-`` backwards.
        of_list: The methods that its list has.
        of_one: The methods that one object has.
    """

    type: str
    fields: dict[str, Field]
    unique: tuple[str, ...] = ("name",)
    unique_without: bool = False
    read_only: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset()
    lists: dict[str, Listed] = field(default_factory=dict)
    order: tuple[str, ...] = ("name",)
    of_list: tuple[str, ...] = ("GET", "POST")
    of_one: tuple[str, ...] = ("GET", "PUT", "PATCH", "DELETE")

    @property
    def held(self) -> list[str]:
        """The names of the lists that an object itself holds."""
        return [name for name, listed in self.lists.items() if not listed.key and not listed.held_by]


def _text(**more: Any) -> Field:
    return Field(**{"default": "", **more})


def _flag(default: bool = False) -> Field:
    return Field("bool", default)


def _count(default: int = 0, **more: Any) -> Field:
    return Field("int", default, lowest=0, **more)


def _reference(kind: str, **more: Any) -> Field:
    return Field(kind, nullable=True, **more)


def _nullable(**more: Any) -> Field:
    return Field("str", nullable=True, **more)


# Of all kinds. They are shown, and ignored where they are sent.
COMMON = frozenset(["id", "type", "url", "related", "summary_fields", "created", "modified"])
_RUNS = frozenset(["last_job_run", "last_job_failed", "next_job_run", "status", "custom_virtualenv"])
NAMED = {"name": _text(required=True, blank=False), "description": _text()}
PROMPTS = {
    "inventory": _reference("inventories"),
    "scm_branch": _nullable(),
    "job_type": _nullable(choices=("run", "check", None, "")),
    "job_tags": _nullable(),
    "skip_tags": _nullable(),
    "limit": _nullable(),
    "diff_mode": Field("bool", nullable=True),
    "verbosity": Field("int", nullable=True, choices=(0, 1, 2, 3, 4, 5, None)),
    "execution_environment": _reference("execution_environments"),
    "forks": Field("int", nullable=True, lowest=0),
    "job_slice_count": Field("int", nullable=True, lowest=0),
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
_WEBHOOK = {
    "webhook_service": _text(choices=("", "github", "gitlab", "bitbucket_dc")),
    "webhook_credential": _reference("credentials"),
}
_GROUPS_OF_INSTANCES = Listed("instance_groups")
_LABELS = Listed("labels", makes=True)
_NEXT_NODES = Listed("workflow_job_template_nodes", makes=True, same="workflow_job_template")
LINKS = ("success_nodes", "failure_nodes", "always_nodes")
_OF_ORGANIZATIONS = (
    "credentials",
    "execution_environments",
    "inventories",
    "job_templates",
    "projects",
    "workflow_job_templates",
)


def _shown(kind: str, key: str) -> Listed:
    return Listed(kind, key, takes=False)


KINDS: dict[str, Kind] = {
    "organizations": Kind(
        "organization",
        {**NAMED, "max_hosts": _count(), "default_environment": _reference("execution_environments")},
        read_only=frozenset(["custom_virtualenv"]),
        lists={
            "instance_groups": _GROUPS_OF_INSTANCES,
            "galaxy_credentials": Listed("credentials"),
            **{kind: _shown(kind, "organization") for kind in _OF_ORGANIZATIONS},
        },
    ),
    "instance_groups": Kind(
        "instance_group",
        {
            "name": _text(required=True, blank=False),
            "max_concurrent_jobs": _count(),
            "max_forks": _count(),
            "is_container_group": _flag(),
            "policy_instance_percentage": _count(),
            "policy_instance_minimum": _count(),
            "policy_instance_list": Field("list", []),
            "pod_spec_override": _text(),
        },
        order=("id",),
    ),
    "labels": Kind(
        "label",
        {
            "name": _text(required=True, blank=False),
            "organization": Field("organizations", required=True, cascade=True),
        },
        unique=("name", "organization"),
        dropped=frozenset(["description"]),
        order=("organization", "name"),
        of_one=("GET", "PUT", "PATCH"),
    ),
    "credential_types": Kind(
        "credential_type",
        {
            **NAMED,
            "kind": _text(required=True, blank=False),
            "inputs": Field("dict", {}),
            "injectors": Field("dict", {}),
        },
        unique=("name", "kind"),
        read_only=frozenset(["managed", "namespace"]),
        lists={"credentials": _shown("credentials", "credential_type")},
        order=("kind", "name"),
    ),
    "credentials": Kind(
        "credential",
        {
            **NAMED,
            "organization": _reference("organizations", cascade=True),
            "credential_type": Field("credential_types", required=True, cascade=True),
            "inputs": Field("dict", {}),
            "user": _reference("users", written_only=True),
            "team": _reference("teams", written_only=True),
        },
        unique=("organization", "name", "credential_type"),
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
            "scm_update_cache_timeout": _count(),
            "timeout": Field("int", 0),
            "allow_override": _flag(),
            "credential": _reference("credentials"),
            "default_environment": _reference("execution_environments"),
            "signature_validation_credential": _reference("credentials"),
        },
        unique=("name", "organization"),
        unique_without=True,
        read_only=_RUNS | {"scm_revision", "last_update_failed", "last_updated"},
        dropped=frozenset(["execution_environment"]),
        lists={"project_updates": _shown("project_updates", "project")},
        order=("id",),
    ),
    "execution_environments": Kind(
        "execution_environment",
        {
            **NAMED,
            "organization": _reference("organizations", cascade=True),
            "image": _text(required=True, blank=False),
            "credential": _reference("credentials"),
            "pull": _text(choices=("", "always", "missing", "never")),
        },
        read_only=frozenset(["managed"]),
        order=("-created",),
    ),
    "inventories": Kind(
        "inventory",
        {
            **NAMED,
            "organization": Field("organizations", required=True, cascade=True),
            "kind": _text(choices=("", "smart", "constructed")),
            "host_filter": _nullable(),
            "variables": _text(),
            "prevent_instance_group_fallback": _flag(),
        },
        unique=("name", "organization"),
        read_only=frozenset(
            [
                "has_active_failures",
                "total_hosts",
                "hosts_with_active_failures",
                "total_groups",
                "has_inventory_sources",
                "total_inventory_sources",
                "inventory_sources_with_failures",
                "pending_deletion",
            ]
        ),
        lists={
            "hosts": Listed("hosts", "inventory", makes=True),
            "groups": Listed("groups", "inventory", makes=True),
            "job_templates": _shown("job_templates", "inventory"),
            "instance_groups": _GROUPS_OF_INSTANCES,
            "labels": _LABELS,
        },
    ),
    "hosts": Kind(
        "host",
        {
            **NAMED,
            "inventory": Field("inventories", required=True, fixed=True, cascade=True),
            "enabled": _flag(True),
            "instance_id": _text(),
            "variables": _text(),
        },
        unique=("name", "inventory"),
        read_only=frozenset(
            [
                "has_active_failures",
                "has_inventory_sources",
                "last_job",
                "last_job_host_summary",
                "ansible_facts_modified",
            ]
        ),
        lists={"groups": Listed("groups", held_by="hosts", makes=True, same="inventory")},
    ),
    "groups": Kind(
        "group",
        {
            **NAMED,
            "inventory": Field("inventories", required=True, fixed=True, cascade=True),
            "variables": _text(),
        },
        unique=("name", "inventory"),
        dropped=frozenset(["credential"]),
        lists={
            "hosts": Listed("hosts", makes=True, same="inventory"),
            "children": Listed("groups", makes=True, same="inventory"),
        },
    ),
    "job_templates": Kind(
        "job_template",
        {
            **NAMED,
            **_ASKS,
            **_WEBHOOK,
            "job_type": _text(default="run", choices=("run", "check")),
            "inventory": _reference("inventories"),
            "project": _reference("projects"),
            "playbook": _text(),
            "scm_branch": _text(),
            "forks": _count(),
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
            "job_slice_count": _count(1),
            "prevent_instance_group_fallback": _flag(),
        },
        unique=("name", "organization"),
        unique_without=True,
        # The organization is that of the project.
        read_only=_RUNS | {"organization"},
        dropped=frozenset(["credential", "vault_credential"]),
        lists={
            "credentials": Listed("credentials", makes=True),
            "labels": _LABELS,
            "instance_groups": _GROUPS_OF_INSTANCES,
        },
    ),
    "workflow_job_templates": Kind(
        "workflow_job_template",
        {
            **NAMED,
            **_WEBHOOK,
            "extra_vars": _text(),
            "organization": _reference("organizations"),
            "survey_enabled": _flag(),
            "allow_simultaneous": _flag(),
            "inventory": _reference("inventories"),
            "limit": _nullable(),
            "scm_branch": _nullable(),
            "job_tags": _nullable(),
            "skip_tags": _nullable(),
            "ask_variables_on_launch": _flag(),
            "ask_inventory_on_launch": _flag(),
            "ask_scm_branch_on_launch": _flag(),
            "ask_limit_on_launch": _flag(),
            "ask_labels_on_launch": _flag(),
            "ask_tags_on_launch": _flag(),
            "ask_skip_tags_on_launch": _flag(),
        },
        unique=("name", "organization"),
        unique_without=True,
        read_only=_RUNS,
        lists={
            "labels": _LABELS,
            "workflow_nodes": Listed("workflow_job_template_nodes", "workflow_job_template", makes=True, takes=False),
        },
    ),
    "workflow_job_template_nodes": Kind(
        "workflow_job_template_node",
        {
            **PROMPTS,
            "extra_data": Field("dict", {}),
            "workflow_job_template": Field("workflow_job_templates", required=True, fixed=True, cascade=True),
            "unified_job_template": _reference("unified_job_templates"),
            "all_parents_must_converge": _flag(),
            "identifier": _text(blank=False),
        },
        unique=("identifier", "workflow_job_template"),
        lists={
            **dict.fromkeys(LINKS, _NEXT_NODES),
            "credentials": Listed("credentials"),
            "labels": _LABELS,
            "instance_groups": _GROUPS_OF_INSTANCES,
        },
        order=("id",),
    ),
    # Where it is not found by itself, only by its node.
    "workflow_approval_templates": Kind(
        "workflow_approval_template", {**NAMED, "timeout": Field("int", 0)}, unique=(), read_only=_RUNS, of_list=()
    ),
    "project_updates": Kind(
        "project_update",
        {"name": _text(), "project": Field("projects", cascade=True), "status": _text()},
        unique=(),
        order=("id",),
        of_list=("GET",),
        of_one=("GET", "DELETE"),
    ),
}
# What a node of a workflow can run. Their ids are from one series.
UNIFIED = ("job_templates", "workflow_job_templates", "workflow_approval_templates", "projects")
