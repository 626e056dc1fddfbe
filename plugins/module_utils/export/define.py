# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The definitions of a package that is built: read where an object changed, kept beside the file, and compared."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from ..package import definitions
from ..package.definitions import DefinitionReader
from ..rest.client import Library
from ..rest.definitions import has_definition
from ..rest.models import Key
from ..support.parallel import side_by_side
from .changes import CHANGED, Change

# Definitions that are read at once: nobody knows how many a session bears.
_AT_ONCE = 4
# How much a diff shows: objects, and lines of each.
_SHOWN = 30
_LINES = 40
_NONE = "    (the server gives no definition that can be read)"
_UNKNOWN = "    (what it was before is not kept)"


class Definer:
    """Keeps the definitions of a package's objects, and says what changed in them.

    Args:
        library: The server.
        project_id: The project; None for a configuration package.
        dest: The package file.
        shows: Whether anybody is shown what changed.
        warnings: Gets sentences about what is not as it should be and is no failure.
    """

    def __init__(self, library: Library, project_id: str | None, dest: str, shows: bool, warnings: list[str]) -> None:
        self._directory = definitions.directory_for(dest)
        self._reader = DefinitionReader(library, project_id, warnings)
        self._shows = shows

    @property
    def are_kept(self) -> bool:
        """Whether definitions were kept with the package, all that there are: its manifest is written after them."""
        return os.path.isdir(self._directory)

    def keep(
        self, keys: Sequence[Key], found: Iterable[Change], subtypes: Mapping[Key, int | None]
    ) -> dict[Key, list[str]]:
        """Write the definitions of a package, and return what changed in them, in lines by object.

        Args:
            keys: All objects of the package.
            found: What changed in the package.
            subtypes: The subtypes of objects, as far as they are known.

        Raises:
            MigrationError: A file cannot be written, or the server cannot be asked.
        """
        changed = {change.key: change for change in found if change.after is not None}
        wanted = [
            key
            for key in keys
            if has_definition(key[1]) and (key in changed or definitions.read(self._directory, key) is None)
        ]
        definitions.keep_only(self._directory, keys)
        shown = self._shown(changed.values())

        def one(key: Key) -> list[str]:
            text = self._reader.read(key, subtypes.get(key))
            lines = self._compare(key, text) if key in shown else []
            definitions.write(self._directory, key, text)
            return lines

        lines = dict(zip(wanted, side_by_side(one, wanted, _AT_ONCE)))
        self._reader.say()
        return {key: lines.get(key, [_NONE]) for key in shown}

    def foretell(self, found: Iterable[Change], subtypes: Mapping[Key, int | None]) -> dict[Key, list[str]]:
        """Return what changed in the definitions of a package that would be built; nothing is written."""
        shown = self._shown(found)
        lines = side_by_side(lambda key: self._compare(key, self._reader.read(key, subtypes.get(key))), shown, _AT_ONCE)
        self._reader.say()
        return dict(zip(shown, lines))

    def _shown(self, found: Iterable[Change]) -> list[Key]:
        """Return the objects of which people are shown what changed."""
        return [change.key for change in found if change.what == CHANGED][:_SHOWN] if self._shows else []

    def _compare(self, key: Key, text: str | None) -> list[str]:
        before = definitions.read(self._directory, key)
        if text is None:
            return [_NONE]
        return [_UNKNOWN] if before is None else definitions.difference(before, text, _LINES)
