# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The receipt: what is kept of an import."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timezone
from functools import cached_property
from itertools import takewhile
from typing import Any

from ..rest.models import Key, same_version
from ..support import shape
from ..support.shape import ShapeError

STARTED = "started"
IMPORTED = "imported"
FAILED = "failed"
INTERRUPTED = "interrupted"
UNDONE = "undone"

# What an import does to an object.
CREATE = "create"
EFFECT_REPLACE = "replace"
EFFECT_DELETE = "delete"
DUPLICATE = "duplicate"
UNKNOWN = "unknown"
NONE = "none"
EFFECTS = (CREATE, EFFECT_REPLACE, EFFECT_DELETE, DUPLICATE, UNKNOWN, NONE)
# Effects that show in no version: a copy gets an id of its own.
_WITHOUT_A_TRACE = (DUPLICATE, UNKNOWN)


def now() -> str:
    """Return the time now, UTC with milliseconds, as receipts write it."""
    moment = time.time()
    return "%s.%03dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)), int(moment * 1000) % 1000)


def seconds_since(moment: str) -> float | None:
    """Return how long ago a time was, as receipts write it, in seconds; None for what is no such time."""
    try:
        then = datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    return (datetime.now(timezone.utc) - then).total_seconds()


def key_text(key: Key) -> str:
    """Return the key of an object as receipts and session files write it: ``<id>:<type>``."""
    return "%s:%d" % key


def key_of(text: str) -> Key:
    """Return the key of an object from how receipts and session files write it."""
    identity, _colon, number = text.rpartition(":")
    return (identity.upper(), int(number))


@dataclass(frozen=True)
class Receipt:
    """What is kept of an import. Times are UTC, versions are by ``<id>:<type>``.

    Attributes:
        state: started, imported, failed, interrupted or undone.
        name: The package's name.
        file: The name of its file, without a directory.
        sha256: The file's sha256.
        size: The file's size in bytes.
        type: project, project_security or configuration.
        content: The digest of what the server said that the file holds. It vouches for a manifest that says the same.
        environment: The environment's name.
        base_url: The server that it was imported on.
        project: The id of the project, None at the configuration level.
        user: Who imported it, None where that is not known.
        import_id: The id of the import process.
        started: When the import was asked for.
        ended: When it was seen to end.
        summary: How many objects there were of each effect, as the plan predicted.
        changes: What the plan predicted, as a task returns it.
        versions_before: The versions from before the import, None for what was not there.
        versions: The versions afterwards; None where nobody looked.
        unresolved: The changes that did not come about; None where nobody looked.
        undo: The sha256 and size of the undo package; None where it was not kept.
        undone_at: When the import was taken back.
        job_id: The job of AWX or Automation Controller that imported it.
        message: Why it failed or was not seen to end.
        changed: What a failed import changed all the same.
        undone_after: The newest entry at that time: imports after it came later.
        held: Whether what was taken back stays so; False where a run took back what it had imported itself.
        undone_job_id: The job that took it back.
        versions_undone: The versions after it was taken back.
        taking_back: Since when it is unknown whether it is taken back, and ``hold``; None where it is known.
        watched: When its objects were seen to rest, where nobody saw the import end.
        moved_from: The address that the server had before.
        run: The id of the run that imported it, by which all that it imported can be taken back together.
        plan_id: The id of the plan that was carried out, None where there was no document of it.
        job_template: The job template of the job that imported it.
        job_user: Who launched that job.
        undone_job_template: The job template of the job that took it back.
        undone_job_user: Who launched that job.
        metadata: What told the metadata behind the server from others; None where the server did not say.
        metadata_before: What did so before the entry was taken over.
        schema: Whether the schema has to be reloaded for what was done last, ``due``, and what became of that:
            ``reloaded``, ``seconds``; None where nothing of it was to be done.
        caches: The same for caches: ``due``, and ``purged``, the kinds.
        window: What the project was on each node before it was idled for the import, ``before``, and whether it was
            ``restored``; None where it was not idled.
        more: What other versions of this collection, or people, have added.
    """

    state: str
    name: str
    sha256: str
    file: str | None = None
    size: int | None = None
    type: str | None = None
    content: str | None = None
    environment: str | None = None
    base_url: str | None = None
    project: str | None = None
    user: str | None = None
    import_id: str | None = None
    started: str | None = None
    ended: str | None = None
    summary: dict[str, Any] | None = None
    changes: list[dict[str, Any]] | None = None
    versions_before: dict[str, str | None] | None = None
    versions: dict[str, str | None] | None = None
    unresolved: list[dict[str, Any]] | None = None
    undo: dict[str, Any] | None = None
    undone_at: str | None = None
    job_id: str | None = None
    message: str | None = None
    changed: list[dict[str, Any]] | None = None
    undone_after: str | None = None
    held: bool | None = None
    undone_job_id: str | None = None
    versions_undone: dict[str, str | None] | None = None
    taking_back: dict[str, Any] | None = None
    watched: str | None = None
    moved_from: str | None = None
    run: str | None = None
    plan_id: str | None = None
    job_template: str | None = None
    job_user: str | None = None
    undone_job_template: str | None = None
    undone_job_user: str | None = None
    metadata: str | None = None
    metadata_before: str | None = None
    schema: dict[str, Any] | None = None
    caches: dict[str, Any] | None = None
    window: dict[str, Any] | None = None
    more: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, document: Any) -> Receipt:
        """Return a receipt from decoded JSON. It may be years old, and edited by hand.

        Raises:
            ShapeError: It is none.
        """
        known = {item.name for item in fields(cls)} - {"more"}
        data = shape.mapping(document, "receipt")
        found = shape.build(cls, {name: data[name] for name in data if name in known}, "receipt", lenient=_UNREAD)
        for name in ("versions_before", "versions", "versions_undone"):
            _check_versions(data.get(name), "receipt.%s" % name)
        for name in ("changes", "unresolved"):
            _check_changes(data.get(name), "receipt.%s" % name)
        if found.undo is not None and not isinstance(found.undo.get("sha256"), str):
            raise ShapeError("receipt.undo.sha256: expected a text")
        # What is not known, or left out because nobody reads it, is kept as it is.
        found.more.update(
            (name, value)
            for name, value in data.items()
            if name not in known or (value is not None and getattr(found, name) is None)
        )
        return found

    def as_document(self) -> dict[str, Any]:
        """Return it as it is written. Fields that only few receipts have are left out where they say nothing."""
        names = [item.name for item in fields(self) if item.name not in ("more", "sha256")]
        names.insert(names.index("file") + 1, "sha256")
        always = _ALWAYS | (_OF_UNDONE if self.undone_at else set()) | (_OF_FAILED if self.state == FAILED else set())
        written = {name: getattr(self, name) for name in names}
        said = {name: value for name, value in written.items() if value is not None or name in always}
        said.update((name, value) for name, value in self.more.items() if said.get(name) is None)
        return said

    @cached_property
    def before(self) -> dict[Key, str | None]:
        """The versions before the import, None for what was not there."""
        return _by_key(self.versions_before)

    @cached_property
    def after(self) -> dict[Key, str | None]:
        """The versions that the import left, None for what was not there afterwards."""
        return _by_key(self.versions)

    @cached_property
    def after_undoing(self) -> dict[Key, str | None]:
        """The versions that taking it back left."""
        return _by_key(self.versions_undone)

    @cached_property
    def left_unresolved(self) -> frozenset[Key]:
        """The objects that the import left without what was predicted."""
        return _keys(self.unresolved)

    @cached_property
    def touched(self) -> frozenset[Key]:
        """The objects that the import changed, or may have changed where nobody saw it end."""
        before, after = self.before, self.after
        changed = {key for key in before if key in after and not same_version(before[key], after[key])}
        # What no version tells of.
        changed.update(key for key in _keys(self.changes) if key not in after or key not in before)
        return frozenset(changed)

    @property
    def is_schema_due(self) -> bool:
        """Whether the schema is to be reloaded for what was done last."""
        return bool((self.schema or {}).get("due"))

    @property
    def are_caches_due(self) -> bool:
        """Whether caches are to be purged for what was done last."""
        return bool((self.caches or {}).get("due"))

    @cached_property
    def changed_nothing(self) -> bool:
        """Whether the import was seen to leave everything as it was: what was before it still holds.

        A failed one may, and one that was forced, or whose objects the server left alone.
        """
        if self.versions is None or self.touched:
            return False
        return self.state == FAILED or not any(
            change.get("effect") in _WITHOUT_A_TRACE for change in self.changes or ()
        )


