# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls in several threads at once, for as long as nobody tells the task to stop."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Sequence
from typing import Callable, TypeVar

# Seconds without a result after which it is looked whether anybody still works on one.
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
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    ended: queue.SimpleQueue[tuple[int, R | None, BaseException | None]] = queue.SimpleQueue()
    for index in range(len(items)):
        waiting.put(index)

    def work() -> None:
        while True:
            try:
                index = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                ended.put((index, function(items[index]), None))
            except BaseException as error:  # pylint: disable=broad-exception-caught
                ended.put((index, None, error))

    try:
        workers = _started(work, min(most, len(items)))
        if not workers:
            return [function(item) for item in items]
        return _collect(ended, waiting, workers, len(items))
    finally:
        # After a signal there are some, and the clean-up needs the server for itself.
        for _index in _drained(waiting):
            pass


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


def _collect(
    ended: queue.SimpleQueue[tuple[int, R | None, BaseException | None]],
    waiting: queue.SimpleQueue[int],
    workers: Sequence[threading.Thread],
    count: int,
) -> list[R]:
    results: dict[int, R | None] = {}
    failure: BaseException | None = None
    while len(results) < count:
        try:
            index, result, error = ended.get(timeout=_LOOK_AFTER)
        except queue.Empty:
            # In this order: what a thread leaves is there before it ends.
            if not any(worker.is_alive() for worker in workers) and ended.empty():
                raise failure or RuntimeError("a look-up ended without a result") from None
            continue
        results[index] = result
        if error is not None and failure is None:
            failure = error
            for each in _drained(waiting):
                results[each] = None
    if failure is not None:
        raise failure
    return [results[index] for index in range(count)]  # type: ignore[misc]


def _drained(waiting: queue.SimpleQueue[int]) -> Iterable[int]:
    while True:
        try:
            yield waiting.get_nowait()
        except queue.Empty:
            return
