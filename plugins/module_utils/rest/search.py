# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls that find objects to build a package from: folders, searches, search objects, one object.

Searches are those of the metadata, which are exact. The quick search asks an index that a crawler fills, and which can
be old (the vendor's page on search indices): it is never used here. A session runs one search at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import ServerError
from ..support.text import printable
from .answers import says_no_such_call, says_not_found
from .around import Around
from .calls import quoted
from .http import Repeat, Transport
from .objects import Query, SourceObject, StartedSearch, parse_source_object, parse_source_objects, parse_started

# Objects. The vendor's client was seen to exhaust the server's memory with large answers.
_PAGE = 1000
_FIND = "search the metadata"


class _Lost(Exception):
    """The result of a search is not where it was looked for."""


class Search(Around):
    """A server, and what can be found on it. All methods raise ``MigrationError`` as the transport does."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        # Whether the server has the newer search; None until one was asked for.
        self._is_new: bool | None = None

    @property
    def leaves_out_hidden(self) -> bool:
        """Whether the searches so far left out hidden objects: those of servers before December 2024 do."""
        return self._is_new is False

    def search(self, query: Query, project_id: str | None, timeout: float) -> Iterator[SourceObject]:
        """Find objects. To be read to its end before the next search of the session.

        A result that is lost, as on another node of a cluster, is searched for again, once, from the beginning: objects
        can then come twice.

        Args:
            query: What is asked for.
            project_id: The project; None for the configuration level.
            timeout: Seconds to wait for the answer of the search itself.

        Raises:
            ServerError: Also where the result is lost again, or is less than the server announced.
        """
        for last in (False, True):
            try:
                yield from self._read(self._start(query, project_id, timeout), project_id)
                return
            except _Lost as error:
                if last:
                    raise ServerError(
                        "%s: %s Twice, so it is given up. Where there are several nodes, a load balancer must send "
                        "all requests of a session to one." % (_FIND, error),
                        404,
                    ) from None

    def _start(self, query: Query, project_id: str | None, timeout: float) -> StartedSearch:
        parameters = query.parameters()
        if self._is_new is not False:
            newer = {**parameters, "visibility": "all", "scope": "standalone"}
            body = dict(query.criteria)
            for name in ("usesObject", "usedByObject"):
                if name in parameters:
                    # The vendor's client sends it in both places.
                    body[name] = [parameters[name]]
            try:
                found = self._post("/v2/metadataSearches/results", newer, body, project_id, timeout)
                self._is_new = True
                return found
            except ServerError as error:
                if self._is_new or not says_no_such_call(error.status, error.server_message):
                    raise
                self._is_new = False
        return self._post("/metadataSearches/results", parameters, None, project_id, timeout)

    def _post(
        self, path: str, parameters: dict[str, Any], body: Any, project_id: str | None, timeout: float
    ) -> StartedSearch:
        return self._parsed(
            parse_started,
            "POST",
            path,
            _FIND,
            project_id,
            params=parameters,
            body=body,
            # It changes nothing in the environment.
            repeat=Repeat.SAFE,
            answer_timeout=timeout,
            expect=(200, 201),
        )

    def _read(self, search: StartedSearch, project_id: str | None) -> Iterator[SourceObject]:
        seen = 0
        while search.total is None or seen < search.total:
            params = {"searchId": search.id, "offset": str(seen), "limit": str(_PAGE)}
            try:
                page = self._parsed(
                    parse_source_objects, "GET", "/metadataSearches/results", _FIND, project_id, params=params
                )
            except ServerError as error:
                if error.status == 404 and not says_no_such_call(error.status, error.server_message):
                    raise _Lost("the server does not have the result of the search any more (404).") from None
                raise
            if not page:
                if search.total is None:
                    return
                raise _Lost("the server announced %d objects and gave %d." % (search.total, seen))
            yield from page
            seen += len(page)

    def folder(self, folder_id: str, project_id: str | None) -> Iterator[SourceObject]:
        """List what is in a folder, one level of it; since 10.9."""
        path, step = quoted("/folders/%s", folder_id), "list folder %s" % printable(folder_id, 40)
        yield from self._pages(path, step, project_id)

    def saved_search_result(self, search_id: str, project_id: str) -> Iterator[SourceObject]:
        """Run a saved search on the server, which leaves out hidden objects; since 2021 Update 1."""
        path = quoted("/searchObjects/%s/results", search_id)
        yield from self._pages(path, "run saved search %s" % printable(search_id, 40), project_id)

    def _pages(self, path: str, step: str, project_id: str | None) -> Iterator[SourceObject]:
        seen, first = 0, None
        while True:
            params = {"offset": str(seen), "limit": str(_PAGE)}
            page = self._parsed(parse_source_objects, "GET", path, step, project_id, params=params)
            # A server that does not know of pages gives all of it each time.
            if not page or page[0].key == first:
                return
            first = page[0].key
            yield from page
            seen += len(page)

    def saved_search(self, search_id: str, project_id: str) -> dict[str, Any] | None:
        """Return the criteria of a saved search; None where this version of the server cannot tell them."""
        path, step = quoted("/searchObjects/%s", search_id), "read saved search %s" % printable(search_id, 40)
        try:
            data = self._json("GET", path, step, project_id)
        except ServerError as error:
            if says_no_such_call(error.status, error.server_message):
                return None
            raise
        return data if isinstance(data, dict) else None

    def source_object(self, object_id: str, object_type: int, project_id: str | None) -> SourceObject | None:
        """Return an object, or None where the server clearly says that there is none.

        Args:
            object_id: Its id.
            object_type: Its type.
            project_id: The project it is in; None for one of the configuration level.
        """
        path, step = quoted("/objects/%s", object_id), "look up object %s" % printable(object_id, 40)
        try:
            return self._parsed(parse_source_object, "GET", path, step, project_id, params={"type": str(object_type)})
        except ServerError as error:
            if says_not_found(error):
                return None
            raise
