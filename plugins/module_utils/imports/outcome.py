# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An import on its way: how it is done, what it came to so far, and the errors that it ends with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Callable

from ..errors import MigrationError
from ..history.entry import Entry
from ..history.receipt import key_text
from ..history.store import History
from ..package.content import Content
from ..package.declared import Declared
from ..plan.afterwards import NOTHING, Wanted
from ..plan.listing import ObjectKey
from ..plan.package import NOT_COMPARED, Change, Found, PackagePlan
from ..rest.models import ImportInfo
from ..session.file import ImportProcess, PackageInSession
from ..session.session import Session

if TYPE_CHECKING:
    from .follow_up import FollowUps
    from .window import Window


class ImportFailed(MigrationError):
    """The server ended the import as failed."""


class WithoutUndo(MigrationError):
    """The import is done, and its undo package is not on disk; it may still come for as long as the session lasts."""


@dataclass(frozen=True)
class ImportOptions:
    """How to import.

    Attributes:
        name: What history calls the package.
        generate_undo: Whether the server makes an undo package.
        undo_required: Whether an import without its undo package is a failure.
        undo_timeout: Seconds to wait for the undo package after the import.
        undo_dest: A file to write the undo package to, or None.
        history: Where to keep receipt and undo package, or None.
        wait_timeout: Seconds to wait for the import.
        poll_interval: The longest pause between two polls, in seconds.
        verify: Whether to plan again afterwards.
        force: Import even what is in sync; back up other bytes at undo_dest.
        when_imported: Called as soon as the import is seen to have ended well, before anything else can fail.
        takes_back: The directory of the history entry that the import takes back, or None.
        hold: Whether what it takes back is to stay so.
        follow: Whether the task goes on to wait for the import.
        history_keep: How many entries of the package to keep after the import; None for all.
        plan_id: The id of the plan that is carried out, None where there is no document of it.
        wanted: What is to be done after it.
        follow_ups: Gets what is due after it; None where nobody does it.
        window: The window that is open meanwhile, or None.
    """

    name: str
    generate_undo: bool = True
    undo_required: bool = True
    undo_timeout: float = 300.0
    undo_dest: str | None = None
    history: History | None = None
    wait_timeout: float = 3600.0
    poll_interval: float = 5.0
    verify: bool = True
    force: bool = False
    when_imported: Callable[[], None] | None = None
    takes_back: str | None = None
    hold: bool = True
    follow: bool = True
    history_keep: int | None = None
    plan_id: str | None = None
    wanted: Wanted = NOTHING
    follow_ups: FollowUps | None = None
    window: Window | None = None

    @property
    def keeps_undo(self) -> bool:
        """Whether there is a place for the undo package."""
        return self.history is not None or self.undo_dest is not None

    def of_package(self, package: Declared, plan_id: str) -> ImportOptions:
        """Return how a package of a list is imported: as all of the list, but for what it says itself.

        Args:
            package: The package.
            plan_id: The id of the plan that is carried out.
        """
        said = package.option["generate_undo"]
        return replace(
            self,
            name=package.name,
            generate_undo=self.generate_undo if said is None else said,
            force=package.option["force"],
            plan_id=plan_id,
            wanted=self.wanted.of(package.option),
        )


@dataclass(frozen=True)
class SavedUndo:
    """An undo package on disk.

    Attributes:
        path: Where it is.
        sha256: Its sha256, hexadecimal.
        size: Its size in bytes.
        changed: Whether it was written now.
        backup: Where other bytes that were at path have gone; None where there were none.
    """

    path: str
    sha256: str
    size: int
    changed: bool = True
    backup: str | None = None

    def as_result(self) -> dict[str, object]:
        """Return it as a task returns it."""
        return {"path": self.path, "sha256": self.sha256, "size": self.size}


@dataclass
class Outcome:
    """What an import came to, so far; a failure shows as much of it as there is.

    Attributes:
        plan: What the plan predicted, as a task returns it.
        info: What the server said of the import at last, None for nothing.
        seconds: For how long this task waited for it.
        verified: Whether all objects are there as predicted.
        versions: The versions found afterwards, as receipts write them; None where nobody looked.
        unresolved: The objects that did not get what was predicted.
        other_versions: The objects to which the server gave versions of its own.
        undo: The undo package on the disk.
        entry: The entry in the history.
        problems: What of the bookkeeping could not be written. It must not stop what matters more: the undo package.
    """

    plan: dict[str, Any]
    info: ImportInfo | None = None
    seconds: float = 0.0
    verified: bool = False
    versions: dict[str, str | None] | None = None
    unresolved: list[Change] = field(default_factory=list)
    other_versions: list[Change] = field(default_factory=list)
    undo: SavedUndo | None = None
    entry: Entry | None = None
    problems: list[str] = field(default_factory=list)

    def note(self, write: Callable[[], None]) -> None:
        """Do a piece of bookkeeping; that it failed is said at the end."""
        try:
            write()
        except MigrationError as error:
            self.problems.append(error.message)

    def record(self, **values: Any) -> None:
        """Write values to the receipt, where there is one."""
        entry = self.entry
        if entry is not None:
            self.note(lambda: entry.write(**values))

    def as_result(self) -> dict[str, Any]:
        """Return it as a task returns it."""
        info = self.info
        return {
            "import": None
            if info is None
            else {
                "id": info.id,
                "status": info.status,
                "progress": info.progress,
                "undo_package_created": info.undo_package_created,
                "seconds": round(self.seconds, 3),
            },
            "plan": self.plan,
            "verified": self.verified,
            "unresolved": [change.as_result() for change in self.unresolved],
            "other_versions": [change.as_result() for change in self.other_versions],
            "undo": self.undo.as_result() if self.undo else None,
            "receipt": self.entry.receipt_path if self.entry else None,
        }


@dataclass
class ImportRun:
    """An import on its way.

    Attributes:
        session: The session.
        package: The package that is imported, in the session.
        options: How to import.
        outcome: What it came to so far.
        warnings: Gets sentences about what is not as it should be and is no failure.
        content: What the package holds; None to ask the server for it.
        seen: What its objects were when they were last looked up after the import.
    """

    session: Session
    package: PackageInSession
    options: ImportOptions
    outcome: Outcome
    warnings: list[str]
    content: Content | None = None
    seen: dict[ObjectKey, Found] = field(default_factory=dict)

    @property
    def process(self) -> ImportProcess:
        """The import process in the session."""
        process = self.session.import_process
        if process is None:
            raise AssertionError("no import process is in the session")
        return process

    def save(self) -> None:
        """Write the session file; that it failed is said at the end."""
        self.outcome.note(self.session.save)

    def expect_no_undo(self) -> None:
        """Note that the server makes no undo package."""
        self.process.undo_pending = False
        self.save()


def versions_of(plan: PackagePlan) -> dict[str, str | None]:
    """Return the versions in the destination, by ``<id>:<type>``, of the objects that could be looked up."""
    return {
        key_text(change.row.key): change.version_before
        for change in plan.objects
        if change.conflict != NOT_COMPARED or change.version_before is not None
    }
