# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the calls: sessions, privileges, look-ups, packages, imports; how answers differ between versions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from double_client import A_LONG_TIME, ADMINISTRATOR, ASYNC, DEMO, TUTORIAL, YEAR, Client, Double, Packages, wait_until

ROW = {"id": "A" * 32, "name": "Packed", "type": 4}


def refused(response: Any, status: int, code: str) -> dict[str, Any]:
    """Check an error answer. :returns: it"""
    assert (response.status_code, response.json().get("code")) == (status, code), response.text
    body = dict(response.json())
    assert body["message"]
    assert len(body["ticketId"]) == 32
    return body


# Sessions


def test_status_needs_no_login(double: Double) -> None:
    answer = Client(double, None).get("/status")
    assert answer.status_code == 200
    assert {"webVersion", "iServerVersion"} <= set(answer.json())


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"username": "administrator", "password": "library-demo"}, 204),
        ({"username": "administrator", "password": "library-demo", "loginMode": 1, "applicationType": 76}, 204),
        ({"username": "administrator", "password": "wrong"}, 401),
        ({"username": "nobody", "password": "library-demo"}, 401),
        ({"username": "ldap-user", "password": "library-demo", "loginMode": 16}, 204),
        ({"username": "ldap-user", "password": "library-demo", "loginMode": 1}, 401),
        ({"username": "administrator", "password": "library-demo", "loginMode": 16}, 401),
        ({"username": "library-demo-token", "loginMode": 4096}, 204),
        ({"username": "administrator", "loginMode": 4096}, 401),
        ({"loginMode": 8}, 401),
    ],
)
@pytest.mark.parametrize("form", [False, True], ids=["json", "form"])
def test_login(double: Double, fields: dict[str, Any], status: int, form: bool) -> None:
    answer = Client(double, None).post("/auth/login", **{"data" if form else "json": fields})
    assert answer.status_code == status
    if status == 401:
        refused(answer, 401, "ERR003")
    assert double.state()["logins"] == (status == 204)


def test_anonymous_login_where_allowed(double: Double) -> None:
    double.settings(anonymous=True)
    assert Client(double, None).post("/auth/login", json={"loginMode": 8}).status_code == 204
    assert double.state()["sessions"][0]["user"] == "guest"


def test_session_needs_token_and_cookie_of_the_same_login(double: Double) -> None:
    one, other = double.login(), double.login()
    assert one.get("/sessions").json()["timeout"] == 1800
    assert one.put("/sessions").status_code == 204
    one.http.headers["X-MSTR-AuthToken"], mine = (
        other.http.headers["X-MSTR-AuthToken"],
        one.http.headers["X-MSTR-AuthToken"],
    )
    refused(one.get("/sessions"), 401, "ERR009")
    one.http.headers["X-MSTR-AuthToken"] = mine
    one.http.cookies.clear()
    refused(one.get("/sessions"), 401, "ERR009")
    refused(Client(double, None).get("/projects"), 401, "ERR009")


def test_balancer_cookie_where_it_is_needed(double: Double) -> None:
    double.settings(require_balancer_cookie=True)
    client = double.login()
    assert client.get("/sessions").status_code == 200
    client.http.cookies.clear(domain="127.0.0.1", path="/", name="MSTRNODE")
    refused(client.get("/sessions"), 401, "ERR009")


def test_idle_session_expires(double: Double) -> None:
    client = double.login()
    client.create()
    double.settings(session_timeout=0.05)
    wait_until(lambda: double.state()["sessions"] == [], "the end of the session")
    refused(client.get("/sessions"), 401, "ERR009")
    assert double.state()["packages"] == []


def test_using_a_session_keeps_it(double: Double) -> None:
    client = double.login()
    double.settings(session_timeout=0.5)
    end = time.monotonic() + 0.8
    while time.monotonic() < end:
        assert client.put("/sessions").status_code == 204
        time.sleep(0.02)


def test_logout_and_expiry_free_everything(double: Double, packages: Packages) -> None:
    data = packages.make([ROW])
    ends: list[Callable[[Client], Any]] = [
        lambda client: client.post("/auth/logout"),
        lambda _client: double.control("POST", "/expire-sessions"),
    ]
    for end in ends:
        client = double.login()
        import_id = client.start_import(client.stage(data)).json()["id"]
        assert [one["id"] for one in double.state()["imports"]] == [import_id]
        end(client)
        state = double.state()
        assert state["sessions"] == state["packages"] == state["imports"] == []
        refused(client.get(f"/packages/imports/{import_id}"), 401, "ERR009")
    assert double.state()["logouts"] == 1


