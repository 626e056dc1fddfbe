# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the import of a package would fail for: objects that are needed and nowhere, or deleted and still used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..rest.models import Key, type_name
from ..support.text import printable

# How many objects a sentence names.
_NAMED = 5


@dataclass(frozen=True)
class Named:
    """An object, as people are told of it.

    Attributes:
        key: The object.
        name: Its name; None where not known.
    """

    key: Key
    name: str | None

    @property
    def shown(self) -> str:
        """The object in words: ``metric "Margin"``, or ``metric 4C05...`` where its name is not known."""
        name = '"%s"' % printable(self.name, 60) if self.name else self.key[0]
        return "%s %s" % (type_name(self.key[1]), name)

    def as_result(self) -> dict[str, Any]:
        """Return it as a task returns it."""
        name = printable(self.name) if self.name else None
        return {"id": self.key[0], "type": self.key[1], "type_name": type_name(self.key[1]), "name": name}


@dataclass(frozen=True)
class Missing:
    """An object that objects of a package need, and that would be nowhere when the package is imported.

    Attributes:
        what: The object.
        needed_by: The objects that need it.
    """

    what: Named
    needed_by: tuple[Named, ...]

    @property
    def sentence(self) -> str:
        """That it is missing, without a full stop."""
        verb = "needs" if len(self.needed_by) == 1 else "need"
        return "%s %s %s, which is nowhere" % (_all(self.needed_by), verb, self.what.shown)

    def as_result(self) -> dict[str, Any]:
        """Return it as a task returns it."""
        return {**self.what.as_result(), "needed_by": [user.key[0] for user in self.needed_by]}


@dataclass(frozen=True)
class StillUsed:
    """An object that uses others which a package deletes.

    Attributes:
        user: The object.
        uses: The objects that are deleted.
    """

    user: Named
    uses: tuple[Named, ...]

    @property
    def sentence(self) -> str:
        """That it uses them, without a full stop."""
        verb = "is" if len(self.uses) == 1 else "are"
        return "%s uses %s, which %s to be deleted" % (self.user.shown, _all(self.uses), verb)

    def as_result(self) -> dict[str, Any]:
        """Return it as a task returns it."""
        return {**self.user.as_result(), "uses": [used.key[0] for used in self.uses]}


@dataclass(frozen=True)
class Gaps:
    """What the import of a package would fail for, as far as it is known.

    Attributes:
        missing: What is needed and nowhere.
        still_used: What uses something that is deleted.
    """

    missing: tuple[Missing, ...] = ()
    still_used: tuple[StillUsed, ...] = ()

    @property
    def sentences(self) -> list[str]:
        """One for each, without a full stop."""
        return [*(item.sentence for item in self.missing), *(item.sentence for item in self.still_used)]

    @classmethod
    def of_result(
        cls,
        missing: Iterable[Mapping[str, Any]],
        still_used: Iterable[Mapping[str, Any]],
        objects: Mapping[str, Named],
    ) -> Gaps:
        """Return what ``as_result`` made of it.

        Args:
            missing: The rows of what is missing.
            still_used: The rows of what is still used.
            objects: The objects of the package, by their ids.
        """
        return cls(
            tuple(Missing(_read(row), _those(row["needed_by"], objects)) for row in missing),
            tuple(StillUsed(_read(row), _those(row["uses"], objects)) for row in still_used),
        )

    def since(self, other: Gaps) -> Gaps:
        """Return what is not among others: what is missing, or still uses something, that was not or did not there."""
        missing = {item.what.key for item in other.missing}
        users = {item.user.key for item in other.still_used}
        return Gaps(
            tuple(item for item in self.missing if item.what.key not in missing),
            tuple(item for item in self.still_used if item.user.key not in users),
        )

    def as_result(self) -> dict[str, Any]:
        """Return it as a task returns it."""
        return {
            "missing": [item.as_result() for item in self.missing],
            "still_used": [item.as_result() for item in self.still_used],
        }


def _read(row: Mapping[str, Any]) -> Named:
    return Named((row["id"].upper(), row["type"]), row.get("name"))


def _those(ids: Iterable[str], objects: Mapping[str, Named]) -> tuple[Named, ...]:
    return tuple(objects[identity.upper()] for identity in ids if identity.upper() in objects)


def _all(objects: Sequence[Named]) -> str:
    more = len(objects) - _NAMED
    return ", ".join(item.shown for item in objects[:_NAMED]) + (" and %d more" % more if more > 0 else "")
