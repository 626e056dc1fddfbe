# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flow of the module mstr_undo_package: saving an undo package, and taking an import back with one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..errors import InputError, MigrationError
from ..history import store as histories
from ..history.entry import Entry
from ..history.queries import latest, named, older_imports
from ..history.receipt import UNDONE
from ..history.store import History
from ..imports import run as importing
from ..imports import undo_package as undo
from ..imports.rollback import names_of_entries, parts_to_take_back, refuse_edited, refuse_under_newer, undo_file
from ..imports.run import ImportFailed, ImportOptions, Outcome
from ..package import upload as staging
from ..package.upload import PackageFile, Staged
from ..plan import text as plan_text
from ..plan.destination import make_plan
from ..plan.listing import ListedPlan, as_listed
from ..plan.package import EXISTS_DIFFERENTLY, PackagePlan
from ..plan.undo import change_of_undo
from ..rest.models import FOLDER_TYPE
from ..session.connection import from_environment
from ..session.session import Session
from ..support.text import printable
from .base import MigrationModule
from .history import open_history, others_in_words


def present(module: MigrationModule) -> dict[str, Any]:
    """Save the undo package of an import."""
    import_id, dest = module.params["import_id"], module.params["dest"]
    undo.check_destination(dest, "dest", make=not module.check_mode)
    with module.session() as session:
        process = session.import_process
        if process is None or process.id != import_id:
            raise InputError("import_id: this session holds no import %s." % printable(import_id, 100))
        if not process.generate_undo:
            raise InputError(
                "import_id: %s was started with generate_undo: false; there is no undo package." % import_id
            )
        force, timeout = module.params["force"], module.params["undo_timeout"]
        if module.check_mode:
            undo.wait_until_created(session, import_id, process.project_id, timeout)
            saved = undo.would_change(session, import_id, process.project_id, dest, force)
        else:
            entry = Entry.reopen(process.entry) if process.entry else None
            # In the history it has the mode of the history, so that whoever may read the receipt can take it back.
            file_mode = entry.mode if entry is not None and entry.undo_path == dest else 0o600
            saved = undo.obtain(session, import_id, process.project_id, dest, file_mode, force, timeout)
            if entry is not None:
                if not os.path.exists(entry.undo_path):
                    undo.keep_copy(saved, entry.undo_path, entry.mode, False)
                entry.write(undo={"sha256": saved.sha256, "size": saved.size})
            process.undo_pending = False
            session.save()
    result: dict[str, Any] = {"changed": saved.changed, "undo": saved.as_result()}
    if saved.backup:
        result["backup_file"] = saved.backup
    return result


@dataclass
class _Rollback:
    """What is to be taken back.

    Attributes:
        package: The undo package's file.
        name: What the package is called.
        entry: Its entry in the history; None for a file that no entry knows.
        entries: The entries of its project, or of the configuration level, oldest first.
    """

    package: PackageFile
    name: str
    entry: Entry | None
    entries: list[Entry]


def applied(module: MigrationModule) -> dict[str, Any]:
    """Take an import back."""
    params = module.params
    package = None
    if params["src"]:
        package = staging.examine(params["src"], params["checksum"], module.warnings)
        module.package = os.path.basename(params["src"])
    else:
        if not params["name"]:
            raise InputError(
                "name: it is empty; say which package is to be taken back (playbook rollback: mstr_package)."
            )
        module.package = params["name"]
    history = open_history(module)
    if package is not None:
        _refuse_of_another_server(module, package, history)
    with module.session() as session:
        project_id = session.project_id(params["project"])
        if package is not None:
            return _apply(module, session, _of_file(package, history, project_id), project_id)
        if history is None:
            raise InputError("history_dir: it is needed together with name.")
        entries = _scope(history, params, project_id)
        own = named(entries, params["name"])
        if params["entry"]:
            entry = _entry_of(history, params["name"], params["entry"], own)
            return _apply(module, session, _of_entry(module, entry, entries), project_id)
        return _apply_newest(module, session, _newest(module, history, own), entries)


