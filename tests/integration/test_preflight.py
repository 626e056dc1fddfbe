# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What would make an import fail stops it before anything is uploaded; what nobody can tell stops nothing."""

from __future__ import annotations

from typing import Any

import pytest
from harness import DEMO, PASSWORD, TUTORIAL, Controller, Run, Server, declared

# The calls of a preflight, of one project.
ASKED = {
    "GET /sessions/privileges",
    "GET /monitors/iServer/nodes",
    "GET /projects/%s/lock" % TUTORIAL,
    "GET /model/schema/lock",
}
HAS_ALL = [
    "create_package",
    "import_package",
    "bypass_acl",
    "monitor_cluster",
    "monitor_change_journal",
    "idle_project",
    "administer_caches",
]


@pytest.fixture
def prepared(server: Server, controller: Controller) -> Server:
    """A server whose history knows a package that was never imported there: its manifest is kept."""
    declare(server, controller)
    assert controller.deploy("--check").code == 0
    run = controller.tasks(
        server,
        [
            {
                "name": "learn",
                "mstr.migration.mstr_package_plan": {
                    "packages": [controller.sample("inc1", name="inc1", project=TUTORIAL)],
                    "manifest_dir": str(controller.history / "manifests"),
                },
            }
        ],
    )
    assert run.code == 0, run.output
    server.forget()
    return server


def declare(server: Server, controller: Controller, sample: str = "inc1", **variables: Any) -> None:
    controller.declare(server, controller.sample(sample), **variables)


def asked(server: Server) -> set[str]:
    """Return the calls of a preflight that were made."""
    return {"%s %s" % (call["method"], call["path"]) for call in server.log()} & ASKED


def without(server: Server, *privileges: str) -> None:
    """Take privileges from the user."""
    left = [name for name in HAS_ALL if name not in privileges]
    server._call("PATCH", "/users/administrator", {"privileges": left})


def unload(server: Server) -> None:
    """Have the project loaded on no node, though the list of projects still shows it."""
    server._call(
        "PUT", "/nodes", [{"name": "one", "projects": {TUTORIAL: "unloaded"}}, {"name": "two", "status": "stopped"}]
    )


def refuses(run: Run, server: Server, *parts: str) -> None:
    """See that a run ended before anything was uploaded, and says why."""
    assert run.code != 0, run.output
    for part in ("preflight: the import would fail", *parts, "preflight: false", "mstr_preflight"):
        assert part in run.failures[0]
    assert server.uploads() == 0
    assert server.state()["imports_started"] == 0
    assert server.held() == []


def test_three_problems_are_three_messages_and_nothing_is_uploaded(prepared: Server, controller: Controller) -> None:
    prepared.lock()
    without(prepared, "import_package")
    unload(prepared)
    parts = (
        "no privilege Import package or Apply package of the user for project MicroStrategy Tutorial",
        "Project MicroStrategy Tutorial is loaded on no node (one: unloaded, two: unloaded)",
        'is locked by Ann from desk since 2026-03-01T12:00:00.000+0000 (permanent_individual): "month end"',
    )
    run = controller.deploy()
    refuses(run, prepared, *parts)
    told = run.named("Plan the list")["preflight"]
    assert len(told["problems"]) == 3
    # As a prediction it is shown, and goes on.
    checked = controller.deploy("--check", "--diff")
    assert checked.code == 0, checked.output
    assert checked.changed == ["inc1"]
    diff = checked.named("Plan the list")["diff"]["prepared"]
    assert "\npreflight: the import would fail\n! " in diff
    for part in parts:
        assert part in " ".join(diff.split())
        assert part in checked.warnings
    assert checked.named("Plan the list")["preflight"] == told
    # As the user says.
    forced = controller.deploy("-e", "mstr_preflight=false", "-e", "mstr_package=inc1")
    assert "preflight" not in forced.failures[0]
    assert prepared.uploads() == 1


@pytest.mark.parametrize(
    ("privilege", "variables", "said"),
    [
        ("idle_project", {"mstr_window": True}, "no privilege Idle and resume project of the user"),
        ("monitor_cluster", {"mstr_window": True}, "no privilege Monitor cluster of the user"),
        ("administer_caches", {"mstr_caches": "purge"}, "no privilege Administer caches or Cache Administration"),
    ],
)
def test_what_the_options_ask_for_takes_its_privilege(
    privilege: str, variables: dict[str, Any], said: str, prepared: Server, controller: Controller
) -> None:
    without(prepared, privilege)
    declare(prepared, controller, **variables)
    checked = controller.deploy("--check")
    assert checked.code == 0, checked.output
    assert said in checked.warnings
    refuses(controller.deploy(), prepared, said)
    # Nobody asks for it.
    declare(prepared, controller)
    assert controller.deploy().code == 0


