# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logging in as the only run that is at work on an environment."""

from __future__ import annotations

import contextlib
import getpass
import os
import platform
from collections.abc import Iterator
from typing import Any

from ..history.environment import environment_name
from ..history.receipt import now
from ..history.store import History
from ..imports import open_window
from ..imports.recovery import Recovery
from ..imports.window import restore_left
from ..session import connection
from ..session import lock as locks
from ..session.heartbeat import Heartbeat
from ..session.job import Job
from ..session.session import Session
from ..session.watch import Watch
from ..support.files import directory_mode, disk_errors, make_directory
from ..support.text import environment_from_url
from .base import MigrationModule
from .history import moved_from, open_history


@contextlib.contextmanager
def session_of_one_task(module: MigrationModule) -> Iterator[Session]:
    """Give the session of a task that logs in for itself and is a run of its own, with the environment to itself.

    It ends with the task, unless the next run is to take it up with the import in it. In check mode nothing is locked
    and nothing is taken up.

    Args:
        module: The module.

    Raises:
        MigrationError: As ``log_in_alone``.
    """
    module.recovered = []
    if module.check_mode:
        remark_on_others(module)
        with module.access.session() as session:
            yield session
        return
    session, module.recovered = log_in_alone(module, None, is_of_one_task=True)
    module.access.current = session
    try:
        with module.access.at_work(session):
            yield session
    finally:
        session.let_go()
        session.library.transport.close()


def remark_on_others(module: MigrationModule) -> None:
    """Say, in check mode, whose history it is and who is at work: it neither waits for them, nor takes anything up.

    Args:
        module: The module.

    Raises:
        InputError: The options name no server, or no history that can be used.
    """
    base_url = connection.base_url(module.params, None)
    history = open_history(module)
    idle = open_window.remark(history, environment_from_url(base_url)) if history is not None else None
    if idle is not None:
        module.warnings.append(idle)
    remark = locks.remark(module.params["history_dir"], environment_from_url(base_url))
    if remark is not None:
        module.warnings.append(remark)


def log_in_alone(
    module: MigrationModule, path: str | None, is_of_one_task: bool = False
) -> tuple[Session, list[dict[str, Any]]]:
    """Take the lock of the environment, take up what dead runs left on it, and log in.

    Args:
        module: The module.
        path: Where the session's file is to be; None for one below the history.
        is_of_one_task: Whether the session ends with this task.

    Returns:
        The session, and what became of what dead runs left.

    Raises:
        MigrationError: Another run is at work, what a dead one left cannot be taken up, or the log-in was refused.
    """
    params = module.params
    base_url = connection.base_url(params, None)
    module.access.environment = environment_name(params, base_url, None)
    history = open_history(module)
    if history is None:
        raise AssertionError("there is no lock without a history")
    path = path or _session_path(history, params["session_dir"], module.access.run)
    watch = Watch(params["lease_timeout"])
    recovery = recovery_of(module, history, base_url, watch)
    session = lock = None
    leases: list[str] = []
    try:
        with Heartbeat(leases, params["lease_timeout"], watch_parents=True):
            taken = _acquire(module, history, path, base_url, watch)
            lock = taken.lock
            leases.extend((lock.path, path))
            recovered = recovery.recover(taken.dead)
            session = module.access.log_in_to_file(path, False, lock, is_of_one_task)
            # Of a server that has moved, another run may still be at work under the old address.
            locks.refuse_living(history.directory, moved_from(module, history), watch)
            module.access.logged_in()
            # Before anything is planned, or waited for: users cannot work.
            restore_windows(module, history, session)
            recovery.wait_until_at_rest(session)
    except BaseException:
        if session is not None:
            module.access.discard_session_file(session)
        if lock is not None:
            lock.release()
        raise
    return session, recovered


def restore_windows(module: MigrationModule, history: History, session: Session) -> None:
    """Restore projects that runs have left idle which were cut off, under this address or an older one."""
    for address in (environment_from_url(session.state.base_url), *moved_from(module, history)):
        restore_left(session, history, address, module.params["wait_timeout"], module.warnings)


def _acquire(module: MigrationModule, history: History, path: str, base_url: str, watch: Watch) -> locks.Taken:
    return locks.acquire(
        history.directory,
        environment_from_url(base_url),
        history.mode,
        _holder(path, base_url, module.environment, Job.of(module.params)),
        watch,
        module.params["lock_timeout"],
    )


def settle(module: MigrationModule, session: Session) -> None:
    """Wait until imports whose end nobody saw have come to rest, and note what they left.

    Args:
        module: The module.
        session: The session.

    Raises:
        MigrationError: The objects could not be looked up, or a receipt could not be written.
    """
    if module.history is not None:
        watch = Watch(module.params["lease_timeout"])
        recovery_of(module, module.history, session.state.base_url, watch).wait_until_at_rest(session)


def log_in_again(module: MigrationModule, session: Session) -> None:
    """Bring the session of a run back that has ended; say what is lost with it, and wait until the environment rests.

    Args:
        module: The module.
        session: The session, which goes on in its file where it has one.

    Raises:
        MigrationError: The log-in was refused, or the task has no credentials.
    """
    recovery = None
    if module.history is not None:
        watch = Watch(module.params["lease_timeout"])
        recovery = recovery_of(module, module.history, session.state.base_url, watch)
        recovery.lost(session.import_process)
    module.access.log_in_again(session)
    if recovery is not None:
        recovery.wait_until_at_rest(session)


def recovery_of(module: MigrationModule, history: History, base_url: str, watch: Watch) -> Recovery:
    """Return how a task takes up what dead runs left.

    Args:
        module: The module.
        history: The history of the environment.
        base_url: Where the environment is.
        watch: Tells the dead from the living.
    """
    return Recovery(
        history=history,
        base_url=base_url,
        reopen=module.access.session_of,
        close=module.access.close_session,
        watch=watch,
        session_dir=module.params["session_dir"],
        wait_timeout=module.params["wait_timeout"],
        undo_timeout=module.params["undo_timeout"],
        warnings=module.warnings,
    )


def _session_path(history: History, elsewhere: str | None, run: str) -> str:
    directory = elsewhere or history.sessions
    with disk_errors("%s: %s cannot be made" % ("session_dir" if elsewhere else "history_dir", directory)):
        # Others of the group remove what this run may leave there; the file itself stays this user's alone.
        make_directory(directory, 0o700 if elsewhere else directory_mode(history.mode))
    return os.path.join(directory, run + ".json")


def _holder(path: str, base_url: str, environment: str, job: Job) -> dict[str, Any]:
    """Return what the lock file says of this run, for a person who finds it."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A container's user without a name.
        user = str(os.geteuid())
    return {
        "session_file": os.path.abspath(path),
        "base_url": base_url,
        "environment": environment,
        "user": user,
        "host": platform.node(),
        "process": os.getppid(),
        "job": job.id,
        "template": job.template,
        "launched_by": job.user,
        "since": now(),
    }
