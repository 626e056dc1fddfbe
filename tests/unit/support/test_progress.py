# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task notes on its way: little, for whoever follows it, and never to its harm."""

from __future__ import annotations

import json
import os
import stat

import pytest

from ansible_collections.mstr.migration.plugins.module_utils.support.progress import IMPORT, VERIFY, Progress


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def noted(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_what_is_noted(tmp_path):
    path = tmp_path / "notes"
    progress = Progress(str(path))
    assert not path.exists()
    progress.package("fin\x1bance", 2, 5)
    progress.phase(IMPORT, 0.45678)
    progress.phase(VERIFY)
    progress.say("finance: imported\nwell")
    assert path.read_text().isascii()
    assert noted(path) == [
        {"package": "fin\x1bance", "number": 2, "of": 5},
        {"phase": "import", "share": 0.457},
        {"phase": "verify", "share": None},
        {"say": "finance: imported\nwell"},
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_phase_is_noted_twice_a_second_at_most(tmp_path):
    clock = Clock()
    progress = Progress(str(tmp_path / "notes"), clock=clock)
    for chunk in range(1000):
        progress.uploaded(chunk / 1000)
        clock.now += 0.01
    progress.uploaded(1.0)
    notes = noted(tmp_path / "notes")
    assert len(notes) <= 22
    assert notes[0] == {"phase": "upload", "share": 0.0}
    assert notes[-1] == {"phase": "wait for the server", "share": None}


def test_the_same_phase_of_the_next_package_is_noted(tmp_path):
    progress = Progress(str(tmp_path / "notes"), clock=Clock())
    for name in ("a", "b"):
        progress.package(name)
        progress.phase(IMPORT)
        progress.say(name + ": imported")
    assert [note for note in noted(tmp_path / "notes") if "phase" in note] == [{"phase": "import", "share": None}] * 2


@pytest.mark.parametrize("path", [None, ""])
def test_without_a_file_nothing_is_noted(path):
    def clock():
        raise AssertionError("not even the time is looked at")

    progress = Progress(path, clock=clock)
    progress.package("finance")
    progress.uploaded(0.5)
    progress.say("finance: imported")


def test_secrets_are_not_noted(tmp_path):
    progress = Progress(str(tmp_path / "notes"), lambda text: text.replace("s3cret", "***"))
    progress.package("of s3cret")
    progress.say("s3cret: imported")
    assert "s3cret" not in (tmp_path / "notes").read_text()


def broken_places(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    os.mkfifo(tmp_path / "pipe")
    return [tmp_path / "none" / "notes", tmp_path, tmp_path / "link", tmp_path / "pipe", tmp_path / "a\0b"]


def test_a_place_that_cannot_be_written_is_given_up(tmp_path):
    for place in broken_places(tmp_path):
        progress = Progress(str(place))
        progress.package("finance")
        progress.phase(IMPORT)
        progress.say("finance: imported")
    assert not (tmp_path / "target").exists()


def test_a_disk_that_fills_up_is_given_up(tmp_path, monkeypatch):
    progress = Progress(str(tmp_path / "notes"))
    progress.package("finance")
    written = []

    def write(*arguments):
        written.append(arguments)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", write)
    progress.phase(IMPORT)
    progress.say("finance: imported")
    assert len(written) == 1
