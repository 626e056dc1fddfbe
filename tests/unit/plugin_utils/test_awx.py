# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects that awx_setup makes: of variables that are known, and refused in words where a variable is wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.mstr.migration.plugins.module_utils.session.connection import connection_spec
from ansible_collections.mstr.migration.plugins.plugin_utils import awx
from ansible_collections.mstr.migration.plugins.plugin_utils.inputs import VARIABLES, mistakes

ROOT = Path(__file__).resolve().parents[3]
TEST = {"name": "test", "variables": {"mstr_base_url": "https://test.example.com/MicroStrategyLibrary"}}
PROD = {"name": "prod", "variables": {"mstr_base_url": "https://prod.example.com/MicroStrategyLibrary"}}
GIVEN: dict[str, Any] = {
    "mstr_awx_organization": "Default",
    "mstr_awx_scm_url": "https://git.example.com/bi/packages.git",
    "mstr_awx_environments": [TEST, PROD],
}


def objects(**variables: Any) -> dict[str, Any]:
    given = {**GIVEN, **variables}
    assert awx.awx_mistakes(given) == []
    return awx.awx_objects(given)


def surveys() -> dict[str, dict[str, Any]]:
    made = objects()
    found = {template["name"]: template["survey"] for template in made["templates"] if template["survey"]}
    return {**found, "workflow": made["workflow"]["survey"]}


@pytest.mark.parametrize("name", surveys())
def test_a_survey_asks_for_variables_of_the_role_and_its_answers_fit(name: str) -> None:
    for question in surveys()[name]["spec"]:
        assert question["variable"] in VARIABLES
        # What is offered, and what is left blank.
        for answer in question.get("choices", [""]):
            found = mistakes({question["variable"]: answer}, "rollback" if "rollback" in name else "deploy")
            assert found == [], question
        # AWX hands on a default that is empty, before what the template says.
        assert question.get("default") != ""


def test_templates_set_variables_of_the_role() -> None:
    for template in objects()["templates"]:
        assert set(template["extra_vars"]) <= set(VARIABLES)


def test_the_template_that_carries_out_a_plan_asks_for_nothing_that_could_replace_the_plan() -> None:
    (template,) = (each for each in objects()["templates"] if each["name"] == "MicroStrategy deploy plan")
    assert template["survey"] == {}
    asked = {question["variable"] for question in surveys()["workflow"]["spec"]}
    assert "mstr_plan_file" not in asked


def test_the_credential_type_sets_what_modules_look_for() -> None:
    file = yaml.safe_load((ROOT / "extensions" / "awx" / "credential_type.yml").read_text(encoding="utf-8"))
    known = {name: option["fallback"][1][0] for name, option in connection_spec().items() if "fallback" in option}
    injected = file["injectors"]["env"]
    assert set(injected) <= set(known.values())
    fields = {field["id"]: field for field in file["inputs"]["fields"]}
    assert set(fields) == {"base_url", *awx.INPUTS}
    for name in set(fields) - {"ca_certificate"}:
        assert injected[known[name]] == "{{ %s }}" % name
        assert bool(fields[name].get("secret")) == (name in ("password", "api_token"))
    # Blank is one of them, and the first: AWX makes that of what is blank, and standard does not go with a token.
    assert fields["login_mode"]["choices"] == ["", *connection_spec()["login_mode"]["choices"]]
    # AWX adds it, and then what is in the file would differ from what is there.
    assert all(field["type"] == "string" for field in fields.values())


def test_each_node_leads_to_the_next_one() -> None:
    nodes = objects(mstr_awx_environments=[TEST, {**PROD, "approve": "no"}])["nodes"]
    assert [(node["identifier"], node["next"]) for node in nodes] == [
        ("prod deploy", []),
        ("prod plan", ["prod deploy"]),
        ("test deploy", ["prod plan"]),
        ("test approval", ["test deploy"]),
        ("test plan", ["test approval"]),
    ]


