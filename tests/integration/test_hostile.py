# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that would be something else, full devices, files that change: no harm done, and said in words."""

from __future__ import annotations

import hashlib
import json
import re
import time
from pathlib import Path

import pytest
from harness import Controller, Server, make_package
from processes import result_of, start_import, until

TEMPLATE = "{{ lookup('ansible.builtin.pipe', 'touch PWNED') }}"
NAMES = [
    "../../../../etc/passwd",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    TEMPLATE,
    "{% for x in range(3) %}x{% endfor %}{# #}",
    "\u202egnp.exe\u2066",
    "line\r\nbreak\x00\x9b31m",
]
# What a terminal would act on, or not show.
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def hostile_package(path: Path) -> Path:
    rows = [{"id": "%032X" % (0xABC0 + index), "name": name, "type": 12} for index, name in enumerate(NAMES)]
    return make_package(path, *rows)


@pytest.mark.every_core
def test_names_reach_neither_terminal_nor_template_nor_path(server: Server, controller: Controller) -> None:
    before = {path.name for path in controller.directory.iterdir()}
    controller.declare(
        server, {"src": str(hostile_package(controller.directory / "x.mmp"))}, mstr_on_failure="rollback"
    )
    runs = [
        controller.deploy("--check", "--diff", "-v"),
        controller.steps("deploy", "--diff"),
        controller.rollback("x", "--diff", "-vv"),
    ]
    for run in runs:
        assert run.code == 0, run.output
        assert not RAW.search(run.output), RAW.findall(run.output)
    # They are shown, as what they are.
    assert TEMPLATE in runs[0].output
    assert "passwd" in runs[0].output
    # A failure that repeats a name, in the server's words.
    server.reset(import_failure={"message": " ".join(NAMES), "after_objects": 2})
    run = controller.deploy("-e", "mstr_force=true", "-e", json.dumps({"mstr_environment_name": "other"}))
    assert run.code != 0
    assert not RAW.search(run.output)
    assert TEMPLATE in "".join(run.failures)
    assert not list(controller.directory.rglob("PWNED"))
    made = {path.name for path in controller.directory.iterdir()} - before
    assert {name for name in made if not name.startswith("results-")} <= {
        "inventory.yml",
        "x.mmp",
        "history",
        "ansible-tmp",
    }
    for path in controller.history.rglob("*"):
        assert not RAW.search(path.name)
        if path.suffix == ".json":
            assert not RAW.search(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("what", ["link", "directory", "other file"])
def test_what_is_at_undo_dest_stays_and_stops_the_import(what: str, server: Server, controller: Controller) -> None:
    dest = controller.directory / "undo.mmp"
    target = controller.directory / "precious"
    target.write_text("precious")
    if what == "link":
        dest.symlink_to(target)
    elif what == "directory":
        dest.mkdir()
    else:
        dest.write_text("precious")
    result = result_of(start_import(controller, server, undo_dest=str(dest), force=what != "other file"))
    assert result["failed"]
    assert "undo_dest: " in result["msg"]
    assert str(dest) in result["msg"]
    assert server.state()["imports_started"] == 0
    assert server.held() == []
    assert target.read_text() == "precious"


@pytest.mark.parametrize("place", ["/proc/self/nowhere", "file/below"])
def test_a_history_that_cannot_be_is_found_before_the_import(
    place: str, server: Server, controller: Controller
) -> None:
    (controller.directory / "file").write_text("")
    history = str(controller.directory / place)
    result = result_of(start_import(controller, server, history_dir=history))
    assert "history_dir: " in result["msg"]
    assert server.state()["imports_started"] == 0
    assert server.held() == []


def test_a_full_device_before_the_import(server: Server, controller: Controller) -> None:
    result = result_of(start_import(controller, server, file_limit=1000))
    assert str(controller.history) in result["msg"]
    assert "File too large" in result["msg"]
    assert server.state()["imports_started"] == 0
    assert server.held() == []
    assert controller.receipts() == []
    assert not list(controller.history.rglob(".mstr_*"))


def test_a_full_device_after_the_import(server: Server, controller: Controller) -> None:
    # What the import replaces is larger than what the device takes, the receipt is not.
    first = make_package(controller.directory / "one.mmp", {"name": "Region", "type": 12, "definition": "x" * 100_000})
    second = make_package(controller.directory / "two.mmp", {"name": "Region", "type": 12, "definition": "y"})
    assert result_of(start_import(controller, server, src=str(first)))["changed"]
    result = result_of(start_import(controller, server, src=str(second), file_limit=20_000, undo_timeout=3))
    assert result["failed"]
    assert result["changed"]
    assert "The import is done" in result["msg"]
    assert "the next run on this environment fetches it" in result["msg"]
    assert "File too large" in result["msg"]
    receipt = controller.receipts("two")[0]
    assert json.loads(receipt.read_text(encoding="utf-8"))["state"] == "imported"
    assert not receipt.with_name("undo.mmp").exists()
    assert not list(controller.history.rglob(".mstr_*"))
    # So it does, once there is room.
    result = result_of(start_import(controller, server, src=str(second)))
    assert result["recovered"] == [{"entry": receipt.parent.name, "outcome": "imported"}]
    assert not result["changed"]
    assert receipt.with_name("undo.mmp").exists()
    assert server.held() == []


@pytest.mark.parametrize("what", ["other bytes", "shorter", "longer", "gone"])
def test_a_file_that_changes_before_it_is_sent(what: str, server: Server, controller: Controller) -> None:
    path = controller.directory / "x.mmp"
    original = make_package(path, {"name": "Region", "type": 12}).read_bytes()
    server.fault("GET", "^/projects$", {"kind": "hang", "seconds": 1.5, "when": "before"})
    checksum = "sha256:" + hashlib.sha256(original).hexdigest()
    process = start_import(controller, server, src=str(path), project="Demo Project", checksum=checksum)
    until(lambda: server.calls("GET", "/projects"), "the log-in")
    if what == "gone":
        path.unlink()
    else:
        other = make_package(controller.directory / "y.mmp", {"name": "Store", "type": 12}).read_bytes()
        changed = {"other bytes": other, "shorter": original[:100], "longer": original + b"more"}
        path.write_bytes(changed[what])
    result = result_of(process)
    assert result["failed"]
    assert result["msg"].startswith("src: ")
    assert str(path) in result["msg"]
    assert server.state()["imports_started"] == 0
    assert server.held() == []


def test_time_limits_hold(server: Server, controller: Controller) -> None:
    # Seconds. More than a busy machine takes, less than what has no limit would.
    at_most = 45
    server.fault("GET", "^/objects/", {"kind": "hang", "seconds": 60, "when": "before"}, times=None)
    began = time.monotonic()
    result = result_of(start_import(controller, server, timeout=1, retries=1))
    assert time.monotonic() - began < at_most
    assert "went silent: nothing came for 1 s (timeout" in result["msg"]
    server.reset(import_duration=600)
    began = time.monotonic()
    result = result_of(start_import(controller, server, wait_timeout=1.5))
    assert 1.5 <= time.monotonic() - began < at_most
    assert re.search(r"Import \S+ was asked for and not seen to end; last seen: processing, \d", result["msg"])
    assert "wait_timeout" in result["msg"]
    assert "the next run on this environment waits for it" in result["msg"]
    server.reset(undo_never=True)
    began = time.monotonic()
    result = result_of(start_import(controller, server, undo_timeout=1.5))
    assert 1.5 <= time.monotonic() - began < at_most
    assert "undo_timeout" in result["msg"]
    assert "The import is done" in result["msg"]
    assert server.held() == []
