# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking objects up and planning a package against a destination: where the pure plan meets the server."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from . import models
from .errors import ServerError
from .models import Row
from .plan import CannotTell, Found, PackagePlan, plan_package
from .session import Session
from .transport import POOL_SIZE


def look_up_all(session: Session, rows: Iterable[Row], project_id: str | None) -> dict[tuple[str, int], Found]:
    """Look each object up once, over several connections side by side.

    Args:
        session: The session.
        rows: The rows whose objects to look up.
        project_id: The destination project; objects of the configuration level are looked up without it.

    Raises:
        MigrationError: A look-up neither found the object, nor said that it is not there, nor refused to say.
    """
    wanted = {row.key: row for row in rows}

    def look_up(row: Row) -> Found:
        scope = None if row.level == models.CONFIGURATION_OBJECT else project_id
        try:
            return session.library.find_object(row.id, row.type, scope)
        except ServerError as error:
            if error.status == 403:
                return CannotTell("the server does not let this user look it up (%s)" % (error.code or 403))
            raise

    if not wanted:
        return {}
    executor = ThreadPoolExecutor(max_workers=min(POOL_SIZE, len(wanted)))
    try:
        return dict(zip(wanted, executor.map(look_up, wanted.values())))
    finally:
        # After an error or a signal the look-ups that have not begun are not worth waiting for.
        executor.shutdown(wait=True, cancel_futures=True)


def make_plan(
    session: Session, rows: Iterable[Row], settings: dict[str, Any], package_type: str, project_id: str | None
) -> PackagePlan:
    """Return what importing a package would do to the destination as it is now.

    Raises:
        MigrationError: The destination could not be read.
    """
    content = tuple(rows)
    if package_type == models.PROJECT_SECURITY:
        # Such a package holds links to users, not the users: their versions say nothing about it.
        return plan_package(content, settings, lambda row: CannotTell("links are not compared"), package_type)
    found = look_up_all(session, content, project_id)
    return plan_package(content, settings, lambda row: found[row.key], package_type)
