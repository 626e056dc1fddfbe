# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A seed that makes the server double answer as a server did; it holds nothing of that server but its ways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from report import Answers

from ansible_collections.mstr.migration.plugins.module_utils.rest.known import BY_NAME

# By point: the setting, and its value for an answer. Other answers leave the setting as it is.
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "status": ("status_refused", {"401": 401, "403": 403, "404": 404}),
    "cookies_needed": ("session_cookie_needed", {"200": False}),
    "python_application": (
        "python_application",
        {"accepted": True, "refused for constraint violations": False},
    ),
    "unknown_method": ("unknown_method", {"404": "404", "405": "405"}),
    "error_form": ("wrap_errors", {"in errors": True}),
    "error_codes": ("error_codes", {"ERR0015": "prefixed"}),
    "privileges": ("privileges_shape", {"a list": "list", "a list of names": "names"}),
    "metadata": ("repository", {"no": {"name": "metadata"}}),
    "status_words": ("status_case", {"upper": "upper"}),
    "second_package": ("second_holder", {"400 ERR006": "400", "500 ERR001": "500", "accepted": "replace"}),
    "prefer_missing": ("missing_prefer", {"400 ERR006": "ERR006", "accepted": "accept"}),
    "released_is_gone": ("delete_duration", {"deleting": 0.2}),
    "upload": ("upload_processing", {"200 processing": 0.1}),
    "import_progress": ("import_duration", {"some between": 0.5}),
    "undo_made": ("undo_delay", {"later": 0.5}),
    "undo_length": ("undo_length", {"no": False}),
    "dependents": ("list_dependents", {"not listed, or there are none": False}),
    "missing_content": ("missing_content", {"refused with 500": "refuse"}),
    "unlock": ("unlock_status", {"201": 201, "204": 204}),
}
# The double's calls for those that stand for several.
ALSO = {
    "packages": ("GET /packages/{}", "DELETE /packages/{}"),
    "imports": ("GET /packages/imports/{}", "DELETE /packages/imports/{}"),
    "searches": ("GET /metadataSearches/results",),
    "change_journal": ("GET /changeJournal/{}",),
    "schema_lock": ("POST /model/schema/lock", "DELETE /model/schema/lock"),
}


def settings_of(answers: Answers) -> dict[str, Any]:
    """Return the double's settings for what a server answered."""
    settings: dict[str, Any] = {name: text for name, text in answers.versions.items() if text}
    for point, (name, values) in SETTINGS.items():
        answer = answers.values.get(point)
        if answer in values:
            settings[name] = values[answer]
    if answers.values.get("undo_made") == "never":
        settings["undo_never"] = True
    if answers.values.get("idle_limit", "").isdigit():
        settings["session_timeout"] = int(answers.values["idle_limit"])
    missing = answers.values.get("missing_object") or answers.values.get("missing_configuration_object", "")
    if missing.startswith("500"):
        settings["missing_object"] = "500_ERR001" if missing == "500 ERR001" else "500"
    settings["calls"] = _calls(answers)
    return settings


def _calls(answers: Answers) -> dict[str, bool]:
    calls = {}
    for name, there in answers.calls.items():
        if there is not None:
            method, path = BY_NAME[name].key
            calls.update(dict.fromkeys((f"{method} {path}", *ALSO.get(name, ())), there))
    cache = answers.values.get("cache_path")
    if cache in ("cache", "caches and cache"):
        calls["DELETE /monitors/projects/{}/cache/{}"] = True
    return calls


def save(path: Path, answers: Answers) -> None:
    """Write the seed: its users, projects and objects are the double's own."""
    seed = {"extends": "built-in", "settings": settings_of(answers)}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(seed, indent=1) + "\n", encoding="utf-8")
