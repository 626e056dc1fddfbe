# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A package file into a session: upload it, and compare it with what was reviewed."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace

from ..errors import ConnectionLost, InputError, MigrationError, ServerError
from ..rest import models
from ..rest.models import PackageInfo
from ..rest.multipart import MultipartFile
from ..session.file import PackageInSession
from ..session.session import Session
from ..support.files import disk_errors
from ..support.progress import WAIT
from ..support.text import printable
from ..support.wait import TimeIsUp, wait_for
from . import manifest as manifests
from .content import Content
from .file import PackageFile
from .kind import package_type

# The server's codes for what exists already, as different servers write it, and statuses that may mean it.
_EXISTS = ("ERR015", "ERR0015")
_NO_PLACE = (400, 409, 500)

# How many bytes of a package tell its format.
_HEAD = 8

_FOR_A_PROJECT = "If it is a configuration package, say type: configuration and project: ''."
_FOR_NO_PROJECT = "It was sent as a configuration package; if it is one of a project, say which project."


@dataclass(frozen=True)
class Staged:
    """A package that a session holds, and its content.

    Attributes:
        package: What the session has.
        content: What the server says of it.
        uploaded: Whether it was sent now.
    """

    package: PackageInSession
    content: Content
    uploaded: bool = False


def stage(
    session: Session,
    file: PackageFile,
    project_id: str | None,
    declared: str | None,
    wait_timeout: float,
    force: bool = False,
) -> Staged:
    """Bring a package file into a session, uploading it unless it is there already.

    Args:
        session: The session.
        file: The file.
        project_id: The destination project, None for a configuration package.
        declared: What the package is (``agreed_type``), None to tell from its content.
        wait_timeout: Seconds for the server to take the package in.
        force: Replace a package whose import runs, or whose undo package is not saved.

    Raises:
        MigrationError: It cannot be staged; what was opened for it is released.
    """
    package = session.package
    if package is not None and _is_this_file(package, file, project_id):
        info = session.library.package(package.id, project_id, content=True)
        # An upload that was cut off left a package that is none.
        if info.status == "ready":
            found = staged(package, info, declared or package.type, uploaded=False)
            session.put_package(found.package)
            return found
    if not force:
        session.refuse_loss("replace the package held")
    session.release_all()
    try:
        info = _upload(session, file, project_id, wait_timeout, released=package is not None)
        _compare(file, info)
        name = os.path.basename(file.path)
        head = _head_of(file.path)
        package = PackageInSession(info.id, project_id, file.hash(), file.size, name, models.PROJECT, head)
        found = staged(package, info, declared, uploaded=True)
        session.put_package(found.package)
    except BaseException:
        # What is to be shown is this failure, not what the release says.
        with contextlib.suppress(MigrationError):
            session.release_package()
        raise
    return found


def _head_of(path: str) -> str:
    """Return the first bytes of a file, hexadecimal; empty where it is gone meanwhile."""
    with contextlib.suppress(OSError), open(path, "rb") as handle:
        return handle.read(_HEAD).hex()
    return ""


def _is_this_file(package: PackageInSession, file: PackageFile, project_id: str | None) -> bool:
    """Return whether the package in the session is this file; the file is only read where nothing cheaper tells."""
    return package.size == file.size and package.project_id == project_id and package.sha256 == file.hash()


def staged(package: PackageInSession, info: PackageInfo, declared: str | None, uploaded: bool) -> Staged:
    """Return a package in a session together with what the server says of it.

    Raises:
        ServerError: The answer has no content.
        InputError: The content does not fit what the package is declared to be.
    """
    if info.rows is None:
        raise ServerError("read the package: the server's answer has no content.", 200)
    kind = package_type(declared, info.rows, package.project_id is not None)
    return Staged(
        replace(package, type=kind), Content(package.sha256, package.size, kind, info.settings, info.rows), uploaded
    )


def _upload(
    session: Session, package: PackageFile, project_id: str | None, wait_timeout: float, released: bool
) -> PackageInfo:
    """Upload the file into a new package and return the package once it is ready.

    A failed upload may have left the package half filled, so another try starts with another package.
    """
    tries = session.library.transport.options.retries
    for attempt in range(tries + 1):
        broken: MigrationError
        created = create_empty(session, project_id, released or attempt > 0)
        # Without the file's sha256 until it is there whole, so that no later task takes it for the file.
        session.put_package(PackageInSession(created.id, project_id, "", package.size, "", models.PROJECT))
        try:
            _send(session, package, created.id, project_id, wait_timeout)
            return until_ready(session, created.id, project_id, wait_timeout, "upload the package")
        except ConnectionLost as error:
            if attempt == tries or error.hopeless:
                raise
            broken = error
        except ServerError as error:
            # What is refused for now was sent again for long enough, and left the package empty.
            refused = error.status == 429 or (error.status == 503 and "retry_after" in error.details)
            if attempt == tries or refused or error.status not in (502, 503, 504):
                if error.status == 400:
                    error.message += " " + (_FOR_A_PROJECT if project_id else _FOR_NO_PROJECT)
                raise
            broken = error
        try:
            session.release_package()
        except MigrationError:
            # There is no other try then, and what broke the upload says more.
            raise broken from None
    raise AssertionError("unreachable")


