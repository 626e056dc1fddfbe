# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands in pages and workflows name targets, sessions, playbooks, options and files that there are."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pages import PAGES, ROOT, Block, blocks, commands

PROGRAMS = Path(sys.executable).parent
COMMANDS = [
    pytest.param(block, words, id="%s-%s" % (block, " ".join(words)[:60]))
    for page in PAGES
    for block in blocks(page)
    for words in commands(block)
]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
SESSIONS = set(
    re.findall(
        r"^@nox\.session.*?^def (\w+)\(", (ROOT / "noxfile.py").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
)
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@functools.cache
def options(program: str, *action: str) -> frozenset[str]:
    """Return the options that a program of Ansible's has."""
    command = [str(PROGRAMS / program), *action, "--help"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return frozenset(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", done.stdout))


def check_make(words: list[str]) -> None:
    named = [word for word in words[1:] if "=" not in word and not word.startswith("-")]
    assert named
    assert set(named) <= TARGETS


def check_nox(words: list[str]) -> None:
    own = words[: words.index("--")] if "--" in words else words
    if "-s" in own:
        sessions = own[own.index("-s") + 1 :]
        assert sessions
        assert {re.sub(r"[-(].*", "", name) for name in sessions} <= SESSIONS


def check_playbook(words: list[str]) -> None:
    from ansible_collections.mstr.migration.plugins.plugin_utils import inputs

    for word in words[1:]:
        if word.startswith("mstr.migration."):
            assert (ROOT / "playbooks" / (word.rpartition(".")[2] + ".yml")).exists(), word
        elif word.startswith("-"):
            assert word.partition("=")[0].strip("[]") in options("ansible-playbook"), word
        elif (match := re.match(r"(mstr_\w+)=", word)) and not word.startswith("mstr_awx_"):
            assert match.group(1) in {*inputs.VARIABLES, *inputs.PLAY_VARIABLES}, word


def check_ansible(words: list[str]) -> None:
    program, action = words[0], []
    if program == "ansible-galaxy":
        action = words[1:3] if words[1] == "collection" else words[1:2]
    elif program == "ansible-vault":
        action = words[1:2]
    given = {word.partition("=")[0] for word in words[1:] if re.match(r"--?[a-z]", word)}
    assert given <= options(program, *action)
    for word in words[1:]:
        if match := re.fullmatch(r"mstr\.migration\.(mstr_\w+)", word):
            assert (ROOT / "plugins" / "modules" / (match.group(1) + ".py")).exists(), word


def check_files(words: list[str]) -> None:
    """Of Python and of cd: what is named is there."""
    named = next((word for word in words[1:] if not word.startswith("-")), "")
    if named and "-c" not in words and "-m" not in words:
        assert (ROOT / named).exists(), named


CHECKS = {
    "make": check_make,
    ".cache/runner/bin/nox": check_nox,
    "ansible-playbook": check_playbook,
    "ansible": check_ansible,
    "ansible-doc": check_ansible,
    "ansible-galaxy": check_ansible,
    "ansible-vault": check_ansible,
    "python": check_files,
    "python3": check_files,
    "cd": check_files,
}


@pytest.mark.parametrize(("block", "words"), [param for param in COMMANDS if param.values[1][0] in CHECKS])
def test_a_command_is_such(block: Block, words: list[str]) -> None:
    CHECKS[words[0]](words)


def test_commands_of_the_main_programs_were_found() -> None:
    found = {param.values[1][0] for param in COMMANDS}
    assert {"make", "ansible-playbook", ".cache/runner/bin/nox", "ansible-galaxy"} <= found


def test_what_is_said_about_the_gates() -> None:
    """docs/development.md has every session that is a gate."""
    text = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
    source = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    gate = re.compile(r"^@nox\.session(?!\([^\n]*default=False)[^\n]*\n(?:@[^\n]*\n)*def (\w+)\(", re.MULTILINE)
    gates = gate.findall(source)
    assert len(gates) > 10
    assert [name for name in gates if not re.search(r"^\| [^|]*`%s\b" % name, text, re.MULTILINE)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_calls_what_people_call(path: Path) -> None:
    # YAML 1.1 takes "on" for true.
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"name", True, "permissions", "jobs"} <= set(workflow)
    assert workflow["permissions"] == {"contents": "read"}
    called = []
    for job in workflow["jobs"].values():
        assert {"runs-on", "steps", "timeout-minutes"} <= set(job)
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            for line in step.get("run", "").splitlines():
                words = line.split()
                assert words[0] in ("make", ".cache/runner/bin/nox"), line
                CHECKS[words[0]](words)
                called.append(line)
    assert called


def test_the_workflow_of_tests_has_each_python() -> None:
    """Of those that the sessions look for none is left out, and all are tested on Linux and macOS."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))
    source = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    wanted = re.findall(r'"(3\.\d+)"', source.partition("\nPYTHONS = ")[2].partition("\n")[0])
    set_up = [
        step["with"]["python-version"].split() for step in workflow["jobs"]["linux"]["steps"] if "python" in str(step)
    ]
    assert wanted
    assert set_up == [wanted]
    assert {job["runs-on"].partition("-")[0] for job in workflow["jobs"].values()} == {"ubuntu", "macos"}
