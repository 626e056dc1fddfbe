# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person sees of a task that takes long, and that nothing of it gets in the way of anything."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from harness import PREFIX, Controller, Run, Server, make_package, running_server
from test_cut_off import LEASE, cut_off, declare, importing

FOLLOWED = Path(__file__).with_name("followed")
IMPORT = PREFIX + "mstr_package_import"
PROJECT = "MicroStrategy Tutorial"


def lines(run: Run) -> list[str]:
    """Return the lines of a run's output that tell how far a task is."""
    return [line for line in run.output.splitlines() if re.match(r"[\w.]+ \| ", line)]


def noting(*notes: dict[str, Any]) -> list[str]:
    return [json.dumps(note) for note in notes]


def play(controller: Controller, *tasks: dict[str, Any], arguments: tuple[str, ...] = (), **variables: Any) -> Run:
    """Run tasks of the module that notes what it is told to."""
    controller.environment["ANSIBLE_LIBRARY"] = str(FOLLOWED / "library")
    controller.environment["ANSIBLE_ACTION_PLUGINS"] = str(FOLLOWED / "action_plugins")
    path = controller.directory / "followed.yml"
    python = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    content = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "ignore_errors": True,
        "vars": {**python, **variables},
        "tasks": list(tasks),
    }
    path.write_text(json.dumps([content]), encoding="utf-8")
    return controller.playbook(str(path), *arguments)


@pytest.mark.oldest_core
def test_an_import_shows_how_far_it_is(server: Server, controller: Controller) -> None:
    # The connection comes from module_defaults for the action group.
    server.set(import_duration=2.5)
    package = make_package(controller.directory / "fin\x1b[31mance.mmp", {"id": "A" * 32, "name": "x", "type": 4})
    task = {"name": "import", IMPORT: {"src": str(package), "project": PROJECT, "history_dir": "history"}}
    shown = controller.play(server, [task])
    assert shown.code == 0, shown.output
    assert shown.named("import")["changed"] is True
    (line,) = lines(shown)
    assert re.fullmatch(r"localhost \| fin\\x1b\[31mance: importing \d+ %", line)
    # What is followed is gone.
    assert list((controller.directory / "ansible-tmp").rglob("progress-*")) == []

    fast = controller.play(server, [task])
    assert fast.code == 0, fast.output
    assert fast.named("import")["changed"] is False
    assert lines(fast) == []


@pytest.mark.ansible
def test_lines_of_two_environments_say_whose_they_are(server: Server, controller: Controller) -> None:
    finance = controller.sample("finance", name="finance")
    controller.declare(server, finance)
    (prod,) = controller.hosts.values()
    with running_server() as second:
        servers = {"dev": server, "prod": second}
        for each in servers.values():
            each.set(import_duration=2)
        controller.inventory({name: {**prod, "mstr_base_url": each.base_url} for name, each in servers.items()})
        checked = controller.deploy("--check", "--limit", "dev")
        assert checked.code == 0, checked.output
        assert lines(checked) == []
        run = controller.deploy("--forks", "2", "-e", "mstr_max_fail_percentage=50")
    assert run.code == 0, run.output
    shown = lines(run)
    for name in servers:
        own = [line for line in shown if line.startswith(name + " | ")]
        assert re.fullmatch(name + r" \| finance: importing \d+ %", own[0])
        assert own[1:] == [
            name + " | finance: imported, 8 created; undo kept",
            name + " | schema of project MicroStrategy Tutorial: reloaded",
        ]


@pytest.mark.oldest_core
def test_sentences_are_said_once(controller: Controller) -> None:
    notes = noting(
        {"package": "finance\x1b[2J", "number": 2, "of": 5},
        {"phase": "import", "share": 0.45},
        {"say": "users: imported\x07, 1 created"},
        {"package": "finance\x1b[2J", "number": 2, "of": 5},
        {"phase": "import", "share": 0.45},
    )
    msg = "users: imported\x07, 1 created\nfinance: imported\n\n1 package was left alone"
    task = {"name": "say", "followed": {"notes": [*notes, "{half"], "seconds": 1.8, "msg": msg}}
    run = play(controller, task)
    assert run.code == 0, run.output
    assert lines(run) == [
        "localhost | users: imported\\x07, 1 created",
        "localhost | finance\\x1b[2J (2 of 5): importing 45 %",
        "localhost | finance: imported",
        "localhost | 1 package was left alone",
    ]

    # Who wants none still gets to know what became of it, as over a connection on which nothing can be followed.
    values = (False, "no", "{{ 'false' }}")
    quiet = play(controller, *({**task, "vars": {"mstr_progress": value}} for value in values))
    said = [
        "localhost | users: imported\\x07, 1 created",
        "localhost | finance: imported",
        "localhost | 1 package was left alone",
    ]
    assert lines(quiet) == said * len(values)
    files = [item["result"]["invocation"]["module_args"]["progress_file"] for item in quiet.results]
    assert files == [None] * len(values)