def _apply(module: MigrationModule, session: Session, rollback: _Rollback, project_id: str | None) -> dict[str, Any]:
    """Take one import back, unless that is done already."""
    entry, params = rollback.entry, module.params
    if entry is not None:
        if entry.receipt.state == UNDONE and not params["force"]:
            if params["hold"] and entry.receipt.held is False and not module.check_mode:
                # A failed run took it back and would try again; whoever asks now wants it to stay so.
                entry.write(held=True)
            return _result(rollback, None, changed=False)
        if not params["force"]:
            refuse_under_newer(entry, rollback.entries)
        project_id = entry.receipt.project
    return _take_back(module, session, rollback, project_id)


def _apply_newest(module: MigrationModule, session: Session, newest: Entry, entries: list[Entry]) -> dict[str, Any]:
    """Take the newest import of a package back, and the failed ones right before it that are a part of it."""
    parts = parts_to_take_back(newest, named(entries, module.params["name"]), module.warnings)
    result = _apply(module, session, _of_entry(module, newest, entries), None)
    result["also_taken_back"] = []
    for part in parts:
        if part is newest:
            continue
        if module.check_mode:
            # Its objects are not yet as they will be then, so that nothing can be compared.
            done: dict[str, Any] = {"changed": True}
            if module.wants_diff:
                title = plan_text.title("%s (taken back)" % module.params["name"], module.params["project"])
                text = plan_text.describe(title, PackagePlan(tuple(change_of_undo([part]))))
                done["diff"] = {"prepared": text}
        else:
            try:
                done = _apply(module, session, _of_entry(module, part, entries), None)
            except MigrationError as error:
                error.message += " The import that came after it, %s, is taken back." % newest.name
                raise
        result["changed"] = result["changed"] or done["changed"]
        result["also_taken_back"].append(part.name)
        if "diff" in done:
            before = result.get("diff", {}).get("prepared", "")
            result["diff"] = {"prepared": before + done["diff"]["prepared"]}
    return result


def _scope(history: History, params: dict[str, Any], project_id: str | None) -> list[Entry]:
    """Return the entries among which a name is looked for: a project's, or where none is named the one that has it.

    Raises:
        InputError: Several have it.
    """
    if params["project"] is not None:
        entries = history.entries(project_id)
        # What the environment says is for those who say nothing; it must not hide where the package is.
        if not from_environment(params, "project") or named(entries, params["name"]):
            return entries
    found = named(history.all_entries(), params["name"])
    places = sorted({str(entry.receipt.project or histories.CONFIGURATION) for entry in found})
    if len(places) > 1:
        raise InputError(
            "project: packages called %s were imported into several (%s); say which. '' is the configuration level."
            % (printable(params["name"], 100), ", ".join(printable(place, 60) for place in places))
        )
    return history.entries(found[-1].receipt.project) if found else []


def _of_file(package: PackageFile, history: History | None, project_id: str | None) -> _Rollback:
    """Return what an undo package's file takes back; its entry is the one that has this very file."""
    entries = history.entries(project_id) if history is not None else []
    entry = _whose_undo(entries, package)
    return _Rollback(package, entry.receipt.name if entry else os.path.basename(package.path), entry, entries)


def _whose_undo(entries: Iterable[Entry], package: PackageFile) -> Entry | None:
    """Return the newest entry whose undo package is this very file, None where there is none."""
    own = [entry for entry in entries if (entry.receipt.undo or {}).get("sha256") == package.hash()]
    return own[-1] if own else None


def _refuse_of_another_server(module: MigrationModule, package: PackageFile, history: History | None) -> None:
    """Fail for an undo package that takes back what was imported on another server.

    Raises:
        InputError: It is, by the history, or by the receipt that lies beside it.
    """
    if module.params["server_moved"] or not module.base_url:
        return
    entry = _whose_undo(history.of_other_servers(), package) if history is not None else None
    beside = Entry(os.path.dirname(package.path), 0o600)
    if entry is None and histories.is_elsewhere(beside.made_on, module.base_url):
        # What lies beside the file may also be no receipt.
        with contextlib.suppress(InputError):
            entry = _whose_undo([beside], package)
    if entry is not None:
        raise InputError(
            "src: %s takes back %s, which was imported on %s, not on %s. Nothing was sent. If this is that server "
            "under another address, say server_moved: true."
            % (package.path, entry.name, printable(entry.made_on, 200), module.base_url)
        )


