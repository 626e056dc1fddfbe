# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in for AWX refuses what AWX refuses."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from client import Client, organization, template
from refusals import FIELD, REFUSED
from stand_in import Awx


@pytest.fixture
def client(awx: Awx) -> Client:
    return Client(awx)


def test_who_has_no_token_is_not_let_in(awx: Awx) -> None:
    nobody = Client(awx, None)
    assert nobody.ask("GET", "organizations/")[0] == 401
    assert nobody.ask("POST", "tokens/", {}, Authorization="Basic " + base64.b64encode(b"admin:no").decode())[0] == 401


def test_who_may_only_look_changes_nothing(awx: Awx) -> None:
    auditor = Client(awx, "auditor")
    assert auditor.ask("GET", "organizations/")[0] == 200
    assert auditor.ask("POST", "organizations/", {"name": "x"})[0] == 403


@pytest.fixture
def ground(client: Client) -> dict[str, int]:
    """The ids of some objects that others need, by names of their own."""
    made = template(client, ask_variables_on_launch=False)
    own = organization(client)
    inputs = {
        "fields": [{**FIELD, "id": "password", "secret": True}, {**FIELD, "id": "mode", "choices": ["one", "two"]}]
    }
    of_type = client.make("credential_types", name="own", kind="cloud", inputs=inputs)["id"]
    member = {"inventory": made["inventory"]}
    return {
        "organization": own,
        "template": made["id"],
        "project": made["project"],
        "inventory": made["inventory"],
        "type": of_type,
        "own": client.make("credentials", name="own", organization=own, credential_type=of_type)["id"],
        "host": client.make("hosts", name="host", **member)["id"],
        "group": client.make("groups", name="group", **member)["id"],
        "workflow": client.make("workflow_job_templates", name="w")["id"],
    }


def filled(fields: dict[str, Any], ground: dict[str, int]) -> dict[str, Any]:
    """Return fields with the ids that are meant."""
    return {key: ground[value[1:]] if str(value).startswith("@") else value for key, value in fields.items()}


@pytest.mark.parametrize(("source", "kind", "fields", "key"), REFUSED)
def test_what_does_not_fit_is_not_made(
    source: str, kind: str, fields: dict[str, Any], key: str, client: Client, ground: dict[str, int]
) -> None:
    status, answer = client.ask("POST", kind + "/", filled(fields, ground))
    assert (status, list(answer)) == (400, [key]), source


def test_a_credential_has_what_its_type_has_and_does_not_show_its_secrets(client: Client) -> None:
    fields = [
        {"id": "password", "label": "Password", "secret": True},
        {"id": "mode", "label": "Mode", "choices": ["a"]},
    ]
    own, of_type = (
        organization(client),
        client.make("credential_types", name="x", kind="cloud", inputs={"fields": fields}),
    )
    needed = {"organization": own, "credential_type": of_type["id"]}
    for inputs, message in (({"user": "a"}, "'user' was unexpected"), ({"mode": "b"}, "is not one of")):
        status, answer = client.ask("POST", "credentials/", {"name": "c", "inputs": inputs, **needed})
        assert status == 400
        assert message in json.dumps(answer)
    made = client.make("credentials", name="c", inputs={"password": "s"}, **needed)
    assert made["inputs"] == {"password": "$encrypted$"}
    # A type that is in use keeps its inputs.
    changed = {"inputs": {"fields": fields[:1]}}
    assert client.ask("PATCH", "credential_types/%d/" % of_type["id"], changed)[0] == 403


def test_a_template_takes_credentials_of_jobs_alone_and_one_of_a_type(client: Client) -> None:
    made = template(client)
    own = organization(client)
    source = client.ask("GET", "credential_types/?name=Source+Control")[1]["results"][0]["id"]
    of_type = client.make("credential_types", name="x", kind="cloud")["id"]
    path = "job_templates/%d/credentials/" % made["id"]
    wrong = client.make("credentials", name="scm", organization=own, credential_type=source)
    status, answer = client.ask("POST", path, {"id": wrong["id"]})
    assert (status, answer["error"]) == (400, "Cannot assign a Credential of kind `scm`.")
    first, second = (client.make("credentials", name=name, organization=own, credential_type=of_type) for name in "ab")
    assert client.ask("POST", path, {"id": first["id"]})[0] == 204
    status, answer = client.ask("POST", path, {"id": second["id"]})
    assert status == 400
    assert "Cannot assign multiple" in answer["error"]


