# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a value that is sent becomes, by the type of its field.

As the fields of Django REST framework 3.15 do it, which AWX 24.6 uses, and those that AWX makes of them
(``awx/api/fields.py``, ``BaseSerializer.build_standard_field``).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

from awx_double.kinds import COMMON, KINDS, Field
from awx_double.refused import Refused

_TRUE = ("t", "y", "yes", "true", "on", "1")
_FALSE = ("f", "n", "no", "false", "off", "0")
_NUMBER = re.compile(r"[-+]?\d+(\.0*)?\Z")
_LONGEST_NAME = 512


def cleaned(kind: str, given: Mapping[str, Any], find: Callable[[str, Any], Any], part: bool) -> dict[str, Any]:
    """Return the values of an object's fields.

    Args:
        kind: The kind of the object.
        given: What was sent.
        find: Finds an object by the plural of its kind and its id, or raises Refused.
        part: Whether what was not sent stays as it is.

    Raises:
        Refused: Something does not fit.
    """
    spec = KINDS[kind]
    ignored = {*COMMON, *spec.read_only, *spec.dropped, *spec.lists}
    values: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    for name, value in given.items():
        field = spec.fields.get(name)
        if field is None:
            if name not in ignored:
                # AWX drops it without a word. Whoever sends it means something by it.
                errors[name] = ["There is no such field."]
            continue
        try:
            values[name] = _value(name, field, value, find)
        except ValueError as error:
            errors[name] = [str(error)]
    if not part:
        missing = [name for name, field in spec.fields.items() if field.required and name not in given]
        errors.update({name: ["This field is required."] for name in missing})
    if errors:
        raise Refused(errors)
    return values


def _value(name: str, field: Field, value: Any, find: Callable[[str, Any], Any]) -> Any:
    convert = _CONVERTERS.get(field.type)
    if convert is None:
        return _reference(field, value, find)
    if value is None and field.nullable:
        return None
    if value is None and field.type not in ("str", "bool"):
        raise ValueError("This field may not be null.")
    value = convert(value)
    if field.type == "str" and not value and not field.blank:
        raise ValueError("This field may not be blank.")
    if field.choices and value not in field.choices:
        raise ValueError('"%s" is not a valid choice.' % value)
    if field.lowest is not None and value < field.lowest:
        raise ValueError("Ensure this value is greater than or equal to %d." % field.lowest)
    if name in ("name", "identifier") and len(value) > _LONGEST_NAME:
        raise ValueError("Ensure this field has no more than %d characters." % _LONGEST_NAME)
    return value


def _reference(field: Field, value: Any, find: Callable[[str, Any], Any]) -> Any:
    if value in (None, ""):
        if not field.nullable:
            raise ValueError("This field may not be null.")
        return None
    if isinstance(value, bool) or not re.fullmatch(r"\d+", str(value)):
        raise ValueError("Incorrect type. Expected pk value, received %s." % type(value).__name__)
    try:
        return find(field.type, value)["id"]
    except Refused:
        raise ValueError('Invalid pk "%s" - object does not exist.' % value) from None


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float, type(None))):
        raise ValueError("Not a valid string.")
    # White space at both ends is lost. What has it differs from what is kept, each time that it is sent.
    return "" if value is None else str(value).strip()


def _number(value: Any) -> int:
    if not _NUMBER.match(str(value)):
        raise ValueError("A valid integer is required.")
    return int(float(value))


def _flag(value: Any) -> bool:
    said = str(value).lower()
    if value not in (None, "") and said not in (*_TRUE, *_FALSE):
        raise ValueError("Must be a valid boolean.")
    return said in _TRUE


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("A dictionary is needed.")
    return copy.deepcopy(value)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("A list is needed.")
    return copy.deepcopy(value)


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "str": _text,
    "int": _number,
    "bool": _flag,
    "dict": _mapping,
    "list": _list,
}
