# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example of content groups in docs/export.md: the inventory that stands there, with other addresses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from harness import DEMO, PASSWORD, TUTORIAL, Controller, Run, Server, running_server
from warm_modules import ROOT

READERS, BOARD, METRIC, SHEET = ("%032X" % number for number in (0x91, 0x92, 0x93, 0x94))
NAMES = ("board", "board-tutorial", "board-demo")


def example() -> dict[str, Any]:
    """Return the inventory of the page."""
    page = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")
    text = page.partition("\n## Content groups\n")[2].partition("```yaml\n")[2].partition("```\n")[0]
    return dict(yaml.safe_load(text))


def exports() -> list[dict[str, Any]]:
    """Return what the page exports."""
    return list(example()["mstr"]["hosts"]["dev"]["mstr_exports"])


GROUP = exports()[0]["content"][0]["id"]


@pytest.fixture(scope="module", name="other")
def started() -> Iterator[Server]:
    with running_server() as server:
        yield server


@pytest.fixture(name="prod")
def clean(other: Server) -> Server:
    other.reset(missing_component="fail")
    return other


@pytest.fixture(name="dev")
def planted(server: Server, controller: Controller) -> Server:
    """A content group with a dashboard in one project, and another in a second one."""
    readers = {"id": READERS, "name": "Readers", "type": 34, "subtype": 8705}
    group = {"id": GROUP, "name": "Board", "type": 77, "depends_on": [READERS, BOARD, SHEET]}
    server.plant([readers, group], "configuration")
    board = {"id": BOARD, "name": "Board", "type": 55, "depends_on": [METRIC]}
    server.plant([{"id": METRIC, "name": "Margin", "type": 4}, board])
    server.plant([{"id": SHEET, "name": "Sheet", "type": 55}], DEMO)
    (controller.directory / "packages").mkdir(exist_ok=True)
    return server


def export(dev: Server, controller: Controller, warning: str = "") -> list[dict[str, Any]]:
    """Build the packages of the example, as the playbook export does; return what each holds."""
    tasks = [
        {
            "name": item["dest"],
            "mstr.migration.mstr_package": {"type": "project", **item, "dest": "{{ here }}/" + item["dest"]},
        }
        for item in exports()
    ]
    run = controller.tasks(dev, tasks)
    assert run.code == 0, run.output
    assert warning in run.warnings if warning else "lists nothing" not in run.warnings
    texts = [(controller.directory / "packages" / (name + ".mmp.manifest.json")).read_text() for name in NAMES]
    return [json.loads(text) for text in texts]


def held(manifest: dict[str, Any]) -> dict[str, str]:
    return {row["name"] + " %d" % row["type"]: row["included"] for row in manifest["content"]}


def test_what_the_packages_hold(dev: Server, controller: Controller) -> None:
    whole, tutorial, demo = export(dev, controller)
    assert held(whole) == {"Board 77": "asked", "Readers 34": "needed"}
    assert held(tutorial) == {"Board 77": "asked", "Board 55": "needed", "Margin 4": "needed"}
    assert held(demo) == {"Board 77": "asked", "Sheet 55": "needed"}
    dev.forget()
    export(dev, controller)
    assert dev.calls("POST", "/packages") == []
    # What a group holds counts as much as the group.
    dev.edit(SHEET, DEMO)
    export(dev, controller)
    assert {call["project"] for call in dev.calls("POST", "/packages")} == {DEMO}


def test_a_server_that_does_not_list_what_comes_along(dev: Server, prod: Server, controller: Controller) -> None:
    dev.set(list_dependents=False)
    prod.set(list_dependents=False)
    _whole, tutorial, demo = export(
        dev, controller, warning='the server lists nothing that came along with content group "Board"'
    )
    assert held(tutorial) == held(demo) == {"Board 77": "asked"}
    # The group is there by then, and nothing else shows. The warning has a way out.
    assert deployed(prod, controller).changed == ["board"]
    run = deployed(prod, controller, force=True)
    assert run.code == 0, run.failures
    assert {BOARD, METRIC} <= set(prod.objects())


def deployed(prod: Server, controller: Controller, **options: Any) -> Run:
    packages = [
        {"src": item["dest"], **{key: item[key] for key in ("type", "project") if key in item}, **options}
        for item in exports()
    ]
    controller.declare(prod, *packages, mstr_project="")
    return controller.deploy()


def test_they_are_deployed_and_taken_back(dev: Server, prod: Server, controller: Controller) -> None:
    before = [prod.objects(scope) for scope in ("configuration", TUTORIAL, DEMO)]
    export(dev, controller)
    run = deployed(prod, controller)
    assert run.code == 0, run.output
    assert run.changed == list(NAMES)
    for scope, keys in (("configuration", (GROUP, READERS)), (TUTORIAL, (BOARD, METRIC)), (DEMO, (SHEET,))):
        assert prod.has({key: dev.versions(scope)[key] for key in keys}, scope)
    assert deployed(prod, controller).changed == []
    run = controller.steps("rollback", "-e", "mstr_run=last")
    assert run.code == 0, run.output
    assert [prod.objects(scope) for scope in ("configuration", TUTORIAL, DEMO)] == before
    assert dev.held() == prod.held() == []


def test_a_group_that_was_edited_is_imported_with_its_recipients(
    dev: Server, prod: Server, controller: Controller
) -> None:
    """By the package of the configuration, though those of the projects hold the group too."""
    export(dev, controller)
    deployed(prod, controller)
    dev.edit(GROUP, "configuration", depends_on=[READERS, BOARD, SHEET], name="Board of directors")
    export(dev, controller)
    assert deployed(prod, controller).changed == ["board"]
    assert prod.versions("configuration")[GROUP] == dev.versions("configuration")[GROUP]
    assert deployed(prod, controller).changed == []


@pytest.mark.ansible
def test_the_example_as_it_stands(dev: Server, prod: Server, controller: Controller) -> None:
    inventory = example()
    for name, server in (("dev", dev), ("prod", prod)):
        inventory["mstr"]["hosts"][name]["mstr_base_url"] = server.base_url
    inventory["mstr"]["vars"].update(mstr_username="administrator", mstr_password=PASSWORD)
    (controller.directory / "inventory.yml").write_text(json.dumps(inventory), encoding="utf-8")
    run = controller.playbook_run("promote", "-e", "mstr_source=dev", "-e", "mstr_targets=prod")
    assert run.code == 0, run.output
    assert run.changed == list(NAMES)
    assert {GROUP, READERS} <= set(prod.objects("configuration"))
    assert {BOARD, METRIC} <= set(prod.objects())
    assert SHEET in prod.objects(DEMO)
