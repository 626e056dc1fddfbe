# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""User sessions and what they hold. The vendor's page "Authentication" says that token and cookies go together."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field

from mstr_double.holders import ImportProcess, PackageHolder
from mstr_double.store import StoredObject, User

SESSION_COOKIE = "JSESSIONID"
BALANCER_COOKIE = "MSTRNODE"
BALANCER_VALUE = "node1"


@dataclass
class Session:
    """One login: at most one package lives in it, and the import processes made from that."""

    user: User
    token: str = field(default_factory=lambda: secrets.token_hex(13))
    cookie: str = field(default_factory=lambda: secrets.token_hex(16).upper())
    last_used: float = field(default_factory=time.monotonic)
    package: PackageHolder | None = None
    imports: dict[str, ImportProcess] = field(default_factory=dict)

    # What its searches have found, by their ids, and whether one is not over.
    searches: dict[str, list[StoredObject]] = field(default_factory=dict)
    searching: bool = False

    # The projects that it was used in: each takes one of the sessions that a user may have there.
    projects: set[str] = field(default_factory=set)

    def may(self, privilege: str, project: str | None = None) -> bool:
        """Whether the user has a privilege everywhere, or in this project."""
        return self.user.may(privilege, project)


class Sessions:
    """The sessions that are alive."""

    def __init__(self) -> None:
        self._by_token: dict[str, Session] = {}
        # Tokens and cookies of all log-ins, so that a test can look for them where they must not be.
        self.secrets: list[str] = []
        self.logins = 0
        self.logouts = 0
        self.refused_logins = 0

    def open(self, user: User) -> Session:
        session = Session(user)
        self._by_token[session.token] = session
        self.secrets += [session.token, session.cookie]
        self.logins += 1
        return session

    def find(self, token: str, cookie: str | None, idle_limit: float, cookie_needed: bool = True) -> Session | None:
        """The session of a token, if the cookie is its own and it was not idle too long; using it renews it."""
        session = self._by_token.get(token)
        if session is None or (cookie_needed and session.cookie != cookie):
            return None
        moment = time.monotonic()
        if moment - session.last_used > idle_limit:
            self.drop(session)
            return None
        session.last_used = moment
        return session

    def drop(self, session: Session) -> None:
        """End a session. What it holds goes with it; an import that runs goes on, but cannot be asked for any more."""
        self._by_token.pop(session.token, None)
        session.package = None
        session.imports.clear()
        session.searches.clear()

    def drop_all(self) -> int:
        alive = list(self._by_token.values())
        for session in alive:
            self.drop(session)
        return len(alive)

    def alive(self, idle_limit: float) -> list[Session]:
        """All sessions, after those that were idle too long are gone."""
        moment = time.monotonic()
        for session in list(self._by_token.values()):
            if moment - session.last_used > idle_limit:
                self.drop(session)
        return list(self._by_token.values())
