# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for something on the server, without asking too often or too late."""

from __future__ import annotations

import math
import time
from typing import Callable, TypeVar

T = TypeVar("T")

_SHORTEST = 0.1
# A pause is this share of the time already waited, so that the end is noticed half of that share late on average.
_SHARE = 0.22
# The share where it is known that the end is near.
_SHARE_NEAR = 0.1
# What is added to the time that seems to be left, so that the look comes after the end and not just before it.
_MARGIN = 0.02


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
    expected = math.inf
    last_look = False
    while True:
        seen = look()
        if done(seen):
            return seen
        waited = clock() - start
        if last_look or waited >= timeout:
            raise TimeIsUp(seen, waited)
        share = progress(seen) if progress else None
        if share is not None and 0 < share < 1:
            # The least of what it looked like, because progress that comes in steps is more than it says.
            expected = min(expected, waited / share)
        pause = min(longest_pause, _pause(waited, expected))
        if pause >= timeout - waited:
            pause, last_look = timeout - waited, True
        sleep(pause)


def _pause(waited: float, expected: float) -> float:
    """Return how long not to look, by how long it took so far and how long it seems to take in all.

    What it seems to take is only trusted within limits: a server may stand still at 99 %, or leap to the end.
    """
    longest = max(_SHORTEST, waited * _SHARE)
    left = max(0.0, expected - waited)
    shortest = min(_SHORTEST, left) if waited < _SHORTEST / _SHARE_NEAR else waited * _SHARE_NEAR
    return min(longest, max(shortest, left * (1 + _MARGIN) + _MARGIN))
