# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a task is, noted in a file for whoever follows it: a line of JSON each time."""

from __future__ import annotations

import json
import os
import time
from typing import Any, Callable

# The phases of a package.
UPLOAD = "upload"
WAIT = "wait for the server"
IMPORT = "import"
TAKE_BACK = "take back"
UNDO_PACKAGE = "undo package"
VERIFY = "verify"
IDLE = "idle the project"
RESUME = "resume the project"
SCHEMA = "reload the schema"

# Seconds within which a phase is not noted again. An upload tells each mebibyte, and nobody reads that fast.
_PAUSE = 0.5
# Nobody else's business. It never waits: a pipe that nobody reads would stop the task.
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Progress:
    """Notes how far a task is. It never fails: what cannot be written switches it off.

    Lines are added to the file and nothing is synced, so that a reader on the same machine only reads what is new. Each
    is an object of JSON: ``{"package": "finance", "number": 2, "of": 5}``, ``{"phase": "import", "share": 0.45}`` or
    ``{"say": "finance: imported, 2 created"}``. A phase lasts until the next line that is no phase of that name.

    Args:
        path: The file, which is made where there is none; None to note nothing.
        masked: Returns a text without the secrets that are in it.
        clock: A clock that only goes forward; given by tests.
    """

    def __init__(
        self,
        path: str | None = None,
        masked: Callable[[str], str] = str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path or None
        self._masked = masked
        self._clock = clock
        self._file: int | None = None
        self._phase = ""
        # Until when the phase is not noted again.
        self._quiet_until = 0.0

    def package(self, name: str, number: int = 1, of: int = 1) -> None:
        """Note whose turn it is.

        Args:
            name: What the package is called.
            number: Its place among those that the task works on, from 1.
            of: How many these are; 1 where that says nothing.
        """
        if self._path is not None:
            self._phase = ""
            self._note(package=self._masked(name), number=number, of=of)

    def phase(self, word: str, share: float | None = None) -> None:
        """Note what is done for the package now. May be called as often as anything moves.

        Args:
            word: The phase, one of those above.
            share: How much of it is done, from 0 to 1; None where nobody knows.
        """
        if self._path is None:
            return
        now = self._clock()
        if word == self._phase and now < self._quiet_until:
            return
        self._phase, self._quiet_until = word, now + _PAUSE
        self._note(phase=word, share=None if share is None else round(share, 3))

    def uploaded(self, share: float) -> None:
        """Note how much of a file is sent. Once it is whole, the server is waited for."""
        if share < 1:
            self.phase(UPLOAD, share)
        else:
            self.phase(WAIT)

    def say(self, line: str) -> None:
        """Note a whole sentence on what became of a package, which ends its phase."""
        if self._path is not None:
            self._phase = ""
            self._note(say=self._masked(line))

    def _note(self, **values: Any) -> None:
        if self._path is None:
            return
        try:
            if self._file is None:
                self._file = os.open(self._path, _FLAGS, 0o600)
            os.write(self._file, json.dumps(values).encode("ascii") + b"\n")
        except (OSError, ValueError):
            # ValueError: a path with a null byte.
            self._path = None
