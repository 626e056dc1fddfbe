# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a query asks a list for: which objects, in which order, which page.

From the filters of AWX 24.6, which are those of django-ansible-base (``ansible_base/rest_filters/rest_framework``), and
``awx/api/pagination.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from awx_double.kinds import KINDS, UNIFIED
from awx_double.refused import Refused, model_of

_PAGE, _LARGEST_PAGE = 25, 200
_RESERVED = {"page", "page_size", "format", "order", "order_by", "search", "type", "count_disabled", "no_truncate"}
# Of texts, which all else is made of before.
_TEXT_LOOKUPS: dict[str, Callable[[str, str], bool]] = {
    "iexact": lambda value, wanted: value.lower() == wanted.lower(),
    "contains": lambda value, wanted: wanted in value,
    "icontains": lambda value, wanted: wanted.lower() in value.lower(),
    "startswith": lambda value, wanted: value.startswith(wanted),
    "istartswith": lambda value, wanted: value.lower().startswith(wanted.lower()),
    "endswith": lambda value, wanted: value.endswith(wanted),
    "iendswith": lambda value, wanted: value.lower().endswith(wanted.lower()),
    "regex": lambda value, wanted: re.search(wanted, value) is not None,
    "iregex": lambda value, wanted: re.search(wanted, value, re.IGNORECASE) is not None,
}
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "exact": lambda value, wanted: value == wanted,
    "gt": lambda value, wanted: value > wanted,
    "gte": lambda value, wanted: value >= wanted,
    "lt": lambda value, wanted: value < wanted,
    "lte": lambda value, wanted: value <= wanted,
    "in": lambda value, wanted: value in wanted,
    "isnull": lambda value, wanted: (value is None) == wanted,
}
# What a query can name beside the fields, of all kinds and of some.
_OF_ALL = {"id": "int", "created": "str", "modified": "str"}
_OF_SOME = {"managed": "bool", "namespace": "str"}
Finder = Callable[[str, Any], Mapping[str, Any]]


def fitting(
    kind: str, items: Iterable[dict[str, Any]], query: Iterable[tuple[str, str]], find: Finder
) -> list[dict[str, Any]]:
    """Return the objects that a query asks for, in order.

    Args:
        kind: The plural of their kind.
        items: Those of the list.
        query: Names and values.
        find: Finds an object by the plural of its kind and its id.

    Raises:
        Refused: The query cannot be understood.
    """
    pairs, found = list(query), list(items)
    every, some = [], []
    for name, value in pairs:
        if name in _RESERVED:
            continue
        either = name.startswith("or__")
        asked = name.removeprefix("or__").removeprefix("chain__")
        test = _test(kind, asked.removeprefix("not__"), value, asked.startswith("not__"), find)
        (some if either else every).append(test)
    types = {each for name, value in pairs if name == "type" for each in value.split(",")}
    words = [word.lower() for name, value in pairs if name == "search" for word in value.replace(",", " ").split()]
    found = [
        item
        for item in found
        if all(test(item) for test in every)
        and (not some or any(test(item) for test in some))
        and (not types or item["type"] in types)
        and all(word in ("%s %s" % (item.get("name"), item.get("description"))).lower() for word in words)
    ]
    return _ordered(kind, found, pairs)


def _ordered(kind: str, found: list[dict[str, Any]], pairs: list[tuple[str, str]]) -> list[dict[str, Any]]:
    order = [each for name, value in pairs if name in ("order", "order_by") for each in value.split(",")]
    for name in reversed(order or (KINDS[kind].order if kind in KINDS else ("name",))):
        field = name.lstrip("-")
        _type_of(kind, field)
        found = sorted(found, key=lambda item: _rank(item.get(field)), reverse=name.startswith("-"))
    return found


def _rank(value: Any) -> tuple[bool, Any]:
    return (value is None, "" if value is None else value)


