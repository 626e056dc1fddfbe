# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way back: by the playbook rollback, by the list, after a failure; and what keeps it from the wrong thing."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from harness import (
    DEMO,
    PASSWORD,
    TUTORIAL,
    Controller,
    Run,
    Server,
    declared,
    make_package,
    object_id,
)


def row(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "type": 12, **fields}


def imported(controller: Controller, server: Server, *packages: str, **options: Any) -> None:
    """Import packages one after the other, as the role does it, but in one short run.

    Packages are samples, or files in the controller's directory.
    """
    tasks = []
    for name in packages:
        own = controller.directory / (name + ".mmp")
        source = own if own.exists() else controller.packages / own.name
        task = {"src": str(source), "project": TUTORIAL, "history_dir": str(controller.history), **options}
        tasks.append({"name": name, "mstr.migration.mstr_package_import": task})
    run = controller.tasks(server, tasks)
    assert [run.named(name)["changed"] for name in packages] == [True] * len(packages), run.output


def versions_of_pack(controller: Controller, server: Server, *contents: list[str]) -> None:
    """Import versions of a package pack, of which the last is left as pack.mmp."""
    names = ["pack%d" % number for number in range(len(contents))]
    for name, content in zip([*names, "pack"], [*contents, contents[-1]]):
        make_package(controller.directory / (name + ".mmp"), *map(row, content))
    imported(controller, server, *names, name="pack")


def taken_back(controller: Controller, server: Server, *packages: str) -> None:
    """Take packages back, in one short run."""
    options = {"state": "applied", "project": TUTORIAL, "history_dir": str(controller.history)}
    tasks = [{"name": name, "mstr.migration.mstr_undo_package": {**options, "name": name}} for name in packages]
    run = controller.tasks(server, tasks)
    assert [run.named(name)["changed"] for name in packages] == [True] * len(packages), run.output


