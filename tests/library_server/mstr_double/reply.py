# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers, and how they go out: whole, or spoilt by a fault."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from mstr_double.package_format import Blob, MemoryBlob

PIECE = 1 << 18
NOTHING = object()
# Marks a response that goes out without a Content-Type.
UNTYPED = "untyped"
BINARY = "application/octet-stream"


@dataclass
class Reply:
    """An answer before it goes out: JSON, a binary download, some text, or nothing."""

    status: int
    json: Any = NOTHING
    download: Blob | None = None
    text: str | None = None
    content_type: str | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    with_length: bool = True
    # Without a Content-Type, which aiohttp would fill in.
    untyped: bool = False

    def body(self) -> Blob:
        if self.download is not None:
            return self.download
        if self.json is not NOTHING:
            return MemoryBlob(json.dumps(self.json).encode("utf-8"))
        return MemoryBlob((self.text or "").encode("utf-8"))

    def media_type(self) -> str | None:
        if self.untyped:
            return None
        if self.content_type:
            return self.content_type
        if self.download is not None:
            return BINARY
        if self.json is not NOTHING:
            return "application/json;charset=UTF-8"
        return None if self.text is None else "text/html;charset=UTF-8"


async def send(
    request: web.Request, reply: Reply, entry: dict[str, Any], cut: int | None = None, rate: float | None = None
) -> web.StreamResponse:
    """Send an answer, and write into the log what went out.

    :param cut: announce the whole length, but close the connection after so many bytes of the body
    :param rate: bytes a second
    """
    entry["status"] = reply.status
    body = reply.body()
    if reply.download is None and cut is None and rate is None:
        whole = web.Response(status=reply.status, body=body.read(0, body.length) or None)
        _set_headers(whole, reply)
        entry["bytes_out"] = body.length
        return whole
    response = web.StreamResponse(status=reply.status)
    _set_headers(response, reply)
    if reply.with_length or cut is not None:
        response.content_length = body.length
    else:
        response.enable_chunked_encoding()
    await response.prepare(request)
    sent = 0
    async for piece in _pieces(body, cut, rate):
        await response.write(piece)
        sent += len(piece)
        entry["bytes_out"] = sent
    if reply.download is not None:
        entry["sha256_out"] = body.sha256 if sent == body.length else MemoryBlob(body.read(0, sent)).sha256
    if cut is not None and request.transport is not None:
        request.transport.close()
        return response
    await response.write_eof()
    return response


async def drop_type(_request: web.Request, response: web.StreamResponse) -> None:
    """Take away the Content-Type that aiohttp has filled in, where an answer is to have none."""
    if response.get(UNTYPED):
        response.headers.pop("Content-Type", None)


def _set_headers(response: web.StreamResponse, reply: Reply) -> None:
    response[UNTYPED] = reply.untyped
    media_type = reply.media_type()
    if media_type is not None:
        response.headers["Content-Type"] = media_type
    for name, value in reply.headers:
        if name.lower() in ("set-cookie",):
            response.headers.add(name, value)
        else:
            response.headers[name] = value


async def _pieces(body: Blob, cut: int | None, rate: float | None) -> AsyncIterator[bytes]:
    end = body.length if cut is None else min(cut, body.length)
    size = PIECE if rate is None else max(1, int(rate / 20))
    position = 0
    while position < end:
        piece = body.read(position, min(size, end - position))
        yield piece
        position += len(piece)
        if rate is not None:
            await asyncio.sleep(len(piece) / rate)


async def send_interim(request: web.Request, status: int, count: int, seconds: float) -> None:
    """Send interim answers, of which HTTP allows any number before an answer (RFC 9110, 15.2).

    :param seconds: the pause after each
    """
    for _number in range(count):
        if request.transport is not None:
            request.transport.write(b"HTTP/1.1 %d Interim\r\nLink: </style.css>; rel=preload\r\n\r\n" % status)
        await asyncio.sleep(seconds)


def reset_connection(request: web.Request) -> web.Response:
    """Break the connection with a TCP reset, without an answer."""
    transport = request.transport
    if transport is not None:
        raw = transport.get_extra_info("socket")
        if raw is not None:
            # Lingering for zero seconds makes the kernel send RST instead of an orderly end.
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()
