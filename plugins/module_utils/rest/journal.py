# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server's change journal: who changed which objects, when, and from where.

No page of the vendor describes it. Fields are those that the vendor's Python client names (since 11.4.0900), and the
parsers take what they find.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..support import shape
from ..support.text import printable
from .models import parse_date

# How many entries an answer can have at most.
PAGE = 100
# What entries say that are no edits of an object.
_NO_EDITS = frozenset(("touch_folder", "reserved"))


@dataclass(frozen=True)
class JournalEntry:
    """Something that somebody did, at once, to some objects.

    Attributes:
        time: When; None where the server does not say it in a form that can be read.
        user: Who, by name; None where the server does not say. So are the others.
        user_id: That user's id.
        machine: From which machine.
        objects: The ids of the objects, in upper case.
    """

    time: datetime | None
    user: str | None
    user_id: str | None
    machine: str | None
    objects: frozenset[str]


def question(
    projects: Iterable[str], objects: Iterable[tuple[str, int]], begin: datetime, end: datetime
) -> dict[str, Any]:
    """Return the body of ``POST /changeJournal``.

    Args:
        projects: The ids of the projects; none for all, and for the configuration.
        objects: The ids and types of the objects.
        begin: From when.
        end: Until when.
    """
    body: dict[str, Any] = {
        "affectedObjects": [{"id": identity, "type": number} for identity, number in objects],
        "beginTime": _in_words(begin),
        "endTime": _in_words(end),
    }
    named = sorted(projects)
    return {"affectedProjects": named, **body} if named else body


def _in_words(moment: datetime) -> str:
    """Return a time as the journal is asked for it: ``12/31/2026 11:59:59 PM``, without leading zeros."""
    hour = moment.hour % 12 or 12
    half = "AM" if moment.hour < 12 else "PM"
    return "%d/%d/%d %d:%02d:%02d %s" % (
        moment.month,
        moment.day,
        moment.year,
        hour,
        moment.minute,
        moment.second,
        half,
    )


def parse_search(data: Any) -> str:
    """Return the id of a search from the answer of ``POST /changeJournal``."""
    return shape.text(shape.mapping(data, "search"), "searchId", "search")


def parse_entries(data: Any) -> list[JournalEntry]:
    """Return entries from an answer of ``GET /changeJournal/{id}``; those that say nothing are empty."""
    rows = data.get("changeJournalEntries") if isinstance(data, dict) else data
    return [_entry(row if isinstance(row, dict) else {}) for row in shape.items(rows, "changeJournalEntries")]


def _entry(row: dict[str, Any]) -> JournalEntry:
    user = row.get("user")
    about = user if isinstance(user, dict) else {"name": user}
    changed = row.get("changedObjects")
    found = (_object(item) for item in changed) if isinstance(changed, list) else ()
    return JournalEntry(
        time=_time(row.get("timestampISO")) or _time(row.get("timestamp")),
        user=_text(about.get("fullName") or about.get("name") or about.get("username")),
        user_id=_text(about.get("id")),
        machine=_text(row.get("machine")),
        objects=frozenset(identity for identity in found if identity),
    )


def _object(item: Any) -> str | None:
    about = item if isinstance(item, dict) else {"id": item}
    if str(about.get("changeType") or "").lower() in _NO_EDITS:
        return None
    inner = about.get("object")
    identity = _text(about.get("id") or about.get("objectId") or (inner.get("id") if isinstance(inner, dict) else None))
    return identity.upper() if identity else None


def _time(value: Any) -> datetime | None:
    return parse_date(value) if isinstance(value, str) else None


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        return None
    return printable(str(value), 200)
