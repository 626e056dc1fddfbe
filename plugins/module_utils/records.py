# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the receipts of the history mean: for a plan, for a rollback, for what may be pruned."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from . import models
from .errors import InputError
from .history import FAILED, IMPORTED, UNDONE, Entry
from .models import Row
from .plan import (
    CREATE,
    DOES_NOT_EXIST,
    EFFECT_DELETE,
    EFFECT_REPLACE,
    EXISTS_DIFFERENTLY,
    NOT_COMPARED,
    UNKNOWN,
    Change,
    Key,
)
from .plan_list import Record
from .text import file_name_part, printable


def version_key(text: str) -> Key:
    """Return the key of an object from how receipts write it: ``<id>:<type>``."""
    identity, _colon, number = text.rpartition(":")
    return (identity.upper(), int(number))


def _keys(rows: Iterable[Mapping[str, Any]] | None) -> frozenset[Key]:
    return frozenset((row["id"].upper(), row["type"]) for row in rows or ())


def _versions(entry: Entry, name: str) -> dict[Key, str | None]:
    return {version_key(text): version for text, version in (entry.receipt.get(name) or {}).items()}


def versions_after(entry: Entry) -> dict[Key, str | None]:
    """Return the versions that the import of an entry left, None for what was not there afterwards."""
    return _versions(entry, "versions")


def versions_before(entry: Entry) -> dict[Key, str | None]:
    """Return the versions from before the import of an entry, None for what was not there."""
    return _versions(entry, "versions_before")


def touched(entry: Entry) -> frozenset[Key]:
    """Return the objects that the import of an entry changed, or may have changed where nobody saw it end."""
    predicted = _keys(entry.receipt.get("changes"))
    after = versions_after(entry)
    if entry.receipt.get("versions") is None:
        return predicted
    before = versions_before(entry)
    changed = {key for key in before if key in after and before[key] != after[key]}
    # What no version tells of.
    changed.update(key for key in predicted if key not in after or key not in before)
    return frozenset(changed)


def record_of(entries: Sequence[Entry], sha256: str, with_overtaken: bool) -> Record | None:
    """Return what the history says of a package's file, None where it says nothing.

    Args:
        entries: The entries of the package's project, or of the configuration level, oldest first.
        sha256: The file's sha256.
        with_overtaken: Whether to read the newer entries too, for the sake of objects that no version tells of.

    Raises:
        InputError: A receipt cannot be read.
    """
    for index in range(len(entries) - 1, -1, -1):
        entry = entries[index]
        if entry.sha256_part != sha256[:12] or entry.receipt["sha256"] != sha256:
            continue
        state = entry.receipt["state"]
        if state == FAILED and not touched(entry):
            # It changed nothing, so what was before it still holds.
            continue
        if state == UNDONE:
            if entry.receipt.get("held") is False:
                # A run took back what it had imported itself, so what was before it still holds.
                continue
            return Record(entry.path, held=True)
        if state != IMPORTED:
            return Record(entry.path, unseen=state != FAILED)
        return Record(
            entry.path,
            imported=True,
            before=versions_before(entry),
            versions=versions_after(entry),
            unresolved=_keys(entry.receipt.get("unresolved")),
            overtaken=_overtaken(entries[index + 1 :]) if with_overtaken else {},
        )
    return None


def _overtaken(newer: Iterable[Entry]) -> dict[Key, frozenset[str]]:
    found: dict[Key, frozenset[str]] = {}
    for entry in newer:
        if entry.receipt["state"] != UNDONE:
            for key in touched(entry):
                found[key] = found.get(key, frozenset()) | {entry.receipt["sha256"]}
    return found


def named(entries: Iterable[Entry], name: str) -> list[Entry]:
    """Return the entries of a package's name, in their order.

    Raises:
        InputError: A receipt cannot be read.
    """
    part = file_name_part(name)
    return [entry for entry in entries if entry.package_part == part and entry.receipt["name"] == name]


def latest(entries: Sequence[Entry]) -> Entry | None:
    """Return the newest entry of a package that stands for something: a failed import that changed nothing does not.

    Args:
        entries: The package's entries, oldest first.

    Raises:
        InputError: A receipt cannot be read.
    """
    for entry in reversed(entries):
        if entry.receipt["state"] != FAILED or touched(entry):
            return entry
    return None


