# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server says of itself: versions and their calls, the metadata behind it, users, locks, nodes."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from double_client import ADMINISTRATOR, ASYNC, DEMO, PROGRAM, TUTORIAL, Client, Double, Packages, Program, run
from test_calls import ROW, refused

NO_SUCH_CALL = "HTTP 404 Not Found"
RELEASES = ("2021-update-2", "2024", "2026")
LOCK = {"lockType": "permanent_individual", "lockId": "mine"}


def lacks(client: Client, method: str, path: str) -> bool:
    """Whether this version lacks a call, as the vendor's client tells it."""
    answer = client.call(method, path)
    if answer.headers.get("Content-Type", "").startswith("application/json") and isinstance(answer.json(), dict):
        return answer.json().get("message") in (NO_SUCH_CALL, "HTTP 405 Method Not Allowed")
    return False


# Versions


@pytest.mark.parametrize(
    ("method", "path", "having"),
    [
        ("POST", "/packages", RELEASES),
        ("GET", f"/packages/x/objects?id={'0' * 32}", ("2024", "2026")),
        ("GET", f"/projects/{TUTORIAL}/lock", ("2024", "2026")),
        ("GET", "/configurations/repository", ("2024", "2026")),
        ("GET", "/model/schema/lock", RELEASES),
        ("POST", "/changeJournal", ("2026",)),
        ("POST", "/v2/metadataSearches/results", ("2026",)),
        ("PATCH", "/monitors/projects/status", ("2026",)),
        ("GET", "/migrations", ("2024", "2026")),
        ("GET", "/monitors/iServer/nodes", RELEASES),
        ("GET", "/openapi.yaml", ("2026",)),
    ],
)
@pytest.mark.parametrize("release", RELEASES)
def test_a_version_has_the_calls_of_its_time(
    double: Double, release: str, method: str, path: str, having: tuple[str, ...]
) -> None:
    double.settings(release=release)
    client = double.login(project=TUTORIAL)
    assert lacks(client, method, path) == (release not in having)


def test_single_calls_can_be_taken_from_a_version_and_given_to_it(double: Double) -> None:
    double.settings(release="2024", calls={"GET /projects/{id}/lock": False, "GET /openapi.yaml": True})
    client = double.login()
    refused(client.get(f"/projects/{DEMO}/lock"), 405, "ERR001")
    assert client.get("/openapi.yaml").status_code == 200
    double.control("PATCH", "/settings", {"calls": {"lock": False}}, status=400)


def test_a_method_that_is_not_there_may_look_like_a_path_that_is_not(double: Double) -> None:
    client = double.login()
    refused(client.get("/packages"), 405, "ERR001")
    double.settings(unknown_method="404")
    assert refused(client.get("/packages"), 404, "ERR004")["message"] == NO_SUCH_CALL


def test_the_older_versions_do_not_know_programs_in_python(double: Double) -> None:
    fields = {"username": "administrator", "password": "library-demo", "applicationType": 76}
    for release, status in (("2021-update-2", 400), ("2024", 400), ("2026", 204)):
        double.settings(release=release)
        assert Client(double, None).post("/auth/login", json=fields).status_code == status


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_openapi(double: Double, prefix: str) -> None:
    double.settings(openapi_prefix=prefix, openapi_omits=["/model"], calls={"POST /changeJournal": False})
    answer = double.login().get("/openapi.yaml")
    assert answer.headers["Content-Type"] == "application/yaml"
    paths = yaml.safe_load(answer.text)["paths"]
    assert f"{prefix}/packages/{{package_id}}" in paths
    assert f"{prefix}/changeJournal" not in paths
    assert not any("/model" in path or "openapi" in path for path in paths)
    assert list(paths[f"{prefix}/packages/imports"]) == ["post"]


def test_what_is_known_by_name_only_is_never_said_to_be_done(double: Double) -> None:
    client = double.login()
    assert client.post("/searches/objects", json={}).status_code == 501
    refused(client.get("/folders/" + "0" * 32), 404, "ERR004")
    message = refused(client.get("/metadataSearches/results?searchId=x"), 404, "ERR004")["message"]
    assert message == "Object does not exist in the history list"


# The metadata, the user


def test_the_metadata_behind_an_address_can_be_another_one(double: Double) -> None:
    client = double.login()
    one = client.get("/configurations/repository").json()
    assert one["id"]
    double.settings(repository={"name": "copy"})
    assert client.get("/configurations/repository").json() == {"name": "copy"}
    double.reset()
    assert double.login().get("/configurations/repository").json() == one


def test_who_is_logged_in(double: Double) -> None:
    about = double.login().get("/sessions/userInfo").json()
    assert about == {"id": ADMINISTRATOR, "fullName": "Administrator", "initials": "A"}
    assert double.login("viewer").get("/sessions/userInfo").json()["fullName"] == "viewer"