def receipt(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def states(controller: Controller) -> list[str]:
    """Return the states of the entries of the history, oldest first."""
    return [receipt(path)["state"] for path in controller.receipts()]


def only_message(run: Run) -> str:
    """Return the message of a run that failed with one, which is for people."""
    assert run.code != 0, run.output
    assert "Traceback" not in run.output
    failed = [item["result"] for item in run.results if item["outcome"] == "failed"]
    # A task with a loop says it of each item.
    messages = [
        item["msg"] for result in failed for item in result.get("results", [result]) if item.get("failed", True)
    ]
    assert len(messages) == 1, run.output
    return messages[0]


@pytest.mark.oldest_core
def test_a_rollback_brings_back_every_object_as_it_was(server: Server, controller: Controller) -> None:
    # One object of the package is there already, in another version; a folder is among the others.
    server.edit(object_id("Total Amount", 4), name="Total", type=4, definition={"mine": True})
    before = server.objects()
    controller.declare(server, controller.sample("finance"))
    assert controller.steps("deploy").changed == ["finance"]

    predicted = controller.rollback("finance", "--check", "--diff")
    assert predicted.recap("prod")["changed"] == 1
    lines = re.findall(r"^([-+~]) .* -> .{7}  (\w+)", predicted.output, re.MULTILINE)
    assert sorted(lines) == [("-", "delete")] * 7 + [("~", "replace")]
    assert states(controller) == ["imported"]

    run = controller.rollback("finance")
    assert run.code == 0, run.output
    assert run.recap("prod")["changed"] == 1
    assert run.modules == ["mstr_session", "mstr_undo_package", "mstr_session"]
    assert server.objects() == before
    assert states(controller) == ["undone"]

    imports = server.state()["imports_started"]
    assert controller.steps("rollback", "-e", "mstr_package=finance").recap("prod")["changed"] == 0
    assert server.state()["imports_started"] == imports == 2
    assert server.held() == []


def test_of_increments_the_newest_is_taken_back(server: Server, controller: Controller) -> None:
    imported(controller, server, "inc1", "inc2", "inc3")
    controller.declare(server, *(controller.sample(name) for name in ("inc1", "inc2", "inc3")))
    older = only_message(controller.rollback("inc1"))
    names = [path.parent.name for path in controller.receipts()]
    assert "cannot be taken back alone" in older
    assert older.index("inc3 (%s)" % names[2]) < older.index("inc2 (%s)" % names[1])
    assert "mstr_force=true" in older
    assert "Nothing was imported" in older
    assert server.has(declared("inc1", "inc2", "inc3"))

    assert controller.rollback("inc3").recap("prod")["changed"] == 1
    assert server.has(declared("inc1", "inc2"))
    # What the held one declared does not count any more: the others are in sync.
    run = controller.deploy()
    assert run.changed == []
    assert [item["state"] for item in run.packages] == ["imported", "imported", "held"]
    assert "Package inc3 was taken back" in run.warnings


def test_a_package_that_was_taken_back_is_left_alone_and_the_warning_says_why(
    server: Server, controller: Controller
) -> None:
    imported(controller, server, "inc1", "finance")
    taken_back(controller, server, "inc1", "finance")
    before = server.objects()
    controller.declare(server, controller.sample("inc1"), controller.sample("finance", state="undone"))
    run = controller.deploy()
    assert run.code == 0, run.output
    assert run.recap("prod")["changed"] == 0
    assert run.modules == ["mstr_session", "mstr_package_plan"]
    for part in ("inc1 was taken back", controller.receipts()[0].parent.name, "a new file", "force: true", "undone"):
        assert part in run.warnings
    # The list agrees with the other rollback, so there is nothing to say of it.
    assert "finance" not in run.warnings
    assert server.objects() == before


def test_a_new_file_or_force_lets_a_package_in_again(server: Server, controller: Controller) -> None:
    package = make_package(controller.directory / "cities.mmp", row("City"))
    imported(controller, server, "inc1", "cities")
    taken_back(controller, server, "inc1", "cities")
    make_package(package, row("City"), row("Town"))
    controller.declare(server, controller.sample("inc1", force=True), {"src": "cities.mmp"})
    run = controller.deploy()
    assert run.code == 0, run.output
    assert run.changed == ["inc1", "cities"]
    assert "taken back" not in run.warnings
    assert server.has(declared("inc1"))
    assert {item["name"] for item in server.objects().values()} >= {"City", "Town"}
    assert states(controller) == ["undone", "undone", "imported", "imported"]


@pytest.mark.parametrize("why", ["forced", "left alone"])
def test_imports_that_change_nothing_leave_the_way_back_where_it_is(
    why: str, server: Server, controller: Controller
) -> None:
    forced = why == "forced"
    if not forced:
        # The server leaves one of the objects as it is, so that the package is due every night.
        server.edit(object_id("Region"), name="Region", type=12)
        server.set(ignore_objects=[object_id("Region")])
    before = server.objects()
    controller.declare(server, controller.sample("inc1", force=forced), mstr_history_keep=1)
    for _night in range(3):
        assert controller.deploy().changed == ["inc1"]
    first, last = controller.receipts()
    assert first.with_name("undo.mmp").exists()

    run = controller.rollback("inc1")
    assert run.code == 0, run.output
    assert run.recap("prod")["changed"] == 1
    assert "passed over" in run.warnings
    assert last.parent.name in run.warnings
    assert server.objects() == before
    assert states(controller) == ["undone", "imported"]
    assert controller.rollback("inc1").recap("prod")["changed"] == 0
    # Nor does what changed nothing let the package in again.
    controller.declare(server, controller.sample("inc1"))
    held = controller.deploy()
    assert held.changed == []
    assert "inc1 was taken back" in held.warnings


def test_a_failed_import_is_taken_back_with_the_one_that_completed_it(server: Server, controller: Controller) -> None:
    before = server.objects()
    controller.declare(server, controller.sample("inc1"))
    server.set(import_failure={"message": "No space.", "after_objects": 1})
    assert controller.deploy().code != 0
    server.set(import_failure=None)
    assert controller.deploy().changed == ["inc1"]
    assert states(controller) == ["failed", "imported"]

    predicted = controller.rollback("inc1", "--check", "--diff")
    assert predicted.recap("prod")["changed"] == 1
    assert len(re.findall("^- .* delete ", predicted.output, re.MULTILINE)) == 3
    run = controller.rollback("inc1")
    assert run.recap("prod")["changed"] == 1
    result = run.named("Take back the run or the package")
    assert [item["entry"] for item in result["taken_back"]] == [path.parent.name for path in controller.receipts()][
        ::-1
    ]
    assert result["msg"].splitlines() == [
        "inc1: taken back, 2 deleted",
        "inc1, its failed import: taken back, 1 deleted",
        "schema of project MicroStrategy Tutorial: reloaded",
    ]
    assert server.objects() == before
    assert states(controller) == ["undone", "undone"]
    assert controller.rollback("inc1").recap("prod")["changed"] == 0
    assert server.held() == []


def test_a_failed_import_is_taken_back_also_where_that_was_cut_short(server: Server, controller: Controller) -> None:
    before = server.objects()
    controller.declare(server, controller.sample("inc1"))
    server.set(import_failure={"message": "No space.", "after_objects": 1})
    controller.deploy()
    server.set(import_failure=None)
    controller.deploy()
    failed = controller.receipts()[0]
    server.fault("POST", "^/packages/imports$", {"kind": "status", "status": 403, "body": {}}, skip=1, times=1)
    message = only_message(controller.rollback("inc1"))
    newest, first = (path.parent.name for path in reversed(controller.receipts()))
    assert "Taken back: inc1 (%s). Not taken back: inc1 (%s)." % (newest, first) in message
    assert "The same command goes on" in message
    assert [receipt(path)["state"] for path in controller.receipts()] == ["failed", "undone"]
    controller.declare(server, {"name": "inc1", "state": "undone"})
    check = controller.deploy("--check", "--diff")
    assert check.changed == ["inc1"]
    assert len(re.findall("^- .* delete ", check.output, re.MULTILINE)) == 1
    assert controller.deploy().changed == ["inc1"]
    assert receipt(failed)["state"] == "undone"
    assert server.objects() == before


def test_an_import_that_never_happened_stands_on_nothing(server: Server, controller: Controller) -> None:
    before = server.objects()
    imported(controller, server, "inc1")
    # The answer is lost, and the import was not done.
    server.fault("POST", "^/packages/imports$", {"kind": "status", "status": 502, "body": {}}, times=1)
    controller.declare(server, controller.sample("inc1"), controller.sample("inc2"))
    assert "unknown whether" in only_message(controller.deploy())
    assert controller.deploy().changed == ["inc2"]
    assert states(controller) == ["imported", "interrupted", "imported"]
    assert controller.rollback("inc2").recap("prod")["changed"] == 1
    assert controller.rollback("inc1").recap("prod")["changed"] == 1
    assert server.objects() == before


def test_what_cannot_be_taken_back_is_refused_before_anything_is_done(server: Server, controller: Controller) -> None:
    imported(controller, server, "inc1")
    server.edit(object_id("Store"))
    edited = server.objects()
    controller.declare(server, controller.sample("inc1", state="undone"), controller.sample("finance"))
    for arguments in (["--check"], []):
        message = only_message(controller.deploy(*arguments))
        assert "objects were edited since the import" in message
        assert 'attribute "Store"' in message
    assert server.objects() == edited
    controller.receipts()[0].with_name("undo.mmp").unlink()
    assert "has no undo package" in only_message(controller.deploy("--check"))
    assert server.state()["imports_started"] == 1


def test_what_lies_under_a_newer_import_is_not_declared_as_undone_alone(server: Server, controller: Controller) -> None:
    imported(controller, server, "inc1", "inc3")
    newer = controller.receipts()[1].parent.name
    deployed = server.objects()
    controller.declare(server, controller.sample("inc1", state="undone"), controller.sample("finance"))
    for arguments in (["--check"], []):
        message = only_message(controller.deploy(*arguments))
        assert "packages: what is declared as undone cannot be taken back alone, because newer imports" in message
        assert "inc3 (%s)" % newer in message
    assert server.objects() == deployed
    assert server.state()["imports_started"] == 2
    controller.declare(server, controller.sample("inc1", state="undone", force=True))
    assert controller.deploy().changed == ["inc1"]


def test_undone_takes_back_the_newest_import_only_and_says_so(server: Server, controller: Controller) -> None:
    imported(controller, server, "inc1")
    edited = server.edit(object_id("Region"))
    imported(controller, server, "inc1")
    first, second = (path.parent.name for path in controller.receipts())
    controller.declare(server, {"name": "inc1", "state": "undone"})
    for changed in (["inc1"], []):
        run = controller.deploy()
        assert run.changed == changed
        assert "Older imports of the same file stay: %s" % first in run.warnings
        assert run.packages[0]["in_sync"] is False
    assert server.versions()[object_id("Region")] == edited["version"]
    # The repair of it is taken back; further back only by name.
    run = controller.rollback("inc1", "-e", "mstr_entry=" + first)
    assert run.code == 0, run.output
    assert object_id("Store") not in server.objects()
    assert second not in run.warnings


def test_packages_declared_as_undone_are_taken_back_newest_first(server: Server, controller: Controller) -> None:
    before = server.objects()
    imported(controller, server, "inc1", "inc3")
    # Taken back all the same, since the list says so.
    server.edit(object_id("Store"))
    new = make_package(controller.directory / "new.mmp", row("New"))
    # The file of one that is to be undone is not needed.
    undone = [controller.sample("inc1", state="undone"), {"name": "inc3", "state": "undone", "force": True}]
    controller.declare(server, *undone, {"src": new.name})
    run = controller.deploy()
    assert run.code == 0, run.output
    assert [item["state"] for item in run.packages] == ["undone", "undone", "imported"]
    assert run.changed == ["inc1", "inc3", "new"]
    first, second = controller.receipts("inc*")
    assert receipt(second)["undone_at"] < receipt(first)["undone_at"]
    now = server.objects()
    assert now.items() >= before.items()
    assert {item["name"] for key, item in now.items() if key not in before} == {"New"}
    assert controller.steps("deploy").recap("prod")["changed"] == 0


def test_check_predicts_what_is_declared_as_undone(server: Server, controller: Controller) -> None:
    imported(controller, server, "inc1", "inc3")
    controller.declare(server, *(controller.sample(name, state="undone") for name in ("inc1", "inc3")))
    deployed = server.objects()
    run = controller.deploy("--check", "--diff")
    assert run.code == 0, run.output
    assert run.changed == ["inc1", "inc3"]
    assert run.recap("prod")["changed"] == 1
    assert "inc1 (taken back)" in run.output
    assert "inc3 (taken back)" in run.output
    assert server.objects() == deployed
    assert states(controller) == ["imported", "imported"]
    assert server.held() == []


def test_undone_with_nothing_in_the_history_is_no_change(server: Server, controller: Controller) -> None:
    controller.declare(server, {"name": "ghost", "state": "undone"}, {"name": "inc1", "state": "undone"})
    run = controller.deploy()
    assert run.code == 0, run.output
    assert run.recap("prod")["changed"] == 0
    for name in ("ghost", "inc1"):
        assert "Package %s is to be undone, but the history" % name in run.warnings
    assert server.state()["imports_started"] == 0


def five(controller: Controller, third: Path) -> list[dict[str, Any]]:
    """Return a list of which the third package is given."""
    last = make_package(controller.directory / "last.mmp", row("Last"))
    return [
        *map(controller.sample, ("inc1", "inc2")),
        {"src": str(third)},
        controller.sample("inc3"),
        {"src": str(last)},
    ]


@pytest.mark.oldest_core
def test_after_a_refused_import_those_before_it_are_taken_back(server: Server, controller: Controller) -> None:
    before = server.objects()
    refusal = {"code": "ERR017", "message": "No more today."}
    fault = {"kind": "status", "status": 403, "body": refusal}
    server.fault("POST", "^/packages/imports$", fault, skip=2, times=1)
    packages = five(controller, controller.packages / "finance.mmp")
    controller.declare(server, *packages, mstr_on_failure="rollback")
    run = controller.deploy()
    assert run.code != 0
    message = run.failures[-1]
    assert "finance failed: " in message
    assert "No more today" in message
    assert "Taken back, newest first: inc2, inc1." in message
    assert "The environment is as it was before this run." in message
    assert server.objects() == before
    assert states(controller) == ["undone", "undone"]
    assert server.held() == []

    # Nothing is held: the nightly run tries again.
    controller.declare(server, *packages)
    again = controller.steps("deploy")
    assert again.code == 0, again.output
    assert again.changed == ["inc1", "inc2", "finance", "inc3", "last"]
    assert server.has(declared("inc1", "inc2", "inc3"))


def test_an_import_that_failed_half_way_is_taken_back_too(server: Server, controller: Controller) -> None:
    # The second row fails on the server, since a report that the package does not know needs the object.
    needed = server.edit("A" * 32, name="Needed", type=12)
    server.edit("B" * 32, name="Report", type=3, depends_on=[needed["id"]])
    before = server.objects()
    broken = make_package(
        controller.directory / "broken.mmp",
        {"id": object_id("Store"), "name": "Store", "type": 12, "definition": "of broken"},
        {"id": needed["id"], "name": "Needed", "type": 12, "action": "delete"},
    )
    controller.declare(server, *five(controller, broken), mstr_on_failure="rollback", mstr_refuse=[])
    run = controller.deploy()
    assert run.code != 0
    assert "changed 1 of 2 objects" in run.failures[-1]
    assert "depends on it" in run.failures[-1]
    assert "Taken back, newest first: broken, inc2, inc1." in run.failures[-1]
    assert server.objects() == before
    assert states(controller) == ["undone"] * 3
    assert [(item["name"], item["changed"]) for item in run.packages] == [
        ("inc1", True),
        ("inc2", True),
        ("broken", True),
        ("inc3", False),
        ("last", False),
    ]
    assert server.held() == []

    server.edit("B" * 32, depends_on=[])
    controller.declare(server, *five(controller, broken))
    again = controller.steps("deploy", "--check")
    assert again.code == 0, again.output
    assert again.changed == ["inc1", "inc2", "broken", "inc3", "last"]


def test_what_could_not_be_taken_back_is_said(server: Server, controller: Controller) -> None:
    server.fault("POST", "^/packages/imports$", {"kind": "reset", "when": "after"}, skip=1, times=1)
    packages = (controller.sample("inc1"), controller.sample("finance"))
    controller.declare(server, *packages, mstr_on_failure="rollback")
    run = controller.deploy()
    assert run.code != 0
    message = run.failures[-1]
    assert "It is unknown whether the package was imported" in message
    assert "Taken back, newest first: inc1." in message
    assert "Not taken back: finance: " in message
    assert "has no undo package" in message
    assert server.held() == []


def test_without_a_session_it_is_said_what_could_not_be_taken_back(server: Server, controller: Controller) -> None:
    expired = {"kind": "status", "status": 401, "body": {"code": "ERR009", "message": "The session has expired."}}
    server.fault("POST", "^/packages/imports$", expired, skip=1, times=1)
    server.fault("PUT", "^/sessions$", expired, times=None)
    server.fault("POST", "^/auth/login$", {"kind": "status", "status": 503, "body": {}}, skip=1, times=None)
    packages = (controller.sample("inc1"), controller.sample("finance"))
    controller.declare(server, *packages, mstr_on_failure="rollback", mstr_retries=0)
    message = controller.deploy().failures[-1]
    assert message.startswith("finance failed: ")
    assert "Not taken back, because there is no session to do it in: inc1." in message
    assert "503" in message
    assert states(controller) == ["imported"]


def test_a_declared_rollback_before_a_failure_is_not_passed_over(server: Server, controller: Controller) -> None:
    imported(controller, server, "inc3")
    server.fault("POST", "^/packages/imports$", {"kind": "status", "status": 403, "body": {}}, skip=2, times=1)
    packages = (controller.sample("inc3", state="undone"), controller.sample("finance"), controller.sample("inc1"))
    controller.declare(server, *packages, mstr_on_failure="rollback")
    run = controller.deploy()
    assert "Taken back, newest first: finance." in run.failures[-1]
    # It is not: inc3 is gone, as the list says.
    assert states(controller) == ["undone", "undone"]
    assert "as it was before this run" not in run.failures[-1]


def test_without_it_the_imports_before_a_failure_stay(server: Server, controller: Controller) -> None:
    server.fault("POST", "^/packages/imports$", {"kind": "status", "status": 403, "body": {}}, skip=1, times=1)
    controller.declare(server, controller.sample("inc1"), controller.sample("inc2"), controller.sample("inc3"))
    run = controller.deploy()
    assert "package inc2" in only_message(run)
    assert run.changed == ["inc1"]
    assert server.has(declared("inc1"))
    assert controller.steps("deploy", "--check").changed == ["inc2", "inc3"]


def test_an_object_edited_since_stops_the_rollback(server: Server, controller: Controller) -> None:
    before = server.objects()
    imported(controller, server, "inc1")
    server.edit(object_id("Store"))
    edited = server.objects()
    controller.declare(server, controller.sample("inc1"))
    message = only_message(controller.rollback("inc1"))
    assert "objects were edited since the import" in message
    assert 'attribute "Store"' in message
    assert "Region" not in message
    assert server.objects() == edited
    assert states(controller) == ["imported"]
    assert controller.rollback("inc1", "-e", "mstr_force=true").recap("prod")["changed"] == 1
    assert server.objects() == before


def test_an_older_import_is_taken_back_by_its_entry_where_nothing_stands_on_it(
    server: Server, controller: Controller
) -> None:
    before = server.objects()
    versions_of_pack(controller, server, ["One"], ["Two"])
    controller.declare(server, {"src": "pack.mmp"})
    first, second = controller.receipts("pack")
    unknown = only_message(controller.rollback("pack", "-e", "mstr_entry=nonsense"))
    assert first.parent.name in unknown
    run = controller.rollback("pack", "-e", "mstr_entry=" + first.parent.name)
    assert run.recap("prod")["changed"] == 1
    assert {item["name"] for item in server.objects().values()} - {item["name"] for item in before.values()} == {"Two"}
    assert [receipt(path)["state"] for path in (first, second)] == ["undone", "imported"]
    # The newest file is there, so nothing is due.
    assert controller.deploy().recap("prod")["changed"] == 0


@pytest.mark.parametrize("damage", ["missing", "altered"])
def test_without_its_undo_package_no_older_import_is_taken_back_instead(
    damage: str, server: Server, controller: Controller
) -> None:
    versions_of_pack(controller, server, ["One"], ["Two"])
    older, newest = (path.with_name("undo.mmp") for path in controller.receipts("pack"))
    if damage == "missing":
        newest.unlink()
    else:
        newest.write_bytes(older.read_bytes())
    controller.declare(server, {"src": "pack.mmp"})
    before, imports = server.objects(), server.state()["imports_started"]
    message = only_message(controller.rollback("pack"))
    assert str(newest.parent) in message
    assert {"missing": "has no undo package", "altered": "sha256 is not the receipt's"}[damage] in message
    assert server.objects() == before
    assert server.state()["imports_started"] == imports
    assert states(controller) == ["imported", "imported"]


def test_a_rollback_of_what_was_never_imported_names_what_was(server: Server, controller: Controller) -> None:
    imported(controller, server, "inc1")
    controller.declare(server, controller.sample("inc1"), controller.sample("inc2"))
    assert "it is not said what is to be taken back" in only_message(controller.rollback(""))
    for name in ("inc2", "nonsense"):
        message = only_message(controller.rollback(name))
        assert "no import of a package called %s" % name in message
        assert "the environment has: inc1 (%s)." % TUTORIAL in message
    assert server.state()["imports_started"] == 1


def test_a_rollback_finds_the_project_without_the_list(server: Server, controller: Controller) -> None:
    imported(controller, server, "inc1", project=DEMO)
    controller.declare(server)
    before = server.objects(DEMO)
    run = controller.rollback("inc1")
    assert run.code == 0, run.output
    assert run.recap("prod")["changed"] == 1
    assert len(server.objects(DEMO)) == len(before) - 3


@pytest.mark.parametrize(("mode", "bits"), [(None, (0o600, 0o700)), ("0660", (0o660, 0o770))])
def test_the_history_is_valid_private_and_holds_no_secret(
    mode: str | None, bits: tuple[int, int], server: Server, controller: Controller
) -> None:
    variables = {} if mode is None else {"mstr_history_mode": mode}
    # Set as AWX does it.
    controller.environment["JOB_ID"] = "4711"
    job = {"awx_job_template_name": "MicroStrategy deploy", "awx_user_name": "alice"}
    controller.declare(server, controller.sample("inc1"), **variables, **job)
    assert controller.deploy().code == 0
    controller.environment["JOB_ID"] = "4712"
    controller.declare(server, controller.sample("inc1"), **variables)
    assert controller.rollback("inc1").code == 0
    (entry,) = (receipt(path) for path in controller.receipts())
    assert (entry["state"], entry["name"], entry["file"]) == ("undone", "inc1", "inc1.mmp")
    assert (entry["project"], entry["user"], entry["job_id"]) == (TUTORIAL, "administrator", "4711")
    assert (entry["job_template"], entry["job_user"]) == ("MicroStrategy deploy", "alice")
    assert (entry["undone_job_id"], entry.get("undone_job_template"), entry.get("undone_job_user")) == (
        "4712",
        None,
        None,
    )
    assert entry["versions"] == {"%s:12" % key: version for key, version in declared("inc1").items()}
    assert entry["started"] < entry["ended"] < entry["undone_at"]

    paths = list(controller.history.rglob("*"))
    names = sorted(path.name for path in paths if path.is_file())
    assert names == sorted(["receipt.json", "undo.mmp", entry["sha256"] + ".manifest.json"])
    for path in paths:
        wanted = bits[1] if path.is_dir() else bits[0]
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
        if path.is_file():
            text = path.read_bytes().decode("utf-8", "replace").lower()
            assert PASSWORD not in text
            assert "password" not in text
            assert "token" not in text


def test_a_history_of_a_given_length_keeps_the_way_back(server: Server, controller: Controller) -> None:
    versions_of_pack(controller, server, ["One"], ["One", "Two"], ["One", "Two", "Three"])
    oldest, middle, newest = controller.receipts("pack")
    taken_back(controller, server, "pack")
    make_package(controller.directory / "pack.mmp", *map(row, ("One", "Two", "Four")))
    controller.declare(server, {"src": "pack.mmp"}, mstr_history_keep=1)
    assert controller.deploy().changed == ["pack"]
    # Without its entry, the file that was taken back would not be held any more.
    left = controller.receipts("pack")
    assert left[0] == newest
    assert len(left) == 2
    assert not oldest.parent.exists()
    assert not middle.parent.exists()
    assert controller.rollback("pack").recap("prod")["changed"] == 1
    present = {item["name"] for item in server.objects().values()}
    assert present >= {"One", "Two"}
    assert not present & {"Three", "Four"}
