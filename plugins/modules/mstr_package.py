#!/usr/bin/python
# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: mstr_package
short_description: Hold a migration package in a session, or build one from objects of a project
version_added: 0.1.0
description:
  - Uploads a migration package file (C(.mmp)) into the memory of a session, where M(mstr.migration.mstr_package_import) imports
    it from, or releases it. A session holds one package.
  - Compares what the server reads in the package with the manifest that reviewers approved, and writes manifests.
  - Builds a package from objects of a project or of the configuration level (O(content)), and saves it (O(dest)) with a
    manifest that says of each object why it is in there and what it uses.
  - Uploading and building change nothing in the environment.
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
    details: >-
      Uploads and releases in check mode as well, because that is memory of the session only. Writes no manifest then.
      Builds nothing in check mode, and says what would change in the package.
  diff_mode:
    support: partial
    details: >-
      Shows what changes in a package that is built, a line for each object, and with O(definitions) the lines of their
      definitions. An upload has nothing to show.
  idempotent:
    support: full
    details: >-
      The file that the session holds already is not uploaded again; its sha256 decides. A package is built again only
      where an object has another version, or where O(settings), O(content) or what else it is built from is another;
      the manifest beside O(dest) tells. Bytes never decide, since a server writes other ones each time.
options:
  state:
    description:
      - V(present) makes the session hold O(src), or builds a package from O(content). Another package that the session
        holds is released before.
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
  content:
    description:
      - The objects that the package is to hold, as a list of selectors, which add up. Needs O(type), and O(project) but
        for a configuration package.
      - A selector looks in one place, which is O(content[].id), O(content[].folder), O(content[].search) or
        O(content[].shortcuts_in), and in the whole project where it names none. O(content[].types), O(content[].owner),
        O(content[].name) and O(content[].modified_since) narrow what it finds.
      - Objects are found by searches of the metadata, which are exact, and never by the index of the quick search.
      - Without O(content[].types), what packages cannot hold is left out, with a warning. Folders come along with what is
        in them.
      - Where several selectors choose an object, the first that names an action counts.
    type: list
    elements: dict
    suboptions: &selector
      id:
        description: The id of one object. Its O(content[].type) is needed, but for O(exclude).
        type: str
      type:
        description: The type of O(content[].id), by name or number, for example V(report), V(metric) or V(3).
        type: str
      folder:
        description:
          - A folder, by its path or its id. A path has slashes, may begin with the project's name, and has names as the
            user of the session sees them.
        type: str
      recursive:
        description: Whether subfolders count as well, which they do unless V(false).
        type: bool
      search:
        description:
          - A saved search, by its path or its id. It is run with hidden objects, where the server tells what it asks for
            (since December 2024).
        type: str
      shortcuts_in:
        description: A folder, by its path or its id, whose shortcuts lead to the objects.
        type: str
      types:
        description:
          - Types by name or number, for example V(report) or V(document). From 256 on a number is a subtype.
        type: list
        elements: str
      modified_since:
        description:
          - A time such as V(2026-01-31T12:00:00Z), UTC unless it says otherwise. Objects count that were changed then or
            later, by the dates that the server gives them.
          - V(last_export) stands for the newest change that was seen when O(dest) was last exported with it. It is a date
            of the server too, and is kept in the manifest. At first all objects count. Where nothing changed since, the
            package stays as it is. Not for O(exclude).
        type: str
      owner:
        description: The id or the name of the user who owns the objects.
        type: str
      name:
        description:
          - A pattern of names, in which V(*) stands for any characters and V(?) for one. Upper and lower case are the same.
        type: str
      action:
        description: What an import does with the objects, if not O(settings.default_action). Not for O(exclude).
        type: str
        choices: [use_existing, replace, force_replace, keep_both, use_newer, use_older, delete]
      include_dependents:
        description:
          - Whether all that the objects need comes along. Not for O(exclude). With O(exclude), only what searches show comes
            along, since a server cannot be told to leave out some of what it brings along by itself.
        type: bool
  exclude:
    description:
      - Selectors of objects that the package is not to hold, whoever asks for them or needs them.
    type: list
    elements: dict
    suboptions: *selector
  settings:
    description: The settings of a package that is built.
    type: dict
    suboptions:
      default_action:
        description: What an import does with objects without an action of their own. V(replace) where it is not given.
        type: str
        choices: [use_existing, replace, force_replace, keep_both, use_newer, use_older, delete]
      update_schema:
        description:
          - What of the schema an import updates. V(recal_table_logical_size), V(recal_table_keys_fact_entry_level) and
            V(update_schema_logical_info); none where it is not given. For packages of type V(project) only.
        type: list
        elements: str
      acl_on_replacing_objects:
        description:
          - Whose access control list an object has that is replaced. V(use_existing), which it is where it is not given, or
            V(replace). Not for packages of type V(project_security).
        type: str
      acl_on_new_objects:
        description:
          - Which access control list new objects get. V(keep_acl_as_source_object), which it is where it is not given,
            and V(inherit_acl_as_dest_folder).
        type: list
        elements: str
  complete:
    description:
      - Whether all that the objects need comes along, down to tables and columns, as far as packages can hold it. Each
        object that is needed becomes one of the package, with the default action.
    type: bool
  definitions:
    description:
      - Whether to keep what the objects are made of beside O(dest), as C(<dest>.definitions/<type>/<id>.json), for review in
        Git. Dates and versions are left out. Other files there that end in C(.json) are removed.
      - The server gives definitions of attributes, facts, metrics, filters, reports and others, not of documents, and not of
        objects of the configuration. Where it lacks the call or refuses it, a warning says so, and nothing fails.
      - Only objects with another version are read, all of them where the manifest does not say that definitions are kept.
      - With C(--diff) the lines that changed are shown. A task that would import the package elsewhere shows the lines that it
        would change there. None are kept unless V(true).
    type: bool
  dest:
    description:
      - Where to save the package that is built, on the host where the module runs. It is written whole or not at all, and
        the session holds no package afterwards. Without it the session holds the package.
    type: path
  manifest:
    description:
      - Whether to write the manifest beside the file, C(<src>.manifest.json) or C(<dest>.manifest.json), the content of the
        package as a text that can be reviewed.
      - With O(dest) it is written unless V(false); with O(src) only where V(true). Without a manifest a package is built
        each time.
    type: bool
  force:
    description:
      - Release or replace a package even while its import runs, or while the undo package of its import is not saved.
    type: bool
    default: false
