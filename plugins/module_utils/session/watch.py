# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who still lives, by whether the files change that the living keep touching.

Ages tell nothing. A share may take the time of a renewed file from its client and that of a new one from its server,
and no two clocks agree. So each file is watched for a time by a clock of this machine that only goes forward.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection
from typing import Callable

# Seconds between two looks.
_PAUSE = 0.5
# What a file is like that cannot be looked at.
_UNKNOWN: tuple[int, ...] = ()


class Watch:
    """Watches files for signs of life, each from when it is first asked about. Tests give a clock and a sleep.

    Attributes:
        patience: Seconds without a change after which whoever touches a file counts as dead.
        clock: A clock that only goes forward.
    """

    def __init__(
        self,
        patience: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.patience = patience
        self.clock = clock
        self._sleep = sleep
        # What each file was like last, since when, and whether it was seen to change.
        self._seen: dict[str, tuple[tuple[int, ...], float, bool]] = {}

    def is_dead(self, path: str) -> bool:
        """Return whether nobody touches a file any more: it is gone, its lease was given up, or it stayed as it is."""
        sign = _sign(path)
        return sign is None or _given_up(sign) or self._silent_for(path, sign) >= self.patience

    def lives(self, path: str) -> bool:
        """Return whether a file has changed while it was watched."""
        seen = self._seen.get(path)
        return seen is not None and seen[2]

    def silence(self, path: str) -> float:
        """Return for how many seconds a file is known not to have changed."""
        sign = _sign(path)
        return 0.0 if sign is None else self._silent_for(path, sign)

    def dead_of(self, paths: Collection[str]) -> list[str]:
        """Return the files that nobody touches any more. Waits until that is known of all of them."""
        while True:
            dead = [path for path in paths if self.is_dead(path)]
            if all(path in dead or self.lives(path) for path in paths):
                return dead
            self._sleep(_PAUSE)

    def _silent_for(self, path: str, sign: tuple[int, ...]) -> float:
        seen = self._seen.get(path)
        if seen is None or (sign != seen[0] and _UNKNOWN not in (sign, seen[0])):
            self._seen[path] = (sign, self.clock(), seen is not None)
        elif seen[0] == _UNKNOWN:
            self._seen[path] = (sign, *seen[1:])
        return self.clock() - self._seen[path][1]


def is_gone(path: str) -> bool:
    """Return whether there is no such file, as far as can be told."""
    return _sign(path) is None


def is_given_up(path: str) -> bool:
    """Return whether the lease that a file stands for was given up."""
    sign = _sign(path)
    return sign is not None and _given_up(sign)


def _given_up(sign: tuple[int, ...]) -> bool:
    return sign != _UNKNOWN and sign[1] == 0


def _sign(path: str) -> tuple[int, ...] | None:
    """Return what a change of a file shows in, None where there is none."""
    descriptor = None
    try:
        with contextlib.suppress(PermissionError):
            # Clients of NFS keep what they know of a file for up to a minute, and ask the server when it is opened.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        status = os.stat(path) if descriptor is None else os.fstat(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        # A share that does not answer now says nothing about who lives.
        return _UNKNOWN
    finally:
        if descriptor is not None:
            os.close(descriptor)
    return (status.st_ino, status.st_mtime_ns, status.st_size)