def privileges(answer: Any) -> dict[str, bool]:
    return {row["name"]: row["isUserLevelAllowed"] for row in answer.json()["privileges"]}


def test_privileges(double: Double) -> None:
    assert all(privileges(double.login().get("/sessions/privileges")).values())
    creator = double.login("creator")
    assert [name for name, held in privileges(creator.get("/sessions/privileges")).items() if held] == [
        "Create package"
    ]
    double.settings(privileges_shape="names")
    assert creator.get("/sessions/privileges").json() == ["Create package"]
    double.settings(privileges_shape="held")
    assert len(creator.get("/sessions/privileges").json()["privileges"]) == 1
    double.settings(privileges_shape="list")
    assert isinstance(creator.get("/sessions/privileges").json(), list)


def test_a_privilege_can_hold_in_one_project_only(double: Double) -> None:
    double.control("PATCH", "/users/viewer", {"project_privileges": {DEMO: ["create_package"]}})
    client = double.login("viewer", DEMO)
    (row,) = [row for row in client.get("/sessions/privileges").json()["privileges"] if row["name"] == "Create package"]
    assert row["isUserLevelAllowed"] is False
    assert {project["id"]: project["isAllowed"] for project in row["projects"]} == {DEMO: True, TUTORIAL: False}
    client.create()
    refused(double.login("viewer", TUTORIAL).post("/packages"), 403, "ERR017")
    double.control("PATCH", "/users/nobody", {}, status=404)
    double.control("PATCH", "/users/viewer", {"password": "x"}, status=400)


# Locks


@pytest.mark.parametrize("path", [f"/projects/{DEMO}/lock", "/iserver/lock"])
def test_lock(double: Double, path: str) -> None:
    client = double.login()
    assert client.get(path).json() == {"lockType": "not_locked"}
    refused(client.put(path, json={"lockType": "permanent_individual"}), 400, "ERR005")
    assert client.put(path, json=LOCK).status_code == 204
    shown = client.get(path).json()
    assert shown["owner"] == {"id": ADMINISTRATOR, "name": "Administrator"}
    assert {"lockTime", "comment", "machineName"} <= set(shown)
    refused(double.login().put(path, json=LOCK), 400, "ERR006")
    refused(client.delete(path, params={"lockType": LOCK["lockType"], "lockId": "other"}), 400, "ERR006")
    # It outlives its session.
    client.post("/auth/logout")
    client = double.login()
    assert client.get(path).json()["lockType"] == "permanent_individual"
    assert client.delete(path, params={"lockId": "mine"}).status_code == 204
    refused(client.delete(path, params={"force": "true"}), 400, "ERR006")


def test_a_temporal_lock_ends_with_its_session(double: Double) -> None:
    client, path = double.login(), f"/projects/{DEMO}/lock"
    client.put(path, json={"lockType": "temporal_individual", "lockId": "1"})
    other = double.login()
    assert other.get(path).json()["lockType"] == "temporal_individual"
    client.post("/auth/logout")
    assert other.get(path).json()["lockType"] == "not_locked"


@pytest.mark.parametrize("what", ["fail", "refuse", "accept"])
def test_import_into_a_locked_project(double: Double, packages: Packages, what: str) -> None:
    double.settings(locked_import=what)
    lock = {"lockType": "permanent_individual", "owner": {"id": "1", "name": "Somebody"}, "machineName": "desk"}
    double.control("PUT", f"/locks/{DEMO}", lock)
    client = double.login()
    package_id = client.stage(packages.make([ROW]))
    answer = client.start_import(package_id)
    if what == "refuse":
        assert "locked by Somebody on desk" in refused(answer, 500, "ERR002")["message"]
        return
    state = client.finish(answer.json()["id"])
    assert (state["status"], ROW["id"] in double.objects()) == (
        ("failed", False) if what == "fail" else ("imported", True)
    )
    # Taken away, or one's own, it is in nobody's way.
    double.control("DELETE", f"/locks/{DEMO}")
    client.put(f"/projects/{DEMO}/lock", json={"lockType": "temporal_individual", "lockId": "1"})
    assert client.finish(client.start_import(package_id).json()["id"])["status"] == "imported"


def test_schema_lock(double: Double) -> None:
    client = double.login()
    assert client.get("/model/schema/lock").json() == {"lockType": "none"}
    assert client.post("/model/schema/lock", json={"lockType": "absolute_individual"}).status_code == 201
    refused(client.post("/model/schema/lock", json={"lockType": "absolute_individual"}), 400, "ERR006")
    shown = client.get("/model/schema/lock").json()
    assert (shown["lockType"], shown["ownerId"]) == ("absolute_individual", ADMINISTRATOR)
    assert {"dateCreated", "comment", "machineName", "ownerName"} <= set(shown)
    assert client.delete("/model/schema/lock", params={"lockType": "absolute_individual"}).status_code == 201
    double.settings(unlock_status=204)
    assert client.delete("/model/schema/lock").status_code == 204
    double.control("PUT", f"/schema-locks/{DEMO}", {"lockType": "exclusive_constituent"})
    assert client.get("/model/schema/lock").json()["lockType"] == "exclusive_constituent"
    refused(double.login(project=None).get("/model/schema/lock"), 400, "ERR006")


