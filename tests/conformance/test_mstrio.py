# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole workflow with the calls of the vendor's own Python client, mstrio-py, as it is, in each tested release.

The double is as it is by itself, but that things take a while.
"""

from __future__ import annotations

import importlib
import inspect
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from double_client import ADMINISTRATOR, DEMO, TUTORIAL, YEAR, Double

Connect = Callable[[str | None], Any]


@pytest.fixture(name="calls")
def functions(mstrio: Any) -> Any:
    """Return the client's module with a function for each call."""
    assert mstrio
    return importlib.import_module("mstrio.api.migration")


def wait_ready(calls: Any, connection: Any, package_id: str, project: str | None) -> Any:
    """Poll as the client's documentation has it. :returns: the definition of the package"""
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        package = calls.get_package_holder(connection, package_id, project_id=project).json()
        if package["status"] == "ready":
            return package
        assert package["status"] == "processing"
    raise AssertionError("The package did not become ready.")


def run_import(calls: Any, connection: Any, data: bytes, project: str | None) -> bytes:
    """Upload, import with an undo package, release. :returns: the undo package"""
    package_id = calls.create_package_holder(connection, project_id=project).json()["id"]
    calls.upload_package(connection, package_id, data, project_id=project)
    wait_ready(calls, connection, package_id, project)
    started = calls.create_import(connection, package_id, project_id=project, generate_undo=True).json()
    limit = time.monotonic() + 10
    state = started
    while time.monotonic() < limit and not (state["status"] == "imported" and state["undoPackageCreated"]):
        state = calls.get_import(connection, started["id"], project_id=project).json()
        assert state["status"] in ("processing", "imported")
    undo = calls.create_undo(connection, started["id"], project_id=project).content
    # This order is the client's own: the package first.
    assert calls.delete_package_holder(connection, package_id, project_id=project).status_code == 202
    assert calls.delete_import(connection, started["id"], project_id=project).status_code == 202
    assert isinstance(undo, bytes)
    return undo


def build(calls: Any, connection: Any, body: dict[str, Any], project: str | None) -> bytes:
    package_id = calls.create_package_holder(connection, project_id=project).json()["id"]
    calls.update_package_holder(connection, body, package_id, project_id=project)
    package = wait_ready(calls, connection, package_id, project)
    assert [row["id"] for row in package["content"] if row["explicitIncluded"]] == [body["content"][0]["id"]]
    data = calls.download_package(connection, package_id, project_id=project).content
    calls.delete_package_holder(connection, package_id, project_id=project)
    assert isinstance(data, bytes)
    return data


def there_and_back(calls: Any, connect: Connect, double: Double) -> None:
    """Take objects from one project to the other, and take that back."""
    double.settings(import_duration=0.05, undo_delay=0.05, build_duration=0.02)
    source, destination = connect(TUTORIAL), connect(DEMO)
    body = {
        "type": "project",
        "settings": {"updateSchema": [], "aclOnReplacingObjects": "replace", "defaultAction": "replace"},
        "content": [{"id": YEAR, "name": "Year", "type": 12, "action": "replace", "includeDependents": True}],
    }
    data = build(calls, source, body, TUTORIAL)
    before = double.objects(DEMO)
    undo = run_import(calls, destination, data, DEMO)
    after = double.objects(DEMO)
    assert after[YEAR] == double.objects(TUTORIAL)[YEAR]
    assert len(after) == len(before) + 3
    run_import(calls, destination, undo, DEMO)
    assert double.objects(DEMO) == before


def test_from_project_to_project_and_back(calls: Any, connect: Connect, double: Double) -> None:
    there_and_back(calls, connect, double)


def test_api_token(calls: Any, mstrio: Any, connect: Any, double: Double) -> None:
    if "api_token" in inspect.signature(mstrio.Connection).parameters:
        there_and_back(calls, partial(connect, api_token="library-demo-token"), double)
    else:
        with pytest.raises(TypeError):
            connect(None, api_token="library-demo-token")


def test_configuration_package(calls: Any, connect: Connect, double: Double) -> None:
    connection = connect(None)
    body = {
        "type": "configuration",
        "settings": {"aclOnReplacingObjects": "replace", "defaultAction": "force_replace"},
        "content": [{"id": ADMINISTRATOR, "type": 34, "action": "force_replace", "includeDependents": False}],
    }
    data = build(calls, connection, body, None)
    delivered = double.objects("configuration")
    edited = double.put(ADMINISTRATOR, "configuration", name="Administrator, renamed")
    undo = run_import(calls, connection, data, None)
    assert double.objects("configuration") == delivered
    run_import(calls, connection, undo, None)
    assert double.objects("configuration")[ADMINISTRATOR] == edited


def test_sample_file_and_lost_session(calls: Any, connect: Connect, double: Double, samples: Path) -> None:
    connection = connect(DEMO)
    package_id = calls.create_package_holder(connection, project_id=DEMO).json()["id"]
    double.control("POST", "/expire-sessions")
    assert not connection.status()
    connection.token = None
    connection.connect()
    with pytest.raises(Exception, match="is not found"):
        calls.get_package_holder(connection, package_id, project_id=DEMO)
    run_import(calls, connection, (samples / "finance.mmp").read_bytes(), DEMO)
    assert {"Balance by Account", "LU_ACCOUNT"} <= {row["name"] for row in double.objects().values()}
