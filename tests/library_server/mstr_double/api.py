# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of every call below ``/MicroStrategyLibrary/api``: log, latency, faults, session, handler, answer."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

from aiohttp import web

from mstr_double import errors, faults
from mstr_double.encodings import ENCODERS
from mstr_double.faults import Fault
from mstr_double.package_format import MemoryBlob
from mstr_double.reply import NOTHING, Reply, reset_connection, send, send_interim
from mstr_double.routes import ROUTES, Handler
from mstr_double.server import Call, Server
from mstr_double.sessions import BALANCER_COOKIE, BALANCER_VALUE, SESSION_COOKIE
from mstr_double.versions import has_call

BASE = "/MicroStrategyLibrary"
API = BASE + "/api"
# The loop's timers end at the next full millisecond; without this, 20 ms would take 21.
TIMER_ROUNDING = 0.001
LOG = logging.getLogger("library_server")

SIGN_IN_PAGE = """<!DOCTYPE html>
<html><head><title>Sign in</title></head>
<body><form method="post" action="/sso"><input name="user"><input name="password" type="password"></form></body></html>
"""

_TABLE: list[tuple[re.Pattern[str], str, dict[str, tuple[Handler, bool]]]] = []
for _method, _form, _handler, _open in ROUTES:
    _pattern = re.compile("^" + re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", _form) + "/?$")
    for _known, _path, _methods in _TABLE:
        if _known.pattern == _pattern.pattern:
            _methods[_method] = (_handler, _open)
            break
    else:
        _TABLE.append((_pattern, _form, {_method: (_handler, _open)}))


async def serve_call(server: Server, request: web.Request) -> web.StreamResponse:
    """Answer one call of the API."""
    path = request.path[len(API) :]
    server.in_flight += 1
    entry: dict[str, Any] = {
        "method": request.method,
        "path": path,
        "query": dict(request.query),
        "status": None,
        "project": request.headers.get("X-MSTR-ProjectID"),
        "user": None,
        "bytes_in": 0,
        "bytes_out": 0,
        "in_flight": server.in_flight,
    }
    server.log.append(entry)
    call = Call(server, request, path, entry)
    door = server.door
    if door is not None:
        door.enter(request.transport)
    try:
        if server.settings.latency:
            await asyncio.sleep(max(0.0, server.settings.latency - TIMER_ROUNDING))
        too_many = server.gateway.refuse(server.settings.rate_limit, path)
        if too_many is not None:
            await _drain(call)
            return _last_one_out(server, await send(request, too_many, entry))
        fault = server.faults.strike(request.method, path)
        if fault is not None:
            entry["fault"] = fault.kind
            return _last_one_out(server, await _serve_with_fault(call, fault))
        reply = await _act(call)
        await _drain(call)
        return _last_one_out(server, await send(request, reply, entry))
    except (ConnectionError, web.RequestPayloadError):
        # The client went away; there is nobody to tell.
        return web.Response()
    finally:
        server.in_flight -= 1
        if door is not None:
            door.leave(request.transport)
        LOG.info("%s %s -> %s", entry["method"], path, entry["status"])


def _last_one_out(server: Server, response: web.StreamResponse) -> web.StreamResponse:
    """While connections are refused, none is kept either."""
    if server.door is not None and server.door.closed:
        response.force_close()
    return response


async def _serve_with_fault(call: Call, fault: Fault) -> web.StreamResponse:
    kind, what = fault.kind, fault.what
    if fault.before:
        if kind == "reset":
            return reset_connection(call.request)
        if kind == "expire":
            call.server.sessions.drop_all()
        elif kind == "hang":
            if not call.path.endswith("/binary"):
                # The request keeps it; once the client has given up, it could not be read any more.
                await call.read()
            if not await fault.hang():
                return reset_connection(call.request)
        else:
            await _drain(call)
            return await send(call.request, _made_up(what, call.request), call.entry)
    if kind == "interim":
        await send_interim(call.request, what["status"], what.get("count", 1), what.get("seconds", 0))
    reply = await _act(call)
    await _drain(call)
    if kind == "reset":
        return reset_connection(call.request)
    if kind == "status":
        reply = _made_up(what, call.request)
    elif kind == "hang" and not fault.before:
        if not await fault.hang():
            return reset_connection(call.request)
    elif kind == "content_type":
        reply.content_type = what["content_type"]
    elif kind == "body":
        _exchange_body(reply, what)
    elif kind == "encoded":
        _encode(reply, what, call.entry)
    elif kind == "refuse" and call.server.door is not None:
        await call.server.door.close(what["seconds"])
    elif kind in ("json", "remove") and reply.json is not NOTHING:
        _spoil(reply, what)
    cut = what["bytes"] if kind == "cut" or (kind == "short" and reply.download is not None) else None
    return await send(call.request, reply, call.entry, cut=cut, rate=what.get("bytes_per_second"))


def _made_up(what: dict[str, Any], request: web.Request) -> Reply:
    """An answer that no handler gave."""
    if what["kind"] == "html":
        return Reply(200, text=SIGN_IN_PAGE)
    if what["kind"] == "redirect":
        location = what["location"].replace("{self}", request.path_qs)
        return Reply(what.get("status", 302), text="", headers=[("Location", location)])
    body = _with_token(what.get("body", ""), request)
    headers = [(str(name), str(value)) for name, value in what.get("headers", {}).items()]
    if isinstance(body, str):
        return Reply(what["status"], text=body, content_type=what.get("content_type"), headers=headers)
    return Reply(what["status"], json=body, content_type=what.get("content_type"), headers=headers)


def _exchange_body(reply: Reply, what: dict[str, Any]) -> None:
    """Put another body into an answer, whose status and headers stay."""
    # As it was before: what it is follows from the body otherwise.
    reply.content_type = what.get("content_type", reply.media_type())
    reply.untyped = reply.content_type is None
    reply.download = None
    reply.json = what.get("json", NOTHING)
    reply.text = what.get("text")


def _encode(reply: Reply, what: dict[str, Any], entry: dict[str, Any]) -> None:
    """Compress the body of an answer, and cut it so that Content-Length fits what is left."""
    body = reply.body()
    if not body.length:
        return
    reply.content_type = reply.media_type()
    plain = body.read(0, body.length)
    entry["sha256_plain"] = MemoryBlob(plain).sha256
    encoded = ENCODERS[what["encoding"]](plain)
    reply.download = MemoryBlob(encoded[: what.get("cut")])
    reply.with_length = True
    reply.headers.append(("Content-Encoding", what["encoding"]))


def _with_token(body: Any, request: web.Request) -> Any:
    """Put the caller's token in for ``{token}``: a server that shows a request with all its headers does so."""
    if isinstance(body, dict):
        return {key: _with_token(value, request) for key, value in body.items()}
    if isinstance(body, str):
        return body.replace("{token}", request.headers.get("X-MSTR-AuthToken", ""))
    return body


def _spoil(reply: Reply, what: dict[str, Any]) -> None:
    if "replace" in what:
        reply.json = what["replace"]
    if "merge" in what:
        reply.json = faults.merge(reply.json, what["merge"])
    for name in what.get("fields", []):
        faults.remove(reply.json, name.split("."))


async def _act(call: Call) -> Reply:
    """Let the handler do its work; refusals become answers."""
    try:
        handler, is_open = _find(call)
        if not is_open:
            _authenticate(call)
        reply = await handler(call)
        if call.server.settings.unknown_fields and reply.json is not NOTHING:
            _add_unknown_fields(reply.json)
        return reply
    except errors.ApiError as error:
        return _refusal(call, error)
    except Exception as error:  # pylint: disable=broad-exception-caught
        LOG.exception("The double itself failed.")
        return _refusal(call, errors.ApiError(500, "ERR001", f"The double itself failed: {error!r}"))


def _refusal(call: Call, error: errors.ApiError) -> Reply:
    return Reply(error.status, json=error.payload(call.server.settings))


def _find(call: Call) -> tuple[Handler, bool]:
    settings = call.server.settings
    for pattern, path, methods in _TABLE:
        match = pattern.match(call.path)
        there = [method for method in methods if has_call(settings, method, path)] if match else []
        if match and there:
            if call.request.method not in there:
                raise errors.no_such_call() if settings.unknown_method == "404" else errors.wrong_method()
            call.arguments = match.groupdict()
            return methods[call.request.method]
    raise errors.no_such_call()


def _authenticate(call: Call) -> None:
    """Token and session cookie must belong together [page "Authentication"]."""
    settings = call.server.settings
    cookies = call.request.cookies
    token = call.request.headers.get("X-MSTR-AuthToken", "")
    cookie = cookies.get(SESSION_COOKIE) if settings.session_cookie_needed else None
    session = call.server.sessions.find(token, cookie, settings.session_timeout, settings.session_cookie_needed)
    if session is None:
        raise errors.session_invalid()
    if settings.require_balancer_cookie and cookies.get(BALANCER_COOKIE) != BALANCER_VALUE:
        # Without it a balancer would have picked another node, which does not know the session.
        raise errors.session_invalid()
    call.attach(session)


async def _drain(call: Call) -> None:
    """Read what the client still sends, so that it gets to read the answer."""
    if call.request.can_read_body and not call.request.content.at_eof():
        size = 0
        async for chunk in call.request.content.iter_any():
            size += len(chunk)
        call.entry["bytes_in"] += size


def _add_unknown_fields(answer: Any) -> None:
    """Newer versions say more than older clients know."""
    if isinstance(answer, dict):
        for value in list(answer.values()):
            _add_unknown_fields(value)
        answer["sinceNextRelease"] = {"flags": [1, 2]}
    elif isinstance(answer, list):
        for item in answer:
            _add_unknown_fields(item)
