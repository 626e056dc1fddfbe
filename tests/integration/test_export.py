# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages that are built from objects: what is chosen, why it is in there, and when nothing is built."""

from __future__ import annotations

import difflib
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import DEMO, TUTORIAL, Controller, Run, Server

SALES, DEEP, SECRET, FAVOURITES = ("%032X" % number for number in range(1, 5))
TOTAL, MARGIN, HIDDEN, SAVED, FACT = ("%032X" % number for number in range(0x11, 0x16))
YEAR = "8D679D5111D3E4981000E787EC6DE8A4"
ANALYST = "Analyst"


def report(number: int) -> str:
    return "%032X" % (0x1000 + number)


@pytest.fixture(name="tree")
def planted(server: Server) -> Server:
    """A folder with reports, and a subfolder with what they need."""
    old = {"dateModified": "2025-01-01T00:00:00.000+0000"}
    folders = [(SALES, "Sales", None), (DEEP, "Deep", SALES), (SECRET, "Secret", SALES), (FAVOURITES, "Fav", None)]
    server.plant(
        [
            *({"id": one, "name": name, "type": 8, "folder": above, **old} for one, name, above in folders),
            {"id": SECRET, "type": 8, "name": "Secret", "folder": SALES, "private": True, **old},
            {"id": FACT, "name": "Amount", "type": 13, **old},
            {"id": TOTAL, "name": "Total", "type": 4, "folder": DEEP, "depends_on": [FACT], **old},
            {"id": MARGIN, "name": "Margin", "type": 4, "folder": SECRET, **old},
            {"id": HIDDEN, "name": "Unseen", "type": 4, "folder": DEEP, "hidden": True, **old},
            {"id": SAVED, "name": "My metrics", "type": 39, "definition": {"root": SALES, "types": ["metric"]}, **old},
            {"id": "%032X" % 0x30, "name": "To Year", "type": 18, "folder": FAVOURITES, "depends_on": [YEAR], **old},
            *(
                {"id": report(number), "name": "Report %d" % number, "type": 3, "folder": SALES,
                 "depends_on": [TOTAL], **old}
                for number in range(3)
            ),
        ]
    )  # fmt: skip
    return server


def export(server: Server, controller: Controller, *arguments: str, **options: Any) -> Run:
    """Build sales.mmp."""
    given: dict[str, Any] = {
        "project": "MicroStrategy Tutorial",
        "type": "project",
        "dest": "{{ here }}/sales.mmp",
        "content": [{"folder": "/Sales"}],
        **options,
    }
    given = {name: value for name, value in given.items() if value is not None}
    return controller.tasks(server, [{"name": "export", "mstr.migration.mstr_package": given}], *arguments)


def wait_until(condition: Callable[[], Any], what: str) -> None:
    limit = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < limit, what
        time.sleep(0.02)


def result(run: Run) -> dict[str, Any]:
    assert run.code == 0, run.output
    return run.named("export")


