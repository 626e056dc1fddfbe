# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One import: started, waited for, its undo package kept, verified and recorded."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import replace

from ..errors import ConnectionLost, DiskError, InputError, Interrupted, MigrationError, ServerError
from ..history.entry import Entry
from ..history.queries import prunable
from ..history.receipt import IMPORTED, STARTED, Receipt, now
from ..package.content import Content
from ..package.upload import Staged
from ..plan.afterwards import as_due
from ..plan.package import PackagePlan
from ..rest.answers import says_not_found
from ..rest.models import ImportInfo
from ..session.file import ImportProcess
from ..session.job import Job
from ..session.session import Session
from ..support.progress import IMPORT, TAKE_BACK, WAIT
from ..support.text import printable
from ..support.wait import TimeIsUp, wait_for
from . import messages, undo_package, verify
from .outcome import ImportFailed, ImportOptions, ImportRun, Outcome, versions_of
from .undo_package import UndoUnavailable

# Seconds for the undo package of an import that is done, when the task is told to stop.
_LAST_MOMENT = 5.0
# Seconds for which a server that has begun to import may leave every question without an answer.
_PATIENCE = 300.0
# After so many refusals, one after the other, a server is taken at its word.
_REFUSED_IN_A_ROW = 5
# The statuses by which a server, or what is before it, refuses a request without acting on it.
_REFUSALS = frozenset((301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 409, 413, 415, 429))


def check_destinations(options: ImportOptions, project_id: str | None, make: bool) -> None:
    """Check, before anything is imported, that receipt and undo package can be written where they are to go.

    Args:
        options: How to import.
        project_id: The destination project, None at the configuration level.
        make: Whether to make the directories that are missing.

    Raises:
        InputError: It cannot.
    """
    if options.history is not None:
        options.history.check(project_id, make)
    if options.generate_undo and options.undo_dest:
        undo_package.check_destination(options.undo_dest, "undo_dest", make)
        if os.path.exists(options.undo_dest) and not options.force:
            raise InputError(
                "undo_dest: there is a file %s already, perhaps the only way back from an earlier import. Nothing was "
                "imported. Name another file, or say force: true, which keeps it as a backup." % options.undo_dest
            )


def start(
    session: Session, staged: Staged, plan: PackagePlan, options: ImportOptions, warnings: list[str]
) -> ImportRun:
    """Start importing what is in the session.

    Args:
        session: The session.
        staged: The package.
        plan: What importing it will do.
        options: How to import.
        warnings: Gets sentences about what is not as it should be and is no failure.

    Raises:
        MigrationError: The server did not start it, or it is unknown whether it did (``import_outcome: unknown``).
    """
    package, outcome = staged.package, Outcome(plan.as_result())
    run = ImportRun(session, package, options, outcome, warnings, staged.content)
    process = _announce(run, plan, staged.content)
    try:
        info = session.library.create_import(package.id, options.generate_undo, package.project_id)
    except (ConnectionLost, ServerError) as error:
        if _plainly_refused(error):
            _forget(run)
            raise
        outcome.note(lambda: session.put_import(None))
        raise messages.unknown_outcome(run, error) from error
    except Interrupted as stop:
        # Without its id, there is nothing that the next run could wait for.
        if not session.is_left or session.is_of_one_task:
            outcome.note(lambda: session.put_import(None))
        asked = MigrationError("Stopped by %s while the import was asked for." % stop.signal_name)
        raise messages.unknown_outcome(run, asked) from stop
    outcome.info = info
    process.id = info.id
    outcome.note(lambda: session.put_import(process))
    outcome.record(import_id=info.id)
    return run


def _announce(run: ImportRun, plan: PackagePlan, content: Content) -> ImportProcess:
    """Note the import before it is asked for, so that a run that takes up this session knows of it if this one dies."""
    options, outcome, session = run.options, run.outcome, run.session
    before = versions_of(plan)
    outcome.entry = _begin_entry(run, plan, content, before)
    process = ImportProcess(
        "",
        run.package.project_id,
        undo_pending=options.generate_undo,
        generate_undo=options.generate_undo,
        undo_dest=options.undo_dest,
        takes_back=options.takes_back,
        hold=options.hold,
        plan=outcome.plan,
        before=before,
        entry=outcome.entry.path if outcome.entry else None,
        followed=options.follow,
    )
    try:
        session.put_import(process)
        # The last moment at which a run that slept too long can be kept from importing beside its successor.
        session.check_lock()
    except BaseException:
        _forget(run)
        raise
    return process