def test_a_template_runs_a_playbook_of_its_project(client: Client) -> None:
    made = template(client)
    status, answer = client.ask("PATCH", "job_templates/%d/" % made["id"], {"playbook": "site.yml"})
    assert (status, answer) == (400, {"playbook": ["Playbook not found for project."]})


QUESTION = {"type": "text", "question_name": "Q", "variable": "q", "required": False}


@pytest.mark.parametrize(
    "spec",
    [
        {"description": "", "spec": [QUESTION]},
        {"name": "", "description": "", "spec": []},
        {"name": "", "description": "", "spec": [QUESTION, QUESTION]},
        {"name": "", "description": "", "spec": [{**QUESTION, "type": "colour"}]},
        {"name": "", "description": "", "spec": [{**QUESTION, "required": "no"}]},
        {"name": "", "description": "", "spec": [{**QUESTION, "type": "multiplechoice"}]},
        {
            "name": "",
            "description": "",
            "spec": [{**QUESTION, "type": "multiplechoice", "choices": ["a"], "default": "b"}],
        },
        {"name": "", "description": "", "spec": [{**QUESTION, "type": "integer", "default": "1"}]},
    ],
    ids=["no name", "no question", "twice", "type", "required", "no choices", "default", "default's type"],
)
def test_a_survey_that_is_none_is_refused(spec: dict[str, Any], client: Client) -> None:
    path = "job_templates/%d/survey_spec/" % template(client)["id"]
    assert client.ask("POST", path, spec)[0] == 400
    assert client.ask("POST", path, {"name": "", "description": "", "spec": [QUESTION]})[0] == 200


@pytest.mark.parametrize("asks", [False, True])
def test_a_node_says_what_its_template_asks_for(asks: bool, client: Client) -> None:
    asked = {"ask_limit_on_launch": asks, "ask_variables_on_launch": asks, "ask_credential_on_launch": asks}
    made = template(client, **asked)
    own = organization(client)
    workflow = client.make("workflow_job_templates", name="w", organization=own)
    needed = {"workflow_job_template": workflow["id"], "unified_job_template": made["id"]}
    for prompt in ({"limit": "prod"}, {"extra_data": {"mstr_package": "x"}}):
        fields = {"identifier": next(iter(prompt)), **needed, **prompt}
        assert client.ask("POST", "workflow_job_template_nodes/", fields)[0] == (201 if asks else 400)
    node = client.make("workflow_job_template_nodes", identifier="n", **needed)
    of_type = client.make("credential_types", name="x", kind="cloud")["id"]
    credential = client.make("credentials", name="c", organization=own, credential_type=of_type)
    path = "workflow_job_template_nodes/%d/credentials/" % node["id"]
    assert client.ask("POST", path, {"id": credential["id"]})[0] == (204 if asks else 400)


def test_a_workflow_goes_in_no_circle(client: Client) -> None:
    workflow = client.make("workflow_job_templates", name="w", organization=organization(client))
    first, second = (
        client.make("workflow_job_template_nodes", identifier=name, workflow_job_template=workflow["id"])["id"]
        for name in "ab"
    )
    path = "workflow_job_template_nodes/%d/%s/"
    assert client.ask("POST", path % (first, "success_nodes"), {"id": second})[0] == 204
    assert client.ask("POST", path % (second, "success_nodes"), {"id": first})[1] == {"Error": "Cycle detected."}
    assert client.ask("POST", path % (first, "failure_nodes"), {"id": second})[1] == {
        "Error": "Relationship not allowed."
    }


# Each of the following says where it is in the source of AWX 24.6.


def test_a_password_is_enough_and_only_json_is_read(awx: Awx, client: Client) -> None:
    # awx/settings/defaults.py REST_FRAMEWORK, awx/api/authentication.py LoggedBasicAuthentication
    nobody = Client(awx, None)
    basic = "Basic " + base64.b64encode(b"admin:awx-demo").decode()
    assert nobody.ask("GET", "organizations/", Authorization=basic)[0] == 200
    reading = nobody.ask("POST", "users/admin/personal_tokens/", {"scope": "read"}, Authorization=basic)[1]["token"]
    bearer = "Bearer " + reading
    assert nobody.ask("GET", "organizations/", Authorization=bearer)[0] == 200
    assert nobody.ask("POST", "organizations/", {"name": "x"}, Authorization=bearer)[0] == 403
    # awx/api/parsers.py JSONParser.parse
    assert client.ask("POST", "organizations/", [1])[0] == 400
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.ask("POST", "organizations/", {"name": "x"}, **form)[0] == 415


