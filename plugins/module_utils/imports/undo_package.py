# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The undo package: wait until the server has made it, and bring it whole onto the disk and into the receipt."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..errors import ConnectionLost, DiskError, InputError, MigrationError, ServerError
from ..package.download import check_length, only_packages, write_parts
from ..rest.models import ImportInfo
from ..session.file import ImportProcess
from ..session.session import Session
from ..support.files import (
    CHUNK,
    atomic_file,
    disk_errors,
    make_directory,
    readable_file,
    sha256_of,
)
from ..support.progress import UNDO_PACKAGE
from ..support.wait import TimeIsUp, wait_for
from .messages import sentence
from .outcome import ImportRun, Outcome, SavedUndo

_STEP = "download the undo package"
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
class Place:
    """Where an undo package is to go.

    Attributes:
        path: The file to make.
        mode: Permission bits of the file.
        force: Where path holds other bytes, keep them beside it as a backup and replace them.
    """

    path: str
    mode: int = 0o600
    force: bool = False


def check_destination(path: str, option: str, make: bool) -> None:
    """Check, before anything is imported, that an undo package can be written to path.

    Args:
        path: The file to be.
        option: The option that names it, for the message.
        make: Whether to make the directories that are missing.

    Raises:
        InputError: It cannot; the message names the option.
        DiskError: Its directory cannot be made.
    """
    if os.path.islink(path) or (os.path.exists(path) and not os.path.isfile(path)):
        raise InputError("%s: %s is a link or no regular file; name a file." % (option, path))
    directory = os.path.dirname(os.path.abspath(path))
    if not make and not os.path.exists(directory):
        return
    with disk_errors("%s: the directory %s cannot be made" % (option, directory)):
        make_directory(directory, 0o700)
    if not os.access(directory, os.W_OK | os.X_OK):
        raise InputError("%s: the directory %s cannot be written to; check its permissions." % (option, directory))


def wait_until_created(session: Session, process: ImportProcess, timeout: float) -> ImportInfo:
    """Wait until the server says that the undo package can be had.

    It can come some time after the import has ended (the vendor's own client polls for it separately).

    Raises:
        UndoUnavailable: It does not come within timeout seconds.
    """

    session.progress.phase(UNDO_PACKAGE)
    try:
        return wait_for(lambda: _ask(session, process), lambda seen: seen.undo_package_created, timeout)
    except TimeIsUp as limit:
        raise _not_created(process.id, timeout) from limit


def _ask(session: Session, process: ImportProcess) -> ImportInfo:
    return session.library.import_process(process.id, process.project_id)


def _obtain(session: Session, process: ImportProcess, place: Place, timeout: float, created: bool) -> SavedUndo:
    """Wait until there is an undo package, and download it: the whole file or nothing.

    What breaks on the way is tried again until the time is up: the import cannot be taken back without the file.

    Args:
        session: The session.
        process: The import process.
        place: Where it goes.
        timeout: Seconds until the package must be there.
        created: Whether the server has said already that there is one. After a download that broke it is asked again.

    Raises:
        InputError: The place holds other bytes, or cannot be written.
        UndoUnavailable: It is not to be had in that time.
    """
    broken: list[MigrationError] = []

    def look() -> SavedUndo | None:
        try:
            if (created and not broken) or _ask(session, process).undo_package_created:
                length, parts = _download(session, process)
                return _place(parts, place, length)
        except (ConnectionLost, ServerError) as error:
            broken.append(error)
            refused = [item for item in broken[-_REFUSED_IN_A_ROW:] if isinstance(item, ServerError)]
            denied = [item for item in refused if item.status == 403]
            if len(denied) == _REFUSED_IN_A_ROW or (isinstance(error, ServerError) and error.status == 401):
                raise
        return None

    session.progress.phase(UNDO_PACKAGE)
    try:
        saved = wait_for(look, lambda seen: seen is not None, timeout)
    except TimeIsUp as limit:
        if broken:
            raise UndoUnavailable(
                "%s The undo package of import %s could not be fetched within %g s (undo_timeout)."
                % (broken[-1].message, process.id, timeout)
            ) from limit
        raise _not_created(process.id, timeout) from limit
    if saved is None:
        raise AssertionError("waiting ended without an undo package")
    return saved


def _not_created(import_id: str, timeout: float) -> UndoUnavailable:
    return UndoUnavailable(
        "the server did not make the undo package of import %s within %g s (undo_timeout)." % (import_id, timeout),
        created=False,
    )


