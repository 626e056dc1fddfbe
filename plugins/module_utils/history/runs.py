# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runs of an environment, as the receipts tell of them: what each imported, and which one was the last.

Entries are those of the whole environment. Each function raises ``DiskError`` where a receipt cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from ..support.text import printable
from .entry import Entry
from .receipt import UNDONE

# The word by which a user asks for the newest run.
LAST = "last"
# How many runs a message names, and how many packages of a run.
SHOWN = 10


@dataclass(frozen=True)
class PastRun:
    """What one run imported. Imports that changed nothing are left out: there is nothing of them to take back.

    Attributes:
        id: The run's id, or that of the plan by which it was asked for. The name of its only entry, where the receipt
            is from before runs had ids.
        entries: Its entries, oldest first, at least one.
    """

    id: str
    entries: tuple[Entry, ...]

    @property
    def is_taken_back(self) -> bool:
        """Whether all of it is taken back."""
        return all(entry.receipt.state == UNDONE for entry in self.entries)

    @property
    def newest(self) -> str:
        """The name of its newest entry, by which runs sort in their order."""
        return self.entries[-1].name

    def as_result(self) -> dict[str, Any]:
        """Return it as a task returns it."""
        first = self.entries[0].receipt
        return {
            "run": self.id,
            "plan_id": first.plan_id,
            "started": first.started,
            "user": first.user,
            "job_id": first.job_id,
            "job_template": first.job_template,
            "job_user": first.job_user,
            "packages": [
                {
                    "name": entry.receipt.name,
                    "project": entry.receipt.project or "",
                    "entry": entry.name,
                    "state": entry.receipt.state,
                }
                for entry in self.entries
            ],
            "taken_back": self.is_taken_back,
        }

    def in_words(self) -> str:
        """Return it in one line: ``<id>: <when> by <user>, job <number> (<template>, <user>): finance, users``."""
        first = self.entries[0].receipt
        by = " by %s" % printable(first.user, 60) if first.user else ""
        job = ", job %s" % printable(first.job_id, 40) if first.job_id else ""
        more = ", ".join(printable(name, 60) for name in (first.job_template, first.job_user) if name)
        job += " (%s)" % more if job and more else ""
        return "%s: %s%s%s: %s" % (printable(self.id, 200), first.started or "?", by, job, self._packages())

    def _packages(self) -> str:
        if self.is_taken_back:
            return "%s; all taken back" % _some(entry.receipt.name for entry in self.entries)
        words = []
        for entry in self.entries:
            state = {UNDONE: " (taken back)", "imported": ""}.get(entry.receipt.state, " (%s)" % entry.receipt.state)
            words.append(entry.receipt.name + state)
        return _some(words)


def _some(names: Iterable[str]) -> str:
    known = [printable(name, 80) for name in names]
    more = len(known) - SHOWN
    return ", ".join(known[:SHOWN]) + (", and %d more" % more if more > 0 else "")


def runs_of(entries: Iterable[Entry]) -> list[PastRun]:
    """Return the runs that changed something, oldest first; one that is taken back since is among them.

    An import whose receipt is from before runs had ids counts as a run of its own.
    """
    found: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.name):
        if not entry.receipt.changed_nothing:
            found.setdefault(entry.receipt.run or entry.name, []).append(entry)
    runs = [PastRun(name, tuple(own)) for name, own in found.items()]
    return sorted(runs, key=lambda run: run.newest)


def find_run(entries: Sequence[Entry], wanted: str) -> PastRun:
    """Return the run that is meant.

    Args:
        entries: The entries of the environment.
        wanted: ``last``, or the id of a run or of a plan. The last one is the newest that changed something, whether it
            is taken back since or not: asking for it twice must not take back two runs.

    Raises:
        InputError: There is none.
    """
    runs = runs_of(entries)
    if wanted == LAST and runs:
        return runs[-1]
    named = [run for run in runs if run.id == wanted]
    if named:
        return named[0]
    of_plan = [entry for run in runs for entry in run.entries if entry.receipt.plan_id == wanted]
    if of_plan:
        return PastRun(wanted, tuple(sorted(of_plan, key=lambda entry: entry.name)))
    known = "; there is:\n%s\n" % "\n".join(run.in_words() for run in reversed(runs[-SHOWN:])) if runs else ""
    if any(wanted in (entry.receipt.run, entry.receipt.plan_id) for entry in entries):
        raise InputError(
            "run: %s changed nothing, so that there is nothing to take back%s." % (printable(wanted, 200), known)
        )
    raise InputError(
        "run: the history has no run%s that changed something%s."
        % ("" if wanted == LAST else " %s" % printable(wanted, 200), known)
    )


def run_before(entries: Iterable[Entry], run: PastRun) -> PastRun | None:
    """Return the newest run from before a run of which something is not taken back, None for none."""
    older = [other for other in runs_of(entries) if other.newest < run.newest and other.id != run.id]
    return next((other for other in reversed(older) if not other.is_taken_back), None)
