# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Definitions of objects: the modeling service [modeling pages], reading only.

An answer is ``information`` and, beside it, what the object's definition holds. The pages show the shapes for
attributes, facts, metrics, filters and others; here a definition is whatever a test planted, or a note.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from mstr_double.reply import Reply
from mstr_double.routes_objects import checked_project, may_see
from mstr_double.server import Call
from mstr_double.store import StoredObject

# By the name in the path: the type, the subtypes where the type has several calls, and the word of the answer.
CUSTOM_GROUP, CUBE, REPORT = (257,), (776, 779), (768, 769, 770, 774, 781)
KINDS: dict[str, tuple[int, tuple[int, ...], str]] = {
    "attributes": (12, (), "attribute"),
    "facts": (13, (), "fact"),
    "tables": (15, (), "logical_table"),
    "hierarchies": (14, (), "dimension_user"),
    "filters": (1, (256,), "filter"),
    "customGroups": (1, CUSTOM_GROUP, "custom_group"),
    "metrics": (4, (), "metric"),
    "transformations": (43, (), "role_transformation"),
    "prompts": (10, (), "prompt"),
    "consolidations": (47, (), "consolidation"),
    "securityFilters": (58, (), "md_security_filter"),
    "drillMaps": (56, (), "drill_map"),
    "cubes": (3, CUBE, "report_cube"),
    "reports": (3, REPORT, "report_grid"),
}
# As hexadecimal digits without 0x, as the pages' sample has them.
NO_OBJECT, NO_RIGHT = "8004cb0a", "80042f05"


def get_definition(kind: str) -> Callable[[Call], Awaitable[Reply]]:
    """The handler of the definitions of one kind of objects."""
    number, subtypes, word = KINDS[kind]

    async def answer(call: Call) -> Reply:
        project = checked_project(call)
        if project is None:
            return _error(400, NO_OBJECT, "The project ID is required in the request headers.")
        item = call.server.store.scope(project).get(call.arguments["object_id"].upper())
        if item is None or item.type != number or (subtypes and item.subtype not in subtypes):
            return _error(404, NO_OBJECT, "Object with the given identifier is not an object of the expected type.")
        if not may_see(call, item):
            return _error(403, NO_RIGHT, "You do not have read access to this object.")
        return Reply(200, json=_definition(item, word))

    return answer


def _definition(item: StoredObject, word: str) -> dict[str, Any]:
    information = {
        "objectId": item.id,
        "subType": word,
        "name": item.name,
        "dateCreated": item.date_created,
        "dateModified": item.date_modified,
        "versionId": item.version,
        "path": "\\Public Objects",
        "primaryLocale": "en-US",
    }
    return {"information": information, **(item.definition if isinstance(item.definition, dict) else {})}


def _error(status: int, code: str, message: str) -> Reply:
    """An error as the modeling service writes it, which is not how the others do."""
    return Reply(status, json={"errors": [{"code": code, "message": message, "additionalProperties": {}}]})
