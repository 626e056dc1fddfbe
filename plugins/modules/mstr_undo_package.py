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
  - Takes imports back, from the history that M(mstr.migration.mstr_package_import) keeps. Either all that a run imported, or the
    newest import of a package. Takes one import back with an undo package file.
author: The mstr.migration authors (!UNKNOWN)
extends_documentation_fragment:
  - mstr.migration.connection
  - mstr.migration.connection.project
  - mstr.migration.history
  - mstr.migration.lock
  - mstr.migration.lock.one_task
  - mstr.migration.package
  - mstr.migration.waiting
  - mstr.migration.waiting.undo
  - mstr.migration.waiting.polls
  - mstr.migration.around
  - mstr.migration.afterwards
  - mstr.migration.progress
  - mstr.migration.attributes
attributes:
  check_mode:
    support: full
    details: >-
      With O(state=present) reads the undo package to compare it with O(dest), and writes nothing. With O(state=applied)
      imports nothing. Of one import, uploads the undo package and compares it with what is there; of several, looks their
      objects up, and foretells one after the other by their receipts.
  diff_mode:
    support: partial
    details: For O(state=applied), the objects that come back as they were, a block for each import, newest first.
  idempotent:
    support: full
    details: >-
      An import whose receipt says that it is taken back is left alone. So is one whose objects are as the undo package would
      have them; its receipt is marked. Where several were to be taken back and something broke, the same task goes on with
      those that are left.
