# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the options that say which package file is meant, and what it is."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragments C(mstr.migration.package), C(mstr.migration.package.type) and C(mstr.migration.package.list)."""

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

    LIST = r"""
options:
  packages:
    description:
      - The packages, in the order in which they are imported.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - What the history knows the package by, unique in its project. If not set, the file's name without its ending.
        type: str
      src:
        description:
          - The package file, on the host where the module runs. A manifest beside it (C(<src>.manifest.json)), or one in
            O(manifest_dir), saves its upload.
        type: path
      manifest:
        description:
          - The manifest of a package, to plan without having the file itself.
        type: path
      project:
        description:
          - The project it is for, by name or id; empty for none. If not set, O(project), or none where
            O(packages[].type=configuration).
        type: str
      type:
        description:
          - What the package is, see O(mstr.migration.mstr_package#module:type).
        type: str
        choices: [project, project_security, configuration]
      checksum:
        description:
          - What the file must be, as V(sha256:) and 64 hexadecimal digits.
        type: str
      state:
        description:
          - V(undone) for a package that the environment is not to have. Its newest import, as O(history_dir) knows it, is due to be
            taken back, and the other packages are planned for the state after that.
        type: str
        choices: [imported, undone]
        default: imported
      generate_undo:
        description:
          - Whether the import is going to ask for an undo package. With V(true) a package that is due and has the action keep_both
            is refused now, before anything of the list is imported.
        type: bool
      schema:
        description:
          - Whether the schema is reloaded after this package's import. If not set, as O(schema) says.
        type: str
        choices: [auto, reload, none]
      caches:
        description:
          - Whether caches are purged after this package's import. If not set, as O(caches) says.
        type: str
        choices: [purge, none]
      force:
        description:
          - The package is due whatever is there, and even where it is held.
        type: bool
        default: false
  manifest_dir:
    description:
      - Where to keep, and to look for, manifests of packages that have none beside them, by the sha256 of their file.
    type: path
"""
