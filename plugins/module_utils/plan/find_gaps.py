# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding what the imports of a list would fail for: components are looked up, users of what is deleted searched.

The list is simulated as its plan is: what an earlier package brings is there, what it deletes is not. Only what is due
is looked at. What nobody can tell is no gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ..errors import ConnectionLost, ServerError
from ..export.kinds import TAKEN
from ..history.receipt import CREATE, DUPLICATE, EFFECT_DELETE, EFFECT_REPLACE, NONE
from ..rest import models
from ..rest.models import CONFIGURATION, FOLDER_TYPE, PROJECT, Component, Key, Row
from ..rest.objects import DOMAIN_CONFIGURATION, DOMAIN_PROJECT, Query
from ..session.session import Session
from .destination import look_up_all
from .gaps import Gaps, Missing, Named, StillUsed
from .listing import Listed, ListedPlan, ObjectKey
from .package import DOES_NOT_EXIST, CannotTell, Change, Found

# What no package carries as an object of its own comes along with what needs it, or is in each project.
_CARRIED = TAKEN[PROJECT] | TAKEN[CONFIGURATION]
_WRITTEN = (CREATE, EFFECT_REPLACE, DUPLICATE)


class GapFinder:
    """Finds out what the imports of packages would fail for.

    Args:
        session: The session.
        found: What is known of the destination's objects once packages are taken back that are to be.
        timeout: Seconds to wait for a search.
        warnings: Gets a sentence where the server does not say who uses an object.
    """

    def __init__(self, session: Session, found: Mapping[ObjectKey, Found], timeout: float, warnings: list[str]) -> None:
        self._session = session
        self._found = dict(found)
        self._timeout = timeout
        self._warnings = warnings
        # Who uses an object that is deleted, as far as the server says it.
        self._users: dict[ObjectKey, list[Named]] = {}

    def told(self, due: Sequence[ListedPlan]) -> list[ListedPlan]:
        """Return plans that say what the imports would fail for.

        Args:
            due: The plans of the packages that are due, in the order of the list.

        Raises:
            MigrationError: A look-up neither found an object, nor said that it is not there, nor refused to say; or the
                session has ended.
        """
        components: dict[ObjectKey, Row] = {}
        world = World(self._found)
        for planned in due:
            for key, part in world.unknown(planned):
                components[key] = Row(part.id, part.name or "", part.type, None, None, None, None)
            world.carry_out(planned)
        deleted = [
            planned.package.key(change.row)
            for planned in due
            for change in deletions(planned)
            if planned.package.key(change.row) not in self._users
        ]
        # A session runs one search at a time; look-ups go on beside it.
        beside = (lambda: self._search(deleted)) if deleted else None
        self._found.update(look_up_all(self._session, components, beside))
        return self._judged(due)

    def _judged(self, due: Sequence[ListedPlan]) -> list[ListedPlan]:
        world, told = World(self._found), []
        for planned in due:
            gaps = Gaps(world.missing(planned), world.still_used(planned, self._users))
            told.append(replace(planned, plan=replace(planned.plan, gaps=gaps)))
            world.carry_out(planned)
        return told

    def _search(self, deleted: Iterable[ObjectKey]) -> None:
        """Ask who uses objects, one after the other, until the server refuses to say."""
        refused: set[str] = set()
        for key in dict.fromkeys(deleted):
            place = key[0]
            if place in refused:
                continue
            domain = DOMAIN_PROJECT if place else DOMAIN_CONFIGURATION
            query = Query(domain, uses=key[1:])
            try:
                users = list(self._session.library.search(query, place or None, self._timeout))
            except (ConnectionLost, ServerError) as error:
                if isinstance(error, ServerError) and error.status == 401:
                    # The session has ended, which is no answer.
                    raise
                refused.add(place)
                self._warnings.append(
                    "Whether something still uses the objects that are deleted cannot be told: %s The import shows it."
                    % error.message
                )
                continue
            named = {item.key: item.name for item in users if item.type != FOLDER_TYPE and item.key != key[1:]}
            self._users[key] = [Named(*item) for item in sorted(named.items())]


