# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Definitions as text, and as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import json_values

from ansible_collections.mstr.migration.plugins.module_utils.errors import DiskError, ServerError
from ansible_collections.mstr.migration.plugins.module_utils.package import definitions
from ansible_collections.mstr.migration.plugins.module_utils.package.definition_text import (
    difference,
    normalised,
    subtype_in,
)
from ansible_collections.mstr.migration.plugins.module_utils.rest.definitions import kinds_of, says_none

VOLATILE = ("dateCreated", "dateModified", "versionId")


def shuffled(value: Any) -> Any:
    """Return the same JSON with the keys of its objects the other way round, and with what changes by itself."""
    if isinstance(value, dict):
        return {**{name: shuffled(value[name]) for name in reversed(list(value))}, "versionId": "F" * 32}
    return [shuffled(part) for part in value] if isinstance(value, list) else value


@given(st.dictionaries(st.text(), json_values))
def test_a_text_depends_on_the_definition_alone(definition: dict[str, Any]) -> None:
    definition = {name: value for name, value in definition.items() if name not in VOLATILE}
    text = normalised(definition)
    assert text == normalised(shuffled(definition))
    assert text.endswith("\n")
    # A file that has it can be written and read.
    assert normalised(json.loads(text.encode("utf-8"))) == text


@given(st.text(), st.text(), st.integers(1, 5))
def test_a_difference_is_bounded_and_printable(old: str, new: str, most: int) -> None:
    lines = difference(normalised({"text": old.split()}), normalised({"text": new.split()}), most)
    assert len(lines) <= most + 1
    assert bool(lines) == (old.split() != new.split())
    assert all(line.isprintable() for line in lines)


def test_a_difference_is_the_line_that_changed() -> None:
    old, new = ({"forms": [{"name": "ID", "expressions": [{"text": text}]}]} for text in ("YEAR_ID", "[YEAR_ID] + 1"))
    assert difference(normalised(old), normalised(new), 10) == [
        "             {",
        '    -          "text": "YEAR_ID"',
        '    +          "text": "[YEAR_ID] + 1"',
        "             }",
    ]
    assert difference(None, normalised(new), 10) == difference(normalised(new), normalised(new), 10) == []


@pytest.mark.parametrize(
    ("text", "subtype"),
    [
        ('{"information": {"subType": "custom_group"}}', "custom_group"),
        ('{"information": {}}', None),
        ("[]", None),
        ("no JSON", None),
        (None, None),
    ],
)
def test_the_subtype_of_a_text(text: str | None, subtype: str | None) -> None:
    assert subtype_in(text) == subtype


@pytest.mark.parametrize(
    ("number", "subtype", "kinds"),
    [
        (12, None, ("attributes",)),
        (12, 3072, ("attributes",)),
        (1, 256, ("filters",)),
        (1, 257, ("customGroups",)),
        (1, None, ("filters", "customGroups")),
        (3, "report_cube", ("cubes",)),
        (3, 768, ("reports",)),
        (55, 14081, ()),
    ],
)
def test_which_calls_read_an_object(number: int, subtype: Any, kinds: tuple[str, ...]) -> None:
    assert kinds_of(number, subtype) == kinds


@pytest.mark.parametrize(
    ("error", "none"),
    [
        (ServerError("", 404), True),
        (ServerError("", 400, code="8004cc4c"), True),
        (ServerError("", 500, code="8004cb04"), True),
        # A page of a gateway, or a server that cannot answer now.
        (ServerError("", 500), False),
        (ServerError("", 401, code="ERR009"), False),
        (ServerError("", 503), False),
        (ServerError("", 429), False),
        (ServerError("", 500, code="8004cb0a", iserver_code=-2147072486), False),
    ],
)
def test_what_says_that_there_is_none(error: ServerError, none: bool) -> None:
    assert says_none(error) is none


def test_files(tmp_path: Path) -> None:
    top = str(tmp_path / "a.mmp.definitions")
    keys = [("A" * 32, 4), ("b" * 32, 58), ("../../x", 4)]
    for key in keys:
        definitions.write(top, key, "{}\n")
    assert sorted(str(path.relative_to(top)) for path in Path(top).rglob("*.json")) == [
        "metric/%s.json" % ("A" * 32),
        "metric/X.json",
        "security_filter/%s.json" % ("B" * 32),
    ]
    assert definitions.count(top) == 3
    definitions.keep_only(top, keys[:1])
    assert [path.name for path in Path(top).iterdir()] == ["metric"]
    definitions.keep_only(top, [])
    assert not Path(top).exists()
    definitions.keep_only(top, [])
    Path(top).write_text("in the way")
    with pytest.raises(DiskError, match="definitions: "):
        definitions.write(top, keys[0], "{}\n")
