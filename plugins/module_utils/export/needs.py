# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What objects need: their components, and the components of those.

A search that is told to go down by itself goes down to tables and up again, and returns what does not depend at all
(mstrio-py issue 118; the vendor advises against it). So each object is asked for what it uses directly. What was told
of an object holds for as long as it has the same version.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import ServerError
from ..package.content import Content
from ..rest.client import Library
from ..rest.models import CONTENT_GROUP_TYPE, FOLDER_TYPE, PROJECT, PROJECT_SECURITY, Component, Key, same_version
from ..rest.objects import DOMAIN_CONFIGURATION, DOMAIN_PROJECT, Query, SourceObject
from .choose import NEEDED, Choice, Chosen, look_up
from .kinds import TAKEN
from .request import Request

_COLUMN = 26
# Need nothing; of a content group only the server knows what it brings along.
_ASKED_FOR_NOTHING = frozenset((FOLDER_TYPE, _COLUMN, CONTENT_GROUP_TYPE))


class Needs:
    """What objects use directly.

    Args:
        library: The server; its searches run one after the other.
        project_id: The project; None for the configuration level.
        kind: The type of the package.
        known: A package whose manifest tells components of the versions that it holds; None for none.
        timeout: Seconds to wait for a search.
        warnings: Gets a sentence where the server does not tell.
    """

    def __init__(
        self,
        library: Library,
        project_id: str | None,
        kind: str,
        known: Content | None,
        timeout: float,
        warnings: list[str],
    ) -> None:
        self._library = library
        self._project_id = project_id if kind == PROJECT else None
        self._kind = kind
        self._timeout = timeout
        self._warnings = warnings
        self._before = {row.key: row for row in known.rows} if known is not None else {}
        self._told: dict[Key, tuple[Component, ...] | None] = {}
        # What the searches have shown, so that it need not be looked up.
        self.seen: dict[Key, SourceObject] = {}
        self._refused = False

    def components(self, key: Key, version: str | None) -> tuple[Component, ...] | None:
        """Return what an object uses directly, sorted; None where the server does not tell.

        Args:
            key: The object.
            version: Its version.
        """
        if self._kind == PROJECT_SECURITY:
            return None
        if key not in self._told:
            before = self._before.get(key)
            if before is not None and before.components is not None and same_version(before.version, version):
                self._told[key] = before.components
            else:
                self._told[key] = self._ask(key)
        return self._told[key]

    def _ask(self, key: Key) -> tuple[Component, ...] | None:
        if key[1] in _ASKED_FOR_NOTHING:
            return ()
        if self._refused:
            return None
        domain = DOMAIN_PROJECT if self._kind == PROJECT else DOMAIN_CONFIGURATION
        try:
            found = list(self._library.search(Query(domain, used_by=key), self._project_id, self._timeout))
        except ServerError as error:
            if self._kind == PROJECT or error.status == 401:
                raise
            # Only what is in projects is documented to be searched for by its uses.
            self._refused = True
            self._warnings.append("What objects of the configuration need is not known: %s" % error.message)
            return None
        for item in found:
            self.seen[item.key] = item
        # A folder holds objects, and none of them needs it.
        used = {item.key: item.name for item in found if item.type != FOLDER_TYPE and item.key != key}
        return tuple(Component(*needed, name or None) for needed, name in sorted(used.items()))

    def add(self, choice: Choice, request: Request) -> None:
        """Add to a choice what its objects need and does not come by itself.

        Those of which the whole is to come along are walked down breadth first, one level after the other.

        Args:
            choice: What is chosen; added to.
            request: What was asked for.
        """
        if request.type == PROJECT_SECURITY:
            return
        level = [
            key
            for key, chosen in choice.objects.items()
            if (request.complete or chosen.include_dependents) and chosen.action != "delete"
        ]
        walked = set(level)
        while level:
            used = {
                needed.key: None
                for key in level
                for needed in self.components(key, choice.objects[key].item.version) or ()
                if needed.key not in walked and needed.type in TAKEN[request.type]
            }
            walked.update(used)
            level = [key for key, item in self._objects(used, choice).items() if not choice.leaves_out(item)]
            for key in level:
                if key not in choice.objects:
                    choice.objects[key] = Chosen(self.seen[key], request.default_action, included=NEEDED)

    def _objects(self, keys: Iterable[Key], choice: Choice) -> dict[Key, SourceObject]:
        """Return what is known of objects, looking up those that no search has shown."""
        self.seen.update((key, chosen.item) for key, chosen in choice.objects.items())
        wanted = list(keys)
        unknown = [key for key in wanted if key not in self.seen]
        for key, found in look_up(self._library.source_object, unknown, self._project_id).items():
            if found is None:
                raise ServerError(
                    "search the metadata: object %s is used, and the server does not find it." % key[0], 404
                )
            self.seen[key] = found
        return {key: self.seen[key] for key in wanted}


def users_of(components: Iterable[tuple[Key, tuple[Component, ...] | None]]) -> dict[Key, list[str]]:
    """Return by object the ids of those that use it directly, sorted.

    Args:
        components: Objects, each with what it uses directly.
    """
    found: dict[Key, list[str]] = {}
    for user, used in components:
        for needed in used or ():
            found.setdefault(needed.key, []).append(user[0])
    return {key: sorted(set(ids)) for key, ids in found.items()}
