# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading

import pytest

from ansible_collections.mstr.migration.plugins.module_utils.errors import InputError
from ansible_collections.mstr.migration.plugins.module_utils.support import files


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x01\x80\xbe\xfe\x7f and more", None),
        (b"PK\x03\x04", None),
        (b"", None),
        (bytes(range(256)), None),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "a pointer of Git LFS"),
        (b"\r\n <!DOCTYPE html><html>", "a web page or XML"),
        (b"<?xml version='1.0'?>", "a web page or XML"),
        (b'{"code": "ERR001"}', "JSON"),
        (b'\xef\xbb\xbf[{"code": 1}]', "JSON"),
        ('{"code": "ERR001"}'.encode("utf-16"), "JSON"),
        ("\ufeff<html>".encode("utf-16-be"), "a web page or XML"),
        ("Zugriff verweigert: Größe".encode("latin-1"), "text"),
        ("Доступ запрещён: see the log".encode(), "text"),
        (b"upstream connect error", "text"),
        (b"\x1b[31mred", "text"),
    ],
)
def test_text_in_the_place_of_a_package_is_seen(head, kind):
    assert files.text_kind(head) == kind


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(name="old")
def old_file(tmp_path):
    path = tmp_path / "undo.mmp"
    path.write_bytes(b"old")
    return path


@pytest.mark.parametrize("failure", [ValueError, OSError, KeyboardInterrupt, SystemExit])
def test_a_failure_while_writing_keeps_the_old_file_and_leaves_nothing_behind(old, failure):
    def write():
        with files.atomic_file(str(old)) as handle:
            handle.write(b"half of the n")
            raise failure

    with pytest.raises(failure):
        write()
    assert old.read_bytes() == b"old"
    assert os.listdir(old.parent) == [old.name]


def test_the_old_file_is_there_until_the_new_one_is_whole(old):
    with files.atomic_file(str(old)) as handle:
        handle.write(b"new")
        handle.flush()
        assert old.read_bytes() == b"old"
    assert old.read_bytes() == b"new"
    assert os.listdir(old.parent) == [old.name]


def test_a_failure_to_rename_leaves_nothing_behind(tmp_path):
    in_the_way = tmp_path / "undo.mmp"
    in_the_way.mkdir()
    with pytest.raises(OSError, match=r"undo\.mmp"):
        files.write_file(str(in_the_way), b"new")
    assert os.listdir(tmp_path) == ["undo.mmp"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o660])
def test_a_file_has_the_mode_asked_for_whatever_the_umask_and_the_old_file(old, mode):
    old.chmod(0o644)
    before = os.umask(0o077)
    try:
        files.write_file(str(old), b"new", mode)
    finally:
        os.umask(before)
    assert mode_of(old) == mode


def test_a_relative_name_is_in_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files.write_file("undo.mmp", b"new")
    assert (tmp_path / "undo.mmp").read_bytes() == b"new"


@pytest.mark.parametrize("name", ["x" * 250, "売" * 84, "%s.mmp"], ids=["long", "long in bytes", "percent"])
def test_any_name_that_the_file_system_takes(tmp_path, name):
    files.write_file(str(tmp_path / name), b"new")
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("mode", [0o700, 0o770, 0o2770])
def test_directories_that_are_missing_get_the_mode_and_others_keep_theirs(tmp_path, mode):
    tmp_path.chmod(0o755)
    files.make_directory(str(tmp_path / "a" / "b"), mode)
    assert [mode_of(path) for path in (tmp_path, tmp_path / "a", tmp_path / "a" / "b")] == [0o755, mode, mode]
    files.make_directory(str(tmp_path / "a"), 0o755)
    assert mode_of(tmp_path / "a") == mode


def test_a_file_in_the_way_of_a_directory_is_an_error(old):
    with pytest.raises(OSError, match=r"undo\.mmp"):
        files.make_directory(str(old / "sub"))


@pytest.mark.parametrize("size", [0, 1, files.CHUNK - 1, files.CHUNK, files.CHUNK + 1])
def test_the_sha256_and_size_of_a_file(tmp_path, size):
    data = os.urandom(size)
    (tmp_path / "x").write_bytes(data)
    assert files.sha256_of(str(tmp_path / "x")) == (hashlib.sha256(data).hexdigest(), size)


@pytest.mark.parametrize("what", ["missing", "directory", "broken link", "fifo"])
def test_what_is_no_file_is_refused_and_the_option_named(tmp_path, what):
    path = tmp_path / "package.mmp"
    if what == "directory":
        path.mkdir()
    elif what == "broken link":
        path.symlink_to(tmp_path / "nowhere")
    elif what == "fifo":
        os.mkfifo(path)
    with pytest.raises(InputError, match=r"^src: "):
        files.readable_file(str(path), "src")


@pytest.mark.parametrize("error", [None, OSError(errno.EIO, "Input/output error")])
def test_a_large_file_is_brought_to_disk_while_it_is_written(tmp_path, monkeypatch, error):
    """An error that the system tells only once, in the thread, still fails the file."""
    monkeypatch.setattr(files, "_BEHIND", 1000)
    synced = threading.Event()
    real = os.fsync

    def fsync(descriptor):
        real(descriptor)
        if threading.current_thread() is not threading.main_thread() and not synced.is_set():
            synced.set()
            if error:
                raise error

    monkeypatch.setattr(os, "fsync", fsync)

    def write():
        with files.atomic_file(str(tmp_path / "large")) as handle:
            for _part in range(3):
                # As large as the buffer: it goes through at once.
                handle.write(b"x" * (1 << 20))
            assert synced.wait(10)

    if error is None:
        write()
        assert (tmp_path / "large").read_bytes() == b"x" * (3 << 20)
    else:
        with pytest.raises(OSError, match="Input/output"):
            write()
        assert list(tmp_path.iterdir()) == []


def test_a_small_file_starts_no_thread(tmp_path, monkeypatch):
    monkeypatch.setattr(threading.Thread, "start", lambda _self: pytest.fail("a thread for a small file"))
    files.write_file(str(tmp_path / "small"), b"x" * 100_000)
    assert (tmp_path / "small").stat().st_size == 100_000


@pytest.mark.parametrize("begin", [b"\x1f\x8b\x08", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n", b"%PDF-1.7", b"GIF89a"])
def test_what_is_known_as_something_else_is_no_package(begin):
    assert files.strange_kind(begin + bytes(range(256)), b"\x01\x80\xbe\xfe\x7f")
    assert files.strange_kind(begin + bytes(range(256)), b"")


def test_a_package_may_begin_as_the_one_that_was_uploaded():
    zipped = b"PK\x03\x04" + bytes(range(256))
    assert files.strange_kind(zipped, zipped[:8]) is None
    assert files.strange_kind(b"\x01\x80\xbe\xfe\x7f" + bytes(range(256)), zipped[:8]) is None


def test_a_file_is_on_disk_before_its_name_is_and_its_name_before_it_is_relied_on(tmp_path, monkeypatch):
    """A power cut leaves the old file or the new one; what is returned from is the new one."""
    path = tmp_path / "receipt.json"
    order = []
    real_fsync, real_replace = os.fsync, os.replace

    def fsync(descriptor):
        found = os.fstat(descriptor)
        order.append("directory" if os.path.samestat(found, tmp_path.stat()) else "file of %d bytes" % found.st_size)
        real_fsync(descriptor)

    def replace(source, target):
        real_replace(source, target)
        order.append("rename")

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    files.write_file(str(path), b"x" * 10)
    assert order == ["file of 10 bytes", "rename", "directory"]
