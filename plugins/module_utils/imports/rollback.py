# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What taking an import back needs, and what stands in its way."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence

from ..errors import InputError
from ..history.entry import Entry
from ..history.queries import expected_versions, failed_before, standing_on
from ..history.receipt import UNDONE
from ..package import upload as staging
from ..package.upload import PackageFile
from ..plan import text as plan_text
from ..plan.package import NOT_COMPARED, Change
from ..rest.models import same_version
from ..support.text import printable


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
    package = staging.examine(entry.undo_path, None, [])
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
            "imported." % (entry.name, plan_text.names_of(edited))
        )
