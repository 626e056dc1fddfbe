# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is at work on an environment: a lock file each, and the lease that shows whether its holder still lives.

``<history>/locks/<environment's address>.<number>.lock``; the highest number holds the lock. A file is made with
``O_EXCL``, so that of two runs one gets a number. Whoever takes over from a dead run takes the next number; a run that
finds a higher one than its own has lost the lock, even if it still believes to be alive.

The lease is the modification time of the holder's session file, or of the lock file while there is none yet. Clocks
of several machines do not agree, so its age is judged against a file touched in the same directory.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Callable

from .errors import InputError
from .files import directory_mode, make_directory
from .text import printable

_LOCKS = "locks"
_NAME = re.compile(r"(.+)\.([1-9]\d*)\.lock\Z")
# Seconds between two looks at a lock that another run holds.
_PAUSE = 0.5


@dataclass(frozen=True)
class Lock:
    """A lock that this run holds, or held.

    Attributes:
        path: Its file.
        token: What the file says only for this run.
    """

    path: str
    token: str

    def holds(self) -> bool:
        """Return whether nobody has taken it over."""
        directory, name = os.path.split(self.path)
        match = _NAME.match(name)
        if match is None or (_read(self.path) or {}).get("token") != self.token:
            return False
        numbers = _numbers(directory, match.group(1))
        return not numbers or numbers[-1] <= int(match.group(2))

    def release(self) -> None:
        """Let go of it, unless somebody has taken it over."""
        if (_read(self.path) or {}).get("token") == self.token:
            with contextlib.suppress(OSError):
                os.unlink(self.path)


def age(path: str) -> float | None:
    """Return the seconds since path was touched, None where it is not there; by the file system's own clock."""
    try:
        touched = os.stat(path).st_mtime
    except OSError:
        return None
    try:
        descriptor, probe = tempfile.mkstemp(prefix=".mstr_", dir=os.path.dirname(path))
    except OSError:
        return time.time() - touched
    try:
        return os.fstat(descriptor).st_mtime - touched
    finally:
        os.close(descriptor)
        os.unlink(probe)


def touch(path: str) -> None:
    """Renew a lease; a file that is gone is somebody else's business."""
    with contextlib.suppress(OSError):
        os.utime(path)


def give_up(paths: Iterable[str]) -> None:
    """End leases at once, so that nobody waits for them to run out."""
    for path in paths:
        with contextlib.suppress(OSError):
            os.utime(path, (0, 0))


@dataclass(frozen=True)
class Taken:
    """A lock that was got.

    Attributes:
        lock: The lock.
        dead: The session files of the runs that held it before and have died.
    """

    lock: Lock
    dead: list[str]


def acquire(
    history_dir: str,
    address: str,
    mode: int,
    holder: Mapping[str, Any],
    lease_timeout: float,
    lock_timeout: float,
    sleep: Callable[[float], None] = time.sleep,
) -> Taken:
    """Get the lock of an environment, waiting for it if another run is at work there.

    Args:
        history_dir: The history's root.
        address: The environment's address, as a file name.
        mode: Permission bits of the files of the history.
        holder: Who asks, for those who find the lock: ``session_file``, ``environment`` and what helps a person.
        lease_timeout: Seconds after which a lease that was not renewed has run out.
        lock_timeout: Seconds to wait.
        sleep: Waits a number of seconds; given by tests.

    Raises:
        InputError: Another run is at work, or the lock cannot be written.
    """
    directory = os.path.join(history_dir, _LOCKS)
    document = dict(holder, token=secrets.token_hex(16))
    start = time.monotonic()
    try:
        make_directory(directory, directory_mode(mode))
        _sweep(directory, lease_timeout)
        while True:
            living = _living(directory, address, lease_timeout)
            if living is None:
                taken = _take(directory, address, mode, document, lease_timeout)
                if taken is not None:
                    return taken
            elif time.monotonic() - start >= lock_timeout:
                raise InputError(_busy(living, lock_timeout, lease_timeout))
            # Uneven pauses, so that two runs that gave way to each other do not do so for ever.
            sleep(_PAUSE * (0.5 + secrets.randbelow(1000) / 1000))
    except OSError as error:
        raise InputError("history_dir: %s cannot be written: %s." % (directory, error.strerror)) from error


