# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A package file into a session: check the file, upload it, compare it with what was reviewed."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ConnectionLost, InputError, MigrationError, ServerError
from ..rest import models
from ..rest.models import PackageInfo, Row
from ..rest.multipart import MultipartFile
from ..session.file import HeldPackage
from ..session.session import Session
from ..support.files import HEAD, readable_file, sha256_of, text_kind, write_file
from ..support.shape import ShapeError
from ..support.text import printable
from ..support.wait import TimeIsUp, wait_for
from . import manifest as manifests
from .manifest import Manifest

_CHECKSUM = re.compile(r"sha256:([0-9a-fA-F]{64})\Z")

# The server's codes for what exists already, as different servers write it, and statuses that may mean it.
_EXISTS = ("ERR015", "ERR0015")
_NO_PLACE = (400, 409, 500)

# How many bytes of a package tell its format.
_HEAD = 8

_FOR_A_PROJECT = "If it is a configuration package, say type: configuration and project: ''."
_FOR_NO_PROJECT = "It was sent as a configuration package; if it is one of a project, say which project."


@dataclass
class PackageFile:
    """A package file and what is known of it before anything is sent.

    Attributes:
        path: Where it is.
        size: Its size in bytes.
        sha256: Its sha256; None while nothing needed it.
        manifest: The manifest beside it, where that is this file's.
    """

    path: str
    size: int
    sha256: str | None = None
    manifest: Manifest | None = None

    def hash(self) -> str:
        """Return the file's sha256, reading the file where that is not known yet."""
        if self.sha256 is None:
            self.sha256, self.size = sha256_of(self.path)
        return self.sha256


@dataclass(frozen=True)
class Staged:
    """A package that a session holds, and its content.

    Attributes:
        held: What is held.
        settings: Its settings, with the server's names.
        rows: Its content.
        uploaded: Whether it was sent now.
    """

    held: HeldPackage
    settings: dict[str, Any]
    rows: tuple[Row, ...]
    uploaded: bool

    def as_manifest(self) -> Manifest:
        """Return what a manifest of the package's file says."""
        return Manifest(self.held.sha256, self.held.size, self.held.type, self.settings, self.rows)


def examine(path: str, checksum: str | None, warnings: list[str]) -> PackageFile:
    """Check a package file and read the manifest beside it.

    Args:
        path: The file.
        checksum: ``sha256:<hex>`` that the file must have, or None.
        warnings: Gets a sentence where the manifest is another file's.

    Raises:
        InputError: The file is missing, empty, not the one that checksum names, or its manifest is unreadable.
    """
    readable_file(path, "src")
    package = PackageFile(path, os.path.getsize(path))
    if package.size == 0:
        raise InputError("src: %s is empty." % path)
    refuse_text(path)
    wanted = parse_checksum(checksum)
    if wanted is not None and package.hash() != wanted:
        raise InputError(
            "checksum: %s has sha256:%s, not %s. It is another file; nothing was sent." % (path, package.hash(), wanted)
        )
    found = read_manifest(manifests.path_for(path))
    if found is not None:
        if found.sha256 == package.hash():
            package.manifest = found
        else:
            warnings.append(
                "%s is of another file than %s (its sha256 differs) and is ignored." % (manifests.path_for(path), path)
            )
    return package


def refuse_text(path: str) -> None:
    """Fail for a file that is text, before anything is sent.

    Raises:
        InputError: It is.
    """
    with open(path, "rb") as handle:
        kind = text_kind(handle.read(HEAD))
    if kind is None:
        return
    advice = "Fetch the file itself (git lfs pull)." if "LFS" in kind else "Name the package file itself."
    raise InputError("src: %s is no package file, but %s; nothing was sent. %s" % (path, kind, advice))


def parse_checksum(checksum: str | None) -> str | None:
    """Return the hexadecimal digits of ``sha256:<hex>``, in lower case; None for none.

    Raises:
        InputError: It is something else.
    """
    if not checksum:
        return None
    match = _CHECKSUM.match(checksum)
    if not match:
        raise InputError("checksum: %s is not sha256: followed by 64 hexadecimal digits." % printable(checksum, 100))
    return match.group(1).lower()


