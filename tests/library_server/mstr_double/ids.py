# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ids, versions and dates in the forms that the vendor's pages show."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import time
from datetime import datetime

NO_PROJECT = "0" * 32
ID_FORM = re.compile(r"[0-9A-F]{32}\Z")


def new_id() -> str:
    """A fresh 32-digit object or version id."""
    return secrets.token_hex(16).upper()


def derived_id(*parts: object) -> str:
    """A 32-digit id that depends on nothing but its arguments, so that package files come out the same every time."""
    text = "\x1f".join(str(part) for part in parts)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:32].upper()


def process_id(project: str | None) -> str:
    """The id of a package or an import process: base64 of ``<project>:<id>``, as the import page's samples are.

    65 characters go in, so one ``=`` always ends it: clients must quote it in a path.
    """
    return base64.b64encode(f"{project or NO_PROJECT}:{new_id()}".encode("ascii")).decode("ascii")


def now() -> str:
    """The present time in the form of the API, milliseconds and ``+0000``."""
    seconds, milliseconds = divmod(time.time_ns() // 1_000_000, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{milliseconds:03d}+0000"


def parse_date(text: str) -> datetime:
    """Read a date of the API.

    :raises ValueError: when it has another form
    """
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")
