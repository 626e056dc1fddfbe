# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with the variables of the playbook awx_setup, and the objects that it makes in AWX."""

from __future__ import annotations

DOCUMENTATION = r"""
name: awx
short_description: Say which objects the playbook awx_setup makes in AWX
version_added: 0.1.0
description:
  - Takes the variables whose names begin with C(mstr_awx_).
author: The mstr.migration authors (!UNKNOWN)
options:
  _terms:
    description: What to say, V(mistakes) or V(objects).
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: See what is wrong with the variables
  ansible.builtin.debug:
    msg: "{{ lookup('mstr.migration.awx', 'mistakes') }}"

- name: See which job templates there would be
  ansible.builtin.debug:
    msg: "{{ (query('mstr.migration.awx', 'objects') | first).templates | map(attribute='name') }}"
"""

RETURN = r"""
_raw:
  description:
    - For V(mistakes) a text, empty where nothing is wrong. That C(awx.awx) is not installed is a mistake, too.
    - For V(objects) a dictionary. It holds the secrets of the credentials.
  type: list
  elements: raw
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.loader import lookup_loader, module_loader
from ansible.plugins.lookup import LookupBase

from ansible_collections.mstr.migration.plugins.plugin_utils.awx import awx_mistakes, awx_objects

_PREFIX = "mstr_awx_"
# Of the modules that the playbook needs, the one that came last.
_NEEDED = "awx.awx.workflow_job_template_node"
_MISSING = (
    "The collection awx.awx is not installed here, whose modules make the objects. Install it, then run again: "
    "ansible-galaxy collection install awx.awx"
)


class LookupModule(LookupBase):
    """The lookup, as ansible-core asks for it."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        """Return what is asked for, in the order of the terms."""
        names = [name for name in variables or {} if name.startswith(_PREFIX)]
        # What they come to differs between versions of ansible-core, of which its own lookup knows.
        lookup = lookup_loader.get("ansible.builtin.vars", loader=self._loader, templar=self._templar)
        given = dict(zip(names, lookup.run(names, variables=variables)))
        found = awx_mistakes(given)
        if not module_loader.find_plugin_with_context(_NEEDED).resolved:
            found = [_MISSING, *found]
        said: list[Any] = []
        for term in terms:
            if term == "mistakes":
                said.append(" ".join(found))
            elif term != "objects":
                raise AnsibleLookupError("mstr.migration.awx: say mistakes or objects, not %s." % term)
            elif found:
                raise AnsibleLookupError(" ".join(found))
            else:
                said.append(awx_objects(given))
        return said
