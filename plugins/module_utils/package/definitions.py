# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Definitions of a package's objects: files beside it for Git, ``<package file>.definitions/<type>/<id>.json``.

The manifest of the package says how many there are; it is written after them, so that they are all there.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

from ..errors import ConnectionLost, MigrationError, ServerError
from ..rest.answers import says_no_such_call
from ..rest.client import Library
from ..rest.definitions import has_definition, kinds_of, says_none
from ..rest.models import Key, type_name
from ..support.files import disk_errors, make_directory, write_file
from ..support.text import file_name_part
from .definition_text import normalised

SUFFIX = ".definitions"
# Definitions that are read at once: nobody knows how many a session bears.
AT_ONCE = 4
# How much a diff shows: objects, and lines of each.
SHOWN = 30
LINES = 40


def directory_for(package_file: str) -> str:
    """Return where the definitions of a package file are."""
    return package_file + SUFFIX


def path_of(directory: str, key: Key) -> str:
    """Return the file of an object's definition."""
    return os.path.join(directory, file_name_part(type_name(key[1])), file_name_part(key[0].upper()) + ".json")


def count(directory: str) -> int:
    """Return how many definitions are there."""
    return sum(name.endswith(".json") for _top, _directories, files in os.walk(directory) for name in files)


def has(directory: str, key: Key) -> bool:
    """Return whether the definition of an object is kept."""
    return os.path.isfile(path_of(directory, key))


def read(directory: str, key: Key) -> str | None:
    """Return the definition that is kept of an object; None where there is none, or none that is text."""
    with contextlib.suppress(OSError, UnicodeDecodeError), open(path_of(directory, key), encoding="utf-8") as handle:
        return handle.read()
    return None


def write(directory: str, key: Key, text: str | None) -> None:
    """Keep the definition of an object, or, with None, keep none.

    Raises:
        DiskError: The file cannot be written.
    """
    path = path_of(directory, key)
    with disk_errors("definitions: %s cannot be written" % path):
        if text is None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        elif read(directory, key) != text:
            make_directory(os.path.dirname(path), 0o755)
            write_file(path, text.encode("utf-8"), 0o644)


def keep_only(directory: str, keys: Iterable[Key]) -> None:
    """Remove the definitions of objects that the package does not hold any more.

    Raises:
        DiskError: One cannot be removed.
    """
    kept = {path_of(directory, key) for key in keys}
    with disk_errors("definitions: %s cannot be cleared" % directory):
        for top, _directories, files in os.walk(directory, topdown=False):
            for name in files:
                path = os.path.join(top, name)
                if name.endswith(".json") and path not in kept:
                    os.unlink(path)
            # One that is not empty stays.
            with contextlib.suppress(OSError):
                os.rmdir(top)


class DefinitionReader:
    """Reads definitions of objects on a server; that there is none is never a failure.

    Args:
        library: The server.
        project_id: The project; None for the configuration, whose objects have no definition that can be read.
        warnings: Gets a sentence for each type of which the server gives none, when ``say`` is called.
        is_spare: Whether the task goes on without definitions where the server cannot answer; it is then asked no more.
    """

    def __init__(self, library: Library, project_id: str | None, warnings: list[str], is_spare: bool = False) -> None:
        self._library = library
        self._project_id = project_id
        self._warnings = warnings
        self._is_spare = is_spare
        # Calls that this server does not have, and what stopped the asking; each with the server's words.
        self._lacking: dict[str, str] = {}
        self._stopped: str | None = None
        # Types of objects without a definition, and why. Several threads add to it.
        self._without: list[tuple[int, str]] = []

    def read(self, key: Key, subtype: int | str | None = None) -> str | None:
        """Return an object's definition as text, None where the server gives none.

        Args:
            key: The object.
            subtype: Its subtype, as a number or as a definition names it; None where it is not known.

        Raises:
            MigrationError: The session has ended, or, unless definitions are spare, the server cannot answer.
        """
        if self._project_id is None or not has_definition(key[1]):
            return None
        reasons = []
        for kind in kinds_of(key[1], subtype):
            if self._stopped or kind in self._lacking:
                reasons.append(self._stopped or self._lacking[kind])
                continue
            try:
                return normalised(self._library.definition(kind, key[0], self._project_id))
            except RecursionError:
                reasons.append("it is nested too deeply.")
            except (ConnectionLost, ServerError) as error:
                if not self._goes_on(error, kind):
                    raise
                reasons.append(error.message)
        self._without.append((key[1], reasons[0]))
        return None

    def _goes_on(self, error: MigrationError, kind: str) -> bool:
        """Return whether the task goes on after an error, and note what is not to be asked again."""
        if isinstance(error, ServerError):
            if says_none(error):
                if says_no_such_call(error.status, error.server_message):
                    self._lacking[kind] = error.message
                return True
            if error.status == 401:
                return False
        if self._is_spare:
            self._stopped = error.message
        return self._is_spare

    def say(self) -> None:
        """Warn of objects whose type can be read and whose definition the server did not give, a sentence a type."""
        reasons: dict[int, list[str]] = {}
        for number, reason in self._without:
            reasons.setdefault(number, []).append(reason)
        for number, said in sorted(reasons.items()):
            self._warnings.append(
                "The server gave no definition of %d object(s) of type %s: %s" % (len(said), type_name(number), said[0])
            )
        self._without.clear()
