# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Receipts read again: what they settle, what stands on what, what may go."""

from __future__ import annotations

import json
import os
import pathlib
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from samples import PROJECT_ID, SHA256, damaged

from ansible_collections.mstr.migration.plugins.module_utils.errors import DiskError
from ansible_collections.mstr.migration.plugins.module_utils.history import queries
from ansible_collections.mstr.migration.plugins.module_utils.history.entry import Entry
from ansible_collections.mstr.migration.plugins.module_utils.history.receipt import Receipt
from ansible_collections.mstr.migration.plugins.module_utils.history.store import History
from ansible_collections.mstr.migration.plugins.module_utils.plan.undo import change_of_undo

OTHER = "a" * 64
A, B = "A" * 32, "B" * 32
KEY_A, KEY_B = (A, 3), (B, 3)


def changed(*ids):
    return [{"id": identity, "type": 3, "name": "Revenue", "effect": "replace"} for identity in ids]


def receipt(state="imported", before=None, after=None, **values):
    """A receipt of an import that changed object A from version 1 to version 2, unless told otherwise."""
    return Receipt.parse(
        {
            "state": state,
            "name": "finance",
            "sha256": SHA256,
            "type": "project",
            "project": PROJECT_ID,
            "changes": changed(A),
            "versions_before": {A + ":3": "1"} if before is None else before,
            "versions": {A + ":3": "2"} if after is None else after,
            **values,
        }
    )


@pytest.fixture(name="past")
def a_history(tmp_path):
    history = History(str(tmp_path), "prod")

    def past(*receipts):
        for values in receipts:
            history.begin(values)
        return history.entries(PROJECT_ID)

    return past


def test_the_newest_import_of_the_very_file_is_the_record(past):
    entries = past(receipt(after={A + ":3": "old"}), receipt(), receipt(sha256=OTHER, name="sales"))
    record = queries.record_of(entries, SHA256, False)
    assert (record.imported, record.held, record.versions) == (True, False, {KEY_A: "2"})
    assert record.entry == entries[1].path
    assert queries.record_of(entries, "b" * 64, False) is None


@pytest.mark.parametrize(
    ("state", "held", "expected"),
    [
        ("undone", None, (False, True)),
        ("undone", True, (False, True)),
        # A run took back what it had imported itself: as if it had never been.
        ("undone", False, (True, False)),
        ("started", None, (False, False)),
        ("interrupted", None, (False, False)),
    ],
)
def test_what_the_newest_entry_says_beats_an_older_import(past, state, held, expected):
    record = queries.record_of(past(receipt(), receipt(state, held=held)), SHA256, False)
    assert (record.imported, record.held) == expected


def test_a_failed_import_counts_only_if_it_changed_something(past):
    assert queries.record_of(past(receipt(), receipt("failed", after={A + ":3": "1"})), SHA256, False).imported
    assert not queries.record_of(past(receipt(), receipt("failed")), SHA256, False).imported


IDLE = {A + ":3": "1"}


def test_an_import_that_changed_nothing_says_nothing_new(past):
    # It was forced, or the server left its objects alone.
    assert queries.record_of(past(receipt(), receipt(after=IDLE)), SHA256, False).versions == {KEY_A: "2"}
    assert queries.record_of(past(receipt("failed"), receipt(after=IDLE)), SHA256, False).imported
    assert queries.record_of(past(receipt(sha256=OTHER), receipt(sha256=OTHER, after=IDLE)), OTHER, False).versions


@pytest.mark.parametrize(("started", "held"), [("2026-01-01T00:00:00.000Z", True), ("2026-01-03T00:00:00.000Z", False)])
def test_an_import_that_changed_nothing_does_not_hide_that_the_one_before_it_was_taken_back(past, started, held):
    undone = receipt("undone", undone_at="2026-01-02T00:00:00.000Z")
    record = queries.record_of(past(undone, receipt(after=IDLE, started=started)), SHA256, False)
    # What was begun after that was asked for by somebody who knew.
    assert (record.held, record.imported) == (held, not held)


