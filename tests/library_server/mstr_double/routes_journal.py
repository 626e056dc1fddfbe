# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The change journal: a search, and its pages of entries.

Fields are those of the vendor's Python client, which alone shows the calls (since 11.4.0900). In which time zone the
journal is asked is not said; here it is UTC. That a page has 100 entries at most is what that client asks for.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from mstr_double import errors, ids
from mstr_double.reply import Reply
from mstr_double.server import Call
from mstr_double.store import Journaled

PAGE = 100
ASKED = "%m/%d/%Y %I:%M:%S %p"


async def search_journal(call: Call) -> Reply:
    call.need("monitor_change_journal")
    try:
        wanted = json.loads(await call.read() or b"{}")
    except ValueError:
        wanted = None
    if not isinstance(wanted, dict):
        raise errors.invalid_input("Invalid JSON")
    begin, end = _time(wanted.get("beginTime")), _time(wanted.get("endTime"))
    call.entry["asked"] = wanted
    search = ids.new_id()
    call.server.store.searches[search] = [
        entry for entry in reversed(call.server.store.journal) if _fits(entry, wanted, begin, end)
    ]
    return Reply(200, json={"searchId": search})


def _time(text: Any) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.strptime(str(text), ASKED).replace(tzinfo=timezone.utc)
    except ValueError:
        raise errors.invalid_input(f"'{text}' is not a valid time.") from None


def _fits(entry: Journaled, wanted: dict[str, Any], begin: datetime | None, end: datetime | None) -> bool:
    projects = {str(one).upper() for one in wanted.get("affectedProjects") or []}
    objects = {str(one.get("id")).upper() for one in wanted.get("affectedObjects") or []}
    types = set(wanted.get("changeTypes") or [])
    moment = ids.parse_date(entry.time)
    return (
        (not projects or (entry.project or "") in projects)
        and (not objects or any(one["id"] in objects for one in entry.objects))
        and (not types or entry.change in types)
        and (begin is None or moment >= begin)
        and (end is None or moment <= end)
    )


async def read_journal(call: Call) -> Reply:
    call.need("monitor_change_journal")
    found = call.server.store.searches.get(call.arguments["search_id"])
    if found is None:
        raise errors.not_found("Object does not exist in the history list")
    try:
        offset, limit = (int(call.request.query.get(name, value)) for name, value in (("offset", "0"), ("limit", "-1")))
    except ValueError:
        raise errors.invalid_input("offset and limit are numbers.") from None
    page = found[offset : offset + (PAGE if limit < 0 else min(limit, PAGE))]
    return Reply(200, json={"changeJournalEntries": [entry.as_dict() for entry in page]})
