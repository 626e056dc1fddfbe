# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What breaks is said once, in words, and leaves nothing on the server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import PASSWORD, Controller, Run, Server

YEAR = "8D679D5111D3E4981000E787EC6DE8A4"


def deploy(controller: Controller, server: Server, package: dict[str, Any] | None = None, **variables: Any) -> Run:
    """Deploy one package, finance unless another is given, to one environment."""
    controller.inventory(
        {
            "prod": {
                "mstr_base_url": server.base_url,
                "mstr_username": "administrator",
                "mstr_password": PASSWORD,
                "mstr_project": "MicroStrategy Tutorial",
                "mstr_packages": [{"src": str(controller.packages / "finance.mmp"), **(package or {})}],
                **variables,
            }
        }
    )
    return controller.deploy()


def assert_one_message(run: Run, *parts: str) -> None:
    """Assert that the run failed with one message, which has all the parts and is for people."""
    assert run.code != 0
    assert len(run.failures) == 1, run.output
    (message,) = run.failures
    for part in parts:
        assert part in message, message
    assert "Traceback" not in run.output
    assert "<html" not in run.output.lower()
    assert "\n" not in message


CASES: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "wrong password": ({}, {"mstr_password": "wrong"}, ["log in", "401", "ERR003", "ticketId", "password"]),
    "wrong API token": (
        {},
        {"mstr_username": None, "mstr_password": None, "mstr_api_token": "wrong"},
        ["log in", "401", "api_token"],
    ),
    "unknown project": ({"project": "Nope"}, {}, ["project", "Nope", "Demo Project"]),
    "missing file": ({"src": "/nonexistent/finance.mmp"}, {}, ["src", "/nonexistent/finance.mmp"]),
    "other checksum": ({"checksum": "sha256:" + "0" * 64}, {}, ["checksum", "nothing was sent"]),
    "no checksum": ({"checksum": "md5:1"}, {}, ["checksum", "64 hexadecimal digits"]),
    "no privilege to create": (
        {},
        {"mstr_username": "viewer"},
        ["create an empty package", "403", "ERR017", "privileges"],
    ),
    "no privilege to import": ({}, {"mstr_username": "creator"}, ["start the import", "403", "ERR017", "privileges"]),
    "no such host": ({}, {"mstr_base_url": "http://127.0.0.1:9/MicroStrategyLibrary"}, ["cannot connect", "base_url"]),
    "no URL": ({}, {"mstr_base_url": "mstr.example.com"}, ["base_url", "https://host/MicroStrategyLibrary"]),
    "keep_both with undo": ({"src": "keep_both.mmp"}, {}, ["generate_undo", "keep_both", "Nothing was imported"]),
    "configuration in a project": ({"src": "users.mmp"}, {}, ["project: ''", "configuration"]),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input(case: str, server: Server, controller: Controller) -> None:
    package, variables, parts = CASES[case]
    if "/" not in package.get("src", "/"):
        package = {**package, "src": str(controller.packages / package["src"])}
    if case == "keep_both with undo":
        # Only where the objects are there in another version is there anything to keep.
        deploy(controller, server, {"src": str(controller.packages / "inc1.mmp")})
    before = server.objects()
    imports = server.state()["imports_started"]
    run = deploy(controller, server, package, **variables)
    assert_one_message(run, *parts)
    assert "environment" in run.failures[0] or case in ("no URL",)
    assert server.state()["imports_started"] == imports
    assert server.objects() == before
    assert server.held() == []
    if case.startswith("wrong"):
        assert server.state()["refused_logins"] == 1, "a refused log-in must not be tried again: accounts lock"
    if case == "other checksum":
        assert server.calls("POST", "/packages") == []


def import_fails(server: Server) -> None:
    server.set(import_failure={"message": "Object LU_ACCOUNT cannot be saved.", "after_objects": 3})


def session_expires(server: Server) -> None:
    error = {"code": "ERR009", "message": "The user's session has expired.", "ticketId": "t1"}
    server.fault("GET", "^/packages/imports/", {"kind": "status", "status": 401, "body": error}, times=None)


def upload_is_a_sign_in_page(server: Server) -> None:
    server.fault("PUT", "/binary$", {"kind": "html"}, times=None)


def proxy_refuses_the_upload(server: Server) -> None:
    page = {
        "kind": "status",
        "status": 413,
        "body": "<html><b>Request Entity Too Large</b></html>",
        "content_type": "text/html",
    }
    server.fault("PUT", "/binary$", page)


