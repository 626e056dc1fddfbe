# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults: each kind, and whether the server did the work."""

from __future__ import annotations

import time
import zlib
from typing import Any

import pytest
import requests
from double_client import DEMO, Client, Double, Packages, wait_until

ROW = {"id": "A" * 32, "name": "Packed", "type": 4}
CREATE = "^/packages$"


@pytest.fixture(name="client")
def logged_in(double: Double) -> Client:
    return double.login()


def package_count(double: Double) -> int:
    return len(double.state()["packages"])


@pytest.mark.parametrize("act", [False, True])
def test_status(double: Double, client: Client, act: bool) -> None:
    answer_with: dict[str, Any] = {
        "status": 503,
        "headers": {"Retry-After": "1"},
        "body": "<p>busy",
        "content_type": "text/html",
    }
    double.fault("POST", CREATE, kind="status", act=act, **answer_with)
    answer = client.post("/packages")
    assert (answer.status_code, answer.text, answer.headers["Retry-After"]) == (503, "<p>busy", "1")
    assert answer.headers["Content-Type"] == "text/html"
    assert package_count(double) == act
    assert client.post("/packages").status_code == (409 if act else 201)


def test_status_with_json(double: Double, client: Client) -> None:
    double.fault("GET", "/projects", kind="status", status=500, body={"code": "ERR001", "message": "Broken"})
    assert client.get("/projects").json() == {"code": "ERR001", "message": "Broken"}


