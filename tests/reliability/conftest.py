# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bench for each pytest process, and the table that is made of all cells in the end."""

from __future__ import annotations

import difflib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import table
from cells import COURSE, all_cells
from workflows import Bench

from harness import running_server, write_samples  # isort: skip
from warm_modules import WarmModules  # isort: skip

# Filled in the process that has the reports of all workers.
VERDICTS: dict[str, dict[str, Any]] = {}
# What the end of the run has to say.
CLOSING: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-table", action="store_true", help="write docs/fault-matrix.md instead of comparing it")


@pytest.fixture(scope="session")
def bench() -> Iterator[Bench]:
    """A double and a warm process, for one test after the other."""
    base = Path(tempfile.mkdtemp(prefix="mstr_matrix_"))
    modules = WarmModules()
    try:
        packages = base / "packages"
        write_samples(packages)
        with running_server() as server:
            yield Bench(server, modules, packages / "inc1.mmp", base / "cell")
    finally:
        modules.stop()
        shutil.rmtree(base, ignore_errors=True)


@pytest.fixture(scope="session")
def courses(bench: Bench) -> dict[str, list[dict[str, Any]]]:
    """The logs of runs in which nothing breaks, by workflow."""
    found = {}
    for workflow in COURSE:
        bench.renew()
        bench.prepare(workflow)
        for ran in bench.run(workflow):
            assert not ran.failed, ran.stdout
        found[workflow] = bench.server.log()
    return found


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    for name, value in report.user_properties:
        if name == "cell" and report.when == "call" and isinstance(value, dict):
            VERDICTS[value["key"]] = value


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Compare the table with what was found, or write it, where every cell was run."""
    if hasattr(session.config, "workerinput") or not VERDICTS:
        return
    CLOSING.extend("%s: %d" % row for row in table.totals(VERDICTS))
    missing = [cell.key for cell in all_cells() if cell.key not in VERDICTS]
    if missing:
        CLOSING.append("%d cells were not run, so the table is not looked at" % len(missing))
        return
    text = table.render(VERDICTS)
    if session.config.getoption("--write-table"):
        table.PATH.write_text(text, encoding="utf-8")
        CLOSING.append("%s is written" % table.PATH.name)
        return
    committed = table.PATH.read_text(encoding="utf-8") if table.PATH.exists() else ""
    if text != committed:
        CLOSING.append("%s is not what was found; make fault-matrix writes it:" % table.PATH.name)
        CLOSING.extend(
            difflib.unified_diff(committed.splitlines(), text.splitlines(), "committed", "found", lineterm="", n=0)
        )
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if CLOSING:
        terminalreporter.section("fault matrix")
        for line in CLOSING:
            terminalreporter.write_line(line)
