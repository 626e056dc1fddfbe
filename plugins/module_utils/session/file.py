# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The session file: how one task hands a session, and what is in it, to the next.

The file holds the session's token, so it is private: mode 0600, refused when it is anybody else's or when others
can read it. It never holds a password or an API token.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
import tempfile
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from ..errors import DiskError, InputError, LockError
from ..support import shape
from ..support.files import atomic_file, disk_errors, make_directory
from ..support.shape import ShapeError
from .job import Job

_FORMAT = 1

# What a run keeps beside its session file, by the ending: its plan, and what that has looked up.
PLAN = ".plan"
SEEN = ".seen"


@dataclass
class PackageInSession:
    """The package that a session holds.

    Attributes:
        id: Its id in the session.
        project_id: The project it was made with, None at the configuration level.
        sha256: The sha256 of the file it was uploaded from.
        size: That file's size in bytes.
        file: That file's name, without a directory.
        type: project, project_security or configuration.
        head: The file's first bytes, hexadecimal; empty where they are not known.
        built: For one that was built in the session, a digest of what it was built from; empty else.
    """

    id: str
    project_id: str | None
    sha256: str
    size: int
    file: str
    type: str
    head: str = ""
    built: str = ""


@dataclass
class ImportProcess:
    """The import process that a session holds.

    Attributes:
        id: Its id in the session. Empty from before the import is asked for until the server has answered: a run that
            dies in between leaves a trace of it.
        project_id: The project it imports into, None at the configuration level.
        finished: Whether it has ended, well or not.
        undo_pending: Whether it makes an undo package that is not on disk yet.
        generate_undo: Whether the server makes an undo package.
        undo_dest: Where that is to go besides the history, or None.
        plan: What the plan predicted, as a task returns it.
        before: The versions from before the import, by ``<id>:<type>``, of the objects that could be looked up.
        entry: The directory of its history entry; None where it has none.
        takes_back: The directory of the entry that this import takes back; None where it takes none back.
        hold: Whether what is taken back is to stay so.
        followed: Whether a task sees it to its end. While it does, the end of that task is the end of a run that was
            stopped or died, and what the import still needs is for the next run to do.
    """

    id: str
    project_id: str | None
    finished: bool = False
    undo_pending: bool = False
    generate_undo: bool = True
    undo_dest: str | None = None
    takes_back: str | None = None
    hold: bool = True
    followed: bool = False
    plan: dict[str, Any] = field(default_factory=dict)
    before: dict[str, str | None] = field(default_factory=dict)
    entry: str | None = None

    @property
    def is_done(self) -> bool:
        """Whether it has ended, and what it leaves is on disk."""
        return self.finished and not self.undo_pending


@dataclass
class SessionFile:
    """What a session file holds.

    Attributes:
        base_url: Where the session is.
        environment: The environment's name.
        user: Who logged in; None for anonymous and token log-ins.
        token: The session's token.
        cookies: The session's cookies.
        server: ``web_version`` and ``iserver_version``.
        tls: ``validate_certs``, ``ca_path``, ``client_cert`` and ``client_key`` that it was made with.
        own_directory: Whether the file's directory was made for it alone.
        package: The package that the session holds, or None.
        import_process: The import process that it holds, or None.
        projects: The ids of the projects that were asked for so far, by the name or id asked for.
        lock: The lock file of the environment that the run holds, None where it has none.
        lock_token: What that file says for this run.
        lease_timeout: Seconds after which the run counts as dead, if it gave no sign of life.
        run: The id of the run, which its receipts have; None for a session that works with no history.
        job: The job that the run is; None in files of earlier versions.
        metadata: What tells the metadata behind the server from others; empty where the server does not say, None where
            it was not asked yet.
    """

    base_url: str
    environment: str
    user: str | None
    token: str
    cookies: list[dict[str, Any]]
    server: dict[str, str | None]
    tls: dict[str, Any]
    own_directory: bool = False
    package: PackageInSession | None = None
    import_process: ImportProcess | None = None
    projects: dict[str, str] = field(default_factory=dict)
    lock: str | None = None
    lock_token: str | None = None
    lease_timeout: float = 60.0
    run: str | None = None
    job: Job | None = None
    metadata: str | None = None


def new_path(parent: str | None = None) -> str:
    """Return a path for a session file in a new directory that only this user can enter.

    Args:
        parent: Where to make the directory; None for where temporary files go.

    Raises:
        DiskError: It cannot be made.
    """
    with disk_errors("session_dir: no directory can be made in %s" % parent):
        if parent is not None:
            make_directory(parent, 0o700)
        return os.path.join(tempfile.mkdtemp(prefix="mstr_session_", dir=parent), "session.json")


def beside(path: str, ending: str) -> str:
    """Return the path of what a run keeps beside its session file, with this ending; it goes with that file."""
    return os.path.splitext(path)[0] + ending


def exists(path: str) -> bool:
    """Return whether there is something at path, be it a broken link."""
    return os.path.lexists(path)


