# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders, searches of the metadata, and search objects: how a client chooses what goes into a package."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from mstr_double import errors, searches
from mstr_double.ids import new_id
from mstr_double.passing import take
from mstr_double.reply import Reply
from mstr_double.routes_objects import checked_project, shown_in_lists
from mstr_double.searches import Query, Tree
from mstr_double.server import Call
from mstr_double.store import ROOT_FOLDER, Scope, StoredObject

FOUND_HOW_MANY = "X-MSTR-Total-Count"
SEARCH_OBJECT = 39
# What a page of a list has where nobody says how many.
USUAL_PAGE = 1000
ALL = -1


def _number(call: Call, name: str, default: int) -> int:
    text = call.request.query.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:
        raise errors.invalid_input(f"'{text}' is not a valid value for '{name}'.") from None


def _flag(call: Call, name: str, default: bool) -> bool:
    text = call.request.query.get(name)
    if text is None:
        return default
    if text.lower() not in ("true", "false"):
        raise errors.invalid_input(f"'{text}' is not a valid value for '{name}'.")
    return text.lower() == "true"


def _page(call: Call, found: list[StoredObject], usual: int = USUAL_PAGE) -> tuple[list[dict[str, Any]], Any]:
    """A part of what was found, and the header that says how much there is in all."""
    offset, limit = _number(call, "offset", 0), _number(call, "limit", usual)
    most = call.server.settings.longest_page
    limit = len(found) if limit == ALL else max(0, limit)
    part = found[offset : offset + (limit if most is None else min(limit, most))]
    return [shown_in_lists(call, item) for item in part], [(FOUND_HOW_MANY, str(len(found)))]


def _tree(call: Call, project: str | None) -> tuple[Scope, Tree]:
    scope = call.server.store.scope(project)
    return scope, Tree(scope, call.session.may("bypass_acl"))


async def list_root(call: Call) -> Reply:
    """The folders of the project, or without one those of the configuration level."""
    _scope, tree = _tree(call, checked_project(call))
    found = [item for item in tree.children(ROOT_FOLDER) if searches.is_folder(item)]
    part, headers = _page(call, found)
    return Reply(200, json=part, headers=headers)


async def list_folder(call: Call) -> Reply:
    """What is in a folder, one level of it."""
    scope, tree = _tree(call, checked_project(call))
    folder_id = call.arguments["folder_id"].upper()
    folder = scope.get(folder_id)
    seen = folder_id == ROOT_FOLDER or (folder is not None and tree.folders_of(folder) is not None)
    if not seen or (folder is not None and not searches.is_folder(folder)):
        raise errors.not_found(f"The folder with ID '{folder_id}' is not found.")
    types = searches.type_numbers(call.request.query.getall("type", []))
    hidden = call.request.query.get("hidden")
    found = [
        item
        for item in tree.children(folder_id)
        if (not types or types & {item.type, item.subtype})
        and (hidden is None or item.hidden == (hidden.lower() == "true"))
    ]
    part, headers = _page(call, found)
    return Reply(200, json=part, headers=headers)


async def start_search(call: Call) -> Reply:
    """The search of all versions: hidden objects are left out."""
    return await _search(call, replace(_asked(call), hidden=False))


async def start_search_v2(call: Call) -> Reply:
    """The search since December 2024: it says itself whether hidden objects count, and has further criteria."""
    try:
        body = json.loads(await call.read() or b"{}")
    except ValueError:
        raise errors.invalid_input("Invalid JSON") from None
    if not isinstance(body, dict):
        raise errors.invalid_input("Invalid JSON body.")
    visibility = call.request.query.get("visibility")
    if visibility not in (None, "all", "visible"):
        raise errors.invalid_input(f"'{visibility}' is not a valid value for 'visibility'.")
    query = with_criteria(replace(_asked(call, combined=True), hidden=visibility != "visible"), body)
    for name, field in (("usesObject", "uses"), ("usedByObject", "used_by")):
        if body.get(name):
            query = replace(query, **{field: searches.ids_of(body[name], name)})
    return await _search(call, query)


