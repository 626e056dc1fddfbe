# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sample packages: enough kinds to try everything with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mstr_double.ids import derived_id
from mstr_double.package_spec import write_package
from mstr_double.seed import YEAR
from mstr_double.store import ADMINISTRATOR

PAGE_SETTINGS = {
    "updateSchema": ["recal_table_logical_size", "recal_table_keys_fact_entry_level"],
    "aclOnReplacingObjects": "use_existing",
    "aclOnNewObjects": ["keep_acl_as_source_object"],
    "defaultAction": "replace",
}


def sample_id(name: str, kind: int) -> str:
    """The id of an object of the samples."""
    return derived_id("sample", name, kind)


def _row(name: str, kind: int, *needs: tuple[str, int], edition: int = 1, **more: Any) -> dict[str, Any]:
    """A row; a higher edition is the same object, edited later."""
    row = {
        "id": sample_id(name, kind),
        "name": name,
        "type": kind,
        "version": derived_id("sample version", name, kind, edition),
        "dateCreated": "2023-01-09T08:00:00.000+0000",
        "dateModified": f"2023-{edition + 1:02d}-01T12:00:00.000+0000",
        "depends_on": [sample_id(*need) for need in needs],
        "definition": {"note": name, "edition": edition},
    }
    row.update(more)
    return row


YEAR_ROW = {
    "id": YEAR,
    "name": "Year",
    "type": 12,
    "version": "2215B50211EB7C9D8F150080EF651EEA",
    "dateCreated": "2001-01-02T20:48:10.000+0000",
    "dateModified": "2021-03-04T03:53:09.000+0000",
    "owner": ADMINISTRATOR,
    "action": "replace",
}

FINANCE = [
    _row("Finance", 8),
    _row("LU_ACCOUNT", 15),
    _row("Account", 12, ("LU_ACCOUNT", 15)),
    _row("Amount", 13, ("LU_ACCOUNT", 15)),
    _row("Total Amount", 4, ("Amount", 13), folder=sample_id("Finance", 8)),
    _row("Average Amount", 4, ("Amount", 13), folder=sample_id("Finance", 8)),
    _row("Open Accounts", 1, ("Account", 12), folder=sample_id("Finance", 8)),
    _row(
        "Balance by Account",
        3,
        ("Account", 12),
        ("Total Amount", 4),
        ("Average Amount", 4),
        ("Open Accounts", 1),
        folder=sample_id("Finance", 8),
    ),
]

SAMPLES: dict[str, tuple[str, dict[str, Any]]] = {
    "year": (
        "the package of the vendor's import page",
        {"type": "project", "settings": PAGE_SETTINGS, "content": [YEAR_ROW]},
    ),
    "finance": (
        "objects of seven types, a folder (8) and a table (15) among them",
        {"type": "project", "settings": PAGE_SETTINGS, "content": FINANCE},
    ),
    "inc1": (
        "first increment: Region, Store and Manager",
        {"type": "project", "content": [_row("Region", 12), _row("Store", 12), _row("Manager", 12)]},
    ),
    "inc2": (
        "second increment: a later Store, and District",
        {"type": "project", "content": [_row("Store", 12, edition=2), _row("District", 12)]},
    ),
    "inc3": (
        "third increment: a still later Store, a later Manager",
        {"type": "project", "content": [_row("Store", 12, edition=3), _row("Manager", 12, edition=2)]},
    ),
    "users": (
        "a configuration package: two user groups and a security role",
        {
            "type": "configuration",
            "content": [
                _row("Finance Readers", 34, subtype=8705),
                _row("Finance Writers", 34, ("Finance Readers", 34), subtype=8705),
                _row("Finance Role", 44),
            ],
        },
    ),
    "keep_both": (
        "a later Region and Total Amount, beside what is there",
        {
            "type": "project",
            "settings": {"defaultAction": "keep_both"},
            "content": [_row("Region", 12, edition=2), _row("Total Amount", 4, ("Amount", 13), edition=2)],
        },
    ),
    "project_security": (
        "links of a user to roles and filters of the project",
        {
            "type": "project_security",
            "content": [
                {
                    "id": ADMINISTRATOR,
                    "name": "Administrator",
                    "type": 34,
                    "action": "replace",
                    "definition": {"securityRoles": ["Analyst"], "securityFilters": []},
                }
            ],
        },
    ),
    "delete": (
        "deletes the report of finance",
        {"type": "project", "content": [dict(FINANCE[-1], action="delete")]},
    ),
}


def write_samples(directory: Path) -> list[tuple[Path, int, str]]:
    """Write all samples. :returns: for each the path, the number of objects and what it is"""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, (note, spec) in SAMPLES.items():
        path = directory / f"{name}.mmp"
        write_package(spec, path)
        written.append((path, len(spec["content"]), note))
    return written
