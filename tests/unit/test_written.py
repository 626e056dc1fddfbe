# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that earlier code wrote: each still loads, and says the same when it is written again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ansible_collections.mstr.migration.plugins.module_utils.errors import DiskError, InputError
from ansible_collections.mstr.migration.plugins.module_utils.history import queries
from ansible_collections.mstr.migration.plugins.module_utils.history.entry import Entry
from ansible_collections.mstr.migration.plugins.module_utils.package import manifest
from ansible_collections.mstr.migration.plugins.module_utils.session import file as session_file

WRITTEN = Path(__file__).with_name("written")
RECEIPTS = sorted(WRITTEN.glob("receipt-*.json"))


@pytest.mark.parametrize("path", RECEIPTS, ids=lambda path: path.stem)
def test_a_receipt_says_the_same_when_it_is_written_again(path, tmp_path):
    entry = Entry(str(tmp_path), 0o600)
    shutil.copy(path, entry.receipt_path)
    written = json.loads(path.read_text())
    entry.write()
    again = json.loads(Path(entry.receipt_path).read_text())
    assert {key: again[key] for key in written} == written
    assert {again[key] for key in again if key not in written} <= {None}


def test_what_receipts_stand_for(tmp_path):
    entries = {}
    for path in RECEIPTS:
        name = path.stem.partition("-")[2]
        directory = tmp_path / name
        directory.mkdir()
        shutil.copy(path, directory / "receipt.json")
        entries[name] = Entry(str(directory), 0o600)
    assert len(entries["imported"].receipt.touched) == len(entries["imported"].receipt.changes)
    assert entries["undone"].receipt.held
    assert entries["undone"].receipt.after_undoing == entries["undone"].receipt.before
    assert entries["started"].receipt.after == {}
    assert entries["first"].made_on is None
    assert queries.latest([entries["started"], entries["imported"]]) is entries["imported"]
    assert [name for name in entries if not entries[name].has_ended] == ["started"]


def test_a_session_file_with_a_package_and_an_import(tmp_path):
    path = tmp_path / "session.json"
    shutil.copy(WRITTEN / "session.json", path)
    path.chmod(0o600)
    session = session_file.read(str(path))
    assert session.package.file == "inc2.mmp"
    assert not session.import_process.finished
    assert session.import_process.undo_pending
    assert session.lock is not None
    written = json.loads(path.read_text())
    session_file.write(str(path), session)
    # A session file of then knew of no run, no job, no metadata, and no package that is built in a session.
    new = {"run": None, "job": None, "metadata": None, "package": {**written["package"], "built": ""}}
    assert json.loads(path.read_text()) == {**written, **new}


def test_a_manifest():
    text = (WRITTEN / "manifest.json").read_text()
    assert manifest.dumps(manifest.loads(text)) == text


@pytest.mark.parametrize(
    ("field", "value"), [("job_id", 4711), ("size", "1369"), ("user", ["a"]), ("message", {}), ("ticket", "CHG-1")]
)
def test_what_people_put_into_a_receipt_stays_there(tmp_path, field, value):
    entry = Entry(str(tmp_path), 0o600)
    written = {**json.loads((WRITTEN / "receipt-imported.json").read_text()), field: value}
    Path(entry.receipt_path).write_text(json.dumps(written))
    entry.write(undone_at="2026-01-01T00:00:00.000Z")
    again = json.loads(Path(entry.receipt_path).read_text())
    assert again[field] == value
    assert {key: again[key] for key in written if key != "undone_at"} == {
        key: value for key, value in written.items() if key != "undone_at"
    }


def test_a_value_that_is_noted_anew_takes_the_place_of_what_people_put_there(tmp_path):
    entry = Entry(str(tmp_path), 0o600)
    written = {**json.loads((WRITTEN / "receipt-undone.json").read_text()), "held": "yes"}
    Path(entry.receipt_path).write_text(json.dumps(written))
    entry.write(held=False)
    assert json.loads(Path(entry.receipt_path).read_text())["held"] is False


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": None}, "receipt.name: expected a text, found nothing"),
        ({"type": 3}, "receipt.type: expected a text, found a number"),
        ({"changes": {}}, "receipt.changes: expected a list, found an object"),
    ],
)
def test_what_is_wrong_with_a_receipt_is_said_in_words(tmp_path, change, said):
    entry = Entry(str(tmp_path), 0o600)
    written = {**json.loads((WRITTEN / "receipt-imported.json").read_text()), **change}
    Path(entry.receipt_path).write_text(json.dumps({key: value for key, value in written.items() if value is not None}))
    with pytest.raises(DiskError, match=said):
        _receipt = entry.receipt


def test_the_keys_of_a_receipt_stay_in_their_order(tmp_path):
    entry = Entry(str(tmp_path), 0o600)
    shutil.copy(WRITTEN / "receipt-imported.json", entry.receipt_path)
    entry.write()
    again = json.loads(Path(entry.receipt_path).read_text())
    assert list(again) == list(json.loads((WRITTEN / "receipt-imported.json").read_text()))


def test_a_session_file_of_another_version_is_refused(tmp_path):
    path = tmp_path / "session.json"
    written = json.loads((WRITTEN / "session.json").read_text())
    written["import_process"]["phase"] = "later"
    path.write_text(json.dumps(written))
    path.chmod(0o600)
    with pytest.raises(InputError, match="no session file of this version"):
        session_file.read(str(path))
