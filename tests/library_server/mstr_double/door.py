# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The listening socket, which can be closed for a time: a client is refused then, as where no server runs."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

# Another program may take the port for a moment.
TRIES = 100
PAUSE = 0.05


class Door:
    """Lets clients in. The port stays the same from the first opening on.

    Connections that were made before it closes stay open for the control API; those of the API are closed once nothing
    is served on them, so that the next call has to come in by the door.
    """

    def __init__(self, runner: web.AppRunner, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self._runner = runner
        self._host = host
        self._port = port
        self._tls = tls
        self._site: web.TCPSite | None = None
        self._was_open = False
        self._timer: asyncio.Task[None] | None = None
        # Connections of the API, and how many calls are being served on each.
        self._connections: dict[asyncio.Transport, int] = {}

    @property
    def closed(self) -> bool:
        return self._site is None

    async def open(self) -> None:
        """Listen, unless it does."""
        if self._timer is not None and self._timer is not asyncio.current_task():
            self._timer.cancel()
        self._timer = None
        if self._site is not None:
            return
        from aiohttp import web

        for attempt in range(TRIES):
            site = web.TCPSite(self._runner, self._host, self._port, ssl_context=self._tls, backlog=512)
            try:
                await site.start()
            except OSError:
                with contextlib.suppress(RuntimeError):
                    await site.stop()
                if not self._was_open or attempt == TRIES - 1:
                    raise
                await asyncio.sleep(PAUSE)
                continue
            self._site = site
            self._was_open = True
            self._port = self._runner.addresses[0][1]
            return

    async def close(self, seconds: float | None) -> None:
        """Refuse connections for so many seconds, or until ``open``."""
        if self._site is not None:
            await self._site.stop()
            self._site = None
        for transport, calls in list(self._connections.items()):
            if not calls:
                transport.close()
        # Transports close in the loop's next turn. Whoever is told that the door is closed must find them closed.
        await asyncio.sleep(0)
        if seconds is not None:
            self._timer = asyncio.get_running_loop().create_task(self._open_after(seconds))

    async def _open_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.open()

    def enter(self, transport: asyncio.Transport | None) -> None:
        """A call of the API is served on this connection."""
        for known in [known for known in self._connections if known.is_closing()]:
            del self._connections[known]
        if transport is not None:
            self._connections[transport] = self._connections.get(transport, 0) + 1

    def leave(self, transport: asyncio.Transport | None) -> None:
        """The call is over."""
        if transport in self._connections:
            self._connections[transport] -= 1
