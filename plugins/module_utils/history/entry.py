# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An entry of the history: the directory of one import, with its receipt and its undo package."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from dataclasses import replace
from functools import cached_property
from typing import Any

from ..errors import DiskError
from ..session.job import Job
from ..support.files import disk_errors, write_file
from ..support.shape import ShapeError
from ..support.text import printable, readable_json
from .receipt import FAILED, IMPORTED, UNDONE, Receipt, now

RECEIPT = "receipt.json"
UNDO = "undo.mmp"
# ``<UTC time>-<package>-<first 12 of the sha256>``
NAME = re.compile(r"(\d{8}T\d{9}Z)-(.+)-([0-9a-f]{12})\Z")

# What is due after an import: nothing else in a receipt is called so.
_DUE_TEXT = re.compile(rb'"due":\s*true')
_STATE_TEXT = re.compile(rb'"state":\s*"(\w+)"')
# Quotation marks within a name are escaped, so this is the field itself.
_ORIGIN_TEXTS = tuple(re.compile(rb'"%s":\s*"([^"\\]*)"' % name) for name in (b"base_url", b"metadata"))


def names_in(directory: str) -> list[str]:
    """Return the names in a directory, none where there is none.

    Raises:
        DiskError: It cannot be read.
    """
    with disk_errors("history_dir: %s cannot be read" % directory):
        try:
            return os.listdir(directory)
        except (FileNotFoundError, NotADirectoryError):
            return []


class Entry:
    """One import's entry.

    Attributes:
        path: Its directory.
        mode: Permission bits of its files.
        receipt: What its receipt says; read when it is asked for, where it is not given.
        has_due: Whether its receipt says that something is still to be done after its import, as ``made_on`` saw it.
    """

    has_due = False

    def __init__(self, path: str, mode: int, receipt: Receipt | None = None) -> None:
        self.path = path
        self.mode = mode
        if receipt is not None:
            self.receipt = receipt

    @property
    def name(self) -> str:
        """The directory's name. Entries sort by it in the order in which they were begun."""
        return os.path.basename(self.path)

    @property
    def package_part(self) -> str:
        """The package's name, as the directory's name has it."""
        return self._name_parts[0]

    @property
    def sha256_part(self) -> str:
        """The beginning of the file's sha256, as the directory's name has it."""
        return self._name_parts[1]

    @cached_property
    def _name_parts(self) -> tuple[str, str]:
        match = NAME.match(self.name)
        return (match.group(2), match.group(3)) if match else ("", "")

    @cached_property
    def receipt(self) -> Receipt:
        """What the receipt says.

        Raises:
            DiskError: It cannot be read, or it is none.
        """
        try:
            with open(self.receipt_path, encoding="utf-8") as handle:
                return Receipt.parse(json.load(handle))
        except ShapeError as error:
            raise DiskError(
                "history_dir: %s is no receipt: %s. Restore it, or move its directory away."
                % (self.receipt_path, printable(error, 200))
            ) from error
        except (OSError, ValueError, RecursionError) as error:
            raise DiskError(
                "history_dir: the receipt %s cannot be read: %s. What was imported decides what is due, so it is not "
                "passed over. Make it readable (history_mode lets a group share a history), or move its directory away."
                % (self.receipt_path, printable(error, 200))
            ) from error

    @cached_property
    def origin(self) -> tuple[str | None, str | None]:
        """The base URL and the metadata that it was made on; None for what its receipt does not say.

        Each plan asks all entries, so their receipts are only searched for it.
        """
        if "receipt" not in self.__dict__:
            text = self._text
            self.has_due = bool(_DUE_TEXT.search(text or b""))
            found = [match.search(text or b"") for match in _ORIGIN_TEXTS]
            if text is None or found[0]:
                url, metadata = (match.group(1).decode("utf-8", "replace") if match else None for match in found)
                return url, metadata
        # The receipt says nothing, or in another spelling of JSON than this collection writes.
        with contextlib.suppress(DiskError):
            return self.receipt.base_url, self.receipt.metadata
        return None, None

    @property
    def made_on(self) -> str | None:
        """The base URL of the server it was made on; None where its receipt does not say."""
        return self.origin[0]

    @property
    def has_ended(self) -> bool:
        """Whether its import, and its taking back, are known to have ended.

        Each log-in asks all entries, so their receipts are only searched for it.
        """
        text = self._text or b""
        state = _STATE_TEXT.search(text)
        settled = state is not None and state.group(1).decode() in (IMPORTED, FAILED, UNDONE)
        return settled and b'"taking_back": {' not in text

    @property
    def _text(self) -> bytes | None:
        """The receipt's text; None where it cannot be read: ``receipt`` tells what is wrong then."""
        try:
            with open(self.receipt_path, "rb") as handle:
                return handle.read()
        except OSError:
            return None

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
        """Return an entry that an earlier task began, to complete it.

        Raises:
            DiskError: Its receipt cannot be read.
        """
        entry = cls(path, 0o600)
        with contextlib.suppress(OSError):
            entry.mode = os.stat(entry.receipt_path).st_mode & 0o777
        # Read now: what is wrong with it shows before anything is done.
        entry.receipt = entry.receipt
        return entry

    def discard(self) -> None:
        """Remove an entry whose import the server refused to start: there was none."""
        with contextlib.suppress(DiskError):
            self.remove()

    def remove(self) -> None:
        """Remove the entry with all that is in it; put out of sight first, so that no half of it is ever seen.

        Raises:
            DiskError: It cannot be removed.
        """
        hidden = os.path.join(os.path.dirname(self.path), ".mstr_removed_" + self.name)
        # It is not there where another run was quicker.
        with disk_errors("history_dir: %s cannot be removed" % self.path), contextlib.suppress(FileNotFoundError):
            os.rename(self.path, hidden)
            shutil.rmtree(hidden)

    def mark_undone(self, hold: bool, job: Job | None, **values: Any) -> None:
        """Note in the receipt that the import is taken back.

        Args:
            hold: Whether it is to stay so, until there is a new file of the package.
            job: The job that took it back, None where that is not known.
            values: What else the receipt is to say.

        Raises:
            DiskError: It cannot be written.
        """
        self.write(
            state=UNDONE,
            undone_at=now(),
            # Tells later imports from earlier ones, whatever the clocks of those who wrote the receipts.
            undone_after=max([self.name, *filter(NAME.match, names_in(os.path.dirname(self.path)))]),
            held=hold,
            **(job or Job()).as_undone(),
            **values,
        )

    def write(self, **values: Any) -> None:
        """Write the receipt with these values, whole or not at all.

        Raises:
            DiskError: It cannot be written.
        """
        self.receipt = replace(self.receipt, **values)
        text = readable_json(self.receipt.as_document())
        with disk_errors("history_dir: %s cannot be written" % self.receipt_path):
            write_file(self.receipt_path, text.encode("utf-8"), self.mode)
