# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vendor's pages "Import a migration package" and "Create a migration package", step by step.

Sent with curl, as their sample commands are: same methods, paths, queries, headers. What the pages show is compared by
value, ids and tokens by their form. Where there is no curl, requests stands in for it (the header of the run says so).
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from double_client import ADMINISTRATOR, DEMO, TUTORIAL, YEAR, Double, plain_session

ID = re.compile(r"[A-Za-z0-9+/]+=\Z")
JSON_TYPE = "Content-Type: application/json"
PREFER = "Prefer: respond-async"

# From the sample answers of the two pages.
SETTINGS = {
    "updateSchema": ["recal_table_logical_size", "recal_table_keys_fact_entry_level"],
    "aclOnReplacingObjects": "use_existing",
    "aclOnNewObjects": ["keep_acl_as_source_object"],
    "defaultAction": "replace",
}
YEAR_SHOWN = {
    "id": YEAR,
    "name": "Year",
    "version": "2215B50211EB7C9D8F150080EF651EEA",
    "type": 12,
    "owner": {"id": ADMINISTRATOR},
    "dateCreated": "2001-01-02T20:48:10.000+0000",
    "dateModified": "2021-03-04T03:53:09.000+0000",
    "action": "replace",
    "level": "project_object",
}


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Curl:
    """curl with a cookie jar: the page on authentication says that cookies have to be sent back."""

    def __init__(self, double: Double, directory: Path, project: str | None) -> None:
        self.api = double.api
        self._directory = directory
        self._jar = directory / "cookies"
        self._project = project
        self._token: str | None = None
        self._requests = None if shutil.which("curl") else plain_session()

    def send(self, method: str, path: str, *headers: str, form: Path | None = None, data: str | None = None) -> Answer:
        """One call as the pages' sample commands make it, with the two headers that all of them carry."""
        sent = list(headers)
        if self._project is not None:
            sent.append(f"X-MSTR-ProjectID: {self._project}")
        if self._token is not None:
            sent.append(f"X-MSTR-AuthToken: {self._token}")
        if self._requests is not None:
            return self._send_with_requests(method, path, sent, form, data)
        head, body = self._directory / "head", self._directory / "body"
        body.write_bytes(b"")
        arguments = ["curl", "-sS", "--noproxy", "*", "-X", method, self.api + path]
        for header in sent:
            arguments += ["-H", header]
        if form is not None:
            arguments += ["-F", f'file=@"{form}"']
        if data is not None:
            arguments += ["--data-raw", data]
        arguments += ["-b", str(self._jar), "-c", str(self._jar), "-D", str(head), "-o", str(body)]
        subprocess.run(arguments, check=True, timeout=30)
        # Only the last block: a large upload is answered with "100 Continue" first.
        lines = re.split(r"\r?\n", head.read_text("ascii").strip()).copy()
        last = max(number for number, line in enumerate(lines) if line.startswith("HTTP/"))
        pairs = [line.partition(":") for line in lines[last + 1 :] if line]
        return Answer(
            int(lines[last].split()[1]),
            {name.lower(): value.strip() for name, _colon, value in pairs},
            body.read_bytes(),
        )

    def _send_with_requests(
        self, method: str, path: str, headers: list[str], form: Path | None, data: str | None
    ) -> Answer:
        assert self._requests is not None
        response = self._requests.request(
            method,
            self.api + path,
            headers={name: value.strip() for name, _colon, value in (header.partition(":") for header in headers)},
            files=None if form is None else {"file": (form.name, form.read_bytes())},
            data=data,
            timeout=30,
        )
        lowered = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, lowered, response.content)

    def login(self) -> Answer:
        answer = self.send(
            "POST",
            "/auth/login",
            JSON_TYPE,
            data=json.dumps({"username": "administrator", "password": "library-demo", "loginMode": 1}),
        )
        self._token = answer.headers.get("x-mstr-authtoken")
        return answer

    def forget_cookies(self) -> None:
        self._jar.unlink(missing_ok=True)
        if self._requests is not None:
            self._requests.cookies.clear()


@pytest.fixture(name="double")
def words_of_the_pages(double: Double) -> Double:
    """The pages show status words in upper case. Live servers answer in lower case, as the double does by itself."""
    double.settings(status_case="upper")
    return double


@pytest.fixture(name="curl")
def logged_in(double: Double, tmp_path: Path) -> Curl:
    curl = Curl(double, tmp_path, DEMO)
    assert curl.login().status == 204
    return curl


