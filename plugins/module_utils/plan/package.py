# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan: what importing a package would do to each object of the destination.

Pure functions over plain data: no HTTP, no Ansible, no clock. The rules are those that the vendor's
Object Manager documents about conflicts, as the table in ``docs/plan.md`` gives them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Union

from ..errors import InputError
from ..history.receipt import CREATE, DUPLICATE, EFFECT_DELETE, EFFECT_REPLACE, EFFECTS, NONE, UNKNOWN
from ..package.content import Content
from ..rest import models
from ..rest.models import DestinationObject, Row
from ..support.text import printable
from .gaps import Gaps

DOES_NOT_EXIST = "does_not_exist"
EXISTS_IDENTICALLY = "exists_identically"
EXISTS_DIFFERENTLY = "exists_differently"
NOT_COMPARED = "not_compared"

# Stands for the action of a row where neither it nor the package names one. No source says what a server
# does then, so its effect is unknown.
UNSPECIFIED = "unspecified"

EFFECTS_THAT_COUNT = frozenset((CREATE, EFFECT_REPLACE, EFFECT_DELETE, DUPLICATE, UNKNOWN))
SUPERSEDED = "superseded"
SETTLED = "settled"

# The version of an object that the server gave a new one, which nobody can foretell. It equals no version.
FRESH = "(new)"


@dataclass(frozen=True)
class CannotTell:
    """The destination did not let us look an object up.

    Attributes:
        reason: Why, for people.
    """

    reason: str


@dataclass(frozen=True)
class Edited:
    """That somebody edited an object since our last import of it, and who that was.

    Attributes:
        text: All of it, for people.
        user: Who it was; None where nobody can be named. So are the others.
        time: When, UTC.
        machine: From which machine.
        by_deployer: Whether it was the user who deploys; None where nobody can be named.
    """

    text: str
    user: str | None = None
    time: str | None = None
    machine: str | None = None
    by_deployer: bool | None = None


# What a look-up came to: the object, None where the server clearly says it is not there, or no answer.
Found = Union[DestinationObject, None, CannotTell]


@dataclass(frozen=True)
class Change:
    """What importing would do to one object.

    Attributes:
        row: The package's row.
        action: The action that applies: the row's own, or the package's default action.
        conflict: How package and destination compare, one of the four words above.
        effect: One of ``EFFECTS``.
        version_before: The destination's version now; None where there is none or it is not known.
        version_after: The version that the import should leave; None where that cannot be said.
        superseded_by: The later package of the list that decides what becomes of the object; None for none.
        settled: Whether this very file was imported, and the object is still as that import left it.
        note: Why it is so, where conflict and action do not tell; for people.
        folder: The path of the folder that the object is in, None where there is no object or it is not known; for
            people.
        edited: Who edited the object since our last import of it; None where nobody did, or it was not asked.
    """

    row: Row
    action: str
    conflict: str
    effect: str
    version_before: str | None
    version_after: str | None
    superseded_by: str | None = None
    settled: bool = False
    note: str | None = None
    folder: str | None = None
    edited: Edited | None = None

    @property
    def counts(self) -> bool:
        """Whether the object keeps its package from being in sync."""
        return self.effect in EFFECTS_THAT_COUNT and not self.settled and self.superseded_by is None

    @property
    def counted_as(self) -> str:
        """What the summary counts the object as."""
        if self.effect not in EFFECTS_THAT_COUNT or self.counts:
            return self.effect
        return SUPERSEDED if self.superseded_by is not None else SETTLED

    def as_result(self) -> dict[str, Any]:
        """Return the change as a task returns it."""
        edited = {} if self.edited is None else {"edited": asdict(self.edited)}
        return {
            "id": self.row.id,
            "name": printable(self.row.name),
            "type": self.row.type,
            "type_name": models.type_name(self.row.type),
            "action": self.action,
            "conflict": self.conflict,
            "effect": self.effect,
            "version_before": self.version_before,
            "version_after": self.version_after,
            **edited,
        }


