# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a plan that was approved still holds: the list, the files, the server, and what is there.

What a plan decided on may be as the plan saw it, or as the plan's own steps leave it: a run of it that broke off can be
continued. Anything else makes it stale as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError
from ..history.entry import Entry
from ..history.receipt import IMPORTED, UNDONE, UNKNOWN, seconds_since
from ..package.declared import Declared
from ..rest import models
from ..rest.address import same_base_url
from ..rest.models import DestinationObject, Row, same_version
from ..support.text import printable
from .decision import Decision
from .document import HELD, IMPORT, TAKE_BACK, PlanDocument, PlannedPackage, Step
from .listing import ObjectKey
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
            "plan_file: its plan %s is for the server %s, not for %s. %s"
            % (plan.plan_id, printable(plan.base_url, 200), base_url, _AGAIN)
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


def _selected(name: str | None) -> str:
    return "the package %s alone" % printable(name, 100) if name else "the whole list"


def _some(found: Sequence[str]) -> str:
    more = len(found) - _NAMED
    return " ".join(found[:_NAMED]) + (" And %d more." % more if more > 0 else "")


def _other_list(plan: PlanDocument, packages: Sequence[Declared]) -> Iterable[str]:
    """Return sentences on where the list of a plan is not that of the task."""
    planned = {(item.project, item.name): item for item in plan.packages}
    given = {(item.given_project, item.name): item for item in packages}
    for key in planned:
        if key not in given:
            yield "Package %s is in the plan, and not in the list." % printable(key[1], 100)
    for key, package in given.items():
        if key not in planned:
            yield "Package %s is in the list, and not in the plan." % printable(key[1], 100)
            continue
        for name in ("state", "force", "generate_undo"):
            now, then = package.option[name], getattr(planned[key], name)
            if now != then:
                yield "Package %s has %s: %s in the list, and %s in the plan." % (
                    printable(package.name, 100),
                    name,
                    _value(now),
                    _value(then),
                )
    if list(planned) != list(given) and set(planned) == set(given):
        yield "The list has another order than in the plan."


def _value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) or value is None else printable(value, 60)


def _other_files(plan: PlanDocument, packages: Sequence[Declared]) -> Iterable[str]:
    planned = {(item.project, item.name): item for item in plan.packages}
    for package in packages:
        then = planned.get((package.given_project, package.name))
        if then is None or then.sha256 is None or package.file is None:
            continue
        if package.file.hash() != then.sha256:
            yield "The file of package %s is another one than in the plan (sha256 %s..., not %s...)." % (
                printable(package.name, 100),
                package.file.hash()[:12],
                then.sha256[:12],
            )


@dataclass
class CarriedOut:
    """How far a plan was carried out before.

    Attributes:
        done: The places in the list, from 1, of packages whose import a receipt of this plan shows.
        left: What receipts of this plan say that its steps left, by object.
        begun: The places of packages of which an import was begun.
    """

    done: set[int] = field(default_factory=set)
    left: dict[ObjectKey, list[str | None]] = field(default_factory=dict)
    begun: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, plan: PlanDocument, entries: Mapping[str | None, Sequence[Entry]]) -> CarriedOut:
        """Return how far receipts say that a plan was carried out.

        Args:
            plan: The plan.
            entries: The entries of the history, oldest first, by project.

        Raises:
            DiskError: A receipt cannot be read.
        """
        carried_out = cls()
        imports = {step.position for step in plan.steps if step.do == IMPORT}
        for package in plan.packages:
            if package.position not in imports or package.sha256 is None:
                continue
            for entry in entries.get(package.project_id, ()):
                if entry.sha256_part == package.sha256[:12] and _is_of(entry, plan, package):
                    carried_out._add(package, entry)
        return carried_out

    def _add(self, package: PlannedPackage, entry: Entry) -> None:
        receipt = entry.receipt
        if receipt.state == UNDONE:
            # As before the plan. What the taking back left counts as well.
            self.done.discard(package.position)
            versions = receipt.after_undoing
        else:
            self.begun.add(package.position)
            versions = receipt.after
            if receipt.state == IMPORTED:
                self.done.add(package.position)
        for key, version in versions.items():
            self.left.setdefault((package.project_id or "", *key), []).append(version)


def _is_of(entry: Entry, plan: PlanDocument, package: PlannedPackage) -> bool:
    receipt = entry.receipt
    return (receipt.plan_id, receipt.name, receipt.sha256) == (plan.plan_id, package.name, package.sha256)


