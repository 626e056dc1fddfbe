# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a package file is proven on other environments: imported there, verified, not taken back, for long enough."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..support.text import file_name_part, printable
from .receipt import FAILED, IMPORTED, STARTED, UNDONE, Receipt, seconds_since
from .store import History

_HOUR = 3600.0


@dataclass(frozen=True)
class Stage:
    """An environment on which a file is to be proven before it is imported.

    Attributes:
        name: What people call it.
        history: Its history.
    """

    name: str
    history: History

    def why_not(self, name: str, sha256: str, soak: float) -> str | None:
        """Return why a file is not proven there, as what follows the name of the environment; None where it is.

        It is where the newest import of this very file into a project, any project, is one that counts.

        Args:
            name: The package's name.
            sha256: The file's sha256, hexadecimal.
            soak: For how many hours it has to have been there.

        Raises:
            DiskError: The history, or a receipt of the file, cannot be read.
        """
        newest: dict[str | None, Receipt] = {}
        others = 0
        for entry in self.history.all_entries():
            if entry.sha256_part == sha256[:12] and entry.receipt.sha256.lower() == sha256.lower():
                newest[entry.receipt.project] = entry.receipt
            elif entry.package_part == file_name_part(name):
                others += 1
        if not newest:
            other = ", only another file of that name" if others else ""
            return "this file was never imported there%s" % other
        reasons = [(receipt.ended or receipt.started or "", _why_not(receipt, soak)) for receipt in newest.values()]
        return None if any(why is None for _when, why in reasons) else max(reasons)[1]


def _why_not(receipt: Receipt, soak: float) -> str | None:
    if receipt.state == UNDONE:
        return "its import was taken back there at %s" % printable(receipt.undone_at, 40)
    if receipt.taking_back is not None:
        return "it is not known whether its import was taken back there"
    if receipt.state in (FAILED, STARTED):
        return "its import failed there" if receipt.state == FAILED else "its import was not seen to end there"
    if receipt.state != IMPORTED:
        return "its import was cut off there"
    if receipt.versions is None:
        return "its import was not verified there"
    if receipt.unresolved:
        return "its import left objects there that are not as the package has them"
    if not soak:
        return None
    since = seconds_since(receipt.ended or "")
    if since is None:
        return "it is not known since when it is there"
    hours = since / _HOUR
    return None if hours >= soak else "it has been there for %.1f of %g hours" % (max(0.0, hours), soak)


@dataclass(frozen=True)
class Proof:
    """What has to be proven of a file before it is imported.

    Attributes:
        stages: The environments on which it is to be.
        soak: For how many hours it has to have been there.
    """

    stages: tuple[Stage, ...] = ()
    soak: float = 0.0

    def missing(self, name: str, sha256: str) -> Iterable[str]:
        """Give the environments on which a file is not proven, each with why.

        Args:
            name: The package's name.
            sha256: The file's sha256, hexadecimal.

        Raises:
            MigrationError: A history cannot be read.
        """
        for stage in self.stages:
            why = stage.why_not(name, sha256, self.soak)
            if why is not None:
                yield "%s: %s" % (printable(stage.name, 100), why)
