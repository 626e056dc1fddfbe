# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/architecture.md shows the code as it is: a map that is wrong is worse than none."""

from __future__ import annotations

import re

from test_rooms import FILES, ROOMS, UTILITIES, room_of

ROOT = UTILITIES.parents[1]
PAGES = ("docs/architecture.md", "CONTRIBUTING.md")
# Where a path in a page may begin.
BASES = (ROOT, UTILITIES)


def picture() -> dict[str, set[str]]:
    """Return the files that the picture shows in each room, from the top to the ground."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("```")[1]
    rooms: dict[str, set[str]] = {}
    for room, rest in re.findall(r"^\| (\w*) *\| (.*) \|$", text, re.MULTILINE):
        if room:
            rooms[room] = set()
        elif rooms:
            rooms[list(rooms)[-1]].update(rest.split())
    return rooms


def test_the_picture_has_the_rooms_in_their_order() -> None:
    assert tuple(picture()) == tuple(reversed(ROOMS))


def test_the_picture_has_the_files_of_each_room() -> None:
    there: dict[str, set[str]] = {room: set() for room in ROOMS}
    for path in FILES:
        if path.stem != "__init__" and len(path.parts) > 1:
            there[room_of(path)].add(path.stem)
    assert picture() == there


def test_the_files_that_the_pages_name_are_there() -> None:
    missing = []
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        named = re.findall(r"`([\w.]+(?:/[\w.*]+)+\.(?:py|yml|yaml))`", text)
        links = re.findall(r"\]\(([^)#:]+)[^)]*\)", text)
        missing += ["%s: %s" % (page, name) for name in named if not any(any(base.glob(name)) for base in BASES)]
        missing += ["%s: %s" % (page, link) for link in links if not (ROOT / page).parent.joinpath(link).exists()]
        assert named
        assert links
    assert not missing, "\n".join(missing)
