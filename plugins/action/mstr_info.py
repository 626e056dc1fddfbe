# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of mstr_info: the module alone, which is done at once."""

from __future__ import annotations

from ansible_collections.mstr.migration.plugins.plugin_utils.installed import InstalledModuleAction


class ActionModule(InstalledModuleAction):
    """Runs the module."""
