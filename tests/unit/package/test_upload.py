# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Staging: the right file, of the right type, as reviewed, and in the session for sure."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from samples import PROJECT_ID, USER, row, row_json, session_with
from scripted_server import Reply

from ansible_collections.mstr.migration.plugins.module_utils.errors import InputError, MigrationError
from ansible_collections.mstr.migration.plugins.module_utils.package import manifest
from ansible_collections.mstr.migration.plugins.module_utils.package.content import Content
from ansible_collections.mstr.migration.plugins.module_utils.package.file import examine
from ansible_collections.mstr.migration.plugins.module_utils.package.kind import (
    agreed_type,
    check_project_option,
    package_type,
)
from ansible_collections.mstr.migration.plugins.module_utils.package.upload import stage
from ansible_collections.mstr.migration.plugins.module_utils.session import file as session_file
from ansible_collections.mstr.migration.plugins.module_utils.session.file import ImportProcess, PackageInSession

DATA = b"\x01\x80\xbe\xfe\x7fa package"
SHA256 = hashlib.sha256(DATA).hexdigest()
SETTINGS = {"defaultAction": "replace"}
REVIEWED = Content(SHA256, len(DATA), "project", SETTINGS, (row(),))


@pytest.fixture(name="path")
def package_file(tmp_path):
    path = tmp_path / "finance.mmp"
    path.write_bytes(DATA)
    return path


def write_manifest(path, **fields):
    text = manifest.dumps(dataclasses.replace(REVIEWED, **fields))
    path.with_name(path.name + ".manifest.json").write_text(text, encoding="utf-8")


OF_PROJECT = row()
OF_CONFIGURATION = row(type=USER, level="configuration_object")
USER_LINK = row(type=USER)
CONTENT_GROUP = row(type=77, level="configuration_object")


@pytest.mark.parametrize(
    ("declared", "rows", "has_project", "expected"),
    [
        (None, [OF_PROJECT], True, "project"),
        (None, [], True, "project"),
        (None, [OF_CONFIGURATION], False, "configuration"),
        (None, [USER_LINK], True, "project_security"),
        ("project", [OF_PROJECT], True, "project"),
        ("project", [row(level=None)], True, "project"),
        ("project_security", [USER_LINK], True, "project_security"),
        ("configuration", [OF_CONFIGURATION], False, "configuration"),
        ("configuration", [row(level=None)], False, "configuration"),
        # It stands in a package of a project for what of it is there.
        ("project", [OF_PROJECT, CONTENT_GROUP], True, "project"),
        (None, [CONTENT_GROUP], True, "project"),
        (None, [CONTENT_GROUP, OF_CONFIGURATION], False, "configuration"),
    ],
)
def test_what_a_package_is(declared, rows, has_project, expected):
    assert package_type(declared, rows, has_project) == expected


@pytest.mark.parametrize(
    ("declared", "rows", "has_project"),
    [
        pytest.param(None, [OF_CONFIGURATION], True, id="configuration objects, with a project"),
        pytest.param(None, [OF_PROJECT, OF_CONFIGURATION], True, id="objects of both levels, with a project"),
        pytest.param(None, [OF_PROJECT, OF_CONFIGURATION], False, id="objects of both levels, without a project"),
        pytest.param(None, [OF_PROJECT], False, id="objects of a project, without a project"),
        pytest.param("project", [OF_PROJECT], False, id="project, without a project"),
        pytest.param("project", [OF_CONFIGURATION], True, id="project, with configuration objects"),
        pytest.param("project_security", [USER_LINK], False, id="project_security, without a project"),
        pytest.param("project_security", [OF_PROJECT], True, id="project_security, with a report"),
        pytest.param("configuration", [OF_CONFIGURATION], True, id="configuration, with a project"),
        pytest.param("configuration", [OF_PROJECT], False, id="configuration, with objects of a project"),
    ],
)
def test_rows_that_do_not_fit_the_package_are_refused(declared, rows, has_project):
    with pytest.raises(InputError):
        package_type(declared, rows, has_project)


@pytest.mark.parametrize("checksum", [None, "sha256:" + SHA256, "sha256:" + SHA256.upper()])
def test_the_file_that_is_meant_is_taken(path, checksum):
    found = examine(str(path), checksum, [])
    assert (found.size, found.hash(), found.manifest) == (len(DATA), SHA256, None)


