# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The change journal: the calls and fields that the vendor's Python client names."""

from __future__ import annotations

from typing import Any

from double_client import ADMINISTRATOR, DEMO, Client, Double, Packages
from test_calls import ROW, refused

OTHER = "C" * 32


def found(client: Client, **wanted: Any) -> list[dict[str, Any]]:
    """Search the journal, and return the first page."""
    answer = client.post("/changeJournal", json=wanted)
    assert answer.status_code == 200
    return client.get(f"/changeJournal/{answer.json()['searchId']}").json()["changeJournalEntries"]


def edit(double: Double, object_id: str, user: str = "viewer", method: str = "PUT") -> None:
    body = {"name": "Edited", "type": 12} if method == "PUT" else None
    double.control(method, f"/objects/{DEMO}/{object_id}?user={user}&machine=desk", body)


def test_an_edit_is_in_the_journal(double: Double) -> None:
    edit(double, OTHER)
    edit(double, OTHER, "creator")
    edit(double, OTHER, "viewer", "DELETE")
    client = double.login()
    entries = found(client, affectedObjects=[{"id": OTHER}], affectedProjects=[DEMO])
    # The newest first.
    assert [entry["user"]["name"] for entry in entries] == ["viewer", "creator", "viewer"]
    assert [entry["changedObjects"][0]["changeType"] for entry in entries] == [
        "delete_object",
        "change_object",
        "create_object",
    ]
    assert {(entry["projectId"], entry["machine"]) for entry in entries} == {(DEMO, "desk")}
    assert entries[0]["timestampISO"].endswith("+0000")


def test_an_import_is_in_the_journal_too(double: Double, packages: Packages) -> None:
    client = double.login()
    client.run_import(packages.make([ROW]))
    (entry,) = found(client, affectedObjects=[{"id": ROW["id"]}])
    assert entry["user"]["id"] == ADMINISTRATOR
    assert [item["id"] for item in entry["changedObjects"]] == [ROW["id"]]


def test_a_search_can_be_narrowed(double: Double) -> None:
    edit(double, OTHER)
    client = double.login()
    assert found(client, affectedObjects=[{"id": "D" * 32}]) == []
    assert found(client, affectedProjects=["E" * 32]) == []
    assert found(client, changeTypes=["delete_object"]) == []
    assert found(client, endTime="1/5/2001 9:05:07 AM") == []
    assert len(found(client, beginTime="01/05/2001 09:05:07 AM")) == 1
    refused(client.post("/changeJournal", json={"beginTime": "yesterday"}), 400, "ERR006")
    refused(client.post("/changeJournal", data="no JSON"), 400, "ERR006")


def test_a_page_has_a_hundred_entries_at_most(double: Double) -> None:
    for _number in range(103):
        edit(double, OTHER)
    client = double.login()
    search = client.post("/changeJournal", json={}).json()["searchId"]
    pages = [
        client.get(f"/changeJournal/{search}", params=params).json()["changeJournalEntries"]
        for params in ({}, {"offset": 100, "limit": 100}, {"offset": 1, "limit": 2})
    ]
    assert [len(page) for page in pages] == [100, 3, 2]


def test_a_journal_can_be_purged(double: Double) -> None:
    edit(double, OTHER)
    double.control("DELETE", "/journal")
    assert found(double.login()) == []


def test_who_may_read_it(double: Double) -> None:
    refused(double.login("creator").post("/changeJournal", json={}), 403, "ERR017")
    refused(double.login().get("/changeJournal/none"), 404, "ERR004")