def standing_on(entry: Entry, entries: Iterable[Entry]) -> list[Entry]:
    """Return the newer entries, not taken back, that touched what the import of an entry touched.

    Args:
        entry: The entry that is to be taken back.
        entries: The entries of its project, or of the configuration level.

    Raises:
        InputError: A receipt cannot be read.
    """
    own = touched(entry)
    return [
        other
        for other in entries
        if other.name > entry.name and other.receipt["state"] != UNDONE and own & touched(other)
    ]


def refuse_under_newer(entry: Entry, entries: Iterable[Entry], undone_first: Collection[str] = ()) -> None:
    """Fail where an import cannot be taken back alone.

    Args:
        entry: The entry that is to be taken back.
        entries: The entries of its project, or of the configuration level.
        undone_first: The names of entries that will be taken back before it.

    Raises:
        InputError: Newer imports touched the same objects; or a receipt cannot be read.
    """
    newer = [other for other in standing_on(entry, entries) if other.name not in undone_first]
    if newer:
        names = ", ".join(
            "%s (%s)" % (printable(other.receipt["name"], 60), other.name) for other in reversed(newer[-10:])
        )
        raise InputError(
            "entry: %s cannot be taken back alone, because newer imports touched the same objects and are not taken "
            "back: %s. Take these back first, newest first, each by its name and entry (playbook rollback: "
            "mstr_package and mstr_entry), or say force: true (playbook rollback: -e mstr_force=true). Nothing was "
            "imported." % (entry.name, names)
        )


def change_of_undo(entry: Entry) -> list[Change]:
    """Return what taking an import back does, by its receipt: each object gets the version from before it."""
    before, after = versions_before(entry), versions_after(entry)
    rows = {(row["id"].upper(), row["type"]): row for row in entry.receipt.get("changes") or ()}
    changes = []
    for key in sorted(touched(entry)):
        if key not in before:
            effect, conflict = UNKNOWN, NOT_COMPARED
        elif before[key] is None:
            effect, conflict = EFFECT_DELETE, EXISTS_DIFFERENTLY
        elif key in after and after[key] is None:
            effect, conflict = CREATE, DOES_NOT_EXIST
        else:
            effect, conflict = EFFECT_REPLACE, EXISTS_DIFFERENTLY
        row = Row(key[0], rows.get(key, {}).get("name") or "", key[1], before.get(key), None, None, None)
        action = models.DELETE if effect == EFFECT_DELETE else models.FORCE_REPLACE
        changes.append(Change(row, action, conflict, effect, after.get(key), before.get(key), note="taken back"))
    return changes


def expected_versions(entry: Entry, entries: Iterable[Entry]) -> dict[Key, str | None]:
    """Return the versions that the objects of an import have, unless somebody edited them since.

    Those that the import left; or, where a newer import was taken back since, those that this left.

    Args:
        entry: The import's entry.
        entries: The entries of its project, or of the configuration level.

    Raises:
        InputError: A receipt cannot be read.
    """
    expected = {key: version for key, version in versions_after(entry).items() if key in touched(entry)}
    undone = [other for other in entries if other.name > entry.name and other.receipt["state"] == UNDONE]
    for other in sorted(undone, key=lambda item: item.receipt.get("undone_at") or ""):
        for key, version in _versions(other, "versions_undone").items():
            if key in expected:
                expected[key] = version
    return expected


def prunable(entries: Sequence[Entry], name: str, keep: int) -> list[Entry]:
    """Return the entries of a package that may be removed, so that the given number of them stays.

    Never the newest, nor the newest that is not taken back: it is the way back. Never one that holds its file back, nor
    one that is being written or whose end nobody saw.

    Args:
        entries: The entries of the package's project, or of the configuration level, oldest first.
        name: The package's name.
        keep: How many to keep, at least 1.

    Raises:
        InputError: A receipt cannot be read.
    """
    own = named(entries, name)
    standing = [entry for entry in own if entry.receipt["state"] != UNDONE]
    kept = {entry.name for entry in own[-max(1, keep) :] + standing[-1:]}
    newest_of_file = {entry.receipt["sha256"]: entry.name for entry in own}
    return [
        entry
        for entry in own
        if entry.name not in kept
        and entry.receipt["state"] in (IMPORTED, FAILED, UNDONE)
        and not (
            entry.receipt["state"] == UNDONE
            and entry.receipt.get("held") is not False
            and newest_of_file[entry.receipt["sha256"]] == entry.name
        )
    ]
