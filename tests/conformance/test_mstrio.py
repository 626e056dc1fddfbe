# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole workflow with the vendor's own Python client, mstrio-py, as it is.

It runs in an environment of its own that has mstrio-py. Where that is missing this is a failure, not a skip: the double
would then be unproven.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from double_client import ADMINISTRATOR, DEMO, TUTORIAL, YEAR, Double

LOGINS: dict[str, dict[str, Any]] = {
    "standard": {"username": "administrator", "password": "library-demo"},
    "api-token": {"api_token": "library-demo-token"},
}


@pytest.fixture(scope="module", name="mstrio")
def vendor_client() -> Any:
    try:
        importlib.import_module("mstrio")
    except ImportError as error:
        pytest.fail(f"mstrio-py must be installed for this test: {error}")
    connection: Any = importlib.import_module("mstrio.connection")
    connection.migration = importlib.import_module("mstrio.api.migration")
    return connection


@pytest.fixture(params=LOGINS, name="connect")
def connecting(request: pytest.FixtureRequest, mstrio: Any, double: Double) -> Iterator[Any]:
    """Opens connections, and closes them afterwards."""
    opened = []

    def connect(project: str | None) -> Any:
        connection = mstrio.Connection(double.base, project_id=project, verbose=False, **LOGINS[request.param])
        opened.append(connection)
        return connection

    yield connect
    for connection in opened:
        connection.close()
    state = double.state()
    assert state["sessions"] == state["packages"] == state["imports"] == []


def wait_ready(migration: Any, connection: Any, package_id: str, project: str | None) -> Any:
    """Poll as the client's documentation has it. :returns: the definition of the package"""
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        package = migration.get_package_holder(connection, package_id, project_id=project).json()
        if package["status"] == "ready":
            return package
        assert package["status"] == "processing"
    raise AssertionError("The package did not become ready.")


def run_import(migration: Any, connection: Any, data: bytes, project: str | None) -> bytes:
    """Upload, import with an undo package, release. :returns: the undo package"""
    package_id = migration.create_package_holder(connection, project_id=project).json()["id"]
    migration.upload_package(connection, package_id, data, project_id=project)
    wait_ready(migration, connection, package_id, project)
    started = migration.create_import(connection, package_id, project_id=project, generate_undo=True).json()
    limit = time.monotonic() + 10
    state = started
    while time.monotonic() < limit and not (state["status"] == "imported" and state["undoPackageCreated"]):
        state = migration.get_import(connection, started["id"], project_id=project).json()
        assert state["status"] in ("processing", "imported")
    undo = migration.create_undo(connection, started["id"], project_id=project).content
    # This order is the client's own: the package first.
    assert migration.delete_package_holder(connection, package_id, project_id=project).status_code == 202
    assert migration.delete_import(connection, started["id"], project_id=project).status_code == 202
    assert isinstance(undo, bytes)
    return undo


def build(migration: Any, connection: Any, body: dict[str, Any], project: str | None) -> bytes:
    package_id = migration.create_package_holder(connection, project_id=project).json()["id"]
    migration.update_package_holder(connection, body, package_id, project_id=project)
    package = wait_ready(migration, connection, package_id, project)
    assert [row["id"] for row in package["content"] if row["explicitIncluded"]] == [body["content"][0]["id"]]
    data = migration.download_package(connection, package_id, project_id=project).content
    migration.delete_package_holder(connection, package_id, project_id=project)
    assert isinstance(data, bytes)
    return data


def test_from_project_to_project_and_back(mstrio: Any, connect: Any, double: Double) -> None:
    double.settings(status_case="lower", import_duration=0.05, undo_delay=0.05, build_duration=0.02)
    source, destination = connect(TUTORIAL), connect(DEMO)
    body = {
        "type": "project",
        "settings": {"updateSchema": [], "aclOnReplacingObjects": "replace", "defaultAction": "replace"},
        "content": [{"id": YEAR, "name": "Year", "type": 12, "action": "replace", "includeDependents": True}],
    }
    data = build(mstrio.migration, source, body, TUTORIAL)
    before = double.objects(DEMO)
    undo = run_import(mstrio.migration, destination, data, DEMO)
    after = double.objects(DEMO)
    assert after[YEAR] == double.objects(TUTORIAL)[YEAR]
    assert len(after) == len(before) + 3
    run_import(mstrio.migration, destination, undo, DEMO)
    assert double.objects(DEMO) == before


def test_configuration_package(mstrio: Any, connect: Any, double: Double) -> None:
    double.settings(status_case="lower")
    connection = connect(None)
    body = {
        "type": "configuration",
        "settings": {"aclOnReplacingObjects": "replace", "defaultAction": "force_replace"},
        "content": [{"id": ADMINISTRATOR, "type": 34, "action": "force_replace", "includeDependents": False}],
    }
    data = build(mstrio.migration, connection, body, None)
    delivered = double.objects("configuration")
    edited = double.put(ADMINISTRATOR, "configuration", name="Administrator, renamed")
    undo = run_import(mstrio.migration, connection, data, None)
    assert double.objects("configuration") == delivered
    run_import(mstrio.migration, connection, undo, None)
    assert double.objects("configuration")[ADMINISTRATOR] == edited


def test_sample_file_and_lost_session(mstrio: Any, connect: Any, double: Double, samples: Path) -> None:
    double.settings(status_case="lower")
    connection = connect(DEMO)
    package_id = mstrio.migration.create_package_holder(connection, project_id=DEMO).json()["id"]
    double.control("POST", "/expire-sessions")
    assert not connection.status()
    connection.token = None
    connection.connect()
    with pytest.raises(Exception, match="is not found"):
        mstrio.migration.get_package_holder(connection, package_id, project_id=DEMO)
    run_import(mstrio.migration, connection, (samples / "finance.mmp").read_bytes(), DEMO)
    assert {"Balance by Account", "LU_ACCOUNT"} <= {row["name"] for row in double.objects().values()}
