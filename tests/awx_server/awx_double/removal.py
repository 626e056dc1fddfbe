# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removing objects: what AWX refuses to remove, and what goes with it.

From the ``destroy`` functions of ``awx/api/views``, ``awx/api/views/mixin.py``, and ``Group.delete_recursive`` in
``awx/main/models/inventory.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from awx_double.refused import Refused, forbidden
from awx_double.store import RUNNING, Store


def remove(store: Store, kind: str, item: dict[str, Any]) -> int:
    """Remove an object, and whatever is nothing without it.

    Args:
        store: All objects.
        kind: The plural of its kind.
        item: The object.

    Returns:
        The HTTP status.

    Raises:
        Refused: It is not removed.
    """
    _check(store, kind, item)
    if kind == "groups":
        _remove_group(store, item)
    else:
        store.drop(kind, item)
    # AWX removes an inventory when it finds the time.
    return 202 if kind == "inventories" else 204


def _check(store: Store, kind: str, item: Mapping[str, Any]) -> None:
    if item.get("managed"):
        raise forbidden("What AWX brings along stays.")
    if kind == "credential_types" and store.those_of(kind, item, "credentials"):
        raise forbidden("Some credential is of this type.")
    if kind == "instance_groups" and item["name"] == "default":
        raise forbidden()
    if kind == "project_updates" and item["status"] in RUNNING:
        raise forbidden("Cannot delete running job resource.")
    active = [
        {"type": each["type"], "id": each["id"]}
        for each in store.items["project_updates"].values()
        if each["status"] in RUNNING and _is_of(store, each, kind, item)
    ]
    if active:
        raise Refused({"error": "Resource is being used by running jobs.", "active_jobs": active}, 409)


def _is_of(store: Store, update: Mapping[str, Any], kind: str, item: Mapping[str, Any]) -> bool:
    project = store.find("projects", update["project"])
    return (kind, item["id"]) in (("projects", project["id"]), ("organizations", project["organization"]))


def _remove_group(store: Store, group: Mapping[str, Any]) -> None:
    """Remove a group with the groups and hosts that are in no other one."""
    groups = store.items["groups"]
    going, more = set[int](), {group["id"]}
    while more:
        going |= more
        below = {child for identity in more for child in groups[identity]["children"]}
        more = {
            child
            for child in below - going
            if all(each["id"] in going for each in groups.values() if child in each["children"])
        }
    members = {host for identity in going for host in groups[identity]["hosts"]}
    left = {host for each in groups.values() if each["id"] not in going for host in each["hosts"]}
    for identity in going:
        store.drop("groups", groups[identity])
    for identity in members - left:
        store.drop("hosts", store.items["hosts"][identity])
