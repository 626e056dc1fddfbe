# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is before a server on real sites: a gateway with a limit, interim answers, cookies that do not fit."""

from __future__ import annotations

import socket
import time
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from double_client import Client, Double

CREDENTIALS = {"username": "administrator", "password": "library-demo", "loginMode": 1}


@pytest.mark.parametrize(
    ("more", "status", "retry_after", "kind"),
    [
        ({}, 429, "1", "application/json"),
        ({"retry_after": False}, 429, None, "application/json"),
        ({"status": 503, "page": True}, 503, "1", "text/html"),
    ],
)
def test_rate_limit(double: Double, more: dict[str, Any], status: int, retry_after: str | None, kind: str) -> None:
    client = double.login()
    double.settings(rate_limit={"per_second": 3, "path": "^/projects$", **more})
    answers = [client.get("/projects") for _number in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 3 + [status] * 2
    last = answers[-1]
    assert last.headers["RateLimit-Limit"] == "3"
    assert last.headers.get("Retry-After") == retry_after
    assert last.headers["Content-Type"].startswith(kind)
    # Other calls have no limit, and what was refused does not count.
    assert client.get("/sessions").status_code == 200
    time.sleep(1.05)
    assert [client.get("/projects").status_code for _number in range(4)] == [200] * 3 + [status]


def test_a_call_that_the_gateway_refuses_is_not_acted_on(double: Double) -> None:
    client = double.login()
    double.settings(rate_limit={"per_second": 0})
    assert client.post("/packages").status_code == 429
    assert double.state()["packages"] == []
    double.settings(rate_limit=None)
    assert client.post("/packages").status_code == 201


@pytest.mark.parametrize(
    "limit", [{}, {"per_second": -1}, {"per_second": 1, "path": "("}, {"per_second": 1, "status": 500}, {"x": 1}, 20]
)
def test_limits_that_make_no_sense(double: Double, limit: Any) -> None:
    double.control("PATCH", "/settings", {"rate_limit": limit}, status=400)


def raw_answer(double: Double, token: str, cookie: str) -> str:
    """Return all that is sent in answer to a log-out."""
    parts = urlsplit(double.base)
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=10) as connection:
        connection.sendall(
            (
                "POST %s/api/auth/logout HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n"
                "X-MSTR-AuthToken: %s\r\nCookie: %s\r\n\r\n" % (parts.path, token, cookie)
            ).encode()
        )
        received = b""
        while part := connection.recv(1 << 16):
            received += part
    return received.decode()


def test_interim_answers_come_before_the_answer(double: Double) -> None:
    client = double.login()
    double.fault("POST", "/auth/logout", kind="interim", status=103, count=2, seconds=0.1)
    cookie = "JSESSIONID=%s" % client.http.cookies["JSESSIONID"]
    before = time.monotonic()
    heads = raw_answer(double, str(client.http.headers["X-MSTR-AuthToken"]), cookie).split("\r\n\r\n")
    assert [head.split("\r\n")[0][:12] for head in heads if head] == ["HTTP/1.1 103", "HTTP/1.1 103", "HTTP/1.1 204"]
    assert time.monotonic() - before >= 0.2
    assert double.state()["logouts"] == 1


@pytest.mark.parametrize(
    ("attributes", "header"),
    [
        (None, "Path=/MicroStrategyLibrary; HttpOnly"),
        ("Secure", "Path=/MicroStrategyLibrary; Secure"),
        ("Path=/other; HttpOnly", "Path=/other; HttpOnly"),
        ("Domain=other.example", "Path=/MicroStrategyLibrary; Domain=other.example"),
    ],
)
def test_attributes_of_the_session_cookie(double: Double, attributes: str | None, header: str) -> None:
    double.settings(session_cookie_attributes=attributes)
    cookie = Client(double, None).post("/auth/login", json=CREDENTIALS).raw.headers.getlist("Set-Cookie")[0]
    name, _equals, rest = cookie.partition("=")
    assert (name, rest.partition("; ")[2]) == ("JSESSIONID", header)


@pytest.mark.parametrize("offset", [0, -7200, 90])
def test_the_clock_of_the_server(double: Double, offset: int) -> None:
    double.settings(clock_offset=offset)
    answer = Client(double, None).post("/auth/login", json=CREDENTIALS)
    assert abs(parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time() - offset) < 5


@pytest.mark.parametrize("language", ["en_us", "de_de", None])
@pytest.mark.parametrize("form", [False, True], ids=["json", "form"])
def test_the_language_of_messages_is_noted(double: Double, language: str | None, form: bool) -> None:
    fields = CREDENTIALS if language is None else {**CREDENTIALS, "messagesLocale": language}
    assert Client(double, None).post("/auth/login", **{"data" if form else "json": fields}).status_code == 204
    assert double.log()[-1]["messages_locale"] == language
