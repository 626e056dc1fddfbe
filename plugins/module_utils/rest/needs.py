# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the collection's calls want of the user, of projects and of locks, and what the server's answers say to that.

``mstr_info`` and the preflight judge by it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .state import BYPASS_ACCESS_CHECKS, CREATE_PACKAGE, IMPORT_PACKAGE, Lock, Node, Privilege, Privileges

# Verbs that most names of privileges begin with in English. Names in another language cannot be compared.
_VERBS = frozenset(("access", "administer", "bypass", "configure", "create", "define", "edit", "execute", "grant"))
_VERBS |= frozenset(("manage", "modify", "run", "save", "schedule", "use", "view"))
_WORDS = re.compile(r"[^\W\d_]+")
# What a lock begins with that keeps others from writing.
_KEEPS_OUT = ("temporal", "permanent", "absolute", "exclusive")
_NAMED = 5


@dataclass(frozen=True)
class Need:
    """A privilege that calls want.

    Attributes:
        names: What it is called; versions of the server differ.
        purpose: What it is needed for, after "to", for people.
    """

    names: tuple[str, ...]
    purpose: str

    def missing(self, places: Sequence[str]) -> str:
        """Return the sentence that the server does not list it for these places, named for people."""
        shown = ", ".join(places[:_NAMED])
        more = len(places) - _NAMED
        return "The server lists no privilege %s of the user for %s. It is needed to %s." % (
            " or ".join(self.names),
            shown + (", and %d more" % more if more > 0 else ""),
            self.purpose,
        )


# By the vendor's pages.
UPLOADING = Need(CREATE_PACKAGE, "upload and build packages")
IMPORTING = Need(IMPORT_PACKAGE, "import packages")
SEEING_ALL = Need(
    BYPASS_ACCESS_CHECKS,
    "see every object that a package may replace; a hidden one looks as if it were missing",
)
# By the vendor's help on the privileges for administration, which names them for the same actions in its tools.
MONITORING = Need(("Monitor cluster",), "see on which nodes a project is loaded, for the window")
IDLING = Need(("Idle and resume project",), "idle a project, for the window")
PURGING = Need(("Administer caches", "Cache Administration"), "purge caches")
NEEDS = (UPLOADING, IMPORTING, SEEING_ALL)


def lacks(privileges: Privileges, need: Need, project_id: str | None) -> bool | None:
    """Return whether the user certainly lacks a privilege in a project; None where nobody can tell.

    The answer is not documented. It counts as understood where it names the privilege, or has names in English. What
    holds in some projects alone says nothing of the configuration.

    Args:
        privileges: What the server lists.
        need: The privilege.
        project_id: The project; None for the configuration.
    """
    if privileges.has(need.names, project_id):
        return False
    if project_id is None and any(privileges.has(need.names, project) for project in privileges.places):
        return None
    understood = privileges.lists(need.names) or any(_is_english(name) for name in privileges.named)
    return True if understood else None


def _is_english(name: str) -> bool:
    return any(word in _VERBS for word in _WORDS.findall(name.casefold()))


def keeps_out(lock: Lock) -> bool | None:
    """Return whether a lock keeps others from writing; None for one of a type that is not known here."""
    if not lock.is_locked:
        return False
    return True if lock.type.startswith(_KEEPS_OUT) else None


def states_on(nodes: Sequence[Node], project_id: str) -> dict[str, str]:
    """Return what a project is on each node that says it, by the node's name."""
    found = {node.name: node.projects.get(project_id.upper()) for node in nodes}
    return {name: state for name, state in found.items() if state is not None}


def is_loaded_nowhere(states: dict[str, str]) -> bool:
    """Return whether a project is loaded on no node, of those that say something of it."""
    return bool(states) and all(state.startswith("unload") for state in states.values())


# As tasks return them.


def privilege_row(privilege: Privilege) -> dict[str, Any]:
    """Return a privilege as a task returns it."""
    return {
        "id": privilege.id,
        "name": privilege.name,
        "everywhere": privilege.everywhere,
        "projects": sorted(privilege.projects),
    }


def node_rows(nodes: Sequence[Node], project_id: str) -> list[dict[str, Any]]:
    """Return what a project is on each node, None where the node does not say, as a task returns it."""
    return [{"name": node.name, "status": node.projects.get(project_id.upper())} for node in nodes]


def lock_row(lock: Lock) -> dict[str, Any]:
    """Return a lock as a task returns it."""
    return {
        "type": lock.type,
        "owner": lock.owner,
        "machine": lock.machine,
        "time": lock.time,
        "comment": lock.comment,
    }