def test_a_method_that_an_address_does_not_have_is_refused(client: Client, ground: dict[str, int]) -> None:
    # awx/api/urls, awx/api/views/labels.py LabelDetail, awx/api/views/organization.py OrganizationProjectsList
    label = client.make("labels", name="l", organization=ground["organization"])
    for method, path, status in (
        ("POST", "organizations/%(organization)d/", 405),
        ("DELETE", "organizations/", 405),
        ("DELETE", "labels/%d/" % label["id"], 405),
        ("POST", "project_updates/", 405),
        ("POST", "organizations/%(organization)d/projects/", 405),
        ("PATCH", "job_templates/%(template)d/survey_spec/", 405),
        # awx/api/views/inventory.py InventoryDetail.update
        ("PATCH", "inventories/%(inventory)d/", 405),
        ("GET", "workflow_approval_templates/", 404),
        ("GET", "organizations/4711/", 404),
        ("GET", "colours/", 404),
    ):
        body = {"kind": "smart"} if method == "PATCH" else {}
        assert client.ask(method, path % ground, body)[0] == status, path


def test_a_value_becomes_what_its_field_is(client: Client, ground: dict[str, int]) -> None:
    # rest_framework/fields.py CharField, IntegerField, BooleanField; awx/api/fields.py
    sent = {"description": " a \n", "enabled": "off", "instance_id": 5}
    host = client.make("hosts", name=" x ", inventory=str(ground["inventory"]), **sent)
    assert (host["name"], host["description"], host["enabled"], host["instance_id"]) == ("x", "a", False, "5")
    # awx/api/serializers.py HostSerializer.validate
    host = client.make("hosts", name="y:22", inventory=ground["inventory"])
    assert (host["name"], json.loads(host["variables"])) == ("y", {"ansible_ssh_port": 22})


def names(client: Client, path: str) -> list[str]:
    """Return the names of what is in a list, in its order."""
    status, answer = client.ask("GET", path)
    assert status == 200, answer
    return [each["name"] for each in answer["results"]]


def test_a_list_is_asked_as_that_of_awx(client: Client, ground: dict[str, int]) -> None:
    # ansible_base/rest_filters/rest_framework/field_lookup_backend.py, order_backend.py, type_filter_backend.py
    for name in "CAB":
        client.make("inventories", name=name, organization=ground["organization"], description="of " + name)
    assert names(client, "inventories/") == ["A", "B", "C", "i"]
    for query, found in (
        ("order_by=-name", "iCBA"),
        ("name__icontains=a", "A"),
        ("name__in=A,C", "AC"),
        ("or__name=A&or__name=B", "AB"),
        ("not__name__startswith=A", "BCi"),
        ("name__gt=B", "Ci"),
        ("organization__name=Default&name=B", "B"),
        ("organization=null", ""),
        ("host_filter__isnull=true&search=OF", "ABC"),
        ("type=host", ""),
        ("id=%d" % ground["inventory"], "i"),
    ):
        assert names(client, "inventories/?" + query) == list(found), query
    assert names(client, "groups/?hosts=%d" % ground["host"]) == []
    assert "Machine" in names(client, "credential_types/?managed=true&namespace=ssh")
    assert names(client, "unified_job_templates/?name=t&organization=%d" % ground["organization"]) == ["t"]
    for query in ("colour=red", "order_by=colour", "id=x", "name__regex=[", "name__colour=x"):
        assert client.ask("GET", "inventories/?" + query)[0] == 400, query
    # awx/api/pagination.py Pagination
    page = client.ask("GET", "inventories/?page=2&page_size=3")[1]
    assert (page["count"], page["next"], len(page["results"])) == (4, None, 1)
    assert page["previous"] == "/api/v2/inventories/?page=1&page_size=3"
    assert client.ask("GET", "inventories/?page=3&page_size=3")[0] == 404


