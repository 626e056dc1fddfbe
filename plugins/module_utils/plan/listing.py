# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a list of packages, which is one state: applied in order, later ones win.

The list is simulated: where a package has to be imported, the packages after it are compared with what that import
leaves. Pure functions over plain data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..history.queries import Record
from ..history.receipt import CREATE, DUPLICATE, EFFECT_DELETE, EFFECT_REPLACE, NONE, UNKNOWN
from ..package.content import Content
from ..rest import models
from ..rest.models import DestinationObject, Row, same_version
from .package import (
    FRESH,
    CannotTell,
    Change,
    Found,
    PackagePlan,
    default_action,
    plan_row,
)

# An object in one place: the project, empty for the configuration level, then what it is known by there.
ObjectKey = tuple[str, str, int]

# What a later package does for certain, so that what an earlier one did to the object does not matter.
_SURE_TO_WIN = frozenset((models.REPLACE, models.FORCE_REPLACE, models.DELETE))
# In the place of the project: what project_security packages change are links in it, not its objects.
_LINKS = "links of "


@dataclass(frozen=True)
class Listed:
    """A package of the list.

    Attributes:
        name: What it is called.
        content: What its file holds.
        project_id: The project it is for, None at the configuration level.
        force: Import it even where nothing is due, or where it is held.
        selected: Whether this run may act on it.
        record: What the history says of its file, None for nothing.
    """

    name: str
    content: Content
    project_id: str | None
    force: bool = False
    selected: bool = True
    record: Record | None = None

    @property
    def held(self) -> bool:
        """Whether it was taken back and stays so."""
        return self.record is not None and self.record.held and not self.force

    def key(self, row: Row) -> ObjectKey:
        """Return where the row's object is and what it is known by."""
        place = self.project_id or ""
        if not self.content.comparable:
            place = _LINKS + place
        elif row.level == models.CONFIGURATION_OBJECT:
            place = ""
        return (place, *row.key)


@dataclass(frozen=True)
class ListedPlan:
    """What becomes of one package of the list.

    Attributes:
        package: The package.
        plan: What importing it would do, at its turn in the list.
        due: Whether it has to be imported in this run.
        needed: Whether it has to be imported only because another one is that this run may act on, while it may not
            act on this one. Then the run must not act at all.
        doubtful: Whether it may be there already: nobody saw its import end, and what is left to do shows in no
            version. Importing it again would make second copies.
    """

    package: Listed
    plan: PackagePlan
    due: bool
    needed: bool = False
    doubtful: bool = False

    @property
    def is_left_alone(self) -> bool:
        """Whether it is left alone until somebody says otherwise."""
        return self.package.held or self.doubtful

    @property
    def in_sync(self) -> bool:
        """Whether the environment holds the package: nothing would change, and it is not taken back."""
        return self.plan.in_sync and not self.package.held


def in_found(found: Mapping[ObjectKey, Found], key: ObjectKey) -> ObjectKey:
    """Return the key by which an object was looked up: those of the configuration level have no project."""
    return key if key in found else ("", *key[1:])


def wanted(packages: Iterable[Listed]) -> dict[ObjectKey, Row]:
    """Return what has to be looked up for a list: each object once, with a row that names it."""
    return {package.key(row): row for package in packages if package.content.comparable for row in package.content.rows}


def plan_list(packages: Sequence[Listed], found: Mapping[ObjectKey, Found]) -> list[ListedPlan]:
    """Return the plan of a list of packages.

    Args:
        packages: The packages, in the order of the list.
        found: What the destination has for each object that ``wanted`` names.
    """
    simulation = _Simulation(packages, found)
    return [simulation.next(index) for index in range(len(packages))]


def _is_doubtful(package: Listed, plan: PackagePlan) -> bool:
    if package.force or package.record is None or not package.record.unseen:
        return False
    # What else is left to do proves that the import was not done, or not wholly.
    return bool(plan.changes) and all(change.effect in (DUPLICATE, UNKNOWN) for change in plan.changes)


