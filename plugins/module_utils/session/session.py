# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A session with a server, and what is in it: one package, one import process."""

from __future__ import annotations

import os
import re

from ..errors import ConnectionLost, InputError, LockError, ServerError
from ..rest.client import Library
from ..rest.models import Project
from ..support import signals
from ..support.progress import Progress
from ..support.text import printable
from . import file as session_file
from . import lock as locks
from .file import ImportProcess, PackageInSession, SessionFile

_OBJECT_ID = re.compile(r"[0-9A-Fa-f]{32}\Z")


class Session:
    """A session that is logged in.

    What it holds is written to its session file, where it has one, before anybody relies on it.

    Args:
        library: The server.
        state: What is known of the session.
        path: The session file; None for a session that lives within one task.
        claimed: The descriptor by which the session file is claimed for this task, None where it is not.
    """

    def __init__(self, library: Library, state: SessionFile, path: str | None, claimed: int | None = None) -> None:
        self.library = library
        self.state = state
        self.path = path
        self._claimed = claimed
        # The files whose modification time shows that this session is used: it is added to while a task works.
        self.leases: list[str] = [name for name in (path, state.lock) if name]
        # The environment's projects, once they were asked for.
        self._projects: list[Project] | None = None
        # Whether a session that outlives its tasks is logged out at the end of this one.
        self.ends_with_task = False
        # Whether this task is a run of its own: its session has a file, by which the next run takes it up if this one
        # dies, and no other task uses it.
        self.is_of_one_task = False
        # Why the server did not say which metadata it has, where it was asked in this task.
        self.without_metadata = ""
        # Where a task notes how far it is; nowhere, unless it names a file.
        self.progress = Progress()

    @property
    def outlives_task(self) -> bool:
        """Whether the session goes on after this task, known by its session file."""
        return self.path is not None and not self.is_of_one_task

    @property
    def lock(self) -> locks.Lock | None:
        """The lock on the environment under which the session is used, None where there is none."""
        if self.state.lock is None or self.state.lock_token is None:
            return None
        return locks.Lock(self.state.lock, self.state.lock_token)

    @property
    def is_left(self) -> bool:
        """Whether what the session holds is left for the next run: it can find it, and this one was told to stop."""
        return self.path is not None and self.lock is not None and signals.told_to_stop() is not None

    @property
    def is_to_be_recovered(self) -> bool:
        """Whether it holds an import that the next run on the environment is to see to its end."""
        process = self.state.import_process
        return process is not None and process.followed and not process.is_done and self.lock is not None

    @property
    def is_taken_over(self) -> bool:
        """Whether another run has taken the environment over, and sees to this session now."""
        lock = self.lock
        return lock is not None and not lock.holds()

    def check_lock(self) -> None:
        """Fail where another run has taken the environment over from this one.

        Raises:
            LockError: It has.
        """
        if self.is_taken_over:
            raise LockError(
                "%s: another run has taken over this environment, because this one gave no sign of life for "
                "too long (lock %s). Nothing more is imported by this task. Run again when the other one has ended; "
                "%s sets how long is too long."
                % (
                    "lease_timeout" if self.is_of_one_task else "session_file",
                    self.state.lock,
                    "this option" if self.is_of_one_task else "mstr_lease_timeout (lease_timeout of mstr_session)",
                )
            )

    @property
    def package(self) -> PackageInSession | None:
        """The package in the session."""
        return self.state.package

    @property
    def import_process(self) -> ImportProcess | None:
        """The import process in the session."""
        return self.state.import_process

    def continue_as(self, other: Session) -> None:
        """Go on with what another log-in gave, in the same session file.

        Args:
            other: The session that was logged in.
        """
        self.library.transport.close()
        other.state.metadata = self.state.metadata
        self.library, self.state = other.library, other.state
        self.save()

    def put_package(self, package: PackageInSession | None) -> None:
        """Note which package the session holds."""
        self.state.package = package
        self.save()

    def put_import(self, process: ImportProcess | None) -> None:
        """Note which import process the session holds."""
        self.state.import_process = process
        self.save()

    def save(self) -> None:
        """Write the session file, where there is one."""
        if self.path is not None:
            self.state.cookies = self.library.transport.cookies()
            claimed = session_file.write(self.path, self.state)
            self.let_go()
            self._claimed = claimed

    def let_go(self) -> None:
        """Let other tasks use the session file."""
        if self._claimed is not None:
            os.close(self._claimed)
            self._claimed = None

    def release_import(self) -> None:
        """Release the import process, if there is one."""
        process = self.state.import_process
        if process is not None:
            if process.id:
                self.library.delete_import(process.id, process.project_id)
            self.put_import(None)

    def release_package(self) -> None:
        """Release the package, if there is one."""
        package = self.state.package
        if package is not None:
            self.library.delete_package(package.id, package.project_id)
            self.put_package(None)

    def release_all(self) -> None:
        """Release import process and package, in this order (the vendor's page "Import a migration package")."""
        self.release_import()
        self.release_package()

    def refuse_loss(self, what: str) -> None:
        """Fail where releasing would lose a running import or an undo package that is on no disk yet.

        Args:
            what: What is about to be done, for the message: ``replace the package``.

        Raises:
            InputError: Something would be lost.
        """
        process = self.state.import_process
        if process is None:
            return
        if not process.id:
            raise InputError(
                "Will not %s: an import was asked for in this session, and it is unknown what became of it. Log out "
                "(mstr_session state absent), and log in anew." % what
            )
        if not process.finished:
            raise InputError(
                "Will not %s: its import %s still runs. Wait for it (mstr_package_import with import_id), or say "
                "force: true." % (what, process.id)
            )
        if process.undo_pending:
            raise InputError(
                "Will not %s: the undo package of import %s is not saved yet and would be lost. Save it "
                "(mstr_undo_package state present with import_id and dest), or say force: true." % (what, process.id)
            )

    def losses(self) -> list[str]:
        """Return what logging out would lose, in words for a warning; empty for nothing."""
        process = self.state.import_process
        if process is None:
            return []
        if not process.id:
            return ["an import that was asked for; it is unknown what became of it, and it cannot be undone"]
        if not process.finished:
            return ["import %s was not seen to end; it may go on, and its undo package is lost" % process.id]
        if process.undo_pending:
            return ["the undo package of import %s, which was not saved" % process.id]
        return []

    def end_with_task(self) -> bool:
        """Have the session logged out at the end of this task, unless that loses something, or another run sees to it.

        Returns:
            Whether that is so. A session without a file ends with its task in any case, which is not meant here.
        """
        self.ends_with_task = self.outlives_task and not self.losses() and not self.is_taken_over
        return self.ends_with_task

    def learn_metadata(self) -> None:
        """Ask which metadata is behind the server, unless that was asked before; a server that does not say is none.

        Can be called beside other calls: the session file gets it with what is written next.
        """
        if self.state.metadata is not None:
            return
        found = None
        try:
            found = self.library.metadata_id()
        except (ConnectionLost, ServerError) as error:
            self.without_metadata = error.message
        self.state.metadata = found or ""

    @property
    def metadata(self) -> str | None:
        """What tells the metadata behind the server from others, None where the server does not say."""
        self.learn_metadata()
        return self.state.metadata or None

    def project_id(self, project: str | None) -> str | None:
        """Return the id of a project given by name or id; None for no project.

        Raises:
            InputError: There is no such project, more than one, or it is not active.
        """
        if not project:
            return None
        known = self.state.projects.get(project)
        if known is not None:
            return known
        if self._projects is None:
            self._projects = self.library.projects()
        found = _loaded(pick_project(self._projects, project), project)
        self.state.projects[project] = found.id
        self.save()
        return found.id


