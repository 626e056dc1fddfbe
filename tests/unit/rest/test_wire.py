# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connections: interim answers, and TCP keep-alive, with and without TLS and proxies."""

from __future__ import annotations

import errno
import json
import socket

import pytest
from samples import Pauses
from scripted_server import CERTIFICATE, SILENCE, Reply

from ansible_collections.mstr.migration.plugins.module_utils.errors import ConnectionLost, ServerError
from ansible_collections.mstr.migration.plugins.module_utils.rest import wire
from ansible_collections.mstr.migration.plugins.module_utils.rest.http import Repeat, Transport, TransportOptions

FINE = {"fine": True}
ROUTES = ("http", "https", "http proxy", "https by a proxy", "https by a TLS proxy")
each_route = pytest.mark.parametrize("route", ROUTES)


@pytest.fixture(name="transport_to")
def transport_by_a_route(serve, monkeypatch):
    def make(route, *script, **options):
        server = serve(*script, tls=route.startswith("https"))
        if "proxy" in route:
            # What comes to a proxy without TLS is answered by it.
            proxy = server if route == "http proxy" else serve(Reply(), tls="TLS proxy" in route)
            monkeypatch.setenv("https_proxy" if route.startswith("https") else "http_proxy", proxy.origin)
        pauses = Pauses()
        options = {"timeout": 5.0, "retries": 0, "ca_path": str(CERTIFICATE), **options}
        return Transport(TransportOptions(server.base_url, **options), sleep=pauses, clock=pauses.clock)

    return make


def send(transport, method="GET", repeat=Repeat.SAFE, **options):
    return transport.request(method, "/things", "do a thing", repeat=repeat, **options)


@each_route
@pytest.mark.parametrize(
    "interim", [(102,), (103,), (100, 102, 100, 103), (199,) * 300], ids=lambda codes: "%d of them" % len(codes)
)
def test_interim_answers_are_read_past(transport_to, route, interim):
    transport = transport_to(route, Reply(200, FINE, interim=interim))
    for method in ("GET", "POST", "PUT", "DELETE"):
        answer = send(transport, method, Repeat.REFUSED)
        assert (answer.status_code, answer.json()) == (200, FINE)
        # What an interim answer says is not the answer's.
        assert "Link" not in answer.headers


@each_route
def test_a_connection_is_kept_after_interim_answers(transport_to, serve, route):
    seen = []

    def answer(request):
        seen.append(request.connection)
        return Reply(200, FINE, interim=(103, 102))

    transport = transport_to(route, answer)
    for _number in range(3):
        send(transport)
    assert len(set(seen)) == 1


@pytest.mark.parametrize("status", [204, 404, 500])
def test_the_answer_after_interim_ones_may_be_any(transport_to, status):
    transport = transport_to("http", Reply(status, interim=(102, 103)))
    if status == 204:
        assert send(transport, expect=(204,)).content == b""
    else:
        with pytest.raises(ServerError, match=str(status)):
            send(transport)


def test_a_download_after_interim_answers_is_whole(transport_to):
    transport = transport_to("https", Reply(200, b"undo" * 100_000, interim=(102,) * 5))
    with send(transport, stream=True) as answer:
        assert b"".join(answer.iter_content(1 << 16)) == b"undo" * 100_000


def test_a_switch_of_protocols_is_no_interim_answer(transport_to):
    with pytest.raises(ServerError, match="answered 101"):
        send(transport_to("http", Reply(101)))


def test_interim_answers_without_end_are_an_error(transport_to, monkeypatch):
    monkeypatch.setattr(wire, "_MOST_INTERIM", 10)
    assert send(transport_to("http", Reply(200, FINE, interim=(102,) * 10))).json() == FINE
    with pytest.raises(ConnectionLost, match="more than 10 interim answers"):
        send(transport_to("http", Reply(200, FINE, interim=(102,) * 11)))


def test_silence_after_an_interim_answer_is_silence(transport_to):
    with pytest.raises(ConnectionLost, match="went silent"):
        send(transport_to("http", Reply(SILENCE, interim=(102,)), timeout=0.2))


def options_of(transport, route):
    """Return the options of the socket over which an answer comes."""
    with send(transport, stream=True) as answer:
        raw = answer.raw.connection.sock
        # TLS within TLS has no options of its own.
        raw = getattr(raw, "socket", raw) if route == "https by a TLS proxy" else raw
        names = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_NODELAY")
        found = {name: raw.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in names}
        return {**found, "SO_KEEPALIVE": raw.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)}


@pytest.mark.skipif(not hasattr(socket, "TCP_KEEPIDLE"), reason="this platform has other names")
@each_route
def test_connections_are_kept_alive_while_an_answer_is_awaited(transport_to, route):
    found = options_of(transport_to(route, Reply(200, "x" * 100_000)), route)
    assert found["SO_KEEPALIVE"]
    assert found["TCP_NODELAY"]
    assert (found["TCP_KEEPIDLE"], found["TCP_KEEPINTVL"], found["TCP_KEEPCNT"]) == (60, 15, 4)


@pytest.fixture(name="fresh_options")
def socket_options_looked_for_anew():
    wire._keep_alive.cache_clear()
    yield
    wire._keep_alive.cache_clear()


@pytest.mark.usefixtures("fresh_options")
def test_an_option_that_the_platform_has_not_or_refuses_is_left_out(transport_to, monkeypatch):
    monkeypatch.delattr(socket, "TCP_KEEPINTVL")
    monkeypatch.setattr(socket, "TCP_KEEPCNT", 9999)
    assert send(transport_to("http", Reply(200, FINE))).json() == FINE
    kept = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)]
    assert list(wire._keep_alive()) == kept


@pytest.mark.usefixtures("fresh_options")
def test_macos_has_another_name_for_the_silence_before_keep_alive(monkeypatch):
    monkeypatch.setattr(socket, "TCP_KEEPALIVE", socket.TCP_KEEPIDLE, raising=False)
    monkeypatch.delattr(socket, "TCP_KEEPIDLE")
    assert (socket.IPPROTO_TCP, socket.TCP_KEEPALIVE, 60) in wire._keep_alive()


def test_a_connection_that_keep_alive_gives_up_is_no_time_limit_of_ours(transport_to, monkeypatch):
    def dropped(response):
        raise TimeoutError(errno.ETIMEDOUT, "Connection timed out")

    transport = transport_to("http", Reply(200, json.dumps(FINE)))
    monkeypatch.setattr(wire.FinalResponse, "begin", dropped)
    with pytest.raises(ConnectionLost, match=r"gone without a word.*keep-alive") as lost:
        # A number that no port has.
        send(transport, "POST", Repeat.REFUSED, answer_timeout=360000)
    assert lost.value.sent
    assert "360000" not in lost.value.message
