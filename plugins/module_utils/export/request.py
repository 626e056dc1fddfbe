# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a package is to be built from: its type, settings and selectors, checked, and as a manifest has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from ..rest.models import ACTIONS, PROJECT, PROJECT_SECURITY, REPLACE, USE_EXISTING
from ..support.text import printable
from .selectors import CONTENT, EXCLUDE, LAST_EXPORT, Selector, parse_selectors

UPDATE_SCHEMA = ("recal_table_logical_size", "recal_table_keys_fact_entry_level", "update_schema_logical_info")
ACL_ON_REPLACING = (USE_EXISTING, REPLACE)
ACL_ON_NEW = ("keep_acl_as_source_object", "inherit_acl_as_dest_folder")


@dataclass(frozen=True)
class Request:
    """What a package is to be built from.

    Attributes:
        type: project, project_security or configuration.
        settings: The settings, with the server's names.
        content: What chooses its objects.
        exclude: What leaves objects out.
        complete: Whether all that they need comes along.
    """

    type: str
    settings: Mapping[str, Any]
    content: tuple[Selector, ...]
    exclude: tuple[Selector, ...] = ()
    complete: bool = False

    @property
    def default_action(self) -> str:
        """What an import does with objects that have no action of their own."""
        return str(self.settings["defaultAction"])

    @property
    def since_last_export(self) -> bool:
        """Whether it asks for what changed since the last export."""
        return any(selector.modified_since == LAST_EXPORT for selector in self.content)

    def document(self, project_id: str | None) -> dict[str, Any]:
        """Return it as a manifest writes it: two that ask for the same have the same document."""
        return {
            "project": project_id,
            "settings": {name: self.settings[name] for name in sorted(self.settings)},
            "content": _documents(self.content),
            "exclude": _documents(self.exclude),
            "complete": self.complete,
        }


def _documents(selectors: tuple[Selector, ...]) -> list[dict[str, Any]]:
    return [selector.document() for selector in selectors]


def parse_request(params: Mapping[str, Any]) -> Request:
    """Return what the options type, settings, content, exclude and complete ask for.

    Raises:
        InputError: They cannot be used; the message names the option and the item.
    """
    kind = params["type"]
    if not kind:
        raise InputError("type: a package that is built needs it: project, project_security or configuration.")
    if not params["content"]:
        raise InputError("content: it is empty; name the objects that the package is to hold.")
    if kind == PROJECT_SECURITY and params["complete"]:
        raise InputError("complete: a package of type project_security holds links of users, which need nothing.")
    return Request(
        kind,
        parse_settings(params["settings"] or {}, kind),
        parse_selectors(params["content"], CONTENT, kind),
        parse_selectors(params["exclude"], EXCLUDE, kind),
        bool(params["complete"]),
    )


def parse_settings(given: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the settings of a package with the server's names, and what is not given filled in.

    Args:
        given: The option ``settings``.
        kind: The type of the package.

    Raises:
        InputError: A value does not fit the type.
    """
    said = {name: value for name, value in given.items() if value not in (None, "", [])}
    action = str(said.get("default_action", REPLACE)).lower()
    _one_of(action, ACTIONS, "settings: default_action")
    found: dict[str, Any] = {"defaultAction": action}
    if kind == PROJECT:
        found["updateSchema"] = _words(said, "update_schema", UPDATE_SCHEMA)
    elif "update_schema" in said:
        raise InputError("settings: update_schema is for packages of type project, and this one is %s." % kind)
    if kind != PROJECT_SECURITY:
        replacing = str(said.get("acl_on_replacing_objects", USE_EXISTING)).lower()
        _one_of(replacing, ACL_ON_REPLACING, "settings: acl_on_replacing_objects")
        found["aclOnReplacingObjects"] = replacing
    elif "acl_on_replacing_objects" in said:
        raise InputError("settings: acl_on_replacing_objects is not for packages of type project_security.")
    found["aclOnNewObjects"] = _words(said, "acl_on_new_objects", ACL_ON_NEW) or [ACL_ON_NEW[0]]
    return found


def _words(said: Mapping[str, Any], name: str, known: tuple[str, ...]) -> list[str]:
    words = [str(word).lower() for word in said.get(name, ())]
    for word in words:
        _one_of(word, known, "settings: %s" % name)
    return [word for word in known if word in words]


def _one_of(word: str, known: tuple[str, ...], where: str) -> None:
    if word not in known:
        raise InputError("%s: %s is none of %s." % (where, printable(word, 60), ", ".join(known)))