def _entry_of(history: History, name: str, directory: str, own: list[Entry]) -> Entry:
    """Return the entry of a package that a directory name means.

    Raises:
        InputError: There is none.
    """
    wanted = [entry for entry in own if entry.name == os.path.basename(directory.rstrip("/"))]
    if not wanted:
        raise InputError(
            "entry: the history of environment %s has no entry %s of package %s; there is: %s.%s"
            % (
                history.environment,
                printable(directory, 200),
                printable(name, 100),
                names_of_entries(own),
                _elsewhere(history, name),
            )
        )
    return wanted[-1]


def _newest(module: MigrationModule, history: History, own: list[Entry]) -> Entry:
    """Return the newest import of a package that changed something, and say which others stay as they are.

    Raises:
        InputError: There is none.
    """
    name = module.params["name"]
    newest = latest(own)
    if newest is None and own:
        raise InputError(
            "name: no import of %s changed anything; there is nothing to take back (%s)."
            % (printable(name, 100), names_of_entries(own))
        )
    if newest is None:
        return _no_such_import(history, name)
    idle = [entry for entry in own if entry.name > newest.name]
    if idle and newest.receipt.state != UNDONE:
        module.warnings.append(
            "Newer imports of %s are passed over, because no object got another version by them: %s."
            % (printable(name, 100), names_of_entries(idle[-5:]))
        )
    older = older_imports(newest, own)
    if older:
        module.warnings.append(
            "Only the newest import of %s is taken back (%s%s). Older imports of the same file stay: %s. To go further "
            "back, name one as entry (playbook rollback: mstr_entry)."
            % (
                printable(name, 100),
                newest.name,
                ", before this run" if newest.receipt.state == UNDONE else "",
                names_of_entries(older[-5:]),
            )
        )
    return newest


def _of_entry(module: MigrationModule, entry: Entry, entries: list[Entry]) -> _Rollback:
    """Return what an import needs to be taken back.

    Raises:
        InputError: It has no undo package.
    """
    name = entry.receipt.name
    if entry.receipt.state == UNDONE and not module.params["force"]:
        return _Rollback(PackageFile(entry.undo_path, 0), name, entry, entries)
    return _Rollback(undo_file(entry, named(entries, name)), name, entry, entries)


def _no_such_import(history: History, name: str) -> Entry:
    raise InputError(
        "name: the history of environment %s below %s has no import of a package called %s there; the environment has: "
        "%s.%s"
        % (history.environment, history.directory, printable(name, 100), _names(history), _elsewhere(history, name))
    )


def _elsewhere(history: History, name: str) -> str:
    """Return a sentence on what other servers have of that name, with a space before it; empty for nothing."""
    others = named(history.of_other_servers(), name)
    return " " + others_in_words(history, others) if others else ""


def _names(history: History) -> str:
    found = {
        "%s (%s)" % (entry.receipt.name, entry.receipt.project or histories.CONFIGURATION)
        for entry in history.all_entries()
    }
    return ", ".join(printable(name, 120) for name in sorted(found)[:20]) or "none"


