# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

from .errors import InputError

CHUNK = 1 << 20


@contextlib.contextmanager
def atomic_file(path: str, mode: int = 0o600) -> Iterator[BinaryIO]:
    """Open a temporary file beside path for writing and put it in place of path on success.

    The data is on disk before the name is; on any error the temporary file is removed and
    path is as it was.

    Args:
        path: The file to make or replace.
        mode: Permission bits of the file.

    Raises:
        OSError: The directory or the device does not take the file.
    """
    directory = os.path.dirname(os.path.abspath(path))
    descriptor, temporary = tempfile.mkstemp(prefix=".mstr_", dir=directory)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            os.fchmod(handle.fileno(), mode)
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_directory(directory)


def sync_directory(directory: str) -> None:
    """Make a rename in directory survive a power cut, where the file system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_file(path: str, data: bytes, mode: int = 0o600) -> None:
    """Write data to path, whole or not at all.

    Raises:
        OSError: The directory or the device does not take the file.
    """
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
    with open(path, "rb", buffering=0) as handle:
        buffer = bytearray(CHUNK)
        view = memoryview(buffer)
        while True:
            count = handle.readinto(buffer)
            if not count:
                return digest.hexdigest(), size
            digest.update(view[:count])
            size += count


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
