# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The undo package: whole on disk or not at all, and never over another one."""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import time
from unittest import mock

import pytest
from samples import PROJECT_ID, session_with
from scripted_server import Reply

from ansible_collections.mstr.migration.plugins.module_utils.errors import DiskError, InputError, MigrationError
from ansible_collections.mstr.migration.plugins.module_utils.imports import undo_package as undo
from ansible_collections.mstr.migration.plugins.module_utils.imports.outcome import Outcome
from ansible_collections.mstr.migration.plugins.module_utils.imports.undo_package import Place, UndoUnavailable
from ansible_collections.mstr.migration.plugins.module_utils.rest.models import ImportInfo
from ansible_collections.mstr.migration.plugins.module_utils.session.file import ImportProcess

# Packages begin so in the samples that the vendor published.
DATA = b"\x01\x80\xbe\xfe\x7f" + b"undo package" * 1000
WHOLE = Reply(200, DATA)
BROKEN = Reply(200, DATA, missing=500)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)


@pytest.fixture(name="dest")
def destination(tmp_path):
    return tmp_path / "undo.mmp"


PROCESS = ImportProcess("i=", PROJECT_ID)
CREATED = ImportInfo("i=", "imported", 100.0, undo_package_created=True, message=None)


def save(server, dest, force=False, mode=0o600, timeout=0):
    """Save an undo package that is there; the server's answers are those to the download."""
    session = session_with(server)
    with mock.patch.object(session.library, "import_process", return_value=CREATED):
        return undo.keep(session, PROCESS, [Place(str(dest), mode, force)], Outcome({}), timeout)


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_it_is_written_with_its_mode_and_told(serve, dest, mode):
    saved = save(serve(WHOLE), dest, mode=mode)
    assert dest.read_bytes() == DATA
    assert stat.S_IMODE(dest.stat().st_mode) == mode
    assert saved.changed
    assert saved.backup is None
    assert saved.as_result() == {"path": str(dest), "sha256": hashlib.sha256(DATA).hexdigest(), "size": len(DATA)}


def gzipped(data):
    return Reply(200, gzip.compress(data), {"Content-Encoding": "gzip"})


@pytest.mark.parametrize(
    "instead",
    [
        Reply(200, {"code": "ERR001", "message": "General error."}, {"Content-Type": "application/octet-stream"}),
        Reply(200, {"code": "ERR001", "message": "General error."}, {"Content-Type": "application/json;charset=UTF-8"}),
        Reply(200, "<html>Sign in</html>", {"Content-Type": "application/octet-stream"}),
        Reply(200, "upstream connect error"),
        gzipped(b'{"code": "ERR001"}'),
        Reply(200, gzip.compress(DATA)[:-20], {"Content-Encoding": "gzip"}),
        Reply(200, DATA, {"Content-Encoding": "br"}),
    ],
    ids=["JSON", "JSON, said so", "web page", "text", "JSON, compressed", "compressed, cut", "unknown encoding"],
)
def test_what_is_no_whole_package_is_not_kept_and_is_asked_for_again(serve, dest, instead):
    server = serve(instead, instead, WHOLE)
    assert save(server, dest, timeout=5).size == len(DATA)
    assert dest.read_bytes() == DATA
    assert {request.headers["Accept-Encoding"] for request in server.requests} == {"identity"}
    with pytest.raises(UndoUnavailable):
        save(serve(*[instead] * 3), dest.with_name("other"))
    assert not dest.with_name("other").exists()


def test_a_package_that_was_compressed_on_its_way_is_kept_as_it_was(serve, dest):
    assert save(serve(gzipped(DATA)), dest).sha256 == hashlib.sha256(DATA).hexdigest()


def test_the_same_bytes_are_no_change(serve, dest):
    dest.write_bytes(DATA)
    before = dest.stat().st_ino
    saved = save(serve(WHOLE), dest)
    assert not saved.changed
    assert dest.stat().st_ino == before
    assert os.listdir(dest.parent) == ["undo.mmp"]


@pytest.mark.parametrize("old", [b"other", DATA[:-1], b"", DATA[::-1]], ids=["shorter", "cut", "empty", "as long"])
def test_other_bytes_are_kept(serve, dest, old):
    dest.write_bytes(old)
    with pytest.raises(InputError, match=r"^dest: .*force: true"):
        save(serve(WHOLE), dest)
    assert dest.read_bytes() == old
    assert os.listdir(dest.parent) == ["undo.mmp"]


def test_force_keeps_each_of_them_as_a_backup(serve, dest):
    backups = []
    for old in (b"first", b"second"):
        dest.write_bytes(old)
        saved = save(serve(WHOLE), dest, force=True)
        backups.append(saved.backup)
        assert dest.read_bytes() == DATA
        with open(saved.backup, "rb") as handle:
            assert handle.read() == old
    assert sorted(os.path.join(dest.parent, name) for name in os.listdir(dest.parent)) == sorted([str(dest), *backups])


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("what", ["link", "broken link", "directory"])
def test_what_is_no_file_is_never_replaced(serve, dest, what, force):
    target = dest.with_name("target")
    if what == "directory":
        dest.mkdir()
    else:
        dest.symlink_to(target)
    if what == "link":
        target.write_bytes(DATA)
    before = sorted(os.listdir(dest.parent))
    with pytest.raises(InputError, match=r"^dest: "):
        save(serve(WHOLE), dest, force)
    assert sorted(os.listdir(dest.parent)) == before


