# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stdout callback for programs: one document of JSON at the end, and nothing else."""

from __future__ import annotations

import json

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: as_json
type: stdout
short_description: Print JSON
description: Prints the hosts that a run was about.
"""


class CallbackModule(CallbackBase):
    """Prints one document of JSON."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "as_json"

    def v2_playbook_on_stats(self, stats: object) -> None:
        """Print it."""
        self._display.display(json.dumps({"hosts": sorted(stats.processed)}))