class World:
    """What is there, and what it uses, at each package's turn.

    Args:
        found: What the destination has.
    """

    def __init__(self, found: Mapping[ObjectKey, Found]) -> None:
        self._found = found
        # What packages of the list have brought or deleted.
        self._now: dict[ObjectKey, bool] = {}
        # What they have written, each with what it uses from then on, None where not known.
        self._written: dict[ObjectKey, tuple[Named, frozenset[Key] | None]] = {}
        # What is there as a copy, under an id that nobody knows.
        self._copies: list[tuple[str, Named, frozenset[Key] | None]] = []

    def has(self, key: ObjectKey) -> bool | None:
        """Return whether an object is there; None where nobody knows."""
        if key in self._now:
            return self._now[key]
        if key not in self._found or isinstance(self._found[key], CannotTell):
            return None
        return self._found[key] is not None

    def carry_out(self, planned: ListedPlan) -> None:
        """Import a package."""
        package = planned.package
        if not package.content.comparable:
            return
        self._now.update(leaves(planned))
        for change in planned.plan.objects:
            key = package.key(change.row)
            if change.effect == EFFECT_DELETE:
                self._written.pop(key, None)
            elif change.effect == DUPLICATE:
                # The object stays as it is.
                self._copies.append((key[0], _named(change.row), _uses(change)))
            elif change.effect != NONE or _is_written(change):
                self._written[key] = (_named(change.row), _uses(change))

    def _needs(self, planned: ListedPlan) -> Iterable[tuple[Change, Component, ObjectKey]]:
        """Return what the objects need that a package writes and does not leave there by itself."""
        package = planned.package
        own = leaves(planned) if package.content.comparable else {}
        for change in planned.plan.objects if own else ():
            for part in change.row.components or () if _is_written(change) else ():
                key = self._key_of(package, part, own)
                if part.type in _CARRIED and not own.get(key):
                    yield change, part, key

    def _key_of(self, package: Listed, part: Component, own: Mapping[ObjectKey, bool]) -> ObjectKey:
        """Return where a component is: in the project of what needs it, or at the level of the configuration."""
        project = package.project_id or ""
        for key in ((project, *part.key), ("", *part.key)):
            if key in own or key in self._now or key in self._found:
                return key
        return ("" if part.type in TAKEN[CONFIGURATION] else project, *part.key)

    def unknown(self, planned: ListedPlan) -> Iterable[tuple[ObjectKey, Component]]:
        """Return the components of a package that have to be looked up."""
        own = leaves(planned)
        for _change, part, key in self._needs(planned):
            if key not in own and key not in self._now and key not in self._found:
                yield key, part

    def missing(self, planned: ListedPlan) -> tuple[Missing, ...]:
        """Return what a package needs and is nowhere at its turn."""
        own = leaves(planned)
        needed: dict[Key, tuple[Named, list[Named]]] = {}
        for change, part, key in self._needs(planned):
            if key in own or self.has(key) is False:
                _what, users = needed.setdefault(part.key, (Named(part.key, part.name), []))
                users.append(_named(change.row))
        return tuple(Missing(what, tuple(users)) for _key, (what, users) in sorted(needed.items()))

    def still_used(self, planned: ListedPlan, users: Mapping[ObjectKey, Sequence[Named]]) -> tuple[StillUsed, ...]:
        """Return what still uses the objects that a package deletes, once all of the package is imported.

        Args:
            planned: The package's plan.
            users: What uses objects in the destination as it is, by these.
        """
        deleted = {planned.package.key(change.row): _named(change.row) for change in deletions(planned)}
        if not deleted:
            return ()
        after = World(self._found)
        after._now, after._written = dict(self._now), dict(self._written)
        after._copies = list(self._copies)
        after.carry_out(planned)
        # Where what the package itself writes needs them, it is said as missing.
        del after._copies[len(self._copies) :]
        for change in planned.plan.objects:
            if _is_written(change) and change.effect != DUPLICATE:
                after._written[planned.package.key(change.row)] = (_named(change.row), None)
        found: dict[Key, tuple[Named, list[Named]]] = {}
        for key, user in after._users(users, deleted):
            found.setdefault(user.key, (user, []))[1].append(deleted[key])
        return tuple(StillUsed(user, tuple(uses)) for _key, (user, uses) in sorted(found.items()))

    def _users(
        self, before: Mapping[ObjectKey, Sequence[Named]], objects: Iterable[ObjectKey]
    ) -> Iterable[tuple[ObjectKey, Named]]:
        """Return what uses objects, of those that did before and those that were written since."""
        since: dict[ObjectKey, list[Named]] = {key: [] for key in objects}
        written = [(identity[0], *written) for identity, written in self._written.items()]
        for place, user, uses in (*written, *self._copies):
            for used in uses or ():
                key = (place, *used)
                if key in since:
                    since[key].append(user)
        for key, users in since.items():
            for user in before.get(key, ()):
                identity = (key[0], *user.key)
                if identity not in self._written and self._now.get(identity) is not False:
                    yield key, user
            for user in users:
                yield key, user


def deletions(planned: ListedPlan) -> list[Change]:
    """Return the objects that a package deletes."""
    if not planned.package.content.comparable:
        return []
    return [change for change in planned.plan.objects if change.effect == EFFECT_DELETE]


def leaves(planned: ListedPlan) -> dict[ObjectKey, bool]:
    """Return which objects are there once a package is imported, of those that it carries."""
    return {planned.package.key(change.row): change.action != models.DELETE for change in planned.plan.objects}


def _is_written(change: Change) -> bool:
    """Return whether an import writes an object, so that its components have to be there."""
    if change.effect in _WRITTEN:
        return True
    # It is written again also where it is there in this very version.
    return change.action == models.FORCE_REPLACE and change.conflict != DOES_NOT_EXIST and change.effect == NONE


def _uses(change: Change) -> frozenset[Key] | None:
    if not _is_written(change) or change.row.components is None:
        return None
    return frozenset(part.key for part in change.row.components)


def _named(row: Row) -> Named:
    return Named(row.key, row.name or None)
