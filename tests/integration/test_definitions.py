# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What objects are made of, beside a package that is built; and the lines of it that a diff shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from harness import DEMO, Controller, Run, Server

FOLDER, TOTAL, BOARD = ("%032X" % number for number in (0x51, 0x52, 0x53))
OBJECTS = 500


def metric(number: int) -> str:
    return "%032X" % (0x5000 + number)


def expression(text: str) -> dict[str, Any]:
    return {"expression": {"text": text}, "function": {"objectId": TOTAL, "name": "Sum", "versionId": "0" * 32}}


@pytest.fixture(name="folder")
def planted(server: Server) -> Server:
    """A folder with a few metrics and a dashboard."""
    plant(server, 3)
    return server


def plant(server: Server, metrics: int) -> None:
    old = {"dateModified": "2025-01-01T00:00:00.000+0000", "folder": FOLDER}
    server.plant(
        [
            {"id": FOLDER, "name": "Made", "type": 8},
            {"id": BOARD, "name": "Board", "type": 55, **old},
            *(
                {"id": metric(number), "name": "Metric %d" % number, "type": 4,
                 "definition": expression("Sum(Fact %d)" % number), **old}
                for number in range(metrics)
            ),
        ]
    )  # fmt: skip


def export(server: Server, controller: Controller, *arguments: str, **options: Any) -> dict[str, Any]:
    """Build made.mmp."""
    run = build(server, controller, *arguments, **options)
    assert run.code == 0, run.output
    return run.named("build")


def build(server: Server, controller: Controller, *arguments: str, **options: Any) -> Run:
    given = {
        "project": "MicroStrategy Tutorial",
        "type": "project",
        "dest": "{{ here }}/made.mmp",
        "content": [{"folder": FOLDER}],
        "definitions": True,
        **options,
    }
    return controller.tasks(server, [{"name": "build", "mstr.migration.mstr_package": given}], *arguments)


def kept(controller: Controller) -> dict[str, str]:
    """Return the definitions by their paths."""
    top = Path(controller.directory) / "made.mmp.definitions"
    return {str(path.relative_to(top)): path.read_text() for path in sorted(top.rglob("*")) if path.is_file()}


def test_an_export_of_five_hundred_objects(server: Server, controller: Controller) -> None:
    plant(server, OBJECTS)
    assert export(server, controller)["changed"]
    before = kept(controller)
    assert len(before) == OBJECTS
    manifest = (Path(controller.directory) / "made.mmp.manifest.json").read_text().splitlines()
    server.forget()
    assert not export(server, controller)["changed"]
    assert server.calls("POST", "/packages") == server.calls("GET", "/model/") == []

    server.edit(metric(7), definition=expression("Sum(Fact 7) / 100"))
    expected = [
        '    -    "text": "Sum(Fact 7)"',
        '    +    "text": "Sum(Fact 7) / 100"',
    ]
    checked = export(server, controller, "--check", "--diff")
    assert kept(controller) == before
    for result in (checked, export(server, controller, "--diff")):
        assert result["changed"]
        lines = result["diff"]["prepared"].splitlines()
        assert [line for line in lines if line.lstrip().startswith(("-", "+"))] == expected
        assert [line[:20] for line in lines if line.startswith("~")] == ['~ metric "Metric 7" ']
    after = kept(controller)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"metric/%s.json" % metric(7)}
    # The manifest's diff is that object, and the file's own sha256 and size.
    new = (Path(controller.directory) / "made.mmp.manifest.json").read_text().splitlines()
    fields = {line.split('"')[1] for line in set(new) - set(manifest)}
    assert fields <= {"sha256", "size", "version", "date_modified", "seen_until"}
    assert len([line for line in set(new) - set(manifest) if '"version"' in line]) == 1


def test_a_definition_is_kept_without_what_changes_by_itself(folder: Server, controller: Controller) -> None:
    export(folder, controller)
    found = kept(controller)
    # There is no call for dashboards, nor for folders.
    assert sorted(found) == ["metric/%s.json" % metric(number) for number in range(3)]
    document = json.loads(found["metric/%s.json" % metric(0)])
    assert document == {
        "expression": {"text": "Sum(Fact 0)"},
        "function": {"name": "Sum", "objectId": TOTAL},
        "information": {"name": "Metric 0", "objectId": metric(0), "primaryLocale": "en-US", "subType": "metric"},
    }


