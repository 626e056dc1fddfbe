# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who edited the objects that are neither as their package has them nor as our last import left them.

The server's change journal is asked once for all of them. It never makes a task fail: where it does not say, the plan
says that nobody can be named, and why.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from ..errors import ConnectionLost, ServerError
from ..history.queries import Left, last_left
from ..history.store import History
from ..rest import journal
from ..rest.journal import JournalEntry
from ..rest.known import BY_NAME, is_there
from ..rest.models import DestinationObject, parse_date, same_version
from ..rest.state import User
from ..session.session import Session
from ..support.parallel import side_by_side
from ..support.text import printable
from .listing import ListedPlan, ObjectKey, in_found
from .package import CannotTell, Change, Edited, Found

# How many objects are asked for at most, and how many pages of entries are read.
_MOST, _PAGES = 100, 5
# Seconds: for one answer, and for all of them.
_ANSWER, _ALL = 10.0, 30.0
# Nobody documents in which time zone the journal is asked.
_MARGIN = timedelta(days=1)
_NOBODY = "since the last import; nobody can be named: "


class Editors:
    """Who edited objects since our last import of them.

    Args:
        session: The session.
        history: The history; None for none, without which nothing is known of an import.
        found: What the destination has of the objects.
    """

    def __init__(self, session: Session, history: History | None, found: Mapping[ObjectKey, Found]) -> None:
        self._session = session
        self._history = history
        self._found = found
        self._edited: dict[ObjectKey, Edited] = {}

    def look(self, plans: Iterable[ListedPlan]) -> None:
        """Find the objects that were edited, and ask for all of them at once; where there are none, ask nothing.

        Args:
            plans: The plans of the packages that are due.
        """
        edited = self._since(plans)
        asked = dict(list(edited.items())[:_MOST])
        if not asked:
            return
        user: User | None = None
        try:
            entries, user = self._ask(asked)
            reason = "the change journal has no entry of it; it may have been purged"
        except (ConnectionLost, ServerError) as error:
            entries, reason = [], _reason(error)
        for key, left in edited.items():
            if key not in asked:
                self._edited[key] = Edited("%s %sonly %d objects are asked for" % (self._what(key), _NOBODY, _MOST))
                continue
            entry = _newest(entries, key, left)
            self._edited[key] = (
                self._named(key, entry, user) if entry else Edited(self._what(key) + " " + _NOBODY + reason)
            )

    def told(self, planned: ListedPlan) -> ListedPlan:
        """Return a plan whose objects say who edited them."""
        if not self._edited:
            return planned
        changes = (self._told(planned, change) for change in planned.plan.objects)
        return replace(planned, plan=replace(planned.plan, objects=tuple(changes)))

    def _told(self, planned: ListedPlan, change: Change) -> Change:
        edited = self._edited.get(planned.package.key(change.row))
        return replace(change, edited=edited) if edited is not None and change.counts else change

    def _since(self, plans: Iterable[ListedPlan]) -> dict[ObjectKey, Left]:
        """Return the objects that were edited, with what our last import left of them."""
        if self._history is None:
            return {}
        places: dict[str | None, set[ObjectKey]] = {}
        for planned in plans:
            if planned.due and planned.package.content.comparable:
                keys = {planned.package.key(change.row) for change in planned.plan.changes}
                places.setdefault(planned.package.project_id, set()).update(keys)
        edited = {}
        for project_id, keys in places.items():
            left = last_left(self._history.entries(project_id), {key[1:] for key in keys})
            for key in sorted(keys):
                if key[1:] in left and self._differs(key, left[key[1:]]):
                    edited[key] = left[key[1:]]
        return edited

    def _differs(self, key: ObjectKey, left: Left) -> bool:
        key = in_found(self._found, key)
        now = self._found.get(key)
        if key not in self._found or isinstance(now, CannotTell):
            return False
        return not same_version(now.version if now is not None else None, left.version)

    def _what(self, key: ObjectKey) -> str:
        there = isinstance(self._found.get(in_found(self._found, key)), DestinationObject)
        return "edited" if there else "deleted"

    def _ask(self, edited: Mapping[ObjectKey, Left]) -> tuple[list[JournalEntry], User | None]:
        """Ask the journal, and beside it who this user is."""
        library = self._session.library
        times = [moment for moment in (parse_date(left.since) for left in edited.values()) if moment is not None]
        now = datetime.now(timezone.utc).replace(tzinfo=None)
        projects = {key[0] for key in edited}
        body = journal.question(
            () if "" in projects else projects,
            (key[1:] for key in edited),
            min(times, default=now) - _MARGIN,
            now + _MARGIN,
        )
        until = time.monotonic() + _ALL
        search, user = side_by_side(lambda ask: ask(), [lambda: library.search_journal(body, _ANSWER), self._user], 2)
        entries: list[JournalEntry] = []
        for _page in range(_PAGES):
            page = library.journal_entries(str(search), len(entries), _ANSWER)
            entries += page
            if len(page) < journal.PAGE or time.monotonic() > until:
                break
        return entries, user if isinstance(user, User) else None

    def _user(self) -> User | None:
        try:
            return self._session.library.user()
        except (ConnectionLost, ServerError):
            return None

    def _named(self, key: ObjectKey, entry: JournalEntry, user: User | None) -> Edited:
        when = "%s UTC" % entry.time.replace(microsecond=0).isoformat(" ") if entry.time else None
        own = self._is_deployer(entry, user)
        who = printable(entry.user or entry.user_id or "somebody without a name", 100)
        text = "%s since the last import by %s%s%s%s" % (
            self._what(key),
            who,
            ", the user who deploys" if own else "",
            ", %s" % when if when else "",
            ", from %s" % printable(entry.machine, 100) if entry.machine else "",
        )
        moment = entry.time.replace(microsecond=0).isoformat() + "Z" if entry.time else None
        return Edited(text, entry.user or entry.user_id, moment, entry.machine, own)

    def _is_deployer(self, entry: JournalEntry, user: User | None) -> bool:
        if user is not None and user.id is not None and entry.user_id is not None:
            return user.id.upper() == entry.user_id.upper()
        names = {name.casefold() for name in (user.name if user else None, self._session.state.user) if name}
        return bool(entry.user and entry.user.casefold() in names)


def _newest(entries: Sequence[JournalEntry], key: ObjectKey, left: Left) -> JournalEntry | None:
    """Return the newest entry about an object from after our last import of it."""
    since = parse_date(left.since)
    own = [entry for entry in entries if key[1] in entry.objects and entry.time is not None]
    own = [entry for entry in own if since is None or (entry.time is not None and entry.time > since)]
    return max(own, key=lambda entry: entry.time or datetime.min, default=None)


def _reason(error: ConnectionLost | ServerError) -> str:
    call = BY_NAME["change_journal"]
    if isinstance(error, ServerError):
        if is_there(call, error, wrong_methods_show=True) is False:
            return "this server has no change journal that can be asked (since September 2024)"
        if error.status == 403:
            return "this user may not read the change journal (privilege Monitor Change Journal)"
    return printable(error.message, 300)
