# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which options of modules the role's variables are."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.mstr.migration.plugins.plugin_utils import inputs, options

BASE = {"mstr_base_dir": "/srv/mstr"}


def test_what_is_not_given_is_no_option() -> None:
    assert options.options_of("mstr_package_plan", {**BASE, "mstr_package": " "}) == {
        "project": "",
        "manifest_dir": "/srv/mstr/history/manifests",
    }
    found = options.options_of("all", {**BASE, "mstr_retries": 0, "mstr_timeout": None, "mstr_server_moved": False})
    assert found == {"history_dir": "/srv/mstr/history", "history_mode": "0600", "retries": 0, "server_moved": False}


@pytest.mark.parametrize(
    ("variables", "option", "value"),
    [
        ({"mstr_package": "finance"}, "name", "finance"),
        ({"mstr_history_dir": "kept"}, "manifest_dir", "/srv/mstr/kept/manifests"),
        ({"mstr_history_dir": "$KEPT"}, "manifest_dir", "$KEPT/manifests"),
        ({"mstr_manifest_dir": "~/known"}, "manifest_dir", "~/known"),
        ({"mstr_on_failure": ""}, "on_failure", "stop"),
        ({"mstr_project": "Tutorial"}, "project", "Tutorial"),
    ],
)
def test_options_have_the_names_of_their_variables(variables: dict[str, Any], option: str, value: Any) -> None:
    assert options.options_of("mstr_package_import", {**BASE, **variables})[option] == value


def test_what_a_plan_is_judged_by_reaches_its_import() -> None:
    """A plan that was approved is carried out by a run that makes none, and may be days old."""
    given = {**BASE, **dict.fromkeys(options.VARIABLES - set(BASE), "given")}
    carried_out = options.options_of("mstr_package_import", given)
    for name, value in options.options_of("mstr_package_plan", given).items():
        assert (name, carried_out.get(name)) == (name, value)


def test_a_directory_that_depends_on_who_reads_it_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="mstr_base_dir is to be an absolute path"):
        options.options_of("all", {"mstr_base_dir": "here"})


def test_all_variables_are_checked() -> None:
    assert set(inputs.VARIABLES) >= options.VARIABLES


def test_the_job_is_what_awx_or_its_elder_tells() -> None:
    told = {
        "awx_job_template_name": "deploy",
        "tower_job_template_name": "old",
        "awx_user_name": "",
        "tower_user_name": 7,
    }
    assert options.options_of("all", {**BASE, **told})["job"] == {"template": "deploy", "user": "7"}
    assert "job" not in options.options_of("all", BASE)