def test_definitions_of_objects_that_are_gone_are_removed(folder: Server, controller: Controller) -> None:
    export(folder, controller)
    export(folder, controller, exclude=[{"id": metric(1), "type": "metric"}])
    assert sorted(kept(controller)) == ["metric/%s.json" % metric(number) for number in (0, 2)]


def test_they_are_made_for_a_package_that_is_there_without(folder: Server, controller: Controller) -> None:
    assert export(folder, controller, definitions=False)["changed"]
    assert not export(folder, controller, definitions=False)["changed"]
    folder.forget()
    assert export(folder, controller, "--check")["changed"]
    assert kept(controller) == {}
    assert export(folder, controller)["changed"]
    assert len(kept(controller)) == 3
    assert folder.calls("POST", "/packages") == []
    assert not export(folder, controller)["changed"]


def test_a_server_that_gives_none_says_so_and_fails_nothing(folder: Server, controller: Controller) -> None:
    folder.set(calls={"GET /model/metrics/{}": False})
    run = build(folder, controller)
    assert run.code == 0, run.output
    assert kept(controller) == {}
    assert "The server gave no definition of 3 object(s) of type metric: read the definition" in run.output
    assert not export(folder, controller)["changed"]
    folder.edit(metric(1), definition=expression("Max(Fact 1)"))
    shown = export(folder, controller, "--diff")["diff"]["prepared"]
    assert "(the server gives no definition that can be read)" in shown


def test_what_was_not_kept_before_cannot_be_compared(folder: Server, controller: Controller) -> None:
    export(folder, controller)
    (Path(controller.directory) / "made.mmp.definitions" / "metric" / (metric(1) + ".json")).unlink()
    folder.edit(metric(1), definition=expression("Max(Fact 1)"))
    assert "(what it was before is not kept)" in export(folder, controller, "--check", "--diff")["diff"]["prepared"]


def test_long_differences_are_cut(folder: Server, controller: Controller) -> None:
    export(folder, controller)
    folder.edit(metric(1), definition={"lines": list(range(100))})
    lines = export(folder, controller, "--diff")["diff"]["prepared"].splitlines()
    assert len(lines) < 50
    assert [line for line in lines if line.endswith(" more lines)")]


def test_they_need_a_file(folder: Server, controller: Controller) -> None:
    run = build(folder, controller, dest=None)
    assert "definitions: " in run.failures[0]
    run = build(folder, controller, manifest=False)
    assert "definitions: they are kept beside dest" in run.failures[0]


@pytest.mark.parametrize("way", ["plan", "task", "approved"])
def test_an_import_shows_the_lines_that_it_would_change(way: str, folder: Server, controller: Controller) -> None:
    export(folder, controller)
    src = str(Path(controller.directory) / "made.mmp")
    given = {"src": src, "project": DEMO, "history_dir": "{{ here }}/history"}
    there = [{"name": "there", "mstr.migration.mstr_package_import": given}]
    assert controller.tasks(folder, there).code == 0
    folder.edit(metric(2), DEMO, definition=expression("Avg(Fact 2)"))
    block = [
        "inside the objects of package made (project %s)" % DEMO,
        '~ metric "Metric 2"',
        '    -    "text": "Avg(Fact 2)"',
        '    +    "text": "Sum(Fact 2)"',
    ]
    packages = {"packages": [{"src": src, "project": DEMO}], "history_dir": "{{ here }}/history"}
    if way == "plan":
        plan = [{"name": "run", "mstr.migration.mstr_package_plan": packages}]
        run = controller.tasks(folder, plan, "--diff")
    elif way == "task":
        run = controller.tasks(folder, [{**there[0], "name": "run"}], "--diff")
    else:
        written = {**packages, "plan_file": "{{ here }}/p.json"}
        assert controller.tasks(folder, [{"name": "w", "mstr.migration.mstr_package_plan": written}]).code == 0
        run = controller.tasks(folder, [{"name": "run", "mstr.migration.mstr_package_import": written}], "--diff")
    assert run.code == 0, run.output
    shown = run.named("run")["diff"]["prepared"].splitlines()
    start = shown.index(block[0])
    assert shown[start + 1] == block[1]
    assert set(block[2:]) <= set(shown[start:])
    # Nobody asks where no diff is wanted.
    folder.forget()
    folder.edit(metric(2), DEMO, definition=expression("Min(Fact 2)"))
    controller.tasks(folder, there, "--check")
    assert folder.calls("GET", "/model/metrics") == []
