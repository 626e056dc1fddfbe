# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Definitions of objects: the modeling service [modeling pages], reading only, with expressions as texts."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from mstr_double import errors
from mstr_double.errors import ApiError
from mstr_double.reply import Reply
from mstr_double.routes_objects import checked_project, may_see
from mstr_double.server import Call
from mstr_double.store import StoredObject


@dataclass(frozen=True)
class Kind:
    """Objects that one call is for.

    :ivar type: their type
    :ivar word: what ``subType`` calls them
    :ivar subtypes: those that the call takes; empty for all that no other call of the type takes
    :ivar shape: makes the parts of a definition from a text, which is its expression
    """

    type: int
    word: str
    subtypes: tuple[int, ...] = ()
    shape: Callable[[str], dict[str, Any]] | None = None


def _expressions(text: str) -> list[dict[str, Any]]:
    return [{"expressionId": "1", "expression": {"text": text}, "tables": []}]


def _attribute(text: str) -> dict[str, Any]:
    form = {"id": "1", "name": "ID", "category": "ID", "type": "system", "expressions": _expressions(text)}
    return {"forms": [form], "displays": {"reportDisplays": [], "browseDisplays": []}}


# By the name in the path.
KINDS: dict[str, Kind] = {
    "attributes": Kind(12, "attribute", shape=_attribute),
    "facts": Kind(13, "fact", shape=lambda text: {"expressions": _expressions(text), "entryLevel": []}),
    "tables": Kind(15, "logical_table"),
    "hierarchies": Kind(14, "dimension_user"),
    "filters": Kind(1, "filter", shape=lambda text: {"qualification": {"text": text}}),
    "customGroups": Kind(1, "custom_group", (257,)),
    "metrics": Kind(4, "metric", shape=lambda text: {"expression": {"text": text}, "dimty": {"dimtyUnits": []}}),
    "subtotals": Kind(4, "subtotal_definition", (1025, 1026)),
    "formulas": Kind(7, "aggregate_metric", shape=lambda text: {"expression": {"text": text}}),
    "transformations": Kind(43, "role_transformation"),
    "prompts": Kind(10, "prompt"),
    "consolidations": Kind(47, "consolidation"),
    "securityFilters": Kind(58, "md_security_filter", shape=lambda text: {"qualification": {"text": text}}),
    "drillMaps": Kind(56, "drill_map"),
    "cubes": Kind(3, "report_cube", (776, 779)),
    "datamarts": Kind(3, "report_datamart", (772,)),
    "reports": Kind(3, "report_grid"),
}
# As hexadecimal digits without 0x, as the pages' sample has them: there is no such id; no right to read; a bad request;
# too many sessions of the user in the project.
NO_OBJECT, NO_RIGHT, BAD_REQUEST, TOO_MANY_SESSIONS = "8004140b", "80042f05", "8004cc4c", "8004cb0a"


def get_definition(name: str) -> Callable[[Call], Awaitable[Reply]]:
    """The handler of the definitions of one kind of objects."""
    kind = KINDS[name]

    async def answer(call: Call) -> Reply:
        setting = call.server.settings.definitions
        if setting == "none":
            raise errors.no_such_call()
        try:
            project = checked_project(call)
        except ApiError as error:
            code = TOO_MANY_SESSIONS if error.iserver_code == errors.TOO_MANY_SESSIONS else BAD_REQUEST
            return _error(error.status, code, error.message)
        if project is None:
            return _error(400, BAD_REQUEST, "The project ID is required in the request headers.")
        item = call.server.store.scope(project).get(call.arguments["object_id"].upper())
        if item is None or item.type != kind.type or not _is_taken(item, kind):
            return _error(404, NO_OBJECT, "Object with the given identifier is not an object of the expected type.")
        if setting == "refused" or not may_see(call, item):
            return _error(403, NO_RIGHT, "You do not have read access to this object.")
        return Reply(200, json={"information": _information(item, kind), **_parts(item, kind)})

    return answer


def _is_taken(item: StoredObject, kind: Kind) -> bool:
    if kind.subtypes:
        return item.subtype in kind.subtypes
    return not any(item.subtype in other.subtypes for other in KINDS.values() if other.type == kind.type)


def _information(item: StoredObject, kind: Kind) -> dict[str, Any]:
    return {
        "objectId": item.id,
        "subType": kind.word,
        "name": item.name,
        # As the modeling pages write them, and no other page does.
        "dateCreated": item.date_created.replace("+0000", "Z"),
        "dateModified": item.date_modified.replace("+0000", "Z"),
        "versionId": item.version,
        "path": "\\Public Objects",
        "primaryLocale": "en-US",
    }


def _parts(item: StoredObject, kind: Kind) -> dict[str, Any]:
    """What the object is made of: as it was planted, or in the shape of its kind."""
    own = item.definition if isinstance(item.definition, dict) else {}
    if kind.shape is None:
        return own
    shaped = kind.shape(json.dumps(own, sort_keys=True))
    return own if any(_has_part(own, name, part) for name, part in shaped.items()) else shaped


def _has_part(own: dict[str, Any], name: str, part: Any) -> bool:
    """Whether a planted definition has a part as the pages show it: an object, or a list of objects."""
    found = own.get(name)
    if isinstance(part, list):
        return isinstance(found, list) and all(isinstance(one, dict) for one in found)
    return isinstance(found, dict)


def _error(status: int, code: str, message: str) -> Reply:
    """An error as the modeling service writes it, which is not how the others do."""
    return Reply(status, json={"errors": [{"code": code, "message": message, "additionalProperties": {}}]})
