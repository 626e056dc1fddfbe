# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking up what runs left behind that were cut off without warning.

A run that is killed leaves its session file, its session with what that holds, and a history entry that says less than
happened. The next run on the environment, which holds its lock, completes what can be completed and says what cannot.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Callable

from ..errors import DiskError, InputError, MigrationError, ServerError
from ..history.entry import Entry
from ..history.receipt import (
    CREATE,
    EFFECT_DELETE,
    EFFECT_REPLACE,
    FAILED,
    IMPORTED,
    INTERRUPTED,
    STARTED,
    UNDONE,
    key_of,
    key_text,
    now,
)
from ..history.store import History
from ..rest.address import same_base_url
from ..rest.models import same_version
from ..session import file as session_file
from ..session import lock as locks
from ..session.file import ImportProcess
from ..session.session import Session
from ..session.watch import Watch
from ..support import signals
from ..support.text import printable

RELEASED = "released"

# Seconds for which the objects of an import, whose end nobody saw, have to stay as they are before anything is planned.
_QUIET = 10.0
_PAUSE = 1.0


@dataclass(frozen=True)
class Recovery:
    """How to take up what dead runs left.

    Attributes:
        history: The history of the environment.
        base_url: Where the environment is.
        reopen: Returns the session of a session file.
        close: Logs out of a session, which frees all that it holds; returns whether that worked.
        watch: Tells the dead from the living.
        session_dir: Where runs keep their session files instead of the history, or None.
        wait_timeout: Seconds to wait for an import that goes on.
        undo_timeout: Seconds to wait for the undo package of an import that has ended.
        warnings: Gets a sentence for each thing that was found.
    """

    history: History
    base_url: str
    reopen: Callable[[str], Session]
    close: Callable[[Session], bool]
    watch: Watch
    session_dir: str | None
    wait_timeout: float
    undo_timeout: float
    warnings: list[str]

    def recover(self, dead: Iterable[str]) -> list[dict[str, Any]]:
        """Take up the sessions and entries that dead runs left; return what became of them, as a task returns it.

        Args:
            dead: The session files of the runs from which the lock was taken over.

        Raises:
            MigrationError: The server cannot be asked, or an import that goes on did not end in time.
        """
        paths = [path for path in dead if session_file.exists(path)]
        others = [path for path in self._other_sessions() if path not in paths]
        found = [self._recover_session(path) for path in paths + self.watch.dead_of(others)]
        # Also runs without a session file renew their receipt while they work.
        begun = {entry.receipt_path: entry for entry in self.history.open_entries() if entry.receipt.state == STARTED}
        temporary = self._temporary_files()
        silent = self.watch.dead_of([*begun, *temporary])
        found.extend(self._interrupted(entry) for path, entry in begun.items() if path in silent)
        for path in temporary:
            if path in silent:
                _remove(path)
        return [outcome for outcome in found if outcome is not None]

    def _other_sessions(self) -> list[str]:
        """Return the session files of the environment."""
        directories = [self.history.sessions, *([self.session_dir] if self.session_dir is not None else [])]
        return [path for directory in directories for path in _json_files(directory) if self._is_here(path)]

    def _is_here(self, path: str) -> bool:
        """Return whether a session is with this server; one whose file cannot be read may be anybody's."""
        try:
            # Also one that others can read: taking it up says what is wrong.
            return same_base_url(session_file.read(path, private=False).base_url, self.base_url)
        except MigrationError:
            return False

    def _recover_session(self, path: str) -> dict[str, Any] | None:
        try:
            session = self.reopen(path)
        except MigrationError as error:
            self.warnings.append(
                "A run was cut off and its session cannot be taken up: %s What it was importing shows in the history "
                "as interrupted." % error.message
            )
            _remove(path)
            return None
        if not same_base_url(session.state.base_url, self.base_url):
            return None
        process = session.import_process
        with contextlib.closing(session.library.transport):
            if not session.library.renew_session():
                _remove(path)
                return self.lost(process)
            try:
                outcome = self._complete(session, process)
            except MigrationError as error:
                if signals.told_to_stop() is not None:
                    # This run is told to stop as well; the one after it goes on here.
                    locks.give_up([path])
                elif session.is_to_be_recovered:
                    locks.give_up([path])
                    error.message += (
                        " A run before this one began it. To give it up, and its undo package, remove %s." % path
                    )
                else:
                    self._let_go(session, path)
                raise
            self._let_go(session, path)
            return outcome

    def _let_go(self, session: Session, path: str) -> None:
        # What is closed must not be written any more.
        session.path = None
        if self.close(session):
            _remove(path)

    def _complete(self, session: Session, process: ImportProcess | None) -> dict[str, Any]:
        """See an import to its end that a dead run began, keep its undo package, and complete its entry."""
        # Imported where it is needed, because each log-in looks for dead runs and hardly ever finds one.
        from . import run as runs
        from .outcome import ImportFailed, ImportOptions

        if process is None or _is_complete(process):
            return {"entry": None, "outcome": RELEASED}
        if not process.id:
            return self.lost(process) or {"entry": None, "outcome": RELEASED}
        taken_back = Entry.reopen(process.takes_back) if process.takes_back else None

        def mark() -> None:
            if taken_back is not None:
                taken_back.mark_undone(process.hold, session.state.job)

        options = ImportOptions(
            name="",
            undo_required=False,
            undo_timeout=self.undo_timeout,
            wait_timeout=self.wait_timeout,
            when_imported=mark,
        )
        try:
            run = runs.resume(session, process.id, options, self.warnings)
        except (InputError, ServerError) as error:
            if isinstance(error, ServerError) and error.status != 404:
                raise
            return self.lost(process) or {"entry": None, "outcome": RELEASED}
        outcome = run.outcome
        entry = taken_back or outcome.entry
        name = entry.receipt.name if entry else run.package.file
        run.options = replace(run.options, name=name)
        session.progress.package(name)
        what = "%s (%s)" % (printable(name, 100), entry.name if entry else run.package.file)
        try:
            runs.finish(run)
        except ImportFailed as error:
            self.warnings.append("A run was cut off while it imported %s. %s" % (what, error.message))
            return {"entry": entry.name if entry else None, "outcome": FAILED}
        if taken_back is not None:
            if outcome.versions is not None:
                taken_back.write(versions_undone=outcome.versions)
            self.warnings.append("A run was cut off while it took back %s, which is taken back now." % what)
            return {"entry": taken_back.name, "outcome": UNDONE}
        self.warnings.append(
            "A run was cut off while it imported %s, which is imported now. %s"
            % (what, "Its undo package is %s." % outcome.undo.path if outcome.undo else "It has no undo package.")
        )
        return {"entry": entry.name if entry else None, "outcome": IMPORTED}

    def lost(self, process: ImportProcess | None) -> dict[str, Any] | None:
        """Say what is lost with a session, or with the id of an import that was asked for."""
        if process is None or _is_complete(process):
            return None
        if process.takes_back:
            entry = Entry.reopen(process.takes_back)
            entry.write(taking_back={"hold": process.hold, "since": now()})
            self.warnings.append(
                "A run was cut off while it took back %s, and its session has ended: whether that is taken back shows "
                "in what is there now." % entry.name
            )
            return {"entry": entry.name, "outcome": INTERRUPTED}
        if not process.entry:
            return None
        entry = Entry.reopen(process.entry)
        if entry.receipt.state == IMPORTED:
            self.warnings.append(
                "A run was cut off right after it imported %s. %s"
                % (
                    entry.name,
                    "Its undo package is %s." % entry.undo_path
                    if entry.receipt.undo
                    else "Its session has ended, so this import has no undo package and cannot be taken back.",
                )
            )
            return {"entry": entry.name, "outcome": IMPORTED}
        return self._interrupted(entry)

    def _interrupted(self, entry: Entry) -> dict[str, Any]:
        # A receipt may say so already, where the run had the time for it.
        if entry.receipt.state == STARTED:
            entry.write(state=INTERRUPTED, ended=now(), message="The run was cut off.")
        self.warnings.append(
            "A run was cut off while it imported %s, and its session has ended: it is unknown whether that import was "
            "done, and it has no undo package." % entry.name
        )
        return {"entry": entry.name, "outcome": INTERRUPTED}

    def wait_until_at_rest(self, session: Session) -> None:
        """Wait until imports whose end nobody saw have come to rest: what still changes cannot be planned.

        The server tells nobody of an import whose session is gone, so their objects are looked at until all are as
        predicted, or none has changed for some seconds.

        Raises:
            MigrationError: The objects could not be looked up, or a receipt could not be written.
        """
        open_ones = [entry for entry in self.history.open_entries() if self._is_open(entry)]
        if not open_ones:
            return
        start = last_change = time.monotonic()
        seen = _versions(session, open_ones)
        while not _as_predicted(open_ones, seen):
            at = time.monotonic()
            if at - last_change >= _QUIET or at - start >= self.wait_timeout:
                break
            time.sleep(_PAUSE)
            seen_now = _versions(session, open_ones)
            if seen_now != seen:
                seen, last_change = seen_now, time.monotonic()
        for entry in open_ones:
            self._conclude(entry, seen[entry.path], session)

    def _is_open(self, entry: Entry) -> bool:
        receipt = entry.receipt
        if receipt.taking_back:
            return receipt.state != UNDONE
        return bool(receipt.state == INTERRUPTED and not receipt.watched and receipt.changes)

    def _conclude(self, entry: Entry, seen: dict[str, str | None], session: Session) -> None:
        taking_back = entry.receipt.taking_back
        if not taking_back:
            # An import that never happened stands in nobody's way.
            entry.write(watched=now(), versions=seen)
            return
        before = {key_of(text): version for text, version in seen.items()}
        wanted = {key: version for key, version in entry.receipt.before.items() if key in entry.receipt.touched}
        if all(key in before and same_version(before[key], version) for key, version in wanted.items()):
            entry.mark_undone(bool(taking_back.get("hold", True)), session.state.job, taking_back=None)
            self.warnings.append("%s is taken back." % entry.name)
        else:
            entry.write(taking_back=None)
            self.warnings.append("%s is not taken back, or only in part. Take it back again." % entry.name)

    def _temporary_files(self) -> list[str]:
        """Return the temporary files and directories in the environment's part of the history.

        Not those in entries of other servers, whose runs may be at work.
        """
        found: list[str] = []
        elsewhere = {entry.path for entry in self.history.of_other_servers()}
        for parent, directories, files in os.walk(self.history.root):
            temporary = [name for name in directories + files if name.startswith(".mstr_")]
            found.extend(os.path.join(parent, name) for name in temporary)
            directories[:] = [
                name for name in directories if name not in temporary and os.path.join(parent, name) not in elsewhere
            ]
        return found