def _asked(call: Call, combined: bool = False) -> Query:
    given = call.request.query
    uses, used_by = given.getall("usesObject", []), given.getall("usedByObject", [])
    if uses and used_by and not combined:
        raise errors.invalid_input("usesObject and usedByObject cannot be used together.")
    if _flag(call, "usesRecursive", False) or _flag(call, "usedByRecursive", False):
        # It returns objects that do not depend on each other at all, says the vendor: nothing may build on it.
        raise errors.ApiError(501, "ERR001", "The server double does not search recursively.")
    pattern = _number(call, "pattern", searches.CONTAINS)
    if pattern not in searches.PATTERNS:
        raise errors.invalid_input(f"'{pattern}' is not a valid value for 'pattern'.")
    root = given.get("root")
    return Query(
        domain=_number(call, "domain", searches.PROJECT),
        name=given.get("name", ""),
        pattern=pattern,
        root=root.upper() if root else None,
        types=searches.type_numbers(given.getall("type", [])),
        owner=given.get("ownerId") or None,
        begin=searches.moment_of(given.get("beginModificationTime")),
        end=searches.moment_of(given.get("endModificationTime")),
        inclusive=call.server.settings.search_times_included,
        uses=searches.ids_of(uses, "usesObject"),
        used_by=searches.ids_of(used_by, "usedByObject"),
        one_of=_flag(call, "usesOneOf", False) or _flag(call, "usedByOneOf", False),
    )


def with_criteria(query: Query, body: dict[str, Any]) -> Query:
    """Add the criteria that a body, or a search object, has."""
    moments = body.get("timeRange") or {}
    if set(moments) & {"sinceDays", "sinceMonths"}:
        raise errors.ApiError(501, "ERR001", "The server double does not count days.")
    begin, end = searches.moment_of(moments.get("beginTime")), searches.moment_of(moments.get("endTime"))
    return replace(
        query,
        below=body.get("includeSubfolders") is not False,
        excluded=frozenset(str(one).upper() for one in body.get("excludedFolders") or []),
        owner=body.get("ownerId") or query.owner,
        begin=begin or query.begin,
        end=end or query.end,
        created=body.get("dateFilterType") == "CREATED",
    )


async def _search(call: Call, query: Query) -> Reply:
    project = checked_project(call)
    if query.domain == searches.CONFIGURATION:
        project = None
    elif project is None:
        raise errors.invalid_input("'X-MSTR-ProjectID' header is required when searching in the given domain.")
    session = call.session
    if session.searching:
        raise errors.ApiError(500, "ERR001", "Another search of this session is not over.")
    session.searching = True
    try:
        # Let others be answered meanwhile, as a server does.
        await take(lambda: call.server.settings.search_duration)
        _scope, tree = _tree(call, project)
        search_id = new_id()
        found = session.searches[search_id] = list(tree.find(query))
    finally:
        session.searching = False
    return Reply(call.server.settings.search_status, json={"id": search_id, "totalItems": len(found)})


async def read_search(call: Call) -> Reply:
    """What a search has found, a part of it."""
    found = call.session.searches.get(call.request.query.get("searchId", ""))
    settings = call.server.settings
    if found is not None and settings.searches_lost:
        # It is on another node than the one that is asked.
        settings.searches_lost -= 1
        found = None
    if found is None:
        raise errors.not_found("Object does not exist in the history list")
    part, headers = _page(call, found)
    return Reply(200, json=part, headers=headers)


def _search_object(call: Call) -> tuple[StoredObject, Query, Tree]:
    project = checked_project(call)
    if project is None:
        raise errors.invalid_input("The project ID is required in the request headers.")
    scope, tree = _tree(call, project)
    item = scope.get(call.arguments["search_id"].upper())
    if item is None or item.type != SEARCH_OBJECT or tree.folders_of(item) is None:
        raise errors.not_found(f"The search object with ID '{call.arguments['search_id']}' is not found.")
    says = item.definition or {}
    query = Query(
        name=says.get("nameQuery") or "",
        root=(says.get("root") or "").upper() or None,
        types=searches.type_numbers([*(says.get("types") or []), *(says.get("subtypes") or [])]),
    )
    return item, with_criteria(query, says), tree


async def get_search_object(call: Call) -> Reply:
    """What a search object asks for."""
    item, _query, _tree_of_it = _search_object(call)
    return Reply(200, json={**shown_in_lists(call, item), **(item.definition or {})})


async def run_search_object(call: Call) -> Reply:
    """What a search object finds; it leaves out hidden objects [mstrio-py issue 223]."""
    _item, query, tree = _search_object(call)
    part, headers = _page(call, list(tree.find(replace(query, hidden=False))))
    return Reply(200, json={"result": part}, headers=headers)