def manifest(controller: Controller) -> dict[str, Any]:
    text = (controller.directory / "sales.mmp.manifest.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def names(controller: Controller) -> list[str]:
    return sorted(row["name"] for row in manifest(controller)["content"])


def test_export_of_a_folder(tree: Server, controller: Controller) -> None:
    tree.set(stamp_files=True, build_duration=0.1)
    checked = result(export(tree, controller, "--check", "--diff"))
    assert (checked["changed"], checked["package"]) == (True, None)
    assert checked["diff"]["prepared"].splitlines()[-1] == "6 added"
    assert list(controller.directory.iterdir()) == []
    first = result(export(tree, controller))
    assert first["changed"]
    assert first["package"]["object_count"] == 6
    assert [change["change"] for change in first["changes"]] == ["added"] * 6
    assert names(controller) == ["Margin", "Report 0", "Report 1", "Report 2", "Total", "Unseen"]
    rows = {row["id"]: row for row in manifest(controller)["content"]}
    assert {row["included"] for row in rows.values()} == {"asked"}
    assert rows[report(0)]["components"] == [{"id": TOTAL, "type": 4, "name": "Total"}]
    assert rows[TOTAL]["components"] == [{"id": FACT, "type": 13, "name": "Amount"}]
    assert "needed_by" not in rows[TOTAL]
    # Again: nothing is built.
    before = {path.name: path.read_bytes() for path in controller.directory.iterdir()}
    tree.forget()
    again = result(export(tree, controller, "--diff"))
    assert (again["changed"], again["changes"], "diff" in again) == (False, [], False)
    assert again["package"] == first["package"]
    assert tree.calls("PUT", "/packages") == []
    assert {path.name: path.read_bytes() for path in controller.directory.iterdir()} == before
    assert tree.held() == []


def test_the_diff_of_a_manifest_is_the_object_that_was_edited(tree: Server, controller: Controller) -> None:
    tree.set(stamp_files=True)
    export(tree, controller)
    path = controller.directory / "sales.mmp.manifest.json"
    before = path.read_text(encoding="utf-8").splitlines()
    tree.edit(report(1), folder=SALES)
    tree.forget()
    changed = result(export(tree, controller, "--diff"))
    assert [(change["id"], change["change"]) for change in changed["changes"]] == [(report(1), "changed")]
    assert changed["diff"]["prepared"].splitlines()[1].startswith('~ report "Report 1"')
    lines = list(difflib.unified_diff(before, path.read_text(encoding="utf-8").splitlines(), n=0))
    fields = {line[1:].split('"')[1] for line in lines if line[0] in "+-" and '"' in line}
    assert fields == {"sha256", "version", "date_modified"}
    assert len([line for line in lines if line.startswith("+ ")]) == 3
    # Of what stayed as it was, nothing is asked anew.
    assert len(tree.calls("POST", "/metadataSearches/results")) == 2
    tree.set(package_failure="never mind")
    assert not result(export(tree, controller))["changed"]


def test_what_is_declared_otherwise_is_built_and_the_reason_said(tree: Server, controller: Controller) -> None:
    export(tree, controller)
    otherwise = {"content": [{"folder": SALES}]}
    said = "it is declared in another way than it was built"
    for arguments in (("--check", "--diff"), ("--diff",)):
        run = result(export(tree, controller, *arguments, **otherwise))
        assert (run["changed"], run["changes"]) == (True, [])
        assert run["msg"] == "The objects of package sales.mmp stay as they are; %s." % said
        assert run["diff"]["prepared"].splitlines()[1:] == [said, "the same objects"]
    run = result(export(tree, controller, "--diff", **otherwise))
    assert (run["changed"], run["msg"]) == (False, "The objects of package sales.mmp stay as they are.")


@pytest.mark.parametrize("listed", [True, False], ids=["dependents listed", "dependents not listed"])
@pytest.mark.parametrize("way", ["complete", "include_dependents"])
def test_what_is_needed_says_by_what(listed: bool, way: str, tree: Server, controller: Controller) -> None:
    tree.set(list_dependents=listed)
    selector = {"id": report(0), "type": "report"}
    options: dict[str, Any] = {"content": [selector], "complete": True}
    if way == "include_dependents":
        options = {"content": [{**selector, "include_dependents": True}]}
    assert result(export(tree, controller, **options))["changed"]
    rows = {row["id"]: row for row in manifest(controller)["content"]}
    assert set(rows) == {report(0), TOTAL, FACT}
    assert rows[report(0)]["included"] == "asked"
    assert (rows[TOTAL]["included"], rows[TOTAL]["needed_by"]) == ("needed", [report(0)])
    assert (rows[FACT]["included"], rows[FACT]["needed_by"]) == ("needed", [TOTAL])
    assert not result(export(tree, controller, **options))["changed"]
    assert result(export(tree, controller, **options, exclude=[{"id": FACT}]))["changed"]
    assert names(controller) == ["Report 0", "Total"]
    assert not result(export(tree, controller, **options, exclude=[{"id": FACT}]))["changed"]
    export(tree, controller, **options)
    # What is needed counts as much as what is asked for.
    tree.edit(FACT)
    again = result(export(tree, controller, **options))
    assert [(change["id"], change["change"]) for change in again["changes"]] == [(FACT, "changed")]


@pytest.mark.parametrize(
    ("content", "exclude", "expected"),
    [
        ([{"folder": "/MicroStrategy Tutorial/Sales/Deep"}], None, ["Total", "Unseen"]),
        ([{"folder": SALES, "types": ["report"]}], None, ["Report 0", "Report 1", "Report 2"]),
        ([{"folder": "/Sales", "recursive": False}], None, ["Report 0", "Report 1", "Report 2"]),
        ([{"folder": "/Sales", "types": ["metric"]}], [{"name": "t?TAL"}], ["Margin", "Unseen"]),
        ([{"search": SAVED}], None, ["Margin", "Total", "Unseen"]),
        ([{"search": "/My metrics"}], [{"folder": "/Sales/Secret"}], ["Total", "Unseen"]),
        ([{"shortcuts_in": "/Fav"}], None, ["Year"]),
        ([{"name": "report ?", "types": [3]}], [{"id": report(1)}], ["Report 0", "Report 2"]),
        ([{"name": "Un*", "owner": "administrator"}], None, ["Unseen"]),
        ([{"id": YEAR, "type": 12}, {"folder": DEEP}], [{"id": TOTAL, "type": "metric"}], ["Unseen", "Year"]),
        ([{"modified_since": "2025-01-01T00:00:00Z", "types": [4]}], None, ["Margin", "Total", "Unseen"]),
    ],
)
@pytest.mark.parametrize("included", [True, False], ids=["limits included", "limits left out"])
def test_choosing(
    content: Any, exclude: Any, expected: list[str], included: bool, tree: Server, controller: Controller
) -> None:
    tree.set(search_times_included=included, search_status=200 if included else 201, longest_page=2)
    assert result(export(tree, controller, content=content, exclude=exclude))["changed"]
    assert names(controller) == expected
    # The index of the quick search is never asked.
    assert [call for call in tree.log() if call["path"].startswith("/searches")] == []


def test_what_changed_since_the_last_export(tree: Server, controller: Controller) -> None:
    options = {"content": [{"modified_since": "last_export", "types": ["report", "metric"], "name": "*"}]}
    options["content"][0]["folder"] = "/Sales"
    assert result(export(tree, controller, **options))["package"]["object_count"] == 6
    assert manifest(controller)["seen_until"] == "2025-01-01T00:00:00.000+0000"
    assert not result(export(tree, controller, **options))["changed"]
    edited = tree.edit(report(2), folder=SALES)
    assert result(export(tree, controller, **options))["changed"]
    assert names(controller) == ["Report 2"]
    assert manifest(controller)["seen_until"] == edited["dateModified"]
    assert not result(export(tree, controller, **options))["changed"]
    # Other settings make another package, of the same objects.
    assert result(export(tree, controller, **options, settings={"default_action": "use_newer"}))["changed"]
    assert names(controller) == ["Report 2"]


def test_a_lost_search_is_asked_once_more(tree: Server, controller: Controller) -> None:
    tree.set(searches_lost=1)
    assert result(export(tree, controller))["package"]["object_count"] == 6
    tree.set(searches_lost=2)
    assert "load balancer" in export(tree, controller).named("export")["msg"]


def test_an_old_server_leaves_out_hidden_objects_and_says_so(tree: Server, controller: Controller) -> None:
    tree.set(release="2021-update-2")
    run = export(tree, controller)
    assert result(run)["package"]["object_count"] == 5
    assert "hidden" in run.warnings
    run = export(tree, controller, content=[{"search": SAVED}])
    assert result(run)["package"]["object_count"] == 2
    assert "does not tell what a saved search asks for" in run.warnings


def test_what_a_user_may_not_browse_is_not_in_the_package(tree: Server, controller: Controller) -> None:
    assert result(export(tree, controller, username="creator"))["package"]["object_count"] == 4
    assert names(controller) == ["Report 0", "Report 1", "Report 2", "Total"]


def test_configuration_and_security_packages(server: Server, controller: Controller) -> None:
    users = {"type": "configuration", "project": "", "content": [{"types": ["user"], "name": "*e*"}]}
    first = result(export(server, controller, **users))
    assert (first["package"]["type"], first["package"]["object_count"]) == ("configuration", 2)
    assert all(call["project"] is None for call in server.log())
    assert not result(export(server, controller, **users))["changed"]
    links = {"type": "project_security", "content": [{"types": ["user group"]}]}
    server.forget()
    assert result(export(server, controller, **links))["package"]["type"] == "project_security"
    assert names(controller) == ["Everyone", "Web Professional"]
    assert not result(export(server, controller, **links))["changed"]
    assert {call["project"] for call in server.calls("POST", "/packages")} == {TUTORIAL}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"content": [{"id": YEAR}]}, "content: item 1: id needs its type"),
        ({"content": [{"id": "x", "type": "report"}]}, "content: item 1: id: x is not 32 hexadecimal digits"),
        ({"content": [{"folder": "/Sales"}, {"types": ["metrik"]}]}, "content: item 2, types: no type"),
        ({"content": [{"types": ["user"]}]}, "user cannot be in a package of type project"),
        ({"content": [{"folder": "/Sales", "search": SAVED}]}, "folder and search cannot be together"),
        ({"content": [{"recursive": True, "name": "x"}]}, "item 1: recursive is about a folder"),
        ({"content": [{"modified_since": "yesterday"}]}, "is no time such as"),
        ({"content": [{}]}, "item 1: it chooses nothing"),
        ({"content": []}, "content: it is empty"),
        ({"exclude": [{"id": YEAR, "action": "delete"}]}, "exclude: item 1: action is not for"),
        ({"exclude": [{"modified_since": "last_export"}]}, "exclude: item 1: modified_since: last_export"),
        ({"type": "configuration"}, "a configuration package must not name a project"),
        ({"type": "configuration", "project": ""}, "folder is in a project"),
        ({"type": None}, "type: a package that is built needs it"),
        ({"project": None}, "project: a package of type project is built from one"),
        ({"settings": {"update_schema": ["all"]}}, "settings: update_schema: all is none of"),
        ({"type": "project_security", "settings": {"acl_on_replacing_objects": "replace"}}, "is not for packages"),
        ({"dest": "{{ here }}/nowhere/a.mmp"}, "dest: there is no directory"),
    ],
)
def test_what_is_refused_before_the_log_in(
    options: dict[str, Any], said: str, server: Server, controller: Controller
) -> None:
    run = export(server, controller, **options)
    assert said in run.named("export")["msg"]
    assert server.log() == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"content": [{"folder": "/Sales/Nowhere"}]},
            "there is no Nowhere in it that this user can see; there is: Deep",
        ),
        ({"content": [{"id": "F" * 32, "type": "report"}]}, "content: item 1: there is no report with the id"),
        ({"content": [{"name": "no such name"}]}, "content: nothing that this user can see fits it"),
    ],
)
def test_what_is_not_there(options: dict[str, Any], said: str, tree: Server, controller: Controller) -> None:
    run = export(tree, controller, **options)
    assert said in run.named("export")["msg"]
    assert tree.held() == []
    assert list(controller.directory.iterdir()) == []