options:
  state:
    description:
      - V(present) saves the undo package of O(import_id) to O(dest), and, where the import has an entry in a history that does not
        hold it yet, there too.
      - V(applied) imports an undo package, which takes an import back, and says so in the import's receipt. O(run), O(name) or
        O(src) says which; without any of them the task fails, and lists the newest runs that O(history_dir) knows.
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
  run:
    description:
      - The run of which all is taken back that it imported, in all projects and at the configuration level, newest first, as
        one. What would be refused for one import is refused for all, before anything is done.
      - V(last), or the id of a run as RV(mstr.migration.mstr_session#module:run) and receipts have it, or that of a plan
        (C(plan_id) in receipts).
      - V(last) is the newest run of the environment that changed something, whether it is taken back since or not. Where it is
        taken back already, nothing is done, and a warning names the run before it. So saying it twice takes back one run.
      - An import whose receipt is from before runs had ids counts as a run of its own, with the entry's directory name for its
        id.
      - Imports that failed half-way, and have an undo package, are taken back too. One that has none stays, with a warning.
      - O(project) is not used with it.
    type: str
  name:
    description:
      - The package whose newest import is taken back, as the history of O(history_dir) calls it. Where that import is taken back
        already, nothing is done; an older one is only taken back by O(entry).
      - Imports that changed nothing are passed over, with a warning. Imports of the same file that failed half-way right before
        it are a part of it, and taken back too.
      - With O(packages), where the list has packages of that name, those are meant, also of several projects, and taken back as
        one. Else, with O(project), the one of that project. Else it is looked for in all projects and the configuration level,
        and must be in one only.
    type: str
  entry:
    description:
      - The directory name of the import to take back, where it is not the newest of O(name).
    type: str
  packages:
    description:
      - The packages of the environment, as M(mstr.migration.mstr_package_plan) takes them. They tell for which projects the
        package O(name) is; O(project) is then that of packages that name none. Nothing else of them counts.
    type: list
    elements: dict
    suboptions:
      name:
        description: What the history knows the package by. If not set, the file's name without its ending.
        type: str
      src:
        description: The package file. It need not be there.
        type: path
      manifest:
        description: The manifest of a package, by whose name it is known where there is no O(packages[].src).
        type: path
      project:
        description:
          - The project it is for, by name or id; empty for none. If not set, O(project), or none where
            O(packages[].type=configuration).
        type: str
      type:
        description: What the package is, see O(mstr.migration.mstr_package#module:type).
        type: str
        choices: [project, project_security, configuration]
      checksum:
        description: Not used.
        type: str
      state:
        description: Not used.
        type: str
        choices: [imported, undone]
        default: imported
      generate_undo:
        description: Not used.
        type: bool
      schema:
        description: Not used; O(schema) is.
        type: str
        choices: [auto, reload, none]
      caches:
        description: Not used; O(caches) is.
        type: str
        choices: [purge, none]
      force:
        description: Not used; O(force) is.
        type: bool
        default: false
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
        where objects were edited since, and, but for O(run), where its receipt says that it is taken back already.
    type: bool
    default: false
notes:
  - An undo package reverts what its own import changed, and nothing else. There is no undo package for it in turn.
seealso:
  - module: mstr.migration.mstr_package_import
"""

EXAMPLES = r"""
- name: Take back all that the last run imported
  mstr.migration.mstr_undo_package:
    base_url: https://mstr.example.com/MicroStrategyLibrary
    username: deployer
    password: "{{ vaulted_password }}"
    state: applied
    run: last
    history_dir: /srv/history

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
    - The undo package on disk; of several that are taken back, that of the newest import, as with all that is not in
      RV(taken_back).
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
run:
  description: The id of the run, or of the plan, that is taken back.
  returned: when O(state=applied) and O(run) are given
  type: str
  sample: 20260301T115900Z-5f1d3a90
schema:
  description: >-
    What became of the reload of the schema: whether it is done, or reloaded by a package itself (C(reloaded)), whether it is still due
    (C(due)), and for how long it was waited for (C(seconds)), by the project's name or id as the task knows it. Empty where nothing was, or is, to be done.
  returned: when O(state=applied)
  type: dict
  sample: {MicroStrategy Tutorial: {reloaded: true, due: false, seconds: 2.3}}
caches:
  description: >-
    What became of the purge of caches in the same way, the kinds (C(purged)), and whether some are still due (C(due)).
  returned: when O(state=applied)
  type: dict
  sample: {MicroStrategy Tutorial: {purged: [element, object], due: false}}
taken_back:
  description: The imports that this task took back, or in check mode would take back, newest first; empty where that is done.
  returned: when O(state=applied), also where the task broke off half-way
  type: list
  elements: dict
  contains:
    entry:
      description: The directory name of the import. V(null) where the history has none.
      returned: always
      type: str
      sample: 20260301T120000123Z-finance-9f86d081884c
    name:
      description: The package's name.
      returned: always
      type: str
      sample: finance
    project:
      description: The project's id; empty for the configuration level.
      returned: always
      type: str
      sample: B7CA92F04B9FAE8D941C3E9B7E0CD754
    changed:
      description: Whether an object was changed by taking it back.
      returned: always
      type: bool
      sample: true
    undo:
      description: The undo package, as RV(undo).
      returned: always
      type: dict
    import:
      description: The import process of the undo package, as RV(import).
      returned: always
      type: dict
    plan:
      description: What taking it back was predicted to do, as RV(plan).
      returned: always
      type: dict
    verified:
      description: Whether the objects were looked up afterwards, and all came back.
      returned: always
      type: bool
      sample: true
    unresolved:
      description: The objects that did not come back as they were.
      returned: always
      type: list
      elements: dict
      sample: []
    receipt:
      description: The path of the import's receipt. V(null) where the history has none.
      returned: always
      type: str
      sample: /srv/history/prod/B7CA92F04B9FAE8D941C3E9B7E0CD754/20260301T120000123Z-finance-9f86d081884c/receipt.json
msg:
  description: What became of each import, in a line each, or that there was nothing left to be taken back.
  returned: when O(state=applied)
  type: str
  sample: "finance: taken back, 3 replaced"
preflight:
  description: >-
    What was found out before an import, as RV(mstr.migration.mstr_package_import#module:preflight). V(null) where nothing was asked:
    nothing was due, or O(preflight=false).
  returned: when O(state=applied)
  type: dict
runs:
  description: The newest runs of the environment that changed something, newest first.
  returned: when the task failed because none of O(run), O(name) and O(src) is given
  type: list
  elements: dict
  contains:
    run:
      description: Its id.
      returned: always
      type: str
      sample: 20260301T115900Z-5f1d3a90
    plan_id:
      description: The id of the plan that it carried out, V(null) where there was no document of it.
      returned: always
      type: str
      sample: 3f0c8a51d2b7
    started:
      description: When its first import was asked for, UTC.
      returned: always
      type: str
      sample: "2026-03-01T12:00:00.123Z"
    user:
      description: Who imported.
      returned: always
      type: str
      sample: deployer
    job_id:
      description: The job of AWX or Automation Controller, V(null) for none.
      returned: always
      type: str
      sample: "4711"
    job_template:
      description: The job template of that job, V(null) where it is not known.
      returned: always
      type: str
      sample: MicroStrategy deploy
    job_user:
      description: Who launched that job, V(null) where it is not known.
      returned: always
      type: str
      sample: alice
    packages:
      description: What it imported, oldest first, each with C(name), C(project), C(entry) and the C(state) of its receipt.
      returned: always
      type: list
      elements: dict
    taken_back:
      description: Whether all of it is taken back.
      returned: always
      type: bool
      sample: false
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
recovered:
  description: >-
    What was left by runs that were cut off, and what became of it, as RV(mstr.migration.mstr_session#module:recovered). Each is also
    said in a warning. Empty in check mode.
  returned: with O(history_dir), without O(session_file), when O(state=applied)
  type: list
  elements: dict
  sample: []
"""

from ansible_collections.mstr.migration.plugins.module_utils.module import take_back, undo_package
from ansible_collections.mstr.migration.plugins.module_utils.module.base import MigrationModule
from ansible_collections.mstr.migration.plugins.module_utils.module.options import (
    afterwards_spec,
    around_spec,
    history_spec,
    list_spec,
    lock_spec,
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
            "run": {"type": "str"},
            "name": {"type": "str"},
            **list_spec(with_manifests=False),
            "entry": {"type": "str"},
            **history_spec(),
            **lock_spec(),
            "hold": {"type": "bool", "default": True},
            "force": {"type": "bool", "default": False},
            **package_spec(),
            **waiting_spec(undo=True, polls=True),
            **around_spec(),
            **afterwards_spec(),
            **progress_spec(),
        },
        mutually_exclusive=[("src", "name", "run")],
        required_if=[("state", "present", ["import_id", "dest"])],
        required_by={
            "import_id": ["session_file"],
            "name": ["history_dir"],
            "run": ["history_dir"],
            "entry": ["name"],
        },
    )
    states = {"present": undo_package.present, "applied": take_back.applied}
    module.run(lambda: states[module.params["state"]](module))


if __name__ == "__main__":
    main()
