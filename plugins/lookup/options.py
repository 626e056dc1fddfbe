# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of modules that the role's variables are, as the role's C(module_defaults) take them."""

from __future__ import annotations

DOCUMENTATION = r"""
name: options
short_description: Make options of modules of the variables of the role mstr
version_added: 0.1.0
description:
  - The role P(mstr.migration.mstr#role) gives its modules what it returns.
  - A variable that the filter P(mstr.migration.given#filter) takes as not given makes no option. Paths are made
    absolute, as by the filter P(mstr.migration.below#filter).
author: The mstr.migration authors (!UNKNOWN)
options:
  _terms:
    description:
      - The modules, by names such as V(mstr_package_plan), or V(all) for the options that all modules are given.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Log in as the role does
  mstr.migration.mstr_session: "{{ lookup('mstr.migration.options', 'all') }}"
"""

RETURN = r"""
_raw:
  description: The options, a dictionary for each module.
  type: list
  elements: dict
"""

from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase

from ansible_collections.mstr.migration.plugins.plugin_utils.options import (
    OPTIONS,
    OTHERS,
    VARIABLES,
    options_of,
    stages_of,
)


class LookupModule(LookupBase):
    """The lookup, as ansible-core asks for it."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Return the options of the modules that are named."""
        unknown = [str(term) for term in terms if str(term) not in OPTIONS]
        if unknown:
            raise AnsibleError("options: there are none for %s; name one of %s." % (unknown[0], ", ".join(OPTIONS)))
        names = sorted(name for name in VARIABLES | OTHERS if name in (variables or {}))
        # What they come to differs between versions of ansible-core, of which its own lookup knows.
        lookup = lookup_loader.get("ansible.builtin.vars", loader=self._loader, templar=self._templar)
        found = dict(zip(names, lookup.run(names, variables=variables)))
        stages = found.get("mstr_proven_on")
        if stages is not None and variables is not None:
            found["mstr_proven_on"] = stages_of(stages, variables["hostvars"], variables["groups"])
        return [options_of(str(term), found) for term in terms]