notes:
  - Building asks the server for the components of each object that is new or has another version since the last export, by
    a search for each, one after the other.
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

- name: Build a package from a folder, and save it for review
  mstr.migration.mstr_package:
    base_url: https://mstr.example.com/MicroStrategyLibrary
    username: deployer
    password: "{{ vaulted_password }}"
    project: MicroStrategy Tutorial
    type: project
    settings:
      default_action: replace
    content:
      - folder: /Public Objects
        types: [report, document]
        include_dependents: true
      - id: 8D679D5111D3E4981000E787EC6DE8A4
        type: attribute
        action: use_existing
    exclude:
      - name: "*(old)"
    dest: /srv/packages/sales.mmp

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
  description: The package that the session holds, or that is at O(dest). V(null) where check mode has built none.
  returned: when O(state=present)
  type: dict
  contains:
    id:
      description: Its id in the session. V(null) where the session does not hold it, as after O(dest) was written.
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
changes:
  description: What changed in the package that is built, or in check mode would.
  returned: with O(content)
  type: list
  elements: dict
  contains:
    id:
      description: The object's id.
      returned: always
      type: str
      sample: 8D679D5111D3E4981000E787EC6DE8A4
    name:
      description: Its name.
      returned: always
      type: str
      sample: Year
    type:
      description: Its type.
      returned: always
      type: int
      sample: 12
    type_name:
      description: Its type in words.
      returned: always
      type: str
      sample: attribute
    change:
      description: V(added), V(changed) or V(removed).
      returned: always
      type: str
      sample: changed
    included:
      description: Why it is in the package, V(asked) or V(needed).
      returned: always
      type: str
      sample: asked
    action_before:
      description: What an import did with it; V(null) where it is new.
      returned: always
      type: str
      sample: replace
    action_after:
      description: What an import does with it; V(null) where it is there no more.
      returned: always
      type: str
      sample: replace
    version_before:
      description: Its version in the package as it was; V(null) where it is new.
      returned: always
      type: str
      sample: 24CEEC7011EB7C9D8F150080EF651EEA
    version_after:
      description: Its version in the package; V(null) where it is there no more.
      returned: always
      type: str
      sample: 2215B50211EB7C9D8F150080EF651EEA
msg:
  description: The changes in numbers.
  returned: with O(content)
  type: str
  sample: "Objects of package sales.mmp: 1 added, 1 changed."
"""

from ansible_collections.mstr.migration.plugins.module_utils.module.base import MigrationModule
from ansible_collections.mstr.migration.plugins.module_utils.module.options import (
    build_spec,
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
            "manifest": {"type": "bool"},
            "force": {"type": "bool", "default": False},
            **package_spec(with_type=True),
            **build_spec(),
            **waiting_spec(),
            **progress_spec(),
        },
        required_if=[("state", "present", ["src", "content"], True)],
        mutually_exclusive=[("src", "content"), ("content", "checksum")],
        required_by={name: ["content"] for name in ("exclude", "settings", "complete", "definitions", "dest")},
    )
    states = {"present": present, "absent": absent}
    module.run(lambda: states[module.params["state"]](module))


if __name__ == "__main__":
    main()
