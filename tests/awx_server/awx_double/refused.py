# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a request is refused.

Status, keys and shape of an answer are those of AWX, and its words where clients look for them; elsewhere often not.
"""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """A request that is refused.

    Attributes:
        status: The HTTP status.
        body: What the answer says.
    """

    def __init__(self, body: Any, status: int = 400) -> None:
        super().__init__(body)
        self.status = status
        self.body = body


def not_found(type_: str) -> Refused:
    """Return the refusal of an address whose object is not there."""
    return Refused({"detail": "No %s matches the given query." % model_of(type_)}, 404)


def no_such(type_: str) -> Refused:
    """Return the refusal of a body that names an object which is not there."""
    return Refused({"detail": "%s matching query does not exist." % model_of(type_)})


def not_allowed(method: str) -> Refused:
    """Return the refusal of a method."""
    return Refused({"detail": 'Method "%s" not allowed.' % method}, 405)


def forbidden(why: str = "You do not have permission to perform this action.") -> Refused:
    """Return the refusal of what a user may not do, also the administrator."""
    return Refused({"detail": why}, 403)


def model_of(type_: str) -> str:
    """Return the name of a type's model."""
    return "".join(word.capitalize() for word in type_.split("_"))