def test_what_is_put_into_a_list_is_named_by_its_id(client: Client, ground: dict[str, int]) -> None:
    # awx/api/generics.py SubListCreateAttachDetachAPIView.attach, unattach
    path = "groups/%(group)d/hosts/" % ground
    host = client.ask("GET", "hosts/%(host)d/" % ground)[1]
    assert client.ask("POST", path, {**host, "associate": True})[0] == 204
    assert names(client, path) == names(client, "inventories/%(inventory)d/hosts/" % ground) == ["host"]
    assert names(client, "hosts/%(host)d/groups/" % ground) == ["group"]
    # Whatever it says, it is there.
    assert client.ask("POST", path, {"id": host["id"], "disassociate": False})[0] == 204
    assert names(client, path) == []
    for body in ({"id": "1"}, {"disassociate": True}, {"id": 4711}):
        assert client.ask("POST", path, body)[0] == 400
    # awx/api/views/__init__.py GroupHostsList.create: made there, or the one that has the name.
    assert client.ask("POST", path, {"name": "made", "variables": "{}"})[0] == 201
    assert client.ask("POST", path, {"name": "host"})[0] == 204
    assert names(client, path) == ["host", "made"]
    # awx/main/access.py GroupAccess.can_attach, awx/api/views/__init__.py GroupChildrenList.is_valid_relation
    other = client.make("inventories", name="o", organization=ground["organization"])["id"]
    stranger = client.make("hosts", name="z", inventory=other)["id"]
    assert list(client.ask("POST", path, {"id": stranger})[1]) == ["detail"]
    inner = client.ask("POST", "groups/%(group)d/children/" % ground, {"name": "inner"})[1]["id"]
    assert list(client.ask("POST", "groups/%d/children/" % inner, {"id": ground["group"]})[1]) == ["error"]
    # awx/api/generics.py SubListAttachDetachAPIView.post
    for path in ("job_templates/%(template)d/instance_groups/", "organizations/%(organization)d/galaxy_credentials/"):
        assert list(client.ask("POST", path % ground, {"name": "x"})[1]) == ["msg"]
    # awx/api/views/organization.py OrganizationGalaxyCredentialsList.is_valid_relation
    assert list(client.ask("POST", path % ground, {"id": ground["own"]})[1]) == ["msg"]


def test_a_label_goes_with_the_last_that_has_it(client: Client, ground: dict[str, int]) -> None:
    # awx/api/views/labels.py LabelSubListCreateAttachDetachView
    path = "job_templates/%(template)d/labels/" % ground
    label = client.ask("POST", path, {"name": "l", "organization": ground["organization"]})[1]["id"]
    client.ask("POST", path, {"id": label, "disassociate": True})
    assert client.ask("GET", "labels/%d/" % label)[0] == 404


def test_a_credential_is_of_one_owner_and_keeps_what_is_sent_back(client: Client, ground: dict[str, int]) -> None:
    # awx/main/fields.py CredentialInputField.validate, awx/main/models/credential/__init__.py Credential.save
    needed = {"organization": ground["organization"], "credential_type": ground["type"]}
    made = client.make("credentials", name="c", inputs={"password": "s", "mode": ""}, **needed)
    assert made["inputs"] == {"password": "$encrypted$", "mode": "one"}
    assert (made["kind"], made["cloud"]) == (None, True)
    path = "credentials/%d/" % made["id"]
    changed = client.ask("PATCH", path, {"inputs": {"password": "$encrypted$", "mode": "two"}})[1]
    assert changed["inputs"] == {"password": "$encrypted$", "mode": "two"}
    assert client.ask("PATCH", path, {"inputs": {"password": ""}})[1]["inputs"] == {}
    # awx/main/models/credential/__init__.py Credential.Meta: of none, there can be two.
    assert client.ask("POST", "credentials/", {"name": "c", **needed})[0] == 400
    for _time in range(2):
        another = client.make("credentials", name="d", **needed)
        assert client.ask("PATCH", "credentials/%d/" % another["id"], {"organization": None})[0] == 200
    # awx/api/serializers.py CredentialSerializer.validate_credential_type
    other = client.make("credential_types", name="other", kind="cloud")["id"]
    assert client.ask("PATCH", path, {"credential_type": other, "inputs": {}})[0] == 200
    client.ask("POST", "job_templates/%(template)d/credentials/" % ground, {"id": made["id"]})
    assert client.ask("PATCH", path, {"credential_type": ground["type"]})[0] == 400


