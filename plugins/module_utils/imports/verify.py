# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an import left: compared with what was predicted, or found out after it failed."""

from __future__ import annotations

from ..errors import MigrationError
from ..history.receipt import FAILED, key_text, now
from ..package.content import Content
from ..plan.destination import make_plan
from ..plan.listing import Listed
from ..plan.package import NOT_COMPARED, Change, PackagePlan, changes_from_result, other_versions, unresolved
from ..plan.text import names_of
from ..rest.models import ImportInfo, same_version
from ..support.progress import VERIFY
from . import messages, undo_package
from .outcome import ImportFailed, ImportRun, versions_of
from .undo_package import UndoUnavailable


def verify(run: ImportRun) -> None:
    """Compare what an import left with what was predicted, and record it.

    Raises:
        MigrationError: The objects cannot be looked up.
    """
    outcome, after = run.outcome, _plan_again(run)
    predicted = changes_from_result(outcome.plan)
    outcome.unresolved = unresolved(predicted, after)
    outcome.other_versions = other_versions(predicted, after)
    compared = {change.row.key for change in predicted if change.conflict != NOT_COMPARED}
    not_compared = [change for change in after.objects if change.conflict == NOT_COMPARED]
    outcome.verified = not outcome.unresolved and not not_compared
    outcome.versions = versions_of(after)
    messages.warn_of_unverified(run, [change for change in not_compared if change.row.key in compared])
    outcome.record(versions=outcome.versions, unresolved=[change.as_result() for change in outcome.unresolved])


def failed(run: ImportRun, info: ImportInfo) -> ImportFailed:
    """Return the error for an import that the server ended as failed, which says what it changed all the same."""
    process, outcome = run.process, run.outcome
    text = "Import %s failed: %s." % (info.id, (info.message or "The server gives no reason").rstrip("."))
    versions: dict[str, str | None] | None = None
    changed: list[Change] = []
    uncertain = True
    try:
        after = _plan_again(run)
    except MigrationError as error:
        text += " What it changed all the same is unknown: %s" % error.message
    else:
        versions = outcome.versions = versions_of(after)
        changed, uncertain = _changed_since(process.before, after)
        if changed:
            text += " It changed %d of %d objects before it failed: %s." % (
                len(changed),
                len({change.row.key for change in after.objects}),
                names_of(changed),
            )
        elif not uncertain:
            text += " No object was changed."
        if uncertain:
            text += " Whether it changed objects that cannot be compared is unknown."
    if process.undo_pending:
        text += _undo_of_failed(run, bool(changed) or uncertain)
    outcome.record(
        state=FAILED,
        ended=now(),
        message=info.message,
        changed=[change.as_result() for change in changed],
        versions=versions,
    )
    text = " ".join([text, *outcome.problems])
    return ImportFailed(text, changed=bool(changed) or uncertain, import_outcome="failed")


def _changed_since(before: dict[str, str | None], after: PackagePlan) -> tuple[list[Change], bool]:
    """Return the objects whose versions are others than before, and whether some cannot be compared."""
    versions = versions_of(after)
    objects = {key_text(change.row.key): change for change in after.objects}
    changed = [
        objects[key] for key, version in versions.items() if key in before and not same_version(version, before[key])
    ]
    return changed, any(key not in versions or key not in before for key in objects)


def _undo_of_failed(run: ImportRun, needed: bool) -> str:
    """Keep what the server can give to take a failed import back; return a sentence on it."""
    info = run.outcome.info
    if not needed and info is not None and not info.undo_package_created:
        run.expect_no_undo()
        return ""
    try:
        undo_package.fetch(run)
    except MigrationError as error:
        if isinstance(error, UndoUnavailable) and not error.created:
            run.expect_no_undo()
        return " %s%s" % (messages.sentence(error.message), messages.undo_state(run))
    return messages.undo_state(run)


def _plan_again(run: ImportRun) -> PackagePlan:
    """Return the plan of the package as the destination is now."""
    package, content = run.package, run.content
    run.session.progress.phase(VERIFY)
    if content is None:
        info = run.session.library.package(package.id, package.project_id, content=True)
        content = Content(package.sha256, package.size, package.type, info.settings, info.rows or ())
        run.content = content
    return make_plan(run.session, Listed(package.file, content, package.project_id), seen=run.seen).plan
