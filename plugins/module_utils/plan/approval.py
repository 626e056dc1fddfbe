# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a plan that was approved still holds: the list, the files, the server, and what is there.

What a plan decided on may be as the plan saw it, or as the plan's own steps leave it: a run of it that broke off can be
continued. Anything else makes it stale as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import InputError
from ..history.receipt import UNKNOWN, seconds_since
from ..package.declared import Declared
from ..rest import models
from ..rest.address import same_base_url
from ..rest.models import DestinationObject, same_version
from ..support.text import printable
from . import text as plan_text
from .carried_out import CarriedOut
from .decision import Decision
from .document import HELD, IMPORT, TAKE_BACK, PlanDocument, Step
from .listing import ObjectKey, in_found
from .package import NOT_COMPARED, CannotTell, Found

_AGAIN = "Nothing was done. Make the plan anew (--check), and have it approved."
# How many differences a message names.
_NAMED = 5


def refuse_another(
    plan: PlanDocument, packages: Sequence[Declared], selection: str | None, base_url: str, max_age: float | None
) -> None:
    """Fail, before anything is sent, where a plan is for something else than what the task is for.

    Args:
        plan: The plan.
        packages: The list of the task.
        selection: The name of the packages that the task may act on; None for all.
        base_url: The server's address.
        max_age: After how many seconds a plan is too old; None for never.

    Raises:
        InputError: It is; the message says in what they differ.
    """
    if not same_base_url(plan.base_url, base_url):
        raise InputError(
            "plan_file: its plan %s is for environment %s, the server %s, not for %s. Nothing was done. Name the plan "
            "of this environment; for several, name their directory."
            % (plan.plan_id, printable(plan.environment, 100), printable(plan.base_url, 200), base_url)
        )
    age = seconds_since(plan.made)
    if max_age is not None and (age is None or age > max_age):
        raise InputError(
            "plan_file: its plan %s was made at %s, and one that is older than %g s is too old "
            "(plan_max_age; mstr_plan_max_age of the role). %s"
            % (plan.plan_id, printable(plan.made, 40), max_age, _AGAIN)
        )
    if plan.selection != selection:
        raise InputError(
            "plan_file: its plan %s is for %s, and this task for %s (name; mstr_package of the role). %s"
            % (plan.plan_id, _selected(plan.selection), _selected(selection), _AGAIN)
        )
    found = [*_other_files(plan, packages)] or [*_other_list(plan, packages)]
    if found:
        raise InputError("plan_file: %s %s" % (_some(found), _AGAIN))


def refuse_other_metadata(plan: PlanDocument, metadata: str | None) -> None:
    """Fail where another metadata is behind the server than when a plan was made.

    Args:
        plan: The plan.
        metadata: What tells the metadata from others now; None where the server does not say.

    Raises:
        InputError: It is another one.
    """
    if plan.metadata is not None and metadata is not None and plan.metadata != metadata:
        raise InputError(
            "plan_file: its plan %s was made for the metadata %s, and behind the server is %s now. %s"
            % (plan.plan_id, printable(plan.metadata, 80), printable(metadata, 80), _AGAIN)
        )


def _selected(name: str | None) -> str:
    return "the package %s alone" % printable(name, 100) if name else "the whole list"


def _some(found: Sequence[str]) -> str:
    more = len(found) - _NAMED
    return " ".join(found[:_NAMED]) + (" And %d more." % more if more > 0 else "")


def _other_list(plan: PlanDocument, packages: Sequence[Declared]) -> Iterable[str]:
    """Return sentences on where the list of a plan is not that of the task."""
    planned, given = [item.name for item in plan.packages], [item.name for item in packages]
    if planned != given:
        missing = [name for name in planned if name not in given]
        more = [name for name in given if name not in planned]
        for name in missing:
            yield "Package %s is in the plan, and not in the list." % printable(name, 100)
        for name in more:
            yield "Package %s is in the list, and not in the plan." % printable(name, 100)
        if not missing and not more:
            yield "The list has another order than in the plan."
        return
    for then, package in zip(plan.packages, packages):
        option = package.option
        for name, planned_value, value in (
            ("state", then.state, option["state"]),
            ("force", then.force, option["force"]),
            # It is made unless somebody says otherwise.
            ("generate_undo", then.generate_undo is not False, option["generate_undo"] is not False),
        ):
            if planned_value != value:
                yield "Package %s has %s: %s in the list, and %s in the plan." % (
                    printable(package.name, 100),
                    name,
                    _value(value),
                    _value(planned_value),
                )


