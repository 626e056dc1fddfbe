# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task asks before it imports or takes back: the preflight, by its options."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError
from ..history.environment import environment_name
from ..history.proven import Proof, Stage
from ..history.store import History
from ..package.declared import Declared
from ..plan.afterwards import PURGE, SCHEMA_TYPES, Wanted
from ..plan.decision import Decision
from ..plan.preflight import Place, Preflight
from ..plan.refusals import Judged, Refusals
from ..rest.address import normalise_base_url
from ..rest.needs import IDLING, IMPORTING, MONITORING, PURGING, UPLOADING, Need
from ..session.session import Session
from .base import MigrationModule


def preflight_of(module: MigrationModule, session: Session, wanted: bool = True) -> Preflight:
    """Return the preflight of a task, which asks nothing yet.

    Args:
        module: The module, with the option preflight.
        session: The session.
        wanted: Whether the task makes one at all, if the option says so.
    """
    return Preflight(
        session,
        wanted=wanted and module.params["preflight"],
        stops=not module.check_mode,
        # What is imported is noted with its metadata.
        with_metadata=module.history is not None,
        warnings=module.warnings,
    )


@dataclass(frozen=True)
class Checks:
    """What is asked, and judged, before a task imports.

    Attributes:
        preflight: What would make an import fail.
        refusals: What of the plan is refused.
        inside: What would change inside objects, as blocks of a diff; looked at before the import, which changes it.
    """

    preflight: Preflight
    refusals: Refusals
    inside: list[str] = field(default_factory=list)

    def of_list(self, module: MigrationModule, decisions: Iterable[Decision]) -> None:
        """Ask and judge what is due of a list.

        Raises:
            MigrationError: It would fail, or something of it is refused.
        """
        due = [decision for decision in decisions if decision.due]
        self.preflight.look(places_of(module, due))
        self.refusals.judge(map(Judged.of, due))

    def blocks(self) -> list[str]:
        """Return what speaks against the import for people, as blocks of a diff; empty ones for nothing."""
        return [self.preflight.text(), self.refusals.text()]

    def as_result(self) -> dict[str, Any]:
        """Return what was found out, as a task returns it."""
        return {"preflight": self.preflight.as_result(), "refused": self.refusals.as_result()}


def checks_of(module: MigrationModule, session: Session, wanted: bool = True) -> Checks:
    """Return what is asked and judged before a task imports; nothing is asked yet.

    Args:
        module: The module, with the options preflight, refuse and proven_on.
        session: The session.
        wanted: Whether the task makes a preflight at all, if the option says so.
    """
    refusals = Refusals(module.params["refuse"], proof_of(module), session, not module.check_mode, module.warnings)
    return Checks(preflight_of(module, session, wanted), refusals)


def proof_of(module: MigrationModule) -> Proof:
    """Return what has to be proven of files on other environments.

    Raises:
        InputError: It is not said where an environment has its history, or which it is; or for how long.
    """
    soak = module.params["soak"]
    if not 0 <= soak < math.inf:
        raise InputError("soak: %g is no number of hours, 0 or more." % soak)
    stages = []
    for number, option in enumerate(module.params["proven_on"]):
        place = "proven_on: item %d" % (number + 1)
        directory = option["history_dir"] or module.params["history_dir"]
        if not directory:
            raise InputError("%s has no history_dir, and neither has the task; what is proven is in a history." % place)
        if not (option["base_url"] or option["environment_name"]):
            raise InputError("%s needs its environment_name or its base_url." % place)
        url = normalise_base_url(option["base_url"], place) if option["base_url"] else None
        name = environment_name({**option, "history_dir": directory}, url or "", None)
        stages.append(Stage(option["name"] or name, History(directory, name, base_url=url)))
    return Proof(tuple(stages), soak)


def wanted_of(module: MigrationModule) -> Wanted:
    """Return what the options want done after imports."""
    return Wanted(module.params["schema"], module.params["caches"])


def place_of(
    module: MigrationModule,
    project_id: str | None,
    project: str | None,
    types: Iterable[int] = (),
    option: Mapping[str, Any] | None = None,
) -> Place:
    """Return where something is to be imported or taken back, and what that takes there by the options.

    Args:
        module: The module.
        project_id: The project; None for the configuration.
        project: What people call it.
        types: The types of the objects that are due there.
        option: What the list says of the package.
    """
    needs: list[Need] = [UPLOADING, IMPORTING]
    # Neither is done at the level of the configuration.
    if project_id and module.params.get("window"):
        needs += [MONITORING, IDLING]
    if project_id and wanted_of(module).of(option or {}).caches == PURGE:
        needs.append(PURGING)
    return Place(project_id, project or "", any(number in SCHEMA_TYPES for number in types), tuple(needs))


def places_of(module: MigrationModule, decisions: Iterable[Decision]) -> list[Place]:
    """Return where what is due is to be imported or taken back."""
    return [
        place_of(
            module,
            decision.package.project_id,
            decision.package.project,
            (change.row.type for change in decision.plan.objects),
            decision.package.option,
        )
        for decision in decisions
        if decision.due
    ]


def places_to_learn(module: MigrationModule, packages: list[Declared]) -> list[Place]:
    """Return where packages go of which nobody knows yet what they hold, nor whether they are due."""
    return [place_of(module, package.project_id, package.project, option=package.option) for package in packages]
