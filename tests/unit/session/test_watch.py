# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who lives, by whether files change."""

from __future__ import annotations

import errno
import os

import pytest

from ansible_collections.mstr.migration.plugins.module_utils.session import watch as watching
from ansible_collections.mstr.migration.plugins.module_utils.session.watch import Watch, is_given_up, is_gone


class World:
    """A clock that goes on while somebody sleeps, and files that change at moments."""

    def __init__(self):
        self.now = 100.0
        self.changes = {}

    def sleep(self, seconds):
        self.now += seconds
        for path, moments in self.changes.items():
            while moments and moments[0] <= self.now - 100:
                moments.pop(0)
                with open(path, "a", encoding="utf-8") as handle:
                    handle.write("x")


@pytest.fixture(name="world")
def a_world():
    return World()


@pytest.fixture(name="watch")
def a_watch(world):
    return Watch(60.0, lambda: world.now, world.sleep)


@pytest.fixture(name="file")
def a_file(tmp_path):
    def make(name, mtime=None):
        path = tmp_path / name
        path.touch()
        if mtime is not None:
            os.utime(path, (mtime, mtime))
        return str(path)

    return make


def test_what_stays_as_it_is_is_dead_after_a_time(world, watch, file):
    path = file("one", mtime=1)
    assert not watch.is_dead(path)
    world.sleep(59)
    assert not watch.is_dead(path)
    assert not watch.lives(path)
    assert watch.silence(path) == 59
    world.sleep(1)
    assert watch.is_dead(path)


def test_a_change_begins_the_time_anew(world, watch, file):
    path = file("one")
    assert not watch.is_dead(path)
    world.sleep(59)
    os.utime(path, (5, 5))
    assert not watch.is_dead(path)
    assert watch.lives(path)
    world.sleep(59)
    assert not watch.is_dead(path)
    world.sleep(2)
    assert watch.is_dead(path)


def test_what_is_gone_or_given_up_is_dead_at_once(watch, file, tmp_path):
    given_up = file("one", mtime=0)
    assert watch.is_dead(given_up)
    assert is_given_up(given_up)
    assert watch.is_dead(str(tmp_path / "nothing"))
    assert not is_given_up(str(tmp_path / "nothing"))
    assert not is_given_up(file("two"))


def test_all_are_waited_for_at_once(world, watch, file):
    dead, living, later, gone = file("dead"), file("living"), file("later"), file("gone", mtime=0)
    world.changes = {living: [5], later: [50]}
    assert watch.dead_of([dead, living, later, gone]) == [dead, gone]
    assert 60 <= world.now - 100 < 62
    assert watch.dead_of([]) == []


def test_where_all_live_nobody_waits_longer_than_for_a_sign(world, watch, file):
    living = file("living")
    world.changes = {living: [5]}
    assert watch.dead_of([living]) == []
    assert world.now - 100 < 7


def test_a_file_that_cannot_be_read_is_watched_all_the_same(world, watch, file):
    path = file("one")
    os.chmod(path, 0)
    assert not watch.is_dead(path)
    world.sleep(60)
    assert watch.is_dead(path)


def failing(monkeypatch, code):
    def fail(*_arguments, **_more):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(watching.os, "open", fail)


@pytest.mark.parametrize("code", [errno.ESTALE, errno.EIO, errno.ETIMEDOUT, errno.EMFILE])
def test_a_share_that_does_not_answer_takes_nobody_for_dead_at_once(code, world, watch, file, monkeypatch):
    path = file("one")
    with monkeypatch.context() as broken:
        failing(broken, code)
        assert not watch.is_dead(path)
        assert not is_gone(path)
        assert not is_given_up(path)
        world.sleep(59)
        assert not watch.is_dead(path)
    # What it is like then is no change.
    assert not watch.is_dead(path)
    assert not watch.lives(path)
    world.sleep(1)
    assert watch.is_dead(path)


def test_a_look_that_fails_does_not_hide_a_change(world, watch, file, monkeypatch):
    path = file("one", mtime=1)
    assert not watch.is_dead(path)
    with monkeypatch.context() as broken:
        failing(broken, errno.ESTALE)
        world.sleep(30)
        assert not watch.is_dead(path)
    os.utime(path, (5, 5))
    assert not watch.is_dead(path)
    assert watch.lives(path)
