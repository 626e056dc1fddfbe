# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages can be: types, settings and actions, after the vendor's page "Create a migration package"."""

from __future__ import annotations

from typing import Any

from mstr_double.errors import invalid_input, missing_information
from mstr_double.store import CONFIGURATION_TYPES, USER

PROJECT = "project"
PROJECT_SECURITY = "project_security"
CONFIGURATION = "configuration"
TYPES = (PROJECT, PROJECT_SECURITY, CONFIGURATION)
# A bundle of content is made at the configuration level, but goes into project packages too [page on content groups].
CONTENT_BUNDLE = 77

ACTIONS = frozenset({"use_existing", "replace", "keep_both", "use_newer", "use_older", "force_replace", "delete"})
UPDATE_SCHEMA = frozenset(
    {"recal_table_logical_size", "recal_table_keys_fact_entry_level", "update_schema_logical_info"}
)
ACL_ON_REPLACING = frozenset({"use_existing", "replace"})
ACL_ON_NEW = frozenset({"keep_acl_as_source_object", "inherit_acl_as_dest_folder"})
SETTINGS = frozenset({"defaultAction", "updateSchema", "aclOnReplacingObjects", "aclOnNewObjects"})


def row_level(package_type: str) -> str:
    """The level that rows of a package have."""
    return "configuration_object" if package_type == CONFIGURATION else "project_object"


def check_definition(body: Any, project: str | None) -> None:
    """Refuse the body of ``PUT /packages/{id}`` where the vendor's page rules it out.

    :raises ApiError: 400
    """
    if not isinstance(body, dict):
        raise invalid_input("Invalid JSON body.")
    package_type = body.get("type")
    if package_type is None:
        raise missing_information("The type of the package is missing.")
    if package_type not in TYPES:
        raise invalid_input(f"'{package_type}' is not a valid package type.")
    if (package_type == CONFIGURATION) != (project is None):
        wants = "must not have" if package_type == CONFIGURATION else "needs"
        raise invalid_input(f"A package of type '{package_type}' {wants} a project ID in its request headers.")
    check_settings(package_type, body.get("settings") or {})
    rows = body.get("content")
    if not isinstance(rows, list) or not rows:
        raise missing_information("The content of the package is missing.")
    for row in rows:
        _check_row(package_type, row)


def check_settings(package_type: str, settings: Any) -> None:
    """Check the settings of a package. :raises ApiError: 400"""
    if not isinstance(settings, dict) or set(settings) - SETTINGS:
        raise invalid_input("The settings of the package are not valid.")
    action = settings.get("defaultAction")
    if action is not None and action not in ACTIONS:
        raise invalid_input(f"'{action}' is not a valid action.")
    _check_words("updateSchema", settings.get("updateSchema"), UPDATE_SCHEMA)
    _check_words("aclOnNewObjects", settings.get("aclOnNewObjects"), ACL_ON_NEW)
    replacing = settings.get("aclOnReplacingObjects")
    if replacing is not None and replacing not in ACL_ON_REPLACING:
        raise invalid_input(f"'{replacing}' is not a valid value for aclOnReplacingObjects.")
    if settings.get("updateSchema") and package_type != PROJECT:
        raise invalid_input("updateSchema is only supported for project packages.")
    if replacing is not None and package_type == PROJECT_SECURITY:
        raise invalid_input("aclOnReplacingObjects is not supported for project security packages.")


def _check_words(name: str, words: Any, known: frozenset[str]) -> None:
    if words is None:
        return
    if not isinstance(words, list):
        raise invalid_input(f"{name} must be a list.")
    for word in words:
        if word not in known:
            raise invalid_input(f"'{word}' is not a valid value for {name}.")


def _check_row(package_type: str, row: Any) -> None:
    if not isinstance(row, dict) or not row.get("id") or not isinstance(row.get("type"), int):
        raise missing_information("Every object of the content needs its id and type.")
    action = row.get("action")
    if action is not None and action not in ACTIONS:
        raise invalid_input(f"'{action}' is not a valid action.")
    kind = row["type"]
    if package_type == PROJECT_SECURITY and kind != USER:
        raise invalid_input("Only users and user groups can be part of a project security package.")
    if package_type == CONFIGURATION and kind not in CONFIGURATION_TYPES:
        raise invalid_input("Only objects at the configuration level can be part of a configuration package.")
    if package_type == PROJECT and kind in CONFIGURATION_TYPES and kind != CONTENT_BUNDLE:
        raise invalid_input("Only objects at the project level can be part of a project package.")
