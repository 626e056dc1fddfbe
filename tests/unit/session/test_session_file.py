# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The session file: private, whole, and never taken on trust."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import stat

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples import PROJECT_ID, SHA256, damaged, json_values

from ansible_collections.mstr.migration.plugins.module_utils.errors import (
    DiskError,
    InputError,
    LockError,
    MigrationError,
)
from ansible_collections.mstr.migration.plugins.module_utils.session import file as session_file
from ansible_collections.mstr.migration.plugins.module_utils.session.file import (
    ImportProcess,
    PackageInSession,
    SessionFile,
)

SESSION = SessionFile(
    base_url="https://mstr.example.com/MicroStrategyLibrary",
    environment="prod",
    user="deploy",
    token="t0ken",
    cookies=[{"name": "JSESSIONID", "value": "1", "domain": "mstr.example.com", "path": "/", "secure": True}],
    server={"web_version": "11.4.0600", "iserver_version": None},
    tls={"validate_certs": True, "ca_path": None, "client_cert": None, "client_key": None},
    package=PackageInSession("p=", PROJECT_ID, SHA256, 4, "finance.mmp", "project"),
    import_process=ImportProcess("i=", PROJECT_ID, undo_pending=True, plan={"changes": []}),
    projects={"Tutorial": PROJECT_ID},
)


@pytest.fixture(name="path")
def written_file(tmp_path):
    path = tmp_path / "sessions" / "run.json"
    session_file.write(str(path), SESSION)
    return path


def test_a_session_comes_back_as_it_was_written(path):
    assert session_file.read(str(path)) == SESSION


def test_the_file_and_its_directory_are_private_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        session_file.write(str(tmp_path / "a" / "b" / "run.json"), SESSION)
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / part).stat().st_mode) for part in ("a", "a/b", "a/b/run.json")]
    assert modes == [0o700, 0o700, 0o600]


def test_a_new_path_is_in_a_private_directory_of_its_own():
    one, two = session_file.new_path(), session_file.new_path()
    try:
        assert os.path.dirname(one) != os.path.dirname(two)
        assert stat.S_IMODE(os.stat(os.path.dirname(one)).st_mode) == 0o700
    finally:
        for path in (one, two):
            session_file.remove_directory(path)


def test_a_file_that_cannot_be_written_keeps_the_old_one(path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskError, match=r"^session_file: .*No space left"):
        session_file.write(str(path), dataclasses.replace(SESSION, token="another"))
    assert session_file.read(str(path)) == SESSION
    assert os.listdir(path.parent) == ["run.json"]


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o660, 0o666, 0o777])
def test_a_file_that_others_can_use_is_refused(path, mode):
    path.chmod(mode)
    with pytest.raises(InputError, match="%04o" % mode):
        session_file.read(str(path))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_a_file_of_another_user_is_refused(path):
    os.chown(path, 65534, -1)
    with pytest.raises(InputError, match="65534"):
        session_file.read(str(path))


@pytest.mark.parametrize("what", ["missing", "link", "broken link", "directory", "fifo"])
def test_what_is_no_file_is_refused(path, what):
    target = path.with_name("target.json")
    path.rename(target)
    if what == "link":
        path.symlink_to(target)
    elif what == "broken link":
        path.symlink_to(path.with_name("nowhere"))
    elif what == "directory":
        path.mkdir(0o700)
    elif what == "fifo":
        os.mkfifo(path, 0o600)
    with pytest.raises(MigrationError, match=r"^session_file: "):
        session_file.read(str(path))


DOCUMENT = json.loads(json.dumps(dict(dataclasses.asdict(SESSION), format=1)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=st.one_of(json_values, damaged(DOCUMENT)))
def test_any_json_is_a_session_or_refused(path, document):
    path.write_text(json.dumps(document), encoding="utf-8")
    with contextlib.suppress(InputError):
        session = session_file.read(str(path))
        session_file.write(str(path), session)
        assert session_file.read(str(path)) == session


@pytest.mark.parametrize(
    "raw",
    [b"", b"token", b"{", b"\xff\xfe", b"[" * 100_000, b'{"format": 1}', json.dumps(dict(DOCUMENT, format=2)).encode()],
    ids=lambda raw: repr(raw[:12]),
)
def test_what_is_no_session_file_is_refused_without_showing_it(path, raw):
    path.write_bytes(raw)
    with pytest.raises(InputError, match="mstr_session") as refused:
        session_file.read(str(path))
    assert "t0ken" not in refused.value.message


@pytest.mark.parametrize(
    "wrong",
    [
        {"token": 5},
        {"token": ""},
        {"cookies": {"a": "b"}},
        {"cookies": ["JSESSIONID=1"]},
        {"cookies": [{"name": "JSESSIONID"}]},
        {"projects": ["Tutorial"]},
        {"server": "11.4"},
        {"tls": []},
        {"package": []},
        {"package": {"id": "p="}},
        {"package": dict(DOCUMENT["package"], id=5)},
        {"import_process": dict(DOCUMENT["import_process"], plan=None)},
    ],
    ids=str,
)
def test_a_file_with_parts_that_cannot_be_used_is_no_session_file(path, wrong):
    path.write_text(json.dumps(dict(DOCUMENT, **wrong)), encoding="utf-8")
    with pytest.raises(InputError):
        session_file.read(str(path))


def test_fields_that_a_newer_collection_adds_are_ignored(path):
    path.write_text(json.dumps(dict(DOCUMENT, lease="x")), encoding="utf-8")
    assert session_file.read(str(path)) == SESSION


def test_removing_twice_is_fine_and_takes_the_directory_only_where_it_is_its_own(path):
    assert session_file.remove(str(path), own_directory=False) is True
    assert session_file.remove(str(path), own_directory=False) is False
    assert path.parent.is_dir()
    session_file.write(str(path), SESSION)
    assert session_file.remove(str(path), own_directory=True) is True
    assert not path.parent.exists()


def test_a_directory_that_holds_something_else_stays(path):
    (path.parent / "other.json").write_text("{}")
    assert session_file.remove(str(path), own_directory=True) is True
    assert os.listdir(path.parent) == ["other.json"]


def test_of_two_tasks_one_uses_a_session_file(tmp_path):
    path = str(tmp_path / "session.json")
    os.close(session_file.write(path, SESSION))
    claimed = session_file.claim(path, 0)
    with pytest.raises(LockError, match="another task uses"):
        session_file.claim(path, 0.1)
    # The file that takes its place is claimed as well.
    newer = session_file.write(path, SESSION)
    os.close(claimed)
    with pytest.raises(LockError, match="another task uses"):
        session_file.claim(path, 0.1)
    os.close(newer)
    os.close(session_file.claim(path, 0))


def test_a_claim_of_no_file_says_to_log_in(tmp_path):
    with pytest.raises(InputError, match="Log in first"):
        session_file.claim(str(tmp_path / "none"), 0)
