# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures: the stand-in for AWX."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from stand_in import Awx, running_awx


@pytest.fixture(scope="session")
def awx_process() -> Iterator[Awx]:
    with running_awx() as awx:
        yield awx


@pytest.fixture
def awx(awx_process: Awx) -> Awx:
    """A stand-in for AWX, as new."""
    awx_process.reset()
    return awx_process
