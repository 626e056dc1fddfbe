# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The unit tests: the checkout under its collection name, and an environment that says nothing."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from scripted_server import ScriptedServer

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import environments

# Locked, so that several workers and several runs may get here at once.
environments.link_checkout()
if str(environments.IMPORT_ROOT) not in sys.path:
    sys.path.insert(0, str(environments.IMPORT_ROOT))
importlib.invalidate_caches()

# The same examples in every run: a gate that fails today must fail tomorrow.
settings.register_profile("unit", deadline=None, derandomize=True, database=None)
settings.load_profile("unit")


@pytest.fixture(autouse=True)
def _silent_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Take away what the machine's environment would tell the code under test."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("MSTR_"):
            monkeypatch.delenv(name)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC", "JOB_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path_factory.getbasetemp()))


@pytest.fixture
def serve() -> Iterator[Callable[..., ScriptedServer]]:
    """Start servers that answer by a script; they end with the test."""
    running: list[ScriptedServer] = []

    def start(*script: Any, **options: Any) -> ScriptedServer:
        running.append(ScriptedServer(*script, **options))
        return running[-1]

    yield start
    for server in running:
        server.stop()