def _take_back(
    module: MigrationModule, session: Session, rollback: _Rollback, project_id: str | None
) -> dict[str, Any]:
    params, entry = module.params, rollback.entry
    declared = entry.receipt.type if entry is not None else None
    staged = staging.stage(session, rollback.package, project_id, declared, params["wait_timeout"])
    earlier = session.import_process
    try:
        planned = make_plan(session, as_listed(staged, rollback.name))
        if entry is not None and not params["force"]:
            refuse_edited(entry, rollback.entries, planned.plan.changes)
        due = not planned.plan.in_sync or _folders_are_due(entry, planned)
        outcome = Outcome(planned.plan.as_result())
        if due and not module.check_mode:
            outcome = _import(module, session, rollback, staged, planned)
        elif not module.check_mode:
            _mark(module, rollback, versions_undone=importing.versions_of(planned.plan))
    finally:
        if session.outlives_task:
            importing.release_opened(session, staged, earlier, False, module.warnings)
    result = _result(rollback, outcome, changed=due)
    if module.wants_diff and due:
        title = plan_text.title("%s (taken back)" % rollback.name, params["project"])
        result["diff"] = {"prepared": plan_text.describe(title, planned.plan)}
    return result


def _folders_are_due(entry: Entry | None, planned: ListedPlan) -> bool:
    """Return whether folders have to come back that the import changed: versions do not tell of folders otherwise."""
    if entry is None or entry.receipt.state == UNDONE:
        return False
    changed = entry.receipt.touched
    return any(
        change.row.type == FOLDER_TYPE and change.conflict == EXISTS_DIFFERENTLY and change.row.key in changed
        for change in planned.plan.objects
    )


def _import(
    module: MigrationModule, session: Session, rollback: _Rollback, staged: Staged, planned: ListedPlan
) -> Outcome:
    params = module.params
    taken_back: list[bool] = []

    def mark() -> None:
        # Before anything else can fail: a deployment must not bring in again what was just taken back.
        taken_back.append(True)
        _mark(module, rollback)

    options = ImportOptions(
        name=rollback.name,
        # The vendor's help: an undo package reverts what its own import did; there is none for it in turn.
        generate_undo=False,
        wait_timeout=params["wait_timeout"],
        poll_interval=params["poll_interval"] or 0.1,
        force=params["force"],
        when_imported=mark,
        takes_back=rollback.entry.path if rollback.entry else None,
        hold=params["hold"],
    )
    session.refuse_loss("take an import back")
    session.release_import()
    outcome = importing.start(session, staged, planned.plan, options)
    name = printable(rollback.name, 100)
    try:
        importing.finish(session, staged.held, staged, outcome, options, module.warnings)
    except MigrationError as error:
        if taken_back:
            error.message += " %s is taken back." % name
        elif isinstance(error, ImportFailed):
            error.message += (
                " %s may be taken back in part. Remove the cause, then take it back again; a deployment before that "
                "brings it in again." % name
            )
        raise
    if rollback.entry is not None and outcome.versions is not None:
        rollback.entry.write(versions_undone=outcome.versions)
    if outcome.unresolved:
        raise MigrationError(
            "The undo package of %s was imported, but %d objects did not come back as they were: %s. The import counts "
            "as taken back all the same, so that no deployment brings it in again; force: true tries anew."
            % (name, len(outcome.unresolved), plan_text.names_of(outcome.unresolved)),
            changed=True,
            **outcome.as_result(),
        )
    return outcome


def _mark(module: MigrationModule, rollback: _Rollback, **values: Any) -> None:
    """Note in the receipt that its import is taken back.

    Raises:
        InputError: It cannot be written.
    """
    if rollback.entry is None:
        return
    try:
        rollback.entry.mark_undone(module.params["hold"], **values)
    except InputError as error:
        error.message += (
            " So the history does not say that the import is taken back: a deployment may bring it in again."
        )
        raise


def _result(rollback: _Rollback, outcome: Outcome | None, changed: bool) -> dict[str, Any]:
    entry = rollback.entry
    package = rollback.package
    done = outcome.as_result() if outcome is not None else {}
    saved = None
    if package.sha256 is not None:
        saved = {"path": package.path, "sha256": package.sha256, "size": package.size}
    return {
        "changed": changed,
        "undo": saved,
        "entry": entry.name if entry else None,
        "import": done.get("import"),
        "plan": done.get("plan"),
        "verified": done.get("verified", False),
        "unresolved": done.get("unresolved", []),
        "receipt": entry.receipt_path if entry else None,
    }
