# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which calls a version of the server has, and its own description of them, ``openapi.yaml``.

Versions are those of the Intelligence Server: 2021 Update 2 is 11.3.0200, 2024 is 11.4, 2026 is 11.6. Where no document
says since when a call is there, the comment says that it is a guess; the setting ``calls`` decides otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mstr_double.settings import Settings

Version = tuple[int, ...]
NEVER: Version = (99,)

# The least version that has a call; those that are not named are older than all that are played.
SINCE: dict[tuple[str, str], Version] = {
    # A guess: the pages name no version, and the vendor's client asks without looking at one.
    ("GET", "/configurations/repository"): (11, 4, 0),
    # Seen on a server of 2026 alone.
    ("GET", "/openapi.yaml"): (11, 6, 0),
    ("GET", "/projects/{}/lock"): (11, 3, 600),
    ("PUT", "/projects/{}/lock"): (11, 3, 600),
    ("DELETE", "/projects/{}/lock"): (11, 3, 600),
    ("GET", "/iserver/lock"): (11, 3, 600),
    ("PUT", "/iserver/lock"): (11, 3, 600),
    ("DELETE", "/iserver/lock"): (11, 3, 600),
    ("PATCH", "/monitors/projects/status"): (11, 5, 500),
    ("GET", "/model/schema/lock"): (11, 3, 100),
    ("POST", "/model/schema/lock"): (11, 3, 100),
    ("DELETE", "/model/schema/lock"): (11, 3, 100),
    ("POST", "/model/schema/reload"): (11, 3, 100),
    ("GET", "/model/tasks/{}"): (11, 3, 100),
    ("GET", "/model/filters/{}"): (11, 3, 0),
    **{("GET", "/model/%s/{}" % kind): (11, 3, 100) for kind in ("attributes", "facts", "tables")},
    **{("GET", "/model/%s/{}" % kind): (11, 3, 100) for kind in ("prompts", "securityFilters")},
    **{("GET", "/model/%s/{}" % kind): (11, 3, 200) for kind in ("hierarchies", "customGroups", "consolidations")},
    **{
        ("GET", "/model/%s/{}" % kind): (11, 3, 500)
        for kind in ("metrics", "transformations", "subtotals", "formulas", "cubes")
    },
    ("GET", "/model/drillMaps/{}"): (11, 3, 600),
    **{("GET", "/model/%s/{}" % kind): (11, 3, 700) for kind in ("reports", "datamarts")},
    ("DELETE", "/monitors/projects/{}/caches/{}"): (11, 3, 800),
    # The vendor's page writes the path so in one place.
    ("DELETE", "/monitors/projects/{}/cache/{}"): NEVER,
    ("POST", "/changeJournal"): (11, 4, 900),
    ("GET", "/changeJournal/{}"): (11, 4, 900),
    ("POST", "/packages"): (11, 3, 200),
    ("GET", "/packages/{}/objects"): (11, 3, 300),
    ("POST", "/metadataSearches/results"): (11, 3, 0),
    ("GET", "/metadataSearches/results"): (11, 3, 0),
    ("POST", "/v2/metadataSearches/results"): (11, 4, 1200),
    ("GET", "/searchObjects/{}/results"): (11, 3, 100),
    ("GET", "/searchObjects/{}"): (11, 4, 1200),
    ("POST", "/searches/objects"): (11, 3, 1160),
}
# Whole families of calls, by how their paths begin.
FAMILIES: dict[str, Version] = {
    "/packages": (11, 3, 200),
    "/migrations": (11, 3, 600),
    "/mstrServices/library/storage": (11, 3, 700),
}


def number_of(version: str) -> Version:
    """The first three numbers of a version: those behind them count builds, and some end in a letter."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def form_of(path: str) -> str:
    """A path without the names of its parameters, which differ between documents."""
    return re.sub(r"{[^}]*}", "{}", path)


def has_call(settings: Settings, method: str, path: str) -> bool:
    """Whether a server with these settings has a call."""
    form = form_of(path)
    for name, there in settings.calls.items():
        given_method, _space, given_path = name.partition(" ")
        if (given_method, form_of(given_path)) == (method, form):
            return bool(there)
    since = SINCE.get((method, form))
    if since is None:
        since = next((least for start, least in FAMILIES.items() if form.startswith(start)), ())
    return number_of(settings.iserver_version) >= since


def openapi(settings: Settings, calls: Iterable[tuple[str, str]]) -> str:
    """The server's own description of its calls, as short as it may be.

    :param calls: methods and paths of the calls that the server has
    """
    paths: dict[str, list[str]] = {}
    for method, path in calls:
        if not any(path.startswith(start) for start in settings.openapi_omits):
            paths.setdefault(path, []).append(method.lower())
    lines = ["openapi: 3.0.1", "info:", "  title: Library REST API", '  version: "11"', "paths:"]
    for path in sorted(paths):
        lines.append(f"  {settings.openapi_prefix}{path}:")
        for method in sorted(paths[path]):
            lines += [
                f"    {method}:",
                "      responses:",
                '        "200":',
                "          description: |",
                "            OK",
            ]
    lines += ["components:", "  schemas:", "    Anything:", "      type: object"]
    return "\n".join(lines) + "\n"
