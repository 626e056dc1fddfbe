# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flow of the module mstr_session: from its options to its result."""

from __future__ import annotations

import os
from typing import Any

from ..errors import DiskError, InputError, MigrationError
from ..session import file as session_file
from ..session import lock as locks
from ..session.session import Session
from .base import MigrationModule

# What Ansible puts in the place of a secret.
_MASK = "********"


def present(module: MigrationModule) -> dict[str, Any]:
    """Renew the session of the file, or log in and write one."""
    path = module.params["session_file"]
    own_directory = path is None
    if path and session_file.exists(path):
        session = module.access.open_session_file(path)
        try:
            own_directory = session.state.own_directory
            renewed = _renew(module, session)
        finally:
            session.let_go()
        if renewed is not None:
            return renewed
    if module.params["history_dir"]:
        # Here, imported where it is needed: each run also logs out, which does without.
        from .sole_run import log_in_alone, remark_on_others

        if not module.check_mode:
            session, recovered = log_in_alone(module, path)
            return dict(_result(session, session.path or "", changed=True), recovered=recovered)
        remark_on_others(module)
    # Made before the log-in, so that no session is open that nobody knows.
    path = path or session_file.new_path(module.params["session_dir"])
    try:
        session = module.access.log_in_to_file(path, own_directory, None)
    except BaseException:
        if own_directory:
            session_file.remove_directory(path)
        raise
    return _result(session, path, changed=True)


def _renew(module: MigrationModule, session: Session) -> dict[str, Any] | None:
    """Renew the session of the file; None where it has to be taken up, or has ended."""
    module.access.refuse_another_user(session)
    if session.is_to_be_recovered and module.params["history_dir"]:
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


def _result(session: Session, path: str, changed: bool) -> dict[str, Any]:
    return {
        "changed": changed,
        "session_file": os.path.abspath(path),
        "user": session.state.user,
        "server": session.state.server,
        "run": session.state.run,
        "plan_file": session_file.beside(os.path.abspath(path), session_file.PLAN) if session.state.run else None,
        "recovered": [],
    }


def absent(module: MigrationModule) -> dict[str, Any]:
    """Release what the session holds, log out, remove the file."""
    path = module.params["session_file"]
    if not session_file.exists(path):
        _refuse_lost(module, path)
        return {"changed": False, "session_file": path}
    session = _open_at_last(module, path)
    if session.is_taken_over:
        module.warnings.append(
            "Another run has taken over this environment and the session of %s, and closes it." % path
        )
        return {"changed": False, "session_file": path}
    if session.is_to_be_recovered:
        # The task that saw to it was stopped, or died.
        locks.give_up(session.leases)
        module.warnings.append(
            "The session of %s is left as it is, because its import is not at its end: the next run on this "
            "environment waits for it and keeps its undo package." % path
        )
        return {"changed": False, "session_file": path}
    for lost in session.losses():
        module.warnings.append("Logged out. Lost: %s." % lost)
    _note_interrupted(module, session)
    _restore_window(module, session)
    module.access.discard_session_file(session)
    return {"changed": True, "session_file": path}


def _note_interrupted(module: MigrationModule, session: Session) -> None:
    """Say in the history that nobody will see an import end, whose session is closed now."""
    process = session.import_process
    if process is None or process.finished or process.entry is None:
        return
    from ..history.entry import Entry
    from ..history.receipt import INTERRUPTED, STARTED, now

    try:
        entry = Entry.reopen(process.entry)
        if entry.receipt.state == STARTED:
            entry.write(state=INTERRUPTED, ended=now(), message="Logged out before its end was seen.")
    except DiskError as error:
        module.warnings.append(error.message)


def _restore_window(module: MigrationModule, session: Session) -> None:
    """Restore projects that a task of this run has left idle which was cut off; what goes wrong is for the next run."""
    directory = module.params["history_dir"]
    if not directory or session.lock is None or not locks.has_window(directory):
        return
    # Imported where they are needed, which is hardly ever.
    from .history import open_history
    from .sole_run import restore_windows

    try:
        history = open_history(module)
        if history is not None:
            restore_windows(module, history, session)
    except MigrationError as error:
        module.warnings.append(error.message)


def _refuse_lost(module: MigrationModule, path: str) -> None:
    """Fail for a session file that is gone although nobody logged out. The run's lock is taken away."""
    if _MASK in path:
        raise InputError(
            "session_file: %s is no path: Ansible has blanked a part of it out, because that equals a secret. The "
            "session stays open until the server ends it. Name a session_file without such a part." % path
        )
    own = locks.locks_of(path, module.params["history_dir"])
    if own:
        for lock in own:
            lock.release()
        raise InputError(
            "session_file: there is no file %s any more, and nobody has logged out: its session stays open until the "
            "server ends it. The lock of the environment is released. See who removes files below history_dir." % path
        )


def _open_at_last(module: MigrationModule, path: str) -> Session:
    """Return the session of the file, whoever uses it: logging out always goes through."""
    try:
        return module.access.open_session_file(path)
    except MigrationError:
        try:
            return module.access.session_of(path)
        except MigrationError:
            if not _is_of_a_run(module, path):
                raise
    # The share has changed how it shows files. Its session is to be closed all the same.
    module.warnings.append("%s is not private any more; its session is closed." % path)
    return module.access.session_of(path, private=False)


def _is_of_a_run(module: MigrationModule, path: str) -> bool:
    """Return whether a session file, of whoever it seems to be, is that of a run which holds a lock for it."""
    try:
        token = session_file.read(path, private=False).lock_token
    except MigrationError:
        return False
    return any(lock.token == token for lock in locks.locks_of(path, module.params["history_dir"]))
