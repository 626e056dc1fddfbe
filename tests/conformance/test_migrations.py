# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Migrations of the storage service, between two servers that share one: the flows of the pages on migrations."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from double_client import A_LONG_TIME, ADMINISTRATOR, ASYNC, DEMO, TUTORIAL, YEAR, Double, Packages, Program, wait_until

CONTENT = {
    "settings": {"defaultAction": "replace"},
    "content": [{"id": YEAR, "type": 12, "action": "replace", "includeDependents": True}],
}
FILES = "/mstrServices/library/storage/sharedFileStore/files"


def refused(response: Any, status: int, code: str) -> str:
    """Check an error answer. :returns: its message"""
    assert (response.status_code, response.json().get("code")) == (status, code), response.text
    return str(response.json()["message"])


def good(response: Any, status: int = 200) -> dict[str, Any]:
    assert response.status_code == status, response.text
    return dict(response.json())


@pytest.fixture(scope="module", name="programs")
def two_programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, Program]]:
    directory = tmp_path_factory.mktemp("storage")
    both = Program("--storage", directory), Program("--storage", directory)
    yield both
    for program in both:
        assert program.stop() == (0, "", "")


class Side:
    """One of two environments, and somebody who is logged in there."""

    def __init__(self, program: Program, project: str | None) -> None:
        self.double = Double(program.base)
        self.double.reset()
        self.environment = {"id": program.base + "/", "name": program.base + "/"}
        self.client = self.double.login(project=project)

    def record(self, migration_id: str, content: str = "default") -> dict[str, Any]:
        return good(self.client.get(f"/migrations/{migration_id}", params={"showContent": content}))

    def change(self, migration_id: str, body: dict[str, Any]) -> Any:
        return self.client.call("PATCH", f"/migrations/{migration_id}", json=body, headers=ASYNC)

    def until(self, migration_id: str, part: str, word: str) -> dict[str, Any]:
        """Wait for a status. :returns: the record"""
        return dict(
            wait_until(
                lambda: (record := self.record(migration_id)).get(part, {}).get("status") == word and record,
                f"{part} {word}",
            )
        )


@pytest.fixture(name="source")
def from_here(programs: tuple[Program, Program]) -> Side:
    return Side(programs[0], TUTORIAL)


@pytest.fixture(name="target")
def to_there(programs: tuple[Program, Program]) -> Side:
    side = Side(programs[1], DEMO)
    # A reset leaves the storage alone, which is the other's too.
    for file in good(side.client.get(FILES))["data"]:
        assert side.client.call("DELETE", f"{FILES}/{file['id']}").status_code == 204
    return side


def package_of(side: Side, **info: Any) -> dict[str, Any]:
    """What a client asks for to have a package made."""
    package = {"type": "project", "name": "Year", "environment": side.environment, "tocView": CONTENT, "treeView": {}}
    return {"packageInfo": {**package, **info}, "importInfo": {}}


def make(source: Side, **info: Any) -> str:
    started = good(source.client.post("/migrations", json=package_of(source, **info), headers=ASYNC), 201)
    assert started["packageInfo"]["status"] == "creating"
    assert started["importInfo"]["status"] == started["importInfo"]["importRequestStatus"] == "pending"
    assert started["id"] == f"{started['packageInfo']['id']}:{started['importInfo']['id']}"
    source.until(started["id"], "packageInfo", "created")
    return str(started["id"])


def send_to(target: Side, project: str | None = DEMO) -> dict[str, Any]:
    """Where an import is to go."""
    place: dict[str, Any] = {"environment": target.environment}
    return {**place, "project": {"id": project, "name": "Demo Project"}} if project else place


def approve(source: Side, target: Side, migration_id: str, project: str | None = DEMO) -> dict[str, Any]:
    """Request and approve an import. :returns: the record for the target"""
    for word in ("requested", "approved"):
        body = {"importInfo": {**send_to(target, project), "importRequestStatus": word}}
        good(source.change(migration_id, body))
    record = source.record(migration_id, "all")
    record["packageInfo"]["replicated"] = True
    return record


def start(target: Side, record: dict[str, Any], **query: str) -> Any:
    return target.client.put(f"/migrations/{record['id']}", json=record, params=query, headers=ASYNC)