def test_status_that_repeats_the_token(double: Double, client: Client) -> None:
    double.fault("GET", "/projects", kind="status", status=500, body={"code": "ERR001", "message": "token {token}"})
    assert client.get("/projects").json()["message"] == "token %s" % client.http.headers["X-MSTR-AuthToken"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_reset(double: Double, client: Client, when: str) -> None:
    double.fault("POST", CREATE, kind="reset", when=when)
    with pytest.raises(requests.ConnectionError, match=r"[Rr]eset|aborted"):
        client.post("/packages")
    assert package_count(double) == (when == "after")
    entry = double.log()[-1]
    assert (entry["path"], entry["status"], entry["fault"]) == ("/packages", None, "reset")


@pytest.mark.parametrize("when", ["before", "after"])
def test_hang(double: Double, client: Client, when: str) -> None:
    double.fault("POST", CREATE, kind="hang", seconds=0.3, when=when)
    with pytest.raises(requests.ReadTimeout):
        client.post("/packages", timeout=0.1)
    assert package_count(double) == (when == "after")
    # The work is not called off by a client that went away.
    wait_until(lambda: package_count(double) == 1, "the package")


def test_an_upload_that_hangs_is_answered_in_the_end(double: Double, client: Client, packages: Packages) -> None:
    package_id = client.create()
    double.fault("PUT", "/binary$", kind="hang", seconds=0.2)
    assert client.upload(package_id, packages.make([ROW])).json()["status"] == "ready"


def test_hang_is_answered_in_the_end(double: Double, client: Client) -> None:
    double.fault("GET", "/projects", kind="hang", seconds=0.2)
    start = time.monotonic()
    assert client.get("/projects").status_code == 200
    assert time.monotonic() - start >= 0.2


def test_cut(double: Double, client: Client) -> None:
    double.fault("GET", "/projects", kind="cut", bytes=10)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.get("/projects")
    assert client.get("/projects").status_code == 200


@pytest.mark.parametrize("kind", ["cut", "short"])
def test_download_that_ends_early(double: Double, client: Client, packages: Packages, kind: str) -> None:
    data = packages.make([ROW])
    package_id = client.stage(data)
    double.fault("GET", f"/packages/{package_id}/binary", kind=kind, bytes=100)
    answer = client.get(f"/packages/{package_id}/binary", stream=True)
    assert int(answer.headers["Content-Length"]) == len(data)
    received: list[bytes] = []
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        received.extend(answer.iter_content(10))
    assert data.startswith(b"".join(received))
    assert len(b"".join(received)) <= 100
    assert double.log()[-1]["bytes_out"] == 100


def test_short_is_for_downloads_only(double: Double, client: Client) -> None:
    double.fault("GET", "", times=None, kind="short", bytes=1)
    assert len(client.get("/projects").json()) == 2


def test_trickle(double: Double, client: Client) -> None:
    size = len(client.get("/projects").content)
    double.fault("GET", "/projects", kind="trickle", bytes_per_second=size * 4)
    start = time.monotonic()
    assert len(client.get("/projects").json()) == 2
    assert 0.2 <= time.monotonic() - start < 20


def test_json(double: Double, client: Client) -> None:
    double.fault("GET", "/sessions", kind="json", merge={"timeout": "soon", "more": {"a": 1}})
    assert client.get("/sessions").json() == {
        "locale": 1033, "maxSearch": 3, "workingSet": 10, "timeout": "soon", "more": {"a": 1}
    }  # fmt: skip
    double.fault("GET", "/sessions", kind="json", replace=[1])
    assert client.get("/sessions").json() == [1]


def test_remove(double: Double, client: Client, packages: Packages) -> None:
    package_id = client.stage(packages.make([ROW, {"name": "Other", "type": 3}]))
    double.fault("GET", "^/packages/", kind="remove", fields=["status", "content.*.version", "settings.defaultAction"])
    shown = client.package(package_id).json()
    assert "status" not in shown
    assert "defaultAction" not in shown["settings"]
    assert [("version" in row, "id" in row) for row in shown["content"]] == [(False, True)] * 2


def test_redirect(double: Double, client: Client) -> None:
    double.fault("POST", CREATE, kind="redirect", location="https://elsewhere.example/")
    answer = client.post("/packages", allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://elsewhere.example/")
    assert package_count(double) == 0


def test_html(double: Double, client: Client) -> None:
    double.fault("GET", "/projects", kind="html")
    answer = client.get("/projects")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "Sign in" in answer.text


def test_a_hang_ends_with_its_fault(double: Double, client: Client) -> None:
    double.fault("POST", CREATE, kind="hang", seconds=30, when="before")
    with pytest.raises(requests.ReadTimeout):
        client.post("/packages", timeout=0.1)
    assert double.state()["in_flight"] == 1
    double.control("DELETE", "/faults")
    wait_until(lambda: double.state()["in_flight"] == 0, "the end of the call")
    assert package_count(double) == 1


def test_a_log_in_that_hangs_is_done_in_the_end(double: Double) -> None:
    login = {"username": "administrator", "password": "library-demo", "loginMode": 1}
    double.fault("POST", "/auth/login", kind="hang", seconds=30, when="before")
    with pytest.raises(requests.ReadTimeout):
        Client(double, None).post("/auth/login", json=login, timeout=0.1)
    double.control("DELETE", "/faults")
    wait_until(lambda: double.state()["logins"] == 1, "the log-in")


def test_a_hang_does_not_outlive_a_reset(double: Double) -> None:
    double.fault("POST", "/auth/login", kind="hang", seconds=30, when="before")
    login = {"username": "administrator", "password": "library-demo", "loginMode": 1}
    with pytest.raises(requests.ReadTimeout):
        Client(double, None).post("/auth/login", json=login, timeout=0.1)
    double.reset()
    wait_until(lambda: double.state()["in_flight"] == 0, "the end of the call")
    assert double.state()["logins"] == 0


def test_redirect_to_itself(double: Double, client: Client) -> None:
    double.fault("GET", "^/objects/", kind="redirect", location="{self}")
    answer = client.object("A" * 32, 4)
    assert answer.status_code == 404
    assert [call["query"] for call in double.log()[-2:]] == [{"type": "4"}] * 2
    double.fault("GET", "^/objects/", times=None, kind="redirect", location="{self}")
    with pytest.raises(requests.TooManyRedirects):
        client.object("A" * 32, 4)


def test_content_type(double: Double, client: Client, packages: Packages) -> None:
    double.fault("GET", "/projects", kind="content_type", content_type="text/html")
    answer = client.get("/projects")
    assert (len(answer.json()), answer.headers["Content-Type"]) == (2, "text/html")


DOWNLOAD = "/undoPackage/binary$"


def imported(client: Client, packages: Packages) -> str:
    """Import something. :returns: the import, whose undo package can be had"""
    import_id = str(client.start_import(client.stage(packages.make([ROW]))).json()["id"])
    client.finish(import_id)
    wait_until(lambda: client.import_state(import_id)["undoPackageCreated"], "the undo package")
    return import_id


@pytest.mark.parametrize("type_", ["application/octet-stream", "text/html", None])
def test_another_body_of_a_download(double: Double, client: Client, packages: Packages, type_: str | None) -> None:
    import_id = imported(client, packages)
    double.fault("GET", DOWNLOAD, kind="body", json={"code": "ERR002"}, content_type=type_)
    double.fault("GET", DOWNLOAD, kind="body", text="<html>", content_type=type_)
    whole = client.undo(import_id)
    assert whole.json() == {"code": "ERR002"}
    for answer, body in ((whole, b'{"code": "ERR002"}'), (client.undo(import_id), b"<html>")):
        assert (answer.status_code, answer.content) == (200, body)
        assert answer.headers.get("Content-Type") == type_
        assert answer.headers["Content-Disposition"] == 'attachment; filename="undo.mmp"'
        assert int(answer.headers["Content-Length"]) == len(body)
    assert client.undo(import_id).content.endswith(b"MMPEND\0")


def test_another_body_is_of_the_same_type_by_itself(double: Double, client: Client, packages: Packages) -> None:
    import_id = imported(client, packages)
    double.fault("GET", DOWNLOAD, kind="body", text="")
    answer = client.undo(import_id)
    assert (answer.content, answer.headers["Content-Type"]) == (b"", "application/octet-stream")


def test_another_body_comes_after_the_work(double: Double, client: Client) -> None:
    double.fault("POST", CREATE, kind="body", json=None)
    answer = client.post("/packages")
    assert (answer.status_code, answer.json()) == (201, None)
    assert answer.headers["Content-Type"].startswith("application/json")
    assert package_count(double) == 1


def decoded(encoding: str, data: bytes) -> bytes:
    """What an answer says, as far as it goes."""
    return unpacked(data) if encoding == "br" else zlib.decompressobj(31 if encoding == "gzip" else 15).decompress(data)


def unpacked(data: bytes) -> bytes:
    """Read Brotli that does not compress (RFC 7932, 9.2): Python has nothing that reads any other."""
    plain, position, stream_head = b"", 0, 1
    while len(data) >= position + 3:
        head = int.from_bytes(data[position : position + 3], "little") >> stream_head
        # Neither the last block nor one with a long length, and uncompressed.
        assert (head & 0b111, head >> 19) == (0, 1)
        start, position = position + 3, position + 4 + (head >> 3 & 0xFFFF)
        plain += data[start:position]
        stream_head = 0
    assert data[position:] in (b"", b"\3")
    return plain


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_encoded(double: Double, client: Client, packages: Packages, encoding: str) -> None:
    double.settings(undo_padding=100_000)
    import_id = imported(client, packages)
    plain = client.undo(import_id).content
    sizes = []
    for cut in (None, 100):
        double.fault("GET", DOWNLOAD, kind="encoded", encoding=encoding, cut=cut)
        # Nobody asked for it.
        answer = client.get(
            f"/packages/imports/{import_id}{DOWNLOAD[:-1]}", headers={"Accept-Encoding": "identity"}, stream=True
        )
        raw = answer.raw.read(decode_content=False)
        assert (answer.status_code, answer.headers["Content-Encoding"]) == (200, encoding)
        assert int(answer.headers["Content-Length"]) == len(raw) == double.log()[-1]["bytes_out"]
        assert plain.startswith(decoded(encoding, raw))
        sizes.append((len(raw), len(decoded(encoding, raw))))
    assert sizes[0][1] == len(plain)
    assert sizes[1][0] == 100
    assert 0 < sizes[1][1] < len(plain)


def test_encoded_answers_of_other_kinds(double: Double, client: Client) -> None:
    plain = client.get("/projects")
    double.fault("*", "", times=None, kind="encoded", encoding="gzip")
    answer = client.get("/projects")
    assert (answer.json(), answer.headers["Content-Encoding"]) == (plain.json(), "gzip")
    assert answer.headers["Content-Type"] == plain.headers["Content-Type"]
    # What has no body has nothing to encode.
    answer = client.put("/sessions")
    assert (answer.status_code, answer.content, "Content-Encoding" in answer.headers) == (204, b"", False)


def test_expire(double: Double, client: Client) -> None:
    client.create()
    double.fault("GET", "/projects", kind="expire")
    answer = client.get("/projects")
    assert (answer.status_code, answer.json()["code"]) == (401, "ERR009")
    assert package_count(double) == 0
    assert double.state()["sessions"] == []
    assert client.get("/projects").status_code == 401


def test_refuse(double: Double, client: Client) -> None:
    double.fault("GET", "/projects", kind="refuse", seconds=None)
    assert len(client.get("/projects").json()) == 2
    for _number in range(2):
        with pytest.raises(requests.ConnectionError, match="refused"):
            client.post("/packages")
    # The control API is asked on the connection that there is.
    assert double.control("GET", "/faults")[0]["hits"] == 1
    assert package_count(double) == 0
    double.control("DELETE", "/faults")
    assert client.post("/packages").status_code == 201


def test_refuse_for_a_time(double: Double, client: Client) -> None:
    start = time.monotonic()
    double.control("POST", "/refuse", {"seconds": 0.5})
    with pytest.raises(requests.ConnectionError, match="refused"):
        client.get("/projects")

    def answers() -> bool:
        try:
            return client.get("/projects").status_code == 200
        except requests.ConnectionError:
            return False

    wait_until(answers, "the server to be there again")
    assert time.monotonic() - start >= 0.5


def test_secrets(double: Double, client: Client) -> None:
    secrets = double.control("GET", "/secrets")
    assert client.http.headers["X-MSTR-AuthToken"] in secrets
    assert client.http.cookies["JSESSIONID"] in secrets


def test_which_calls_are_struck(double: Double, client: Client) -> None:
    double.fault("GET", "^/projects$", times=2, skip=1, kind="status", status=502)
    double.fault("GET", "^/sess", times=None, kind="status", status=504)
    assert [client.get("/projects").status_code for _number in range(5)] == [200, 502, 502, 200, 200]
    assert [client.get("/sessions").status_code for _number in range(3)] == [504] * 3
    assert client.put("/sessions").status_code == 204
    assert [(fault["seen"], fault["hits"]) for fault in double.control("GET", "/faults")] == [(3, 2), (3, 3)]
    double.control("DELETE", "/faults")
    assert client.get("/sessions").status_code == 200


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"kind": "flood"},
        {"kind": "status"},
        {"kind": "cut", "bytes": 1, "when": "now"},
        {"kind": "reset", "when": "x"},
        {"kind": "body"},
        {"kind": "body", "text": "a", "json": 1},
        {"kind": "encoded"},
        {"kind": "encoded", "encoding": "zip"},
        {"kind": "encoded", "encoding": "gzip", "cut": -1},
    ],
)
def test_faults_that_make_no_sense(double: Double, fault: dict[str, Any]) -> None:
    double.control("POST", "/faults", {"method": "GET", "path": "/", "fault": fault}, status=400)
    double.control("POST", "/faults", {"path": "(", "fault": {"kind": "html"}}, status=400)


def test_fault_while_uploading(double: Double, client: Client, packages: Packages) -> None:
    data = packages.make([ROW], padding=3 << 20)
    package_id = client.create()
    double.fault("PUT", "/binary$", kind="status", status=503)
    assert client.upload(package_id, data).status_code == 503
    assert client.package(package_id).json()["status"] == "empty"
    double.fault("PUT", "/binary$", kind="reset")
    with pytest.raises(requests.ConnectionError):
        client.upload(package_id, data)
    assert client.upload(package_id, data).json()["status"] == "ready"
    assert double.objects(DEMO)
