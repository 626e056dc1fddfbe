# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the options that say what is done after imports."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragment C(mstr.migration.afterwards)."""

    DOCUMENTATION = r"""
options:
  schema:
    description:
      - Whether the project's schema is reloaded, once a project, after the last import of the task, and waited for (O(wait_timeout)).
      - V(auto) does so where an import changed schema objects (attributes, facts, hierarchies, tables, columns, transformations), and
        the package does not reload the schema itself (C(update_schema_logical_info) of its setting C(updateSchema)). V(reload) does so
        after any import that changed something. V(none) never does.
      - A reload that fails is a failure of the task. What was imported stays so. Receipts note that the reload is due, and the next run
        does it. A server that has no call for it gets a warning.
    type: str
    choices: [auto, reload, none]
    default: auto
  caches:
    description:
      - Whether the element and object caches of a project are purged after the last import into it that changed something. Needs the
        privilege Administer caches, and MicroStrategy 2021 Update 8.
      - A purge that fails is treated as a reload of O(schema) that fails.
    type: str
    choices: [purge, none]
    default: none
"""
