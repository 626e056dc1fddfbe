# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Importing a package: start, wait, keep the undo package, verify, record.

Nothing is released here before its undo package is on disk; who opened what is held releases it afterwards.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from . import history, undo
from .errors import ConnectionLost, InputError, Interrupted, MigrationError, ServerError
from .history import Entry, History
from .models import ImportInfo, Row
from .plan import Change, PackagePlan, changes_from_result, keeps_both, unresolved
from .planning import make_plan
from .session import Session
from .session_file import HeldImport, HeldPackage
from .staging import Staged
from .text import printable
from .undo import SavedUndo, UndoUnavailable
from .waiter import TimeIsUp, wait_for

# Seconds for the undo package of an import that is done, when the task is told to stop.
_LAST_MOMENT = 5.0


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


@dataclass
class Outcome:
    """What an import came to, so far; a failure shows as much of it as there is."""

    plan: dict[str, Any]
    info: ImportInfo | None = None
    seconds: float = 0.0
    verified: bool = False
    unresolved: list[Change] = field(default_factory=list)
    undo: SavedUndo | None = None
    entry: Entry | None = None

    def as_result(self) -> dict[str, Any]:
        """Return it as a task returns it."""
        result: dict[str, Any] = {
            "plan": self.plan,
            "verified": self.verified,
            "unresolved": [change.as_result() for change in self.unresolved],
            "undo": self.undo.as_result() if self.undo else None,
            "receipt": self.entry.receipt_path if self.entry else None,
        }
        if self.info is not None:
            result["import"] = {
                "id": self.info.id,
                "status": self.info.status,
                "progress": self.info.progress,
                "undo_package_created": self.info.undo_package_created,
                "seconds": round(self.seconds, 3),
            }
        return result


def refuse_keep_both(rows: Iterable[Row], settings: Mapping[str, Any], generate_undo: bool) -> None:
    """Fail before an import that the server can make no undo package for.

    The vendor documents that no undo package can be created with this conflict rule (page "Import a migration
    package", More examples).

    Raises:
        InputError: The package keeps both, and an undo package is asked for.
    """
    if generate_undo and keeps_both(rows, settings):
        raise InputError(
            "generate_undo: the package has the action keep_both, for which the server can make no undo package. "
            "Nothing was imported. To import it all the same, knowing that it cannot be taken back, say "
            "generate_undo: false."
        )


def check_destinations(options: ImportOptions, make: bool) -> None:
    """Check, before anything is imported, that the undo package can be written where it is to go.

    Args:
        options: How to import.
        make: Whether to make the directories that are missing.

    Raises:
        InputError: It cannot.
    """
    if not options.generate_undo:
        return
    if options.undo_dest:
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
    outcome.entry = _begin_entry(session, held, outcome.plan, options)
    try:
        info = session.library.create_import(held.id, options.generate_undo, held.project_id)
    except (ConnectionLost, ServerError) as error:
        if not _plainly_refused(error):
            raise _outcome_unknown(error, outcome, options) from error
        if outcome.entry:
            outcome.entry.discard()
        raise
    outcome.info = info
    session.hold_import(
        HeldImport(
            info.id,
            held.project_id,
            undo_pending=options.generate_undo,
            plan=outcome.plan,
            entry=outcome.entry.path if outcome.entry else None,
        )
    )
    if outcome.entry:
        outcome.entry.write(import_id=info.id)
    return outcome


def resume(session: Session, import_id: str) -> tuple[Outcome, HeldPackage]:
    """Return the import that an earlier task started, and its package.

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
    return outcome, package


def finish(
    session: Session,
    held: HeldPackage,
    known: Staged | None,
    outcome: Outcome,
    options: ImportOptions,
    warnings: list[str],
) -> None:
    """Wait for an import that was started, keep its undo package, verify and record it.

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
    started = time.monotonic()
    try:
        try:
            outcome.info = _wait(session, process, outcome, options)
        finally:
            outcome.seconds += time.monotonic() - started
        process.finished = True
        session.save()
        if outcome.info.status == "failed":
            _report_failure(session, held, known, outcome, options)
        if outcome.entry:
            outcome.entry.write(state=history.IMPORTED, ended=history.now())
        _keep_undo(session, process, outcome, options, warnings)
        if options.verify:
            _verify(session, held, known, outcome, warnings)
    except Interrupted as stop:
        raise _stopped(stop, session, process, outcome, options) from stop


