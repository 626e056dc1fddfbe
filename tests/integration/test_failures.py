# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What breaks is said once, in words, and leaves nothing on the server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import API_TOKEN, PASSWORD, Controller, Run, Server, make_package

USER = {"username": "administrator", "password": PASSWORD}
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
    "no privilege to create": ({}, {"mstr_username": "viewer"}, ["preflight", "no privilege Create package"]),
    "no privilege to import": ({}, {"mstr_username": "creator"}, ["preflight", "no privilege Import package"]),
    # What the server itself says, where nobody looked before.
    "creating refused": (
        {},
        {"mstr_username": "viewer", "mstr_preflight": False},
        ["create an empty package", "403", "ERR017", "privileges"],
    ),
    "importing refused": (
        {},
        {"mstr_username": "creator", "mstr_preflight": False},
        ["start the import", "403", "ERR017", "privileges"],
    ),
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
    assert "environment" in run.failures[0] or case in ("no URL", "no checksum")
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
    (
        import_fails,
        ["package finance]", "failed: Object LU_ACCOUNT cannot be saved.", "changed 3 of 8 objects", "undo package is"],
    ),
    (session_expires, ["sk how far the import is", "not seen to end", "401", "ERR009", "log in again"]),
    (upload_is_a_sign_in_page, ["package finance", "upload the package", "text/html", "sign-in page", "base_url"]),
    (proxy_refuses_the_upload, ["package finance", "upload the package", "413", "limit"]),
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
    assert_one_message(run, "environment", "MicroStrategy Tutorial", *parts)
    assert server.state()["imports_started"] <= 1
    assert server.held() == []
    if breaks is import_fails:
        (undo,) = (controller.directory / "history").rglob("undo.mmp")
        assert str(undo) in run.failures[0]
    if breaks is import_starts_and_the_answer_is_lost:
        assert run.named("Import what is due")["import_outcome"] == "unknown"


def test_a_certificate_that_is_not_trusted(tls_server: Server, controller: Controller) -> None:
    run = deploy(controller, tls_server)
    assert_one_message(run, "TLS", "ca_path", "validate_certs")
    assert tls_server.log() == []
    assert deploy(controller, tls_server, mstr_validate_certs=False).code == 0


def test_a_missing_ca_file(tls_server: Server, controller: Controller) -> None:
    assert_one_message(deploy(controller, tls_server, mstr_ca_path="nowhere.pem"), "ca_path", "nowhere.pem")


def test_a_ca_file_that_holds_no_certificate(tls_server: Server, controller: Controller) -> None:
    (controller.directory / "empty.pem").write_text("nothing\n", encoding="utf-8")
    run = deploy(controller, tls_server, mstr_ca_path="empty.pem")
    assert_one_message(run, "ca_path", "empty.pem cannot be used", "no certificate")
    assert tls_server.log() == []


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


def test_an_import_that_takes_too_long_is_left_to_the_next_run(server: Server, controller: Controller) -> None:
    server.set(import_duration=12)
    run = deploy(controller, server, mstr_wait_timeout=1)
    message = "did not end within 1 s (wait_timeout)"
    assert_one_message(run, message, "processing", "% done", "the next run on this environment waits for it")
    assert run.named("Import what is due")["import_outcome"] == "unknown"
    assert len(server.state()["imports"]) == 1

    check = controller.deploy("--check")
    assert "left an import that goes on" in check.warnings

    # Whoever has no more patience is told how to give it up; nobody else does that.
    impatient = deploy(controller, server, mstr_wait_timeout=1)
    (session,) = controller.history.glob("*/sessions/*.json")
    assert_one_message(impatient, message, "To give it up, and its undo package, remove %s" % session)
    assert server.state()["imports_started"] == 1

    patient = deploy(controller, server)
    assert patient.code == 0, patient.output
    assert patient.changed == []
    assert "is imported now" in patient.warnings
    assert server.state()["imports_started"] == 1
    (receipt,) = controller.receipts()
    assert json.loads(receipt.read_text(encoding="utf-8"))["state"] == "imported"
    assert receipt.with_name("undo.mmp").exists()
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