def test_a_log_in_mode_that_is_left_blank_is_not_given(client: Client) -> None:
    # awx/main/fields.py CredentialInputField.validate, awx/main/models/credential/__init__.py default_for_field
    path = Path(__file__).parents[2] / "extensions" / "awx" / "credential_type.yml"
    of_type = client.make("credential_types", **yaml.safe_load(path.read_text(encoding="utf-8")))["id"]
    needed = {"name": "c", "organization": organization(client), "credential_type": of_type}
    made = client.make("credentials", inputs={"api_token": "t", "login_mode": "", "ca_certificate": None}, **needed)
    # With a token, standard would be refused.
    assert made["inputs"] == {"api_token": "$encrypted$", "login_mode": "", "ca_certificate": ""}


def test_a_repository_can_have_a_password_and_a_vault_its_id(client: Client, ground: dict[str, int]) -> None:
    # awx/main/models/credential/__init__.py ManagedCredentialType, Credential.unique_hash
    def of(name: str, **inputs: Any) -> int:
        found = client.ask("GET", "credential_types/?managed=true&name=" + name)[1]["results"][0]["id"]
        needed = {"organization": ground["organization"], "credential_type": found}
        return client.make("credentials", name=str(inputs), inputs=inputs, **needed)["id"]

    scm = of("Source+Control", username="a", password="b")
    project = {"name": "q", "scm_type": "git", "scm_url": "git@example.com:a/b.git", "credential": scm}
    assert client.make("projects", **project)["credential"] == scm
    path = "job_templates/%(template)d/credentials/" % ground
    for name, status in (("one", 204), ("two", 204), ("two", 400)):
        vault = of("Vault", vault_id=name, vault_password="s%d" % status)
        assert client.ask("POST", path, {"id": vault})[0] == status
    # awx/api/views/__init__.py LaunchConfigCredentialsBase.is_valid_relation
    client.ask("PATCH", "job_templates/%(template)d/" % ground, {"ask_credential_on_launch": True})
    node = client.make(
        "workflow_job_template_nodes",
        workflow_job_template=ground["workflow"],
        unified_job_template=ground["template"],
    )
    path = "workflow_job_template_nodes/%d/credentials/" % node["id"]
    assert client.ask("POST", path, {"id": of("Machine", password="ASK")})[0] == 400
    assert client.ask("POST", path, {"id": of("Machine", password="s")})[0] == 204


def test_a_project_is_fetched_when_its_source_changes(client: Client, ground: dict[str, int]) -> None:
    # awx/main/models/projects.py Project.save, FIELDS_TRIGGER_UPDATE
    path = "projects/%(project)d/" % ground
    shown = client.ask("GET", path)[1]
    assert (shown["status"], shown["last_update_failed"]) == ("successful", False)
    assert shown["local_path"].startswith("_%d__" % shown["id"])
    changed = client.ask("PATCH", path, {"scm_refspec": "refs/heads/*"})[1]
    assert changed["status"] == "pending"
    # What was there before is there until the new is.
    assert client.ask("GET", path + "playbooks/")[1] == ["deploy.yml", "rollback.yml"]
    # awx/api/views/mixin.py RelatedJobsPreventDeleteMixin, UnifiedJobDeletionMixin
    update = "project_updates/%d/" % changed["summary_fields"]["current_update"]["id"]
    assert client.ask("DELETE", update)[0] == 403
    assert client.ask("DELETE", path)[0] == 409
    for _time in range(2):
        client.ask("GET", update)
    assert client.ask("GET", path)[1]["related"]["last_update"] == "/api/v2/" + update
    # awx/api/views/__init__.py ProjectUpdateView
    assert client.ask("GET", path + "update/")[1] == {"can_update": True}
    assert client.ask("POST", path + "update/")[0] == 202
    # awx/api/serializers.py ProjectOptionsSerializer.validate, ProjectSerializer.validate
    assert client.ask("PATCH", path, {"local_path": "other"})[0] == 400
    client.ask("PATCH", path, {"allow_override": True})
    client.ask("PATCH", "job_templates/%(template)d/" % ground, {"scm_branch": "a"})
    assert client.ask("PATCH", path, {"allow_override": False})[0] == 400
    # awx/main/models/projects.py Project.clean_organization
    assert client.ask("PATCH", path, {"organization": None})[0] == 400


