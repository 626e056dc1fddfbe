# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The double's own ``.mmp`` files.

The real format is not public, and nothing depends on it: to a client the file is bytes. This one has

* 8 bytes of mark, 8 bytes of total length, 8 bytes of content length, 4 bytes of the content's CRC-32 (big endian),
* the content, as JSON: ``{type, settings, content, undo}``, and ``stamp`` where there is one,
* ballast, any length,
* 8 bytes of end mark.

The lengths let a server that has just received 2 GiB see at once whether the file is whole, without reading it all.
Nothing in it depends on time, so the same input gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, BinaryIO, Protocol

MARK = b"MMP\x00DBL1"
END_MARK = b"\x00MMPEND\x00"
HEADER = struct.Struct(">8sQQI")
BALLAST_BLOCK = 1 << 20


class CorruptPackage(Exception):
    """The bytes are not a whole package file."""


class Blob(Protocol):
    """Bytes that can be read from any place."""

    @property
    def length(self) -> int: ...

    @property
    def sha256(self) -> str: ...

    def read(self, offset: int, size: int) -> bytes: ...


class _Hashed:
    """Hashed once: whoever downloads a package again and again does not wait for that."""

    length: int

    def read(self, offset: int, size: int) -> bytes:
        raise NotImplementedError

    @cached_property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for position in range(0, self.length, BALLAST_BLOCK):
            digest.update(self.read(position, BALLAST_BLOCK))
        return digest.hexdigest()


@dataclass
class MemoryBlob(_Hashed):
    """A small blob."""

    data: bytes

    def __post_init__(self) -> None:
        self.length = len(self.data)

    def read(self, offset: int, size: int) -> bytes:
        return self.data[offset : offset + size]


@dataclass
class FileBlob(_Hashed):
    """A part of an open file; it closes with the last reference to it."""

    file: BinaryIO
    start: int
    length: int

    def read(self, offset: int, size: int) -> bytes:
        size = max(0, min(size, self.length - offset))
        return os.pread(self.file.fileno(), size, self.start + offset)


@dataclass
class PackageContent:
    """What a package file says."""

    type: str
    settings: dict[str, Any]
    rows: list[dict[str, Any]] = field(default_factory=list)
    undo: bool = False
    # Makes two files with the same content differ, as those of real servers do.
    stamp: str | None = None


def encode(content: PackageContent) -> bytes:
    """A whole file without ballast."""
    return b"".join(pieces(content, 0))


def pieces(content: PackageContent, padding: int) -> Iterator[bytes]:
    """A file piece by piece, so that one with much ballast never is in memory."""
    document = {"type": content.type, "settings": content.settings, "undo": content.undo, "content": content.rows}
    if content.stamp is not None:
        document["stamp"] = content.stamp
    text = json.dumps(document, sort_keys=True, separators=(",", ":")).encode("utf-8")
    total = HEADER.size + len(text) + padding + len(END_MARK)
    yield HEADER.pack(MARK, total, len(text), zlib.crc32(text))
    yield text
    # Always the same noise: it does not compress, and two files of the same input are equal.
    noise = random.Random(len(text) ^ padding)
    for done in range(0, padding, BALLAST_BLOCK):
        yield noise.randbytes(min(BALLAST_BLOCK, padding - done))
    yield END_MARK


def total_length(start: bytes) -> int | None:
    """The length that the first bytes of a file announce; None when they are not a package's."""
    if len(start) < HEADER.size or not start.startswith(MARK):
        return None
    return int(HEADER.unpack_from(start)[1])


def decode(blob: Blob) -> PackageContent:
    """Read a package.

    :raises CorruptPackage: when it is not whole
    """
    start = blob.read(0, HEADER.size)
    announced = total_length(start)
    if announced is None:
        raise CorruptPackage("The file is not a package file.")
    if announced != blob.length:
        raise CorruptPackage("The package file is not complete.")
    size, checksum = HEADER.unpack(start)[2:]
    text = blob.read(HEADER.size, size)
    if len(text) != size or zlib.crc32(text) != checksum:
        raise CorruptPackage("The package file is damaged.")
    if blob.read(blob.length - len(END_MARK), len(END_MARK)) != END_MARK:
        raise CorruptPackage("The package file is damaged at its end.")
    document = json.loads(text)
    return PackageContent(
        document["type"], document["settings"], document["content"], document["undo"], document.get("stamp")
    )
