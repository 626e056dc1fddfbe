# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kinds of planned effects at which the whole list is refused, before anything is uploaded to be imported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from harness import TUTORIAL, Controller, Run, Server, make_package
from test_plan_import import tasks

YEAR = "8D679D5111D3E4981000E787EC6DE8A4"
NEW = {"id": "C0" * 16, "name": "Quarter", "type": 12}
# An object that nothing uses.
OLD = "0D" * 16
DELETES = {"id": OLD, "name": "Decade", "type": 12, "action": "delete"}
COPIES = {"id": OLD, "name": "Decade", "type": 12, "action": "keep_both"}


def listed(controller: Controller, server: Server, **rows: dict[str, Any]) -> list[dict[str, Any]]:
    """Write a package of each row, with its manifest beside it, and return the list of them."""
    server.plant([{"id": OLD, "name": "Decade", "type": 12}])
    packages = []
    for name, row in rows.items():
        make_package(controller.directory / (name + ".mmp"), row)
        packages.append({"name": name, "src": str(controller.directory / (name + ".mmp"))})
    learnt = plan(controller, server, packages, write_manifests=True)
    assert learnt.code == 0, learnt.output
    server.forget()
    return packages


def plan(
    controller: Controller, server: Server, packages: list[dict[str, Any]], *arguments: str, **options: Any
) -> Run:
    options = {"packages": packages, "refuse": [], "project": TUTORIAL, **options}
    return controller.tasks(server, [{"name": "plan", "mstr.migration.mstr_package_plan": options}], *arguments)


def edit_manifest(path: Path, **values: Any) -> None:
    manifest = path.with_name(path.name + ".manifest.json")
    manifest.write_text(json.dumps({**json.loads(manifest.read_text("utf-8")), **values}), encoding="utf-8")


@pytest.mark.parametrize(
    ("row", "kind", "said"),
    [
        (DELETES, "delete", 'Package risky (project MicroStrategy Tutorial) deletes attribute "Decade".'),
        (COPIES, "duplicate", 'Package risky (project MicroStrategy Tutorial) makes copies of attribute "Decade".'),
    ],
    ids=["delete", "duplicate"],
)
def test_the_whole_list_is_refused_for_an_effect(
    row: dict[str, Any], kind: str, said: str, server: Server, controller: Controller
) -> None:
    packages = listed(controller, server, first=NEW, risky=row)
    for package in packages:
        package["generate_undo"] = False
    controller.declare(server, *packages, mstr_refuse=[kind, "older_target"])
    run = controller.deploy()
    assert run.code != 0
    assert run.failures[0].startswith("refuse: the import is refused, and was not begun. " + said)
    assert (
        "leave %s out of refuse (mstr_refuse of the role; in the playbook promote, name it in mstr_allow)" % kind
        in run.failures[0]
    )
    (refused,) = run.named("Plan the list")["refused"]
    assert (refused["kind"], refused["name"], refused["msg"]) == (kind, "risky", said)
    assert (server.uploads(), server.state()["imports_started"], server.held()) == (0, 0, [])
    # As a prediction it is shown, and goes on.
    checked = controller.deploy("--check", "--diff")
    assert checked.code == 0, checked.output
    assert checked.changed == ["first", "risky"]
    assert "refuse: the import is refused\n! " + said in checked.named("Plan the list")["diff"]["prepared"]
    assert "The import would be refused: " + said in checked.warnings
    assert checked.named("Plan the list")["refused"] == [refused]
    # Nobody said that of this kind, or it is said of the package that it may.
    others = [other for other in ("delete", "duplicate", "missing", "older_target") if other != kind]
    controller.declare(server, *packages, mstr_refuse=others)
    assert controller.deploy("--check").named("Plan the list")["refused"] == []
    packages[1]["force"] = True
    controller.declare(server, *packages, mstr_refuse=[kind])
    forced = controller.deploy()
    assert forced.code == 0, forced.output
    assert forced.changed == ["first", "risky"]


def test_what_is_taken_back_is_deleted_too(server: Server, controller: Controller) -> None:
    (package,) = listed(controller, server, first=NEW)
    controller.declare(server, package)
    assert controller.deploy().changed == ["first"]
    undone = {"name": "first", "state": "undone"}
    controller.declare(server, undone, mstr_refuse=["delete"])
    run = controller.deploy()
    assert 'Package first (project MicroStrategy Tutorial) deletes attribute "Quarter".' in run.failures[0]
    assert NEW["id"] in server.objects()
    controller.declare(server, {**undone, "force": True}, mstr_refuse=["delete"])
    assert controller.deploy().changed == ["first"]
    assert NEW["id"] not in server.objects()