def test_import_goes_on_without_its_session(double: Double, packages: Packages) -> None:
    double.settings(import_duration=A_LONG_TIME)
    client = double.login()
    client.start_import(client.stage(packages.make([ROW])))
    assert client.post("/auth/logout").status_code == 204
    assert ROW["id"] not in double.objects()
    double.settings(import_duration=0)
    wait_until(lambda: ROW["id"] in double.objects(), "the import")


# Projects and objects


def test_object_look_up(double: Double) -> None:
    client = double.login(project=TUTORIAL)
    found = client.object(YEAR, 12).json()
    assert found["version"] == "2215B50211EB7C9D8F150080EF651EEA"
    assert (found["id"], found["name"], found["type"]) == (YEAR, "Year", 12)
    assert found["owner"] == {"id": ADMINISTRATOR, "name": "Administrator"}
    # As the page "Manage object's ACL" shows it: from the project's root, which has its name, to the nearest.
    assert [(folder["name"], folder["level"]) for folder in found["ancestors"]] == [
        ("MicroStrategy Tutorial", 3),
        ("Public Objects", 2),
        ("Time", 1),
    ]
    assert found["ancestors"][0]["id"] == "D43364C684E34A5F9B2F9AD7108F7828"
    refused(client.object(YEAR, 4), 404, "ERR004")
    refused(client.get(f"/objects/{YEAR}"), 400, "ERR005")
    refused(client.get(f"/objects/{YEAR}?type=x"), 400, "ERR006")
    refused(double.login(project=DEMO).object(YEAR, 12), 404, "ERR004")
    refused(double.login(project="C" * 32).object(YEAR, 12), 400, "ERR006")


def test_configuration_objects_and_the_project_header(double: Double) -> None:
    without = double.login(project=None)
    assert without.object(ADMINISTRATOR, 34).json()["name"] == "Administrator"
    refused(without.object("D" * 32, 34), 404, "ERR004")
    refused(without.object(YEAR, 12), 400, "ERR006")
    assert double.login(project=TUTORIAL).object(ADMINISTRATOR, 34).status_code == 200


def test_missing_object_on_other_versions(double: Double) -> None:
    double.settings(missing_object="500")
    body = refused(double.login().object(YEAR, 12), 500, "ERR002")
    assert body["iServerCode"] == -2147216373
    assert "not found" in body["message"]


def test_hidden_object(double: Double) -> None:
    hidden = next(item for item in double.objects(TUTORIAL).values() if item["hidden"])
    assert double.login(project=TUTORIAL).object(hidden["id"], hidden["type"]).status_code == 200
    refused(double.login("creator", TUTORIAL).object(hidden["id"], hidden["type"]), 404, "ERR004")


# Packages


def test_privileges(double: Double, packages: Packages) -> None:
    refused(double.login("viewer").post("/packages"), 403, "ERR017")
    creator = double.login("creator")
    package_id = creator.stage(packages.make([ROW]))
    refused(creator.start_import(package_id), 403, "ERR017")
    assert double.state()["imports_started"] == 0
    assert ROW["id"] not in double.objects()


def test_one_package_in_a_session(double: Double) -> None:
    client = double.login()
    package_id = client.create()
    refused(client.post("/packages"), 409, "ERR015")
    assert double.login().create() != package_id
    assert client.delete(f"/packages/{package_id}").json() == {"id": package_id, "status": "deleting"}
    assert client.create() != package_id


def test_second_package_replaces_the_first_on_other_servers(double: Double) -> None:
    double.settings(second_holder="replace")
    client = double.login()
    first = client.create()
    second = client.create()
    refused(client.package(first), 404, "ERR004")
    assert client.package(second).json()["status"] == "empty"


def test_deleting_may_take_a_while(double: Double) -> None:
    double.settings(delete_duration=A_LONG_TIME)
    client = double.login()
    package_id = client.create()
    client.delete(f"/packages/{package_id}")
    refused(client.post("/packages"), 409, "ERR015")
    assert client.package(package_id).json()["status"] == "deleting"
    double.settings(delete_duration=0)
    wait_until(lambda: client.post("/packages").status_code == 201, "the place to be free")