def test_a_package_of_the_list_may_ask_for_more(prepared: Server, controller: Controller) -> None:
    without(prepared, "administer_caches")
    controller.declare(prepared, controller.sample("inc1", caches="purge"))
    refuses(controller.deploy(), prepared, "needed to purge caches")
    assert {
        row["name"]: row["held"]
        for row in controller.deploy("--check").named("Plan the list")["preflight"]["privileges"]
    } == {
        "Create package": True,
        "Import package": True,
        "Administer caches": False,
    }


@pytest.mark.ansible
def test_a_problem_ends_a_playbook(prepared: Server, controller: Controller) -> None:
    prepared.lock()
    refuses(controller.playbook_run("deploy"), prepared, "locked by Ann")
    assert controller.playbook_run("deploy", "--check", "--diff").code == 0


def test_it_is_made_before_a_package_is_uploaded_to_see_what_it_holds(server: Server, controller: Controller) -> None:
    declare(server, controller)
    server.lock()
    refuses(controller.deploy(), server, "locked by Ann")


def test_it_asks_only_where_something_is_due(server: Server, controller: Controller) -> None:
    declare(server, controller)
    first = controller.deploy()
    assert first.code == 0, first.output
    told = first.named("Plan the list")["preflight"]
    assert told["problems"] == told["locks"] == []
    assert [row["held"] for row in told["privileges"]] == [True, True]
    assert told["projects"] == [
        {"id": TUTORIAL, "name": "MicroStrategy Tutorial", "nodes": [{"name": "node1", "status": "loaded"}]}
    ]
    # Once a run, whatever is imported.
    assert asked(server) == ASKED
    assert len(server.calls("GET", "/sessions/privileges")) == len(server.calls("GET", "/configurations/")) == 1
    server.forget()
    server.lock()
    again = controller.deploy()
    assert again.code == 0, again.output
    assert again.named("Plan the list")["preflight"] is None
    assert asked(server) == set()
    # Which metadata it is, is asked beside the look-ups.
    assert len(server.calls("GET", "/configurations/")) == 1
    assert len(server.log()) == len(declared("inc1")) + 5


@pytest.mark.parametrize(
    ("sample", "scope", "lock"),
    [
        ("users", "configuration", {}),
        ("inc1", TUTORIAL, {"schema": True}),
        ("inc1", TUTORIAL, {"lockType": "temporal_constituent"}),
    ],
    ids=["configuration", "schema", "temporal"],
)
def test_what_is_locked_is_not_imported_into(
    sample: str, scope: str, lock: dict[str, Any], server: Server, controller: Controller
) -> None:
    controller.declare(
        server, controller.sample(sample, type="configuration") if sample == "users" else controller.sample(sample)
    )
    # So that it is known what it holds.
    assert controller.steps("plan").code == 0
    server.forget()
    server.lock(scope, **lock)
    refuses(controller.deploy(), server, "locked by Ann from desk")


def test_a_schema_that_is_locked_matters_to_schema_objects_alone(server: Server, controller: Controller) -> None:
    """The package deletes a report."""
    controller.declare(server, controller.sample("finance"), controller.sample("delete"))
    assert controller.deploy("-e", "mstr_package=finance").code != 0
    declare(server, controller, "finance")
    assert controller.deploy().code == 0
    server.lock(schema=True)
    declare(server, controller, "delete")
    run = controller.deploy()
    assert run.code == 0, run.output
    assert "The schema of project MicroStrategy Tutorial is locked by Ann" in run.warnings


def test_a_lock_of_the_user_who_deploys_is_warned_of(prepared: Server, controller: Controller) -> None:
    prepared.lock(owner={"id": "54F3D26011D2896560009A8E67019608", "name": "Administrator"})
    checked = controller.deploy("--check")
    assert checked.named("Plan the list")["preflight"]["locks"][0]["own"] is True
    assert checked.named("Plan the list")["preflight"]["problems"] == []
    assert "own, of another session" in checked.warnings


def test_a_lock_of_a_type_that_nobody_knows_is_warned_of(server: Server, controller: Controller) -> None:
    server.set(locked_import="accept")
    server.lock(lockType="sealed")
    declare(server, controller)
    run = controller.deploy()
    assert run.code == 0, run.output
    assert "(sealed)" in run.warnings


@pytest.mark.parametrize("release", ["2021-update-2", "2024"])
def test_a_server_that_lacks_the_calls_is_warned_of(release: str, server: Server, controller: Controller) -> None:
    server.set(release=release)
    declare(server, controller)
    run = controller.deploy()
    assert run.code == 0, run.output
    assert run.changed == ["inc1"]
    assert ("could not find out all" in run.warnings) == (release == "2021-update-2")
    if release == "2021-update-2":
        assert "GET /projects/{id}/lock" in run.warnings