def test_an_object_is_sent_back_as_it_was_shown(client: Client, ground: dict[str, int]) -> None:
    # rest_framework/mixins.py UpdateModelMixin: what is not sent becomes its default, and no reference is lost.
    for kind in ("organization", "project", "template", "host", "group", "own"):
        plural = {"template": "job_templates", "own": "credentials"}.get(kind, kind + "s")
        path = "%s/%d/" % (plural, ground[kind])
        before = client.ask("GET", path)[1]
        status, after = client.ask("PUT", path, before)
        assert status == 200, after
        assert {**before, "modified": ""} == {**after, "modified": ""}
    path = "job_templates/%(template)d/" % ground
    client.ask("PATCH", path, {"limit": "prod"})
    after = client.ask("PUT", path, {"name": "t", "playbook": "deploy.yml"})[1]
    assert (after["limit"], after["project"]) == ("", ground["project"])
    assert client.ask("PUT", path, {"limit": "prod"})[1] == {"name": ["This field is required."]}


def test_a_host_stays_in_its_inventory(client: Client, ground: dict[str, int]) -> None:
    # awx/main/access.py HostAccess.can_change, awx/api/serializers.py GroupSerializer.build_relational_field
    other = client.make("inventories", name="o", organization=ground["organization"])["id"]
    assert client.ask("PATCH", "hosts/%(host)d/" % ground, {"inventory": other})[0] == 403
    assert client.ask("PATCH", "groups/%(group)d/" % ground, {"inventory": other})[1]["inventory"] != other
    # awx/api/views/__init__.py api_exception_handler: two of a name are seen by the database alone.
    client.make("hosts", name="second", inventory=ground["inventory"])
    assert list(client.ask("PATCH", "hosts/%(host)d/" % ground, {"name": "second"})[1]) == ["detail"]


def test_what_is_removed_takes_along_what_is_nothing_without_it(client: Client, ground: dict[str, int]) -> None:
    # awx/api/views/__init__.py CredentialTypeDetail.destroy
    managed = client.ask("GET", "credential_types/?managed=true")[1]["results"][0]["id"]
    for identity in (ground["type"], managed):
        assert client.ask("DELETE", "credential_types/%d/" % identity)[0] == 403
    # awx/main/models/inventory.py Group.delete_recursive
    inner = client.ask("POST", "groups/%(group)d/children/" % ground, {"name": "inner"})[1]["id"]
    client.ask("POST", "groups/%d/hosts/" % inner, {"id": ground["host"]})
    assert client.ask("DELETE", "groups/%(group)d/" % ground)[0] == 204
    assert client.ask("GET", "groups/%d/" % inner)[0] == 404
    assert client.ask("GET", "hosts/%(host)d/" % ground)[0] == 404
    # on_delete in awx/main/models; awx/api/views/inventory.py InventoryDetail.destroy
    assert client.ask("DELETE", "inventories/%(inventory)d/" % ground)[0] == 202
    assert client.ask("GET", "job_templates/%(template)d/" % ground)[1]["inventory"] is None
    assert client.ask("DELETE", "organizations/%(organization)d/" % ground)[0] == 204
    assert client.ask("GET", "credentials/%(own)d/" % ground)[0] == 404
    assert client.ask("GET", "projects/%(project)d/" % ground)[1]["organization"] is None


def test_a_node_that_runs_nothing_says_nothing(client: Client, ground: dict[str, int]) -> None:
    # awx/api/serializers.py LaunchConfigurationBaseSerializer.validate; awx/main/models/workflow.py identifier
    nodes, of = "workflow_job_template_nodes", {"workflow_job_template": ground["workflow"]}
    first, second = (client.make(nodes, limit="a", extra_data={"a": 1}, **of) for _time in range(2))
    assert (first["limit"], first["extra_data"]) == (None, {})
    assert first["identifier"] != second["identifier"]
    # awx/main/signals.py delete_approval_node_type_change, delete_approval_templates
    path = "%s/%d/" % (nodes, first["id"])
    approvals = [client.ask("POST", path + "create_approval_template/", {"name": name})[1] for name in "ab"]
    assert [client.ask("GET", each["url"][8:])[0] for each in approvals] == [404, 200]
    assert client.ask("POST", path + "create_approval_template/", {"name": ""})[1] == {
        "name": ["This field may not be blank."]
    }
    # awx/main/models/unified_jobs.py UnifiedJobTemplate._accept_or_ignore_job_kwargs
    assert client.ask("PATCH", path, {"extra_data": {"a": 1}})[0] == 400
    assert client.ask("POST", nodes + "/", {**of, "unified_job_template": ground["project"], "limit": "a"})[0] == 400
    assert client.ask("PATCH", path, {"unified_job_template": ground["template"]})[0] == 200
    assert client.ask("GET", approvals[1]["url"][8:])[0] == 404


