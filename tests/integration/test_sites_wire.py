# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lies between the modules and the server on real sites: limits, interim answers, proxies, lost cookies."""

from __future__ import annotations

import re
import signal
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from harness import Controller, Server, make_package
from processes import result_of, start_module, until

PREFIX = "mstr.migration."
PROJECT = "MicroStrategy Tutorial"


def task(module: str, **options: Any) -> dict[str, Any]:
    """Return a task named as its module."""
    return {"name": module, PREFIX + module: options}


def plan(package: Path, **options: Any) -> dict[str, Any]:
    """Return a task that plans a package for a project."""
    return task("mstr_package_plan", packages=[{"name": "many", "src": str(package)}], project=PROJECT, **options)


def imports(controller: Controller, package: str = "finance", **options: Any) -> dict[str, Any]:
    """Return a task that imports a sample package in one task."""
    source = {"src": str(controller.packages / (package + ".mmp")), "project": PROJECT}
    return task("mstr_package_import", history_dir="{{ here }}/history", **source, **options)


@pytest.fixture(name="many")
def package_of_many_objects(tmp_path: Path) -> Path:
    """A package of 40 objects."""
    rows = [{"name": "Metric %d" % number, "type": 4, "action": "replace"} for number in range(40)]
    return make_package(tmp_path / "many.mmp", *rows)


LIMITS = {
    "429": {"retry_after": False},
    "429 with Retry-After": {},
    "429 page": {"retry_after": False, "page": True},
    "503 with Retry-After": {"status": 503, "page": True},
}


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
def test_a_plan_keeps_to_a_limit_of_look_ups(
    limit: dict[str, Any], many: Path, server: Server, controller: Controller
) -> None:
    server.set(rate_limit={"per_second": 10, "path": "^/objects/", **limit})
    # Sixteen look-ups at once, of which each would be refused more often than it is tried again.
    run = controller.tasks(server, [plan(many, retries=1, timeout=10)])
    assert run.code == 0, run.output
    assert run.named("mstr_package_plan")["packages"][0]["summary"]["create"] == 40
    statuses = [call["status"] for call in server.calls("GET", "/objects/")]
    assert statuses.count(404) == 40
    assert 0 < len(statuses) - 40 < 60
    assert server.held() == []


def test_a_limit_that_lets_nothing_through_is_named(many: Path, server: Server, controller: Controller) -> None:
    server.set(rate_limit={"per_second": 0, "path": "^/objects/"})
    before = time.monotonic()
    run = controller.tasks(server, [plan(many, retries=0, timeout=2)])
    assert 2 < time.monotonic() - before < 20
    message = run.named("mstr_package_plan")["msg"]
    for part in ("look up object", "429: API rate limit exceeded", "Retry-After: 1", "RateLimit-Limit: 0", "timeout"):
        assert part in message
    assert "base_url" not in message
    assert server.held() == []


def test_a_task_that_keeps_to_a_limit_can_be_stopped(many: Path, server: Server, controller: Controller) -> None:
    server.set(rate_limit={"per_second": 0, "path": "^/objects/"})
    options = {"packages": [{"name": "many", "src": str(many)}], "project": PROJECT, "timeout": 60}
    process = start_module(controller, server, "mstr_package_plan", **options)
    until(lambda: server.calls("GET", "/objects/"), "the look-ups")
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    sent = time.monotonic()
    assert "Stopped by SIGTERM" in result_of(process)["msg"]
    assert time.monotonic() - sent < 40
    assert server.held() == []
    asked = len(server.log())
    time.sleep(1.5)
    assert len(server.log()) == asked


@pytest.mark.parametrize("path", ["^/auth/login$", "/binary$", "^/packages/imports$", "^/packages/imports/[^/]+$", ""])
def test_any_call_may_be_refused_for_a_while(path: str, server: Server, controller: Controller) -> None:
    page = {"kind": "status", "status": 429, "body": "<html>Slow down</html>", "content_type": "text/html"}
    server.fault("*", path, page, times=5)
    run = controller.tasks(server, [imports(controller, retries=1)])
    result = run.named("mstr_package_import")
    assert result["verified"], run.output
    assert result["undo"]["size"] > 0
    assert server.state()["imports_started"] == 1
    assert server.held() == []


@pytest.mark.parametrize("status", [102, 103])
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_interim_answers_before_all_others(
    tls: bool, status: int, server: Server, tls_server: Server, ca_file: Path, controller: Controller
) -> None:
    used, options = (tls_server, {"ca_path": str(ca_file)}) if tls else (server, {})
    used.fault("*", "", {"kind": "interim", "status": status, "count": 2}, times=None)
    run = controller.tasks(used, [imports(controller)], **options)
    result = run.named("mstr_package_import")
    assert result["verified"], run.output
    assert Path(result["undo"]["path"]).stat().st_size == result["undo"]["size"] > 0
    assert used.held() == []