def test_package_belongs_to_its_session_and_project(double: Double, packages: Packages) -> None:
    client, other = double.login(), double.login()
    package_id = client.stage(packages.make([ROW]))
    assert client.package(quote(package_id, safe="")).status_code == 200
    refused(other.package(package_id), 404, "ERR004")
    import_id = client.start_import(package_id).json()["id"]
    client.finish(import_id)
    for project in (TUTORIAL, None):
        client.project = project
        refused(client.package(package_id), 400, "ERR006")
        refused(client.get(f"/packages/imports/{import_id}"), 400, "ERR006")
        refused(client.start_import(package_id), 400, "ERR006")
        refused(client.delete(f"/packages/{package_id}"), 400, "ERR006")
    client.project = DEMO
    assert client.delete(f"/packages/imports/{import_id}").status_code == 202
    refused(client.delete(f"/packages/imports/{import_id}"), 404, "ERR004")


def test_package_without_project_wants_no_header(double: Double) -> None:
    client = double.login(project=None)
    package_id = client.create()
    assert client.package(package_id).status_code == 200
    client.project = DEMO
    refused(client.package(package_id), 400, "ERR006")


def test_some_calls_must_be_asynchronous(double: Double, packages: Packages) -> None:
    client = double.login()
    package_id = client.stage(packages.make([ROW]))
    refused(client.post("/packages/imports", params={"packageId": package_id}), 400, "ERR005")
    import_id = client.start_import(package_id).json()["id"]
    refused(client.call("DELETE", f"/packages/imports/{import_id}"), 400, "ERR005")
    refused(client.call("DELETE", f"/packages/{package_id}"), 400, "ERR005")
    client.delete(f"/packages/{package_id}")
    refused(client.put(f"/packages/{client.create()}", json={}), 400, "ERR005")


def test_upload(double: Double, packages: Packages) -> None:
    data = packages.make([ROW], padding=100_000)
    client = double.login()
    double.settings(hash_uploads=True)
    package_id = client.stage(data)
    assert client.get(f"/packages/{package_id}/binary").content == data
    upload, download = (entry for entry in double.log() if entry["path"].endswith("/binary"))
    assert upload["bytes_in"] > len(data) == download["bytes_out"]
    assert upload["sha256_in"] == download["sha256_out"]
    refused(client.upload(package_id, data), 400, "ERR006")
    # Found among other parts, too.
    client.delete(f"/packages/{package_id}")
    answer = client.put(f"/packages/{client.create()}/binary", files=[("note", ("n", b"x")), ("file", ("f", data))])
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")


def test_upload_that_breaks_off(double: Double, packages: Packages) -> None:
    data = packages.make([ROW], padding=1 << 20)
    client = double.login()
    package_id = client.create()

    def half() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + data[: len(data) // 2]
        raise OSError("the client is gone")

    with pytest.raises(OSError, match="gone"):
        client.put(
            f"/packages/{package_id}/binary", data=half(), headers={"Content-Type": "multipart/form-data; boundary=x"}
        )
    assert client.package(package_id).json()["status"] == "empty"
    assert client.upload(package_id, data).status_code == 200


def test_upload_without_keeping_it_all(double: Double, packages: Packages) -> None:
    double.settings(keep_uploads=False)
    data = packages.make([ROW], padding=40 << 20)
    client = double.login()
    package_id = client.stage(data)
    assert [row["id"] for row in client.package(package_id).json()["content"]] == [ROW["id"]]
    assert len(client.get(f"/packages/{package_id}/binary").content) == len(data)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: b"no package at all",
        lambda data: data[:-1],
        lambda data: data[:100],
        lambda data: data + b"x",
        lambda data: data[:60] + bytes([data[60] ^ 1]) + data[61:],
    ],
    ids=["empty", "other", "cut", "cut-early", "longer", "bit"],
)
def test_upload_of_a_damaged_file(double: Double, packages: Packages, spoil: Any) -> None:
    data = packages.make([ROW])
    client = double.login()
    package_id = client.create()
    body = refused(client.upload(package_id, spoil(data)), 500, "ERR002")
    assert body["iServerCode"] < 0
    assert client.package(package_id).json()["status"] == "empty"
    assert client.upload(package_id, data).status_code == 200


