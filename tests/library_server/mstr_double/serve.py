# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listening: plain or TLS, until a signal ends it."""

from __future__ import annotations

import asyncio
import logging
import signal
import ssl
import sys
from pathlib import Path

from aiohttp import web

from mstr_double.api import API, BASE, serve_call
from mstr_double.control import add_control_routes
from mstr_double.door import Door
from mstr_double.reply import drop_type
from mstr_double.server import Server

# Large pieces, so that an upload of gigabytes is not held up by going through the loop too often.
READ_BUFFER = 1 << 20
BODY_LIMIT = 1 << 30


def make_app(server: Server) -> web.Application:
    """The web application of a double."""
    app = web.Application(client_max_size=BODY_LIMIT)

    async def call(request: web.Request) -> web.StreamResponse:
        return await serve_call(server, request)

    app.on_response_prepare.append(drop_type)
    app.router.add_route("*", API + "/{tail:.*}", call)
    add_control_routes(app, server)
    return app


def tls_context(cert: Path, key: Path | None, client_ca: Path | None) -> ssl.SSLContext:
    """TLS; with ``client_ca`` only clients with a certificate of that authority get in."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


async def serve(server: Server, host: str, port: int, tls: ssl.SSLContext | None) -> None:
    """Serve until SIGTERM or SIGINT; the first line on standard output is the base URL."""
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(
        make_app(server), access_log=None, shutdown_timeout=0.05, read_bufsize=READ_BUFFER, keepalive_timeout=300
    )
    await runner.setup()
    server.door = Door(runner, host, port, tls)
    try:
        await server.door.open()
        address = runner.addresses[0]
        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        sys.stdout.write(f"{'https' if tls else 'http'}://{shown}:{address[1]}{BASE}\n")
        sys.stdout.flush()
        await stop.wait()
    finally:
        await runner.cleanup()
        server.storage.clear()
