# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules one by one: present, present again, changed, absent, absent again, and what they refuse."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from harness import API_TOKEN, DEMO, PASSWORD, TUTORIAL, Controller, Server, running_server

SESSION = "{{ here }}/private/session.json"


def task(name: str, module: str, **options: Any) -> dict[str, Any]:
    """Return a task whose result is registered under its name."""
    return {"name": name, "register": name, "mstr.migration.%s" % module: options}


def changed(results: Any, *names: str) -> list[bool]:
    """Return whether each of the tasks changed something."""
    return [results.named(name)["changed"] for name in names]


def test_session(server: Server, controller: Controller) -> None:
    run = controller.tasks(
        server,
        [
            task("first", "mstr_session", session_file=SESSION),
            task("renewed", "mstr_session", session_file=SESSION),
            task("elsewhere", "mstr_session", session_file=SESSION, base_url="http://127.0.0.1:9/MicroStrategyLibrary"),
            task("absent", "mstr_session", session_file=SESSION, state="absent"),
            task("absent_again", "mstr_session", session_file=SESSION, state="absent"),
            task("own_place", "mstr_session", base_url="/api/"),
        ],
    )
    assert changed(run, "first", "renewed", "absent", "absent_again") == [True, False, True, False]
    first = run.named("first")
    assert first["user"] == "administrator"
    assert first["server"]["web_version"].startswith("11.6")
    assert first["session_file"] == str(controller.directory / "private" / "session.json")
    assert "base_url" in run.named("elsewhere")["msg"]
    # The log-in without a place of its own has failed, and left nothing.
    assert "base_url" in run.named("own_place")["msg"]
    assert controller.left_in_tmp() == []
    assert server.held() == []


def test_session_in_a_directory_of_its_own(server: Server, controller: Controller) -> None:
    run = controller.tasks(server, [task("own", "mstr_session", base_url=server.base_url + "/api/")])
    path = Path(run.named("own")["session_file"])
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent)] == [0o600, 0o700]
    controller.tasks(server, [task("absent", "mstr_session", session_file=str(path), state="absent")])
    assert controller.left_in_tmp() == []
    assert server.held() == []


@pytest.mark.parametrize("cookie", ["SERVERID=1", "SRV=s", "SRV=.1", "SRV=", "SRV=session", "NODE=node2"])
def test_the_words_of_a_load_balancer_are_left_alone(cookie: str, server: Server, controller: Controller) -> None:
    server.set(balancer_cookies=[cookie])
    present = controller.tasks(server, [task("present", "mstr_session")])
    session_file = present.named("present")["session_file"]
    assert Path(session_file).exists()
    staged = task(
        "staged", "mstr_package", session_file=session_file, project=DEMO, src=str(controller.packages / "year.mmp")
    )
    absent = task("absent", "mstr_session", session_file=session_file, state="absent")
    run = controller.tasks(server, [staged, absent])
    assert run.code == 0, run.output
    assert changed(run, "staged", "absent") == [True, True]
    assert "*" not in json.dumps([result["result"] for result in run.results])
    assert server.held() == []


def test_a_session_file_that_ansible_would_hide_is_refused(server: Server, controller: Controller) -> None:
    path = controller.directory / PASSWORD / "session.json"
    run = controller.tasks(server, [task("present", "mstr_session", session_file=str(path))])
    assert "a secret, the password perhaps, is a part of the path" in run.named("present")["msg"]
    assert server.state()["logins"] == 1
    assert server.held() == []
    assert not path.exists()


def test_session_works_in_check_mode(server: Server, controller: Controller) -> None:
    run = controller.tasks(
        server,
        [
            task("present", "mstr_session", session_file=SESSION),
            task("absent", "mstr_session", session_file=SESSION, state="absent"),
        ],
        "--check",
    )
    assert changed(run, "present", "absent") == [True, True]
    assert (server.state()["logins"], server.state()["logouts"]) == (1, 1)


def test_a_session_that_has_ended_is_made_anew(server: Server, controller: Controller) -> None:
    log_in = task("present", "mstr_session", session_file=SESSION)
    controller.tasks(server, [log_in])
    server._call("POST", "/expire-sessions")
    again = controller.tasks(server, [log_in, task("absent", "mstr_session", session_file=SESSION, state="absent")])
    assert changed(again, "present", "absent") == [True, True]
    assert server.state()["logins"] == 2
    assert server.held() == []


