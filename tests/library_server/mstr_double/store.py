# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metadata: projects, their objects, the objects of the configuration level, and the users who may log in."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from mstr_double import ids
from mstr_double.errors import Missing

FOLDER = 8
PROJECT = 32
USER = 34
CONFIGURATION = "configuration"
ADMINISTRATOR = "54F3D26011D2896560009A8E67019608"

PROJECT_MADE = "2001-01-02T20:46:00.000+0000"

# The folder that holds all others of a project: its id is the same in every project, its name is the project's [the
# vendor's page "Manage object's ACL"; mstrio-py's ROOT_PROJECT_FOLDER_ID].
ROOT_FOLDER = "D43364C684E34A5F9B2F9AD7108F7828"

# What error messages call some kinds of objects.
KINDS = {
    1: "Filter", 2: "Template", 3: "Report", 4: "Metric", 8: "Folder", 10: "Prompt", 12: "Attribute", 13: "Fact",
    14: "Hierarchy", 15: "Table", 26: "Column", 34: "User", 44: "Security Role", 55: "Document", 58: "Security Filter",
}  # fmt: skip

# Kinds of objects that belong to no project (type numbers: the vendor's list of object types). Devices, database roles,
# logins and connections, projects, servers, users, transmitters, roles, locales, events, schedules, bundles, ...
CONFIGURATION_TYPES = frozenset(
    {9, 29, 30, 31, 32, 33, 34, 35, 36, 44, 45, 49, 50, 51, 57, 71, 77, 78, 79, 80, 81, 82, 84}
)


@dataclass
class StoredObject:
    """One object of the metadata."""

    id: str
    name: str
    type: int
    subtype: int
    version: str
    date_created: str
    date_modified: str
    owner: str = ADMINISTRATOR
    depends_on: list[str] = field(default_factory=list)
    folder: str | None = None
    hidden: bool = False
    # Not to be browsed by users without ``bypass_acl``; of a folder, with all that is in it.
    private: bool = False
    definition: Any = None

    def as_dict(self) -> dict[str, Any]:
        """The form of seed files, of the control API and of the rows inside package files."""
        return {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "subtype": self.subtype,
            "version": self.version,
            "dateCreated": self.date_created,
            "dateModified": self.date_modified,
            "owner": {"id": self.owner},
            "depends_on": list(self.depends_on),
            "folder": self.folder,
            "hidden": self.hidden,
            # Left out where it says nothing, so that files and answers of before stay as they are.
            **({"private": True} if self.private else {}),
            "definition": copy.deepcopy(self.definition),
        }

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> StoredObject:
        """Read what :meth:`as_dict` writes; all but id, name and type may be missing.

        :raises ValueError: when one of those three is missing, or a name is unknown
        """
        unknown = set(row) - OBJECT_FIELDS
        if unknown:
            raise ValueError(f"An object has no field {', '.join(sorted(unknown))}.")
        try:
            kind = int(row["type"])
            stamp = ids.now()
            return cls(
                id=str(row["id"]).upper(),
                name=str(row["name"]),
                type=kind,
                subtype=int(row.get("subtype", kind * 256)),
                version=str(row.get("version") or ids.new_id()),
                date_created=str(row.get("dateCreated") or stamp),
                date_modified=str(row.get("dateModified") or stamp),
                owner=owner_id(row.get("owner")),
                depends_on=[str(item).upper() for item in row.get("depends_on") or []],
                folder=row.get("folder"),
                hidden=bool(row.get("hidden", False)),
                private=bool(row.get("private", False)),
                definition=copy.deepcopy(row.get("definition")),
            )
        except KeyError as error:
            raise ValueError(f"An object needs {error.args[0]}.") from error


OBJECT_FIELDS = frozenset(
    {
        "id", "name", "type", "subtype", "version", "dateCreated", "dateModified", "owner", "depends_on", "folder",
        "hidden", "private", "definition",
    }
)  # fmt: skip


def owner_id(value: Any) -> str:
    """An owner is written as ``{"id": ...}`` or as the id alone; the default is the administrator."""
    if isinstance(value, dict):
        value = value.get("id")
    return str(value) if value else ADMINISTRATOR


Scope = dict[str, StoredObject]


