# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What servers of other versions, and gateways before them, answer otherwise than the documents' examples."""

from __future__ import annotations

from typing import Any

import pytest
from harness import Controller, Server, declared

# How a server may refuse a second package in a session: no document says it.
NO_PLACE: list[dict[str, Any]] = [
    {"second_holder": "refuse"},
    {"second_holder": "400"},
    {"second_holder": "500"},
    {"second_holder": "refuse", "error_codes": "prefixed"},
]


@pytest.mark.parametrize("settings", NO_PLACE, ids=str)
def test_a_package_that_is_being_released_is_waited_for(
    settings: dict[str, Any], server: Server, controller: Controller
) -> None:
    server.set(delete_duration=1, **settings)
    controller.declare(server, controller.sample("inc1"), controller.sample("inc2"))
    run = controller.deploy()
    assert run.code == 0, run.output
    assert server.has(declared("inc1", "inc2"))
    assert server.held() == []


def test_the_objects_of_a_project_that_is_not_loaded_are_not_missing(server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1"))
    answer = {"code": "ERR004", "iServerCode": -2147209151, "message": "The project is not loaded.", "ticketId": "1"}
    server.fault("GET", "^/objects/", {"kind": "status", "status": 404, "body": answer}, times=None)
    run = controller.deploy()
    assert run.code != 0
    assert "not loaded on any node" in run.failures[0]
    assert server.state()["imports_started"] == 0


def test_a_failed_import_names_the_objects_that_it_failed_for(server: Server, controller: Controller) -> None:
    server.set(import_failure={"message": "Dependencies are missing."})
    part = {"message": "Not found", "additionalProperties": {"objectId": "AB12", "objectName": "Revenue"}}
    server.fault("GET", "^/packages/imports/[^/]+$", {"kind": "json", "merge": {"subErrors": [part]}}, times=None)
    controller.declare(server, controller.sample("inc1"))
    run = controller.deploy()
    assert 'object AB12 "Revenue": Not found' in run.failures[0]
