#!/usr/bin/python
# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: mstr_package_import
short_description: Import a migration package where it is due, and keep its undo package
version_added: 0.1.0
description:
  - Looks up every object of the package in the destination, and imports the package only where that would change something.
    Plans as M(mstr.migration.mstr_package_plan) does, for a list of this one package.
  - Keeps the undo package, which takes the import back, on disk before anything is released. Looks again afterwards whether
    the objects are what was predicted.
  - With O(plan_file), carries out the plan of a whole list of packages, as M(mstr.migration.mstr_package_plan) wrote it.
  - In check mode, and with C(--diff), says which objects would be created, replaced or deleted.
author: The mstr.migration authors (!UNKNOWN)
extends_documentation_fragment:
  - mstr.migration.connection
  - mstr.migration.connection.project
  - mstr.migration.history
  - mstr.migration.lock
  - mstr.migration.lock.one_task
  - mstr.migration.package
  - mstr.migration.package.type
  - mstr.migration.package.list
  - mstr.migration.waiting
  - mstr.migration.waiting.undo
  - mstr.migration.waiting.polls
  - mstr.migration.around
  - mstr.migration.around.journal
  - mstr.migration.around.refuse
  - mstr.migration.afterwards
  - mstr.migration.progress
  - mstr.migration.attributes
attributes:
  check_mode:
    support: full
    details: Uploads O(src) where it has no manifest, looks objects up, and imports nothing.
  diff_mode:
    support: full
  idempotent:
    support: full
    details: >-
      A package whose objects the destination has in the same versions is not imported. Paths, access control lists and
      contacts are not compared; O(force=true) imports anyway. Whether a package with the action keep_both, or of type
      project_security, is there is known from O(history_dir) only; without it such a package is imported each time.
