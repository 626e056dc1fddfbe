# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters by which the playbooks and the role take what people and AWX hand to them."""

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.mstr.migration.plugins.plugin_utils.inputs import given, host_pattern, play_option


class FilterModule:
    """The filters of this file, as ansible-core asks for them."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by their names."""
        return {"given": given, "host_pattern": host_pattern, "play_option": play_option}
