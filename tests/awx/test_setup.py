# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook awx_setup says what is wrong; test_jobs.py has what it makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from stand_in import Awx, set_up

WRONG: dict[str, tuple[dict[str, Any], dict[str, str], str]] = {
    "awx.awx is missing": ({}, {"ANSIBLE_COLLECTIONS_PATH": "ours"}, "ansible-galaxy collection install awx.awx"),
    "no organization is named": ({"mstr_awx_organization": ""}, {}, "mstr_awx_organization: it is needed"),
    "there is no such organization": ({"mstr_awx_organization": "BI"}, {}, "there is no organization BI in AWX"),
    "the log-in is refused": ({}, {"CONTROLLER_PASSWORD": "wrong"}, "401"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_before_anything_is_made(case: str, awx: Awx, tmp_path: Path) -> None:
    variables, environment, message = WRONG[case]
    if environment.get("ANSIBLE_COLLECTIONS_PATH"):
        ours = tmp_path / "ours" / "ansible_collections"
        ours.mkdir(parents=True)
        (ours / "mstr").symlink_to(collections() / "ansible_collections" / "mstr")
        environment = {"ANSIBLE_COLLECTIONS_PATH": str(ours.parent)}
    run = set_up(awx, tmp_path, environment=environment, **variables)
    assert run.code != 0
    assert message in run.lines
    assert awx.log() == []


def collections() -> Path:
    """Return where the built collection is installed."""
    from warm_modules import COLLECTIONS

    return COLLECTIONS