def keep(
    session: Session,
    process: ImportProcess,
    places: Sequence[Place],
    outcome: Outcome,
    timeout: float,
    everywhere: bool = False,
) -> SavedUndo:
    """Bring an undo package onto the disk, and note it in the receipt and the session file.

    It is downloaded once. After an import, a place that cannot be written must not keep it from the others: that is a
    problem of the outcome, unless it is on no disk then.

    Args:
        session: The session.
        process: The import process.
        places: Where the package is to go, at least one.
        outcome: What the import came to; completed here.
        timeout: Seconds until the server must have made the package.
        everywhere: Whether it counts as kept only where all can be written; else the task may be run again.

    Raises:
        UndoUnavailable: It does not come.
        MigrationError: It cannot be read, or cannot be written anywhere, or not everywhere.
    """
    for place in places:
        try:
            _put(session, process, place, outcome, timeout)
        except (InputError, DiskError) as error:
            outcome.problems.append(error.message)
            if everywhere or (place is places[-1] and outcome.undo is None):
                error.message = " ".join(outcome.problems)
                raise
    saved = outcome.undo
    if saved is None:
        raise AssertionError("there is no place for the undo package")
    if outcome.info is not None:
        outcome.info = replace(outcome.info, undo_package_created=True)
    # The receipt first: a run that dies in between leaves a session of which the next one fetches it again.
    outcome.record(undo={"sha256": saved.sha256, "size": saved.size})
    if everywhere and outcome.problems:
        raise DiskError(" ".join(outcome.problems))
    process.undo_pending = False
    outcome.note(session.save)
    return saved


def _put(session: Session, process: ImportProcess, place: Place, outcome: Outcome, timeout: float) -> None:
    """Download the undo package to a place, or copy it there where it was downloaded before."""
    if outcome.undo is None:
        # The look that saw the import end often sees this as well.
        created = outcome.info is not None and outcome.info.undo_package_created
        outcome.undo = _obtain(session, process, place, timeout, created)
    else:
        with open(outcome.undo.path, "rb") as source:
            _place(iter(lambda: source.read(CHUNK), b""), place, None)


def keep_of(run: ImportRun) -> None:
    """Keep the undo package of an import that has ended well, where it makes one.

    Raises:
        MigrationError: It cannot be had or kept, and is required.
    """
    if not run.process.undo_pending:
        return
    try:
        fetch(run)
    except UndoUnavailable as error:
        if not error.created:
            run.expect_no_undo()
        if run.options.undo_required:
            raise
        # Given up: the next run need not try.
        run.process.followed = False
        run.save()
        run.warnings.append("%s The import is done and cannot be undone." % sentence(error.message))


def fetch(run: ImportRun) -> None:
    """Put the undo package wherever it is to go; where that is nowhere, only see whether the server makes it.

    Raises:
        UndoUnavailable: It does not come.
        MigrationError: It cannot be read or written.
    """
    session, options, outcome = run.session, run.options, run.outcome
    places = [Place(outcome.entry.undo_path, outcome.entry.mode)] if outcome.entry else []
    if options.undo_dest:
        places.append(Place(options.undo_dest, force=options.force))
    if places:
        keep(session, run.process, places, outcome, options.undo_timeout)
    elif outcome.info is None or not outcome.info.undo_package_created:
        outcome.info = wait_until_created(session, run.process, options.undo_timeout)


def would_change(session: Session, process: ImportProcess, place: Place) -> SavedUndo:
    """Return what ``keep`` would do, without writing anything: the package is read and hashed on its way.

    Raises:
        InputError: The place holds other bytes, and force is false.
        ServerError, ConnectionLost: The server does not give the package.
    """
    digest, size = write_parts(_download(session, process)[1], None)
    path = place.path
    if not os.path.lexists(path):
        return SavedUndo(path, digest, size)
    same = _same(path, digest, size)
    if not same:
        _refuse_other_bytes(path, place.force)
    return SavedUndo(path, digest, size, changed=not same)


def _download(session: Session, process: ImportProcess) -> tuple[int | None, Iterator[bytes]]:
    """Return an undo package: its length in bytes, None where the server gives none, and its parts."""
    length, parts = session.library.undo_package(process.id, process.project_id)
    head = bytes.fromhex(session.package.head) if session.package is not None else b""
    return length, only_packages(parts, head, _STEP)


def _place(parts: Iterator[bytes], place: Place, length: int | None) -> SavedUndo:
    """Write the parts of an undo package to its place, if all of them come."""
    backup, path = None, place.path
    try:
        with atomic_file(path, place.mode) as handle:
            digest, size = write_parts(parts, handle)
            check_length(size, length, _STEP)
            if os.path.lexists(path):
                if _same(path, digest, size):
                    raise _AlreadyThere
                backup = _make_room(path, place.force)
    except _AlreadyThere:
        return SavedUndo(path, digest, size, changed=False)
    except OSError as error:
        raise DiskError("the undo package cannot be written to %s: %s." % (path, error.strerror)) from error
    return SavedUndo(path, digest, size, backup=backup)


class _AlreadyThere(Exception):
    """The same bytes are at the destination."""


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
