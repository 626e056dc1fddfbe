# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task asks before it imports or takes back: the preflight, by its options."""

from __future__ import annotations

from ..package.declared import Declared
from ..plan.preflight import Place, Preflight, place_of
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


def places_to_learn(packages: list[Declared]) -> list[Place]:
    """Return where packages go of which nobody knows yet what they hold, nor whether they are due."""
    return [place_of(package.project_id, package.project) for package in packages]
