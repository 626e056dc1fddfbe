# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes to a module that runs where it is installed, and what comes back."""

from __future__ import annotations

import datetime
import importlib
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from samples import json_values

from ansible_collections.mstr.migration.plugins.plugin_utils import installed


class Text(str):
    """A text as ansible-core tags it."""


class Number(int):
    """A number as ansible-core tags it."""


class Vaulted(Sequence):
    """A text that is decrypted when it is asked for. That of ansible-core 2.17 is a sequence of letters, and no str."""

    def __str__(self):
        return "secret"

    def __len__(self):
        return len(str(self))

    def __getitem__(self, index):
        return str(self)[index]


@given(json_values)
def test_what_json_has_goes_as_it_is(value):
    assert installed._plain(value) == value


def test_what_ansible_adds_goes_as_what_it_is():
    value = {Text("a"): (Text("b"), Number(3), Vaulted()), "c": {2}, "d": datetime.date(2026, 3, 1), "e": range(2)}
    plain = installed._plain(value)
    assert plain == {"a": ["b", 3, "secret"], "c": [2], "d": "2026-03-01", "e": [0, 1]}
    assert json.loads(json.dumps(plain)) == plain
    assert plain["a"][1].__class__ is int


def test_a_warning_is_its_text():
    newer = {"event": {"msg": "a word of warning", "__ansible_type": "Event"}, "__ansible_type": "WarningSummary"}
    result = installed._result_of({"stdout": json.dumps({"warnings": [newer, "another"]}), "stderr": "", "rc": 0})
    assert result == {"warnings": ["a word of warning", "another"]}


def test_a_time_goes_as_ansible_core_writes_it():
    assert installed._plain(datetime.datetime(2026, 3, 1, 10)) == "2026-03-01T10:00:00"


@pytest.mark.parametrize("around", ["%s", "printed by Python's start\n%s", "%s\nprinted at the end\n"])
def test_a_result_is_what_the_module_printed(around):
    printed = around % '\n{"changed": true}\n'
    assert installed._result_of({"stdout": printed, "stderr": "noise", "rc": 0}) == {"changed": True}


def test_a_module_without_a_result_has_failed():
    for output in ("", "Killed", "[1, 2]", '{"half'):
        result = installed._result_of({"stdout": output, "stderr": "why", "rc": -9})
        assert result["failed"]
        assert (result["module_stdout"], result["module_stderr"], result["rc"]) == (output, "why", -9)
        assert result["msg"].startswith("MODULE FAILURE")


def test_every_module_has_an_action_that_can_run_it_where_it_is_installed():
    plugins = Path(installed.__file__).resolve().parent.parent
    names = sorted(path.stem for path in (plugins / "modules").glob("mstr_*.py"))
    assert names
    for name in names:
        action = importlib.import_module("ansible_collections.mstr.migration.plugins.action." + name)
        assert issubclass(action.ActionModule, installed.InstalledModuleAction)
