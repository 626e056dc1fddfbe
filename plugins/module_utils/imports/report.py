# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of each package of a list, as a task returns it, and the same in short for AWX."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..plan.decision import Decision
from .words import outcome_line

_IN_SHORT = ("name", "project", "state", "in_sync", "changed", "summary")


class Report:
    """What became of the packages of a list so far.

    Args:
        decisions: What was decided for each.
        run: The id of the run; None where there is none.
        plan_id: The id of the plan.

    Attributes:
        packages: One row a package, in the order of the list.
        taken_back: The names of packages that were imported and taken back, because another one failed; newest first.
    """

    def __init__(self, decisions: Iterable[Decision], run: str | None, plan_id: str) -> None:
        nothing = {"changed": False, "failed": False, "msg": "", "undo": None, "receipt": None}
        self.packages: list[dict[str, Any]] = []
        self.taken_back: list[str] = []
        self._run = run
        self._plan_id = plan_id
        self._reasons: list[str] = []
        self._left: dict[int, str] = {}
        self._effects: dict[int, dict[str, int]] = {}
        for decision in decisions:
            self.packages.append({**decision.row(), **nothing})
            self._reasons.append(decision.reason)

    def predict(self) -> None:
        """Count what is due as changed, as a prediction."""
        for row in self.packages:
            row["changed"] = row["due"]

    @property
    def changed(self) -> bool:
        """Whether anything was changed."""
        return any(row["changed"] for row in self.packages)

    def note(self, position: int, /, **values: Any) -> None:
        """Note what became of a package.

        Args:
            position: Its place in the list, from 1.
            values: Fields of its row.
        """
        self.packages[position - 1].update(values)

    def count(self, position: int, effects: dict[str, int]) -> None:
        """Note how many objects were changed, where these are more than those for which a package was due.

        Args:
            position: Its place in the list, from 1.
            effects: How many there are of each effect.
        """
        self._effects[position] = effects

    def leave(self, position: int, because: str) -> None:
        """Note that a package is left as it is, though it is due.

        Args:
            position: Its place in the list, from 1.
            because: Why, for people.
        """
        self.note(position, due=False)
        self._left[position] = because

    def line(self, position: int, check_mode: bool = False) -> str:
        """Return what became of a package, for people, on one line.

        Args:
            position: Its place in the list, from 1.
            check_mode: Whether nothing was done, and what changed is a prediction.
        """
        has_several = len({row["project"] for row in self.packages}) > 1
        row, reason = self.packages[position - 1], self._reasons[position - 1]
        if position in self._effects:
            row = {**row, "summary": self._effects[position]}
        return outcome_line(row, check_mode, has_several, reason, self._left.get(position))

    def text(self, head: str = "", check_mode: bool = False) -> str:
        """Return what became of all packages, for people, one line each.

        Args:
            head: A line before them; empty for none.
            check_mode: Whether nothing was done, and what changed is a prediction.
        """
        lines = [self.line(row["position"], check_mode) for row in self.packages]
        return "\n".join([head, *lines] if head else lines)

    def shorten(self) -> None:
        """Leave the objects out, for the result of a failure, which Ansible prints as it is."""
        for row in self.packages:
            row.pop("changes", None)

    def as_result(self, complete: bool) -> dict[str, Any]:
        """Return it in short, without paths and objects.

        Args:
            complete: Whether nothing is left to do.
        """
        return {
            "changed": [row["name"] for row in self.packages if row["changed"]],
            "failed": [row["name"] for row in self.packages if row["failed"]],
            "packages": [{key: row[key] for key in _IN_SHORT} for row in self.packages],
            "complete": complete,
            "taken_back": self.taken_back,
            "run": self._run,
            "plan_id": self._plan_id,
        }
