# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""At 3 am: all that a run imported is taken back by one command, or nothing of it is touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from harness import DEMO, TUTORIAL, Controller, Run, Server, make_package, object_id

REFUSED = {"kind": "status", "status": 403, "body": {"code": "ERR017", "message": "Not now."}}
TASK = "Take back the run or the package"
# Three packages that overlap: of Store and Region each has a version of its own.
OVERLAPPING = {"one": ("Store", "Region"), "two": ("Region", "City"), "three": ("Store", "Region", "Town")}


def package(controller: Controller, name: str, *objects: str, **spec: Any) -> Path:
    rows = [
        {"id": object_id(item), "name": item, "type": 12, "definition": "%s of %s" % (item, name)} for item in objects
    ]
    return make_package(controller.directory / (name + ".mmp"), *rows, **spec)


def run_of(controller: Controller, server: Server, *packages: dict[str, Any]) -> str:
    """Import packages in one run, as tasks with a session. :returns: the run's id"""
    history = {"history_dir": str(controller.history)}
    tasks: list[dict[str, Any]] = [{"name": "login", "mstr.migration.mstr_session": history}]
    for number, options in enumerate(packages):
        task = {"session_file": "{{ login.session_file }}", "project": TUTORIAL, **history, **options}
        tasks.append({"name": "import %d" % number, "mstr.migration.mstr_package_import": task})
    out = {"session_file": "{{ login.session_file }}", "state": "absent"}
    tasks.append({"name": "logout", "mstr.migration.mstr_session": out})
    run = controller.tasks(server, tasks)
    assert run.code == 0, run.output
    assert all(run.named("import %d" % number)["changed"] for number in range(len(packages))), run.output
    return str(run.named("login")["run"])


def overlapping(controller: Controller, server: Server) -> str:
    """Import the three packages in one run, where Store is there already. :returns: the run's id"""
    if object_id("Store") not in server.objects():
        server.edit(object_id("Store"), name="Store", type=12, definition="mine")
    return run_of(
        controller, server, *({"src": str(package(controller, name, *items))} for name, items in OVERLAPPING.items())
    )


def back(controller: Controller, server: Server, *arguments: str, **options: Any) -> Run:
    """Take back by one task, with a log-in of its own."""
    given = {"state": "applied", "history_dir": str(controller.history), **options}
    return controller.tasks(server, [{"name": TASK, "mstr.migration.mstr_undo_package": given}], *arguments)


def message(run: Run) -> str:
    assert run.code != 0, run.output
    assert "Traceback" not in run.output
    (text,) = run.failures
    return text


def states(controller: Controller) -> list[str]:
    return [json.loads(path.read_text(encoding="utf-8"))["state"] for path in controller.receipts()]


def names(controller: Controller) -> list[str]:
    return [path.parent.name for path in controller.receipts()]


@pytest.mark.parametrize("wanted", ["last", "its id"])
def test_a_run_of_packages_that_overlap_is_taken_back_by_one_command(
    wanted: str, server: Server, controller: Controller
) -> None:
    server.edit(object_id("Store"), name="Store", type=12, definition="mine")
    before = server.objects()
    run_id = overlapping(controller, server)
    taken = back(controller, server, run=run_id if wanted == "its id" else "last").named(TASK)
    assert taken["changed"] is True
    assert taken["run"] == run_id
    assert [item["name"] for item in taken["taken_back"]] == ["three", "two", "one"]
    assert [item["entry"] for item in taken["taken_back"]] == names(controller)[::-1]
    assert taken["entry"] == taken["taken_back"][0]["entry"]
    assert taken["msg"].splitlines() == [
        "three: taken back, 2 replaced, 1 deleted",
        "two: taken back, 1 replaced, 1 deleted",
        "one: taken back, 1 replaced, 1 deleted",
        "schema of project %s: reloaded" % TUTORIAL,
    ]
    assert server.objects() == before
    assert states(controller) == ["undone"] * 3

    imports = server.state()["imports_started"]
    again = back(controller, server, run="last")
    assert again.named(TASK)["changed"] is False
    assert again.named(TASK)["taken_back"] == []
    assert server.state()["imports_started"] == imports == 6
    assert "Run %s is taken back already" % run_id in again.warnings
    assert "no run before it" in again.warnings
    assert server.held() == []


