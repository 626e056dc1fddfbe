# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of cells and outcomes, as a page of the documentation."""

from __future__ import annotations

from typing import Any

from cells import (
    ALWAYS,
    AROUND,
    BUILD,
    CALLS,
    EDITED,
    FAULTS,
    GROUPS,
    ONCE,
    ONE_TASK,
    ROLE,
    TAKE_BACK,
    TIMES,
    all_cells,
)
from workflows import ROOT

PATH = ROOT / "docs" / "fault-matrix.md"

TITLES = {
    ONE_TASK: "A: `mstr_package_import`, the whole way in one task",
    ROLE: "B: as the role does it, with a session file",
    TAKE_BACK: "C: `mstr_undo_package`, an import taken back",
    EDITED: "E: `mstr_package_plan` of what somebody has edited since its import; only the calls that this adds",
    BUILD: "F: `mstr_package`, a package built from an attribute that a search finds",
    AROUND: "D: as B, in a window, with the schema reloaded and caches purged after; only the calls that this adds",
}
TIMES_TITLES = {ONCE: "the fault strikes once", ALWAYS: "the fault lasts"}

HEAD = """# What becomes of a run when something breaks

Every call of six workflows, and every fault, as the tests in `tests/reliability` found it. They run the real modules
against the [server double](../tests/library_server/README.md). This page is written by `make fault-matrix`; the gate
`reliability` fails where it is not what the tests find.

In every cell holds, and is asserted: at most one import is started. The task answers with one document of JSON, and
without a traceback, a page of HTML or a secret; a failure names the step and what happened. What it says of the import
agrees with the metadata. An undo package on disk is the one that the server sent, to the last byte; where there is none
of an import that is done, the user is told. The receipt says the same. Nothing stays on the server, unless the user is
told. No temporary file stays. When the fault is over, the next run ends in the declared state, and does not import
again what was imported. In D the project is what it was before, or the user is told that it is idle, and the next run
restores it; and what was not done after the import, the next run does. E and F import nothing: a plan is made whoever
edited what, and a package that is built is there with its manifest, or neither is.

Some faults are the same to every step: they end in the code that sends requests. The calls of A meet all of them where
they last. Elsewhere, and where they strike once, calls meet the faults by which steps and workflows decide.

The next run is that of the same workflow, without the fault. What it does follows from what the one before has left in
the history and on the server. So cells that leave the same, and nothing on the server, share a next run.
"""

WORDS = """## Words

| outcome | |
|---|---|
| done | imported (C: taken back), verified, the undo package on disk, all released; E: planned; F: built |
| done, again | the same; the call was sent again |
| done, unnamed | E: planned, and the plan says that nobody can be named, and why |
| done, unseen | imported, the undo package on disk, all released; the server let nobody look at objects afterwards |
| done, fails | imported, the undo package is on disk, and the task fails and says both |
| done, no undo | imported; the task fails, and says that it cannot be undone |
| done, undo later | imported; the task fails, and says that the next run fetches the undo package |
| not done | the task fails; nothing was imported, and nothing of it is left |
| unknown, done | the task fails and says that it is unknown whether the package was imported; in fact it was |
| unknown, not done | the same; in fact it was not |
| +session | the server holds a session, and the user is told; see below |
| - | the cell is left out, by a rule in `tests/reliability/cells.py` |

A run that could not close its session leaves the session file, mode 0600, from which the next run closes it.
An import that was not seen to end is left with its session in the same way. So is one of a single task (A) whose undo
package could not be fetched. The next run waits for it and keeps its undo package, which is asserted.
"""


def totals(verdicts: dict[str, dict[str, Any]]) -> list[tuple[str, int]]:
    """The counts over all cells."""
    found = list(verdicts.values())
    return [
        ("cells", len(found)),
        ("imports doubled", sum(verdict["doubled"] for verdict in found)),
        ("undo packages lost without a word", sum(verdict["lost"] for verdict in found)),
        ("left on the server without a word", sum(verdict["unsaid"] for verdict in found)),
        ("secrets found", sum(verdict["secrets"] for verdict in found)),
    ]


def render(verdicts: dict[str, dict[str, Any]]) -> str:
    """Return the page.

    Args:
        verdicts: By the key of each cell, what it came to.
    """
    outcomes = {
        (cell.workflow, cell.times, cell.call, cell.fault): verdicts[cell.key]["outcome"] for cell in all_cells()
    }
    parts = [HEAD, "| | |\n|---|---|\n" + "".join("| %s | %d |\n" % row for row in totals(verdicts)), WORDS]
    parts.append("## Faults\n\n| fault | |\n|---|---|\n" + "".join("| %s | %s |\n" % row for row in _faults()))
    for workflow, calls in CALLS.items():
        for times in TIMES[workflow]:
            parts.append("## %s; %s\n" % (TITLES[workflow], TIMES_TITLES[times]))
            for group in GROUPS:
                faults = [
                    fault
                    for fault in FAULTS
                    if fault.group == group and any((workflow, times, call, fault) in outcomes for call in calls)
                ]
                lines = ["### %s\n" % group.capitalize()]
                lines.append("| call | %s |" % " | ".join(fault.name for fault in faults))
                lines.append("|---" * (len(faults) + 1) + "|")
                for call in calls:
                    row = [outcomes.get((workflow, times, call, fault), "-") for fault in faults]
                    lines.append("| %s | %s |" % (call.name, " | ".join(row)))
                parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _faults() -> list[tuple[str, str]]:
    return [(fault.name, fault.about) for fault in FAULTS]