def check_place(path: str) -> None:
    """Check, before a log-in, that a session file at path would stay this user's alone.

    Some shares show every file with the same owner and mode, whatever is asked for.

    Raises:
        InputError: It would not.
        DiskError: Nothing can be written there.
    """
    directory = os.path.dirname(os.path.abspath(path))
    with disk_errors("session_file: %s cannot be written to" % directory):
        make_directory(directory, 0o700)
        descriptor, probe = tempfile.mkstemp(prefix=".mstr_", dir=directory)
    try:
        os.fchmod(descriptor, 0o600)
        _refuse_unless_private(probe, os.fstat(descriptor))
    except (InputError, OSError) as error:
        raise InputError(
            "session_file: a file in %s does not stay private to its user, as on some shares: %s Nothing was sent. "
            "Name a place on a disk of this machine: session_dir (mstr_session_dir of the role), or session_file of "
            "mstr_session." % (directory, getattr(error, "message", None) or "%s." % getattr(error, "strerror", error))
        ) from error
    finally:
        os.close(descriptor)
        with contextlib.suppress(OSError):
            os.unlink(probe)


def write(path: str, session: SessionFile) -> int:
    """Write the file, whole or not at all, mode 0600; missing directories are made with mode 0700.

    Returns:
        A descriptor of the new file, locked as by ``claim``.

    Raises:
        DiskError: It cannot be written there.
    """
    document = dict(asdict(session), format=_FORMAT)
    claimed = -1
    try:
        make_directory(os.path.dirname(os.path.abspath(path)), 0o700)
        with atomic_file(path, 0o600) as handle:
            handle.write(json.dumps(document).encode("utf-8"))
            claimed = os.dup(handle.fileno())
            _lock(claimed)
    except BaseException as error:
        if claimed >= 0:
            os.close(claimed)
        if isinstance(error, OSError):
            raise DiskError("session_file: %s cannot be written: %s." % (path, error.strerror)) from error
        raise
    return claimed


def claim(path: str, wait: float) -> int:
    """Keep other tasks from using a session file until the descriptor that is returned is closed.

    A session holds one package and one import process: two tasks that use it at once would each undo what the other
    noted in the file.

    Args:
        path: The file; that it is a proper one shows when it is read.
        wait: Seconds to wait for another task; short, since none should be there.

    Raises:
        MigrationError: The file cannot be opened.
        LockError: Another task uses it.
    """
    deadline = time.monotonic() + wait
    while True:
        descriptor = _open(path, os.O_RDWR)
        try:
            # The other task may have replaced the file before it let go of it.
            if _lock(descriptor) and os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if time.monotonic() >= deadline:
            raise LockError(
                "session_file: another task uses %s at this moment. Let one task after the other use a session, or "
                "give each a session of its own." % path
            )
        time.sleep(0.05)


def _lock(descriptor: int) -> bool:
    """Lock a file, and return whether it worked; a file system without locks lets everybody through."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True


def _open(path: str, flags: int) -> int:
    with disk_errors("session_file: %s cannot be opened" % path):
        try:
            return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError as error:
            raise InputError(
                "session_file: there is no file %s. Log in first: mstr_session state present." % path
            ) from error


def read(path: str, private: bool = True) -> SessionFile:
    """Return what the file holds.

    Args:
        path: The file.
        private: Whether it must be this user's alone.

    Raises:
        InputError: It is not there, is not this user's alone, or is no session file.
    """
    descriptor = _open(path, os.O_RDONLY)
    try:
        # Before a file object is made of it, which a directory cannot become.
        _refuse_unless_private(path, os.fstat(descriptor), private)
    except BaseException:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "rb") as handle:
        raw = handle.read()
    try:
        return _parse(json.loads(raw.decode("utf-8")))
    except (ValueError, RecursionError) as error:
        raise InputError(
            "session_file: %s is no session file of this version. Remove it and log in again: mstr_session state "
            "present." % path
        ) from error


def _refuse_unless_private(path: str, status: os.stat_result, private: bool = True) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise InputError("session_file: %s is not a regular file." % path)
    if not private:
        return
    if status.st_uid != os.geteuid():
        raise InputError(
            "session_file: %s belongs to user %d, not to the user that runs the module (%d); it is not used."
            % (path, status.st_uid, os.geteuid())
        )
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise InputError(
            "session_file: others can use %s (mode %04o); it is not used. Make it with mstr_session, which gives it "
            "mode 0600." % (path, stat.S_IMODE(status.st_mode))
        )


def _parse(document: Any) -> SessionFile:
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise ShapeError("unknown format")
    session = shape.build(
        SessionFile, document, "session", package=PackageInSession, import_process=ImportProcess, job=Job
    )
    if not session.base_url or not session.environment or not session.token:
        raise ShapeError("empty")
    for cookie in session.cookies:
        if not isinstance(cookie, dict) or set(cookie) != {"name", "value", "domain", "path", "secure"}:
            raise ShapeError("cookies")
    return session


def remove(path: str, own_directory: bool) -> bool:
    """Remove the file with what is beside it, and its directory where that was made for it alone.

    Returns:
        Whether it was there.
    """
    for ending in (PLAN, SEEN):
        with contextlib.suppress(OSError):
            os.unlink(beside(path, ending))
    with disk_errors("session_file: %s cannot be removed" % path):
        try:
            os.unlink(path)
        except FileNotFoundError:
            return False
    if own_directory:
        remove_directory(path)
    return True


def remove_directory(path: str) -> None:
    """Remove the directory of a session file that is not there, if nothing else is in it."""
    with contextlib.suppress(OSError):
        os.rmdir(os.path.dirname(path))
