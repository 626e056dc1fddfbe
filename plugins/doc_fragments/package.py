# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the options that say which package file is meant, and what it is."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragments C(mstr.migration.package) and C(mstr.migration.package.type)."""

    DOCUMENTATION = r"""
options:
  checksum:
    description:
      - What O(src) must be, as V(sha256:) and 64 hexadecimal digits. Another file is refused before any request is sent.
    type: str
"""

    TYPE = r"""
options:
  type:
    description:
      - What the package of O(src) is. The server does not say it of an uploaded package.
      - If not set, the manifest decides, else the content. Objects of the configuration level mean V(configuration), and only
        users and user groups in a package with a project mean V(project_security).
    type: str
    choices: [project, project_security, configuration]
"""
