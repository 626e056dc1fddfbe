# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a real server how it answers, and hold that against what the collection relies on.

``make livetest`` runs it. The server and who logs in come from the collection's own environment variables
(``MSTR_BASE_URL`` and others). It only reads, unless ``LIVETEST_PROJECT`` and ``LIVETEST_PACKAGE`` name a scratch
project and a package for it. docs/livetest.md says what it does on the server.

It ends with 0 where nothing differs on which the collection relies, with 1 where something does, and with 2 where it
could not ask, or could not take back what it imported.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from pathlib import Path

import reading
import seed
import writing
from report import Answers, as_markdown, last_line
from report import write as write_report
from server import Live

from ansible_collections.mstr.migration.plugins.module_utils.errors import InputError, MigrationError

ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> int:
    """Run the suite. :returns: the exit status"""
    parser = argparse.ArgumentParser(description="How does this server answer? See docs/livetest.md.")
    parser.add_argument("--directory", type=Path, default=ROOT / ".cache" / "livetest", help="where the reports go")
    parser.add_argument(
        "--save",
        type=Path,
        default=os.environ.get("LIVETEST_SAVE") or None,
        metavar="FILE",
        help="write a seed for the server double, so that it answers as this server (also LIVETEST_SAVE)",
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return run(options.directory, Path(options.save) if options.save else None)
    except MigrationError as error:
        print(f"livetest: {error.message}", file=sys.stderr)
    except KeyboardInterrupt:
        print("livetest: stopped", file=sys.stderr)
    print("Nothing was tested.")
    return 2


def run(directory: Path, save: Path | None) -> int:
    """Ask, and write the reports.

    Raises:
        MigrationError: The environment does not say what to ask, or the server lets nobody in.
    """
    given = scratch_of_environment()
    live, answers = Live(), Answers()
    trouble: list[str] = []
    scratch = None
    try:
        if given is not None:
            # First of all, so that what is wrong with it shows at once.
            scratch = writing.scratch(live.log_in(), given[0], given[1], directory, given[2])
        reading.read(live, answers)
        # A user may have only so many sessions.
        trouble += live.close()
        if scratch is not None:
            trouble += wrote(live, answers, scratch)
    finally:
        trouble += live.close()
    report = answers.as_report(version(), given is not None)
    write_report(directory, report)
    if save is not None:
        seed.save(save, answers)
    print(as_markdown(report))
    print(f"The report is {directory / 'report.md'}, and report.json beside it.")
    for text in trouble:
        print(text)
    verdict = "Not all was tested, or something was left behind: see above." if trouble else last_line(report)
    # For make, so that it is the last line there too.
    (directory / "verdict").write_text(verdict + "\n", encoding="utf-8")
    print(verdict)
    return 2 if trouble else 1 if report["differing"] else 0


def wrote(live: Live, answers: Answers, scratch: writing.Scratch) -> list[str]:
    """Do what writes. :returns: what went wrong, and what is left in the project"""
    trouble = []
    try:
        writing.write(live, answers, scratch)
    except (writing.GivenUp, MigrationError) as error:
        trouble.append(str(error))
    except KeyboardInterrupt:
        trouble.append("Stopped.")
    return trouble + ([scratch.left] if scratch.imported else [])


def scratch_of_environment() -> tuple[str, Path, float] | None:
    """Return the project and the package that may be written with, and for how many seconds to wait for an import.

    Raises:
        InputError: One of both is missing, or is not what it should be.
    """
    project, package = os.environ.get("LIVETEST_PROJECT", ""), os.environ.get("LIVETEST_PACKAGE", "")
    if bool(project) != bool(package):
        raise InputError(
            "LIVETEST_PROJECT and LIVETEST_PACKAGE: give both, so that something may be imported, or none."
        )
    if not project:
        return None
    path = Path(package).expanduser()
    if not path.is_file():
        raise InputError("LIVETEST_PACKAGE: there is no such file.")
    text = os.environ.get("LIVETEST_TIMEOUT") or "3600"
    if not re.fullmatch(r"\d+", text) or int(text) == 0:
        raise InputError("LIVETEST_TIMEOUT: it must be a number of seconds, more than 0.")
    return project, path, float(text)


def version() -> str:
    """Return the collection's version."""
    match = re.search(r"^version: *(\S+)", (ROOT / "galaxy.yml").read_text(encoding="utf-8"), re.MULTILINE)
    return match.group(1) if match else "unknown"


if __name__ == "__main__":
    sys.exit(main())
