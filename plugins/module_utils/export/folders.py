# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the path of a folder, or of what is in one, to its id."""

from __future__ import annotations

from ..errors import InputError
from ..rest.client import Library
from ..rest.models import FOLDER_TYPE, Key
from ..rest.objects import ROOT_FOLDER, SourceObject
from ..support.text import printable
from .selectors import is_object_id

# How many names of folders a message shows.
_SHOWN = 10


class Folders:
    """The folders of a project, by their paths.

    Args:
        library: The server.
        project_id: The project.
    """

    def __init__(self, library: Library, project_id: str) -> None:
        self._library = library
        self._project_id = project_id
        self._known: dict[Key, str] = {}

    def find(self, given: str, kind: int, where: str) -> str:
        """Return the id of a folder, or of another object, that is given by its path or its id.

        A path has the names of folders as the user of the session sees them, which can depend on the language. It may
        begin with the project's name, as paths in the vendor's tools do.

        Args:
            given: The path, with slashes, or the id.
            kind: The type of what is at its end.
            where: The option and the item, for messages.

        Raises:
            InputError: There is nothing at that path.
        """
        if is_object_id(given):
            return given.upper()
        if (given, kind) not in self._known:
            self._known[given, kind] = self._walk([name for name in given.split("/") if name], given, kind, where)
        return self._known[given, kind]

    def _walk(self, names: list[str], given: str, kind: int, where: str) -> str:
        current = ROOT_FOLDER
        for depth, name in enumerate(names):
            last = depth == len(names) - 1
            inside = list(self._library.folder(current, self._project_id))
            found = _named(inside, name, kind if last else FOLDER_TYPE)
            if not found and depth == 0 and name == self._project_name():
                continue
            if not found:
                self._refuse(given, name, inside, where)
            current = found[0].id
        return current

    def _project_name(self) -> str:
        return next((item.name for item in self._library.projects() if item.id == self._project_id), "")

    def _refuse(self, given: str, name: str, inside: list[SourceObject], where: str) -> None:
        folders = sorted(printable(item.name, 60) for item in inside if item.type == FOLDER_TYPE)
        more = ", and %d more" % (len(folders) - _SHOWN) if len(folders) > _SHOWN else ""
        raise InputError(
            "%s: %s: there is no %s in it that this user can see; there is: %s. Names depend on the language of the "
            "session; an id does not."
            % (where, printable(given, 200), printable(name, 100), (", ".join(folders[:_SHOWN]) + more) or "none")
        )


def _named(items: list[SourceObject], name: str, kind: int) -> list[SourceObject]:
    return [item for item in items if item.type == kind and item.name == name]