@pytest.mark.parametrize(
    "answer",
    [
        {"kind": "status", "status": 403, "body": {"code": "ERR014", "message": "No privilege"}},
        {"kind": "status", "status": 500, "body": "<html>"},
        {"kind": "reset"},
        {"kind": "body", "json": {"nothing": "of it"}},
        {"kind": "body", "json": []},
    ],
    ids=lambda fault: str(fault.get("status", fault.get("json", fault["kind"]))),
)
def test_what_the_server_does_not_say_stops_nothing(
    answer: dict[str, Any], server: Server, controller: Controller
) -> None:
    declare(server, controller, mstr_retries=0)
    for path in ("^/sessions/privileges$", "^/monitors/", "^/projects/.+/lock$", "^/model/schema/lock$", "^/config"):
        server.fault("GET", path, answer, times=9)
    run = controller.deploy()
    assert run.code == 0, run.output
    assert run.changed == ["inc1"]
    assert "preflight" in run.warnings or "cannot be told" in run.warnings


@pytest.mark.parametrize(
    ("answer", "held"),
    [
        # Other privileges are listed: that this one is not says that it is missing.
        ([{"name": "Create package"}, {"name": "Web user"}], False),
        ([{"name": "Use formatting editor"}], False),
        (
            [{"name": "Import package", "isUserLevelAllowed": False, "projects": [{"id": DEMO, "isAllowed": True}]}],
            False,
        ),
        # In another language, or nothing at all.
        ([{"name": "Paket erstellen"}, {"name": "Paket importieren"}], None),
        ([], None),
        ({"privileges": [{"id": "1"}]}, None),
        # By its other name.
        (["Create package", "APPLY PACKAGE"], True),
    ],
    ids=str,
)
def test_a_privilege_is_missing_only_where_that_is_certain(
    answer: Any, held: bool | None, server: Server, controller: Controller
) -> None:
    declare(server, controller)
    server.fault("GET", "^/sessions/privileges$", {"kind": "body", "json": answer}, times=9)
    checked = controller.deploy("--check")
    rows = checked.named("Plan the list")["preflight"]["privileges"]
    assert [row["held"] for row in rows if row["name"] == "Import package"] == [held]
    run = controller.deploy()
    assert (run.code == 0) == (held is not False), run.output


def test_an_approved_plan_is_not_begun_where_it_would_fail(prepared: Server, controller: Controller) -> None:
    assert controller.deploy("--check", "-e", "mstr_plan_file=p.json").code == 0
    prepared.lock()
    run = controller.deploy("-e", "mstr_plan_file=p.json")
    refuses(run, prepared, "locked by Ann")
    assert run.named("Import what is due")["preflight"]["problems"]
    assert [row["failed"] for row in run.named("Import what is due")["packages"]] == [False]


@pytest.mark.parametrize("manifest", [True, False])
def test_a_task_that_imports_a_file_makes_it_too(manifest: bool, server: Server, controller: Controller) -> None:
    path = controller.directory / "own.mmp"
    path.write_bytes((controller.packages / "inc1.mmp").read_bytes())
    options = {"src": str(path), "project": DEMO}
    if manifest:
        wrote = {"name": "write", "mstr.migration.mstr_package": {**options, "manifest": True}}
        assert controller.tasks(server, [wrote]).code == 0
        server.forget()
    server.lock(DEMO)
    refused = controller.tasks(server, [{"name": "import", "mstr.migration.mstr_package_import": options}])
    refuses(refused, server, "locked by Ann")
    checked = controller.tasks(server, [{"name": "import", "mstr.migration.mstr_package_import": options}], "--check")
    assert checked.code == 0, checked.output
    assert len(checked.named("import")["preflight"]["problems"]) == 1


def test_taking_back_makes_it_too(server: Server, controller: Controller) -> None:
    declare(server, controller)
    assert controller.deploy().code == 0
    uploads, objects = server.uploads(), server.objects()
    server.lock()
    refused = controller.rollback("inc1")
    assert refused.code != 0
    assert "preflight: the import would fail" in refused.failures[0]
    assert (server.uploads(), server.objects()) == (uploads, objects)
    assert controller.rollback("inc1", "--check").code == 0
    server._call("DELETE", "/locks/%s" % TUTORIAL)
    assert controller.rollback("inc1").code == 0
    server.lock()
    # Nothing is left to do.
    assert controller.rollback("inc1").code == 0


def test_a_user_who_lacks_a_privilege_is_told_so_by_name(prepared: Server, controller: Controller) -> None:
    declare(prepared, controller, mstr_username="creator", mstr_password=PASSWORD)
    refuses(controller.deploy(), prepared, "Import package", "needed to import packages")
