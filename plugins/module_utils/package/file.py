# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A package file on the disk, and what is known of it before anything is sent."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from ..errors import InputError
from ..support.files import HEAD, readable_file, sha256_of, text_kind
from ..support.text import printable
from . import manifest as manifests
from .content import Content

_CHECKSUM = re.compile(r"sha256:([0-9a-fA-F]{64})\Z")


@dataclass
class PackageFile:
    """A package file and what is known of it before anything is sent.

    Attributes:
        path: Where it is.
        size: Its size in bytes.
        sha256: Its sha256; None while nothing needed it.
        manifest: The manifest beside it, where that is this file's.
    """

    path: str
    size: int
    sha256: str | None = None
    manifest: Content | None = None

    def hash(self) -> str:
        """Return the file's sha256, reading the file where that is not known yet."""
        if self.sha256 is None:
            self.sha256, self.size = sha256_of(self.path)
        return self.sha256


def examine(path: str, checksum: str | None, warnings: list[str]) -> PackageFile:
    """Check a package file and read the manifest beside it.

    Args:
        path: The file.
        checksum: ``sha256:<hex>`` that the file must have, or None.
        warnings: Gets a sentence where the manifest is another file's.

    Raises:
        InputError: The file is missing, empty, not the one that checksum names, or its manifest is unreadable.
    """
    readable_file(path, "src")
    package = PackageFile(path, os.path.getsize(path))
    if package.size == 0:
        raise InputError("src: %s is empty." % path)
    refuse_text(path)
    wanted = parse_checksum(checksum)
    if wanted is not None and package.hash() != wanted:
        raise InputError(
            "checksum: %s has sha256:%s, not %s. It is another file; nothing was sent." % (path, package.hash(), wanted)
        )
    found = manifests.read(manifests.path_for(path))
    if found is not None:
        if found.sha256 == package.hash():
            package.manifest = found
        else:
            warnings.append(
                "%s is of another file than %s (its sha256 differs) and is ignored." % (manifests.path_for(path), path)
            )
    return package


def refuse_text(path: str) -> None:
    """Fail for a file that is text, before anything is sent.

    Raises:
        InputError: It is.
    """
    with open(path, "rb") as handle:
        kind = text_kind(handle.read(HEAD))
    if kind is None:
        return
    advice = "Fetch the file itself (git lfs pull)." if "LFS" in kind else "Name the package file itself."
    raise InputError("src: %s is no package file, but %s; nothing was sent. %s" % (path, kind, advice))


def parse_checksum(checksum: str | None) -> str | None:
    """Return the hexadecimal digits of ``sha256:<hex>``, in lower case; None for none.

    Raises:
        InputError: It is something else.
    """
    if not checksum:
        return None
    match = _CHECKSUM.match(checksum)
    if not match:
        raise InputError("checksum: %s is not sha256: followed by 64 hexadecimal digits." % printable(checksum, 100))
    return match.group(1).lower()


def name_of(path: str | None) -> str:
    """Return what a package is called whose file, or manifest, is at path: the file's name without its ending."""
    name = os.path.basename(path or "")
    if name.endswith(manifests.SUFFIX):
        name = name[: -len(manifests.SUFFIX)]
    return os.path.splitext(name)[0]