def _stopped(
    stop: Interrupted, session: Session, process: HeldImport, outcome: Outcome, options: ImportOptions
) -> MigrationError:
    """Return the failure of a task that was told to stop, after saving the undo package of an import that is done."""
    text = "Stopped by %s." % stop.signal_name
    if not process.finished:
        text += " Import %s was still running. It is unknown whether it will be imported.%s" % (
            process.id,
            _how_to_go_on(session),
        )
        return MigrationError(text, import_outcome="unknown", changed=True, **outcome.as_result())
    text += " The import is done, and was not verified."
    if process.undo_pending:
        in_a_hurry = replace(options, undo_timeout=min(options.undo_timeout, _LAST_MOMENT))
        try:
            _fetch_undo(session, process, outcome, in_a_hurry)
        except MigrationError as error:
            text += " %s So %s" % (_sentence(error.message), _undo_state(session, error))
    if outcome.undo is not None:
        text += " Its undo package is %s." % outcome.undo.path
    return MigrationError(text, changed=True, **outcome.as_result())


def _begin_entry(session: Session, held: HeldPackage, plan: dict[str, Any], options: ImportOptions) -> Entry | None:
    if options.history is None:
        return None
    entry = options.history.begin(held.project_id, options.name, held.sha256)
    entry.write(
        state=history.STARTED,
        name=options.name,
        file=held.file,
        sha256=held.sha256,
        size=held.size,
        type=held.type,
        environment=options.history.environment,
        base_url=session.state.base_url,
        project=held.project_id,
        user=session.state.user,
        import_id=None,
        started=history.now(),
        ended=None,
        summary=plan["summary"],
        changes=plan["changes"],
        versions=None,
        unresolved=None,
        undo=None,
        undone_at=None,
        # Set by AWX and Automation Controller in the environment of a job.
        job_id=os.environ.get("JOB_ID"),
    )
    return entry


def _plainly_refused(error: ConnectionLost | ServerError) -> bool:
    """Return whether an import was refused before the server acted, so that nothing can have been imported."""
    if isinstance(error, ConnectionLost):
        return not error.sent
    return 300 <= error.status < 500 or (error.status == 503 and "retry_after" in error.details)


def _outcome_unknown(error: MigrationError, outcome: Outcome, options: ImportOptions) -> MigrationError:
    if outcome.entry:
        outcome.entry.write(state=history.INTERRUPTED, ended=history.now(), message=error.message)
    details = dict(error.details, **outcome.as_result())
    details["import_outcome"] = "unknown"
    lost = " If it was, its undo package is lost." if options.generate_undo else ""
    return MigrationError(
        "%s It is unknown whether the package was imported.%s The request is not sent again, because that could import "
        "twice. See what is there with --check --diff, then run again." % (error.message, lost),
        **details,
    )


def _wait(session: Session, process: HeldImport, outcome: Outcome, options: ImportOptions) -> ImportInfo:
    def look() -> ImportInfo:
        outcome.info = session.library.import_process(process.id, process.project_id)
        return outcome.info

    try:
        return wait_for(
            look, lambda seen: seen.status in ("imported", "failed"), options.wait_timeout, options.poll_interval
        )
    except TimeIsUp as limit:
        last = outcome.info
        seen = "%s, %s %% done" % (
            printable(last.status, 60) if last else "unknown",
            "unknown" if last is None or last.progress is None else "%g" % last.progress,
        )
        raise MigrationError(
            "wait for the import: import %s did not end within %g s (wait_timeout); last seen: %s. It is unknown "
            "whether it will be imported.%s" % (process.id, options.wait_timeout, seen, _how_to_go_on(session)),
            import_outcome="unknown",
            changed=True,
            **outcome.as_result(),
        ) from limit


def _how_to_go_on(session: Session) -> str:
    if session.outlives_task:
        return " The session still holds it: wait again with mstr_package_import and import_id."
    return " The session is closed, and with it the undo package is lost; see what is there with --check --diff."


def _keep_undo(
    session: Session, process: HeldImport, outcome: Outcome, options: ImportOptions, warnings: list[str]
) -> None:
    """Bring the undo package onto the disk, in all the places where it is to go."""
    if not process.undo_pending:
        return
    try:
        _fetch_undo(session, process, outcome, options)
    except MigrationError as error:
        if isinstance(error, UndoUnavailable) and not options.undo_required:
            process.undo_pending = False
            session.save()
            warnings.append("%s The import is done and cannot be undone." % _sentence(error.message))
            return
        details = dict(error.details, changed=True, **outcome.as_result())
        raise MigrationError(
            "%s The import is done, but %s" % (_sentence(error.message), _undo_state(session, error)), **details
        ) from error


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _undo_state(session: Session, error: MigrationError) -> str:
    if isinstance(error, UndoUnavailable):
        return "cannot be undone."
    if session.outlives_task:
        return (
            "its undo package is not on disk. The session still holds it: fetch it with mstr_undo_package, import_id "
            "and dest, before the session ends."
        )
    return "its undo package is lost, so it cannot be undone."


