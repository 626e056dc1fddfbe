# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the double behaves: everything that differs between versions and installations of the real server."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any

# Whole versions of the server: what differs between them, as far as anybody wrote it down. The application type of
# Python programs is known from 11.5.0600 on [mstrio-py].
RELEASES: dict[str | None, dict[str, Any]] = {
    "2021-update-2": {
        "web_version": "11.3.0200.00231",
        "iserver_version": "11.3.0200.00230J",
        "python_application": False,
    },
    "2024": {"web_version": "11.4.0600.00712", "iserver_version": "11.4.0600.00710", "python_application": False},
    "2026": {"web_version": "11.6.0200.20215", "iserver_version": "11.6.0200.20210", "python_application": True},
}
# What identifies the metadata. No document shows it: its id, and a field that says something else, are a guess.
REPOSITORY = {"id": "5E1F0A6C4D3B2C10A9B8C7D6E5F40312", "databaseType": "postgre_sql"}


@dataclass
class Settings:
    """All settings, with their defaults. Durations are seconds. The README says what each one does."""

    release: str | None = None
    calls: dict[str, bool] = field(default_factory=dict)
    openapi_prefix: str = ""
    openapi_omits: list[str] = field(default_factory=list)
    unknown_method: str = "405"
    missing_prefer: str = "ERR005"
    privileges_shape: str = "wrapped"
    repository: Any = field(default_factory=lambda: dict(REPOSITORY))
    locked_import: str = "fail"
    unlock_status: int = 201
    schema_reload: str = "task"
    schema_duration: float = 0.0
    schema_failure: str | None = None
    locked_reload: str = "fail"
    tasks_lost: int = 0
    pending_polls: int = 0
    idle_import: str = "accept"
    idle_shown: bool = True
    session_cap: int | None = None
    session_cookie_needed: bool = True
    status_case: str = "lower"
    missing_object: str = "404"
    unloaded_project: str = "500"
    second_holder: str = "refuse"
    status_refused: int | None = None
    python_application: bool = True
    anonymous: bool = False
    require_balancer_cookie: bool = False
    balancer_cookies: list[str] = field(default_factory=list)
    session_cookie_attributes: str | None = None
    clock_offset: float = 0.0
    rate_limit: dict[str, Any] | None = None
    session_timeout: float = 1800.0
    latency: float = 0.0
    build_duration: float = 0.0
    upload_processing: float = 0.0
    delete_duration: float = 0.0
    package_failure: str | None = None
    missing_content: str = "fail"
    missing_component: str = "accept"
    definitions: str = "given"
    sub_errors: bool = False
    failure_messages: bool = True
    list_dependents: bool = True
    stamp_files: bool = False
    search_status: int = 200
    search_duration: float = 0.0
    search_times_included: bool = True
    searches_lost: int = 0
    longest_page: int | None = None
    storage_configured: bool = True
    validation_duration: float = 0.0
    certification_body: str = "any"
    tree_view: str = "string"
    unknown_migration: str = "ERR006"
    undo_failed_imports: bool = True
    import_duration: float = 0.0
    import_progress: bool = True
    import_failure: dict[str, Any] | None = None
    undo_on_failure: bool = True
    undo_delay: float = 0.0
    undo_unseen: int = 0
    undo_never: bool = False
    undo_length: bool = True
    undo_padding: int = 0
    reversion_types: list[int] = field(default_factory=list)
    ignore_objects: list[str] = field(default_factory=list)
    error_codes: str = "padded"
    wrap_errors: bool = False
    unknown_fields: bool = False
    keep_uploads: bool = True
    hash_uploads: bool = False
    web_version: str = "11.6.0200.20215"
    iserver_version: str = "11.6.0200.20210"

    def update(self, values: dict[str, Any]) -> None:
        """Change settings, all or none.

        :raises ValueError: for a name or a value that does not fit
        """
        for name, value in values.items():
            check = CHECKS.get(name)
            if check is None:
                raise ValueError(f"There is no setting {name!r}.")
            if not check(value):
                raise ValueError(f"{value!r} does not fit the setting {name!r}.")
        for name, value in {**RELEASES.get(values.get("release"), {}), **values}.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def _one_of(*values: str | int | None) -> Callable[[Any], bool]:
    # By their kind too: True is no 1.
    return lambda value: any(type(value) is type(known) and value == known for known in values)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _seconds(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _text_or_none(value: Any) -> bool:
    return value is None or _text(value)


def _failure(value: Any) -> bool:
    if value is None:
        return True
    return (
        isinstance(value, dict)
        and set(value) <= {"message", "after_objects"}
        and _text(value.get("message"))
        and isinstance(value.get("after_objects", 0), int)
    )


def _rate_limit(value: Any) -> bool:
    if value is None:
        return True
    return (
        isinstance(value, dict)
        and {"per_second"} <= set(value) <= {"per_second", "path", "retry_after", "status", "page"}
        and _count(value["per_second"])
        and _pattern(value.get("path", ""))
        and _flag(value.get("retry_after", True))
        and value.get("status", 429) in (429, 503)
        and _flag(value.get("page", False))
    )


def _pattern(value: Any) -> bool:
    try:
        return isinstance(value, str) and re.compile(value) is not None
    except re.error:
        return False


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _list_of(kind: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(isinstance(item, kind) for item in value)


def _calls(value: Any) -> bool:
    return isinstance(value, dict) and all(
        re.match(r"[A-Z]+ /\S+\Z", name) and _flag(there) for name, there in value.items()
    )


CHECKS: dict[str, Callable[[Any], bool]] = {
    "release": _one_of(*RELEASES, None),
    "calls": _calls,
    "openapi_prefix": _one_of("", "/api"),
    "openapi_omits": _list_of(str),
    "unknown_method": _one_of("405", "404"),
    "missing_prefer": _one_of("ERR005", "ERR006", "accept"),
    "privileges_shape": _one_of("wrapped", "held", "list", "names"),
    "repository": lambda value: isinstance(value, (dict, list)),
    "locked_import": _one_of("fail", "refuse", "accept"),
    "unlock_status": _one_of(201, 204),
    "search_status": _one_of(200, 201),
    "searches_lost": _count,
    "longest_page": lambda value: value is None or (_count(value) and value > 0),
    "schema_reload": _one_of("task", "sync"),
    "schema_failure": _text_or_none,
    "locked_reload": _one_of("fail", "refuse", "accept"),
    "tasks_lost": _count,
    "pending_polls": _count,
    "idle_import": _one_of("accept", "fail", "refuse"),
    "session_cap": lambda value: value is None or _count(value),
    "status_case": _one_of("upper", "lower"),
    "missing_object": _one_of("404", "500", "500_ERR001"),
    "unloaded_project": _one_of("500", "404"),
    "second_holder": _one_of("refuse", "400", "500", "replace"),
    "status_refused": _one_of(None, 401, 403, 404),
    "missing_content": _one_of("fail", "refuse"),
    "definitions": _one_of("given", "none", "refused"),
    "missing_component": _one_of("accept", "fail", "refuse", "refuse_upload"),
    "certification_body": _one_of("any", "wrapped", "inner"),
    "tree_view": _one_of("string", "object"),
    "unknown_migration": _one_of("ERR006", "ERR004"),
    "error_codes": _one_of("padded", "prefixed"),
    "package_failure": _text_or_none,
    "import_failure": _failure,
    "undo_padding": _count,
    "undo_unseen": _count,
    "reversion_types": _list_of(int),
    "ignore_objects": _list_of(str),
    "balancer_cookies": _list_of(str),
    "session_cookie_attributes": _text_or_none,
    "clock_offset": _number,
    "rate_limit": _rate_limit,
    "web_version": _text,
    "iserver_version": _text,
}
for _field in fields(Settings):
    if _field.type == "bool":
        CHECKS[_field.name] = _flag
    elif _field.type == "float":
        CHECKS.setdefault(_field.name, _seconds)
