# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the receipts of the history mean: for a plan, for a rollback, for what may be pruned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..plan.listing import Record
from ..plan.package import (
    CREATE,
    DOES_NOT_EXIST,
    DUPLICATE,
    EFFECT_DELETE,
    EFFECT_REPLACE,
    EXISTS_DIFFERENTLY,
    EXISTS_IDENTICALLY,
    NOT_COMPARED,
    UNKNOWN,
    Change,
    Key,
)
from ..rest import models
from ..rest.models import Row
from ..support.text import file_name_part
from .store import FAILED, IMPORTED, UNDONE, Entry


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
    before, after = versions_before(entry), versions_after(entry)
    changed = {key for key in before if key in after and not models.same_version(before[key], after[key])}
    # What no version tells of.
    changed.update(key for key in predicted if key not in after or key not in before)
    return frozenset(changed)


def changed_nothing(entry: Entry) -> bool:
    """Return whether an import was seen to leave everything as it was: what was before it still holds.

    So does a failed one, or one that was forced, or whose objects the server left alone.
    """
    if entry.receipt.get("versions") is None or touched(entry):
        return False
    if entry.receipt["state"] == FAILED:
        return True
    # A copy that was made shows in no version.
    return not any(row.get("effect") in (DUPLICATE, UNKNOWN) for row in entry.receipt.get("changes") or ())


def record_of(entries: Sequence[Entry], sha256: str, with_overtaken: bool) -> Record | None:
    """Return what the history says of a package's file, None where it says nothing.

    Args:
        entries: The entries of the package's project, or of the configuration level, oldest first.
        sha256: The file's sha256.
        with_overtaken: Whether to read the newer entries too, for the sake of objects that no version tells of.

    Raises:
        InputError: A receipt cannot be read.
    """
    idle: int | None = None
    for index in range(len(entries) - 1, -1, -1):
        entry = entries[index]
        if entry.sha256_part != sha256[:12] or entry.receipt["sha256"] != sha256:
            continue
        state = entry.receipt["state"]
        if state == UNDONE:
            if entry.receipt.get("held") is False:
                # A run took back what it had imported itself, so what was before it still holds.
                continue
            if idle is not None and _was_started_after_undoing(entries[idle], entry):
                break
            return Record(entry.path, held=True)
        if changed_nothing(entry):
            if state == IMPORTED and idle is None:
                idle = index
            continue
        if state == IMPORTED:
            return _imported(entries, index, with_overtaken)
        if idle is not None:
            break
        return Record(entry.path, unseen=state != FAILED)
    return None if idle is None else _imported(entries, idle, with_overtaken)


def _was_started_after_undoing(entry: Entry, undone: Entry) -> bool:
    last_before: str | None = undone.receipt.get("undone_after")
    if last_before is not None:
        return entry.name > last_before
    # A receipt from before this was noted.
    return (entry.receipt.get("started") or "") > (undone.receipt.get("undone_at") or "")


def _imported(entries: Sequence[Entry], index: int, with_overtaken: bool) -> Record:
    entry = entries[index]
    return Record(
        entry.path,
        imported=True,
        before=versions_before(entry),
        versions=versions_after(entry),
        unresolved=_keys(entry.receipt.get("unresolved")),
        overtaken=_overtaken(entries[index + 1 :]) if with_overtaken else {},
    )


def _overtaken(newer: Iterable[Entry]) -> dict[Key, frozenset[str]]:
    found: dict[Key, frozenset[str]] = {}
    for entry in newer:
        if entry.receipt["state"] != UNDONE:
            for key in touched(entry):
                found[key] = found.get(key, frozenset()) | {entry.receipt["sha256"]}
    return found


def vouches(entries: Iterable[Entry], sha256: str, digest: str) -> bool:
    """Return whether an import of a file showed that a description of it is right.

    A receipt from before it was noted what the server said vouches for none.

    Args:
        entries: The entries of the package's project, or of the configuration level.
        sha256: The file's sha256.
        digest: The digest of the description (``manifest.content_digest``).

    Raises:
        InputError: A receipt cannot be read.
    """
    return any(
        entry.receipt["sha256"] == sha256 and entry.receipt.get("content") == digest
        for entry in entries
        if entry.sha256_part == sha256[:12]
    )


def named(entries: Iterable[Entry], name: str) -> list[Entry]:
    """Return the entries of a package's name, in their order.

    Raises:
        InputError: A receipt cannot be read.
    """
    part = file_name_part(name)
    return [entry for entry in entries if entry.package_part == part and entry.receipt["name"] == name]


def latest(entries: Sequence[Entry]) -> Entry | None:
    """Return the newest entry of a package that stands for something: an import that changed nothing does not.

    Args:
        entries: The package's entries, oldest first.

    Raises:
        InputError: A receipt cannot be read.
    """
    for entry in reversed(entries):
        if not changed_nothing(entry):
            return entry
    return None


def failed_before(entry: Entry, entries: Iterable[Entry]) -> list[Entry]:
    """Return the failed imports of the same file right before an import, newest first: they are a part of it.

    What such an import had changed before it failed was not for the next try to change, so that one's undo package does
    not bring it back.

    Args:
        entry: The entry of the import.
        entries: The entries of its package, oldest first.

    Raises:
        InputError: A receipt cannot be read.
    """
    found: list[Entry] = []
    for other in reversed([other for other in entries if other.name < entry.name]):
        if other.receipt["sha256"] != entry.receipt["sha256"]:
            break
        if other.receipt["state"] == UNDONE or changed_nothing(other):
            continue
        if other.receipt["state"] != FAILED:
            break
        found.append(other)
    return found


def older_imports(entry: Entry, entries: Iterable[Entry]) -> list[Entry]:
    """Return the imports of the same file from before an import that stay when that is taken back, oldest first.

    An object may have been edited after the file was imported, and the import in question only have repaired that.

    Args:
        entry: The entry of the import.
        entries: The entries of its package, oldest first.

    Raises:
        InputError: A receipt cannot be read.
    """
    return [
        other
        for other in entries
        if other.name < entry.name
        and other.receipt["sha256"] == entry.receipt["sha256"]
        and other.receipt["state"] not in (UNDONE, FAILED)
        and not changed_nothing(other)
    ]


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
        own = touched(entry)
        all_touched |= own
        before.update((key, version) for key, version in versions_before(entry).items() if key in own)
        for key, version in versions_after(entry).items():
            after.setdefault(key, version)
        names.update(
            ((row["id"].upper(), row["type"]), row.get("name") or "") for row in entry.receipt["changes"] or ()
        )
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

    Imports that changed nothing do not count. Never the newest, nor the newest that is not taken back and changed
    something, with the failed ones that are a part of it: they are the way back. Never one that holds its file back,
    nor one that is being written or whose end nobody saw.

    Args:
        entries: The entries of the package's project, or of the configuration level, oldest first.
        name: The package's name.
        keep: How many to keep, at least 1.

    Raises:
        InputError: A receipt cannot be read.
    """
    own = named(entries, name)
    counted = [entry for entry in own if not changed_nothing(entry)]
    kept = {entry.path for entry in own[-1:] + counted[-keep:]}
    way_back = latest([entry for entry in own if entry.receipt["state"] != UNDONE])
    if way_back is not None:
        kept.update(entry.path for entry in (way_back, *failed_before(way_back, own)))
    for sha256 in {entry.receipt["sha256"] for entry in own}:
        record = record_of(own, sha256, False)
        if record is not None and record.held:
            kept.add(record.entry)
    return [entry for entry in own if entry.path not in kept and entry.receipt["state"] in (IMPORTED, FAILED, UNDONE)]
