# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of the module beside it: that of the collection's modules which may take long."""

from __future__ import annotations

from ansible_collections.mstr.migration.plugins.plugin_utils.followed import FollowedAction


class ActionModule(FollowedAction):
    """Runs the module, and prints how far it is."""
