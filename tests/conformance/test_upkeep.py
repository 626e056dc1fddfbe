# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done around an import: the schema is reloaded, caches are purged, projects are idled, users are listed."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from double_client import ASYNC, DEMO, TUTORIAL, Client, Double, Packages, wait_until
from test_calls import ROW, refused

EVERY_TYPE = ["table_key", "entry_level", "logical_size"]
NODES = [{"name": "one", "default": True}, {"name": "two"}]


def reload(client: Client, types: Any = (), **options: Any) -> requests.Response:
    return client.post("/model/schema/reload", json={"updateTypes": list(types)}, **options)


def reloads(double: Double) -> int:
    return int(double.control("GET", "/upkeep")["schema_reloads"][DEMO])


def task(client: Client, task_id: str) -> dict[str, Any]:
    answer = client.get(f"/model/tasks/{task_id}")
    assert answer.status_code == 200
    return dict(answer.json())


# The schema [page "Manage the schema"]


def test_a_schema_is_reloaded_at_once(double: Double) -> None:
    client = double.login()
    answer = reload(client, EVERY_TYPE)
    assert (answer.status_code, answer.content) == (201, b"")
    assert reloads(double) == 1
    assert reload(client).status_code == 201
    assert reloads(double) == 2


def test_a_schema_is_reloaded_by_a_task(double: Double) -> None:
    double.settings(schema_duration=0.3)
    client = double.login()
    answer = reload(client, headers=ASYNC)
    assert answer.status_code == 202
    begun = answer.json()
    assert (begun["task"], begun["status"]) == ("reloadSchema", "running")
    assert task(client, begun["id"])["status"] == "running"
    ended = wait_until(lambda: (seen := task(client, begun["id"]))["status"] != "running" and seen, "the reload")
    assert ended["status"] == "completed"
    assert ended["startTime"] <= ended["endTime"]
    assert reloads(double) == 1


def test_some_servers_reload_at_once_whatever_is_asked_for(double: Double) -> None:
    double.settings(schema_reload="sync")
    assert reload(double.login(), headers=ASYNC).status_code == 201
    assert reloads(double) == 1


def test_a_reload_can_fail_and_say_why(double: Double) -> None:
    double.settings(schema_failure="A table has no key.")
    client = double.login()
    begun = reload(client, headers=ASYNC).json()
    ended = wait_until(lambda: (seen := task(client, begun["id"]))["status"] != "running" and seen, "the reload")
    assert ended["status"] == "failed"
    assert [error["message"] for error in ended["errors"]] == ["A table has no key."]
    refused(reload(client), 500, "ERR002")
    assert reloads(double) == 0


def test_a_task_can_be_lost(double: Double) -> None:
    double.settings(tasks_lost=1)
    client = double.login()
    refused(client.get(f"/model/tasks/{reload(client, headers=ASYNC).json()['id']}"), 404, "ERR004")
    again = reload(client, headers=ASYNC).json()
    wait_until(lambda: task(client, again["id"])["status"] == "completed", "the second reload")
    assert reloads(double) == 1


@pytest.mark.parametrize("body", [{}, {"updateTypes": None}, {"updateTypes": ["all"]}, []])
def test_a_reload_names_what_is_updated(double: Double, body: Any) -> None:
    refused(double.login().post("/model/schema/reload", json=body), 400, "ERR006")


def test_a_reload_needs_a_project(double: Double) -> None:
    refused(reload(double.login(project=None)), 400, "ERR006")


@pytest.mark.parametrize("kind", ["fail", "refuse", "accept"])
def test_a_locked_schema_is_reloaded_or_not(double: Double, kind: str) -> None:
    double.settings(locked_reload=kind)
    double.control("PUT", f"/schema-locks/{DEMO}", {"lockType": "exclusive_constituent"})
    client = double.login()
    answer = reload(client, headers=ASYNC)
    if kind == "refuse":
        refused(answer, 400, "ERR006")
        return
    ended = {"fail": "failed", "accept": "completed"}[kind]
    wait_until(lambda: task(client, answer.json()["id"])["status"] == ended, "the reload")


# Caches


def test_caches_of_a_kind_are_purged_in_a_project(double: Double) -> None:
    client = double.login(project=None)
    for kind in ("element", "object"):
        assert client.delete(f"/monitors/projects/{DEMO}/caches/{kind}").status_code == 204
    assert double.control("GET", "/upkeep")["caches_purged"] == {DEMO: ["element", "object"], TUTORIAL: []}
    refused(client.delete(f"/monitors/projects/{DEMO}/caches/other"), 400, "ERR006")
    refused(client.delete(f"/monitors/projects/{'0' * 32}/caches/object"), 400, "ERR006")
    # The vendor's page writes the path so, too.
    refused(client.delete(f"/monitors/projects/{DEMO}/cache/object"), 404, "ERR004")
    double.settings(calls={"DELETE /monitors/projects/{id}/cache/{kind}": True})
    assert client.delete(f"/monitors/projects/{DEMO}/cache/object").status_code == 204


