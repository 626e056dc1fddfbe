# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an import would change inside objects, by the definitions that were kept with the package when it was built.

It is for people alone. So where the server does not answer, that is said, and the task goes on.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..history.receipt import EFFECT_REPLACE
from ..package import definitions
from ..package import manifest as manifests
from ..package.definition_text import difference, subtype_in
from ..package.definitions import AT_ONCE, LINES, SHOWN, DefinitionReader
from ..rest.definitions import has_definition
from ..rest.models import Key, Row, type_name
from ..session.session import Session
from ..support.parallel import side_by_side
from ..support.text import printable
from .decision import Decision
from .listing import ListedPlan
from .text import title


class Inside:
    """Compares definitions of a destination with those of packages, for people.

    Args:
        session: The session.
        warnings: Gets a sentence for each type of which the server gives none.
    """

    def __init__(self, session: Session, warnings: list[str]) -> None:
        self._session = session
        self._warnings = warnings
        self._readers: dict[str, DefinitionReader] = {}
        self._left = SHOWN
        self._beyond = 0
        self._without: set[str] = set()

    def of_list(self, decisions: Iterable[Decision]) -> list[str]:
        """Return blocks about the packages of a list that are to be imported, see ``of``."""
        return self.of(
            (title(decision.package.name, decision.package.project), decision.package.given or "", decision.planned)
            for decision in decisions
            if decision.due and decision.planned is not None
        )

    def of(self, packages: Iterable[tuple[str, str, ListedPlan]]) -> list[str]:
        """Return a block for each package whose definitions are kept and would replace others, and one of what is left.

        Args:
            packages: What each package is called, its file or its manifest, and the plan of its import.

        Raises:
            MigrationError: The session has ended.
        """
        blocks = [self._block(*package) for package in packages]
        for reader in self._readers.values():
            reader.say()
        notes = []
        if self._without:
            notes.append("no definition that can be read is kept of: %s" % ", ".join(sorted(self._without)))
        if self._beyond:
            notes.append("the definitions of %d more objects are not compared" % self._beyond)
        blocks += ["inside objects: %s\n" % "; ".join(notes)] if notes else []
        return [block for block in blocks if block]

    def _block(self, name: str, given: str, planned: ListedPlan) -> str:
        """Return the lines of definitions that an import would replace; empty for none."""
        package = planned.package
        if package.project_id is None or package.content.definitions is None:
            return ""
        path = given[: -len(manifests.SUFFIX)] if given.endswith(manifests.SUFFIX) else given
        directory = definitions.directory_for(path)
        rows = [change.row for change in planned.plan.objects if change.effect == EFFECT_REPLACE and change.counts]
        kept = []
        for row in rows:
            if has_definition(row.type) and definitions.has(directory, row.key):
                kept.append(row)
            else:
                self._without.add(type_name(row.type))
        shown = kept[: self._left]
        self._left -= len(shown)
        self._beyond += len(kept) - len(shown)
        reader = self._reader(package.project_id)

        def lines_of(key: Key) -> list[str]:
            theirs = definitions.read(directory, key)
            return difference(reader.read(key, subtype_in(theirs)), theirs, LINES)

        found = side_by_side(lambda row: lines_of(row.key), shown, AT_ONCE)
        lines = [line for row, differing in zip(shown, found) if differing for line in (_head(row), *differing)]
        return "\n".join(["inside the objects of package %s" % printable(name, 200), *lines, ""]) if lines else ""

    def _reader(self, project_id: str) -> DefinitionReader:
        if project_id not in self._readers:
            reader = DefinitionReader(self._session.library, project_id, self._warnings, is_spare=True)
            self._readers[project_id] = reader
        return self._readers[project_id]


def _head(row: Row) -> str:
    return '~ %s "%s"' % (type_name(row.type), printable(row.name, 80))
