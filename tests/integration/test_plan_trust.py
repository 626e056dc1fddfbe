# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where an approved plan, a run's own plan, and taking back could go wrong unseen."""

from __future__ import annotations

import hashlib
import json
import signal
import threading
import time
from collections import Counter
from typing import Any

import pytest
from harness import SAMPLES, Controller, Server, make_package, object_id
from processes import result_of, start_module, until
from test_plan_import import APPROVED, REFUSED, SESSION, approve, states, tasks

V = ["%032X" % (0xA0 + number) for number in range(10)]


def edition(name: str, number: int, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": 12, "id": object_id(name), "version": V[number], "action": "replace", **more}


def test_a_plan_made_anew_after_a_restore_is_carried_out(server: Server, controller: Controller) -> None:
    """The metadata is restored from a backup: the world is the same as before, so is the plan's id."""
    controller.declare(server, controller.sample("inc1"))
    first = approve(controller)
    assert controller.deploy(*APPROVED).changed == ["inc1"]
    server.reset()
    (controller.directory / "prod.plan.json").unlink()
    second = approve(controller)
    assert [step["do"] for step in second["steps"]] == ["import"]
    assert first["plan_id"] == second["plan_id"]
    run = controller.deploy(*APPROVED)
    assert run.changed == ["inc1"]


def test_a_forced_package_is_imported_by_each_plan(server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1", force=True))
    for number in range(3):
        path = controller.directory / "prod.plan.json"
        if path.exists():
            path.unlink()
        approved = approve(controller)
        assert [step["do"] for step in approved["steps"]] == ["import"]
        run = controller.deploy(*APPROVED)
        assert (number, run.changed) == (number, ["inc1"])


def test_a_plan_that_is_made_anew_is_new(server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1"))
    approve(controller)
    path = controller.directory / "prod.plan.json"
    made = json.loads(path.read_text(encoding="utf-8"))
    del made["checksum"]
    made["made"] = "19" + made["made"][2:]
    checksum = hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps({**made, "checksum": checksum}), encoding="utf-8")
    old = ("-e", "mstr_plan_max_age=3600")
    run = controller.deploy(*APPROVED, *old)
    assert "Make the plan anew (--check)" in run.failures[0]
    # Who edits it to look new gets another refusal, and it can be made anew all the same.
    path.write_text(path.read_text(encoding="utf-8").replace('"made": "19', '"made": "20'), encoding="utf-8")
    assert "it was edited after it was made" in controller.deploy(*APPROVED, *old).failures[0]
    approve(controller)
    run = controller.deploy(*APPROVED, *old)
    assert run.code == 0, run.failures


def test_an_edited_older_one_stops_all_taking_back(server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1"), controller.sample("finance"))
    controller.deploy()
    server.edit(object_id("Region"), name="Region", type=12)
    controller.declare(server, controller.sample("inc1", state="undone"), controller.sample("finance", state="undone"))
    run = controller.deploy()
    assert "edited" in run.failures[0]
    assert states(controller) == [("inc1", "imported"), ("finance", "imported")]


def test_undo_is_part_of_what_is_approved(server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1"))
    first = approve(controller)
    (controller.directory / "prod.plan.json").unlink()
    controller.declare(server, controller.sample("inc1", generate_undo=False))
    second = approve(controller)
    assert first["plan_id"] != second["plan_id"]


def test_an_edit_during_the_run_is_not_overwritten_by_an_approved_plan(server: Server, controller: Controller) -> None:
    path = make_package(controller.directory / "late.mmp", edition("Year", 1))
    controller.declare(server, controller.sample("inc1"), {"src": str(path)})
    approve(controller)
    server.set(import_duration=2.0)
    done: list[dict[str, Any]] = []

    def edit() -> None:
        while not server.state()["imports"]:
            time.sleep(0.05)
        done.append(server.edit(object_id("Year"), name="Year", type=12))

    thread = threading.Thread(target=edit)
    thread.start()
    run = controller.deploy(*APPROVED)
    thread.join()
    assert done
    assert run.changed == ["inc1"]


@pytest.mark.parametrize("approved", [True, False], ids=["approved", "own"])
def test_an_edit_during_the_upload_is_seen(server: Server, controller: Controller, approved: bool) -> None:
    path = make_package(controller.directory / "large.mmp", edition("Year", 1))
    controller.declare(server, {"src": str(path)})
    # Learns what is in the package, which is uploaded for that once, and not again before its import.
    controller.steps("plan")
    approve(controller)
    server.set(upload_processing=1.0)

    def edit() -> None:
        while not server.state()["packages"]:
            time.sleep(0.05)
        server.edit(object_id("Year"), name="Year", type=12)

    thread = threading.Thread(target=edit)
    thread.start()
    run = controller.deploy(*(APPROVED if approved else ()))
    thread.join()
    assert server.state()["imports_started"] == (0 if approved else 1)
    if approved:
        assert "does not hold any more" in run.failures[0]
    else:
        assert "Package large was planned anew" in run.warnings


@pytest.mark.parametrize("approved", [True, False], ids=["approved", "own"])
def test_what_others_did_during_the_upload_is_not_done_again(
    server: Server, controller: Controller, approved: bool
) -> None:
    row = edition("Year", 1)
    path = make_package(controller.directory / "large.mmp", row)
    controller.declare(server, {"src": str(path)})
    controller.steps("plan")
    approve(controller)
    server.set(upload_processing=1.0)

    def edit() -> None:
        while not server.state()["packages"]:
            time.sleep(0.05)
        server.edit(row["id"], name="Year", type=12, version=row["version"])

    thread = threading.Thread(target=edit)
    thread.start()
    run = controller.deploy(*(APPROVED if approved else ()))
    thread.join()
    assert run.failures == []
    assert server.state()["imports_started"] == 0
    (package,) = run.results[-1]["result"]["ansible_facts"]["mstr_packages_result"]
    assert (package["due"], package["in_sync"], package["changed"]) == (False, True, False)
    assert package["changes"] == []


def test_lower_case_ids_have_not_moved(server: Server, controller: Controller) -> None:
    path = controller.packages / "inc1.mmp"
    copy = controller.directory / "inc1.mmp"
    copy.write_bytes(path.read_bytes())
    controller.declare(server, {"src": str(copy)})
    # learn, then write the manifest in lower case
    controller.deploy("--check")
    controller.steps("plan")
    found = list(controller.history.glob("*/manifests/*")) + list((controller.history / "manifests").glob("*"))
    assert found
    for item in found:
        data = json.loads(item.read_text())
        for row in data["content"]:
            row["id"] = row["id"].lower()
        item.write_text(json.dumps(data))
    run = controller.deploy()
    assert "planned anew" not in run.warnings


def test_what_cannot_be_seen_any_more_is_no_proof(server: Server, controller: Controller) -> None:
    server.edit(object_id("Region"), name="Region", type=12)
    controller.declare(server, controller.sample("inc1"))
    approve(controller)
    server.edit(object_id("Region"), name="Region", type=12)
    server.fault("GET", "^/objects/%s" % object_id("Region"), REFUSED)
    run = controller.deploy(*APPROVED)
    assert run.code != 0
    assert server.state()["imports_started"] == 0


def test_a_directory_that_is_not_there(server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1"))
    run = controller.deploy("--check", "-e", "mstr_plan_file=plans/")
    assert run.code == 0, run.failures
    (path,) = (controller.directory / "plans").iterdir()
    assert path.name.endswith(".plan.json")


def test_a_folder_that_nobody_could_look_at_is_not_stale(server: Server, controller: Controller) -> None:
    """A folder never gets the version that its package has, and no receipt says which one it got."""
    folder = {"id": object_id("Shelf", 8), "name": "Shelf", "type": 8}
    path = make_package(controller.directory / "shelf.mmp", folder, edition("Year", 1))
    controller.declare(server, {"src": str(path)}, mstr_retries=0)
    approve(controller)
    down = {"kind": "status", "status": 500, "body": {"code": "ERR002", "message": "The metadata database is down."}}
    # For the plan, right before the import, and then after it.
    server.fault("GET", "^/objects/%s$" % folder["id"], down, skip=2, times=None)
    broken = controller.deploy(*APPROVED)
    assert "The import is done, and was not verified" in broken.failures[0]
    server.reset_faults()
    run = controller.deploy(*APPROVED)
    assert (run.code, run.changed) == (0, []), run.failures


def test_left_alone_by_the_server(server: Server, controller: Controller) -> None:
    server.edit(object_id("Region"), name="Region", type=12)
    server.set(ignore_objects=[object_id("Region")])
    controller.declare(server, controller.sample("inc1"))
    approve(controller)
    controller.deploy(*APPROVED)
    again = controller.deploy(*APPROVED)
    assert not again.report["complete"]


def test_keep_both_in_a_task_of_a_plan(server: Server, controller: Controller) -> None:
    """generate_undo is not said of the package, and true by default of the task."""
    steps = tasks(controller, controller.sample("inc1"), controller.sample("keep_both"))
    steps["import"]["mstr.migration.mstr_package_import"]["undo_timeout"] = 1
    controller.tasks(server, list(steps.values()))
    assert "keep_both" not in [name for name, _state in states(controller)]


def test_taking_back_goes_by_time_also_across_packages(server: Server, controller: Controller) -> None:
    """A failed half-way, B was imported, A was imported again: back again it is A, B, A."""
    a = make_package(controller.directory / "a.mmp", edition("Store", 1), edition("Region", 1))
    b = make_package(controller.directory / "b.mmp", edition("Store", 2))
    first, second = {"src": str(a)}, {"src": str(b)}
    for name in ("Store", "Region"):
        server.edit(object_id(name), name=name, type=12, version=V[0])
    before = server.versions()
    server.set(import_failure={"message": "no", "after_objects": 1})
    controller.declare(server, first)
    assert controller.deploy().code != 0
    server.set(import_failure=None)
    controller.declare(server, second)
    assert controller.deploy().code == 0
    controller.declare(server, first)
    assert controller.deploy().code == 0
    controller.declare(server, {**first, "state": "undone"}, {**second, "state": "undone"})
    run = controller.deploy()
    assert run.code == 0, run.failures
    assert server.versions() == before


def test_a_security_package_that_became_due(server: Server, controller: Controller) -> None:
    """Left alone as its receipt says it is there; another came over it since, which shows in no version."""
    item = controller.sample("project_security", type="project_security")
    controller.declare(server, item)
    controller.deploy()
    controller.declare(server, item, controller.sample("inc1"))
    approved = approve(controller)
    assert [step["do"] for step in approved["steps"]] == ["leave", "import"]
    row = dict(
        SAMPLES["project_security"][1]["content"][0], definition={"securityRoles": ["Other"], "securityFilters": []}
    )
    other = make_package(controller.directory / "other.mmp", row, type="project_security")
    controller.declare(server, {"src": str(other), "type": "project_security"})
    assert controller.deploy().changed == ["other"]
    controller.declare(server, item, controller.sample("inc1"))
    run = controller.deploy(*APPROVED)
    assert run.code != 0 or run.changed == ["project_security", "inc1"]


def test_a_run_with_a_fixed_plan_file_knows_its_own_plan(server: Server, controller: Controller) -> None:
    """The file has the run that made it first; where nothing has changed it is not written again."""
    steps = tasks(controller, controller.sample("inc1"), controller.sample("finance"))
    for step in ("plan", "import"):
        (options,) = (value for key, value in steps[step].items() if key != "name")
        options["plan_file"] = "{{ here }}/my.plan.json"
    log_out = {"name": "log_out", "mstr.migration.mstr_session": {"session_file": SESSION, "state": "absent"}}
    controller.tasks(server, [steps["log_in"], steps["plan"], log_out])
    controller.tasks(server, [steps["log_in"], steps["plan"]])
    server.edit(object_id("Amount", 13), name="Amount", type=13)
    run = controller.tasks(server, [steps["import"]])
    assert run.named("import")["outcome"] == "ok", run.named("import")["msg"]


def test_a_refusal_has_a_report(server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1"))
    approved = approve(controller)
    run = controller.deploy(*APPROVED, "-e", "mstr_plan_max_age=0.001")
    done = run.named("Import what is due")
    assert (done.get("plan_id"), "report" in done) == (approved["plan_id"], True)


def test_rollback_after_a_time_limit(server: Server, controller: Controller) -> None:
    names = ("inc1", "finance")
    controller.declare(
        server, *(controller.sample(name) for name in names), mstr_on_failure="rollback", mstr_wait_timeout=2
    )
    server.set(import_duration=0.1)
    done: list[int] = []

    def slow() -> None:
        while server.state()["imports_started"] < 1:
            time.sleep(0.02)
        server.set(import_duration=30)
        done.append(1)

    thread = threading.Thread(target=slow)
    thread.start()
    run = controller.deploy()
    thread.join()
    assert run.code != 0
    assert "Nobody has to do anything" not in run.failures[0]


def test_how_many_look_ups(server: Server, controller: Controller) -> None:
    controller.declare(server, *(controller.sample(name) for name in ("inc1", "finance", "inc2", "inc3")))
    controller.deploy()
    make_package(controller.directory / "one.mmp", edition("Z", 1))
    controller.declare(
        server,
        *(controller.sample(name) for name in ("inc1", "finance", "inc2", "inc3")),
        {"src": str(controller.directory / "one.mmp")},
    )
    server.forget()
    run = controller.deploy()
    assert run.changed == ["one"]
    counts = Counter(call["path"] for call in server.calls("GET", "/objects/"))
    # What is left alone: for the plan, and at the end. What is imported: right before and after that, too.
    imported = counts.pop("/objects/" + object_id("Z"))
    assert (imported, set(counts.values())) == (3, {2})


def test_what_a_taking_back_left_is_no_edit(server: Server, controller: Controller) -> None:
    """The server gave an object another version as the undo package was imported; the receipt says so."""
    inc1, inc3 = controller.sample("inc1"), controller.sample("inc3")
    controller.declare(server, inc1, inc3)
    controller.deploy()
    controller.declare(server, inc1, {**inc3, "state": "undone"})
    approve(controller)
    assert controller.deploy(*APPROVED).changed == ["inc3"]
    version = server.edit(object_id("Store"), name="Store", type=12)["version"]
    (path,) = controller.receipts("inc3")
    receipt = json.loads(path.read_text(encoding="utf-8"))
    receipt["versions_undone"][object_id("Store") + ":12"] = version
    path.write_text(json.dumps(receipt, indent=2))
    run = controller.deploy(*APPROVED)
    assert run.code == 0, run.failures


def test_nobody_took_it_back(server: Server, controller: Controller) -> None:
    """The connection broke as the copy was asked for; nobody knows whether it is there."""
    controller.declare(server, controller.sample("inc1"))
    controller.deploy()
    path = make_package(controller.directory / "copy.mmp", edition("Region", 3, action="keep_both"))
    controller.declare(server, {"src": str(path), "generate_undo": False})
    approve(controller)
    server.fault("POST", "^/packages/imports$", {"kind": "reset", "when": "after"}, times=1)
    assert controller.deploy(*APPROVED).code != 0
    run = controller.deploy(*APPROVED)
    assert "was taken back" not in str(run.failures)


def test_what_the_board_did_not_see_is_not_imported(server: Server, controller: Controller) -> None:
    """A remembered manifest lacks a row; the server reads it in the file as that is imported."""
    controller.declare(server, controller.sample("inc1"))
    controller.steps("plan")
    (path,) = (controller.history / "manifests").glob("*")
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["content"] = [row for row in manifest["content"] if row["name"] != "Region"]
    path.write_text(json.dumps(manifest), encoding="utf-8")
    approved = approve(controller)
    shown = [change["name"] for step in approved["steps"] for change in step["changes"]]
    assert "Region" not in shown
    controller.deploy(*APPROVED)
    assert object_id("Region") not in server.objects()


def test_told_to_stop_it_takes_nothing_more_back(server: Server, controller: Controller) -> None:
    """The session has no lock, since it was made without a history."""
    packages = [controller.sample("inc1"), controller.sample("finance"), controller.sample("inc2")]
    packages.append({"src": str(make_package(controller.directory / "late.mmp", edition("Year", 1)))})
    steps = tasks(controller, *packages)
    steps["log_in"]["mstr.migration.mstr_session"].pop("history_dir")
    for step in ("plan", "import"):
        (options,) = (value for key, value in steps[step].items() if key != "name")
        options["plan_file"] = "{{ here }}/my.plan.json"
    controller.tasks(server, [steps["log_in"], steps["plan"]])
    server.fault("POST", "^/packages/imports$", REFUSED, skip=3, times=1)
    server.fault("POST", "^/packages/imports$", {"kind": "hang", "seconds": 3, "when": "after"}, skip=3, times=1)
    given = controller._rendered(steps["import"]["mstr.migration.mstr_package_import"])
    process = start_module(controller, server, "mstr_package_import", **{**given, "on_failure": "rollback"})
    until(lambda: process.poll() is not None or server.state()["imports_started"] >= 4, "the taking back")
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    assert result_of(process)["failed"]
    assert server.state()["imports_started"] == 4


def test_undone_without_a_history(server: Server, controller: Controller) -> None:
    task = {
        "name": "plan",
        "mstr.migration.mstr_package_plan": {"packages": [controller.sample("inc1", state="undone")]},
    }
    run = controller.tasks(server, [task])
    assert run.code != 0 or "history" in run.warnings