def read_manifest(path: str) -> Manifest | None:
    """Return the manifest at path, None where there is no file.

    Raises:
        InputError: There is one that cannot be read.
    """
    try:
        # Some editors begin a file with a mark of its byte order.
        with open(path, encoding="utf-8-sig") as handle:
            text = handle.read()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("manifest: %s cannot be read: %s." % (path, printable(error))) from error
    try:
        return manifests.loads(text)
    except ShapeError as error:
        raise InputError(
            "manifest: %s is no manifest: %s. Restore it, or remove it." % (path, printable(error))
        ) from error


def check_project_option(project: str | None, declared: str | None) -> None:
    """Fail, before anything is sent, where a configuration package names a project.

    Raises:
        InputError: It does.
    """
    if declared == models.CONFIGURATION and project:
        raise InputError(
            "project: a configuration package must not name a project, but %s is given (MSTR_PROJECT in the "
            "environment counts). Say project: '', or in mstr_packages of the role type: configuration, and no project."
            % printable(project, 100)
        )


def write_manifest(path: str, manifest: Manifest, check_mode: bool, mode: int = 0o644) -> bool:
    """Write a manifest unless it is there already; return whether it was, or in check mode would be, written.

    Args:
        path: Where to write it.
        manifest: What to write.
        check_mode: Whether to write nothing.
        mode: Permission bits of the file. As a rule others are to read it: it lies in a repository beside the
            package, and holds nothing that the package does not.

    Raises:
        InputError: It cannot be written.
    """
    text = manifests.dumps(manifest).encode("utf-8")
    try:
        with open(path, "rb") as handle:
            if handle.read() == text:
                return False
    except OSError:
        # Not there, or not readable: writing it will tell.
        pass
    if not check_mode:
        try:
            write_file(path, text, mode)
        except OSError as error:
            raise InputError("manifest: %s cannot be written: %s." % (path, error.strerror)) from error
    return True


def package_type(declared: str | None, rows: Iterable[Row], has_project: bool) -> str:
    """Return what an uploaded package is; the server does not say.

    Args:
        declared: What the user or the manifest says, or None.
        rows: The package's content.
        has_project: Whether it was uploaded for a project.

    Raises:
        InputError: The rows do not fit.
    """
    content = tuple(rows)
    of_configuration = [row for row in content if row.level == models.CONFIGURATION_OBJECT]
    if declared is None:
        if of_configuration or not has_project:
            declared = models.CONFIGURATION
        elif content and all(row.type == models.USER_TYPE for row in content):
            declared = models.PROJECT_SECURITY
        else:
            declared = models.PROJECT
    if declared == models.CONFIGURATION:
        if has_project:
            raise InputError(
                "project: the package holds configuration objects (%s), and a configuration package must not name a "
                "project. Say project: '' and type: configuration." % _example(of_configuration or list(content))
            )
        strangers = [row for row in content if row.level == models.PROJECT_OBJECT]
        if strangers:
            raise InputError(
                "project: the package holds objects of a project (%s); say which project it is for."
                % _example(strangers)
            )
    elif not has_project:
        raise InputError("project: a package of type %s needs the project that it is for." % declared)
    elif declared == models.PROJECT and of_configuration:
        raise InputError(
            "type: the package is declared as of type project, but holds configuration objects (%s)."
            % _example(of_configuration)
        )
    elif declared == models.PROJECT_SECURITY and any(row.type != models.USER_TYPE for row in content):
        raise InputError("type: a project_security package holds users and user groups only (type 34).")
    return declared


def _example(rows: list[Row]) -> str:
    if not rows:
        return "no rows"
    first = '%s "%s"' % (models.type_name(rows[0].type), printable(rows[0].name, 60))
    return first if len(rows) == 1 else "%s and %d more" % (first, len(rows) - 1)


