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


@pytest.mark.parametrize("setting", ["none", "refused"])
def test_a_server_that_gives_none_says_so_and_fails_nothing(
    setting: str, folder: Server, controller: Controller
) -> None:
    folder.set(definitions=setting)
    run = build(folder, controller)
    assert run.code == 0, run.output
    assert kept(controller) == {}
    assert run.output.count("The server gave no definition of 3 object(s) of type metric: read the definition") == 1
    folder.forget()
    assert not export(folder, controller)["changed"]
    assert folder.calls("GET", "/model/") == []
    folder.edit(metric(1), definition=expression("Max(Fact 1)"))
    folder.edit(BOARD, folder=FOLDER)
    shown = export(folder, controller, "--diff")["diff"]["prepared"].splitlines()
    assert shown.count("    (the server gives no definition of it)") == 1
    assert "(no server gives definitions that can be read of: document)" in shown
    # A call that is not there is not asked for once for each object.
    if setting == "none":
        folder.forget()
        (Path(controller.directory) / "made.mmp.manifest.json").unlink()
        export(folder, controller)
        assert len(folder.calls("GET", "/model/metrics")) < 3 + 4


def test_what_was_not_kept_before_cannot_be_compared(folder: Server, controller: Controller) -> None:
    export(folder, controller, definitions=False)
    folder.edit(metric(0), definition=expression("Max(Fact 0)"))
    shown = export(folder, controller, "--check", "--diff")["diff"]["prepared"].splitlines()
    assert [line for line in shown if "before is not kept" in line] == [
        "(what the objects were before is not kept, so that no lines of their definitions can be shown)"
    ]
    export(folder, controller)
    (Path(controller.directory) / "made.mmp.definitions" / "metric" / (metric(1) + ".json")).unlink()
    folder.edit(metric(1), definition=expression("Max(Fact 1)"))
    assert "(what it was before is not kept)" in export(folder, controller, "--check", "--diff")["diff"]["prepared"]


def test_long_differences_are_cut(folder: Server, controller: Controller) -> None:
    export(folder, controller)
    folder.edit(metric(1), definition={**expression("Sum(Fact 1)"), "lines": list(range(100))})
    lines = export(folder, controller, "--diff")["diff"]["prepared"].splitlines()
    assert len(lines) < 50
    assert [line for line in lines if line.endswith(" more lines)")]


@pytest.mark.parametrize("built", [False, True], ids=["package is there", "package is built"])
def test_what_broke_off_is_mended_by_the_next_run(built: bool, folder: Server, controller: Controller) -> None:
    if not built:
        export(folder, controller, definitions=False)
    # A gateway: nothing is known of the definition, so it must not count as one that there is none of.
    folder.fault("GET", "/model/metrics/%s$" % metric(2), {"kind": "status", "status": 502}, times=None)
    run = build(folder, controller, retries=0)
    assert "read the definition of an object" in run.failures[0]
    folder.reset_faults()
    assert export(folder, controller)["changed"]
    assert len(kept(controller)) == 3
    assert not export(folder, controller)["changed"]
    assert folder.held() == []


def test_definitions_of_an_older_package_do_not_count(folder: Server, controller: Controller) -> None:
    export(folder, controller)
    folder.edit(metric(0), definition=expression("Max(Fact 0)"))
    export(folder, controller, definitions=False)
    assert "Sum" in kept(controller)["metric/%s.json" % metric(0)]
    assert export(folder, controller)["msg"] == (
        "The objects stay as they are; their definitions are kept beside the package."
    )
    assert "Max" in kept(controller)["metric/%s.json" % metric(0)]


def test_one_that_was_removed_is_made_anew(folder: Server, controller: Controller) -> None:
    export(folder, controller)
    before = kept(controller)
    (Path(controller.directory) / "made.mmp.definitions" / "metric" / (metric(1) + ".json")).unlink()
    folder.forget()
    assert export(folder, controller)["changed"]
    assert [call["path"] for call in folder.calls("GET", "/model/")] == ["/model/metrics/" + metric(1)]
    assert kept(controller) == before


