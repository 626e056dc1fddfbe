# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server says of itself and of who asks: the user, privileges, the metadata behind it, its calls."""

from __future__ import annotations

from typing import Any

from mstr_double.reply import Reply
from mstr_double.server import PRIVILEGES, Call
from mstr_double.versions import has_call, openapi

YAML = "application/yaml"


async def get_user(call: Call) -> Reply:
    user = call.session.user
    initials = "".join(word[0] for word in user.full_name.split()).upper()
    return Reply(200, json={"id": user.id, "fullName": user.full_name, "initials": initials})


async def list_privileges(call: Call) -> Reply:
    """All privileges, each with whether the user has it, and in which projects.

    The pages do not show the answer. The vendor's Office add-in reads ``isUserLevelAllowed`` and ``projects`` with
    ``isAllowed`` from that about one privilege.
    """
    shape = call.server.settings.privileges_shape
    rows = [_privilege(call, name) for name in PRIVILEGES]
    if shape == "names":
        held = [row["name"] for row in rows if row["isUserLevelAllowed"] or _somewhere(row)]
        return Reply(200, json=held)
    if shape == "held":
        rows = [row for row in rows if row["isUserLevelAllowed"] or _somewhere(row)]
    return Reply(200, json=rows if shape == "list" else {"privileges": rows})


def _somewhere(row: dict[str, Any]) -> bool:
    return any(project["isAllowed"] for project in row["projects"])


def _privilege(call: Call, name: str) -> dict[str, Any]:
    number, shown = PRIVILEGES[name]
    return {
        "id": number,
        "name": shown,
        "description": f"Allows: {shown}",
        "isUserLevelAllowed": call.session.may(name),
        "projects": [
            {"id": project.id, "name": project.name, "isAllowed": call.session.may(name, project.id)}
            for project in call.server.store.projects.values()
        ],
    }


async def get_repository(call: Call) -> Reply:
    """What identifies the metadata; its fields are not documented."""
    return Reply(200, json=call.server.settings.repository)


async def get_openapi(call: Call) -> Reply:
    """The server's own description of the calls that it has."""
    # Here, since the routes are made of these handlers.
    from mstr_double.routes import ROUTES

    settings = call.server.settings
    calls = [(method, path) for method, path, _handler, _open in ROUTES if path != "/openapi.yaml"]
    shown = openapi(settings, [one for one in calls if has_call(settings, *one)])
    return Reply(200, text=shown, content_type=YAML)
