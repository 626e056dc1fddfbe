# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What sites do to the history: copied names, volumes that are not mounted, odd shares, edited manifests."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from emulations import VARIABLE
from harness import DEMO, TUTORIAL, Controller, Run, Server, declared, running_server
from processes import output, started, until

SHARED = "shared"
# Seconds.
LEASE = 3


@pytest.fixture(scope="module")
def other_process() -> Iterator[Server]:
    with running_server() as server:
        yield server


@pytest.fixture
def other(other_process: Server) -> Server:
    """Another server double, as new."""
    other_process.reset()
    return other_process


def task(label: str, module: str, /, **options: Any) -> dict[str, Any]:
    return {"name": label, "mstr.migration." + module: options}


def deploy(controller: Controller, server: Server, *arguments: str, **variables: Any) -> Run:
    """Deploy one package to a server; all servers have the same name."""
    controller.declare(server, controller.sample("inc1"), mstr_environment_name=SHARED, **variables)
    return controller.deploy(*arguments)


def entry_names(controller: Controller) -> list[str]:
    return [path.parent.name for path in controller.receipts()]


def base_urls(controller: Controller) -> list[str]:
    return [json.loads(path.read_text(encoding="utf-8"))["base_url"] for path in controller.receipts()]


# K1. State without an owner


def test_nothing_of_one_server_is_taken_back_on_another(server: Server, other: Server, controller: Controller) -> None:
    before = server.versions()
    assert deploy(controller, server).changed == ["inc1"]
    run = deploy(controller, other)
    # What is on the first says nothing of the second.
    assert run.changed == ["inc1"]
    on_server, on_other = entry_names(controller)
    assert on_server in run.warnings
    assert "server_moved" in run.warnings
    controller.declare(server, controller.sample("inc1"), mstr_environment_name=SHARED)
    run = controller.rollback("inc1")
    assert run.code == 0, run.output
    assert run.named("Take back the run or the package")["entry"] == on_server
    assert on_other in run.warnings
    assert server.versions() == before
    assert other.has(declared("inc1"))
    # It is held on the first, and in sync on the second.
    again = deploy(controller, other)
    assert again.code == 0
    assert [package["state"] for package in again.packages] == ["imported"]
    other.edit(next(iter(declared("inc1"))))
    assert deploy(controller, other).changed == ["inc1"]
    assert [package["state"] for package in deploy(controller, server).packages] == ["held"]


def test_where_only_another_server_has_it_nothing_is_taken_back(
    server: Server, other: Server, controller: Controller
) -> None:
    assert deploy(controller, other).code == 0
    (name,) = entry_names(controller)
    controller.declare(server, controller.sample("inc1"), mstr_environment_name=SHARED)
    objects = server.objects()
    for arguments in ([], ["-e", "mstr_entry=" + name]):
        run = controller.rollback("inc1", *arguments)
        assert run.code != 0
        for part in (name, other.base_url, "server_moved", "environment_name"):
            assert part in run.failures[0]
    # Nor by its file.
    undo = str(controller.receipts()[0].with_name("undo.mmp"))
    history = {"history_dir": str(controller.history), "environment_name": SHARED}
    for name, options in (("with history", history), ("alone", {})):
        taken = task(name, "mstr_undo_package", state="applied", src=undo, project=TUTORIAL, **options)
        result = controller.tasks(server, [taken]).named(name)
        assert "which was imported on %s" % other.base_url in result["msg"]
    assert server.objects() == objects
    assert server.state()["imports_started"] == 0
    assert server.held() == []


def test_entries_of_another_server_are_never_removed(server: Server, other: Server, controller: Controller) -> None:
    deploy(controller, other)
    for _time in range(3):
        server.edit(next(iter(declared("inc1"))), name="seeded", type=12)
        assert deploy(controller, server, mstr_history_keep=1).code == 0
    assert base_urls(controller) == [other.base_url, server.base_url]


def test_a_server_that_has_moved_takes_its_history_with_it(
    server: Server, other: Server, controller: Controller
) -> None:
    assert deploy(controller, server).code == 0
    before = other.versions()
    for key, version in declared("inc1").items():
        other.edit(key, name="seeded", type=12, version=version)
    checked = deploy(controller, other, "--check", mstr_server_moved=True)
    assert "would be taken over" in checked.warnings
    assert base_urls(controller) == [server.base_url]
    moved = deploy(controller, other, mstr_server_moved=True)
    assert moved.code == 0, moved.output
    assert "are taken over" in moved.warnings
    assert base_urls(controller) == [other.base_url]
    # Once: afterwards it is as if it had been there always.
    assert "server_moved" not in deploy(controller, other).warnings
    run = controller.rollback("inc1")
    assert run.code == 0, run.output
    assert other.versions() == before


