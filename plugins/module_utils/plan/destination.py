# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning packages against a destination: where the pure plan meets the server."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Callable, TypeVar

from ..errors import ServerError
from ..history.queries import record_of
from ..history.store import Entry, History
from ..rest.http import POOL_SIZE
from ..rest.models import Row
from ..session.session import Session
from .listing import Listed, ListedPlan, ObjectKey, plan_list, wanted
from .package import CannotTell, Found

# Seconds without a result after which it is looked whether anybody still works on one.
_LOOK_AFTER = 1.0

T = TypeVar("T")
R = TypeVar("R")


def look_up_all(session: Session, objects: Mapping[ObjectKey, Row]) -> dict[ObjectKey, Found]:
    """Look each object up once, over several connections side by side.

    Args:
        session: The session.
        objects: What to look up, with a row that names it. Objects of the configuration level are looked up without a
            project.

    Raises:
        MigrationError: A look-up neither found the object, nor said that it is not there, nor refused to say.
    """

    def look_up(item: tuple[ObjectKey, Row]) -> Found:
        (place, _identity, _type), row = item
        try:
            return session.library.find_object(row.id, row.type, place or None)
        except ServerError as error:
            if error.status == 403:
                return CannotTell("the server does not let this user look it up (%s)" % (error.code or 403))
            raise

    return dict(zip(objects, _side_by_side(look_up, list(objects.items()))))


def _side_by_side(function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Return what function returns for each item, in their order; ``POOL_SIZE`` calls run at once.

    After an error no further call begins, and it is raised when those that run have ended. A signal waits for none of
    them, which the executors of the standard library cannot do: a server that hangs must not keep a task that is told
    to stop. Where fewer threads can be had, fewer calls run at once.
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
        workers = _started(work, min(POOL_SIZE, len(items)))
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


def make_plans(
    session: Session,
    packages: Sequence[Listed],
    history: History | None = None,
    expected: Mapping[ObjectKey, Found] | None = None,
) -> list[ListedPlan]:
    """Return the plan of a list of packages for the destination as it is now.

    Args:
        session: The session.
        packages: The packages, in the order of the list.
        history: What was imported before; None for a plan by comparison alone.
        expected: For objects that something else will have changed by then: what they will be.

    Raises:
        MigrationError: The destination, or the history, could not be read.
    """
    found = look_up_all(session, wanted(packages))
    found.update(expected or {})
    if history is not None:
        packages = _with_records(packages, history, found)
    return plan_list(packages, found)


def _with_records(packages: Sequence[Listed], history: History, found: Mapping[ObjectKey, Found]) -> list[Listed]:
    entries: dict[str | None, list[Entry]] = {}
    known = []
    for package in packages:
        if package.project_id not in entries:
            entries[package.project_id] = history.entries(package.project_id)
        uncertain = not package.comparable or any(
            isinstance(found.get(package.key(row)), CannotTell) for row in package.rows
        )
        record = record_of(entries[package.project_id], package.sha256, uncertain)
        known.append(replace(package, record=record))
    return known


def make_plan(session: Session, package: Listed, history: History | None = None) -> ListedPlan:
    """Return the plan of one package for the destination as it is now.

    Args:
        session: The session.
        package: The package.
        history: What was imported before; None for a plan by comparison alone.

    Raises:
        MigrationError: The destination, or the history, could not be read.
    """
    return make_plans(session, [package], history)[0]
