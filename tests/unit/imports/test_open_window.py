# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The note of a window: what a run writes before it idles anything, the next one reads."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from ansible_collections.mstr.migration.plugins.module_utils.errors import DiskError
from ansible_collections.mstr.migration.plugins.module_utils.history.store import History
from ansible_collections.mstr.migration.plugins.module_utils.imports import open_window
from ansible_collections.mstr.migration.plugins.module_utils.imports.open_window import OpenWindow, Project

URL = "https://host/MicroStrategyLibrary"


@pytest.fixture
def history(tmp_path):
    (tmp_path / "locks").mkdir()
    return History(str(tmp_path), "prod", 0o640, URL)


def note():
    return OpenWindow(URL, "run-1", (Project("A" * 32, "Sales", {"one": "loaded", "two": "request_idle"}),))


def test_what_is_written_is_read(history):
    window = note()
    open_window.write(history, window)
    path = Path(open_window.path_of(history, window.address))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert open_window.read(history, window.address) == window
    assert window.project("A" * 32).before["two"] == "request_idle"
    assert window.project("B" * 32) is None
    assert "Sales (loaded on one, request_idle on two)" in open_window.remark(history, window.address)
    open_window.remove(history, window.address)
    open_window.remove(history, window.address)
    assert open_window.read(history, window.address) is None
    assert open_window.remark(history, window.address) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        json.dumps({"format": 2, "base_url": URL, "since": "x", "projects": []}),
        json.dumps({"format": 1, "base_url": URL, "since": "x", "projects": [{"id": "1", "name": "n", "before": 1}]}),
        json.dumps(
            {"format": 1, "base_url": URL, "since": "x", "projects": [{"id": "1", "name": "n", "before": {"a": 1}}]}
        ),
    ],
)
def test_what_is_no_note_says_what_to_do(history, text):
    path = Path(open_window.path_of(history, note().address))
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DiskError, match="put that right by hand, and remove the file"):
        open_window.read(history, note().address)


def test_nothing_is_idled_without_a_note(history, tmp_path):
    (tmp_path / "locks").rmdir()
    with pytest.raises(DiskError, match="nothing is idled without it"):
        open_window.write(history, note())
