# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWX's own client, unmodified, makes of the stand-in what it makes of AWX."""

from __future__ import annotations

from typing import Any

import pytest
from awxkit import exceptions
from awxkit.api import pages
from awxkit.api.client import Connection
from awxkit.api.resources import resources
from awxkit.config import config
from awxkit.utils import PseudoNamespace
from stand_in import Awx

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
QUESTION = {"type": "text", "question_name": "Q", "variable": "q", "required": False, "default": ""}


@pytest.fixture
def v2(awx: Awx) -> pages.ApiV2:
    """The API, logged in by name and password with each request."""
    config.base_url = awx.url
    # It looks there where it is given nothing.
    config.project_urls = {}
    config.credentials = PseudoNamespace(default={"username": "admin", "password": "awx-demo"})
    connection = Connection(awx.url)
    connection.login("admin", "awx-demo")
    return pages.ApiV2(connection, endpoint=resources.v2).get()


def test_it_makes_all_that_the_playbook_makes(awx: Awx, v2: pages.ApiV2) -> None:
    # Each by its own create(), which looks for what it needs, makes it, attaches it and waits for it.
    own = v2.organizations.create(name="BI")
    of_type = v2.credential_types.create(
        name="MicroStrategy",
        inputs={"fields": [{"id": "password", "label": "Password", "secret": True}]},
        injectors={"env": {"MSTR_PASSWORD": "{{ password }}"}},
    )
    credential = v2.credentials.create(
        name="MicroStrategy", credential_type=of_type, organization=own, inputs={"password": "s"}
    )
    assert credential.inputs.password == "$encrypted$"
    project = v2.projects.create(name="packages", organization=own, scm_url="https://git.example.com/packages.git")
    assert project.is_successful
    inventory = v2.inventory.create(name="environments", organization=own, variables={"a": 1})
    assert inventory.variables.a == 1
    host = v2.hosts.create(name="test", inventory=inventory, variables={"b": 2})
    group = v2.groups.create(name="mstr", inventory=inventory)
    group.add_host(host)
    assert [each.name for each in group.related.hosts.get().results] == ["test"]
    image = v2.execution_environments.create(name="image", image="quay.io/bi/ee:1", organization=own)
    template = v2.job_templates.create(
        name="deploy",
        project=project,
        inventory=inventory,
        credential=credential,
        playbook="deploy.yml",
        execution_environment=image,
        ask_limit_on_launch=True,
        ask_credential_on_launch=True,
        extra_vars={"c": 3},
    )
    survey = template.add_survey(spec=[QUESTION])
    assert (template.get().survey_enabled, survey.get_variable_default("q")) == (True, "")
    template.add_label(v2.labels.create(name="bi", organization=own))
    workflow = v2.workflow_job_templates.create(name="all", organization=own, inventory=inventory)
    workflow.add_survey(spec=[QUESTION])
    state = awx.state()
    assert [each["name"] for each in state["job_templates"]] == ["deploy"]
    (made,) = state["job_templates"]
    assert made["credentials"] == [credential.id]
    assert made["execution_environment"] == image.id
    assert len(made["labels"]) == 1
    assert made["survey_spec"]["spec"] == [QUESTION]
    assert awx.one("workflow_job_templates", "all")["survey_spec"]["spec"] == [QUESTION]


def test_it_leads_from_node_to_node(awx: Awx, v2: pages.ApiV2) -> None:
    template = template_of(v2)
    workflow = v2.workflow_job_templates.create(name="all", organization=template.ds.project.ds.organization)
    nodes = v2.workflow_job_template_nodes
    first = nodes.create(workflow_job_template=workflow, unified_job_template=template, identifier="plan", limit="test")
    approval = nodes.create(workflow_job_template=workflow, unified_job_template=None, identifier="approval")
    approval.make_approval_node(name="go on", timeout=60)
    with pytest.raises(exceptions.NoContent):
        first.related.success_nodes.post({"id": approval.id})
    last = approval.add_success_node(template, limit="test")
    assert [each.identifier for each in first.related.success_nodes.get().results] == ["approval"]
    assert approval.get().success_nodes == [last.id]
    assert [each.id for each in workflow.related.workflow_nodes.get().results] == [first.id, approval.id, last.id]
    (gate,) = awx.state()["workflow_approval_templates"]
    assert (gate["name"], gate["timeout"]) == ("go on", 60)
    approval.delete()
    assert awx.state()["workflow_approval_templates"] == []


