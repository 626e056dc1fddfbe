# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The argument specs of the options that several modules have; plugins/doc_fragments has their documentation."""

from __future__ import annotations

import re
from typing import Any

from ..errors import InputError
from ..plan.afterwards import AUTO, CACHES, NONE, SCHEMA
from ..plan.refusals import KINDS, USUAL
from ..rest.models import ACTIONS, PACKAGE_TYPES
from ..support.text import printable

_MODE = re.compile(r"0?[0-7]{3}\Z")


def history_spec() -> dict[str, Any]:
    """Return the argument spec of the options that say what history a module works with."""
    return {
        "history_dir": {"type": "path"},
        "history_mode": {"type": "raw", "default": "0600"},
        "server_moved": {"type": "bool", "default": False},
        "history_must_exist": {"type": "bool", "default": False},
    }


def lock_spec() -> dict[str, Any]:
    """Return the argument spec of the options of a task that can be, or begin, the only run on an environment."""
    return {
        "session_dir": {"type": "path"},
        "lease_timeout": {"type": "float", "default": 60.0},
        "lock_timeout": {"type": "float", "default": 90.0},
        "job": {"type": "dict", "options": {"template": {"type": "str"}, "user": {"type": "str"}}},
    }


def around_spec(journal: bool = False) -> dict[str, Any]:
    """Return the argument spec of the options that say what is asked around an import.

    Args:
        journal: Whether the module can name who edited objects.
    """
    spec: dict[str, Any] = {"preflight": {"type": "bool", "default": True}}
    if journal:
        spec["journal"] = {"type": "bool", "default": True}
    return spec


def refuse_spec() -> dict[str, Any]:
    """Return the argument spec of the options that say what a task refuses to import."""
    return {
        "refuse": {"type": "list", "elements": "str", "choices": list(KINDS), "default": list(USUAL)},
        "proven_on": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "name": {"type": "str"},
                "environment_name": {"type": "str"},
                "base_url": {"type": "str"},
                "history_dir": {"type": "path"},
            },
        },
        "soak": {"type": "float", "default": 0.0},
    }


def parse_mode(value: Any) -> int:
    """Return permission bits from what YAML made of them: 0660 is the number 432, "0660" a text.

    Raises:
        InputError: It is no mode, or one that locks the owner out or lets everybody in.
    """
    text = str(value)
    mode = value if isinstance(value, int) else int(text, 8) if _MODE.match(text) else -1
    if not 0 <= mode <= 0o777 or mode & 0o600 != 0o600 or mode & 0o117:
        raise InputError(
            "history_mode: %s is not a mode such as 0600, 0640 or 0660: read and write for the owner, nothing for "
            "others." % printable(value, 20)
        )
    return mode


def waiting_spec(undo: bool = False, polls: bool = False) -> dict[str, Any]:
    """Return the argument spec of the options that say how long a module waits.

    Args:
        undo: Whether it waits for undo packages.
        polls: Whether it asks how far an import is.
    """
    spec: dict[str, Any] = {"wait_timeout": {"type": "float", "default": 3600.0}}
    if undo:
        spec["undo_timeout"] = {"type": "float", "default": 300.0}
    if polls:
        spec["poll_interval"] = {"type": "float", "default": 5.0}
    return spec


def listed_package_spec() -> dict[str, Any]:
    """Return the argument spec of a package of a list, as the option ``packages`` takes it."""
    return {
        "name": {"type": "str"},
        "src": {"type": "path"},
        "manifest": {"type": "path"},
        "project": {"type": "str"},
        **package_spec(with_type=True),
        "state": {"type": "str", "choices": ["imported", "undone"], "default": "imported"},
        "generate_undo": {"type": "bool"},
        "schema": {"type": "str", "choices": list(SCHEMA)},
        "caches": {"type": "str", "choices": list(CACHES)},
        "force": {"type": "bool", "default": False},
    }


def afterwards_spec() -> dict[str, Any]:
    """Return the argument spec of the options that say what is done after imports."""
    return {
        "schema": {"type": "str", "choices": list(SCHEMA), "default": AUTO},
        "caches": {"type": "str", "choices": list(CACHES), "default": NONE},
    }


def progress_spec() -> dict[str, Any]:
    """Return the argument spec of the option that says where a module notes how far it is."""
    return {"progress_file": {"type": "path"}}


def package_spec(with_type: bool = False) -> dict[str, Any]:
    """Return the argument spec of the options that say which package file is meant.

    Args:
        with_type: Whether the user may say what the package is.
    """
    spec: dict[str, Any] = {"checksum": {"type": "str"}}
    if with_type:
        spec["type"] = {"type": "str", "choices": list(PACKAGE_TYPES)}
    return spec


def list_spec(with_manifests: bool = True) -> dict[str, Any]:
    """Return the argument spec of the options that say what packages an environment is to have.

    Args:
        with_manifests: Whether the module has to know what they hold.
    """
    spec: dict[str, Any] = {
        "packages": {
            "type": "list",
            "elements": "dict",
            "options": listed_package_spec(),
            "mutually_exclusive": [("src", "manifest")],
        },
    }
    if with_manifests:
        spec["manifest_dir"] = {"type": "path"}
    return spec


def selector_spec() -> dict[str, Any]:
    """Return the argument spec of an item of ``content`` or ``exclude``."""
    return {
        "id": {"type": "str"},
        "type": {"type": "str"},
        "folder": {"type": "str"},
        "recursive": {"type": "bool"},
        "search": {"type": "str"},
        "shortcuts_in": {"type": "str"},
        "types": {"type": "list", "elements": "str"},
        "modified_since": {"type": "str"},
        "owner": {"type": "str"},
        "name": {"type": "str"},
        "action": {"type": "str", "choices": list(ACTIONS)},
        "include_dependents": {"type": "bool"},
    }


def build_spec() -> dict[str, Any]:
    """Return the argument spec of the options that say what a package is built from."""
    return {
        "settings": {
            "type": "dict",
            "options": {
                "default_action": {"type": "str", "choices": list(ACTIONS)},
                "update_schema": {"type": "list", "elements": "str"},
                "acl_on_replacing_objects": {"type": "str"},
                "acl_on_new_objects": {"type": "list", "elements": "str"},
            },
        },
        "content": {"type": "list", "elements": "dict", "options": selector_spec()},
        "exclude": {"type": "list", "elements": "dict", "options": selector_spec()},
        "complete": {"type": "bool"},
        "definitions": {"type": "bool"},
        "dest": {"type": "path"},
    }
