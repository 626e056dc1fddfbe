# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What mstr_info says of a server: of versions that lack calls, users who lack privileges, gateways in between."""

from __future__ import annotations

from typing import Any

import pytest
from harness import DEMO, TUTORIAL, Controller, Server

# What versions lack; the others are there in each.
LACKING = {
    "2021-update-2": {
        "package_definitions", "project_lock", "configuration_lock", "project_status", "repository", "caches",
        "change_journal", "searches_v2", "object_batches", "migrations", "storage", "openapi",
    },
    "2024": {"project_status", "change_journal", "searches_v2", "openapi"},
    "2026": set(),
}  # fmt: skip


def info(server: Server, controller: Controller, **options: Any) -> dict[str, Any]:
    """Run the module, which succeeds, changes nothing, and leaves nothing on the server."""
    before = server.objects()
    run = controller.tasks(server, [{"name": "about", "mstr.migration.mstr_info": options}])
    assert run.code == 0, run.output
    about = run.named("about")
    assert about["changed"] is False
    assert server.held() == []
    assert server.objects() == before
    assert {call["method"] for call in server.log()} <= {"GET", "POST"}
    assert {call["path"] for call in server.log() if call["method"] == "POST"} <= {"/auth/login", "/auth/logout"}
    return about


def lacking(about: dict[str, Any]) -> set[str]:
    return {name for name, there in about["calls"].items() if there is False}


@pytest.mark.parametrize("openapi", [True, False], ids=["file", "asked"])
@pytest.mark.parametrize("release", LACKING)
def test_the_calls_that_a_version_lacks(release: str, openapi: bool, server: Server, controller: Controller) -> None:
    """From its own file, and by asking, comes the same."""
    server.set(release=release, calls={"GET /openapi.yaml": openapi})
    about = info(server, controller)
    assert lacking(about) == LACKING[release] - {"openapi"} | (set() if openapi else {"openapi"})
    assert None not in about["calls"].values()
    # In words, each once.
    assert len(about["differs"]) == len(lacking(about))
    assert all("is not there" in text for text in about["differs"])


def test_what_is_there_is_told(server: Server, controller: Controller) -> None:
    server._call("PUT", "/nodes", [{"name": "one", "projects": {DEMO: "full_idle"}}, {"name": "two"}])
    lock = {"lockType": "permanent_individual", "owner": {"id": "1", "name": "Ann"}, "machineName": "desk"}
    server._call("PUT", "/locks/%s" % TUTORIAL, {**lock, "lockTime": "T", "comment": "mine"})
    about = info(server, controller)
    assert about["server"]["metadata"] == server._call("GET", "/settings")["repository"]["id"]
    assert about["user"]["id"] == "54F3D26011D2896560009A8E67019608"
    tutorial, demo = about["projects"]
    assert (tutorial["id"], tutorial["name"], tutorial["status"]) == (TUTORIAL, "MicroStrategy Tutorial", 0)
    assert tutorial["lock"] == {
        "type": "permanent_individual", "owner": "Ann", "machine": "desk", "time": "T", "comment": "mine"
    }  # fmt: skip
    assert demo["lock"]["type"] == "not_locked"
    assert demo["nodes"] == [{"name": "one", "status": "full_idle"}, {"name": "two", "status": "loaded"}]
    assert about["differs"] == []


def test_another_metadata_behind_the_same_address_shows(server: Server, controller: Controller) -> None:
    one = info(server, controller)["server"]["metadata"]
    server.set(repository={"database": "copy"})
    other = info(server, controller)["server"]["metadata"]
    assert len(other) == 64
    assert other != one


@pytest.mark.parametrize("shape", ["wrapped", "held", "list", "names"])
def test_missing_privileges_are_named(shape: str, server: Server, controller: Controller) -> None:
    server.set(privileges_shape=shape)
    about = info(server, controller, username="creator", project=DEMO)
    assert [one["name"] for one in about["user"]["privileges"]] == ["Create package"]
    assert about["projects"][0]["nodes"] is None
    differs = "\n".join(about["differs"])
    assert "no privilege Create package" not in differs
    assert "no privilege Import package or Apply package of the user for Demo Project" in differs
    assert "Bypass all object security" in differs
    # The call is there, and refused to this user.
    assert about["calls"]["nodes"] is True
    assert "GET /monitors/iServer/nodes could not be used" in differs


def test_a_privilege_in_one_project_only(server: Server, controller: Controller) -> None:
    privileges = ["create_package", "import_package", "bypass_acl", "monitor_cluster"]
    server._call("PATCH", "/users/viewer", {"project_privileges": {DEMO: privileges}})
    about = info(server, controller, username="viewer", project="")
    assert {(one["everywhere"], *one["projects"]) for one in about["user"]["privileges"]} == {(False, DEMO)}
    assert "for MicroStrategy Tutorial. It is needed to import packages." in "\n".join(about["differs"])