def check_id(process_id: str, project: str) -> None:
    """The ids of the samples are base64, end in ``=`` and name the project."""
    assert ID.match(process_id)
    assert re.fullmatch(project + ":[0-9A-F]{32}", base64.b64decode(process_id).decode())


def create(curl: Curl, project: str = DEMO) -> str:
    answer = curl.send("POST", "/packages")
    assert answer.status == 201
    package = answer.json()
    check_id(package["id"], project)
    assert package == {"id": package["id"], "status": "EMPTY"}
    return str(package["id"])


def upload(curl: Curl, package_id: str, file: Path) -> None:
    answer = curl.send("PUT", f"/packages/{package_id}/binary", form=file)
    assert (answer.status, answer.json()) == (200, {"id": package_id, "status": "READY"})


def start_import(curl: Curl, package_id: str, generate_undo: str) -> str:
    answer = curl.send(
        "POST", f"/packages/imports?packageId={package_id}&generateUndo={generate_undo}", JSON_TYPE, PREFER
    )
    assert answer.status == 202
    started = answer.json()
    check_id(started["id"], DEMO)
    assert started == {
        "id": started["id"], "status": "PROCESSING", "undoPackageCreated": False, "progress": 0.0
    }  # fmt: skip
    return str(started["id"])


def wait_for_import(curl: Curl, import_id: str) -> Any:
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        answer = curl.send("GET", f"/packages/imports/{import_id}", JSON_TYPE)
        assert answer.status == 200
        if answer.json()["status"] != "PROCESSING":
            return answer.json()
        time.sleep(0.01)
    raise AssertionError("The import did not end.")


def delete_package(curl: Curl, package_id: str) -> None:
    answer = curl.send("DELETE", f"/packages/{package_id}", JSON_TYPE, PREFER)
    assert (answer.status, answer.json()) == (202, {"id": package_id, "status": "DELETING"})


def test_import_a_project_package(curl: Curl, double: Double, samples: Path) -> None:
    package_id = create(curl)
    upload(curl, package_id, samples / "year.mmp")

    answer = curl.send("GET", f"/packages/{package_id}?showContent=true", JSON_TYPE)
    assert answer.status == 200
    assert answer.json() == {"id": package_id, "status": "READY", "settings": SETTINGS, "content": [YEAR_SHOWN]}

    import_id = start_import(curl, package_id, "true")
    assert wait_for_import(curl, import_id) == {
        "id": import_id, "status": "IMPORTED", "undoPackageCreated": True, "progress": 100.0
    }  # fmt: skip
    assert double.objects()[YEAR]["version"] == YEAR_SHOWN["version"]

    # The page's sample command sends a form along, though the call takes none.
    answer = curl.send("GET", f"/packages/imports/{import_id}/undoPackage/binary", JSON_TYPE, form=samples / "year.mmp")
    assert answer.status == 200
    assert len(answer.body) == int(answer.headers["content-length"]) > 0

    answer = curl.send("DELETE", f"/packages/imports/{import_id}", JSON_TYPE, PREFER)
    assert (answer.status, answer.body) == (202, b"")
    delete_package(curl, package_id)
    assert double.state()["packages"] == double.state()["imports"] == []


def test_import_without_undo_package(curl: Curl, double: Double, samples: Path) -> None:
    package_id = create(curl)
    upload(curl, package_id, samples / "keep_both.mmp")
    import_id = start_import(curl, package_id, "false")
    assert wait_for_import(curl, import_id) == {
        "id": import_id, "status": "IMPORTED", "undoPackageCreated": False, "progress": 100.0
    }  # fmt: skip
    assert curl.send("GET", f"/packages/imports/{import_id}/undoPackage/binary", JSON_TYPE).status == 404


def test_undo_package_takes_the_import_back(curl: Curl, double: Double, samples: Path, tmp_path: Path) -> None:
    before = double.objects()
    package_id = create(curl)
    upload(curl, package_id, samples / "year.mmp")
    import_id = start_import(curl, package_id, "true")
    wait_for_import(curl, import_id)
    undo = tmp_path / "undo.mmp"
    undo.write_bytes(curl.send("GET", f"/packages/imports/{import_id}/undoPackage/binary", JSON_TYPE).body)
    assert double.objects() != before
    delete_package(curl, package_id)

    package_id = create(curl)
    upload(curl, package_id, undo)
    wait_for_import(curl, start_import(curl, package_id, "false"))
    assert double.objects() == before


def test_login_sets_the_cookies_that_later_calls_need(double: Double, tmp_path: Path) -> None:
    curl = Curl(double, tmp_path, DEMO)
    answer = curl.login()
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["x-mstr-authtoken"]
    assert curl.send("GET", "/sessions").status == 200
    curl.forget_cookies()
    answer = curl.send("GET", "/sessions")
    assert (answer.status, answer.json()["code"]) == (401, "ERR009")


