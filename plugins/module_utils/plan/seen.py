# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan has looked up, handed on within a run: carrying it out needs no second look at what it leaves alone."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..rest.models import DestinationObject
from ..support.files import disk_errors, write_file
from .listing import ObjectKey
from .package import CannotTell, Found

_FORMAT = 1


def write_seen(path: str, found: Mapping[ObjectKey, Found]) -> None:
    """Write what was looked up, for this run alone.

    Args:
        path: The file.
        found: What is there, by object.

    Raises:
        DiskError: It cannot be written.
    """
    rows = [[*key, _written(state)] for key, state in found.items()]
    with disk_errors("plan_file: %s cannot be written" % path):
        write_file(path, json.dumps({"format": _FORMAT, "found": rows}).encode("ascii"), 0o600)


def read_seen(path: str) -> dict[ObjectKey, Found] | None:
    """Return what a plan of this run has looked up; None where that is not known, so that it has to be looked up.

    Args:
        path: The file.
    """
    try:
        with open(path, encoding="ascii") as handle:
            document = json.load(handle)
        if document["format"] != _FORMAT:
            return None
        return {(row[0], row[1], row[2]): _read(row[3]) for row in document["found"]}
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None


def _written(state: Found) -> object:
    if isinstance(state, CannotTell):
        return {"reason": state.reason}
    return None if state is None else [state.version, state.date_modified]


def _read(written: object) -> Found:
    if written is None:
        return None
    if isinstance(written, dict):
        return CannotTell(written["reason"])
    if not isinstance(written, list):
        raise TypeError("no version")
    return DestinationObject(written[0], written[1])
