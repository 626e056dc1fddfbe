# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How fast the requests of all threads are sent together, once the server says that they come too fast."""

from __future__ import annotations

import threading
import time
from typing import Callable

from ..errors import Interrupted
from ..support import signals
from .answers import LONGEST_PAUSE

# Seconds between two starts after the first refusal.
_FIRST_INTERVAL = 0.02
# By how much the interval grows with a refusal.
_GROWTH = 1.5
# Seconds. A longer interval would keep a plan back for long after a server has recovered.
_LONGEST_INTERVAL = 2.0
# A shorter interval slows nothing down.
_SHORTEST_INTERVAL = 0.002
# Seconds in which the interval falls to about a third, if nothing is refused.
_RECOVERY = 10.0
# Seconds to wait after the first refusal, where the server names no time; doubled with each that follows on it.
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0


class Stalled(Exception):
    """Nothing gets through any more.

    Args:
        seconds: For how long nothing did.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class Pace:
    """When the next request may begin.

    A limit counts the requests of a client, so the threads slow down together. Requests begin an interval apart. It
    grows when one is refused, and shrinks slowly with those that get through. A refusal says nothing new where its
    request began before the last growth. Where nothing gets through between two refusals, only the pause grows: that is
    not the interval's fault. Where nothing was refused there is no interval, and no lock is taken.

    Args:
        timeout: Seconds without a request that gets through after which refused ones are given up.
        retries: How many refusals there must be in a row for that, besides the first.
        sleep: Waits a number of seconds.
        clock: A clock that only goes forward.
    """

    def __init__(
        self,
        timeout: float,
        retries: int,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._timeout = timeout
        self._retries = retries
        self._sleep = sleep
        self._clock = clock
        self._fields = threading.Lock()
        # Held by the thread that waits for the next start; the others wait for it.
        self._turn = threading.Lock()
        self._interval = 0.0
        # Seconds to wait after the last refusal, 0 once something got through since.
        self._pause = 0.0
        self._next_start = 0.0
        self._slowed_at = float("-inf")
        self._refusals = 0
        self._last_through = clock()

    def now(self) -> float:
        """Return the time by the clock."""
        return self._clock()

    def begin(self, since: float, again: bool = False) -> float:
        """Wait until the next request may begin, and return the time by the clock.

        Args:
            since: When the request was asked for. The time before does not count as one without progress.
            again: Whether it was refused before.

        Raises:
            Stalled: It was refused before, and nothing gets through any more.
            Interrupted: In a thread, where the task was told to stop meanwhile.
        """
        # Told to stop, the clean-up must not wait for threads that wait here.
        if self._interval and signals.told_to_stop() is None:
            self._wait(since, again)
        return self._clock()

    def _wait(self, since: float, again: bool) -> None:
        with self._turn:
            # Those that stalled while they waited for their turn would each wait once more, one after the other.
            stalled = self._stalled(since)
            if stalled is not None:
                if again:
                    raise Stalled(stalled)
                return
            now = self._clock()
            while True:
                if (stopped_by := signals.told_to_stop()) is not None:
                    raise Interrupted(stopped_by)
                with self._fields:
                    pause = self._next_start - now
                    if pause <= 0:
                        self._next_start = now + self._interval
                        return
                self._sleep(pause)
                # Another refusal may have put the start off meanwhile.
                now += pause

    def refused(self, started: float, pause: float | None) -> None:
        """Slow down, because a request was refused for now.

        Args:
            started: When it began, as ``begin`` returned it.
            pause: Seconds that the server asks to wait, None where it does not say.
        """
        now = self._clock()
        with self._fields:
            self._refusals += 1
            if started >= self._slowed_at:
                self._slowed_at = now
                if self._pause:
                    self._pause = min(2 * self._pause, _LONGEST_PAUSE)
                else:
                    self._interval = min(max(self._interval * _GROWTH, _FIRST_INTERVAL), _LONGEST_INTERVAL)
                    self._pause = max(self._interval, _FIRST_PAUSE)
            # A server that says 0 seconds, and refuses again, is not believed.
            wait = min(max(self._pause, pause or 0.0), LONGEST_PAUSE)
            self._next_start = max(self._next_start, now + wait)

    def passed(self) -> None:
        """Speed up a little, because a request got through."""
        self._last_through = self._clock()
        if self._interval:
            with self._fields:
                self._refusals = 0
                self._pause = 0.0
                # About the time that has passed since the start of the request before.
                self._interval -= self._interval * min(0.5, self._interval / _RECOVERY)
                if self._interval < _SHORTEST_INTERVAL:
                    self._interval = 0.0

    def _stalled(self, since: float) -> float | None:
        """Return for how many seconds nothing got through, where that is too long to go on; else None."""
        seconds = self._clock() - max(self._last_through, since)
        return seconds if self._refusals > self._retries and seconds >= self._timeout else None