@dataclass(frozen=True)
class PackagePlan:
    """What importing one package would do.

    Attributes:
        objects: What it would do to each object, in the package's order.
        gaps: What it would fail for, as far as that was looked for.
    """

    objects: tuple[Change, ...]
    gaps: Gaps = field(default_factory=Gaps)

    @property
    def in_sync(self) -> bool:
        """Whether importing would change nothing."""
        return not self.changes

    @property
    def changes(self) -> list[Change]:
        """The objects that are not in sync."""
        return [change for change in self.objects if change.counts]

    @property
    def summary(self) -> dict[str, int]:
        """How many objects there are of each effect, and how many superseded or settled; each counts once."""
        counts = dict.fromkeys((*EFFECTS, SUPERSEDED, SETTLED), 0)
        for change in self.objects:
            counts[change.counted_as] += 1
        return counts

    @property
    def effects(self) -> dict[str, int]:
        """How many objects an import changes, by effect, also those that later packages of the list decide about."""
        counts = dict.fromkeys(EFFECTS, 0)
        for change in self.objects:
            if change.effect in EFFECTS_THAT_COUNT and not change.settled:
                counts[change.effect] += 1
        return counts

    def as_result(self) -> dict[str, Any]:
        """Return the plan as a task returns it."""
        return {
            "in_sync": self.in_sync,
            "summary": self.summary,
            "changes": [change.as_result() for change in self.changes],
            **self.gaps.as_result(),
        }


def classify(row: Row, found: DestinationObject | None) -> str:
    """Return how a package's row compares with the destination.

    Versions decide: every edit gives an object a new version id, and a copied object keeps the source's
    (Object Manager's help on conflicts). A row or an object without a version cannot be compared.
    """
    if found is None:
        return DOES_NOT_EXIST
    if row.version is None or found.version is None:
        return NOT_COMPARED
    if models.same_version(row.version, found.version):
        return EXISTS_IDENTICALLY
    return EXISTS_DIFFERENTLY


def _package_is_newer(row: Row, found: DestinationObject) -> bool | None:
    ours = models.parse_date(row.date_modified)
    theirs = models.parse_date(found.date_modified)
    if ours is None or theirs is None:
        return None
    return ours > theirs


def _effect_on_different(action: str, row: Row, found: DestinationObject) -> str:
    """Return the effect of an action on an object that exists in another version."""
    if action in (models.REPLACE, models.FORCE_REPLACE):
        return EFFECT_REPLACE
    if action == models.KEEP_BOTH:
        return DUPLICATE
    newer = _package_is_newer(row, found)
    if newer is None:
        return UNKNOWN
    if action == models.USE_NEWER:
        return EFFECT_REPLACE if newer else NONE
    return NONE if newer else EFFECT_REPLACE


def predict(row: Row, action: str, conflict: str, found: DestinationObject | None) -> str:
    """Return the effect that an action has, given how package and destination compare.

    Args:
        row: The package's row.
        action: The action that applies to it.
        conflict: What ``classify`` said.
        found: The destination's object, None where there is none.
    """
    if action == models.DELETE:
        return NONE if found is None else EFFECT_DELETE
    if action not in models.ACTIONS:
        # No action named, or a word that a newer server added: what happens to the object is not known here.
        return UNKNOWN
    if found is None:
        return CREATE
    if action == models.USE_EXISTING or conflict == EXISTS_IDENTICALLY:
        return NONE
    if row.type == models.FOLDER_TYPE:
        # A filled folder never keeps the source's version, so its version says nothing.
        return NONE
    if conflict == NOT_COMPARED:
        return UNKNOWN
    return _effect_on_different(action, row, found)