def stage(
    session: Session,
    package: PackageFile,
    project_id: str | None,
    declared: str | None,
    wait_timeout: float,
    force: bool = False,
) -> Staged:
    """Make a session hold a package file, uploading it unless it is held already.

    Args:
        session: The session.
        package: The file.
        project_id: The destination project, None for a configuration package.
        declared: What the package is (``agreed_type``), None to tell from its content.
        wait_timeout: Seconds for the server to take the package in.
        force: Replace a package whose import runs, or whose undo package is not saved.

    Raises:
        MigrationError: It cannot be staged; what was opened for it is released.
    """
    held = session.package
    if held is not None and _is_this_file(held, package, project_id):
        info = session.library.package(held.id, project_id, content=True)
        # An upload that was cut off left a package that is none.
        if info.status == "ready":
            found = staged(held, info, declared or held.type, uploaded=False)
            session.hold_package(found.held)
            return found
    if not force:
        session.refuse_loss("replace the package held")
    session.release_all()
    try:
        info = _upload(session, package, project_id, wait_timeout, released=held is not None)
        _compare(package, info)
        name = os.path.basename(package.path)
        head = _head_of(package.path)
        held = HeldPackage(info.id, project_id, package.hash(), package.size, name, models.PROJECT, head)
        found = staged(held, info, declared, uploaded=True)
        session.hold_package(found.held)
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


def _is_this_file(held: HeldPackage, package: PackageFile, project_id: str | None) -> bool:
    """Return whether the package held is this file; the file is only read where nothing cheaper tells."""
    return held.size == package.size and held.project_id == project_id and held.sha256 == package.hash()


def staged(held: HeldPackage, info: PackageInfo, declared: str | None, uploaded: bool) -> Staged:
    """Return a package held together with what the server says of it.

    Raises:
        ServerError: The answer has no content.
        InputError: The content does not fit what the package is declared to be.
    """
    if info.rows is None:
        raise ServerError("read the package: the server's answer has no content.", 200)
    kind = package_type(declared, info.rows, held.project_id is not None)
    return Staged(replace(held, type=kind), info.settings, info.rows, uploaded)


def agreed_type(declared: str | None, manifest: Manifest | None) -> str | None:
    """Return what a package is by its user and its manifest, None where neither says it.

    Raises:
        InputError: They say different things.
    """
    if manifest is None:
        return declared
    if declared is not None and declared != manifest.type:
        raise InputError("type: %s is declared, but the manifest of src says %s." % (declared, manifest.type))
    return manifest.type


def _upload(
    session: Session, package: PackageFile, project_id: str | None, wait_timeout: float, released: bool
) -> PackageInfo:
    """Upload the file into a new package and return the package once it is ready.

    A failed upload may have left the package half filled, so another try starts with another package.
    """
    tries = session.library.transport.options.retries
    for attempt in range(tries + 1):
        broken: MigrationError
        created = _create(session, project_id, released or attempt > 0)
        # Without the file's sha256 until it is there whole, so that no later task takes it for the file.
        session.hold_package(HeldPackage(created.id, project_id, "", package.size, "", models.PROJECT))
        try:
            _send(session, package, created.id, project_id, wait_timeout)
            return _until_ready(session, created.id, project_id, wait_timeout)
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


def _create(session: Session, project_id: str | None, released: bool) -> PackageInfo:
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
    try:
        upload = MultipartFile(package.path)
    except OSError as error:
        raise InputError("src: %s cannot be read: %s." % (package.path, error.strerror)) from error
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


def _until_ready(session: Session, package_id: str, project_id: str | None, wait_timeout: float) -> PackageInfo:
    def look() -> PackageInfo:
        return session.library.package(package_id, project_id, content=True)

    try:
        info = wait_for(look, lambda seen: seen.status in ("ready", "failed", "deleting"), wait_timeout)
    except TimeIsUp as limit:
        raise MigrationError(
            "upload the package: the server did not make it ready within %g s (wait_timeout); the last status was %s."
            % (wait_timeout, printable(getattr(limit.last, "status", "unknown"), 60))
        ) from limit
    if info.status != "ready":
        raise MigrationError("upload the package: the server says that the package has %s." % info.status)
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