def test_upload_needs_the_part_called_file(double: Double, packages: Packages) -> None:
    data = packages.make([ROW])
    client = double.login()
    package_id = client.create()
    refused(client.upload(package_id, data, part="package"), 400, "ERR005")
    refused(client.put(f"/packages/{package_id}/binary", data=data), 415, "ERR006")


def test_upload_to_the_wrong_level(double: Double, samples: Path) -> None:
    in_project, at_configuration = double.login(), double.login(project=None)
    users = (samples / "users.mmp").read_bytes()
    year = (samples / "year.mmp").read_bytes()
    refused(in_project.upload(in_project.create(), users), 400, "ERR006")
    refused(at_configuration.upload(at_configuration.create(), year), 400, "ERR006")


def test_upload_may_be_processed_for_a_while(double: Double, packages: Packages) -> None:
    double.settings(upload_processing=0.2)
    client = double.login()
    package_id = client.create()
    assert client.upload(package_id, packages.make([ROW])).json()["status"] == "processing"
    refused(client.start_import(package_id), 400, "ERR006")
    wait_until(lambda: client.package(package_id).json()["status"] == "ready", "the package to be ready")


def test_package_that_fails(double: Double, packages: Packages) -> None:
    double.settings(package_failure="Out of memory.")
    client = double.login()
    package_id = client.create()
    assert client.upload(package_id, packages.make([ROW])).json()["status"] == "failed"
    assert client.package(package_id).json()["message"] == "Out of memory."


def test_showing_content(double: Double, packages: Packages) -> None:
    client = double.login()
    package_id = client.stage(packages.make([ROW, {"name": "Other", "type": 3, "action": "use_newer"}]))
    for word in ("true", "True", "TRUE"):
        shown = client.package(package_id, word).json()
        assert [row.get("action") for row in shown["content"]] == [None, "use_newer"]
    for word in ("false", "False"):
        assert client.package(package_id, word).json() == {"id": package_id, "status": "ready"}


GOOD_SETTINGS = {"defaultAction": "replace", "aclOnNewObjects": ["inherit_acl_as_dest_folder"]}


@pytest.mark.parametrize(
    ("project", "change", "code"),
    [
        (TUTORIAL, {"type": "module"}, "ERR006"),
        (TUTORIAL, {"type": None}, "ERR005"),
        (TUTORIAL, {"content": []}, "ERR005"),
        (TUTORIAL, {"content": [{"id": YEAR}]}, "ERR005"),
        (TUTORIAL, {"type": "configuration", "content": [{"id": ADMINISTRATOR, "type": 34}]}, "ERR006"),
        (None, {}, "ERR006"),
        (None, {"type": "configuration"}, "ERR006"),
        (None, {"type": "project_security", "content": [{"id": ADMINISTRATOR, "type": 34}]}, "ERR006"),
        (TUTORIAL, {"content": [{"id": ADMINISTRATOR, "type": 34}]}, "ERR006"),
        (TUTORIAL, {"type": "project_security"}, "ERR006"),
        (TUTORIAL, {"content": [{"id": YEAR, "type": 12, "action": "merge"}]}, "ERR006"),
        (TUTORIAL, {"settings": {"defaultAction": "merge"}}, "ERR006"),
        (TUTORIAL, {"settings": {"updateSchema": ["everything"]}}, "ERR006"),
        (TUTORIAL, {"settings": {"aclOnReplacingObjects": "forget"}}, "ERR006"),
        (TUTORIAL, {"settings": {"aclOnNewObjects": ["forget"]}}, "ERR006"),
        (TUTORIAL, {"settings": {"colour": "red"}}, "ERR006"),
    ],
)
def test_definitions_that_the_vendor_rules_out(
    double: Double, project: str | None, change: dict[str, Any], code: str
) -> None:
    body = {"type": "project", "settings": GOOD_SETTINGS, "content": [{"id": YEAR, "type": 12}], **change}
    client = double.login(project=project)
    package_id = client.create()
    refused(client.define(package_id, body), 400, code)
    assert client.package(package_id).json()["status"] == "empty"


@pytest.mark.parametrize(
    "settings", [{"updateSchema": ["update_schema_logical_info"]}, {"aclOnReplacingObjects": "replace"}]
)
def test_settings_that_security_packages_do_not_have(double: Double, settings: dict[str, Any]) -> None:
    client = double.login(project=TUTORIAL)
    body = {"type": "project_security", "settings": settings, "content": [{"id": ADMINISTRATOR, "type": 34}]}
    refused(client.define(client.create(), body), 400, "ERR006")


