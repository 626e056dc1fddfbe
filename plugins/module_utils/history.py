# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The history: for each import a directory with a receipt and the undo package.

``<history>/<environment>/<project id or configuration>/<UTC time>-<name>-<first 12 of the sha256>/``
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import dataclass, field
from typing import Any

from .errors import InputError
from .files import make_directory, write_file
from .text import file_name_part, readable_json
from .undo import SavedUndo, keep_copy

RECEIPT = "receipt.json"
UNDO = "undo.mmp"

STARTED = "started"
IMPORTED = "imported"
FAILED = "failed"
INTERRUPTED = "interrupted"


def now() -> str:
    """Return the time now, UTC, as receipts write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


@dataclass(frozen=True)
class History:
    """Where the receipts and undo packages of an environment go.

    Attributes:
        directory: The history's root.
        environment: The environment's name.
        mode: Permission bits of the files; directories get the matching search bits.
    """

    directory: str
    environment: str
    mode: int = 0o600

    @property
    def directory_mode(self) -> int:
        """Permission bits of the directories: who may read a file may enter."""
        return self.mode | 0o100 | ((self.mode & 0o444) >> 2)

    def begin(self, project_id: str | None, name: str, sha256: str) -> Entry:
        """Make the directory of a new entry.

        Args:
            project_id: The destination project, None at the configuration level.
            name: The package's name.
            sha256: The sha256 of the package's file.

        Raises:
            InputError: The directory cannot be made.
        """
        scope = file_name_part(project_id) if project_id else "configuration"
        parent = os.path.join(self.directory, file_name_part(self.environment), scope)
        try:
            make_directory(parent, self.directory_mode)
            while True:
                moment = time.time()
                stamp = "%s%03dZ" % (time.strftime("%Y%m%dT%H%M%S", time.gmtime(moment)), int(moment * 1000) % 1000)
                path = os.path.join(parent, "%s-%s-%s" % (stamp, file_name_part(name), sha256[:12]))
                try:
                    os.mkdir(path, self.directory_mode)
                except FileExistsError:
                    # Another run began an entry of the same package within this millisecond.
                    time.sleep(0.001)
                    continue
                os.chmod(path, self.directory_mode)
                return Entry(path, self.mode)
        except OSError as error:
            raise InputError("history_dir: %s cannot be written: %s." % (parent, error.strerror)) from error


@dataclass
class Entry:
    """One import's entry.

    Attributes:
        path: Its directory.
        mode: Permission bits of its files.
        receipt: What the receipt says.
    """

    path: str
    mode: int
    receipt: dict[str, Any] = field(default_factory=dict)

    @property
    def undo_path(self) -> str:
        """Where the undo package goes."""
        return os.path.join(self.path, UNDO)

    @property
    def receipt_path(self) -> str:
        """Where the receipt is."""
        return os.path.join(self.path, RECEIPT)

    @classmethod
    def reopen(cls, path: str) -> Entry:
        """Return an entry that an earlier task began.

        Raises:
            InputError: Its receipt cannot be read.
        """
        receipt = os.path.join(path, RECEIPT)
        try:
            with open(receipt, encoding="utf-8") as handle:
                mode = os.fstat(handle.fileno()).st_mode & 0o777
                values = json.load(handle)
        except (OSError, ValueError, RecursionError) as error:
            raise InputError("history_dir: the receipt %s cannot be read: %s." % (receipt, error)) from error
        return cls(path, mode, values if isinstance(values, dict) else {})

    def discard(self) -> None:
        """Remove an entry whose import the server refused to start: there was none."""
        for path in (self.receipt_path, self.path):
            with contextlib.suppress(OSError):
                (os.rmdir if path == self.path else os.unlink)(path)

    def keep_undo(self, saved: SavedUndo) -> None:
        """Copy an undo package that was saved elsewhere into the entry, and complete the receipt.

        Raises:
            InputError: It cannot be written.
        """
        if not os.path.exists(self.undo_path):
            keep_copy(saved, self.undo_path, self.mode, False)
        self.write(undo={"sha256": saved.sha256, "size": saved.size})

    def write(self, **values: Any) -> None:
        """Add values to the receipt and write it, whole or not at all.

        Raises:
            InputError: It cannot be written.
        """
        self.receipt.update(values)
        text = readable_json(self.receipt)
        try:
            write_file(self.receipt_path, text.encode("utf-8"), self.mode)
        except OSError as error:
            raise InputError("history_dir: %s cannot be written: %s." % (self.receipt_path, error.strerror)) from error
