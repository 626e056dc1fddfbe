# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list of packages is one state: imported in order where it is due, and then left alone."""

from __future__ import annotations

import difflib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from harness import DEMO, PASSWORD, TUTORIAL, Controller, Server, declared, make_package, object_id, running_server

YEAR = "8D679D5111D3E4981000E787EC6DE8A4"
INCREMENTS = ("inc1", "inc2", "inc3")


def seed(server: Server, versions: dict[str, str], scope: str = TUTORIAL) -> None:
    """Let objects be there in these versions, as if somebody else had brought them."""
    for number, version in versions.items():
        server.edit(number, scope, name="seeded", type=12, version=version)


def write_manifests(controller: Controller, server: Server, *paths: Path) -> None:
    """Write manifests beside package files, as mstr_package does."""
    options = [{"src": str(path), "manifest": True, "project": DEMO} for path in paths]
    run = controller.tasks(server, [{"name": "write", "mstr.migration.mstr_package": option} for option in options])
    assert run.failures == [], run.output


def calls_since(server: Server, count: int) -> list[str]:
    """Return the calls since there were so many, without ids."""
    calls = ["%s %s" % (call["method"], call["path"]) for call in server.log()[count:]]
    return sorted(re.sub(r"^(GET /objects)/[0-9A-F]{32}$", r"\1", call) for call in calls)


def test_overlapping_increments_are_imported_once(server: Server, controller: Controller) -> None:
    controller.declare(server, *(controller.sample(name) for name in INCREMENTS))
    first = controller.deploy()
    assert first.code == 0, first.output
    assert first.changed == list(INCREMENTS)
    assert first.recap("prod")["changed"] == 1
    assert server.has(declared(*INCREMENTS))
    # The task that imports logs out as well.
    assert first.modules == ["mstr_session", "mstr_package_plan", "mstr_package_import"]
    # Each is uploaded to see what it holds, and again to be imported; but for the first, which is held by then.
    assert server.uploads() == 5
    assert server.held() == []

    before = len(server.log())
    again = controller.deploy()
    assert again.code == 0, again.output
    assert again.changed == []
    assert again.recap("prod")["changed"] == 0
    # The plan logs out as well.
    assert again.modules == ["mstr_session", "mstr_package_plan"]
    assert calls_since(server, before) == sorted(
        [
            "GET /status",
            "POST /auth/login",
            "GET /projects",
            # Whose history it is; beside the look-ups.
            "GET /configurations/repository",
            *["GET /objects"] * 4,
            "POST /auth/logout",
        ]
    )
    assert server.held() == []


def test_check_predicts_the_whole_list_and_writes_nothing(server: Server, controller: Controller) -> None:
    controller.declare(server, *(controller.sample(name) for name in INCREMENTS))
    fresh = server.objects()
    run = controller.deploy("--check", "--diff")
    assert run.code == 0, run.output
    assert run.changed == list(INCREMENTS)
    assert run.recap("prod")["changed"] == 1
    plan = run.output[run.output.index("plan %s, made now\n" % run.named("Plan the list")["plan_id"]) :]
    blocks = re.findall(r"package (\w+) \(project MicroStrategy Tutorial\)\n((?:[+~ ] .*\n)+)(\d.*)", plan)
    assert [(name, total) for name, _lines, total in blocks] == [
        ("inc1", "1 to create, 2 that later packages of the list decide"),
        ("inc2", "1 to create, 1 that later packages of the list decide"),
        ("inc3", "2 to replace"),
    ]
    assert re.findall(r'^. attribute "(\w+)" .* -> .{7}  (\w+) ', blocks[2][1], re.MULTILINE) == [
        ("Manager", "replace"),
        ("Store", "replace"),
    ]
    assert "    package inc2 of this list changes it before\n" in blocks[2][1]
    assert server.objects() == fresh
    assert server.state()["imports_started"] == 0
    assert server.held() == []
    assert list(controller.history.rglob("*.json")) == []
    assert list(controller.history.rglob("*.mmp")) == []


