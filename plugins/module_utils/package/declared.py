# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A package as a list declares it: its options, its file, and what is learnt of what that holds."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ..errors import InputError, MigrationError, about
from ..rest.models import CONFIGURATION
from ..session.session import Session
from ..support.files import directory_mode, disk_errors, make_directory
from ..support.text import printable
from . import manifest as manifests
from .content import Content
from .file import PackageFile, name_of, parse_checksum
from .kind import agreed_type, check_project_option, examine_declared, package_type
from .upload import stage


@dataclass
class Declared:
    """A package as the option ``packages`` names it, and what is found out about it.

    Attributes:
        name: Its name.
        option: What the option says of it.
        project: The project's name or id, empty for none.
        given: Its file, or its manifest, as the list names it; None where it names none.
        file: The package file; None where only a manifest is given, or the environment is not to have it.
        content: What it holds, once that is known.
        project_id: The project's id, once that is known.
        given_project: The project as the list names it; that of a package to be undone may be found in the history.
    """

    name: str
    option: dict[str, Any]
    project: str
    given: str | None = None
    file: PackageFile | None = None
    content: Content | None = None
    project_id: str | None = None
    given_project: str = ""

    @property
    def is_undone(self) -> bool:
        """Whether the environment is not to have it."""
        return bool(self.option["state"] == "undone")

    @property
    def place(self) -> str:
        """Its project in words, with a space before it; empty for none."""
        return " in project %s" % printable(self.project, 100) if self.project else ""

    def checked_content(self) -> Content:
        """Return what it holds, and as what it is to be imported.

        Raises:
            InputError: What it holds does not fit what it is declared to be.
        """
        if self.content is None:
            raise AssertionError("the content of a package is not known")
        # What a manifest that was only remembered says of the type came from the user of then.
        beside = self.file is None or self.file.manifest is not None
        declared = self.content.type if beside else self.option["type"] or self.content.type
        kind = package_type(declared, self.content.rows, self.project_id is not None)
        return replace(self.content, type=kind)


@dataclass(frozen=True)
class Reader:
    """Finds out what packages hold: from the manifest beside a file, from what was learnt before, or from the server.

    Attributes:
        directory: Where manifests are remembered, None for nowhere.
        mode: Permission bits of these.
        check_mode: Whether nothing is written.
        wait_timeout: Seconds for the server to take a package in.
        warnings: Gets sentences about what is not as it should be and is no failure.
    """

    directory: str | None
    mode: int
    check_mode: bool
    wait_timeout: float
    warnings: list[str]

    def read(self, option: dict[str, Any], default_project: str | None) -> Declared:
        """Return what is known of a package without asking the server.

        Args:
            option: What the list says of it.
            default_project: The project of packages that name none.

        Raises:
            InputError: Its options, its file or its manifest cannot be used; the message names the package.
        """
        given = option["src"] or option["manifest"]
        name = option["name"] or name_of(given)
        if not name:
            raise InputError("packages: each needs a name, a src or a manifest.")
        for path in ("src", "manifest"):
            if option[path]:
                option[path] = os.path.abspath(option[path])
        project = option["project"]
        if project is None:
            project = "" if option["type"] == CONFIGURATION else default_project or ""
        package = Declared(name, option, project, given, given_project=project)
        if not package.is_undone:
            with about(name, project):
                self._read_file(package)
        return package

    def _read_file(self, package: Declared) -> None:
        option = package.option
        if option["src"]:
            package.file, _declared = examine_declared(option, package.project, self.warnings)
            package.content = package.file.manifest or self._remembered(package.file)
        elif option["manifest"]:
            package.content = _manifest_alone(option)
            check_project_option(package.project, agreed_type(option["type"], package.content))
        else:
            raise InputError("packages: %s needs its src, or its manifest." % printable(package.name, 100))

    def _path_of(self, sha256: str) -> str:
        return os.path.join(self.directory or "", sha256 + manifests.SUFFIX)

    def _remembered(self, package: PackageFile) -> Content | None:
        """Return the manifest that an earlier run learnt of the very same file."""
        if not self.directory:
            return None
        try:
            found = manifests.read(self._path_of(package.hash()))
        except MigrationError as error:
            # It can be learnt again, and is then written anew.
            self.warnings.append("%s It is ignored." % error.message)
            return None
        return found if found is not None and found.sha256 == package.hash() else None

    def learn(self, session: Session, package: Declared) -> None:
        """Upload a package, to see what it holds, and remember that.

        Raises:
            MigrationError: It cannot be uploaded, or its manifest not be written.
        """
        if package.file is None:
            raise AssertionError("there is no file to learn from")
        session.progress.package(package.name)
        staged = stage(session, package.file, package.project_id, package.option["type"], self.wait_timeout)
        package.content = staged.content
        if self.directory and not self.check_mode:
            with disk_errors("manifest_dir: %s cannot be made" % self.directory):
                make_directory(self.directory, directory_mode(self.mode))
            manifests.write(self._path_of(staged.content.sha256), staged.content, check_mode=False, mode=self.mode)

    def has_seen(self, package: PackageFile, digest: str) -> bool:
        """Return whether an earlier run saw the server read in a file what has this digest."""
        remembered = self._remembered(package)
        return remembered is not None and remembered.digest == digest

    def write_beside(self, package: Declared) -> None:
        """Write the manifest that is to be committed with a package, where it is not there yet."""
        if package.file is not None and package.file.manifest is None and package.content is not None:
            with about(package.name, package.project):
                manifests.write(manifests.path_for(package.file.path), package.content, self.check_mode)


def _manifest_alone(option: dict[str, Any]) -> Content:
    found = manifests.read(option["manifest"])
    if found is None:
        raise InputError("manifest: there is no file %s on the host where the module runs." % option["manifest"])
    wanted = parse_checksum(option["checksum"])
    if wanted is not None and wanted != found.sha256:
        raise InputError(
            "checksum: %s is of the file with sha256:%s, not %s." % (option["manifest"], found.sha256, wanted)
        )
    return found


def refuse_twice(packages: Iterable[Declared], projects: Iterable[str | None]) -> None:
    """Fail where two packages of a project have one name.

    Args:
        packages: The packages.
        projects: Their projects.

    Raises:
        InputError: Two have.
    """
    seen = set()
    for package, project in zip(packages, projects):
        key = (project, package.name)
        if key in seen:
            raise InputError(
                "packages: two are called %s%s. The name is what the history knows a package by; give each its own."
                % (printable(package.name, 100), package.place)
            )
        seen.add(key)


def selected(packages: list[Declared], name: str | None) -> list[Declared]:
    """Return the packages that a run may act on: those of a name, or all.

    Raises:
        InputError: There is none of that name.
    """
    if not name:
        return packages
    found = [package for package in packages if package.name == name]
    if not found:
        names = sorted({printable(package.name, 60) for package in packages})
        raise InputError(
            "name: no package of the list is called %s; there is: %s."
            % (printable(name, 100), ", ".join(names) or "none")
        )
    return found