def test_a_session_that_has_ended_needs_no_log_out(server: Server, controller: Controller) -> None:
    controller.tasks(server, [task("present", "mstr_session", session_file=SESSION)])
    server._call("POST", "/expire-sessions")
    run = controller.tasks(server, [task("absent", "mstr_session", session_file=SESSION, state="absent")])
    assert run.code == 0, run.output
    assert changed(run, "absent") == [True]
    assert run.warnings == ""
    assert not (controller.directory / "private" / "session.json").exists()


def test_absent_goes_through_when_the_server_is_gone(server: Server, controller: Controller) -> None:
    controller.tasks(server, [task("present", "mstr_session", session_file=SESSION)])
    server.fault("POST", "/auth/logout", {"kind": "reset", "when": "before"}, times=None)
    run = controller.tasks(server, [task("absent", "mstr_session", session_file=SESSION, state="absent", retries=0)])
    assert run.code == 0
    assert "could not be closed" in run.warnings
    assert not (controller.directory / "private" / "session.json").exists()


def test_a_session_file_that_others_can_read_is_refused(server: Server, controller: Controller) -> None:
    controller.tasks(server, [task("present", "mstr_session", session_file=SESSION)])
    path = controller.directory / "private" / "session.json"
    path.chmod(0o640)
    stage = task("stage", "mstr_package", session_file=SESSION, src=str(controller.packages / "year.mmp"))
    absent = task("absent", "mstr_session", session_file=SESSION, state="absent")
    refused = controller.tasks(server, [stage, absent])
    for name in ("stage", "absent"):
        assert "others can use" in refused.named(name)["msg"]
    path.chmod(0o600)
    controller.tasks(server, [absent])
    assert server.held() == []


@pytest.mark.parametrize(
    ("variables", "options", "parts"),
    [
        ({"MSTR_API_TOKEN": "wrong"}, {}, []),
        (
            {"MSTR_USERNAME": "nobody", "MSTR_PASSWORD": "wrong"},
            {"username": "", "password": "", "api_token": API_TOKEN},
            [],
        ),
        ({}, {"username": "", "password": ""}, ["username"]),
        ({}, {"api_token": API_TOKEN}, ["api_token", "not both"]),
        ({}, {"username": "ldap-user", "login_mode": "ldap"}, []),
        ({"MSTR_LOGIN_MODE": "ldap"}, {"username": "ldap-user"}, []),
        ({"MSTR_TIMEOUT": "soon"}, {}, ["timeout"]),
        ({}, {"timeout": -1}, ["timeout"]),
        ({}, {"environment_name": "../prod"}, ["environment_name"]),
    ],
)
def test_who_logs_in(
    variables: dict[str, str], options: dict[str, Any], parts: list[str], server: Server, controller: Controller
) -> None:
    controller.environment.update(variables)
    run = controller.tasks(
        server,
        [
            task("present", "mstr_session", session_file=SESSION, **options),
            task("absent", "mstr_session", session_file=SESSION, state="absent", timeout=5, environment_name="x"),
        ],
    )
    outcome = run.named("present")
    assert (outcome["outcome"] == "failed") == bool(parts), run.output
    for part in parts:
        assert part in outcome["msg"]
    assert server.held() == []


def test_package(server: Server, controller: Controller, tmp_path: Path) -> None:
    finance, year = (str(controller.packages / name) for name in ("finance.mmp", "year.mmp"))
    common = {"session_file": SESSION, "project": "Demo Project"}
    digest = hashlib.sha256(Path(finance).read_bytes()).hexdigest()
    run = controller.tasks(
        server,
        [
            task("login", "mstr_session", session_file=SESSION),
            task("first", "mstr_package", src=finance, checksum="sha256:" + digest.upper(), **common),
            task("again", "mstr_package", src=finance, **common),
            task("other", "mstr_package", src=year, **common),
            task("other_project", "mstr_package", src=year, session_file=SESSION, project=TUTORIAL.lower()),
            task("absent", "mstr_package", state="absent", session_file=SESSION),
            task("absent_again", "mstr_package", state="absent", session_file=SESSION),
            task("logout", "mstr_session", session_file=SESSION, state="absent"),
        ],
    )
    names = ("first", "again", "other", "other_project", "absent", "absent_again")
    assert changed(run, *names) == [True, False, True, True, True, False]
    assert run.named("first")["package"] == {
        "id": run.named("again")["package"]["id"],
        "status": "ready",
        "type": "project",
        "sha256": digest,
        "size": os.path.getsize(finance),
        "object_count": 8,
        "manifest": None,
    }
    assert len(server.calls("PUT", "/binary")) == 3
    assert server.held() == []


