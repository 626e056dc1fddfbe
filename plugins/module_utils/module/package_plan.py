# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flow of the module mstr_package_plan: from its options to its result."""

from __future__ import annotations

import os
from typing import Any

from ..errors import InputError
from ..imports.report import Report
from ..package.declared import Declared, Reader
from ..plan import text as plan_text
from ..plan.decision import Decision
from ..plan.document import PlanDocument, path_for, write
from ..plan.inside import Inside
from ..plan.planner import Planner, Scope
from ..plan.seen import write_seen
from ..session import file as session_file
from ..session.session import Session
from ..support.files import disk_errors, make_directory
from .around import Checks, checks_of, places_to_learn
from .around_import import foretold
from .base import MigrationModule
from .history import open_history, says_metadata, settle_metadata
from .options import parse_mode


def plan_packages(module: MigrationModule) -> dict[str, Any]:
    """Plan the list, and return what the task returns."""
    reader = reader_of(module, module.warnings)
    planner = planner_of(module, reader, module.warnings)
    with module.session() as session:
        checks = checks_of(module, session)
        decisions, document = _decide(module, session, planner, reader, checks)
        report = Report(decisions, session.state.run, document.plan_id)
        if module.check_mode:
            report.predict()
        projects = [package.project_id for package in planner.packages]
        afterwards, left = foretold(module, session, module.history, projects, decisions)
        in_sync = not left and not any(decision.due for decision in decisions)
        result: dict[str, Any] = {
            "changed": False,
            "in_sync": in_sync,
            "plan_id": document.plan_id,
            **checks.as_result(),
            "packages": report.packages,
            "report": report.as_result(complete=in_sync or module.check_mode),
            **afterwards.as_result(),
        }
        result["logged_out"] = False
        written = None
        if module.params["plan_file"]:
            path = result["plan_file"] = path_for(module.params["plan_file"], document.environment)
            if not session.path or path != session_file.beside(session.path, session_file.PLAN):
                _write(module.params["plan_file"], path, document)
                written = path
            elif not (module.check_mode or in_sync):
                # Else the run ends with this task, and with it what is beside its session file.
                write(path, document)
                write_seen(session_file.beside(session.path, session_file.SEEN), planner.found)
        texts = [decision.described() for decision in decisions if decision.due]
        texts += ["\n".join(["afterwards", *afterwards.lines()]) + "\n"] if afterwards.are_due else []
        if texts and module.wants_diff:
            blocks = [*checks.blocks(), *texts, *Inside(session, module.warnings).of_list(decisions)]
            result["diff"] = {"prepared": plan_text.describe_list(document.plan_id, None, blocks, written)}
        if module.check_mode:
            result["msg"] = "\n".join([report.text(check_mode=True), *afterwards.lines()])
        if module.params["plan_file"]:
            result["logged_out"] = _ends(session, module.check_mode or in_sync)
    return result


def _decide(
    module: MigrationModule, session: Session, planner: Planner, reader: Reader, checks: Checks
) -> tuple[list[Decision], PlanDocument]:
    """Return what becomes of each package, and the plan as it is written.

    Raises:
        MigrationError: A package cannot be planned, or what is due would fail, or is refused.
    """

    def before_upload(packages: list[Declared]) -> None:
        settle_metadata(module, session)
        checks.preflight.look(places_to_learn(module, packages))

    planner.prepare(session, reader, module.params["write_manifests"], before_upload)
    planner.look_up(session, beside=session.learn_metadata if says_metadata(module) else None)
    settle_metadata(module, session)
    decisions = planner.decide()
    planner.check(decisions)
    decisions = planner.find_gaps(session, decisions, module.params["wait_timeout"])
    checks.of_list(module, decisions)
    planner.confirm(session, reader, decisions)
    document = planner.document(session, decisions)
    # Who edited an object is none of the plan: what the journal says may change, and a plan stays the same.
    return (planner.name_editors(session, decisions) if module.params["journal"] else decisions), document


def planner_of(module: MigrationModule, reader: Reader, warnings: list[str]) -> Planner:
    """Return what plans the list that the options name.

    Args:
        module: The module, with the options packages, project and name.
        reader: Finds out what packages hold.
        warnings: Gets sentences about what is not as it should be and is no failure.

    Raises:
        MigrationError: The list, or the history, cannot be used.
    """
    params = module.params
    if params["packages"] is None:
        raise InputError("packages: say which packages the environment is to have; an empty list is one too.")
    if not params["packages"]:
        warnings.append(
            "packages: the list is empty (mstr_packages of the role), so nothing is declared for this environment."
        )
    packages = [reader.read(option, params["project"]) for option in params["packages"]]
    history = open_history(module)
    return Planner(packages, Scope(module.environment, params["name"] or None, history, warnings))


def reader_of(module: MigrationModule, warnings: list[str]) -> Reader:
    """Return what finds out what the packages of the list hold.

    Args:
        module: The module, with the options manifest_dir, history_mode and wait_timeout.
        warnings: Gets sentences about what is not as it should be and is no failure.
    """
    params = module.params
    mode = parse_mode(params["history_mode"])
    return Reader(params["manifest_dir"], mode, module.check_mode, params["wait_timeout"], warnings)


def _write(plan_file: str, path: str, plan: PlanDocument) -> None:
    """Write the plan, also in check mode, which is what it is for."""
    if plan_file.endswith(os.sep):
        with disk_errors("plan_file: the directory %s cannot be made" % plan_file):
            make_directory(plan_file, 0o755)
    write(path, plan)


def _ends(session: Session, nothing_is_left: bool) -> bool:
    """Have the session of a run logged out with this task, where its plan leaves nothing to do; return whether."""
    return session.state.run is not None and nothing_is_left and session.end_with_task()
