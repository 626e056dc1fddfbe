# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an import would change inside objects, by the definitions that were kept with the package when it was built."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ..history.receipt import EFFECT_REPLACE
from ..package import definitions
from ..package.definitions import DefinitionReader
from ..rest.definitions import has_definition
from ..rest.models import Key, type_name
from ..session.session import Session
from ..support.parallel import side_by_side
from ..support.text import printable
from .decision import Decision
from .package import PackagePlan
from .text import title

# How much a diff shows: objects in all, and lines of each.
_SHOWN = 30
_LINES = 40
_AT_ONCE = 4


class Inside:
    """Compares definitions of a destination with those of packages, for people.

    Args:
        session: The session.
        warnings: Gets a sentence for each type of which the server gives none.
    """

    def __init__(self, session: Session, warnings: list[str]) -> None:
        self._session = session
        self._warnings = warnings
        self._left = _SHOWN

    def blocks(self, decisions: Iterable[Decision]) -> list[str]:
        """Return a block for each package that is to be imported and whose definitions are kept.

        Raises:
            MigrationError: The session has ended, or the server cannot be reached.
        """
        return [
            self.block(
                title(decision.package.name, decision.package.project),
                decision.package.file.path,
                decision.package.project_id,
                decision.plan,
            )
            for decision in decisions
            if decision.due and decision.planned is not None and decision.package.file is not None
        ]

    def block(self, name: str, path: str, project_id: str | None, plan: PackagePlan) -> str:
        """Return the lines of definitions that an import would replace, as a block of a diff; empty for none.

        Args:
            name: What the package is called.
            path: The package file.
            project_id: The destination project; None at the configuration level.
            plan: What would be done.

        Raises:
            MigrationError: The session has ended, or the server cannot be reached.
        """
        directory = definitions.directory_for(path)
        if project_id is None or not os.path.isdir(directory):
            return ""
        replaced = [
            change.row
            for change in plan.objects
            if change.effect == EFFECT_REPLACE and change.counts and has_definition(change.row.type)
        ][: self._left]
        self._left -= len(replaced)
        reader = DefinitionReader(self._session.library, project_id, self._warnings)

        def lines_of(key: Key) -> list[str]:
            theirs = definitions.read(directory, key)
            ours = reader.read(key, definitions.subtype_in(theirs)) if theirs is not None else None
            return definitions.difference(ours, theirs, _LINES)

        found = side_by_side(lambda row: lines_of(row.key), replaced, _AT_ONCE)
        reader.say()
        lines: list[str] = []
        for row, differing in zip(replaced, found):
            if differing:
                lines += ['~ %s "%s"' % (type_name(row.type), printable(row.name, 80)), *differing]
        head = "inside the objects of package %s" % printable(name, 200)
        return "\n".join([head, *lines]) + "\n" if lines else ""
