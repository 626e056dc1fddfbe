# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shares and clocks that cannot be had in a test, emulated in the process of a module.

A module's environment names one: ``MSTR_TEST_EMULATE=share_shows_modes,0777``. See warm.py.
"""

from __future__ import annotations

import os
import stat
import time
from typing import Any

VARIABLE = "MSTR_TEST_EMULATE"


def emulate() -> None:
    """Do what the environment asks for."""
    name, *arguments = os.environ.pop(VARIABLE, "").split(",")
    if name:
        globals()[name](*arguments)


def share_shows_modes(mode: str) -> None:
    """Show all files with one mode, as a share does whose mount option says so."""
    _show(lambda values: [(values[0] & ~0o7777) | int(mode, 8), *values[1:]])


def share_shows_owner(number: str) -> None:
    """Show all files as those of one user, whoever made them."""
    _show(lambda values: [*values[:4], int(number), *values[5:]])


def share_takes_the_clients_time(behind: str) -> None:
    """Give a file that is renewed this machine's time, which is behind, and a new one the server's."""
    utime = os.utime

    def renew(path: Any, times: Any = None, **more: Any) -> None:
        now = time.time() - float(behind)
        utime(path, times or (now, now), **more)

    os.utime = renew


def _show(change: Any) -> None:
    def changed(status: os.stat_result) -> os.stat_result:
        if not stat.S_ISREG(status.st_mode):
            return status
        names = ("st_atime_ns", "st_mtime_ns", "st_ctime_ns")
        return os.stat_result(change(list(status)), {name: getattr(status, name) for name in names})

    for name in ("stat", "fstat", "lstat"):
        original = getattr(os, name)
        setattr(os, name, lambda *args, _original=original, **more: changed(_original(*args, **more)))