def import_starts_and_the_answer_is_lost(server: Server) -> None:
    server.fault("POST", "^/packages/imports$", {"kind": "reset", "when": "after"}, times=None)


def look_ups_break(server: Server) -> None:
    error = {"code": "ERR002", "message": "The metadata database is down."}
    server.fault("GET", "^/objects/", {"kind": "status", "status": 500, "body": error}, times=None)


def redirected_elsewhere(server: Server) -> None:
    server.fault("GET", "^/projects$", {"kind": "redirect", "location": "http://evil.example/"}, times=None)


BROKEN: list[tuple[Callable[[Server], None], list[str]]] = [
    (import_fails, ["failed: Object LU_ACCOUNT cannot be saved.", "changed 3 of 8 objects", "undo package is"]),
    (session_expires, ["ask how far the import is", "401", "ERR009", "log in again"]),
    (upload_is_a_sign_in_page, ["upload the package", "text/html", "sign-in page", "base_url"]),
    (proxy_refuses_the_upload, ["upload the package", "413", "limit"]),
    (import_starts_and_the_answer_is_lost, ["start the import", "unknown whether the package was imported"]),
    (look_ups_break, ["look up object", "500", "The metadata database is down"]),
    (redirected_elsewhere, ["redirects to http://evil.example/", "another origin"]),
]


@pytest.mark.parametrize(("breaks", "parts"), BROKEN, ids=[case[0].__name__ for case in BROKEN])
def test_broken_server(
    breaks: Callable[[Server], None], parts: list[str], server: Server, controller: Controller
) -> None:
    breaks(server)
    run = deploy(controller, server, mstr_timeout=10)
    assert_one_message(run, "environment", "MicroStrategy Tutorial", "finance.mmp", *parts)
    assert server.state()["imports_started"] <= 1
    assert server.held() == []
    if breaks is import_fails:
        (undo,) = (controller.directory / "history").rglob("undo.mmp")
        assert str(undo) in run.failures[0]
    if breaks is import_starts_and_the_answer_is_lost:
        assert run.named("Import the package if it is due")["import_outcome"] == "unknown"


def test_a_certificate_that_is_not_trusted(tls_server: Server, controller: Controller) -> None:
    run = deploy(controller, tls_server)
    assert_one_message(run, "TLS", "ca_path", "validate_certs")
    assert tls_server.log() == []
    assert deploy(controller, tls_server, mstr_validate_certs=False).code == 0


def test_a_missing_ca_file(tls_server: Server, controller: Controller) -> None:
    assert_one_message(deploy(controller, tls_server, mstr_ca_path="nowhere.pem"), "ca_path", "nowhere.pem")


def test_nothing_is_imported_when_the_history_cannot_be_written(server: Server, controller: Controller) -> None:
    (controller.directory / "history").write_text("a file is in the way", encoding="utf-8")
    run = deploy(controller, server)
    assert_one_message(run, "history_dir")
    assert server.state()["imports_started"] == 0
    assert server.held() == []


def test_an_undo_package_that_never_comes(server: Server, controller: Controller) -> None:
    server.set(undo_never=True)
    run = deploy(controller, server, mstr_undo_timeout=1)
    assert_one_message(run, "import is done", "cannot be undone", "undo_timeout")
    assert server.held() == []


def test_an_import_that_takes_too_long(server: Server, controller: Controller) -> None:
    server.set(import_duration=600)
    run = deploy(controller, server, mstr_wait_timeout=1)
    assert_one_message(run, "did not end within 1 s (wait_timeout)", "processing", "% done")
    assert run.named("Import the package if it is due")["import_outcome"] == "unknown"
    assert server.held() == []


def test_a_package_that_is_not_what_was_reviewed(server: Server, controller: Controller, tmp_path: Path) -> None:
    package = tmp_path / "finance.mmp"
    package.write_bytes((controller.packages / "finance.mmp").read_bytes())
    write = {"mstr.migration.mstr_package": {"src": str(package), "manifest": True, "project": "Demo Project"}}
    assert controller.tasks(server, [{"name": "write", **write}]).code == 0
    manifest = tmp_path / "finance.mmp.manifest.json"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"Account"', '"Something else"'), encoding="utf-8")
    run = deploy(controller, server, {"src": str(package)})
    assert_one_message(run, "manifest", "Something else", "Nothing was imported")
    assert server.state()["imports_started"] == 0
    assert server.held() == []
