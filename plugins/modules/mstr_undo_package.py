#!/usr/bin/python
# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: mstr_undo_package
short_description: Save the undo package of an import, or take an import back with it
version_added: 0.1.0
description:
  - Downloads the undo package that the server made while it imported, whole or not at all.
  - Takes an import back, from the history that M(mstr.migration.mstr_package_import) keeps, or with an undo package file.
author: The mstr.migration authors (!UNKNOWN)
extends_documentation_fragment:
  - mstr.migration.connection
  - mstr.migration.connection.project
  - mstr.migration.history
  - mstr.migration.package
  - mstr.migration.waiting
  - mstr.migration.waiting.undo
  - mstr.migration.waiting.polls
  - mstr.migration.progress
  - mstr.migration.attributes
attributes:
  check_mode:
    support: full
    details: >-
      With O(state=present) reads the undo package to compare it with O(dest), and writes nothing. With O(state=applied)
      uploads it, looks objects up, and imports nothing.
  diff_mode:
    support: partial
    details: For O(state=applied), the objects that would come back as they were.
  idempotent:
    support: full
    details: >-
      An import whose receipt says that it is taken back is left alone. So is one whose objects are as the undo package would
      have them; its receipt is marked.
options:
  state:
    description:
      - V(present) saves the undo package of O(import_id) to O(dest), and, where the import has an entry in a history that does not
        hold it yet, there too.
      - V(applied) imports an undo package, which takes an import back, and says so in the import's receipt.
    type: str
    choices: [present, applied]
    default: present
  import_id:
    description:
      - The import process, as M(mstr.migration.mstr_package_import) returned it. Needs O(session_file), whose session holds it.
      - Required if O(state=present).
    type: str
  dest:
    description:
      - The file to write, with mode 0600. The same bytes there already are left alone. Other bytes are refused.
      - Required if O(state=present).
    type: path
  src:
    description:
      - The undo package file to take an import back with. O(project) is the project that the import was made into.
      - With O(history_dir) the receipt of its import is marked, where the history has one.
    type: path
  name:
    description:
      - The package whose newest import is taken back, as the history of O(history_dir) calls it. Where that import is taken back
        already, nothing is done; an older one is only taken back by O(entry).
      - Imports that changed nothing are passed over, with a warning. Imports of the same file that failed half-way right before
        it are a part of it, and taken back too.
      - Without O(project), it is looked for in all projects and the configuration level, and must be in one only.
    type: str
  entry:
    description:
      - The directory name of the import to take back, where it is not the newest of O(name).
    type: str
  hold:
    description:
      - Whether the package stays taken back, so that a deployment of the same file leaves it alone. See
        M(mstr.migration.mstr_package_plan).
    type: bool
    default: true
  force:
    description:
      - With O(state=present), where O(dest) holds other bytes, keep them beside it as a backup, and replace them.
      - With O(state=applied), take the import back even where newer imports that are not taken back touched the same objects,
        where objects were edited since, and where its receipt says that it is taken back already.
    type: bool
    default: false
notes:
  - An undo package reverts what its own import changed, and nothing else. There is no undo package for it in turn.
seealso:
  - module: mstr.migration.mstr_package_import
"""

EXAMPLES = r"""
- name: Take back the newest import of a package
  mstr.migration.mstr_undo_package:
    base_url: https://mstr.example.com/MicroStrategyLibrary
    username: deployer
    password: "{{ vaulted_password }}"
    project: MicroStrategy Tutorial
    state: applied
    name: finance
    history_dir: /srv/history

- name: Go back to before an earlier import
  mstr.migration.mstr_undo_package:
    base_url: https://mstr.example.com/MicroStrategyLibrary
    username: deployer
    password: "{{ vaulted_password }}"
    project: MicroStrategy Tutorial
    state: applied
    name: finance
    entry: 20260301T120000123Z-finance-9f86d081884c
    history_dir: /srv/history

- name: Take an import back with its undo package
  mstr.migration.mstr_undo_package:
    base_url: https://mstr.example.com/MicroStrategyLibrary
    username: deployer
    password: "{{ vaulted_password }}"
    project: ""
    state: applied
    src: /srv/undo/users-undo.mmp

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
  description:
    - The undo package on disk.
    - V(null) where the receipt says that the import is taken back already, since it is not read then.
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
  sample: /srv/undo/finance-undo.mmp.20260301T120000Z~
entry:
  description: The directory name of the import that is taken back. V(null) where the history has none.
  returned: when O(state=applied)
  type: str
  sample: 20260301T120000123Z-finance-9f86d081884c
also_taken_back:
  description: The directory names of imports that had failed half-way right before that one, and are taken back with it.
  returned: when O(state=applied) and O(name) are given, without O(entry)
  type: list
  elements: str
  sample: []
import:
  description: >-
    The import process of the undo package, as RV(mstr.migration.mstr_package_import#module:import). V(null) where nothing was
    imported.
  returned: when O(state=applied)
  type: dict
plan:
  description: >-
    What taking back was predicted to do, as RV(mstr.migration.mstr_package_import#module:plan). V(null) where the receipt says
    that it is done.
  returned: when O(state=applied)
  type: dict
verified:
  description: Whether the objects were looked up afterwards, and all came back.
  returned: when O(state=applied)
  type: bool
  sample: true
unresolved:
  description: The objects that did not come back as they were.
  returned: when O(state=applied)
  type: list
  elements: dict
  sample: []
receipt:
  description: The path of the receipt of the import that is taken back. V(null) where the history has none.
  returned: when O(state=applied)
  type: str
  sample: /srv/history/mstr.example.com_MicroStrategyLibrary/B7CA92F04B9FAE8D941C3E9B7E0CD754/20260301T120000123Z-finance-9f86d081884c/receipt.json
"""

from ansible_collections.mstr.migration.plugins.module_utils.module import undo_package as undo_task
from ansible_collections.mstr.migration.plugins.module_utils.module.base import MigrationModule
from ansible_collections.mstr.migration.plugins.module_utils.module.options import (
    history_spec,
    package_spec,
    progress_spec,
    waiting_spec,
)


def main() -> None:
    """Run the module."""
    module = MigrationModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "applied"], "default": "present"},
            "import_id": {"type": "str"},
            "dest": {"type": "path"},
            "src": {"type": "path"},
            "name": {"type": "str"},
            "entry": {"type": "str"},
            **history_spec(),
            "hold": {"type": "bool", "default": True},
            "force": {"type": "bool", "default": False},
            **package_spec(),
            **waiting_spec(undo=True, polls=True),
            **progress_spec(),
        },
        mutually_exclusive=[("src", "name")],
        required_if=[
            ("state", "present", ["import_id", "dest"]),
            ("state", "applied", ["src", "name"], True),
        ],
        required_by={"import_id": ["session_file"], "name": ["history_dir"], "entry": ["name"]},
    )
    states = {"present": undo_task.present, "applied": undo_task.applied}
    module.run(lambda: states[module.params["state"]](module))


if __name__ == "__main__":
    main()
