# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The encodings in which something between server and client may wrap an answer (RFC 9110, 8.4.1)."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

# The largest uncompressed meta-block of Brotli whose length fits in four nibbles.
BROTLI_BLOCK = 1 << 16


def _gzip(data: bytes) -> bytes:
    # Without a time in it: the same answer gives the same bytes.
    return gzip.compress(data, mtime=0)


def _brotli(data: bytes) -> bytes:
    """Wrap data as a Brotli stream that does not compress (RFC 7932, 9.2): Python has no compressor for it."""
    out = _BitWriter()
    # WBITS 16.
    out.write(0, 1)
    for position in range(0, len(data), BROTLI_BLOCK):
        block = data[position : position + BROTLI_BLOCK]
        # ISLAST 0; MNIBBLES 0, which means four; MLEN - 1; ISUNCOMPRESSED 1.
        out.write(0, 1)
        out.write(0, 2)
        out.write(len(block) - 1, 16)
        out.write(1, 1)
        out.write_bytes(block)
    # ISLAST 1, ISLASTEMPTY 1.
    out.write(0b11, 2)
    return out.whole()


class _BitWriter:
    """Bits in Brotli's order: the lowest one of a byte comes first."""

    def __init__(self) -> None:
        self._done = bytearray()
        self._bits = 0
        self._count = 0

    def write(self, value: int, count: int) -> None:
        self._bits |= value << self._count
        self._count += count
        while self._count >= 8:
            self._done.append(self._bits & 0xFF)
            self._bits >>= 8
            self._count -= 8

    def write_bytes(self, data: bytes) -> None:
        """Append whole bytes, after zeros up to the next of them."""
        if self._count:
            self.write(0, 8 - self._count)
        self._done += data

    def whole(self) -> bytes:
        self.write_bytes(b"")
        return bytes(self._done)


# By the word of the header Content-Encoding. That called deflate is zlib's format.
ENCODERS: dict[str, Callable[[bytes], bytes]] = {"gzip": _gzip, "deflate": zlib.compress, "br": _brotli}
