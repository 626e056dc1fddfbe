# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people and AWX hand to the role: what counts as given, and what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible import context
from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.parameters import DEFAULT_TYPE_VALIDATORS
from ansible.utils.context_objects import CLIArgs
from hypothesis import given as drawn
from hypothesis import strategies as st

from ansible_collections.mstr.migration.plugins.module_utils.errors import InputError
from ansible_collections.mstr.migration.plugins.module_utils.module.options import parse_mode
from ansible_collections.mstr.migration.plugins.module_utils.rest import login, models
from ansible_collections.mstr.migration.plugins.plugin_utils import inputs

GROUPS = {"all": ["dev", "prod", "www"], "ungrouped": [], "mstr": ["dev", "prod"], "web": ["www"], "empty": []}


class Vaulted:
    """A text that is none until it is asked for, as those of the vault before ansible-core 2.19."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text


@pytest.mark.parametrize("value", [None, "", " ", "\t\n", "\u00a0", Vaulted(""), Vaulted(" \n")], ids=repr)
def test_what_is_blank_is_not_given(value: Any) -> None:
    assert inputs.given(value) is None
    assert inputs.given(value, 7) == 7


@pytest.mark.parametrize("value", [False, 0, 0.0, [], {}, ["", None], "0", "false", " a ", Vaulted("a")], ids=repr)
def test_all_else_is_given_as_it_is(value: Any) -> None:
    assert inputs.given(value, 7) is value


def mistake(name: str, value: Any) -> str:
    """Return what is wrong with a value of a variable, empty for nothing."""
    return " ".join(inputs.mistakes({name: value}, "deploy"))


NUMBERS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.floats(),
    st.text(max_size=3),
    st.sampled_from(["60", " 60 ", "1.5", "1e3", "-0", "+1", "0x1", "1_0", "inf", "nan", "60s", "", " "]),
    st.lists(st.integers(), max_size=1),
)


@pytest.mark.parametrize("name", ["mstr_timeout", "mstr_lock_timeout", "mstr_retries", "mstr_history_keep"])
@drawn(value=NUMBERS)
def test_a_number_that_is_let_through_is_one_for_the_modules(name: str, value: Any) -> None:
    """What the filter lets through, the modules can use: Ansible converts it, and it is in their range."""
    if inputs.given(value) is None or mistake(name, value):
        return
    whole = name in ("mstr_retries", "mstr_history_keep")
    number = DEFAULT_TYPE_VALIDATORS["int" if whole else "float"](value)
    assert 0 <= number < float("inf")
    assert number > 0 or name in ("mstr_lock_timeout", "mstr_retries")


@pytest.mark.parametrize("value", [60, 60.5, "60", " 60.5 ", "6e1", Vaulted("60")], ids=repr)
def test_a_number_of_seconds_may_be_a_text(value: Any) -> None:
    assert mistake("mstr_timeout", value) == ""


@pytest.mark.parametrize("value", [True, False, "true", "no", "On", " false ", 0, 1, "0", Vaulted("yes")], ids=repr)
def test_a_switch_may_be_what_ansible_takes_for_one(value: Any) -> None:
    assert mistake("mstr_validate_certs", value) == ""
    DEFAULT_TYPE_VALIDATORS["bool"](str(value) if isinstance(value, Vaulted) else value)


@drawn(value=st.one_of(st.integers(0, 0o1777), st.from_regex(r"0?[0-8]{2,4}", fullmatch=True), st.booleans()))
def test_a_mode_is_one_for_the_modules_too(value: Any) -> None:
    try:
        parse_mode(value)
        usable = True
    except InputError:
        usable = False
    assert (mistake("mstr_history_mode", value) == "") == usable


def test_the_words_are_those_that_the_modules_take() -> None:
    assert all(mistake("mstr_login_mode", word) == "" for word in login.LOGIN_MODES)
    assert len(inputs.VARIABLES["mstr_login_mode"].words.replace(" or ", ", ").split(", ")) == len(login.LOGIN_MODES)
    kinds = [{"src": "%s.mmp" % kind, "type": kind} for kind in models.PACKAGE_TYPES]
    assert inputs.mistakes({"mstr_packages": kinds}, "deploy") == []


def test_a_value_is_shown_short_and_as_what_it_is() -> None:
    assert mistake("mstr_timeout", "\x1b[2J\n").endswith(r'not "\u001b[2J\n".')
    assert mistake("mstr_timeout", "x" * 500).endswith('not "%s...".' % ("x" * 60))


def test_all_mistakes_are_said_at_once() -> None:
    wrong = {"mstr_packages": [{"src": "a.mmp", "state": "gone"}, "b"], "mstr_timeout": "soon", "mstr_retries": -1}
    found = inputs.mistakes(wrong, "deploy")
    assert [sentence.split(":")[0] for sentence in found] == [
        "mstr_timeout",
        "mstr_retries",
        "mstr_packages",
        "mstr_packages",
    ]


def test_a_name_that_only_the_host_knows_is_not_judged() -> None:
    packages = [{"src": "$HOME/a.mmp"}, {"src": "~/$NAME.mmp"}, {"src": "/x/$OTHER"}]
    assert [inputs.name_of(package) for package in packages] == ["a", None, None]
    assert inputs.mistakes({"mstr_packages": packages, "mstr_package": "b"}, "deploy") == []
    assert len(inputs.mistakes({"mstr_packages": packages[:1], "mstr_package": "b"}, "deploy")) == 1


def test_a_name_may_be_a_number() -> None:
    packages = [{"src": "a.mmp", "name": 2024}]
    assert inputs.mistakes({"mstr_packages": packages, "mstr_package": "2024"}, "deploy") == []


def test_a_rollback_may_be_of_what_the_list_does_not_have() -> None:
    assert inputs.mistakes({"mstr_packages": [{"src": "a.mmp"}], "mstr_package": "b"}, "rollback") == []


@pytest.mark.parametrize("nothing", [None, "", " "])
def test_a_rollback_of_nothing_is_for_the_module_which_lists_the_runs(nothing: str | None) -> None:
    assert inputs.mistakes(dict.fromkeys(("mstr_package", "mstr_run", "mstr_entry"), nothing), "rollback") == []


def test_a_run_is_not_taken_back_by_a_package() -> None:
    both = {"mstr_run": "last", "mstr_package": "finance"}
    (found,) = inputs.mistakes(both, "rollback")
    assert "mstr_run: " in found
    assert "mstr_package" in found
    # Whoever deploys may have them from an inventory.
    assert inputs.mistakes({"mstr_run": "last"}, "deploy") == []
    (found,) = inputs.mistakes(
        {"mstr_run": "last", "mstr_entry": "20260301T120000123Z-finance-9f86d081884c"}, "rollback"
    )
    assert "mstr_entry: " in found


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "mstr",
            "all",
            "dev",
            "dev,prod",
            "dev:prod",
            "mstr:!prod",
            "mstr:&all",
            "mstr:!gone",
            "d*",
            "~^p",
            "mstr[0]",
        ),
        *("localhost", ["dev", "prod"], "mstr,empty", "all:!mstr"),
    ],
    ids=str,
)
def test_a_pattern_that_matches_hosts_is_left_as_it_is(pattern: Any) -> None:
    assert inputs.host_pattern(pattern, GROUPS) is pattern


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        ("prdo", "prdo"),
        ("dev,prdo", "prdo"),
        ("dev:prdo:tset", "prdo, tset"),
        (["dev", "prdo"], "prdo"),
        ("empty", "empty"),
        ("mstr:!all", "mstr, !all"),
        ("mstr:&web", "mstr, &web"),
        (",", "an empty pattern"),
        ([], "an empty pattern"),
        ("x*", "x*"),
        ("~^x", "~^x"),
        ("mstr[7]", "mstr[7]"),
        ("~(", "~("),
    ],
    ids=str,
)
def test_a_pattern_that_matches_none_is_named(pattern: Any, named: str) -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        inputs.host_pattern(pattern, GROUPS)
    message = str(refused.value)
    assert message.startswith("mstr_hosts: no host of the inventory matches %s, so nothing" % named)
    assert message.endswith("Its groups with hosts are: mstr, web.")


def test_what_an_empty_inventory_lacks_is_said() -> None:
    with pytest.raises(AnsibleFilterError, match="groups with hosts are: none"):
        inputs.host_pattern("mstr", {"all": [], "ungrouped": []})


@pytest.mark.parametrize("option", ["syntax", "listhosts", "listtasks", "listtags"])
def test_who_only_looks_needs_no_hosts(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "CLIARGS", CLIArgs({option: True}))
    assert inputs.host_pattern("mstr", {}) == "mstr"


@pytest.mark.parametrize("value", [1, 2, "2", "25%", " 1", "1,50%", [1, "50%"], "0"], ids=str)
def test_what_serial_can_be_is_left_as_it_is(value: Any) -> None:
    assert inputs.play_option(value, "mstr_serial", "100%") is value


@pytest.mark.parametrize("value", [0, 25, 33.3, "0", "25%", "33.3 %"], ids=str)
def test_what_max_fail_percentage_can_be_is_left_as_it_is(value: Any) -> None:
    assert inputs.play_option(value, "mstr_max_fail_percentage", None) is value


@pytest.mark.parametrize("name", ["mstr_serial", "mstr_max_fail_percentage"])
@pytest.mark.parametrize("value", ["many", "-1", "%", "25%%", ["many"], True], ids=str)
def test_what_a_play_cannot_use_is_refused_by_name(value: Any, name: str) -> None:
    with pytest.raises(AnsibleFilterError, match="^%s: it is to be a" % name):
        inputs.play_option(value, name, None)


@pytest.mark.parametrize("value", [None, "", " "], ids=repr)
def test_what_is_blank_says_nothing_of_a_play(value: Any) -> None:
    assert inputs.play_option(value, "mstr_serial", "100%") == "100%"
