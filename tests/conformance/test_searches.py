# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders, searches and search objects, after the page "Data lineage analysis" and what the vendor's client sends."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Any

import pytest
from double_client import A_LONG_TIME, PATIENCE, TUTORIAL, YEAR, Client, Double, wait_until

V1, V2, READ = "/metadataSearches/results", "/v2/metadataSearches/results", "/metadataSearches/results"
ROOT = "D43364C684E34A5F9B2F9AD7108F7828"


def number(digit: int) -> str:
    return f"{digit:032X}"


@pytest.fixture(name="tree")
def planted(double: Double) -> Double:
    """A folder with a subfolder, a shortcut, a hidden and a private object, and a search object."""
    folder, below, private = number(1), number(2), number(3)
    rows: list[dict[str, Any]] = [
        {"id": folder, "name": "Sales", "type": 8},
        {"id": below, "name": "Deep", "type": 8, "folder": folder},
        {"id": private, "name": "Secret", "type": 8, "folder": folder, "private": True},
        {"id": number(4), "name": "Report A", "type": 3, "folder": folder, "depends_on": [number(5)]},
        {"id": number(5), "name": "Metric B", "type": 4, "folder": below, "hidden": True},
        {"id": number(6), "name": "Metric C", "type": 4, "folder": private},
        {"id": number(7), "name": "To Year", "type": 18, "folder": folder, "depends_on": [YEAR]},
        {"id": number(8), "name": "Saved", "type": 39, "definition": {"root": folder, "types": ["metric"]}},
    ]
    double.control("POST", f"/objects/{TUTORIAL}", rows)
    return double


def found(client: Client, path: str = V2, body: Any = None, **query: Any) -> list[str]:
    options = {"json": body or {}} if path == V2 else {}
    started = client.post(path, params=query, **options)
    assert started.status_code == 200, started.text
    answer = client.get(READ, params={"searchId": started.json()["id"]})
    assert len(answer.json()) == started.json()["totalItems"]
    return sorted(row["name"] for row in answer.json())


def test_a_search_finds_what_is_below_a_folder(tree: Double) -> None:
    client = tree.login(project=TUTORIAL)
    assert found(client, root=number(1), type=[3, 4]) == ["Metric B", "Metric C", "Report A"]
    assert found(client, root=number(1), type=[3, 4], visibility="visible") == ["Metric C", "Report A"]
    assert found(client, V1, root=number(1), type=[3, 4]) == ["Metric C", "Report A"]
    assert found(client, root=number(1), type=[3, 4], body={"includeSubfolders": False}) == ["Report A"]
    assert found(client, root=number(1), type=4, body={"excludedFolders": [number(3)]}) == ["Metric B"]


def test_what_a_user_may_not_browse_is_missing_without_a_word(tree: Double) -> None:
    client = tree.login("creator", TUTORIAL)
    assert found(client, root=number(1), type=[3, 4]) == ["Report A"]
    names = [row["name"] for row in client.get(f"/folders/{number(1)}").json()]
    assert names == ["Deep", "Report A", "To Year"]
    assert client.get(f"/folders/{number(3)}").status_code == 404


def test_folders_are_listed_one_level_at_a_time(tree: Double) -> None:
    client = tree.login(project=TUTORIAL)
    names = [row["name"] for row in client.get(f"/folders/{ROOT}", params={"type": 8}).json()]
    assert names == ["Public Objects", "Sales"]
    answer = client.get(f"/folders/{number(1)}", params={"offset": 1, "limit": 2})
    assert [row["name"] for row in answer.json()] == ["Secret", "Report A"]
    assert answer.headers["X-MSTR-Total-Count"] == "4"


def test_dependencies_are_found_both_ways(tree: Double) -> None:
    client = tree.login(project=TUTORIAL)
    assert found(client, usedByObject=f"{number(4)};3") == ["Metric B"]
    assert found(client, usesObject=f"{number(5)};4") == ["Report A"]
    assert found(client, body={"usedByObject": [f"{number(7)};18"]}) == ["Year"]
    both = {"usesObject": f"{YEAR};12", "usedByObject": f"{number(4)};3"}
    assert client.post(V1, params=both).status_code == 400


