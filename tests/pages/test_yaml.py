# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blocks of YAML and JSON in the pages can be read, and plays and tasks are such to ansible-playbook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pages import PAGES, ROOT, Block, blocks

COLLECTIONS = ROOT / ".cache" / "collections"
ANSIBLE = Path(sys.executable).parent / "ansible-playbook"


class Loader(yaml.SafeLoader):
    """Reads what Ansible reads."""


Loader.add_constructor("!vault", lambda loader, node: loader.construct_scalar(node))
Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))

YAML = [block for page in PAGES for block in blocks(page) if block.language in ("yaml", "yml")]
# Those of the double's page show alternatives, as people write them.
JSON = [block for page in PAGES if page.startswith("docs/") for block in blocks(page) if block.language == "json"]


def load(block: Block) -> Any:
    return yaml.load(block.text, Loader)


def known() -> set[str]:
    """Return the variables that the collection reads."""
    from ansible_collections.mstr.migration.plugins.plugin_utils import inputs

    return {*inputs.VARIABLES, *inputs.PLAY_VARIABLES}


@pytest.mark.parametrize("block", YAML, ids=str)
def test_yaml_can_be_read(block: Block) -> None:
    assert load(block) is not None


@pytest.mark.parametrize("block", JSON, ids=str)
def test_json_can_be_read(block: Block) -> None:
    json.loads(block.text)


def test_plays_and_tasks_are_such(tmp_path: Path) -> None:
    plays = []
    for block in YAML:
        value = load(block)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            continue
        if not any({"hosts", "ansible.builtin.import_playbook"} & set(item) for item in value):
            if not any("." in key or key == "block" for item in value for key in item):
                continue
            # Tasks.
            indented = "".join("    %s\n" % line for line in block.text.splitlines())
            text = "- hosts: localhost\n  tasks:\n%s" % indented
        else:
            text = block.text
        # Named after the page, so that a failure says which one it is.
        path = tmp_path / ("%s-%d.yml" % (block.page.replace("/", "-"), block.line))
        path.write_text(text, encoding="utf-8")
        plays.append(str(path))
    assert plays
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(
        [str(ANSIBLE), "--syntax-check", "-i", "localhost,", *plays],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("block", [block for block in YAML if isinstance(load(block), dict)], ids=str)
def test_variables_are_known(block: Block) -> None:
    """Those of inventories and files of variables; awx_setup checks its own."""
    names: set[str] = set()
    stack = [load(block)]
    while stack:
        for key, item in stack.pop().items():
            if str(key).startswith("mstr_"):
                names.add(str(key))
            elif isinstance(item, dict):
                stack.append(item)
    assert {name for name in names if not name.startswith("mstr_awx_")} <= known()
