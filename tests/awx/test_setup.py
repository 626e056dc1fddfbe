# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook awx_setup: all objects made, none made twice, only what differs changed; what is wrong is said."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from stand_in import SECRET, VARIABLES, Awx, set_up

PROD = {"name": "prod", "variables": {"mstr_base_url": "https://prod.example.com/MicroStrategyLibrary"}}
CREDENTIALS = {
    "mstr_awx_credential": {"username": "deployer", "password": "test-secret", "login_mode": "ldap"},
    "mstr_awx_instance_groups": ["mstr"],
    "mstr_awx_image": "registry.example.com/mstr-ee:1",
    "mstr_awx_environments": [
        {**VARIABLES["mstr_awx_environments"][0]},
        {**PROD, "credential": {"username": "prod-deployer", "password": SECRET}},
    ],
}
MADE = {
    "credential_types": ["MicroStrategy"],
    "credentials": ["MicroStrategy", "MicroStrategy prod"],
    "projects": ["MicroStrategy"],
    "execution_environments": ["MicroStrategy"],
    "inventories": ["MicroStrategy"],
    "hosts": ["test", "prod"],
    "groups": ["mstr"],
    "job_templates": ["MicroStrategy " + name for name in ("plan", "deploy", "deploy plan", "rollback")],
    "workflow_job_templates": ["MicroStrategy"],
    "workflow_approval_templates": ["MicroStrategy approve the plan for prod"],
}


def path_of(awx: Awx) -> list[str]:
    """Return the nodes of the workflow in the order in which it goes through them; there is one way."""
    nodes = {node["id"]: node for node in awx.state()["workflow_job_template_nodes"]}
    reached = {identity for node in nodes.values() for identity in node["success_nodes"]}
    (here,) = set(nodes) - reached
    way = [here]
    while nodes[way[-1]]["success_nodes"]:
        (following,) = nodes[way[-1]]["success_nodes"]
        way.append(following)
    assert sorted(way) == sorted(nodes)
    assert not any(node["failure_nodes"] or node["always_nodes"] for node in nodes.values())
    return [nodes[identity]["identifier"] for identity in way]


def held(awx: Awx) -> dict[str, Any]:
    """Return all objects by kind and name, with the references as they are; when they were sent last is left out."""
    return {
        "%s %s" % (kind, item.get("identifier") or item["name"]): {
            key: copy.deepcopy(value) for key, value in item.items() if key != "modified"
        }
        for kind, items in awx.state().items()
        for item in items
    }


# Three runs of the playbook, each of which has a limit of its own.
@pytest.mark.timeout(900)
def test_all_is_made_once_and_then_only_what_differs(awx: Awx, tmp_path: Path) -> None:
    first = set_up(awx, tmp_path, **CREDENTIALS)
    assert first.code == 0, first.output
    assert SECRET not in first.output
    state = awx.state()
    made = {kind: [item["name"] for item in state[kind] if not item.get("managed")] for kind in MADE}
    assert made == MADE
    assert path_of(awx) == ["test plan", "test deploy", "prod plan", "prod approval", "prod deploy"]
    own = awx.one("credentials", "MicroStrategy prod")
    assert own["inputs"] == {"username": "prod-deployer", "password": SECRET}
    for name, credentials in (("test deploy", []), ("prod deploy", [own["id"]])):
        node = awx.one("workflow_job_template_nodes", name)
        assert (node["limit"], node["credentials"]) == (name.split()[0], credentials)
    for template in state["job_templates"]:
        assert template["instance_groups"] == [awx.one("instance_groups", "mstr")["id"]]
        assert template["credentials"] == [awx.one("credentials", "MicroStrategy")["id"]]
        assert template["execution_environment"] == awx.one("execution_environments", "MicroStrategy")["id"]
    # A template for the jobs, and none that was filled in here.
    plan = json.loads(awx.one("job_templates", "MicroStrategy plan")["extra_vars"])
    assert plan == {"mstr_plan_file": "/mnt/mstr/plans/{{ awx_workflow_job_id | default(awx_job_id) }}/"}

    before, requests = held(awx), len(awx.log())
    again = set_up(awx, tmp_path, **CREDENTIALS)
    assert again.code == 0, again.output
    assert "changed=0 " in again.output
    assert awx.log()[requests:] == []

    # Another image, another address, a new password, and environments that change places, one of them without approval.
    test, prod = copy.deepcopy(CREDENTIALS["mstr_awx_environments"])
    test["variables"] = {"mstr_base_url": "https://moved.example.com/MicroStrategyLibrary"}
    changes = {
        "mstr_awx_image": "registry.example.com/mstr-ee:2",
        "mstr_awx_credential": {**CREDENTIALS["mstr_awx_credential"], "password": "new"},
        "mstr_awx_update_secrets": True,
        "mstr_awx_environments": [{**prod, "approve": False}, test],
    }
    third = set_up(awx, tmp_path, **{**CREDENTIALS, **changes})
    assert third.code == 0, third.output
    # The approval is gone. Left there, it would begin with the workflow.
    assert path_of(awx) == ["prod plan", "prod deploy", "test plan", "test deploy"]
    after = held(awx)
    assert {name for name in {*before, *after} if before.get(name) != after.get(name)} == {
        "execution_environments MicroStrategy",
        "credentials MicroStrategy",
        "hosts test",
        # It goes with the node that waited for it.
        "workflow_approval_templates MicroStrategy approve the plan for prod",
        # Which environment a job is for where nobody says one.
        *("job_templates " + name for name in MADE["job_templates"]),
        *(
            "workflow_job_template_nodes " + name
            for name in ("prod plan", "prod approval", "prod deploy", "test deploy")
        ),
    }
    assert awx.one("credentials", "MicroStrategy")["inputs"]["password"] == "new"


WRONG: dict[str, tuple[dict[str, Any], dict[str, str], str]] = {
    "awx.awx is missing": ({}, {"ANSIBLE_COLLECTIONS_PATH": "ours"}, "ansible-galaxy collection install awx.awx"),
    "no organization is named": ({"mstr_awx_organization": ""}, {}, "mstr_awx_organization: it is needed"),
    "there is no such organization": ({"mstr_awx_organization": "BI"}, {}, "there is no organization BI in AWX"),
    "the log-in is refused": ({}, {"CONTROLLER_PASSWORD": "wrong"}, "401"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_before_anything_is_made(case: str, awx: Awx, tmp_path: Path) -> None:
    variables, environment, message = WRONG[case]
    if environment.get("ANSIBLE_COLLECTIONS_PATH"):
        ours = tmp_path / "ours" / "ansible_collections"
        ours.mkdir(parents=True)
        (ours / "mstr").symlink_to(collections() / "ansible_collections" / "mstr")
        environment = {"ANSIBLE_COLLECTIONS_PATH": str(ours.parent)}
    run = set_up(awx, tmp_path, environment=environment, **variables)
    assert run.code != 0
    assert message in run.lines
    assert awx.log() == []


def collections() -> Path:
    """Return where the built collection is installed."""
    from warm_modules import COLLECTIONS

    return COLLECTIONS
