# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the option that says where a module notes how far it is."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragment C(mstr.migration.progress)."""

    DOCUMENTATION = r"""
options:
  progress_file:
    description:
      - A file, on the host where the module runs, to which the task writes how far it is, a line of JSON each time. It is removed
        by whoever made it.
      - The action plugin of this module sets it, and prints what it reads there. A task that names a file is not followed.
      - A file that cannot be written is passed over.
    type: path
    version_added: 0.1.0
"""