def test_the_last_run_is_not_the_one_before_it_once_it_is_taken_back(server: Server, controller: Controller) -> None:
    first = run_of(controller, server, {"src": str(package(controller, "one", "Store"))})
    middle = server.objects()
    run_of(controller, server, {"src": str(package(controller, "two", "City"))})
    # A run that changes nothing is not the last one.
    run_of(controller, server, {"src": str(package(controller, "one", "Store")), "force": True})
    assert back(controller, server, run="last").named(TASK)["changed"] is True
    for _time in range(2):
        again = back(controller, server, run="last")
        assert again.named(TASK)["changed"] is False
        assert "-e mstr_run=%s" % first in again.warnings
        assert "one" in again.named(TASK)["msg"]
    assert server.objects() == middle
    assert back(controller, server, run=first).named(TASK)["changed"] is True
    assert states(controller) == ["undone", "undone", "imported"]


def test_imports_from_before_runs_had_ids_are_runs_of_their_own(server: Server, controller: Controller) -> None:
    overlapping(controller, server)
    for path in controller.receipts():
        document = json.loads(path.read_text(encoding="utf-8"))
        del document["run"]
        path.write_text(json.dumps(document), encoding="utf-8")
    oldest, _middle, newest = names(controller)
    taken = back(controller, server, run="last").named(TASK)
    assert [item["name"] for item in taken["taken_back"]] == ["three"]
    assert taken["run"] == newest
    assert states(controller) == ["imported", "imported", "undone"]
    assert "cannot be taken back alone" in message(back(controller, server, run=oldest))


def test_all_is_refused_where_objects_of_two_imports_were_edited(server: Server, controller: Controller) -> None:
    run_id = overlapping(controller, server)
    server.edit(object_id("City"))
    # What the newest import left counts, not what the older ones did.
    server.edit(object_id("Store"))
    edited, imports = server.objects(), server.state()["imports_started"]
    for arguments in (["--check"], []):
        said = message(back(controller, server, *arguments, run="last"))
        assert "run: %s is not taken back" % run_id in said
        assert 'attribute "City" by two (%s)' % names(controller)[1] in said
        assert 'attribute "Store" by three (%s)' % names(controller)[2] in said
        assert "Region" not in said
        assert "mstr_force=true" in said
    assert server.objects() == edited
    assert server.state()["imports_started"] == imports
    assert states(controller) == ["imported"] * 3
    assert back(controller, server, run="last", force=True).named(TASK)["changed"] is True
    assert object_id("City") not in server.objects()
    assert states(controller) == ["undone"] * 3
    assert server.held() == []


def test_all_is_refused_where_newer_runs_touched_an_object(server: Server, controller: Controller) -> None:
    first = overlapping(controller, server)
    second = run_of(controller, server, {"src": str(package(controller, "four", "City"))})
    third = run_of(controller, server, {"src": str(package(controller, "five", "Town"))})
    deployed, imports = server.objects(), server.state()["imports_started"]
    said = message(back(controller, server, run=first))
    four, five = names(controller)[3:]
    assert "run: %s cannot be taken back, because" % first in said
    assert "five (%s), four (%s)" % (five, four) in said
    assert "%s, %s" % (third, second) in said
    assert "Nothing was imported" in said
    assert server.objects() == deployed
    assert server.state()["imports_started"] == imports
    for run_id in (third, second, first):
        assert back(controller, server, run=run_id).named(TASK)["changed"] is True
    assert states(controller) == ["undone"] * 5


