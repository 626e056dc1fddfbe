# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A package that is downloaded: whole, and a package; what answers in its place is often a page or an error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from ..errors import ConnectionLost, ServerError
from ..support.files import HEAD, strange_kind
from ..support.hashing import BackgroundHash


def only_packages(parts: Iterator[bytes], like: bytes, step: str) -> Iterator[bytes]:
    """Pass the parts of a download on, unless they begin as no package does: then something else answered.

    Args:
        parts: The parts.
        like: The first bytes of another package of the same server; empty where they are not known.
        step: What is done, for the message.

    Raises:
        ServerError: They do.
    """
    head = b""
    for part in parts:
        if len(head) < HEAD:
            head += part[: HEAD - len(head)]
            if len(head) == HEAD:
                _refuse_strange(head, like, step)
        yield part
    if len(head) < HEAD:
        _refuse_strange(head, like, step)


def _refuse_strange(head: bytes, like: bytes, step: str) -> None:
    kind = strange_kind(head, like)
    if kind is not None:
        raise ServerError("%s: the server, or something before it, sent %s instead of a package." % (step, kind), 200)


def write_parts(parts: Iterator[bytes], handle: BinaryIO | None) -> tuple[str, int]:
    """Write parts to a file, None for nowhere; return their sha256, hexadecimal, and their size in bytes."""
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


def check_length(size: int, announced: int | None, step: str) -> None:
    """Fail where a download is not all that was announced, or is empty.

    Args:
        size: How many bytes came.
        announced: How many the server announced; None where it did not.
        step: What is done, for the message.

    Raises:
        ConnectionLost: Fewer came, or more.
        ServerError: None came.
    """
    if announced is not None and size != announced:
        raise ConnectionLost(
            "%s: %d bytes came of the %d that the server announced." % (step, size, announced), sent=True
        )
    if size == 0:
        raise ServerError("%s: the server sent an empty file." % step, 200)
