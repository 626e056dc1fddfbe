# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages go from a source environment to targets; a stage may ask that they are proven on the one before."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from harness import DEMO, PASSWORD, TUTORIAL, Controller, Run, Server, declared

YEAR = "8D679D5111D3E4981000E787EC6DE8A4"
EXPORT = {
    "name": "year",
    "dest": "packages/year.mmp",
    "project": "MicroStrategy Tutorial",
    "content": [{"id": YEAR, "type": "attribute"}],
    "complete": True,
}


def host(server: Server, **variables: Any) -> dict[str, Any]:
    """Return the variables of an environment in the inventory."""
    return {
        "mstr_base_url": server.base_url,
        "mstr_username": "administrator",
        "mstr_password": PASSWORD,
        **variables,
    }


@pytest.fixture
def stages(server: Server, controller: Controller) -> Controller:
    """One server with two projects: dev exports from one, and test and prod have the other."""
    (controller.directory / "packages").mkdir(exist_ok=True)
    controller.inventory(
        {
            "dev": host(server, mstr_environment_name="dev", mstr_exports=[EXPORT]),
            "prod": host(server, mstr_environment_name="prod", mstr_project="Demo Project"),
        }
    )
    return controller


def promote(controller: Controller, *arguments: str) -> Run:
    return controller.playbook_run("promote", *arguments)


@pytest.mark.oldest_core
def test_an_attribute_goes_from_project_to_project_and_back(stages: Controller, server: Server) -> None:
    before = server.objects(DEMO)
    # Nothing is there to be planned yet: the export comes first.
    assert stages.playbook_run("export", "--limit", "dev").code == 0
    checked = promote(stages, "-e", "mstr_source=dev", "--check", "--diff")
    assert checked.code == 0, checked.output
    assert '+ attribute "Year"' in checked.output
    assert checked.recap("prod")["changed"] == 1
    assert server.objects(DEMO) == before

    first = promote(stages, "-e", "mstr_source=dev")
    assert first.code == 0, first.output
    assert first.recap("dev")["changed"] == 0
    assert first.recap("prod")["changed"] == 1
    assert YEAR in server.objects(DEMO)
    assert server.held() == []

    again = promote(stages, "-e", "mstr_source=dev")
    assert again.code == 0, again.output
    assert again.recap("dev")["changed"] == again.recap("prod")["changed"] == 0

    back = stages.playbook_run("rollback", "--limit", "prod", "-e", "mstr_run=last")
    assert back.code == 0, back.output
    assert server.objects(DEMO) == before


@pytest.mark.ansible
def test_stage_by_stage(stages: Controller, server: Server) -> None:
    """Prod is only reached by what was proven on test, in the same run."""
    test = host(server, mstr_environment_name="test", mstr_project="Demo Project")
    prod = {**stages.hosts["prod"], "mstr_proven_on": ["test"], "mstr_project": "Demo Project"}
    stages.inventory({"dev": stages.hosts["dev"], "test": test, "prod": prod})
    early = promote(stages, "-e", "mstr_source=dev", "-e", "mstr_targets=prod")
    assert early.code != 0
    assert (
        "Package year (project Demo Project) is not proven on test: this file was never imported there"
        in (early.failures[0])
    )
    assert server.state()["imports_started"] == 0
    in_turn = promote(stages, "-e", "mstr_targets=test,prod", "-e", "mstr_source=dev", "-e", "mstr_serial=1")
    assert in_turn.code == 0, in_turn.output
    assert [path.parts[-4] for path in stages.receipts()] == ["test"]
    # The same project, so that prod has it already, and what is not due need not be proven.
    assert in_turn.recap("prod")["changed"] == 0


@pytest.mark.ansible
def test_what_cannot_be_promoted_is_said_at_once(stages: Controller, server: Server) -> None:
    for arguments, words in (
        (["mstr_source=nowhere"], "mstr_source: nowhere is no host of the inventory"),
        (["mstr_source=dev", "mstr_targets=qa"], "mstr_targets: no host of the inventory matches qa"),
        (["mstr_source=dev", "mstr_allow=deletes"], "mstr_allow: it is to be a list of delete, duplicate"),
        (["mstr_source=dev", "mstr_package=month"], "no package of mstr_exports is called"),
        (["mstr_source=dev", "mstr_proven_on=qa"], "mstr_proven_on: the inventory has no host qa"),
        (["mstr_targets=prod"], "mstr_packages: prod declares none, and no mstr_source says whose exports it gets"),
    ):
        run = promote(stages, *(part for each in arguments for part in ("-e", each)))
        assert run.code != 0, run.output
        assert words in " ".join(run.output.split())
        assert server.uploads() == 0
    limited = promote(stages, "-e", "mstr_source=dev", "--limit", "prod")
    assert limited.code != 0
    assert "nothing was exported from dev in this run" in limited.failures[0]
    assert server.state()["imports_started"] == 0


