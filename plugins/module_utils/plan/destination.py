# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning packages against a destination: where the pure plan meets the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Callable

from ..errors import ServerError
from ..history.entry import Entry
from ..history.queries import record_of
from ..history.store import History
from ..rest.http import POOL_SIZE
from ..rest.models import Row
from ..session.session import Session
from ..support.parallel import side_by_side
from .listing import Listed, ListedPlan, ObjectKey, plan_list, wanted
from .package import CannotTell, Found


def look_up_all(
    session: Session, objects: Mapping[ObjectKey, Row], beside: Callable[[], None] | None = None
) -> dict[ObjectKey, Found]:
    """Look each object up once, over several connections side by side.

    Args:
        session: The session.
        objects: What to look up, with a row that names it. Objects of the configuration level are looked up without a
            project.
        beside: What else to ask at the same time.

    Raises:
        MigrationError: A look-up neither found the object, nor said that it is not there, nor refused to say.
    """

    def look_up(item: tuple[ObjectKey, Row] | None) -> Found:
        if item is None:
            if beside is not None:
                beside()
            return None
        (place, _identity, _type), row = item
        try:
            return session.library.find_object(row.id, row.type, place or None)
        except ServerError as error:
            if error.status == 403:
                return CannotTell("the server does not let this user look it up (%s)" % (error.code or 403))
            raise

    # It comes first, so that it is asked while there are look-ups left.
    before: list[tuple[ObjectKey, Row] | None] = [] if beside is None else [None]
    answers = side_by_side(look_up, [*before, *objects.items()], POOL_SIZE)
    return dict(zip(objects, answers[len(before) :]))


def plan_for(packages: Sequence[Listed], history: History | None, found: Mapping[ObjectKey, Found]) -> list[ListedPlan]:
    """Return the plan of a list of packages for what was found in the destination, without asking the server.

    Args:
        packages: The packages, in the order of the list.
        history: What was imported before; None for a plan by comparison alone.
        found: What the destination has for each object that ``wanted`` names.

    Raises:
        DiskError: The history could not be read.
    """
    if history is not None:
        packages = _with_records(packages, history, found)
    return plan_list(packages, found)


def _with_records(packages: Sequence[Listed], history: History, found: Mapping[ObjectKey, Found]) -> list[Listed]:
    entries: dict[str | None, list[Entry]] = {}
    known = []
    for package in packages:
        if package.project_id not in entries:
            entries[package.project_id] = history.entries(package.project_id)
        uncertain = not package.content.comparable or any(
            isinstance(found.get(package.key(row)), CannotTell) for row in package.content.rows
        )
        record = record_of(entries[package.project_id], package.content.sha256, uncertain)
        known.append(replace(package, record=record))
    return known


def make_plan(
    session: Session,
    package: Listed,
    history: History | None = None,
    seen: dict[ObjectKey, Found] | None = None,
) -> ListedPlan:
    """Return the plan of one package for the destination as it is now.

    Args:
        session: The session.
        package: The package.
        history: What was imported before; None for a plan by comparison alone.
        seen: Gets what the objects are now.

    Raises:
        MigrationError: The destination, or the history, could not be read.
    """
    found = look_up_all(session, wanted([package]))
    if seen is not None:
        seen.update(found)
    return plan_for([package], history, found)[0]
