# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flow of the module mstr_package_import: from its options to its result."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import Any

from . import importing, plan, staging
from .base import MigrationModule
from .errors import InputError, MigrationError
from .history import History
from .importing import ImportOptions, Outcome
from .plan import PackagePlan
from .planning import make_plan
from .session import Session
from .session_file import HeldImport
from .staging import PackageFile, Staged
from .text import printable

_MODE = re.compile(r"0?[0-7]{3}\Z")


def present(module: MigrationModule) -> dict[str, Any]:
    """Import what is due, or wait for an import that was started."""
    if module.params["src"]:
        return _from_file(module)
    with module.session() as session:
        options = _options(module)
        if module.params["import_id"]:
            return _wait_for(module, session, options)
        return _from_session(module, session, options)


def absent(module: MigrationModule) -> dict[str, Any]:
    """Release an import process."""
    import_id = module.params["import_id"]
    with module.session() as session:
        held = session.import_process
        if held is None or held.id != import_id:
            return {"changed": False}
        if not module.params["force"] or module.check_mode:
            session.refuse_loss("release the import process")
        session.release_import()
        return {"changed": True}


def _options(module: MigrationModule, package_file: str | None = None) -> ImportOptions:
    """Return the options of the import; the history needs the environment, which the session knows."""
    params = module.params
    history = None
    mode = _mode(params["history_mode"])
    if params["history_dir"]:
        history = History(params["history_dir"], module.environment, mode)
    return ImportOptions(
        name=params["name"] or _name_of(package_file),
        generate_undo=params["generate_undo"],
        undo_required=params["undo_required"],
        undo_timeout=params["undo_timeout"],
        undo_dest=params["undo_dest"],
        history=history,
        wait_timeout=params["wait_timeout"],
        poll_interval=params["poll_interval"] or 0.1,
        verify=params["verify"],
        force=params["force"],
    )


def _mode(value: Any) -> int:
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


def _name_of(package_file: str | None) -> str:
    return os.path.splitext(os.path.basename(package_file))[0] if package_file else ""


def _from_file(module: MigrationModule) -> dict[str, Any]:
    """The whole way in one task, uploading only where the manifest does not tell that nothing is due."""
    params = module.params
    module.package = os.path.basename(params["src"])
    package = staging.examine(params["src"], params["checksum"], module.warnings)
    declared = staging.agreed_type(params["type"], package.manifest)
    staging.check_project_option(params["project"], declared)
    with module.session() as session:
        options = _options(module, package.path)
        project_id = session.project_id(params["project"])
        planned = _plan_from_manifest(session, package, project_id)
        if planned is not None:
            done = _nothing_to_do(module, planned, package.manifest, options)
            if done is not None:
                return done
        staged = staging.stage(session, package, project_id, declared, params["wait_timeout"])
        earlier = session.import_process
        try:
            return _import_staged(module, session, staged, planned, options)
        finally:
            if params["wait"] and session.outlives_task:
                _release(module, session, staged, earlier, options)


def _release(
    module: MigrationModule, session: Session, staged: Staged, earlier: HeldImport | None, options: ImportOptions
) -> None:
    """Release what the task opened in a session that goes on, and nothing of an earlier task.

    Not an import that was not seen to end, and not an undo package that was to be kept and is not on disk yet.

    Args:
        module: The module.
        session: The session.
        staged: The package, which an earlier task may have uploaded.
        earlier: The import process that the session held before.
        options: How to import.
    """
    process = session.import_process
    started_here = process is not None and process is not earlier
    not_to_be_kept = started_here and not _kept_somewhere(options)
    if process is not None and (not process.finished or (process.undo_pending and not not_to_be_kept)):
        return
    try:
        if started_here:
            session.release_import()
        if staged.uploaded:
            session.release_package()
    except MigrationError as error:
        module.warnings.append("Not released: %s" % error.message)


def _kept_somewhere(options: ImportOptions) -> bool:
    return options.history is not None or options.undo_dest is not None


def _plan_from_manifest(session: Session, package: PackageFile, project_id: str | None) -> PackagePlan | None:
    found = package.manifest
    if found is None:
        return None
    kind = staging.package_type(found.type, found.rows, project_id is not None)
    return make_plan(session, found.rows, dict(found.settings), kind, project_id)


def _from_session(module: MigrationModule, session: Session, options: ImportOptions) -> dict[str, Any]:
    """Import the package that an earlier task uploaded into the session."""
    held, wanted = session.package, module.params["package_id"]
    if held is None or held.id != wanted:
        raise InputError(
            "package_id: this session holds %s, not %s."
            % ("package %s" % held.id if held else "no package", printable(wanted, 100))
        )
    module.package = held.file
    if not options.name:
        options = replace(options, name=_name_of(held.file))
    info = session.library.package(held.id, held.project_id, content=True)
    staged = staging.staged(held, info, held.type, uploaded=False)
    return _import_staged(module, session, staged, None, options)


def _nothing_to_do(
    module: MigrationModule, planned: PackagePlan, content: Any, options: ImportOptions
) -> dict[str, Any] | None:
    """Return the task's result where nothing is to be imported: nothing is due, or it is check mode; else None.

    Args:
        module: The module.
        planned: The plan.
        content: What has the package's rows and settings: a manifest, or a package held.
        options: How to import.

    Raises:
        InputError: The import that is due would be refused.
    """
    due = not planned.in_sync or options.force
    if due:
        importing.refuse_keep_both(content.rows, content.settings, options.generate_undo)
        importing.check_destinations(options, make=not module.check_mode)
        if module.params["src"] and options.undo_dest == module.params["src"]:
            raise InputError("undo_dest: it is the package file itself; name another file.")
    if due and not module.check_mode:
        return None
    return _result(module, Outcome(planned.as_result()), planned, options, changed=due)


def _import_staged(
    module: MigrationModule, session: Session, staged: Staged, planned: PackagePlan | None, options: ImportOptions
) -> dict[str, Any]:
    if planned is None:
        held = staged.held
        planned = make_plan(session, staged.rows, staged.settings, held.type, held.project_id)
        done = _nothing_to_do(module, planned, staged, options)
        if done is not None:
            return done
    if options.generate_undo and not _kept_somewhere(options) and module.params["src"]:
        module.warnings.append(
            "The undo package of this import is not kept, because neither history_dir nor undo_dest is set: it cannot "
            "be taken back."
        )
    session.refuse_loss("import the package again")
    session.release_import()
    outcome = importing.start(session, staged, planned, options)
    if module.params["wait"]:
        importing.finish(session, staged.held, staged, outcome, options, module.warnings)
    return _result(module, outcome, planned, options, changed=True)


def _wait_for(module: MigrationModule, session: Session, options: ImportOptions) -> dict[str, Any]:
    """Wait for an import that an earlier task started; that task has reported the change."""
    outcome, process, held = importing.resume(session, module.params["import_id"])
    module.package = held.file
    options = replace(
        options,
        generate_undo=process.generate_undo,
        undo_dest=options.undo_dest or process.undo_dest,
    )
    importing.finish(session, held, None, outcome, options, module.warnings)
    return dict(outcome.as_result(), changed=False)


def _result(
    module: MigrationModule, outcome: Outcome, planned: PackagePlan, options: ImportOptions, changed: bool
) -> dict[str, Any]:
    result = dict(outcome.as_result(), changed=changed)
    # Ansible asks for the diff by this private attribute of its modules.
    if module._diff and changed:  # pylint: disable=protected-access
        title = options.name
        if module.params.get("project"):
            title += " (project %s)" % module.params["project"]
        result["diff"] = {"prepared": plan.describe(title, planned)}
    return result
