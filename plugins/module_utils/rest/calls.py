# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a call of the REST API is made: its path and headers, and what is done about an answer that is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, TypeVar
from urllib.parse import quote

from ..errors import ServerError
from ..support.shape import ShapeError
from ..support.text import printable
from .answers import is_page, media_type
from .http import Repeat, Transport

_PROJECT_HEADER = "X-MSTR-ProjectID"

T = TypeVar("T")


def quoted(path: str, identity: str) -> str:
    """Return a path with an id in it, quoted: some ids end in ``=``."""
    return path % quote(identity, safe="")


def with_project(headers: Mapping[str, str] | None, project_id: str | None) -> dict[str, str | None]:
    """Return headers with the project's, which a configuration package must not have at all."""
    merged: dict[str, str | None] = dict(headers or {})
    if project_id is not None:
        merged[_PROJECT_HEADER] = project_id
    return merged


class Calls:
    """A server that calls are made to.

    Args:
        transport: The HTTP session with it.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        # Whether a session was opened here, and no call has shown yet that the server takes it for one.
        self._is_unproven = False

    def _without_body(self, method: str, path: str, step: str, headers: Mapping[str, str | None] | None = None) -> None:
        """Send a request whose answer says all by its status; a web page says nothing, whatever its status."""
        response = self.transport.request(
            method, path, step, repeat=Repeat.SAFE, headers=headers, expect=(200, 202, 204)
        )
        if is_page(response):
            raise ServerError("%s: the server sent a web page instead of an answer." % step, response.status_code)
        self._is_unproven = False

    def _json(
        self,
        method: str,
        path: str,
        step: str,
        project_id: str | None,
        headers: Mapping[str, str] | None = None,
        repeat: Repeat | None = None,
        object_hook: Callable[[dict[str, Any]], Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        if repeat is None:
            repeat = Repeat.SAFE if method == "GET" else Repeat.REFUSED
        response = self.transport.request(
            method, path, step, repeat=repeat, headers=with_project(headers, project_id), **kwargs
        )
        try:
            data = response.json(object_hook=object_hook)
        except (ValueError, RecursionError) as error:
            kind = media_type(response) or "nothing"
            raise ServerError(
                "%s: the server answered %d with %s that is no JSON. It may be a sign-in page or a proxy; check "
                "base_url." % (step, response.status_code, printable(kind, 60)),
                response.status_code,
            ) from error
        self._is_unproven = False
        return data

    def _parsed(
        self, parse: Callable[[Any], T], method: str, path: str, step: str, project_id: str | None, **kwargs: Any
    ) -> T:
        data = self._json(method, path, step, project_id, **kwargs)
        try:
            return parse(data)
        except ShapeError as error:
            raise ServerError(
                "%s: the server's answer is not as documented: %s." % (step, printable(error, 200)), 200
            ) from error
