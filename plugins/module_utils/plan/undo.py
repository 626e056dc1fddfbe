# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking imports back: what that does, what it needs, and what stands in its way."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..errors import InputError
from ..history.entry import Entry
from ..history.queries import expected_versions, failed_before, latest, older_imports, standing_on
from ..history.receipt import CREATE, EFFECT_DELETE, EFFECT_REPLACE, STARTED, UNDONE, UNKNOWN
from ..package.file import PackageFile, examine
from ..rest import models
from ..rest.models import DestinationObject, Key, Row, same_version
from ..support.text import printable
from .listing import ObjectKey
from .package import (
    DOES_NOT_EXIST,
    EXISTS_DIFFERENTLY,
    EXISTS_IDENTICALLY,
    NOT_COMPARED,
    Change,
    Found,
)
from .text import names_of


def names_of_entries(entries: Iterable[Entry]) -> str:
    """Return the names of entries in words."""
    return ", ".join(entry.name for entry in entries) or "none"


def undo_file(entry: Entry, own: list[Entry]) -> PackageFile:
    """Return the undo package of an entry, if it is there and is the one that was saved.

    Args:
        entry: The entry.
        own: The entries of its package, oldest first.

    Raises:
        InputError: It is not. An older import's is none for this one.
    """
    receipt = entry.receipt
    if not os.path.exists(entry.undo_path):
        if receipt.state == STARTED:
            raise InputError(
                "%s has no undo package yet, because nobody has seen its import end. A run that is not in check mode "
                "waits for it, keeps its undo package, and can take it back." % entry.path
            )
        older = [other for other in own if other.name < entry.name and other.receipt.state != UNDONE]
        further = (
            "To take back what was imported before it, name that import's directory as entry: %s."
            % names_of_entries(older[-3:])
            if older
            else "To go back, import an earlier file of the package."
        )
        raise InputError(
            "%s (%s) has no undo package, so it cannot be taken back. %s" % (entry.path, receipt.state, further)
        )
    package = examine(entry.undo_path, None, [])
    saved = receipt.undo or {}
    if saved.get("sha256") not in (None, package.hash()):
        raise InputError(
            "%s is not the undo package that was saved there: its sha256 is not the receipt's. Nothing was imported."
            % entry.undo_path
        )
    return package


def parts_to_take_back(entry: Entry, own: Sequence[Entry], warnings: list[str]) -> list[Entry]:
    """Return what is left to take back of the newest import of a package, newest first: it, and what failed before it.

    Args:
        entry: The entry of the newest import.
        own: The entries of its package, oldest first.
        warnings: Gets a sentence for each failed import that has no undo package, and so stays.

    Raises:
        InputError: A receipt cannot be read.
    """
    parts = [entry] if entry.receipt.state != UNDONE else []
    for part in failed_before(entry, own):
        if os.path.exists(part.undo_path):
            parts.append(part)
        else:
            warnings.append(
                "An import of %s failed half-way before its newest import, and has no undo package (%s): what it "
                "changed is not taken back." % (printable(part.receipt.name, 100), part.name)
            )
    return parts


def refuse_under_newer(entry: Entry, entries: Iterable[Entry]) -> None:
    """Fail where an import cannot be taken back alone.

    Args:
        entry: The entry that is to be taken back.
        entries: The entries of its project, or of the configuration level.

    Raises:
        InputError: Newer imports touched the same objects; or a receipt cannot be read.
    """
    newer = standing_on(entry, entries)
    if newer:
        names = ", ".join(
            "%s (%s)" % (printable(other.receipt.name, 60), other.name) for other in reversed(newer[-10:])
        )
        raise InputError(
            "entry: %s cannot be taken back alone, because newer imports touched the same objects and are not taken "
            "back: %s. Take these back first, newest first, each by its name and entry (playbook rollback: "
            "mstr_package and mstr_entry), or say force: true (playbook rollback: -e mstr_force=true). Nothing was "
            "imported." % (entry.name, names)
        )