def test_where_only_the_action_is_another_nothing_is_read(folder: Server, controller: Controller) -> None:
    export(folder, controller)
    folder.forget()
    assert export(folder, controller, settings={"default_action": "use_newer"})["changed"]
    assert folder.calls("GET", "/model/") == []
    assert len(kept(controller)) == 3


def test_each_type_is_asked_for_by_its_own_call(server: Server, controller: Controller) -> None:
    kinds = {
        "attribute": {"type": 12},
        "fact": {"type": 13},
        "filter": {"type": 1, "subtype": 256},
        "group": {"type": 1, "subtype": 257},
        "report": {"type": 3, "subtype": 768},
        "cube": {"type": 3, "subtype": 776},
        "subtotal": {"type": 4, "subtype": 1025},
    }
    rows = [{"id": "%032X" % (0x6000 + place), "name": name, **row} for place, (name, row) in enumerate(kinds.items())]
    board = {"id": BOARD, "name": "Board", "type": 55, "depends_on": [row["id"] for row in rows]}
    server.plant([board, *rows])
    export(server, controller, content=[{"id": BOARD, "type": 55, "include_dependents": True}])
    words = {json.loads(text)["information"]["subType"] for text in kept(controller).values()}
    assert words == {
        "attribute", "fact", "filter", "custom_group", "report_grid", "report_cube", "subtotal_definition",
    }  # fmt: skip
    assert {call["status"] for call in server.calls("GET", "/model/")} == {200}


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
    # By the manifest alone, as in a review.
    if way == "plan":
        packages["packages"] = [{"manifest": src + ".manifest.json", "project": DEMO, "name": "made"}]
        run = controller.tasks(folder, [{"name": "run", "mstr.migration.mstr_package_plan": packages}], "--diff")
        assert set(block) <= set(run.named("run")["diff"]["prepared"].splitlines())
    # Nobody asks where no diff is wanted.
    folder.forget()
    folder.edit(metric(2), DEMO, definition=expression("Min(Fact 2)"))
    controller.tasks(folder, there, "--check")
    assert folder.calls("GET", "/model/metrics") == []


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 403, "body": {"errors": [{"code": "80042f05", "message": "No."}]}},
        {"kind": "status", "status": 502},
        {"kind": "body", "text": "[" * 100000, "content_type": "application/json"},
        {"kind": "body", "json": [], "content_type": "application/json"},
        {"kind": "html"},
        {"kind": "reset"},
    ],
    ids=lambda fault: "-".join(str(part)[:20] for part in fault.values()),
)
def test_no_plan_fails_for_want_of_definitions(fault: dict[str, Any], folder: Server, controller: Controller) -> None:
    export(folder, controller)
    src = str(Path(controller.directory) / "made.mmp")
    for number in range(3):
        folder.plant([{"id": metric(number), "name": "Old", "type": 4, "definition": expression("1")}], DEMO)
    folder.fault("GET", "^/model/metrics/", fault, times=None)
    given = {"packages": [{"src": src, "project": DEMO}], "retries": 0}
    run = controller.tasks(folder, [{"name": "run", "mstr.migration.mstr_package_plan": given}], "--diff")
    assert run.code == 0, run.output
    assert '~ metric "Metric 2"' in run.named("run")["diff"]["prepared"]
    assert run.warnings.count("The server gave no definition of 3 object(s) of type metric: ") == 1


def test_a_plan_says_what_it_does_not_compare(folder: Server, controller: Controller) -> None:
    plant(folder, 40)
    export(folder, controller)
    old = {"definition": expression("1"), "dateModified": "2024-01-01T00:00:00.000+0000"}
    folder.plant([{"id": metric(number), "name": "Old", "type": 4, **old} for number in range(40)], DEMO)
    folder.plant([{"id": BOARD, "name": "Old", "type": 55}], DEMO)
    src = str(Path(controller.directory) / "made.mmp")
    given = {"packages": [{"src": src, "project": DEMO}]}
    folder.forget()
    run = controller.tasks(folder, [{"name": "run", "mstr.migration.mstr_package_plan": given}], "--diff")
    lines = run.named("run")["diff"]["prepared"].splitlines()
    assert lines[-1] == (
        "inside objects: no definition that can be read is kept of: document; the definitions of 10 more objects are "
        "not compared"
    )
    assert len(folder.calls("GET", "/model/metrics")) == 30