def imports(controller: Controller, package: str, **options: Any) -> dict[str, Any]:
    """Return a task that imports a package in one task, named ``import``."""
    source = {"src": str(controller.packages / package), "project": "Demo Project", "history_dir": "{{ here }}/history"}
    return {"name": "import", "mstr.migration.mstr_package_import": {**source, **options}}


def answer(status: int, message: str, code: str = "ERR001", **fault: Any) -> dict[str, Any]:
    """Return a fault: an answer with an error."""
    return {"kind": "status", "status": status, "body": {"code": code, "message": message}, **fault}


@pytest.mark.parametrize("fault", [answer(500, "boom"), {"kind": "html"}, {"kind": "reset", "when": "before"}])
def test_polls_that_break_do_not_lose_the_import(fault: dict[str, Any], server: Server, controller: Controller) -> None:
    server.fault("GET", "^/packages/imports/[^/]+$", fault, times=6)
    run = controller.tasks(server, [imports(controller, "finance.mmp", retries=1)])
    assert run.named("import")["verified"], run.output
    assert run.named("import")["undo"]["size"] > 0
    assert server.held() == []


@pytest.mark.parametrize("fault", [answer(404, "no undo yet", "ERR004"), {"kind": "short", "bytes": 100}])
def test_an_undo_package_that_cannot_be_fetched_at_once_is_fetched_later(
    fault: dict[str, Any], server: Server, controller: Controller
) -> None:
    server.set(import_failure={"message": "Half-way.", "after_objects": 3})
    server.fault("GET", "/undoPackage/binary$", fault, times=2)
    run = controller.tasks(server, [imports(controller, "finance.mmp")])
    result = run.named("import")
    assert "changed 3 of 8 objects" in result["msg"]
    assert Path(result["undo"]["path"]).stat().st_size == result["undo"]["size"]


def test_an_undo_package_that_cannot_be_fetched_fails_unless_it_is_not_required(
    server: Server, controller: Controller
) -> None:
    server.fault("GET", "/undoPackage/binary$", answer(500, "boom"), times=None)
    quick = {"undo_timeout": 1, "retries": 0}
    run = controller.tasks(server, [imports(controller, "finance.mmp", **quick)])
    assert "could not be fetched" in run.named("import")["msg"]
    assert "The import is done" in run.named("import")["msg"]
    assert run.named("import")["changed"]
    run = controller.tasks(server, [imports(controller, "inc1.mmp", undo_required=False, **quick)])
    assert run.named("import")["outcome"] == "ok"
    assert "cannot be undone" in run.warnings


def test_a_failed_import_of_what_cannot_be_compared_may_have_changed_something(
    server: Server, controller: Controller
) -> None:
    server.set(import_failure={"message": "Half-way.", "after_objects": 1}, undo_delay=0.5)
    run = controller.tasks(server, [imports(controller, "project_security.mmp")])
    result = run.named("import")
    assert "cannot be compared is unknown" in result["msg"]
    assert result["changed"]
    assert Path(result["undo"]["path"]).exists()


def test_a_call_that_is_not_there_is_no_missing_object(server: Server, controller: Controller) -> None:
    server.fault("GET", "^/objects/", answer(404, "HTTP 404 Not Found", "ERR004"), times=None)
    run = controller.tasks(server, [imports(controller, "finance.mmp")])
    assert "does not have this call" in run.named("import")["msg"]
    assert server.state()["imports_started"] == 0


def test_a_refusal_after_which_the_server_acts_leaves_the_outcome_unknown(
    server: Server, controller: Controller
) -> None:
    server.fault("POST", "^/packages/imports$", answer(408, "Request time-out", act=True))
    run = controller.tasks(server, [imports(controller, "finance.mmp")])
    assert run.named("import")["import_outcome"] == "unknown"
    assert server.state()["imports_started"] == 1


def test_an_import_that_cannot_be_verified_is_done_all_the_same(server: Server, controller: Controller) -> None:
    server.fault("GET", "^/objects/", answer(500, "boom"), skip=8, times=None)
    run = controller.tasks(server, [imports(controller, "finance.mmp", retries=0)])
    result = run.named("import")
    assert "The import is done, and was not verified. Its undo package is" in result["msg"]
    assert result["changed"]
    assert Path(result["undo"]["path"]).exists()
    assert Path(result["receipt"]).exists()


