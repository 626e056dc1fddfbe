# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls about what is around a package. None of them changes anything."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from ..errors import MigrationError, ServerError
from . import journal, state
from .answers import is_page
from .calls import Calls, quoted, with_project
from .http import Repeat
from .journal import JournalEntry
from .known import NOTHING, KnownCall, is_there
from .openapi import CallKey, calls_of
from .state import Lock, Node, Privileges, User

# Bytes; a file of 652 paths has a few million.
_LARGEST_FILE = 64 << 20
_CHUNK = 1 << 16
# Something that every server has, with POST alone.
_POST_ONLY = "/auth/login"


class Around(Calls):
    """A server, and what it says of itself, of the user, and of its projects.

    All methods raise ``MigrationError`` as the transport does. A server that lacks a call, and a user who lacks a
    privilege, show as ``ServerError``.
    """

    def user(self) -> User:
        """Return the user of the session (``GET /sessions/userInfo``)."""
        return self._parsed(state.parse_user, "GET", "/sessions/userInfo", "ask who is logged in", None)

    def privileges(self) -> Privileges:
        """Return the privileges that the user has (``GET /sessions/privileges``)."""
        return self._parsed(state.parse_privileges, "GET", "/sessions/privileges", "list the user's privileges", None)

    def nodes(self, project_id: str | None = None) -> list[Node]:
        """Return the nodes and what projects are there; with a project, that one's state alone.

        It wants the privilege Monitor cluster (the vendor's page on project administration).
        """
        params = {"projects.id": project_id} if project_id else None
        return self._parsed(state.parse_nodes, "GET", "/monitors/iServer/nodes", "list the nodes", None, params=params)

    def project_lock(self, project_id: str) -> Lock:
        """Return the lock on a project; since 2021 Update 6."""
        path = quoted("/projects/%s/lock", project_id)
        return self._parsed(state.parse_lock, "GET", path, "look for a lock on the project", None)

    def configuration_lock(self) -> Lock:
        """Return the lock on the configuration; since 2021 Update 6."""
        return self._parsed(state.parse_lock, "GET", "/iserver/lock", "look for a lock on the configuration", None)

    def schema_lock(self, project_id: str) -> Lock:
        """Return the lock on a project's schema; since 2021 Update 1."""
        return self._parsed(state.parse_lock, "GET", "/model/schema/lock", "look for a lock on the schema", project_id)

    def metadata_id(self) -> str | None:
        """Return what tells this metadata from others behind the same address; None where the answer has nothing."""
        return self._parsed(state.metadata_id, "GET", "/configurations/repository", "ask which metadata this is", None)

    def search_journal(self, question: dict[str, Any], answer_timeout: float) -> str:
        """Have the change journal searched, and return the search's id; since September 2024.

        It wants the privilege Monitor Change Journal (the vendor's Python client).

        Args:
            question: What for, see ``journal.question``.
            answer_timeout: Seconds to wait for the answer.
        """
        return self._parsed(
            journal.parse_search,
            "POST",
            "/changeJournal",
            "search the change journal",
            None,
            body=question,
            answer_timeout=answer_timeout,
            expect=(200, 201),
        )

    def journal_entries(self, search_id: str, offset: int, answer_timeout: float) -> list[JournalEntry]:
        """Return a page of what a search of the change journal has found, at most ``journal.PAGE`` entries."""
        return self._parsed(
            journal.parse_entries,
            "GET",
            quoted("/changeJournal/%s", search_id),
            "read the change journal",
            None,
            params={"offset": str(offset), "limit": str(journal.PAGE)},
            answer_timeout=answer_timeout,
        )

    def described_calls(self) -> frozenset[CallKey]:
        """Return the calls that the server's own OpenAPI file names; none where it is no such file."""
        step = "read the server's own description of its calls"
        headers = {"Accept": "application/yaml, */*;q=0.1"}
        response = self.transport.request(
            "GET", "/openapi.yaml", step, repeat=Repeat.SAFE, headers=with_project(headers, None), stream=True
        )
        try:
            if is_page(response):
                raise ServerError("%s: the server sent a web page instead of it." % step, response.status_code)
            return calls_of(_lines(response))
        except MigrationError:
            raise
        except Exception as error:
            raise self.transport.broken(error, step) from error
        finally:
            response.close()

    def shows_wrong_methods(self) -> bool:
        """Return whether this server answers 405 where a path has other methods than the one that is asked for."""
        try:
            self._ask(_POST_ONLY, None)
        except ServerError as error:
            return error.status == 405
        return False

    def has_call(self, call: KnownCall, project_id: str | None, wrong_methods_show: bool) -> bool | None:
        """Return whether the server has a call, by asking for something harmless; None where that does not tell.

        Args:
            call: The call.
            project_id: A project to ask in; None for none, which leaves calls that need one open.
            wrong_methods_show: What ``shows_wrong_methods`` has found.
        """
        if project_id is None and (call.needs_project or "{project}" in call.asked):
            return None
        path = call.asked.replace("{project}", quote(project_id or "", safe="")).replace("{nothing}", NOTHING)
        try:
            answered = self._ask(path, project_id if call.needs_project else None)
        except ServerError as error:
            return is_there(call, error, wrong_methods_show)
        return True if answered else None

    def _ask(self, path: str, project_id: str | None) -> bool:
        """Send a GET for what its status says; return whether it was the server that answered."""
        response = self.transport.request(
            "GET",
            path,
            "ask which calls there are",
            # An error is an answer here.
            repeat=Repeat.REFUSED,
            headers=with_project(None, project_id),
            expect=(200, 202, 204),
            stream=True,
        )
        response.close()
        return not is_page(response)


def _lines(response: Any) -> Iterator[str]:
    """Give the lines of a text as they come; of one that is too large, as many as are read."""
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    rest, size = "", 0
    for chunk in response.iter_content(_CHUNK):
        size += len(chunk)
        *lines, rest = (rest + decode(chunk)).split("\n")
        yield from lines
        if size > _LARGEST_FILE:
            return
    yield rest
