# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of one double, and what belongs to one call."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from mstr_double import seed as seeds
from mstr_double.door import Door
from mstr_double.errors import invalid_input, no_privilege
from mstr_double.faults import Faults
from mstr_double.gateway import Gateway
from mstr_double.migrations import Migrations
from mstr_double.sessions import Session, Sessions
from mstr_double.storage import Storage

IMPORT = "import"
# Their ids and names. The ids are made up: the pages name privileges by their names alone.
PRIVILEGES = {
    "create_package": ("901", "Create package"),
    "import_package": ("902", "Import package"),
    "bypass_acl": ("903", "Bypass all object security access checks"),
    "monitor_cluster": ("904", "Monitor cluster"),
    "monitor_change_journal": ("905", "Monitor Change Journal"),
    "monitor_users": ("906", "Monitor user connections"),
    "idle_project": ("907", "Idle and resume project"),
    "administer_caches": ("908", "Administer caches"),
}


class Server:
    """Everything that the double knows."""

    def __init__(self, seed: dict[str, Any], storage: Path | None = None) -> None:
        self.storage = Storage(storage)
        self._seed = copy.deepcopy(seed)
        self._tasks: set[asyncio.Task[None]] = set()
        self.in_flight = 0
        self.door: Door | None = None
        self.faults = Faults()
        self._kept: bytes | None = None
        self._start()

    def _start(self) -> None:
        self.store = seeds.build_store(self._seed)
        self.settings = seeds.build_settings(self._seed)
        self.sessions = Sessions()
        self.migrations = Migrations(self)
        self.gateway = Gateway()
        self.faults = Faults()
        self.log: list[dict[str, Any]] = []
        self.imports_started = 0

    @property
    def imports_running(self) -> int:
        """Imports whose work, the undo package included, is not over."""
        return sum(task.get_name() == IMPORT for task in self._tasks)

    def reset(self) -> None:
        """Back to the seed. An import that still runs is stopped: it must not write into the fresh metadata."""
        for task in self._tasks:
            task.cancel()
        self.faults.clear(drop=True)
        self.storage.clear()
        self._start()

    def keep(self) -> None:
        """Keep all that outlives a session, and the count of imports. What was kept before is dropped."""
        # Many times as fast as a deep copy.
        self._kept = pickle.dumps((self.store, self.imports_started))

    def restore(self) -> None:
        """Back to what was kept. :raises ValueError: nothing was"""
        if self._kept is None:
            raise ValueError("Nothing was kept.")
        self.store, self.imports_started = pickle.loads(self._kept)

    def spawn(self, work: Coroutine[Any, Any, None], name: str | None = None) -> None:
        """Let something run by itself, whatever becomes of the session that asked for it."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def word(self, status: str) -> str:
        """A status word in the case that this server uses."""
        return status.lower() if self.settings.status_case == "lower" else status.upper()


@dataclass
class Call:
    """One call of the API."""

    server: Server
    request: web.Request
    path: str
    entry: dict[str, Any]
    arguments: dict[str, str] = field(default_factory=dict)
    _session: Session | None = None

    @property
    def session(self) -> Session:
        assert self._session is not None
        return self._session

    def attach(self, session: Session) -> None:
        self._session = session
        self.entry["user"] = session.user.username

    @property
    def project(self) -> str | None:
        """The project header, as it was sent."""
        value = self.request.headers.get("X-MSTR-ProjectID")
        return value.strip().upper() if value and value.strip() else None

    def need(self, privilege: str) -> None:
        """Refuse a user who lacks a privilege. :raises ApiError: 403"""
        if not self.session.may(privilege, self.project):
            raise no_privilege(PRIVILEGES[privilege][1])

    async def read(self) -> bytes:
        """The body of the request, small as it is for all calls but the upload."""
        body = await self.request.read()
        self.entry["bytes_in"] = len(body)
        return body

    async def read_object(self) -> dict[str, Any]:
        """The body as a JSON object; an empty one is ``{}``."""
        try:
            body = json.loads(await self.read() or b"{}")
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise invalid_input("Invalid JSON")
        return body
