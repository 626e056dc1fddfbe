# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What speaks against carrying a plan out: it ends the task; where nothing is carried out it is warned of and shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import MigrationError
from . import text as plan_text


class Verdict:
    """The problems of one kind that a plan has.

    Args:
        head: What the problems come to, as the message and the block of a diff begin.
        stops: Whether a problem ends the task; else it is warned of.
        warnings: Gets sentences about what is not as it should be and is no failure.

    Attributes:
        problems: The problems, a sentence each.
    """

    def __init__(self, head: str, stops: bool, warnings: list[str]) -> None:
        self.problems: list[str] = []
        self._head = head
        self._stops = stops
        self._warnings = warnings
        self._said: set[str] = set()

    def give(self, problems: Iterable[str], way_out: str, warning: str, details: Mapping[str, Any]) -> None:
        """Put these problems in the place of those so far.

        Args:
            problems: A sentence each; none for a plan that nothing speaks against.
            way_out: What to do to import all the same.
            warning: What a warning of a problem is, with ``%s`` for the problem.
            details: What the task returns where it fails.

        Raises:
            MigrationError: There are some, and they end the task.
        """
        self.problems = list(problems)
        if self.problems and self._stops:
            raise MigrationError(
                "%s, and was not begun. %s To import all the same: %s."
                % (self._head, " ".join(self.problems), way_out),
                **details,
            )
        self.warn(*(warning % problem for problem in self.problems))

    def warn(self, *sentences: str) -> None:
        """Warn of something, once."""
        for sentence in sentences:
            if sentence not in self._said:
                self._said.add(sentence)
                self._warnings.append(sentence)

    def text(self) -> str:
        """Return the problems for people, as a block of a diff; empty for none."""
        lines = [line for problem in self.problems for line in plan_text.marked("!", problem)]
        return "\n".join([self._head, *lines]) + "\n" if lines else ""