def test_all_is_refused_where_undo_packages_are_missing(server: Server, controller: Controller) -> None:
    overlapping(controller, server)
    for path in controller.receipts()[:2]:
        path.with_name("undo.mmp").unlink()
    deployed = server.objects()
    said = message(back(controller, server, run="last", force=True))
    assert said.count("has no undo package") == 2
    for name in names(controller)[:2]:
        assert name in said
    assert server.objects() == deployed
    assert states(controller) == ["imported"] * 3


@pytest.mark.parametrize("own_session", [True, False])
def test_where_the_server_fails_half_way_the_same_command_goes_on(
    own_session: bool, server: Server, controller: Controller
) -> None:
    # The task's own session, or that of a run.
    session: dict[str, Any] = {}
    run_id = overlapping(controller, server)
    one, two, three = names(controller)
    if not own_session:
        log_in = {"history_dir": str(controller.history)}
        controller.tasks(server, [{"name": "night", "mstr.migration.mstr_session": log_in}])
        session = {"session_file": "{{ night.session_file }}"}
    server.fault("POST", "^/packages/imports$", REFUSED, skip=1, times=1)
    broken = back(controller, server, run="last", **session)
    said = message(broken)
    assert "Not now" in said
    assert "Taken back: three (%s). Not taken back: two (%s), one (%s)." % (three, two, one) in said
    assert "The same command goes on" in said
    failed = broken.named(TASK)
    assert failed["changed"] is True
    assert failed["run"] == run_id
    assert [item["name"] for item in failed["taken_back"]] == ["three"]
    assert states(controller) == ["imported", "imported", "undone"]

    taken = back(controller, server, run="last", **session).named(TASK)
    assert [item["name"] for item in taken["taken_back"]] == ["two", "one"]
    assert server.objects()[object_id("Store")]["definition"] == "mine"
    assert not {object_id(name) for name in ("Region", "City", "Town")} & set(server.objects())
    assert back(controller, server, run="last", **session).named(TASK)["changed"] is False
    if not own_session:
        out = {"state": "absent", **session}
        controller.tasks(server, [{"name": "out", "mstr.migration.mstr_session": out}])
    assert server.held() == []


def test_check_mode_shows_the_whole_and_does_nothing(server: Server, controller: Controller) -> None:
    run_id = overlapping(controller, server)
    deployed = server.objects()
    files = {path: path.read_bytes() for path in controller.history.rglob("*") if path.is_file()}
    server.forget()
    predicted = back(controller, server, "--check", "--diff", run="last").named(TASK)
    assert predicted["changed"] is True
    assert predicted["run"] == run_id
    text = predicted["diff"]["prepared"]
    blocks = [block.splitlines() for block in text.split("\n\n")]
    assert [(block[0], block[-1]) for block in blocks] == [
        ("package three (taken back) (project %s)" % TUTORIAL, "2 to replace, 1 to delete"),
        ("package two (taken back) (project %s)" % TUTORIAL, "1 to replace, 1 to delete"),
        ("package one (taken back) (project %s)" % TUTORIAL, "1 to replace, 1 to delete"),
    ]
    assert predicted["msg"].splitlines()[0] == "three: would be taken back, 2 to replace, 1 to delete"
    assert server.objects() == deployed
    assert {path: path.read_bytes() for path in controller.history.rglob("*") if path.is_file()} == files
    assert not server.calls("POST", "/packages")

    # What it does is what it said.
    done = back(controller, server, "--diff", run="last").named(TASK)
    assert [item["plan"]["summary"] for item in done["taken_back"]] == [
        item["plan"]["summary"] for item in predicted["taken_back"]
    ]
    assert done["diff"]["prepared"].count("package ") == 3