def create_empty(session: Session, project_id: str | None, released: bool) -> PackageInfo:
    """Make an empty package, waiting for one that was released a moment ago to be gone.

    Releasing only starts (202, DELETING), and a session holds one package. With what error a server refuses another one
    is not documented.

    Args:
        session: The session.
        project_id: The destination project, None for a configuration package.
        released: Whether a package was released a moment ago.
    """
    occupied: list[ServerError] = []

    def look() -> PackageInfo | None:
        try:
            return session.library.create_package(project_id)
        except ServerError as error:
            if error.code not in _EXISTS and not (released and error.status in _NO_PLACE):
                raise
            occupied.append(error)
            return None

    try:
        created = wait_for(look, lambda made: made is not None, session.library.transport.options.timeout)
    except TimeIsUp as limit:
        if occupied[-1].code not in _EXISTS:
            raise occupied[-1] from limit
        raise MigrationError(
            "%s The session holds a package that its session file does not know of. Log out (mstr_session state "
            "absent) and in again." % occupied[-1].message,
            **occupied[-1].details,
        ) from limit
    if created is None:
        raise AssertionError("waiting ended without a package")
    return created


def _send(session: Session, package: PackageFile, package_id: str, project_id: str | None, wait_timeout: float) -> None:
    with disk_errors("src: %s cannot be read" % package.path):
        upload = MultipartFile(package.path, session.progress.uploaded)
    with upload:
        try:
            session.library.upload_package(package_id, upload, project_id, answer_timeout=wait_timeout)
        except ServerError:
            # A server that cannot read half a file does not know why it is half.
            if upload.is_sent:
                _refuse_changed(package, upload)
            raise
        if package.sha256 is None:
            package.sha256 = upload.sha256
        _refuse_changed(package, upload)


def _refuse_changed(package: PackageFile, upload: MultipartFile) -> None:
    if package.sha256 not in (None, upload.sha256):
        raise InputError(
            "src: %s changed before or while it was uploaded (sha256 %s before, %s sent); nothing was imported."
            % (package.path, package.sha256, upload.sha256)
        )


def until_ready(
    session: Session, package_id: str, project_id: str | None, wait_timeout: float, step: str
) -> PackageInfo:
    """Wait until the server has made a package ready, and return it with its content.

    Args:
        session: The session.
        package_id: The package.
        project_id: The project that it is in; None for a configuration package.
        wait_timeout: Seconds to wait.
        step: What is waited for, for the message.

    Raises:
        MigrationError: It fails, or is not ready in that time.
    """

    def look() -> PackageInfo:
        return session.library.package(package_id, project_id, content=True)

    session.progress.phase(WAIT)
    try:
        info = wait_for(look, lambda seen: seen.status in ("ready", "failed", "deleting"), wait_timeout)
    except TimeIsUp as limit:
        raise MigrationError(
            "%s: the server did not make it ready within %g s (wait_timeout); the last status was %s."
            % (step, wait_timeout, printable(getattr(limit.last, "status", "unknown"), 60))
        ) from limit
    if info.status != "ready":
        why = ": %s" % session.library.transport.masked(info.message).rstrip(".") if info.message else ""
        raise MigrationError("%s: the server says that the package has %s%s." % (step, info.status, why))
    return info


def _compare(package: PackageFile, info: PackageInfo) -> None:
    """Fail where the server sees another package than reviewers approved."""
    if package.manifest is None or info.rows is None:
        return
    found = manifests.differences(package.manifest, info.settings, info.rows)
    if found:
        shown = "; ".join(printable(item, 200) for item in found[:5])
        more = "; and %d more" % (len(found) - 5) if len(found) > 5 else ""
        raise InputError(
            "manifest: what the server reads in %s is not what %s says: %s%s. Nothing was imported. If the package is "
            "right, remove the manifest, write it anew (mstr_package with manifest: true) and have it reviewed."
            % (package.path, manifests.path_for(package.path), shown, more)
        )
