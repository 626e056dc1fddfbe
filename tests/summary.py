# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say what a run of the gates came to: a table of sessions, the tests that were skipped and why, and the counts.

``python tests/summary.py SESSIONS REPORTS``: SESSIONS is what nox wrote by its option ``--report``, REPORTS is the
directory of pytest's JUnit reports. It ends with 1 where a session failed, or where none passed: such a run has shown
nothing.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

# What nox calls the results of sessions. One that found nothing to check, or that needs one that failed, is aborted.
OUTCOMES = {"success": "passed", "failed": "failed", "aborted": "failed", "skipped": "skipped"}


@dataclass
class Tests:
    """What pytest counted in one session; an error in a fixture counts as a failure of its test.

    Attributes:
        counts: How many tests passed, failed, and were skipped.
        skips: The skipped tests with their reasons.
    """

    counts: Counter[str] = field(default_factory=Counter)
    skips: list[tuple[str, str]] = field(default_factory=list)


def read(report: Path) -> Tests:
    """Read a JUnit report."""
    tests = Tests()
    for case in ElementTree.parse(report).iter("testcase"):
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            tests.counts["failed"] += 1
        elif skip is not None:
            tests.counts["skipped"] += 1
            tests.skips.append((f"{case.get('classname')}::{case.get('name')}", skip.get("message") or "no reason"))
        else:
            tests.counts["passed"] += 1
    return tests


def words(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[word]} {word}" for word in ("passed", "failed", "skipped"))


def main() -> int:
    sessions, reports = map(Path, sys.argv[1:])
    if not sessions.exists():
        # nox has said why.
        return 1
    outcomes: Counter[str] = Counter()
    total: Counter[str] = Counter()
    processor = 0.0
    print(f"{'':33} {'time':>7} {'busy':>7}")
    skips: dict[tuple[str, str], list[str]] = {}
    said: list[str] = []
    for session in json.loads(sessions.read_text(encoding="utf-8"))["sessions"]:
        name, outcome = [*session["signatures"], session["name"]][0], OUTCOMES[session["result"]]
        outcomes[outcome] += 1
        # As noxfile.py names it.
        report = reports / (re.sub(r"[^\w.]+", "-", name).strip("-") + ".xml")
        tests = read(report) if report.exists() else Tests()
        total += tests.counts
        tested = words(tests.counts) if tests.counts else ""
        used = report.with_suffix(".cpu")
        busy = float(used.read_text(encoding="utf-8")) if used.exists() else 0.0
        processor += busy
        times = f"{session['duration']:5.0f} s {busy:5.0f} s"
        print(f"{name:24} {outcome:8} {times}  {session['reason'] or tested}".rstrip())
        notes = report.with_suffix(".txt")
        if notes.exists():
            said += [f"{name}: {line}" for line in notes.read_text(encoding="utf-8").splitlines()]
        for skip in tests.skips:
            skips.setdefault(skip, []).append(name)
    print("\n".join(said))
    for (test, reason), names in skips.items():
        print(f"skipped {test} in {', '.join(names)}: {reason}")
    print(f"the processors were busy for {processor / 60:.1f} min in all")
    print(f"tests: {words(total)}")
    print(words(outcomes))
    return 0 if outcomes["passed"] and not outcomes["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
