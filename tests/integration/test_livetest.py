# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The suite for real servers, run against the server double as three versions of the server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from harness import PASSWORD, TUTORIAL, Controller, Server, object_id, running_server
from test_info import LACKING
from warm_modules import COLLECTIONS, ROOT

PROGRAM = ROOT / "tests" / "live" / "livetest.py"
# What servers are known to do otherwise than the double by default, all at once.
OTHERWISE = {
    "release": "2024",
    "calls": {"GET /configurations/repository": False, "GET /iserver/lock": False, "POST /changeJournal": True},
    "status_case": "upper",
    "missing_object": "500",
    "wrap_errors": True,
    "error_codes": "prefixed",
    "missing_prefer": "ERR006",
    "privileges_shape": "list",
    "session_cookie_needed": False,
    "session_timeout": 600,
    "unknown_method": "404",
    "undo_length": False,
    "undo_delay": 0.3,
    "upload_processing": 0.1,
    "delete_duration": 0.2,
    "import_duration": 0.4,
    "list_dependents": False,
    "missing_content": "refuse",
    "unlock_status": 204,
}


@dataclass
class LiveRun:
    """What a run of the suite came to."""

    code: int
    output: str
    directory: Path

    @property
    def report(self) -> dict[str, Any]:
        return dict(json.loads((self.directory / "report.json").read_text(encoding="utf-8")))

    def answer(self, name: str) -> str | None:
        return {point["name"]: point["answer"] for point in self.report["points"]}[name]

    def verdicts(self, verdict: str) -> set[str]:
        return {point["name"] for point in self.report["points"] if point["verdict"] == verdict}

    @property
    def last_line(self) -> str:
        return self.output.splitlines()[-1]