@pytest.mark.parametrize(
    "wrong", [{"mstr_password": "wrong"}, {"mstr_base_url": "http://127.0.0.1:9/Library"}], ids=str
)
def test_a_history_is_taken_over_only_once_the_server_is_there(
    wrong: dict[str, str], server: Server, other: Server, controller: Controller
) -> None:
    assert deploy(controller, server).code == 0
    run = deploy(controller, other, mstr_server_moved=True, mstr_retries=0, **wrong)
    assert run.code != 0
    assert base_urls(controller) == [server.base_url]


def test_of_two_servers_in_use_none_has_moved(server: Server, other: Server, controller: Controller) -> None:
    deploy(controller, server)
    deploy(controller, other)
    run = deploy(controller, server, mstr_server_moved=True)
    assert run.code != 0
    for part in ("server_moved", other.base_url, "environment_name", *entry_names(controller)):
        assert part in run.failures[0]
    assert base_urls(controller) == [server.base_url, other.base_url]
    assert server.held() == []


def test_the_history_of_another_server_alone_is_none(server: Server, other: Server, controller: Controller) -> None:
    assert deploy(controller, other).code == 0
    run = deploy(controller, server, mstr_history_must_exist=True)
    assert run.code != 0
    for part in ("history_must_exist", other.base_url, "server_moved"):
        assert part in run.failures[0]
    assert server.log() == []


def test_what_runs_of_another_server_left_is_left_alone(server: Server, other: Server, controller: Controller) -> None:
    deploy(controller, server)
    (entry,) = (path.parent for path in controller.receipts())
    log_in = task("first", "mstr_session", history_dir=str(controller.history), environment_name=SHARED)
    session = Path(controller.tasks(server, [log_in]).named("first")["session_file"])
    session.chmod(0o640)
    download = entry / ".mstr_download"
    download.touch()
    assert deploy(controller, other, mstr_lease_timeout=1).code == 0
    assert download.exists()
    assert session.exists()
    session.chmod(0o600)
    absent = task("absent", "mstr_session", state="absent", session_file=str(session))
    assert controller.tasks(server, [absent]).named("absent")["changed"]
    assert server.held() == []


def test_a_history_that_is_begun_anew_is_said(server: Server, controller: Controller) -> None:
    run = deploy(controller, server)
    assert "is begun anew" in run.warnings
    assert "is begun anew" not in deploy(controller, server).warnings
    assert controller.rollback("inc1").code == 0
    # The volume is not mounted.
    controller.history.rename(controller.directory / "elsewhere")
    assert "is begun anew" in deploy(controller, server, "--check").warnings
    assert not controller.history.exists()
    log_ins = len(server.calls("POST", "/auth/login"))
    for arguments in ([], ["--check"]):
        refused = deploy(controller, server, *arguments, mstr_history_must_exist=True)
        assert refused.code != 0
        assert "history_must_exist" in refused.failures[0]
        assert str(controller.history) in refused.failures[0]
    assert not controller.history.exists()
    assert len(server.calls("POST", "/auth/login")) == log_ins
    (controller.directory / "elsewhere").rename(controller.history)
    held = deploy(controller, server, mstr_history_must_exist=True)
    assert [package["state"] for package in held.packages] == ["held"]
    assert server.held() == []


def test_a_module_with_credentials_asks_for_the_history_before_it_logs_in(
    server: Server, controller: Controller
) -> None:
    options = {"history_dir": str(controller.history), "history_must_exist": True, "project": TUTORIAL}
    src = str(controller.packages / "inc1.mmp")
    run = controller.tasks(
        server,
        [
            task("plan", "mstr_package_plan", packages=[{"src": src}], **options),
            task("import", "mstr_package_import", src=src, **options),
            task("undo", "mstr_undo_package", state="applied", name="inc1", **options),
        ],
    )
    for name in ("plan", "import", "undo"):
        assert "history_must_exist" in run.named(name)["msg"]
    assert server.log() == []


# K10. A text beside the file is believed


def manifest_beside(controller: Controller, server: Server, *names: str) -> Path:
    """Copy a package and write its manifest, as a release engineer does; all its objects are there already."""
    path = controller.directory / "finance.mmp"
    shutil.copy(controller.packages / "finance.mmp", path)
    upload = task("upload", "mstr_package", src=str(path), manifest=True, project=TUTORIAL)
    assert controller.tasks(server, [upload]).code == 0
    for row in json.loads(path.with_name("finance.mmp.manifest.json").read_text(encoding="utf-8"))["content"]:
        server.edit(row["id"], name=row["name"], type=row["type"], version=row["version"])
    return path.with_name("finance.mmp.manifest.json")


