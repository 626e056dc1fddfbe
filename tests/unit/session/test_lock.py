# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock of an environment: one run at a time, a dead one is succeeded, one that was succeeded knows it."""

from __future__ import annotations

import json
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.mstr.migration.plugins.module_utils.errors import DiskError, LockError
from ansible_collections.mstr.migration.plugins.module_utils.session import lock as locks
from ansible_collections.mstr.migration.plugins.module_utils.session.lock import Lock, acquire
from ansible_collections.mstr.migration.plugins.module_utils.session.watch import Watch

ADDRESS = "mstr.example.com_Library"


class Time:
    """A clock that goes on only while somebody sleeps, and what happens meanwhile."""

    def __init__(self, meanwhile=lambda seconds: None):
        self.now = 0.0
        self.meanwhile = meanwhile

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        self.meanwhile(self.now)


def touching(*paths):
    """What a living run does: it renews its lease, by whatever clock."""

    def touch(now):
        for path in paths:
            os.utime(path, (now + 1, now + 1))

    return touch


def take(
    tmp_path, name="one", lock_timeout=0.0, lease_timeout=60.0, address=ADDRESS, mode=0o600, alive=(), meanwhile=None
):
    holder = {"session_file": str(tmp_path / name), "user": "deployer", "host": "runner", "since": "now"}
    time = Time(meanwhile or touching(*alive))
    watch = Watch(lease_timeout, time.clock, time.sleep)
    taken = acquire(str(tmp_path), address, mode, holder, watch, lock_timeout, time.sleep)
    taken_after.append(time.now)
    return taken


# The seconds after which each lock was got.
taken_after: list[float] = []


def kill(*paths):
    for path in paths:
        os.utime(path, (0, 0))


def test_one_run_holds_the_lock_until_it_lets_go(tmp_path):
    first = take(tmp_path).lock
    assert first.holds()
    with pytest.raises(LockError) as caught:
        take(tmp_path, "two", alive=[first.path])
    for part in ("user deployer", "host runner", str(tmp_path / "one"), "lock_timeout", "lease_timeout", first.path):
        assert part in caught.value.message
    first.release()
    assert take(tmp_path, "two").lock.holds()
    assert len(os.listdir(tmp_path / "locks")) == 1


def test_a_number_is_taken_once(tmp_path, monkeypatch):
    first = take(tmp_path, "one").lock
    written = Path(first.path).read_bytes()
    # This run looked before the first one had written its file.
    monkeypatch.setattr(locks, "_numbers", lambda *_args: [])
    assert locks._take(os.path.dirname(first.path), ADDRESS, 0o600, {"token": "other"}, Watch(60.0)) is None
    assert Path(first.path).read_bytes() == written


def test_who_takes_no_lock_is_told_of_those_who_have_one(tmp_path):
    assert locks.remark(str(tmp_path), ADDRESS) is None
    lock = take(tmp_path).lock
    assert locks.remark(str(tmp_path), "other.example.com_Library") is None
    assert "or was cut off (user deployer, host runner)" in locks.remark(str(tmp_path), ADDRESS)
    written = json.loads(Path(lock.path).read_text())
    job = {"job": "7", "template": "MicroStrategy deploy", "launched_by": "alice"}
    Path(lock.path).write_text(json.dumps({**written, **job}))
    expected = "host runner, job 7, template MicroStrategy deploy, launched by alice)"
    assert expected in locks.remark(str(tmp_path), ADDRESS)
    locks.give_up([lock.path])
    assert "was stopped and left an import" in locks.remark(str(tmp_path), ADDRESS)
    lock.release()
    assert locks.remark(str(tmp_path), ADDRESS) is None


def test_environments_do_not_wait_for_each_other(tmp_path):
    assert take(tmp_path).lock.holds()
    assert take(tmp_path, address="other.example.com_Library").lock.holds()
    # One address may be the beginning of another.
    assert take(tmp_path, address=ADDRESS + ".2").lock.holds()