def test_building_takes_time_and_can_fail(double: Double) -> None:
    double.settings(build_duration=A_LONG_TIME)
    client = double.login(project=TUTORIAL)
    body = {"type": "project", "settings": GOOD_SETTINGS, "content": [{"id": "D" * 32, "type": 12}]}
    package_id = client.create()
    assert client.define(package_id, body).json()["status"] == "processing"
    assert client.package(package_id).json() == {"id": package_id, "status": "processing"}
    refused(client.define(package_id, body), 400, "ERR006")
    refused(client.get(f"/packages/{package_id}/binary"), 400, "ERR006")
    double.settings(build_duration=0)
    failed = wait_until(
        lambda: (now := client.package(package_id).json())["status"] != "processing" and now, "the end of the build"
    )
    assert failed["status"] == "failed"
    assert "D" * 32 in failed["message"]


# Imports


def test_import_shows_its_progress(double: Double, packages: Packages) -> None:
    double.settings(import_duration=2)
    rows = [{"name": f"Object {number}", "type": 4} for number in range(100)]
    client = double.login()
    package_id = client.stage(packages.make(rows))
    import_id = client.start_import(package_id).json()["id"]
    refused(client.start_import(package_id), 400, "ERR006")
    refused(client.undo(import_id), 404, "ERR004")
    seen = []
    while (state := client.import_state(import_id))["status"] == "processing":
        seen.append(state["progress"])
        time.sleep(0.02)
    assert len(set(seen)) > 5
    assert seen == sorted(seen)
    assert state == {"id": import_id, "status": "imported", "undoPackageCreated": True, "progress": 100.0}
    assert client.start_import(package_id).status_code == 202


def test_import_may_tell_no_progress_before_its_end(double: Double, packages: Packages) -> None:
    double.settings(import_duration=2, import_progress=False)
    rows = [{"name": f"Object {number}", "type": 4} for number in range(100)]
    client = double.login()
    import_id = client.start_import(client.stage(packages.make(rows))).json()["id"]
    seen = set()
    while (state := client.import_state(import_id))["status"] == "processing":
        seen.add(state["progress"])
        time.sleep(0.02)
    assert seen == {0.0}
    assert state["progress"] == 100.0


def test_import_takes_its_time_in_many_steps(double: Double, packages: Packages) -> None:
    double.settings(import_duration=0.5)
    client = double.login()
    package_id = client.stage(packages.make([{"name": f"Object {number}", "type": 4} for number in range(100)]))
    began = time.monotonic()
    client.finish(client.start_import(package_id).json()["id"])
    assert time.monotonic() - began >= 0.5


def test_import_needs_a_package_that_is_ready(double: Double) -> None:
    client = double.login()
    refused(client.start_import(client.create()), 400, "ERR006")
    refused(client.start_import("nonsense="), 404, "ERR004")
    refused(client.post("/packages/imports", headers=ASYNC), 400, "ERR005")
    assert double.state()["imports_started"] == 0


def test_flags_have_to_be_flags(double: Double, packages: Packages) -> None:
    client = double.login()
    package_id = client.stage(packages.make([ROW]))
    refused(client.start_import(package_id, "perhaps"), 400, "ERR006")
    refused(client.package(package_id, "perhaps"), 400, "ERR006")


def test_package_may_go_before_its_import(double: Double, packages: Packages) -> None:
    double.settings(import_duration=0.1)
    client = double.login()
    package_id = client.stage(packages.make([ROW]))
    import_id = client.start_import(package_id).json()["id"]
    assert client.delete(f"/packages/{package_id}").status_code == 202
    assert client.finish(import_id)["status"] == "imported"
    assert client.undo(import_id).status_code == 200


def test_undo_package_may_come_late_or_never(double: Double, packages: Packages) -> None:
    double.settings(undo_delay=0.2)
    client = double.login()
    package_id = client.stage(packages.make([ROW]))
    import_id = client.start_import(package_id).json()["id"]
    state = client.finish(import_id)
    assert (state["status"], state["undoPackageCreated"]) == ("imported", False)
    refused(client.undo(import_id), 404, "ERR004")
    wait_until(lambda: client.import_state(import_id)["undoPackageCreated"], "the undo package")
    double.settings(undo_never=True)
    import_id = client.start_import(package_id).json()["id"]
    client.finish(import_id)
    wait_until(lambda: double.state()["imports_running"] == 0, "the end of the work")
    assert not client.import_state(import_id)["undoPackageCreated"]


