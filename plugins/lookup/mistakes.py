# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with the role's variables, looked up all at once before the log-in."""

from __future__ import annotations

DOCUMENTATION = r"""
name: mistakes
short_description: Say what is wrong with the variables of the role mstr
version_added: 0.1.0
description:
  - The role P(mstr.migration.mstr#role) fails with it before it logs in.
  - Says what can be known without the server and without the files of packages.
  - What the filter P(mstr.migration.given#filter) takes as not given is not looked at.
author: The mstr.migration authors (!UNKNOWN)
options:
  _terms:
    description: Which playbook the variables are for, V(deploy), V(rollback) or V(export).
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Look at the variables of this host
  ansible.builtin.debug:
    msg: "{{ lookup('mstr.migration.mistakes', 'deploy') }}"
"""

RETURN = r"""
_raw:
  description: What is wrong, a text for each playbook. Empty where nothing is.
  type: list
  elements: str
"""

from typing import Any

from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase

from ansible_collections.mstr.migration.plugins.plugin_utils.inputs import VARIABLES, mistakes


class LookupModule(LookupBase):
    """The lookup, as ansible-core asks for it."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Return what is wrong with the variables, for each playbook that is named."""
        names = [name for name in VARIABLES if name in (variables or {})]
        # What they come to differs between versions of ansible-core, of which its own lookup knows.
        lookup = lookup_loader.get("ansible.builtin.vars", loader=self._loader, templar=self._templar)
        values = lookup.run(names, variables=variables)
        found = dict(zip(names, values))
        return [" ".join(mistakes(found, str(playbook))) for playbook in terms]
