# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hashing beside the transfer: the same sha256 however the parts fall, and no thread that waits for ever."""

from __future__ import annotations

import hashlib
import threading

import pytest

from ansible_collections.mstr.migration.plugins.module_utils.support import hashing as background_hash
from ansible_collections.mstr.migration.plugins.module_utils.support.hashing import BackgroundHash

SMALL, LARGE = b"s" * 1000, b"l" * (1 << 20)


def no_more_threads(monkeypatch):
    def start(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)


@pytest.mark.parametrize("limited", [False, True], ids=["a thread", "no thread to be had"])
@pytest.mark.parametrize(
    "parts", [[], [SMALL] * 3, [SMALL, LARGE, SMALL], [LARGE] * 20], ids=["none", "small", "mixed", "large"]
)
def test_the_sha256_is_that_of_the_parts_in_order(monkeypatch, parts, limited):
    if limited:
        no_more_threads(monkeypatch)
    digest = BackgroundHash()
    for part in parts:
        digest.update(part)
    assert digest.hexdigest() == hashlib.sha256(b"".join(parts)).hexdigest()


class BrokenHash:
    def update(self, _part):
        raise MemoryError

    def hexdigest(self):
        return "of something"


@pytest.mark.timeout(30)
def test_hashing_that_breaks_holds_up_nobody_and_gives_no_sha256(monkeypatch):
    monkeypatch.setattr(background_hash.hashlib, "sha256", BrokenHash)
    digest = BackgroundHash()
    for _number in range(20):
        digest.update(LARGE)
    # Closing is part of a clean-up, in which another failure must not be hidden.
    digest.close()
    with pytest.raises(MemoryError):
        digest.hexdigest()