@pytest.mark.parametrize("effect", ["duplicate", "unknown"])
def test_what_shows_in_no_version_may_have_been_changed(past, effect):
    rows = [{"id": A, "type": 3, "name": "Revenue", "effect": effect}]
    (entry,) = past(receipt(after=IDLE, changes=rows))
    assert not entry.receipt.changed_nothing
    assert queries.latest([entry]) is entry


def test_newer_imports_of_other_files_overtake_what_they_touched(past):
    entries = past(receipt(), receipt(sha256=OTHER), receipt("undone", sha256="c" * 64))
    assert queries.record_of(entries, SHA256, True).overtaken == {KEY_A: frozenset([OTHER])}


def test_an_import_touched_what_got_another_version_and_what_no_version_tells_of(past):
    (entry,) = past(receipt(changes=changed(A, B)))
    assert entry.receipt.touched == {KEY_A, KEY_B}
    (left_alone,) = past(receipt(after={A + ":3": "1"}))[-1:]
    assert left_alone.receipt.touched == set()


@pytest.mark.parametrize("state", ["started", "interrupted"])
def test_an_import_that_nobody_saw_end_may_have_touched_what_was_predicted(past, state):
    (entry,) = past(replace(receipt(state), versions=None))
    assert entry.receipt.touched == {KEY_A}


@pytest.mark.parametrize("state", ["failed", "imported", "undone", "interrupted"])
def test_an_import_that_changed_nothing_is_not_the_latest(past, state):
    entries = past(receipt(), receipt("failed"), receipt(state, after=IDLE))
    assert queries.latest(entries) is entries[1]
    assert queries.latest(entries[2:]) is None


def test_failed_imports_of_the_file_right_before_an_import_are_a_part_of_it(past):
    entries = past(
        receipt("failed"),
        receipt(),
        receipt("failed"),
        receipt("failed", after=IDLE),
        receipt("undone"),
        receipt("failed"),
        receipt(),
        receipt("failed", sha256=OTHER),
        receipt(),
    )
    assert queries.failed_before(entries[6], entries) == [entries[5], entries[2]]
    assert queries.failed_before(entries[8], entries) == []


def test_older_imports_of_the_file_stay_when_the_newest_is_taken_back(past):
    entries = past(receipt(), receipt(sha256=OTHER), receipt("undone"), receipt(after=IDLE), receipt())
    assert queries.older_imports(entries[4], entries) == [entries[0]]


def test_taking_several_imports_back_brings_back_what_was_before_the_oldest(past):
    entries = past(
        receipt(
            "failed",
            changes=changed(A, B),
            before={A + ":3": None, B + ":3": "1"},
            after={A + ":3": "2", B + ":3": "2"},
        ),
        receipt(before={A + ":3": "2"}, after={A + ":3": "3"}),
    )
    shown = {change.row.id: change for change in change_of_undo([entries[1], entries[0]])}
    assert {key: (item.effect, item.version_before, item.version_after) for key, item in shown.items()} == {
        A: ("delete", "3", None),
        B: ("replace", "2", "1"),
    }


def test_what_taking_back_changes_is_told_by_the_receipt(past):
    (entry,) = past(
        receipt(
            changes=changed(A, B),
            before={A + ":3": "1", B + ":3": None, "C" * 32 + ":8": "1"},
            after={A + ":3": "2", B + ":3": "3", "C" * 32 + ":8": None},
        )
    )
    shown = [(change.effect, change.version_before, change.version_after) for change in change_of_undo([entry])]
    assert shown == [("replace", "2", "1"), ("delete", "3", None), ("create", None, "1")]
    silent = past(receipt(changes=changed(A), before={}, after={A + ":3": "2"}))[-1]
    (change,) = change_of_undo([silent])
    assert (change.effect, change.note) == ("unknown", "its receipt does not tell what the object was before")


def test_newer_imports_that_are_not_taken_back_stand_on_what_they_touched(past):
    elsewhere = receipt(changes=changed(B), before={B + ":3": "1"}, after={B + ":3": "2"})
    entries = past(receipt(), receipt(name="sales"), receipt("undone"), elsewhere, receipt("started"))
    assert queries.standing_on(entries[0], entries) == [entries[1], entries[4]]
    assert queries.standing_on(entries[4], entries) == []