def _begin_entry(run: ImportRun, plan: PackagePlan, content: Content, before: dict[str, str | None]) -> Entry | None:
    package, options = run.package, run.options
    if options.history is None:
        return None
    # From now on, since nobody may be left to say so once the import is done.
    due = as_due(options.wanted.predicted(plan, content) if package.project_id else (False, False))
    entry = options.history.begin(
        Receipt(
            state=STARTED,
            name=options.name,
            file=package.file,
            sha256=package.sha256,
            size=package.size,
            type=package.type,
            content=content.digest,
            environment=options.history.environment,
            base_url=run.session.state.base_url,
            project=package.project_id,
            user=run.session.state.user,
            started=now(),
            summary=run.outcome.plan["summary"],
            changes=run.outcome.plan["changes"],
            versions_before=before,
            **(run.session.state.job or Job()).as_imported(),
            run=run.session.state.run,
            plan_id=options.plan_id,
            metadata=run.session.state.metadata or None,
            window=options.window.of(package.project_id) if options.window else None,
            schema=due["schema"],
            caches=due["caches"],
        )
    )
    if options.window is not None:
        options.window.entries.append(entry.path)
    # Shows to others that somebody still works on it.
    run.session.leases.append(entry.receipt_path)
    return entry


def _forget(run: ImportRun) -> None:
    """Remove the traces of an import that did not begin."""
    run.session.state.import_process = None
    with contextlib.suppress(MigrationError):
        run.session.save()
    if run.outcome.entry:
        run.outcome.entry.discard()


def _plainly_refused(error: ConnectionLost | ServerError) -> bool:
    """Return whether an import was refused before the server acted, so that nothing can have been imported."""
    if isinstance(error, ConnectionLost):
        return not error.sent
    return error.status in _REFUSALS or (error.status == 503 and "retry_after" in error.details)


def release_opened(
    session: Session, staged: Staged, earlier: ImportProcess | None, undo_is_kept: bool, warnings: list[str]
) -> None:
    """Release what a task opened in a session that goes on, and nothing of an earlier task.

    Not an import that was not seen to end, and not an undo package that was to be kept and is not on disk yet.

    Args:
        session: The session.
        staged: The package, which an earlier task may have uploaded.
        earlier: The import process that was in the session before.
        undo_is_kept: Whether the undo package of an import that the task started was to be kept.
        warnings: Gets a sentence where something cannot be released.
    """
    process = session.import_process
    started_here = process is not None and process is not earlier
    not_to_be_kept = started_here and not undo_is_kept
    if process is not None and (not process.finished or (process.undo_pending and not not_to_be_kept)):
        return
    try:
        if started_here:
            session.release_import()
        if staged.uploaded:
            session.release_package()
    except MigrationError as error:
        warnings.append("Not released: %s" % error.message)


def resume(session: Session, import_id: str, options: ImportOptions, warnings: list[str]) -> ImportRun:
    """Return the import that an earlier task started.

    Args:
        session: The session.
        import_id: The import process.
        options: How to go on; whether and where an undo package goes was said when it was started.
        warnings: Gets sentences about what is not as it should be and is no failure.

    Raises:
        InputError: The import is not in the session.
    """
    process, package = session.import_process, session.package
    if process is None or process.id != import_id or package is None:
        raise InputError(
            "import_id: this session holds no import %s%s."
            % (printable(import_id, 100), ", but %s" % process.id if process else "")
        )
    info = session.library.import_process(import_id, process.project_id)
    options = replace(options, generate_undo=process.generate_undo, undo_dest=options.undo_dest or process.undo_dest)
    entry = Entry.reopen(process.entry) if process.entry else None
    return ImportRun(session, package, options, Outcome(process.plan, info, entry=entry), warnings)


def finish(run: ImportRun) -> None:
    """Wait for an import that was started, keep its undo package, verify and record it.

    However it ends, the failure says how far it came: whether the import is done, and where its undo package is.

    Raises:
        MigrationError: The import failed or its end was not seen, or the undo package cannot be had or kept.
    """
    process, follow_ups = run.process, run.options.follow_ups
    try:
        _finish(run)
    finally:
        if follow_ups is not None and process.finished:
            follow_ups.note(run, run.outcome.entry, run.options.wanted)


