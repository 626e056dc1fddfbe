# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of a package of a list, on one line, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..history.receipt import UNDONE, UNKNOWN
from ..plan.text import DONE, title
from ..support.text import printable

_HELD = "held"


def outcome_line(
    row: Mapping[str, Any],
    check_mode: bool = False,
    names_project: bool = False,
    held_because: str | None = None,
    left_because: str | None = None,
) -> str:
    """Return what became of a package: ``finance: imported, 2 created, 1 replaced; undo kept``.

    Args:
        row: The package as a task returns it: ``name``, ``project``, ``state``, ``in_sync``, ``due``, ``changed``,
            ``failed``, ``summary``, ``undo``.
        check_mode: Whether nothing was done, and ``changed`` is a prediction.
        names_project: Whether to say which project it is for.
        held_because: Why it is held, where it is and that is not because it was taken back.
        left_because: Why it is left as it is, though it is due.
    """
    name = printable(title(row["name"], row.get("project") if names_project else None), 200)
    if left_because is not None:
        return "%s: left as it is (%s)" % (name, printable(left_because, 100))
    return "%s: %s" % (name, _what_became(row, check_mode, held_because))


def _what_became(row: Mapping[str, Any], check_mode: bool, held_because: str | None) -> str:
    is_undone = row["state"] == UNDONE
    if row.get("failed"):
        return "failed, after it changed objects%s" % _undo(row) if row.get("changed") else "failed"
    if row["state"] == _HELD:
        return "held (%s)" % printable(held_because or "it was taken back", 100)
    if check_mode and (row["due"] or row.get("changed")):
        return _with_counts("would be taken back" if is_undone else "would be imported", _to_do(row))
    if row.get("changed"):
        return _with_counts("taken back" if is_undone else "imported", _done(row)) + _undo(row)
    if row["due"]:
        return "not reached"
    if row["in_sync"]:
        return "nothing to take back" if is_undone else "in sync"
    # It is another package that the run was to act on, or what is left of it are older imports, which stay.
    to_do = _to_do(row)
    return _with_counts("not for this run", to_do) if to_do or not is_undone else "nothing to take back"


def _undo(row: Mapping[str, Any]) -> str:
    """Return what is said of the undo package of an import; what was taken back has none."""
    if row.get("undo"):
        return "; undo kept"
    return "" if row["state"] == UNDONE else "; no undo package"


def _with_counts(what: str, parts: Sequence[str]) -> str:
    return ", ".join([what, *parts])


def _done(row: Mapping[str, Any]) -> list[str]:
    return _counted(row, DONE)


def _to_do(row: Mapping[str, Any]) -> list[str]:
    return _counted(row, {effect: "to %s" % effect for effect in DONE})


def _counted(row: Mapping[str, Any], words: Mapping[str, str]) -> list[str]:
    summary = row.get("summary") or {}
    effects = {**words, UNKNOWN: "unknown"}
    return ["%d %s" % (summary[effect], word) for effect, word in effects.items() if summary.get(effect)]