def test_an_environment_has_its_own_credential_or_that_of_all() -> None:
    own = {**PROD, "credential": {"username": "deployer", "password": "s", "api_token": ""}}
    made = objects(mstr_awx_environments=[TEST, own], mstr_awx_credential={"api_token": "t"}, mstr_awx_name="BI")
    assert made["credentials"] == {
        "BI": {"api_token": "t"},
        # What is blank is left out: AWX would keep it, and compare it.
        "BI prod": {"username": "deployer", "password": "s"},
    }
    credentials = {node["identifier"]: node.get("credentials") for node in made["nodes"]}
    assert (credentials["test deploy"], credentials["prod deploy"]) == ([], ["BI prod"])
    assert [template["credentials"] for template in made["templates"]] == [["BI"]] * 4


@pytest.mark.parametrize(("given", "volume"), [({}, "/mnt/mstr"), ({"mstr_awx_volume": "/srv/bi/"}, "/srv/bi")])
def test_history_and_plans_are_on_the_volume(given: dict[str, str], volume: str) -> None:
    made = objects(**given)
    assert made["variables"]["mstr_history_dir"] == volume + "/history"
    (plan,) = (each for each in made["templates"] if each["name"] == "MicroStrategy plan")
    # A template for the jobs, and none that is filled in here.
    job = "{{ awx_workflow_job_id | default(awx_job_id) }}"
    assert plan["extra_vars"] == {"mstr_plan_file": "%s/plans/%s/" % (volume, job)}


def test_a_blank_variable_is_not_given() -> None:
    blank = {name: "" for name in awx.AWX_VARIABLES if name not in GIVEN}
    assert objects(**blank) == objects()


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "misspelt": (
        {"mstr_awx_enviroments": []},
        "mstr_awx_enviroments: there is no such variable; mstr_awx_environments is",
    ),
    "no repository": ({"mstr_awx_scm_url": None}, "mstr_awx_scm_url: it is needed, the Git repository"),
    "no list": ({"mstr_awx_environments": "prod"}, "it is to be a list of environments, as [{name: test}"),
    "empty": ({"mstr_awx_environments": []}, "mstr_awx_environments: it is empty"),
    "no environment": ({"mstr_awx_environments": ["prod"]}, "item 1: it is to be an environment, as {name: prod}"),
    "no name": ({"mstr_awx_environments": [{"variables": {}}]}, "item 1: it needs a name of letters"),
    "a pattern": ({"mstr_awx_environments": [{**PROD, "name": "a,b"}]}, "item 1: it needs a name of letters"),
    "twice": ({"mstr_awx_environments": [PROD, PROD]}, "item 2: there is an environment prod before it"),
    "unknown key": ({"mstr_awx_environments": [{**PROD, "approval": 1}]}, "has no approval; approve is meant"),
    "no switch": ({"mstr_awx_environments": [{**PROD, "approve": "maybe"}]}, "its approve: it is to be true or false"),
    "no address": ({"mstr_awx_environments": [{"name": "prod"}]}, "item 1 (prod): its server is not known"),
    "a variable of the role": (
        {"mstr_awx_variables": {"mstr_timeout": "long"}},
        "item 1 (test): mstr_timeout: it is to be a number of seconds",
    ),
    "an address in a credential": (
        {"mstr_awx_credential": {"base_url": "https://x"}},
        "it can have username, password",
    ),
    "token and password": ({"mstr_awx_credential": {"api_token": "t", "password": "s"}}, "not both"),
    "a relative volume": ({"mstr_awx_volume": "mstr"}, "mstr_awx_volume: it is to be an absolute path"),
    "pull": ({"mstr_awx_image_pull": "sometimes"}, "always, missing or never"),
    "timeout": ({"mstr_awx_approval_timeout": -1}, "whole number of seconds"),
    "groups": ({"mstr_awx_instance_groups": [1]}, "a list of names"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said(case: str) -> None:
    variables, message = WRONG[case]
    assert message in " ".join(awx.awx_mistakes({**GIVEN, **variables}))


def test_a_value_that_is_a_template_for_jobs_is_not_looked_at() -> None:
    assert objects(mstr_awx_variables={"mstr_timeout": "{{ slow }}"})["variables"]["mstr_timeout"] == "{{ slow }}"


def test_all_variables_are_in_the_documentation() -> None:
    text = (ROOT / "docs" / "awx.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(mstr_awx_\w+)`", text, re.MULTILINE)
    assert rows == list(awx.AWX_VARIABLES)