@pytest.mark.parametrize(
    "checksum", ["sha256:" + "0" * 64, SHA256, "sha256:" + SHA256[:63], "md5:" + "0" * 32, "sha256:%s\n" % SHA256]
)
def test_another_checksum_is_refused(path, checksum):
    with pytest.raises(InputError, match=r"^checksum: "):
        examine(str(path), checksum, [])


def test_a_file_that_is_missing_or_empty_is_refused(path):
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"^src: .* is empty"):
        examine(str(path), None, [])
    path.unlink()
    with pytest.raises(InputError, match=r"^src: there is no file"):
        examine(str(path), None, [])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS; nothing was sent. .*git lfs pull"),
        (b"<html>Sign in</html>", "a web page"),
    ],
)
def test_a_file_that_is_text_is_refused(path, content, words):
    path.write_bytes(content)
    with pytest.raises(InputError, match="^src: .*no package file, but " + words):
        examine(str(path), None, [])


def test_the_manifest_beside_the_file_is_taken_if_it_is_this_files(path):
    write_manifest(path)
    warnings = []
    assert examine(str(path), None, warnings).manifest == REVIEWED
    assert warnings == []
    write_manifest(path, sha256="0" * 64)
    assert examine(str(path), None, warnings).manifest is None
    (warning,) = warnings
    assert "finance.mmp.manifest.json" in warning
    assert "ignored" in warning


@pytest.mark.parametrize("raw", [b"", b"{}", b"\xff", b"[" * 100_000], ids=lambda raw: repr(raw[:4]))
def test_a_manifest_that_is_none_is_refused(path, raw):
    path.with_name("finance.mmp.manifest.json").write_bytes(raw)
    with pytest.raises(MigrationError, match=r"^manifest: "):
        examine(str(path), None, [])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(name=st.text(st.characters(), max_size=10))
@example(name="\ud800")
def test_a_manifest_is_written_once_and_read_again_whatever_the_names(tmp_path, name):
    where = str(tmp_path / "finance.mmp.manifest.json")
    # As a server may send it: JSON can hold halves of characters.
    served = manifest.models.parse_row(json.loads(json.dumps(row_json(name=name))), "row")
    written = dataclasses.replace(REVIEWED, rows=(served,))
    manifest.write(where, written, check_mode=False)
    assert manifest.write(where, written, check_mode=False) is False
    assert manifest.read(where) == written


def test_check_mode_writes_no_manifest(path):
    where = path.with_name("new.manifest.json")
    assert manifest.write(str(where), REVIEWED, check_mode=True) is True
    assert not where.exists()


@pytest.mark.parametrize(
    ("declared", "manifest_type", "agreed"),
    [(None, None, None), ("project", None, "project"), (None, "project", "project"), ("project", "project", "project")],
)
def test_type_and_manifest_agree(declared, manifest_type, agreed):
    found = dataclasses.replace(REVIEWED, type=manifest_type) if manifest_type else None
    assert agreed_type(declared, found) == agreed
    with pytest.raises(InputError, match=r"^type: "):
        agreed_type("configuration", REVIEWED)


class Server:
    """Answers as a Library server does that holds one package at a time."""

    def __init__(self, serve, content=(), status="READY"):
        self.content = [row_json()] if content == () else content
        self.status = status
        self.http = serve(self.answer)

    def answer(self, request):
        if request.method == "POST":
            return Reply(201, {"id": "new=", "status": "EMPTY"})
        if request.method == "DELETE":
            return Reply(202)
        if request.method == "PUT":
            self.status = "READY"
        return Reply(200, {"id": "new=", "status": self.status, "settings": SETTINGS, "content": self.content})

    @property
    def paths(self):
        return [path.replace("/MicroStrategyLibrary/api", "").partition("?")[0] for path in self.http.paths]


def staged(session, path, **kwargs):
    return stage(session, examine(str(path), None, []), PROJECT_ID, None, 5.0, **kwargs)


def test_a_package_is_uploaded_once_and_known_by_the_session_file(serve, path, tmp_path):
    server = Server(serve)
    session = session_with(server.http, tmp_path / "run.json")
    first, again = staged(session, path), staged(session, path)
    assert (first.uploaded, again.uploaded) == (True, False)
    assert first.content.rows == again.content.rows == (row(),)
    assert first.package.type == "project"
    assert [path for path in server.paths if path.startswith(("POST", "PUT"))] == [
        "POST /packages",
        "PUT /packages/new%3D/binary",
    ]
    held = session_file.read(session.path).package
    assert (held.sha256, held.size, held.file, held.project_id) == (SHA256, len(DATA), "finance.mmp", PROJECT_ID)


