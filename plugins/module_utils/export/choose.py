# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which objects the selectors of a request choose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Callable, Optional

from ..errors import InputError, MigrationError
from ..package.content import Content
from ..rest.http import POOL_SIZE
from ..rest.models import FOLDER_TYPE, PROJECT, Key, parse_date, same_version, type_name
from ..rest.objects import DOMAIN_CONFIGURATION, DOMAIN_PROJECT, SEARCH_TYPE, SHORTCUT_TYPE, Query, SourceObject
from ..session.session import Session
from ..support.parallel import side_by_side
from ..support.text import printable
from .folders import Folders
from .kinds import TAKEN
from .request import Request
from .saved import query_of
from .selectors import LAST_EXPORT, Selector

# No document says whether a search by time leaves out its limits: it is asked from before, and compared here.
_MARGIN = timedelta(minutes=1)
ASKED, NEEDED = "asked", "needed"
# No type is below 0.
ANY_TYPE = -1
# Returns an object by its id, its type and its project.
Find = Callable[[str, int, Optional[str]], Optional[SourceObject]]


@dataclass
class Chosen:
    """An object that a package is to hold.

    Attributes:
        item: The object.
        action: What an import does with it.
        include_dependents: Whether the server is to bring along what it needs.
        included: ``asked``, or ``needed`` by another one.
    """

    item: SourceObject
    action: str
    include_dependents: bool = False
    included: str = ASKED


@dataclass
class Choice:
    """What a package is to hold.

    Attributes:
        objects: Its objects, in the order in which they were chosen.
        seen_until: The newest change that was seen, by the server's dates; None where nothing asks since when.
        out: What is left out, whoever needs it; a type of -1 stands for any.
        filters: What leaves objects out by what they are.
    """

    objects: dict[Key, Chosen] = field(default_factory=dict)
    seen_until: str | None = None
    out: frozenset[Key] = frozenset()
    filters: tuple[Selector, ...] = ()

    def leaves_out(self, item: SourceObject) -> bool:
        """Return whether an object is left out, whoever asks for it or needs it."""
        if item.key in self.out or (item.id, ANY_TYPE) in self.out:
            return True
        return any(selector.accepts(item) for selector in self.filters)


