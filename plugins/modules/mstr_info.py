#!/usr/bin/python
# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: mstr_info
short_description: Say what a MicroStrategy Library server is, and what it can do
version_added: 0.1.0
description:
  - Returns the versions of a server, which metadata is behind it, what the user may do, the projects with their state and locks,
    and which calls of the REST API the server has.
  - RV(differs) says in words where the server is not as the collection expects, and what that means.
  - It only reads. What a server lacks, or refuses to this user, is V(null) or V(false) in the result and no failure. The task fails
    where there is no session, or where O(project) is not there.
  - Which calls a server has is taken from its own OpenAPI file (C(GET /openapi.yaml)). Of calls that the file does not name, or where there
    is no file, it is found out by harmless requests, such as that for an object with an id of zeros.
author: The mstr.migration authors (!UNKNOWN)
extends_documentation_fragment:
  - mstr.migration.connection
  - mstr.migration.attributes
attributes:
  check_mode:
    support: full
    details: Changes nothing in any mode.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  project:
    description:
      - The only project to describe, by name or by its id of 32 hexadecimal digits.
      - V('') means all projects that the user sees, and beats the environment variable.
      - If not set, the environment variable E(MSTR_PROJECT) is used, then all projects.
    type: str
seealso:
  - module: mstr.migration.mstr_session
"""

EXAMPLES = r"""
- name: Ask what the server is
  mstr.migration.mstr_info:
    base_url: https://mstr.example.com/MicroStrategyLibrary
    username: deployer
    password: "{{ vaulted_password }}"
    project: MicroStrategy Tutorial
  register: about

- name: Show what is not as the collection expects
  ansible.builtin.debug:
    var: about.differs

- name: See that nobody has locked the project
  ansible.builtin.assert:
    that: about.projects[0].lock.type | default('not_locked') == 'not_locked'
"""

RETURN = r"""
server:
  description: What the server says of itself.
  returned: success
  type: dict
  contains:
    web_version:
      description: The version of the Library server. V(null) where it does not say.
      returned: always
      type: str
      sample: 11.3.0960.00420
    iserver_version:
      description: The version of the Intelligence Server. V(null) where it does not say.
      returned: always
      type: str
      sample: 11.3.0960.01020
    metadata:
      description:
        - What tells the metadata behind this address from others. The C(id) in the answer of C(GET /configurations/repository), or the sha256
          of that answer where it has none.
        - V(null) where the server does not say.
      returned: always
      type: str
      sample: 5E1F0A6C4D3B2C10A9B8C7D6E5F40312
user:
  description: Who is logged in.
  returned: success
  type: dict
  contains:
    id:
      description: The user's id. V(null) where the server does not say.
      returned: always
      type: str
      sample: 54F3D26011D2896560009A8E67019608
    name:
      description: The user's full name. V(null) where the server does not say.
      returned: always
      type: str
      sample: Administrator
    privileges:
      description: The privileges that the user has. V(null) where the server does not say.
      returned: always
      type: list
      elements: dict
      contains:
        id:
          description: The server's id of the privilege. V(null) where it gives none.
          returned: always
          type: str
        name:
          description: Its name, in the language of the session.
          returned: always
          type: str
        everywhere:
          description: Whether it holds in all projects.
          returned: always
          type: bool
        projects:
          description: The ids of the projects that it holds in, where it does not hold everywhere.
          returned: always
          type: list
          elements: str
      sample:
        - id: "901"
          name: Create package
          everywhere: true
          projects: []
projects:
  description: The projects that the user sees, or that of O(project).
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The project's id.
      returned: always
      type: str
    name:
      description: The project's name.
      returned: always
      type: str
    status:
      description: The server's number for its state; 0 is active. V(null) where it gives none.
      returned: always
      type: int
    nodes:
      description:
        - The nodes of the cluster, each with its name and the state of the project there (C(loaded), C(unloaded) and others; V(null) where
          the node does not name the project).
        - V(null) where the server does not say.
      returned: always
      type: list
      elements: dict
    lock:
      description:
        - The lock on the project with C(type), C(owner), C(machine), C(time) and C(comment). C(type) is C(not_locked) where there is none.
        - V(null) where the server does not say.
      returned: always
      type: dict
  sample:
    - id: B7CA92F04B9FAE8D941C3E9B7E0CD754
      name: MicroStrategy Tutorial
      status: 0
      nodes:
        - name: node1
          status: loaded
      lock:
        type: not_locked
        owner: null
        machine: null
        time: null
        comment: null
calls:
  description: Whether the server has each call that the collection uses or has a use for. V(null) where it cannot be told.
  returned: success
  type: dict
  sample:
    projects: true
    packages: true
    project_lock: false
    schema_reload: null
differs:
  description: Where the server is not as the collection expects, one sentence each, and what that means.
  returned: success
  type: list
  elements: str
  sample:
    - "GET /projects/{id}/lock is not there: that somebody has locked a project shows only when an import fails (since 2021 Update 6)."
"""

from ansible_collections.mstr.migration.plugins.module_utils.module.base import MigrationModule
from ansible_collections.mstr.migration.plugins.module_utils.module.info import info


def main() -> None:
    """Run the module."""
    module = MigrationModule(argument_spec={})
    module.run(lambda: info(module))


if __name__ == "__main__":
    main()