def test_the_diff_shows_where_an_object_is_and_fits_120_columns(server: Server, controller: Controller) -> None:
    server.edit(YEAR, TUTORIAL, name="Year of today", version="24CEEC7" + "0" * 25)
    controller.declare(server, controller.sample("year"))
    run = controller.deploy("--check", "--diff")
    assert run.code == 0, run.output
    lines = [line for line in run.output.splitlines() if YEAR in line and " -> " in line]
    assert lines == [
        '~ attribute "Year"  in /Public Objects/Time  24CEEC7 -> 2215B50  replace  8D679D5111D3E4981000E787EC6DE8A4'
    ]


def test_a_manifest_beside_the_file_saves_the_upload(server: Server, controller: Controller) -> None:
    paths = [controller.directory / (name + ".mmp") for name in INCREMENTS]
    for path in paths:
        path.write_bytes((controller.packages / path.name).read_bytes())
    write_manifests(controller, server, *paths)
    seed(server, declared(*INCREMENTS))
    uploads = server.uploads()
    controller.declare(server, *({"src": path.name} for path in paths))
    # Once, to see that they are right.
    assert controller.deploy().recap("prod")["changed"] == 0
    assert server.uploads() == uploads + len(paths)
    run = controller.deploy()
    assert run.recap("prod")["changed"] == 0
    assert server.uploads() == uploads + len(paths)
    assert controller.receipts() == []
    assert list(controller.history.rglob("*.mmp")) == []


def test_of_fifty_packages_only_the_one_that_is_due_is_imported(server: Server, controller: Controller) -> None:
    names = ["pkg%02d" % number for number in range(50)]
    rows = {name: {"id": object_id(name), "name": name, "type": 12, "version": object_id(name, 1)} for name in names}
    for name, row in rows.items():
        make_package(controller.directory / (name + ".mmp"), row)
    seed(server, {row["id"]: row["version"] for row in rows.values()})
    controller.declare(server, *({"src": name + ".mmp"} for name in names))
    learnt = controller.deploy()
    assert learnt.recap("prod")["changed"] == 0
    assert server.state()["imports_started"] == 0
    assert server.uploads() == 50

    server.edit(rows["pkg31"]["id"])
    run = controller.deploy()
    assert run.code == 0, run.output
    assert run.changed == ["pkg31"]
    # The import logs out as well.
    assert run.modules == ["mstr_session", "mstr_package_plan", "mstr_package_import"]
    assert server.has({row["id"]: row["version"] for row in rows.values()})
    assert server.uploads() == 51
    assert server.held() == []


def test_what_versions_cannot_tell_is_imported_once(server: Server, controller: Controller) -> None:
    # The server gives tables a version of its own; keep_both makes a copy with a new id; links have no version.
    server.set(reversion_types=[15])
    controller.declare(
        server,
        controller.sample("finance"),
        controller.sample("inc1"),
        controller.sample("keep_both", generate_undo=False),
        controller.sample("project_security"),
    )
    first = controller.deploy()
    assert first.code == 0, first.output
    assert first.changed == ["finance", "inc1", "keep_both", "project_security"]
    after = server.objects()
    assert [item["name"] for item in after.values()].count("Region (1)") == 1

    again = controller.deploy()
    assert again.code == 0, again.output
    assert again.recap("prod")["changed"] == 0
    assert server.objects() == after
    assert {item["name"]: item["summary"]["settled"] for item in again.packages} == {
        "finance": 1,
        "inc1": 0,
        "keep_both": 2,
        "project_security": 1,
    }


def test_a_table_edited_after_its_import_is_due_again(server: Server, controller: Controller) -> None:
    server.set(reversion_types=[15])
    controller.declare(server, controller.sample("finance"))
    controller.deploy()
    edited = server.edit(object_id("LU_ACCOUNT", 15))
    run = controller.deploy("--check", "--diff")
    assert run.changed == ["finance"]
    assert edited["version"] in run.output


def test_drift_in_an_early_increment_is_put_right_in_one_run(server: Server, controller: Controller) -> None:
    controller.declare(server, *(controller.sample(name) for name in INCREMENTS))
    seed(server, declared(*INCREMENTS))
    # Only the first increment carries it. Importing that brings old versions of what the others carry too, and the
    # last one brings all of these to what the list declares.
    server.edit(object_id("Region"))
    run = controller.deploy()
    assert run.code == 0, run.output
    assert run.changed == ["inc1", "inc3"]
    assert server.has(declared(*INCREMENTS))
    assert controller.deploy().recap("prod")["changed"] == 0


