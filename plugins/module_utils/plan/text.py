# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan for people: grouped by package, one line an object."""

from __future__ import annotations

from collections.abc import Iterable

from ..history.receipt import CREATE, DUPLICATE, EFFECT_DELETE, EFFECT_REPLACE, NONE, UNKNOWN
from ..rest import models
from ..support.text import printable
from .listing import ListedPlan
from .package import (
    DOES_NOT_EXIST,
    EXISTS_DIFFERENTLY,
    EXISTS_IDENTICALLY,
    NOT_COMPARED,
    SETTLED,
    SUPERSEDED,
    Change,
    PackagePlan,
)

_SIGNS = {CREATE: "+", EFFECT_REPLACE: "~", EFFECT_DELETE: "-", DUPLICATE: "*", UNKNOWN: "?"}
_WHY = {
    DOES_NOT_EXIST: "not there yet",
    EXISTS_DIFFERENTLY: "exists in another version",
    EXISTS_IDENTICALLY: "exists in this version",
    NOT_COMPARED: "cannot be compared",
}
_LEFT_ALONE = (NONE, SUPERSEDED, SETTLED)
_DONE = {CREATE: "created", EFFECT_REPLACE: "replaced", EFFECT_DELETE: "deleted", DUPLICATE: "duplicated"}


def title(name: str, project: str | None) -> str:
    """Return what a package is called in texts: ``finance (project Demo Project)``."""
    return "%s (project %s)" % (name, project) if project else name


def counts(plan: PackagePlan) -> str:
    """Return what would change, in numbers: ``2 to create, 1 to replace``, or ``in sync``."""
    summary = plan.summary
    found = ["%d to %s" % (count, word) for word, count in summary.items() if count and word not in _LEFT_ALONE]
    if found and summary[SUPERSEDED]:
        found.append("%d that later packages of the list decide" % summary[SUPERSEDED])
    return ", ".join(found) or "in sync"


def counts_done(plan: PackagePlan) -> str:
    """Return what was changed, in numbers: ``2 created, 1 replaced``, or ``nothing to change``."""
    found = [
        "%d %s" % (count, _DONE.get(word, word))
        for word, count in plan.summary.items()
        if count and word not in _LEFT_ALONE
    ]
    return ", ".join(found) or "nothing to change"


def describe(name: str, plan: PackagePlan, forced: bool = False) -> str:
    """Return a plan for people: a line for the package, then one for each object that would change.

    Args:
        name: What to call the package, as ``title`` returns it.
        plan: The plan.
        forced: Whether it is carried out even where nothing is due.
    """
    all_the_same = ", but imported all the same (force)" if forced and plan.in_sync else ""
    lines = ["package %s: %s%s" % (printable(name), counts(plan), all_the_same)]
    lines.extend(_line(change) for change in plan.changes)
    return "\n".join(lines) + "\n"


def names_of(changes: Iterable[Change]) -> str:
    """Return up to five objects in words, and how many more there are."""
    names = ['%s "%s"' % (models.type_name(change.row.type), printable(change.row.name, 60)) for change in changes]
    return ", ".join(names[:5]) + (", and %d more" % (len(names) - 5) if len(names) > 5 else "")


def _line(change: Change) -> str:
    why = [printable(change.action, 40), _WHY[change.conflict]]
    if change.effect == DUPLICATE:
        why.append("a copy is made, and this one stays")
    if change.note:
        why.append(printable(change.note, 200))
    return '%s %-9s %s "%s" %s  %s -> %s  (%s)' % (
        _SIGNS[change.effect],
        change.effect,
        models.type_name(change.row.type),
        printable(change.row.name, 120),
        printable(change.row.id, 40),
        printable(change.version_before or ("none" if change.conflict == DOES_NOT_EXIST else "unknown"), 40),
        printable(change.version_after or ("none" if change.effect == EFFECT_DELETE else "unknown"), 40),
        ", ".join(why),
    )


def why_left_alone(planned: ListedPlan) -> str:
    """Return why a package is left alone, and how to let it in again, for a warning."""
    package = planned.package
    entry = package.record.entry if package.record else ""
    if planned.doubtful:
        return (
            "Package %s may be there already: nobody saw its import end (%s), and no version tells. It is not "
            "imported, because that could make second copies. Look at its objects. To import it: force: true, or a new "
            "file of it." % (printable(package.name, 100), entry)
        )
    return (
        "Package %s was taken back (%s) and stays so; it is not imported. To bring it in again: a new file of it, or "
        "force: true. To agree with it: state: undone." % (printable(package.name, 100), entry)
    )
