# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job: the playbook deploy, from a fresh environment to one where nothing is due."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from harness import DEMO, PASSWORD, TUTORIAL, Controller, Server, make_package, object_id, running_server

FINANCE_TYPES = 8


def environment(server: Server, *packages: dict[str, Any], **variables: Any) -> dict[str, Any]:
    """Return the variables of an environment in the inventory."""
    return {
        "mstr_base_url": server.base_url,
        "mstr_username": "administrator",
        "mstr_password": PASSWORD,
        "mstr_project": "MicroStrategy Tutorial",
        "mstr_packages": list(packages),
        **variables,
    }


def undo_files(controller: Controller) -> list[Path]:
    return sorted((controller.directory / "history").rglob("undo.mmp"))


@pytest.mark.parametrize("transport", [pytest.param("http", marks=pytest.mark.every_core), "tls"])
def test_check_deploy_and_deploy_again(
    transport: str, server: Server, tls_server: Server, ca_file: Path, controller: Controller
) -> None:
    library = tls_server if transport == "tls" else server
    # A relative path, to show that it means the directory in which ansible-playbook is started.
    (controller.directory / "pkg").symlink_to(controller.packages)
    (controller.directory / "ca.pem").write_bytes(ca_file.read_bytes())
    finance = {"name": "finance", "src": "pkg/finance.mmp"}
    extra = {"mstr_ca_path": "ca.pem"} if transport == "tls" else {}
    controller.inventory({"prod": environment(library, finance, **extra)})
    fresh = library.objects()

    predicted = controller.deploy("--check", "--diff")
    assert predicted.code == 0, predicted.output
    assert predicted.recap("prod")["changed"] == 1
    diff = [line for line in predicted.output.splitlines() if line.startswith("+ ")]
    assert len(diff) == FINANCE_TYPES
    assert any('metric "Total Amount"' in line for line in diff)
    assert library.objects() == fresh
    assert library.state()["imports_started"] == 0
    assert library.held() == []
    assert not (controller.directory / "history").exists()

    deployed = controller.deploy()
    assert deployed.code == 0, deployed.output
    assert deployed.recap("prod")["changed"] == 1
    (package,) = deployed.packages
    created = package["changes"]
    assert len(created) == FINANCE_TYPES
    now = library.objects()
    for change in created:
        # The server never keeps the version of a filled folder.
        assert change["type"] == 8 or now[change["id"]]["version"] == change["version_after"]
    assert library.held() == []

    (undo,) = undo_files(controller)
    (download,) = library.calls("GET", "/undoPackage/binary")
    assert hashlib.sha256(undo.read_bytes()).hexdigest() == download["sha256_out"] == package["undo"]["sha256"]
    assert stat.S_IMODE(undo.stat().st_mode) == 0o600
    assert stat.S_IMODE(undo.parent.stat().st_mode) == 0o700
    receipt = json.loads((undo.parent / "receipt.json").read_text(encoding="utf-8"))
    assert (receipt["state"], receipt["name"], receipt["project"]) == ("imported", "finance", TUTORIAL)
    assert receipt["unresolved"] == []
    assert receipt["undo"]["sha256"] == download["sha256_out"]

    again = controller.steps("deploy")
    assert again.code == 0, again.output
    assert again.recap("prod")["changed"] == 0
    assert library.state()["imports_started"] == 1
    assert library.held() == []
    assert len(undo_files(controller)) == 1
    assert controller.left_in_tmp() == []


def test_one_object_changed_by_hand_is_shown_and_put_right(server: Server, controller: Controller) -> None:
    finance = {"name": "finance", "src": str(controller.packages / "finance.mmp")}
    controller.inventory({"prod": environment(server, finance)})
    first = controller.steps("deploy")
    metric = next(item for item in first.packages[0]["changes"] if item["type"] == 4)
    edited = server.edit(metric["id"])

    predicted = controller.deploy("--check", "--diff")
    lines = [line for line in predicted.output.splitlines() if line.startswith(("+ ", "~ ", "- ", "* ", "? "))]
    assert len(lines) == 1
    assert lines[0].startswith("~ metric ")
    assert lines[0].endswith(
        "  %s -> %s  replace  %s" % (edited["version"][:7], metric["version_after"][:7], metric["id"])
    )
    assert server.objects()[metric["id"]]["version"] == edited["version"]

    put_right = controller.steps("deploy")
    assert put_right.recap("prod")["changed"] == 1
    assert put_right.packages[0]["summary"]["replace"] == 1
    assert server.objects()[metric["id"]]["version"] == metric["version_after"]
    assert controller.steps("deploy").recap("prod")["changed"] == 0


