# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person sees of a task that takes long: which lines, and when."""

from __future__ import annotations

import json
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import json_values

from ansible_collections.mstr.migration.plugins.plugin_utils.progress import Follower, Lines, duration, is_for_people


def shown(notes, until, host="prod"):
    """Return the lines, each with its time, for notes by the time at which they are read. Looks twice a second."""
    lines, printed = Lines(host), []
    for step in range(int(until * 2) + 1):
        now = step / 2
        for note in notes.get(now, ()):
            printed += [(now, line) for line in lines.take(note, 1000 + now)]
        printed += [(now, line) for line in lines.tick(1000 + now)]
    return printed


def package(name="finance", number=1, of=1):
    return {"package": name, "number": number, "of": of}


def phase(word, share=None):
    return {"phase": word, "share": share}


def test_a_long_import():
    notes = {now / 2: [phase("import", now / 2 / 1800)] for now in range(3600)}
    notes[0.0].insert(0, package(number=2, of=5))
    notes[1800.0] = [phase("verify")]
    notes[1800.5] = [{"say": "finance: imported, 2 created"}]
    lines = shown(notes, 1900)
    assert lines[0] == (1.0, "prod | finance (2 of 5): importing 0 %")
    assert (828.0, "prod | finance (2 of 5): importing 46 %, 13m48s") in lines
    assert lines[-1] == (1800.5, "prod | finance: imported, 2 created")
    times = [now for now, _line in lines]
    assert all(later - earlier >= 10 for earlier, later in zip(times[:-2], times[1:-1]))
    assert len(lines) < 110


def test_what_does_not_move_is_shown_once_a_minute():
    lines = shown({0.0: [package(), phase("import")]}, 185)
    assert lines == [
        (1.0, "prod | finance: importing"),
        (61.0, "prod | finance: importing, 1m01s"),
        (121.0, "prod | finance: importing, 2m01s"),
        (181.0, "prod | finance: importing, 3m01s"),
    ]


def test_each_change_of_phase_is_shown_and_short_phases_are_not():
    notes = {
        0.0: [package(), phase("upload", 0.0)],
        2.0: [phase("wait for the server")],
        2.5: [phase("import", 0.0)],
        5.0: [phase("undo package")],
        8.0: [phase("verify")],
        8.5: [package("users"), phase("upload")],
        10.0: [phase("something else\x1b[2J")],
    }
    assert shown(notes, 11) == [
        (1.0, "prod | finance: uploading 0 %"),
        (3.5, "prod | finance: importing 0 %"),
        (6.0, "prod | finance: fetching the undo package"),
        (9.5, "prod | users: uploading"),
        (11.0, "prod | users: something else\\x1b[2J"),
    ]


def test_a_phase_of_no_package():
    assert shown({0.0: [phase("import", 0.5)]}, 1) == [(1.0, "prod | importing 50 %")]


def test_nothing_is_said_twice():
    lines = Lines("prod")
    assert lines.take({"say": "finance: imported\r\nusers: imported"}, 0) == [
        "prod | finance: imported",
        "prod | users: imported",
    ]
    assert lines.say("users: imported\n\n  left alone\x1b]0;title\x07") == ["prod | left alone\\x1b]0;title\\x07"]


@given(
    st.one_of(
        json_values,
        st.fixed_dictionaries(
            {}, optional=dict.fromkeys(("say", "package", "number", "of", "phase", "share"), json_values)
        ),
    )
)
def test_no_note_breaks_anything_or_reaches_the_terminal_as_it_is(note):
    lines = Lines("prod\x1b")
    for line in lines.take(note, 0.0) + lines.tick(100.0):
        assert line.startswith("prod\\x1b | ")
        assert line.isprintable()


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.9, "0s"), (59.9, "59s"), (60, "1m00s"), (90, "1m30s"), (3599, "59m59s"), (3900, "1h05m")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("callback", "original", "expected"),
    [
        ("default", None, True),
        ("ansible.builtin.default", None, True),
        ("community.general.yaml", None, True),
        ("minimal", None, True),
        (None, None, True),
        ("json", None, False),
        ("ansible.posix.json", None, False),
        ("ansible.posix.jsonl", None, False),
        ("jsonl", None, False),
        ("community.general.null", None, False),
        ("awx_display", None, True),
        ("awx_display", "", True),
        ("awx_display", "default", True),
        ("awx_display", "ansible.posix.json", False),
        # It is the stdout callback of ansible-runner alone that this variable is about.
        ("default", "json", True),
    ],
)
def test_who_reads_the_output(callback, original, expected):
    environment = {} if original is None else {"ORIGINAL_STDOUT_CALLBACK": original}
    assert is_for_people(callback, environment) is expected


def test_following_a_file_ends_at_once_and_loses_nothing(tmp_path):
    path, printed = tmp_path / "notes", []
    path.touch()
    began = time.monotonic()
    with Follower(str(path), Lines("prod"), printed.append):
        path.write_bytes(b'{"say": "finance: imported"}\nno JSON\n{"say": "users: imp')
    assert time.monotonic() - began < 0.4
    assert printed == ["prod | finance: imported"]


def test_following_goes_on_where_lines_come_in_parts(tmp_path):
    path, printed, came = tmp_path / "notes", [], threading.Event()

    def show(line):
        printed.append(line)
        came.set()

    path.touch()
    with Follower(str(path), Lines("prod"), show), path.open("ab", buffering=0) as handle:
        text = b"".join(json.dumps({"say": "package %d" % number}).encode() + b"\n" for number in range(3000))
        handle.write(text[:-7])
        assert came.wait(10)
        handle.write(text[-7:])
    assert printed == ["prod | package %d" % number for number in range(3000)]


def test_what_cannot_be_printed_is_passed_over(tmp_path):
    path = tmp_path / "notes"
    path.write_text('{"say": "finance: imported"}\n' * 2)

    def show(line):
        raise BrokenPipeError

    with Follower(str(path), Lines("prod"), show):
        pass
