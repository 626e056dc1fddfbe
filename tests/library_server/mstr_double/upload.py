# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Receiving a package file: ``PUT /packages/{id}/binary``, a multipart form with a part called ``file``.

Packages may have gigabytes. So the body goes into a temporary file in large pieces as it comes, and only then the part
is looked for; a package file tells its own length, so that as a rule nothing needs to be searched.
"""

from __future__ import annotations

import asyncio
import email.message
import tempfile
from typing import Any, BinaryIO

from aiohttp import web

from mstr_double.errors import ApiError, invalid_input, missing_information
from mstr_double.package_format import HEADER, FileBlob, total_length

WRITE_SIZE = 1 << 20
HEAD_SIZE = 1 << 16
SCAN_SIZE = 1 << 22
# Enough for the content of about 100,000 objects.
KEPT_START = 1 << 25


class Spool:
    """A request body in a temporary file without a name."""

    def __init__(self) -> None:
        # It stays open as long as the package that is in it is held.
        self.file: BinaryIO = tempfile.TemporaryFile(prefix="library-double-")  # noqa: SIM115
        self.size = 0

    async def fill(self, request: web.Request, keep: bool) -> None:
        """Take the whole body in.

        :param keep: False leaves a hole instead of all but the start and the end, where a slow disk would be measured
        """
        held: list[bytes] = []
        parts: list[bytes] = []
        waiting = 0
        async for chunk in request.content.iter_any():
            parts.append(chunk)
            waiting += len(chunk)
            if waiting >= WRITE_SIZE:
                # One block back, so that the end of the body is never among what is left out.
                self._add(held, keep or self.size < KEPT_START)
                held, parts, waiting = parts, [], 0
        self._add(held, True)
        self._add(parts, True)
        self.file.flush()

    def _add(self, parts: list[bytes], keep: bool) -> None:
        if keep:
            self.file.seek(self.size)
            self.file.write(b"".join(parts))
        self.size += sum(len(part) for part in parts)

    def part(self, start: int, length: int) -> FileBlob:
        return FileBlob(self.file, start, length)


def boundary_of(content_type: str | None) -> bytes:
    """The boundary of a multipart form. :raises ApiError: 400 when it is none"""
    message = email.message.Message()
    message["content-type"] = content_type or ""
    boundary = message.get_param("boundary")
    if message.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        raise ApiError(415, "ERR006", "HTTP 415 Unsupported Media Type")
    return boundary.encode("utf-8")


async def find_file(spool: Spool, boundary: bytes) -> FileBlob:
    """The part called ``file``. :raises ApiError: 400 when the body has none or is not whole"""
    return await asyncio.to_thread(_find_file, spool, boundary)


def _find_file(spool: Spool, boundary: bytes) -> FileBlob:
    whole = spool.part(0, spool.size)
    delimiter = b"\r\n--" + boundary
    first = whole.read(0, HEAD_SIZE).find(b"--" + boundary)
    if first < 0:
        raise invalid_input("The body is not a multipart form.")
    position = first + len(boundary) + 2
    while True:
        head = whole.read(position, HEAD_SIZE)
        if head.startswith(b"--"):
            raise missing_information("Required part 'file' is not present.")
        headers_end = head.find(b"\r\n\r\n")
        if headers_end < 0:
            raise invalid_input("The body is not a multipart form.")
        start = position + headers_end + 4
        end = _end_of_part(whole, start, delimiter)
        if _name_of_part(head[:headers_end]) == "file":
            return spool.part(start, end - start)
        position = end + len(delimiter)


def _end_of_part(whole: FileBlob, start: int, delimiter: bytes) -> int:
    announced = total_length(whole.read(start, HEADER.size))
    if announced is not None and whole.read(start + announced, len(delimiter)) == delimiter:
        return start + announced
    # Not a whole package of ours: look for the delimiter in pieces that overlap by its length.
    position = start
    while position < whole.length:
        found = whole.read(position, SCAN_SIZE).find(delimiter)
        if found >= 0:
            return position + found
        position += SCAN_SIZE - len(delimiter)
    raise invalid_input("The multipart form is not complete.")


def _name_of_part(head: bytes) -> Any:
    message = email.message.Message()
    for line in head.split(b"\r\n"):
        name, _colon, value = line.partition(b":")
        if name.strip().lower() == b"content-disposition":
            message["content-disposition"] = value.strip().decode("utf-8", "replace")
    return message.get_param("name", header="content-disposition")