@pytest.mark.parametrize("old", [None, b"old"])
@pytest.mark.parametrize(
    "failure",
    [BROKEN, Reply(200, b""), Reply(404, {"code": "ERR004"}), Reply(200, "<html>", {"Content-Type": "text/html"})],
    ids=["broken off", "empty", "missing", "sign-in page"],
)
def test_a_failed_download_leaves_nothing_behind_and_the_old_file_alone(serve, dest, failure, old):
    if old:
        dest.write_bytes(old)
    with pytest.raises(MigrationError):
        save(serve(failure), dest, force=True)
    assert os.listdir(dest.parent) == (["undo.mmp"] if old else [])
    assert not old or dest.read_bytes() == old


def test_a_download_that_breaks_off_is_begun_again(serve, dest):
    server = serve(BROKEN, WHOLE)
    assert save(server, dest, timeout=5).size == len(DATA)
    assert dest.read_bytes() == DATA
    assert len(server.requests) == 2


def test_what_the_server_has_told_of_is_asked_for_again_only_after_a_download_that_broke(serve, dest):
    answer = Reply(200, {"id": "i=", "status": "imported", "undoPackageCreated": True})
    for script, asked in (([WHOLE], 0), ([BROKEN, answer, WHOLE], 1)):
        server = serve(*script)
        saved = undo.keep(session_with(server), PROCESS, [Place(str(dest))], Outcome({}, CREATED), 5)
        assert saved.size == len(DATA)
        questions = [request for request in server.requests if not request.path.endswith("/binary")]
        assert len(questions) == asked
        dest.unlink()


def test_a_directory_that_is_missing_is_an_error_in_words(serve, dest):
    with pytest.raises(DiskError, match="cannot be written"):
        save(serve(WHOLE), dest / "sub" / "undo.mmp")


@pytest.mark.parametrize(
    ("old", "force", "changed"), [(None, False, True), (DATA, False, False), (b"other", True, True)], ids=repr
)
def test_check_mode_predicts_and_writes_nothing(serve, dest, old, force, changed):
    if old is not None:
        dest.write_bytes(old)
    predicted = undo.would_change(session_with(serve(WHOLE)), PROCESS, Place(str(dest), force=force))
    assert predicted.changed is changed
    assert (dest.read_bytes() if dest.exists() else None) == old
    assert os.listdir(dest.parent) == ([] if old is None else ["undo.mmp"])


def test_check_mode_refuses_what_the_task_would_refuse(serve, dest):
    dest.write_bytes(b"other")
    with pytest.raises(InputError, match="force: true"):
        undo.would_change(session_with(serve(WHOLE)), PROCESS, Place(str(dest), force=False))


def test_an_undo_package_that_does_not_come_is_told_with_the_limit(serve):
    answer = {"id": "i=", "status": "IMPORTED", "undoPackageCreated": False}
    with pytest.raises(UndoUnavailable, match="undo_timeout"):
        undo.wait_until_created(session_with(serve(Reply(200, answer))), PROCESS, 0)


def test_an_undo_package_that_comes_after_the_import_is_waited_for(serve):
    answers = [{"id": "i=", "status": "imported", "undoPackageCreated": created} for created in (False, True)]
    server = serve(*(Reply(200, answer) for answer in answers))
    assert undo.wait_until_created(session_with(server), PROCESS, 5).undo_package_created


@pytest.mark.parametrize("what", ["link", "directory", "below a file"])
def test_a_destination_that_cannot_be_written_is_found_before_the_import(dest, what):
    path = dest
    if what == "link":
        dest.symlink_to(dest.with_name("nowhere"))
    elif what == "directory":
        dest.mkdir()
    else:
        dest.write_bytes(b"")
        path = dest / "undo.mmp"
    with pytest.raises(MigrationError, match=r"^undo_dest: "):
        undo.check_destination(str(path), "undo_dest", make=True)


@pytest.mark.parametrize("make", [True, False])
def test_directories_of_a_destination_are_made_where_something_will_be_written(dest, make):
    undo.check_destination(str(dest.parent / "a" / "b" / "undo.mmp"), "undo_dest", make)
    assert (dest.parent / "a" / "b").is_dir() is make


def test_a_second_copy_is_made_from_the_first_without_another_download(serve, dest):
    server = serve(WHOLE)
    second, outcome = dest.with_name("second.mmp"), Outcome({}, CREATED)
    undo.keep(session_with(server), PROCESS, [Place(str(dest)), Place(str(second))], outcome, 5)
    assert dest.read_bytes() == second.read_bytes() == DATA
    assert len(server.requests) == 1
    assert outcome.problems == []


@pytest.mark.parametrize("broken", [0, 1])
def test_a_place_that_cannot_be_written_keeps_it_from_no_other(serve, dest, broken):
    places = [Place(str(dest)), Place(str(dest.with_name("second.mmp")))]
    places[broken] = Place(str(dest.parent / "missing" / "undo.mmp"))
    outcome = Outcome({}, CREATED)
    undo.keep(session_with(serve(WHOLE)), PROCESS, places, outcome, 5)
    assert os.path.exists(places[1 - broken].path)
    (problem,) = outcome.problems
    assert "missing" in problem


@pytest.mark.parametrize("broken", [0, 1])
def test_it_does_not_count_as_kept_where_it_must_be_everywhere(serve, dest, broken):
    places = [Place(str(dest)), Place(str(dest.with_name("second.mmp")))]
    places[broken] = Place(str(dest.parent / "missing" / "undo.mmp"))
    process, server = ImportProcess("i=", PROJECT_ID, undo_pending=True), serve(WHOLE)
    with pytest.raises(DiskError, match="missing"):
        undo.keep(session_with(server), process, places, Outcome({}, CREATED), 5, everywhere=True)
    assert process.undo_pending
    assert len(server.requests) == 1