def _value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else printable(value, 60)


def _other_files(plan: PlanDocument, packages: Sequence[Declared]) -> Iterable[str]:
    for then, package in zip(plan.packages, packages):
        if then.name != package.name or then.sha256 is None or package.file is None:
            continue
        if package.file.hash() != then.sha256:
            yield "The file of package %s is another one than in the plan (sha256 %s..., not %s...)." % (
                printable(package.name, 100),
                package.file.hash()[:12],
                then.sha256[:12],
            )


def _other_projects(plan: PlanDocument, decisions: Iterable[Decision]) -> Iterable[str]:
    """Return sentences on packages that are for another project, or are something else, than in the plan."""
    for then, decision in zip(plan.packages, decisions):
        now = decision.as_planned()
        if now.project_id != then.project_id:
            yield "Package %s is for project %s now, and for %s in the plan." % (
                printable(now.name, 100),
                printable(now.project or "none", 100),
                printable(then.project or "none", 100),
            )
        elif now.content != then.content:
            yield "Package %s is described otherwise now than in the plan, though its file is the same." % printable(
                now.name, 100
            )
        elif now.type != then.type:
            yield "Package %s is of type %s now, and of type %s in the plan." % (
                printable(now.name, 100),
                now.type,
                printable(then.type, 40),
            )


def _key(place: str, change: Mapping[str, Any]) -> ObjectKey:
    return (place, change["id"].upper(), change["type"])


def refuse_stale(
    plan: PlanDocument, decisions: Sequence[Decision], found: Mapping[ObjectKey, Found], carried_out: CarriedOut
) -> None:
    """Fail where what a plan decided on has changed otherwise than by the plan's own steps.

    Args:
        plan: The plan.
        decisions: What would be decided now, for each package.
        found: What is there of all objects.
        carried_out: How far the plan was carried out before.

    Raises:
        InputError: It has; the message names what has changed, and what it is now.
    """
    reasons = [*_other_projects(plan, decisions)] or [
        *_stale_objects(plan, decisions, found, carried_out),
        *_stale_steps(plan, decisions, carried_out),
    ]
    refuse_as_stale(plan, reasons)


def refuse_as_stale(plan: PlanDocument, reasons: Sequence[str]) -> None:
    """Fail where there are reasons, a sentence each, for which a plan does not hold.

    Raises:
        InputError: There are.
    """
    if reasons:
        raise InputError("plan_file: the plan %s is stale. %s %s" % (plan.plan_id, _some(reasons), _AGAIN))


def refuse_moved(
    plan: PlanDocument, decision: Decision, found: Mapping[ObjectKey, Found], carried_out: CarriedOut
) -> None:
    """Fail where the objects of a package have changed since the carrying out of a plan began.

    Args:
        plan: The plan.
        decision: What would be decided now of the package that is to be imported.
        found: What is there of its objects.
        carried_out: How far the plan was carried out, by this run too.

    Raises:
        InputError: They have; the message names them, and what they are now.
    """
    reasons = [*_stale_objects(plan, [decision], found, carried_out)]
    if reasons:
        raise InputError(
            "plan_file: the plan %s does not hold any more, since something has changed while it was carried out. %s "
            "This package was not imported. Make the plan anew (--check), and have it approved."
            % (plan.plan_id, _some(reasons))
        )


