# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbook promote makes of its variables: which hosts export, which get packages, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.mstr.migration.plugins.plugin_utils.inputs import (
    REFUSED,
    given,
    host_pattern,
    names_in,
    play_option,
)

# A pattern that no host matches, and of which Ansible does not say so.
_NO_HOST = "all:!all"
_USUAL = "mstr"


def export_hosts(source: Any, groups: Mapping[str, Sequence[str]]) -> str:
    """Return the pattern of the host that exports; one without hosts where nothing is to be exported.

    Args:
        source: ``mstr_source``.
        groups: The hosts of the inventory by their groups.

    Raises:
        AnsibleFilterError: It is no host of the inventory.
    """
    name = given(source)
    if name is None:
        return _NO_HOST
    hosts = sorted({host for members in groups.values() for host in members})
    if str(name) not in hosts:
        raise AnsibleFilterError(
            "mstr_source: %s is no host of the inventory. Name the environment that declares mstr_exports; the "
            "inventory has: %s." % (name, ", ".join(hosts[:10]) + (", ..." if len(hosts) > 10 else "") or "no hosts")
        )
    return str(name)


def target_hosts(targets: Any, source: Any, groups: Mapping[str, Sequence[str]]) -> Any:
    """Return the pattern of the hosts that get packages; the source is not among them unless it is named.

    Args:
        targets: ``mstr_targets``.
        source: ``mstr_source``.
        groups: The hosts of the inventory by their groups.

    Raises:
        AnsibleFilterError: No host matches.
    """
    otherwise = _USUAL if given(source) is None else "%s:!%s" % (_USUAL, source)
    return host_pattern(given(targets, otherwise), groups, "mstr_targets")


def refused_kinds(allow: Any) -> list[str]:
    """Return the kinds of effects that are refused: all but those that are allowed.

    Args:
        allow: ``mstr_allow``.

    Raises:
        AnsibleFilterError: There is no such kind.
    """
    allowed = names_in(play_option(allow, "mstr_allow", []))
    return [kind for kind in REFUSED if kind not in allowed]
