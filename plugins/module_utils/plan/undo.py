# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What taking imports back does, by their receipts."""

from __future__ import annotations

from collections.abc import Sequence

from ..history.entry import Entry
from ..history.receipt import CREATE, EFFECT_DELETE, EFFECT_REPLACE, UNKNOWN
from ..rest import models
from ..rest.models import Key, Row
from .package import (
    DOES_NOT_EXIST,
    EXISTS_DIFFERENTLY,
    EXISTS_IDENTICALLY,
    NOT_COMPARED,
    Change,
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
        changes.append(Change(row, action, conflict, effect, after.get(key), before.get(key), note="taken back"))
    return changes
