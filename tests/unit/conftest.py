# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The unit tests: an environment that says nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings
from scripted_server import ScriptedServer

from ansible_collections.mstr.migration.plugins.module_utils.support import signals

# The same examples in every run: a gate that fails today must fail tomorrow.
settings.register_profile("unit", deadline=None, derandomize=True, database=None)
# What draws them is the same on every Python; a few show that what they are drawn for runs there.
settings.register_profile("few", settings.get_profile("unit"), max_examples=10)
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


@pytest.fixture(autouse=True)
def _not_told_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test begin as a module that was told to stop by the one before: a module ends then."""
    monkeypatch.setattr(signals, "_came", [])


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
