# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the server says about what is around a package: the user's privileges, locks, nodes, which metadata it is.

Little of this is documented in full, so that the parsers take what they find. They raise ``ShapeError`` only where an
answer has nothing of what is asked for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..support import shape
from ..support.text import printable

# Privileges that calls want, each by the names that the vendor's pages and versions of the server give it.
CREATE_PACKAGE = ("Create package",)
IMPORT_PACKAGE = ("Import package", "Apply package")
BYPASS_ACCESS_CHECKS = ("Bypass all object security access checks", "Bypass all objects security check")

# What a project's lock and a schema's lock are called where there is none.
NOT_LOCKED = "not_locked"
_UNLOCKED = frozenset(("", "none", NOT_LOCKED))


@dataclass(frozen=True)
class User:
    """The user of a session.

    Attributes:
        id: The user's id in the metadata, None where the server does not say.
        name: The user's full name, None where the server does not say.
    """

    id: str | None
    name: str | None


def parse_user(data: Any) -> User:
    """Return the user from the answer of ``GET /sessions/userInfo``."""
    user = shape.mapping(data, "user")
    name = user.get("fullName") or user.get("name") or user.get("username")
    return User(id=_text(user.get("id")), name=_text(name))


@dataclass(frozen=True)
class Privilege:
    """A privilege that the user has.

    Attributes:
        id: The server's id of it, None where it gives none.
        name: Its name, in the language of the session.
        everywhere: Whether it holds in all projects.
        projects: The ids, in upper case, of the projects that it holds in where it does not hold everywhere.
    """

    id: str | None
    name: str
    everywhere: bool
    projects: frozenset[str] = frozenset()

    def holds_in(self, project_id: str | None) -> bool:
        """Whether the user has it in a project; None stands for the configuration."""
        return self.everywhere or (project_id is not None and project_id.upper() in self.projects)


@dataclass(frozen=True)
class Privileges:
    """The privileges that the user has.

    Attributes:
        held: They, as far as the server lists them.
        named: The names of all that the server lists, those that the user does not have included.
    """

    held: tuple[Privilege, ...]
    named: frozenset[str] = frozenset()

    def __iter__(self) -> Iterator[Privilege]:
        return iter(self.held)

    @property
    def places(self) -> frozenset[str]:
        """The ids of the projects that are named."""
        return frozenset(project for one in self.held for project in one.projects)

    def lists(self, names: tuple[str, ...]) -> bool:
        """Whether the server lists a privilege at all, held or not.

        Args:
            names: What it is called, as for ``has``.
        """
        return not {_plain(name) for name in names}.isdisjoint(map(_plain, self.named))

    def has(self, names: tuple[str, ...], project_id: str | None) -> bool:
        """Whether the user has a privilege in a project, or for the configuration.

        Args:
            names: What it is called, for example ``IMPORT_PACKAGE``; upper case, spaces and the like do not matter.
            project_id: The project, None for the configuration.
        """
        wanted = {_plain(name) for name in names}
        return any(_plain(one.name) in wanted and one.holds_in(project_id) for one in self.held)


def parse_privileges(data: Any) -> Privileges:
    """Return what the user may do from the answer of ``GET /sessions/privileges``.

    Its shape is not documented. The vendor's Office add-in reads ``{isUserLevelAllowed, projects: [{id, isAllowed}]}``
    of a single one. A row without these is taken for a privilege that the user has everywhere.
    """
    rows = data.get("privileges") if isinstance(data, dict) else data
    found = [one for one in map(_privilege, shape.items(rows, "privileges")) if one is not None]
    held = tuple(one for one in found if one.everywhere or one.projects)
    return Privileges(held, frozenset(one.name for one in found))


def _privilege(row: Any) -> Privilege | None:
    about = row if isinstance(row, dict) else {"name": row}
    name = _text(about.get("name"))
    if name is None:
        return None
    rows, everywhere = about.get("projects"), about.get("isUserLevelAllowed")
    allowed = (_allowed(one) for one in rows) if isinstance(rows, list) else ()
    return Privilege(
        id=_text(about.get("id")),
        name=name,
        everywhere=everywhere if isinstance(everywhere, bool) else not isinstance(rows, list),
        projects=frozenset(one for one in allowed if one is not None),
    )