def refuse_edited(entry: Entry, entries: Iterable[Entry], changes: Iterable[Change]) -> None:
    """Fail where an object is neither as its import left it, nor as the undo package would have it.

    Args:
        entry: The entry that is to be taken back.
        entries: The entries of its project, or of the configuration level.
        changes: What taking it back would change now.

    Raises:
        InputError: Somebody edited it since, and taking the import back would lose that; or a receipt cannot be read.
    """
    expected = expected_versions(entry, entries)
    edited = []
    for change in changes:
        key = change.row.key
        if key not in expected or change.conflict == NOT_COMPARED:
            continue
        if not same_version(change.version_before, expected[key]):
            edited.append(change)
    if edited:
        raise InputError(
            "entry: %s is not taken back, because objects were edited since the import, and that would be lost: %s. "
            "To take it back all the same, say force: true (playbook rollback: -e mstr_force=true). Nothing was "
            "imported." % (entry.name, names_of(edited))
        )


def change_of_undo(entries: Sequence[Entry]) -> list[Change]:
    """Return what taking imports back does, by their receipts: each object gets the version from before them.

    Args:
        entries: The entries of the imports, in the order in which they are taken back: newest first.
    """
    before: dict[Key, str | None] = {}
    after: dict[Key, str | None] = {}
    names: dict[Key, str] = {}
    all_touched: set[Key] = set()
    for entry in entries:
        own = entry.receipt.touched
        all_touched |= own
        before.update((key, version) for key, version in entry.receipt.before.items() if key in own)
        for key, version in entry.receipt.after.items():
            after.setdefault(key, version)
        names.update(((row["id"].upper(), row["type"]), row.get("name") or "") for row in entry.receipt.changes or ())
    changes = []
    for key in sorted(all_touched):
        conflict = EXISTS_DIFFERENTLY
        if key not in before:
            effect, conflict = UNKNOWN, NOT_COMPARED
        elif before[key] is None:
            effect, conflict = EFFECT_DELETE, EXISTS_IDENTICALLY
        elif key in after and after[key] is None:
            effect, conflict = CREATE, DOES_NOT_EXIST
        else:
            effect = EFFECT_REPLACE
        row = Row(key[0], names.get(key, ""), key[1], before.get(key), None, None, None)
        action = models.DELETE if effect == EFFECT_DELETE else models.FORCE_REPLACE
        note = "its receipt does not tell what the object was before" if effect == UNKNOWN else None
        changes.append(Change(row, action, conflict, effect, after.get(key), before.get(key), note=note))
    return changes


@dataclass(frozen=True)
class ToUndo:
    """What there is to take back of a package that the environment is not to have.

    Attributes:
        newest: Its newest entry in the history that stands for something, None for none.
        parts: The entries that are to be taken back, newest first.
        older: The entries of older imports of the same file, which are not.
    """

    newest: Entry | None = None
    parts: Sequence[Entry] = ()
    older: Sequence[Entry] = ()

    @classmethod
    def find(cls, own: Sequence[Entry], warnings: list[str]) -> ToUndo:
        """Return what the entries of a package, oldest first, leave to take back.

        Raises:
            InputError: A receipt cannot be read.
        """
        newest = latest(own)
        if newest is None:
            return cls()
        return cls(newest, parts_to_take_back(newest, own, warnings), older_imports(newest, own))


def once_undone(entries: Iterable[tuple[Entry, str]]) -> dict[ObjectKey, Found]:
    """Return what objects will be once imports are taken back, newest first.

    Args:
        entries: The entries of the imports, each with its project, empty for the configuration level.
    """
    expected: dict[ObjectKey, Found] = {}
    for entry, place in sorted(entries, key=lambda item: item[0].name, reverse=True):
        before = entry.receipt.before
        for key in entry.receipt.touched:
            if key in before:
                version, identity = before[key], (place, *key)
                expected[identity] = None if version is None else DestinationObject(version, None)
    return expected