def test_projects_and_the_configuration_level_are_taken_back_together(server: Server, controller: Controller) -> None:
    before = {scope: server.objects(scope) for scope in (TUTORIAL, DEMO, "configuration")}
    source = str(package(controller, "one", "Store"))
    users = {"src": str(controller.packages / "users.mmp"), "project": "", "type": "configuration"}
    run_id = run_of(controller, server, {"src": source}, {"src": source, "project": DEMO}, users)
    # The project that the task or the environment names does not limit it.
    controller.environment["MSTR_PROJECT"] = TUTORIAL
    taken = back(controller, server, run="last").named(TASK)
    assert [(item["name"], item["project"]) for item in taken["taken_back"]] == [
        ("users", ""),
        ("one", DEMO),
        ("one", TUTORIAL),
    ]
    assert "one (%s): taken back, 1 deleted" % DEMO in taken["msg"]
    assert taken["run"] == run_id
    assert {scope: server.objects(scope) for scope in before} == before
    assert states(controller) == ["undone"] * 3


def test_what_failed_half_way_is_a_part_of_the_run(server: Server, controller: Controller) -> None:
    before = server.objects()
    controller.declare(
        server, *({"src": str(package(controller, name, *OVERLAPPING[name]))} for name in ("one", "two"))
    )
    server.set(import_failure={"message": "No space.", "after_objects": 1})
    assert controller.deploy().code != 0
    server.set(import_failure=None)
    assert states(controller) == ["failed"]
    assert back(controller, server, run="last", hold=False).named(TASK)["changed"] is True
    assert server.objects() == before

    # Without an undo package it stays, and keeps nothing else from being taken back.
    assert controller.deploy().changed == ["one", "two"]
    server.set(import_failure={"message": "No space.", "after_objects": 1})
    controller.declare(server, {"src": str(package(controller, "three", "Town", "Mayor"))})
    assert controller.deploy().code != 0
    receipt = controller.receipts("three")[0]
    receipt.with_name("undo.mmp").unlink()
    document = json.loads(receipt.read_text(encoding="utf-8"))
    document["run"] = json.loads(controller.receipts("two")[0].read_text(encoding="utf-8"))["run"]
    receipt.write_text(json.dumps(document), encoding="utf-8")
    server.set(import_failure=None)
    run = back(controller, server, run="last")
    assert [item["name"] for item in run.named(TASK)["taken_back"]] == ["two", "one"]
    assert "failed half-way, and has no undo package (%s)" % receipt.parent.name in run.warnings
    assert back(controller, server, run="last").named(TASK)["changed"] is False


def test_a_run_that_nobody_knows_is_refused_and_the_others_are_named(server: Server, controller: Controller) -> None:
    nothing = message(back(controller, server, run="last"))
    assert "no run that changed something" in nothing
    assert "There is nothing of this environment below" in nothing
    assert "mstr_history_dir of the role" in nothing
    run_id = overlapping(controller, server)
    said = message(back(controller, server, run="nonsense"))
    assert "run: the history has no run nonsense" in said
    assert run_id in said
    assert server.held() == []


def test_without_a_name_the_newest_runs_are_listed(server: Server, controller: Controller) -> None:
    controller.environment["JOB_ID"] = "4711"
    first = run_of(controller, server, {"src": str(package(controller, "one", "Store"))})
    second = run_of(controller, server, {"src": str(package(controller, "two", "City"))})
    back(controller, server, run=second)
    server.forget()
    run = back(controller, server)
    assert [
        (item["run"], item["user"], item["job_id"], item["taken_back"], [part["name"] for part in item["packages"]])
        for item in run.named(TASK)["runs"]
    ] == [(second, "administrator", "4711", True, ["two"]), (first, "administrator", "4711", False, ["one"])]
    lines = message(run).splitlines()
    assert "mstr_run=last" in lines[3]
    assert lines[1].startswith("%s: 20" % second)
    assert lines[1].endswith("by administrator, job 4711: two; all taken back")
    assert lines[2].endswith("by administrator, job 4711: one")
    # Nothing has to be asked for that.
    assert server.log() == []


