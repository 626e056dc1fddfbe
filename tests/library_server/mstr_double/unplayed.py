# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of the real server that the double knows by name only: it has nothing that they could give or do.

A version that has them names them in its ``openapi.yaml``. What is asked for by its id is not there; everything else is
501, so that nobody takes it for done. A call that is played is taken out of here.
"""

from __future__ import annotations

from mstr_double import errors
from mstr_double.reply import Reply
from mstr_double.server import Call


async def nothing_there(call: Call) -> Reply:
    """Refuse; nothing of the kind is here."""
    if call.request.method == "GET" and call.arguments:
        raise errors.not_found(f"'{list(call.arguments.values())[-1]}' is not found.")
    raise errors.ApiError(501, "ERR001", "The server double does not play this call.")


UNPLAYED: list[tuple[str, str]] = [
    ("GET", "/packages/{package_id}/objects"),
    ("GET", "/folders/preDefined/{folder_type}"),
    ("POST", "/searches/objects"),
]
