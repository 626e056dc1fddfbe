# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Importing a package: start, wait, keep the undo package, verify, record.

Nothing is released here before its undo package is on disk; who opened what is held releases it afterwards.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import ConnectionLost, InputError, Interrupted, MigrationError, ServerError
from ..history.entry import Entry
from ..history.receipt import FAILED, IMPORTED, INTERRUPTED, STARTED, Receipt, key_text, now
from ..history.store import History
from ..package.manifest import content_digest
from ..package.upload import Staged
from ..plan import text as plan_text
from ..plan.destination import make_plan
from ..plan.listing import as_listed
from ..plan.package import NOT_COMPARED, Change, PackagePlan, changes_from_result, other_versions, unresolved
from ..rest.answers import says_not_found
from ..rest.models import ImportInfo, same_version
from ..session.file import HeldImport, HeldPackage
from ..session.session import Session
from ..support.text import printable
from ..support.wait import TimeIsUp, wait_for
from . import undo_package as undo
from .undo_package import SavedUndo, UndoUnavailable

# Seconds for the undo package of an import that is done, when the task is told to stop.
_LAST_MOMENT = 5.0
# Seconds for which a server that has begun to import may leave every question without an answer.
_PATIENCE = 300.0
# After so many refusals, one after the other, a server is taken at its word.
_REFUSED_IN_A_ROW = 5


@dataclass(frozen=True)
class ImportOptions:
    """How to import.

    Attributes:
        name: What history calls the package.
        generate_undo: Whether the server makes an undo package.
        undo_required: Whether an import without its undo package is a failure.
        undo_timeout: Seconds to wait for the undo package after the import.
        undo_dest: A file to write the undo package to, or None.
        history: Where to keep receipt and undo package, or None.
        wait_timeout: Seconds to wait for the import.
        poll_interval: The longest pause between two polls, in seconds.
        verify: Whether to plan again afterwards.
        force: Import even what is in sync; back up other bytes at undo_dest.
        when_imported: Called as soon as the import is seen to have ended well, before anything else can fail.
        takes_back: The directory of the history entry that the import takes back, or None.
        hold: Whether what it takes back is to stay so.
        follow: Whether the task goes on to wait for the import.
    """

    name: str
    generate_undo: bool = True
    undo_required: bool = True
    undo_timeout: float = 300.0
    undo_dest: str | None = None
    history: History | None = None
    wait_timeout: float = 3600.0
    poll_interval: float = 5.0
    verify: bool = True
    force: bool = False
    when_imported: Callable[[], None] | None = None
    takes_back: str | None = None
    hold: bool = True
    follow: bool = True


@dataclass
class Outcome:
    """What an import came to, so far; a failure shows as much of it as there is."""

    plan: dict[str, Any]
    info: ImportInfo | None = None
    seconds: float = 0.0
    verified: bool = False
    # The versions found afterwards, as receipts write them; None where nobody looked.
    versions: dict[str, str | None] | None = None
    unresolved: list[Change] = field(default_factory=list)
    other_versions: list[Change] = field(default_factory=list)
    undo: SavedUndo | None = None
    entry: Entry | None = None
    # What of the bookkeeping could not be written. It must not stop what matters more: the undo package.
    problems: list[str] = field(default_factory=list)

    def note(self, write: Callable[[], None]) -> None:
        """Do a piece of bookkeeping; that it failed is said at the end."""
        try:
            write()
        except InputError as error:
            self.problems.append(error.message)

    def record(self, **values: Any) -> None:
        """Add values to the receipt, where there is one."""
        entry = self.entry
        if entry is not None:
            self.note(lambda: entry.write(**values))

    def as_result(self) -> dict[str, Any]:
        """Return it as a task returns it."""
        info = self.info
        return {
            "import": None
            if info is None
            else {
                "id": info.id,
                "status": info.status,
                "progress": info.progress,
                "undo_package_created": info.undo_package_created,
                "seconds": round(self.seconds, 3),
            },
            "plan": self.plan,
            "verified": self.verified,
            "unresolved": [change.as_result() for change in self.unresolved],
            "other_versions": [change.as_result() for change in self.other_versions],
            "undo": self.undo.as_result() if self.undo else None,
            "receipt": self.entry.receipt_path if self.entry else None,
        }


class ImportFailed(MigrationError):
    """The server ended the import as failed."""


