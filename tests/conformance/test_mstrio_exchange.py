# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages from one client to the other: what the collection exports mstrio-py imports, and the other way round.

Both see the same objects in them. The current release of mstrio-py finds objects by the double's searches.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from double_client import DEMO, TUTORIAL, YEAR, Double
from test_mstrio import run_import, wait_ready

# Where this checkout can be imported as Ansible does it; noxfile.py puts a link there.
TREE = Path(__file__).resolve().parents[2] / ".cache" / "tree"
CONTENT = [{"id": YEAR, "type": 12, "action": "replace", "includeDependents": True}]


@pytest.fixture(name="calls")
def functions(mstrio: Any) -> Any:
    assert mstrio
    return importlib.import_module("mstrio.api.migration")


def module(double: Double, name: str, **options: Any) -> dict[str, Any]:
    """Run a module of the collection as Ansible does."""
    given = {"base_url": double.base, "username": "administrator", "password": "library-demo", **options}
    done = subprocess.run(
        [sys.executable, "-m", f"ansible_collections.mstr.migration.plugins.modules.{name}"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": given}),
        env={**os.environ, "PYTHONPATH": str(TREE)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    result = dict(json.loads(done.stdout))
    assert not result.get("failed"), result
    return result


def as_seen(rows: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    return {(row["id"], row["version"], row["action"]) for row in rows}


def test_mstrio_imports_what_the_collection_exported(calls: Any, connect: Any, double: Double, tmp_path: Path) -> None:
    dest = tmp_path / "year.mmp"
    content = [{"id": YEAR, "type": "attribute", "include_dependents": True}]
    module(double, "mstr_package", project=TUTORIAL, type="project", content=content, dest=str(dest))
    manifest = json.loads((tmp_path / "year.mmp.manifest.json").read_text(encoding="utf-8"))
    target = connect(DEMO)
    package_id = calls.create_package_holder(target, project_id=DEMO).json()["id"]
    calls.upload_package(target, package_id, dest.read_bytes(), project_id=DEMO)
    held = wait_ready(calls, target, package_id, DEMO)
    assert as_seen(held["content"]) == as_seen(manifest["content"])
    calls.delete_package_holder(target, package_id, project_id=DEMO)
    run_import(calls, target, dest.read_bytes(), DEMO)
    versions = {key: item["version"] for key, item in double.objects(DEMO).items()}
    assert {row["id"] for row in manifest["content"]} <= set(versions)
    assert versions[YEAR] == double.objects(TUTORIAL)[YEAR]["version"]


def test_the_collection_imports_what_mstrio_exported(calls: Any, connect: Any, double: Double, tmp_path: Path) -> None:
    source = connect(TUTORIAL)
    body = {"type": "project", "settings": {"aclOnReplacingObjects": "replace", "defaultAction": "replace"}}
    package_id = calls.create_package_holder(source, project_id=TUTORIAL).json()["id"]
    calls.update_package_holder(source, {**body, "content": CONTENT}, package_id, project_id=TUTORIAL)
    held = wait_ready(calls, source, package_id, TUTORIAL)
    src = tmp_path / "year.mmp"
    src.write_bytes(calls.download_package(source, package_id, project_id=TUTORIAL).content)
    calls.delete_package_holder(source, package_id, project_id=TUTORIAL)
    module(double, "mstr_package", project=DEMO, src=str(src), manifest=True)
    manifest = json.loads((tmp_path / "year.mmp.manifest.json").read_text(encoding="utf-8"))
    assert as_seen(held["content"]) == as_seen(manifest["content"])
    done = module(double, "mstr_package_import", project=DEMO, src=str(src), history_dir=str(tmp_path / "history"))
    assert done["changed"]
    assert double.objects(DEMO)[YEAR]["version"] == double.objects(TUTORIAL)[YEAR]["version"]


def test_mstrio_finds_objects_by_the_searches_of_the_double(connect: Any, double: Double) -> None:
    management: Any = importlib.import_module("mstrio.object_management")
    types: Any = importlib.import_module("mstrio.types")
    connection = connect(TUTORIAL)
    public = next(item["id"] for item in double.objects(TUTORIAL).values() if item["name"] == "Public Objects")
    found = management.full_search(connection, project=TUTORIAL, object_types=types.ObjectTypes.ATTRIBUTE, root=public)
    assert [row["id"] for row in found] == [YEAR]
    needed = management.full_search(
        connection, project=TUTORIAL, used_by_object_id=YEAR, used_by_object_type=types.ObjectTypes.ATTRIBUTE
    )
    assert [row["name"] for row in needed] == ["LU_YEAR"]
