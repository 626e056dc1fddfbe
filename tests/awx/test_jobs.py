# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWX, set up by the playbook awx_setup, and jobs as it runs them.

A plan, that plan carried out, a job cancelled in the middle, the next one, the way back. Of what was set up, nothing is
made twice, and only what differs is changed.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from jobs import GROUP, USER, Controller, Ended, Job, Workflow, end, hand_over
from stand_in import Awx, Setup, running_awx, set_up

from harness import DOUBLE, PASSWORD, Server, declared, running_server  # isort: skip
from processes import until  # isort: skip
from warm_modules import COLLECTIONS  # isort: skip

INCREMENTS = ("inc1", "inc2")
# Seconds. Long enough for the time between two tasks, short enough for a test.
LEASE = 4

MADE = {
    "credential_types": ["MicroStrategy"],
    "credentials": ["MicroStrategy", "MicroStrategy prod"],
    "projects": ["MicroStrategy"],
    "execution_environments": [],
    "inventories": ["MicroStrategy"],
    "hosts": ["test", "prod"],
    "groups": ["mstr"],
    "job_templates": ["MicroStrategy " + name for name in ("plan", "deploy", "deploy plan", "rollback")],
    "workflow_job_templates": ["MicroStrategy"],
    "workflow_approval_templates": ["MicroStrategy approve the plan for prod"],
}


class Site:
    """Two environments, and AWX that was set up for them.

    Attributes:
        test: The server of the first one, over HTTP.
        prod: The server of the second one, over TLS, with a certificate of a private CA.
        jobs: What launches jobs.
        volume: The volume with history and plans, which all jobs see.
        variables: What AWX was set up with.
        setup: What the playbook came to.
    """

    def __init__(
        self, test: Server, prod: Server, jobs: Controller, volume: Path, variables: dict[str, Any], setup: Setup
    ) -> None:
        self.test = test
        self.prod = prod
        self.jobs = jobs
        self.volume = volume
        self.variables = variables
        self.setup = setup

    def receipts(self, environment: str) -> list[dict[str, Any]]:
        """Return the receipts of an environment, oldest first."""
        paths = (self.volume / "history" / environment).glob("*/*/receipt.json")
        found = sorted(paths, key=lambda path: path.parent.name)
        return [json.loads(path.read_text(encoding="utf-8")) for path in found]


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """A directory into which the user of jobs gets; pytest's own are for the tester alone."""
    with tempfile.TemporaryDirectory(prefix="mstr_awx_") as path:
        os.chmod(path, 0o755)
        yield Path(path)


@pytest.fixture(scope="module")
def site(directory: Path) -> Iterator[Site]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    certificate = directory / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    tls = ("--tls-cert", str(certificate), "--tls-key", str(certificate))
    volume = directory / "volume"
    volume.mkdir()
    hand_over(volume)
    with running_server() as test, running_server(*tls, ca_file=directory / "ca.pem") as prod, running_awx() as awx:
        variables: dict[str, Any] = {
            "mstr_awx_volume": str(volume),
            "mstr_awx_variables": {"mstr_lease_timeout": LEASE, "mstr_lock_timeout": 30},
            "mstr_awx_credential": {"username": "administrator", "password": PASSWORD},
            "mstr_awx_environments": [
                {"name": "test", "approve": False, "variables": {"mstr_base_url": test.base_url}},
                {
                    "name": "prod",
                    "variables": {"mstr_base_url": prod.base_url},
                    "credential": {
                        "username": "administrator",
                        "password": PASSWORD,
                        "ca_certificate": authority.cert_pem.bytes().decode(),
                    },
                },
            ],
        }
        done = set_up(awx, directory, **variables)
        assert done.code == 0, done.output
        jobs = Controller(awx, directory / "jobs", make_project(directory))
        yield Site(test, prod, jobs, volume, variables, done)


def make_project(directory: Path) -> Path:
    """Make the project that the collection ships, with packages of its own, and return its directory."""
    project = directory / "project"
    shutil.copytree(
        COLLECTIONS / "ansible_collections" / "mstr" / "migration" / "extensions" / "awx" / "project", project
    )
    subprocess.run(
        [sys.executable, str(DOUBLE), "sample-packages", str(project / "packages")], check=True, capture_output=True
    )
    listed = [{"src": "packages/%s.mmp" % name, "project": "MicroStrategy Tutorial"} for name in INCREMENTS]
    (project / "packages.yml").write_text(json.dumps(listed), encoding="utf-8")
    return project


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