def test_a_gateway_lets_only_some_calls_through(server: Server, controller: Controller) -> None:
    page = {"kind": "status", "status": 403, "body": "<html>no</html>", "content_type": "text/html"}
    server.fault("GET", "^/(status|monitors|sessions/|configurations|iserver|openapi|projects/)", page, times=None)
    about = info(server, controller)
    assert about["server"] == {"web_version": None, "iserver_version": None, "metadata": None}
    assert about["user"] == {"id": None, "name": None, "privileges": None}
    assert [(one["nodes"], one["lock"]) for one in about["projects"]] == [(None, None)] * 2
    assert {name for name, there in about["calls"].items() if there is None} == {
        "user", "privileges", "project_lock", "configuration_lock", "nodes", "node_project_status", "project_status",
        "repository", "caches", "openapi",
    }  # fmt: skip
    differs = "\n".join(about["differs"])
    assert "Whether GET /projects/{id}/lock is there cannot be told" in differs
    assert "GET /status does not tell" in differs


def test_a_sign_in_page_is_no_call(server: Server, controller: Controller) -> None:
    server.fault("GET", "^/(monitors/iServer/nodes$|sessions/|openapi)", {"kind": "html"}, times=None)
    # Not as documented, but of the server.
    server.fault("GET", "^/projects/.*/lock", {"kind": "json", "replace": {}}, times=None)
    about = info(server, controller)
    open_calls = {name for name, there in about["calls"].items() if there is None}
    assert open_calls == {"nodes", "user", "privileges", "openapi"}
    assert about["projects"][0]["lock"] is None
    assert "Whether GET /monitors/iServer/nodes is there cannot be told" in "\n".join(about["differs"])


def test_a_server_that_hides_methods_leaves_it_open(server: Server, controller: Controller) -> None:
    server.set(unknown_method="404", calls={"GET /openapi.yaml": False, "POST /model/schema/reload": False})
    about = info(server, controller)
    assert lacking(about) == {"openapi"}
    assert {name for name, there in about["calls"].items() if there is None} == {
        "node_project_status", "project_status", "schema_reload", "caches", "searches_v2", "object_batches",
    }  # fmt: skip


def test_calls_that_the_file_does_not_name_are_asked_for(server: Server, controller: Controller) -> None:
    server.set(openapi_omits=["/model"], openapi_prefix="/api")
    about = info(server, controller)
    assert set(about["calls"].values()) == {True}
    assert "openapi.yaml does not name GET /model/schema/lock, which is there." in about["differs"]


@pytest.mark.parametrize("kind", ["html", "cut", "reset"])
def test_a_file_that_cannot_be_read_is_done_without(kind: str, server: Server, controller: Controller) -> None:
    fault = {"kind": kind, **({"bytes": 900} if kind == "cut" else {})}
    server.fault("GET", "^/openapi", fault, times=None)
    about = info(server, controller, retries=0)
    # Of a page nobody knows whose it is; a file that breaks off is there.
    assert about["calls"]["openapi"] is {"html": None, "cut": True, "reset": None}[kind]
    assert [there for name, there in about["calls"].items() if name != "openapi"] == [True] * (len(about["calls"]) - 1)


def test_a_server_that_goes_away_is_not_asked_for_ever(server: Server, controller: Controller) -> None:
    server.fault("GET", "^/(monitors|openapi|auth|packages|folders|model)", {"kind": "reset"}, times=None)
    about = info(server, controller, retries=0)
    assert about["calls"]["projects"] is True
    assert about["calls"]["folders"] is None
    # Two in a row are enough; the first one was followed by answers.
    assert [call["path"] for call in server.log() if call.get("fault")] == [
        "/monitors/iServer/nodes",
        "/openapi.yaml",
        "/auth/login",
    ]


def test_a_project_that_is_not_loaded_is_described(server: Server, controller: Controller) -> None:
    server._call("PUT", "/nodes", [{"name": "one", "projects": {DEMO: "unloaded"}}])
    server.fault(
        "GET", "^/projects$", {"kind": "json", "replace": [{"id": DEMO, "name": "Demo Project", "status": -1}]}
    )
    about = info(server, controller, project="Demo Project")
    assert about["projects"][0]["status"] == -1
    assert about["projects"][0]["nodes"] == [{"name": "one", "status": "unloaded"}]


def test_what_it_cannot_do_without(server: Server, controller: Controller) -> None:
    run = controller.tasks(server, [{"name": "about", "mstr.migration.mstr_info": {"project": "No such"}}])
    assert "there is no project No such" in run.named("about")["msg"]
    run = controller.tasks(server, [{"name": "about", "mstr.migration.mstr_info": {"password": "wrong"}}])
    assert "401" in run.named("about")["msg"]
    session = {"session_file": "{{ here }}/s/session.json"}
    controller.tasks(server, [{"name": "in", "mstr.migration.mstr_session": session}])
    server.expire_sessions()
    run = controller.tasks(server, [{"name": "about", "mstr.migration.mstr_info": session}])
    assert "log in again" in run.named("about")["msg"]
