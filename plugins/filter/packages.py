# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The paths of the role's variables and of its list of packages, which mean the directory where Ansible was started."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Callable

from ansible_collections.mstr.migration.plugins.plugin_utils.inputs import export_name, given
from ansible_collections.mstr.migration.plugins.plugin_utils.options import below
from ansible_collections.mstr.migration.plugins.plugin_utils.promotion import (
    export_hosts,
    refused_kinds,
    target_hosts,
)

Package = Mapping[str, Any]


def package_list(packages: Iterable[Package], directory: Any) -> list[dict[str, Any]]:
    """Return packages without what is not given, with what they leave out, and the paths of their files made absolute.

    Args:
        packages: The packages as ``mstr_packages`` has them; ansible-core fills in no defaults within lists.
        directory: What relative paths are below.

    Raises:
        AnsibleFilterError: The directory is no absolute path.
    """
    return [
        {
            "generate_undo": True,
            **{key: value for key, value in package.items() if given(value) is not None},
            "src": below(package.get("src"), directory),
        }
        for package in packages
    ]


def export_list(exports: Iterable[Package], project: Any, directory: Any, name: Any = None) -> list[dict[str, Any]]:
    """Return what is to be exported without what is not given, with what it leaves out, and absolute paths.

    Args:
        exports: The packages as ``mstr_exports`` has them.
        project: The project of those that name none, but for configuration packages.
        directory: What relative paths are below.
        name: Only the packages of this name; where it is not given, all.

    Raises:
        AnsibleFilterError: The directory is no absolute path.
    """
    found = []
    for export in exports:
        if given(name) is not None and export_name(export) != str(name):
            continue
        said = {key: value for key, value in export.items() if given(value) is not None}
        kind = str(said.get("type", "project"))
        default = "" if kind == "configuration" else given(project, "")
        found.append(
            {
                **said,
                "name": export_name(export),
                "type": kind,
                "project": said.get("project", default),
                "dest": below(export.get("dest"), directory),
            }
        )
    return found


def exported_packages(exports: Iterable[Package], source: Mapping[str, Any], project: Any) -> list[dict[str, Any]]:
    """Return the packages of an environment that is to have what another one exports.

    Args:
        exports: The packages as ``mstr_exports`` of the source has them.
        source: The variables of the source.
        project: The project that they go to; where it is not given, each to that of the same name.

    Raises:
        AnsibleFilterError: The source's directory is no absolute path.
    """
    declared = export_list(exports, source.get("mstr_project"), source.get("mstr_base_dir"))
    return [
        {
            "name": export["name"],
            "src": export["dest"],
            "type": export["type"],
            "project": "" if export["type"] == "configuration" else given(project, export["project"]),
        }
        for export in declared
    ]


def exported(results: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what became of each package that was to be exported.

    Args:
        results: The results of the task that exports them, one for each.
    """
    return [
        {
            "name": result["item"]["name"],
            "changed": bool(result.get("changed")),
            "failed": bool(result.get("failed")),
            "package": result.get("package"),
        }
        for result in results
    ]


class FilterModule:
    """The filters of this file, as ansible-core asks for them."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by their names."""
        return {
            "below": below,
            "package_list": package_list,
            "export_list": export_list,
            "exported_packages": exported_packages,
            "export_hosts": export_hosts,
            "target_hosts": target_hosts,
            "refused_kinds": refused_kinds,
            "exported": exported,
        }
