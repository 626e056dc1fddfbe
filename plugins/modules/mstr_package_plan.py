#!/usr/bin/python
# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: mstr_package_plan
short_description: Say which packages of a list an environment lacks, and what importing them would change
version_added: 0.1.0
description:
  - Takes an ordered list of packages as one state of an environment, in which later packages win. Looks up every object once, and
    says which packages have to be imported, in which order, and what would become of each object.
  - An object of an earlier package that a later one of the list decides about (superseded) does not make the earlier one due.
    Where an earlier one is due all the same, the later ones that carry its objects are planned again after it.
  - With a history, what an earlier import of the very same file did settles what no comparison can. A package that was taken back
    (M(mstr.migration.mstr_undo_package)) is held, and not due, until there is a new file of it or O(packages[].force=true).
  - Changes nothing in the environment.
author: The mstr.migration authors (!UNKNOWN)
extends_documentation_fragment:
  - mstr.migration.connection
  - mstr.migration.connection.project
  - mstr.migration.history
  - mstr.migration.package.list
  - mstr.migration.lock
  - mstr.migration.lock.one_task
  - mstr.migration.waiting
  - mstr.migration.afterwards
  - mstr.migration.waiting.undo
  - mstr.migration.around
  - mstr.migration.around.journal
  - mstr.migration.around.refuse
  - mstr.migration.progress
  - mstr.migration.attributes
attributes:
  check_mode:
    support: full
    details: Writes no manifest then. Logs out as else, since a session is none of what would change.
  diff_mode:
    support: full
    details: >-
      Returns the plan for people, grouped by package, one line an object. Where definitions are kept beside a package, those
      of up to 30 objects that would be replaced are read, and the lines that differ are shown. Ansible shows it where the task counts as changed, which
      C(changed_when) decides, since the module itself never changes anything.
  idempotent:
    support: full