def test_what_a_newer_rollback_left_is_what_an_older_import_is_expected_to_be(past):
    first = receipt("undone", undone_at="2026-01-02T00:00:00.000Z", versions_undone={A + ":3": "3", B + ":3": "9"})
    last = receipt("undone", undone_at="2026-01-03T00:00:00.000Z", versions_undone={A + ":3": "4"})
    entries = past(receipt(), last, first)
    assert queries.expected_versions(entries[0], entries) == {KEY_A: "4"}


def test_names_are_told_apart_even_where_their_directories_are_not(past):
    entries = past(receipt(name="a/b"), receipt(name="a_b"), receipt(name="a b"))
    assert [entry.receipt.name for entry in queries.named(entries, "a_b")] == ["a_b"]


def test_what_may_be_pruned_leaves_the_ways_back(past):
    entries = past(
        receipt(),
        receipt(),
        receipt("undone", sha256=OTHER),
        receipt("undone", sha256="c" * 64, held=False),
        receipt("interrupted", sha256="d" * 64),
        receipt("undone", sha256="e" * 64, held=False),
        receipt(name="sales"),
    )
    # Kept: the newest (5); the newest not undone (4), whose end nobody saw; one that holds its file (2).
    assert queries.prunable(entries, "finance", 1) == [entries[0], entries[1], entries[3]]
    assert queries.prunable(entries, "finance", 5) == [entries[0]]
    assert queries.prunable(entries, "finance", 99) == []


def test_the_newest_import_not_undone_is_never_pruned(past):
    entries = past(receipt(), receipt(), receipt("undone", held=False), receipt("undone", held=False))
    assert queries.prunable(entries, "finance", 1) == [entries[0], entries[2]]


def test_imports_that_changed_nothing_push_no_way_back_out_of_the_history(past):
    entries = past(receipt("failed"), receipt(), *[receipt(after=IDLE) for _night in range(3)])
    assert queries.prunable(entries, "finance", 2) == entries[2:4]
    # The failed one is a part of the import after it.
    assert queries.prunable(entries, "finance", 1) == entries[2:4]


def test_a_pruned_entry_is_gone_with_all_that_was_in_it(past):
    (entry,) = past(receipt())
    with open(entry.undo_path, "wb") as undo:
        undo.write(b"undo")
    entry.remove()
    assert os.listdir(os.path.dirname(entry.path)) == []


def test_only_entries_are_taken_for_entries(past, tmp_path):
    past(receipt())
    scope = tmp_path / "prod" / PROJECT_ID
    for name in (".mstr_half", "notes", "20260101T000000000Z-empty-" + SHA256[:12]):
        (scope / name).mkdir()
    (scope / "README").write_text("")
    assert len(History(str(tmp_path), "prod").entries(PROJECT_ID)) == 1
    assert len(History(str(tmp_path), "prod").all_entries()) == 1