def report(ended: Ended, environment: str) -> dict[str, Any]:
    """Return what a job reports of an environment, and assert that it went well and says nothing of another one."""
    assert ended.status == "successful", ended.output
    reports = ended.artifacts["mstr_packages_report"]
    assert PASSWORD not in json.dumps(ended.events)
    return dict(reports[environment])


def cancel(job: Job, site: Site) -> None:
    """Cancel a job while its import runs: AWX kills its processes, and the container with all that is in it goes."""
    site.prod.set(import_duration=3)
    process = job.start()
    try:
        until(
            lambda: site.prod.calls("GET", "/packages/imports/") or process.poll() is not None,
            "the import",
            seconds=120,
        )
        assert process.poll() is None, (job.directory / "printed").read_text(encoding="utf-8")
    finally:
        end(process)
    site.prod.set(import_duration=0)


def test_a_plan_is_approved_carried_out_cancelled_recovered_and_taken_back(site: Site) -> None:
    workflow = Workflow(40, {"mstr_package": "", "mstr_on_failure": "stop", "mstr_history_must_exist": "false"})

    planned = site.jobs.node("test plan", 41, workflow).run()
    assert report(planned, "test")["changed"] == list(INCREMENTS)
    plan = json.loads((site.volume / "plans" / "40" / "test.plan.json").read_text(encoding="utf-8"))
    assert "plan %s" % plan["plan_id"] in planned.text
    assert site.test.state()["imports_started"] == 0
    assert site.receipts("test") == []
    workflow.artifacts.update(planned.artifacts)

    deployed = site.jobs.node("test deploy", 42, workflow).run()
    assert report(deployed, "test")["complete"]
    assert site.test.has(declared(*INCREMENTS))
    workflow.artifacts.update(deployed.artifacts)
    for receipt in site.receipts("test"):
        assert (receipt["plan_id"], receipt["job_id"]) == (plan["plan_id"], "42")
        assert (receipt["job_template"], receipt["job_user"]) == ("MicroStrategy deploy plan", "alice")

    workflow.artifacts.update(site.jobs.node("prod plan", 43, workflow).run().artifacts)
    assert (site.volume / "plans" / "40" / "prod.plan.json").exists()

    # Approved, and cancelled in the middle of the first import.
    cancel(site.jobs.node("prod deploy", 44, workflow), site)
    (begun,) = site.receipts("prod")
    assert (begun["state"], begun["job_id"]) == ("started", "44")
    (lock,) = (site.volume / "history" / "locks").iterdir()
    holder = json.loads(lock.read_text(encoding="utf-8"))
    assert (holder["job"], holder["template"], holder["launched_by"]) == ("44", "MicroStrategy deploy plan", "alice")

    # The same plan, by hand, with the other answers as the form has them.
    answers = {
        "mstr_package": "",
        "mstr_plan_file": str(site.volume / "plans" / "40") + "/",
        "mstr_on_failure": "stop",
        "mstr_history_must_exist": "true",
    }
    resumed = site.jobs.launch("MicroStrategy deploy", 45, answers, "prod").run()
    assert report(resumed, "prod")["complete"]
    assert "A run was cut off while it imported inc1" in resumed.text
    assert site.prod.has(declared(*INCREMENTS))
    assert site.prod.held() == []
    assert list((site.volume / "history" / "locks").iterdir()) == []
    first, second = site.receipts("prod")
    assert (first["state"], first["job_id"], first["job_user"]) == ("imported", "44", "alice")
    assert (second["state"], second["job_id"], second["job_user"]) == ("imported", "45", "bob")
    assert first["undo"]
    assert second["undo"]
    assert site.prod.state()["imports_started"] == len(INCREMENTS)

    # What the last job imported, and no more.
    chosen = {"mstr_run": "last", "mstr_package": "", "mstr_force": "false"}
    back = site.jobs.launch("MicroStrategy rollback", 46, chosen, "prod", user="carol").run()
    assert back.status == "successful", back.output
    first, second = site.receipts("prod")
    assert (first["state"], second["state"], second["undone_job_id"]) == ("imported", "undone", "46")
    assert (second["undone_job_template"], second["undone_job_user"]) == ("MicroStrategy rollback", "carol")
    assert site.prod.has(declared(INCREMENTS[0]))
    assert not site.prod.has(declared(*INCREMENTS))

    if os.geteuid() == 0:
        owners = {(path.stat().st_uid, path.stat().st_gid) for path in site.volume.rglob("*")}
        assert owners == {(USER, GROUP)}