def test_another_file_replaces_the_package_and_its_import(serve, path):
    server = Server(serve)
    old = PackageInSession("old=", PROJECT_ID, "0" * 64, len(DATA), "finance.mmp", "project")
    session = session_with(server.http, package=old, import_process=ImportProcess("i=", PROJECT_ID, finished=True))
    assert staged(session, path).uploaded
    assert server.paths[:3] == ["DELETE /packages/imports/i%3D", "DELETE /packages/old%3D", "POST /packages"]
    assert session.package.id == "new="
    assert session.import_process is None


@pytest.mark.parametrize("state", [{"finished": False}, {"finished": True, "undo_pending": True}], ids=str)
def test_a_package_whose_import_is_not_safe_is_replaced_only_by_force(serve, path, state):
    server = Server(serve)
    old = PackageInSession("old=", PROJECT_ID, "0" * 64, 1, "finance.mmp", "project")
    session = session_with(server.http, package=old, import_process=ImportProcess("i=", PROJECT_ID, **state))
    with pytest.raises(InputError, match="force: true"):
        staged(session, path)
    assert server.paths == []
    assert staged(session, path, force=True).uploaded


def test_what_the_server_reads_must_be_what_was_reviewed(serve, path):
    write_manifest(path)
    server = Server(serve, content=[row_json(action="delete")])
    session = session_with(server.http)
    with pytest.raises(InputError, match=r"^manifest: .*action"):
        staged(session, path)
    assert session.package is None
    assert server.paths[-1] == "DELETE /packages/new%3D"


def test_what_broke_the_upload_is_told_and_not_what_broke_its_release(serve, path):
    created = Reply(201, {"id": "p1", "status": "EMPTY"})
    server = serve(created, Reply(502, "<html>Bad Gateway"), Reply(403, {"code": "ERR017", "message": "not yours"}))
    with pytest.raises(MigrationError, match="upload the package: the server answered 502"):
        staged(session_with(server), path)


@pytest.mark.parametrize("status", ["EMPTY", "PROCESSING", "FAILED"])
@pytest.mark.parametrize("content", [[], None], ids=["no rows", "no content"])
def test_an_upload_that_was_cut_off_is_not_taken_for_the_package(serve, path, status, content):
    # What the session file says where a task was killed between asking for a package and having it ready.
    half = PackageInSession("new=", PROJECT_ID, SHA256, len(DATA), "finance.mmp", "project")
    server = Server(serve, content=content, status=status)
    session = session_with(server.http, package=half)
    try:
        result = staged(session, path)
    except MigrationError:
        return
    assert result.uploaded
    assert "PUT /packages/new%3D/binary" in server.paths


def test_a_file_that_changes_after_it_was_checked_is_refused(serve, path):
    session = session_with(Server(serve).http)
    package = examine(str(path), "sha256:" + SHA256, [])
    path.write_bytes(DATA[::-1])
    with pytest.raises(InputError, match="changed before or while it was uploaded"):
        stage(session, package, PROJECT_ID, None, 5.0)
    assert session.package is None


def test_a_busy_server_gets_the_whole_file_again(serve, path):
    server = Server(serve)
    busy = [Reply(503, headers={"Retry-After": "1"})]
    original = server.answer
    server.http.script = (lambda request: busy.pop() if busy and request.method == "PUT" else original(request),)
    session = session_with(server.http)
    package = examine(str(path), None, [])
    assert stage(session, package, PROJECT_ID, None, 0.5).package.sha256 == SHA256
    bodies = [request.body for request in server.http.requests if request.method == "PUT"]
    assert [body.count(DATA) for body in bodies] == [1, 1]


@pytest.mark.parametrize("refusal", [Reply(429), Reply(503, headers={"Retry-After": "1"})])
def test_an_upload_that_is_refused_for_too_long_is_not_begun_anew(serve, path, refusal):
    server = Server(serve)
    original = server.answer
    server.http.script = (lambda request: refusal if request.method == "PUT" else original(request),)
    with pytest.raises(MigrationError, match=r"upload the package: the server answered (429|503)"):
        staged(session_with(server.http), path)
    assert server.paths.count("POST /packages") == 1


def test_a_configuration_package_names_no_project():
    check_project_option("", "configuration")
    check_project_option("Tutorial", "project")
    with pytest.raises(InputError, match=r"^project: "):
        check_project_option("Tutorial", "configuration")


def test_the_manifest_lies_beside_its_file():
    assert manifest.path_for(os.path.join("a", "finance.mmp")) == os.path.join("a", "finance.mmp.manifest.json")
