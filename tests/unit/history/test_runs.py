# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which run is the last one, and which is meant by an id."""

from __future__ import annotations

import pytest
from samples import PROJECT_ID, SHA256

from ansible_collections.mstr.migration.plugins.module_utils.errors import InputError
from ansible_collections.mstr.migration.plugins.module_utils.history.entry import Entry
from ansible_collections.mstr.migration.plugins.module_utils.history.receipt import Receipt
from ansible_collections.mstr.migration.plugins.module_utils.history.runs import find_run, run_before, runs_of

KEY = "A" * 32 + ":3"


def entry(number: int, run: str | None, state: str = "imported", *, idle: bool = False, **values: str) -> Entry:
    """An entry whose place in time is a number; it changed an object, unless it is idle."""
    receipt = Receipt.parse(
        {
            "state": state,
            "name": "p%d" % number,
            "sha256": SHA256,
            "changes": [{"id": "A" * 32, "type": 3, "name": "Revenue", "effect": "replace"}],
            "versions_before": {KEY: "1"},
            "versions": {KEY: "1" if idle else "2"},
            "run": run,
            **values,
        }
    )
    scope = values.get("project") or "configuration"
    return Entry("/history/prod/%s/20260301T%09dZ-p%d-%s" % (scope, number, number, SHA256[:12]), 0o600, receipt)


def ids(entries: list[Entry]) -> list[tuple[str, list[str]]]:
    return [(run.id, [item.receipt.name for item in run.entries]) for run in runs_of(entries)]


def test_a_run_is_what_its_receipts_say_in_all_projects() -> None:
    entries = [entry(3, "b"), entry(1, "a", project=PROJECT_ID), entry(2, "a"), entry(4, "b", idle=True)]
    assert ids(entries) == [("a", ["p1", "p2"]), ("b", ["p3"])]


def test_a_run_that_changed_nothing_is_not_the_last() -> None:
    entries = [entry(1, "a"), entry(2, "b", idle=True)]
    assert find_run(entries, "last").id == "a"
    with pytest.raises(InputError, match="b changed nothing"):
        find_run(entries, "b")


def test_the_last_run_stays_the_last_once_it_is_taken_back() -> None:
    entries = [entry(1, "a"), entry(2, "b", "undone"), entry(3, "b", "undone")]
    run = find_run(entries, "last")
    assert (run.id, run.is_taken_back) == ("b", True)
    before = run_before(entries, run)
    assert before is not None
    assert before.id == "a"
    assert run_before(entries, before) is None


def test_the_run_before_is_one_that_is_not_taken_back() -> None:
    entries = [entry(1, "a"), entry(2, "b", "undone"), entry(3, "c", "undone")]
    before = run_before(entries, find_run(entries, "last"))
    assert before is not None
    assert before.id == "a"


def test_a_receipt_without_a_run_is_one_of_its_own() -> None:
    entries = [entry(1, None), entry(2, None)]
    assert [len(run.entries) for run in runs_of(entries)] == [1, 1]
    assert find_run(entries, "last").entries == (entries[1],)
    assert find_run(entries, entries[0].name).entries == (entries[0],)


def test_a_plan_is_all_that_was_imported_by_it() -> None:
    entries = [entry(1, "a", plan_id="p"), entry(2, "b", plan_id="p"), entry(3, "c", plan_id="q")]
    assert find_run(entries, "p").entries == (entries[0], entries[1])
    assert find_run(entries, "p").id == "p"


def test_what_nobody_knows_is_refused_with_what_there_is() -> None:
    with pytest.raises(InputError, match=r"no run x that changed something; there is:\nb: .*\na: "):
        find_run([entry(1, "a"), entry(2, "b")], "x")
    with pytest.raises(InputError, match="no run that changed something"):
        find_run([], "last")


def test_a_run_in_words_tells_what_is_taken_back() -> None:
    entries = [entry(1, "a", "undone"), entry(2, "a", started="2026-03-01T12:00:00.000Z"), entry(3, "a", "failed")]
    (run,) = runs_of(entries)
    assert run.in_words() == "a: ?: p1 (taken back), p2, p3 (failed)"
    assert run.as_result()["taken_back"] is False
    (other,) = runs_of([entry(1, "b", "undone", user="deployer", job_id="7")])
    assert other.in_words() == "b: ? by deployer, job 7: p1; all taken back"
    (third,) = runs_of([entry(1, "b", job_id="7", job_template="MicroStrategy deploy", job_user="alice")])
    assert third.in_words() == "b: ?, job 7 (MicroStrategy deploy, alice): p1"
