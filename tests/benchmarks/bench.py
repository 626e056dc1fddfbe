# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure the works that have a goal, print how they come out, and keep the page and its picture.

``make bench`` runs all of them, and writes docs/performance.md and docs/performance.svg. Nothing here decides whether a
test passes: how fast a machine is says nothing about the code. What has a goal is therefore a ratio of two things that
ran in turns on the same machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import works
from ground import ROOT, Ground

RESULTS = ROOT / ".cache" / "bench" / "results.json"
PAGE = ROOT / "docs" / "performance.md"
PICTURE = ROOT / "docs" / "performance.svg"

WORKS: dict[str, Callable[[Ground, int], works.Finding]] = {
    "package": works.one_package,
    "five": works.five_packages,
    "sync": works.nothing_to_do,
    "upload": works.upload,
    "undo": works.undo,
    "fleet": works.fleet,
    "plan": works.large_plan,
    "export": works.export,
}
NOTICING = "noticing"


def machine() -> dict[str, str]:
    """Describe what the figures were made on."""
    processors = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    curl = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    packages = ", ".join("%s %s" % (name, version(name)) for name in ("ansible-core", "requests", "urllib3"))
    return {
        "processor": "%s, %d cores" % (
            processors.group(1) if processors else platform.machine(), len(os.sched_getaffinity(0))
        ),
        "memory": "%.0f GiB" % memory,
        "system": "%s %s" % (platform.system(), platform.release()),
        "programs": "Python %s, %s, curl %s" % (platform.python_version(), packages, curl),
    }  # fmt: skip


def measure(names: list[str], rounds: int) -> dict[str, Any]:
    """Run works one after the other, and return all that they found."""
    found: dict[str, Any] = {"machine": machine(), "results": [], "series": {}}
    ground = Ground(ROOT / ".cache" / "bench" / "work")
    noticing = works.Noticing(ground)

    def take(name: str, finding: works.Finding) -> None:
        for result in finding.results:
            row = result.as_json()
            found["results"].append({**row, "name": name})
            print("%-48s %s (%s)%s" % (
                row["work"], row["figure"], row["spread"], "" if row["met"] else "  MISSED: %s" % row["goal"]
            ), flush=True)  # fmt: skip
        for key, value in finding.series.items():
            known = found["series"].setdefault(key, value)
            if known is not value:
                known.update(value)

    try:
        if NOTICING in names:
            noticing.begin()
        for name, work in WORKS.items():
            if name in names:
                take(name, work(ground, rounds))
        if NOTICING in names:
            print("short imports, and waiting for the end of two of ten minutes", flush=True)
            take(NOTICING, noticing.finish(rounds))
    finally:
        works.clean(ground)
    return found


def table(found: dict[str, Any]) -> str:
    """Return the figures with a goal as a table of the page."""
    lines = ["| work | figure | which | spread | rounds | goal | met |", "|---|---|---|---|---|---|---|"]
    for row in found["results"]:
        cells = [
            row["work"],
            row["figure"],
            row["judged"],
            row["spread"],
            row["rounds"],
            row["goal"],
            ("yes" if row["met"] else "**no**") + (" (%s)" % row["rounds_met"] if row["rounds_met"] else ""),
        ]
        lines.append("| %s |" % " | ".join(cells))
    return "\n".join(lines)  # fmt: skip


def ways_table(found: dict[str, Any]) -> str:
    """Return what each way to import one package costs, in units of the floor."""
    names = {
        "floor": "`ansible-playbook` with one `ping`: the floor",
        "task": "`mstr_package_import`, one task",
        "role": "the role",
        "uri": "`ansible.builtin.uri` tasks, curl for the upload",
        "curl": "a shell script with curl",
        "mstrio": "a Python script with mstrio-py",
    }
    costs = found["series"]["one package"]
    lines = ["| way | time, x floor | processor time, x floor |", "|---|---|---|"]
    for key, name in names.items():
        wall, cpu = (costs[key][what] / costs["floor"][what] for what in ("wall", "cpu"))
        lines.append("| %s | %.2f | %.2f |" % (name, wall, cpu))
    return "\n".join(lines)


def transfers_table(found: dict[str, Any]) -> str:
    """Return how fast transfers are, and how much of the time of the faster one the double was at work."""
    lines = ["| transfer | module, MiB/s | curl, then sha256, MiB/s | the double's share |", "|---|---|---|---|"]
    for name, speeds in found["series"]["transfers"].items():
        row = (name, speeds["module"], speeds["curl"], 100 * speeds["server"])
        lines.append("| %s | %.0f | %.0f | %.0f %% |" % row)
    return "\n".join(lines)


def machine_list(found: dict[str, Any]) -> str:
    """Return the description of the machine as a list of the page."""
    return "\n".join("- %s: %s" % item for item in found["machine"].items())


def keep(found: dict[str, Any]) -> None:
    """Write the tables into the page, between their marks, and draw the picture."""
    text = PAGE.read_text(encoding="utf-8")
    for name, block in (
        ("machine", machine_list),
        ("goals", table),
        ("ways", ways_table),
        ("transfers", transfers_table),
    ):
        mark = "<!-- %s -->" % name
        before, _mark, rest = text.partition(mark)
        _old, _mark, behind = rest.partition(mark)
        text = "%s%s\n%s\n%s%s" % (before, mark, block(found), mark, behind)
    PAGE.write_text(text, encoding="utf-8")
    subprocess.run([sys.executable, str(Path(__file__).parent / "picture.py"), str(RESULTS), str(PICTURE)], check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the collection against what it is compared with.")
    every = [*WORKS, NOTICING]
    parser.add_argument("--only", action="append", choices=every, help="measure this work; the page stays as it is")
    parser.add_argument("--rounds", type=int, default=5, help="how often each way is measured (default: 5)")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds: at least 1")
    found = measure(arguments.only or every, arguments.rounds)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1), encoding="utf-8")
    print("\n%s\n\n%s" % (table(found), json.dumps(found["series"])))
    if not arguments.only:
        keep(found)
        print("\nwritten: %s and %s" % (PAGE.relative_to(ROOT), PICTURE.relative_to(ROOT)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