@pytest.mark.ansible
def test_nothing_is_deployed_where_an_export_fails(stages: Controller, server: Server) -> None:
    good = stages.hosts["dev"]["mstr_exports"][0]
    bad = {**good, "name": "bad", "dest": "packages/bad.mmp", "content": [{"id": "F" * 32, "type": "attribute"}]}
    stages.inventory({**stages.hosts, "dev": {**stages.hosts["dev"], "mstr_exports": [good, bad]}})
    run = promote(stages, "-e", "mstr_source=dev")
    assert run.code != 0
    assert (stages.directory / "packages" / "year.mmp").exists()
    assert server.uploads() == 0
    assert server.state()["imports_started"] == 0
    assert stages.receipts() == []


# What a stage asks for, without Ansible.


def task(controller: Controller, **options: Any) -> list[dict[str, Any]]:
    package = str(controller.packages / "inc1.mmp")
    given = {"src": package, "name": "inc1", "project": TUTORIAL, "history_dir": str(controller.history), **options}
    return [{"name": "import", "mstr.migration.mstr_package_import": given}]


def import_there(controller: Controller, server: Server, **options: Any) -> Path:
    """Import the package as another environment, and return its receipt."""
    run = controller.tasks(server, task(controller, environment_name="test", project=DEMO, **options))
    assert run.code == 0, run.output
    return controller.receipts("inc1")[-1]


def rewrite(receipt: Path, **values: Any) -> None:
    receipt.write_text(json.dumps({**json.loads(receipt.read_text()), **values}), encoding="utf-8")


def hours_ago(hours: float) -> str:
    moment = datetime.now(timezone.utc) - timedelta(hours=hours)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


STAGE = [{"name": "the test server", "environment_name": "test"}]


@pytest.mark.parametrize(
    ("values", "soak", "why"),
    [
        ({}, 0, None),
        ({}, 3, "it has been there for 0.0 of 3 hours"),
        ({"ended": 2}, 24, "it has been there for 2.0 of 24 hours"),
        ({"ended": 25}, 24, None),
        ({"ended": None}, 24, "it is not known since when it is there"),
        ({"state": "undone", "undone_at": "2026-03-01T12:00:00.000Z"}, 0, "taken back there at 2026-03-01"),
        ({"state": "failed"}, 0, "its import failed there"),
        ({"state": "interrupted"}, 0, "its import was cut off there"),
        ({"versions": None}, 0, "its import was not verified there"),
        ({"unresolved": [{"id": YEAR, "type": 12}]}, 0, "left objects there that are not as the package has them"),
        ({"taking_back": {"since": "2026-03-01T12:00:00.000Z", "hold": True}}, 0, "not known whether its import was"),
        ({"sha256": "0" * 64}, 0, "this file was never imported there, only another file of that name"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_proven(
    values: dict[str, Any], soak: float, why: str | None, server: Server, controller: Controller
) -> None:
    receipt = import_there(controller, server)
    if isinstance(values.get("ended"), int):
        values = {"ended": hours_ago(values["ended"])}
    rewrite(receipt, **values)
    server.forget()
    checked = controller.tasks(server, task(controller, proven_on=STAGE, soak=soak), "--check", "--diff")
    assert checked.code == 0, checked.output
    run = controller.tasks(server, task(controller, proven_on=STAGE, soak=soak))
    if why is None:
        assert run.code == 0, run.output
        assert checked.named("import")["refused"] == []
        assert server.has(declared("inc1"))
        return
    assert run.code != 0
    assert "is not proven on the test server: " in run.failures[0]
    assert why in run.failures[0]
    assert "mstr_proven_on of the role" in run.failures[0]
    (refused,) = checked.named("import")["refused"]
    assert refused["kind"] == "unproven"
    assert "! Package inc1" in checked.named("import")["diff"]["prepared"]
    assert server.state()["imports_started"] == 1
    assert server.held() == []
    # Force is about effects.
    assert controller.tasks(server, task(controller, proven_on=STAGE, soak=soak, force=True)).code != 0


def test_an_import_at_another_address_proves_nothing(server: Server, controller: Controller) -> None:
    rewrite(import_there(controller, server), base_url="https://old.example.com/MicroStrategyLibrary")
    here = [{"environment_name": "test", "base_url": server.base_url}]
    run = controller.tasks(server, task(controller, proven_on=here))
    assert "is not proven on test: this file was never imported there" in run.failures[0]
    assert controller.tasks(server, task(controller, proven_on=STAGE)).code == 0


def test_what_is_in_sync_need_not_be_proven(server: Server, controller: Controller) -> None:
    assert controller.tasks(server, task(controller)).code == 0
    again = controller.tasks(server, task(controller, proven_on=[{"environment_name": "nowhere"}]))
    assert again.code == 0, again.output
    assert not again.named("import")["changed"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"proven_on": [{"name": "test"}]}, "proven_on: item 1 needs its environment_name or its base_url"),
        ({"proven_on": STAGE, "history_dir": None}, "proven_on: item 1 has no history_dir"),
        ({"proven_on": [{"base_url": "test"}]}, "proven_on: item 1: test is not a URL"),
        ({"proven_on": STAGE, "soak": -1}, "soak: "),
    ],
)
def test_a_stage_that_nobody_can_find_is_refused(
    options: dict[str, Any], words: str, server: Server, controller: Controller
) -> None:
    run = controller.tasks(server, task(controller, **options))
    assert run.code != 0
    assert words in run.failures[0]
    assert server.state()["imports_started"] == 0
    assert server.held() == []
