# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret is in anything that a run prints or leaves behind."""

from __future__ import annotations

import contextlib
import json
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from harness import PASSWORD, Controller, Server
from processes import descendants, output, started


def left_behind(directory: Path) -> str:
    """Return the content of all files below a directory, but not of the input that the test wrote there."""
    inputs = ("inventory.yml", "tasks.yml")
    files = [path for path in directory.rglob("*") if path.is_file() and path.name not in inputs]
    return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in files)


@pytest.mark.ansible
@pytest.mark.parametrize("how", [pytest.param("password", marks=pytest.mark.oldest_core), "environment"])
def test_at_the_highest_verbosity(how: str, server: Server, controller: Controller) -> None:
    host: dict[str, Any] = {
        "mstr_base_url": server.base_url,
        "mstr_project": "MicroStrategy Tutorial",
        "mstr_packages": [{"src": str(controller.packages / "finance.mmp")}],
    }
    if how == "password":
        host.update(mstr_username="administrator", mstr_password=PASSWORD)
    else:
        controller.environment.update(MSTR_USERNAME="administrator", MSTR_PASSWORD=PASSWORD)
    controller.inventory({"prod": host})
    run = controller.deploy("-vvvv")
    assert run.code == 0, run.output
    assert run.recap("prod")["changed"] == 1
    # The inventory's own content is the user's; the project's name is no secret.
    assert PASSWORD not in run.output
    assert PASSWORD not in left_behind(controller.directory) + left_behind(controller.temporary)


@pytest.mark.ansible
def test_the_session_token(server: Server, controller: Controller, tmp_path: Path) -> None:
    path = tmp_path / "session.json"
    run = controller.play(
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


# Python reads a module of this name at its start: each module of a run tells what it gives to the system's log.
SITECUSTOMIZE = """
import os, syslog
def record(*arguments):
    with open(os.environ["MSTR_SYSLOG"], "a") as log:
        log.write(repr(arguments) + chr(10))
syslog.syslog = record
"""


@pytest.mark.ansible
def test_neither_in_the_system_log_nor_in_the_process_list(server: Server, controller: Controller) -> None:
    patched = controller.directory / "patched"
    patched.mkdir()
    (patched / "sitecustomize.py").write_text(SITECUSTOMIZE, encoding="utf-8")
    log = controller.directory / "syslog"
    controller.environment.update(PYTHONPATH=str(patched), MSTR_SYSLOG=str(log))
    server.set(import_duration=0.5)
    controller.declare(server, controller.sample("inc1"))
    seen: set[bytes] = set()
    modes: set[int] = set()
    with started(controller) as process:
        while process.poll() is None:
            for each in descendants(process.pid):
                for name in ("cmdline", "environ"):
                    with contextlib.suppress(OSError):
                        seen.add(Path("/proc/%d/%s" % (each, name)).read_bytes())
            for path in controller.history.glob("*/sessions/*.json"):
                with contextlib.suppress(FileNotFoundError):
                    modes.add(stat.S_IMODE(path.stat().st_mode))
                    modes.add(stat.S_IMODE(path.parent.stat().st_mode))
            time.sleep(0.005)
    assert process.returncode == 0, output(controller)
    assert modes == {0o600, 0o700}
    assert any(b"mstr_package_import" in text for text in seen)
    assert not [text for text in seen if PASSWORD.encode() in text]
    said = log.read_text(encoding="utf-8")
    assert "password=NOT_LOGGING_PARAMETER" in said
    assert PASSWORD not in said
    assert PASSWORD not in left_behind(controller.directory) + left_behind(controller.temporary)
    # Nor in an address.
    assert PASSWORD not in json.dumps(server.log())