def test_interim_answers_show_that_the_server_is_at_work(server: Server, controller: Controller) -> None:
    # Longer than the time limit in all, and never silent for as long.
    server.fault("POST", "^/packages/imports$", {"kind": "interim", "status": 102, "count": 6, "seconds": 0.5})
    run = controller.tasks(server, [imports(controller, timeout=2)])
    assert run.named("mstr_package_import")["verified"], run.output
    assert server.state()["imports_started"] == 1


def test_the_log_in_asks_for_messages_in_english(server: Server, controller: Controller) -> None:
    controller.tasks(server, [imports(controller)])
    assert [call["messages_locale"] for call in server.calls("POST", "/auth/login")] == ["en_us"]


def test_a_server_that_does_not_know_the_language_field(server: Server, controller: Controller) -> None:
    refusal = {"kind": "status", "status": 400, "body": {"code": "ERR006", "message": "Unrecognized field"}}
    server.fault("POST", "^/auth/login$", refusal)
    run = controller.tasks(server, [imports(controller)])
    assert run.code == 0, run.output
    assert [call.get("messages_locale") for call in server.calls("POST", "/auth/login")] == [None, None]
    assert server.state()["logins"] == 1
    assert server.state()["refused_logins"] == 0


ATTRIBUTES = {
    "Secure": ("Secure", ["marked Secure", "https in base_url"]),
    "Domain": ("Domain=other.example", ["Domain=other.example", "127.0.0.1"]),
    "Path": ("Path=/other", ["Path=/other", "/MicroStrategyLibrary"]),
    "Expires": ("Expires=" + formatdate(time.time() - 60, usegmt=True), ["Expires has passed", r"72\d\d s ahead"]),
}


@pytest.mark.parametrize(("attributes", "words"), ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_a_session_cookie_that_does_not_come_back(
    attributes: str, words: list[str], server: Server, controller: Controller
) -> None:
    server.set(session_cookie_attributes=attributes, clock_offset=-7200)
    session = controller.directory / "session.json"
    run = controller.tasks(server, [task("mstr_session", session_file=str(session)), imports(controller)])
    for name in ("mstr_session", "mstr_package_import"):
        result = run.named(name)
        assert result["failed"]
        for part in ("log in", "JSESSIONID", "The session was closed", *words):
            assert re.search(part, result["msg"])
    assert not any(secret in run.output for secret in server.secrets())
    assert not session.exists()
    assert server.state()["logins"] == server.state()["logouts"] == 2
    assert server.held() == []


def test_a_cookie_that_nobody_needs_does_not_matter(server: Server, controller: Controller) -> None:
    server.set(balancer_cookies=["TRACK=1; Secure", "OLD=x; Max-Age=0", "ADS=2; Domain=ads.example"])
    run = controller.tasks(server, [imports(controller)])
    assert run.code == 0, run.output
    assert len(server.calls("PUT", "/sessions")) == 1
    assert server.held() == []


def test_a_session_that_was_never_accepted_is_left_behind(server: Server, controller: Controller) -> None:
    error = {"code": "ERR009", "message": "The user's session has expired.", "ticketId": "t1"}
    server.fault("*", "^/(?!auth/login|status)", {"kind": "status", "status": 401, "body": error}, times=None)
    run = controller.tasks(server, [imports(controller)])
    result = run.named("mstr_package_import")
    (left,) = result["left_behind"]
    assert left.startswith("the session, until the server ends it")
    assert "Left behind: the session" in result["msg"]
    assert len(server.state()["sessions"]) == 1


def test_a_session_that_worked_and_is_gone_is_not_left_behind(server: Server, controller: Controller) -> None:
    server.fault("POST", "^/packages$", {"kind": "expire"})
    run = controller.tasks(server, [imports(controller)])
    result = run.named("mstr_package_import")
    assert "401" in result["msg"]
    assert result["left_behind"] == []


PROXIES = {
    "a # in the password": "http://user:12#s3cr3t@127.0.0.1:9",
    "a / in the password": "http://user:s3cr3t/1@127.0.0.1:9",
    "a bad port": "http://user:s3cr3t@127.0.0.1:port",
    "nobody there": "http://user:s3cr3t@127.0.0.1:9",
}


@pytest.mark.parametrize("value", PROXIES.values(), ids=PROXIES)
def test_the_password_of_a_proxy_is_in_no_output(value: str, server: Server, controller: Controller) -> None:
    controller.environment["http_proxy"] = value
    run = controller.tasks(server, [imports(controller, retries=0)])
    result = run.named("mstr_package_import")
    assert result["failed"]
    assert "http_proxy" in result["msg"]
    assert "s3cr3t" not in run.output
    assert "user:" not in run.output.replace("user:password@", "")
    assert ("127.0.0.1:9 " in result["msg"]) is (value == PROXIES["nobody there"])
    assert server.log() == []