def test_a_search_of_a_project_needs_one(tree: Double) -> None:
    client = tree.login(project=None)
    refused = client.post(V1, params={"domain": 2})
    assert refused.status_code == 400
    assert "'X-MSTR-ProjectID' header is required" in refused.json()["message"]
    assert "Analyst" in found(client, domain=4)


def test_a_search_by_time_can_leave_out_its_ends(tree: Double) -> None:
    client = tree.login(project=TUTORIAL)
    tree.put(number(4), TUTORIAL, dateModified="2030-01-01T00:00:00.000+0000")
    moment = {"beginModificationTime": "2030-01-01T00:00:00Z"}
    assert found(client, **moment) == ["Report A"]
    tree.settings(search_times_included=False)
    assert found(client, **moment) == []


def test_a_saved_search_tells_its_criteria_and_leaves_out_hidden_objects(tree: Double) -> None:
    client = tree.login(project=TUTORIAL)
    assert client.get(f"/searchObjects/{number(8)}").json()["types"] == ["metric"]
    names = [row["name"] for row in client.get(f"/searchObjects/{number(8)}/results").json()["result"]]
    assert names == ["Metric C"]


def test_a_search_can_be_lost_between_two_nodes(tree: Double) -> None:
    client = tree.login(project=TUTORIAL)
    tree.settings(searches_lost=1)
    search_id = client.post(V2, json={}).json()["id"]
    lost = client.get(READ, params={"searchId": search_id})
    assert (lost.status_code, lost.json()["code"]) == (404, "ERR004")
    assert "history list" in lost.json()["message"]
    assert client.get(READ, params={"searchId": search_id}).status_code == 200


def test_a_session_runs_one_search_at_a_time(tree: Double) -> None:
    client, other = tree.login(project=TUTORIAL), tree.login(project=TUTORIAL)
    tree.settings(search_duration=A_LONG_TIME)
    with ThreadPoolExecutor() as pool:
        searches = [pool.submit(client.post, V2, json={}) for _ in range(2)]
        (refused,), (going_on,) = wait(searches, PATIENCE, FIRST_COMPLETED)
        assert refused.result().status_code == 500
        of_other = pool.submit(other.post, V2, json={})
        wait_until(lambda: tree.state()["in_flight"] == 2, "the search of the other session")
        tree.settings(search_duration=0)
        assert (going_on.result().status_code, of_other.result().status_code) == (200, 200)
    assert client.post(V2, json={}).status_code == 200


def test_old_versions_have_only_the_old_search(tree: Double) -> None:
    tree.settings(release="2024", search_status=201)
    client = tree.login(project=TUTORIAL)
    assert client.post(V2, json={}).status_code == 404
    assert client.post(V1, params={"type": 3}).status_code == 201
    assert client.get(f"/searchObjects/{number(8)}").status_code == 404


def test_twelve_thousand_objects_come_in_pages(double: Double) -> None:
    rows = [{"id": number(100 + index), "name": f"M {index}", "type": 4, "folder": number(1)} for index in range(12000)]
    double.control("POST", f"/objects/{TUTORIAL}", [{"id": number(1), "name": "Sales", "type": 8}, *rows])
    double.settings(longest_page=5000)
    client = double.login(project=TUTORIAL)
    started = client.post(V2, json={}, params={"root": number(1)}).json()
    assert started["totalItems"] == 12000
    sizes = []
    while sum(sizes) < 12000:
        page = client.get(READ, params={"searchId": started["id"], "offset": sum(sizes), "limit": -1})
        assert page.headers["X-MSTR-Total-Count"] == "12000"
        sizes.append(len(page.json()))
    assert sizes == [5000, 5000, 2000]