def objects_to_take_back(plan: PlanDocument) -> dict[ObjectKey, Row]:
    """Return what a plan takes back, to be looked up: the list need not name it."""
    places = {package.position: package.project_id or "" for package in plan.packages}
    return {
        _key(places[step.position], change): Row(
            change["id"], change.get("name") or "", change["type"], None, None, None, None
        )
        for step in plan.steps
        if step.do == TAKE_BACK
        for change in step.changes
    }


def _key(place: str, change: Mapping[str, Any]) -> ObjectKey:
    return (place, change["id"].upper(), change["type"])


def refuse_stale(
    plan: PlanDocument, decisions: Sequence[Decision], found: Mapping[ObjectKey, Found], carried_out: CarriedOut
) -> None:
    """Fail where what a plan decided on has changed otherwise than by the plan's own steps.

    Args:
        plan: The plan.
        decisions: What would be decided now.
        found: What is there of all objects.
        carried_out: How far the plan was carried out before.

    Raises:
        InputError: It has; the message names what has changed, and what it is now.
    """
    reasons = [*_stale_objects(plan, decisions, found, carried_out), *_stale_steps(plan, decisions, carried_out)]
    if reasons:
        raise InputError("plan_file: the plan %s is stale. %s %s" % (plan.plan_id, _some(reasons), _AGAIN))


def _stale_objects(
    plan: PlanDocument, decisions: Sequence[Decision], found: Mapping[ObjectKey, Found], carried_out: CarriedOut
) -> Iterable[str]:
    places = {package.position: package.project_id or "" for package in plan.packages}
    allowed: dict[ObjectKey, list[str | None]] = {key: list(versions) for key, versions in carried_out.left.items()}
    decided: dict[ObjectKey, dict[str, Any]] = {}
    anything: set[ObjectKey] = set()
    for step in plan.steps:
        for change in step.changes:
            key = _in(found, _key(places[step.position], change))
            decided.setdefault(key, change)
            allowed.setdefault(key, []).append(change["version_before"])
            if step.do in (IMPORT, TAKE_BACK):
                allowed[key].append(change["version_after"])
            if _leaves_anything(step, change, carried_out):
                anything.add(key)
    for decision in decisions:
        for row in decision.plan.changes:
            key = _in(found, (decision.package.project_id or "", *row.row.key))
            # What the plan left as it is, and would not be left now.
            decided.setdefault(key, row.as_result())
    for key, change in decided.items():
        now = found.get(key)
        if key in anything or isinstance(now, CannotTell) or (now is None and key not in found):
            continue
        version = now.version if now is not None else None
        if not any(same_version(version, other) for other in allowed.get(key, ())):
            yield _moved(change, now)


def _leaves_anything(step: Step, change: Mapping[str, Any], carried_out: CarriedOut) -> bool:
    """Return whether the version that an object has says nothing on whether the plan still holds."""
    if change.get("conflict") == NOT_COMPARED and change["version_before"] is None:
        return True
    return step.position in carried_out.begun and (change["effect"] == UNKNOWN or change["type"] == models.FOLDER_TYPE)


def _in(found: Mapping[ObjectKey, Found], key: ObjectKey) -> ObjectKey:
    """Return the key by which an object was looked up: those of the configuration level have no project."""
    return key if key in found else ("", *key[1:])


def _moved(change: Mapping[str, Any], now: DestinationObject | None) -> str:
    return '%s "%s" (%s) is %s now; the plan saw %s.' % (
        models.type_name(change["type"]).capitalize(),
        printable(change.get("name"), 60),
        printable(change["id"], 40),
        "version %s" % printable(now.version, 40) if now is not None else "gone",
        "version %s" % printable(change["version_before"], 40) if change["version_before"] else "none",
    )


def _stale_steps(plan: PlanDocument, decisions: Sequence[Decision], carried_out: CarriedOut) -> Iterable[str]:
    """Return sentences on what imports and rollbacks since have changed, which shows in no version."""
    steps = {step.position: step for step in plan.steps}
    for decision in decisions:
        step, name = steps[decision.position], printable(decision.package.name, 100)
        if decision.do == TAKE_BACK:
            newer = [entry.name for entry in decision.undoing.parts if entry.name not in step.entries]
            if newer:
                yield "Package %s was imported again since (%s)." % (name, ", ".join(newer))
        elif decision.do == HELD and step.do == IMPORT and decision.position not in carried_out.done:
            yield "Package %s was taken back since, and stays so." % name


def open_positions(plan: PlanDocument, carried_out: CarriedOut) -> set[int]:
    """Return the places in the list, from 1, of packages that the plan imports and that are not done yet."""
    return {step.position for step in plan.steps if step.do == IMPORT} - carried_out.done
