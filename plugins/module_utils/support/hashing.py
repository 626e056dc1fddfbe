# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sha256 of what is sent or received, computed by another processor meanwhile."""

from __future__ import annotations

import hashlib
import queue
import sys
import threading

# Bytes from which on a thread is worth starting.
_WORTH_A_THREAD = 1 << 18
# How many parts may wait. They are memory, and more than a few even out nothing.
_WAITING = 4


class BackgroundHash:
    """A sha256 over parts, computed in a thread as soon as the parts are large.

    hashlib lets other threads run while it hashes, so the one that moves the bytes goes on. Hashing 2 GiB takes about
    as long as sending them over a fast wire: one after the other would double the time.
    """

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._parts: queue.Queue[bytes | None] = queue.Queue(_WAITING)
        self._thread: threading.Thread | None = None
        self._worth_a_thread = _WORTH_A_THREAD
        self._failure: BaseException | None = None

    def update(self, part: bytes) -> None:
        """Add a part; waits where hashing is behind by several parts."""
        if self._thread is None and not (len(part) >= self._worth_a_thread and self._start()):
            self._digest.update(part)
        else:
            self._parts.put(part)

    def _start(self) -> bool:
        # A daemon, so that a task that is stopped does not wait for it.
        thread = threading.Thread(target=self._work, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # No more threads are allowed here, as in a container with a limit: that takes longer, but it works.
            self._worth_a_thread = sys.maxsize
            return False
        self._thread = thread
        return True

    def hexdigest(self) -> str:
        """Return the sha256 of all parts so far, hexadecimal.

        Raises:
            Exception: What broke the hashing of one, such as MemoryError.
        """
        self.close()
        if self._failure is not None:
            raise self._failure
        return self._digest.hexdigest()

    def close(self) -> None:
        """Wait until all parts are hashed, and end the thread; what broke meanwhile is for ``hexdigest`` to raise."""
        if self._thread is not None:
            self._parts.put(None)
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        while True:
            part = self._parts.get()
            if part is None:
                return
            # After a failure the parts are still taken, since the other thread waits for that.
            if self._failure is None:
                try:
                    self._digest.update(part)
                except BaseException as error:  # pylint: disable=broad-exception-caught
                    self._failure = error
