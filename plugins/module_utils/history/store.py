# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The history on disk: for each import a directory with a receipt and the undo package.

``<history>/<environment>/<project id or configuration>/<UTC time>-<name>-<first 12 of the sha256>/``

What receipts mean together, for a plan or for taking an import back, is in ``queries``. Whatever looks through the
entries raises ``DiskError`` where a directory cannot be read.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from ..errors import DiskError
from ..rest.address import same_base_url
from ..support.files import directory_mode, disk_errors, make_directory, sync_directory
from ..support.text import file_name_part
from .entry import NAME, Entry, names_in
from .receipt import Receipt

CONFIGURATION = "configuration"
_SESSIONS = "sessions"


def is_elsewhere(made_on: str | None, base_url: str) -> bool:
    """Return whether what was made on one server is none of another's; where it is not known, it may be."""
    return made_on is not None and not same_base_url(made_on, base_url)


@dataclass(frozen=True)
class History:
    """Where the receipts and undo packages of an environment go.

    Attributes:
        directory: The history's root.
        environment: The environment's name.
        mode: Permission bits of the files; directories get the matching search bits.
        base_url: The server whose entries count; None for the entries of all.
    """

    directory: str
    environment: str
    mode: int = 0o600
    base_url: str | None = None
    # The servers of entries, as far as they were read, by the entry's directory.
    _origins: dict[str, tuple[str | None, str | None]] = field(default_factory=dict, compare=False)
    # The directories of those after whose import something is still to be done, as far as they were read.
    _due: set[str] = field(default_factory=set, compare=False)

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

    def begin(self, receipt: Receipt) -> Entry:
        """Make a new entry, which is there with its receipt or not at all.

        Raises:
            DiskError: It cannot be made.
        """
        parent = self.scope(receipt.project)
        search = directory_mode(self.mode)
        with disk_errors("history_dir: %s cannot be written" % parent):
            make_directory(parent, search)
            temporary = tempfile.mkdtemp(prefix=".mstr_", dir=parent)
            try:
                os.chmod(temporary, search)
                Entry(temporary, self.mode, receipt).write()
                path = _put_in_place(temporary, parent, receipt)
                sync_directory(parent)
            except BaseException:
                shutil.rmtree(temporary, ignore_errors=True)
                raise
        return Entry(path, self.mode, receipt)

    def check(self, project_id: str | None, make: bool) -> None:
        """Check, before anything is imported, that an entry can be made.

        Args:
            project_id: The destination project, None at the configuration level.
            make: Whether to make the directories that are missing.

        Raises:
            DiskError: It cannot.
        """
        parent = self.scope(project_id)
        if make:
            with disk_errors("history_dir: %s cannot be made" % parent):
                make_directory(parent, directory_mode(self.mode))
        while not os.path.lexists(parent) and os.path.dirname(parent) != parent:
            parent = os.path.dirname(parent)
        if not os.path.isdir(parent):
            raise DiskError("history_dir: %s is no directory." % parent)
        if not os.access(parent, os.W_OK | os.X_OK):
            raise DiskError("history_dir: %s cannot be written to; check its permissions." % parent)

    def entries(self, project_id: str | None) -> list[Entry]:
        """Return the entries of a project, or with None of the configuration level, oldest first."""
        return [entry for entry in self._entries_in(self.scope(project_id)) if self._is_own(entry)]

    def all_entries(self) -> list[Entry]:
        """Return the entries of the environment, whatever their project, oldest first."""
        return [entry for entry in self._entries_everywhere() if self._is_own(entry)]

    def with_due(self, project_id: str) -> list[Entry]:
        """Return the entries of a project after whose import something was still to be done when they were read first.

        The receipts say what; each plan asks, so they are only searched for it.
        """
        return [entry for entry in self.entries(project_id) if entry.path in self._due]

    def of_other_servers(self) -> list[Entry]:
        """Return the entries below the environment's name that were made on other servers, oldest first.

        Two environments may have been given one name, or a server has moved.
        """
        return [entry for entry in self._entries_everywhere() if not self._is_own(entry)]

    def _entries_everywhere(self) -> list[Entry]:
        root = self.root
        found = [entry for part in names_in(root) for entry in self._entries_in(os.path.join(root, part))]
        return sorted(found, key=lambda entry: entry.name)

    def _is_own(self, entry: Entry) -> bool:
        made_on = self._origin(entry)[0]
        return self.base_url is None or not is_elsewhere(made_on, self.base_url)

    def _origin(self, entry: Entry) -> tuple[str | None, str | None]:
        if entry.path not in self._origins:
            self._origins[entry.path] = entry.origin
            if entry.has_due:
                self._due.add(entry.path)
        return self._origins[entry.path]

    def known_metadata(self) -> list[tuple[Entry, str]]:
        """Return the entries that say on which metadata they were made, each with what it says, oldest first."""
        found = [(entry, self._origin(entry)[1]) for entry in self.all_entries()]
        return [(entry, metadata) for entry, metadata in found if metadata]

    def forget_origins(self) -> None:
        """Read anew on which servers entries were made: receipts were rewritten."""
        self._origins.clear()

    @property
    def exists(self) -> bool:
        """Whether a run has worked with it before: the first one makes the environment's directory."""
        return os.path.isdir(self.root)

    def begin_anew(self) -> None:
        """Note that there is a history from now on, also where nothing is imported yet."""
        # That it cannot be made is told when an entry is to be made.
        with contextlib.suppress(OSError):
            make_directory(self.root, directory_mode(self.mode))

    def open_entries(self) -> list[Entry]:
        """Return the entries of the environment of which an import, or a taking back, may not have been seen to end."""
        return [entry for entry in self.all_entries() if not entry.has_ended]

    def _entries_in(self, scope: str) -> list[Entry]:
        paths = [os.path.join(scope, name) for name in sorted(names_in(scope)) if NAME.match(name)]
        entries = [Entry(path, self.mode) for path in paths]
        # With an undo package and no receipt an entry is damaged, and must not be passed over.
        return [entry for entry in entries if os.path.lexists(entry.receipt_path) or os.path.lexists(entry.undo_path)]


def _put_in_place(temporary: str, parent: str, receipt: Receipt) -> str:
    """Rename the directory of a new entry, and return its path."""
    while True:
        stamp = _stamp_after(names_in(parent))
        path = os.path.join(parent, "%s-%s-%s" % (stamp, file_name_part(receipt.name), receipt.sha256[:12]))
        try:
            os.rename(temporary, path)
            return path
        except OSError as error:
            # Another run began an entry of the same package within this millisecond.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise


def _stamp_after(names: list[str]) -> str:
    """Return the time now as entries are named by it, or the millisecond after the newest of these entries.

    Imports are taken back in the order of these names. It must be right for two entries within a millisecond, and when
    the clock was set back.
    """
    moment = datetime.now(timezone.utc)
    for match in filter(None, map(NAME.match, names)):
        with contextlib.suppress(ValueError, OverflowError):
            newest = datetime.strptime(match.group(1), "%Y%m%dT%H%M%S%fZ").replace(tzinfo=timezone.utc)
            moment = max(moment, newest + timedelta(milliseconds=1))
    return "%s%03dZ" % (moment.strftime("%Y%m%dT%H%M%S"), moment.microsecond // 1000)
