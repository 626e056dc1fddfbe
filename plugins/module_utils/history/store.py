# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The history on disk: for each import a directory with a receipt and the undo package.

``<history>/<environment>/<project id or configuration>/<UTC time>-<name>-<first 12 of the sha256>/``

What a receipt means for a plan or a rollback is in ``records``.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import Any

from ..errors import InputError
from ..rest.address import same_base_url
from ..support.files import directory_mode, make_directory, sync_directory, write_file
from ..support.text import file_name_part, printable, readable_json

RECEIPT = "receipt.json"
UNDO = "undo.mmp"

STARTED = "started"
IMPORTED = "imported"
FAILED = "failed"
INTERRUPTED = "interrupted"
UNDONE = "undone"

CONFIGURATION = "configuration"
_ENTRY_NAME = re.compile(r"(\d{8}T\d{9}Z)-(.+)-([0-9a-f]{12})\Z")
_MODE = re.compile(r"0?[0-7]{3}\Z")


def now() -> str:
    """Return the time now, UTC with milliseconds, as receipts write it."""
    moment = time.time()
    return "%s.%03dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)), int(moment * 1000) % 1000)


def parse_mode(value: Any) -> int:
    """Return permission bits from what YAML made of them: 0660 is the number 432, "0660" a text.

    Raises:
        InputError: It is no mode, or one that locks the owner out or lets everybody in.
    """
    text = str(value)
    mode = value if isinstance(value, int) else int(text, 8) if _MODE.match(text) else -1
    if not 0 <= mode <= 0o777 or mode & 0o600 != 0o600 or mode & 0o117:
        raise InputError(
            "history_mode: %s is not a mode such as 0600, 0640 or 0660: read and write for the owner, nothing for "
            "others." % printable(value, 20)
        )
    return mode


_SESSIONS = "sessions"


def is_elsewhere(made_on: str | None, base_url: str) -> bool:
    """Return whether what was made on a server is none of this one's; what does not say where is.

    Args:
        made_on: The base URL of that server, None where it is not known.
        base_url: That of this one.
    """
    return made_on is not None and not same_base_url(made_on, base_url)


