# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ansible-builder makes of the execution environment that the collection asks for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml
from stand_in import BIN

from warm_modules import COLLECTIONS  # isort: skip

INSTALLED = COLLECTIONS / "ansible_collections" / "mstr" / "migration"


def builder(*arguments: str, cwd: Path) -> str:
    command = [str(BIN / "ansible-builder"), *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_collection_says_what_its_modules_need(tmp_path: Path) -> None:
    found = yaml.safe_load(builder("introspect", str(COLLECTIONS), cwd=tmp_path))
    assert [each.partition("#")[0].strip() for each in found["python"]] == ["requests"]
    assert found["system"] == []


def test_the_definition_that_is_shipped_makes_a_build_context(tmp_path: Path) -> None:
    definition = INSTALLED / "extensions" / "awx" / "execution-environment.yml"
    builder("create", "-f", str(definition), "-c", "context", cwd=tmp_path)
    context = tmp_path / "context"
    wanted = yaml.safe_load((context / "_build" / "requirements.yml").read_text(encoding="utf-8"))
    assert wanted == {"collections": [{"name": "mstr.migration"}]}
    (containerfile,) = (path for path in context.iterdir() if path.is_file())
    text = containerfile.read_text(encoding="utf-8")
    assert "ansible-core>=2.17" in text
    assert "introspect.py introspect" in text
