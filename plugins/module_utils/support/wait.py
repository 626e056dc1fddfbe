# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for something on the server, without asking too often or too late."""

from __future__ import annotations

import math
import time
from typing import Callable, TypeVar

T = TypeVar("T")

# Seconds. The first pauses grow by the step up to the short one, so that the end of a short wait is not noticed late.
_STEP = 0.1
_SHORT = 0.2
# Later pauses are this share of the time already waited: the end is noticed half of that share late on average.
_SHARE = 0.22
# What is added to the time that seems to be left, so that the look comes after the end and not just before it.
_MARGIN = 0.02
# Where the end seems to have come, the shortest pause is this share of the time already waited. It doubles each time
# that the end had not come.
_SHARE_NEAR = 0.02
_SHORTEST = 0.02


class TimeIsUp(Exception):
    """The time limit came before the end.

    Args:
        last: What was seen last.
        seconds: How long was waited.
    """

    def __init__(self, last: object, seconds: float) -> None:
        super().__init__()
        self.last = last
        self.seconds = seconds


def wait_for(
    look: Callable[[], T],
    done: Callable[[T], bool],
    timeout: float,
    longest_pause: float = 5.0,
    progress: Callable[[T], float | None] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Look again and again until done, and return what was seen then.

    Args:
        look: Returns what is to be seen now.
        done: Whether that is the end.
        timeout: Seconds after which to give up; the last look is at the limit, not before it.
        longest_pause: The longest pause between two looks, in seconds; they start near 0.1 s and grow.
        progress: How much is done, from 0 to 1, None where that is unknown; lets a look come right after the end.
        clock: A clock that only goes forward; given by tests.
        sleep: Waits a number of seconds; given by tests.

    Raises:
        TimeIsUp: The limit came first.
    """
    start = clock()
    pauses = _Pauses(longest_pause)
    last_look = False
    while True:
        seen = look()
        if done(seen):
            return seen
        waited = clock() - start
        if last_look or waited >= timeout:
            raise TimeIsUp(seen, waited)
        pause = pauses.after(waited, progress(seen) if progress else None)
        if pause >= timeout - waited:
            pause, last_look = timeout - waited, True
        sleep(pause)


class _Pauses:
    """How long not to look, by how long it took so far and how long it seems to take in all.

    What it seems to take is only trusted within limits: a server may stand still at 99 %, or leap to the end.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._share: float | None = None
        self._expected = math.inf
        self._wrong_guesses = 0

    def after(self, waited: float, share: float | None) -> float:
        """Return the pause after a look, by the seconds since the first one and the share that is done, if known."""
        self._learn(waited, share)
        most = min(self._longest, max(min(_SHORT, waited + _STEP), waited * _SHARE))
        guess = (self._expected - waited) * (1 + _MARGIN) + _MARGIN
        if guess >= most:
            return most
        least = max(_SHORTEST, waited * _SHARE_NEAR) * 2.0**self._wrong_guesses
        # It is right if there is no other look.
        self._wrong_guesses += 1
        return min(most, max(guess, least))

    def _learn(self, waited: float, share: float | None) -> None:
        if share is None or not 0 < share < 1 or share == self._share:
            return
        self._share = share
        expected = waited / share
        # Progress that comes in steps is more than it says, so the least of what it looked like counts, until that time
        # has passed: it may also become slower.
        self._expected = min(self._expected, expected) if self._expected > waited else expected