def migrate(source: Side, target: Side) -> str:
    migration_id = make(source)
    started = good(start(target, approve(source, target, migration_id)), 201)
    assert started["importInfo"]["status"] == "importing"
    target.until(migration_id, "importInfo", "imported")
    return migration_id


def undo(target: Side, migration_id: str) -> None:
    good(target.change(migration_id, {"importInfo": {"undoRequestStatus": "requested"}}))
    good(target.change(migration_id, {"importInfo": {"undoRequestStatus": "approved"}}), 202)


def test_create_approve_import_undo(source: Side, target: Side) -> None:
    before = target.double.objects()
    migration_id = migrate(source, target)
    assert target.double.objects()[YEAR] == source.double.objects(TUTORIAL)[YEAR]
    shown = target.record(migration_id)
    assert (shown["packageInfo"]["status"], shown["packageInfo"]["replicated"]) == ("locked", True)
    assert shown["importInfo"]["progress"] == 100.0
    saved = target.client.get(f"/migrations/imports/{shown['importInfo']['id']}/binary")
    assert len(saved.content) == shown["importInfo"]["undoStorage"]["size"] > 0
    # The source learns nothing of what becomes of it.
    assert source.record(migration_id)["importInfo"]["status"] == "pending"
    undo(target, migration_id)
    target.until(migration_id, "importInfo", "undo_success")
    assert target.double.objects() == before


def test_record(source: Side) -> None:
    source.double.settings(build_duration=A_LONG_TIME)
    started = good(source.client.post("/migrations", json=package_of(source)), 201)
    record = source.record(started["id"])
    assert record["packageInfo"]["status"] == "creating"
    assert record["packageInfo"]["creator"] == {"id": ADMINISTRATOR, "name": "administrator"}
    assert record["packageInfo"]["project"] == {"id": TUTORIAL, "name": "MicroStrategy Tutorial"}
    assert "storage" not in record["packageInfo"]
    source.double.settings(build_duration=0)
    package = source.until(started["id"], "packageInfo", "created")["packageInfo"]
    file = source.client.get(f"/migrations/packages/{package['id']}/binary")
    assert len(file.content) == package["storage"]["size"]
    # The vendor's client takes what stands behind the sign for the name.
    assert file.headers["Content-Disposition"].endswith(f"filename={package['id']}.mmp")
    assert "tocView" not in package
    assert set(source.record(started["id"], "tocview")["packageInfo"]) - set(package) == {"tocView"}
    assert set(source.record(started["id"], "treeview")["packageInfo"]) - set(package) == {"treeView"}
    assert source.record(started["id"], "all")["packageInfo"]["tocView"] == CONTENT


@pytest.mark.parametrize(("form", "shown"), [("string", "{}"), ("object", {})])
def test_form_of_the_tree_view(source: Side, form: str, shown: Any) -> None:
    source.double.settings(tree_view=form)
    assert source.record(make(source), "all")["packageInfo"]["treeView"] == shown


def test_list(source: Side) -> None:
    made = [make(source, name=f"Number {number}") for number in range(3)]
    whole = good(source.client.get("/migrations"))
    assert ([record["id"] for record in whole["data"]], whole["total"]) == (made, 3)
    page = good(source.client.get("/migrations", params={"offset": 1, "limit": 1}))
    assert ([record["packageInfo"]["name"] for record in page["data"]], page["total"]) == (["Number 1"], 3)
    other = good(source.client.get("/migrations", params={"packageInfo.purpose": "project_merge"}))
    assert other == {"data": [], "total": 0}
    refused(source.client.get("/migrations", params={"limit": 1001}), 400, "ERR006")


@pytest.mark.parametrize(
    ("info", "code"),
    [
        ({"name": ""}, "ERR005"),
        ({"environment": None}, "ERR005"),
        ({"type": "configuration"}, "ERR006"),
        ({"purpose": "project_merge"}, "ERR006"),
        ({"tocView": {"content": []}}, "ERR005"),
    ],
)
def test_packages_that_cannot_be_made(source: Side, info: dict[str, Any], code: str) -> None:
    refused(source.client.post("/migrations", json=package_of(source, **info)), 400, code)
    assert good(source.client.get("/migrations"))["total"] == 0


def test_package_of_a_missing_object(source: Side) -> None:
    content = {"content": [{"id": "D" * 32, "type": 12}]}
    started = good(source.client.post("/migrations", json=package_of(source, tocView=content)), 201)
    failed = source.until(started["id"], "packageInfo", "create_failed")
    assert "D" * 32 in failed["packageInfo"]["message"]
    body = {"importInfo": {"environment": source.environment, "importRequestStatus": "requested"}}
    refused(source.change(started["id"], body), 400, "ERR006")


