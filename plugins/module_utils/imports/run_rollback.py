# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking back what a run has imported, because a later package of its list failed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Callable

from ..errors import MigrationError
from ..history.entry import Entry
from ..history.receipt import INTERRUPTED, UNDONE
from ..plan.undo import refuse_under_newer
from ..session.session import Session
from ..support import signals
from ..support.text import printable
from . import undo_package
from .messages import sentence
from .outcome import ImportOptions, Outcome
from .rollback import Rollback
from .undo_package import Place

# Seconds for the undo package of the import that failed: the others have waited long enough.
_LAST_TRY = 10.0


class RunRollback:
    """What a run has imported so far, and how it is taken back.

    Args:
        session: The session.
        options: How the run imports.
        warnings: Gets sentences about what is not as it should be and is no failure.
    """

    def __init__(self, session: Session, options: ImportOptions, warnings: list[str]) -> None:
        self._session = session
        self._options = options
        self._warnings = warnings
        # Names and history entries, oldest first.
        self._imported: list[tuple[str, str]] = []

    def add(self, name: str, receipt: str) -> None:
        """Note an import that changed something.

        Args:
            name: The package's name.
            receipt: The path of its receipt.
        """
        self._imported.append((name, os.path.dirname(receipt)))

    def take_back(
        self,
        error: MigrationError,
        undone: Sequence[str],
        log_in_again: Callable[[Session], None],
        settle: Callable[[Session], None],
    ) -> list[str]:
        """Take back what was imported, newest first, and say so in the error's message.

        Args:
            error: What failed.
            undone: The names of packages that the run has taken back because the list says so.
            log_in_again: Brings a session back that has ended.
            settle: Finds out what an import has left whose end nobody saw.

        Returns:
            The names of the packages that were taken back.
        """
        if not self._imported:
            return []
        names = [name for name, _entry in reversed(self._imported)]
        why_not = self._why_not()
        if why_not is not None:
            error.message = "%s Not taken back, because %s: %s." % (_what_failed(error), why_not, ", ".join(names))
            return []
        try:
            self._let_go(log_in_again)
            if any(Entry.reopen(path).receipt.state == INTERRUPTED for _name, path in self._imported):
                settle(self._session)
        except MigrationError as broken:
            error.message = "%s Not taken back, because there is no session to do it in: %s. (%s)" % (
                _what_failed(error),
                ", ".join(names),
                broken.message,
            )
            return []
        done, left = self._take_back_all()
        error.message = " ".join(
            [
                _what_failed(error),
                "Taken back, newest first: %s." % (", ".join(done) or "none"),
                _what_is_left(left, undone),
            ]
        )
        return done

    def _take_back_all(self) -> tuple[list[str], list[str]]:
        """Take back what can be; return what is, and what is not and why."""
        done: list[str] = []
        left: list[str] = []
        stopped = False
        for name, path in reversed(self._imported):
            if stopped:
                left.append("%s: not tried" % name)
                continue
            try:
                if self._take_back(name, path):
                    done.append(name)
            except MigrationError as problem:
                # What single rollbacks end with is not so here.
                why = problem.message.replace(" Nothing was imported.", "").rstrip(".")
                left.append("%s: %s" % (name, why))
                # What lies under one of which nobody knows whether it is taken back has to wait.
                stopped = signals.told_to_stop() is not None or problem.details.get("import_outcome") == "unknown"
        return done, left

    def _why_not(self) -> str | None:
        """Return why nothing can be taken back; None where it can."""
        session, process = self._session, self._session.import_process
        if signals.told_to_stop() is not None:
            return "the task was told to stop"
        if session.is_taken_over:
            return "another run has taken over this environment"
        if process is not None and process.id and not process.finished and session.library.renew_session():
            run = session.state.run
            then = " (playbook rollback: -e mstr_run=%s)" % run if run else ""
            return "import %s may still run; once it has ended they can be%s" % (process.id, then)
        return None

    def _let_go(self, log_in_again: Callable[[Session], None]) -> None:
        """Save the undo package of the import that failed, if it can be had now, and let go of that import.

        The session holds one import; this one stands in the way of all others.
        """
        session = self._session
        if not session.library.renew_session():
            log_in_again(session)
        process = session.import_process
        if process is None or not process.finished:
            return
        with contextlib.suppress(MigrationError):
            entry = Entry.reopen(process.entry) if process.entry and process.generate_undo else None
            if entry is not None and entry.receipt.undo is None:
                # Also where the server seemed to make none: it may only have been late.
                places = [Place(entry.undo_path, entry.mode)]
                undo_package.keep(session, process, places, Outcome(process.plan, entry=entry), _LAST_TRY)
        with contextlib.suppress(MigrationError):
            session.release_all()

    def _take_back(self, name: str, path: str) -> bool:
        """Take an import back; return whether there was anything to take back."""
        history, options = self._options.history, self._options
        if history is None:
            raise AssertionError("nothing can be taken back without a history")
        entry = Entry.reopen(path)
        if entry.receipt.state == UNDONE or entry.receipt.changed_nothing:
            return False
        refuse_under_newer(entry, history.entries(entry.receipt.project))
        self._session.progress.package(name)
        # It does not stay so: the next run is to try again.
        rollback = Rollback.of_entry(entry, history, options, force=False, hold=False)
        rollback.take_back(self._session, entry.receipt.project, self._warnings)
        return True


def _what_failed(error: MigrationError) -> str:
    name = printable(error.about[0], 100) if error.about else "The run"
    return "%s failed: %s" % (name, sentence(error.message))


def _what_is_left(left: Sequence[str], undone: Sequence[str]) -> str:
    if left:
        return "Not taken back: %s." % "; ".join(left)
    if undone:
        return "Nothing of this run is left, except that the list declares as undone, and has taken back: %s." % (
            ", ".join(undone)
        )
    return "The environment is as it was before this run."
