# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program itself: start and end, TLS, seed files, the control API, package files."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from double_client import (
    DEMO,
    PROGRAM,
    TUTORIAL,
    YEAR,
    Client,
    Double,
    Packages,
    Program,
    command,
    plain_session,
    run,
    wait_until,
)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_at_once_and_silently(number: int) -> None:
    program = Program()
    double = Double(program.base)
    client = double.login()
    double.fault("GET", "/projects", kind="hang", seconds=60)
    with pytest.raises(requests.ReadTimeout):
        client.get("/projects", timeout=0.1)
    start = time.monotonic()
    assert program.stop(number) == (0, "", "")
    # Not as long as the request hangs.
    assert time.monotonic() - start < 30


def test_base_url() -> None:
    program = Program()
    try:
        assert program.base.startswith("http://127.0.0.1:")
        assert program.base.endswith("/MicroStrategyLibrary")
    finally:
        program.stop()


@pytest.mark.parametrize("venv", ["good", "bad", "none"])
def test_interpreter_without_aiohttp(tmp_path: Path, venv: str) -> None:
    """The environment that make demo makes for it takes over, where there is one; it must not go round in circles."""
    program = tmp_path / "tests" / "library_server"
    shutil.copytree(PROGRAM, program, ignore=shutil.ignore_patterns("__pycache__"))
    if venv != "none":
        python = tmp_path / ".cache" / "nox" / "double" / "bin" / "python"
        python.parent.mkdir(parents=True)
        # Without site-packages (-S) there is no aiohttp.
        python.write_text(f'#!/bin/sh\nexec "{command()[0]}" {"-S" if venv == "bad" else ""} "$@"\n', encoding="utf-8")
        python.chmod(0o755)
    with subprocess.Popen(
        [command()[0], "-S", str(program), "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        if venv == "good":
            assert process.stdout is not None
            assert process.stdout.readline().startswith("http://")
            process.terminate()
        out, err = process.communicate(timeout=10)
    assert out == ""
    assert (process.returncode, err.count("\n")) == ((0, 0) if venv == "good" else (2, 1))
    assert ("make demo" in err) == (venv != "good")


def make_certificate(directory: Path, name: str) -> tuple[Path, Path]:
    """A certificate that is its own authority, and its key."""
    if shutil.which("openssl") is None:
        pytest.fail("This test makes its certificates with the command openssl, which is missing.")
    cert, key = directory / f"{name}.pem", directory / f"{name}.key"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", str(key), "-out", str(cert),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return cert, key


def test_tls(tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path, "server")
    program = Program("--tls-cert", cert, "--tls-key", key)
    try:
        assert program.base.startswith("https://127.0.0.1:")
        session = plain_session()
        session.verify = str(cert)
        fields = {"username": "administrator", "password": "library-demo"}
        answer = session.post(f"{program.base}/api/auth/login", json=fields, timeout=10)
        assert answer.status_code == 204
        token = {"X-MSTR-AuthToken": answer.headers["X-MSTR-AuthToken"]}
        assert session.get(f"{program.base}/api/projects", headers=token, timeout=10).status_code == 200
        with pytest.raises(requests.exceptions.SSLError):
            plain_session().get(f"{program.base}/api/status", timeout=10)
    finally:
        assert program.stop() == (0, "", "")


def test_client_certificate(tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path, "server")
    client_cert, client_key = make_certificate(tmp_path, "client")
    program = Program("--tls-cert", cert, "--tls-key", key, "--tls-client-ca", client_cert)
    try:
        url = f"{program.base}/api/status"
        pair = (str(client_cert), str(client_key))
        assert plain_session().get(url, verify=str(cert), cert=pair, timeout=10).status_code == 200
        with pytest.raises(requests.ConnectionError):
            plain_session().get(url, verify=str(cert), timeout=10)
    finally:
        assert program.stop() == (0, "", "")


def test_seed_file(tmp_path: Path) -> None:
    project = "E" * 32
    seed = {
        "users": [{"username": "administrator", "password": "library-demo"}],
        "projects": [
            {"id": project, "name": "Mine", "objects": [{"id": YEAR, "name": "Year", "type": 12}]},
            {"id": "D" * 32, "name": "Asleep", "status": 1},
        ],
        "settings": {"status_case": "upper"},
    }
    path = tmp_path / "seed.json"
    path.write_text(json.dumps(seed), encoding="utf-8")
    program = Program("--seed", path)
    try:
        double = Double(program.base)
        client = double.login(project=project)
        assert [(row["name"], row["status"]) for row in client.get("/projects").json()] == [("Mine", 0), ("Asleep", 1)]
        assert client.object(YEAR, 12).status_code == 200
        assert client.package(client.create()).json()["status"] == "EMPTY"
        assert double.objects("Mine")[YEAR]["name"] == "Year"
        asleep = double.login(project="D" * 32).post("/packages")
        assert (asleep.status_code, asleep.json()["code"]) == (500, "ERR002")
        double.settings(unloaded_project="404")
        asleep = double.login(project="D" * 32).object(YEAR, 12)
        assert (asleep.status_code, asleep.json()["code"], asleep.json()["iServerCode"]) == (404, "ERR004", -2147209151)
    finally:
        program.stop()


@pytest.mark.parametrize("text", ["{", '{"planets": []}', '{"projects": [{"name": "No id"}]}'])
def test_seed_file_that_makes_no_sense(tmp_path: Path, text: str) -> None:
    path = tmp_path / "seed.json"
    path.write_text(text, encoding="utf-8")
    result = run("--port", 0, "--seed", path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("library_server: ")
    assert result.stderr.count("\n") == 1


# Control API


def test_unknown_settings_change_nothing(double: Double) -> None:
    before = double.control("GET", "/settings")
    for wrong in (
        {"latency": 1, "colour": "red"},
        {"latency": -1},
        {"status_case": "mixed"},
        {"undo_never": 1},
        {"status_refused": 500},
    ):
        assert "error" in double.control("PATCH", "/settings", wrong, status=400)
    assert double.control("GET", "/settings") == before


def test_reset(double: Double) -> None:
    fresh = {scope: double.objects(scope) for scope in (DEMO, TUTORIAL, "configuration")}
    double.put(YEAR, TUTORIAL, name="Edited")
    double.settings(latency=0.001)
    double.fault("GET", "/", kind="html")
    client = double.login()
    double.reset()
    assert {scope: double.objects(scope) for scope in fresh} == fresh
    assert double.control("GET", "/settings")["latency"] == 0
    assert double.log() == double.control("GET", "/faults") == double.state()["sessions"] == []
    assert client.get("/sessions").status_code == 401


def test_what_is_kept_comes_back_after_a_reset(double: Double) -> None:
    double.control("POST", "/restore", status=400)
    double.put(YEAR, TUTORIAL, name="Edited")
    double.control("PUT", f"/locks/{DEMO}", {"lockType": "permanent_individual"})
    double.control("POST", "/keep")
    kept = double.objects(TUTORIAL)
    for _time in range(2):
        double.put(YEAR, TUTORIAL, name="Edited again")
        double.control("DELETE", f"/locks/{DEMO}")
        double.reset()
        double.control("POST", "/restore")
        assert double.objects(TUTORIAL) == kept
        assert double.login().get(f"/projects/{DEMO}/lock").json()["lockType"] == "permanent_individual"


def test_objects(double: Double) -> None:
    path = f"/objects/{DEMO}/{'A' * 32}"
    double.control("GET", path, status=404)
    double.control("PUT", path, {"name": "No type"}, status=400)
    double.control("PUT", path, {"type": 4, "colour": "red"}, status=400)
    made = double.control("PUT", path, {"type": 4, "name": "Profit"})
    assert double.control("GET", path) == made
    assert double.objects("Demo Project")["A" * 32] == made
    assert double.control("DELETE", path) == made
    double.control("DELETE", path, status=404)
    double.control("GET", "/objects/Nowhere", status=404)


def test_log_says_what_was_asked_but_no_secret(double: Double) -> None:
    client = double.login()
    client.object(YEAR, 12)
    login, look_up = double.log()
    assert (login["method"], login["path"], login["user"], login["status"]) == (
        "POST", "/auth/login", "administrator", 204
    )  # fmt: skip
    assert look_up["query"] == {"type": "12"}
    assert (look_up["path"], look_up["project"], look_up["status"]) == (f"/objects/{YEAR}", DEMO, 404)
    assert look_up["bytes_out"] > 0
    text = json.dumps([double.log(), double.state()])
    assert "library-demo" not in text
    assert client.http.headers["X-MSTR-AuthToken"] not in text
    assert str(client.http.cookies["JSESSIONID"]) not in text
    double.control("DELETE", "/log")
    assert double.log() == []


def test_latency_does_not_queue_up(double: Double) -> None:
    client = double.login()
    double.settings(latency=0.2)
    start = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _number: client.get("/sessions").status_code, range(16)))
    took = time.monotonic() - start
    assert answers == [200] * 16
    # One after the other they would take 3.2 seconds.
    assert 0.2 <= took < 3
    assert max(entry["in_flight"] for entry in double.log()) > 4


def test_sixteen_connections_at_full_rate(double: Double) -> None:
    """At 20 ms a call sixteen connections can make 800 calls a second; most of that must come through."""
    client = double.login()
    double.settings(latency=0.02)
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.http.cookies)
    head = (
        f"GET /MicroStrategyLibrary/api/sessions HTTP/1.1\r\nHost: double\r\nCookie: {cookies}\r\n"
        f"X-MSTR-AuthToken: {client.http.headers['X-MSTR-AuthToken']}\r\n\r\n"
    ).encode()
    port = int(double.base.split(":")[2].split("/")[0])

    async def ask(count: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _number in range(count):
            writer.write(head)
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
            await reader.readuntil(b"}")
        writer.close()

    async def all_at_once() -> float:
        start = time.monotonic()
        await asyncio.gather(*(ask(25) for _number in range(16)))
        return 400 / (time.monotonic() - start)

    # The best of three: another process may have had the processor for a while.
    assert max(asyncio.run(all_at_once()) for _number in range(3)) > 250


def test_client_that_goes_away_does_no_harm(double: Double) -> None:
    double.settings(latency=0.05)
    port = int(double.base.split(":")[2].split("/")[0])
    for _number in range(3):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"GET /MicroStrategyLibrary/api/status HTTP/1.1\r\nHost: double\r\n\r\n")
    wait_until(lambda: [entry["status"] for entry in double.log()] == [200] * 3, "the calls to be served")
    assert Client(double, None).get("/status").status_code == 200


