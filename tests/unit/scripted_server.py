# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An HTTP server on the loopback that answers by a script and remembers what it was asked."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

# A self-signed certificate for 127.0.0.1 and its key. It is trusted nowhere.
CERTIFICATE = Path(__file__).resolve().parent / "loopback.pem"


@dataclass(frozen=True)
class Request:
    """What the server was asked."""

    method: str
    path: str
    headers: HTTPMessage
    body: bytes
    # The client's port: the same one for requests over the same connection.
    connection: int


@dataclass(frozen=True)
class Reply:
    """An answer; a body that is neither bytes nor text is sent as JSON.

    missing: how many bytes of the announced body are kept back when the connection is closed.
    interim: the statuses of the interim answers before it.
    status: SILENCE for none, after the interim answers.
    """

    status: Any = 200
    body: Any = b""
    headers: Mapping[str, Any] = field(default_factory=dict)
    missing: int = 0
    interim: Iterable[int] = ()

    def encoded(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode("utf-8")


# In a script instead of a Reply: take the request in and close the connection, or never answer.
CLOSE = "close"
SILENCE = "silence"


class ScriptedServer:
    """Answers the first request with the first item of the script, and so on; the last one is for all that follow.

    Args:
        script: A Reply, CLOSE, SILENCE, or a function that makes one of them from a Request.
        port: The port; 0 for any.
        tls: Whether to speak TLS.
        client_ca: The file of the CA from which clients must have a certificate, None where they need none.
        certificate: The file of the server's certificate and its key.
        no_tunnel: The status and the reason with which it refuses, as a proxy, to make a tunnel.
    """

    def __init__(
        self,
        *script: Any,
        port: int = 0,
        tls: bool = False,
        client_ca: Path | None = None,
        certificate: Path = CERTIFICATE,
        no_tunnel: tuple[int, str] | None = None,
    ) -> None:
        self.no_tunnel = no_tunnel
        self.script = script
        self.requests: list[Request] = []
        self.stopping = threading.Event()
        self._http = _Server(("127.0.0.1", port), _Handler)
        self._http.owner = self
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            if client_ca:
                context.load_verify_locations(client_ca)
                context.verify_mode = ssl.CERT_REQUIRED
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.port: int = self._http.server_address[1]
        self.origin = "%s://127.0.0.1:%d" % ("https" if tls else "http", self.port)
        self.base_url = self.origin + "/MicroStrategyLibrary"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def paths(self) -> list[str]:
        """What was asked for, ``GET /path``, in the order of arrival."""
        return ["%s %s" % (request.method, request.path) for request in self.requests]


def unused_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    owner: ScriptedServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Else each answer waits for the client to acknowledge its head.
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        owner = self.server.owner
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, self.headers, body, self.client_address[1])
        owner.requests.append(request)
        step = owner.script[min(len(owner.requests), len(owner.script)) - 1]
        reply = step(request) if callable(step) else step
        if reply == SILENCE:
            owner.stopping.wait()
        if reply in (SILENCE, CLOSE):
            self.close_connection = True
            return
        payload = reply.encoded()
        for status in reply.interim:
            self.wfile.write(b"HTTP/1.1 %d Wait\r\nLink: </style.css>; rel=preload\r\n\r\n" % status)
        if reply.status == SILENCE:
            owner.stopping.wait()
            self.close_connection = True
            return
        self.send_response_only(reply.status)
        for name, value in {"Date": self.date_time_string(), **reply.headers}.items():
            # Several headers of one name.
            for each in [value] if isinstance(value, str) else value:
                self.send_header(name, each)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload[: len(payload) - reply.missing])
        self.close_connection = self.close_connection or bool(reply.missing)

    def do_CONNECT(self) -> None:
        """Be a proxy that passes on what it cannot read."""
        self.server.owner.requests.append(Request(self.command, self.path, self.headers, b"", self.client_address[1]))
        host, port = self.path.rsplit(":", 1)
        self.close_connection = True
        if self.server.owner.no_tunnel is not None:
            self.send_response(*self.server.owner.no_tunnel)
            self.end_headers()
            return
        with socket.create_connection((host, int(port))) as onwards:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_pass_on, args=(onwards, self.connection), daemon=True)
            back.start()
            _pass_on(self.connection, onwards)
            back.join()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(1 << 16):
            target.sendall(part)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