@pytest.mark.parametrize("setting", ["fail", "refuse"])
def test_an_object_that_is_gone_when_the_package_is_built(setting: str, tree: Server, controller: Controller) -> None:
    export(tree, controller)
    before = {path.name: path.read_bytes() for path in controller.directory.iterdir()}
    tree.set(missing_content=setting, sub_errors=True)
    tree.edit(report(0), folder=SALES)
    tree.forget()
    # It goes while the package is about to be built.
    tree.fault("PUT", "^/packages/[^/]+$", {"kind": "hang", "seconds": 30, "when": "before"})

    def go() -> None:
        wait_until(lambda: tree.calls("PUT", "/packages/"), "the building of the package")
        tree.remove(report(0))
        tree.reset_faults()

    somebody = threading.Thread(target=go)
    somebody.start()
    message = export(tree, controller).named("export")["msg"]
    somebody.join()
    assert "build the package" in message
    assert report(0) in message
    assert {path.name: path.read_bytes() for path in controller.directory.iterdir()} == before
    assert tree.held() == []


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "body", "json": {"code": "ERR001"}, "content_type": "application/octet-stream"},
        {"kind": "body", "text": "<html>sign in</html>", "content_type": None},
        {"kind": "cut", "bytes": 100},
        {"kind": "encoded", "encoding": "gzip", "cut": 60},
    ],
)
def test_a_file_is_written_whole_or_not_at_all(fault: dict[str, Any], tree: Server, controller: Controller) -> None:
    tree.fault("GET", "^/packages/[^/]+/binary$", fault, times=None)
    run = export(tree, controller)
    assert "download the package" in run.named("export")["msg"]
    assert list(controller.directory.iterdir()) == []
    assert tree.held() == []