def test_tables_that_get_other_versions_come_to_rest_in_one_run(server: Server, controller: Controller) -> None:
    server.set(reversion_types=[15])
    table = {"id": object_id("LU", 15), "name": "LU", "type": 15, "version": "1" * 32}
    for name in ("one", "two", "three"):
        own = {"id": object_id(name), "name": name, "type": 12, "version": object_id(name, 1)}
        make_package(controller.directory / (name + ".mmp"), table, own)
    controller.declare(server, *({"src": name + ".mmp"} for name in ("one", "two", "three")))
    # Nothing is known yet of what this server does to tables. The last package would be in sync, but for the table.
    seed(server, {object_id("three"): object_id("three", 1)})
    first = controller.deploy()
    assert first.changed == ["one", "two", "three"]
    assert first.modules.count("mstr_package_plan") == 1
    assert server.held() == []
    assert controller.steps("deploy").recap("prod")["changed"] == 0

    server.edit(object_id("one"))
    again = controller.steps("deploy")
    assert again.changed == ["one", "three"]
    assert controller.steps("deploy").recap("prod")["changed"] == 0


def test_a_package_that_cannot_have_an_undo_package_stops_the_list_before_it_begins(
    server: Server, controller: Controller
) -> None:
    before = server.objects()
    controller.declare(server, controller.sample("inc1"), controller.sample("keep_both"))
    for arguments in (["--check"], []):
        run = controller.deploy(*arguments)
        assert run.code != 0
        (message,) = run.failures
        assert "generate_undo: the package has the action keep_both" in message
        assert "package keep_both" in message
    assert server.objects() == before
    assert server.held() == []


def test_an_empty_list_is_said(server: Server, controller: Controller) -> None:
    controller.declare(server)
    run = controller.deploy()
    assert run.code == 0, run.output
    assert "the list is empty" in run.warnings


def test_what_force_brings_is_shown_beforehand(server: Server, controller: Controller) -> None:
    seed(server, declared("inc1"))
    controller.declare(server, controller.sample("inc1", force=True))
    run = controller.deploy("--check", "--diff")
    assert run.changed == ["inc1"]
    assert "in sync, but imported all the same (force)" in run.output


