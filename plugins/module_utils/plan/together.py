# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking several imports back as one: what of a run is left to take back, and what stands in the way of all of it.

What would be refused for one import is refused for all of them, before anything is done.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..errors import InputError
from ..history.entry import Entry
from ..history.queries import expected_versions, named, standing_on
from ..history.receipt import CREATE, EFFECT_DELETE, EFFECT_REPLACE, FAILED, UNDONE
from ..history.runs import PastRun
from ..package.file import PackageFile
from ..rest.models import FOLDER_TYPE, DestinationObject, Key, Row, same_version
from ..support.text import printable
from .listing import ObjectKey
from .package import DOES_NOT_EXIST, EXISTS_DIFFERENTLY, EXISTS_IDENTICALLY, NOT_COMPARED, CannotTell, Change, Found
from .text import names_of
from .undo import change_of_undo, parts_to_take_back, undo_file

# How many newer imports a message names.
_NAMED = 10


def parts_of_run(run: PastRun, entries: Sequence[Entry], warnings: list[str]) -> list[Entry]:
    """Return what is left to take back of a run, newest first: its imports, and what failed right before each.

    Args:
        run: The run.
        entries: The entries of the environment.
        warnings: Gets a sentence for each failed import that has no undo package, and so stays.

    Raises:
        InputError: Nothing of it can be taken back.
    """
    found: dict[str, Entry] = {}
    stays: dict[str, str] = {}
    for entry in run.entries:
        own = named(scope_of(entry, entries), entry.receipt.name)
        if entry.receipt.state == FAILED and not os.path.exists(entry.undo_path):
            stays[entry.path] = (
                "The import of %s by run %s failed half-way, and has no undo package (%s): what it changed is not "
                "taken back." % (printable(entry.receipt.name, 100), printable(run.id, 200), entry.name)
            )
            continue
        said: list[str] = []
        found.update((part.path, part) for part in parts_to_take_back(entry, own, said))
        warnings.extend(text for text in said if text not in warnings)
    if not found and len(stays) == len(run.entries):
        raise InputError("run: %s" % " ".join(stays.values()))
    warnings.extend(stays.values())
    return sorted(found.values(), key=lambda entry: entry.name, reverse=True)


