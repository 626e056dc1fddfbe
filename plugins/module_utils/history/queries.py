# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the receipts of the history say together: what holds, what stands on what, what may be pruned.

Entries are those of a package's project, or of the configuration level, oldest first. Each function raises
``DiskError`` where a receipt cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..rest.models import Key
from ..support.text import file_name_part
from .entry import Entry
from .receipt import FAILED, IMPORTED, UNDONE

# How many entries are looked through, newest first, for the last import of an object.
_LOOKED_THROUGH = 500


@dataclass(frozen=True)
class Record:
    """What the history says of the newest import of a package's very file.

    Attributes:
        entry: The directory of that import's entry.
        imported: Whether that import ended well and was not taken back.
        held: Whether it was taken back, and stays so until somebody says otherwise.
        unseen: Whether nobody saw it end.
        before: The objects' versions before it, None for what was not there.
        versions: Their versions afterwards.
        unresolved: The objects that it left without what was predicted.
        overtaken: For objects that newer imports touched, the sha256 of the files of those.
    """

    entry: str
    imported: bool = False
    held: bool = False
    unseen: bool = False
    before: Mapping[Key, str | None] = field(default_factory=dict)
    versions: Mapping[Key, str | None] = field(default_factory=dict)
    unresolved: frozenset[Key] = frozenset()
    overtaken: Mapping[Key, frozenset[str]] = field(default_factory=dict)


def record_of(entries: Sequence[Entry], sha256: str, with_overtaken: bool) -> Record | None:
    """Return what the history says of a package's file, None where it says nothing.

    Args:
        entries: The entries of its project.
        sha256: The file's sha256.
        with_overtaken: Whether to read the newer entries too, for the sake of objects that no version tells of.
    """
    idle: int | None = None
    for index in range(len(entries) - 1, -1, -1):
        entry = entries[index]
        if entry.sha256_part != sha256[:12] or entry.receipt.sha256 != sha256:
            continue
        state = entry.receipt.state
        if state == UNDONE:
            if entry.receipt.held is False:
                # A run took back what it had imported itself, so what was before it still holds.
                continue
            if idle is not None and was_started_after_undoing(entries[idle], entry):
                break
            return Record(entry.path, held=True)
        if entry.receipt.changed_nothing:
            if state == IMPORTED and idle is None:
                idle = index
            continue
        if state == IMPORTED:
            return _imported(entries, index, with_overtaken)
        if idle is not None:
            break
        return Record(entry.path, unseen=state != FAILED)
    return None if idle is None else _imported(entries, idle, with_overtaken)


def was_started_after_undoing(entry: Entry, undone: Entry) -> bool:
    """Return whether an import began after another one was taken back.

    Args:
        entry: The entry of the import.
        undone: That of the one that was taken back.
    """
    last_before: str | None = undone.receipt.undone_after
    if last_before is not None:
        return entry.name > last_before
    # A receipt from before this was noted.
    return (entry.receipt.started or "") > (undone.receipt.undone_at or "")


def _imported(entries: Sequence[Entry], index: int, with_overtaken: bool) -> Record:
    entry = entries[index]
    return Record(
        entry.path,
        imported=True,
        before=entry.receipt.before,
        versions=entry.receipt.after,
        unresolved=entry.receipt.left_unresolved,
        overtaken=_overtaken(entries[index + 1 :]) if with_overtaken else {},
    )


def _overtaken(newer: Iterable[Entry]) -> dict[Key, frozenset[str]]:
    found: dict[Key, frozenset[str]] = {}
    for entry in newer:
        if entry.receipt.state != UNDONE:
            for key in entry.receipt.touched:
                found[key] = found.get(key, frozenset()) | {entry.receipt.sha256}
    return found


def vouches(entries: Iterable[Entry], sha256: str, digest: str) -> bool:
    """Return whether an import of the file with this sha256 showed that a description with this digest is right.

    Receipts from before the digest was noted vouch for none.
    """
    return any(
        entry.receipt.sha256 == sha256 and entry.receipt.content == digest
        for entry in entries
        if entry.sha256_part == sha256[:12]
    )


def named(entries: Iterable[Entry], name: str) -> list[Entry]:
    """Return the entries of a package's name, in their order."""
    part = file_name_part(name)
    return [entry for entry in entries if entry.package_part == part and entry.receipt.name == name]


def latest(entries: Sequence[Entry]) -> Entry | None:
    """Return the newest of a package's entries that stands for something: an import that changed nothing does not."""
    return next((entry for entry in reversed(entries) if not entry.receipt.changed_nothing), None)


