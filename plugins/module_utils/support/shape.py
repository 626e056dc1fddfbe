# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of decoded JSON: what is not as documented is told by its place in the document.

Each function raises ``ShapeError`` for what is missing or something else. Its ``where`` is the place in the document,
for the message.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

_DIGITS = re.compile(r"\d{1,9}\Z", re.ASCII)
_KINDS: dict[type, str] = {
    type(None): "nothing",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
}
# What the annotations of dataclasses stand for. JSON may write a whole number for any number.
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
}

T = TypeVar("T")


class ShapeError(ValueError):
    """Decoded JSON has not the documented shape; the text says where and what was expected."""


def _wrong(where: str, expected: str, value: Any) -> ShapeError:
    return ShapeError("%s: expected %s, found %s" % (where, expected, _KINDS.get(type(value), type(value).__name__)))


def mapping(value: Any, where: str) -> dict[str, Any]:
    """Return an object of JSON."""
    if not isinstance(value, dict):
        raise _wrong(where, "an object", value)
    return value


def items(value: Any, where: str) -> list[Any]:
    """Return a list of JSON."""
    if not isinstance(value, list):
        raise _wrong(where, "a list", value)
    return value


def text(data: Mapping[str, Any], key: str, where: str) -> str:
    """Return a field that is a text and not empty."""
    value = data.get(key)
    if not isinstance(value, str) or not value:
        raise _wrong("%s.%s" % (where, key), "a text", value)
    return value


def optional_text(data: Mapping[str, Any], key: str, where: str) -> str | None:
    """Return a field that is a text, None where it is missing or empty."""
    value = data.get(key)
    if value is not None and not isinstance(value, str):
        raise _wrong("%s.%s" % (where, key), "a text", value)
    return value or None


def integer(data: Mapping[str, Any], key: str, where: str) -> int:
    """Return a field that is a whole number, or the digits of one, as some gateways write it."""
    value = data.get(key)
    if isinstance(value, str) and _DIGITS.match(value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong("%s.%s" % (where, key), "a whole number", value)
    return value


def build(
    kind: type[T], document: Any, where: str, lenient: Collection[str] = (), strict: bool = False, **parts: type
) -> T:
    """Return a dataclass from an object of JSON that has its fields. Fields that it does not know are left out.

    Args:
        kind: The dataclass. Its fields are texts, numbers, booleans, lists, objects, or dataclasses that parts name.
        document: The object.
        where: Its place in the document.
        lenient: Fields that are left out as well where they have another type.
        strict: Whether a field that the dataclass does not know is an error.
        parts: By the name of a field, the dataclass that its value becomes. That one is strict.
    """
    data = mapping(document, where)
    values = {}
    for item in fields(kind):  # type: ignore[arg-type]
        name, annotation = item.name, str(item.type)
        if name not in data and (item.default is not MISSING or item.default_factory is not MISSING):
            continue
        value, place = data.get(name), "%s.%s" % (where, name)
        if name in parts and value is not None:
            value = build(parts[name], value, place, strict=True)
        elif not _fits(value, annotation):
            if name in lenient:
                continue
            raise _wrong(place, _KINDS[_types_of(annotation)[-1]], value)
        values[name] = value
    if strict and set(data) - set(values):
        raise ShapeError("%s: unknown fields: %s" % (where, ", ".join(sorted(set(data) - set(values)))))
    return kind(**values)


def _fits(value: Any, annotation: str) -> bool:
    if value is None:
        return annotation.endswith("| None")
    return isinstance(value, _types_of(annotation))


def _types_of(annotation: str) -> tuple[type, ...]:
    """Return what an annotation allows besides None; of a dataclass, the object of JSON that it is made from."""
    return _TYPES.get(re.split(r"\W", annotation)[0], (dict,))