def _type_of(kind: str, name: str) -> str:
    """Return the type of a field. :raises Refused: there is none of that name"""
    if name in _OF_ALL:
        return _OF_ALL[name]
    # What can be run is searched by what all of it has.
    spec = KINDS.get("workflow_approval_templates" if kind == "unified_job_templates" else kind)
    if spec is None:
        raise Refused({"detail": "%s: there is nothing of that name." % name})
    if kind in (*UNIFIED, "unified_job_templates") and name == "organization":
        return "organizations"
    if name in spec.fields:
        return spec.fields[name].type
    if name in spec.held:
        return spec.lists[name].kind
    if name in spec.read_only and name in _OF_SOME:
        return _OF_SOME[name]
    type_ = "unified_job_template" if kind == "unified_job_templates" else spec.type
    raise Refused({"detail": "%s has no field named '%s'" % (model_of(type_), name)})


def _test(kind: str, name: str, value: str, negated: bool, find: Finder) -> Callable[[Mapping[str, Any]], bool]:
    """Return what tells whether an object fits one part of a query."""
    path, _line, lookup = name.rpartition("__")
    if not path or lookup not in (*_TEXT_LOOKUPS, *_COMPARISONS):
        path, lookup = name, "exact"
    steps = path.split("__")
    type_ = kind
    for step in steps:
        type_ = _type_of(type_, step)
    if lookup in _TEXT_LOOKUPS:
        wanted: Any = _pattern(value) if lookup.endswith("regex") else value
    elif lookup == "in":
        wanted = [_wanted(type_, each) for each in value.split(",")]
    else:
        wanted = _wanted("bool" if lookup == "isnull" else type_, value)

    def fits(item: Mapping[str, Any]) -> bool:
        values = _reached(kind, [item], steps, find)
        if lookup in _TEXT_LOOKUPS:
            return any(_TEXT_LOOKUPS[lookup](str(each), wanted) for each in values if each is not None) != negated
        known = [each for each in values if each is not None or lookup in ("exact", "isnull", "in")]
        return any(_COMPARISONS[lookup](each, wanted) for each in known) != negated

    return fits


def _reached(kind: str, items: list[Mapping[str, Any]], steps: list[str], find: Finder) -> list[Any]:
    """Return the values that one comes to from some objects by the names of fields."""
    values = [each for item in items for each in _several(item.get(steps[0]))]
    if len(steps) == 1:
        return values
    following = _type_of(kind, steps[0])
    return _reached(following, [find(following, each) for each in values if each is not None], steps[1:], find)


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise Refused({"detail": str(error)}) from None
    return value


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _wanted(type_: str, value: str) -> Any:
    try:
        if type_ == "bool":
            return {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}[value.lower()]
        if type_ == "int":
            return int(value)
        if type_ in ("str", "dict", "list"):
            return value
        return None if value.lower() in ("none", "null") else int(value)
    except (KeyError, ValueError):
        raise Refused({"detail": "%s: it cannot be compared with that." % value}) from None


def page(path: str, found: list[Any], query: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return a page of a list, its results as they are.

    Args:
        path: The address of the list.
        found: All that fits.
        query: Names and values.

    Raises:
        Refused: There is no such page.
    """
    asked = dict(query)
    size = int(asked["page_size"]) if asked.get("page_size", "").isdecimal() else 0
    size = min(size, _LARGEST_PAGE) or _PAGE
    number = int(asked.get("page", "1")) if asked.get("page", "1").isdecimal() else 0
    last = max(1, -(-len(found) // size))
    if not 1 <= number <= last:
        raise Refused({"detail": "Invalid page."}, 404)

    def address(other: int) -> str | None:
        return "%s?%s" % (path, urlencode({**asked, "page": other})) if 1 <= other <= last else None

    return {
        "count": len(found),
        "next": address(number + 1),
        "previous": address(number - 1),
        "results": found[(number - 1) * size : number * size],
    }
