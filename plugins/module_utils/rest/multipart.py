# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file as the body of a multipart request, read as it is sent and hashed on the way."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from typing import Callable

from ..errors import InputError
from ..support.files import CHUNK
from ..support.hashing import BackgroundHash

# The part's file name. The server stores nothing under it, so the local name, which might hold anything, stays here.
_FILE_NAME = "package.mmp"


class MultipartFile:
    """One file as ``multipart/form-data`` with the part name ``file``, raw bytes, of a length known beforehand.

    ``files=`` of requests would read the whole file into memory. It has a length and is iterated over, and has no
    ``read``: of an object with that, http.client asks for a few KiB at a time.

    Args:
        path: The file to send.
        moved: Called before each part of the file and after the last, with the share that was sent, from 0 to 1.

    Raises:
        OSError: The file cannot be opened.
        InputError: While it is read: the file became shorter.
    """

    def __init__(self, path: str, moved: Callable[[float], None] | None = None) -> None:
        self._moved = moved
        boundary = uuid.uuid4().hex
        self.content_type = "multipart/form-data; boundary=%s" % boundary
        head = (
            '--%s\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n" % (boundary, _FILE_NAME)
        )
        self._head = head.encode("ascii")
        self._tail = ("\r\n--%s--\r\n" % boundary).encode("ascii")
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by __exit__
        self._size = os.fstat(self._file.fileno()).st_size
        self._digest = BackgroundHash()
        self._left = self._size

    def rewind(self) -> None:
        """Begin anew, for a request that is sent again."""
        self._digest.close()
        self._file.seek(0)
        self._left = self._size
        self._digest = BackgroundHash()

    def __enter__(self) -> MultipartFile:
        return self

    def __exit__(self, *_details: object) -> None:
        self._digest.close()
        self._file.close()

    def __len__(self) -> int:
        return len(self._head) + self._size + len(self._tail)

    @property
    def sha256(self) -> str:
        """The sha256 of what was read of the file so far, hexadecimal."""
        return self._digest.hexdigest()

    @property
    def is_sent(self) -> bool:
        """Whether all of the file was read."""
        return not self._left

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        while self._left:
            self._tell()
            part = self._file.read(min(self._left, CHUNK))
            if not part:
                raise InputError("src: the file became shorter while it was sent; nothing of it was imported.")
            self._left -= len(part)
            self._digest.update(part)
            yield part
        self._tell()
        yield self._tail

    def _tell(self) -> None:
        if self._moved is not None:
            self._moved(1 - self._left / self._size if self._size else 1.0)