def plan_row(row: Row, default_action: str, found: Found, comparable: bool = True) -> Change:
    """Return what importing would do to one object.

    Args:
        row: The package's row.
        default_action: The package's default action, for rows without one.
        found: What the look-up in the destination came to.
        comparable: False for packages whose effect no version shows (project_security).
    """
    action = row.action or default_action
    if isinstance(found, CannotTell) or not comparable:
        note = found.reason if isinstance(found, CannotTell) else "links are not compared"
        return Change(row, action, NOT_COMPARED, UNKNOWN, None, None, note=note)
    conflict = classify(row, found)
    effect = predict(row, action, conflict, found)
    before = found.version if found is not None and found.version != FRESH else None
    after: str | None
    if effect in (CREATE, EFFECT_REPLACE):
        after = row.version
    elif effect in (NONE, DUPLICATE):
        after = before
    else:
        after = None
    return Change(row, action, conflict, effect, before, after, folder=found.folder if found is not None else None)


def default_action(settings: Mapping[str, Any]) -> str:
    """Return a package's default action, or ``UNSPECIFIED`` where it names none."""
    value = settings.get("defaultAction")
    return value.lower() if isinstance(value, str) and value else UNSPECIFIED


def refuse_keep_both(content: Content, generate_undo: bool) -> None:
    """Fail before an import that the server can make no undo package for.

    The vendor documents that no undo package can be created with this conflict rule (page "Import a migration
    package", More examples).

    Raises:
        InputError: The package keeps both, and an undo package is asked for.
    """
    actions = {default_action(content.settings), *(row.action for row in content.rows)}
    if generate_undo and models.KEEP_BOTH in actions:
        raise InputError(
            "generate_undo: the package has the action keep_both, for which the server can make no undo package. "
            "Nothing was imported. To import it all the same, knowing that it cannot be taken back, say "
            "generate_undo: false."
        )


def changes_from_result(result: Mapping[str, Any]) -> list[Change]:
    """Return the changes of a plan from what a task returned of it.

    Raises:
        KeyError, TypeError: It is no such result.
    """
    return [
        Change(
            row=Row(item["id"], item["name"], item["type"], None, None, None, None),
            action=item["action"],
            conflict=item["conflict"],
            effect=item["effect"],
            version_before=item["version_before"],
            version_after=item["version_after"],
        )
        for item in result["changes"]
    ]


def unresolved(predicted: Iterable[Change], after: PackagePlan) -> list[Change]:
    """Return the objects that an import left without what was predicted.

    An object that exists in a version which is neither the old one nor the package's is resolved: servers may
    give objects new versions while importing.

    Args:
        predicted: What the plan from before the import said would change.
        after: The plan of the same package, made after it.
    """
    now = {change.row.key: change for change in after.objects}
    left = []
    for change in predicted:
        later = now.get(change.row.key)
        if later is None:
            continue
        if change.effect == CREATE:
            missed = later.conflict == DOES_NOT_EXIST
        elif change.effect == EFFECT_DELETE:
            missed = later.effect == EFFECT_DELETE
        elif change.effect == EFFECT_REPLACE:
            as_before = later.version_before is None or models.same_version(later.version_before, change.version_before)
            missed = later.conflict != EXISTS_IDENTICALLY and as_before
        else:
            # The copy of a duplicate has an id that nobody knows; an unknown effect was no prediction.
            missed = False
        if missed:
            left.append(later)
    return left


def other_versions(predicted: Sequence[Change], after: PackagePlan) -> list[Change]:
    """Return the objects to which the server gave versions of its own while it imported them.

    Later packages of a list were planned for the package's versions. Folders are left out: their versions say nothing.

    Args:
        predicted: What the plan from before the import said would change.
        after: The plan of the same package, made after it.
    """
    now = {change.row.key: change for change in after.objects}
    imported = [now.get(change.row.key) for change in predicted if change.effect in (CREATE, EFFECT_REPLACE)]
    missed = {change.row.key for change in unresolved(predicted, after)}
    return [
        later
        for later in imported
        if later is not None
        and later.conflict == EXISTS_DIFFERENTLY
        and later.row.type != models.FOLDER_TYPE
        and later.row.key not in missed
    ]