def test_purging_wants_a_privilege(double: Double) -> None:
    refused(double.login("viewer").delete(f"/monitors/projects/{DEMO}/caches/object"), 403, "ERR017")


# The state of projects


def states(client: Client, project: str = DEMO) -> dict[str, str]:
    nodes = client.get("/monitors/iServer/nodes", params={"projects.id": project}).json()["nodes"]
    return {node["name"]: node["projects"][0]["status"] for node in nodes}


def change(client: Client, node: str, status: str) -> requests.Response:
    body = {"operationList": [{"op": "replace", "path": "/status", "value": status}]}
    return client.call("PATCH", f"/monitors/iServer/nodes/{node}/projects/{DEMO}", json=body)


def test_a_project_changes_its_state_on_one_node_a_while_later(double: Double) -> None:
    double.control("PUT", "/nodes", NODES)
    double.settings(pending_polls=2)
    client = double.login(project=None)
    answer = change(client, "two", "full_idle")
    assert (answer.status_code, answer.json()["project"]["status"]) == (202, "pending")
    seen = [states(client)["two"] for _look in range(3)]
    assert seen == ["full_idle_pending", "full_idle_pending", "full_idle"]
    assert states(client)["one"] == "loaded"
    refused(change(client, "three", "full_idle"), 404, "ERR004")
    refused(change(client, "one", "asleep"), 400, "ERR006")


def test_a_project_changes_its_state_on_all_nodes_that_run(double: Double) -> None:
    double.control("PUT", "/nodes", [*NODES, {"name": "three", "status": "stopped"}])
    client = double.login(project=None)
    answer = client.call("PATCH", "/monitors/projects/status", params={"projectId": DEMO}, json={"status": "full_idle"})
    assert answer.status_code == 202
    assert states(client) == {"one": "full_idle", "two": "full_idle", "three": "unloaded"}
    assert states(client, TUTORIAL)["one"] == "loaded"
    unknown = {"projectId": "0" * 32}
    refused(client.call("PATCH", "/monitors/projects/status", params=unknown, json={"status": "loaded"}), 404, "ERR004")


def test_the_number_of_the_state_may_show_among_the_projects(double: Double) -> None:
    client = double.login(project=None)
    change(client, "node1", "full_idle")
    numbers = {project["id"]: project["status"] for project in client.get("/projects").json()}
    assert numbers == {TUTORIAL: 0, DEMO: 3}
    double.settings(idle_shown=False)
    assert {project["status"] for project in client.get("/projects").json()} == {0}


def test_changing_the_state_wants_a_privilege(double: Double) -> None:
    client = double.login("creator")
    refused(change(client, "node1", "full_idle"), 403, "ERR017")
    answer = client.call("PATCH", "/monitors/projects/status", params={"projectId": DEMO}, json={"status": "full_idle"})
    refused(answer, 403, "ERR017")


@pytest.mark.parametrize("kind", ["accept", "fail", "refuse"])
def test_an_import_into_an_idle_project(double: Double, packages: Packages, kind: str) -> None:
    double.settings(idle_import=kind)
    client = double.login()
    change(client, "node1", "full_idle")
    package_id = client.stage(packages.make([ROW]))
    answer = client.start_import(package_id)
    if kind == "refuse":
        refused(answer, 500, "ERR002")
    else:
        assert client.finish(answer.json()["id"])["status"] == {"accept": "imported", "fail": "failed"}[kind]
    assert double.control("GET", "/upkeep")["imported_while"] == [{"node1": "full_idle"}]


# Users


def test_who_is_connected_to_a_project(double: Double) -> None:
    double.control("PUT", "/connections", [{"username": "jane", "projectId": DEMO}, {"username": "joe"}])
    client = double.login()
    client.create()
    rows = client.get("/monitors/userConnections", params={"projectId": DEMO}).json()["userConnections"]
    assert sorted(row["username"] for row in rows) == ["administrator", "jane"]
    paged = client.get("/monitors/userConnections", params={"offset": "1", "limit": "1"})
    assert len(paged.json()["userConnections"]) == 1
    assert paged.headers["X-MSTR-Total-Count"] == "3"
    refused(double.login("viewer").get("/monitors/userConnections"), 403, "ERR017")
