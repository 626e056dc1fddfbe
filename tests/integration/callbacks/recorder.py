# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A callback plugin that writes each task's result as a line of JSON, for the tests to read."""

from __future__ import annotations

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: recorder
type: aggregate
short_description: Write results as lines of JSON
description: Writes each task's result to the file that MSTR_RECORD names.
"""


class CallbackModule(CallbackBase):
    """Writes each task's result."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "recorder"

    def _record(self, outcome: str, result: object) -> None:
        line = {
            "outcome": outcome,
            "host": result._host.get_name(),
            "task": result._task.get_name().rsplit(" : ", 1)[-1],
            "action": result._task.action,
            "result": result._result,
        }
        with open(os.environ["MSTR_RECORD"], "a", encoding="utf-8") as handle:
            handle.write(json.dumps(line, default=str) + "\n")

    def v2_runner_on_ok(self, result: object) -> None:
        """Record a task that went well."""
        self._record("ok", result)

    def v2_runner_on_failed(self, result: object, ignore_errors: bool = False) -> None:
        """Record a task that failed."""
        self._record("failed", result)

    def v2_runner_on_skipped(self, result: object) -> None:
        """Record a task that was skipped."""
        self._record("skipped", result)
