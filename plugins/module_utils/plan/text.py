# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan for people, as a diff shows it: a block for each package, in it a line for each object that would change.

No line of an object is longer than 120 columns, so that it can be read in a terminal, a job's log and a merge request.
What decides comes first: cut at 80 columns, a line still has sign, type, name and versions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..history.receipt import CREATE, DUPLICATE, EFFECT_DELETE, EFFECT_REPLACE, NONE, UNKNOWN
from ..rest import models
from ..support.text import columns, folded, printable, shortened, shortened_path
from .listing import ListedPlan
from .package import DOES_NOT_EXIST, NOT_COMPARED, SETTLED, SUPERSEDED, UNSPECIFIED, Change, PackagePlan

_SIGNS = {CREATE: "+", EFFECT_REPLACE: "~", EFFECT_DELETE: "-", DUPLICATE: "*", UNKNOWN: "?"}
_LEFT_ALONE = (NONE, SUPERSEDED, SETTLED)
_BY_DATE = {models.USE_NEWER: "newer", models.USE_OLDER: "older"}

# Columns.
_WIDTH = 120
_INDENT = 4
_LONGEST_TYPE = 24
# Digits of a version, as Git shows a commit.
_SHORT = 7
# Columns that a name has to be left with for its folder to be shown beside it.
_ROOM_FOR_A_FOLDER = 24
# What is said of an effect once it came about.
DONE = {CREATE: "created", EFFECT_REPLACE: "replaced", EFFECT_DELETE: "deleted", DUPLICATE: "duplicated"}


def title(name: str, project: str | None) -> str:
    """Return what a package is called in texts: ``finance (project Demo Project)``."""
    return "%s (project %s)" % (name, project) if project else name


def counts(plan: PackagePlan) -> str:
    """Return what would change, in numbers: ``2 to create, 1 to replace``, or ``in sync``."""
    summary = plan.summary
    found = [
        "%d unknown" % count if effect == UNKNOWN else "%d to %s" % (count, effect)
        for effect, count in summary.items()
        if count and effect not in _LEFT_ALONE
    ]
    if found and summary[SUPERSEDED]:
        found.append("%d that later packages of the list decide" % summary[SUPERSEDED])
    return ", ".join(found) or "in sync"


def describe_list(plan_id: str, age: float | None, blocks: Iterable[str], written: str | None = None) -> str:
    """Return the plan of a list for people: which plan it is, then a block for each package.

    Args:
        plan_id: The plan's id.
        age: How many seconds ago it was made; None for a plan that is made now.
        blocks: The packages, each as ``describe`` returns it.
        written: The file that it is written to, None for none.
    """
    where = ", written to %s" % printable(written, 200) if written else ""
    return joined(["%s%s\n" % (name_of_plan(plan_id, age), where), *blocks])


def name_of_plan(plan_id: str, age: float | None) -> str:
    """Return what a plan is called: ``plan 9f86d081884c, made 5 min ago``.

    Args:
        plan_id: The plan's id.
        age: How many seconds ago it was made; None for a plan that is made now.
    """
    return "plan %s, made %s" % (printable(plan_id, 40), _when(age))


def joined(blocks: Iterable[str]) -> str:
    """Return blocks with an empty line between them; an empty block is none."""
    return "\n".join(block for block in blocks if block)


def _when(age: float | None) -> str:
    if age is None:
        return "now"
    seconds = int(abs(age))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if days:
        span = "%d day%s %d h" % (days, "" if days == 1 else "s", hours % 24)
    elif hours:
        span = "%d h %d min" % (hours, minutes % 60)
    else:
        span = "%d min" % minutes if minutes else "%d s" % seconds
    # Two machines whose clocks differ by less than a minute are none to warn of.
    if age <= -60:
        return "by a clock that is %s ahead of this one" % span
    return "%s ago" % span if age > 0 else "now"


def counts_done(plan: PackagePlan) -> str:
    """Return what was changed, in numbers: ``2 created, 1 replaced``, or ``nothing to change``."""
    found = [
        "%d %s" % (count, DONE.get(word, word))
        for word, count in plan.summary.items()
        if count and word not in _LEFT_ALONE
    ]
    return ", ".join(found) or "nothing to change"


def describe(name: str, plan: PackagePlan, forced: bool = False) -> str:
    """Return a plan for people: the package, a line for each object that would change, and how many there are.

    What does not fit into an object's line is on lines of its own below it.

    Args:
        name: What to call the package, as ``title`` returns it.
        plan: The plan.
        forced: Whether it is carried out even where nothing is due.
    """
    all_the_same = ", but imported all the same (force)" if forced and plan.in_sync else ""
    # Servers and manifests have the content of a package in another order.
    changes = sorted(plan.changes, key=_for_people)
    gaps = [line for sentence in plan.gaps.sentences for line in marked("!", sentence + ": the import would fail.")]
    lines = ["package %s" % printable(name), *_lines(changes), *gaps, counts(plan) + all_the_same]
    return "\n".join(lines) + "\n"