class Chooser:
    """Finds what a request asks for.

    Args:
        session: The session; its searches run one after the other.
        project_id: The project; None for the configuration level.
        request: What is asked for.
        last: The package as it was exported last; None where there is none.
        timeout: Seconds to wait for a search.
        warnings: Gets sentences about what is not as it should be and is no failure.
    """

    def __init__(
        self,
        session: Session,
        project_id: str | None,
        request: Request,
        last: Content | None,
        timeout: float,
        warnings: list[str],
    ) -> None:
        self._library = session.library
        self._project_id = project_id
        self._request = request
        self._last = last
        self._timeout = timeout
        self._warnings = warnings
        self._folders = Folders(session.library, project_id or "")
        self._domain = DOMAIN_PROJECT if request.type == PROJECT else DOMAIN_CONFIGURATION
        # Users belong to the configuration level, also where a package is about their links within a project.
        self._home = project_id if request.type == PROJECT else None
        self._newest: str | None = None
        # The objects whose action a selector has said.
        self._said: set[Key] = set()
        self._not_taken: dict[int, int] = {}

    def choose(self) -> Choice:
        """Return what the package is to hold.

        Raises:
            InputError: A selector names what is not there, or all of them together choose nothing.
            MigrationError: The server does not tell.
        """
        choice = Choice()
        for selector in self._request.content:
            for item in self._found(selector):
                self._add(choice, item, selector)
        choice.filters = tuple(selector for selector in self._request.exclude if selector.place is None)
        placed = [selector for selector in self._request.exclude if selector.place]
        choice.out = frozenset(key for selector in placed for key in self._keys_of(selector))
        for key in [key for key, chosen in choice.objects.items() if choice.leaves_out(chosen.item)]:
            del choice.objects[key]
        self._complete_versions(choice)
        if self._request.since_last_export:
            choice.seen_until = self._newest or (self._last.seen_until if self._last else None)
        self._tell()
        if not choice.objects:
            raise InputError(
                "content: nothing that this user can see fits it, or all of it is excluded; a package cannot be empty."
            )
        return choice

    def _add(self, choice: Choice, item: SourceObject, selector: Selector) -> None:
        before = choice.objects.get(item.key)
        if before is None:
            action = selector.action or ""
            choice.objects[item.key] = Chosen(item, action or self._request.default_action, selector.include_dependents)
            if action:
                self._said.add(item.key)
            return
        before.include_dependents = before.include_dependents or selector.include_dependents
        if selector.action and item.key not in self._said:
            # The first selector that says an action counts.
            before.action = selector.action
            self._said.add(item.key)

    def _keys_of(self, selector: Selector) -> Iterator[Key]:
        if selector.place == "id" and selector.type is None:
            yield (selector.id or "", ANY_TYPE)
        elif selector.place == "id":
            yield (selector.id or "", selector.type or 0)
        else:
            for item in self._found(selector):
                yield item.key

    def _found(self, selector: Selector) -> Iterator[SourceObject]:
        if selector.place == "id":
            yield self._by_id(selector)
            return
        if selector.modified_since == LAST_EXPORT:
            yield from self._since_last_export(selector)
            return
        for item in self._listed(selector, selector.since):
            if self._is_taken(item, selector) and selector.accepts(item):
                yield item

    def _by_id(self, selector: Selector) -> SourceObject:
        found = self._library.source_object(selector.id or "", selector.type or 0, self._home)
        if found is None:
            raise InputError(
                "%s: there is no %s with the id %s %s that this user can see."
                % (
                    selector.where,
                    type_name(selector.type or 0),
                    selector.id,
                    "in the project" if self._home else "at the configuration level",
                )
            )
        return found

    def _since_last_export(self, selector: Selector) -> Iterator[SourceObject]:
        """Give what changed since the last export; where nothing did, what that one held, which leaves it as it is."""
        mark = parse_date(self._last.seen_until) if self._last else None
        before = {row.key: row.version for row in self._last.rows} if self._last and mark else {}
        any_found = False
        for item in self._listed(selector, mark):
            self._see(item)
            if not self._is_taken(item, selector) or not selector.accepts(item, mark):
                continue
            if mark is not None and item.key in before and same_version(before[item.key], item.version):
                continue
            any_found = True
            yield item
        if not any_found and self._last is not None:
            for row in self._last.rows:
                if row.included != NEEDED:
                    yield SourceObject(row.id.upper(), row.type, row.name, None, row.version, row.date_modified)

    def _see(self, item: SourceObject) -> None:
        moment, newest = parse_date(item.date_modified), parse_date(self._newest)
        if moment is not None and (newest is None or moment > newest):
            self._newest = item.date_modified

    def _listed(self, selector: Selector, since: datetime | None) -> Iterator[SourceObject]:
        """Give what is at the selector's place; not all filters count yet."""
        earliest = (since - _MARGIN).strftime("%Y-%m-%dT%H:%M:%SZ") if since else None
        where, types = selector.where, selector.types
        if selector.search:
            yield from self._saved(self._folders.find(selector.search, SEARCH_TYPE, where + ", search"), where)
            return
        folder = selector.folder or selector.shortcuts_in
        if folder:
            root = self._folders.find(folder, FOLDER_TYPE, where)
            if selector.shortcuts_in:
                yield from self._targets(root, selector.recursive)
                return
            if not selector.recursive:
                yield from self._library.folder(root, self._home)
                return
            yield from self._search(Query(self._domain, root, types, earliest))
            return
        # Users and the like cannot be searched for without saying what they are.
        if not types and self._domain == DOMAIN_CONFIGURATION:
            types = tuple(sorted(TAKEN[self._request.type]))
        yield from self._search(Query(self._domain, None, types, earliest))

    def _search(self, query: Query) -> Iterator[SourceObject]:
        yield from self._library.search(query, self._home, self._timeout)

    def _targets(self, folder_id: str, recursive: bool) -> Iterator[SourceObject]:
        """Give what the shortcuts in a folder lead to; each is asked for by a search of its own."""
        if recursive:
            inside: Iterable[SourceObject] = self._search(Query(self._domain, folder_id, (SHORTCUT_TYPE,)))
        else:
            inside = self._library.folder(folder_id, self._home)
        # Read to its end first, since a session runs one search at a time.
        for shortcut in [item.key for item in inside if item.type == SHORTCUT_TYPE]:
            yield from self._search(Query(self._domain, used_by=shortcut))

    def _saved(self, search_id: str, where: str) -> Iterator[SourceObject]:
        project_id = self._home or ""
        criteria = self._library.saved_search(search_id, project_id)
        query = query_of(criteria) if criteria is not None else None
        if query is not None:
            yield from self._search(query)
            return
        self._warnings.append(
            "%s: hidden objects are left out, because %s." % (
                where,
                "this version of the server does not tell what a saved search asks for" if criteria is None
                else "the saved search asks for something that only the server itself can search for",
            )
        )  # fmt: skip
        yield from self._library.saved_search_result(search_id, project_id)

    def _is_taken(self, item: SourceObject, selector: Selector) -> bool:
        """Return whether packages can hold an object that was found, and not asked for by its type."""
        if selector.types or item.type in TAKEN[self._request.type]:
            return True
        # Folders come along with what is in them.
        if item.type != FOLDER_TYPE:
            self._not_taken[item.type] = self._not_taken.get(item.type, 0) + 1
        return False

    def _tell(self) -> None:
        if self._not_taken:
            counts = ("%d %s" % (count, type_name(kind)) for kind, count in sorted(self._not_taken.items()))
            self._warnings.append(
                "content: left out, since packages cannot hold them: %s. Name their type in types if this server's "
                "can." % ", ".join(counts)
            )
        if self._library.leaves_out_hidden:
            self._warnings.append(
                "content: the searches of this version of the server leave out hidden objects; name these by their ids."
            )

    def _complete_versions(self, choice: Choice) -> None:
        """Look up the objects whose version the server has not told so far."""
        unknown = [chosen for chosen in choice.objects.values() if chosen.item.version is None]
        found = look_up(self._library.source_object, [chosen.item.key for chosen in unknown], self._home)
        for chosen in unknown:
            item = found[chosen.item.key]
            if item is None:
                raise MigrationError(
                    'content: %s "%s" was found, and is gone now. Run again.'
                    % (type_name(chosen.item.type), printable(chosen.item.name, 60))
                )
            chosen.item = item


def look_up(find: Find, keys: list[Key], project_id: str | None) -> dict[Key, SourceObject | None]:
    """Look objects up, several at once.

    Args:
        find: Returns an object by its id, type and project.
        keys: The objects.
        project_id: The project; None for the configuration level.
    """
    results = side_by_side(lambda key: find(key[0], key[1], project_id), keys, POOL_SIZE)
    return dict(zip(keys, results))
