# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flow of the module mstr_undo_package: saving an undo package, and taking an import back with one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from typing import Any

from ..errors import DiskError, InputError, MigrationError
from ..history import store as histories
from ..history.entry import Entry
from ..history.queries import latest, named, older_imports
from ..history.receipt import UNDONE
from ..history.store import History
from ..imports import undo_package
from ..imports.outcome import Outcome
from ..imports.rollback import Rollback
from ..imports.undo_package import Place
from ..package.file import PackageFile, examine, name_of
from ..plan import text as plan_text
from ..plan.package import PackagePlan
from ..plan.undo import change_of_undo, names_of_entries, parts_to_take_back, refuse_under_newer, undo_file
from ..session.connection import from_environment
from ..session.session import Session
from ..support.text import printable
from .base import MigrationModule
from .history import open_history, others_in_words


def present(module: MigrationModule) -> dict[str, Any]:
    """Save the undo package of an import."""
    import_id, dest = module.params["import_id"], module.params["dest"]
    undo_package.check_destination(dest, "dest", make=not module.check_mode)
    with module.session() as session:
        process = session.import_process
        if process is None or process.id != import_id:
            raise InputError("import_id: this session holds no import %s." % printable(import_id, 100))
        if not process.generate_undo:
            raise InputError(
                "import_id: %s was started with generate_undo: false; there is no undo package." % import_id
            )
        session.progress.package(name_of(session.package.file if session.package else None))
        force, timeout = module.params["force"], module.params["undo_timeout"]
        if module.check_mode:
            undo_package.wait_until_created(session, process, timeout)
            saved = undo_package.would_change(session, process, Place(dest, force=force))
        else:
            entry = Entry.reopen(process.entry) if process.entry else None
            # In the history it has the mode of the history, so that whoever may read the receipt can take it back.
            is_kept = entry is not None and entry.undo_path == dest
            places = [Place(dest, entry.mode if entry is not None and is_kept else 0o600, force)]
            if entry is not None and not is_kept and not os.path.exists(entry.undo_path):
                places.append(Place(entry.undo_path, entry.mode))
            outcome = Outcome(process.plan, entry=entry)
            saved = undo_package.keep(session, process, places, outcome, timeout, everywhere=True)
            if outcome.problems:
                raise DiskError(" ".join(outcome.problems))
    result: dict[str, Any] = {"changed": saved.changed, "undo": saved.as_result()}
    if saved.backup:
        result["backup_file"] = saved.backup
    return result


def applied(module: MigrationModule) -> dict[str, Any]:
    """Take an import back."""
    params = module.params
    package = None
    if params["src"]:
        package = examine(params["src"], params["checksum"], module.warnings)
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
            return _apply(module, session, _of_file(module, package, history, project_id), project_id)
        if history is None:
            raise InputError("history_dir: it is needed together with name.")
        entries = _scope(history, params, project_id)
        own = named(entries, params["name"])
        if params["entry"]:
            entry = _entry_of(history, params["name"], params["entry"], own)
            return _apply(module, session, _of_entry(module, entry, entries), project_id)
        return _apply_newest(module, session, _newest(module, history, own), entries)


def _apply(module: MigrationModule, session: Session, rollback: Rollback, project_id: str | None) -> dict[str, Any]:
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
    session.progress.package(rollback.name)
    planned, outcome, due = rollback.take_back(session, project_id, module.warnings)
    result = _result(rollback, outcome, changed=due)
    if module.wants_diff and due:
        title = plan_text.title("%s (taken back)" % rollback.name, params["project"])
        result["diff"] = {"prepared": plan_text.describe(title, planned.plan)}
    return result


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
    """Return the entries among which a name is looked for: a project's, or where none is named the one that has it."""
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


def _of_file(
    module: MigrationModule, package: PackageFile, history: History | None, project_id: str | None
) -> Rollback:
    """Return what an undo package's file takes back; its entry is the one that has this very file."""
    entries = history.entries(project_id) if history is not None else []
    entry = _whose_undo(entries, package)
    name = entry.receipt.name if entry else os.path.basename(package.path)
    return _rollback(module, package, name, entry, entries)


def _whose_undo(entries: Iterable[Entry], package: PackageFile) -> Entry | None:
    """Return the newest entry whose undo package is this very file, None where there is none."""
    own = [entry for entry in entries if (entry.receipt.undo or {}).get("sha256") == package.hash()]
    return own[-1] if own else None


def _refuse_of_another_server(module: MigrationModule, package: PackageFile, history: History | None) -> None:
    """Fail for an undo package that takes back what was imported on another server."""
    if module.params["server_moved"] or not module.base_url:
        return
    entry = _whose_undo(history.of_other_servers(), package) if history is not None else None
    beside = Entry(os.path.dirname(package.path), 0o600)
    if entry is None and histories.is_elsewhere(beside.made_on, module.base_url):
        # What lies beside the file may also be no receipt.
        with contextlib.suppress(InputError, DiskError):
            entry = _whose_undo([beside], package)
    if entry is not None:
        raise InputError(
            "src: %s takes back %s, which was imported on %s, not on %s. Nothing was sent. If this is that server "
            "under another address, say server_moved: true."
            % (package.path, entry.name, printable(entry.made_on, 200), module.base_url)
        )


def _entry_of(history: History, name: str, directory: str, own: list[Entry]) -> Entry:
    """Return the entry of a package that a directory name means."""
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
    """Return the newest import of a package that changed something, and say which others stay as they are."""
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


def _of_entry(module: MigrationModule, entry: Entry, entries: list[Entry]) -> Rollback:
    """Return what an import needs to be taken back."""
    name = entry.receipt.name
    if entry.receipt.state == UNDONE and not module.params["force"]:
        return _rollback(module, PackageFile(entry.undo_path, 0), name, entry, entries)
    return _rollback(module, undo_file(entry, named(entries, name)), name, entry, entries)


def _rollback(
    module: MigrationModule, package: PackageFile, name: str, entry: Entry | None, entries: list[Entry]
) -> Rollback:
    params = module.params
    return Rollback(
        package=package,
        name=name,
        entry=entry,
        entries=entries,
        wait_timeout=params["wait_timeout"],
        poll_interval=params["poll_interval"] or 0.1,
        force=params["force"],
        hold=params["hold"],
        check_mode=module.check_mode,
    )


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


def _result(rollback: Rollback, outcome: Outcome | None, changed: bool) -> dict[str, Any]:
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
