# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the server's answers say to what calls want: a privilege, a project that is loaded, no lock."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mstr.migration.plugins.module_utils.rest import needs
from ansible_collections.mstr.migration.plugins.module_utils.rest.state import Lock, Node, parse_privileges

ONE, TWO = "A" * 32, "B" * 32


def row(name: str, everywhere: bool, *projects: str) -> dict[str, Any]:
    rows = [{"id": project, "isAllowed": project in projects} for project in (ONE, TWO)]
    return {"name": name, "isUserLevelAllowed": everywhere, "projects": rows}


@pytest.mark.parametrize(
    ("answer", "project", "lacks"),
    [
        ([row("Import package", True)], ONE, False),
        ([row("Import package", False, ONE)], ONE, False),
        ([row("Import package", False, ONE)], TWO, True),
        ([row("Import package", False)], ONE, True),
        ([row("Import package", False)], None, True),
        # A role in some project says nothing of the configuration.
        ([row("Import package", False, ONE)], None, None),
        (["apply PACKAGE"], None, False),
        (["Create package"], ONE, True),
        (["Execute report"], ONE, True),
        (["Paket erstellen", "Web-Benutzer"], ONE, None),
        ([], ONE, None),
    ],
    ids=str,
)
def test_a_privilege_is_lacking_where_that_is_certain(answer: Any, project: str | None, lacks: bool | None) -> None:
    assert needs.lacks(parse_privileges(answer), needs.IMPORTING, project) is lacks


@pytest.mark.parametrize(
    ("word", "keeps_out"),
    [
        ("not_locked", False),
        ("temporal_constituent", True),
        ("permanent_individual", True),
        ("absolute_individual", True),
        ("exclusive_constituent", True),
        ("shared", None),
    ],
)
def test_which_locks_keep_others_out(word: str, keeps_out: bool | None) -> None:
    assert needs.keeps_out(Lock(word)) is keeps_out


@pytest.mark.parametrize(
    ("states", "nowhere"),
    [
        ({}, False),
        ({"one": "unloaded"}, True),
        ({"one": "unloaded", "two": "unloading_pending"}, True),
        ({"one": "unloaded", "two": "full_idle"}, False),
        ({"one": "a new word"}, False),
    ],
    ids=str,
)
def test_a_project_is_loaded_nowhere_where_every_node_says_so(states: dict[str, str], nowhere: bool) -> None:
    nodes = [Node(name, "running", {ONE: state}) for name, state in states.items()]
    # One that says nothing of it.
    nodes.append(Node("other", "running", {}))
    assert needs.states_on(nodes, ONE.lower()) == states
    assert needs.is_loaded_nowhere(states) is nowhere


def test_a_sentence_names_a_few_places() -> None:
    text = needs.UPLOADING.missing(["project %d" % number for number in range(7)])
    assert "Create package" in text
    assert "project 4, and 2 more" in text