def _fetch_undo(session: Session, process: HeldImport, outcome: Outcome, options: ImportOptions) -> None:
    """Wait for the undo package and save it wherever it is to go.

    Raises:
        UndoUnavailable: It does not come.
        MigrationError: It cannot be read or written.
    """
    outcome.info = undo.wait_until_created(session, process.id, process.project_id, options.undo_timeout)
    mode = options.history.mode if options.history else 0o600
    if outcome.entry:
        outcome.undo = undo.save(session, process.id, process.project_id, outcome.entry.undo_path, mode, False)
        outcome.entry.write(undo={"sha256": outcome.undo.sha256, "size": outcome.undo.size})
    if options.undo_dest:
        kept = undo.save(session, process.id, process.project_id, options.undo_dest, 0o600, options.force)
        outcome.undo = outcome.undo or kept
    if outcome.undo is not None:
        process.undo_pending = False
        session.save()


def _content(session: Session, held: HeldPackage, known: Staged | None) -> Staged:
    if known is not None:
        return known
    info = session.library.package(held.id, held.project_id, content=True)
    return Staged(held, info.settings, info.rows or (), uploaded=False)


def _plan_again(session: Session, held: HeldPackage, known: Staged | None) -> PackagePlan:
    staged = _content(session, held, known)
    return make_plan(session, staged.rows, staged.settings, held.type, held.project_id)


def _versions(plan: PackagePlan) -> dict[str, str | None]:
    """Return the versions found in the destination, by ``<id>:<type>``."""
    return {"%s:%d" % change.row.key: change.version_before for change in plan.objects}


def _verify(session: Session, held: HeldPackage, known: Staged | None, outcome: Outcome, warnings: list[str]) -> None:
    after = _plan_again(session, held, known)
    outcome.unresolved = unresolved(changes_from_result(outcome.plan), after)
    outcome.verified = not outcome.unresolved
    if outcome.unresolved:
        warnings.append(
            "The import ended well, but %d of its objects did not get what was predicted: %s."
            % (len(outcome.unresolved), _names(outcome.unresolved))
        )
    if outcome.entry:
        outcome.entry.write(versions=_versions(after), unresolved=[change.as_result() for change in outcome.unresolved])


def _names(changes: Iterable[Change]) -> str:
    names = ['%s "%s"' % (change.as_result()["type_name"], printable(change.row.name, 60)) for change in changes]
    return ", ".join(names[:5]) + (", and %d more" % (len(names) - 5) if len(names) > 5 else "")


def _report_failure(
    session: Session, held: HeldPackage, known: Staged | None, outcome: Outcome, options: ImportOptions
) -> None:
    """Fail for an import that the server ended as failed, saying what it changed all the same."""
    info = outcome.info
    if info is None:
        raise AssertionError("no status was read")
    said = " %s" % info.message if info.message else " The server gives no reason."
    text = "Import %s failed:%s" % (info.id, said if said.endswith(".") else said + ".")
    process = session.import_process
    changed: list[Change] = []
    after: PackagePlan | None = None
    try:
        after = _plan_again(session, held, known)
    except MigrationError as error:
        text += " What it changed all the same is unknown: %s" % error.message
    else:
        was = {(change.row.id.upper(), change.row.type): change for change in changes_from_result(outcome.plan)}
        changed = [
            change
            for change in after.objects
            if change.row.key in was and change.version_before != was[change.row.key].version_before
        ]
        if changed:
            text += " It changed %d of %d objects before it failed: %s." % (len(changed), len(was), _names(changed))
        else:
            text += " No object was changed."
    if process is not None and process.undo_pending and (changed or after is None or info.undo_package_created):
        text += " " + _undo_of_failed(session, process, outcome, options)
    if process is not None:
        # Whatever could be had is on disk now.
        process.undo_pending = False
        session.save()
    if outcome.entry:
        outcome.entry.write(
            state=history.FAILED,
            ended=history.now(),
            message=info.message,
            changed=[change.as_result() for change in changed],
            versions=_versions(after) if after else None,
        )
    raise MigrationError(text, changed=bool(changed) or after is None, import_outcome="failed", **outcome.as_result())


def _undo_of_failed(session: Session, process: HeldImport, outcome: Outcome, options: ImportOptions) -> str:
    try:
        _fetch_undo(session, process, outcome, options)
    except MigrationError as error:
        return "There is no undo package for it: %s" % error.message
    if outcome.undo is None:
        return "Its undo package was not asked for (history_dir or undo_dest)."
    return "Its undo package is %s." % outcome.undo.path
