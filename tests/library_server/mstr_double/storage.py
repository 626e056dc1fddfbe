# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The storage service: a directory that environments share. What crosses from one to another goes through it.

``packages`` has the files of packages, ``undo`` those that take imports back, ``validations`` what validations came to,
and ``files`` what was uploaded, each beside its description.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

from mstr_double.package_format import Blob, MemoryBlob

PIECE = 1 << 20
# A path in the storage as records name it. What is in a record may come from a client.
PATH_FORM = re.compile(r"(packages|undo|validations|files)/[0-9A-Za-z_-]+\.(mmp|json)\Z")


class Storage:
    """Files by their paths. Without a directory given it is one of this process alone, and gone with it."""

    def __init__(self, directory: Path | None) -> None:
        self._given = directory
        self._own: tempfile.TemporaryDirectory[str] | None = None

    @property
    def directory(self) -> Path:
        if self._given is not None:
            return self._given
        if self._own is None:
            self._own = tempfile.TemporaryDirectory(prefix="library-double-")
        return Path(self._own.name)

    def clear(self) -> None:
        """Remove everything, unless others may use it too."""
        if self._own is not None:
            self._own.cleanup()
            self._own = None

    def write(self, path: str, blob: Blob) -> None:
        """Write a file; others see it whole or not at all."""
        target = self.directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
            for position in range(0, blob.length, PIECE):
                file.write(blob.read(position, PIECE))
        Path(file.name).replace(target)

    def read(self, path: Any) -> Blob | None:
        """Return a file; None where there is none, or where the path is none of this storage."""
        if not isinstance(path, str) or not PATH_FORM.match(path):
            return None
        try:
            return MemoryBlob((self.directory / path).read_bytes())
        except FileNotFoundError:
            return None

    def remove(self, path: Any) -> None:
        if isinstance(path, str) and PATH_FORM.match(path):
            (self.directory / path).unlink(missing_ok=True)

    def write_json(self, path: str, value: Any) -> None:
        self.write(path, MemoryBlob(json.dumps(value).encode("utf-8")))

    def read_json(self, path: str) -> Any:
        blob = self.read(path)
        return None if blob is None else json.loads(blob.read(0, blob.length))

    def list_json(self, folder: str) -> list[Any]:
        """The descriptions in a folder, by name."""
        names = sorted(path.name for path in (self.directory / folder).glob("*.json"))
        return [value for name in names if (value := self.read_json(f"{folder}/{name}")) is not None]
