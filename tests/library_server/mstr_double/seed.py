# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fresh server knows: the default seed, and how a seed is read. A seed file has the same structure."""

from __future__ import annotations

from typing import Any

from mstr_double.ids import derived_id
from mstr_double.settings import Settings
from mstr_double.store import ADMINISTRATOR, CONFIGURATION, Lock, Node, Project, Store, StoredObject, User

TUTORIAL = "B7CA92F04B9FAE8D941C3E9B7E0CD754"
DEMO = "B19DEDCC11D4E0EFC000EB9495D0F44F"
YEAR = "8D679D5111D3E4981000E787EC6DE8A4"
YEAR_TABLE = "8D6793C211D3E4981000E787EC6DE8A4"
EVERYONE = "C82C6B1011D2894CC0009D9F29718E4F"
PRIVILEGES = (
    "create_package",
    "import_package",
    "bypass_acl",
    "monitor_cluster",
    "monitor_change_journal",
    "monitor_users",
    "idle_project",
    "administer_caches",
)


def _item(name: str, kind: int, **more: Any) -> dict[str, Any]:
    """An object of the seed: what is not given follows from its name, so that every start shows the same."""
    row: dict[str, Any] = {
        "id": derived_id("seed", name, kind),
        "name": name,
        "type": kind,
        "version": derived_id("seed version", name, kind),
        "dateCreated": "2001-01-02T20:48:05.000+0000",
        "dateModified": "2020-05-11T09:30:00.000+0000",
        "definition": {"note": f"{name} as delivered"},
    }
    row.update(more)
    return row


def _public_folder(project: str) -> dict[str, Any]:
    return _item("Public Objects", 8, id=derived_id(project, "Public Objects"), version=derived_id(project, "folder"))


def _tutorial_objects() -> list[dict[str, Any]]:
    public = _public_folder(TUTORIAL)
    time = _item("Time", 8, folder=public["id"])
    column = _item("YEAR_ID", 26)
    table = _item("LU_YEAR", 15, id=YEAR_TABLE, depends_on=[column["id"]])
    # Id, version, dates and owner: the sample content of the vendor's import page; its look-up table: the page on
    # viewing an uploaded package.
    year = _item(
        "Year",
        12,
        id=YEAR,
        version="2215B50211EB7C9D8F150080EF651EEA",
        dateCreated="2001-01-02T20:48:10.000+0000",
        dateModified="2021-03-04T03:53:09.000+0000",
        folder=time["id"],
        depends_on=[YEAR_TABLE],
        definition={"forms": ["ID", "DATE"], "lookupTable": YEAR_TABLE},
    )
    fact = _item("Revenue", 13, depends_on=[column["id"]])
    metric = _item("Revenue", 4, depends_on=[fact["id"]])
    report = _item("Revenue by Year", 3, depends_on=[metric["id"], YEAR], folder=public["id"])
    confidential = _item("Salary", 4, hidden=True)
    return [public, time, column, table, year, fact, metric, report, confidential]


DEFAULT_SEED: dict[str, Any] = {
    "users": [
        {
            "username": "administrator",
            "id": ADMINISTRATOR,
            "full_name": "Administrator",
            "password": "library-demo",
            "api_token": "library-demo-token",
            "privileges": list(PRIVILEGES),
        },
        {"username": "viewer", "password": "library-demo", "privileges": []},
        {"username": "creator", "password": "library-demo", "privileges": ["create_package"]},
        {"username": "ldap-user", "password": "library-demo", "ldap": True, "privileges": list(PRIVILEGES)},
        {"username": "guest", "anonymous": True, "privileges": []},
    ],
    "projects": [
        {
            "id": TUTORIAL,
            "name": "MicroStrategy Tutorial",
            "description": "The project that the samples come from",
            "objects": _tutorial_objects(),
        },
        {
            "id": DEMO,
            "name": "Demo Project",
            "description": "The project that the samples go to",
            "objects": [_public_folder(DEMO), _item("Customer", 12, id=derived_id(DEMO, "Customer"))],
        },
    ],
    "configuration": [
        _item("Administrator", 34, id=ADMINISTRATOR, subtype=8704, depends_on=[EVERYONE]),
        _item("Everyone", 34, id=EVERYONE, subtype=8705),
        _item("Web Professional", 34, subtype=8705, depends_on=[EVERYONE]),
        _item("Analyst", 44),
        _item("Every Monday", 50),
    ],
    "nodes": [{"name": "node1", "default": True}],
}
# By what a seed says that it has all that the built-in one has, but for the parts of its own.
EXTENDS = "extends"
BUILT_IN = "built-in"


def build_store(seed: dict[str, Any]) -> Store:
    """Read a seed.

    :raises ValueError: when it has another structure
    """
    unknown = set(seed) - {"users", "projects", CONFIGURATION, "nodes", "settings", EXTENDS}
    if unknown:
        raise ValueError(f"A seed has no part {', '.join(sorted(unknown))}.")
    if EXTENDS in seed:
        if seed[EXTENDS] != BUILT_IN:
            raise ValueError(f"A seed can extend {BUILT_IN} only.")
        seed = {**DEFAULT_SEED, **seed}
    store = Store(configuration=_objects(seed.get(CONFIGURATION) or []))
    for row in seed.get("users") or []:
        store.users.append(
            User(
                username=row["username"],
                password=row.get("password"),
                api_token=row.get("api_token"),
                ldap=bool(row.get("ldap", False)),
                anonymous=bool(row.get("anonymous", False)),
                privileges=frozenset(row.get("privileges", PRIVILEGES)),
                id=row.get("id") or derived_id("user", row["username"]),
                full_name=row.get("full_name") or row["username"],
                project_privileges=project_privileges(row.get("project_privileges") or {}),
            )
        )
    for row in seed.get("projects") or []:
        project = Project(
            id=row["id"].upper(),
            name=row["name"],
            alias=row.get("alias", ""),
            description=row.get("description", ""),
            status=row.get("status", 0),
            objects=_objects(row.get("objects") or []),
            security=dict(row.get("security") or {}),
        )
        store.projects[project.id] = project
        if row.get("lock"):
            store.locks[project.id] = Lock.from_dict(row["lock"])
    store.nodes = build_nodes(seed.get("nodes") or [{"name": "node1", "default": True}])
    return store


def build_nodes(rows: list[dict[str, Any]]) -> list[Node]:
    """Read the nodes of a cluster. :raises ValueError: when they have another structure"""
    try:
        return [Node(**row) for row in rows]
    except TypeError as error:
        raise ValueError(f"A node has name, port, status, default and projects: {error}") from error


def project_privileges(given: dict[str, list[str]]) -> dict[str, frozenset[str]]:
    """Read the privileges that a user has in some projects only."""
    return {project.upper(): frozenset(names) for project, names in given.items()}


def build_settings(seed: dict[str, Any]) -> Settings:
    """The settings that a seed starts with."""
    settings = Settings()
    settings.update(seed.get("settings") or {})
    return settings


def _objects(rows: list[dict[str, Any]]) -> dict[str, StoredObject]:
    items = [StoredObject.from_dict(row) for row in rows]
    return {item.id: item for item in items}