def edited(manifest: Path, how: str) -> str:
    """Edit a manifest, so that its package seems to be there. :returns: the object that it is about"""
    document = json.loads(manifest.read_text(encoding="utf-8"))
    row = next(row for row in document["content"] if row["type"] == 3)
    if how == "an object is missing":
        document["content"].remove(row)
    elif how == "an action is another one":
        row["action"] = "use_existing"
    else:
        row["version"] = "0" * 32
    manifest.write_text(json.dumps(document), encoding="utf-8")
    return str(row["id"])


EDITS = ["an object is missing", "an action is another one", "it is that of an older build"]


@pytest.mark.parametrize("how", EDITS)
@pytest.mark.parametrize("checked", [False, True], ids=["", "check"])
def test_a_manifest_that_was_edited_hides_nothing(
    checked: bool, how: str, server: Server, controller: Controller
) -> None:
    manifest = manifest_beside(controller, server)
    about = edited(manifest, how)
    # What the package would replace, and the manifest hides.
    server.edit(about, version="0" * 32)
    controller.declare(server, {"src": "finance.mmp"})
    imports = server.state()["imports_started"]
    run = controller.deploy(*["--check"] * checked)
    assert run.code != 0, run.output
    assert about in run.failures[0]
    assert str(manifest) in run.failures[0]
    assert server.state()["imports_started"] == imports
    # The module alone asks as well.
    alone = task("import", "mstr_package_import", src=str(manifest)[: -len(".manifest.json")], project=TUTORIAL)
    assert about in controller.tasks(server, [alone]).named("import")["msg"]
    assert server.held() == []


def test_a_manifest_is_compared_once(server: Server, controller: Controller) -> None:
    manifest_beside(controller, server)
    controller.declare(server, {"src": "finance.mmp"})
    for expected in (1, 0, 0):
        before = server.uploads()
        run = controller.deploy()
        assert run.code == 0, run.output
        assert run.changed == []
        assert server.uploads() - before == expected
    # Check mode sees it as well, and remembers nothing.
    shutil.rmtree(controller.history / "manifests")
    for _time in range(2):
        before = server.uploads()
        assert controller.deploy("--check").changed == []
        assert server.uploads() - before == 1
    assert not (controller.history / "manifests").exists()


@pytest.mark.parametrize("how", EDITS)
def test_a_receipt_vouches_for_what_the_server_read_and_not_for_what_was_edited_later(
    how: str, server: Server, controller: Controller
) -> None:
    manifest = manifest_beside(controller, server)
    server.edit(next(row["id"] for row in json.loads(manifest.read_text())["content"] if row["type"] == 3))
    controller.declare(server, {"src": "finance.mmp"}, mstr_manifest_dir="manifests")
    assert controller.deploy().changed == ["finance"]
    shutil.rmtree(controller.directory / "manifests", ignore_errors=True)
    before = server.uploads()
    assert controller.deploy().changed == []
    assert server.uploads() == before
    about = edited(manifest, how)
    if how == "it is that of an older build":
        server.edit(about, version="0" * 32)
    run = controller.deploy()
    assert run.code != 0
    assert about in run.failures[0]


def test_a_receipt_from_before_the_content_was_noted_vouches_for_nothing(
    server: Server, controller: Controller
) -> None:
    manifest = manifest_beside(controller, server)
    server.edit(next(row["id"] for row in json.loads(manifest.read_text())["content"] if row["type"] == 3))
    controller.declare(server, {"src": "finance.mmp"})
    assert controller.deploy().changed == ["finance"]
    (path,) = controller.receipts()
    receipt = json.loads(path.read_text(encoding="utf-8"))
    del receipt["content"]
    path.write_text(json.dumps(receipt), encoding="utf-8")
    shutil.rmtree(controller.history / "manifests", ignore_errors=True)
    about = edited(manifest, "an object is missing")
    server.edit(about, version="0" * 32)
    run = controller.deploy()
    assert run.code != 0
    assert about in run.failures[0]


def test_a_manifest_may_begin_with_a_byte_order_mark(server: Server, controller: Controller) -> None:
    manifest = manifest_beside(controller, server)
    manifest.write_bytes(b"\xef\xbb\xbf" + manifest.read_bytes().replace(b"\n", b"\r\n"))
    controller.declare(server, {"src": "finance.mmp"})
    assert controller.deploy().changed == []


# K4 and K3. Found out after the session is open; what later tasks need


