# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a plan makes a task refuse the whole list before anything is uploaded, as the option ``refuse`` says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..history.proven import Proof
from ..history.receipt import DUPLICATE, EFFECT_DELETE
from ..package.content import Content
from ..session.session import Session
from ..support.text import printable
from .decision import Decision
from .listing import ListedPlan
from .package import PackagePlan
from .text import names_of, title
from .verdict import Verdict

# Kinds.
DELETE, MISSING, OLDER_TARGET = "delete", "missing", "older_target"
KINDS = (DELETE, DUPLICATE, MISSING, OLDER_TARGET)
USUAL = (MISSING,)
# What is refused by another option.
UNPROVEN = "unproven"

# How many gaps of a package are named.
_NAMED = 5
_NUMBERS = re.compile(r"[0-9]+")


@dataclass(frozen=True)
class Judged:
    """A package that is due, as far as it is judged.

    Attributes:
        name: What it is called.
        project: Its project's name or id, empty for none.
        plan: What is about to be done.
        force: Whether that is done whatever it is.
        content: What its file holds; None where its import is to be taken back.
    """

    name: str
    project: str
    plan: PackagePlan
    force: bool
    content: Content | None = None

    @classmethod
    def of(cls, decision: Decision) -> Judged:
        """Return a package of a list."""
        package, planned = decision.package, decision.planned
        content = planned.package.content if planned is not None else None
        return cls(package.name, package.project, decision.plan, bool(package.option["force"]), content)

    @classmethod
    def alone(cls, planned: ListedPlan, project: str | None) -> Judged:
        """Return the one package of a task.

        Args:
            planned: Its plan.
            project: Its project's name or id, None or empty for none.
        """
        package = planned.package
        return cls(package.name, project or "", planned.plan, package.force, package.content)


class Refusals:
    """What is refused of a plan.

    Args:
        kinds: The kinds of effects that are.
        proof: What has to be proven of the files.
        session: The session; it knows the server's version.
        stops: Whether a refusal ends the task; else it is warned of.
        warnings: Gets sentences about what is not as it should be and is no failure.
    """

    def __init__(self, kinds: Sequence[str], proof: Proof, session: Session, stops: bool, warnings: list[str]) -> None:
        self._kinds = frozenset(kinds)
        self._proof = proof
        self._session = session
        self._verdict = Verdict("refuse: the import is refused", stops, warnings)
        self._found: list[dict[str, str]] = []

    def judge(self, due: Iterable[Judged]) -> None:
        """Judge what is due.

        Args:
            due: The packages that are, in their order.

        Raises:
            MigrationError: Something of it is refused, and the task is to end then.
        """
        self._found = [
            {"kind": kind, "name": item.name, "project": item.project, "msg": sentence}
            for item in due
            for kind in (*KINDS, UNPROVEN)
            for sentence in self._sentences(kind, item)
        ]
        self._verdict.give(
            [row["msg"] for row in self._found],
            "; ".join(_ways_out({row["kind"] for row in self._found})),
            "The import would be refused: %s",
            {"refused": self._found},
        )

    def _sentences(self, kind: str, item: Judged) -> Iterable[str]:
        """Return why a package is refused for a kind of effects."""
        name = printable(title(item.name, item.project), 200)
        if kind == UNPROVEN:
            # What is to be taken back has no file to be proven.
            proven = self._proof.missing(item.name, item.content.sha256) if item.content is not None else ()
            yield from ("Package %s is not proven on %s." % (name, why) for why in proven)
        elif item.force or kind not in self._kinds:
            return
        elif kind == MISSING:
            gaps = item.plan.gaps.sentences
            yield from ("Package %s cannot be imported: %s." % (name, gap) for gap in gaps[:_NAMED])
            if len(gaps) > _NAMED:
                yield "Package %s cannot be imported for %d more such reasons." % (name, len(gaps) - _NAMED)
        elif kind == OLDER_TARGET:
            source = item.content.iserver_version if item.content is not None else None
            target = self._session.state.server.get("iserver_version")
            if is_older(target, source):
                yield "Package %s was exported from version %s of the server, and this server is of the older %s." % (
                    name,
                    printable(source, 40),
                    printable(target, 40),
                )
        elif kind in (DELETE, DUPLICATE):
            # Also those that a later package decides about: an import does all of it.
            effect = EFFECT_DELETE if kind == DELETE else DUPLICATE
            changes = [change for change in item.plan.objects if change.effect == effect]
            if changes:
                verb = "deletes" if kind == DELETE else "makes copies of"
                yield "Package %s %s %s." % (name, verb, names_of(changes))

    # What is shown.

    def text(self) -> str:
        """Return what is refused for people, as a block of a diff; empty for nothing."""
        return self._verdict.text()

    def as_result(self) -> list[dict[str, Any]]:
        """Return what is refused, as a task returns it."""
        return list(self._found)


def _ways_out(kinds: set[str]) -> Iterable[str]:
    """Give what lets through what is refused."""
    effects = [kind for kind in KINDS if kind in kinds]
    if effects:
        yield (
            "force: true of the package, or leave %s out of refuse (mstr_refuse of the role; in the playbook promote, "
            "name it in mstr_allow)" % " and ".join(effects)
        )
    if UNPROVEN in kinds:
        yield "leave the environment out of proven_on (mstr_proven_on of the role)"


def is_older(one: str | None, other: str | None) -> bool:
    """Return whether a version of the Intelligence Server is older than another; unknown ones are not.

    Its first three numbers count: ``11.3.0960``. What is behind them counts builds, and some end in a letter.
    """
    ours, theirs = _numbers(one), _numbers(other)
    return len(ours) == len(theirs) == 3 and ours < theirs


def _numbers(version: str | None) -> tuple[int, ...]:
    return tuple(int(number) for number in _NUMBERS.findall(version or "")[:3])
