# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flow of the module mstr_package_import: from its options to its result."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from typing import Any

from ..errors import InputError, MigrationError
from ..history.queries import vouches
from ..history.store import History
from ..imports import run as runs
from ..imports.outcome import ImportOptions, ImportRun, Outcome, WithoutUndo
from ..package.file import PackageFile, name_of
from ..package.kind import examine_declared, package_type
from ..package.upload import Staged, stage, staged
from ..plan import text as plan_text
from ..plan.destination import make_plan
from ..plan.edited import Editors
from ..plan.find_gaps import GapFinder
from ..plan.inside import Inside
from ..plan.listing import Listed, ListedPlan, ObjectKey
from ..plan.package import Found, refuse_keep_both
from ..plan.refusals import Judged
from ..session.session import Session
from ..support.text import printable
from .around import Checks, checks_of, place_of, wanted_of
from .around_import import around, refuse_window, result_of
from .base import MigrationModule
from .history import open_history, settle_metadata


def present(module: MigrationModule) -> dict[str, Any]:
    """Import what is due, carry a plan out, or wait for an import that was started."""
    if module.params["plan_file"]:
        # Imported where it is needed: the other ways need no list.
        from .plan_import import carry_out

        return carry_out(module, options_of(module, open_history(module)))
    refuse_window(module)
    if module.params["src"]:
        return _from_file(module)
    options = options_of(module, open_history(module))
    with module.session() as session:
        options = around(module, session, options)
        if module.params["import_id"]:
            return _wait_for(module, session, options)
        settle_metadata(module, session)
        return _from_session(module, session, options)


def absent(module: MigrationModule) -> dict[str, Any]:
    """Release an import process."""
    import_id = module.params["import_id"]
    with module.session() as session:
        process = session.import_process
        if process is None or process.id != import_id:
            return {"changed": False}
        if not module.params["force"] or module.check_mode:
            session.refuse_loss("release the import process")
        session.release_import()
        return {"changed": True}


def options_of(module: MigrationModule, history: History | None, package_file: str | None = None) -> ImportOptions:
    """Return the options of the import."""
    params = module.params
    keep = params["history_keep"]
    if keep is not None and keep < 1:
        raise InputError("history_keep: it must be 1 or more; to keep all entries, leave it out.")
    return ImportOptions(
        name=params["name"] or name_of(package_file),
        generate_undo=params["generate_undo"],
        undo_required=params["undo_required"],
        undo_timeout=params["undo_timeout"],
        undo_dest=params["undo_dest"],
        history=history,
        wait_timeout=params["wait_timeout"],
        poll_interval=params["poll_interval"] or 0.1,
        verify=params["verify"],
        force=params["force"],
        follow=params["wait"],
        history_keep=keep,
        wanted=wanted_of(module),
    )


def _from_file(module: MigrationModule) -> dict[str, Any]:
    """The whole way in one task, uploading only where the manifest does not tell that nothing is due."""
    params = module.params
    module.package = params["name"] or os.path.basename(params["src"])
    package, declared = examine_declared(params, params["project"], module.warnings)
    options = options_of(module, open_history(module), package.path)
    with module.session() as session:
        options = around(module, session, options)
        settle_metadata(module, session)
        return _import_file(module, session, package, declared, options)


def _import_file(
    module: MigrationModule, session: Session, package: PackageFile, declared: str | None, options: ImportOptions
) -> dict[str, Any]:
    params = module.params
    session.progress.package(options.name)
    project_id = session.project_id(params["project"])
    checks = checks_of(module, session)
    planned = _plan_from_manifest(module, session, package, project_id, options)
    if planned is not None and not (
        planned.due or planned.is_left_alone or _is_vouched_for(package, project_id, options)
    ):
        # Uploaded, to see whether the manifest is right.
        planned = None
    if planned is not None:
        done = _nothing_to_do(module, session, planned, options, checks)
        if done is not None:
            return done
    else:
        checks.preflight.look([place_of(module, project_id, params["project"])])
    found = stage(session, package, project_id, declared, params["wait_timeout"])
    earlier = session.import_process
    goes_on = not session.outlives_task or not params["wait"]
    try:
        return _import_staged(module, session, found, planned, options, checks)
    except WithoutUndo:
        # What is late can be fetched by another task.
        goes_on = True
        raise
    finally:
        if not goes_on:
            runs.release_opened(session, found, earlier, options.keeps_undo, module.warnings)


def _plan_from_manifest(
    module: MigrationModule, session: Session, package: PackageFile, project_id: str | None, options: ImportOptions
) -> ListedPlan | None:
    found = package.manifest
    if found is None:
        return None
    content = replace(found, type=package_type(found.type, found.rows, project_id is not None))
    return _plan(module, session, Listed(options.name, content, project_id, options.force))


def _plan(module: MigrationModule, session: Session, listed: Listed) -> ListedPlan:
    """Return the plan of the package. Where it is due it says what it would fail for, and who edited its objects."""
    seen: dict[ObjectKey, Found] = {}
    planned = make_plan(session, listed, module.history, seen)
    if planned.due:
        (planned,) = GapFinder(session, seen, module.params["wait_timeout"], module.warnings).told([planned])
    if not module.params["journal"]:
        return planned
    editors = Editors(session, module.history, seen)
    editors.look([planned])
    return editors.told(planned)


