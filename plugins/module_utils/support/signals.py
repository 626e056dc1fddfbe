# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signals that ask a module to stop, as an exception that lets it close what is open on its way out."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Any

from ..errors import Interrupted

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# Seconds for which a step that must not be cut in two may keep a signal waiting.
_LONGEST_STEP = 3.0
# The signal that has come, if one has.
_came: list[str] = []


def told_to_stop() -> str | None:
    """Return the name of the signal by which this process was told to stop, None if it was not."""
    return _came[0] if _came else None


@contextlib.contextmanager
def as_exceptions() -> Iterator[None]:
    """Raise ``Interrupted`` at the first signal. Ignore those after it: they must not break the clean-up."""

    def stop(number: int, _frame: Any) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        _came.append(signal.Signals(number).name)
        raise Interrupted(_came[0])

    _came.clear()
    with _handled_by(stop):
        yield


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Let a signal wait until a step that must not be cut in two is over, but no longer than a few seconds."""
    came: list[int] = []
    before = {each: signal.getsignal(each) for each in (*_SIGNALS, signal.SIGALRM)}

    def no_longer(_number: int, frame: Any) -> None:
        handler = before[signal.Signals(came[0])]
        if callable(handler):
            handler(came[0], frame)

    def note(number: int, _frame: Any) -> None:
        if not came:
            came.append(number)
            signal.signal(signal.SIGALRM, no_longer)
            signal.setitimer(signal.ITIMER_REAL, _LONGEST_STEP)

    try:
        with _handled_by(note):
            yield
    finally:
        if came:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before[signal.SIGALRM])
    if came:
        # To the handler that was there before.
        signal.raise_signal(came[0])


@contextlib.contextmanager
def ignored() -> Iterator[None]:
    """Ignore signals for as long as this lasts."""
    with _handled_by(signal.SIG_IGN):
        yield


@contextlib.contextmanager
def _handled_by(handler: Any) -> Iterator[None]:
    before = {each: signal.signal(each, handler) for each in _SIGNALS}
    try:
        yield
    finally:
        for number, previous in before.items():
            # After the first signal all are ignored, and stay so.
            if handler is signal.SIG_IGN or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, previous)
