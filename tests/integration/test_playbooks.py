# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook of each module: present, present again, changed, absent, absent again, as a user writes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import PASSWORD, Controller, Server
from warm_modules import ROOT

PLAYBOOKS = Path(__file__).with_name("playbooks")
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("mstr_*.py"))


@pytest.mark.ansible
@pytest.mark.parametrize("module", MODULES)
def test_the_playbook_of_a_module(module: str, server: Server, controller: Controller) -> None:
    """It says itself what is expected of each task. Here: that it got to its end, and left nothing on the server."""
    variables = {
        "base_url": server.base_url,
        "username": "administrator",
        "password": PASSWORD,
        "packages": str(controller.packages),
        "directory": str(controller.directory),
    }
    extra = [argument for name, value in variables.items() for argument in ("-e", "%s=%s" % (name, value))]
    run = controller.playbook(str(PLAYBOOKS / (module + ".yml")), *extra)
    assert run.code == 0, run.output
    # A condition that skips a task would skip what is expected of it.
    assert run.recap("localhost")["skipped"] == 0, run.output
    assert module in run.modules
    assert server.held() == []
