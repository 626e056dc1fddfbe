# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The change journal: how it is asked, and what its entries say, whatever of them is there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from ansible_collections.mstr.migration.plugins.module_utils.rest import journal
from ansible_collections.mstr.migration.plugins.module_utils.support.shape import ShapeError

REGION = "A" * 32


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (datetime(2026, 12, 31, 23, 59, 59), "12/31/2026 11:59:59 PM"),
        (datetime(2023, 1, 5, 9, 5, 7), "1/5/2023 9:05:07 AM"),
        (datetime(2023, 1, 5, 0, 0, 0), "1/5/2023 12:00:00 AM"),
        (datetime(2023, 1, 5, 12, 0, 0), "1/5/2023 12:00:00 PM"),
    ],
)
def test_times_are_asked_as_the_journal_takes_them(moment: datetime, words: str) -> None:
    body = journal.question(["p"], [(REGION, 12)], moment, moment)
    assert body == {
        "affectedProjects": ["p"],
        "affectedObjects": [{"id": REGION, "type": 12}],
        "beginTime": words,
        "endTime": words,
    }
    assert "affectedProjects" not in journal.question([], [(REGION, 12)], moment, moment)


def test_an_entry_is_read() -> None:
    (entry,) = journal.parse_entries(
        {
            "changeJournalEntries": [
                {
                    "machine": "desk",
                    "timestampISO": "2026-03-01T09:12:33.000+0000",
                    "user": {"id": "1", "name": "Ann"},
                    "changedObjects": [{"id": REGION.lower(), "changeType": "change_object"}],
                }
            ]
        }
    )
    assert entry == journal.JournalEntry(datetime(2026, 3, 1, 9, 12, 33), "Ann", "1", "desk", frozenset([REGION]))


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ({"objectId": REGION}, {REGION}),
        ({"object": {"id": REGION}}, {REGION}),
        (REGION, {REGION}),
        ({"id": REGION, "changeType": "touch_folder"}, set()),
        ({"nothing": 1}, set()),
        (None, set()),
    ],
    ids=str,
)
def test_an_object_is_found_where_it_is(item: Any, found: set[str]) -> None:
    (entry,) = journal.parse_entries([{"changedObjects": [item]}])
    assert entry.objects == found


@pytest.mark.parametrize(
    "row", [{}, {"user": "Ann"}, {"user": 1, "changedObjects": 7, "timestampISO": "now"}, 5], ids=str
)
def test_an_entry_that_says_little_is_none_to_fail_for(row: Any) -> None:
    (entry,) = journal.parse_entries({"changeJournalEntries": [row]})
    assert entry.time is None
    assert entry.objects == frozenset()


@pytest.mark.parametrize("data", [{}, {"changeJournalEntries": 5}, "text", None], ids=str)
def test_another_answer_is_none(data: Any) -> None:
    with pytest.raises(ShapeError):
        journal.parse_entries(data)


def test_a_search_has_an_id() -> None:
    assert journal.parse_search({"searchId": "1"}) == "1"
    with pytest.raises(ShapeError):
        journal.parse_search({})
