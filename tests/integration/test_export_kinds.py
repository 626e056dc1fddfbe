# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages of the configuration, and of the security of a project, go from one environment to another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import DEMO, TUTORIAL, Controller, Run, Server, running_server

ADMINISTRATOR = "54F3D26011D2896560009A8E67019608"
READERS, WRITERS, ROLE = ("%032X" % number for number in (0x81, 0x82, 0x83))


@pytest.fixture(scope="module", name="other")
def started() -> Iterator[Server]:
    with running_server() as server:
        yield server


@pytest.fixture(name="target")
def clean(other: Server) -> Server:
    """Another environment."""
    other.reset()
    return other


def export(server: Server, controller: Controller, **options: Any) -> dict[str, Any]:
    given = {"dest": "{{ here }}/made.mmp", **options}
    run = controller.tasks(server, [{"name": "build", "mstr.migration.mstr_package": given}], "--diff")
    assert run.code == 0, run.output
    return run.named("build")


def deploy(target: Server, controller: Controller, *arguments: str, **package: Any) -> Run:
    src = str(Path(controller.directory) / "made.mmp")
    controller.declare(target, {"src": src, **package}, mstr_project="Demo Project")
    run = controller.deploy(*arguments)
    assert run.code == 0, run.output
    return run


def test_the_configuration(server: Server, target: Server, controller: Controller) -> None:
    server.plant(
        [
            {"id": READERS, "name": "Readers", "type": 34, "subtype": 8705},
            {"id": WRITERS, "name": "Writers", "type": 34, "subtype": 8705, "depends_on": [READERS]},
            {"id": ROLE, "name": "Designer", "type": 44},
        ],
        "configuration",
    )
    options = {
        "type": "configuration",
        "project": "",
        "content": [{"types": ["security role"]}, {"id": WRITERS, "type": "user", "include_dependents": True}],
        "exclude": [{"name": "Analyst"}],
        "definitions": True,
    }
    built = export(server, controller, **options)
    assert built["changed"]
    assert (built["package"]["type"], built["package"]["object_count"]) == ("configuration", 3)
    assert not export(server, controller, **options)["changed"]
    wanted = {key: server.versions("configuration")[key] for key in (READERS, WRITERS, ROLE)}

    before = target.objects("configuration")
    assert deploy(target, controller, "--check", type="configuration").changed == ["made"]
    assert target.objects("configuration") == before
    assert deploy(target, controller, type="configuration").changed == ["made"]
    assert target.has(wanted, "configuration")
    assert deploy(target, controller, type="configuration").changed == []

    # A role that was edited goes the same way, and the diff names it alone.
    server.edit(ROLE, "configuration", definition={"privileges": [1]})
    changes = export(server, controller, **options)["changes"]
    assert [(change["name"], change["change"]) for change in changes] == [("Designer", "changed")]
    deploy(target, controller, type="configuration")
    assert target.versions("configuration")[ROLE] == server.versions("configuration")[ROLE]
    run = controller.rollback("made")
    assert run.code == 0, run.output
    assert target.has(wanted, "configuration")
    run = controller.rollback("made", "-e", "mstr_entry=" + controller.receipts()[0].parent.name)
    assert run.code == 0, run.output
    assert target.objects("configuration") == before
    assert {call["project"] for call in target.calls("POST", "/packages")} == {None}
    assert server.held() == target.held() == []


def test_the_security_of_a_project(server: Server, target: Server, controller: Controller) -> None:
    sample = {"src": str(controller.packages / "project_security.mmp"), "project": TUTORIAL, "generate_undo": False}
    assert controller.tasks(server, [{"name": "links", "mstr.migration.mstr_package_import": sample}]).code == 0
    links = server.security(TUTORIAL)
    assert links
    options = {
        "type": "project_security",
        "project": "MicroStrategy Tutorial",
        "content": [{"id": ADMINISTRATOR, "type": "user"}],
    }
    assert export(server, controller, **options)["package"]["object_count"] == 1
    assert not export(server, controller, **options)["changed"]

    before = target.objects("configuration")
    assert deploy(target, controller, type="project_security").changed == ["made"]
    assert target.security(DEMO) == links
    assert target.objects("configuration") == before
    assert deploy(target, controller, type="project_security").changed == []
    run = controller.rollback("made")
    assert run.code == 0, run.output
    assert target.security(DEMO) == {}
    assert server.held() == target.held() == []
