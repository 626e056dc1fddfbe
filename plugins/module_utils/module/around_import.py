# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task does around its imports, by its options: a window before, schema and caches after."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..errors import InputError
from ..history.store import History
from ..imports.follow_up import FollowUps
from ..imports.outcome import ImportOptions
from ..imports.window import Window
from ..plan.decision import Decision
from ..session.session import Session
from .around import wanted_of
from .base import MigrationModule


def follow_ups_of(module: MigrationModule, session: Session) -> FollowUps:
    """Return what keeps what is to be done after the imports of a task."""
    params = module.params
    return FollowUps(session, params["wait_timeout"], params.get("poll_interval") or 0.1, module.warnings)


def foretold(
    module: MigrationModule,
    session: Session,
    history: History | None,
    projects: Iterable[str | None],
    decisions: Iterable[Decision],
) -> tuple[FollowUps, bool]:
    """Return what is to be done after the imports that are due, and whether earlier runs have left some of it.

    Args:
        module: The module.
        session: The session.
        history: The history, or None.
        projects: The ids of the projects of the list, None for the configuration level.
        decisions: What becomes of the packages.
    """
    wanted, found = wanted_of(module), follow_ups_of(module, session)
    found.find(history, projects, wanted)
    left = found.are_due
    for decision in decisions:
        if decision.due:
            content = decision.planned.package.content if decision.planned is not None else None
            of_package = wanted.of(decision.package.option)
            found.predict(decision.package.project_id, of_package.predicted(decision.plan, content))
    return found, left


def refuse_window(module: MigrationModule) -> None:
    """Fail, before anything is sent, for a window that could not be closed if the task died.

    Raises:
        InputError: It could not.
    """
    if module.params["window"] and not module.params["wait"]:
        raise InputError("window: it is closed once the import has ended, so that wait: false does not go with it.")
    if module.params["window"] and not module.params["history_dir"]:
        raise InputError(
            "window: it needs history_dir. What a project was before it was idled is written down there, so that the "
            "next run restores it where this one dies."
        )


def around(module: MigrationModule, session: Session, options: ImportOptions) -> ImportOptions:
    """Return the options of imports with what is done around them.

    Args:
        module: The module.
        session: The session.
        options: How to import.

    Raises:
        InputError: A window is wanted, and the session does not have the environment to itself.
    """
    window = None
    if module.params["window"] and options.history is not None and not module.check_mode:
        if session.lock is None:
            raise InputError(
                "window: the session of %s does not have the environment to itself. Give mstr_session the history_dir "
                "too." % session.path
            )

        @contextlib.contextmanager
        def again() -> Iterator[Session]:
            fresh = module.access.log_in(None)
            try:
                yield fresh
            finally:
                module.access.close_session(fresh)

        window = Window(session, options.history, options.wait_timeout, again, module.warnings)
    return replace(options, follow_ups=follow_ups_of(module, session), window=window)


def result_of(options: ImportOptions) -> dict[str, Any]:
    """Return what was done around the imports of a task, as it returns it."""
    follow_ups, window = options.follow_ups, options.window
    done = follow_ups.as_result() if follow_ups is not None else {"schema": {}, "caches": {}}
    return {**done, "window": window.as_result() if window is not None else {}}


def lines_of(options: ImportOptions) -> list[str]:
    """Return what was done around the imports of a task, for people, one line each."""
    follow_ups, window = options.follow_ups, options.window
    return [
        *(window.lines() if window is not None else []),
        *(follow_ups.lines() if follow_ups is not None else []),
    ]
