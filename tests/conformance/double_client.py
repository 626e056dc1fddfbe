# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start the server double as a program of its own, and talk to it: plainly, and through its control API."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

PROGRAM = Path(__file__).resolve().parent.parent / "library_server"
TUTORIAL = "B7CA92F04B9FAE8D941C3E9B7E0CD754"
DEMO = "B19DEDCC11D4E0EFC000EB9495D0F44F"
YEAR = "8D679D5111D3E4981000E787EC6DE8A4"
ADMINISTRATOR = "54F3D26011D2896560009A8E67019608"
ASYNC = {"Prefer": "respond-async"}
PATIENCE = 60.0
# What a piece of work takes that a test ends itself, in seconds: it sets the time to nothing then.
A_LONG_TIME = 600.0


def command(*arguments: object) -> list[str]:
    """The command line of the program. LIBRARY_SERVER_PYTHON may name an interpreter that has aiohttp."""
    python = os.environ.get("LIBRARY_SERVER_PYTHON", sys.executable)
    return [python, str(PROGRAM), *(str(argument) for argument in arguments)]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run one of the program's commands to its end."""
    return subprocess.run(command(*arguments), capture_output=True, text=True, check=False, timeout=60)


def plain_session() -> requests.Session:
    """A session that no proxy and no certificate store of the environment has a say in."""
    session = requests.Session()
    session.trust_env = False
    return session


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    """Ask again until the answer is true, and return it."""
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.01)
    raise AssertionError(f"not within {PATIENCE} s: {what}")


class Program:
    """The running program."""

    def __init__(self, *arguments: object) -> None:
        self._process = subprocess.Popen(
            command("--port", 0, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        ready = select.select([self._process.stdout], [], [], PATIENCE)[0]
        line = self._process.stdout.readline() if ready else ""
        if not line.startswith("http"):
            self._process.kill()
            raise AssertionError(f"The server double did not start: {self._process.communicate()}")
        self.base = line.strip()

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """End it. :returns: exit status, further output, error output"""
        self._process.send_signal(number)
        try:
            out, err = self._process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise AssertionError("The server double did not end.") from None
        return self._process.returncode, out, err


class Double:
    """A running double, seen through its control API."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.api = base + "/api"
        self.control_url = base.rsplit("/", 1)[0] + "/_control"
        self._http = plain_session()

    def control(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        response = self._http.request(method, self.control_url + path, json=body)
        assert response.status_code == status, response.text
        return response.json()

    def reset(self) -> None:
        self.control("POST", "/reset")

    def settings(self, **values: Any) -> None:
        self.control("PATCH", "/settings", values)

    def state(self) -> dict[str, Any]:
        return dict(self.control("GET", "/state"))

    def log(self) -> list[dict[str, Any]]:
        return list(self.control("GET", "/log"))

    def objects(self, scope: str = DEMO) -> dict[str, dict[str, Any]]:
        return dict(self.control("GET", f"/objects/{quote(scope)}"))

    def put(self, object_id: str, scope: str = DEMO, **fields: Any) -> dict[str, Any]:
        return dict(self.control("PUT", f"/objects/{quote(scope)}/{object_id}", fields))

    def fault(self, method: str, path: str, times: int | None = 1, skip: int = 0, **fault: Any) -> None:
        self.control("POST", "/faults", {"method": method, "path": path, "times": times, "skip": skip, "fault": fault})

    def login(self, username: str = "administrator", project: str | None = DEMO) -> Client:
        client = Client(self, project)
        response = client.post("/auth/login", json={"username": username, "password": "library-demo", "loginMode": 1})
        assert response.status_code == 204, response.text
        client.http.headers["X-MSTR-AuthToken"] = response.headers["X-MSTR-AuthToken"]
        return client


class Client:
    """A plain client: one method a call, no cleverness."""

    def __init__(self, double: Double, project: str | None) -> None:
        self._double = double
        self.http = plain_session()
        self.project = project

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = dict(options.pop("headers", {}))
        if self.project is not None:
            headers.setdefault("X-MSTR-ProjectID", self.project)
        options.setdefault("timeout", PATIENCE)
        return self.http.request(method, self._double.api + path, headers=headers, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.call("GET", path, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        return self.call("POST", path, **options)

    def put(self, path: str, **options: Any) -> requests.Response:
        return self.call("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> requests.Response:
        return self.call("DELETE", path, headers=ASYNC, **options)

    def object(self, object_id: str, kind: int) -> requests.Response:
        return self.get(f"/objects/{object_id}", params={"type": kind})

    def create(self) -> str:
        response = self.post("/packages")
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    def upload(self, package_id: str, data: bytes, part: str = "file") -> requests.Response:
        return self.put(f"/packages/{quote(package_id, safe='')}/binary", files={part: ("a.mmp", data)})

    def stage(self, data: bytes) -> str:
        """A package with this file in it."""
        package_id = self.create()
        response = self.upload(package_id, data)
        assert response.status_code == 200, response.text
        return package_id

    def define(self, package_id: str, body: Any) -> requests.Response:
        return self.put(f"/packages/{package_id}", json=body, headers=ASYNC)

    def package(self, package_id: str, content: str = "true") -> requests.Response:
        return self.get(f"/packages/{package_id}", params={"showContent": content})

    def start_import(self, package_id: str, undo: str = "true") -> requests.Response:
        return self.post("/packages/imports", params={"packageId": package_id, "generateUndo": undo}, headers=ASYNC)

    def import_state(self, import_id: str) -> dict[str, Any]:
        response = self.get(f"/packages/imports/{import_id}")
        assert response.status_code == 200, response.text
        return dict(response.json())

    def finish(self, import_id: str) -> dict[str, Any]:
        """Wait for the end of an import."""
        return dict(
            wait_until(
                lambda: (state := self.import_state(import_id))["status"].upper() != "PROCESSING" and state,
                "the end of the import",
            )
        )

    def undo(self, import_id: str) -> requests.Response:
        return self.get(f"/packages/imports/{import_id}/undoPackage/binary")

    def run_import(self, data: bytes, undo: str = "true") -> tuple[dict[str, Any], bytes | None]:
        """All of it: upload, import, undo package, release. :returns: the import's last state, the undo package"""
        package_id = self.stage(data)
        response = self.start_import(package_id, undo)
        assert response.status_code == 202, response.text
        import_id = response.json()["id"]
        self.finish(import_id)
        wait_until(lambda: self._double.state()["imports_running"] == 0, "the end of the work")
        state = self.import_state(import_id)
        saved = self.undo(import_id).content if state["undoPackageCreated"] else None
        assert self.delete(f"/packages/imports/{import_id}").status_code == 202
        assert self.delete(f"/packages/{package_id}").status_code == 202
        return state, saved


class Packages:
    """Makes package files with the program itself."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._cache: dict[str, bytes] = {}

    def make(self, content: list[dict[str, Any]], **spec: Any) -> bytes:
        text = json.dumps({"content": content, **spec})
        if text not in self._cache:
            source, out = self._directory / "spec.json", self._directory / "out.mmp"
            source.write_text(text, encoding="utf-8")
            result = run("make-package", source, out)
            assert result.returncode == 0, result.stderr
            self._cache[text] = out.read_bytes()
        return self._cache[text]
