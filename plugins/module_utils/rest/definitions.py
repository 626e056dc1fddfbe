# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls that read what an object is made of: those of the modeling service, one for each type.

The vendor's pages on modeling have the calls and the shapes of their answers, which differ by type. Other types have no
such call.
"""

from __future__ import annotations

from typing import Any

from ..errors import ServerError
from ..support import shape
from .answers import is_hopeless
from .calls import Calls, quoted

# By type, the usual call first. The others are for objects of the same type that are of another kind.
_CALLS: dict[int, tuple[str, ...]] = {
    1: ("filters", "customGroups"),
    3: ("reports", "cubes", "datamarts"),
    4: ("metrics", "subtotals"),
    7: ("formulas",),
    10: ("prompts",),
    12: ("attributes",),
    13: ("facts",),
    14: ("hierarchies",),
    15: ("tables",),
    43: ("transformations",),
    47: ("consolidations",),
    56: ("drillMaps",),
    58: ("securityFilters",),
}
# Subtypes, as numbers and as the answers name them, that have calls of their own.
_OF_SUBTYPES: dict[Any, str] = {
    257: "customGroups",
    772: "datamarts",
    776: "cubes",
    779: "cubes",
    1025: "subtotals",
    1026: "subtotals",
    "custom_group": "customGroups",
    "report_datamart": "datamarts",
    "report_cube": "cubes",
    "report_emma_cube": "cubes",
    "subtotal_definition": "subtotals",
    "system_subtotal": "subtotals",
}
# What is said by these is said of the object, of its type, or of the user's rights. A gateway may answer so too.
_SAYS_NONE = frozenset((400, 403, 404, 405, 409, 422, 501))


def has_definition(number: int) -> bool:
    """Return whether there is a call that reads what objects of a type are made of."""
    return number in _CALLS


def kinds_of(number: int, subtype: int | str | None) -> tuple[str, ...]:
    """Return the calls that may read an object's definition, the likeliest first; none where there is no such call.

    Args:
        number: Its type.
        subtype: Its subtype, as a number or as a definition names it; None where it is not known.
    """
    calls = _CALLS.get(number, ())
    if subtype is None:
        return calls
    own = _OF_SUBTYPES.get(subtype)
    return (own,) if own in calls else calls[:1]


def says_none(error: ServerError) -> bool:
    """Return whether an error says that there is no definition to read, and not that the server cannot answer now."""
    if is_hopeless(error):
        return False
    # A server that cannot put an object into words may answer 500. A page or nothing comes from what is before it.
    return error.status in _SAYS_NONE or (error.status == 500 and error.code is not None)


class Definitions(Calls):
    """A server, and what it says of the inside of objects. All methods raise as the transport does."""

    def definition(self, kind: str, object_id: str, project_id: str) -> dict[str, Any]:
        """Return what an object of a project is made of; expressions are texts.

        Args:
            kind: One of ``kinds_of``.
            object_id: The object's id.
            project_id: The project.
        """
        return self._parsed(
            lambda data: shape.mapping(data, "definition"),
            "GET",
            quoted("/model/" + kind + "/%s", object_id),
            "read the definition of an object",
            project_id,
        )