def pick_project(projects: list[Project], wanted: str) -> Project:
    """Return the project of a name or an id, whether or not it is loaded.

    Raises:
        InputError: There is none, or more than one.
    """
    matches = [item for item in projects if item.name == wanted]
    if not matches and _OBJECT_ID.match(wanted):
        matches = [item for item in projects if item.id.upper() == wanted.upper()]
    if not matches:
        names = sorted(printable(item.name, 60) for item in projects)
        shown = ", ".join(names[:10]) + (", and %d more" % (len(names) - 10) if len(names) > 10 else "")
        raise InputError(
            "project: there is no project %s that this user can see; there is: %s."
            % (printable(wanted, 100), shown or "none")
        )
    if len(matches) > 1:
        raise InputError(
            "project: %d projects are called %s; give the id instead: %s."
            % (len(matches), printable(wanted, 100), ", ".join(printable(item.id, 40) for item in matches))
        )
    return matches[0]


def _loaded(project: Project, wanted: str) -> Project:
    # Numbers above 0 are those of modes in which a project is idle, and loaded all the same (the vendor's
    # EnumDSSXMLProjectStatus).
    if project.status is not None and project.status < 0:
        raise InputError(
            "project: %s is not loaded on the server (status %s); load it first."
            % (printable(wanted, 100), project.status)
        )
    return project