def _finish(run: ImportRun) -> None:
    process, outcome = run.process, run.outcome
    try:
        _follow(run)
    except ImportFailed as error:
        error.details.update(outcome.as_result())
        raise
    except MigrationError as error:
        # Under a lock the next run goes on with an import that runs, and fetches an undo package for which no other
        # task can come. Else it is given up, and the message says what is lost.
        gone = isinstance(error, ServerError) and _is_gone(error)
        needed = not process.finished or (run.session.is_of_one_task and process.undo_pending)
        process.followed = run.session.lock is not None and needed and not gone
        run.save()
        raise messages.failure(run, error) from error
    except Interrupted as stop:
        text = "Stopped by %s." % stop.signal_name
        if process.finished and process.undo_pending:
            # Worth a moment more: without it the import cannot be taken back.
            run.options = replace(run.options, undo_timeout=min(run.options.undo_timeout, _LAST_MOMENT))
            try:
                undo_package.fetch(run)
            except MigrationError as error:
                text += " %s" % messages.sentence(error.message)
        raise messages.failure(run, MigrationError(text)) from stop
    _prune(run)


def _prune(run: ImportRun) -> None:
    """Remove the oldest entries of the package, where a number to keep is given; the import is done all the same."""
    history, keep = run.options.history, run.options.history_keep
    if history is None or keep is None:
        return
    try:
        for entry in prunable(history.entries(run.package.project_id), run.options.name, keep):
            entry.remove()
    except DiskError as error:
        run.warnings.append("Old entries of the history were not removed. %s" % error.message)


def _follow(run: ImportRun) -> None:
    process, outcome, options = run.process, run.outcome, run.options
    started = time.monotonic()
    try:
        outcome.info = _wait(run)
    finally:
        outcome.seconds += time.monotonic() - started
    process.finished = True
    run.save()
    if outcome.info.has_failed:
        raise verify.failed(run, outcome.info)
    outcome.record(state=IMPORTED, ended=now())
    if options.when_imported is not None:
        options.when_imported()
    try:
        undo_package.keep_of(run)
    except UndoUnavailable:
        # What is there now is worth knowing all the same; that there is no way back weighs more than that this broke.
        with contextlib.suppress(MigrationError):
            if options.verify:
                verify.verify(run)
        raise
    if options.verify:
        verify.verify(run)
    if outcome.problems:
        raise MigrationError(" ".join(outcome.problems))


def _wait(run: ImportRun) -> ImportInfo:
    """Wait until the import has ended.

    A question that breaks says nothing about the import, and giving up would lose its undo package. So it is asked
    again, unless the session or the import is gone, the server has not answered for ``_PATIENCE`` seconds, or it
    refuses again and again: a single refusal may be that of something before it.
    """
    process, options = run.process, run.options
    silent_since: list[float] = []
    broken: list[MigrationError] = []

    def look() -> ImportInfo | None:
        try:
            run.outcome.info = run.session.library.import_process(process.id, process.project_id)
        except (ConnectionLost, ServerError) as error:
            broken.append(error)
            if isinstance(error, ServerError) and (_is_gone(error) or _refused_again(broken)):
                raise
            run.session.progress.phase(WAIT)
            silent_since.append(time.monotonic())
            if time.monotonic() - silent_since[0] >= _PATIENCE:
                raise
            return None
        silent_since.clear()
        broken.clear()
        run.session.progress.phase(TAKE_BACK if process.takes_back else IMPORT, _progress(run.outcome.info))
        return run.outcome.info

    def ended(seen: ImportInfo | None) -> bool:
        return seen is not None and seen.has_ended

    try:
        info = wait_for(look, ended, options.wait_timeout, options.poll_interval, _progress)
    except TimeIsUp as limit:
        last = " " + broken[-1].message if broken else ""
        raise MigrationError(
            "wait for the import: it did not end within %g s (wait_timeout).%s" % (options.wait_timeout, last)
        ) from limit
    if info is None:
        raise AssertionError("waiting ended without an import")
    return info


def _progress(seen: ImportInfo | None) -> float | None:
    return None if seen is None or seen.progress is None else seen.progress / 100


def _is_gone(error: ServerError) -> bool:
    """Return whether the session, or the import in it, is gone: no other question will be answered."""
    return error.status == 401 or (error.status == 404 and error.code is not None and says_not_found(error))


def _refused_again(broken: list[MigrationError]) -> bool:
    """Return whether the last answers were all refusals."""
    last = broken[-_REFUSED_IN_A_ROW:]
    return len(last) == _REFUSED_IN_A_ROW and all(
        isinstance(error, ServerError) and error.status in (400, 403, 404, 405) for error in last
    )
