# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pace of requests: slower together where a server refuses them for now, and not a moment slower where none is."""

from __future__ import annotations

import threading
import time

import pytest
from samples import Pauses

from ansible_collections.mstr.migration.plugins.module_utils.errors import Interrupted
from ansible_collections.mstr.migration.plugins.module_utils.rest import pace as pace_module
from ansible_collections.mstr.migration.plugins.module_utils.rest.pace import Pace, Stalled


class Gateway:
    """Lets so many requests a second through, and refuses the others."""

    def __init__(self, clock, per_second, retry_after=None):
        self._clock = clock
        self._per_second = per_second
        self._retry_after = retry_after
        self._let_through = []
        self.refused = 0

    def ask(self, pace):
        """Send a request until it gets through."""
        while True:
            started = pace.begin(pace.now())
            self._let_through = [moment for moment in self._let_through if moment > started - 1]
            if len(self._let_through) < self._per_second:
                self._let_through.append(started)
                pace.passed()
                return
            self.refused += 1
            pace.refused(started, self._retry_after)


@pytest.fixture(name="pauses")
def a_clock_that_only_pauses_move():
    return Pauses()


def pace_by(pauses, timeout=60.0, retries=3):
    return Pace(timeout, retries, sleep=pauses, clock=pauses.clock)


@pytest.mark.parametrize("retry_after", [None, 0.0, 1.0])
@pytest.mark.parametrize("per_second", [1, 5, 20, 100])
def test_a_limit_is_found_and_kept_to(pauses, per_second, retry_after):
    pace, gateway = pace_by(pauses), Gateway(pauses.clock, per_second, retry_after)
    count = 20 * per_second
    for _number in range(count):
        gateway.ask(pace)
    # In 20 seconds it would be possible; some are spent on learning the limit, and on looking whether it still holds.
    assert pauses.time < 35
    assert gateway.refused < 45 + count / 20


def test_without_a_refusal_nothing_is_waited_for(pauses):
    pace = pace_by(pauses)
    for _number in range(1000):
        pace.begin(pace.now())
        pace.passed()
    assert pauses == []


def test_after_a_while_without_refusals_there_is_no_pause_any_more(pauses):
    pace = pace_by(pauses)
    for _number in range(30):
        pace.refused(pace.begin(pace.now()), None)
    blocked = pauses.time
    for _number in range(6000):
        pace.begin(pace.now())
        pace.passed()
    recovered, count = pauses.time, len(pauses)
    assert recovered - blocked < 120
    for _number in range(100):
        pace.begin(pace.now())
        pace.passed()
    assert len(pauses) == count


def test_requests_that_were_under_way_slow_down_once(pauses):
    pace = pace_by(pauses)
    starts = [pace.begin(pace.now()) for _number in range(16)]
    pauses(0.1)
    pace.refused(starts[0], None)
    once = wait_of(pauses, pace)
    for start in starts[1:]:
        pace.refused(start, None)
    assert wait_of(pauses, pace) == pytest.approx(once)


def wait_of(pauses, pace):
    """Return how long the next request has to wait."""
    del pauses[:]
    pace.begin(pace.now())
    return sum(pauses)


def test_refusals_with_nothing_between_them_let_the_pause_grow_and_not_the_interval(pauses):
    pace = pace_by(pauses)
    waits = []
    for _number in range(12):
        pace.refused(pauses.time, None)
        waits.append(wait_of(pauses, pace))
    assert waits[:3] == [pytest.approx(0.05), pytest.approx(0.1), pytest.approx(0.2)]
    assert waits[-1] == pytest.approx(2.0)
    pace.passed()
    assert wait_of(pauses, pace) <= 0.02


def test_what_the_server_asks_for_holds_for_all_requests_and_has_an_end(pauses):
    pace = pace_by(pauses)
    started = pace.begin(pace.now())
    pace.refused(started, 7.0)
    # To one that was under way as well.
    pace.refused(started, 1.0)
    assert pace.begin(pace.now()) == pytest.approx(7.0)
    pace.refused(pauses.time, 3600.0)
    assert pace.begin(pace.now()) == pytest.approx(67.0)


