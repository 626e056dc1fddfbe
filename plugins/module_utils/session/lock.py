# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock of an environment, and the lease that shows whether the run that has it still lives.

``<history>/locks/<environment's address>.<number>.lock``; the highest number has the lock. A file is made with
``O_EXCL``, so that of two runs one gets a number. A run that takes over from a dead one takes the next number. A run
that finds a higher number than its own has lost the lock, even if it still believes to be alive.

The lease is the modification time of the run's session file, or of the lock file while there is none yet. Whether that
changes shows whether the run lives (``watch``). How old it is shows nothing: clocks do not agree.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Callable

from ..errors import LockError
from ..support.files import directory_mode, disk_errors, make_directory
from ..support.text import printable
from .watch import Watch, is_given_up, is_gone

_LOCKS = "locks"
# The ending of the note of which projects a run has idled, beside its lock.
WINDOW = ".window.json"
_NAME = re.compile(r"(.+)\.([1-9]\d*)\.lock\Z")
# Seconds between two looks at a lock that another run has.
_PAUSE = 0.5


@dataclass(frozen=True)
class Lock:
    """A lock that a run has got.

    Attributes:
        path: Its file.
        token: What only this run's file says.
    """

    path: str
    token: str

    def holds(self) -> bool:
        """Return whether nobody has taken it over."""
        directory, name = os.path.split(self.path)
        match = _NAME.match(name)
        if match is None or not self._is_own():
            return False
        numbers = _numbers(directory, match.group(1))
        return not numbers or numbers[-1] <= int(match.group(2))

    def release(self) -> None:
        """Let go of it, unless somebody has taken it over."""
        if self._is_own():
            with contextlib.suppress(OSError):
                os.unlink(self.path)

    def _is_own(self) -> bool:
        return _read(self.path).get("token") == self.token


def directory_of(history_dir: str) -> str:
    """Return the directory of the locks below a history."""
    return os.path.join(history_dir, _LOCKS)


def has_window(history_dir: str) -> bool:
    """Return whether there is a note of projects that a run has idled, on whatever environment."""
    try:
        return any(name.endswith(WINDOW) for name in os.listdir(directory_of(history_dir)))
    except OSError:
        return False


def locks_of(session_path: str, history_dir: str | None) -> list[Lock]:
    """Return the locks of the run that has a session file.

    Args:
        session_path: The session file, which may be gone.
        history_dir: The history's root; None where the file lies in it (``<history>/<environment>/sessions``).
    """
    directory = os.path.join(history_dir or os.path.dirname(os.path.dirname(os.path.dirname(session_path))), _LOCKS)
    try:
        names = os.listdir(directory)
    except OSError:
        return []
    found = []
    for path in (os.path.join(directory, name) for name in names if _NAME.match(name)):
        holder = _read(path)
        token = holder.get("token")
        if holder.get("session_file") == session_path and isinstance(token, str):
            found.append(Lock(path, token))
    return found


def touch(path: str) -> None:
    """Renew a lease, unless its file is gone."""
    try:
        before = os.stat(path).st_mtime_ns
        os.utime(path)
        renewed = os.stat(path).st_mtime_ns != before
    except FileNotFoundError:
        return
    except OSError:
        renewed = False
    if not renewed:
        # A share may refuse it, or do nothing. JSON stays JSON with a space more.
        with contextlib.suppress(OSError), open(path, "r+b", buffering=0) as handle:
            handle.seek(0, os.SEEK_END)
            handle.write(b" ")


def give_up(paths: Iterable[str]) -> None:
    """End leases at once: nobody waits for them to run out."""
    for path in paths:
        with contextlib.suppress(OSError):
            os.utime(path, (0, 0))


@dataclass(frozen=True)
class Taken:
    """A lock that was got.

    Attributes:
        lock: The lock.
        dead: The session files of the runs that had it before and have died.
    """

    lock: Lock
    dead: list[str]


def acquire(
    history_dir: str,
    address: str,
    mode: int,
    holder: Mapping[str, Any],
    watch: Watch,
    lock_timeout: float,
    sleep: Callable[[float], None] = time.sleep,
) -> Taken:
    """Get the lock of an environment; wait for it where another run is at work there.

    A run that shows no sign of life is waited for until it is sure to be dead, also where that takes longer than
    lock_timeout.

    Args:
        history_dir: The history's root.
        address: The environment's address, as a file name.
        mode: Permission bits of the files of the history.
        holder: Who asks, for those who find the lock: ``session_file``, and what helps a person.
        watch: Tells the dead from the living.
        lock_timeout: Seconds to wait for a run that lives.
        sleep: Waits a number of seconds; given by tests.

    Raises:
        LockError: Another run is at work.
        DiskError: The lock cannot be written.
    """
    directory = directory_of(history_dir)
    document = dict(holder, token=secrets.token_hex(16))
    start = watch.clock()
    with disk_errors("history_dir: %s cannot be written" % directory):
        make_directory(directory, directory_mode(mode))
        while True:
            living = _living(directory, address, watch)
            if living is None:
                taken = _take(directory, address, mode, document, watch)
                if taken is not None:
                    return taken
            elif watch.clock() - start >= lock_timeout and watch.lives(_sign_of_life(living)):
                raise LockError(_busy(living, lock_timeout, watch))
            # Uneven pauses: two runs that give way to each other do not do so for ever.
            sleep(_PAUSE * (0.5 + secrets.randbelow(1000) / 1000))