def test_a_dead_run_is_succeeded_and_knows_it(tmp_path):
    first = take(tmp_path).lock
    kill(first.path)
    second = take(tmp_path, "two")
    assert second.dead == [str(tmp_path / "one")]
    assert second.lock.holds()
    assert not first.holds()
    # What it does to let go must not harm its successor.
    first.release()
    assert second.lock.holds()
    second.lock.release()
    assert take(tmp_path, "three").dead == []
    assert not first.holds()


def test_the_session_file_is_the_lease_once_it_is_there(tmp_path):
    first = take(tmp_path).lock
    (tmp_path / "one").write_text("{}")
    kill(first.path)
    with pytest.raises(LockError):
        take(tmp_path, "two", alive=[tmp_path / "one"])
    kill(tmp_path / "one")
    locks.touch(first.path)
    assert take(tmp_path, "two").lock.holds()


def test_a_lease_that_is_given_up_is_not_waited_for(tmp_path):
    first = take(tmp_path).lock
    (tmp_path / "one").write_text("{}")
    locks.give_up([first.path, str(tmp_path / "one"), str(tmp_path / "nothing")])
    assert take(tmp_path, "two").dead == [str(tmp_path / "one")]


@pytest.mark.parametrize("offset", [-(10**9), -120, 0, 120, 2**31], ids=lambda value: "%d s" % value)
def test_whatever_the_clocks_say_a_living_run_is_not_succeeded(offset, tmp_path):
    # As on a share that takes the time of a renewed file from its client, whose clock is another one.
    first = take(tmp_path).lock
    moment = os.stat(first.path).st_mtime + offset

    def renew(now):
        os.utime(first.path, (moment + now, moment + now))

    renew(0)
    with pytest.raises(LockError):
        take(tmp_path, "two", lock_timeout=200.0, meanwhile=renew)
    assert first.holds()


@pytest.mark.parametrize("offset", [-(10**9), -120, 120, 2**31], ids=lambda value: "%d s" % value)
def test_whatever_the_clocks_say_a_dead_run_is_succeeded(offset, tmp_path):
    first = take(tmp_path).lock
    moment = os.stat(first.path).st_mtime + offset
    os.utime(first.path, (moment, moment))
    # Also where who waits for it would not wait for a living one.
    assert take(tmp_path, "two", lock_timeout=0.0).dead == [str(tmp_path / "one")]
    assert 60 <= taken_after[-1] < 62


def test_a_run_that_lives_is_not_waited_for_longer_than_asked(tmp_path):
    first = take(tmp_path).lock
    waited = []

    def renew(now):
        waited.append(now)
        # A sign of life every 10 seconds.
        os.utime(first.path, (1 + now // 10, 1 + now // 10))

    with pytest.raises(LockError):
        take(tmp_path, "two", lock_timeout=25.0, meanwhile=renew)
    assert 25 <= waited[-1] < 27


def test_the_locks_of_a_run_are_found_by_its_session_file(tmp_path):
    path = tmp_path / "prod" / "sessions" / "run.json"
    lock = take(tmp_path, "prod/sessions/run.json").lock
    assert locks.locks_of(str(path), None) == [lock]
    assert locks.locks_of(str(path.with_name("other.json")), None) == []
    assert locks.locks_of("/elsewhere/run.json", None) == []
    assert locks.locks_of("/elsewhere/run.json", str(tmp_path)) == []


def test_a_lock_that_is_just_being_written_holds(tmp_path):
    first = take(tmp_path).lock
    with open(first.path, "w", encoding="utf-8"):
        pass
    with pytest.raises(LockError, match="unknown"):
        take(tmp_path, "two", alive=[first.path])
    kill(first.path)
    assert take(tmp_path, "two").dead == []


@pytest.mark.parametrize("dead", [False, True])
def test_of_many_that_ask_at_once_one_gets_it(tmp_path, dead):
    if dead:
        kill(take(tmp_path).lock.path)
    gate = threading.Barrier(8)

    def ask(number):
        gate.wait()
        try:
            # A short lease, so that few looks tell that a lock is dead: each look takes time.
            return take(tmp_path, "run%d" % number, lease_timeout=5.0).lock
        except LockError:
            return None

    for _round in range(5):
        with ThreadPoolExecutor(8) as threads:
            locks = [lock for lock in threads.map(ask, range(8)) if lock is not None]
        # Two may give way to each other, but never both hold it.
        assert len([lock for lock in locks if lock.holds()]) <= 1
        for lock in locks:
            lock.release()


def test_one_that_waits_gets_it(tmp_path):
    first = take(tmp_path).lock
    pauses = []

    def release(now):
        pauses.append(now)
        if len(pauses) == 3:
            first.release()

    take(tmp_path, "two", lock_timeout=30.0, meanwhile=release)
    assert len(pauses) == 3


def test_a_group_that_shares_the_history_shares_the_locks(tmp_path):
    lock = take(tmp_path / "history", mode=0o660).lock
    assert stat.S_IMODE(os.stat(lock.path).st_mode) == 0o660
    assert stat.S_IMODE(os.stat(tmp_path / "history" / "locks").st_mode) == 0o770


def test_a_history_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "history").write_text("no directory")
    with pytest.raises(DiskError, match=r"history_dir: .*history/locks cannot be written"):
        take(tmp_path / "history")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"token": 1}', '{"token": "other"}'])
