# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Definitions of a package's objects, as files beside it for Git, and how two of them differ.

``<package file>.definitions/<type>/<id>.json``. A definition is kept without what changes though nothing was edited:
dates, versions and the path.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import ServerError
from ..rest.client import Library
from ..rest.definitions import has_definition
from ..rest.models import Key, type_name
from ..support.files import disk_errors, make_directory, write_file
from ..support.text import file_name_part, printable

SUFFIX = ".definitions"
# What differs between two servers, or two days, though the object is the same: anywhere, and in what is said of it.
_VOLATILE = frozenset(("dateCreated", "dateModified", "versionId"))
_OF_INFORMATION = frozenset(("path", "acg", "acl", "owner"))
_INDENT = 4 * " "
# Columns of a line of a definition.
_WIDEST = 110


def directory_for(package_file: str) -> str:
    """Return where the definitions of a package file are."""
    return package_file + SUFFIX


def path_of(directory: str, key: Key) -> str:
    """Return the file of an object's definition."""
    return os.path.join(directory, type_name(key[1]).replace(" ", "_"), file_name_part(key[0]) + ".json")


def normalised(definition: Mapping[str, Any]) -> str:
    """Return a definition as text that differs only where the object does: JSON, sorted, a value a line."""
    found = _without(definition)
    about = found.get("information")
    if isinstance(about, dict):
        found["information"] = {name: value for name, value in about.items() if name not in _OF_INFORMATION}
    return json.dumps(found, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _without(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without(part) for name, part in value.items() if name not in _VOLATILE}
    return [_without(part) for part in value] if isinstance(value, list) else value


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
        make_directory(directory, 0o755)
        for top, _directories, files in os.walk(directory, topdown=False):
            for name in files:
                path = os.path.join(top, name)
                if name.endswith(".json") and path not in kept:
                    os.unlink(path)
            if top != directory:
                # One that is not empty stays.
                with contextlib.suppress(OSError):
                    os.rmdir(top)


def subtype_in(text: str | None) -> str | None:
    """Return the subtype that a kept definition names, None for none."""
    with contextlib.suppress(ValueError, AttributeError, TypeError):
        return str(json.loads(text or "")["information"]["subType"])
    return None


def difference(old: str | None, new: str | None, most: int) -> list[str]:
    """Return the lines by which two definitions differ, for people, with one line around them.

    Args:
        old: The one; None where there is none.
        new: The other.
        most: How many lines at most; one more says how many were left out.
    """
    if old is None or new is None or old == new:
        return []
    found = list(difflib.unified_diff(old.splitlines(), new.splitlines(), n=1, lineterm=""))[2:]
    # The first mark of a place says nothing.
    lines = [_INDENT + ("..." if line.startswith("@@") else _line(line)) for line in found[1:]]
    return lines if len(lines) <= most else [*lines[:most], "%s(%d more lines)" % (_INDENT, len(lines) - most)]


def _line(line: str) -> str:
    """Return a line of a difference for a terminal: its sign, its depth and its text."""
    body = line[1:]
    depth = min(len(body) - len(body.lstrip(" ")), _WIDEST // 2)
    return line[:1] + " " * depth + printable(body, _WIDEST - depth)


class DefinitionReader:
    """Reads definitions of objects on a server; that there is none is never a failure.

    Args:
        library: The server.
        project_id: The project; None for the configuration, whose objects have no definition that can be read.
        warnings: Gets a sentence for each type of which the server gives none, when ``say`` is called.
    """

    def __init__(self, library: Library, project_id: str | None, warnings: list[str]) -> None:
        self._library = library
        self._project_id = project_id
        self._warnings = warnings
        # The first reason, and how many objects, by type.
        self._without: dict[int, tuple[str, int]] = {}

    def read(self, key: Key, subtype: int | str | None = None) -> str | None:
        """Return an object's definition as text, None where the server gives none.

        Raises:
            MigrationError: The session has ended, or the server cannot be reached.
        """
        if self._project_id is None or not has_definition(key[1]):
            return None
        try:
            return normalised(self._library.definition(key, self._project_id, subtype))
        except ServerError as error:
            if error.status == 401:
                raise
            reason, count = self._without.get(key[1], (error.message, 0))
            self._without[key[1]] = (reason, count + 1)
            return None

    def say(self) -> None:
        """Warn of objects whose type can be read and whose definition the server did not give, a sentence a type."""
        for number, (reason, count) in sorted(self._without.items()):
            self._warnings.append(
                "The server gave no definition of %d object(s) of type %s: %s" % (count, type_name(number), reason)
            )
        self._without.clear()
