# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The definitions of a package that is built: read where an object changed, kept beside the file, and compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..package import definitions
from ..package.content import Content
from ..package.definition_text import INDENT, difference
from ..package.definitions import AT_ONCE, LINES, SHOWN, DefinitionReader
from ..rest.client import Library
from ..rest.definitions import has_definition
from ..rest.models import Key, same_version, type_name
from ..support.parallel import side_by_side
from .changes import CHANGED, Change

_SAME = INDENT + "(its definition is the same)"
_UNKNOWN = INDENT + "(what it was before is not kept)"
_NONE_KEPT = "(what the objects were before is not kept, so that no lines of their definitions can be shown)"


class Definer:
    """Keeps the definitions of a package's objects, and says what changed in them.

    Args:
        library: The server.
        project_id: The project; None for a configuration package.
        dest: The package file.
        last: The package at dest, as its manifest tells; None where there is none to rely on.
        shows: Whether anybody is shown what changed.
        warnings: Gets sentences about what is not as it should be and is no failure.

    Attributes:
        notes: What people are told beside the lines.
    """

    def __init__(
        self,
        library: Library,
        project_id: str | None,
        dest: str,
        last: Content | None,
        shows: bool,
        warnings: list[str],
    ) -> None:
        self._directory = definitions.directory_for(dest)
        self._reader = DefinitionReader(library, project_id, warnings)
        self._kept = last.definitions if last is not None else None
        self._shows = shows
        self.notes: list[str] = []

    @property
    def are_kept(self) -> bool:
        """Whether the definitions of the package at dest are kept, all that there are."""
        return self._kept is not None and definitions.count(self._directory) == self._kept

    def keep(
        self, keys: Sequence[Key], found: Iterable[Change], subtypes: Mapping[Key, int | None]
    ) -> tuple[int, dict[Key, list[str]]]:
        """Write the definitions of a package.

        Args:
            keys: All objects of the package.
            found: What changed in the package.
            subtypes: The subtypes of objects, as far as they are known.

        Returns:
            How many are kept now, and what changed in them, in lines by object.

        Raises:
            MigrationError: A file cannot be written, or the server cannot answer.
        """
        edited = {change.key: change for change in found if change.after is not None and _is_edited(change)}
        wanted = [
            key
            for key in keys
            if has_definition(key[1])
            # Those of a package that was built without them are of nobody knows which version.
            and (self._kept is None or key in edited or not definitions.has(self._directory, key))
        ]
        shown = frozenset(self._shown(edited.values()))
        definitions.keep_only(self._directory, keys)

        def one(key: Key) -> list[str]:
            text = self._reader.read(key, subtypes.get(key))
            lines = self._compare(key, text) if key in shown else []
            definitions.write(self._directory, key, text)
            return lines

        lines = dict(zip(wanted, side_by_side(one, wanted, AT_ONCE)))
        self._reader.say()
        return definitions.count(self._directory), lines

    def foretell(self, found: Iterable[Change], subtypes: Mapping[Key, int | None]) -> dict[Key, list[str]]:
        """Return what changed in the definitions of a package that would be built; nothing is written."""
        shown = self._shown(change for change in found if _is_edited(change))
        lines = side_by_side(lambda key: self._compare(key, self._reader.read(key, subtypes.get(key))), shown, AT_ONCE)
        self._reader.say()
        return dict(zip(shown, lines))

    def _shown(self, edited: Iterable[Change]) -> list[Key]:
        """Return the objects of which people are shown what changed, and note what they are not shown."""
        keys = [change.key for change in edited if change.what == CHANGED] if self._shows else []
        if keys and self._kept is None:
            self.notes.append(_NONE_KEPT)
            return []
        without = sorted({type_name(key[1]) for key in keys if not has_definition(key[1])})
        if without:
            self.notes.append("(no server gives definitions that can be read of: %s)" % ", ".join(without))
        readable = [key for key in keys if has_definition(key[1])]
        if len(readable) > SHOWN:
            self.notes.append("(the definitions of %d more objects are not shown)" % (len(readable) - SHOWN))
        return readable[:SHOWN]

    def _compare(self, key: Key, text: str | None) -> list[str]:
        if text is None:
            return [INDENT + "(the server gives no definition of it)"]
        before = definitions.read(self._directory, key)
        return [_UNKNOWN] if before is None else difference(before, text, LINES) or [_SAME]


def _is_edited(change: Change) -> bool:
    """Return whether an object has another version: what is done with it alone is no reason to read it."""
    if change.before is None or change.after is None:
        return True
    return not same_version(change.before.version, change.after.version)