@dataclass(frozen=True)
class History:
    """Where the receipts and undo packages of an environment go.

    Attributes:
        directory: The history's root.
        environment: The environment's name.
        mode: Permission bits of the files; directories get the matching search bits.
        base_url: The server whose history it is. Entries that were made on another one are no part of it. None for all.
    """

    directory: str
    environment: str
    mode: int = 0o600
    base_url: str | None = None
    # What was read of the servers of entries, by the entry's directory.
    _made_on: dict[str, str | None] = field(default_factory=dict, compare=False)

    @property
    def root(self) -> str:
        """The directory of all that belongs to the environment."""
        return os.path.join(self.directory, file_name_part(self.environment))

    def scope(self, project_id: str | None) -> str:
        """Return the directory of the entries of a project, or with None of the configuration level."""
        part = file_name_part(project_id) if project_id else CONFIGURATION
        return os.path.join(self.root, part)

    @property
    def sessions(self) -> str:
        """The directory of the session files of the environment's runs."""
        return os.path.join(self.root, _SESSIONS)

    def begin(self, project_id: str | None, name: str, sha256: str, receipt: Mapping[str, Any]) -> Entry:
        """Make a new entry, which is there with its receipt or not at all.

        Args:
            project_id: The destination project, None at the configuration level.
            name: The package's name.
            sha256: The sha256 of the package's file.
            receipt: What the receipt says so far.

        Raises:
            InputError: It cannot be made.
        """
        parent = self.scope(project_id)
        search = directory_mode(self.mode)
        temporary = None
        try:
            make_directory(parent, search)
            temporary = tempfile.mkdtemp(prefix=".mstr_", dir=parent)
            os.chmod(temporary, search)
            Entry(temporary, self.mode, dict(receipt)).write()
            while True:
                stamp = _stamp_after(_names_in(parent))
                path = os.path.join(parent, "%s-%s-%s" % (stamp, file_name_part(name), sha256[:12]))
                try:
                    os.rename(temporary, path)
                    break
                except OSError as error:
                    # Another run began an entry of the same package within this millisecond.
                    if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                        raise
            sync_directory(parent)
        except BaseException as error:
            if temporary:
                shutil.rmtree(temporary, ignore_errors=True)
            if isinstance(error, OSError):
                raise InputError(
                    "history_dir: %s cannot be written: %s." % (parent, error.strerror or error)
                ) from error
            raise
        return Entry(path, self.mode, dict(receipt))

    def check(self, project_id: str | None, make: bool) -> None:
        """Check, before anything is imported, that an entry can be made.

        Args:
            project_id: The destination project, None at the configuration level.
            make: Whether to make the directories that are missing.

        Raises:
            InputError: It cannot.
        """
        parent = self.scope(project_id)
        try:
            if make:
                make_directory(parent, directory_mode(self.mode))
        except OSError as error:
            raise InputError("history_dir: %s cannot be made: %s." % (parent, error.strerror)) from error
        while not os.path.lexists(parent) and os.path.dirname(parent) != parent:
            parent = os.path.dirname(parent)
        if not os.path.isdir(parent):
            raise InputError("history_dir: %s is no directory." % parent)
        if not os.access(parent, os.W_OK | os.X_OK):
            raise InputError("history_dir: %s cannot be written to; check its permissions." % parent)

    def entries(self, project_id: str | None) -> list[Entry]:
        """Return the entries of a project, or with None of the configuration level, oldest first.

        Raises:
            InputError: The directory cannot be read.
        """
        return [entry for entry in self._entries_in(self.scope(project_id)) if self._is_own(entry)]

    def all_entries(self) -> list[Entry]:
        """Return the entries of the environment, whatever their project, oldest first.

        Raises:
            InputError: A directory cannot be read.
        """
        return [entry for entry in self._entries_everywhere() if self._is_own(entry)]

    def of_other_servers(self) -> list[Entry]:
        """Return the entries below the environment's name that were made on other servers, oldest first.

        Two environments may have been given one name, or a server has moved.

        Raises:
            InputError: A directory cannot be read.
        """
        return [entry for entry in self._entries_everywhere() if not self._is_own(entry)]

    def _entries_everywhere(self) -> list[Entry]:
        root = self.root
        found = [entry for part in _names_in(root) for entry in self._entries_in(os.path.join(root, part))]
        return sorted(found, key=lambda entry: entry.name)

    def _is_own(self, entry: Entry) -> bool:
        if self.base_url is None:
            return True
        if entry.path not in self._made_on:
            self._made_on[entry.path] = entry.made_on
        return not is_elsewhere(self._made_on[entry.path], self.base_url)

    @property
    def exists(self) -> bool:
        """Whether a run has worked with it before: the first one makes the environment's directory."""
        return os.path.isdir(self.root)

    def begin_anew(self) -> None:
        """Note that there is a history from now on, also where nothing is imported yet."""
        # Where it cannot be made, that is told when an entry is.
        with contextlib.suppress(OSError):
            make_directory(self.root, directory_mode(self.mode))

    def unsettled(self) -> list[Entry]:
        """Return the entries of the environment of which an import, or a taking back, may not have been seen to end.

        Each log-in asks, and a history can be long; so receipts are only searched for what tells that they are settled,
        and not kept.

        Raises:
            InputError: A directory cannot be read.
        """
        return [entry for entry in self.all_entries() if not _is_settled(entry.receipt_path)]

    def _entries_in(self, scope: str) -> list[Entry]:
        paths = [os.path.join(scope, name) for name in sorted(_names_in(scope)) if _ENTRY_NAME.match(name)]
        entries = [Entry(path, self.mode) for path in paths]
        # One whose receipt is missing is damaged, where it holds an undo package, and must not be passed over.
        return [entry for entry in entries if os.path.lexists(entry.receipt_path) or os.path.lexists(entry.undo_path)]


