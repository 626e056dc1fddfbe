# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person sees of a task on its way: lines made of what the module notes, few enough to be read."""

from __future__ import annotations

import json
import math
import os
import signal
import threading
import time
from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.mstr.migration.plugins.module_utils.support.progress import (
    IDLE,
    IMPORT,
    RESUME,
    SCHEMA,
    TAKE_BACK,
    UNDO_PACKAGE,
    UPLOAD,
    VERIFY,
    WAIT,
)
from ansible_collections.mstr.migration.plugins.module_utils.support.text import printable

# Seconds that a phase lasts before it is shown: most are over by then.
_SHORT = 1.0
# Seconds between two lines of one phase that moves, and of one that does not, or does not tell.
_MOVING = 10.0
_STANDING = 60.0
# Seconds of a phase that are worth a mention.
_WORTH_SAYING = 5.0
# Seconds between two looks at the file.
_LOOK = 0.5
_LONGEST_NAME = 60
_LONGEST_LINE = 1000
_WORDS = {
    UPLOAD: "uploading",
    WAIT: "waiting for the server",
    IMPORT: "importing",
    TAKE_BACK: "taking back",
    UNDO_PACKAGE: "fetching the undo package",
    VERIFY: "verifying",
    IDLE: "idling the project",
    RESUME: "restoring the project",
    SCHEMA: "reloading the schema",
}
# Stdout callbacks whose output is for programs, or which are to print nothing.
_FOR_PROGRAMS = ("json", "null")
# The stdout callback of ansible-runner, and so of AWX. It prints by another one, which this variable names.
_RUNNER = "awx_display"
_RUNNERS_OWN = "ORIGINAL_STDOUT_CALLBACK"


def is_for_people(callback: object, environment: Mapping[str, str]) -> bool:
    """Return whether a line between those of a stdout callback disturbs nobody.

    Args:
        callback: The name of the stdout callback.
        environment: The environment variables.
    """
    name = _last_part(callback)
    if name == _RUNNER:
        name = _last_part(environment.get(_RUNNERS_OWN, ""))
    return not any(word in name for word in _FOR_PROGRAMS)


def _last_part(name: object) -> str:
    return str(name or "").rpartition(".")[2].lower()


def duration(seconds: float) -> str:
    """Return a duration in words: ``45s``, ``1m30s`` or ``1h05m``."""
    whole = int(seconds)
    if whole < 60:
        return "%ds" % whole
    if whole < 3600:
        return "%dm%02ds" % divmod(whole, 60)
    return "%dh%02dm" % divmod(whole // 60, 60)


class Lines:
    """Makes lines of a module's notes, and keeps them apart. What is noted is trusted in nothing.

    Args:
        host: The host that the task is for, with which each line begins.
    """

    def __init__(self, host: object) -> None:
        self._host = printable(host, _LONGEST_NAME)
        self._label = ""
        self._phase: str | None = None
        self._share: int | None = None
        self._since = 0.0
        # When this phase was shown last, and with what share; None for not yet.
        self._shown: float | None = None
        self._shown_share: int | None = None
        self._said: set[str] = set()

    def take(self, note: Any, now: float) -> list[str]:
        """Take a note of the module in, and return the lines to print at once.

        Args:
            note: What a line of its file holds.
            now: The time, by a clock that only goes forward.
        """
        if not isinstance(note, dict):
            return []
        if "say" in note:
            self._phase = None
            return self.say(str(note["say"]))
        if "package" in note:
            self._phase = None
            self._label = _label(note)
        elif "phase" in note:
            word = str(note["phase"])
            if word != self._phase:
                self._phase, self._since, self._shown, self._shown_share = word, now, None, None
            self._share = _percent(note.get("share"))
        return []

    def say(self, text: str) -> list[str]:
        """Return the lines of a text that were not said before."""
        lines = [printable(line, _LONGEST_LINE) for line in text.splitlines()]
        new = [line for line in dict.fromkeys(lines) if line and line not in self._said]
        self._said.update(new)
        return ["%s | %s" % (self._host, line) for line in new]

    def tick(self, now: float) -> list[str]:
        """Return the line that is due by now, if one is.

        Args:
            now: The time, by the clock of the notes.
        """
        if self._phase is None:
            return []
        if self._shown is None:
            due = now - self._since >= _SHORT
        else:
            pause = _STANDING if self._share == self._shown_share else _MOVING
            due = now - self._shown >= pause
        if not due:
            return []
        self._shown, self._shown_share = now, self._share
        return [self._line(now - self._since)]

    def _line(self, seconds: float) -> str:
        phase = self._phase or ""
        text = _WORDS.get(phase) or printable(phase, _LONGEST_NAME)
        if self._share is not None:
            text += " %d %%" % self._share
        if seconds >= _WORTH_SAYING:
            text += ", %s" % duration(seconds)
        return "%s | %s" % (self._host, "%s: %s" % (self._label, text) if self._label else text)


def _label(note: dict[str, Any]) -> str:
    name = printable(note["package"], _LONGEST_NAME)
    number, of = note.get("number"), note.get("of")
    if isinstance(number, int) and isinstance(of, int) and of > 1:
        return "%s (%d of %d)" % (name, number, of)
    return name


def _percent(share: Any) -> int | None:
    if not isinstance(share, (int, float)) or not math.isfinite(share):
        return None
    return int(min(max(share, 0.0), 1.0) * 100)


class Follower:
    """Follows a module's file from a thread for as long as a ``with`` block lasts. It never fails.

    Args:
        path: The file, which is there.
        lines: What makes lines of it.
        show: Prints a line.
    """

    def __init__(self, path: str, lines: Lines, show: Callable[[str], None]) -> None:
        self._lines = lines
        self._show = show
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._rest = b""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def __enter__(self) -> Follower:
        # A signal that reached this thread would not wake the other, which waits for the module and has to stop it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self._thread.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self

    def __exit__(self, *_details: object) -> None:
        self._ended.set()
        self._thread.join()
        os.close(self._file)

    def _run(self) -> None:
        # Without a sight of it nobody loses anything: the module's result is what counts.
        try:
            while not self._ended.wait(_LOOK):
                self._print(self._new() + self._lines.tick(time.monotonic()))
            self._print(self._new())
        except Exception:  # pylint: disable=broad-exception-caught
            return

    def _print(self, lines: list[str]) -> None:
        for line in lines:
            self._show(line)

    def _new(self) -> list[str]:
        """Return the lines to print at once of what is new in the file."""
        while True:
            part = os.read(self._file, 1 << 16)
            if not part:
                break
            self._rest += part
        *whole, self._rest = self._rest.split(b"\n")
        now = time.monotonic()
        return [line for text in whole for line in self._lines.take(_parsed(text), now)]


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        # A line that was cut off, as on a disk that is full.
        return None
