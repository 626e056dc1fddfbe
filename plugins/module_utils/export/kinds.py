# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which types of objects a package can hold, and what people and search objects call them.

After the catalogue of the vendor's Python client (``migration/package.py``), and the Workstation help "Supported
Objects". A server may take more than is known here: only what surely does not fit is refused.
"""

from __future__ import annotations

import difflib
from typing import Any

from ..errors import InputError
from ..rest.models import CONFIGURATION, CONTENT_GROUP_TYPE, PROJECT, PROJECT_SECURITY, TYPE_NAMES, USER_TYPE, type_name
from ..rest.objects import FIRST_SUBTYPE
from ..support.text import printable

# Subtypes are 256 times their type, and some more.
_OF_PROJECTS = frozenset(
    (1, 2, 3, 4, 6, 7, 10, 11, 12, 13, 14, 15, 18, 26, 39, 43, 47, 48, 55, 56, 58, 67, 76, CONTENT_GROUP_TYPE)
)
_OF_THE_CONFIGURATION = frozenset((9, 29, 30, 31, 34, 35, 44, 45, 49, 50, 51, 71, CONTENT_GROUP_TYPE, 78, 79, 80, 81))
TAKEN = {PROJECT: _OF_PROJECTS, CONFIGURATION: _OF_THE_CONFIGURATION, PROJECT_SECURITY: frozenset((USER_TYPE,))}

# What people say that is none of the names of types.
_OTHER_NAMES: dict[str, tuple[int, ...]] = {
    "dashboard": (55,),
    "dossier": (55,),
    "cube": (776, 779),
    "custom group": (257,),
    "user group": (8705,),
    "content group": (CONTENT_GROUP_TYPE,),
}
_NAMES: dict[str, tuple[int, ...]] = {
    **{name.lower(): (number,) for number, name in TYPE_NAMES.items()},
    **_OTHER_NAMES,
}
# What search objects call types that they call otherwise than we (types.py of the vendor's client).
SEARCH_WORDS = {
    "report_definition": 3,
    "style": 6,
    "agg_metric": 7,
    "dimension": 14,
    "type_shortcut": 18,
    "db_role": 29,
    "usergroup": 34,
    "role": 43,
    "schedule_event": 49,
    "schedule_object": 50,
    "document_definition": 55,
    "md_security_filter": 58,
    "external_shortcut": 67,
    "command_manager_script": 76,
    "content_bundle": CONTENT_GROUP_TYPE,
    "script_runtime_env": 80,
}


def parse_types(given: Any, where: str) -> tuple[int, ...]:
    """Return types, and subtypes from 256 on, by a name or a number.

    Args:
        given: ``report``, ``security_role``, ``3`` or ``776``.
        where: The option and the item, for the message.

    Raises:
        InputError: Nothing is called so.
    """
    text = " ".join(str(given).replace("_", " ").lower().split())
    if text.isdigit() and 0 < int(text) < 1 << 16:
        return (int(text),)
    if text not in _NAMES:
        similar = difflib.get_close_matches(text, _NAMES, 1)
        raise InputError(
            "%s: no type of object is called %s%s. Give a name such as report, metric or attribute, or a number of "
            "EnumDSSXMLObjectTypes." % (where, printable(given, 60), "; perhaps %s" % similar[0] if similar else "")
        )
    return _NAMES[text]


def check_fits(number: int, package_type: str, where: str) -> None:
    """Fail for a type that surely cannot be in a package of this type.

    Raises:
        InputError: It cannot.
    """
    kind = number // 256 if number >= FIRST_SUBTYPE else number
    if kind in TAKEN[package_type]:
        return
    if package_type == PROJECT_SECURITY:
        raise InputError(
            "%s: %s cannot be in a package of type project_security, which holds users and user groups only (34)."
            % (where, type_name(kind))
        )
    other = CONFIGURATION if package_type == PROJECT else PROJECT
    if kind in TAKEN[other]:
        raise InputError(
            "%s: %s cannot be in a package of type %s; it goes into one of type %s."
            % (where, type_name(kind), package_type, other)
        )