def test_several_projects_and_configuration_in_one_list(
    tls_server: Server, ca_file: Path, controller: Controller
) -> None:
    # A relative path, here too.
    (controller.directory / "ca.pem").write_bytes(ca_file.read_bytes())
    packages = controller.packages
    controller.inventory(
        {
            "prod": environment(
                tls_server,
                {"src": str(packages / "inc1.mmp")},
                {"src": str(packages / "inc1.mmp"), "name": "by_id", "project": DEMO},
                {"src": str(packages / "users.mmp"), "type": "configuration"},
                mstr_ca_path="ca.pem",
            )
        }
    )
    run = controller.deploy()
    assert run.code == 0, run.output
    assert len(run.changed) == 3
    assert tls_server.state()["imports_started"] == 3
    scopes = {path.parent.parent.name for path in undo_files(controller)}
    assert scopes == {TUTORIAL, DEMO, "configuration"}
    # The vendor's documentation: a configuration package must not send the project header at all.
    headers = {call["project"] for call in tls_server.calls("POST", "/packages/imports")}
    assert headers == {TUTORIAL, DEMO, None}
    facts = run.named("Keep the result")["ansible_facts"]["mstr_packages_result"]
    assert [item["name"] for item in facts] == ["inc1", "by_id", "users"]
    assert all(item["changed"] for item in facts)
    assert controller.steps("deploy").recap("prod")["changed"] == 0
    assert tls_server.held() == []


@pytest.mark.ansible
def test_many_environments_side_by_side(controller: Controller, server: Server) -> None:
    finance = {"name": "finance", "src": str(controller.packages / "finance.mmp")}
    with running_server() as second, running_server() as third:
        servers = {"dev": server, "test": second, "prod": third}
        controller.inventory({name: environment(each, finance) for name, each in servers.items()})
        run = controller.deploy("--forks", "3")
        assert run.code == 0, run.output
        for name, each in servers.items():
            assert run.recap(name)["changed"] == 1
            assert each.state()["imports_started"] == 1
            assert each.held() == []
        assert len(undo_files(controller)) == 3
        limited = controller.deploy("--limit", "test")
        assert "prod" not in limited.output
        assert limited.recap("test")["changed"] == 0


def entries(controller: Controller, host: str) -> list[str]:
    """Return the names of the packages that were imported on an environment, in the order of their entries."""
    receipts = (controller.directory / "history" / host).glob("*/*/receipt.json")
    return [json.loads(path.read_text())["name"] for path in sorted(receipts, key=lambda path: path.parent.name)]


@pytest.mark.ansible
def test_environments_that_differ_keep_the_order_of_the_list(controller: Controller, server: Server) -> None:
    # What becomes of the first package is not the same everywhere, what becomes of the others is.
    names = ("first", "second", "third")
    in_lock_step = ("--forks", "2", "-e", "mstr_max_fail_percentage=50")
    packages = []
    for name in names:
        row = {"id": object_id(name, 4), "name": name, "type": 4, "action": "replace"}
        path = make_package(controller.directory / (name + ".mmp"), row)
        packages.append({"name": name, "src": str(path)})
    with running_server() as second:
        second.edit(object_id("first", 4), name="first", type=4)
        servers = {"dev": server, "prod": second}
        hosts = {name: environment(each, *packages, mstr_environment_name=name) for name, each in servers.items()}
        controller.inventory(hosts)
        run = controller.deploy(*in_lock_step)
        assert run.code == 0, run.output
        assert {host: entries(controller, host) for host in servers} == {host: list(names) for host in servers}

        # Taken back newest first, also where another environment has less to take back.
        undone = [{**package, "state": "undone"} for package in packages]
        hosts["dev"]["mstr_packages"] = [packages[0], *undone[1:]]
        hosts["prod"]["mstr_packages"] = undone
        controller.inventory(hosts)
        run = controller.deploy(*in_lock_step)
        assert run.code == 0, run.output
        for host, count in (("dev", 2), ("prod", 3)):
            receipts = sorted((controller.directory / "history" / host).glob("*/*/receipt.json"))
            undone_at = [json.loads(path.read_text()).get("undone_at") for path in receipts]
            times = [time for time in undone_at if time]
            assert times == sorted(times, reverse=True)
            assert len(times) == count
        assert server.held() == second.held() == []


@pytest.mark.ansible
def test_an_interpreter_of_the_inventory_wins(server: Server, controller: Controller) -> None:
    year = {"src": str(controller.packages / "year.mmp")}
    controller.inventory({"prod": environment(server, year, ansible_python_interpreter="/nonexistent/python")})
    run = controller.deploy()
    assert run.code != 0
    assert "/nonexistent/python" in run.output


@pytest.mark.parametrize("case", ["lower", "upper"])
def test_a_server_with_other_words(case: str, server: Server, controller: Controller) -> None:
    # Live servers answer in lower case, the vendor's documentation is in upper case.
    server.set(status_case=case, missing_object="500", undo_length=False, undo_delay=0.3, import_duration=0.3)
    server.set(wrap_errors=True, unknown_fields=True)
    server.set(upload_processing=0.3, delete_duration=0.3, require_balancer_cookie=True)
    packages = [{"src": str(controller.packages / name)} for name in ("finance.mmp", "inc1.mmp")]
    controller.inventory({"prod": environment(server, *packages)})
    run = controller.deploy()
    assert run.code == 0, run.output
    assert run.changed == ["finance", "inc1"]
    assert len(undo_files(controller)) == 2
    assert controller.steps("deploy").recap("prod")["changed"] == 0
    assert server.held() == []
