# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flow of the module mstr_session: from its options to its result."""

from __future__ import annotations

import getpass
import os
import platform
import secrets
import time
from typing import Any

from . import connection, lease, session_file, signals
from .base import MigrationModule
from .errors import InputError
from .files import directory_mode, make_directory
from .heartbeat import Heartbeat
from .history import INTERRUPTED, STARTED, Entry, History, now, parse_mode
from .recovery import Recovery
from .session import Session
from .text import environment_from_url


def present(module: MigrationModule) -> dict[str, Any]:
    """Renew the session of the file, or log in and write one."""
    path = module.params["session_file"]
    own_directory = path is None
    if path and session_file.exists(path):
        session = module.open_session_file(path)
        try:
            own_directory = session.state.own_directory
            renewed = _renew(module, session)
        finally:
            session.let_go()
        if renewed is not None:
            return renewed
    if module.params["history_dir"]:
        if not module.check_mode:
            return _log_in_alone(module, path)
        _remark(module)
    # Made before the log-in, so that no session is open that nobody knows.
    path = path or session_file.new_path()
    try:
        session = _log_in(module, path, own_directory, None)
    except BaseException:
        if own_directory:
            session_file.remove_directory(path)
        raise
    return _result(session, path, changed=True)


def _renew(module: MigrationModule, session: Session) -> dict[str, Any] | None:
    """Renew the session of the file; None where it has to be taken up, or has ended."""
    module.refuse_another_user(session)
    if session.is_to_be_taken_up and module.params["history_dir"]:
        return None
    session.check_lock()
    if session.library.renew_session():
        session.save()
        return _result(session, session.path or "", changed=False)
    # It ended by itself; what it held is gone with it.
    for lost in session.losses():
        module.warnings.append("The session of %s has ended. Lost: %s." % (session.path, lost))
    lock = session.lock
    if lock is not None:
        lock.release()
    return None


def _log_in(module: MigrationModule, path: str, own_directory: bool, lock: lease.Lock | None) -> Session:
    """Log in and write the session file."""
    session = None
    try:
        # A signal in the middle would leave a session that nobody knows.
        with signals.held_back():
            session = module.log_in(path)
            session.state.own_directory = own_directory
            if lock is not None:
                session.state.lock, session.state.lock_token = lock.path, lock.token
                session.state.lease_timeout = module.params["lease_timeout"]
            session.save()
    except BaseException:
        if session is not None:
            module.discard_session_file(session)
        raise
    return session


def _log_in_alone(module: MigrationModule, path: str | None) -> dict[str, Any]:
    """Take the lock of the environment, take up what dead runs left on it, and log in."""
    params = module.params
    base_url = connection.base_url(params, None)
    module.environment = connection.environment_name(params, base_url, None)
    history = History(params["history_dir"], module.environment, parse_mode(params["history_mode"]))
    path = path or _session_path(history)
    recovery = Recovery(
        history=history,
        base_url=base_url,
        reopen=module.session_of,
        close=module.close_session,
        lease_timeout=params["lease_timeout"],
        wait_timeout=params["wait_timeout"],
        undo_timeout=params["undo_timeout"],
        warnings=module.warnings,
    )
    session = lock = None
    leases: list[str] = []
    try:
        with Heartbeat(leases, params["lease_timeout"], watch=True):
            taken = lease.acquire(
                history.directory,
                environment_from_url(base_url),
                history.mode,
                _holder(path, base_url, module.environment),
                params["lease_timeout"],
                params["lock_timeout"],
            )
            lock = taken.lock
            leases.extend((lock.path, path))
            recovered = recovery.take_up(taken.dead)
            session = _log_in(module, path, False, lock)
            recovery.watch(session)
    except BaseException:
        if session is not None:
            module.discard_session_file(session)
        if lock is not None:
            lock.release()
        raise
    return dict(_result(session, path, changed=True), recovered=recovered)


def _remark(module: MigrationModule) -> None:
    """Say, in check mode, that others are at work: it neither waits for them, nor takes up what they left."""
    params = module.params
    address = environment_from_url(connection.base_url(params, None))
    remark = lease.remark(params["history_dir"], address, params["lease_timeout"])
    if remark is not None:
        module.warnings.append(remark)


def _session_path(history: History) -> str:
    directory = history.sessions
    try:
        # Others of the group remove what this run may leave there; the file itself stays this user's alone.
        make_directory(directory, directory_mode(history.mode))
    except OSError as error:
        raise InputError("history_dir: %s cannot be made: %s." % (directory, error.strerror)) from error
    run = "%s-%s" % (time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), secrets.token_hex(4))
    return os.path.join(directory, run + ".json")


def _holder(path: str, base_url: str, environment: str) -> dict[str, Any]:
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
        # Set by AWX and Automation Controller in the environment of a job.
        "job": os.environ.get("JOB_ID"),
        "since": now(),
    }


def _result(session: Session, path: str, changed: bool) -> dict[str, Any]:
    return {
        "changed": changed,
        "session_file": os.path.abspath(path),
        "user": session.state.user,
        "server": session.state.server,
        "recovered": [],
    }


def absent(module: MigrationModule) -> dict[str, Any]:
    """Release what the session holds, log out, remove the file."""
    path = module.params["session_file"]
    if not session_file.exists(path):
        return {"changed": False, "session_file": path}
    session = _open_at_last(module, path)
    if session.is_taken_over:
        module.warnings.append(
            "Another run has taken over this environment and the session of %s, and closes it." % path
        )
        return {"changed": False, "session_file": path}
    if session.is_to_be_taken_up:
        # The task that saw to it was stopped, or died.
        lease.give_up(session.leases)
        module.warnings.append(
            "The session of %s is left as it is, because its import is not at its end: the next run on this "
            "environment waits for it and keeps its undo package." % path
        )
        return {"changed": False, "session_file": path}
    for lost in session.losses():
        module.warnings.append("Logged out. Lost: %s." % lost)
    _note_interrupted(module, session)
    module.discard_session_file(session)
    return {"changed": True, "session_file": path}


def _note_interrupted(module: MigrationModule, session: Session) -> None:
    """Say in the history that nobody will see an import end, whose session is closed now."""
    held = session.import_process
    if held is None or held.finished or held.entry is None:
        return
    try:
        entry = Entry.reopen(held.entry)
        if entry.receipt["state"] == STARTED:
            entry.write(state=INTERRUPTED, ended=now(), message="Logged out before its end was seen.")
    except InputError as error:
        module.warnings.append(error.message)


def _open_at_last(module: MigrationModule, path: str) -> Session:
    """Return the session of the file, whoever uses it: logging out always goes through."""
    try:
        return module.open_session_file(path)
    except InputError:
        return module.session_of(path)
