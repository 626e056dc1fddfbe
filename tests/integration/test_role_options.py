# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each variable of the role reaches the modules that it is for; and the steps give modules what the role gives them."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import API_TOKEN, DEMO, PASSWORD, Controller, Server, given
from warm_modules import ROOT

# Nothing is as it is without the variable. Zero and false are values, and a survey of AWX gives texts.
VARIABLES: dict[str, Any] = {
    "mstr_username": "ldap-user",
    "mstr_password": PASSWORD,
    "mstr_login_mode": "ldap",
    "mstr_validate_certs": False,
    "mstr_ca_path": "ca.pem",
    "mstr_client_cert": "client.pem",
    "mstr_client_key": "client.pem",
    "mstr_timeout": 17.5,
    "mstr_retries": 0,
    "mstr_environment_name": "alpha",
    "mstr_project": "MicroStrategy Tutorial",
    "mstr_history_dir": "kept",
    "mstr_history_mode": "0640",
    "mstr_history_keep": "7",
    "mstr_server_moved": True,
    # There is none yet.
    "mstr_history_must_exist": False,
    "mstr_session_dir": "open",
    "mstr_manifest_dir": "known",
    "mstr_lease_timeout": 41,
    "mstr_lock_timeout": 11,
    "mstr_wait_timeout": "71",
    "mstr_undo_timeout": 31,
    "mstr_poll_interval": 0.7,
    "mstr_preflight": False,
    "mstr_refuse": ["older_target"],
    "mstr_journal": "no",
    "mstr_schema": "reload",
    "mstr_caches": "purge",
    "mstr_window": "yes",
    # No option of a module: with it, none is given a file to note in.
    "mstr_progress": "no",
}
# Those that a test of its own is about, and those by which a run is chosen.
ELSEWHERE = {"mstr_on_failure", "mstr_base_dir", "mstr_base_url", "mstr_packages", "mstr_exports"}
CHOICES = {"mstr_plan_file", "mstr_plan_max_age", "mstr_package", "mstr_run", "mstr_entry", "mstr_force"}
# Instead of a user and a password.
BY_TOKEN = {"mstr_api_token": API_TOKEN, "mstr_login_mode": "api_token", "mstr_username": "", "mstr_password": ""}


@pytest.mark.oldest_core
def test_the_steps_give_modules_what_the_role_gives_them(
    tls_server: Server, controller: Controller, ca_file: Path
) -> None:
    described = yaml.safe_load((ROOT / "roles" / "mstr" / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    assert set(VARIABLES) | set(BY_TOKEN) | ELSEWHERE | CHOICES == {
        name for entry in described["argument_specs"].values() for name in entry["options"]
    }
    for name in ("ca.pem", "client.pem"):
        shutil.copy(ca_file.with_name(name), controller.directory / name)
    digest = hashlib.sha256((controller.packages / "finance.mmp").read_bytes()).hexdigest()
    first = controller.sample("finance", name="first", project=DEMO, checksum="sha256:" + digest, force=True)
    second = controller.sample("users", name="second", type="configuration", generate_undo=False)
    controller.declare(tls_server, first, second, **VARIABLES)
    by_token = [argument for name, value in BY_TOKEN.items() for argument in ("-e", "%s=%s" % (name, value))]
    seen = {}
    for way in (controller.playbook_run, controller.steps):
        tls_server.reset()
        shutil.rmtree(controller.directory / "kept", ignore_errors=True)
        # One package alone, as a user who has a token.
        first_alone = ("-e", "mstr_package=first", "-e", "mstr_plan_file=plans/", *by_token)
        checked = way("deploy", "--check", *first_alone)
        assert checked.code == 0, checked.output
        assert checked.changed == ["first"]
        # That very plan, as it was approved.
        approved = way("deploy", *first_alone, "-e", "mstr_plan_max_age=900")
        assert approved.code == 0, approved.output
        assert approved.changed == ["first"]
        deployed = way("deploy")
        assert deployed.code == 0, deployed.output
        *_others, entry = sorted((controller.directory / "kept").glob("alpha/*/*Z-first-*"))
        chosen = ("-e", "mstr_package=first", "-e", "mstr_entry=" + entry.name, "-e", "mstr_force=true")
        taken_back = way("rollback", *chosen)
        assert taken_back.code == 0, taken_back.output
        ran = given(checked) + given(approved) + given(deployed) + given(taken_back)
        (undone,) = (options for module, options in ran if module == "mstr_undo_package")
        assert (undone["name"], undone["run"]) == ("first", None)
        assert undone.pop("entry") == entry.name
        (again,) = given(way("rollback", "-e", "mstr_run=last"))[1:-1]
        assert (again[1]["name"], again[1]["run"]) == (None, "last")
        seen[way.__name__] = [*ran, again]
    assert [ran[0] for ran in seen["steps"]] == [ran[0] for ran in seen["playbook_run"]]
    for (module, by_steps), (_same, by_role) in zip(seen["steps"], seen["playbook_run"]):
        differing = {name for name in {*by_steps, *by_role} if by_steps.get(name, "-") != by_role.get(name, "-")}
        assert (module, differing) == (module, set())