def _stale_objects(
    plan: PlanDocument, decisions: Sequence[Decision], found: Mapping[ObjectKey, Found], carried_out: CarriedOut
) -> Iterable[str]:
    places = {package.position: package.project_id or "" for package in plan.packages}
    positions = {decision.position for decision in decisions}
    allowed: dict[ObjectKey, list[str | None]] = {key: list(versions) for key, versions in carried_out.left.items()}
    decided: dict[ObjectKey, dict[str, Any]] = {}
    anything: set[ObjectKey] = set()
    for step in plan.steps:
        for change in step.changes:
            key = in_found(found, _key(places[step.position], change))
            if step.position in positions:
                decided.setdefault(key, change)
            allowed.setdefault(key, []).append(change["version_now"])
            if step.do in (IMPORT, TAKE_BACK):
                # Earlier steps leave what this one finds.
                allowed[key].extend((change["version_before"], change["version_after"]))
            if _leaves_anything(step, change, carried_out):
                anything.add(key)
    for decision in decisions:
        for row in decision.plan.changes:
            key = in_found(found, (decision.package.project_id or "", *row.row.key))
            # What the plan left as it is, and would not be left now.
            decided.setdefault(key, {**row.as_result(), "version_now": row.version_before, "left": True})
    for key, change in decided.items():
        if key in anything or key not in found:
            continue
        now = found[key]
        version = now.version if isinstance(now, DestinationObject) else None
        known = any(same_version(version, other) for other in allowed.get(key, ()))
        if isinstance(now, CannotTell) or not known:
            yield _moved(change, now)


def _leaves_anything(step: Step, change: Mapping[str, Any], carried_out: CarriedOut) -> bool:
    """Return whether the version that an object has says nothing on whether the plan still holds."""
    if change.get("conflict") == NOT_COMPARED and change["version_now"] is None:
        return True
    return step.position in carried_out.begun and (change["effect"] == UNKNOWN or change["type"] == models.FOLDER_TYPE)


def _moved(change: Mapping[str, Any], now: Found) -> str:
    if isinstance(now, CannotTell):
        is_now = "cannot be looked up now"
    else:
        is_now = "is version %s now" % printable(now.version, 40) if now is not None else "is gone now"
    saw = "version %s" % printable(change["version_now"], 40) if change["version_now"] else "none"
    return '%s "%s" (%s) %s; %s.' % (
        models.type_name(change["type"]).capitalize(),
        printable(change.get("name"), 60),
        printable(change["id"], 40),
        is_now,
        "it has changed since the plan" if change.get("left") else "the plan saw %s" % saw,
    )


def _stale_steps(plan: PlanDocument, decisions: Sequence[Decision], carried_out: CarriedOut) -> Iterable[str]:
    """Return sentences on what imports and rollbacks since have changed, which shows in no version."""
    steps = {step.position: step for step in plan.steps}
    touched = set(carried_out.left)
    for package in plan.packages:
        step = steps[package.position]
        if step.do in (IMPORT, TAKE_BACK):
            touched.update(_key(place, change) for change in step.changes for place in (package.project_id or "", ""))
    for decision in decisions:
        step, name = steps[decision.position], printable(decision.package.name, 100)
        planned = decision.planned
        if decision.do == TAKE_BACK:
            newer = [entry.name for entry in decision.undoing.parts if entry.name not in step.entries]
            if newer:
                yield "Package %s was imported again since (%s)." % (name, ", ".join(newer))
        elif planned is not None and step.do == IMPORT and decision.position not in carried_out.done:
            if planned.doubtful:
                yield plan_text.why_left_alone(planned)
            elif decision.position in carried_out.taken_back and decision.do != HELD:
                yield "Package %s was taken back since; the plan does not bring it in a second time." % name
            elif decision.do == HELD:
                yield (
                    "Package %s was taken back since, and stays so (a new file of it, or force: true, brings it in)."
                    % name
                )
        elif (
            planned is not None
            and (decision.do, step.do == IMPORT) == (IMPORT, False)
            and any(planned.package.key(change.row) not in touched for change in decision.plan.changes)
        ):
            yield "Package %s is due now, and was not when the plan was made." % name


def open_positions(plan: PlanDocument, carried_out: CarriedOut) -> set[int]:
    """Return the places in the list, from 1, of packages that the plan imports and that are not done yet."""
    return {step.position for step in plan.steps if step.do == IMPORT} - carried_out.done
