# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How an object is shown: its fields without secrets, the addresses of what it is related to, and a little of that.

From ``awx/api/serializers.py``, the ``get_related`` and ``get_summary_fields`` of each serializer.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from awx_double.credentials import ENCRYPTED, secrets_of
from awx_double.kinds import KINDS, LINKS
from awx_double.store import RUNNING, Store

API = "/api/v2/"


def address(kind: str, identity: int, part: str = "") -> str:
    """Return the address of an object, or of a part of it."""
    return "%s%s/%d/%s" % (API, kind, identity, part + "/" if part else "")


def shown(store: Store, item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object as it is shown."""
    kind = item["_kind"]
    spec = KINDS[kind]
    visible = {name: copy.deepcopy(item[name]) for name, field in spec.fields.items() if not field.written_only}
    visible.update({name: item[name] for name in ("id", "type", "created", "modified")})
    visible.update({name: copy.copy(item[name]) for name in LINKS if name in item})
    visible.update(_MORE[kind](store, item) if kind in _MORE else {})
    related = {name: address(kind, item["id"], name) for name in (*spec.lists, *_parts(kind, item))}
    summary: dict[str, Any] = {}
    references = {name: item[name] for name, field in spec.fields.items() if item.get(name) and _refers(field.type)}
    if kind == "job_templates":
        references["organization"] = item["organization"]
    for name, identity in references.items():
        if identity is not None:
            other = store.find(spec.fields[name].type if name in spec.fields else "organizations", identity)
            related[name] = address(other["_kind"], identity)
            summary[name] = _summary(other)
    for name in ("current_update", "last_update"):
        update = _update_of(store, item, name)
        if update is not None:
            job = name.replace("update", "job")
            related[name] = related[job] = address("project_updates", update["id"])
            summary[name] = summary[job] = {**_summary(update), "status": update["status"]}
    if kind == "job_templates":
        summary["credentials"] = [_summary(store.find("credentials", each)) for each in item["credentials"]]
    return {**visible, "url": address(kind, item["id"]), "related": related, "summary_fields": summary}


def _refers(type_: str) -> bool:
    return type_ in KINDS or type_ == "unified_job_templates"


def _parts(kind: str, item: Mapping[str, Any]) -> tuple[str, ...]:
    if "survey_spec" in item:
        return ("survey_spec",)
    return {"workflow_job_template_nodes": ("create_approval_template",), "projects": ("update", "playbooks")}.get(
        kind, ()
    )


def _summary(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in ("id", "name", "description") if name in item}


def _update_of(store: Store, item: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """Return a project's update that runs, or the last one that ran."""
    if name == "last_update":
        return store.items["project_updates"].get(item.get("_last_update", 0))
    update = store.items["project_updates"].get(item.get("_update", 0))
    return update if update is not None and update["status"] in RUNNING else None


def _of_type(_store: Store, item: Mapping[str, Any]) -> dict[str, Any]:
    return {"managed": item["managed"], "namespace": item["namespace"]}


def _of_credential(store: Store, item: Mapping[str, Any]) -> dict[str, Any]:
    of_type = store.type_of(item)
    secret = secrets_of(of_type)
    return {
        "inputs": {name: ENCRYPTED if name in secret else value for name, value in item["inputs"].items()},
        "managed": item["managed"],
        "kind": of_type["namespace"],
        "cloud": of_type["kind"] == "cloud",
        "kubernetes": of_type["kind"] == "kubernetes",
    }


def _of_image(_store: Store, item: Mapping[str, Any]) -> dict[str, Any]:
    return {"managed": item["managed"]}


def _of_project(store: Store, item: Mapping[str, Any]) -> dict[str, Any]:
    current, last = (_update_of(store, item, name) for name in ("current_update", "last_update"))
    plain = "never updated" if item["scm_type"] else "missing"
    update = current or last
    failed = last is not None and last["status"] != "successful"
    finished = last["finished"] if last else None
    return {
        "status": update["status"] if update else plain,
        "scm_revision": "",
        "last_job_run": finished,
        "last_job_failed": failed,
        "last_update_failed": failed,
        "last_updated": finished,
    }


def _of_update(_store: Store, item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "failed": item["status"] == "failed",
        "finished": item.get("finished"),
        "job_explanation": "",
        "result_traceback": "",
        "event_processing_finished": True,
    }


def _of_inventory(store: Store, item: Mapping[str, Any]) -> dict[str, Any]:
    counts = {"total_%s" % name: len(store.those_of("inventories", item, name)) for name in ("hosts", "groups")}
    return {**counts, "pending_deletion": False}


def _of_template(_store: Store, item: Mapping[str, Any]) -> dict[str, Any]:
    return {"organization": item["organization"], "status": "never updated", "last_job_run": None}


_MORE = {
    "credential_types": _of_type,
    "credentials": _of_credential,
    "execution_environments": _of_image,
    "inventories": _of_inventory,
    "job_templates": _of_template,
    "project_updates": _of_update,
    "projects": _of_project,
    "workflow_job_templates": _of_template,
}
