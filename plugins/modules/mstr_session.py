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
      - If not set, a file in a new private directory is made, and returned as RV(session_file).
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
"""

import os
from typing import Any

from ansible_collections.mstr.migration.plugins.module_utils import session_file
from ansible_collections.mstr.migration.plugins.module_utils.base import MigrationModule
from ansible_collections.mstr.migration.plugins.module_utils.session import Session


def present(module: MigrationModule) -> dict[str, Any]:
    """Renew the session of the file, or log in and write one."""
    path = module.params["session_file"]
    own_directory = path is None
    if path and session_file.exists(path):
        session = module.open_session_file(path)
        own_directory = session.state.own_directory
        module.refuse_another_user(session)
        if session.library.renew_session():
            session.save()
            return _result(session, path, changed=False)
        # It ended by itself; what it held is gone with it.
        for lost in session.losses():
            module.warnings.append("The session of %s has ended. Lost: %s." % (path, lost))
    # Made before the log-in, so that no session is open that nobody knows.
    path = path or session_file.new_path()
    try:
        session = module.log_in(path)
    except BaseException:
        if own_directory:
            session_file.remove_directory(path)
        raise
    try:
        session.state.own_directory = own_directory
        session.save()
    except BaseException:
        module.close_session(session)
        raise
    return _result(session, path, changed=True)


def _result(session: Session, path: str, changed: bool) -> dict[str, Any]:
    return {
        "changed": changed,
        "session_file": os.path.abspath(path),
        "user": session.state.user,
        "server": session.state.server,
    }


def absent(module: MigrationModule) -> dict[str, Any]:
    """Release what the session holds, log out, remove the file."""
    path = module.params["session_file"]
    if not session_file.exists(path):
        return {"changed": False, "session_file": path}
    session = module.open_session_file(path)
    for lost in session.losses():
        module.warnings.append("Logged out. Lost: %s." % lost)
    own_directory = session.state.own_directory
    # From here on nobody is to rely on what the file says.
    session.path = None
    try:
        module.close_session(session)
    finally:
        session_file.remove(path, own_directory)
    return {"changed": True, "session_file": path}


def main() -> None:
    """Run the module."""
    module = MigrationModule(
        argument_spec={"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}},
        with_project=False,
        required_if=[("state", "absent", ["session_file"])],
    )
    states = {"present": present, "absent": absent}
    module.run(lambda: states[module.params["state"]](module))


if __name__ == "__main__":
    main()