def scope_of(entry: Entry, entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries of an entry's project, or of the configuration level, in their order."""
    scope = os.path.dirname(entry.path)
    return [other for other in entries if os.path.dirname(other.path) == scope]


@dataclass(frozen=True)
class Together:
    """Imports that are taken back as one.

    Attributes:
        what: What they are, as the subject of a message: the option, and what it names.
        parts: Their entries, in the order in which they are taken back: newest first.
        entries: All entries of the projects that they are of.
        forced: The directories of those that are taken back whatever came after them.
    """

    what: str
    parts: Sequence[Entry]
    entries: Sequence[Entry]
    forced: Collection[str] = ()

    def beside(self, entry: Entry) -> list[Entry]:
        """Return all entries of the project that one of them is of."""
        return scope_of(entry, self.entries)

    def files(self) -> dict[str, PackageFile]:
        """Return the undo packages by the directories of the entries.

        Raises:
            InputError: One is not there, or is not the one that was saved. All such are named.
        """
        files, missing = {}, []
        for entry in self.parts:
            try:
                files[entry.path] = undo_file(entry, named(self.beside(entry), entry.receipt.name))
            except InputError as error:
                missing.append(error.message)
        if len(missing) == 1 and len(self.parts) == 1:
            raise InputError(missing[0])
        if missing:
            raise InputError("%s is not taken back. %s Nothing was imported." % (self.what, " ".join(missing)))
        return files

    def refuse_under_newer(self) -> None:
        """Fail where newer imports, that are not taken back with them, touched the same objects.

        Raises:
            InputError: Some did. All are named.
        """
        taken = {entry.path for entry in self.parts}
        newer = {
            other.path: other
            for entry in self.parts
            if entry.path not in self.forced
            for other in standing_on(entry, self.beside(entry))
            if other.path not in taken
        }
        if not newer:
            return
        on_it = sorted(newer.values(), key=lambda entry: entry.name, reverse=True)
        runs = list(dict.fromkeys(entry.receipt.run for entry in on_it if entry.receipt.run))
        alone = " alone" if len(self.parts) == 1 else ""
        raise InputError(
            "%s cannot be taken back%s, because newer imports touched the same objects and are not taken back: %s%s. "
            "Take these back first, newest first, each by its name and entry (playbook rollback: mstr_package and "
            "mstr_entry)%s, or say force: true (playbook rollback: -e mstr_force=true). Nothing was imported."
            % (
                self.what,
                alone,
                ", ".join("%s (%s)" % (printable(entry.receipt.name, 60), entry.name) for entry in on_it[:_NAMED]),
                ", and %d more" % (len(on_it) - _NAMED) if len(on_it) > _NAMED else "",
                " or all of a run by its id (run, mstr_run): %s" % ", ".join(runs[:_NAMED]) if runs else "",
            )
        )

    def objects(self) -> dict[ObjectKey, Row]:
        """Return the objects that the imports changed, each with a row that names it."""
        return {
            (_place(entry), *change.row.key): change.row for entry in self.parts for change in change_of_undo([entry])
        }

    def refuse_edited(self, found: Mapping[ObjectKey, Found]) -> None:
        """Fail where an object is neither as these imports left it, nor as the newest undo package would have it.

        Args:
            found: What the objects are now.

        Raises:
            InputError: Somebody edited some since. All such are named.
        """
        seen: set[ObjectKey] = set()
        edited = []
        for entry in self.parts:
            changes = {change.row.key: change for change in change_of_undo([entry])}
            expected = expected_versions(entry, self.beside(entry))
            fresh = [key for key in sorted(changes) if (_place(entry), *key) not in seen]
            # What an older import left of it was overwritten by this one.
            seen.update((_place(entry), *key) for key in fresh)
            lost = [
                changes[key]
                for key in fresh
                if key in expected and _is_edited(entry, key, expected[key], found.get((_place(entry), *key), _UNSEEN))
            ]
            if lost and entry.path not in self.forced:
                edited.append("%s by %s (%s)" % (names_of(lost), printable(entry.receipt.name, 60), entry.name))
        if edited:
            raise InputError(
                "%s is not taken back, because objects were edited since the import, and that would be lost: %s. To "
                "take it back all the same, say force: true (playbook rollback: -e mstr_force=true). Nothing was "
                "imported." % (self.what, "; ".join(edited))
            )

    def predicted(self, found: Mapping[ObjectKey, Found]) -> list[list[Change]]:
        """Return what taking each of them back will change, one after the other.

        Args:
            found: What the objects are now.
        """
        now = dict(found)
        return [[change for change in map(_At(entry, now), change_of_undo([entry])) if change] for entry in self.parts]


_UNSEEN = CannotTell("it was not looked up")


def _place(entry: Entry) -> str:
    return entry.receipt.project or ""


def _version(found: Found) -> str | None:
    return found.version if isinstance(found, DestinationObject) else None


def _is_edited(entry: Entry, key: Key, expected: str | None, found: Found) -> bool:
    if isinstance(found, CannotTell):
        return False
    version = _version(found)
    if same_version(version, expected):
        return False
    before = entry.receipt.before
    return key not in before or not same_version(version, before[key])


@dataclass(frozen=True)
class _At:
    """Foretells, object by object, what taking an import back changes; and makes that what there is then.

    Attributes:
        entry: The import's entry.
        now: What the objects are by then.
    """

    entry: Entry
    now: dict[ObjectKey, Found]

    def __call__(self, change: Change) -> Change | None:
        """Return the change as it will be, None for none."""
        key = (_place(self.entry), *change.row.key)
        found = self.now.get(key, _UNSEEN)
        if change.conflict == NOT_COMPARED or isinstance(found, CannotTell):
            return change
        version, wanted = _version(found), change.row.version
        self.now[key] = None if wanted is None else DestinationObject(wanted, None)
        # The version of a folder says nothing.
        told_by_version = change.row.type != FOLDER_TYPE or self.entry.receipt.state == UNDONE
        if told_by_version and same_version(version, wanted):
            return None
        if wanted is None:
            effect, conflict = EFFECT_DELETE, EXISTS_IDENTICALLY
        elif found is None:
            effect, conflict = CREATE, DOES_NOT_EXIST
        else:
            effect, conflict = EFFECT_REPLACE, EXISTS_DIFFERENTLY
        return replace(change, effect=effect, conflict=conflict, version_before=version)