def test_a_message_that_repeats_the_token_does_not_show_it(server: Server, controller: Controller) -> None:
    session = controller.directory / "session.json"
    login = {"name": "login", "mstr.migration.mstr_session": {"session_file": str(session)}}
    controller.tasks(server, [login])
    token = json.loads(session.read_text(encoding="utf-8"))["token"]
    server.fault("GET", "^/projects$", answer(400, "bad token %s" % token), times=None)
    run = controller.tasks(server, [imports(controller, "finance.mmp", session_file=str(session))])
    assert "bad token" in run.named("import")["msg"]
    assert token not in run.output


@pytest.mark.parametrize("secret", ["the session's token", "the API token"])
def test_a_name_that_repeats_a_secret_does_not_show_it(secret: str, server: Server, controller: Controller) -> None:
    """Names of objects are in results without being a part of a message."""
    options: dict[str, Any] = {"session_file": str(controller.directory / "session.json")}
    if secret == "the session's token":
        login = {"name": "login", "mstr.migration.mstr_session": options}
        controller.tasks(server, [login])
        name = json.loads(Path(options["session_file"]).read_text(encoding="utf-8"))["token"]
    else:
        # Ansible knows it with the line break.
        options = {"username": None, "password": None, "api_token": API_TOKEN + "\n"}
        name = API_TOKEN
    package = make_package(controller.directory / "odd.mmp", {"name": name, "type": 12})
    run = controller.tasks(server, [imports(controller, str(package), **options)], "--check", "--diff")
    assert run.code == 0, run.output
    assert [change["effect"] for change in run.named("import")["plan"]["changes"]] == ["create"]
    assert name not in run.output


@pytest.mark.parametrize("option", ["password", "api_token"])
@pytest.mark.parametrize("in_session", [False, True], ids=["logged in", "with a session file"])
def test_a_receipt_does_not_hold_credentials_that_a_message_repeats(
    option: str, in_session: bool, server: Server, controller: Controller
) -> None:
    secret = API_TOKEN if option == "api_token" else "two words, said by %s" % PASSWORD
    options: dict[str, Any] = {"username": None, "password": None, option: secret}
    if in_session:
        # The role gives its tasks both.
        options["session_file"] = str(controller.directory / "session.json")
        controller.tasks(server, [{"name": "log in", "mstr.migration.mstr_session": {**options, option: None, **USER}}])
    elif option == "password":
        options, secret = {}, PASSWORD
    server.set(import_failure={"message": "no, %s" % secret, "after_objects": 1})
    controller.tasks(server, [imports(controller, "finance.mmp", **options)])
    (path,) = controller.receipts()
    text = path.read_text(encoding="utf-8")
    assert "no, " in json.loads(text)["message"]
    assert secret not in text


@pytest.mark.parametrize("how", ["failed", "interrupted"])
def test_a_receipt_does_not_hold_the_token_that_a_message_repeats(
    how: str, server: Server, controller: Controller
) -> None:
    """Ansible blanks secrets in what it prints, and in no file."""
    options: dict[str, Any] = {"poll_interval": 0.1}
    if how == "failed":
        session = controller.directory / "session.json"
        controller.tasks(server, [{"name": "login", "mstr.migration.mstr_session": {"session_file": str(session)}}])
        token = json.loads(session.read_text(encoding="utf-8"))["token"]
        server.set(import_failure={"message": "no, token %s" % token, "after_objects": 1})
        options["session_file"] = str(session)
    else:
        server.fault("GET", "^/packages/imports/[^/]+$", answer(401, "no, token {token}"), times=None)
    controller.tasks(server, [imports(controller, "finance.mmp", **options)])
    (path,) = controller.receipts()
    receipt = json.loads(path.read_text(encoding="utf-8"))
    assert receipt["state"] == how
    assert "no, token " in receipt["message"]
    assert not [secret for secret in server.secrets() if secret in path.read_text(encoding="utf-8")]