def remark(history_dir: str, address: str, lease_timeout: float) -> str | None:
    """Return what a run that takes no lock has to know of others on the environment, for a warning; None for nothing.

    Args:
        history_dir: The history's root.
        address: The environment's address, as a file name.
        lease_timeout: Seconds after which a lease that was not renewed has run out.
    """
    directory = os.path.join(history_dir, _LOCKS)
    try:
        numbers = _numbers(directory, address)
    except OSError:
        return None
    if not numbers:
        return None
    path = _path(directory, address, numbers[-1])
    who = _words(_read(path) or {})
    if not _has_run_out(path, lease_timeout):
        return (
            "Another run is at work on this environment (%s), so what is planned now may be another thing in a moment."
            % who
        )
    return (
        "A run on this environment was cut off, or left an import that goes on (%s). Without check mode a run first "
        "takes up what that left; what is planned now may be another thing then." % who
    )


def _sweep(directory: str, lease_timeout: float) -> None:
    """Remove the files by which ages were judged and whose runs died meanwhile."""
    for name in os.listdir(directory):
        path = os.path.join(directory, name)
        if name.startswith(".mstr_") and (age(path) or 0.0) > lease_timeout:
            with contextlib.suppress(OSError):
                os.unlink(path)


def _take(directory: str, address: str, mode: int, document: Mapping[str, Any], lease_timeout: float) -> Taken | None:
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
    others = [_path(directory, address, number) for number in _numbers(directory, address)]
    # Between the look and the taking all may have been released, and the numbers begun anew.
    if path not in others or any(other != path and not _lapsed(other, lease_timeout) for other in others):
        lock.release()
        return None
    dead = []
    for other in others:
        holder = _read(other)
        # One that was released meanwhile is not dead; and its name may be somebody else's by now.
        if other == path or not _has_run_out(other, lease_timeout):
            continue
        dead.append((holder or {}).get("session_file"))
        with contextlib.suppress(OSError):
            os.unlink(other)
    return Taken(lock, [name for name in dead if isinstance(name, str)])


def _living(directory: str, address: str, lease_timeout: float) -> str | None:
    """Return the lock file of a run that lives, None where there is none."""
    for number in reversed(_numbers(directory, address)):
        path = _path(directory, address, number)
        if not _lapsed(path, lease_timeout):
            return path
    return None


def _lapsed(path: str, lease_timeout: float) -> bool:
    """Return whether nobody holds a lock by this file: its lease has run out, or it is gone."""
    return not os.path.exists(path) or _has_run_out(path, lease_timeout)


def _has_run_out(path: str, lease_timeout: float) -> bool:
    session = (_read(path) or {}).get("session_file")
    since = age(session) if isinstance(session, str) else None
    if since is None:
        since = age(path)
    return since is not None and since > lease_timeout


def _busy(path: str, lock_timeout: float, lease_timeout: float) -> str:
    holder = _read(path) or {}
    session = str(holder.get("session_file"))
    since = age(session)
    return (
        "Another run is at work on this environment: %s, begun %s, session file %s, last sign of life %s. Waited %g s "
        "for it (lock_timeout). Let it end, then run again. If it is dead, its lease runs out %g s (lease_timeout) "
        "after its last sign of life, and the next run takes over. [lock %s]"
        % (
            _words(holder),
            printable(holder.get("since"), 40),
            printable(session, 300),
            "unknown" if since is None else "%d s ago" % max(since, 0),
            lock_timeout,
            lease_timeout,
            path,
        )
    )


def _words(holder: Mapping[str, Any]) -> str:
    """Return who holds a lock, in words."""
    words = [
        "%s %s" % (key, printable(holder[key], 200)) for key in ("user", "host", "process", "job") if holder.get(key)
    ]
    return ", ".join(words) or "unknown"


def _numbers(directory: str, address: str) -> list[int]:
    matches = [_NAME.match(name) for name in os.listdir(directory)]
    return sorted(int(match.group(2)) for match in matches if match and match.group(1) == address)


def _path(directory: str, address: str, number: int) -> str:
    return os.path.join(directory, "%s.%d.lock" % (address, number))


def _read(path: str) -> dict[str, Any] | None:
    """Return what a lock file says; None where it is gone, or its run has not written it yet."""
    try:
        with open(path, encoding="utf-8") as handle:
            values = json.load(handle)
    except (OSError, ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None
