# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan as a file: written also in check mode, the same for the same world, and about one environment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from harness import PASSWORD, Controller, Server, object_id

PROJECT = "MicroStrategy Tutorial"
INCREMENTS = ("inc1", "inc2", "inc3")
PLAN = "mstr.migration.mstr_package_plan"
HISTORY = "{{ here }}/history"


def plan(controller: Controller, server: Server, *arguments: str, **options: Any) -> dict[str, Any]:
    """Plan the increments and write the plan. :returns: the result"""
    packages = options.pop("packages", [controller.sample(name) for name in INCREMENTS])
    chosen = {"project": PROJECT, "packages": packages, "plan_file": "{{ here }}/plans/", **options}
    (controller.directory / "plans").mkdir(exist_ok=True)
    return controller.tasks(server, [{"name": "plan", PLAN: chosen}], *arguments).named("plan")


def document(result: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(Path(result["plan_file"]).read_text(encoding="utf-8")))


def test_it_is_written_in_check_mode_and_says_what_is_due(server: Server, controller: Controller) -> None:
    result = plan(controller, server, "--check", environment_name="prod")
    assert result["plan_file"] == str(controller.directory / "plans" / "prod.plan.json")
    written = document(result)
    assert written["plan_id"] == result["plan_id"]
    assert [step["do"] for step in written["steps"]] == ["import"] * 3
    for step, item in zip(written["steps"], result["packages"]):
        shown = [{key: value for key, value in change.items() if key != "version_now"} for change in step["changes"]]
        assert sorted(shown, key=str) == sorted(item["changes"], key=str)
    assert [item["file"] for item in written["packages"]] == [name + ".mmp" for name in INCREMENTS]
    text = Path(result["plan_file"]).read_text(encoding="utf-8")
    for unwanted in (str(controller.directory), str(controller.packages), PASSWORD, *server.secrets()):
        assert unwanted not in text
    assert server.held() == []


def but_for_the_run(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name not in ("made", "checksum")}


def test_the_same_world_has_the_same_plan(server: Server, controller: Controller) -> None:
    first = plan(controller, server)
    said = document(first)
    # On another machine: the files are elsewhere, and so is the plan.
    copies = controller.directory / "elsewhere"
    copies.mkdir()
    for name in INCREMENTS:
        (copies / (name + ".mmp")).write_bytes((controller.packages / (name + ".mmp")).read_bytes())
    packages = [{"src": str(copies / (name + ".mmp"))} for name in INCREMENTS]
    other = plan(controller, server, packages=packages, plan_file="{{ here }}/other.json")
    assert other["plan_id"] == first["plan_id"]
    assert but_for_the_run(document(other)) == but_for_the_run(said)
    # It is written anew, since when it was made tells how old what is approved is.
    again = plan(controller, server)
    assert document(again)["made"] > said["made"]
    assert but_for_the_run(document(again)) == but_for_the_run(said)

    server.edit(object_id("Store"), name="Store", type=12)
    edited = plan(controller, server)
    assert edited["plan_id"] != first["plan_id"]
    assert document(edited)["plan_id"] == edited["plan_id"]


def test_steps_of_all_kinds_are_in_their_order(server: Server, controller: Controller) -> None:
    names = ("finance", "inc1", "inc3")
    imports = [
        {
            "name": name,
            "mstr.migration.mstr_package_import": {
                **controller.sample(name),
                "project": PROJECT,
                "history_dir": HISTORY,
            },
        }
        for name in names
    ]
    undo = {"state": "applied", "history_dir": HISTORY, "name": "inc3"}
    run = controller.tasks(server, [*imports, {"name": "undo", "mstr.migration.mstr_undo_package": undo}])
    assert run.failures == [], run.output
    result = plan(
        controller,
        server,
        packages=[
            controller.sample("finance", state="undone", name="finance"),
            controller.sample("inc1"),
            controller.sample("inc2"),
            controller.sample("inc3"),
        ],
        history_dir=HISTORY,
    )
    steps = [(step["do"], step["name"]) for step in document(result)["steps"]]
    assert steps == [("take_back", "finance"), ("leave", "inc1"), ("import", "inc2"), ("held", "inc3")]
    (entry,) = document(result)["steps"][0]["entries"]
    assert entry == result["packages"][0]["entry"]


@pytest.mark.parametrize("there", ["another environment", "no plan"])
def test_a_file_that_is_not_its_own_is_left_as_it_is(server: Server, controller: Controller, there: str) -> None:
    path = controller.directory / "my.json"
    if there == "no plan":
        path.write_text("{}")
    else:
        plan(controller, server, environment_name="test", plan_file=str(path))
    before = path.read_text()
    result = plan(controller, server, environment_name="prod", plan_file=str(path))
    assert result["failed"]
    assert "plan_file: %s" % path in result["msg"]
    assert path.read_text() == before
    assert server.held() == []