@dataclass
class Lock:
    """A lock on a project, the configuration or a schema.

    :ivar id: what the one who took it knows it by
    :ivar session: the session that it ends with, None for one that outlives its session
    """

    type: str
    id: str = ""
    time: str = ""
    comment: str = ""
    machine: str = ""
    owner_id: str = ADMINISTRATOR
    owner_name: str = "Administrator"
    session: Any = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "lockType": self.type,
            "lockTime": self.time,
            "comment": self.comment,
            "machineName": self.machine,
            "owner": {"id": self.owner_id, "name": self.owner_name},
        }

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> Lock:
        """Read what :meth:`as_dict` writes, and the id; all but the type may be missing.

        :raises ValueError: when the type is missing
        """
        if not row.get("lockType"):
            raise ValueError("A lock needs lockType.")
        owner = row.get("owner") or {}
        return cls(
            type=str(row["lockType"]),
            id=str(row.get("lockId", "")),
            time=str(row.get("lockTime") or ids.now()),
            comment=str(row.get("comment", "")),
            machine=str(row.get("machineName", "")),
            owner_id=str(owner.get("id", ADMINISTRATOR)),
            owner_name=str(owner.get("name", "Administrator")),
        )


@dataclass
class SchemaTask:
    """A reload of a schema that goes on by itself.

    :ivar lost: whether nobody can ask for it, nor see it end, as after a restart
    """

    id: str
    started: str
    lost: bool = False
    status: str = "running"
    ended: str = ""
    failure: str | None = None

    def as_dict(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"id": self.id, "task": "reloadSchema", "startTime": self.started}
        shown["status"] = self.status
        if self.ended:
            shown["endTime"] = self.ended
        if self.failure is not None:
            shown["errors"] = [{"code": "8004cb40", "message": self.failure, "additionalProperties": {}}]
        return shown


@dataclass
class Project:
    """A project: its row in ``GET /projects``, its objects, and its links of users to roles and filters by user id."""

    id: str
    name: str
    alias: str = ""
    description: str = ""
    status: int = 0
    objects: Scope = field(default_factory=dict)
    security: dict[str, Any] = field(default_factory=dict)
    schema_lock: Lock | None = None
    schema_reloads: int = 0
    caches_purged: list[str] = field(default_factory=list)


@dataclass
class Node:
    """A node of the cluster: what it says of projects that are not as usual there, by their ids.

    :ivar pending: how often it still says that a project is on its way to that
    """

    name: str
    port: int = 34952
    status: str = "running"
    default: bool = False
    projects: dict[str, str] = field(default_factory=dict)
    pending: dict[str, int] = field(default_factory=dict)

    def told(self, project: Project) -> str:
        """What the node says when it is asked, which brings the project nearer to where it is going."""
        left = self.pending.get(project.id, 0)
        if left > 0:
            self.pending[project.id] = left - 1
            return self.status_of(project) + "_pending"
        return self.status_of(project)

    def status_of(self, project: Project) -> str:
        if self.status != "running":
            return "unloaded"
        return self.projects.get(project.id, "loaded" if project.status == 0 else "unloaded")


@dataclass
class User:
    """Somebody who may log in.

    :ivar privileges: those that hold everywhere
    :ivar project_privileges: those that hold in one project only, by its id
    """

    username: str
    password: str | None
    api_token: str | None
    ldap: bool
    anonymous: bool
    privileges: frozenset[str]
    id: str = ""
    full_name: str = ""
    project_privileges: dict[str, frozenset[str]] = field(default_factory=dict)

    def may(self, privilege: str, project: str | None) -> bool:
        return privilege in self.privileges or privilege in self.project_privileges.get(project or "", ())


@dataclass
class Journaled:
    """An entry of the change journal: what somebody did to some objects of a project, or of the configuration."""

    project: str | None
    user_id: str
    user_name: str
    machine: str
    change: str
    transaction: str
    objects: list[dict[str, Any]]
    time: str = field(default_factory=ids.now)

    def as_dict(self) -> dict[str, Any]:
        return {
            "projectId": self.project,
            "machine": self.machine,
            "timestamp": self.time,
            "timestampISO": self.time,
            "sessionId": "",
            "transaction": {"type": self.transaction},
            "user": {"id": self.user_id, "name": self.user_name},
            "changedObjects": [{**one, "changeType": self.change} for one in self.objects],
            "changedLinks": [],
        }


