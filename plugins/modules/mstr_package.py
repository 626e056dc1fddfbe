#!/usr/bin/python
# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: mstr_package
short_description: Hold a migration package in a session
version_added: 0.1.0
description:
  - Uploads a migration package file (C(.mmp)) into the memory of a session, where M(mstr.migration.mstr_package_import) imports
    it from, or releases it. A session holds one package.
  - Compares what the server reads in the package with the manifest that reviewers approved, and writes manifests.
  - Uploading changes nothing in the environment.
author: The mstr.migration authors (!UNKNOWN)
extends_documentation_fragment:
  - mstr.migration.connection
  - mstr.migration.connection.project
  - mstr.migration.package
  - mstr.migration.package.type
  - mstr.migration.waiting
  - mstr.migration.progress
  - mstr.migration.attributes
attributes:
  check_mode:
    support: full
    details: Uploads and releases in check mode as well, because that is memory of the session only. Writes no manifest then.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: The file that the session holds already is not uploaded again; its sha256 decides.
options:
  state:
    description:
      - V(present) makes the session hold O(src). Another package that it holds is released before.
      - V(absent) releases the package that the session holds, and its import process.
    type: str
    choices: [present, absent]
    default: present
  src:
    description:
      - The package file, on the host where the module runs.
      - Where C(<src>.manifest.json) lies beside it and has the file's sha256, the uploaded package must be what it says. One of
        another sha256 is ignored, with a warning.
    type: path
  manifest:
    description:
      - Whether to write C(<src>.manifest.json), the content of the package as a text that can be reviewed.
    type: bool
    default: false
  force:
    description:
      - Release or replace a package even while its import runs, or while the undo package of its import is not saved.
    type: bool
    default: false
notes:
  - Without O(session_file) the module logs in, uploads, and logs out, which releases the package. That checks a file, and can
    write its manifest.
seealso:
  - module: mstr.migration.mstr_session
  - module: mstr.migration.mstr_package_import
"""

EXAMPLES = r"""
- name: Log in
  mstr.migration.mstr_session:
    base_url: https://mstr.example.com/MicroStrategyLibrary
    username: deployer
    password: "{{ vaulted_password }}"
  register: login

- name: Upload a package, if it is the one that was approved
  mstr.migration.mstr_package:
    session_file: "{{ login.session_file }}"
    project: MicroStrategy Tutorial
    src: /srv/packages/finance.mmp
    checksum: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  register: staged

- name: Write the manifest of a package for review
  mstr.migration.mstr_package:
    base_url: https://mstr.example.com/MicroStrategyLibrary
    username: deployer
    password: "{{ vaulted_password }}"
    project: MicroStrategy Tutorial
    src: /srv/packages/finance.mmp
    manifest: true

- name: Release the package
  mstr.migration.mstr_package:
    session_file: "{{ login.session_file }}"
    state: absent

- name: Log out
  mstr.migration.mstr_session:
    session_file: "{{ login.session_file }}"
    state: absent
"""

RETURN = r"""
package:
  description: The package that the session holds.
  returned: when O(state=present)
  type: dict
  contains:
    id:
      description: Its id in the session.
      returned: always
      type: str
      sample: QjE5REVEQ0MxMUQ0RTBFRkMwMDBFQjk0OTVEMEY0NEY6MzY3NDRCQjUxQjRDMTRDOENERTBDQUE4MTRGQUEzOTE=
    status:
      description: Its status, in lower case.
      returned: always
      type: str
      sample: ready
    type:
      description: What it is.
      returned: always
      type: str
      sample: project
    sha256:
      description: The file's sha256.
      returned: always
      type: str
      sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    size:
      description: The file's size in bytes.
      returned: always
      type: int
      sample: 48213
    object_count:
      description: How many objects it holds.
      returned: always
      type: int
      sample: 12
    manifest:
      description: The path of the file's manifest, V(null) where there is none.
      returned: always
      type: str
      sample: /srv/packages/finance.mmp.manifest.json
"""

from ansible_collections.mstr.migration.plugins.module_utils.module.base import MigrationModule
from ansible_collections.mstr.migration.plugins.module_utils.module.options import (
    package_spec,
    progress_spec,
    waiting_spec,
)
from ansible_collections.mstr.migration.plugins.module_utils.module.package import absent, present


def main() -> None:
    """Run the module."""
    module = MigrationModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "src": {"type": "path"},
            "manifest": {"type": "bool", "default": False},
            "force": {"type": "bool", "default": False},
            **package_spec(with_type=True),
            **waiting_spec(),
            **progress_spec(),
        },
        required_if=[("state", "present", ["src"])],
    )
    states = {"present": present, "absent": absent}
    module.run(lambda: states[module.params["state"]](module))


if __name__ == "__main__":
    main()