@pytest.mark.parametrize("share", ["share_shows_modes,0777", "share_shows_modes,0660", "share_shows_owner,4711"])
def test_a_share_on_which_no_file_is_private_is_found_before_the_log_in(
    share: str, server: Server, controller: Controller
) -> None:
    controller.environment[VARIABLE] = share
    run = deploy(controller, server)
    assert run.code != 0
    for part in ("does not stay private", "session_dir", str(controller.history)):
        assert part in run.failures[0]
    assert server.log() == []
    assert list(controller.history.rglob("*.lock")) == []
    # The way out that it names, here with a disk as it should be.
    del controller.environment[VARIABLE]
    run = deploy(controller, server, mstr_session_dir="sessions")
    assert run.changed == ["inc1"]
    assert run.named("Log in")["session_file"].startswith(str(controller.directory / "sessions"))
    assert list(controller.history.glob("*/sessions/*")) == []
    assert list((controller.directory / "sessions").iterdir()) == []
    assert server.held() == []


@pytest.mark.parametrize("share", ["share_shows_modes,0777", "share_shows_owner,4711"])
def test_a_run_closes_its_session_also_where_the_share_has_changed(
    share: str, server: Server, controller: Controller
) -> None:
    run = controller.tasks(server, [task("first", "mstr_session", history_dir=str(controller.history))])
    controller.environment[VARIABLE] = share
    session = {"session_file": run.named("first")["session_file"]}
    run = controller.tasks(
        server,
        [
            task("plan", "mstr_package_plan", packages=[], **session),
            task("absent", "mstr_session", state="absent", **session),
        ],
    )
    assert "session_file" in run.named("plan")["msg"]
    assert run.named("absent")["changed"]
    assert "not private any more" in run.warnings
    assert server.held() == []
    assert list(controller.history.rglob("*.json")) == []
    assert list(controller.history.rglob("*.lock")) == []


def test_a_log_out_that_finds_no_file_of_a_run_that_logged_in_is_no_success(
    server: Server, controller: Controller
) -> None:
    log_in = task("first", "mstr_session", history_dir=str(controller.history))
    path = Path(controller.tasks(server, [log_in]).named("first")["session_file"])
    path.unlink()
    absent = task("absent", "mstr_session", state="absent", session_file=str(path))
    run = controller.tasks(server, [absent])
    assert "nobody has logged out" in run.named("absent")["msg"]
    assert list(controller.history.rglob("*.lock")) == []
    # Said once. That there is nothing is fine.
    assert controller.tasks(server, [absent]).named("absent")["changed"] is False
    masked = task("masked", "mstr_session", state="absent", session_file="/tmp/********/session.json")
    assert "blanked" in controller.tasks(server, [masked]).named("masked")["msg"]


def test_a_secret_that_is_a_word_of_the_result_is_said(server: Server, controller: Controller) -> None:
    # The password of the double, as a directory's name.
    directory = controller.directory / "library-demo"
    options = {"src": str(controller.packages / "inc1.mmp"), "project": TUTORIAL, "history_dir": str(directory)}
    run = controller.tasks(server, [task("import", "mstr_package_import", **options)])
    assert run.code == 0, run.output
    assert "a part of receipt, undo equals one" in run.warnings
    assert "library-demo" not in run.output
    plain = task("import", "mstr_package_import", **{**options, "history_dir": str(controller.history)})
    assert "equals one" not in controller.tasks(server, [plain]).warnings


# K5. Ages by subtracting two clocks


def test_a_run_whose_clock_is_behind_that_of_the_share_is_not_taken_for_dead(
    server: Server, controller: Controller
) -> None:
    server.set(import_duration=2 * LEASE)
    controller.environment[VARIABLE] = "share_takes_the_clients_time,120"
    limits = {"mstr_lease_timeout": LEASE, "mstr_lock_timeout": 1}
    controller.declare(server, controller.sample("inc1"), **limits)
    with started(controller) as process:
        until(lambda: server.calls("GET", "/packages/imports/"), "the import")
        second = controller.deploy()
        assert "Another run is at work" in second.failures[0]
        assert process.wait(60) == 0, output(controller)
    assert server.state()["imports_started"] == 1
    assert server.held() == []


def test_an_address_that_its_name_tells_has_the_name_of_before(server: Server, controller: Controller) -> None:
    plan = task("plan", "mstr_package_plan", packages=[], project=DEMO, history_dir=str(controller.history))
    assert controller.tasks(server, [plan]).code == 0
    assert [path.name for path in controller.history.iterdir() if path.name != "locks"] == [
        server.base_url[len("http://") :].replace(":", "_").replace("/", "_")
    ]
