# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The history: an entry an import, whole receipts, and modes that let a group in only where it was asked for."""

from __future__ import annotations

import json
import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from samples import PROJECT_ID, SHA256

from ansible_collections.mstr.migration.plugins.module_utils.errors import DiskError
from ansible_collections.mstr.migration.plugins.module_utils.history.entry import Entry
from ansible_collections.mstr.migration.plugins.module_utils.history.receipt import Receipt
from ansible_collections.mstr.migration.plugins.module_utils.history.store import History

RECEIPT = Receipt("started", "finance", SHA256, project=PROJECT_ID)


@pytest.mark.parametrize(("project", "scope"), [(PROJECT_ID, PROJECT_ID), (None, "configuration")])
def test_an_entry_lies_where_the_documentation_says(tmp_path, project, scope):
    entry = History(str(tmp_path), "prod").begin(replace(RECEIPT, project=project))
    directory, name = os.path.split(entry.path)
    assert directory == str(tmp_path / "prod" / scope)
    assert re.fullmatch(r"\d{8}T\d{6,9}Z-finance-%s" % SHA256[:12], name)
    assert entry.receipt_path == os.path.join(entry.path, "receipt.json")
    assert entry.undo_path == os.path.join(entry.path, "undo.mmp")


@pytest.mark.parametrize("name", ["../../etc", "a/b", "..", "", "nul\0", "-" * 300])
def test_no_name_leads_out_of_the_history(tmp_path, name):
    entry = History(str(tmp_path), name or "x").begin(replace(RECEIPT, name=name, project=name or None))
    assert os.path.realpath(entry.path).startswith(str(tmp_path.resolve()) + os.sep)
    assert len(os.path.relpath(entry.path, tmp_path).split(os.sep)) == 3


def test_entries_of_later_imports_sort_after_earlier_ones(tmp_path):
    history = History(str(tmp_path), "prod")
    # Names in the other order: within one millisecond they must not decide.
    paths = [history.begin(replace(RECEIPT, name=name)).path for name in ("e", "d", "c", "b", "a")]
    assert paths == sorted(paths)
    assert len(set(paths)) == 5


def test_a_clock_that_was_set_back_does_not_change_the_order(tmp_path):
    history = History(str(tmp_path), "prod")
    first = history.begin(RECEIPT)
    ahead = os.path.join(os.path.dirname(first.path), "29991231T235959999Z-finance-" + SHA256[:12])
    os.rename(first.path, ahead)
    later = [history.begin(RECEIPT).name for _number in range(2)]
    assert [name.partition("-")[0] for name in later] == ["30000101T000000000Z", "30000101T000000001Z"]


def test_runs_that_begin_at_once_get_entries_of_their_own(tmp_path):
    history = History(str(tmp_path), "prod")
    with ThreadPoolExecutor(8) as threads:
        entries = list(threads.map(lambda number: history.begin(RECEIPT), range(40)))
    assert len({entry.path for entry in entries}) == 40


@pytest.mark.parametrize(
    ("mode", "directories"), [(0o600, 0o700), (0o640, 0o750), (0o660, 0o770), (0o644, 0o755), (0o664, 0o775)]
)
def test_files_have_the_history_mode_and_directories_the_matching_search_bits(tmp_path, mode, directories):
    before = os.umask(0o077)
    try:
        entry = History(str(tmp_path / "history"), "prod", mode).begin(RECEIPT)
    finally:
        os.umask(before)
    made = [tmp_path / "history", tmp_path / "history" / "prod", tmp_path / "history" / "prod" / PROJECT_ID, entry.path]
    assert {stat.S_IMODE(os.stat(path).st_mode) for path in made} == {directories}
    assert stat.S_IMODE(os.stat(entry.receipt_path).st_mode) == mode


def test_a_receipt_grows_and_is_taken_up_by_another_task(tmp_path):
    entry = History(str(tmp_path), "prod", 0o640).begin(RECEIPT)
    entry.write(name="Finance für Zürich")
    again = Entry.reopen(entry.path)
    again.write(state="imported")
    with open(entry.receipt_path, encoding="utf-8") as handle:
        written = json.load(handle)
    assert written == {**RECEIPT.as_document(), "state": "imported", "name": "Finance für Zürich"}
    assert stat.S_IMODE(os.stat(entry.receipt_path).st_mode) == 0o640
    assert os.listdir(entry.path) == ["receipt.json"]


def test_a_receipt_that_cannot_be_written_keeps_the_old_one(tmp_path, monkeypatch):
    entry = History(str(tmp_path), "prod").begin(RECEIPT)

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskError, match=r"^history_dir: .*No space left"):
        entry.write(state="imported")
    assert Entry.reopen(entry.path).receipt == RECEIPT


@pytest.mark.parametrize("raw", [None, b"", b"{", b"\xff\xfe", b"[" * 100_000], ids=lambda raw: repr(raw and raw[:4]))
def test_a_receipt_that_cannot_be_read_is_named(tmp_path, raw):
    if raw is not None:
        (tmp_path / "receipt.json").write_bytes(raw)
    with pytest.raises(DiskError, match=r"^history_dir: .*receipt\.json"):
        Entry.reopen(str(tmp_path))


def test_an_import_that_never_began_leaves_no_entry(tmp_path):
    entry = History(str(tmp_path), "prod").begin(RECEIPT)
    entry.discard()
    assert not os.path.exists(entry.path)


def test_a_history_that_cannot_be_made_is_an_error_of_the_option(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match=r"^history_dir: "):
        History(str(tmp_path / "file"), "prod").begin(RECEIPT)
