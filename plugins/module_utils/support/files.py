# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are there whole or not at all, and what kind of file one is by its beginning."""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import io
import os
import tempfile
import threading
from collections.abc import Iterator
from typing import Any, BinaryIO

from ..errors import DiskError, InputError

CHUNK = 1 << 20
# Bytes that may wait before a thread brings them to disk.
_BEHIND = 32 * CHUNK
# Bytes that are written at once. Linux caches a write in blocks as large as itself; where large blocks of memory are
# new to a virtual machine, writes of 1 MiB took up to ten times as long as small ones.
_WRITE = CHUNK // 16
# Bytes at the beginning of a file that tell whether it is text.
HEAD = 512
_TEXT_CONTROLS = frozenset(b"\t\n\f\r\x1b")
# How files begin that gateways and web servers send.
_OTHER_FORMATS = (
    (b"\x1f\x8b", "a gzip file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG\r\n", "an image"),
    (b"GIF8", "an image"),
    (b"\xff\xd8\xff", "an image"),
)


def text_kind(head: bytes) -> str | None:
    """Return what a file is in words, where its first bytes show that it is text; None for anything else.

    A package file is binary. What takes its place by mistake is text: the answer of a gateway, or a pointer of Git LFS
    where the file was not fetched.

    Args:
        head: The first ``HEAD`` bytes, or all where there are fewer.
    """
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(mark):
            head = head[len(mark) :].decode(encoding, "ignore").encode("utf-8")
            break
    beginning = head.lstrip()
    if beginning.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS"
    if beginning.startswith(b"<"):
        return "a web page or XML"
    if beginning[:1] in (b"{", b"[") and _is_text(head):
        return "JSON"
    return "text" if head and _is_text(head) else None


def strange_kind(head: bytes, like: bytes) -> str | None:
    """Return what a download is in words, where its first bytes show that it is no package; None for anything else.

    The format of packages is not published. So what is known as something else is refused, unless the package that was
    uploaded begins in the same way.

    Args:
        head: The first ``HEAD`` bytes, or all where there are fewer.
        like: The first bytes of the package that was uploaded; empty where they are not known.
    """
    known = next(
        (kind for begin, kind in _OTHER_FORMATS if head.startswith(begin) and not like.startswith(begin)), None
    )
    return known or text_kind(head)


def _is_text(head: bytes) -> bool:
    if any(byte < 0x20 and byte not in _TEXT_CONTROLS for byte in head):
        return False
    try:
        # The last character may be cut off.
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        # It may be text in an encoding of single bytes, which is ASCII for the most part.
        return sum(byte < 0x7F for byte in head) * 10 >= len(head) * 7
    return True


@contextlib.contextmanager
def disk_errors(what: str) -> Iterator[None]:
    """Raise ``DiskError`` for an ``OSError``: what could not be done, and why."""
    try:
        yield
    except OSError as error:
        raise DiskError("%s: %s." % (what, error.strerror or error)) from error


@contextlib.contextmanager
def atomic_file(path: str, mode: int = 0o600) -> Iterator[BinaryIO]:
    """Open a temporary file beside path for writing and put it in place of path on success.

    The data is on disk before the name is. On any error the temporary file is removed, and path is as it was.

    Args:
        path: The file to make or replace.
        mode: Permission bits of the file.

    Raises:
        OSError: The directory or the device does not take the file.
    """
    directory = os.path.dirname(os.path.abspath(path))
    descriptor, temporary = tempfile.mkstemp(prefix=".mstr_", dir=directory)
    try:
        raw = _WrittenBehind(descriptor, "wb")
        with io.BufferedWriter(raw) as handle:
            os.fchmod(raw.fileno(), mode)
            yield handle
            handle.flush()
            raw.settle()
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_directory(directory)


class _WrittenBehind(io.FileIO):
    """A file whose bytes are brought to disk by a thread while more of them come.

    What a large file takes to get there is then not added to what it takes to come. A small one starts no thread.
    """

    _unsynced = 0
    _thread: threading.Thread | None = None
    _error: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write some of it; where much is not on disk yet, have a thread bring it there."""
        count = super().write(memoryview(data)[:_WRITE])
        self._unsynced += count
        if self._unsynced >= _BEHIND and not (self._thread and self._thread.is_alive()):
            self._unsynced = 0
            self._thread = threading.Thread(target=self._bring_to_disk, daemon=True)
            self._thread.start()
        return count

    def _bring_to_disk(self) -> None:
        try:
            os.fsync(self.fileno())
        except OSError as error:
            # The system tells it once: the next fsync may say that all is well.
            self._error = self._error or error

    def settle(self) -> None:
        """Return when all is on disk, raise OSError where not all of it got there."""
        self._wait()
        os.fsync(self.fileno())
        if self._error is not None:
            raise self._error

    def _wait(self) -> None:
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        """Close the file, not under the thread's hands."""
        self._wait()
        super().close()


def sync_directory(directory: str) -> None:
    """Make a rename in directory survive a power cut, where the file system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_file(path: str, data: bytes, mode: int = 0o600) -> None:
    """Write data to path as ``atomic_file`` does."""
    with atomic_file(path, mode) as handle:
        handle.write(data)


def directory_mode(mode: int) -> int:
    """Return the permission bits of a directory of files that have this mode: who may read a file may enter."""
    return mode | 0o100 | ((mode & 0o444) >> 2)


def make_directory(path: str, mode: int = 0o700) -> None:
    """Make a directory and its missing parents, each with exactly the given permission bits.

    Directories that exist are left as they are.

    Raises:
        OSError: A directory cannot be made, or a file of that name is in the way.
    """
    missing = []
    current = os.path.abspath(path)
    while not os.path.isdir(current):
        missing.append(current)
        current = os.path.dirname(current)
    for directory in reversed(missing):
        try:
            os.mkdir(directory, mode)
        except FileExistsError:
            # Another run made it in the meantime; a file in the way is still an error.
            if not os.path.isdir(directory):
                raise
            continue
        os.chmod(directory, mode)


def sha256_of(path: str) -> tuple[str, int]:
    """Return the sha256 (hex) and the size in bytes of a file.

    Raises:
        OSError: The file cannot be read.
    """
    digest = hashlib.sha256()
    size = 0
    # One buffer for all parts: memory that is new each time costs more than hashing it.
    view = memoryview(bytearray(CHUNK))
    with open(path, "rb", buffering=0) as handle:
        while count := handle.readinto(view):
            digest.update(view[:count])
            size += count
    return digest.hexdigest(), size


def readable_file(path: str, option: str) -> None:
    """Check that path is a regular file that can be read.

    Raises:
        InputError: It is not; the message names the option.
    """
    if not os.path.exists(path):
        raise InputError("%s: there is no file %s on the host where the module runs." % (option, path))
    if not os.path.isfile(path):
        raise InputError("%s: %s is not a regular file." % (option, path))
    if not os.access(path, os.R_OK):
        raise InputError("%s: %s cannot be read; check its permissions." % (option, path))