def livetest(server: Server, directory: Path, *arguments: str, **environment: str) -> LiveRun:
    """Run the suite against a server, as administrator unless the environment says something else."""
    basis = {
        "PATH": os.defpath,
        "HOME": str(directory),
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(COLLECTIONS),
        "MSTR_BASE_URL": server.base_url,
        "MSTR_USERNAME": "administrator",
        "MSTR_PASSWORD": PASSWORD,
    }
    run = subprocess.run(
        [sys.executable, str(PROGRAM), "--directory", str(directory), *arguments],
        env={**basis, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in run.stdout, run.stdout
    return LiveRun(run.returncode, run.stdout, directory)


@pytest.fixture
def writing(controller: Controller) -> dict[str, str]:
    """What allows the suite to write."""
    return {"LIVETEST_PROJECT": "MicroStrategy Tutorial", "LIVETEST_PACKAGE": str(controller.packages / "finance.mmp")}


@pytest.mark.parametrize("release", LACKING)
def test_what_a_version_lacks(release: str, server: Server, tmp_path: Path) -> None:
    """The report is right about it, and nothing was changed for it."""
    server.set(release=release)
    objects = server.objects()
    tested = livetest(server, tmp_path)
    assert tested.code == 0, tested.output
    assert tested.last_line.startswith("Nothing differs from what the collection relies on")
    report = tested.report
    assert report["allowed"] == "read"
    assert report["server"]["iserver_version"] == server._call("GET", "/settings")["iserver_version"]
    assert {name for name, there in report["calls"].items() if there is False} == LACKING[release]
    assert None not in report["calls"].values()
    python = "accepted" if release == "2026" else "refused for constraint violations"
    assert tested.answer("python_application") == python
    old = release == "2021-update-2"
    assert tested.answer("metadata") == (None if old else "yes")
    assert tested.answer("project_lock") == (None if old else "not_locked")
    assert tested.answer("cache_path") == ("neither" if old else "caches")
    assert tested.verdicts("DIFFERS") == tested.verdicts("copes with it") == set()
    # All that needs an import is left, and nothing else but what this version has no answer to.
    left = tested.verdicts("not asked")
    assert {"import_ended", "undone"} < left
    assert left & {"metadata", "metadata_stays", "project_lock", "missing_object", "nodes", "clock"} == (
        {"metadata", "metadata_stays", "project_lock"} if old else set()
    )
    assert (server.held(), server.objects()) == ([], objects)
    changing = {(call["method"], call["path"]) for call in server.log() if call["method"] != "GET"}
    assert changing == {("POST", "/auth/login"), ("POST", "/auth/logout"), ("PUT", "/sessions")}


def test_the_example_of_the_page(server: Server, tmp_path: Path) -> None:
    server.set(release="2021-update-2", missing_object="500")
    livetest(server, tmp_path)
    written = (tmp_path / "report.md").read_text(encoding="utf-8").splitlines()
    page = (ROOT / "docs" / "livetest.md").read_text(encoding="utf-8")
    example = page.split("```text\n")[1].split("```")[0].splitlines()
    assert len(example) > 10
    assert [line for line in example if line not in written] == []


def test_with_writing_allowed(server: Server, tmp_path: Path, writing: dict[str, str]) -> None:
    objects = server.objects()
    tested = livetest(server, tmp_path, **writing)
    assert tested.code == 0, tested.output
    assert tested.verdicts("not asked") == set()
    assert tested.verdicts("noted") == {"idle_limit", "definitions", "import_progress"}
    assert server.state()["imports_started"] == 2
    assert (server.held(), server.objects()) == ([], objects)
    assert not (tmp_path / "undo.mmp").exists()


def test_a_seed_makes_the_double_answer_as_the_server_did(
    server: Server, tmp_path: Path, writing: dict[str, str]
) -> None:
    server.set(**OTHERWISE)
    seed = tmp_path / "seed.json"
    one = livetest(server, tmp_path / "one", "--save", str(seed), **writing)
    assert one.code == 0, one.output
    assert one.answer("missing_object") == "500 ERR002 -2147216373"
    assert {"missing_object", "upload", "undo_made"} <= one.verdicts("copes with it")
    with running_server("--seed", str(seed)) as again:
        other = livetest(again, tmp_path / "other", **writing)
    assert other.report == one.report
    # Otherwise than by default in all that was set, so that the comparison shows something.
    usual = livetest(server_as_new(server), tmp_path / "usual", **writing)
    differing = {
        name for name in one.verdicts("noted") | one.verdicts("copes with it") if one.answer(name) != usual.answer(name)
    }
    assert differing == {
        "cookies_needed", "dependents", "error_codes", "error_form", "idle_limit", "import_progress", "missing_content",
        "missing_object", "missing_configuration_object", "prefer_missing", "privileges", "python_application",
        "released_is_gone",
        "status_words", "undo_length", "undo_made", "unknown_method", "unlock",
        "upload",
    }  # fmt: skip


def server_as_new(server: Server) -> Server:
    server.reset()
    return server


def test_reports_name_nothing_of_the_server(server: Server, tmp_path: Path, writing: dict[str, str]) -> None:
    server._call("PUT", "/nodes", [{"name": "secretnode"}])
    server.fault(
        "GET", "^/objects/0000", {"kind": "status", "status": 500, "body": {"message": "at Tutorial"}}, times=9
    )
    tested = livetest(server, tmp_path, "--save", str(tmp_path / "seed.json"), **writing)
    assert "missing_object" in tested.report["differing"]
    written = "".join((tmp_path / name).read_text() for name in ("report.json", "report.md", "seed.json")).lower()
    rows = [row for scope in (TUTORIAL, "configuration") for row in server.objects(scope).values()]
    named = ["127.0.0.1", PASSWORD, "administrator", "tutorial", "demo project", "secretnode", str(tmp_path)]
    named += [row["id"] for row in rows] + [TUTORIAL, server.base_url.rsplit(":", 1)[1].split("/")[0]]
    named += [row["name"] for row in rows if len(row["name"]) > 8] + server.secrets()
    assert [name for name in named if name.lower() in written] == []


@pytest.mark.parametrize(
    ("point", "fault"),
    [
        (
            "log_out_ends",
            ("POST", "^/auth/logout", {"kind": "status", "status": 204, "content_type": "application/json"}),
        ),
        ("missing_object", ("GET", "^/objects/0000", {"kind": "status", "status": 500, "body": {"code": "ERR001"}})),
        ("projects", ("GET", "^/projects$", {"kind": "json", "replace": [{"id": TUTORIAL}]})),
        ("metadata_stays", ("GET", "^/configurations/", {"kind": "json", "merge": {"id": "another"}})),
    ],
)
def test_what_differs_is_said_in_the_last_line(
    point: str, fault: tuple[str, str, dict[str, Any]], server: Server, tmp_path: Path
) -> None:
    method, path, what = fault
    # The second of two answers is another one where the point is that they are the same.
    server.fault(method, path, what, times=1 if point == "metadata_stays" else None)
    tested = livetest(server, tmp_path)
    assert tested.code == 1, tested.output
    assert tested.last_line.startswith("DIFFERS from what the collection relies on: ")
    assert point in tested.report["differing"]
    assert point in tested.last_line
    assert (tmp_path / "verdict").read_text().strip() == tested.last_line


def test_a_call_that_is_needed_and_not_there(server: Server, tmp_path: Path) -> None:
    server.set(release="2021-update-2", iserver_version="11.3.0100.1")
    tested = livetest(server, tmp_path)
    assert tested.code == 1
    assert {"call packages", "call imports", "call package_upload", "call undo_packages"} == set(
        tested.report["differing"]
    )


def test_an_import_that_leaves_objects_as_they_are_is_taken_back_all_the_same(
    server: Server, tmp_path: Path, writing: dict[str, str]
) -> None:
    objects = server.objects()
    server.set(reversion_types=[12])
    assert livetest(server, tmp_path, **writing).answer("new_versions") == "no"
    server.set(reversion_types=[], ignore_objects=[object_id("Account")])
    tested = livetest(server, tmp_path, **writing)
    assert (tested.code, tested.report["differing"]) == (1, ["as_planned"])
    assert server.objects() == objects


def test_what_cannot_be_taken_back_is_said(server: Server, tmp_path: Path, writing: dict[str, str]) -> None:
    # The import of the undo package, the second one, fails.
    server.fault("POST", "^/packages/imports", {"kind": "status", "status": 500}, skip=1)
    tested = livetest(server, tmp_path, **writing)
    assert tested.code == 2
    assert "was not taken back. Its undo package is %s." % (tmp_path / "undo.mmp") in tested.output
    assert tested.last_line.startswith("Not all was tested")
    assert (tmp_path / "undo.mmp").stat().st_mode & 0o777 == 0o600
    # Nothing is imported over that.
    again = livetest(server, tmp_path, **writing)
    assert again.code == 2
    assert "is of an earlier run" in again.output
    assert server.state()["imports_started"] == 1
    assert server.held() == []


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "cut", "bytes": 100},
        {"kind": "body", "json": {"code": "ERR001"}, "content_type": "application/octet-stream"},
        {"kind": "status", "status": 404, "body": {"code": "ERR004"}},
    ],
    ids=lambda fault: fault["kind"],
)
def test_an_undo_package_that_came_broken_is_asked_for_again(
    fault: dict[str, Any], server: Server, tmp_path: Path, writing: dict[str, str]
) -> None:
    objects = server.objects()
    server.fault("GET", "^/packages/imports/.*/undoPackage/binary", fault)
    tested = livetest(server, tmp_path, **writing)
    assert tested.answer("undone") == "yes", tested.output
    assert (tested.code, server.objects()) == (0, objects)


