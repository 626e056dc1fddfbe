# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Package rows, sessions and random JSON to test with."""

from __future__ import annotations

import json
import time
from typing import Any

from hypothesis import strategies as st

from ansible_collections.mstr.migration.plugins.module_utils.package.content import Content
from ansible_collections.mstr.migration.plugins.module_utils.plan.listing import Listed
from ansible_collections.mstr.migration.plugins.module_utils.rest.client import Library
from ansible_collections.mstr.migration.plugins.module_utils.rest.http import Transport, TransportOptions
from ansible_collections.mstr.migration.plugins.module_utils.rest.models import Row
from ansible_collections.mstr.migration.plugins.module_utils.session.file import SessionFile
from ansible_collections.mstr.migration.plugins.module_utils.session.session import Session

OBJECT_ID = "8D67938B11D3E4981000E787EC6DE8A4"
PROJECT_ID = "B7CA92F04B9FAE8D941C3E9B7E0CD754"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
VERSION = "1DEA91E84E9F8E9B4E28CFB0A4D5D1C0"
OTHER_VERSION = "5AA3B2C94F0F9E9B4E28CFB0A4D5D1C0"
REPORT = 3
FOLDER = 8
USER = 34


class Pauses(list[float]):
    """Takes the place of sleep, and of the clock that it moves on: how long was waited, although no time went by."""

    time = 0.0

    def __call__(self, seconds: float) -> None:
        self.append(seconds)
        self.time += seconds

    def clock(self) -> float:
        return self.time


def row(**fields: Any) -> Row:
    """Return a row of a package; what is not named is a report's."""
    values: dict[str, Any] = {
        "id": OBJECT_ID,
        "name": "Revenue",
        "type": REPORT,
        "version": VERSION,
        "date_modified": "2021-03-04T03:53:09.000+0000",
        "action": "replace",
        "level": "project_object",
    }
    values.update(fields)
    return Row(**values)


def listed(*rows: Row, **fields: Any) -> Listed:
    """Return a package of a list; what is not named is that of a project package called finance."""
    held: dict[str, Any] = {
        "sha256": SHA256,
        "size": 4,
        "type": "project",
        "settings": {"defaultAction": "replace"},
    }
    held.update((name, fields.pop(name)) for name in list(fields) if name in held)
    return Listed(**{"name": "finance", "project_id": PROJECT_ID, **fields, "content": Content(rows=rows, **held)})


def row_json(**fields: Any) -> dict[str, Any]:
    """Return a row as the server writes it."""
    values: dict[str, Any] = {
        "id": OBJECT_ID,
        "name": "Revenue",
        "type": REPORT,
        "version": VERSION,
        "dateModified": "2021-03-04T03:53:09.000+0000",
        "action": "replace",
        "level": "project_object",
    }
    values.update(fields)
    return values


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), st.sampled_from(["", VERSION, "READY"])
)
json_values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=12,
)


def damaged(document: Any) -> st.SearchStrategy[Any]:
    """Return documents like the given one, in which one value anywhere is replaced by random JSON."""

    def replaced(place: tuple[Any, ...], value: Any) -> Any:
        if not place:
            return value
        copy = json.loads(json.dumps(document))
        target = copy
        for step in place[:-1]:
            target = target[step]
        target[place[-1]] = value
        return copy

    return st.builds(replaced, st.sampled_from(list(_places(document))), json_values)


def _places(document: Any, prefix: tuple[Any, ...] = ()) -> Any:
    yield prefix
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in items:
        yield from _places(value, (*prefix, key))


def session_with(server: Any, path: Any = None, sleep: Any = None, **state: Any) -> Session:
    """Return a session with a scripted server, which never pauses.

    Args:
        server: The server.
        path: The session file; None for a session within one task.
        sleep: Takes the place of the pauses between tries.
        state: What the session holds.
    """
    pauses = Pauses()
    clock = pauses.clock if sleep is None else time.monotonic
    transport = Transport(TransportOptions(server.base_url, timeout=5.0, retries=2), sleep=sleep or pauses, clock=clock)
    held = SessionFile(server.base_url, "prod", "deploy", "t0ken", [], {}, {}, **state)
    session = Session(Library(transport), held, None if path is None else str(path))
    session.library.token = held.token
    return session
