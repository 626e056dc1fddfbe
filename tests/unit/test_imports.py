# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every file of the plugins can be imported on this Python."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
# Python 3.9 runs these alone. The others run in ansible-core, which needs a later one.
OF_MODULES = ("module_utils", "modules")
NAMES = sorted(
    ".".join(("ansible_collections.mstr.migration.plugins", *path.relative_to(PLUGINS).with_suffix("").parts))
    for room in (PLUGINS.iterdir() if sys.version_info >= (3, 10) else map(PLUGINS.joinpath, OF_MODULES))
    if room.is_dir()
    for path in room.rglob("*.py")
    if "doc_fragments" not in path.parts
)


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_imported(name: str) -> None:
    importlib.import_module(name)
