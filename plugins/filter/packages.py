# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role makes of its list of packages, and of what became of them.

Chains of Jinja filters that did the same took as long as a task of their own, and nobody could read them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from .inputs import AS_IT_IS, given

Package = Mapping[str, Any]

_REPORTED = ("name", "project", "state", "in_sync", "changed", "summary")


def below(path: Any, directory: str) -> str:
    """Return a path made absolute, as below a directory; one that is not given is empty.

    Args:
        path: The path, as text or as what YAML makes of a name that is a number. One that begins with ``/``, ``~`` or
            ``$`` is left as it is.
        directory: The directory, with such a beginning.

    Raises:
        AnsibleFilterError: The directory has another one, so that it would mean a place that depends on who reads it.
    """
    if not str(directory).startswith(AS_IT_IS):
        raise AnsibleFilterError(
            "mstr_base_dir is to be an absolute path, since others mean it; it is %s." % (directory or "empty")
        )
    # YAML has numbers and dates for some names, which an argument of the type path would take as text.
    text = str(given(path, ""))
    if not text or text.startswith(AS_IT_IS):
        return text
    return posixpath.join(directory, text)


def package_list(packages: Iterable[Package], directory: str) -> list[dict[str, Any]]:
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


def package_outcomes(planned: Iterable[Package], acted: Iterable[Package], check_mode: bool) -> list[dict[str, Any]]:
    """Return what became of each package of a list, in its order; in check mode, what would become of it.

    Args:
        planned: The packages as ``mstr_package_plan`` returns them.
        acted: Those that were acted on, with what was done.
        check_mode: Whether nothing was to be done.
    """
    outcomes = {package["position"]: dict(package) for package in acted}
    for package in planned:
        position = package["position"]
        if position not in outcomes:
            would_change = bool(check_mode and package["due"])
            outcomes[position] = {**package, "changed": would_change, "undo": None, "receipt": None}
    return [outcomes[position] for position in sorted(outcomes)]


def package_report(planned: Iterable[Package], acted: Iterable[Package], check_mode: bool) -> dict[str, Any]:
    """Return what became of a list of packages in short, without paths and objects.

    Args:
        planned: The packages as ``mstr_package_plan`` returns them.
        acted: Those that were acted on, with what was done.
        check_mode: Whether nothing was to be done.
    """
    outcomes = package_outcomes(planned, acted, check_mode)
    return {
        "changed": [package["name"] for package in outcomes if package["changed"]],
        "failed": [package["name"] for package in outcomes if package.get("failed")],
        "packages": [{key: package[key] for key in _REPORTED} for package in outcomes],
    }


class FilterModule:
    """The filters of this file, as ansible-core asks for them."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by their names."""
        return {
            "below": below,
            "package_list": package_list,
            "package_outcomes": package_outcomes,
            "package_report": package_report,
        }
