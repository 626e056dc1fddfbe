# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the attributes that all modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragment C(mstr.migration.attributes)."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and say what would change, without changing it.
  diff_mode:
    description: Says in detail what changed, or would change, in diff mode.
  idempotent:
    description: When run twice in a row, the second run changes nothing.
  action_group:
    description: Use C(group/mstr.migration.mstr) in C(module_defaults) to give the connection options once.
    support: full
    membership:
      - mstr.migration.mstr
"""