def failed_before(entry: Entry, entries: Iterable[Entry]) -> list[Entry]:
    """Return the failed imports of the same file right before an import, newest first: they are a part of it.

    The next try did not change what such an import had changed already, so its undo package does not bring that back.

    Args:
        entry: The entry of the import.
        entries: The entries of its package.
    """
    found: list[Entry] = []
    for other in reversed([other for other in entries if other.name < entry.name]):
        if other.receipt.sha256 != entry.receipt.sha256:
            break
        if other.receipt.state == UNDONE or other.receipt.changed_nothing:
            continue
        if other.receipt.state != FAILED:
            break
        found.append(other)
    return found


def older_imports(entry: Entry, entries: Iterable[Entry]) -> list[Entry]:
    """Return the imports of the same file from before an import that stay when that is taken back, oldest first.

    An object may have been edited after the file was imported, and the import in question only have repaired that.

    Args:
        entry: The entry of the import.
        entries: The entries of its package.
    """
    return [
        other
        for other in entries
        if other.name < entry.name
        and other.receipt.sha256 == entry.receipt.sha256
        and other.receipt.state not in (UNDONE, FAILED)
        and not other.receipt.changed_nothing
    ]


def standing_on(entry: Entry, entries: Iterable[Entry]) -> list[Entry]:
    """Return the newer entries of its project, not taken back, that touched what an entry's import touched."""
    own = entry.receipt.touched
    return [
        other
        for other in entries
        if other.name > entry.name and other.receipt.state != UNDONE and own & other.receipt.touched
    ]


@dataclass(frozen=True)
class Left:
    """What the last of our imports, or of their taking back, left of an object.

    Attributes:
        version: Its version; None where it was not there then.
        since: When, as receipts write times.
    """

    version: str | None
    since: str


def last_left(entries: Sequence[Entry], keys: Iterable[Key]) -> dict[Key, Left]:
    """Return what the newest entry that an object is in left of it; without those of which nobody knows.

    Args:
        entries: The entries of a project.
        keys: The objects.
    """
    wanted, found = set(keys), {}
    for entry in reversed(entries[-_LOOKED_THROUGH:]):
        if not wanted:
            break
        receipt = entry.receipt
        was_undone = receipt.state == UNDONE
        versions = receipt.after_undoing if was_undone else receipt.after
        since = receipt.undone_at if was_undone else receipt.ended or receipt.started
        # What an entry has, and nobody looked up after it, is not known from older ones either.
        for key in wanted & {*receipt.before, *receipt.after}:
            wanted.discard(key)
            if key in versions and since:
                found[key] = Left(versions[key], since)
    return found


def expected_versions(entry: Entry, entries: Iterable[Entry]) -> dict[Key, str | None]:
    """Return the versions that the objects of an import have, unless somebody edited them since.

    Those that the import left; or, where a newer import of its project was taken back since, those that this left.
    """
    expected = {key: version for key, version in entry.receipt.after.items() if key in entry.receipt.touched}
    undone = [other for other in entries if other.name > entry.name and other.receipt.state == UNDONE]
    for other in sorted(undone, key=lambda item: item.receipt.undone_at or ""):
        for key, version in other.receipt.after_undoing.items():
            if key in expected:
                expected[key] = version
    return expected


def prunable(entries: Sequence[Entry], name: str, keep: int) -> list[Entry]:
    """Return the entries of a package that may be removed, so that the given number of them stays.

    Imports that changed nothing do not count. These always stay: the newest; the newest that changed something and is
    not taken back, with the failed ones that are a part of it, since they are the way back; one that holds its file
    back; one that is being written, or whose end nobody saw.

    Args:
        entries: The entries of the package's project.
        name: The package's name.
        keep: How many to keep, at least 1.
    """
    own = named(entries, name)
    counted = [entry for entry in own if not entry.receipt.changed_nothing]
    kept = {entry.path for entry in own[-1:] + counted[-keep:]}
    way_back = latest([entry for entry in own if entry.receipt.state != UNDONE])
    if way_back is not None:
        kept.update(entry.path for entry in (way_back, *failed_before(way_back, own)))
    for sha256 in {entry.receipt.sha256 for entry in own}:
        record = record_of(own, sha256, False)
        if record is not None and record.held:
            kept.add(record.entry)
    return [entry for entry in own if entry.path not in kept and entry.receipt.state in (IMPORTED, FAILED, UNDONE)]
