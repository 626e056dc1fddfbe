# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The undo package: wait until the server has made it, and bring it whole onto the disk."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from .errors import ConnectionLost, InputError, MigrationError, ServerError
from .files import atomic_file, make_directory, readable_file, sha256_of
from .models import ImportInfo
from .session import Session
from .waiter import TimeIsUp, wait_for


class UndoUnavailable(MigrationError):
    """The server gives no undo package; the import itself is done."""


@dataclass(frozen=True)
class SavedUndo:
    """An undo package on disk.

    Attributes:
        path: Where it is.
        sha256: Its sha256, hexadecimal.
        size: Its size in bytes.
        changed: Whether it was written now.
        backup: Where other bytes that were at path have gone; None where there were none.
    """

    path: str
    sha256: str
    size: int
    changed: bool = True
    backup: str | None = None

    def as_result(self) -> dict[str, object]:
        """Return it as a task returns it."""
        return {"path": self.path, "sha256": self.sha256, "size": self.size}


def check_destination(path: str, option: str, make: bool) -> None:
    """Check, before anything is imported, that an undo package can be written to path.

    Args:
        path: The file to be.
        option: The option that names it, for the message.
        make: Whether to make the directories that are missing.

    Raises:
        InputError: It cannot; the message names the option.
    """
    if os.path.islink(path) or (os.path.exists(path) and not os.path.isfile(path)):
        raise InputError("%s: %s is a link or no regular file; name a file." % (option, path))
    directory = os.path.dirname(os.path.abspath(path))
    if not make and not os.path.exists(directory):
        return
    try:
        make_directory(directory, 0o700)
    except OSError as error:
        raise InputError("%s: the directory %s cannot be made: %s." % (option, directory, error.strerror)) from error
    if not os.access(directory, os.W_OK | os.X_OK):
        raise InputError("%s: the directory %s cannot be written to; check its permissions." % (option, directory))


def wait_until_created(session: Session, import_id: str, project_id: str | None, timeout: float) -> ImportInfo:
    """Wait until the server says that the undo package can be had.

    It can come some time after the import has ended (the vendor's own client polls for it separately).

    Raises:
        UndoUnavailable: It does not come within timeout seconds.
    """

    def look() -> ImportInfo:
        return session.library.import_process(import_id, project_id)

    try:
        return wait_for(look, lambda seen: seen.undo_package_created, timeout)
    except TimeIsUp as limit:
        raise UndoUnavailable(
            "the server did not make the undo package of import %s within %g s (undo_timeout)." % (import_id, timeout)
        ) from limit


def save(session: Session, import_id: str, project_id: str | None, path: str, mode: int, force: bool) -> SavedUndo:
    """Download an undo package to path: the whole file or nothing.

    Args:
        session: The session that holds the import process.
        import_id: The import process.
        project_id: The project that it imported into, None at the configuration level.
        path: The file to make.
        mode: Permission bits of the file.
        force: Where path holds other bytes, keep them beside it as a backup and replace them.

    Raises:
        InputError: path holds other bytes, or cannot be written.
        ServerError, ConnectionLost: The server does not give the package, or not all of it.
    """
    tries = session.library.transport.options.retries
    for attempt in range(tries + 1):
        try:
            return _save_once(session, import_id, project_id, path, mode, force)
        except ConnectionLost:
            if attempt == tries:
                raise
            time.sleep(0.2 * 2**attempt)
    raise AssertionError("unreachable")


def would_change(session: Session, import_id: str, project_id: str | None, path: str, force: bool) -> SavedUndo:
    """Return what ``save`` would do, without writing anything: the package is read and hashed on its way.

    Raises:
        InputError: path holds other bytes, and force is false.
        ServerError, ConnectionLost: The server does not give the package.
    """
    _length, parts = session.library.undo_package(import_id, project_id)
    digest, size = _write(parts, None)
    if not os.path.lexists(path):
        return SavedUndo(path, digest, size)
    same = _same(path, digest, size)
    if not same:
        _refuse_other_bytes(path, force)
    return SavedUndo(path, digest, size, changed=not same)


def _save_once(
    session: Session, import_id: str, project_id: str | None, path: str, mode: int, force: bool
) -> SavedUndo:
    length, parts = session.library.undo_package(import_id, project_id)
    backup = None
    try:
        with atomic_file(path, mode) as handle:
            digest, size = _write(parts, handle)
            if length is not None and size != length:
                raise ConnectionLost(
                    "download the undo package: %d bytes came of the %d that the server announced." % (size, length),
                    sent=True,
                )
            if size == 0:
                raise ServerError("download the undo package: the server sent an empty file.", 200)
            if os.path.lexists(path):
                if _same(path, digest, size):
                    raise _AlreadyThere
                backup = _make_room(path, force)
    except _AlreadyThere:
        return SavedUndo(path, digest, size, changed=False)
    except OSError as error:
        raise InputError("the undo package cannot be written to %s: %s." % (path, error.strerror)) from error
    return SavedUndo(path, digest, size, backup=backup)


class _AlreadyThere(Exception):
    """The same bytes are at the destination."""


def _write(parts: Iterator[bytes], handle: BinaryIO | None) -> tuple[str, int]:
    digest = hashlib.sha256()
    size = 0
    for part in parts:
        digest.update(part)
        size += len(part)
        if handle is not None:
            handle.write(part)
    return digest.hexdigest(), size


def _same(path: str, sha256: str, size: int) -> bool:
    if os.path.islink(path) or not os.path.isfile(path) or os.path.getsize(path) != size:
        return False
    return sha256_of(path)[0] == sha256


def _refuse_other_bytes(path: str, force: bool) -> None:
    if os.path.islink(path) or not os.path.isfile(path):
        raise InputError("dest: %s is a link or no regular file; name a file." % path)
    readable_file(path, "dest")
    if not force:
        raise InputError(
            "dest: %s is another file than this undo package, perhaps the only way back from an earlier import; it "
            "is left as it is. Name another file, or say force: true, which keeps it as a backup." % path
        )


def _make_room(path: str, force: bool) -> str:
    _refuse_other_bytes(path, force)
    backup = "%s.%s~" % (path, time.strftime("%Y-%m-%d@%H:%M:%S", time.gmtime()))
    count = 0
    unique = backup
    while os.path.lexists(unique):
        count += 1
        unique = "%s.%d~" % (backup[:-1], count)
    os.link(path, unique)
    return unique
