# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connections below requests: kept alive while an answer is awaited, and read on to the answer itself."""

from __future__ import annotations

import functools
import http.client
import socket
import threading
from typing import Any

try:
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPConnection
except ImportError:
    # ``http`` keeps what the user is told; here it must only be possible to import.
    HTTPAdapter = object  # type: ignore[assignment,misc]

# Seconds of silence after which TCP asks whether the other side is still there, seconds between two such questions, and
# how many without an answer end the connection. Firewalls forget connections after some minutes of silence. macOS has
# another name for the first one.
_KEEP_ALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPALIVE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
# Interim answers before an answer. A server that sends one a second for hours is at work; more are a flood.
_MOST_INTERIM = 20_000


class FinalResponse(http.client.HTTPResponse):
    """An answer that is not an interim one (1xx), of which any number may come before it (RFC 9110, 15.2).

    http.client reads on after 100 alone. 101 ends HTTP on the connection, so nothing comes after it.
    """

    def begin(self) -> None:
        """Read the head of the answer, past those of interim ones."""
        super().begin()
        count = 0
        while 100 < self.status < 200 and self.status != 101:
            count += 1
            if count > _MOST_INTERIM:
                raise http.client.HTTPException("more than %d interim answers" % _MOST_INTERIM)
            # As before the first one.
            self.headers = self.msg = None  # type: ignore[assignment]
            super().begin()


def socket_options() -> list[tuple[int, int, int]]:
    """Return what is set on each connection: urllib3's own options, and TCP keep-alive as far as there is any."""
    return [*HTTPConnection.default_socket_options, *_keep_alive()]


@functools.lru_cache(maxsize=1)
def _keep_alive() -> tuple[tuple[int, int, int], ...]:
    known = [(getattr(socket, name), value) for name, value in _KEEP_ALIVE.items() if hasattr(socket, name)]
    wanted = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), *((socket.IPPROTO_TCP, *option) for option in known)]
    # Some kernels know the names and refuse the values. No connection could be made then.
    taken = []
    with socket.socket() as probe:
        for option in wanted:
            try:
                probe.setsockopt(*option)
            except OSError:
                continue
            taken.append(option)
    return tuple(taken)


@functools.cache
def _reading_on(pool: Any) -> Any:
    """Return a class of connection pools that read on to the answer itself, and see where it breaks off."""
    connection = type(pool.ConnectionCls.__name__, (pool.ConnectionCls,), {"response_class": FinalResponse})
    classes: dict[str, Any] = {"ConnectionCls": connection}
    if hasattr(pool, "ResponseCls"):
        # urllib3 1.26 compares what comes with the length that was announced only where it is told to.
        whole = functools.partialmethod(pool.ResponseCls.__init__, enforce_content_length=True)
        classes["ResponseCls"] = type(pool.ResponseCls.__name__, (pool.ResponseCls,), {"__init__": whole})
    return type(pool.__name__, (pool,), classes)


def _let_read_on(manager: Any) -> Any:
    # Each kind of proxy has classes of its own.
    pools = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {scheme: _reading_on(pool) for scheme, pool in pools.items()}
    return manager


class Adapter(HTTPAdapter):
    """What requests sends with, over such connections.

    Args:
        connections: How many connections with a server there are at most.
    """

    def __init__(self, connections: int) -> None:
        self._making_manager = threading.Lock()
        super().__init__(pool_connections=1, pool_maxsize=connections, pool_block=True)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        """Make what makes connections."""
        super().init_poolmanager(connections, maxsize, block, socket_options=socket_options(), **pool_kwargs)
        _let_read_on(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        """Return what makes connections through a proxy."""
        with self._making_manager:
            if proxy in self.proxy_manager:
                return self.proxy_manager[proxy]
            return _let_read_on(super().proxy_manager_for(proxy, socket_options=socket_options(), **proxy_kwargs))
