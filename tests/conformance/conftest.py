# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The double under test: started once as a program of its own, reset before every test."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from double_client import Double, Packages, Program, run


def pytest_report_header() -> str:
    """Say how the vendor's curl commands are replayed."""
    return f"vendor's curl commands: {shutil.which('curl') or 'curl is missing, replayed with requests'}"


@pytest.fixture(scope="session")
def program() -> Iterator[Program]:
    running = Program()
    yield running
    status, out, err = running.stop()
    assert (status, out, err) == (0, "", "")


@pytest.fixture(name="double")
def fresh_double(program: Program) -> Double:
    double = Double(program.base)
    double.reset()
    return double


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    return Packages(tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("samples")
    result = run("sample-packages", directory)
    assert result.returncode == 0, result.stderr
    return directory


# The vendor's client, mstrio-py, as it is, in sessions of its own. Where it is missing its tests fail, and are not
# skipped: the double would be unproven then.


@pytest.fixture(scope="session", name="mstrio")
def vendor_client() -> Any:
    """Return its module for connections."""
    try:
        return importlib.import_module("mstrio.connection")
    except ImportError as error:
        pytest.fail(f"mstrio-py must be installed for this test: {error}")


@pytest.fixture(name="connect")
def connecting(mstrio: Any, double: Double) -> Iterator[Any]:
    """Opens connections, to the double unless told otherwise, and closes them afterwards: nothing is left behind."""
    opened = []

    def connect(project: str | None, server: Double = double, **login: str) -> Any:
        login = login or {"username": "administrator", "password": "library-demo"}
        connection = mstrio.Connection(server.base, project_id=project, **login)
        opened.append((connection, server))
        return connection

    yield connect
    for connection, _server in opened:
        connection.close()
    for server in [double, *(server for _connection, server in opened)]:
        state = server.state()
        assert state["sessions"] == state["packages"] == state["imports"] == []
