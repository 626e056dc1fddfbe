# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of an import that did not end as it should: how far it came, and where its undo package is."""

from __future__ import annotations

from ..errors import MigrationError
from ..history.receipt import FAILED, INTERRUPTED, now
from ..plan.package import Change
from ..plan.text import names_of
from ..support.text import printable
from .outcome import ImportRun, WithoutUndo


def failure(run: ImportRun, error: MigrationError) -> MigrationError:
    """Return what a task fails with whose import was started: what broke, and how far the import came."""
    process, outcome = run.process, run.outcome
    text = sentence(error.message.strip())
    result = dict(error.details, changed=True)
    failed = outcome.info is not None and outcome.info.has_failed
    if not process.finished:
        result["import_outcome"] = "unknown"
        text += _not_seen_to_end(run)
        if not run.session.is_left and not run.session.is_to_be_recovered and not run.session.outlives_task:
            outcome.record(state=INTERRUPTED, ended=now(), message=error.message)
    elif failed:
        result["import_outcome"] = "failed"
        text += " Import %s had failed; what it changed all the same is unknown.%s" % (process.id, undo_state(run))
        outcome.record(state=FAILED, ended=now(), message=error.message)
    else:
        text += " The import is done%s.%s" % (
            "" if outcome.verified or not run.options.verify else ", and was not verified",
            undo_state(run),
        )
    result.update(outcome.as_result())
    without_undo = process.finished and not failed and run.options.generate_undo and outcome.undo is None
    return (WithoutUndo if without_undo else MigrationError)(text, **result)


def _not_seen_to_end(run: ImportRun) -> str:
    session, process = run.session, run.process
    text = " Import %s was asked for and not seen to end; last seen: %s. It is unknown whether it will be imported." % (
        process.id,
        _last_seen(run),
    )
    if session.is_left or session.is_to_be_recovered:
        return text + (
            " It is left as it is: the next run on this environment waits for it%s."
            % (" and keeps its undo package" if process.undo_pending else "")
        )
    if session.outlives_task:
        return text + (
            " As long as nobody logs the session out, mstr_package_import with import_id can go on waiting for it."
        )
    if process.undo_pending:
        text += " The session is closed, and with it the undo package is lost."
    return text + " See what is there with --check --diff."


def _last_seen(run: ImportRun) -> str:
    info = run.outcome.info
    if info is None:
        return "nothing"
    progress = "unknown" if info.progress is None else "%g" % info.progress
    return "%s, %s %% done" % (printable(info.status, 60), progress)


def undo_state(run: ImportRun) -> str:
    """Return a sentence on where the undo package is, with a space before it; empty where none was asked for."""
    if run.outcome.undo is not None:
        return " Its undo package is %s." % run.outcome.undo.path
    if not run.options.generate_undo:
        return ""
    if not run.process.undo_pending:
        return " It cannot be undone: the server made no undo package."
    # A failed import of a run of several tasks is left as well, but its user can be quicker than the next run.
    if run.session.is_left or (run.session.is_of_one_task and run.session.is_to_be_recovered):
        return " Its undo package is not on disk yet; the next run on this environment fetches it."
    if run.session.outlives_task:
        return (
            " Its undo package is not on disk. Until the session is logged out, mstr_undo_package with import_id "
            "and dest can fetch it."
        )
    return " It cannot be undone: its undo package is not on disk, and is lost with the session."


def unknown_outcome(run: ImportRun, error: MigrationError) -> MigrationError:
    """Return what a task fails with that asked for an import and does not know whether it began."""
    run.outcome.record(state=INTERRUPTED, ended=now(), message=error.message)
    details = dict(error.details, **run.outcome.as_result())
    details.update(import_outcome="unknown", changed=True)
    lost = " If it was, its undo package is lost." if run.options.generate_undo else ""
    return MigrationError(
        "%s It is unknown whether the package was imported.%s The request is not sent again, because that could import "
        "twice. See what is there with --check --diff, then run again." % (error.message, lost),
        **details,
    )


def warn_of_unverified(run: ImportRun, unseen: list[Change]) -> None:
    """Say which objects could not be looked up after an import, and which did not get what was predicted."""
    name = printable(run.options.name or run.package.file, 100)
    for what, changes in (
        ("could not be looked up afterwards", unseen),
        ("did not get what was predicted", run.outcome.unresolved),
    ):
        if changes:
            run.warnings.append(
                "The import of %s ended well, but %d of its objects %s: %s."
                % (name, len(changes), what, names_of(changes))
            )


def sentence(text: str) -> str:
    """Return a text with a capital letter at its beginning."""
    return text[:1].upper() + text[1:]