def test_a_plan_is_carried_out_by_the_workflow_alone(site: Site) -> None:
    started = site.prod.state()["imports_started"]
    by_hand = site.jobs.launch("MicroStrategy deploy plan", 51, {}, "prod").run()
    assert by_hand.status == "failed"
    assert "not-launched-by-the-workflow" in by_hand.text, by_hand.output
    assert site.prod.state()["imports_started"] == started


# Last, since the jobs need what it changes. Each run of the playbook has a limit of its own.
@pytest.mark.timeout(900)
def test_all_was_made_once_and_then_only_what_differs_is_changed(site: Site, tmp_path: Path) -> None:
    awx = site.jobs.awx
    assert PASSWORD not in site.setup.output
    state = awx.state()
    made = {kind: [item["name"] for item in state[kind] if not item.get("managed")] for kind in MADE}
    assert made == MADE
    assert path_of(awx) == ["test plan", "test deploy", "prod plan", "prod approval", "prod deploy"]
    own = awx.one("credentials", "MicroStrategy prod")
    assert own["inputs"] == site.variables["mstr_awx_environments"][1]["credential"]
    for name, credentials in (("test deploy", []), ("prod deploy", [own["id"]])):
        node = awx.one("workflow_job_template_nodes", name)
        assert (node["limit"], node["credentials"]) == (name.split()[0], credentials)
    for template in state["job_templates"]:
        assert template["credentials"] == [awx.one("credentials", "MicroStrategy")["id"]]
        assert (template["instance_groups"], template["execution_environment"]) == ([], None)
        # Which environment a job is for where nobody says one.
        assert template["limit"] == "test"
    # A template for the jobs, and none that was filled in here.
    plan = json.loads(awx.one("job_templates", "MicroStrategy plan")["extra_vars"])
    assert plan == {"mstr_plan_file": "%s/plans/{{ awx_workflow_job_id | default(awx_job_id) }}/" % site.volume}

    before, requests = held(awx), len(awx.log())
    again = set_up(awx, tmp_path, **site.variables)
    assert again.code == 0, again.output
    assert "changed=0 " in again.output
    assert awx.log()[requests:] == []

    # An image, instance groups, another address, a new password, and environments that change places, one of them
    # without approval.
    test, prod = copy.deepcopy(site.variables["mstr_awx_environments"])
    test["variables"] = {"mstr_base_url": "https://moved.example.com/MicroStrategyLibrary"}
    changes = {
        "mstr_awx_image": "registry.example.com/mstr-ee:1",
        "mstr_awx_instance_groups": ["mstr"],
        "mstr_awx_credential": {**site.variables["mstr_awx_credential"], "password": "new", "login_mode": "ldap"},
        "mstr_awx_update_secrets": True,
        "mstr_awx_environments": [{**prod, "approve": False}, test],
    }
    third = set_up(awx, tmp_path, **{**site.variables, **changes})
    assert third.code == 0, third.output
    # The approval is gone. Left there, it would begin with the workflow.
    assert path_of(awx) == ["prod plan", "prod deploy", "test plan", "test deploy"]
    for template in awx.state()["job_templates"]:
        assert template["instance_groups"] == [awx.one("instance_groups", "mstr")["id"]]
        assert template["execution_environment"] == awx.one("execution_environments", "MicroStrategy")["id"]
        assert template["limit"] == "prod"
    after = held(awx)
    assert {name for name in {*before, *after} if before.get(name) != after.get(name)} == {
        "execution_environments MicroStrategy",
        "credentials MicroStrategy",
        "hosts test",
        # It goes with the node that waited for it.
        "workflow_approval_templates MicroStrategy approve the plan for prod",
        *("job_templates " + name for name in MADE["job_templates"]),
        *(
            "workflow_job_template_nodes " + name
            for name in ("prod plan", "prod approval", "prod deploy", "test deploy")
        ),
    }
    assert awx.one("credentials", "MicroStrategy")["inputs"] == changes["mstr_awx_credential"]