def template_of(v2: pages.ApiV2, **fields: Any) -> pages.JobTemplate:
    """Make a job template, with all that it needs, by what awxkit makes by itself."""
    project = v2.projects.create(scm_url="https://git.example.com/packages.git")
    inventory = v2.inventory.create(organization=project.ds.organization)
    asked = {"ask_limit_on_launch": True, "ask_credential_on_launch": True, "credential": None}
    return v2.job_templates.create(project=project, inventory=inventory, playbook="deploy.yml", **{**asked, **fields})


def test_it_finds_what_is_there_and_changes_it(v2: pages.ApiV2) -> None:
    own = v2.organizations.get_or_create(name="Default")
    assert v2.organizations.get(name="Default").count == 1
    assert own.id == v2.organizations.get(name__icontains="defa").results.pop().id
    project = v2.projects.create(name="p", organization=own, scm_url="https://git.example.com/packages.git")
    assert v2.projects.get_or_create(name="p", organization=own).id == project.id
    project.scm_branch = "main"
    assert project.get().scm_branch == "main"
    assert project.update().wait_until_completed(interval=0.1).is_successful
    # Sent as it was shown.
    project.description = "packages"
    assert project.put().description == "packages"
    again = v2.projects.create_or_replace(name="p", organization=own, scm_url="https://git.example.com/other.git")
    assert again.id != project.id
    for number in range(30):
        v2.organizations.create(name="o%02d" % number)
    assert len(v2.organizations.get(all_pages=True).results) == 31


def test_it_takes_away_what_it_put_there(v2: pages.ApiV2) -> None:
    template = template_of(v2)
    own = template.ds.project.ds.organization
    of_type = v2.credential_types.create(inputs={"fields": [{"id": "user", "label": "User"}]})
    credential = v2.credentials.create(credential_type=of_type, organization=own, inputs={"user": "a"})
    group = v2.instance_groups.get(name="mstr").results.pop()
    template.add_credential(credential)
    template.add_instance_group(group)
    assert template.related.credentials.get().count == 1
    template.remove_all_credentials()
    template.remove_all_instance_groups()
    assert template.related.credentials.get().count == 0
    assert template.related.instance_groups.get().count == 0
    outer, inner = (v2.groups.create(name=name, inventory=template.ds.inventory) for name in ("outer", "inner"))
    outer.add_group(inner)
    assert [each.name for each in inner.get_parents()] == ["outer"]
    outer.remove_group(inner)
    assert inner.get_parents() == []


def test_it_is_told_what_went_wrong_in_its_own_words(v2: pages.ApiV2) -> None:
    own = v2.organizations.get(name="Default").results.pop()
    with pytest.raises(exceptions.Duplicate):
        v2.organizations.create(name="Default")
    with pytest.raises(exceptions.BadRequest):
        v2.projects.create(organization=own, scm_url="")
    project = v2.projects.create(organization=own, scm_url="https://git.example.com/p.git", wait=False)
    with pytest.raises(exceptions.Conflict):
        project.delete()
    with pytest.raises(exceptions.Forbidden):
        v2.credential_types.get(managed=True).results.pop().delete()
    with pytest.raises(exceptions.MethodNotAllowed):
        v2.labels.create(organization=own).delete()
    v2.connection.login("admin", "wrong")
    with pytest.raises(exceptions.Unauthorized):
        v2.organizations.get()


def test_it_logs_in_by_a_token(awx: Awx, v2: pages.ApiV2) -> None:
    token = v2.get_oauth2_token()
    connection = Connection(awx.url)
    connection.login(token=token)
    assert pages.Organizations(connection).get().count == 1