def _allowed(project: Any) -> str | None:
    """Return the id of a project that a privilege holds in, None for one that it does not hold in."""
    about = project if isinstance(project, dict) else {"id": project}
    number = _text(about.get("id"))
    return number.upper() if number and about.get("isAllowed") is not False else None


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


@dataclass(frozen=True)
class Lock:
    """A lock on a project, on the configuration, or on a project's schema.

    Attributes:
        type: The server's word in lower case, ``not_locked`` where there is no lock.
        owner: Who holds it; None where the server does not say. So are the others.
        owner_id: That user's id.
        machine: The machine that it was taken from.
        time: Since when, as the server writes it.
        comment: What its owner wrote.
    """

    type: str
    owner: str | None = None
    owner_id: str | None = None
    machine: str | None = None
    time: str | None = None
    comment: str | None = None

    @property
    def is_locked(self) -> bool:
        """Whether there is a lock."""
        return self.type != NOT_LOCKED

    @property
    def outlives_session(self) -> bool:
        """Whether it stays when the session of its owner ends."""
        return self.type.startswith("permanent")


def parse_lock(data: Any) -> Lock:
    """Return a lock from the answer about a project, the configuration (``owner``), or a schema (``ownerName``)."""
    lock = shape.mapping(data, "lock")
    word = shape.text(lock, "lockType", "lock").lower()
    if word in _UNLOCKED:
        return Lock(NOT_LOCKED)
    owner = lock.get("owner")
    owner = owner if isinstance(owner, dict) else {"id": lock.get("ownerId"), "name": lock.get("ownerName")}
    return Lock(
        type=word,
        owner=_text(owner.get("name")),
        owner_id=_text(owner.get("id")),
        machine=_text(lock.get("machineName")),
        time=_text(lock.get("lockTime") or lock.get("dateCreated")),
        comment=_text(lock.get("comment")),
    )


@dataclass(frozen=True)
class Node:
    """A node of the Intelligence Server's cluster.

    Attributes:
        name: Its name.
        status: The server's word in lower case, for example ``running``; None where it gives none.
        projects: The state of each project on it in lower case, for example ``loaded``, by the id in upper case.
    """

    name: str
    status: str | None
    projects: dict[str, str] = field(default_factory=dict)


def parse_nodes(data: Any) -> list[Node]:
    """Return the nodes from the answer of ``GET /monitors/iServer/nodes``."""
    nodes = []
    for index, row in enumerate(shape.items(data.get("nodes") if isinstance(data, dict) else data, "nodes")):
        where = "nodes[%d]" % index
        node = shape.mapping(row, where)
        rows = node.get("projects")
        rows = [one for one in rows if isinstance(one, dict)] if isinstance(rows, list) else []
        known = {str(one.get("id", "")).upper(): _word(one.get("status")) for one in rows}
        projects = {number: word for number, word in known.items() if number and word}
        nodes.append(Node(shape.text(node, "name", where), _word(node.get("status")), projects))
    return nodes


def _word(value: Any) -> str | None:
    text = _text(value)
    return text.lower() if text else None


def metadata_id(data: Any) -> str | None:
    """Return what tells one metadata from another, from the answer of ``GET /configurations/repository``.

    Its fields are not documented: it is the ``id``, or the sha256 of the whole where it has none, whatever the order of
    its fields. None for an answer without anything in it.
    """
    number = _text(data.get("id")) if isinstance(data, dict) else None
    if number is not None:
        return number
    if not isinstance(data, (dict, list)) or not data:
        return None
    whole = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(whole.encode("utf-8")).hexdigest()


def _text(value: Any) -> str | None:
    """Return a text or a number as a text for people; None for all else."""
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        return None
    return printable(str(value), 200)