def test_projects_give_the_ids_of_the_page(curl: Curl) -> None:
    answer = curl.send("GET", "/projects")
    assert answer.status == 200
    assert {row["name"]: row["id"] for row in answer.json()} == {
        "MicroStrategy Tutorial": TUTORIAL,
        "Demo Project": DEMO,
    }


# The request bodies of the page "Create a migration package".
PROJECT_BODY = {
    "type": "project",
    "settings": SETTINGS,
    "content": [{"id": YEAR, "name": "Year", "type": 12, "action": "replace", "includeDependents": True}],
}
CONFIGURATION_BODY = {
    "type": "configuration",
    "settings": {**SETTINGS, "updateSchema": None},
    "content": [
        {"id": ADMINISTRATOR, "name": "Administrator", "type": 34, "action": "replace", "includeDependents": True}
    ],
}
SECURITY_BODY = {
    "type": "project_security",
    "settings": {**SETTINGS, "updateSchema": None, "aclOnReplacingObjects": None},
    "content": [
        {"id": ADMINISTRATOR, "name": "Administrator", "type": 34, "action": "replace", "includeDependents": False}
    ],
}


def build(curl: Curl, package_id: str, body: dict[str, Any]) -> Any:
    """Define a package, wait until it is ready. :returns: its definition"""
    answer = curl.send("PUT", f"/packages/{package_id}", JSON_TYPE, PREFER, data=json.dumps(body))
    assert (answer.status, answer.json()) == (202, {"id": package_id, "status": "PROCESSING"})
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        answer = curl.send("GET", f"/packages/{package_id}?showContent=true", JSON_TYPE)
        assert answer.status == 200
        if answer.json()["status"] == "READY":
            return answer.json()
        assert answer.json()["status"] == "PROCESSING"
    raise AssertionError("The package was not built.")


def test_create_a_project_package(double: Double, tmp_path: Path) -> None:
    curl = Curl(double, tmp_path, TUTORIAL)
    curl.login()
    package_id = create(curl, TUTORIAL)
    built = build(curl, package_id, PROJECT_BODY)
    assert (built["id"], built["settings"]) == (package_id, SETTINGS)
    rows = {row["id"]: row for row in built["content"]}
    assert rows.pop(YEAR) == {**YEAR_SHOWN, "includeDependents": True, "explicitIncluded": True}
    # The page's sample leaves the objects out that Year needs; here they come along.
    assert {row["type"] for row in rows.values()} == {15, 26}
    assert not any(row["explicitIncluded"] for row in rows.values())

    answer = curl.send("GET", f"/packages/{package_id}/binary", JSON_TYPE, "Accept: application/octet-stream")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/octet-stream"
    saved = tmp_path / "saved.mmp"
    saved.write_bytes(answer.body)
    delete_package(curl, package_id)

    # What was saved is a package that can be imported elsewhere.
    other = tmp_path / "other"
    other.mkdir()
    destination = Curl(double, other, DEMO)
    destination.login()
    package_id = create(destination)
    upload(destination, package_id, saved)
    shown = destination.send("GET", f"/packages/{package_id}?showContent=true", JSON_TYPE).json()
    assert YEAR_SHOWN in shown["content"]
    wait_for_import(destination, start_import(destination, package_id, "true"))
    assert {YEAR, *rows} <= set(double.objects())


def test_create_a_configuration_package(double: Double, tmp_path: Path) -> None:
    curl = Curl(double, tmp_path, None)
    curl.login()
    package_id = create(curl, "0" * 32)
    rows = {row["id"]: row for row in build(curl, package_id, CONFIGURATION_BODY)["content"]}
    assert rows[ADMINISTRATOR]["explicitIncluded"]
    assert len(rows) == 2
    assert {row["level"] for row in rows.values()} == {"configuration_object"}
    assert curl.send("GET", f"/packages/{package_id}/binary").status == 200
    delete_package(curl, package_id)


def test_create_a_project_security_package(double: Double, tmp_path: Path) -> None:
    curl = Curl(double, tmp_path, TUTORIAL)
    curl.login()
    package_id = create(curl, TUTORIAL)
    built = build(curl, package_id, SECURITY_BODY)
    assert [(row["id"], row["type"]) for row in built["content"]] == [(ADMINISTRATOR, 34)]
    assert "aclOnReplacingObjects" not in built["settings"]
    delete_package(curl, package_id)
