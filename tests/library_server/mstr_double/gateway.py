# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway before the server: it limits how many calls a second get through, whoever sends them."""

from __future__ import annotations

import re
import time
from collections import deque
from typing import Any

from mstr_double.reply import Reply

PAGE = "<html><head><title>429 Too Many Requests</title></head><body><h1>Too Many Requests</h1></body></html>"


class Gateway:
    """Counts the calls of the last second. Those that are refused do not count."""

    def __init__(self) -> None:
        self._let_through: deque[float] = deque()

    def refuse(self, limit: dict[str, Any] | None, path: str) -> Reply | None:
        """The answer to a call that is one too many, None for one that gets through.

        :param limit: the setting ``rate_limit``
        :param path: the path of the call, below ``/api``
        """
        if limit is None or not re.search(limit.get("path", ""), path):
            return None
        moment = time.monotonic()
        while self._let_through and self._let_through[0] <= moment - 1:
            self._let_through.popleft()
        if len(self._let_through) < limit["per_second"]:
            self._let_through.append(moment)
            return None
        headers = [("RateLimit-Limit", str(limit["per_second"]))]
        if limit.get("retry_after", True):
            headers.append(("Retry-After", "1"))
        status = limit.get("status", 429)
        if limit.get("page", False):
            return Reply(status, text=PAGE, headers=headers)
        return Reply(status, json={"message": "API rate limit exceeded"}, headers=headers)
