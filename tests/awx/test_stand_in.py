# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in for AWX refuses what AWX refuses."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from stand_in import Awx


class Client:
    """Asks the stand-in as a user of AWX does.

    Args:
        awx: The stand-in.
        user: Who logs in; None for nobody.
    """

    def __init__(self, awx: Awx, user: str | None = "admin") -> None:
        self._url = awx.url
        self._headers: dict[str, str] = {}
        if user is not None:
            basic = base64.b64encode(("%s:awx-demo" % user).encode()).decode()
            _status, answer = self.ask("POST", "tokens/", {}, Authorization="Basic " + basic)
            self._headers = {"Authorization": "Bearer " + answer["token"]}

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Send a request. :returns: the status, and the body"""
        data = None if body is None else json.dumps(body).encode()
        url = "%s/api/v2/%s" % (self._url, path)
        request = urllib.request.Request(url, data, {**self._headers, **headers}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def make(self, kind: str, /, **fields: Any) -> dict[str, Any]:
        """Make an object."""
        status, answer = self.ask("POST", kind + "/", fields)
        assert status == 201, answer
        return answer


@pytest.fixture
def client(awx: Awx) -> Client:
    return Client(awx)


def organization(client: Client) -> int:
    return client.ask("GET", "organizations/?name=Default")[1]["results"][0]["id"]


def template(client: Client, **fields: Any) -> dict[str, Any]:
    """Make a job template, with a project that is fetched and an inventory."""
    own = organization(client)
    project = client.make("projects", name="p", organization=own, scm_type="git", scm_url="https://x/y.git")
    update = project["summary_fields"]["current_update"]["id"]
    for _time in range(2):
        client.ask("GET", "project_updates/%d/" % update)
    inventory = client.make("inventories", name="i", organization=own)
    needed = {"project": project["id"], "inventory": inventory["id"], "playbook": "deploy.yml"}
    return client.make("job_templates", name="t", **needed, **fields)


def test_who_has_no_token_is_not_let_in(awx: Awx) -> None:
    nobody = Client(awx, None)
    assert nobody.ask("GET", "organizations/")[0] == 401
    assert nobody.ask("POST", "tokens/", {}, Authorization="Basic " + base64.b64encode(b"admin:no").decode())[0] == 401


def test_who_may_only_look_changes_nothing(awx: Awx) -> None:
    auditor = Client(awx, "auditor")
    assert auditor.ask("GET", "organizations/")[0] == 200
    assert auditor.ask("POST", "organizations/", {"name": "x"})[0] == 403


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        ("inventories", {"name": "i", "organization": 4711}, "object does not exist"),
        ("inventories", {"name": "i"}, "This field is required"),
        ("organizations", {"name": "x", "colour": "red"}, "There is no such field"),
        ("organizations", {"name": "Default"}, "already exists"),
        ("credential_types", {"name": "x", "kind": "ssh"}, "Must be 'cloud' or 'net'"),
        ("credential_types", {"name": "x", "kind": "cloud", "injectors": {"env": {"A": "{{ b }}"}}}, "undefined field"),
        ("credential_types", {"name": "x", "kind": "cloud", "injectors": {"env": {"JOB_ID": "1"}}}, "not allowed"),
        ("projects", {"name": "p", "scm_type": "cvs"}, "is not a valid choice"),
    ],
)
def test_what_does_not_fit_is_not_made(kind: str, fields: dict[str, Any], message: str, client: Client) -> None:
    status, answer = client.ask("POST", kind + "/", fields)
    assert status == 400
    assert message in json.dumps(answer)


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