def test_undo_package_may_be_told_of_later_than_the_end(double: Double, packages: Packages) -> None:
    double.settings(undo_unseen=2)
    client = double.login()
    import_id = client.start_import(client.stage(packages.make([ROW]))).json()["id"]
    wait_until(lambda: double.state()["imports_running"] == 0, "the end of the work")
    told = [client.import_state(import_id) for _question in range(3)]
    assert [state["status"] for state in told] == ["imported"] * 3
    assert [state["undoPackageCreated"] for state in told] == [False, False, True]


@pytest.mark.parametrize("with_length", [True, False])
def test_undo_package_with_or_without_length(double: Double, packages: Packages, with_length: bool) -> None:
    double.settings(undo_length=with_length)
    client = double.login()
    import_id = client.start_import(client.stage(packages.make([ROW]))).json()["id"]
    client.finish(import_id)
    answer = client.undo(import_id)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert ("Content-Length" in answer.headers) == with_length
    assert answer.content.endswith(b"MMPEND\0")


# Objects that are missing

REPORT = {"id": "B" * 32, "name": "Needy", "type": 3, "depends_on": ["F" * 32, YEAR]}
# Nobody knows the first, another project has the second.
PARTS = [
    {
        "iServerCode": -2147216373,
        "message": f"Object: <Object id={'F' * 32}> is not found",
        "additionalProperties": {"objectId": "F" * 32},
    },
    {
        "iServerCode": -2147216373,
        "message": f"Object: <Attribute id={YEAR}> is not found",
        "additionalProperties": {"objectId": YEAR, "objectName": "Year"},
    },
]


def test_components_are_not_looked_for_by_itself(double: Double, packages: Packages) -> None:
    state, _undo = double.login().run_import(packages.make([REPORT]))
    assert state["status"] == "imported"


@pytest.mark.parametrize("parts", [True, False])
def test_import_that_fails_for_want_of_a_component(double: Double, packages: Packages, parts: bool) -> None:
    double.settings(missing_component="fail", sub_errors=parts)
    client = double.login()
    state, _undo = client.run_import(packages.make([ROW, REPORT]))
    assert (state["status"], state["message"]) == ("failed", PARTS[0]["message"])
    assert state.get("subErrors") == (PARTS if parts else None)
    # It is found out before anything is written.
    assert ROW["id"] not in double.objects()


def test_import_whose_components_are_there(double: Double, packages: Packages) -> None:
    double.settings(missing_component="fail", sub_errors=True)
    client = double.login(project=TUTORIAL)
    # In the destination, in the package, or of an object that the import leaves as it is.
    double.put("C" * 32, TUTORIAL, type=4, name="There", version="1" * 32)
    data = packages.make(
        [
            {**REPORT, "depends_on": [ROW["id"], YEAR]},
            ROW,
            {"id": "C" * 32, "type": 4, "depends_on": ["F" * 32], "action": "use_existing"},
        ]
    )
    state, _undo = client.run_import(data)
    assert state["status"] == "imported"


def test_import_that_deletes_what_it_needs(double: Double, packages: Packages) -> None:
    double.settings(missing_component="fail")
    client = double.login(project=TUTORIAL)
    double.put("C" * 32, TUTORIAL, type=4, name="Taken", version="1" * 32)
    rows = [{"id": "C" * 32, "type": 4, "action": "delete"}, {**REPORT, "depends_on": ["C" * 32]}]
    state, _undo = client.run_import(packages.make(rows))
    assert (state["status"], "C" * 32 in state["message"]) == ("failed", True)


@pytest.mark.parametrize(
    ("action", "needs", "status"),
    [("replace", [], "imported"), ("delete", [], "imported"), ("use_existing", [], "failed")],
)
def test_what_counts_for_a_deletion_is_what_is_there_after_the_import(
    double: Double, packages: Packages, action: str, needs: list[str], status: str
) -> None:
    client = double.login(project=TUTORIAL)
    double.put("C" * 32, TUTORIAL, type=4, name="Taken", version="1" * 32)
    double.put("D" * 32, TUTORIAL, type=3, name="User", version="1" * 32, depends_on=["C" * 32])
    user = {"id": "D" * 32, "type": 3, "name": "User", "action": action, "depends_on": needs}
    # In either order.
    state, _undo = client.run_import(packages.make([{"id": "C" * 32, "type": 4, "action": "delete"}, user]))
    assert state["status"] == status


