#!/usr/bin/python
# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: mstr_session
short_description: Log in to a MicroStrategy Library server and out again
version_added: 0.1.0
description:
  - Logs in and writes a session file, which the other modules take instead of credentials. A migration package lives in the
    memory of one session, and each Ansible task runs in a process of its own; the session file is what connects them.
  - The session file has mode 0600 and never holds a password or an API token. No task returns the session's token.
author: The mstr.migration authors (!UNKNOWN)
extends_documentation_fragment:
  - mstr.migration.connection
  - mstr.migration.history
  - mstr.migration.lock
  - mstr.migration.waiting
  - mstr.migration.waiting.undo
  - mstr.migration.progress
  - mstr.migration.attributes
attributes:
  check_mode:
    support: full
    details: Runs in check mode as well, because a session changes nothing in the environment.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  state:
    description:
      - V(present) logs in. Where O(session_file) names a live session, that one is renewed, and nothing is changed.
      - V(absent) releases what the session of O(session_file) holds, logs out, and removes the file. It always goes through,
        and warns about what was lost by it or could not be closed. A file that is not there is fine.
    type: str
    choices: [present, absent]
    default: present
  session_file:
    description:
      - Where the session file is, or is to be. Directories that are missing are made with mode 0700.
      - If not set, a file is made and returned as RV(session_file), in O(session_dir), below O(history_dir) or, without these and
        in check mode, in a new private directory.
    type: path
  history_dir:
    description:
      - The history of imports. With it, O(state=present) makes sure that this run alone works on the environment, and takes up what
        runs left on it that were cut off without warning.
      - For that, the session file is its sign of life. A module that uses it renews its modification time every second.
      - Of a run that is dead, the session is closed. An import that went on alone is waited for (O(wait_timeout)), its undo package
        is kept (O(undo_timeout)), and its entry in the history is completed. Where the session has ended, the entry is marked as
        interrupted, with a warning that there is no undo package.
      - In check mode nothing is locked and nothing is taken up.
      - Session files have mode 0600, whatever O(history_mode) says.
    type: path
seealso:
  - module: mstr.migration.mstr_package
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

- name: Log out
  mstr.migration.mstr_session:
    session_file: "{{ login.session_file }}"
    state: absent
"""

RETURN = r"""
session_file:
  description: The session file's path.
  returned: always
  type: str
  sample: /tmp/mstr_session_k2a9x1/session.json
user:
  description: The user who logged in. V(null) after an anonymous log-in, or one by token.
  returned: when O(state=present)
  type: str
  sample: deployer
server:
  description: What the server says of itself.
  returned: when O(state=present)
  type: dict
  contains:
    web_version:
      description: The version of the Library server.
      returned: always
      type: str
      sample: 11.3.0960.00420
    iserver_version:
      description: The version of the Intelligence Server.
      returned: always
      type: str
      sample: 11.3.0960.01020
run:
  description: The id of the run, which the receipts of its imports have. V(null) without O(history_dir).
  returned: when O(state=present)
  type: str
  sample: 20261124T031502Z-1f6a22c0
plan_file:
  description: >-
    Where M(mstr.migration.mstr_package_plan) may write the plan of this run. The file is removed when the session is logged out.
    V(null) without O(history_dir).
  returned: when O(state=present)
  type: str
  sample: /srv/history/prod/sessions/20261124T031502Z-1f6a22c0.plan
recovered:
  description:
    - What was left by runs that were cut off, and what became of it. Empty without O(history_dir), in check mode, and where
      an open session was renewed.
  returned: when O(state=present)
  type: list
  elements: dict
  contains:
    entry:
      description: The entry of the history, as its directory's name; V(null) where nothing was being imported.
      returned: always
      type: str
    outcome:
      description:
        - V(imported), V(failed) or V(undone) for an import that was seen to its end; V(interrupted) where nobody can tell any more;
          V(released) for a session that was only closed.
      returned: always
      type: str
  sample:
    - entry: 20261124T031502123Z-finance-0a1b2c3d4e5f
      outcome: imported
"""

from ansible_collections.mstr.migration.plugins.module_utils.module.base import MigrationModule
from ansible_collections.mstr.migration.plugins.module_utils.module.options import (
    history_spec,
    lock_spec,
    progress_spec,
    waiting_spec,
)
from ansible_collections.mstr.migration.plugins.module_utils.module.session import absent, present


def main() -> None:
    """Run the module."""
    module = MigrationModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            **history_spec(),
            **lock_spec(),
            **waiting_spec(undo=True),
            **progress_spec(),
        },
        with_project=False,
        required_if=[("state", "absent", ["session_file"])],
    )
    states = {"present": present, "absent": absent}
    module.run(lambda: states[module.params["state"]](module))


if __name__ == "__main__":
    main()
