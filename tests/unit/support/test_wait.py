# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting: seldom enough for the server, soon enough for the user, and never past the limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.mstr.migration.plugins.module_utils.support.wait import TimeIsUp, wait_for


class World:
    """A clock that goes on only while somebody sleeps, or looks."""

    def __init__(self, look_takes: float = 0.0) -> None:
        self.now = 1000.0
        self.looks: list[float] = []
        self.look_takes = look_takes

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        # The shortest sleep takes some time too.
        self.now += max(seconds, 1e-6)

    def look(self) -> float:
        self.now += self.look_takes
        self.looks.append(self.now - 1000.0)
        return self.looks[-1]

    def wait_until(self, moment: float, timeout: float, **kwargs: Any) -> float:
        return wait_for(self.look, lambda seen: seen >= moment, timeout, clock=self.clock, sleep=self.sleep, **kwargs)


@given(st.floats(0, 30.0), st.floats(0, 0.05))
def test_without_progress_the_end_is_noticed_late_by_at_most_the_share(duration, look_takes):
    noticed = World(look_takes).wait_until(duration, 3600)
    assert noticed - duration <= max(0.22 * duration, 0.2) + look_takes + 1e-6


@given(st.floats(0.05, 1000.0), st.integers(10, 1000))
def test_with_progress_the_end_is_noticed_late_by_at_most_a_tenth(duration, steps):
    world = World()

    def progress(seen: float) -> float:
        # In steps, as a server does that counts objects.
        return min(1.0, int(seen / duration * steps) / steps)

    noticed = world.wait_until(duration, 3600, progress=progress)
    assert noticed - duration <= max(0.1 * duration, 0.2) + 1e-6


@given(st.floats(30.0, 3500.0))
def test_the_end_of_a_long_wait_is_noticed_within_the_longest_pause(duration):
    assert World().wait_until(duration, 3600) - duration <= 5.0


# How far an import says to be when this much of its time is over: as it is, and as no server should, but might.
PROGRESS: dict[str, Callable[[float], float | None]] = {
    "even": lambda done: done,
    "none": lambda done: None,
    "zero": lambda done: 0.0,
    "ten steps": lambda done: int(done * 10) / 10,
    "three steps": lambda done: int(done * 3) / 3,
    "stands still at once": lambda done: 0.01,
    "stands still half-way": lambda done: min(0.5, done),
    "stands still near the end": lambda done: min(0.99, 3 * done),
    "near the end at once": lambda done: 0.9,
    "slower and slower": lambda done: done**0.5,
    "faster and faster": lambda done: done**2,
}


@pytest.mark.parametrize("progress", PROGRESS)
@pytest.mark.parametrize(
    ("duration", "most"), [(0, 1), (0.3, 6), (1, 10), (5, 19), (20, 25), (60, 35), (600, 150), (3600, 750)]
)
def test_the_server_is_not_asked_too_often(duration, most, progress):
    for look_takes in (0.0, 0.005):
        world = World(look_takes)
        world.wait_until(duration, 4000, progress=lambda seen: PROGRESS[progress](seen / duration))
        assert len(world.looks) <= most


@given(st.floats(0.0, 100.0), st.floats(0.1, 20.0))
def test_the_last_look_is_at_the_limit_and_is_told(timeout, longest_pause):
    world = World()
    with pytest.raises(TimeIsUp) as limit:
        world.wait_until(1e9, timeout, longest_pause=longest_pause)
    assert world.looks[-1] == pytest.approx(timeout, abs=1e-5)
    assert limit.value.last == world.looks[-1]
    assert limit.value.seconds == pytest.approx(timeout, abs=1e-5)


@given(st.floats(0.1, 30.0))
def test_no_pause_is_longer_than_the_longest(longest_pause):
    world = World()
    world.wait_until(300.0, 1000.0, longest_pause=longest_pause)
    pauses = [after - before for before, after in zip(world.looks, world.looks[1:])]
    assert max(pauses) <= longest_pause + 1e-6
    assert pauses[0] <= 0.2


def test_what_is_there_at_once_costs_one_look_and_no_pause():
    world = World()
    assert world.wait_until(0.0, 0.0) == 0.0
    assert world.looks == [0.0]
    assert world.now == 1000.0


def test_an_end_right_at_the_limit_counts():
    assert World().wait_until(10.0, 10.0) == pytest.approx(10.0)