def test_a_node_can_be_run_by_its_template(client: Client, ground: dict[str, int]) -> None:
    # awx/main/models/jobs.py JobTemplate._accept_or_ignore_job_kwargs; awx/main/models/mixins.py
    # SurveyJobTemplateMixin._accept_or_ignore_variables
    path = "job_templates/%(template)d/" % ground
    question = {**QUESTION, "variable": "mode", "type": "multiplechoice", "choices": ["a", "b"]}
    client.ask("POST", path + "survey_spec/", {"name": "", "description": "", "spec": [question]})
    client.ask("PATCH", path, {"survey_enabled": True, "extra_vars": '{"own": 1}', "limit": "prod"})
    client.ask("POST", path + "credentials/", {"id": ground["own"]})
    nodes, of = "workflow_job_template_nodes", {"workflow_job_template": ground["workflow"]}
    run = {**of, "unified_job_template": ground["template"]}
    for said, status in (
        ({"limit": "prod"}, 201),
        ({"extra_data": {"own": 1, "mode": "a"}}, 201),
        ({"extra_data": {"own": 2}}, 400),
        ({"extra_data": {"mode": "c"}}, 400),
        ({"job_slice_count": 2}, 400),
    ):
        assert client.ask("POST", nodes + "/", {**run, **said})[0] == status, said
    # An empty list of credentials says nothing, though the template has one.
    node = client.make(nodes, **run)
    assert client.ask("PATCH", "%s/%d/" % (nodes, node["id"]), {"limit": None})[0] == 200
    # A workflow takes no notice of what it never asks for.
    inner = client.make("workflow_job_templates", name="inner")["id"]
    assert client.ask("POST", nodes + "/", {**of, "unified_job_template": inner, "verbosity": 3})[0] == 201
    assert client.ask("POST", nodes + "/", {**of, "unified_job_template": inner, "limit": "a"})[0] == 400
    client.ask("PATCH", path, {"inventory": None, "ask_inventory_on_launch": True})
    assert list(client.ask("POST", nodes + "/", run)[1]) == ["resources_needed_to_start"]
    assert client.ask("POST", nodes + "/", {**run, "inventory": ground["inventory"]})[0] == 201


def test_a_node_leads_to_those_of_its_workflow(client: Client, ground: dict[str, int]) -> None:
    # awx/main/access.py WorkflowJobTemplateNodeAccess.can_attach, awx/api/views WorkflowJobTemplateNodeChildrenBaseList
    nodes = "workflow_job_template_nodes"
    first = client.make(nodes, workflow_job_template=ground["workflow"])["id"]
    other = client.make("workflow_job_templates", name="o")["id"]
    stranger = client.make(nodes, workflow_job_template=other)["id"]
    path = "%s/%d/success_nodes/" % (nodes, first)
    assert client.ask("POST", path, {"id": stranger})[0] == 403
    status, made = client.ask("POST", path, {"identifier": "made"})
    assert (status, made["workflow_job_template"]) == (201, ground["workflow"])
    assert client.ask("GET", "%s/%d/" % (nodes, first))[1]["success_nodes"] == [made["id"]]
    listed = client.ask("GET", "workflow_job_templates/%(workflow)d/workflow_nodes/" % ground)[1]
    assert [each["id"] for each in listed["results"]] == [first, made["id"]]


def test_a_survey_keeps_the_default_that_it_does_not_show(awx: Awx, client: Client, ground: dict[str, int]) -> None:
    # awx/api/views/__init__.py JobTemplateSurveySpec._validate_spec_data, awx/main/models/mixins.py display_survey_spec
    path = "job_templates/%(template)d/survey_spec/" % ground
    secret = {**QUESTION, "type": "password", "default": "s"}
    survey = {"name": "", "description": "", "spec": [secret]}
    hidden = {**survey, "spec": [{**secret, "default": "$encrypted$"}]}
    assert client.ask("POST", path, hidden)[0] == 400
    assert client.ask("POST", path, survey) == (200, None)
    assert client.ask("GET", path) == (200, hidden)
    assert client.ask("POST", path, hidden)[0] == 200
    assert awx.one("job_templates", "t")["survey_spec"] == survey
    assert client.ask("DELETE", path) == (200, None)
    assert client.ask("GET", path) == (200, {})