def test_manifest(server: Server, controller: Controller, tmp_path: Path) -> None:
    package = tmp_path / "finance.mmp"
    package.write_bytes((controller.packages / "finance.mmp").read_bytes())
    path = tmp_path / "finance.mmp.manifest.json"
    options = {"src": str(package), "project": DEMO, "manifest": True}
    checked = controller.tasks(server, [task("checked", "mstr_package", **options)], "--check")
    assert checked.named("checked")["changed"]
    assert not path.exists()
    run = controller.tasks(server, [task("written", "mstr_package", **options)])
    assert run.named("written")["package"]["manifest"] == str(path)
    manifest = json.loads(path.read_text(encoding="utf-8"))
    assert list(manifest) == ["sha256", "size", "type", "settings", "content"]
    assert manifest["sha256"] == hashlib.sha256(package.read_bytes()).hexdigest()
    assert len(manifest["content"]) == 8
    assert set(manifest["content"][0]) == {
        "id", "name", "type", "type_name", "version", "date_modified", "action", "level",
    }  # fmt: skip
    # With the manifest, a task that imports uploads nothing where nothing is due.
    imported = {"src": str(package), "project": DEMO, "history_dir": "{{ here }}/history"}
    run = controller.tasks(
        server, [task("first", "mstr_package_import", **imported), task("again", "mstr_package_import", **imported)]
    )
    assert changed(run, "first", "again") == [True, False]
    assert len(server.calls("PUT", "/binary")) == 3
    # One of another file is ignored, with a warning.
    package.write_bytes((controller.packages / "inc1.mmp").read_bytes())
    stale = controller.tasks(server, [task("stale", "mstr_package", src=str(package), project=DEMO)])
    assert stale.code == 0
    assert "is ignored" in stale.warnings
    assert stale.named("stale")["package"]["manifest"] is None
    assert server.held() == []


