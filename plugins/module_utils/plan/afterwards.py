# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be done in a project after an import into it: is its schema to be reloaded, are caches to be purged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..package.content import Content
from ..rest.models import Key
from .package import EFFECTS_THAT_COUNT, PackagePlan

AUTO, RELOAD, NONE = "auto", "reload", "none"
PURGE = "purge"
SCHEMA = (AUTO, RELOAD, NONE)
CACHES = (PURGE, NONE)

# Attributes, facts, hierarchies, tables, schemas, columns, transformations. The vendor's help "Copy objects in a batch"
# says that the schema may have to be updated after such objects were imported.
SCHEMA_TYPES = frozenset((12, 13, 14, 15, 22, 26, 43))
# Of a package's updateSchema: by this its import reloads the schema.
_COVERS = "update_schema_logical_info"


@dataclass(frozen=True)
class Wanted:
    """What is to be done after an import, as far as the options say.

    Attributes:
        schema: ``auto``, ``reload`` or ``none``.
        caches: ``purge`` or ``none``.
    """

    schema: str = NONE
    caches: str = NONE

    def of(self, option: Mapping[str, Any]) -> Wanted:
        """Return what is wanted after a package, by what the list says of it."""
        return Wanted(option.get("schema") or self.schema, option.get("caches") or self.caches)

    def after(self, keys: Iterable[Key], content: Content | None) -> tuple[bool, bool]:
        """Return whether the schema is to be reloaded, and whether caches are to be purged.

        Args:
            keys: The objects that the import changes.
            content: What it imports; None where that is not known.
        """
        changed = list(keys)
        if self.schema == AUTO:
            schema = any(kind in SCHEMA_TYPES for _id, kind in changed) and not covers(content)
        else:
            schema = self.schema == RELOAD and bool(changed)
        return schema, self.caches == PURGE and bool(changed)

    def predicted(self, plan: PackagePlan, content: Content | None) -> tuple[bool, bool]:
        """Return the same for what a plan says that an import will change."""
        return self.after(_to_change(plan), content)


NOTHING = Wanted()


def covers(content: Content | None) -> bool:
    """Return whether importing a package reloads the schema, since the package says so itself."""
    asked = content.settings.get("updateSchema") if content is not None else None
    return isinstance(asked, (list, tuple)) and any(str(one).lower() == _COVERS for one in asked)


def _to_change(plan: PackagePlan) -> list[Key]:
    """Return the objects that an import changes, also those that later packages of the list decide about."""
    return [change.row.key for change in plan.objects if change.effect in EFFECTS_THAT_COUNT and not change.settled]


def as_due(wanted: tuple[bool, bool]) -> dict[str, dict[str, Any] | None]:
    """Return what a receipt says of an import that is about to start."""
    schema, caches = wanted
    return {
        "schema": {"due": True, "reloaded": False, "seconds": None} if schema else None,
        "caches": {"due": True, "purged": []} if caches else None,
    }
