# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls that read what an object is made of: those of the modeling service, one for each type.

The vendor's pages on modeling have the calls and the shapes of their answers, which differ by type. Other types have no
such call.
"""

from __future__ import annotations

from typing import Any

from ..support import shape
from .calls import Calls, quoted
from .models import Key

_CALLS = {
    1: "filters",
    3: "reports",
    4: "metrics",
    10: "prompts",
    12: "attributes",
    13: "facts",
    14: "hierarchies",
    15: "tables",
    43: "transformations",
    47: "consolidations",
    56: "drillMaps",
    58: "securityFilters",
}
# Subtypes, as numbers and as the answers name them, that have calls of their own.
_OF_SUBTYPES: dict[Any, str] = {
    257: "customGroups",
    776: "cubes",
    779: "cubes",
    "custom_group": "customGroups",
    "report_cube": "cubes",
    "report_emma_cube": "cubes",
}


def has_definition(number: int) -> bool:
    """Return whether there is a call that reads what objects of a type are made of."""
    return number in _CALLS


class Definitions(Calls):
    """A server, and what it says of the inside of objects. All methods raise as the transport does."""

    def definition(self, key: Key, project_id: str, subtype: int | str | None = None) -> dict[str, Any]:
        """Return what an object of a project is made of; expressions are texts.

        Args:
            key: The object, of a type that has a definition.
            project_id: The project.
            subtype: Its subtype, as a number or as a definition names it; None where it is not known.
        """
        name = _OF_SUBTYPES.get(subtype, _CALLS[key[1]])
        return self._parsed(
            lambda data: shape.mapping(data, "definition"),
            "GET",
            quoted("/model/" + name + "/%s", key[0]),
            "read the definition of an object",
            project_id,
        )