def test_within_a_session(tree: Server, controller: Controller) -> None:
    session = "{{ here }}/private/session.json"
    common = {"session_file": session, "project": TUTORIAL}
    built = {**common, "type": "project", "content": [{"id": report(0), "type": "report"}], "complete": True}
    finance = str(controller.packages / "finance.mmp")
    tasks = [
        ("login", "mstr_session", {"session_file": session}),
        ("held", "mstr_package", {**common, "src": finance}),
        ("built", "mstr_package", built),
        ("again", "mstr_package", built),
        ("imported", "mstr_package_import", {
            "session_file": session, "project": TUTORIAL, "package_id": "{{ built.package.id }}",
            "history_dir": "{{ here }}/history",
        }),
        ("saved", "mstr_package", {**built, "dest": "{{ here }}/sales.mmp"}),
        ("logout", "mstr_session", {"session_file": session, "state": "absent"}),
    ]  # fmt: skip
    run = controller.tasks(
        tree, [{"name": name, "mstr.migration.%s" % module: options} for name, module, options in tasks]
    )
    assert run.code == 0, run.output
    assert [run.named(name)["changed"] for name in ("built", "again", "imported", "saved")] == [
        True,
        False,
        False,
        True,
    ]
    assert run.named("again")["package"] == run.named("built")["package"]
    assert run.named("saved")["package"]["id"] is None
    assert tree.held() == []