def test_requests_come_in_turn(source: Side, target: Side) -> None:
    migration_id = make(source)
    place = send_to(target)
    approved = {"importInfo": {**place, "importRequestStatus": "approved"}}
    assert "requested first" in refused(source.change(migration_id, approved), 400, "ERR006")
    refused(source.change(migration_id, {"importInfo": {"importRequestStatus": "requested"}}), 400, "ERR005")
    refused(source.change(migration_id, {"importInfo": {**place, "importRequestStatus": "maybe"}}), 400, "ERR006")
    # Nothing of that is taken.
    assert source.record(migration_id)["importInfo"]["environment"] == {}
    good(source.change(migration_id, {"importInfo": {**place, "importRequestStatus": "requested"}}))
    rejected = good(source.change(migration_id, {"importInfo": {"importRequestStatus": "rejected"}}))
    assert (rejected["packageInfo"]["status"], rejected["importInfo"]["importRequestStatus"]) == ("created", "rejected")
    record = source.record(migration_id, "all")
    record["packageInfo"]["replicated"] = True
    assert "not approved" in refused(start(target, record), 400, "ERR006")


def test_imports_that_are_refused(source: Side, target: Side) -> None:
    migration_id = make(source)
    record = approve(source, target, migration_id)
    refused(target.client.put(f"/migrations/{migration_id}", json=record), 400, "ERR005")
    record["packageInfo"]["replicated"] = False
    assert "replicated" in refused(start(target, record), 400, "ERR006")
    record["packageInfo"]["replicated"] = True
    target.client.project = TUTORIAL
    refused(start(target, record), 400, "ERR006")
    target.client.project = None
    refused(start(target, record), 400, "ERR006")
    target.client.project = DEMO
    target.double.settings(import_duration=A_LONG_TIME)
    good(start(target, record), 201)
    refused(start(target, record), 400, "ERR006")
    target.double.settings(import_duration=0)
    target.until(migration_id, "importInfo", "imported")
    refused(start(target, record), 400, "ERR006")
    assert target.double.state()["imports_started"] == 1


def test_import_that_fails(source: Side, target: Side) -> None:
    target.double.settings(import_failure={"message": "The disk is full.", "after_objects": 1})
    migration_id = make(source)
    good(start(target, approve(source, target, migration_id)), 201)
    failed = target.until(migration_id, "importInfo", "import_failed")
    assert failed["importInfo"]["message"] == "The disk is full."
    wait_until(lambda: "undoStorage" in target.record(migration_id)["importInfo"], "the undo package")
    target.double.settings(undo_failed_imports=False)
    refused(target.change(migration_id, {"importInfo": {"undoRequestStatus": "requested"}}), 400, "ERR006")
    target.double.settings(undo_failed_imports=True, import_failure=None)
    undo(target, migration_id)
    target.until(migration_id, "importInfo", "undo_success")


def test_package_that_has_left_the_storage(source: Side, target: Side) -> None:
    migration_id = make(source)
    record = approve(source, target, migration_id)
    record["packageInfo"]["storage"]["path"] = "packages/../../elsewhere.mmp"
    good(start(target, record), 201)
    assert "has no file" in target.until(migration_id, "importInfo", "import_failed")["importInfo"]["message"]


def test_no_undo_without_an_undo_package(source: Side, target: Side) -> None:
    migration_id = make(source)
    good(start(target, approve(source, target, migration_id), generateUndo="False"), 201)
    shown = target.until(migration_id, "importInfo", "imported")
    refused(target.client.get(f"/migrations/imports/{shown['importInfo']['id']}/binary"), 404, "ERR004")
    refused(target.change(migration_id, {"importInfo": {"undoRequestStatus": "approved"}}), 400, "ERR006")
    good(target.change(migration_id, {"importInfo": {"undoRequestStatus": "requested"}}))
    assert "no undo" in refused(
        target.change(migration_id, {"importInfo": {"undoRequestStatus": "approved"}}), 400, "ERR006"
    )