options:
  name:
    description:
      - Only packages of this name may be due. The task fails where importing them alone would leave older versions of objects that
        later packages of the list carry too, and names these.
    type: str
  plan_file:
    description:
      - A file to write the plan to, as JSON that people can review, also in check mode. For a directory, or a path that ends in C(/),
        which is made where it is not there, the file in it is C(<environment>.plan.json). M(mstr.migration.mstr_package_import) carries it out.
      - The file names no absolute paths and holds no secret. It is left as it is where the same plan is there already. One that holds
        the plan of another environment, or something else, is refused.
      - With it, a session that M(mstr.migration.mstr_session) made with O(mstr.migration.mstr_session#module:history_dir) is logged out
        where the plan leaves nothing to do, which is where nothing is due, and in check mode. See RV(logged_out).
    type: path
    version_added: 0.1.0
  write_manifests:
    description:
      - Whether to write the manifests of packages that have none, or another file's, beside them as C(<src>.manifest.json), to be
        reviewed and committed with them.
    type: bool
    default: false
  window:
    description:
      - Whether the projects are to be idled while packages are imported, see O(mstr.migration.mstr_package_import#module:window). This
        module idles none. It asks whether the user has the privileges for it, with O(preflight).
    type: bool
    default: false
    version_added: 0.1.0
  history_dir:
    description:
      - The directory with the receipts of earlier imports, see O(mstr.migration.mstr_package_import#module:history_dir).
      - A task that logs in for itself locks the environment meanwhile, and waits for imports that runs left which were cut off
        (O(wait_timeout)) and for their undo packages (O(undo_timeout)).
    type: path
  history_mode:
    description:
      - Permission bits of the files in O(manifest_dir), for example V("0660"). Directories get the matching search bits.
    type: raw
    default: "0600"
notes:
  - A package without a manifest is uploaded once to see what it holds. With O(session_file) the session, where it is not
    logged out, goes on holding the first such package of the list, so that M(mstr.migration.mstr_package) need not upload it again.
  - In sync means that the versions are the same. Paths, access control lists and contacts are not compared.
seealso:
  - module: mstr.migration.mstr_package
  - module: mstr.migration.mstr_package_import
  - module: mstr.migration.mstr_undo_package
"""

EXAMPLES = r"""
- name: See what is due
  mstr.migration.mstr_package_plan:
    base_url: https://mstr.example.com/MicroStrategyLibrary
    username: deployer
    password: "{{ vaulted_password }}"
    project: MicroStrategy Tutorial
    packages:
      - name: finance-1.0
        src: /srv/packages/finance-1.0.mmp
      - name: finance-1.1
        src: /srv/packages/finance-1.1.mmp
      - name: users
        src: /srv/packages/users.mmp
        type: configuration
    manifest_dir: /srv/history/manifests
    history_dir: /srv/history
  register: planned

- name: Name the packages that are due
  ansible.builtin.debug:
    msg: "{{ planned.packages | selectattr('due') | map(attribute='name') }}"
"""

RETURN = r"""
in_sync:
  description: Whether nothing is due.
  returned: always
  type: bool
  sample: false
logged_out:
  description: >-
    Whether the session of O(session_file) was logged out, because the plan leaves nothing to do, so that no task after this one can use
    it. A warning says so where the server did not close it. Never so without O(plan_file).
  returned: always
  type: bool
  sample: false
plan_id:
  description: >-
    The plan's id, 12 hexadecimal digits. The same list planned against the same objects has the same, on any machine and at any
    time.
  returned: always
  type: str
  sample: 9f86d081884c
plan_file:
  description: >-
    The path of the file that the plan was written to. One beside the session file of a run is not written where the run ends with
    this task.
  returned: with O(plan_file)
  type: str
  sample: /srv/plans/prod.plan.json
schema:
  description: >-
    What is to be done about the schema once what is due is imported, or because an earlier run has left it to do, by the
    project's name or id as the task knows it. Empty where nothing was, or is, to be done.
  returned: always
  type: dict
  sample: {MicroStrategy Tutorial: {reloaded: false, due: true, seconds: null}}
caches:
  description: What is to be done about caches in the same way.
  returned: always
  type: dict
  sample: {MicroStrategy Tutorial: {purged: [], due: true}}
report:
  description: >-
    The packages in short, without paths and objects, as RV(mstr.migration.mstr_package_import#module:report). What is due counts as
    changed in check mode.
  returned: always
  type: dict
preflight:
  description: >-
    What was found out before an import, as RV(mstr.migration.mstr_package_import#module:preflight). V(null) where nothing was asked:
    nothing was due, or O(preflight=false).
  returned: always
  type: dict
packages:
  description: The packages, in the order of O(packages).
  returned: always
  type: list
  elements: dict
  contains:
    position:
      description: Its place in the list, from 1.
      returned: always
      type: int
      sample: 2
    name:
      description: Its name.
      returned: always
      type: str
      sample: finance-1.1
    project:
      description: The project, as it was given; empty for none.
      returned: always
      type: str
      sample: MicroStrategy Tutorial
    state:
      description: >-
        V(imported) or V(undone), as the list declares it. V(held) for one that the list declares as imported, and that was taken
        back, or whose import nobody saw end while no version tells whether it was done.
      returned: always
      type: str
      sample: imported
    in_sync:
      description: Whether the environment is as the list declares it, as far as this package goes. Never so for one that is held,
        nor for one that is to be undone while older imports of the same file stay.
      returned: always
      type: bool
      sample: false
    due:
      description: Whether it has to be imported, or taken back, in this run.
      returned: always
      type: bool
      sample: true
    changed:
      description: In check mode, whether it is due. Else V(false), since a plan changes nothing.
      returned: always
      type: bool
      sample: false
    failed:
      description: V(false). Whether it failed, where M(mstr.migration.mstr_package_import) returns it.
      returned: always
      type: bool
      sample: false
    msg:
      description: Empty. What it failed with, where M(mstr.migration.mstr_package_import) returns it.
      returned: always
      type: str
      sample: ""
    undo:
      description: V(null). The undo package, where M(mstr.migration.mstr_package_import) returns it.
      returned: always
      type: dict
    receipt:
      description: V(null). The path of the receipt, where M(mstr.migration.mstr_package_import) returns it.
      returned: always
      type: str
    entry:
      description: For V(undone), the directory name of its newest import in the history. Else V(null).
      returned: always
      type: str
      sample: 20260301T120000123Z-finance-1.1-9f86d081884c
    summary:
      description: >-
        How many objects there are of each effect, which are create, replace, delete, duplicate, unknown and none; how many are
        superseded by later packages; and how many are settled by a receipt. Each object counts once.
      returned: always
      type: dict
      sample: {create: 0, replace: 1, delete: 0, duplicate: 0, unknown: 0, none: 9, superseded: 2, settled: 0}
    changes:
      description: The objects that keep it from being in sync, as RV(mstr.migration.mstr_package_import#module:plan.changes).
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
      description: >-
        What objects of it need, as its manifest says, and is neither in it, nor in an earlier package of the list, nor in the
        destination: the import would fail. C(needed_by) has the ids of those that need it. C(name) is V(null) where it is not known.
        Empty where nothing is due.
      returned: always
      type: list
      elements: dict
      sample:
        - id: 4C05177011D3E877C000B3B2D86C964F
          type: 4
          type_name: metric
          name: Margin
          needed_by: [8D67938B11D3E4981000E787EC6DE8A4]
    still_used:
      description: >-
        What uses objects that it deletes, and is not deleted by it or by an earlier package of the list: the import would fail.
        C(uses) has the ids of those that are deleted.
      returned: always
      type: list
      elements: dict
      sample:
        - id: 8D67938B11D3E4981000E787EC6DE8A4
          type: 3
          type_name: report
          name: Sales
          uses: [4C05177011D3E877C000B3B2D86C964F]
refused:
  description: What of the plan is refused by O(refuse), also where the task fails for it. In check mode it would be.
  returned: always
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

from ansible_collections.mstr.migration.plugins.module_utils.module import package_plan as plan_task
from ansible_collections.mstr.migration.plugins.module_utils.module.base import MigrationModule
from ansible_collections.mstr.migration.plugins.module_utils.module.options import (
    afterwards_spec,
    around_spec,
    history_spec,
    list_spec,
    lock_spec,
    progress_spec,
    refuse_spec,
    waiting_spec,
)


def main() -> None:
    """Run the module."""
    module = MigrationModule(
        argument_spec={
            **list_spec(),
            "name": {"type": "str"},
            "plan_file": {"type": "path"},
            "write_manifests": {"type": "bool", "default": False},
            **history_spec(),
            **lock_spec(),
            **waiting_spec(undo=True),
            **around_spec(journal=True),
            **refuse_spec(),
            **afterwards_spec(),
            "window": {"type": "bool", "default": False},
            **progress_spec(),
        },
    )
    module.run(lambda: plan_task.plan_packages(module))


if __name__ == "__main__":
    main()
