# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The time that a piece of work takes. A test may shorten it meanwhile, and so end the work when it likes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

# How long a change of the time may go unnoticed, in seconds.
PATIENCE = 0.1


async def take(seconds: Callable[[], float], begun: float | None = None) -> None:
    """Wait until a piece of work has taken its time.

    Args:
        seconds: Returns how long it takes, each time it is asked.
        begun: When it began, by the event loop's clock; now, unless given.
    """
    loop = asyncio.get_running_loop()
    start = loop.time() if begun is None else begun
    await asyncio.sleep(0)
    while (left := start + seconds() - loop.time()) > 0:
        await asyncio.sleep(min(left, PATIENCE))