def test_import_that_is_refused_for_want_of_a_component(double: Double, packages: Packages) -> None:
    double.settings(missing_component="refuse", sub_errors=True)
    client = double.login()
    body = refused(client.start_import(client.stage(packages.make([REPORT]))), 500, "ERR002")
    assert body["subErrors"] == PARTS
    assert double.state()["imports_started"] == 0


def test_upload_that_is_refused_for_want_of_a_component(double: Double, packages: Packages) -> None:
    double.settings(missing_component="refuse_upload", sub_errors=True)
    client = double.login()
    package_id = client.create()
    body = refused(client.upload(package_id, packages.make([REPORT])), 500, "ERR002")
    assert body["subErrors"] == PARTS
    assert client.package(package_id).json()["status"] == "empty"
    double.settings(sub_errors=False, wrap_errors=True)
    answer = client.upload(package_id, packages.make([REPORT])).json()
    assert [set(error) for error in answer["errors"]] == [{"code", "iServerCode", "message", "ticketId"}]
    assert client.upload(package_id, packages.make([ROW])).status_code == 200


WANTED = {"type": "project", "content": [{"id": "f" * 32, "name": "Gone", "type": 12}]}
GONE = {
    "iServerCode": -2147216373,
    "message": f"Object: <Attribute id={'F' * 32}> is not found",
    "additionalProperties": {"objectId": "F" * 32, "objectName": "Gone"},
}


def test_content_that_is_missing_makes_the_package_fail(double: Double) -> None:
    double.settings(sub_errors=True)
    client = double.login(project=TUTORIAL)
    package_id = client.create()
    assert client.define(package_id, WANTED).status_code == 202
    failed = wait_until(
        lambda: (now := client.package(package_id).json())["status"] == "failed" and now, "the end of the build"
    )
    assert failed["subErrors"] == [GONE]


def test_content_that_is_missing_is_refused_on_other_servers(double: Double) -> None:
    double.settings(missing_content="refuse", sub_errors=True)
    client = double.login(project=TUTORIAL)
    package_id = client.create()
    body = refused(client.define(package_id, WANTED), 500, "ERR002")
    assert "f" * 32 in body["message"]
    assert body["subErrors"] == [GONE]
    assert client.package(package_id).json()["status"] == "empty"


def test_failures_may_go_unexplained(double: Double, packages: Packages) -> None:
    double.settings(failure_messages=False, missing_component="fail", sub_errors=True)
    state, _undo = double.login().run_import(packages.make([REPORT]))
    assert state == {"id": state["id"], "status": "failed", "undoPackageCreated": True, "progress": 0.0}
    double.settings(package_failure="Out of memory.")
    client = double.login()
    package_id = client.stage(packages.make([ROW]))
    assert client.package(package_id).json() == {"id": package_id, "status": "failed"}


# Differences between versions


@pytest.mark.parametrize("case", ["lower", "upper"])
def test_case_of_status_words(double: Double, packages: Packages, case: str) -> None:
    # Live servers answer in lower case, the vendor's pages are in upper case.
    assert double.control("GET", "/settings")["status_case"] == "lower"
    double.settings(status_case=case, import_duration=0.05)

    def word(text: str) -> str:
        return text.upper() if case == "upper" else text

    client = double.login()
    package_id = client.create()
    assert client.package(package_id).json()["status"] == word("empty")
    assert client.upload(package_id, packages.make([ROW])).json()["status"] == word("ready")
    started = client.start_import(package_id).json()
    assert started["status"] == word("processing")
    assert client.finish(started["id"])["status"] == word("imported")
    assert client.delete(f"/packages/{package_id}").json()["status"] == word("deleting")


def test_missing_object_without_a_code_of_its_own(double: Double) -> None:
    double.settings(missing_object="500_ERR001")
    body = refused(double.login().object(YEAR, 12), 500, "ERR001")
    assert "not found" in body["message"]
    assert "iServerCode" not in body


@pytest.mark.parametrize(("second", "status", "code"), [("400", 400, "ERR006"), ("500", 500, "ERR001")])
def test_second_package_is_refused_in_other_words(double: Double, second: str, status: int, code: str) -> None:
    double.settings(second_holder=second)
    client = double.login()
    package_id = client.create()
    refused(client.post("/packages"), status, code)
    client.delete(f"/packages/{package_id}")
    assert client.post("/packages").status_code == 201


