# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWX does not make.

For each: where that is in the source of AWX 24.6, the kind, the fields, and the key of the answer that says so. What
begins with ``@`` is the id of what the ground has of that name.
"""

from __future__ import annotations

from typing import Any

NAMED = {"name": "x"}
OWNED = {**NAMED, "organization": "@organization"}
FETCHED = {**OWNED, "scm_type": "git", "scm_url": "https://x/y.git"}
MEMBER = {**NAMED, "inventory": "@inventory"}
RUN = {**NAMED, "project": "@project", "inventory": "@inventory", "playbook": "deploy.yml"}
TYPE = {**NAMED, "kind": "cloud"}
FIELD = {"id": "a", "label": "A"}
OF_TYPE = {**OWNED, "credential_type": "@type"}
REFUSED: list[tuple[str, str, dict[str, Any], str]] = [
    (
        "rest_framework/relations.py PrimaryKeyRelatedField",
        "inventories",
        {**NAMED, "organization": 4711},
        "organization",
    ),
    (
        "rest_framework/relations.py PrimaryKeyRelatedField",
        "inventories",
        {**NAMED, "organization": True},
        "organization",
    ),
    ("awx/main/models/inventory.py Inventory.Meta", "inventories", NAMED, "organization"),
    ("awx/main/models/base.py CommonModel", "organizations", {"name": " "}, "name"),
    ("awx/main/models/base.py CommonModel", "organizations", {"name": "x" * 513}, "name"),
    ("awx/main/models/base.py CommonModel", "organizations", {"name": "Default"}, "name"),
    ("README.md: stricter than AWX", "organizations", {**NAMED, "colour": "red"}, "colour"),
    (
        "awx/api/serializers.py BaseSerializer.build_standard_field",
        "organizations",
        {**NAMED, "max_hosts": -1},
        "max_hosts",
    ),
    ("awx/api/fields.py BooleanNullField", "hosts", {**MEMBER, "enabled": "maybe"}, "enabled"),
    ("awx/api/fields.py CharNullField", "hosts", {**MEMBER, "variables": {"a": 1}}, "variables"),
    ("awx/api/serializers.py CredentialTypeSerializer.validate", "credential_types", {**TYPE, "kind": "ssh"}, "kind"),
    (
        "awx/main/fields.py CredentialTypeInjectorField.validate",
        "credential_types",
        {**TYPE, "injectors": {"env": {"A": "{{ b }}"}}},
        "injectors",
    ),
    (
        "awx/main/fields.py CredentialTypeInjectorField.validate_env_var_allowed",
        "credential_types",
        {**TYPE, "injectors": {"env": {"JOB_ID": "1"}}},
        "injectors",
    ),
    (
        "awx/main/fields.py CredentialTypeInjectorField.schema",
        "credential_types",
        {**TYPE, "injectors": {"file": {"a": "b"}}},
        "injectors",
    ),
    (
        "awx/main/fields.py CredentialTypeInjectorField.validate",
        "credential_types",
        {**TYPE, "injectors": {"file": {"template": "", "template.b": ""}}},
        "injectors",
    ),
    (
        "awx/main/fields.py CredentialTypeInjectorField.validate",
        "credential_types",
        {**TYPE, "injectors": {"file": {"template.a": ""}, "env": {"B": "{{ tower.filename }}"}}},
        "injectors",
    ),
    (
        "awx/main/fields.py CredentialTypeInputField.schema",
        "credential_types",
        {**TYPE, "inputs": {"fields": [{**FIELD, "choices": []}]}},
        "inputs",
    ),
    (
        "awx/main/fields.py CredentialTypeInputField.validate",
        "credential_types",
        {**TYPE, "inputs": {"fields": [{**FIELD, "default": 1}]}},
        "inputs",
    ),
    (
        "awx/api/serializers.py CredentialSerializerCreate.validate",
        "credentials",
        {**NAMED, "credential_type": "@type"},
        "detail",
    ),
    (
        "awx/main/fields.py CredentialInputField.validate",
        "credentials",
        {**OF_TYPE, "inputs": {"password": "$encrypted$"}},
        "inputs",
    ),
    ("awx/main/models/projects.py ProjectOptions.Meta", "projects", {**OWNED, "scm_type": "cvs"}, "scm_type"),
    ("awx/main/models/projects.py ProjectOptions.clean_scm_url", "projects", {**FETCHED, "scm_url": ""}, "scm_url"),
    ("awx/main/utils/common.py update_scm_url", "projects", {**FETCHED, "scm_url": "ldap://x/y"}, "scm_url"),
    (
        "awx/main/models/projects.py ProjectOptions.clean_credential",
        "projects",
        {**FETCHED, "credential": "@own"},
        "credential",
    ),
    (
        "awx/api/serializers.py ProjectOptionsSerializer.validate",
        "projects",
        {**OWNED, "scm_refspec": "a"},
        "scm_refspec",
    ),
    ("awx/api/serializers.py ProjectSerializer.validate", "projects", {**OWNED, "scm_clean": True}, "scm_clean"),
    (
        "awx/main/validators.py validate_container_image_name",
        "execution_environments",
        {**NAMED, "image": "A b"},
        "image",
    ),
    (
        "awx/api/serializers.py ExecutionEnvironmentSerializer.validate_credential",
        "execution_environments",
        {**NAMED, "image": "a", "credential": "@own"},
        "credential",
    ),
    ("awx/api/serializers.py InventorySerializer.validate", "inventories", {**OWNED, "kind": "smart"}, "host_filter"),
    ("awx/main/access.py HostAccess.can_add", "hosts", {**NAMED, "inventory": 4711}, "detail"),
    ("awx/api/serializers.py HostSerializer.validate", "hosts", {**MEMBER, "name": "group"}, "__all__"),
    ("awx/api/serializers.py HostSerializer._get_host_port_from_name", "hosts", {**MEMBER, "name": "a:b"}, "name"),
    ("awx/main/models/inventory.py Host.Meta", "hosts", {**MEMBER, "name": "host"}, "__all__"),
    ("awx/api/serializers.py GroupSerializer.validate", "groups", {**MEMBER, "name": "host"}, "__all__"),
    ("awx/api/serializers.py GroupSerializer.validate_name", "groups", {**MEMBER, "name": "all"}, "name"),
    ("awx/main/validators.py vars_validate_or_raise", "groups", {**MEMBER, "variables": "[1]"}, "variables"),
    ("awx/api/serializers.py JobTemplateSerializer.validate", "job_templates", {**RUN, "project": None}, "project"),
    ("awx/api/serializers.py JobTemplateSerializer.validate", "job_templates", {**RUN, "inventory": None}, "inventory"),
    ("awx/api/serializers.py JobOptionsSerializer.validate", "job_templates", {**RUN, "playbook": ""}, "playbook"),
    ("awx/api/serializers.py JobOptionsSerializer.validate", "job_templates", {**RUN, "scm_branch": "a"}, "scm_branch"),
    (
        "awx/api/serializers.py JobOptionsSerializer.validate",
        "job_templates",
        {**RUN, "ask_scm_branch_on_launch": True},
        "ask_scm_branch_on_launch",
    ),
    ("awx/main/models/jobs.py JobTemplate.clean_forks", "job_templates", {**RUN, "forks": 201}, "forks"),
    ("awx/main/models/jobs.py JobTemplate.validate_unique", "job_templates", {**RUN, "name": "t"}, "__all__"),
    (
        "awx/api/serializers.py JobTemplateMixin.validate",
        "job_templates",
        {**RUN, "webhook_credential": "@own"},
        "webhook_credential",
    ),
    ("awx/main/models/base.py PrimordialModel.validate_unique", "workflow_job_templates", {"name": "w"}, "__all__"),
    (
        "awx/api/serializers.py WorkflowJobTemplateSerializer.validate_extra_vars",
        "workflow_job_templates",
        {**NAMED, "extra_vars": "["},
        "extra_vars",
    ),
]
