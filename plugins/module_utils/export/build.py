# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Building a package in a session, and saving it as a file with a manifest that says why each object is in it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import replace
from typing import BinaryIO

from ..errors import MigrationError, ServerError
from ..package.content import Content, sort_rows
from ..package.download import check_length, only_packages, write_parts
from ..package.kind import package_type
from ..package.upload import create_empty, until_ready
from ..rest.models import CONTENT_GROUP_TYPE, PROJECT, PackageInfo, Row, type_name
from ..session.file import PackageInSession
from ..session.session import Session
from ..support.files import atomic_file, disk_errors
from ..support.text import printable
from .choose import ASKED, NEEDED, Choice
from .needs import Needs, users_of
from .request import Request

_STEP = "build the package"
_DOWNLOAD = "download the package"


def digest_of(request: Request, project_id: str | None, choice: Choice) -> str:
    """Return a digest of what a package is built from: same request, same objects, same digest."""
    objects = [[*key, (chosen.item.version or "").upper(), chosen.action] for key, chosen in choice.objects.items()]
    document = [request.type, request.document(project_id), sorted(objects)]
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode("ascii")).hexdigest()


def definition(request: Request, choice: Choice) -> dict[str, object]:
    """Return the body by which the server builds a package (the vendor's page "Create a migration package")."""
    return {
        "type": request.type,
        # What a type does not have is null there.
        "settings": {"updateSchema": None, "aclOnReplacingObjects": None, **request.settings},
        "content": [
            {
                "id": chosen.item.id,
                "type": chosen.item.type,
                "action": chosen.action,
                # A server that brings things along cannot be told to leave some out; what searches show is here.
                "includeDependents": chosen.include_dependents and not request.exclude,
            }
            for chosen in choice.objects.values()
        ],
    }


def build(
    session: Session, project_id: str | None, request: Request, choice: Choice, wait_timeout: float, force: bool
) -> PackageInfo:
    """Have the server build a package, in place of the one that the session holds; return it with its content.

    Args:
        session: The session.
        project_id: The project; None for a configuration package.
        request: What was asked for.
        choice: What it is to hold.
        wait_timeout: Seconds for the server to make it ready.
        force: Replace a package whose import runs, or whose undo package is not saved.

    Raises:
        MigrationError: It cannot be built; what was opened for it is released.
    """
    released = session.package is not None
    if not force:
        session.refuse_loss("replace the package held")
    session.release_all()
    try:
        created = create_empty(session, project_id, released)
        session.put_package(PackageInSession(created.id, project_id, "", 0, "", request.type))
        session.library.build_package(created.id, definition(request, choice), project_id)
        info = until_ready(session, created.id, project_id, wait_timeout, _STEP)
        _check(info, request, choice, project_id)
    except BaseException:
        # What is to be shown is this failure, not what the release says.
        with contextlib.suppress(MigrationError):
            session.release_package()
        raise
    return info


def _check(info: PackageInfo, request: Request, choice: Choice, project_id: str | None) -> None:
    """Fail where the server built another package than it was asked for."""
    if info.rows is None:
        raise ServerError("%s: the server's answer has no content." % _STEP, 200)
    there = {row.key for row in info.rows}
    missing = [chosen.item for key, chosen in choice.objects.items() if key not in there]
    if missing:
        named = ", ".join('%s "%s"' % (type_name(item.type), printable(item.name, 60)) for item in missing[:5])
        more = " and %d more" % (len(missing) - 5) if len(missing) > 5 else ""
        raise ServerError("%s: the server left out %s%s." % (_STEP, named, more), 200)
    package_type(request.type, info.rows, project_id is not None)


def unlisted_groups(rows: tuple[Row, ...], request: Request) -> str | None:
    """Return a warning where a package of a project holds a content group, and nothing shows what came with it."""
    groups = [row for row in rows if row.type == CONTENT_GROUP_TYPE]
    if request.type != PROJECT or not groups or len(groups) < len(rows):
        return None
    return (
        "content: the server lists nothing that came along with %s. So a plan goes by the group alone, and cannot tell "
        "that what it holds is missing somewhere. Name the contents in this package too, or deploy it with force: "
        "true." % ", ".join('content group "%s"' % printable(row.name, 60) for row in groups)
    )


def reasoned(info: PackageInfo, choice: Choice, needs: Needs) -> tuple[Row, ...]:
    """Return the rows of a package with why each is in it, and what it uses.

    Args:
        info: The package as the server describes it.
        choice: What was chosen.
        needs: Tells what objects use.
    """
    rows = sort_rows(info.rows or ())
    used = {row.key: needs.components(row.key, row.version) for row in rows}
    users = users_of(used.items())

    def why(row: Row) -> Row:
        chosen = choice.objects.get(row.key)
        included = chosen.included if chosen else NEEDED
        needed_by = None if included == ASKED else tuple(users.get(row.key, ()))
        return replace(row, included=included, needed_by=needed_by, components=used[row.key])

    return tuple(why(row) for row in rows)


def save(session: Session, package_id: str, project_id: str | None, dest: str | None) -> tuple[str, int]:
    """Download a package to a file, whole or not at all; return its sha256 and its size in bytes.

    Args:
        session: The session.
        package_id: The package.
        project_id: The project that it is in; None for a configuration package.
        dest: The file; None to read it only.

    Raises:
        DiskError: The file cannot be written.
        MigrationError: The server does not give the package, or not the whole of it.
    """
    if dest is None:
        return _receive(session, package_id, project_id, None)
    with disk_errors("dest: %s cannot be written" % dest), atomic_file(dest, _mode_of(dest)) as handle:
        return _receive(session, package_id, project_id, handle)


def _mode_of(path: str) -> int:
    """Return the permission bits that a file has, or gets where it is not there: as a rule others are to read it."""
    with contextlib.suppress(OSError):
        return os.stat(path).st_mode & 0o777
    return 0o644


def _receive(session: Session, package_id: str, project_id: str | None, handle: BinaryIO | None) -> tuple[str, int]:
    length, parts = session.library.package_file(package_id, project_id)
    sha256, size = write_parts(only_packages(parts, b"", _DOWNLOAD), handle)
    check_length(size, length, _DOWNLOAD)
    return sha256, size


def content_of(
    session: Session,
    info: PackageInfo,
    rows: tuple[Row, ...],
    request: Request,
    project_id: str | None,
    choice: Choice,
) -> Content:
    """Return what a package holds that was built, but for its file's digest and size."""
    return Content(
        "",
        0,
        request.type,
        info.settings,
        rows,
        request.document(project_id),
        seen_until=choice.seen_until,
        iserver_version=session.state.server.get("iserver_version"),
    )