def test_a_name_in_several_projects_of_the_list_is_taken_back_in_all_of_them_or_in_none(
    server: Server, controller: Controller
) -> None:
    before = {scope: server.objects(scope) for scope in (TUTORIAL, DEMO)}
    source = str(package(controller, "one", "Store"))
    listed = [{"src": source}, {"src": source, "project": "Demo Project"}, {"src": "other.mmp"}]
    for project in (TUTORIAL, DEMO):
        run_of(controller, server, {"src": source, "project": project})
    several = message(back(controller, server, name="one"))
    assert TUTORIAL in several
    assert DEMO in several
    server.edit(object_id("Store"), scope=DEMO)
    edited = {scope: server.objects(scope) for scope in (TUTORIAL, DEMO)}
    options = {"name": "one", "packages": listed, "project": "MicroStrategy Tutorial"}
    assert "objects were edited since" in message(back(controller, server, **options))
    assert {scope: server.objects(scope) for scope in edited} == edited
    taken = back(controller, server, **options, force=True).named(TASK)
    assert [item["project"] for item in taken["taken_back"]] == [DEMO, TUTORIAL]
    assert "one (Demo Project): taken back" in taken["msg"]
    assert {scope: server.objects(scope) for scope in before} == before
    assert back(controller, server, **options).named(TASK)["changed"] is False


def test_a_name_that_the_list_does_not_have_is_looked_for_in_the_history(
    server: Server, controller: Controller
) -> None:
    run_of(controller, server, {"src": str(package(controller, "one", "Store")), "project": DEMO})
    # The project is that of packages of the list.
    options = {"name": "one", "packages": [{"src": "other.mmp"}], "project": TUTORIAL}
    assert back(controller, server, **options).named(TASK)["changed"] is True
    # One that the list has is looked for where the list says.
    listed = {**options, "packages": [{"src": "one.mmp"}, {"src": "one.mmp", "project": DEMO}]}
    run_of(controller, server, {"src": str(package(controller, "one", "City")), "project": DEMO})
    run = back(controller, server, **listed)
    assert run.named(TASK)["changed"] is True
    assert "for 2 projects" in run.warnings


@pytest.mark.ansible
def test_the_playbook_takes_back_the_last_run(server: Server, controller: Controller) -> None:
    before = server.objects()
    # Each has an object of its own, or it would not be due where the later ones decide about all of it.
    packages = ({"src": str(package(controller, name, name, *items))} for name, items in OVERLAPPING.items())
    controller.declare(server, *packages)
    assert controller.steps("deploy").changed == list(OVERLAPPING)
    listed = controller.playbook_run("rollback")
    assert listed.code != 0
    said = message(listed)
    assert "mstr_run=last" in said
    assert "one, two, three" in said
    assert len(listed.named(TASK)["runs"]) == 1
    assert listed.modules == ["mstr_session", "mstr_undo_package", "mstr_session"]
    assert states(controller) == ["imported"] * 3

    check = controller.playbook_run("rollback", "--check", "--diff", "-e", "mstr_run=last")
    assert check.recap("prod")["changed"] == 1
    assert [line.split()[1] for line in check.output.splitlines() if line.startswith("package ")] == [
        "three",
        "two",
        "one",
    ]
    run = controller.playbook_run("rollback", "-e", "mstr_run=last")
    assert run.code == 0, run.output
    assert run.recap("prod")["changed"] == 1
    assert run.modules == ["mstr_session", "mstr_undo_package", "mstr_session"]
    assert run.named(TASK)["run"] == listed.named(TASK)["runs"][0]["run"]
    assert server.objects() == before
    again = controller.playbook_run("rollback", "-e", "mstr_run=last")
    assert again.recap("prod")["changed"] == 0
    assert "is taken back already" in again.output
    # The nightly deployment leaves them alone.
    assert controller.steps("deploy").changed == []
    assert server.held() == []