class WithoutUndo(MigrationError):
    """The import is done, and its undo package is not on disk; it may still come for as long as it is held."""


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
        undo.check_destination(options.undo_dest, "undo_dest", make)
        if os.path.exists(options.undo_dest) and not options.force:
            raise InputError(
                "undo_dest: there is a file %s already, perhaps the only way back from an earlier import. Nothing was "
                "imported. Name another file, or say force: true, which keeps it as a backup." % options.undo_dest
            )


def start(session: Session, staged: Staged, plan: PackagePlan, options: ImportOptions) -> Outcome:
    """Start importing what the session holds.

    Raises:
        MigrationError: The server did not start it, or it is unknown whether it did (``import_outcome: unknown``).
    """
    held = staged.held
    outcome = Outcome(plan.as_result())
    before = versions_of(plan)
    outcome.entry = _begin_entry(session, staged, outcome.plan, before, options)
    process = HeldImport(
        "",
        held.project_id,
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
        # Noted before it is asked for, so that a run that takes up this session knows of it whenever this one dies.
        session.hold_import(process)
        # The last moment at which a run that slept too long can be kept from importing beside its successor.
        session.check_lock()
    except BaseException:
        _forget(session, outcome)
        raise
    try:
        info = session.library.create_import(held.id, options.generate_undo, held.project_id)
    except (ConnectionLost, ServerError) as error:
        if _plainly_refused(error):
            _forget(session, outcome)
            raise
        outcome.note(lambda: session.hold_import(None))
        raise _outcome_unknown(error, outcome, options) from error
    except Interrupted as stop:
        if not session.is_left:
            outcome.note(lambda: session.hold_import(None))
        asked = MigrationError("Stopped by %s while the import was asked for." % stop.signal_name)
        raise _outcome_unknown(asked, outcome, options) from stop
    outcome.info = info
    process.id = info.id
    outcome.note(lambda: session.hold_import(process))
    outcome.record(import_id=info.id)
    return outcome


def _forget(session: Session, outcome: Outcome) -> None:
    """Remove the traces of an import that did not begin."""
    session.state.import_process = None
    with contextlib.suppress(InputError):
        session.save()
    if outcome.entry:
        outcome.entry.discard()


def release_opened(
    session: Session, staged: Staged, earlier: HeldImport | None, undo_is_kept: bool, warnings: list[str]
) -> None:
    """Release what a task opened in a session that goes on, and nothing of an earlier task.

    Not an import that was not seen to end, and not an undo package that was to be kept and is not on disk yet.

    Args:
        session: The session.
        staged: The package, which an earlier task may have uploaded.
        earlier: The import process that the session held before.
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


def resume(session: Session, import_id: str) -> tuple[Outcome, HeldImport, HeldPackage]:
    """Return the import that an earlier task started, its process and its package.

    Raises:
        InputError: The session does not hold that import.
    """
    process, package = session.import_process, session.package
    if process is None or process.id != import_id or package is None:
        raise InputError(
            "import_id: this session holds no import %s%s."
            % (printable(import_id, 100), ", but %s" % process.id if process else "")
        )
    info = session.library.import_process(import_id, process.project_id)
    outcome = Outcome(process.plan, info)
    if process.entry:
        outcome.entry = Entry.reopen(process.entry)
    return outcome, process, package


def finish(
    session: Session,
    held: HeldPackage,
    known: Staged | None,
    outcome: Outcome,
    options: ImportOptions,
    warnings: list[str],
) -> None:
    """Wait for an import that was started, keep its undo package, verify and record it.

    However it ends, the failure says how far it came: whether the import is done, and where its undo package is.

    Args:
        session: The session, which holds the import process.
        held: The package.
        known: The package's content; None to ask the server for it.
        outcome: What ``start`` or ``resume`` returned; completed here.
        options: How to import.
        warnings: Gets sentences about what is not as it should be and is no failure.

    Raises:
        MigrationError: The import failed or its end was not seen, or the undo package cannot be had or kept.
    """
    process = session.import_process
    if process is None:
        raise AssertionError("no import process is held")
    try:
        _follow(session, process, held, known, outcome, options, warnings)
    except ImportFailed as error:
        error.details.update(outcome.as_result())
        raise
    except MigrationError as error:
        # Under a lock the next run goes on with an import that runs. Else it is given up, and the message says what is
        # lost.
        gone = isinstance(error, ServerError) and _is_gone(error)
        process.followed = session.lock is not None and not process.finished and not gone
        outcome.note(session.save)
        raise _failure(error.message, error.details, session, process, outcome, options) from error
    except Interrupted as stop:
        text = "Stopped by %s." % stop.signal_name
        if process.finished and process.undo_pending:
            # Worth a moment more: without it the import cannot be taken back.
            in_a_hurry = replace(options, undo_timeout=min(options.undo_timeout, _LAST_MOMENT))
            try:
                _fetch_undo(session, process, outcome, in_a_hurry)
            except MigrationError as error:
                text += " %s" % _sentence(error.message)
        raise _failure(text, {}, session, process, outcome, options) from stop


def _follow(
    session: Session,
    process: HeldImport,
    held: HeldPackage,
    known: Staged | None,
    outcome: Outcome,
    options: ImportOptions,
    warnings: list[str],
) -> None:
    name = printable(options.name or held.file, 100)
    started = time.monotonic()
    try:
        outcome.info = _wait(session, process, outcome, options)
    finally:
        outcome.seconds += time.monotonic() - started
    process.finished = True
    outcome.note(session.save)
    if outcome.info.status == "failed":
        _report_failure(session, process, held, known, outcome, options)
    outcome.record(state=IMPORTED, ended=now())
    if options.when_imported is not None:
        options.when_imported()
    try:
        _keep_undo(session, process, outcome, options, warnings)
    except UndoUnavailable:
        # What is there now is worth knowing all the same; that there is no way back weighs more than that this broke.
        with contextlib.suppress(MigrationError):
            if options.verify:
                _verify(session, held, known, outcome, name, warnings)
        raise
    if options.verify:
        _verify(session, held, known, outcome, name, warnings)
    if outcome.problems:
        raise MigrationError(" ".join(outcome.problems))


def _failure(
    message: str,
    details: dict[str, Any],
    session: Session,
    process: HeldImport,
    outcome: Outcome,
    options: ImportOptions,
) -> MigrationError:
    """Return what a task fails with whose import was started: what broke, and how far the import came."""
    text = _sentence(message.strip())
    result = dict(details, changed=True)
    failed = outcome.info is not None and outcome.info.status == "failed"
    if not process.finished:
        result["import_outcome"] = "unknown"
        text += (
            " Import %s was asked for and not seen to end; last seen: %s. It is unknown whether it will be imported."
            % (
                process.id,
                _last_seen(outcome),
            )
        )
        if session.is_left or session.is_to_be_taken_up:
            text += (
                " It is left as it is: the next run on this environment waits for it and keeps its undo package. "
                "Nobody has to do anything."
            )
        elif session.outlives_task:
            text += (
                " As long as nobody logs the session out, mstr_package_import with import_id can go on waiting for it."
            )
        else:
            if process.undo_pending:
                text += " The session is closed, and with it the undo package is lost."
            text += " See what is there with --check --diff."
            outcome.record(state=INTERRUPTED, ended=now(), message=message)
    elif failed:
        result["import_outcome"] = "failed"
        text += " Import %s had failed; what it changed all the same is unknown.%s" % (
            process.id,
            _undo_state(session, process, outcome, options),
        )
        outcome.record(state=FAILED, ended=now(), message=message)
    else:
        text += " The import is done%s.%s" % (
            "" if outcome.verified or not options.verify else ", and was not verified",
            _undo_state(session, process, outcome, options),
        )
    result.update(outcome.as_result())
    without_undo = process.finished and not failed and options.generate_undo and outcome.undo is None
    return (WithoutUndo if without_undo else MigrationError)(text, **result)


def _last_seen(outcome: Outcome) -> str:
    info = outcome.info
    if info is None:
        return "nothing"
    progress = "unknown" if info.progress is None else "%g" % info.progress
    return "%s, %s %% done" % (printable(info.status, 60), progress)


def _undo_state(session: Session, process: HeldImport, outcome: Outcome, options: ImportOptions) -> str:
    """Return a sentence on where the undo package is, with a space before it; empty where none was asked for."""
    if outcome.undo is not None:
        return " Its undo package is %s." % outcome.undo.path
    if not options.generate_undo:
        return ""
    if not process.undo_pending:
        return " It cannot be undone: the server made no undo package."
    if session.is_left:
        return " Its undo package is not on disk yet; the next run on this environment fetches it."
    if session.outlives_task:
        return (
            " Its undo package is not on disk. Until the session is logged out, mstr_undo_package with import_id "
            "and dest can fetch it."
        )
    return " It cannot be undone: its undo package is not on disk, and is lost with the session."


def _begin_entry(
    session: Session,
    staged: Staged,
    plan: dict[str, Any],
    before: dict[str, str | None],
    options: ImportOptions,
) -> Entry | None:
    if options.history is None:
        return None
    held = staged.held
    receipt = Receipt(
        state=STARTED,
        name=options.name,
        file=held.file,
        sha256=held.sha256,
        size=held.size,
        type=held.type,
        content=content_digest(staged.settings, staged.rows),
        environment=options.history.environment,
        base_url=session.state.base_url,
        project=held.project_id,
        user=session.state.user,
        started=now(),
        summary=plan["summary"],
        changes=plan["changes"],
        versions_before=before,
        # Set by AWX and Automation Controller in the environment of a job.
        job_id=os.environ.get("JOB_ID"),
    )
    entry = options.history.begin(receipt)
    # Shows to others that somebody still works on it.
    session.leases.append(entry.receipt_path)
    return entry


# The statuses by which a server, or what is before it, refuses a request without acting on it.
_REFUSALS = frozenset((301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 409, 413, 415, 429))


def _plainly_refused(error: ConnectionLost | ServerError) -> bool:
    """Return whether an import was refused before the server acted, so that nothing can have been imported."""
    if isinstance(error, ConnectionLost):
        return not error.sent
    return error.status in _REFUSALS or (error.status == 503 and "retry_after" in error.details)


def _outcome_unknown(error: MigrationError, outcome: Outcome, options: ImportOptions) -> MigrationError:
    outcome.record(state=INTERRUPTED, ended=now(), message=error.message)
    details = dict(error.details, **outcome.as_result())
    details.update(import_outcome="unknown", changed=True)
    lost = " If it was, its undo package is lost." if options.generate_undo else ""
    return MigrationError(
        "%s It is unknown whether the package was imported.%s The request is not sent again, because that could import "
        "twice. See what is there with --check --diff, then run again." % (error.message, lost),
        **details,
    )


def _wait(session: Session, process: HeldImport, outcome: Outcome, options: ImportOptions) -> ImportInfo:
    """Wait until the import has ended.

    A question that breaks says nothing about the import, and giving up would lose its undo package. So it is asked
    again, unless the session or the import is gone, the server has not answered for ``_PATIENCE`` seconds, or it
    refuses again and again: a single refusal may be that of something before it.
    """
    silent_since: list[float] = []
    broken: list[MigrationError] = []

    def look() -> ImportInfo | None:
        try:
            outcome.info = session.library.import_process(process.id, process.project_id)
        except (ConnectionLost, ServerError) as error:
            broken.append(error)
            if isinstance(error, ServerError) and (_is_gone(error) or _refused_again(broken)):
                raise
            silent_since.append(time.monotonic())
            if time.monotonic() - silent_since[0] >= _PATIENCE:
                raise
            return None
        silent_since.clear()
        broken.clear()
        return outcome.info

    def ended(seen: ImportInfo | None) -> bool:
        return seen is not None and seen.status in ("imported", "failed")

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


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _keep_undo(
    session: Session, process: HeldImport, outcome: Outcome, options: ImportOptions, warnings: list[str]
) -> None:
    """Bring the undo package onto the disk, in all the places where it is to go."""
    if not process.undo_pending:
        return
    try:
        _fetch_undo(session, process, outcome, options)
    except UndoUnavailable as error:
        if not error.created:
            process.undo_pending = False
            outcome.note(session.save)
        if options.undo_required:
            raise
        warnings.append("%s The import is done and cannot be undone." % _sentence(error.message))


def _fetch_undo(session: Session, process: HeldImport, outcome: Outcome, options: ImportOptions) -> None:
    """Wait for the undo package, download it once, and put it wherever it is to go.

    Raises:
        UndoUnavailable: It does not come.
        MigrationError: It cannot be read or written.
    """
    places = [(outcome.entry.undo_path, outcome.entry.mode, False)] if outcome.entry else []
    if options.undo_dest:
        places.append((options.undo_dest, 0o600, options.force))
    # The look that saw the import end often sees this as well.
    created = outcome.info is not None and outcome.info.undo_package_created
    if not places:
        if not created:
            outcome.info = undo.wait_until_created(session, process.id, process.project_id, options.undo_timeout)
        return
    for path, file_mode, force in places:
        try:
            if outcome.undo is None:
                outcome.undo = undo.obtain(
                    session, process.id, process.project_id, path, file_mode, force, options.undo_timeout, created
                )
            else:
                undo.keep_copy(outcome.undo, path, file_mode, force)
        except InputError as error:
            # A place that cannot be written must not keep it from the other one.
            outcome.problems.append(error.message)
    if outcome.undo is None:
        raise InputError(" ".join(outcome.problems))
    if outcome.info is not None:
        outcome.info = replace(outcome.info, undo_package_created=True)
    # The receipt first: a run that dies in between leaves a session of which the next one fetches it again.
    outcome.record(undo={"sha256": outcome.undo.sha256, "size": outcome.undo.size})
    process.undo_pending = False
    outcome.note(session.save)


def _plan_again(session: Session, held: HeldPackage, known: Staged | None) -> PackagePlan:
    """Return the plan of the package as the destination is now."""
    if known is None:
        info = session.library.package(held.id, held.project_id, content=True)
        known = Staged(held, info.settings, info.rows or (), uploaded=False)
    return make_plan(session, as_listed(known, held.file)).plan


def versions_of(plan: PackagePlan) -> dict[str, str | None]:
    """Return the versions in the destination, by ``<id>:<type>``, of the objects that could be looked up."""
    return {
        key_text(change.row.key): change.version_before
        for change in plan.objects
        if change.conflict != NOT_COMPARED or change.version_before is not None
    }


def _verify(
    session: Session, held: HeldPackage, known: Staged | None, outcome: Outcome, name: str, warnings: list[str]
) -> None:
    after = _plan_again(session, held, known)
    predicted = changes_from_result(outcome.plan)
    outcome.unresolved = unresolved(predicted, after)
    outcome.other_versions = other_versions(predicted, after)
    compared = {change.row.key for change in predicted if change.conflict != NOT_COMPARED}
    not_compared = [change for change in after.objects if change.conflict == NOT_COMPARED]
    outcome.verified = not outcome.unresolved and not not_compared
    outcome.versions = versions_of(after)
    unseen = [change for change in not_compared if change.row.key in compared]
    if unseen:
        warnings.append(
            "The import of %s ended well, but %d of its objects could not be looked up afterwards: %s."
            % (name, len(unseen), plan_text.names_of(unseen))
        )
    if outcome.unresolved:
        warnings.append(
            "The import of %s ended well, but %d of its objects did not get what was predicted: %s."
            % (name, len(outcome.unresolved), plan_text.names_of(outcome.unresolved))
        )
    outcome.record(versions=outcome.versions, unresolved=[change.as_result() for change in outcome.unresolved])


def _report_failure(
    session: Session,
    process: HeldImport,
    held: HeldPackage,
    known: Staged | None,
    outcome: Outcome,
    options: ImportOptions,
) -> None:
    """Fail for an import that the server ended as failed, saying what it changed all the same."""
    info = outcome.info
    if info is None:
        raise AssertionError("no status was read")
    said = info.message or "The server gives no reason"
    text = "Import %s failed: %s." % (info.id, said.rstrip("."))
    versions: dict[str, str | None] | None = None
    changed: list[Change] = []
    uncertain = True
    try:
        after = _plan_again(session, held, known)
    except MigrationError as error:
        text += " What it changed all the same is unknown: %s" % error.message
    else:
        versions = versions_of(after)
        keys = {key_text(change.row.key): change for change in after.objects}
        changed = [
            keys[key]
            for key, version in versions.items()
            if key in process.before and not same_version(version, process.before[key])
        ]
        uncertain = any(key not in versions or key not in process.before for key in keys)
        if changed:
            text += " It changed %d of %d objects before it failed: %s." % (
                len(changed),
                len(keys),
                plan_text.names_of(changed),
            )
        elif not uncertain:
            text += " No object was changed."
        if uncertain:
            text += " Whether it changed objects that cannot be compared is unknown."
    if process.undo_pending:
        text += _undo_of_failed(session, process, outcome, options, bool(changed) or uncertain)
    outcome.record(
        state=FAILED,
        ended=now(),
        message=info.message,
        changed=[change.as_result() for change in changed],
        versions=versions,
    )
    raise ImportFailed(" ".join([text, *outcome.problems]), changed=bool(changed) or uncertain, import_outcome="failed")


def _undo_of_failed(
    session: Session, process: HeldImport, outcome: Outcome, options: ImportOptions, needed: bool
) -> str:
    """Fetch what the server can give to take a failed import back; return a sentence on it."""
    if not needed and outcome.info is not None and not outcome.info.undo_package_created:
        process.undo_pending = False
        outcome.note(session.save)
        return ""
    try:
        _fetch_undo(session, process, outcome, options)
    except MigrationError as error:
        if isinstance(error, UndoUnavailable) and not error.created:
            process.undo_pending = False
            outcome.note(session.save)
        return " %s%s" % (_sentence(error.message), _undo_state(session, process, outcome, options))
    return _undo_state(session, process, outcome, options)