options:
  state:
    description:
      - V(present) imports a package, or waits for the import O(import_id).
      - V(absent) releases the import process O(import_id).
    type: str
    choices: [present, absent]
    default: present
  package_id:
    description:
      - The package to import, as M(mstr.migration.mstr_package) returned it. Needs O(session_file), whose session holds it.
    type: str
  src:
    description:
      - The package file to import, on the host where the module runs. The whole way in one task, which are upload, plan, import,
        keeping the undo package, and release.
      - With a manifest beside it (C(<src>.manifest.json)) nothing is uploaded where nothing is due.
    type: path
  import_id:
    description:
      - An import that an earlier task with O(wait=false) started in the session of O(session_file).
    type: str
  plan_file:
    description:
      - The plan to carry out, as M(mstr.migration.mstr_package_plan) wrote it for the list O(packages). What is to be undone is taken
        back, and what is due is imported in its order, all over one session. Each import has its history entry and its undo package
        before the next begins. For a directory, or a path that ends in C(/), the file in it is C(<environment>.plan.json).
      - A plan that another run wrote counts as approved. It is carried out as it is, or refused as a whole before anything is done.
        It is refused where O(packages), one of their files, O(name) or the server is another one, where it is older than
        O(plan_max_age), and where an object that it decided on is neither as it saw it nor as its own steps leave it. A step that a
        receipt of this very plan shows is done, unless it was taken back since.
      - The plan that the run of O(session_file) wrote itself is looked at again, package by package. What has changed meanwhile is
        planned anew, see RV(planned_anew).
      - At the end, a session that M(mstr.migration.mstr_session) made with O(mstr.migration.mstr_session#module:history_dir) is logged
        out, see RV(logged_out).
    type: path
  plan_max_age:
    description:
      - After how many seconds a plan is too old to be carried out. If not set, it never is.
    type: float
  on_failure:
    description:
      - What to do where a package of O(plan_file) fails. V(stop) leaves the others as they are. V(rollback) takes back what this task
        has imported, newest first; a run after that tries again. It needs O(history_dir).
    type: str
    choices: [stop, rollback]
    default: stop
  name:
    description:
      - What to call the package in the history. If not set, the file's name without its ending.
      - With O(plan_file), act only on the packages of this name; it must be what the plan was made for.
    type: str
  generate_undo:
    description:
      - Whether the server makes an undo package. It cannot for a package with the action keep_both, which is therefore
        refused unless this is V(false).
    type: bool
    default: true
  undo_required:
    description:
      - Whether an import whose undo package cannot be had is a failure. The import is done then all the same.
    type: bool
    default: true
  undo_dest:
    description:
      - A file to write the undo package to, with mode 0600. A file that is there already is refused, unless O(force=true), which
        keeps it as a backup.
    type: path
  history_dir:
    description:
      - A directory that gets, for each import, a directory with a receipt and the undo package. See RV(receipt).
      - What earlier receipts say of the very same file counts as well. Objects that its import left in versions of the server's own
        are in sync, and a file that was taken back is left alone, with a warning, unless O(force=true).
    type: path
  history_keep:
    description:
      - How many entries of this package to keep in O(history_dir) after the import, 1 or more; older ones are removed. Imports that
        changed nothing do not count. Never removed are the newest one that is not taken back, one that holds the package back, and
        one whose end nobody saw. If not set, all are kept.
    type: int
  wait:
    description:
      - Whether to wait for the import. With V(false) the task returns at once, and a later one with O(import_id) waits. That
        needs O(session_file).
    type: bool
    default: true
  verify:
    description:
      - Whether to look the objects up again after the import. Those that did not get what was predicted are returned as
        RV(unresolved), with a warning. Without it, the receipt does not know the versions that the import left.
    type: bool
    default: true
  window:
    description:
      - Whether a project is idled (C(full_idle)) while packages are imported into it, so that no user works in it meanwhile. That
        cancels what users have running. Afterwards the project is on each node what it was, also where the task fails or is stopped.
        Where it is killed, the next run on the environment restores the project before it does anything else.
      - Only where something is due. Needs O(history_dir), below which it is noted what the project was, a session that has the
        environment to itself, and the privileges Monitor cluster, and Idle and resume project.
    type: bool
    default: false
  force:
    description:
      - Import even where nothing is due, and where the package was taken back and is held. Keep a file that is at O(undo_dest)
        as a backup, and replace it.
    type: bool
    default: false
notes:
  - Needs the privileges Create package and Import (Apply) package. Objects that access control hides from the user look as if
    they were missing; the privilege "Bypass all object security access checks" lets all be seen.
  - The start of an import is never sent twice. Where it is unknown whether the server received it, the task fails and returns
    C(import_outcome) as V(unknown).
seealso:
  - module: mstr.migration.mstr_package
  - module: mstr.migration.mstr_package_plan
  - module: mstr.migration.mstr_undo_package
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

- name: Import a package where it is due, and keep its undo package
  mstr.migration.mstr_package_import:
    base_url: https://mstr.example.com/MicroStrategyLibrary
    username: deployer
    password: "{{ vaulted_password }}"
    project: MicroStrategy Tutorial
    src: /srv/packages/finance.mmp
    history_dir: /srv/history

- name: Import a configuration package
  mstr.migration.mstr_package_import:
    base_url: https://mstr.example.com/MicroStrategyLibrary
    username: deployer
    password: "{{ vaulted_password }}"
    project: ""
    type: configuration
    src: /srv/packages/users.mmp
    undo_dest: /srv/undo/users-undo.mmp

- name: Import what the session holds
  mstr.migration.mstr_package_import:
    session_file: "{{ login.session_file }}"
    package_id: "{{ staged.package.id }}"
    history_dir: /srv/history

- name: Start an import without waiting for it
  mstr.migration.mstr_package_import:
    session_file: "{{ login.session_file }}"
    package_id: "{{ staged.package.id }}"
    force: true
    wait: false
    undo_dest: /srv/undo/finance-undo.mmp
  register: started

- name: Wait for it
  mstr.migration.mstr_package_import:
    session_file: "{{ login.session_file }}"
    import_id: "{{ started.import.id }}"
  when: started.import is not none

- name: Log out
  mstr.migration.mstr_session:
    session_file: "{{ login.session_file }}"
    state: absent
"""

RETURN = r"""
import:
  description: The import process. V(null) where nothing was imported.
  returned: when O(state=present), without O(plan_file)
  type: dict
  contains:
    id:
      description: Its id in the session.
      returned: always
      type: str
      sample: QjE5REVEQ0MxMUQ0RTBFRkMwMDBFQjk0OTVEMEY0NEY6RTU0MkQyNjFDRjRGMjg1NUI0QURCMzk2MEU1NTBDNTI=
    status:
      description: Its status, in lower case.
      returned: always
      type: str
      sample: imported
    progress:
      description: Percent done. V(null) where the server gave no sensible number.
      returned: always
      type: float
      sample: 100.0
    undo_package_created:
      description: Whether the server has made an undo package.
      returned: always
      type: bool
      sample: true
    seconds:
      description: How long was waited for it.
      returned: always
      type: float
      sample: 4.21
logged_out:
  description: >-
    Whether the session of O(session_file) was logged out, because nothing is left to do, so that no task after this one can use it. A
    warning says so where the server did not close it.
  returned: with O(plan_file), where it succeeds
  type: bool
  sample: true
plan_id:
  description: The id of the plan that was carried out.
  returned: with O(plan_file)
  type: str
  sample: 9f86d081884c
planned_anew:
  description: The names of the packages for which objects have changed between the plan and their import.
  returned: with O(plan_file)
  type: list
  elements: str
  sample: []
preflight:
  description: >-
    What was found out before an import. V(null) where nothing was asked: nothing was due, or O(preflight=false), or the plan of this run was made with it.
  returned: when O(state=present)
  type: dict
  contains:
    privileges:
      description: >-
        Whether the user has the privileges that are needed, each with C(name), C(project) (its id, V(null) for the configuration)
        and C(held), which is V(null) where that cannot be told.
      returned: always
      type: list
      elements: dict
      sample: [{name: Create package, project: B7CA92F04B9FAE8D941C3E9B7E0CD754, held: true}]
    projects:
      description: >-
        The projects, each with C(id), C(name) and C(nodes), which has C(name) and C(status) of each node, and is V(null) where the
        server does not say.
      returned: always
      type: list
      elements: dict
    locks:
      description: >-
        The locks that are there, each with C(what) (V(project), V(schema) or V(configuration)), C(project), C(type), C(owner),
        C(machine), C(time), C(comment), and C(own), which says whether it is this user's.
      returned: always
      type: list
      elements: dict
      sample: []
    problems:
      description: What would make the import fail, a sentence each.
      returned: always
      type: list
      elements: str
      sample: []
packages:
  description:
    - What became of the packages, in the order of O(packages), as RV(mstr.migration.mstr_package_plan#module:packages). RV(packages[].due),
      RV(packages[].in_sync) and RV(packages[].summary) say what was decided.
  returned: with O(plan_file)
  type: list
  elements: dict
  contains:
    position:
      description: Its place in the list, from 1.
      returned: always
      type: int
      sample: 1
    name:
      description: Its name.
      returned: always
      type: str
      sample: finance
    project:
      description: The project, as it was given; empty for none.
      returned: always
      type: str
      sample: MicroStrategy Tutorial
    state:
      description: V(imported), V(undone) or V(held).
      returned: always
      type: str
      sample: imported
    in_sync:
      description: Whether the environment was as the list declares it, as far as this package goes.
      returned: always
      type: bool
      sample: false
    due:
      description: Whether it had to be imported, or taken back.
      returned: always
      type: bool
      sample: true
    changed:
      description: Whether it was imported or taken back. In check mode, whether it would be.
      returned: always
      type: bool
      sample: true
    failed:
      description: Whether something failed with it.
      returned: always
      type: bool
      sample: false
    msg:
      description: What it failed with, else empty.
      returned: always
      type: str
      sample: ""
    entry:
      description: For V(undone), the directory name of its newest import in the history. Else V(null).
      returned: always
      type: str
    missing:
      description: What its objects need and is nowhere, as RV(mstr.migration.mstr_package_plan#module:packages[].missing).
      returned: always
      type: list
      elements: dict
      sample: []
    still_used:
      description: What uses objects that it deletes, as RV(mstr.migration.mstr_package_plan#module:packages[].still_used).
      returned: always
      type: list
      elements: dict
      sample: []
    summary:
      description: How many objects there are of each effect.
      returned: always
      type: dict
      sample: {create: 2, replace: 1, delete: 0, duplicate: 0, unknown: 0, none: 9, superseded: 0, settled: 0}
    changes:
      description: The objects that kept it from being in sync, as RV(plan.changes).
      returned: always
      type: list
      elements: dict
    undo:
      description: Its undo package on disk, as RV(undo). V(null) where none was kept.
      returned: always
      type: dict
    receipt:
      description: The path of its receipt. V(null) where there is none.
      returned: always
      type: str
report:
  description: The same in short, without paths and objects.
  returned: with O(plan_file)
  type: dict
  contains:
    changed:
      description: The names of the packages that were imported or taken back.
      returned: always
      type: list
      elements: str
    failed:
      description: The names of the packages that failed.
      returned: always
      type: list
      elements: str
    taken_back:
      description: The names of the packages that were imported and taken back again, because another one failed; newest first.
      returned: always
      type: list
      elements: str
    complete:
      description: Whether nothing is left to do.
      returned: always
      type: bool
    run:
      description: The id of the run, by which M(mstr.migration.mstr_undo_package) takes it back. V(null) without O(history_dir).
      returned: always
      type: str
    plan_id:
      description: The id of the plan.
      returned: always
      type: str
    packages:
      description: Name, project, state, in_sync, changed and summary of each package.
      returned: always
      type: list
      elements: dict
plan:
  description: What importing was predicted to do.
  returned: when O(state=present), without O(plan_file)
  type: dict
  contains:
    in_sync:
      description: Whether nothing was due.
      returned: always
      type: bool
      sample: false
    summary:
      description: >-
        How many objects there are of each effect, which are create, replace, delete, duplicate, unknown and none, and how many are
        settled by a receipt. Each object counts once; none is superseded, since there is no list.
      returned: always
      type: dict
      sample: {create: 2, replace: 1, delete: 0, duplicate: 0, unknown: 0, none: 9, superseded: 0, settled: 0}
    changes:
      description: >-
        The objects that are not in sync. One that was edited since the last import also has C(edited), with C(text), C(user), C(time),
        C(machine) and C(by_deployer); all but C(text) are V(null) where nobody can be named.
      returned: always
      type: list
      elements: dict
      sample:
        - id: 8D679D5111D3E4981000E787EC6DE8A4
          name: Year
          type: 12
          type_name: attribute
          action: replace
          conflict: exists_differently
          effect: replace
          version_before: 24CEEC7044C6C7008EE0DF96565E9459
          version_after: 2215B50211EB7C9D8F150080EF651EEA
    missing:
      description: What its objects need and is nowhere, as RV(mstr.migration.mstr_package_plan#module:packages[].missing).
      returned: always
      type: list
      elements: dict
      sample: []
    still_used:
      description: What uses objects that it deletes, as RV(mstr.migration.mstr_package_plan#module:packages[].still_used).
      returned: always
      type: list
      elements: dict
      sample: []
verified:
  description: Whether the objects were looked up after the import, and all got what was predicted.
  returned: when O(state=present), without O(plan_file)
  type: bool
  sample: true
unresolved:
  description: The objects that did not get what was predicted, as they are after the import.
  returned: when O(state=present), without O(plan_file)
  type: list
  elements: dict
  sample: []
other_versions:
  description:
    - The objects to which the server gave versions of its own while it imported them, as they are after the import. They count
      as imported. Folders are left out.
  returned: when O(state=present), without O(plan_file)
  type: list
  elements: dict
  sample: []
undo:
  description: The undo package on disk. V(null) where none was kept.
  returned: when O(state=present), without O(plan_file)
  type: dict
  contains:
    path:
      description: Its path.
      returned: always
      type: str
      sample: /srv/history/mstr.example.com_MicroStrategyLibrary/B7CA92F04B9FAE8D941C3E9B7E0CD754/20260301T120000123Z-finance-9f86d081884c/undo.mmp
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
receipt:
  description: The path of the receipt in O(history_dir). V(null) without it.
  returned: when O(state=present), without O(plan_file)
  type: str
  sample: /srv/history/mstr.example.com_MicroStrategyLibrary/B7CA92F04B9FAE8D941C3E9B7E0CD754/20260301T120000123Z-finance-9f86d081884c/receipt.json
schema:
  description: >-
    What became of the reload of the schema: whether it is done, or reloaded by a package itself (C(reloaded)), whether it is still due
    (C(due)), and for how long it was waited for (C(seconds)), by the project's name or id as the task knows it. Empty where nothing was, or is, to be done.
  returned: when O(state=present)
  type: dict
  sample: {MicroStrategy Tutorial: {reloaded: true, due: false, seconds: 2.3}}
caches:
  description: >-
    What became of the purge of caches in the same way, the kinds (C(purged)), and whether some are still due (C(due)).
  returned: when O(state=present)
  type: dict
  sample: {MicroStrategy Tutorial: {purged: [element, object], due: false}}
window:
  description: >-
    What became of O(window), by the project's name or id as the task knows it: what the project was on each node before it was idled
    (C(before)), whether it is so again (C(restored)), and who was connected to it (C(users)), besides the user of the session. V(null)
    for C(users) where the user may not ask for that. Empty where nothing was idled.
  returned: when O(state=present)
  type: dict
  sample: {MicroStrategy Tutorial: {before: {node1: loaded}, restored: true, users: [jane]}}
import_outcome:
  description: >-
    V(failed) where the server ended the import as failed. V(unknown) where it is not known whether the package was, or will be,
    imported.
  returned: on such failures
  type: str
  sample: unknown
refused:
  description: What of the plan is refused by O(refuse), also where the task fails for it. In check mode it would be.
  returned: when O(state=present)
  type: list
  elements: dict
  sample:
    - kind: delete
      name: finance-1.1
      project: MicroStrategy Tutorial
      msg: Package finance-1.1 (project MicroStrategy Tutorial) deletes attribute "Year".
recovered:
  description: >-
    What was left by runs that were cut off, and what became of it, as RV(mstr.migration.mstr_session#module:recovered). Each is also
    said in a warning. Empty in check mode.
  returned: with O(history_dir), without O(session_file)
  type: list
  elements: dict
  sample: []
"""

from ansible_collections.mstr.migration.plugins.module_utils.module import package_import as import_task
from ansible_collections.mstr.migration.plugins.module_utils.module.base import MigrationModule
from ansible_collections.mstr.migration.plugins.module_utils.module.options import (
    afterwards_spec,
    around_spec,
    history_spec,
    list_spec,
    lock_spec,
    package_spec,
    progress_spec,
    refuse_spec,
    waiting_spec,
)


def main() -> None:
    """Run the module."""
    module = MigrationModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "package_id": {"type": "str"},
            "src": {"type": "path"},
            "import_id": {"type": "str"},
            "plan_file": {"type": "path"},
            "plan_max_age": {"type": "float"},
            "on_failure": {"type": "str", "choices": ["stop", "rollback"], "default": "stop"},
            **list_spec(),
            "name": {"type": "str"},
            "generate_undo": {"type": "bool", "default": True},
            "undo_required": {"type": "bool", "default": True},
            "undo_dest": {"type": "path"},
            **history_spec(),
            **lock_spec(),
            "history_keep": {"type": "int"},
            "wait": {"type": "bool", "default": True},
            "verify": {"type": "bool", "default": True},
            "force": {"type": "bool", "default": False},
            **package_spec(with_type=True),
            **waiting_spec(undo=True, polls=True),
            **around_spec(journal=True),
            **refuse_spec(),
            **afterwards_spec(),
            "window": {"type": "bool", "default": False},
            **progress_spec(),
        },
        mutually_exclusive=[("package_id", "src", "import_id", "plan_file"), ("undo_dest", "plan_file")],
        required_if=[
            ("state", "absent", ["import_id"]),
            ("state", "present", ["package_id", "src", "import_id", "plan_file"], True),
            ("wait", False, ["session_file"]),
        ],
        required_by={"package_id": ["session_file"], "import_id": ["session_file"], "plan_file": ["packages"]},
    )
    states = {"present": import_task.present, "absent": import_task.absent}
    module.run(lambda: states[module.params["state"]](module))


if __name__ == "__main__":
    main()
