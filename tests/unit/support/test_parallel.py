# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls in several threads: their order, their failures, and what stops them."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from ansible_collections.mstr.migration.plugins.module_utils.errors import Interrupted
from ansible_collections.mstr.migration.plugins.module_utils.support import signals
from ansible_collections.mstr.migration.plugins.module_utils.support.parallel import side_by_side


def refuse(*_arguments):
    raise RuntimeError("can't start new thread")


@pytest.mark.parametrize("most", [1, 3, 100])
def test_results_come_in_the_order_of_the_items(most):
    assert side_by_side(lambda item: item * item, range(20), most) == [item * item for item in range(20)]


@pytest.mark.parametrize("threads", [True, False])
def test_after_a_failure_no_further_call_begins(threads, monkeypatch):
    if not threads:
        monkeypatch.setattr(threading.Thread, "start", refuse)
    begun = []

    def fail(item):
        begun.append(item)
        raise ValueError(item)

    with pytest.raises(ValueError, match="0"):
        side_by_side(fail, range(50), 1)
    assert begun == [0]


def test_where_no_thread_can_be_had_the_calls_follow_on_each_other(monkeypatch):
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert side_by_side(str, range(3), 2) == ["0", "1", "2"]


def test_a_signal_waits_for_no_call():
    hangs, begun = threading.Event(), []

    def hang(item):
        begun.append(item)
        if len(begun) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        hangs.wait(60)

    try:
        with pytest.raises(Interrupted), signals.as_exceptions():
            side_by_side(hang, range(50), 2)
    finally:
        hangs.set()
    assert len(begun) == 2
