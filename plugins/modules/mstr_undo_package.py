#!/usr/bin/python
# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: mstr_undo_package
short_description: Save the undo package of an import
version_added: 0.1.0
description:
  - Downloads the undo package of an import process, whole or not at all.
author: The mstr.migration authors (!UNKNOWN)
extends_documentation_fragment:
  - mstr.migration.connection
  - mstr.migration.connection.project
  - mstr.migration.attributes
attributes:
  check_mode:
    support: full
    details: Reads the undo package to compare it with O(dest), and writes nothing.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  state:
    description:
      - V(present) saves the undo package of O(import_id) to O(dest), and, where the import has an entry in a history that does not
        hold it yet, there too.
    type: str
    choices: [present]
    default: present
  import_id:
    description:
      - The import process, as M(mstr.migration.mstr_package_import) returned it. Needs O(session_file), whose session holds it.
    type: str
    required: true
  dest:
    description:
      - The file to write, with mode 0600. The same bytes there already are left alone. Other bytes are refused.
    type: path
    required: true
  force:
    description:
      - Where O(dest) holds other bytes, keep them beside it as a backup, and replace them.
    type: bool
    default: false
  undo_timeout:
    description:
      - Seconds to wait until the server has made the undo package.
    type: float
    default: 300
seealso:
  - module: mstr.migration.mstr_package_import
"""

EXAMPLES = r"""
- name: Log in
  mstr.migration.mstr_session:
    base_url: https://mstr.example.com/MicroStrategyLibrary
    username: deployer
    password: "{{ vaulted_password }}"
  register: login

- name: Upload a package into the session
  mstr.migration.mstr_package:
    session_file: "{{ login.session_file }}"
    project: MicroStrategy Tutorial
    src: /srv/packages/finance.mmp
  register: staged

- name: Import what the session holds
  mstr.migration.mstr_package_import:
    session_file: "{{ login.session_file }}"
    package_id: "{{ staged.package.id }}"
  register: imported

- name: Save the undo package
  mstr.migration.mstr_undo_package:
    session_file: "{{ login.session_file }}"
    import_id: "{{ imported.import.id }}"
    dest: /srv/undo/finance-undo.mmp
  when: imported.import is not none

- name: Log out
  mstr.migration.mstr_session:
    session_file: "{{ login.session_file }}"
    state: absent
"""

RETURN = r"""
undo:
  description: The undo package on disk.
  returned: always
  type: dict
  contains:
    path:
      description: Its path.
      returned: always
      type: str
      sample: /srv/undo/finance-undo.mmp
    sha256:
      description: Its sha256.
      returned: always
      type: str
      sample: 60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752
    size:
      description: Its size in bytes.
      returned: always
      type: int
      sample: 20114
backup_file:
  description: Where other bytes that were at O(dest) are kept.
  returned: when there were some, and O(force=true)
  type: str
  sample: /srv/undo/finance-undo.mmp.2026-03-01@12:00:00~
"""

from typing import Any

from ansible_collections.mstr.migration.plugins.module_utils import undo
from ansible_collections.mstr.migration.plugins.module_utils.base import MigrationModule
from ansible_collections.mstr.migration.plugins.module_utils.errors import InputError
from ansible_collections.mstr.migration.plugins.module_utils.history import Entry
from ansible_collections.mstr.migration.plugins.module_utils.text import printable


def present(module: MigrationModule) -> dict[str, Any]:
    """Save the undo package."""
    import_id, dest = module.params["import_id"], module.params["dest"]
    undo.check_destination(dest, "dest", make=not module.check_mode)
    with module.session() as session:
        process = session.import_process
        if process is None or process.id != import_id:
            raise InputError("import_id: this session holds no import %s." % printable(import_id, 100))
        if not process.generate_undo:
            raise InputError(
                "import_id: %s was started with generate_undo: false; there is no undo package." % import_id
            )
        force, timeout = module.params["force"], module.params["undo_timeout"]
        if module.check_mode:
            undo.wait_until_created(session, import_id, process.project_id, timeout)
            saved = undo.would_change(session, import_id, process.project_id, dest, force)
        else:
            saved = undo.obtain(session, import_id, process.project_id, dest, 0o600, force, timeout)
            if process.entry:
                Entry.reopen(process.entry).keep_undo(saved)
            process.undo_pending = False
            session.save()
    result: dict[str, Any] = {"changed": saved.changed, "undo": saved.as_result()}
    if saved.backup:
        result["backup_file"] = saved.backup
    return result


def main() -> None:
    """Run the module."""
    module = MigrationModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present"], "default": "present"},
            "import_id": {"type": "str", "required": True},
            "dest": {"type": "path", "required": True},
            "force": {"type": "bool", "default": False},
            "undo_timeout": {"type": "float", "default": 300.0},
        },
        required_by={"import_id": ["session_file"]},
    )
    module.run(lambda: present(module))


if __name__ == "__main__":
    main()