def test_a_base_directory_that_is_relative_is_refused(server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1"), mstr_base_dir="..")
    run = controller.deploy()
    assert run.code != 0
    assert "mstr_base_dir: it is to be an absolute path" in run.output
    assert server.log() == []


def test_drift_in_the_last_increment_imports_only_that(server: Server, controller: Controller) -> None:
    controller.declare(server, *(controller.sample(name) for name in INCREMENTS))
    seed(server, declared(*INCREMENTS))
    server.edit(object_id("Manager"))
    run = controller.deploy()
    assert run.changed == ["inc3"]
    assert server.has(declared(*INCREMENTS))


def test_one_package_alone_is_refused_where_others_stand_on_it(server: Server, controller: Controller) -> None:
    controller.declare(server, *(controller.sample(name) for name in (*INCREMENTS, "finance")))
    seed(server, declared(*INCREMENTS))
    server.edit(object_id("Region"))
    before = server.objects()
    refused = controller.deploy("-e", "mstr_package=inc1")
    assert refused.code != 0
    (message,) = refused.failures
    assert "importing only inc1 would leave older versions" in message
    assert "would have to be imported after it: inc3." in message
    assert "finance" not in message
    assert "Nothing was imported" in message
    assert server.state()["imports_started"] == 0
    assert server.objects() == before
    assert server.held() == []

    alone = controller.deploy("-e", "mstr_package=finance")
    assert alone.code == 0, alone.output
    assert alone.changed == ["finance"]
    assert server.has({key: item["version"] for key, item in before.items()})


def test_an_object_that_the_server_left_as_it_was_is_due_again(server: Server, controller: Controller) -> None:
    seed(server, {object_id("Region"): "0" * 32})
    server.set(ignore_objects=[object_id("Region")])
    controller.declare(server, controller.sample("inc1"))
    left = controller.deploy()
    assert left.code == 0, left.output
    assert left.changed == ["inc1"]
    assert 'did not get what was predicted: attribute "Region"' in left.warnings
    (receipt,) = controller.receipts()
    assert [item["name"] for item in json.loads(receipt.read_text(encoding="utf-8"))["unresolved"]] == ["Region"]

    server.set(ignore_objects=[])
    assert controller.deploy().changed == ["inc1"]
    assert server.has(declared("inc1"))


def test_projects_and_configuration_in_one_list(server: Server, controller: Controller) -> None:
    controller.declare(
        server,
        controller.sample("inc1", name="base"),
        controller.sample("finance", name="base", project=DEMO),
        controller.sample("users", type="configuration", name="base"),
        controller.sample("inc2", project=TUTORIAL),
    )
    first = controller.deploy()
    assert first.code == 0, first.output
    assert first.changed == ["base", "base", "base", "inc2"]
    places = ["MicroStrategy Tutorial", DEMO, "", TUTORIAL]
    assert [item["project"] for item in first.packages] == places
    scopes = [path.parent.parent.name for path in controller.receipts()]
    assert scopes == [TUTORIAL, DEMO, "configuration", TUTORIAL]
    again = controller.deploy()
    assert again.recap("prod")["changed"] == 0
    assert len(again.modules) == 2


def test_two_packages_of_one_name_in_a_project_are_refused(server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1"), controller.sample("inc2", name="inc1"))
    run = controller.deploy()
    assert "item 2 (inc1): item 1 is called the same, and is for the same project" in run.failures[0]
    assert server.log() == []
    # One by the project's name, one by its id, which only the server knows to be the same.
    controller.declare(server, controller.sample("inc1"), controller.sample("inc2", name="inc1", project=TUTORIAL))
    run = controller.deploy()
    assert "two are called inc1" in run.failures[0]
    assert server.uploads() == 0
    assert server.held() == []


@pytest.mark.oldest_core
def test_the_result_is_there_for_later_plays_and_for_awx(server: Server, controller: Controller) -> None:
    with running_server() as second:
        hosts = {}
        for name, each in (("dev", server), ("prod", second)):
            controller.declare(each, controller.sample("inc1"), controller.sample("inc2"))
            hosts[name] = json.loads((controller.directory / "inventory.yml").read_text())["mstr"]["hosts"]["prod"]
        controller.inventory(hosts)
        seed(second, declared("inc1", "inc2"))
        play = {
            "hosts": "mstr",
            "gather_facts": False,
            "tasks": [{"name": "show", "ansible.builtin.debug": {"var": "mstr_packages_result"}}],
        }
        site = [{"ansible.builtin.import_playbook": "mstr.migration.deploy"}, play]
        (controller.directory / "site.yml").write_text(json.dumps(site), encoding="utf-8")
        controller.environment["ANSIBLE_SHOW_CUSTOM_STATS"] = "1"
        run = controller.playbook("-i", "inventory.yml", "site.yml")
    assert run.code == 0, run.output
    shown = {host: run.named("show", host)["mstr_packages_result"] for host in ("dev", "prod")}
    assert [[item["changed"] for item in shown[host]] for host in shown] == [[True, True], [False, False]]
    first = shown["dev"][0]
    assert (first["name"], first["project"], first["state"]) == ("inc1", "MicroStrategy Tutorial", "imported")
    assert first["in_sync"] is False
    assert (first["summary"]["create"], first["summary"]["superseded"]) == (2, 1)
    assert Path(first["receipt"]).exists()
    assert Path(first["undo"]["path"]).exists()

    stats = json.loads(re.search(r"RUN: (\{.*\})", run.output)[1])["mstr_packages_report"]
    assert {host: report["changed"] for host, report in stats.items()} == {"dev": ["inc1", "inc2"], "prod": []}
    assert all(report["complete"] for report in stats.values())
    keys = {key for report in stats.values() for item in report["packages"] for key in item}
    assert keys == {"name", "project", "state", "in_sync", "changed", "summary"}


@pytest.mark.ansible
def test_after_a_failure_the_next_batch_is_not_touched(server: Server, controller: Controller) -> None:
    with running_server() as second:
        package = controller.sample("inc1")
        base: dict[str, Any] = {"mstr_project": DEMO, "mstr_packages": [package], "mstr_username": "administrator"}
        controller.inventory(
            {
                "canary": {**base, "mstr_base_url": server.base_url, "mstr_password": "wrong"},
                "prod": {**base, "mstr_base_url": second.base_url, "mstr_password": PASSWORD},
            }
        )
        run = controller.deploy("-e", "mstr_serial=1", "-e", "mstr_max_fail_percentage=0")
        assert run.code != 0
        assert len(run.failures) == 1
        assert server.state()["refused_logins"] == 1
        assert second.log() == []
        # Right again, both get it, one after the other.
        fixed = controller.deploy(
            "-e", "mstr_serial=1", "-e", "mstr_max_fail_percentage=0", "-e", "mstr_password=" + PASSWORD
        )
        assert fixed.code == 0, fixed.output
        assert [each.state()["imports_started"] for each in (server, second)] == [1, 1]


def test_manifests_of_two_versions_differ_in_what_changed_only(server: Server, controller: Controller) -> None:
    def row(name: str, edition: int = 1) -> dict[str, Any]:
        modified = "2024-01-0%dT00:00:00.000+0000" % edition
        return {"name": name, "type": 4, "definition": edition, "dateModified": modified}

    old = make_package(controller.directory / "old.mmp", row("Profit"), row("Cost"), row("Tax"))
    # Rows in another order: that says nothing.
    new = make_package(controller.directory / "new.mmp", row("Tax"), row("Cost", 2), row("Profit"))
    write_manifests(controller, server, old, new)
    texts = [Path(str(path) + ".manifest.json").read_text(encoding="utf-8").splitlines() for path in (old, new)]
    delta = [line for line in difflib.ndiff(*texts) if line[0] in "+-"]
    fields = sorted(re.match(r'([+-]) *"(\w+)":', line).groups() for line in delta)
    expected = ["date_modified", "sha256", "version"]
    if old.stat().st_size != new.stat().st_size:
        expected.insert(2, "size")
    assert fields == sorted((sign, field) for sign in "+-" for field in expected)
    names = [line.split('"')[3] for line in texts[0] if '"name":' in line]
    assert sorted(names) == ["Cost", "Profit", "Tax"]
    start = next(number for number, line in enumerate(texts[1]) if '"Cost"' in line)
    changed = [number for number, (one, other) in enumerate(zip(*texts)) if one != other]
    assert [number for number in changed if number > 3] == [start + 3, start + 4]


@pytest.mark.oldest_core
def test_the_plan_alone_imports_nothing(server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1"))
    run = controller.deploy("--tags", "plan")
    assert run.code == 0, run.output
    assert run.modules == ["mstr_session", "mstr_package_plan", "mstr_session"]
    assert [package["due"] for package in run.packages] == [True]
    assert server.state()["imports_started"] == 0
    assert server.held() == []


def test_the_plan_writes_manifests_beside_the_packages(server: Server, controller: Controller) -> None:
    package = make_package(controller.directory / "pack.mmp", {"name": "One", "type": 12})
    beside = controller.directory / "pack.mmp.manifest.json"
    task = {
        "name": "plan",
        "mstr.migration.mstr_package_plan": {
            "project": TUTORIAL,
            "packages": [{"src": str(package)}],
            "write_manifests": True,
        },
    }
    assert controller.tasks(server, [task], "--check").named("plan")["in_sync"] is False
    assert not beside.exists()
    controller.tasks(server, [task])
    first = json.loads(beside.read_text(encoding="utf-8"))
    assert [row["name"] for row in first["content"]] == ["One"]

    # Another file: its manifest is written anew, and tells the reviewer so.
    make_package(package, {"name": "Two", "type": 12})
    run = controller.tasks(server, [task])
    assert "is of another file" in run.warnings
    second = json.loads(beside.read_text(encoding="utf-8"))
    assert [row["name"] for row in second["content"]] == ["Two"]
    uploads = server.uploads()
    controller.tasks(server, [task])
    assert server.uploads() == uploads