def refuse_living(history_dir: str, addresses: Iterable[str], watch: Watch) -> None:
    """Fail where a run is at work under one of some addresses, given as file names. Waits until that is known.

    Raises:
        LockError: A run is.
    """
    directory = directory_of(history_dir)
    signs = {path: _sign_of_life(path) for address in addresses for path in _paths(directory, address)}
    dead = watch.dead_of(list(signs.values()))
    living = next((path for path, sign in signs.items() if sign not in dead), None)
    if living is not None:
        raise LockError(
            "server_moved: a run is at work under the old address (%s). Let it end, then run again. [lock %s]"
            % (_words(_read(living)), living)
        )


def remark(history_dir: str, address: str) -> str | None:
    """Return a warning of other runs on an environment, for one that takes no lock; None where there are none.

    Args:
        history_dir: The history's root.
        address: The environment's address, as a file name.
    """
    try:
        paths = _paths(directory_of(history_dir), address)
    except OSError:
        return None
    if not paths:
        return None
    path = paths[-1]
    who = _words(_read(path))
    if is_given_up(_sign_of_life(path)):
        return (
            "A run on this environment was stopped and left an import that goes on, or a session (%s). Without check "
            "mode a run first takes up what that left; what is planned now may be another thing then." % who
        )
    return (
        "Another run is at work on this environment, or was cut off (%s). What is planned now may be another thing in "
        "a moment. If it was cut off, the next run without check mode first takes up what it left." % who
    )


def _take(directory: str, address: str, mode: int, document: Mapping[str, Any], watch: Watch) -> Taken | None:
    """Take the next number; None where another run was quicker."""
    numbers = _numbers(directory, address)
    path = _path(directory, address, numbers[-1] + 1 if numbers else 1)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return None
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        os.fchmod(handle.fileno(), mode)
        json.dump(document, handle)
    lock = Lock(path, document["token"])
    paths = _paths(directory, address)
    others = [other for other in paths if other != path]
    # Between the look and the taking all may have been released, and the numbers begun anew.
    if path not in paths or not all(_lapsed(other, watch) for other in others):
        lock.release()
        return None
    dead = []
    for other in others:
        holder = _read(other)
        # One that was released meanwhile is not dead, and its name may be somebody else's by now.
        if not is_gone(other) and _lapsed(other, watch):
            dead.append(holder.get("session_file"))
            with contextlib.suppress(OSError):
                os.unlink(other)
    return Taken(lock, [name for name in dead if isinstance(name, str)])


def _living(directory: str, address: str, watch: Watch) -> str | None:
    """Return the newest lock file of a run that lives, or may live, None where there is none."""
    # All of them are asked about: the time for which each is watched begins now.
    living = [path for path in _paths(directory, address) if not _lapsed(path, watch)]
    return living[-1] if living else None


def _lapsed(path: str, watch: Watch) -> bool:
    """Return whether nobody has a lock by this file: its run is dead, or it is gone."""
    return is_gone(path) or watch.is_dead(_sign_of_life(path))


def _sign_of_life(path: str) -> str:
    """Return the file that the run which has a lock keeps touching."""
    session = _read(path).get("session_file")
    return session if isinstance(session, str) and not is_gone(session) else path


def _busy(path: str, lock_timeout: float, watch: Watch) -> str:
    holder = _read(path)
    return (
        "Another run is at work on this environment: %s, begun %s, session file %s, last sign of life %d s ago. Waited "
        "%g s for it (lock_timeout). Let it end, then run again. If it is dead, its lease runs out %g s "
        "(lease_timeout) after its last sign of life, and the next run takes over. [lock %s]"
        % (
            _words(holder),
            printable(holder.get("since"), 40),
            printable(holder.get("session_file"), 300),
            watch.silence(_sign_of_life(path)),
            lock_timeout,
            watch.patience,
            path,
        )
    )


def _words(holder: Mapping[str, Any]) -> str:
    """Return who has a lock, in words."""
    known = [key for key in ("user", "host", "process", "job", "template", "launched_by") if holder.get(key)]
    words = ["%s %s" % (key.replace("_", " "), printable(holder[key], 200)) for key in known]
    return ", ".join(words) or "unknown"


def _numbers(directory: str, address: str) -> list[int]:
    matches = [_NAME.match(name) for name in os.listdir(directory)]
    return sorted(int(match.group(2)) for match in matches if match and match.group(1) == address)


def _path(directory: str, address: str, number: int) -> str:
    return os.path.join(directory, "%s.%d.lock" % (address, number))


def _paths(directory: str, address: str) -> list[str]:
    return [_path(directory, address, number) for number in _numbers(directory, address)]


def _read(path: str) -> dict[str, Any]:
    """Return what a lock file says; nothing where it is gone, or its run has not written it yet."""
    try:
        with open(path, encoding="utf-8") as handle:
            values = json.load(handle)
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}
