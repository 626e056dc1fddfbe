# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The paths of the role's variables, and its list of packages."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.mstr.migration.plugins.filter import packages as filters


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


@pytest.mark.parametrize("directory", ["..", "srv"])
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


def test_an_empty_list_stays_one() -> None:
    assert filters.package_list([], "/srv") == []


@pytest.mark.parametrize("blank", [None, "", " "])
def test_without_a_directory_the_one_where_ansible_was_started_is_meant(
    blank: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert filters.below("a", blank) == str(tmp_path / "a")
