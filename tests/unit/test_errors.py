# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures of a task that is about several packages."""

from __future__ import annotations

import pytest

from ansible_collections.mstr.migration.plugins.module_utils.errors import InputError, Interrupted, about


@pytest.mark.parametrize("failure", [InputError("no"), Interrupted("SIGTERM"), KeyError("defect")], ids=repr)
def test_a_failure_says_which_package_it_is_about(failure):
    with pytest.raises(type(failure)) as raised, about("finance", "Tutorial"):
        raise failure
    assert raised.value.about == ("finance", "Tutorial")
