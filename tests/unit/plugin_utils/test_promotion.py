# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts export and get packages, what is refused, and which environments a host's packages are proven on."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.mstr.migration.plugins.filter.packages import exported_packages
from ansible_collections.mstr.migration.plugins.plugin_utils import promotion
from ansible_collections.mstr.migration.plugins.plugin_utils.options import stages_of

GROUPS = {"all": ["dev", "test", "prod"], "mstr": ["dev", "test", "prod"], "stages": ["test", "prod"]}
HOSTVARS: dict[str, dict[str, Any]] = {
    "dev": {"mstr_base_url": "https://dev.example.com/Library"},
    "test": {"mstr_base_url": "https://test.example.com/Library", "mstr_history_dir": "/srv/history"},
    "prod": {"mstr_environment_name": "production", "mstr_base_dir": "/srv"},
}


@pytest.mark.parametrize(
    ("targets", "source", "pattern"),
    [
        (None, None, "mstr"),
        ("", "dev", "mstr:!dev"),
        ("test", "dev", "test"),
        ("dev", "dev", "dev"),
        (["stages"], "dev", ["stages"]),
    ],
)
def test_the_source_is_a_target_only_where_it_is_named(targets: Any, source: Any, pattern: Any) -> None:
    assert promotion.target_hosts(targets, source, GROUPS) == pattern


def test_the_host_that_exports_is_one_of_the_inventory() -> None:
    assert promotion.export_hosts("dev", GROUPS) == "dev"
    assert promotion.export_hosts(" ", GROUPS) == "all:!all"
    for name in ("nowhere", "stages"):
        with pytest.raises(AnsibleFilterError, match="mstr_source: %s is no host.*dev, prod, test" % name):
            promotion.export_hosts(name, GROUPS)
    with pytest.raises(AnsibleFilterError, match="mstr_targets: no host of the inventory matches qa"):
        promotion.target_hosts("qa", "dev", GROUPS)


@pytest.mark.parametrize(
    ("allow", "refused"),
    [
        (None, ["delete", "duplicate", "missing", "older_target"]),
        ("delete, missing", ["duplicate", "older_target"]),
        (["older_target"], ["delete", "duplicate", "missing"]),
        ([], ["delete", "duplicate", "missing", "older_target"]),
    ],
)
def test_what_is_not_allowed_is_refused(allow: Any, refused: list[str]) -> None:
    assert promotion.refused_kinds(allow) == refused


def test_what_can_be_allowed_is_said() -> None:
    with pytest.raises(AnsibleFilterError, match="mstr_allow: it is to be a list of delete, duplicate, missing"):
        promotion.refused_kinds(["deletes"])


def test_a_target_gets_what_the_source_exports() -> None:
    exports = [{"dest": "sales.mmp", "name": ""}, {"dest": "/x/users.mmp", "type": "configuration"}]
    source = {"mstr_project": "Tutorial", "mstr_base_dir": "/srv"}
    assert exported_packages(exports, source, " ") == [
        {"name": "sales", "src": "/srv/sales.mmp", "type": "project", "project": "Tutorial"},
        {"name": "users", "src": "/x/users.mmp", "type": "configuration", "project": ""},
    ]
    assert [row["project"] for row in exported_packages(exports, source, "Sales")] == ["Sales", ""]


def test_a_host_is_the_environment_that_its_variables_say() -> None:
    assert stages_of("stages, test", HOSTVARS, GROUPS) == [
        {"name": "test", "base_url": "https://test.example.com/Library", "history_dir": "/srv/history"},
        {"name": "prod", "environment_name": "production", "history_dir": "/srv/history"},
    ]
    for value in (None, "", []):
        assert stages_of(value, HOSTVARS, GROUPS) == []
    with pytest.raises(AnsibleFilterError, match="mstr_proven_on: the inventory has no host qa"):
        stages_of(["qa"], HOSTVARS, GROUPS)
    with pytest.raises(AnsibleFilterError, match="host qa has neither mstr_base_url nor mstr_environment_name"):
        stages_of(["qa"], {**HOSTVARS, "qa": {}}, GROUPS)