@pytest.mark.ansible
def test_what_shows_nothing(controller: Controller) -> None:
    said = {"notes": noting({"say": "finance: imported"}), "msg": "finance: imported"}
    secret = {"name": "secret", "followed": said, "no_log": True}
    # Where a home is not that of the password file, ansible-core looks for the job elsewhere than it puts it.
    controller.environment["ANSIBLE_ASYNC_DIR"] = str(controller.directory / "async")
    later = {"name": "later", "followed": said, "async": 60, "poll": 1}
    own = {"name": "own", "followed": {**said, "msg": "", "progress_file": str(controller.directory / "own.jsonl")}}
    failed = {"name": "failed", "followed": {"msg": "It broke.", "fail": True}}
    run = play(controller, secret, later, own, failed)
    assert run.code == 0, run.output
    assert lines(run) == []
    assert run.named("later")["msg"] == "finance: imported"
    assert (controller.directory / "own.jsonl").read_text() == '{"say": "finance: imported"}\n'
    assert run.failures == ["It broke."]
    assert lines(play(controller, {"name": "checked", "followed": said}, arguments=("--check",))) == []

    controller.environment["ANSIBLE_STDOUT_CALLBACK"] = "as_json"
    for_programs = play(controller, {"name": "say", "followed": said})
    # The last line, after warnings that went to stderr.
    assert for_programs.output.splitlines()[-1] == '{"hosts": ["localhost"]}'
    assert "finance" not in for_programs.output


def test_a_module_notes_how_far_it_is(server: Server, controller: Controller) -> None:
    notes = controller.directory / "notes.jsonl"
    server.set(import_duration=0.5)
    finance = {"src": str(controller.packages / "finance.mmp"), "project": PROJECT, "history_dir": "history"}
    task = {"name": "import", IMPORT: {**finance, "progress_file": str(notes)}}
    run = controller.tasks(server, [task])
    assert run.code == 0, run.output
    noted = [json.loads(line) for line in notes.read_text().splitlines()]
    assert noted[0] == {"package": "finance", "number": 1, "of": 1}
    words = list(dict.fromkeys(note["phase"] for note in noted[1:]))
    assert words == ["upload", "wait for the server", "import", "undo package", "verify", "reload the schema"]
    assert notes.stat().st_mode & 0o777 == 0o600

    # Taking it back is told from bringing it in.
    back = {"state": "applied", "run": "last", "history_dir": "history", "progress_file": str(notes) + ".back"}
    assert controller.tasks(server, [{"name": "back", PREFIX + "mstr_undo_package": back}]).failures == []
    told = [json.loads(line) for line in Path(str(notes) + ".back").read_text(encoding="utf-8").splitlines()]
    phases = {note["phase"] for note in told if "phase" in note}
    assert "take back" in phases
    assert "import" not in phases
    assert {"say": "finance: taken back, 8 deleted"} in told
    assert told[-1]["phase"] == "reload the schema"


def test_a_log_in_notes_how_far_the_import_is_that_it_waits_for(server: Server, controller: Controller) -> None:
    notes = controller.directory / "notes.jsonl"
    server.set(import_duration=4)
    declare(controller, server, "inc1")
    cut_off(controller, lambda: importing(1)(server, controller), "the import")
    history = {"history_dir": str(controller.history)}
    waiting = {"lease_timeout": LEASE, "lock_timeout": 20, "progress_file": str(notes)}
    login = {"name": "login", PREFIX + "mstr_session": {**history, **waiting}}
    left = {"session_file": "{{ login.session_file }}", "state": "absent"}
    run = controller.tasks(server, [login, {"name": "log out", PREFIX + "mstr_session": {**history, **left}}])
    assert run.code == 0, run.output
    noted = [json.loads(line) for line in notes.read_text().splitlines()]
    assert noted[0] == {"package": "inc1", "number": 1, "of": 1}
    assert noted[1]["phase"] == "import"


def test_a_file_that_cannot_be_written_is_passed_over(server: Server, controller: Controller) -> None:
    finance = {"src": str(controller.packages / "finance.mmp"), "project": PROJECT, "force": True}
    (controller.directory / "link").symlink_to(controller.directory / "elsewhere")
    for path in ("nowhere/notes", ".", "link"):
        place = str(controller.directory / path)
        run = controller.tasks(server, [{"name": "import", IMPORT: {**finance, "progress_file": place}}])
        assert run.code == 0, run.output
        assert run.named("import")["changed"] is True
    assert not (controller.directory / "elsewhere").exists()


def test_secrets_are_in_no_note(server: Server, controller: Controller) -> None:
    notes = controller.directory / "notes.jsonl"
    finance = {"src": str(controller.packages / "finance.mmp"), "project": PROJECT, "name": "of library-demo"}
    run = controller.tasks(server, [{"name": "import", IMPORT: {**finance, "progress_file": str(notes)}}])
    assert run.code == 0, run.output
    assert "library-demo" not in notes.read_text()
    assert "of ********" in notes.read_text()
