# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role makes of its list of packages, and of what became of them."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.mstr.migration.plugins.filter import packages as filters

PLANNED = {
    "project": "P",
    "state": "imported",
    "in_sync": False,
    "summary": {"new": 1},
    "objects": [{"id": "1"}],
    "src": "/a.mmp",
}


def planned(position: int, *, due: bool = True) -> dict[str, Any]:
    return {**PLANNED, "position": position, "name": f"package {position}", "due": due}


def acted(position: int, *, changed: bool = True, failed: bool = False) -> dict[str, Any]:
    done = {"changed": changed, "failed": failed, "undo": {"path": "/undo.mmp"}, "receipt": "/receipt.json"}
    return {**planned(position), **done}


@pytest.mark.parametrize("path", ["/a/b.mmp", "~/b.mmp", "$HOME/b.mmp"])
def test_a_path_that_modules_take_as_it_is_is_left_alone(path: str) -> None:
    assert filters.below(path, "/srv") == path


@pytest.mark.parametrize("directory", ["/srv", "/srv/", "~", "$HOME"])
def test_a_relative_path_is_below_the_directory(directory: str) -> None:
    assert filters.below("a/b.mmp", directory) == directory.rstrip("/") + "/a/b.mmp"


def test_a_name_that_yaml_reads_as_something_else_is_a_path() -> None:
    assert filters.below(2024, "/srv") == "/srv/2024"
    assert filters.below(datetime.date(2024, 3, 1), "/srv") == "/srv/2024-03-01"


def test_a_backslash_is_a_character_like_any_other() -> None:
    assert filters.below("a\\1", "/srv\\2") == "/srv\\2/a\\1"


@pytest.mark.parametrize("path", ["", None, " "])
def test_no_path_stays_none(path: str | None) -> None:
    assert filters.below(path, "/srv") == ""


@pytest.mark.parametrize("directory", ["", "..", "srv"])
@pytest.mark.parametrize("path", ["a", "/a", ""])
def test_a_directory_that_depends_on_who_reads_it_is_refused(path: str, directory: str) -> None:
    with pytest.raises(AnsibleFilterError, match="mstr_base_dir is to be an absolute path"):
        filters.below(path, directory)


def test_a_package_gets_what_it_leaves_out() -> None:
    given_list = [
        {"src": "a.mmp"},
        {"src": "/b.mmp", "generate_undo": False, "force": True},
        {"name": "c", "state": "undone"},
    ]
    assert filters.package_list(given_list, "/srv") == [
        {"src": "/srv/a.mmp", "generate_undo": True},
        {"src": "/b.mmp", "generate_undo": False, "force": True},
        {"src": "", "generate_undo": True, "name": "c", "state": "undone"},
    ]
    assert given_list[0] == {"src": "a.mmp"}


@pytest.mark.parametrize("blank", [None, "", " "])
def test_a_key_of_a_package_that_is_blank_is_left_out(blank: str | None) -> None:
    keys = ("name", "src", "project", "type", "state", "checksum", "generate_undo", "force")
    assert filters.package_list([dict.fromkeys(keys, blank)], "/srv") == [{"src": "", "generate_undo": True}]


def test_an_empty_list_has_no_outcome() -> None:
    assert filters.package_list([], "/srv") == []
    assert filters.package_outcomes([], [], False) == []
    assert filters.package_report([], [], False) == {"changed": [], "failed": [], "packages": []}


def test_what_is_due_is_changed_in_check_mode_only() -> None:
    plan = [planned(0), planned(1, due=False)]
    assert [package["changed"] for package in filters.package_outcomes(plan, [], True)] == [True, False]
    assert [package["changed"] for package in filters.package_outcomes(plan, [], False)] == [False, False]


def test_what_was_acted_on_is_told_as_it_was_done() -> None:
    """What was acted on is told as it was done, also where a second plan finds nothing due any more."""
    plan = [planned(0, due=False), planned(1, due=False)]
    first, second = filters.package_outcomes(plan, [acted(1)], False)
    assert (first["changed"], first["undo"], first["receipt"]) == (False, None, None)
    assert second == acted(1)


def test_a_report_is_short_and_names_what_failed() -> None:
    report = filters.package_report(
        [planned(0), planned(1), planned(2)], [acted(0), acted(1, changed=False, failed=True)], False
    )
    assert report["changed"] == ["package 0"]
    assert report["failed"] == ["package 1"]
    assert report["packages"][2] == {
        "name": "package 2",
        "project": "P",
        "state": "imported",
        "in_sync": False,
        "changed": False,
        "summary": {"new": 1},
    }


@given(
    due=st.lists(st.booleans(), max_size=6),
    changed=st.lists(st.tuples(st.integers(0, 8), st.booleans()), max_size=6, unique_by=lambda item: item[0]),
    check_mode=st.booleans(),
)
def test_each_package_has_one_outcome_in_the_order_of_the_list(
    due: list[bool], changed: list[tuple[int, bool]], check_mode: bool
) -> None:
    plan = [planned(position, due=is_due) for position, is_due in enumerate(due)]
    done = [acted(position, changed=did) for position, did in changed]
    outcomes = filters.package_outcomes(plan, done, check_mode)
    positions = [package["position"] for package in outcomes]
    assert positions == sorted({*range(len(due)), *(position for position, did in changed)})
    for package in outcomes:
        assert all(package.get(key, "missing") != "missing" for key in ("changed", "undo", "receipt"))
    report = filters.package_report(plan, done, check_mode)
    assert report["changed"] == [package["name"] for package in outcomes if package["changed"]]
    assert [package["name"] for package in report["packages"]] == [package["name"] for package in outcomes]