def test_a_pause_grows_that_begins_before_another_one_asks_for_more(pauses):
    pace = pace_by(pauses)
    pace.refused(pace.begin(pace.now()), 1.0)

    def sleep(seconds):
        if not pauses:
            # Meanwhile, to another thread.
            pace.refused(0.0, 5.0)
        pauses(seconds)

    pace._sleep = sleep
    assert pace.begin(pace.now()) == pytest.approx(5.0)


def given_up(pace, since):
    """Return for how long nothing got through, where a request is given up; else None."""
    try:
        pace.begin(since, again=True)
    except Stalled as stalled:
        return stalled.seconds
    return None


def given_up_after(pauses, pace, refusals, seconds):
    first = pace.begin(pace.now())
    for _number in range(refusals):
        pace.refused(first, None)
    pauses.time = first + seconds
    return given_up(pace, first)


@pytest.mark.parametrize(
    ("retries", "refusals", "seconds", "is_given_up"),
    [
        pytest.param(3, 100, 59, False, id="many, but not for long"),
        pytest.param(3, 3, 1000, False, id="for long, but not often"),
        pytest.param(3, 4, 60, True, id="for long and often"),
        pytest.param(0, 1, 59, False, id="without retries, not for long"),
        pytest.param(0, 1, 60, True, id="without retries, for long"),
    ],
)
def test_refusals_are_given_up_by_the_time_without_progress(pauses, retries, refusals, seconds, is_given_up):
    pace = pace_by(pauses, retries=retries)
    assert given_up_after(pauses, pace, refusals, seconds) == (seconds if is_given_up else None)


def test_any_request_that_gets_through_is_progress(pauses):
    pace = pace_by(pauses)
    first = pace.begin(pace.now())
    for _number in range(100):
        pace.refused(first, None)
        pauses.time += 30
        assert given_up(pace, first) is None
        pace.passed()
    for _number in range(10):
        pace.refused(first, None)
    pauses.time += 59
    assert given_up(pace, first) is None
    pauses.time += 1
    assert given_up(pace, first) >= 60


def test_what_was_before_a_request_does_not_count_against_it(pauses):
    # The clean-up after a request that was given up is worth trying.
    pace = pace_by(pauses)
    assert given_up_after(pauses, pace, 10, 60) == 60
    assert given_up_after(pauses, pace, 1, 59) is None


def test_a_request_that_waited_for_its_turn_in_vain_is_sent_once_without_another_pause(pauses):
    pace = pace_by(pauses)
    assert given_up_after(pauses, pace, 10, 60) == 60
    del pauses[:]
    pace.refused(pauses.time, 30.0)
    pace.begin(0.0)
    assert pauses == []


def test_threads_begin_one_after_the_other():
    pace = Pace(60.0, 3)
    starts = []
    pace.refused(pace.begin(pace.now()), None)

    def work():
        for _number in range(3):
            starts.append(pace.begin(pace.now()))

    threads = [threading.Thread(target=work) for _number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    starts.sort()
    assert len(starts) == 24
    assert starts[-1] - starts[0] > 0.9 * 23 * 0.02


def test_a_thread_that_waits_begins_nothing_once_the_task_is_told_to_stop(monkeypatch, pauses):
    pace = pace_by(pauses)
    pace.refused(pace.begin(pace.now()), 30.0)

    def sleep(seconds):
        monkeypatch.setattr(pace_module.signals, "_came", ["SIGTERM"])

    pace._sleep = sleep
    with pytest.raises(Interrupted):
        pace.begin(pace.now())
    # The clean-up waits for nothing, not even for a thread that waits.
    with pace._turn:
        assert pace.begin(pace.now()) == 0.0
    assert pauses == []


def test_ten_thousand_requests_without_a_limit_cost_next_to_nothing():
    pace = Pace(60.0, 3)
    before = time.process_time()
    for _number in range(10_000):
        pace.begin(pace.now())
        pace.passed()
    assert time.process_time() - before < 0.2