def _is_vouched_for(package: PackageFile, project_id: str | None, options: ImportOptions) -> bool:
    if package.manifest is None or options.history is None:
        return False
    return vouches(options.history.entries(project_id), package.hash(), package.manifest.digest)


def _from_session(module: MigrationModule, session: Session, options: ImportOptions) -> dict[str, Any]:
    """Import the package that an earlier task uploaded into the session."""
    package, wanted = session.package, module.params["package_id"]
    if package is None or package.id != wanted:
        raise InputError(
            "package_id: this session holds %s, not %s."
            % ("package %s" % package.id if package else "no package", printable(wanted, 100))
        )
    module.package = package.file
    if not options.name:
        options = replace(options, name=name_of(package.file))
    session.progress.package(options.name)
    info = session.library.package(package.id, package.project_id, content=True)
    found = staged(package, info, package.type, uploaded=False)
    return _import_staged(module, session, found, None, options, checks_of(module, session))


def _nothing_to_do(
    module: MigrationModule, session: Session, planned: ListedPlan, options: ImportOptions, checks: Checks
) -> dict[str, Any] | None:
    """Return the task's result where nothing is to be imported: nothing is due, or it is check mode; else None.

    Args:
        module: The module.
        session: The session.
        planned: The plan.
        options: How to import.
        checks: Finds out what would make it fail, or is refused.

    Raises:
        MigrationError: The import that is due is refused, or would fail.
    """
    package = planned.package
    if planned.is_left_alone:
        module.warnings.append(plan_text.why_left_alone(planned))
    if planned.due:
        refuse_keep_both(package.content, options.generate_undo)
        runs.check_destinations(options, package.project_id, make=not module.check_mode)
        if module.params["src"] and options.undo_dest == module.params["src"]:
            raise InputError("undo_dest: it is the package file itself; name another file.")
        types = (change.row.type for change in planned.plan.objects)
        checks.preflight.look([place_of(module, package.project_id, module.params["project"], types)])
        checks.refusals.judge([Judged.alone(planned, module.params["project"])])
        if module.wants_diff and module.params["src"]:
            title = plan_text.title(package.name, module.params["project"])
            checks.inside.extend(Inside(session, module.warnings).of([(title, module.params["src"], planned)]))
    if planned.due and not module.check_mode:
        return None
    follow_ups, changed = options.follow_ups, planned.due
    if follow_ups is not None:
        follow_ups.find(options.history, [package.project_id], options.wanted)
        changed = changed or follow_ups.are_due
        if planned.due:
            follow_ups.predict(package.project_id, options.wanted.predicted(planned.plan, package.content))
        elif not module.check_mode:
            follow_ups.do()
    return _result(module, Outcome(planned.plan.as_result()), planned, checks, options, changed)


def _import_staged(
    module: MigrationModule,
    session: Session,
    found: Staged,
    planned: ListedPlan | None,
    options: ImportOptions,
    checks: Checks,
) -> dict[str, Any]:
    project_id = found.package.project_id
    if planned is None:
        listed = Listed(options.name, found.content, project_id, options.force)
        planned = _plan(module, session, listed)
        done = _nothing_to_do(module, session, planned, options, checks)
        if done is not None:
            return done
    if options.generate_undo and not options.keeps_undo and module.params["src"]:
        module.warnings.append(
            "The undo package of this import is not kept, because neither history_dir nor undo_dest is set: it cannot "
            "be taken back."
        )
    session.refuse_loss("import the package again")
    session.release_import()
    window = options.window if project_id else None
    names = {project_id or "": module.params["project"] or found.package.project_id or ""}
    with window.over(names) if window is not None else contextlib.nullcontext():
        run = runs.start(session, found, planned.plan, options, module.warnings)
        if module.params["wait"]:
            _finish(run, options)
    return _result(module, run.outcome, planned, checks, options, changed=True)


def _finish(run: ImportRun, options: ImportOptions) -> None:
    """Wait for an import, and do what is due after it; a failure of that says what is done all the same."""
    runs.finish(run)
    if options.follow_ups is not None:
        options.follow_ups.find(options.history, [run.package.project_id], options.wanted)
        try:
            options.follow_ups.do()
        except MigrationError as error:
            error.details.update(run.outcome.as_result(), **options.follow_ups.as_result(), changed=True)
            raise


def _wait_for(module: MigrationModule, session: Session, options: ImportOptions) -> dict[str, Any]:
    """Wait for an import that an earlier task started; that task has reported the change."""
    run = runs.resume(session, module.params["import_id"], options, module.warnings)
    module.package = run.package.file
    session.progress.package(options.name or name_of(run.package.file))
    run.process.followed = True
    session.save()
    _finish(run, options)
    return dict(run.outcome.as_result(), **result_of(options), preflight=None, refused=[], changed=False)


def _result(
    module: MigrationModule,
    outcome: Outcome,
    planned: ListedPlan,
    checks: Checks,
    options: ImportOptions,
    changed: bool,
) -> dict[str, Any]:
    result = dict(outcome.as_result(), **result_of(options), **checks.as_result(), changed=changed)
    if module.wants_diff and changed:
        title = plan_text.title(planned.package.name, module.params["project"])
        text = plan_text.describe(title, planned.plan, planned.package.force)
        result["diff"] = {"prepared": plan_text.joined([*checks.blocks(), text, *checks.inside])}
    return result