# Package files


def test_sample_packages_are_always_the_same(samples: Path, tmp_path: Path) -> None:
    result = run("sample-packages", tmp_path)
    assert result.returncode == 0
    names = {path.name for path in samples.iterdir()}
    assert names == {path.name for path in tmp_path.iterdir()}
    assert {
        f"{name}.mmp" for name in ("year", "finance", "inc1", "inc2", "inc3", "users", "keep_both", "delete")
    } < names
    for name in names:
        assert (samples / name).read_bytes() == (tmp_path / name).read_bytes()
        assert str(tmp_path / name) in result.stdout


def test_sample_packages_can_be_imported(double: Double, samples: Path) -> None:
    for name in ("year", "finance", "inc1", "inc2", "inc3", "keep_both", "project_security", "delete"):
        state, _undo = double.login().run_import((samples / f"{name}.mmp").read_bytes())
        assert state["status"] == "imported", name


def test_made_packages(double: Double, packages: Packages) -> None:
    row = {"name": "Profit", "type": 4, "definition": {"formula": "a-b"}}
    first = packages.make([row])
    again = double.login()
    shown = again.package(again.stage(first)).json()["content"][0]
    assert (shown["name"], shown["type"], shown["level"]) == ("Profit", 4, "project_object")
    assert "action" not in shown
    client = double.login()
    edited = client.package(client.stage(packages.make([{**row, "definition": {"formula": "a"}}]))).json()["content"][0]
    assert (edited["id"], edited["version"] != shown["version"]) == (shown["id"], True)


def test_padding_does_not_compress_and_is_always_the_same(tmp_path: Path) -> None:
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps({"content": [{"name": "Profit", "type": 4}], "padding": 3_000_000}), encoding="utf-8")
    digests = set()
    for number in range(2):
        out = tmp_path / f"{number}.mmp"
        assert run("make-package", spec, out).returncode == 0
        digests.add(hashlib.sha256(out.read_bytes()).hexdigest())
        assert out.stat().st_size > 3_000_000
    assert len(digests) == 1


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "module"},
        {"colour": "red"},
        {"content": [{"type": 4}]},
        {"content": [{"name": "x", "colour": "red"}]},
        {"content": [{"name": "x", "action": "merge"}]},
        {"settings": {"defaultAction": "merge"}},
    ],
)
def test_package_descriptions_that_make_no_sense(tmp_path: Path, spec: Any) -> None:
    source, out = tmp_path / "spec.json", tmp_path / "out.mmp"
    source.write_text(json.dumps(spec), encoding="utf-8")
    result = run("make-package", source, out)
    assert (result.returncode, out.exists()) == (1, False)
    assert result.stderr.startswith("library_server: ")