def test_undo_wants_the_project(source: Side, target: Side) -> None:
    migration_id = migrate(source, target)
    good(target.change(migration_id, {"importInfo": {"undoRequestStatus": "requested"}}))
    target.client.project = None
    refused(target.change(migration_id, {"importInfo": {"undoRequestStatus": "approved"}}), 400, "ERR006")
    assert target.record(migration_id)["importInfo"]["status"] == "imported"


def test_configuration(source: Side, target: Side) -> None:
    source.client.project = target.client.project = None
    content = {"settings": {"defaultAction": "force_replace"}, "content": [{"id": ADMINISTRATOR, "type": 34}]}
    migration_id = make(source, type="configuration", tocView=content)
    edited = target.double.put(ADMINISTRATOR, "configuration", name="Renamed")
    good(start(target, approve(source, target, migration_id, None)), 201)
    target.until(migration_id, "importInfo", "imported")
    assert target.double.objects("configuration")[ADMINISTRATOR]["name"] == "Administrator"
    undo(target, migration_id)
    target.until(migration_id, "importInfo", "undo_success")
    assert target.double.objects("configuration")[ADMINISTRATOR] == edited


def test_reuse(source: Side, target: Side) -> None:
    migration_id = migrate(source, target)
    package_id, _import_id = migration_id.split(":")
    refused(source.client.post("/migrations", params={"packageId": package_id}, json={}), 400, "ERR005")
    place = {"importInfo": send_to(target)}
    again = good(source.client.post("/migrations", params={"packageId": package_id}, json=place), 201)
    assert again["id"].startswith(package_id + ":")
    assert again["id"] != migration_id
    record = source.record(again["id"], "all")
    record["packageInfo"]["replicated"] = True
    good(start(target, record), 201)
    target.until(again["id"], "importInfo", "imported")
    refused(source.client.post("/migrations", params={"packageId": "D" * 32}, json=place), 404, "ERR006")


# Validation


def ask_to_validate(source: Side, target: Side, migration_id: str) -> Any:
    good(source.change(migration_id, {"importInfo": send_to(target)}))
    record = source.record(migration_id, "all")
    return target.client.put(f"/migrations/{migration_id}/validation", json=record, headers=ASYNC)


def validate(source: Side, target: Side, migration_id: str, word: str) -> dict[str, Any]:
    answer = ask_to_validate(source, target, migration_id)
    assert (answer.status_code, answer.content) == (202, b"")
    good(source.change(migration_id, {"validation": {"status": "validating"}}))
    return dict(source.until(migration_id, "validation", word)["validation"])


def test_validation_writes_nothing(source: Side, target: Side) -> None:
    target.double.settings(validation_duration=A_LONG_TIME)
    before = target.double.objects()
    migration_id = make(source)
    ask_to_validate(source, target, migration_id)
    good(source.change(migration_id, {"validation": {"status": "validating"}}))
    assert source.record(migration_id)["validation"] == {"status": "validating", "progress": 0.0}
    target.double.settings(validation_duration=0)
    assert source.until(migration_id, "validation", "validated")["validation"]["progress"] == 100.0
    assert target.double.objects() == before
    assert target.double.state()["imports_started"] == 0


def test_validation_finds_what_would_fail(source: Side, target: Side) -> None:
    needy = {"content": [{"id": YEAR, "type": 12, "includeDependents": False}]}
    migration_id = make(source, tocView=needy)
    assert "is not found" in validate(source, target, migration_id, "validation_failed")["message"]
    # Asked again, with what is missing in place, it is another one.
    for object_id in source.double.objects(TUTORIAL)[YEAR]["depends_on"]:
        target.double.put(object_id, type=15, name="Table")
    assert "message" not in validate(source, target, migration_id, "validated")
    target.double.put(YEAR, type=12, name="Year")
    target.double.put("E" * 32, type=3, name="User of it", depends_on=[YEAR])
    migration_id = make(source, tocView={"content": [{"id": YEAR, "type": 12, "action": "delete"}]})
    assert "cannot be deleted" in validate(source, target, migration_id, "validation_failed")["message"]


def test_what_cannot_be_validated(source: Side, target: Side) -> None:
    migration_id = migrate(source, target)
    refused(ask_to_validate(source, target, migration_id), 400, "ERR006")
    refused(source.change(migration_id, {"validation": {"status": "validating"}}), 400, "ERR006")
    refused(source.change(make(source), {"validation": {"status": "validated"}}), 400, "ERR006")


# Certification


