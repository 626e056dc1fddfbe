# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The undo package: wait until the server has made it, and bring it whole onto the disk."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ..errors import ConnectionLost, InputError, MigrationError, ServerError
from ..rest.models import ImportInfo
from ..session.session import Session
from ..support.files import CHUNK, HEAD, atomic_file, make_directory, readable_file, sha256_of, strange_kind
from ..support.hashing import BackgroundHash
from ..support.wait import TimeIsUp, wait_for

# After so many refusals, one after the other, a server is taken at its word. A single one may be that of a proxy.
_REFUSED_IN_A_ROW = 5


class UndoUnavailable(MigrationError):
    """The server gives no undo package; the import itself has ended.

    Args:
        created: False where the server never said that there is one.
    """

    def __init__(self, message: str, created: bool = True) -> None:
        super().__init__(message)
        self.created = created


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
        raise _not_created(import_id, timeout) from limit


def obtain(
    session: Session,
    import_id: str,
    project_id: str | None,
    path: str,
    mode: int,
    force: bool,
    timeout: float,
    created: bool = False,
) -> SavedUndo:
    """Wait until there is an undo package, and download it to path: the whole file or nothing.

    What breaks on the way is tried again until the time is up: the import cannot be taken back without the file.

    Args:
        session: The session that holds the import process.
        import_id: The import process.
        project_id: The project that it imported into, None at the configuration level.
        path: The file to make.
        mode: Permission bits of the file.
        force: Where path holds other bytes, keep them beside it as a backup and replace them.
        timeout: Seconds until the package must be there.
        created: Whether the server has said already that there is one. After a download that broke it is asked again.

    Raises:
        InputError: path holds other bytes, or cannot be written.
        UndoUnavailable: It is not to be had in that time.
    """
    broken: list[MigrationError] = []

    def look() -> SavedUndo | None:
        try:
            if (created and not broken) or session.library.import_process(import_id, project_id).undo_package_created:
                return _save_once(session, import_id, project_id, path, mode, force)
        except (ConnectionLost, ServerError) as error:
            broken.append(error)
            refused = [item for item in broken[-_REFUSED_IN_A_ROW:] if isinstance(item, ServerError)]
            denied = [item for item in refused if item.status == 403]
            if len(denied) == _REFUSED_IN_A_ROW or (isinstance(error, ServerError) and error.status == 401):
                raise
        return None

    try:
        saved = wait_for(look, lambda seen: seen is not None, timeout)
    except TimeIsUp as limit:
        if broken:
            raise UndoUnavailable(
                "%s The undo package of import %s could not be fetched within %g s (undo_timeout)."
                % (broken[-1].message, import_id, timeout)
            ) from limit
        raise _not_created(import_id, timeout) from limit
    if saved is None:
        raise AssertionError("waiting ended without an undo package")
    return saved


def _not_created(import_id: str, timeout: float) -> UndoUnavailable:
    return UndoUnavailable(
        "the server did not make the undo package of import %s within %g s (undo_timeout)." % (import_id, timeout),
        created=False,
    )


def keep_copy(saved: SavedUndo, path: str, mode: int, force: bool) -> SavedUndo:
    """Copy an undo package that is on disk to another path: the whole file or nothing.

    Raises:
        InputError: path holds other bytes, or cannot be written.
    """
    with open(saved.path, "rb") as source:
        return _place(iter(lambda: source.read(CHUNK), b""), path, mode, force, None)


def would_change(session: Session, import_id: str, project_id: str | None, path: str, force: bool) -> SavedUndo:
    """Return what ``save`` would do, without writing anything: the package is read and hashed on its way.

    Raises:
        InputError: path holds other bytes, and force is false.
        ServerError, ConnectionLost: The server does not give the package.
    """
    _length, parts = session.library.undo_package(import_id, project_id)
    digest, size = _write(_only_packages(parts, _head_of_uploaded(session)), None)
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
    return _place(_only_packages(parts, _head_of_uploaded(session)), path, mode, force, length)


def _head_of_uploaded(session: Session) -> bytes:
    return bytes.fromhex(session.package.head) if session.package is not None else b""


def _place(parts: Iterator[bytes], path: str, mode: int, force: bool, length: int | None) -> SavedUndo:
    """Write the parts of an undo package to path, if all of them come."""
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


def _only_packages(parts: Iterator[bytes], like: bytes) -> Iterator[bytes]:
    """Pass the parts of a download on, unless they begin as no package does: then something else answered.

    Args:
        parts: The parts.
        like: The first bytes of the package that was uploaded; empty where they are not known.

    Raises:
        ServerError: They do.
    """
    head = b""
    for part in parts:
        if len(head) < HEAD:
            head += part[: HEAD - len(head)]
            if len(head) == HEAD:
                _refuse_strange(head, like)
        yield part
    if len(head) < HEAD:
        _refuse_strange(head, like)


def _refuse_strange(head: bytes, like: bytes) -> None:
    kind = strange_kind(head, like)
    if kind is not None:
        raise ServerError(
            "download the undo package: the server, or something before it, sent %s instead of a package." % kind, 200
        )


class _AlreadyThere(Exception):
    """The same bytes are at the destination."""


def _write(parts: Iterator[bytes], handle: BinaryIO | None) -> tuple[str, int]:
    digest = BackgroundHash()
    size = 0
    try:
        for part in parts:
            digest.update(part)
            size += len(part)
            if handle is not None:
                handle.write(part)
        return digest.hexdigest(), size
    finally:
        digest.close()


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
    backup = "%s.%s~" % (path, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
    count = 0
    unique = backup
    while os.path.lexists(unique):
        count += 1
        unique = "%s.%d~" % (backup[:-1], count)
    try:
        os.link(path, unique)
    except OSError:
        # A file system without hard links.
        with open(path, "rb") as source, atomic_file(unique, 0o600) as copy:
            shutil.copyfileobj(source, copy, CHUNK)
    return unique
