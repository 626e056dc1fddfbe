# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What would change in a package, by its objects. Bytes say nothing: a server writes other ones each time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..package.content import Content
from ..rest.models import Key, Row, same_version, type_name
from ..support.text import printable, shortened
from .choose import ASKED, NEEDED, Choice, Chosen

ADDED, CHANGED, REMOVED = "added", "changed", "removed"
_SIGNS = {ADDED: "+", CHANGED: "~", REMOVED: "-"}
# Digits of a version, as Git shows a commit; columns of a name.
_SHORT = 7
_LONGEST_NAME = 60


class Entry(NamedTuple):
    """An object in a package, as far as a change of it matters: its version and what an import does with it."""

    name: str
    version: str | None
    action: str | None
    included: str | None = None


@dataclass(frozen=True)
class Change:
    """An object of a package that is another one, or is there no more, or is new.

    Attributes:
        key: The object.
        before: How the package has it; None where it is new.
        after: How it would have it; None where it is there no more.
    """

    key: Key
    before: Entry | None
    after: Entry | None

    @property
    def what(self) -> str:
        """added, changed or removed."""
        if self.before is None:
            return ADDED
        return REMOVED if self.after is None else CHANGED

    @property
    def shown(self) -> Entry:
        """The object as it would be; where it is there no more, as it was."""
        found = self.after or self.before
        if found is None:
            raise AssertionError("a change from nothing to nothing")
        return found

    def as_result(self) -> dict[str, Any]:
        """Return it as the module does."""
        shown = self.shown
        return {
            "id": self.key[0],
            "name": shown.name,
            "type": self.key[1],
            "type_name": type_name(self.key[1]),
            "change": self.what,
            "included": shown.included,
            "action_before": self.before.action if self.before else None,
            "action_after": self.after.action if self.after else None,
            "version_before": self.before.version if self.before else None,
            "version_after": self.after.version if self.after else None,
        }

    def line(self) -> str:
        """Return it as a line of a diff."""
        shown = self.shown
        name = shortened(printable(shown.name, 200), _LONGEST_NAME)
        texts = ['%s %s "%s"' % (_SIGNS[self.what], type_name(self.key[1]), name)]
        texts.append("%s -> %s" % (_short(self.before), _short(self.after)))
        if self.before and self.after and not _same_action(self.before, self.after):
            texts.append("%s -> %s" % (self.before.action, self.after.action))
        if self.after and self.after.included == NEEDED and self.before is None:
            texts.append(NEEDED)
        return "  ".join([*texts, self.key[0]])


def _short(entry: Entry | None) -> str:
    return (entry.version or "?")[:_SHORT] if entry else "none"


def _same_action(one: Entry, other: Entry) -> bool:
    return (one.action or "").lower() == (other.action or "").lower()


def of_rows(rows: Iterable[Row]) -> dict[Key, Entry]:
    """Return the objects of a package by their keys."""
    return {row.key: Entry(row.name, row.version, row.action, row.included) for row in rows}


def of_choice(objects: Mapping[Key, Chosen]) -> dict[Key, Entry]:
    """Return what was chosen, as the objects of the package that is to be."""
    return {
        key: Entry(chosen.item.name, chosen.item.version, chosen.action, chosen.included)
        for key, chosen in objects.items()
    }


def changes(before: Mapping[Key, Entry], after: Mapping[Key, Entry]) -> list[Change]:
    """Return what changes from one package to another, in the order of type, name and id.

    A name that is another one comes with another version; by itself it is no change.
    """
    found = []
    for key in set(before) | set(after):
        one, other = before.get(key), after.get(key)
        if one and other and same_version(one.version, other.version) and _same_action(one, other):
            continue
        found.append(Change(key, one, other))
    return sorted(found, key=lambda change: (change.key[1], change.shown.name, change.key[0]))


def predicted(last: Content | None, choice: Choice) -> list[Change]:
    """Return what building would change in a package, before it is built.

    What only the server brings along, for an object with include_dependents, is taken to stay.

    Args:
        last: The package as it is; None for none.
        choice: What it is to hold, with what that needs.
    """
    before = of_rows(last.rows) if last else {}
    after = of_choice(choice.objects)
    if any(chosen.include_dependents for chosen in choice.objects.values()):
        before = {key: entry for key, entry in before.items() if key in after or entry.included != NEEDED}
    return changes(before, after)


def is_as_asked(last: Content, choice: Choice) -> bool:
    """Return whether a package holds what was asked for, in these versions; what is needed is not looked at."""
    before = {key: entry for key, entry in of_rows(last.rows).items() if entry.included == ASKED}
    return not changes(before, of_choice(choice.objects))


def text(
    name: str,
    project: str | None,
    found: list[Change],
    inside: Mapping[Key, Sequence[str]] | None = None,
    notes: Iterable[str] = (),
) -> str:
    """Return changes for people, as a diff shows them.

    Args:
        name: The file's name.
        project: The project's name, None or empty for none.
        found: The changes.
        inside: Lines about what changed in the definitions of objects.
        notes: Further lines about them.
    """
    title = "package %s%s" % (printable(name, 100), " (project %s)" % printable(project, 100) if project else "")
    lines = [title]
    for change in found:
        lines += [change.line(), *(inside or {}).get(change.key, ())]
    return "\n".join([*lines, *notes, counts(found)]) + "\n"


def counts(found: list[Change]) -> str:
    """Return changes in numbers: ``2 added, 1 changed``."""
    kinds = [change.what for change in found]
    parts = ["%d %s" % (kinds.count(what), what) for what in _SIGNS if what in kinds]
    return ", ".join(parts) or "the same objects"