_STATE_TEXT = re.compile(rb'"state":\s*"(\w+)"')
# Quotation marks within a name are escaped, so this is the field itself.
_BASE_URL_TEXT = re.compile(rb'"base_url":\s*"([^"\\]*)"')


def _is_settled(receipt_path: str) -> bool:
    try:
        with open(receipt_path, "rb") as handle:
            text = handle.read()
    except OSError:
        # Reading it for good will say what is wrong.
        return False
    state = _STATE_TEXT.search(text)
    settled = state is not None and state.group(1).decode() in (IMPORTED, FAILED, UNDONE)
    return settled and b'"taking_back": {' not in text


def _stamp_after(names: list[str]) -> str:
    """Return the time now as entries are named by it, or the millisecond after the newest of these entries.

    Their names are the order in which imports are taken back. So it must hold also for two within a millisecond, and
    when the clock was set back.
    """
    moment = datetime.now(timezone.utc)
    for match in filter(None, map(_ENTRY_NAME.match, names)):
        with contextlib.suppress(ValueError, OverflowError):
            newest = datetime.strptime(match.group(1), "%Y%m%dT%H%M%S%fZ").replace(tzinfo=timezone.utc)
            moment = max(moment, newest + timedelta(milliseconds=1))
    return "%s%03dZ" % (moment.strftime("%Y%m%dT%H%M%S"), moment.microsecond // 1000)


def _names_in(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise InputError("history_dir: %s cannot be read: %s." % (directory, error.strerror)) from error


class Entry:
    """One import's entry.

    Attributes:
        path: Its directory.
        mode: Permission bits of its files.

    Args:
        path: Its directory.
        mode: Permission bits of its files.
        receipt: What the receipt says; None to read it when it is asked for.
    """

    def __init__(self, path: str, mode: int, receipt: dict[str, Any] | None = None) -> None:
        self.path = path
        self.mode = mode
        if receipt is not None:
            self.receipt = receipt

    @property
    def name(self) -> str:
        """The directory's name, by which entries sort in the order of their beginning."""
        return os.path.basename(self.path)

    @property
    def package_part(self) -> str:
        """The package's name as the directory's name has it."""
        return self._name_parts[0]

    @property
    def sha256_part(self) -> str:
        """The beginning of the file's sha256 as the directory's name has it."""
        return self._name_parts[1]

    @cached_property
    def _name_parts(self) -> tuple[str, str]:
        match = _ENTRY_NAME.match(self.name)
        return (match.group(2), match.group(3)) if match else ("", "")

    @cached_property
    def receipt(self) -> dict[str, Any]:
        """What the receipt says.

        Raises:
            InputError: It cannot be read, or it is none.
        """
        try:
            with open(self.receipt_path, encoding="utf-8") as handle:
                values = json.load(handle)
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(
                "history_dir: the receipt %s cannot be read: %s. What was imported decides what is due, so it is not "
                "passed over. Make it readable (history_mode lets a group share a history), or move its directory away."
                % (self.receipt_path, printable(error, 200))
            ) from error
        wrong = _wrong_in(values)
        if wrong:
            raise InputError(
                "history_dir: %s is no receipt: %s is missing or not as it should be. Restore it, or move its "
                "directory away." % (self.receipt_path, wrong)
            )
        return dict(values)

    @cached_property
    def made_on(self) -> str | None:
        """The base URL of the server it was made on; None where its receipt does not say.

        Each plan asks it of all entries, so receipts are only searched for it, and not kept.
        """
        if "receipt" in self.__dict__:
            value = self.receipt.get("base_url")
            return value if isinstance(value, str) else None
        try:
            with open(self.receipt_path, "rb") as handle:
                match = _BASE_URL_TEXT.search(handle.read())
        except OSError:
            # Reading it for good will say what is wrong.
            return None
        if match:
            return match.group(1).decode("utf-8", "replace")
        # It says nothing, or in another spelling of JSON than this collection writes.
        with contextlib.suppress(InputError):
            value = self.receipt.get("base_url")
            return value if isinstance(value, str) else None
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
            InputError: Its receipt cannot be read.
        """
        entry = cls(path, 0o600)
        with contextlib.suppress(OSError):
            entry.mode = os.stat(entry.receipt_path).st_mode & 0o777
        # Read now, so that what is wrong with it shows before anything is done.
        entry.receipt = entry.receipt
        return entry

    def discard(self) -> None:
        """Remove an entry whose import the server refused to start: there was none."""
        with contextlib.suppress(InputError):
            self.remove()

    def remove(self) -> None:
        """Remove the entry with all that is in it: out of sight first, so that no half of it is ever seen.

        Raises:
            InputError: It cannot be removed.
        """
        hidden = os.path.join(os.path.dirname(self.path), ".mstr_removed_" + self.name)
        try:
            os.rename(self.path, hidden)
            shutil.rmtree(hidden)
        except FileNotFoundError:
            # Another run was quicker.
            return
        except OSError as error:
            raise InputError("history_dir: %s cannot be removed: %s." % (self.path, error.strerror)) from error

    def mark_undone(self, hold: bool, **values: Any) -> None:
        """Note in the receipt that the import is taken back.

        Args:
            hold: Whether it is to stay so, until there is a new file of the package.
            values: What else the receipt is to say.

        Raises:
            InputError: It cannot be written.
        """
        self.write(
            state=UNDONE,
            undone_at=now(),
            # By which a later import is told from an earlier one, whatever the clocks of those who wrote the receipts.
            undone_after=max([self.name, *filter(_ENTRY_NAME.match, _names_in(os.path.dirname(self.path)))]),
            held=hold,
            # Set by AWX and Automation Controller in the environment of a job.
            undone_job_id=os.environ.get("JOB_ID"),
            **values,
        )

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


def _is_versions(value: Any) -> bool:
    if value is None:
        return True
    if not isinstance(value, dict):
        return False
    return all(
        key.rpartition(":")[2].isdecimal() and (version is None or isinstance(version, str))
        for key, version in value.items()
    )


def _is_changes(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, list) and all(
        isinstance(item, dict)
        and isinstance(item.get("id"), str)
        and isinstance(item.get("type"), int)
        and isinstance(item.get("name", ""), str)
        and isinstance(item.get("effect", ""), str)
        for item in value
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_text_or_none(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_object_or_none(value: Any) -> bool:
    return value is None or isinstance(value, dict)


def _is_undo(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and isinstance(value.get("sha256"), str))


# What the collection reads of a receipt, and what it must be. Receipts are read years later, perhaps edited by hand.
_FIELDS = {
    "state": _is_text,
    "name": _is_text,
    "sha256": _is_text,
    "type": _is_text_or_none,
    "content": _is_text_or_none,
    "base_url": _is_text_or_none,
    "project": _is_text_or_none,
    "changes": _is_changes,
    "unresolved": _is_changes,
    "versions_before": _is_versions,
    "versions": _is_versions,
    "versions_undone": _is_versions,
    "started": _is_text_or_none,
    "undone_at": _is_text_or_none,
    "undone_after": _is_text_or_none,
    "undo": _is_undo,
    "taking_back": _is_object_or_none,
}


def _wrong_in(values: Any) -> str | None:
    """Return the first field of a receipt that is not as it should be, None where all are."""
    if not isinstance(values, dict):
        return "the object at the top"
    for name, fits in _FIELDS.items():
        if not fits(values.get(name)):
            return name
    return None
