# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Importing: what is known, and what is recorded, where the server does not start the import."""

from __future__ import annotations

import os
import shutil

import pytest
from samples import PROJECT_ID, SHA256, listed, row, session_with
from scripted_server import CLOSE, Reply

from ansible_collections.mstr.migration.plugins.module_utils.errors import InputError, MigrationError
from ansible_collections.mstr.migration.plugins.module_utils.history.entry import Entry
from ansible_collections.mstr.migration.plugins.module_utils.history.receipt import STARTED as BEGUN
from ansible_collections.mstr.migration.plugins.module_utils.history.receipt import Receipt
from ansible_collections.mstr.migration.plugins.module_utils.history.store import History
from ansible_collections.mstr.migration.plugins.module_utils.imports import run as runs
from ansible_collections.mstr.migration.plugins.module_utils.imports.outcome import ImportOptions, Outcome
from ansible_collections.mstr.migration.plugins.module_utils.package.upload import Staged
from ansible_collections.mstr.migration.plugins.module_utils.plan.listing import plan_list
from ansible_collections.mstr.migration.plugins.module_utils.session import file as session_file
from ansible_collections.mstr.migration.plugins.module_utils.session.file import PackageInSession

PACKAGE = PackageInSession("p=", PROJECT_ID, SHA256, 4, "finance.mmp", "project")
LISTED = listed(row())
STAGED = Staged(PACKAGE, LISTED.content, uploaded=True)
PLAN = plan_list([LISTED], {LISTED.key(row()): None})[0].plan
UNDO = Reply(200, b"\x01\x80\xbe\xfe\x7fundo package")
STARTED = Reply(202, {"id": "i=", "status": "PROCESSING", "undoPackageCreated": False, "progress": 0.0})


@pytest.fixture(name="start")
def start_an_import(tmp_path):
    def start(server):
        session = session_with(server, tmp_path / "run.json", package=PACKAGE)
        history = History(str(tmp_path / "history"), "prod")
        return runs.start(session, STAGED, PLAN, ImportOptions("finance", history=history), [])

    return start


def entries(tmp_path):
    directory = tmp_path / "history" / "prod" / PROJECT_ID
    return [Entry.reopen(str(directory / name)).receipt for name in os.listdir(directory)]


def test_the_entry_is_written_before_the_import_is_asked_for(serve, start, tmp_path):
    seen = []

    def answer(request):
        seen.extend(entries(tmp_path))
        return STARTED

    start(serve(answer))
    (receipt,) = seen
    assert (receipt.state, receipt.name, receipt.sha256) == ("started", "finance", SHA256)


def test_an_import_that_began_is_in_the_entry_and_the_session_file(serve, start, tmp_path):
    start(serve(STARTED))
    (receipt,) = entries(tmp_path)
    held = session_file.read(str(tmp_path / "run.json")).import_process
    assert receipt.import_id == held.id == "i="
    assert held.undo_pending
    assert not held.finished
    assert "t0ken" not in str(receipt)


@pytest.mark.parametrize(
    "failure",
    [CLOSE, Reply(500), Reply(502), Reply(503), Reply(504), Reply(202, "<html>"), Reply(202, {"status": "PROCESSING"})],
    ids=str,
)
def test_after_an_ambiguous_failure_the_outcome_is_unknown_and_nothing_is_sent_again(serve, start, tmp_path, failure):
    server = serve(failure)
    with pytest.raises(MigrationError) as lost:
        start(server)
    assert lost.value.details["import_outcome"] == "unknown"
    assert len(server.requests) == 1
    (receipt,) = entries(tmp_path)
    assert receipt.state not in ("started", "imported")


@pytest.mark.parametrize(
    "failure",
    [
        Reply(400, {"code": "ERR006"}),
        Reply(403, {"code": "ERR014"}),
        Reply(404, {"code": "ERR004"}),
        Reply(429, headers={"Retry-After": "5"}),
        Reply(503, headers={"Retry-After": "5"}),
        Reply(503, headers={"Retry-After": "0"}),
    ],
    ids=str,
)
def test_an_import_that_was_plainly_refused_leaves_no_entry(serve, start, tmp_path, failure):
    with pytest.raises(MigrationError) as refused:
        start(serve(failure))
    assert "import_outcome" not in refused.value.details
    assert entries(tmp_path) == []


@pytest.mark.parametrize(
    ("seen", "asked"),
    [([True], 1), ([False, True], 2)],
    ids=["with the end of the import", "later"],
)
@pytest.mark.parametrize("kept", [True, False], ids=["kept", "left on the server"])
def test_the_undo_package_is_asked_for_only_where_it_was_not_seen(serve, tmp_path, seen, asked, kept):
    looks = [
        Reply(200, {"id": "i=", "status": "IMPORTED", "undoPackageCreated": created, "progress": 100.0})
        for created in seen
    ]
    server = serve(STARTED, *looks, *[UNDO][: int(kept)])
    session = session_with(server, tmp_path / "run.json", package=PACKAGE)
    dest = tmp_path / "undo.mmp"
    options = ImportOptions("finance", undo_dest=str(dest) if kept else None, verify=False)
    run = runs.start(session, STAGED, PLAN, options, [])
    runs.finish(run)
    assert run.outcome.info.undo_package_created
    assert dest.exists() is kept
    questions = [item for item in server.requests if item.method == "GET" and not item.path.endswith("/binary")]
    assert len(questions) == asked


def test_bookkeeping_that_the_disk_refuses_is_told_and_stops_nothing(tmp_path):
    entry = History(str(tmp_path), "prod").begin(Receipt(state=BEGUN, name="finance", sha256=SHA256))
    outcome = Outcome({}, entry=entry)
    shutil.rmtree(entry.path)
    outcome.record(message="half")
    (problem,) = outcome.problems
    assert problem.startswith("history_dir: %s cannot be written" % entry.receipt_path)


def test_an_undo_file_that_is_there_is_refused_before_the_import(tmp_path):
    dest = tmp_path / "undo.mmp"
    dest.write_bytes(b"")
    with pytest.raises(InputError, match=r"^undo_dest: "):
        runs.check_destinations(ImportOptions("finance", undo_dest=str(dest)), None, make=True)
    runs.check_destinations(ImportOptions("finance", undo_dest=str(dest), force=True), None, make=True)