@pytest.mark.parametrize(("form", "inner", "wrapped"), [("any", 204, 204), ("inner", 204, 400), ("wrapped", 400, 204)])
def test_certification(source: Side, form: str, inner: int, wrapped: int) -> None:
    source.double.settings(certification_body=form)
    migration_id = make(source)
    path = f"/migrations/{migration_id}/packageInfo/certification"

    def certify(body: dict[str, Any]) -> tuple[int, str | None]:
        answer = source.client.call("PATCH", path, json=body)
        return answer.status_code, source.record(migration_id)["packageInfo"].get("certification", {}).get("status")

    word = "requested" if inner == 204 else None
    assert certify({"status": "requested"}) == (inner, word)
    certification = {"status": "certified", "operator": {"id": ADMINISTRATOR, "name": "A"}}
    word = "certified" if wrapped == 204 else word
    assert certify({"packageInfo": {"certification": certification}}) == (wrapped, word)
    refused(source.client.call("PATCH", path, json={"status": "good"}), 400, "ERR006")
    assert source.client.call("PATCH", path, params={"autoSync": "True"}).status_code == 204


# Deleting


@pytest.mark.parametrize("code", ["ERR006", "ERR004"])
def test_delete(source: Side, target: Side, code: str) -> None:
    source.double.settings(unknown_migration=code)
    migration_id = migrate(source, target)
    package_id, import_id = migration_id.split(":")
    for side in (target, source):
        assert side.client.call("DELETE", "/migrations", params={"packageId": package_id}).status_code == 204
        assert good(side.client.get("/migrations"))["data"] == []
        # It is still to be seen, and can no longer be worked with.
        assert side.record(migration_id)["packageInfo"]["deleted"]
        refused(side.change(migration_id, {"packageInfo": {"name": "New"}}), 404, "ERR004")
    refused(target.client.get(f"/migrations/imports/{import_id}/binary"), 404, "ERR004")
    refused(source.client.get(f"/migrations/packages/{package_id}/binary"), 404, code)
    refused(source.client.call("DELETE", "/migrations", params={"packageId": package_id}), 404, code)


def test_what_is_busy_is_not_deleted(source: Side) -> None:
    source.double.settings(build_duration=A_LONG_TIME)
    started = good(source.client.post("/migrations", json=package_of(source)), 201)
    package_id = started["packageInfo"]["id"]
    refused(source.client.call("DELETE", "/migrations", params={"packageId": package_id}), 400, "ERR006")
    source.double.settings(build_duration=0)
    source.until(started["id"], "packageInfo", "created")
    assert source.client.call("DELETE", "/migrations", params={"packageId": package_id}).status_code == 204


# Files


def describe(side: Side, data: bytes, **other: Any) -> Any:
    body = {
        "name": "year",
        "extension": "mmp",
        "type": "migrations.packages",
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "environment": side.environment,
        "extraInfo": {"packageType": "project", "packagePurpose": "migration_from_shared_file_store"},
    }
    return side.client.post(FILES, json={**body, **other})


def upload(side: Side, data: bytes) -> str:
    file = good(describe(side, data))
    assert not file["existing"]
    done = good(side.client.put(f"{FILES}/{file['id']}/binary", files={"file": ("f", data)}))
    assert done == {**file, "existing": True}
    return str(file["id"])


def from_file(side: Side, file_id: str) -> Any:
    package = {
        "storage": {"sharedFileStore": {"files": {"id": file_id}}},
        "purpose": "migration_from_shared_file_store",
    }
    return side.client.post("/migrations", json={"packageInfo": package, "importInfo": send_to(side)}, headers=ASYNC)