def _for_people(change: Change) -> tuple[str, str, str]:
    row = change.row
    return (models.type_name(row.type), row.name, row.id)


def _lines(changes: Sequence[Change]) -> list[str]:
    """Return the lines of objects; their versions, effects and ids stand below each other."""
    effects = [_effect(change) for change in changes]
    longest = max(map(len, effects), default=0)
    tails = [
        "  %s  %-*s  %s" % (_versions(change), longest, effect, printable(change.row.id, 40))
        for change, effect in zip(changes, effects)
    ]
    rooms = [_WIDTH - 2 - columns(tail) for tail in tails]
    objects = [_object(change, room) for change, room in zip(changes, rooms)]
    widest = max(map(columns, objects), default=0)
    lines = []
    for change, room, text, tail in zip(changes, rooms, objects, tails):
        gap = max(0, min(widest, room) - columns(text))
        lines.append("%s %s%s%s" % (_SIGNS[change.effect], text, " " * gap, tail))
        for reason in _reasons(change):
            lines.extend(" " * _INDENT + line for line in folded(reason, _WIDTH - _INDENT))
    return lines


def _object(change: Change, room: int) -> str:
    """Return type, name and folder of an object in so many columns: ``attribute "Year"  in /Public Objects/Time``."""
    kind = shortened(models.type_name(change.row.type), _LONGEST_TYPE)
    name = printable(change.row.name, _WIDTH * 2)
    room -= columns(kind) + 3
    if change.folder is None or room < _ROOM_FOR_A_FOLDER:
        return '%s "%s"' % (kind, shortened(name, room))
    room -= 5
    folder = shortened_path(printable(change.folder, 1000), max(room - columns(name), room * 2 // 5))
    return '%s "%s"  in %s' % (kind, shortened(name, room - columns(folder)), folder)


def _versions(change: Change) -> str:
    """Return what version becomes which: ``24CEEC7 -> 2215B50``."""
    before, after = change.version_before, change.version_after
    start = 0
    if before and after and not models.same_version(before, after):
        same = [one.upper() == other.upper() for one, other in zip(before, after)]
        start = same.index(False) if False in same else len(same)
    return "%7s -> %-7s" % (
        _short(before, start) or ("none" if change.conflict == DOES_NOT_EXIST else "unknown"),
        _short(after, start) or ("none" if change.effect == EFFECT_DELETE else "unknown"),
    )


def _short(version: str | None, start: int) -> str:
    """Return the digits of a version that tell it from another one, from whose digits it differs at ``start`` first."""
    text = printable(version or "", 40)
    if start < _SHORT:
        return text[:_SHORT]
    return "..." + text[start : start + _SHORT - 3]


def _effect(change: Change) -> str:
    by_date = _BY_DATE.get(change.action)
    return "replace, %s" % by_date if by_date and change.effect == EFFECT_REPLACE else change.effect


def _reasons(change: Change) -> list[str]:
    """Return what has to be said of an object beside what its line shows."""
    note = printable(change.note, 400) if change.note else ""
    reasons = [change.edited.text] if change.edited is not None else []
    if change.effect == DUPLICATE:
        reasons.append("a copy is made, and this one stays")
    if change.conflict == NOT_COMPARED and change.effect == UNKNOWN:
        return [*reasons, "cannot be compared: %s" % (note or "a version is missing")]
    if change.effect == UNKNOWN:
        reasons.append(_why_unknown(change.action))
    return [*reasons, note] if note else reasons


def _why_unknown(action: str) -> str:
    if action in _BY_DATE:
        return "%s: which one is newer cannot be told, because a date is missing" % action
    if action == UNSPECIFIED:
        return "the package names no action for it"
    return "the package names an action for it that is not known here: %s" % printable(action, 40)


def marked(sign: str, sentence: str) -> list[str]:
    """Return a sentence on as many lines as it needs, the first with a sign before it."""
    lines = folded(sentence, _WIDTH - _INDENT)
    return ["%s %s" % (sign, lines[0]), *(" " * _INDENT + line for line in lines[1:])]


def names_of(changes: Iterable[Change]) -> str:
    """Return up to five objects in words, and how many more there are."""
    names = ['%s "%s"' % (models.type_name(change.row.type), printable(change.row.name, 60)) for change in changes]
    return ", ".join(names[:5]) + (", and %d more" % (len(names) - 5) if len(names) > 5 else "")


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
