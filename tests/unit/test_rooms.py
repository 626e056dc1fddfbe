# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rooms of module_utils: which may import which, and how large they may become."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

UTILITIES = Path(__file__).resolve().parents[2] / "plugins" / "module_utils"
# From the ground up: each may import what stands before it, and its own.
ROOMS = ("errors", "support", "rest", "session", "history", "package", "export", "plan", "imports", "module")
FILES = sorted(path.relative_to(UTILITIES) for path in UTILITIES.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.parts[0] if len(path.parts) > 1 else path.stem


def imported_rooms(path: Path) -> list[tuple[int, str]]:
    """Return the lines of a file that import from the collection, each with the room."""
    found = []
    for node in ast.walk(ast.parse((UTILITIES / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            # Of "from ..rest.http", one level is the file's own room.
            above = path.parts[: len(path.parts) - node.level]
            names = node.module.split(".") if node.module else [alias.name for alias in node.names]
            found += [(node.lineno, (*above, name)[0]) for name in (names[:1] if node.module else names)]
    return found


def test_every_file_is_in_a_room() -> None:
    assert {room_of(path) for path in FILES} - {"__init__"} == set(ROOMS)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_only_look_down(path: Path) -> None:
    own = room_of(path)
    upwards = [
        "%s:%d: %s may not import %s, which stands above it" % (UTILITIES / path, line, own, room)
        for line, room in imported_rooms(path)
        if ROOMS.index(room) > ROOMS.index(own)
    ]
    assert not upwards, "\n".join(upwards)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_files_and_functions_stay_small(path: Path) -> None:
    text = (UTILITIES / path).read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    functions = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef))
    large = [node.name for node in functions if (node.end_lineno or 0) - node.lineno >= 50]
    assert not large, "%s: longer than 50 lines: %s" % (path, ", ".join(large))