def test_import_from_a_file(target: Side, samples: Path) -> None:
    before = target.double.objects()
    data = (samples / "year.mmp").read_bytes()
    file_id = upload(target, data)
    assert target.client.get(f"{FILES}/{file_id}/binary").content == data
    started = good(from_file(target, file_id), 201)
    # There is nothing to approve.
    assert (started["packageInfo"]["status"], started["importInfo"]["importRequestStatus"]) == ("locked", "approved")
    record = target.until(started["id"], "importInfo", "imported")
    assert YEAR in target.double.objects()
    listed = good(target.client.get(FILES, params={"type": "migrations.packages"}))["data"]
    assert [file["id"] for file in listed] == [file_id]
    assert record["packageInfo"]["storage"]["path"] == listed[0]["path"]
    purpose = {"packageInfo.purpose": "migration_from_shared_file_store"}
    assert good(target.client.get("/migrations"))["total"] == 0
    assert good(target.client.get("/migrations", params=purpose))["total"] == 1
    refused(target.change(started["id"], {"validation": {"status": "validating"}}), 400, "ERR006")
    undo(target, started["id"])
    target.until(started["id"], "importInfo", "undo_success")
    assert target.double.objects() == before
    assert target.client.call("DELETE", f"{FILES}/{file_id}").status_code == 204
    refused(target.client.get(f"{FILES}/{file_id}/binary"), 404, "ERR004")
    package_id = started["packageInfo"]["id"]
    assert target.client.call("DELETE", "/migrations", params={"packageId": package_id}).status_code == 204


def test_files_that_are_refused(target: Side, packages: Packages, samples: Path) -> None:
    data = packages.make([{"name": "Profit", "type": 4}])
    refused(describe(target, data, type="other"), 400, "ERR006")
    refused(describe(target, data, sha256=""), 400, "ERR005")
    file = good(describe(target, data))
    refused(target.client.put(f"{FILES}/{file['id']}/binary", files={"file": data + b"x"}), 400, "ERR006")
    refused(from_file(target, file["id"]), 400, "ERR006")
    refused(from_file(target, "nonsense"), 404, "ERR004")
    refused(from_file(target, upload(target, b"no package")), 500, "ERR002")
    users = upload(target, (samples / "users.mmp").read_bytes())
    refused(from_file(target, users), 400, "ERR006")
    target.client.project = None
    refused(from_file(target, users), 400, "ERR006")
    assert target.double.state()["imports_started"] == 0


# What both sides need


def test_privileges(source: Side, packages: Packages) -> None:
    creator = source.double.login("creator", TUTORIAL)
    refused(creator.post("/migrations", json=package_of(source)), 403, "ERR017")
    source.client = creator
    refused(describe(source, packages.make([{"name": "Profit", "type": 4}])), 403, "ERR017")


def test_storage_that_is_not_configured(source: Side) -> None:
    shown = good(source.client.get("/mstrServices/library/storage"))["sharedFileStore"]
    assert shown["configured"]
    source.double.settings(storage_configured=False)
    assert not good(source.client.get("/mstrServices/library/storage"))["sharedFileStore"]["configured"]
    for answer in (
        source.client.get("/migrations"),
        source.client.post("/migrations", json=package_of(source)),
        source.client.get("/migrations/x:y"),
        source.client.get(FILES),
    ):
        assert "Storage Service" in refused(answer, 500, "ERR016")


def test_records_outlive_sessions_and_not_a_reset(source: Side) -> None:
    migration_id = make(source)
    source.client.post("/auth/logout")
    source.client = source.double.login(project=TUTORIAL)
    assert source.record(migration_id)["packageInfo"]["status"] == "created"
    source.double.reset()
    source.client = source.double.login(project=TUTORIAL)
    refused(source.client.get(f"/migrations/{migration_id}"), 404, "ERR004")


def test_one_server_without_a_storage_directory(double: Double) -> None:
    """It has a storage of its own, and can be source and target."""
    client = double.login(project=TUTORIAL)
    environment = {"id": double.base + "/", "name": double.base + "/"}
    package = {"type": "project", "name": "Year", "environment": environment, "tocView": CONTENT}
    migration_id = good(client.post("/migrations", json={"packageInfo": package}), 201)["id"]

    def record(content: str = "default") -> dict[str, Any]:
        return good(client.get(f"/migrations/{migration_id}", params={"showContent": content}))

    wait_until(lambda: record()["packageInfo"]["status"] == "created", "the package")
    for word in ("requested", "approved"):
        body = {"importInfo": {"environment": environment, "importRequestStatus": word}}
        good(client.call("PATCH", f"/migrations/{migration_id}", json=body))
    sent = record("all")
    sent["packageInfo"]["replicated"] = True
    other = double.login(project=DEMO)
    good(other.put(f"/migrations/{migration_id}", json=sent, headers=ASYNC), 201)
    wait_until(lambda: record()["importInfo"]["status"] == "imported", "the import")
    assert YEAR in double.objects()
    # Nothing of this is in the memory of a session.
    assert double.state()["packages"] == double.state()["imports"] == []