# Nodes, sessions


def test_nodes(double: Double) -> None:
    client = double.login()
    (node,) = client.get("/monitors/iServer/nodes").json()["nodes"]
    assert (node["name"], node["status"], len(node["projects"])) == ("node1", "running", 2)
    nodes = [{"name": "one", "projects": {DEMO: "unloaded"}}, {"name": "two"}, {"name": "three", "status": "stopped"}]
    double.control("PUT", "/nodes", nodes)
    shown = client.get("/monitors/iServer/nodes", params={"projects.id": DEMO}).json()["nodes"]
    assert [(node["name"], node["projects"][0]["status"]) for node in shown] == [
        ("one", "unloaded"),
        ("two", "loaded"),
        ("three", "unloaded"),
    ]
    assert len(client.get("/monitors/iServer/nodes?name=two").json()["nodes"]) == 1
    refused(double.login("creator").get("/monitors/iServer/nodes"), 403, "ERR017")
    double.control("PUT", "/nodes", [{"title": "x"}], status=400)


def test_the_cap_of_sessions_in_a_project(double: Double) -> None:
    double.settings(session_cap=1)
    first, second = double.login(), double.login()
    first.create()
    body = refused(second.post("/packages"), 500, "ERR001")
    assert body["iServerCode"] == -2147072486
    second.project = TUTORIAL
    second.create()
    first.post("/auth/logout")
    second.project = DEMO
    refused(second.post("/packages"), 409, "ERR015")


def test_what_sessions_and_calls_need_differs(double: Double) -> None:
    client = double.login()
    package_id = client.create()
    assert client.call("DELETE", f"/packages/{package_id}").json()["code"] == "ERR005"
    double.settings(missing_prefer="ERR006")
    assert client.call("DELETE", f"/packages/{package_id}").json()["code"] == "ERR006"
    double.settings(missing_prefer="accept", session_cookie_needed=False)
    client.http.cookies.clear()
    assert client.call("DELETE", f"/packages/{package_id}").status_code == 202
    assert ASYNC["Prefer"] not in client.http.headers.values()


def test_a_seed_can_extend_the_built_in_one(tmp_path: Path) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps({"extends": "built-in", "settings": {"release": "2024"}}), encoding="utf-8")
    program = Program("--seed", seed)
    try:
        double = Double(program.base)
        assert DEMO in [project["id"] for project in double.login().get("/projects").json()]
        assert double.login().get("/status").json()["iServerVersion"].startswith("11.4")
    finally:
        program.stop()
    seed.write_text(json.dumps({"extends": "other"}), encoding="utf-8")
    assert "extend" in run("--port", 0, "--seed", seed).stderr


def test_locks_and_nodes_can_be_given_from_the_start(tmp_path: Path) -> None:
    project = {
        "id": DEMO,
        "name": "P",
        "lock": {"lockType": "permanent_individual", "owner": {"id": "1", "name": "Ann"}},
    }
    users = [{"username": "administrator", "password": "library-demo"}]
    nodes = [{"name": "one", "port": 1, "projects": {DEMO: "exec_idle"}}]
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps({"users": users, "projects": [project], "nodes": nodes}), encoding="utf-8")
    program = Program("--seed", seed)
    try:
        client = Double(program.base).login()
        assert client.get(f"/projects/{DEMO}/lock").json()["owner"]["name"] == "Ann"
        (node,) = client.get("/monitors/iServer/nodes").json()["nodes"]
        assert (node["port"], node["projects"][0]["status"]) == (1, "exec_idle")
    finally:
        program.stop()


def test_a_call_is_played_or_only_known() -> None:
    """No call is in both lists: the one that is there first would hide the other."""
    sys.path.insert(0, str(PROGRAM))
    try:
        from mstr_double.routes import ROUTES
    finally:
        sys.path.remove(str(PROGRAM))
    forms = [(method, re.sub("{[^}]*}", "{}", path)) for method, path, _handler, _open in ROUTES]
    assert len(forms) == len(set(forms))


def test_a_version_can_be_named_when_the_program_starts() -> None:
    program = Program("--release", "2021-update-2")
    try:
        assert Client(Double(program.base), None).get("/status").json()["iServerVersion"].startswith("11.3.0200")
    finally:
        program.stop()
