# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flow of the module mstr_package_import with a plan: from its options to its result."""

from __future__ import annotations

from typing import Any

from ..errors import InputError, Interrupted, MigrationError, as_failure
from ..history.receipt import seconds_since
from ..imports.apply import HowToApply, PlanRun
from ..imports.outcome import ImportOptions
from ..imports.report import Report
from ..package.declared import Reader
from ..plan import approval
from ..plan import text as plan_text
from ..plan.document import PlanDocument, path_for, read
from ..plan.inside import Inside
from ..plan.known_gaps import gaps_of, refuse_new_gaps
from ..plan.listing import ObjectKey
from ..plan.package import Found
from ..plan.planner import Planner
from ..plan.refusals import Judged
from ..plan.seen import read_seen
from ..session import file as session_file
from ..session.session import Session
from .around import Checks, checks_of, places_to_learn
from .around_import import around, lines_of, refuse_window, result_of
from .base import MigrationModule
from .history import settle_metadata
from .package_plan import planner_of, reader_of


def carry_out(module: MigrationModule, options: ImportOptions) -> dict[str, Any]:
    """Carry out the plan of plan_file.

    Args:
        module: The module.
        options: How to import.
    """
    params = module.params
    _refuse_options(module, options)
    refuse_window(module)
    plan = read(path_for(params["plan_file"], module.environment))
    own = plan.run is not None and plan.run == module.run_id
    # What there is to say of a run's own plan was said when it was made.
    warnings: list[str] = [] if own else module.warnings
    reader = reader_of(module, warnings)
    planner = planner_of(module, reader, warnings)
    _refuse_another(module, plan, planner)
    with module.session() as session:
        options = around(module, session, options)
        # The plan of this very run was made with them a moment ago.
        checks = checks_of(module, session, wanted=not own)
        if not own:
            if plan.metadata is not None:
                approval.refuse_other_metadata(plan, session.metadata)
            settle_metadata(module, session)
        run = PlanRun(session, planner, plan, _how(module, options, checks, approved=not own), module.warnings)
        try:
            look = checks.preflight.look
            run.prepare(reader, _seen(session, own), lambda items: look(places_to_learn(module, items)))
            _check(module, session, planner, reader, run, checks, own)
            if module.check_mode:
                run.foretell()
            else:
                run.carry_out()
        except (MigrationError, Interrupted) as error:
            failure = as_failure(error)
            run.report.shorten()
            failure.details.update(_result(module, run, checks, options, complete=False))
            raise failure from error
        result = _result(module, run, checks, options, complete=run.is_complete)
        head = "" if own else "%s, is carried out" % plan_text.name_of_plan(plan.plan_id, seconds_since(plan.made))
        result["msg"] = "\n".join([run.report.text(head, module.check_mode), *lines_of(options)])
        if module.wants_diff and not own and result["changed"]:
            blocks = [*checks.blocks(), *(decision.described() for decision in run.due_at_first), *checks.inside]
            result["diff"] = {"prepared": plan_text.describe_list(plan.plan_id, seconds_since(plan.made), blocks)}
        # The run has nothing left to do.
        result["logged_out"] = session.state.run is not None and session.end_with_task()
    return result


def _check(
    module: MigrationModule,
    session: Session,
    planner: Planner,
    reader: Reader,
    run: PlanRun,
    checks: Checks,
    own: bool,
) -> None:
    """Find out what the imports would fail for, and judge; the plan of this very run has found it out a moment ago.

    Raises:
        InputError: They would fail for something that was no gap when the plan was approved.
        MigrationError: Something of what is due would fail, or is refused.
    """
    if own:
        run.due_at_first = [decision.with_gaps(gaps_of(run.plan, decision)) for decision in run.due_at_first]
    else:
        run.due_at_first = planner.find_gaps(session, run.due_at_first, module.params["wait_timeout"])
        refuse_new_gaps(run.plan, run.due_at_first)
    for decision in run.due_at_first:
        run.report.note(decision.position, **decision.plan.gaps.as_result())
    checks.of_list(module, run.due_at_first)
    if module.wants_diff and not own:
        checks.inside.extend(Inside(session, module.warnings).of_list(run.due_at_first))
    if own:
        return
    # Packages that are left alone may be uploaded for it.
    planner.confirm(session, reader, planner.decide())
    if module.params["journal"]:
        run.due_at_first = planner.name_editors(session, run.due_at_first)


def _how(module: MigrationModule, options: ImportOptions, checks: Checks, approved: bool) -> HowToApply:
    return HowToApply(
        options=options,
        approved=approved,
        take_back=module.params["on_failure"] == "rollback",
        log_in_again=lambda ended: _log_in_again(module, ended),
        settle=lambda current: _settle(module, current),
        judge=lambda decision: checks.refusals.judge([Judged.of(decision)]),
    )


def _refuse_options(module: MigrationModule, options: ImportOptions) -> None:
    """Fail for options that do not go with a plan."""
    params = module.params
    if params["on_failure"] == "rollback" and options.history is None:
        raise InputError("on_failure: rollback takes imports back by their history; it needs history_dir.")
    for name, value, instead in (
        ("wait", False, "each import of a plan is waited for; leave it out"),
        ("force", True, "with plan_file, say it of the package: packages[].force"),
    ):
        if params[name] is value:
            raise InputError("%s: %s." % (name, instead))


def _refuse_another(module: MigrationModule, plan: PlanDocument, planner: Planner) -> None:
    """Fail, before anything is sent, for a plan of something else; also then the result says which plan it is."""
    params = module.params
    try:
        approval.refuse_another(
            plan, planner.packages, params["name"] or None, module.base_url or plan.base_url, params["plan_max_age"]
        )
    except MigrationError as error:
        report = Report((), module.run_id, plan.plan_id)
        error.details.update(plan_id=plan.plan_id, packages=[], report=report.as_result(complete=False))
        raise


def _seen(session: Session, own: bool) -> dict[ObjectKey, Found] | None:
    """Return what the plan of this run has looked up, where the plan is the run's own, and the run has kept it."""
    return read_seen(session_file.beside(session.path, session_file.SEEN)) if own and session.path else None


def _log_in_again(module: MigrationModule, session: Session) -> None:
    # Imported where it is needed, which is hardly ever.
    from .sole_run import log_in_again

    log_in_again(module, session)


def _settle(module: MigrationModule, session: Session) -> None:
    from .sole_run import settle

    settle(module, session)


def _result(
    module: MigrationModule, run: PlanRun, checks: Checks, options: ImportOptions, complete: bool
) -> dict[str, Any]:
    """Return what the task returns, also where it fails.

    Args:
        module: The module.
        run: The plan that is carried out.
        checks: What was found out before.
        options: How it is imported.
        complete: Whether nothing is left to do.
    """
    report, follow_ups = run.report, run.follow_ups
    done = follow_ups.have_done
    if module.check_mode:
        done = follow_ups.are_due
        for decision in run.due_at_first:
            report.note(decision.position, changed=True)
    return {
        "changed": report.changed or done,
        "plan_id": run.plan.plan_id,
        **checks.as_result(),
        "packages": report.packages,
        "report": report.as_result(complete),
        "planned_anew": run.moved,
        **result_of(options),
    }