def test_codes_as_in_the_table_of_the_page(double: Double) -> None:
    double.settings(error_codes="prefixed")
    client = double.login()
    client.create()
    refused(client.post("/packages"), 409, "ERR0015")
    refused(client.object(YEAR, 12), 404, "ERR004")


@pytest.mark.parametrize(("status", "code"), [(401, "ERR009"), (403, "ERR014"), (404, "ERR004")])
def test_status_that_is_not_for_everyone(double: Double, status: int, code: str) -> None:
    double.settings(status_refused=status)
    refused(double.login().get("/status"), status, code)


def test_application_type_that_older_servers_do_not_know(double: Double) -> None:
    double.settings(python_application=False)
    login = {"username": "administrator", "password": "library-demo"}
    body = refused(Client(double, None).post("/auth/login", json={**login, "applicationType": 76}), 400, "ERR006")
    assert "constraint violations" in body["message"]
    assert Client(double, None).post("/auth/login", data={**login, "applicationType": 35}).status_code == 204
    assert double.state()["logins"] == 1


@pytest.mark.parametrize("listed", [True, False])
def test_dependents_may_not_be_listed(double: Double, packages: Packages, listed: bool) -> None:
    double.settings(list_dependents=listed)
    client = double.login(project=TUTORIAL)
    package_id = client.create()
    client.define(package_id, {"type": "project", "content": [{"id": YEAR, "type": 12, "includeDependents": True}]})
    built = wait_until(lambda: (now := client.package(package_id).json())["status"] == "ready" and now, "the package")
    assert len(built["content"]) == (3 if listed else 1)
    data = client.get(f"/packages/{package_id}/binary").content
    # They are in the file all the same.
    destination = double.login()
    assert len(destination.package(destination.stage(data)).json()["content"]) == (3 if listed else 1)
    before = double.objects()
    _state, undo = double.login().run_import(data)
    assert len(double.objects()) == len(before) + 3
    destination = double.login()
    assert len(destination.package(destination.stage(undo or b"")).json()["content"]) == 3


@pytest.mark.parametrize("stamped", [True, False])
def test_same_content_in_other_bytes(double: Double, stamped: bool) -> None:
    double.settings(stamp_files=stamped)
    built, saved = [], []
    for _time in range(2):
        client = double.login(project=TUTORIAL)
        package_id = client.create()
        client.define(package_id, {"type": "project", "content": [{"id": YEAR, "type": 12}]})
        wait_until(lambda: client.package(package_id).json()["status"] == "ready", "the package")  # noqa: B023
        built.append(client.get(f"/packages/{package_id}/binary").content)
        saved.append(double.login(project=TUTORIAL).run_import(built[-1])[1])
    assert (built[0] != built[1], saved[0] != saved[1]) == (stamped, stamped)


def test_errors_in_a_list(double: Double) -> None:
    double.settings(wrap_errors=True)
    answer = double.login().object(YEAR, 12)
    assert [error["code"] for error in answer.json()["errors"]] == ["ERR004"]


def test_fields_of_the_future(double: Double, packages: Packages) -> None:
    double.settings(unknown_fields=True)
    client = double.login()
    shown = client.package(client.stage(packages.make([ROW]))).json()
    assert shown["sinceNextRelease"]
    assert shown["content"][0]["sinceNextRelease"]
    assert client.get("/projects").json()[0]["sinceNextRelease"]


def test_unknown_calls(double: Double) -> None:
    client = double.login()
    body = refused(client.get("/no/such/call"), 404, "ERR004")
    assert body["message"] == "HTTP 404 Not Found"
    body = refused(client.call("PATCH", "/packages/x"), 405, "ERR001")
    assert body["message"] == "HTTP 405 Method Not Allowed"


def test_project_that_is_not_loaded(double: Double) -> None:
    assert all(row["status"] == 0 for row in double.login().get("/projects").json())


def test_projects_are_objects_too(double: Double) -> None:
    client = double.login(project=None)
    assert client.object(DEMO, 32).json()["name"] == "Demo Project"
    assert double.login(project=TUTORIAL).object(DEMO, 32).status_code == 200
    refused(client.object("C" * 32, 32), 404, "ERR004")