@pytest.mark.parametrize(("method", "when"), [("POST", "after"), ("DELETE", "before")])
def test_a_schema_that_may_be_locked_is_said(
    method: str, when: str, server: Server, tmp_path: Path, writing: dict[str, str]
) -> None:
    server.fault(method, "^/model/schema/lock", {"kind": "reset", "when": when})
    tested = livetest(server, tmp_path, **writing)
    assert tested.code == 2
    assert "The schema of LIVETEST_PROJECT may be locked" in tested.output


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"MSTR_BASE_URL": ""}, "base_url: say where the server is"),
        ({"MSTR_PASSWORD": "wrong"}, "401"),
        ({"LIVETEST_PROJECT": "MicroStrategy Tutorial"}, "give both"),
        ({"LIVETEST_PROJECT": "No such", "LIVETEST_PACKAGE": str(PROGRAM)}, "there is no project No such"),
        ({"LIVETEST_PROJECT": TUTORIAL, "LIVETEST_PACKAGE": "/no/such"}, "LIVETEST_PACKAGE"),
        ({"LIVETEST_PROJECT": TUTORIAL, "LIVETEST_PACKAGE": str(PROGRAM), "LIVETEST_TIMEOUT": "x"}, "LIVETEST_TIMEOUT"),
        ({"MSTR_API_TOKEN": "t"}, "api_token"),
    ],
)
def test_what_it_cannot_begin_with(environment: dict[str, str], says: str, server: Server, tmp_path: Path) -> None:
    tested = livetest(server, tmp_path, **environment)
    assert tested.code == 2
    assert says in tested.output
    assert tested.last_line == "Nothing was tested."
    # Accounts lock.
    assert server.state()["refused_logins"] == ("401" in says)
    assert server.held() == []