def test_a_lock_file_that_says_something_else_is_not_ours(tmp_path, text):
    lock = take(tmp_path).lock
    with open(lock.path, "w", encoding="utf-8") as handle:
        handle.write(text)
    assert not lock.holds()
    lock.release()
    assert os.path.exists(lock.path)


def test_a_lock_file_elsewhere_holds_nothing(tmp_path):
    path = tmp_path / "session.json"
    path.write_text(json.dumps({"token": "t"}))
    assert not Lock(str(path), "t").holds()
    assert not Lock(str(tmp_path / "a.1.lock"), "t").holds()


def refuse(*_arguments):
    raise PermissionError(1, "Operation not permitted")


@pytest.mark.parametrize("utime", [refuse, lambda *_arguments: None], ids=["refused", "ignored"])
def test_a_lease_is_renewed_also_where_a_share_does_not_set_times(utime, tmp_path, monkeypatch):
    first = take(tmp_path).lock
    monkeypatch.setattr(locks.os, "utime", utime)
    with pytest.raises(LockError):
        take(tmp_path, "two", lock_timeout=70.0, meanwhile=lambda now: locks.touch(first.path))
    assert first.holds()
    assert json.loads((tmp_path / first.path).read_text())["user"] == "deployer"


def test_a_share_that_does_not_answer_does_not_give_the_lock_away(tmp_path, monkeypatch):
    first = take(tmp_path).lock
    opening = os.open

    def fail(path, *arguments, **more):
        if os.fspath(path) == first.path:
            raise OSError(116, "Stale file handle")
        return opening(path, *arguments, **more)

    monkeypatch.setattr(locks.os, "open", fail)
    moments = []
    monkeypatch.setattr(locks, "_take", lambda *_arguments: moments.append(1))

    def stop(now):
        if now > 50:
            raise StopIteration

    with pytest.raises(StopIteration):
        take(tmp_path, "two", meanwhile=stop)
    assert moments == []


def test_a_run_under_the_old_address_of_a_server_is_not_disturbed(tmp_path):
    first = take(tmp_path, address="old").lock
    time = Time(touching(first.path))
    watch = Watch(60.0, time.clock, time.sleep)
    with pytest.raises(LockError, match="server_moved: a run is at work under the old address"):
        locks.refuse_living(str(tmp_path), ["old"], watch)
    locks.refuse_living(str(tmp_path), ["other"], watch)
    # One that is dead disturbs nobody.
    time.meanwhile = lambda now: None
    locks.refuse_living(str(tmp_path), ["old"], Watch(60.0, time.clock, time.sleep))
