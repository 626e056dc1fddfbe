# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults: what goes wrong between a client and a server, on request of a test."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import re
from dataclasses import dataclass, field
from typing import Any

from mstr_double.encodings import ENCODERS

# What each kind of fault may say, and what it must say.
KINDS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "status": (frozenset({"status"}), frozenset({"status", "headers", "body", "content_type", "act"})),
    "reset": (frozenset(), frozenset({"when"})),
    "cut": (frozenset({"bytes"}), frozenset({"bytes"})),
    "short": (frozenset({"bytes"}), frozenset({"bytes"})),
    "hang": (frozenset({"seconds"}), frozenset({"seconds", "when"})),
    "json": (frozenset(), frozenset({"merge", "replace"})),
    "remove": (frozenset({"fields"}), frozenset({"fields"})),
    "trickle": (frozenset({"bytes_per_second"}), frozenset({"bytes_per_second"})),
    "redirect": (frozenset({"location"}), frozenset({"location", "status"})),
    "html": (frozenset(), frozenset()),
    "content_type": (frozenset({"content_type"}), frozenset({"content_type"})),
    "body": (frozenset(), frozenset({"text", "json", "content_type"})),
    "encoded": (frozenset({"encoding"}), frozenset({"encoding", "cut"})),
    "expire": (frozenset(), frozenset()),
    "refuse": (frozenset({"seconds"}), frozenset({"seconds"})),
    "interim": (frozenset({"status"}), frozenset({"status", "count", "seconds"})),
}


@dataclass
class Fault:
    """A fault and the calls it is for."""

    id: int
    method: str | None
    pattern: re.Pattern[str]
    skip: int
    times: int | None
    what: dict[str, Any]
    seen: int = 0
    hits: int = 0
    # Set when the fault is taken away, so that a call that hangs does not outlive the test that made it hang.
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    # Whether a call that hangs is to be dropped, because the server it was for is no more.
    dropped: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "method": self.method,
            "path": self.pattern.pattern,
            "skip": self.skip,
            "times": self.times,
            "fault": self.what,
            "seen": self.seen,
            "hits": self.hits,
        }

    @property
    def kind(self) -> str:
        return str(self.what["kind"])

    @property
    def before(self) -> bool:
        """Whether it strikes before the server acts."""
        if self.kind in ("reset", "hang"):
            return bool(self.what.get("when", "before") == "before")
        if self.kind == "status":
            return not self.what.get("act", False)
        return self.kind in ("redirect", "html", "expire")

    async def hang(self) -> bool:
        """Wait as long as the fault says, or until it is taken away. :returns: whether to go on with the call"""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.gone.wait(), self.what["seconds"])
        return not self.dropped


def _check_values(what: dict[str, Any]) -> None:
    """Look at what a fault says, where only some of it makes sense. :raises ValueError: when it does not fit"""
    if what.get("when", "before") not in ("before", "after"):
        raise ValueError("fault.when is before or after.")
    if what["kind"] == "body" and ("text" in what) == ("json" in what):
        raise ValueError("A fault body has either a text or json.")
    if what["kind"] == "encoded":
        if what["encoding"] not in ENCODERS:
            raise ValueError(f"fault.encoding is one of {', '.join(ENCODERS)}.")
        cut = what.get("cut")
        if cut is not None and (isinstance(cut, bool) or not isinstance(cut, int) or cut < 0):
            raise ValueError("fault.cut is a number of bytes or null.")


class Faults:
    """The faults that are set; the first that fits a call strikes, and no other."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._last_id = 0

    def add(self, description: Any) -> Fault:
        """Set a fault. :raises ValueError: when the description does not fit"""
        if not isinstance(description, dict) or set(description) - {"method", "path", "skip", "times", "fault"}:
            raise ValueError("A fault has the parts method, path, skip, times and fault.")
        what = description.get("fault")
        if not isinstance(what, dict) or what.get("kind") not in KINDS:
            raise ValueError(f"fault.kind is one of {', '.join(KINDS)}.")
        required, known = KINDS[what["kind"]]
        given = set(what) - {"kind"}
        if not required <= given <= known:
            raise ValueError(f"A fault {what['kind']} needs {sorted(required)} and knows {sorted(known)}.")
        _check_values(what)
        times = description.get("times", 1)
        skip = description.get("skip", 0)
        if not isinstance(skip, int) or not (times is None or isinstance(times, int)):
            raise ValueError("skip is a number, times is a number or null.")
        method = description.get("method")
        self._last_id += 1
        fault = Fault(
            id=self._last_id,
            method=None if method in (None, "*") else str(method).upper(),
            pattern=re.compile(description.get("path", "")),
            skip=skip,
            times=times,
            what=copy.deepcopy(what),
        )
        self._faults.append(fault)
        return fault

    def strike(self, method: str, path: str) -> Fault | None:
        """The fault for a call, counted as used; None when all is well."""
        for fault in self._faults:
            if fault.method not in (None, method) or not fault.pattern.search(path):
                continue
            if fault.times is not None and fault.hits >= fault.times:
                continue
            fault.seen += 1
            if fault.seen > fault.skip:
                fault.hits += 1
                return fault
        return None

    def clear(self, drop: bool = False) -> None:
        """Take all faults away. Calls that hang go on now, or with ``drop`` are broken off."""
        for fault in self._faults:
            fault.dropped = drop
            fault.gone.set()
        self._faults.clear()

    def as_list(self) -> list[dict[str, Any]]:
        return [fault.as_dict() for fault in self._faults]


def merge(target: Any, patch: Any) -> Any:
    """Lay a patch over a value: objects are merged, everything else is replaced."""
    if isinstance(target, dict) and isinstance(patch, dict):
        return {**target, **{key: merge(target.get(key), value) for key, value in patch.items()}}
    return copy.deepcopy(patch)


def remove(target: Any, path: list[str]) -> None:
    """Take a field out of a value; ``*`` stands for every item of a list or every value of an object."""
    name, rest = path[0], path[1:]
    if isinstance(target, list):
        indexes = range(len(target)) if name == "*" else [int(name)] if name.isdigit() else []
        children = [target[index] for index in indexes if index < len(target)]
    elif isinstance(target, dict):
        if not rest and name != "*":
            target.pop(name, None)
            return
        children = list(target.values()) if name == "*" else [target[name]] if name in target else []
    else:
        return
    for child in children if rest else []:
        remove(child, rest)