class _Simulation:
    """The destination as it is at each package's turn."""

    def __init__(self, packages: Sequence[Listed], found: Mapping[ObjectKey, Found]) -> None:
        self._packages = packages
        self._now = dict(found)
        # For what an import of this run changes: the name of the last package that does.
        self._changed_by: dict[ObjectKey, str] = {}
        self._carriers: dict[ObjectKey, list[tuple[int, Row]]] = {}
        self._winners: dict[ObjectKey, int] = {}
        self._defaults = [default_action(package.content.settings) for package in packages]
        for index, package in enumerate(packages):
            if package.held:
                continue
            for row in package.content.rows:
                key = package.key(row)
                self._carriers.setdefault(key, []).append((index, row))
                # Links may add up: nobody documents that a later package of them wins.
                sure = package.content.comparable and (row.action or self._defaults[index]) in _SURE_TO_WIN
                if sure and not self._only_stands_there(key, row):
                    self._winners[key] = index

    def _only_stands_there(self, key: ObjectKey, row: Row) -> bool:
        """Return whether an earlier package brings this very content group: that of the configuration, its recipients.

        The packages of projects that come after it hold the group for what of it is in them.
        """
        earlier = self._winners.get(key)
        if earlier is None or row.type != models.CONTENT_GROUP_TYPE:
            return False
        versions = [one.version for index, one in self._carriers[key] if index == earlier]
        return any(same_version(version, row.version) for version in versions)

    def next(self, index: int) -> ListedPlan:
        """Plan the package whose turn it is, and carry it out on the simulated destination if it is due."""
        package = self._packages[index]
        plan = PackagePlan(tuple(self._change(index, row) for row in package.content.rows))
        doubtful = _is_doubtful(package, plan)
        due = not (package.held or doubtful) and (package.force or not plan.in_sync)
        needed = False
        if due and not package.selected:
            needed = any(package.key(change.row) in self._changed_by for change in plan.changes)
            due = False
        if due or needed:
            for change in plan.objects:
                self._carry_out(package, change)
        return ListedPlan(package, plan, due, needed, doubtful)

    def _plan_row(self, index: int, row: Row, found: Found) -> Change:
        package = self._packages[index]
        return plan_row(row, self._defaults[index], found, package.content.comparable)

    def _change(self, index: int, row: Row) -> Change:
        package = self._packages[index]
        key = package.key(row)
        change = self._plan_row(index, row, self._now.get(key))
        if not change.counts:
            return change
        winner = self._winners.get(key, -1)
        if winner > index:
            return replace(change, superseded_by=self._packages[winner].name)
        if self._settled(index, key, change):
            return replace(change, settled=True)
        last = self._left_as_it_is(index, key, change)
        if last is not None:
            return replace(change, superseded_by=self._packages[last].name)
        if key in self._changed_by:
            return replace(change, note="package %s of this list changes it before" % self._changed_by[key])
        return change

    def _settled(self, index: int, key: ObjectKey, change: Change) -> bool:
        """Return whether this very file was imported, and its import left the object as it is now.

        What the server did is the truth, not what it should have done: a server may give objects new versions while
        it imports.
        """
        package = self._packages[index]
        record = package.record
        row_key = change.row.key
        if record is None or not record.imported or row_key in record.unresolved:
            return False
        if change.effect == DUPLICATE:
            # The copy is there, under an id that nobody knows.
            return True
        if change.effect in (CREATE, EFFECT_DELETE):
            return False
        now = self._now.get(key)
        if package.content.comparable and not isinstance(now, CannotTell):
            version = now.version if now is not None else None
            if row_key not in record.versions or not same_version(record.versions[row_key], version):
                return False
            left_alone = row_key in record.before and same_version(record.before[row_key], record.versions[row_key])
            return change.effect == UNKNOWN or not left_alone
        # No version tells: it is so unless another import came over it. A later package of this list is meant to.
        later = {self._packages[other].content.sha256 for other, _row in self._carriers.get(key, ()) if other > index}
        return key not in self._changed_by and not record.overtaken.get(row_key, frozenset()) - later

    def _left_as_it_is(self, index: int, key: ObjectKey, change: Change) -> int | None:
        """Return the later package that would bring the object back to what it is now, if the list were imported.

        So that ``replace`` followed by ``use_newer``, or ``delete`` followed by ``use_existing``, comes to an end too.
        """
        now = self._now.get(key)
        if isinstance(now, CannotTell) or change.effect not in (CREATE, EFFECT_REPLACE, EFFECT_DELETE):
            return None
        state, version, last = _outcome(change, self._packages[index].record), None, None
        for other, row in self._carriers.get(key, ()):
            if other <= index:
                continue
            later = self._plan_row(other, row, state)
            if later.effect in (NONE, DUPLICATE):
                continue
            record = self._packages[other].record
            state, last = _outcome(later, record), other
            version = record.versions.get(row.key) if record is not None and record.imported else None
        if last is None or not _same_state(state, now, change.row.type, version):
            return None
        return last

    def _carry_out(self, package: Listed, change: Change) -> None:
        if change.effect == NONE:
            return
        if change.effect == DUPLICATE:
            # The copy has an id of its own; the object stays as it is.
            return
        key = package.key(change.row)
        self._changed_by[key] = package.name
        state = _outcome(change, package.record)
        if isinstance(state, CannotTell):
            state = CannotTell("package %s of this list changes it before, nobody knows into what" % package.name)
        self._now[key] = state


def _outcome(change: Change, record: Record | None) -> Found:
    """Return what an import that has this effect leaves of the object.

    Args:
        change: The effect.
        record: What the history says of the import of the same file, None for nothing.
    """
    if change.effect == EFFECT_DELETE:
        return None
    if change.effect == UNKNOWN:
        return CannotTell("an import changes it before")
    row = change.row
    if change.settled or row.type == models.FOLDER_TYPE or row.version is None or _got_another_version(row, record):
        # The server does not keep the package's version, as the last import showed, or the vendor documents.
        return DestinationObject(FRESH, None, change.folder)
    return DestinationObject(row.version, row.date_modified, change.folder)


def _got_another_version(row: Row, record: Record | None) -> bool:
    """Return whether the server gave an object a version of its own when it imported the same file."""
    if record is None or not record.imported or row.key in record.unresolved:
        return False
    version, before = record.versions.get(row.key), record.before.get(row.key)
    return version is not None and not same_version(version, row.version) and not same_version(version, before)


def _same_state(state: Found, now: DestinationObject | None, object_type: int, recorded: str | None) -> bool:
    if state is None or now is None:
        return state is None and now is None
    if isinstance(state, CannotTell):
        return False
    if object_type == models.FOLDER_TYPE or same_version(state.version, now.version):
        return True
    return recorded is not None and same_version(recorded, now.version)