def test_an_exported_package_is_deployed(tree: Server, controller: Controller) -> None:
    """Year with its components goes from one project to the other."""
    options = {"content": [{"id": YEAR, "type": "attribute", "include_dependents": True}]}
    assert result(export(tree, controller, **options))["changed"]
    tree.set(missing_component="fail")
    src = str(Path(controller.directory) / "sales.mmp")
    imported = {"src": src, "project": DEMO, "history_dir": "{{ here }}/history"}
    run = controller.tasks(tree, [{"name": "import", "mstr.migration.mstr_package_import": imported}])
    assert run.code == 0, run.output
    assert tree.objects(DEMO)[YEAR]["version"] == tree.objects(TUTORIAL)[YEAR]["version"]
    # The manifest of it is not lost where it is written anew.
    before = manifest(controller)
    run = controller.tasks(
        tree, [{"name": "anew", "mstr.migration.mstr_package": {"src": src, "project": DEMO, "manifest": True}}]
    )
    assert (run.code, run.named("anew")["changed"]) == (0, False)
    assert manifest(controller) == before


# The playbook


def declare(server: Server, controller: Controller, *exports: dict[str, Any], **variables: Any) -> None:
    (controller.directory / "packages").mkdir(exist_ok=True)
    controller.declare(server, mstr_exports=list(exports), **variables)


SHARED = {"name": "sales", "dest": "packages/sales.mmp", "content": [{"folder": "/Sales"}], "settings": None}
USERS = {"type": "configuration", "dest": "packages/users.mmp", "content": [{"types": ["user"], "name": "*e*"}]}
LINKS = {"type": "project_security", "dest": "packages/links.mmp", "content": [{"types": ["user group"]}]}


