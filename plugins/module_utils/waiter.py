# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for something on the server, without asking too often or too late."""

from __future__ import annotations

import time
from typing import Callable, TypeVar

T = TypeVar("T")

_SHORTEST = 0.1
# A pause is this share of the time already waited, so that noticing the end takes at most about that share longer.
_SHARE = 0.15


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
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Look again and again until done, and return what was seen then.

    Args:
        look: Returns what is to be seen now.
        done: Whether that is the end.
        timeout: Seconds after which to give up; the last look is at the limit, not before it.
        longest_pause: The longest pause between two looks, in seconds; they start near 0.1 s and grow.
        clock: A clock that only goes forward; given by tests.
        sleep: Waits a number of seconds; given by tests.

    Raises:
        TimeIsUp: The limit came first.
    """
    start = clock()
    last_look = False
    while True:
        seen = look()
        if done(seen):
            return seen
        waited = clock() - start
        if last_look or waited >= timeout:
            raise TimeIsUp(seen, waited)
        pause = min(longest_pause, max(_SHORTEST, waited * _SHARE))
        if pause >= timeout - waited:
            pause, last_look = timeout - waited, True
        sleep(pause)