def _json_files(directory: str) -> list[str]:
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return []
    return [os.path.join(directory, name) for name in names if name.endswith(".json")]


def _is_complete(process: ImportProcess) -> bool:
    """Return whether a dead run had done all that an import asks for."""
    if not process.is_done:
        return False
    if process.takes_back:
        return Entry.reopen(process.takes_back).receipt.state == UNDONE
    if process.entry:
        receipt = Entry.reopen(process.entry).receipt
        return receipt.versions is not None or receipt.state not in (STARTED, IMPORTED)
    return True


def _versions(session: Session, entries: Sequence[Entry]) -> dict[str, dict[str, str | None]]:
    found: dict[str, dict[str, str | None]] = {}
    for entry in entries:
        project = entry.receipt.project
        found[entry.path] = {}
        for change in entry.receipt.changes or ():
            try:
                thing = session.library.find_object(change["id"], change["type"], project)
            except ServerError as error:
                if error.status != 403:
                    raise
                continue
            found[entry.path][key_text((change["id"], change["type"]))] = thing.version if thing else None
    return found


def _as_predicted(entries: Sequence[Entry], seen: dict[str, dict[str, str | None]]) -> bool:
    for entry in entries:
        if entry.receipt.taking_back:
            return False
        for change in entry.receipt.changes or ():
            version = seen[entry.path].get(key_text((change["id"], change["type"])))
            effect = change.get("effect")
            if effect in (CREATE, EFFECT_REPLACE) and not same_version(version, change.get("version_after")):
                return False
            if effect == EFFECT_DELETE and version is not None:
                return False
    return True


def _remove(path: str) -> None:
    if os.path.isdir(path):
        shutil.rmtree(path, ignore_errors=True)
        return
    with contextlib.suppress(DiskError):
        session_file.remove(path, own_directory=False)
