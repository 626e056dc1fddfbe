# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What objects are made of: the modeling service, after the pages on modeling."""

from __future__ import annotations

from typing import Any

import pytest
from double_client import TUTORIAL, YEAR, Client, Double

METRIC, GROUP, CUBE = (f"{number:032X}" for number in (0x71, 0x72, 0x73))


@pytest.fixture(name="client")
def planted(double: Double) -> Client:
    rows: list[dict[str, Any]] = [
        {"id": METRIC, "name": "Total", "type": 4, "definition": {"expression": {"text": "Sum(Cost)"}}},
        {"id": GROUP, "name": "Ages", "type": 1, "subtype": 257},
        {"id": CUBE, "name": "Cube", "type": 3, "subtype": 776},
    ]
    double.control("POST", f"/objects/{TUTORIAL}", rows)
    return double.login(project=TUTORIAL)


def test_a_definition_has_information_and_parts(client: Client) -> None:
    answer = client.get(f"/model/attributes/{YEAR}")
    assert answer.status_code == 200
    assert set(answer.json()) == {"information", "forms", "displays"}
    information = answer.json()["information"]
    assert {name: information[name] for name in ("objectId", "subType", "name")} == {
        "objectId": YEAR,
        "subType": "attribute",
        "name": "Year",
    }
    assert information["dateModified"].endswith("Z")
    assert client.get(f"/model/metrics/{METRIC}").json()["expression"] == {"text": "Sum(Cost)"}


def test_an_edit_shows(double: Double, client: Client) -> None:
    def forms() -> Any:
        return client.get(f"/model/attributes/{YEAR}").json()["forms"]

    before = forms()
    assert forms() == before
    double.put(YEAR, TUTORIAL, definition={"edited": True})
    assert forms() != before


def test_objects_of_one_type_have_calls_by_what_they_are(client: Client) -> None:
    assert client.get(f"/model/customGroups/{GROUP}").json()["information"]["subType"] == "custom_group"
    assert client.get(f"/model/cubes/{CUBE}").status_code == 200
    for path in (f"/model/filters/{GROUP}", f"/model/reports/{CUBE}", f"/model/facts/{METRIC}", "/model/facts/x"):
        answer = client.get(path)
        assert answer.status_code == 404
        (error,) = answer.json()["errors"]
        assert set(error) == {"code", "message", "additionalProperties"}
        assert error["message"] != "HTTP 404 Not Found"


def test_who_may_not_see_an_object_may_not_read_it(double: Double, client: Client) -> None:
    double.put(METRIC, TUTORIAL, hidden=True)
    assert client.get(f"/model/metrics/{METRIC}").status_code == 200
    assert double.login("creator", TUTORIAL).get(f"/model/metrics/{METRIC}").status_code == 403
    assert double.login(project=None).get(f"/model/metrics/{METRIC}").status_code == 400


def test_versions_and_servers_without(double: Double, client: Client) -> None:
    double.settings(release="2021-update-2")
    assert client.get(f"/model/attributes/{YEAR}").status_code == 200
    assert client.get(f"/model/metrics/{METRIC}").json()["message"] == "HTTP 404 Not Found"
    double.settings(definitions="refused")
    assert client.get(f"/model/attributes/{YEAR}").status_code == 403
    double.settings(definitions="none")
    assert client.get(f"/model/attributes/{YEAR}").json()["message"] == "HTTP 404 Not Found"


def test_too_many_sessions_have_a_code_of_the_modeling_service(double: Double, client: Client) -> None:
    client.get(f"/model/attributes/{YEAR}")
    double.settings(session_cap=1)
    answer = double.login(project=TUTORIAL).get(f"/model/attributes/{YEAR}")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (500, "8004cb0a")