def read(directory, text):
    (directory / "receipt.json").write_text(text, encoding="utf-8")
    entry = Entry(str(directory), 0o600)
    assert entry.receipt.touched is not None
    queries.expected_versions(entry, [entry])
    queries.record_of([entry], SHA256, True)
    queries.prunable([entry], "finance", 1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(document=damaged(receipt(unresolved=changed(B), versions_undone={A + ":3": None}).as_document()))
def test_a_damaged_receipt_is_read_or_named(tmp_path, document):
    message = None
    try:
        read(tmp_path, json.dumps(document))
    except DiskError as error:
        message = error.message
    assert message is None or str(tmp_path) in message


def test_versions_in_another_case_are_no_change(past):
    (entry,) = past(receipt(before={A + ":3": "ab"}, after={A + ":3": "AB"}))
    assert entry.receipt.touched == frozenset()
    assert entry.receipt.changed_nothing


@pytest.mark.parametrize("url", ["https://other.example.com/x", "http://mstr.example.com/x", "http://["])
def test_entries_of_another_server_are_not_there(url, tmp_path):
    everything = History(str(tmp_path), "prod")
    own = receipt(base_url="https://mstr.example.com/x")
    for values in (receipt(), own, receipt(base_url=url)):
        everything.begin(values)
    history = History(str(tmp_path), "prod", base_url="https://MSTR.example.com:443/x")
    # What does not say where it was made is everybody's.
    assert [entry.receipt.base_url for entry in history.entries(PROJECT_ID)] == [None, own.base_url]
    assert len(history.all_entries()) == 2
    assert [entry.made_on for entry in history.of_other_servers()] == [url]
    assert len(everything.entries(PROJECT_ID)) == 3


def test_a_name_in_a_receipt_is_not_taken_for_its_server(tmp_path):
    values = receipt(changes=[{**changed(A)[0], "name": '"base_url": "https://other.example.com"'}])
    History(str(tmp_path), "prod").begin(values)
    history = History(str(tmp_path), "prod", base_url="https://mstr.example.com/x")
    assert len(history.entries(PROJECT_ID)) == 1


def test_a_receipt_vouches_for_the_content_that_the_server_read(past):
    entries = past(receipt(content="one"), receipt(sha256=OTHER))
    assert queries.vouches(entries, SHA256, "one")
    assert not queries.vouches(entries, SHA256, "two")
    # From before it was noted.
    assert not queries.vouches(entries, OTHER, "two")
    assert not queries.vouches(entries, "b" * 64, "one")


@pytest.mark.parametrize("skew", ["2020-01-01T00:00:00.000Z", "2090-01-01T00:00:00.000Z"])
def test_what_came_after_a_taking_back_does_not_depend_on_clocks(skew, tmp_path):
    history = History(str(tmp_path), "prod")
    first = history.begin(receipt(started="2050-01-01T00:00:00.000Z"))
    first.mark_undone(True, None)
    assert queries.record_of(history.entries(PROJECT_ID), SHA256, False).held
    unchanged = {A + ":3": "1"}
    history.begin(receipt(before=unchanged, after=unchanged, started=skew))
    assert not queries.record_of(history.entries(PROJECT_ID), SHA256, False).held


def test_the_server_of_a_receipt_is_read_however_it_is_spelt(tmp_path):
    entry = History(str(tmp_path), "prod").begin(receipt(base_url="https://b/x"))
    path = pathlib.Path(entry.receipt_path)
    path.write_text(path.read_text().replace("https://b/x", "https:\\/\\/b\\/x"))
    history = History(str(tmp_path), "prod", base_url="https://a/x")
    assert history.all_entries() == []
    assert [other.made_on for other in history.of_other_servers()] == ["https://b/x"]


def test_entries_say_on_which_metadata_they_were_made(tmp_path):
    everything = History(str(tmp_path), "prod")
    for values in (
        receipt(base_url="https://a/x", metadata="M1"),
        receipt(base_url="https://a/x"),
        receipt(base_url="https://b/x", metadata="M2"),
        # A name in a receipt is not taken for it.
        receipt(base_url="https://a/x", changes=[{**changed(A)[0], "name": '"metadata": "M3"'}]),
    ):
        everything.begin(values)
    history = History(str(tmp_path), "prod", base_url="https://a/x")
    assert [metadata for _entry, metadata in history.known_metadata()] == ["M1"]
    ((entry, _metadata),) = history.known_metadata()
    entry.write(metadata="M4")
    history.forget_origins()
    assert [metadata for _entry, metadata in history.known_metadata()] == ["M4"]
    assert [metadata for _entry, metadata in everything.known_metadata()] == ["M4", "M2"]


def test_what_the_last_import_left_is_known_of_what_was_looked_at(past):
    one, two, three = A + ":3", B + ":3", "C" * 32 + ":3"
    entries = past(
        receipt(before={one: None, two: None}, after={one: "1", two: "1"}, ended="2026-01-01T00:00:00.000Z"),
        receipt(before={two: "1"}, after={two: "2"}, ended="2026-01-02T00:00:00.000Z"),
        # Nobody looked after it.
        receipt(before={three: None}, after={}, ended="2026-01-03T00:00:00.000Z"),
    )
    keys = [KEY_A, KEY_B, ("C" * 32, 3), ("D" * 32, 3)]
    found = queries.last_left(entries, keys)
    assert {key: left.version for key, left in found.items()} == {KEY_A: "1", KEY_B: "2"}
    assert found[KEY_B].since == "2026-01-02T00:00:00.000Z"
