# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret is in anything that a run prints or leaves behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from harness import API_TOKEN, PASSWORD, Controller, Server


def left_behind(directory: Path) -> str:
    """Return the content of all files below a directory, but not of the input that the test wrote there."""
    inputs = ("inventory.yml", "tasks.yml")
    files = [path for path in directory.rglob("*") if path.is_file() and path.name not in inputs]
    return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in files)


@pytest.mark.parametrize("how", ["password", "API token", "environment"])
def test_at_the_highest_verbosity(how: str, server: Server, controller: Controller) -> None:
    host: dict[str, Any] = {
        "mstr_base_url": server.base_url,
        "mstr_project": "MicroStrategy Tutorial",
        "mstr_packages": [{"src": str(controller.packages / "finance.mmp")}],
    }
    if how == "password":
        host.update(mstr_username="administrator", mstr_password=PASSWORD)
    elif how == "API token":
        host.update(mstr_api_token=API_TOKEN)
    else:
        controller.environment.update(MSTR_USERNAME="administrator", MSTR_PASSWORD=PASSWORD)
    controller.inventory({"prod": host})
    run = controller.deploy("-vvvv")
    assert run.code == 0, run.output
    assert run.recap("prod")["changed"] == 1
    for secret in (PASSWORD, API_TOKEN):
        # The inventory's own content is the user's; the project's name is no secret.
        assert secret not in run.output
        assert secret not in left_behind(controller.directory) + left_behind(controller.temporary)


def test_the_session_token(server: Server, controller: Controller, tmp_path: Path) -> None:
    path = tmp_path / "session.json"
    run = controller.tasks(
        server,
        [
            {"name": "log in", "mstr.migration.mstr_session": {"session_file": str(path)}},
            {
                "name": "stage",
                "mstr.migration.mstr_package": {
                    "session_file": str(path),
                    "project": "Demo Project",
                    "src": str(controller.packages / "finance.mmp"),
                },
            },
            {
                "name": "import",
                "mstr.migration.mstr_package_import": {
                    "session_file": str(path),
                    "package_id": "{{ ansible_failed_result | default('wrong') }}",
                },
            },
        ],
        "-vvvv",
    )
    session = json.loads(path.read_text(encoding="utf-8"))
    secrets = [session["token"], *(cookie["value"] for cookie in session["cookies"])]
    assert len(secrets) == 3
    path.unlink()
    for secret in secrets:
        assert secret not in run.output
        assert secret not in left_behind(tmp_path) + left_behind(controller.temporary)
    assert PASSWORD not in json.dumps(session)