def test_an_approved_plan_is_judged_before_its_first_step(server: Server, controller: Controller) -> None:
    packages = listed(controller, server, first=NEW, risky=DELETES)
    file = str(controller.directory / "approved.json")
    assert plan(controller, server, packages, plan_file=file).code == 0
    options = {"packages": packages, "project": TUTORIAL, "plan_file": file, "history_dir": str(controller.history)}

    def carry_out(**more: Any) -> Run:
        return controller.tasks(server, [{"name": "import", "mstr.migration.mstr_package_import": {**options, **more}}])

    refused = carry_out(refuse=["delete"])
    assert 'deletes attribute "Decade"' in refused.failures[0]
    assert refused.named("import")["refused"][0]["kind"] == "delete"
    assert (server.uploads(), server.state()["imports_started"]) == (0, 0)
    done = carry_out()
    assert done.code == 0, done.output
    assert OLD not in server.objects()


def test_what_is_planned_anew_is_judged_anew(server: Server, controller: Controller) -> None:
    """Somebody makes the object between the plan of a run and its import, which would make a copy."""
    path = controller.directory / "copies.mmp"
    make_package(path, {**NEW, "action": "keep_both"})
    package = {"name": "copies", "src": str(path), "generate_undo": False}
    steps = tasks(controller, package, refuse=["duplicate"])
    ran = controller.tasks(server, [steps["log_in"], steps["plan"]])
    assert ran.code == 0, ran.output
    server.edit(NEW["id"], name="Quarter", type=12)
    run = controller.tasks(server, [steps["import"]])
    assert 'makes copies of attribute "Quarter"' in run.failures[0]
    assert run.named("import")["refused"][0]["kind"] == "duplicate"
    assert server.state()["imports_started"] == 0


def test_one_package_is_refused_before_it_is_uploaded(server: Server, controller: Controller) -> None:
    (package,) = listed(controller, server, risky=DELETES)

    def run(*arguments: str, **more: Any) -> Run:
        options = {"src": package["src"], "project": TUTORIAL, "refuse": ["delete"], **more}
        return controller.tasks(server, [{"name": "import", "mstr.migration.mstr_package_import": options}], *arguments)

    refused = run()
    assert 'Package risky (project %s) deletes attribute "Decade"' % TUTORIAL in refused.failures[0]
    assert server.uploads() == 0
    checked = run("--check", "--diff")
    assert "refuse: the import is refused\n! Package risky" in checked.named("import")["diff"]["prepared"]
    assert checked.named("import")["refused"][0]["kind"] == "delete"
    assert run(force=True).code == 0
    assert OLD not in server.objects()


@pytest.mark.parametrize(
    ("source", "target", "refused"),
    [
        ("11.6.0200.20210", "11.4.0600.00710", True),
        ("11.3.0960.10300J", "11.3.1000.00001", False),
        ("11.4.0600.00999", "11.4.0600.00001", False),
        (None, "11.3.0200.00230J", False),
    ],
)
def test_an_older_server_is_refused_where_the_manifest_tells(
    source: str | None, target: str, refused: bool, server: Server, controller: Controller
) -> None:
    (package,) = listed(controller, server, made=NEW)
    if source is not None:
        edit_manifest(Path(package["src"]), iserver_version=source)
    server.set(iserver_version=target)
    run = plan(controller, server, [package], refuse=["older_target"])
    assert (run.code != 0) == refused, run.output
    if refused:
        assert (
            "was exported from version 11.6.0200.20210 of the server, and this server is of the older"
            in (run.failures[0])
        )
        assert server.uploads() == 0
        assert plan(controller, server, [{**package, "force": True}], refuse=["older_target"]).code == 0


def test_a_package_that_is_built_says_of_which_server_it_is(server: Server, controller: Controller) -> None:
    options = {
        "project": TUTORIAL,
        "type": "project",
        "content": [{"id": YEAR, "type": "attribute"}],
        "dest": str(controller.directory / "built.mmp"),
    }
    built = controller.tasks(server, [{"name": "build", "mstr.migration.mstr_package": options}])
    assert built.code == 0, built.output
    manifest = json.loads((controller.directory / "built.mmp.manifest.json").read_text("utf-8"))
    assert manifest["iserver_version"] == "11.6.0200.20210"
