# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that say what history a module works with, one argument spec for all modules."""

from __future__ import annotations

from typing import Any


def history_spec() -> dict[str, Any]:
    """Return the argument spec of the options that say what history a module works with."""
    return {
        "history_dir": {"type": "path"},
        "history_mode": {"type": "raw", "default": "0600"},
        "server_moved": {"type": "bool", "default": False},
        "history_must_exist": {"type": "bool", "default": False},
    }
