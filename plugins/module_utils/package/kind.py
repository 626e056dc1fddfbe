# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a package is: of a project, of the security of one, or of the configuration. No server says it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import InputError
from ..rest import models
from ..rest.models import Row
from ..support.text import printable
from .content import Content
from .file import PackageFile, examine


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


def agreed_type(declared: str | None, manifest: Content | None) -> str | None:
    """Return what a package is by its user and its manifest, None where neither says it.

    Raises:
        InputError: They say different things.
    """
    if manifest is None:
        return declared
    if declared is not None and declared != manifest.type:
        raise InputError("type: %s is declared, but the manifest of src says %s." % (declared, manifest.type))
    return manifest.type


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
    # A content group is of the configuration, and in the package of a project it stands for what of it is there.
    out_of_place = [row for row in of_configuration if row.type != models.CONTENT_GROUP_TYPE]
    if declared is None:
        if out_of_place or not has_project:
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
    elif declared == models.PROJECT and out_of_place:
        raise InputError(
            "type: the package is declared as of type project, but holds configuration objects (%s)."
            % _example(out_of_place)
        )
    elif declared == models.PROJECT_SECURITY and any(row.type != models.USER_TYPE for row in content):
        raise InputError("type: a project_security package holds users and user groups only (type 34).")
    return declared


def _example(rows: list[Row]) -> str:
    if not rows:
        return "no rows"
    first = '%s "%s"' % (models.type_name(rows[0].type), printable(rows[0].name, 60))
    return first if len(rows) == 1 else "%s and %d more" % (first, len(rows) - 1)


def examine_declared(
    params: Mapping[str, Any], project: str | None, warnings: list[str]
) -> tuple[PackageFile, str | None]:
    """Check a package file, before anything is sent, with what the user says of it.

    Args:
        params: The options ``src``, ``checksum`` and ``type``.
        project: The project that it is for, None or empty for none.
        warnings: Gets a sentence where the manifest beside it is another file's.

    Returns:
        The file, and what it is; None where neither the user nor a manifest says it.

    Raises:
        InputError: The file cannot be used, or is not what the user says.
    """
    package = examine(params["src"], params["checksum"], warnings)
    declared = agreed_type(params["type"], package.manifest)
    check_project_option(project, declared)
    return package, declared
