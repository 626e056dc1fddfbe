# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the options that say how long a module waits."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragments C(mstr.migration.waiting), C(mstr.migration.waiting.undo) and C(mstr.migration.waiting.polls)."""

    DOCUMENTATION = r"""
options:
  wait_timeout:
    description:
      - Seconds to wait for the server to take an upload in, and, where the module imports, for the import to end.
    type: float
    default: 3600
"""

    UNDO = r"""
options:
  undo_timeout:
    description:
      - Seconds to wait until the server has made the undo package of an import.
    type: float
    default: 300
"""

    POLLS = r"""
options:
  poll_interval:
    description:
      - The longest pause between two questions how far the import is, in seconds. Pauses start near 0.1 seconds and grow.
    type: float
    default: 5
"""