@dataclass
class Store:
    """Everything that outlives a session."""

    projects: dict[str, Project] = field(default_factory=dict)
    configuration: Scope = field(default_factory=dict)
    users: list[User] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    # Locks of projects by their ids, and that of the configuration by the empty text.
    locks: dict[str, Lock] = field(default_factory=dict)
    # The change journal, oldest first, and what searches of it have found.
    journal: list[Journaled] = field(default_factory=list)
    searches: dict[str, list[Journaled]] = field(default_factory=dict)
    tasks: dict[str, SchemaTask] = field(default_factory=dict)
    # Who is connected besides the sessions, as rows of the answer.
    connections: list[dict[str, Any]] = field(default_factory=list)
    # Every change of a project's state that was asked for: node, project, status.
    project_states: list[tuple[str, str, str]] = field(default_factory=list)
    # What a project was, on each node, when an import into it began.
    imported_while: list[dict[str, str]] = field(default_factory=list)

    def states(self, project_id: str) -> dict[str, str]:
        """What a project is on each node."""
        return {node.name: node.status_of(self.projects[project_id]) for node in self.nodes}

    def project(self, name_or_id: str) -> Project | None:
        by_id = self.projects.get(name_or_id.upper())
        if by_id is not None:
            return by_id
        return next((project for project in self.projects.values() if project.name == name_or_id), None)

    def scope(self, project: str | None) -> Scope:
        return self.configuration if project is None else self.projects[project].objects

    def project_object(self, project_id: str) -> StoredObject | None:
        """A project as the object that it is too; the vendor's Python client asks for it so when it connects."""
        project = self.projects.get(project_id)
        if project is None:
            return None
        return StoredObject(
            id=project.id,
            name=project.name,
            type=PROJECT,
            subtype=PROJECT * 256,
            version=ids.derived_id("project", project.id),
            date_created=PROJECT_MADE,
            date_modified=PROJECT_MADE,
        )

    def note(self, user: User, machine: str, scope: Scope, change: str, items: list[StoredObject]) -> None:
        """Write into the change journal what somebody did to objects."""
        place = next((one.id for one in self.projects.values() if one.objects is scope), None)
        transaction = {"delete_object": "delete_objects"}.get(change, "save_objects")
        rows = [{"id": item.id, "type": item.type, "name": item.name} for item in items]
        if rows:
            self.journal.append(Journaled(place, user.id, user.full_name, machine, change, transaction, rows))

    def missing(self, object_id: str) -> Missing:
        """What can be said of an object that is not where it is needed: another project may have it."""
        for scope in (*(project.objects for project in self.projects.values()), self.configuration):
            item = scope.get(object_id)
            if item is not None:
                return Missing(object_id, KINDS.get(item.type, "Object"), item.name)
        return Missing(object_id, "Object")

    def ancestors(self, scope: Scope, item: StoredObject) -> list[dict[str, Any]]:
        """The folders above an object, outermost first; in a project that is its root, which is no object of a seed."""
        chain: list[StoredObject] = []
        folder = scope.get(item.folder or "")
        while folder is not None and folder not in chain:
            chain.append(folder)
            folder = scope.get(folder.folder or "")
        above = [(one.name, one.id) for one in chain]
        above += [(project.name, ROOT_FOLDER) for project in self.projects.values() if project.objects is scope]
        return [{"name": name, "id": id_, "level": level} for level, (name, id_) in reversed(list(enumerate(above, 1)))]

    def edit(self, scope: Scope, object_id: str, changes: dict[str, Any]) -> StoredObject:
        """Change or create an object by hand. Every edit gives an object a new version [Object Manager's help].

        :raises ValueError: when the changes do not fit
        """
        before = scope.get(object_id)
        row: dict[str, Any] = before.as_dict() if before else {"name": object_id}
        row.update({"version": None, "dateModified": None}, **changes)
        row["id"] = object_id
        item = StoredObject.from_dict(row)
        scope[object_id] = item
        return item
