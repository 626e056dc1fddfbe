# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls in several threads at once, for as long as nobody tells the task to stop."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Callable, TypeVar

# Seconds after which it is looked whether the task was told to stop.
_LOOK_AFTER = 1.0

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(function: Callable[[T], R], items: Sequence[T], most: int) -> list[R]:
    """Return what function returns for each item, in their order.

    After an error no further call begins, and it is raised when those that run have ended. A signal waits for none of
    them, which the executors of the standard library cannot do: a server that hangs must not keep a task that is told
    to stop.

    Args:
        function: Called with each item, in a thread.
        items: The items.
        most: How many calls run at once; fewer where fewer threads can be had.

    Raises:
        Exception: What the first call that failed raised.
    """
    waiting = deque(range(len(items)))
    results: dict[int, R] = {}
    failures: list[BaseException] = []

    def work() -> None:
        while True:
            try:
                index = waiting.popleft()
            except IndexError:
                return
            try:
                results[index] = function(items[index])
            except BaseException as error:  # pylint: disable=broad-exception-caught
                failures.append(error)
                waiting.clear()

    try:
        workers = _started(work, min(most, len(items)))
        if not workers:
            work()
        for worker in workers:
            # Not without a limit: where waiting for a lock is not interrupted, a signal would wait as well.
            while worker.is_alive():
                worker.join(_LOOK_AFTER)
    finally:
        # After a signal there are some, and the clean-up needs the server for itself.
        waiting.clear()
    if failures:
        raise failures[0]
    if len(results) < len(items):
        raise RuntimeError("a look-up ended without a result")
    return [results[index] for index in range(len(items))]


def _started(work: Callable[[], None], count: int) -> list[threading.Thread]:
    """Return threads that do the work, as many as can be had."""
    workers = []
    for _number in range(count):
        worker = threading.Thread(target=work, daemon=True)
        try:
            worker.start()
        except RuntimeError:
            # No more are allowed here, as in a container with a limit.
            break
        workers.append(worker)
    return workers