# What each receipt has, whether it says something or not: the fields before the message.
_ALWAYS = frozenset(takewhile(lambda name: name != "message", (item.name for item in fields(Receipt))))
# What each has that is taken back, and what each has that failed.
_OF_UNDONE = {"undone_after", "held", "undone_job_id"}
_OF_FAILED = {"message", "changed"}
# What is for people alone, or only looked at for being there: a receipt that was edited by hand is still read.
_UNREAD = frozenset(
    [
        "file",
        "size",
        "environment",
        "user",
        "import_id",
        "ended",
        "summary",
        "job_id",
        "message",
        "changed",
        "held",
        "undone_job_id",
        "watched",
        "moved_from",
        "run",
        "plan_id",
        "job_template",
        "job_user",
        "undone_job_template",
        "undone_job_user",
        "metadata",
        "metadata_before",
        "schema",
        "caches",
        "window",
    ]
)


def _by_key(versions: Mapping[str, str | None] | None) -> dict[Key, str | None]:
    return {key_of(text): version for text, version in (versions or {}).items()}


def _keys(changes: Iterable[Mapping[str, Any]] | None) -> frozenset[Key]:
    return frozenset((change["id"].upper(), change["type"]) for change in changes or ())


def _check_versions(value: Any, where: str) -> None:
    for key, version in shape.mapping(value or {}, where).items():
        if not key.rpartition(":")[2].isdecimal() or not (version is None or isinstance(version, str)):
            raise ShapeError("%s: expected a version by id and type, found %s" % (where, json.dumps({key: version})))


def _check_changes(value: Any, where: str) -> None:
    for index, item in enumerate(shape.items(value or [], where)):
        place = "%s[%d]" % (where, index)
        change = shape.mapping(item, place)
        if not isinstance(change.get("id"), str):
            raise ShapeError("%s.id: expected a text" % place)
        shape.optional_text(change, "name", place)
        shape.optional_text(change, "effect", place)
        if not isinstance(change.get("type"), int):
            raise ShapeError("%s.type: expected a whole number" % place)
