# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules that ansible-playbook runs where they are installed, and those that it packs: nobody notices which."""

from __future__ import annotations

import re
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from harness import PASSWORD, Controller, Server, declared
from processes import INSTALLED, PACKED, descendants, output, started, until
from test_sites_inputs import VAULT_PASSWORD, vaulted
from warm_modules import COLLECTIONS

PLAN = "mstr.migration.mstr_package_plan"


def other_path() -> str:
    """Return a path of this Python that ansible-core has to take for another's."""
    return "%s/../bin/python" % Path(sys.executable).parent


def commands(process: Any) -> set[bytes]:
    found = set()
    for each in descendants(process.pid):
        try:
            found.add(Path("/proc/%d/cmdline" % each).read_bytes())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def commands_of_deploy(server: Server, controller: Controller, **variables: Any) -> set[bytes]:
    """Return the command lines of all processes of a deploy that imports a package."""
    server.set(import_duration=0.5)
    controller.declare(server, controller.sample("inc1"), **variables)
    seen: set[bytes] = set()
    with started(controller) as process:
        while process.poll() is None:
            seen |= commands(process)
            time.sleep(0.02)
    assert process.returncode == 0, output(controller)
    assert server.has(declared("inc1"))
    assert server.held() == []
    return seen


@pytest.mark.ansible
def test_modules_run_where_they_are_installed(server: Server, controller: Controller) -> None:
    seen = commands_of_deploy(server, controller)
    assert any(INSTALLED in command for command in seen)
    assert not any(PACKED in command for command in seen)


@pytest.mark.oldest_core
def test_packed_modules_deploy_check_and_roll_back(server: Server, controller: Controller) -> None:
    seen = commands_of_deploy(server, controller, ansible_python_interpreter=other_path())
    assert any(PACKED in command for command in seen)
    assert not any(INSTALLED in command for command in seen)
    assert controller.deploy("--check", "--diff").recap("prod")["changed"] == 0
    assert controller.rollback("inc1").code == 0
    assert not server.has(declared("inc1"))


@pytest.mark.every_core
@pytest.mark.parametrize("packed", [False, True], ids=["installed", "packed"])
def test_both_warn_in_words(server: Server, controller: Controller, packed: bool) -> None:
    interpreter = {"ansible_python_interpreter": other_path()} if packed else {}
    controller.declare(server, **interpreter)
    run = controller.deploy()
    assert run.code == 0, run.output
    assert re.search(r"^\[WARNING\]: [^{]*\bthe list is empty", run.output, re.MULTILINE), run.output
    assert "__ansible_type" not in run.output


@pytest.mark.ansible
def test_a_packed_module_is_stopped_too(server: Server, controller: Controller) -> None:
    server.set(import_duration=30)
    controller.declare(server, controller.sample("inc1"), ansible_python_interpreter=other_path())
    with started(controller) as process:
        until(lambda: server.state()["imports_started"], "the import")
        process.send_signal(signal.SIGINT)
        process.wait(60)
    assert process.returncode != 0
    server.set(import_duration=0)
    assert controller.deploy().code == 0
    assert server.state()["imports_started"] == 1


@pytest.mark.ansible
def test_nothing_is_imported_from_the_directory_of_the_playbook(server: Server, controller: Controller) -> None:
    options = {"packages": [{"src": str(controller.packages / "finance.mmp")}], "project": "MicroStrategy Tutorial"}
    task = {"name": "plan", PLAN: options}
    for name in ("requests", "json", "ansible_collections"):
        (controller.directory / (name + ".py")).write_text("raise RuntimeError('not this one')\n", encoding="utf-8")
    run = controller.play(server, [task])
    assert run.failures == [], run.output
    # As well where a project has its collections beside its own files.
    (controller.directory / "ansible_collections.py").unlink()
    (controller.directory / "ansible_collections").symlink_to(COLLECTIONS / "ansible_collections")
    controller.environment["ANSIBLE_COLLECTIONS_PATH"] = str(controller.directory)
    run = controller.play(server, [task])
    assert run.failures == [], run.output


@pytest.mark.every_core
def test_a_password_of_the_vault_is_the_one_that_logs_in(server: Server, controller: Controller) -> None:
    """Also where it stands in the task itself: with ansible-core 2.17 and 2.18 it is no str then."""
    source = controller.packages / "finance.mmp"
    lines = [
        "- hosts: localhost",
        "  connection: local",
        "  gather_facts: false",
        "  vars: {ansible_python_interpreter: '{{ ansible_playbook_python }}'}",
        "  tasks:",
        "  - %s:" % PLAN,
        "      packages: [{src: %s}]" % source,
        "      project: MicroStrategy Tutorial",
        "      base_url: %s" % server.base_url,
        "      username: %s" % vaulted("administrator"),
        "      password: %s" % vaulted(PASSWORD),
    ]
    playbook, key = controller.directory / "vaulted.yml", controller.directory / "key"
    playbook.write_text("\n".join(lines), encoding="utf-8")
    key.write_text(VAULT_PASSWORD, encoding="utf-8")
    run = controller.playbook(str(playbook), "--vault-password-file", str(key))
    assert run.code == 0, run.output


@pytest.mark.oldest_core
def test_what_the_task_says_of_environment_and_options_reaches_it(server: Server, controller: Controller) -> None:
    packages = [{"src": str(controller.packages / "finance.mmp")}]
    project = "MicroStrategy Tutorial"
    asked = {"name": "asked", PLAN: {"packages": packages}, "environment": {"MSTR_PROJECT": project}}
    wrong = {"name": "wrong", PLAN: {"packages": packages, "pakages": []}, "ignore_errors": True}
    run = controller.play(server, [asked, wrong])
    assert run.named("asked")["packages"][0]["project"] == project
    assert "pakages" in run.named("wrong")["msg"]


@pytest.mark.every_core
def test_no_text_of_a_result_is_a_template(server: Server, controller: Controller) -> None:
    name = "{{ 1 + 1 }}"
    shutil.copy(controller.packages / "finance.mmp", controller.directory / (name + ".mmp"))
    source = "{{ lookup('ansible.builtin.fileglob', here ~ '/*1 + 1*.mmp') }}"
    options = {"packages": [{"src": source}], "project": "MicroStrategy Tutorial"}
    task = {"name": "plan", PLAN: options, "register": "planned"}
    shown = {"name": "shown", "ansible.builtin.debug": {"msg": "{{ planned.packages[0].name }}"}}
    run = controller.play(server, [task, shown])
    assert run.failures == []
    assert run.named("shown")["msg"] == name