def test_import_in_one_task(server: Server, controller: Controller) -> None:
    options = {
        "src": str(controller.packages / "finance.mmp"),
        "project": "Demo Project",
        "undo_dest": "{{ here }}/undo/finance.mmp",
    }
    checked = controller.tasks(server, [task("checked", "mstr_package_import", **options)], "--check", "--diff")
    assert checked.named("checked")["changed"]
    assert checked.named("checked")["plan"]["summary"]["create"] == 8
    title, *objects, total = checked.named("checked")["diff"]["prepared"].splitlines()
    assert title == "package finance (project Demo Project)"
    assert [line[:2] for line in objects] == ["+ "] * 8
    assert total == "8 to create"
    assert server.state()["imports_started"] == 0
    run = controller.tasks(
        server,
        [
            task("first", "mstr_package_import", **options),
            task("again", "mstr_package_import", **options),
            task("refused", "mstr_package_import", **{**options, "project": TUTORIAL}),
            task("forced", "mstr_package_import", force=True, **options),
            task("unkept", "mstr_package_import", src=str(controller.packages / "inc1.mmp"), project=DEMO),
        ],
    )
    assert changed(run, "first", "again", "forced", "unkept") == [True, False, True, True]
    first = run.named("first")
    assert (first["import"]["status"], first["import"]["undo_package_created"]) == ("imported", True)
    assert (first["verified"], first["unresolved"], first["receipt"]) == (True, [], None)
    assert first["undo"]["path"] == str(controller.directory / "undo" / "finance.mmp")
    assert "perhaps the only way back" in run.named("refused")["msg"]
    # The undo package of the first import is still there, beside that of the second.
    kept = sorted((controller.directory / "undo").iterdir())
    assert len(kept) == 2
    assert first["undo"]["sha256"] in {hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
    assert "is not kept" in run.warnings
    assert server.held() == []


def test_import_from_the_session_without_waiting(server: Server, controller: Controller) -> None:
    server.set(import_duration=0.5)
    finance, year = (str(controller.packages / name) for name in ("finance.mmp", "year.mmp"))
    held = {"session_file": SESSION, "import_id": "{{ started.import.id }}"}
    undo = {"dest": "{{ here }}/undo.mmp", **held}
    run = controller.tasks(
        server,
        [
            task("login", "mstr_session", session_file=SESSION),
            task("stage", "mstr_package", src=finance, project=DEMO, session_file=SESSION),
            task(
                "started", "mstr_package_import", package_id="{{ stage.package.id }}", session_file=SESSION, wait=False
            ),
            task("too_early", "mstr_package", src=year, project=DEMO, session_file=SESSION),
            task("waited", "mstr_package_import", **held),
            task("undo_unsaved", "mstr_package", src=year, project=DEMO, session_file=SESSION),
            dict(task("undo_checked", "mstr_undo_package", **undo), check_mode=True),
            task("undo_saved", "mstr_undo_package", **undo),
            task("undo_again", "mstr_undo_package", **undo),
        ],
    )
    (controller.directory / "undo.mmp").write_text("other bytes", encoding="utf-8")
    rest = controller.tasks(
        server,
        [
            task("undo_refused", "mstr_undo_package", **undo),
            task("undo_forced", "mstr_undo_package", force=True, **undo),
            task("released", "mstr_package_import", state="absent", **held),
            task("released_again", "mstr_package_import", state="absent", **held),
            task("next", "mstr_package", src=year, project=DEMO, session_file=SESSION),
            task("logout", "mstr_session", session_file=SESSION, state="absent"),
        ],
    )
    assert run.named("started")["import"]["status"] == "processing"
    assert "still runs" in run.named("too_early")["msg"]
    waited = run.named("waited")
    assert (waited["import"]["status"], waited["verified"], waited["changed"]) == ("imported", True, False)
    assert waited["plan"]["summary"]["create"] == 8
    assert "is not saved yet and would be lost" in run.named("undo_unsaved")["msg"]
    assert changed(run, "started", "undo_checked", "undo_saved", "undo_again") == [True, True, True, False]
    assert changed(rest, "undo_forced", "released", "released_again", "next") == [True, True, False, True]
    assert "only way back" in rest.named("undo_refused")["msg"]
    assert Path(rest.named("undo_forced")["backup_file"]).read_text(encoding="utf-8") == "other bytes"
    assert len(server.calls("POST", "/packages/imports")) == 1
    assert server.held() == []


def test_logging_out_says_what_is_lost(server: Server, controller: Controller) -> None:
    run = controller.tasks(
        server,
        [
            task("login", "mstr_session", session_file=SESSION),
            task(
                "stage",
                "mstr_package",
                src=str(controller.packages / "finance.mmp"),
                project=DEMO,
                session_file=SESSION,
            ),
            task("imported", "mstr_package_import", package_id="{{ stage.package.id }}", session_file=SESSION),
            task("logout", "mstr_session", session_file=SESSION, state="absent"),
        ],
    )
    assert run.code == 0
    assert "the undo package of import %s" % run.named("imported")["import"]["id"] in run.warnings
    assert server.held() == []


def test_actions_as_the_plan_table_says(server: Server, controller: Controller) -> None:
    source = {"project": DEMO, "history_dir": "{{ here }}/history"}
    keep_both = str(controller.packages / "keep_both.mmp")
    run = controller.tasks(
        server,
        [
            task("base", "mstr_package_import", src=str(controller.packages / "inc1.mmp"), **source),
            task("finance", "mstr_package_import", src=str(controller.packages / "finance.mmp"), **source),
            task("refused", "mstr_package_import", src=keep_both, **source),
            task("both", "mstr_package_import", src=keep_both, generate_undo=False, **source),
            task("delete", "mstr_package_import", src=str(controller.packages / "delete.mmp"), **source),
            task("delete_again", "mstr_package_import", src=str(controller.packages / "delete.mmp"), **source),
            task("links", "mstr_package_import", src=str(controller.packages / "project_security.mmp"), **source),
        ],
    )
    assert "generate_undo: false" in run.named("refused")["msg"]
    assert run.named("both")["plan"]["summary"]["duplicate"] == 2
    assert run.named("both")["undo"] is None
    assert run.named("delete")["plan"]["summary"]["delete"] == 1
    assert changed(run, "delete", "delete_again") == [True, False]
    assert run.named("links")["plan"]["summary"]["unknown"] == 1
    assert server.held() == []


def test_an_object_that_the_server_leaves_as_it_was_is_reported(server: Server, controller: Controller) -> None:
    imported = {"src": str(controller.packages / "finance.mmp"), "project": DEMO, "history_dir": "{{ here }}/history"}
    first = controller.tasks(server, [task("first", "mstr_package_import", **imported)]).named("first")
    metric = next(item for item in first["plan"]["changes"] if item["type"] == 4)
    server.edit(metric["id"], DEMO)
    server.set(ignore_objects=[metric["id"]], reversion_types=[15])
    table = next(item for item in first["plan"]["changes"] if item["type"] == 15)
    server.edit(table["id"], DEMO)
    run = controller.tasks(server, [task("second", "mstr_package_import", **imported)])
    second = run.named("second")
    assert [item["id"] for item in second["unresolved"]] == [metric["id"]]
    assert second["verified"] is False
    assert "did not get what was predicted" in run.warnings


def test_client_certificate(controller: Controller, ca_file: Path) -> None:
    certificate, client = (str(ca_file.parent / name) for name in ("server.pem", "client.pem"))
    arguments = ["--tls-cert", certificate, "--tls-key", certificate, "--tls-client-ca", str(ca_file)]
    with running_server(*arguments) as library:
        login = {"session_file": SESSION, "ca_path": str(ca_file)}
        run = controller.tasks(
            library,
            [
                task("without", "mstr_session", retries=0, **login),
                task("with_it", "mstr_session", client_cert=client, **login),
                # Not said again: the session knows its certificates.
                task(
                    "stage",
                    "mstr_package",
                    session_file=SESSION,
                    project=DEMO,
                    src=str(controller.packages / "year.mmp"),
                ),
                task("logout", "mstr_session", session_file=SESSION, state="absent"),
            ],
        )
    assert "client_cert" in run.named("without")["msg"]
    assert [run.named(name)["outcome"] for name in ("with_it", "stage", "logout")] == ["ok", "ok", "ok"]


@pytest.mark.every_core
def test_module_defaults_of_the_action_group_carry_a_secret_safely(server: Server, controller: Controller) -> None:
    run = controller.play(server, [task("present", "mstr_session", session_file=SESSION)], "-vvv")
    assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in run.output
    assert PASSWORD not in run.output


def test_a_second_task_neither_drops_a_running_import_nor_its_undo_package(
    server: Server, controller: Controller
) -> None:
    server.set(import_duration=4)
    both = {"src": str(controller.packages / "finance.mmp"), "project": DEMO, "session_file": SESSION}
    held = {"session_file": SESSION, "import_id": "{{ started.import.id }}"}
    run = controller.tasks(
        server,
        [
            task("login", "mstr_session", session_file=SESSION),
            task("started", "mstr_package_import", wait=False, history_dir="{{ here }}/history", **both),
            task("running", "mstr_package_import", **both),
            dict(task("checked", "mstr_package", state="absent", force=True, session_file=SESSION), check_mode=True),
            task("waited", "mstr_package_import", **held),
            task("logout", "mstr_session", session_file=SESSION, state="absent"),
        ],
    )
    for name in ("running", "checked"):
        assert "still runs" in run.named(name)["msg"]
    assert run.named("waited")["undo"]["size"] > 0
    assert len(server.calls("POST", "/packages/imports")) == 1
    assert server.held() == []


def test_an_undo_package_saved_by_hand_is_in_the_history_too(server: Server, controller: Controller) -> None:
    both = {"src": str(controller.packages / "finance.mmp"), "project": DEMO, "session_file": SESSION}
    held = {"session_file": SESSION, "import_id": "{{ started.import.id }}"}
    run = controller.tasks(
        server,
        [
            task("login", "mstr_session", session_file=SESSION),
            task("started", "mstr_package_import", wait=False, history_dir="history", history_mode=0o640, **both),
            task("saved", "mstr_undo_package", dest="{{ here }}/undo.mmp", **held),
            task("waited", "mstr_package_import", **held),
            task("logout", "mstr_session", session_file=SESSION, state="absent"),
        ],
    )
    receipt = Path(run.named("started")["receipt"])
    # Absolute, also where the option was not: the module's own directory is not the user's.
    assert receipt.is_absolute()
    assert json.loads(receipt.read_text(encoding="utf-8"))["undo"]["sha256"] == run.named("saved")["undo"]["sha256"]
    undo = receipt.parent / "undo.mmp"
    assert undo.read_bytes() == (controller.directory / "undo.mmp").read_bytes()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (receipt, undo, receipt.parent)] == [0o640, 0o640, 0o750]


