# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of a server, and the report on them, which has no secrets, names, ids and addresses in it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from points import NOT_ASKED, POINTS

from ansible_collections.mstr.migration.plugins.module_utils.errors import ConnectionLost, MigrationError, ServerError
from ansible_collections.mstr.migration.plugins.module_utils.rest.known import BY_NAME

USUAL, COPES, DIFFERS, NOTED, OPEN = "as documented", "copes with it", "DIFFERS", "noted", "not asked"
# Without one of these nothing can be imported, or nothing be taken back.
NEEDED_CALLS = ("projects", "objects", "packages", "package_upload", "imports", "undo_packages")


class Answers:
    """What was answered so far.

    Attributes:
        values: The answer to each point, by its name.
        calls: Whether each call is there, by its name.
        versions: ``web_version`` and ``iserver_version``.
    """

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.calls: dict[str, bool | None] = {}
        self.versions: dict[str, str | None] = {"web_version": None, "iserver_version": None}
        self._fits: dict[str, bool] = {}
        self._why_not: dict[str, str] = {}

    def give(self, name: str, answer: object, fits: bool | None = None) -> None:
        """Note an answer.

        Args:
            name: The point.
            answer: The answer: a word, a number, a status; nothing that tells one server from another.
            fits: Whether the collection works with it; None where it does with the usual answer alone.
        """
        text = {True: "yes", False: "no"}.get(answer, str(answer)) if isinstance(answer, bool) else str(answer)
        self.values[name] = text
        self._fits[name] = text == POINTS[name].usual if fits is None else fits

    def leave(self, name: str, why: str) -> None:
        """Note why a point has no answer."""
        self._why_not[name] = why

    @contextlib.contextmanager
    def trying(self, *names: str) -> Iterator[None]:
        """Answer points; where that breaks, those that have no answer yet say so, and the others go on."""
        try:
            yield
        except (MigrationError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            for name in names:
                if name not in self.values:
                    self.give(name, in_short(error), fits=False)

    def verdict(self, name: str) -> str:
        """Return what a point's answer comes to."""
        if name not in self.values:
            return OPEN
        point = POINTS[name]
        if point.usual is not None and self.values[name] == point.usual:
            return USUAL
        if not point.relied:
            return NOTED
        return COPES if self._fits[name] else DIFFERS

    @property
    def differing(self) -> list[str]:
        """The points and calls on which the collection relies and which are otherwise on this server."""
        points = [name for name in POINTS if self.verdict(name) == DIFFERS]
        if not self.calls:
            points.append("calls")
        return points + [f"call {name}" for name in NEEDED_CALLS if self.calls.get(name) is False]

    def as_report(self, collection: str, wrote: bool) -> dict[str, Any]:
        """Return the report."""
        points = [
            {
                "name": name,
                "question": point.question,
                "answer": self.values.get(name),
                "verdict": self.verdict(name),
                **({"why": self._why(name, wrote)} if name not in self.values else {}),
            }
            for name, point in POINTS.items()
        ]
        return {
            "format": 1,
            "collection": collection,
            "allowed": "write" if wrote else "read",
            "server": self.versions,
            "differing": self.differing,
            "points": points,
            "calls": self.calls,
            "not_asked": NOT_ASKED,
        }

    def _why(self, name: str, wrote: bool) -> str:
        if POINTS[name].writes and not wrote:
            return "It needs LIVETEST_PROJECT and LIVETEST_PACKAGE."
        return self._why_not.get(name, "What comes before it did not work.")


def in_short(error: Exception) -> str:
    """Return what an error was, without its text, in which names and addresses may be."""
    if isinstance(error, ServerError):
        return "refused: " + " ".join(str(part) for part in (error.status, error.code, error.iserver_code) if part)
    if isinstance(error, ConnectionLost):
        return "no answer"
    if isinstance(error, MigrationError):
        return "refused by the collection"
    return "not as documented"


def last_line(report: dict[str, Any]) -> str:
    """Return what the report comes to."""
    if report["differing"]:
        return f"DIFFERS from what the collection relies on: {', '.join(report['differing'])}"
    answered = sum(point["answer"] is not None for point in report["points"])
    return f"Nothing differs from what the collection relies on: {answered} of {len(report['points'])} points answered."


def as_markdown(report: dict[str, Any]) -> str:
    """Return the report for people."""
    known = {name: version or "unknown" for name, version in report["server"].items()}
    about = f"mstr.migration {report['collection']}; Library {known['web_version']}, Intelligence Server "
    about += f"{known['iserver_version']}; allowed: {report['allowed']}."
    lines = [
        "# How this server answers",
        "",
        about,
        "",
        last_line(report),
        "",
        "| point | question | answer | |",
        "|---|---|---|---|",
    ]
    order = (DIFFERS, COPES, NOTED, USUAL, OPEN)
    for point in sorted(report["points"], key=lambda one: order.index(one["verdict"])):
        answer = point["answer"] if point["answer"] is not None else point["why"]
        lines.append(f"| {point['name']} | {point['question']} | {answer} | {point['verdict']} |")
    lines += ["", "## Calls", "", "| call | | there |", "|---|---|---|"]
    for name, there in report["calls"].items():
        word = {True: "yes", False: "no", None: "cannot tell"}[there]
        lines.append(f"| {name} | `{BY_NAME[name].shown}` | {word} |")
    lines += ["", "## Not asked", ""]
    lines += [f"- {name}: {why}" for name, why in report["not_asked"].items()]
    return "\n".join(lines) + "\n"


def write(directory: Path, report: dict[str, Any]) -> None:
    """Write the report as JSON and for people."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    (directory / "report.md").write_text(as_markdown(report), encoding="utf-8")