@pytest.mark.ansible
def test_the_playbook(tree: Server, controller: Controller) -> None:
    tree.set(stamp_files=True)
    declare(tree, controller, {**SHARED, "definitions": True}, USERS, LINKS)
    checked = controller.playbook_run("export", "--check", "--diff")
    assert checked.code == 0, checked.output
    assert '+ report "Report 0"' in checked.output
    assert list((controller.directory / "packages").iterdir()) == []
    first = controller.playbook_run("export")
    assert first.code == 0, first.output
    made = first.named("Keep what was exported")["ansible_facts"]["mstr_exports_result"]
    assert [(one["name"], one["changed"], one["failed"]) for one in made] == [
        ("sales", True, False), ("users", True, False), ("links", True, False),
    ]  # fmt: skip

    def written() -> dict[str, bytes]:
        return {
            path.name: path.read_bytes() for path in (controller.directory / "packages").iterdir() if path.is_file()
        }

    files = written()
    kept = sorted(path.parent.name for path in (controller.directory / "packages").glob("sales.mmp.definitions/*/*"))
    assert kept == ["metric"] * 3 + ["report"] * 3
    assert sorted(files) == sorted(
        name + ending for name in ("sales.mmp", "users.mmp", "links.mmp") for ending in ("", ".manifest.json")
    )
    assert made[0]["package"]["sha256"] == json.loads(files["sales.mmp.manifest.json"])["sha256"]
    tree.forget()
    again = controller.playbook_run("export")
    assert again.recap("prod")["changed"] == 0
    assert tree.calls("POST", "/packages") == []
    assert written() == files
    assert not (controller.directory / "history").exists()
    assert tree.held() == []
    assert controller.left_in_tmp() == []


@pytest.mark.ansible
def test_the_playbook_goes_on_after_a_package_that_fails(tree: Server, controller: Controller) -> None:
    declare(tree, controller, {**SHARED, "content": [{"folder": "/Nowhere"}]}, USERS)
    run = controller.playbook_run("export")
    assert run.code == 2
    assert "content: item 1: /Nowhere: there is no Nowhere" in run.output
    made = run.named("Keep what was exported")["ansible_facts"]["mstr_exports_result"]
    assert [(one["name"], one["changed"], one["failed"]) for one in made] == [
        ("sales", False, True), ("users", True, False),
    ]  # fmt: skip
    assert tree.held() == []


@pytest.mark.ansible
def test_what_the_playbook_refuses_before_the_log_in(server: Server, controller: Controller) -> None:
    declare(
        server,
        controller,
        {"dest": "a.mmp", "contents": []},
        {**USERS, "project": "x"},
        SHARED,
        {**SHARED, "name": "b"},
    )
    run = controller.playbook_run("export")
    (message,) = run.failures
    for part in (
        "mstr_exports: item 1 (a): an export has no contents; content is meant, perhaps.",
        "mstr_exports: item 1 (a): it needs its content",
        "mstr_exports: item 2 (users): a configuration package must not name a project.",
        "mstr_exports: item 4 (b): item 3 has the same dest",
    ):
        assert part in message
    assert server.log() == []


def test_a_folder_of_five_hundred_objects(server: Server, controller: Controller) -> None:
    server.set(stamp_files=True)
    rows = [{"id": report(number), "name": "R %d" % number, "type": 3, "folder": SALES} for number in range(500)]
    server.plant([{"id": SALES, "name": "Sales", "type": 8}, *rows])
    assert result(export(server, controller))["package"]["object_count"] == 500
    before = (controller.directory / "sales.mmp.manifest.json").read_text(encoding="utf-8").splitlines()
    server.forget()
    assert not result(export(server, controller))["changed"]
    # The log-in, the project, the folder, and a search with its result: what was there is not looked up one by one.
    assert len(server.log()) < 12
    server.edit(report(77), folder=SALES)
    assert result(export(server, controller))["changed"]
    after = (controller.directory / "sales.mmp.manifest.json").read_text(encoding="utf-8").splitlines()
    changed = [line for line in difflib.unified_diff(before, after, n=0) if line.startswith("+ ")]
    assert len(changed) == 3
    assert server.held() == []