@pytest.mark.parametrize("mode", ["0666", "rw", 0o602, "0400", 7])
def test_a_history_that_everybody_could_read_is_refused(mode: Any, server: Server, controller: Controller) -> None:
    options = {"src": str(controller.packages / "year.mmp"), "project": DEMO, "history_dir": "{{ here }}/history"}
    run = controller.tasks(server, [task("refused", "mstr_package_import", history_mode=mode, **options)])
    assert "history_mode" in run.named("refused")["msg"]


def test_a_session_of_another_user_is_not_taken_over(server: Server, controller: Controller) -> None:
    run = controller.tasks(
        server,
        [
            task("first", "mstr_session", session_file=SESSION),
            task("second", "mstr_session", session_file=SESSION, username="creator"),
            task("logout", "mstr_session", session_file=SESSION, state="absent", username="creator"),
        ],
    )
    assert "is that of administrator" in run.named("second")["msg"]
    assert run.named("logout")["outcome"] == "ok"


def test_a_task_does_not_release_what_an_earlier_one_holds(server: Server, controller: Controller) -> None:
    source = {"src": str(controller.packages / "finance.mmp"), "project": DEMO, "session_file": SESSION}
    held = {"session_file": SESSION, "import_id": "{{ imported.import.id }}"}
    run = controller.tasks(
        server,
        [
            task("login", "mstr_session", session_file=SESSION),
            task("stage", "mstr_package", **source),
            task("imported", "mstr_package_import", package_id="{{ stage.package.id }}", session_file=SESSION),
            task("in_sync", "mstr_package_import", **source),
            task("forced", "mstr_package_import", force=True, **source),
            task("saved", "mstr_undo_package", dest="{{ here }}/undo.mmp", **held),
            task("logout", "mstr_session", session_file=SESSION, state="absent"),
        ],
    )
    assert changed(run, "imported", "in_sync") == [True, False]
    assert "is not saved yet and would be lost" in run.named("forced")["msg"]
    assert run.named("saved")["undo"]["size"] == (controller.directory / "undo.mmp").stat().st_size
    assert server.held() == []


def test_a_task_releases_what_it_opened_though_the_session_goes_on(server: Server, controller: Controller) -> None:
    """A session holds one package, so the next task would be refused."""

    def holds_nothing(*tasks: dict[str, Any]) -> bool:
        run = controller.tasks(server, list(tasks))
        assert run.code == 0, run.output
        state = server.state()
        assert len(state["sessions"]) == 1
        return state["packages"] == state["imports"] == []

    options = {"project": DEMO, "session_file": SESSION}
    undo_dest = "{{ here }}/undo.mmp"
    src = str(controller.packages / "finance.mmp")
    controller.tasks(server, [task("login", "mstr_session", session_file=SESSION)])
    assert holds_nothing(task("imported", "mstr_package_import", src=src, undo_dest=undo_dest, **options))
    assert holds_nothing(task("in sync", "mstr_package_import", src=src, **options))
    assert holds_nothing(task("undone", "mstr_undo_package", state="applied", src=undo_dest, **options))
    assert server.state()["imports_started"] == 2
    controller.tasks(server, [task("logout", "mstr_session", session_file=SESSION, state="absent")])
    assert server.held() == []
