# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan as a file: what was decided for a list of packages, for people to approve and for a later task to carry out.

JSON with a stable order, so that it diffs well. The same list planned against the same world is the same document, but
for ``made``, ``run``, ``newest`` and the ``checksum`` of all.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..errors import DiskError, InputError
from ..history.receipt import now
from ..rest.models import DestinationObject
from ..support import shape
from ..support.files import disk_errors, write_file
from ..support.shape import ShapeError
from ..support.text import file_name_part, printable, readable_json
from .listing import ObjectKey
from .package import CannotTell, Found

FORMAT = 1
SUFFIX = ".plan.json"

TAKE_BACK = "take_back"
IMPORT = "import"
LEAVE = "leave"
HELD = "held"
STEPS = (TAKE_BACK, IMPORT, LEAVE, HELD)

_ID_DIGITS = 12


@dataclass(frozen=True)
class PlannedPackage:
    """A package of the list.

    Attributes:
        position: Its place in the list, from 1.
        name: Its name.
        project: The project's name or id as given, empty for the configuration level.
        project_id: The project's id, None at the configuration level.
        state: imported or undone, as the list declares it.
        file: Its file as the list names it, never an absolute path; None where it has none.
        sha256: The file's sha256; None where it has none.
        size: The file's size in bytes; None where it has none.
        content: The digest of what the file holds; None where it has none.
        type: project, project_security or configuration; None where it has no file.
        settings: Its settings, with the server's names.
        force: Whether it is imported, or taken back, whatever is there.
        generate_undo: Whether the server is to make an undo package; None for the module's default.
    """

    position: int
    name: str
    project: str
    project_id: str | None
    state: str
    file: str | None = None
    sha256: str | None = None
    size: int | None = None
    content: str | None = None
    type: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    force: bool = False
    generate_undo: bool | None = None


@dataclass(frozen=True)
class Step:
    """What is done about a package.

    Attributes:
        do: One of ``STEPS``.
        position: The package's place in the list.
        name: The package's name, for people.
        reason: Why, for people.
        entries: The history entries that are taken back, newest first.
        summary: How many objects there are of each effect.
        changes: The objects that count, as a task returns them, with the version that each has now.
        missing: What its objects need and is nowhere, as a task returns it.
        still_used: What uses objects that it deletes, as a task returns it.
    """

    do: str
    position: int
    name: str
    reason: str
    entries: list[str] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    missing: list[dict[str, Any]] = field(default_factory=list)
    still_used: list[dict[str, Any]] = field(default_factory=list)

    @property
    def has_gaps(self) -> bool:
        """Whether it would fail, as far as the plan knows."""
        return bool(self.missing or self.still_used)


@dataclass(frozen=True)
class PlanDocument:
    """A plan for an environment.

    Attributes:
        environment: The environment's name.
        base_url: The server's address.
        selection: The name of the packages that the run may act on; None for all.
        seen: The digest of what was there, see ``digest_of``.
        packages: The list.
        steps: What is done, in its order.
        made: When it was made, UTC.
        run: The id of the run that made it; None where none did.
        newest: The newest entries of the history by project, empty for the configuration level. What the plan does
            comes after them.
        metadata: What tells the metadata behind the server from others; None where it was not asked, or does not say.
    """

    environment: str
    base_url: str
    selection: str | None
    seen: str
    packages: tuple[PlannedPackage, ...]
    steps: tuple[Step, ...]
    made: str = field(default_factory=now, compare=False)
    run: str | None = field(default=None, compare=False)
    newest: dict[str, str] = field(default_factory=dict, compare=False)
    metadata: str | None = field(default=None, compare=False)

    @property
    def plan_id(self) -> str:
        """The first digits of a sha256 over what decides: address, projects, files, steps, and the versions seen."""
        decides = [
            self.base_url,
            self.selection,
            self.seen,
            [_decisive(item) for item in self.packages],
            [[step.do, step.position, step.entries, sorted(map(_seen, step.changes), key=str)] for step in self.steps],
            *[[step.position, _ids(step.missing), _ids(step.still_used)] for step in self.steps if step.has_gaps],
        ]
        text = json.dumps(decides, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode("ascii")).hexdigest()[:_ID_DIGITS]

    def dumps(self) -> str:
        """Return the document's text."""
        content = {
            "format": FORMAT,
            "plan_id": self.plan_id,
            "environment": self.environment,
            "base_url": self.base_url,
            "metadata": self.metadata,
            "selection": self.selection,
            "seen": self.seen,
            "made": self.made,
            "run": self.run,
            "newest": self.newest,
            "packages": [asdict(item) for item in self.packages],
            "steps": [asdict(step) for step in self.steps],
        }
        return readable_json({**content, "checksum": _checksum(content)})


def _checksum(content: Mapping[str, Any]) -> str:
    """Return the sha256, hexadecimal, of all that a document says: people approve what they read in it."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _decisive(package: PlannedPackage) -> dict[str, Any]:
    """Return what of a package decides: not how its file and its project are called."""
    values = asdict(package)
    del values["file"], values["project"]
    # It is made unless somebody says otherwise.
    values["generate_undo"] = package.generate_undo is not False
    return values


def digest_of(found: Mapping[ObjectKey, Found]) -> str:
    """Return the sha256, hexadecimal, of the versions of all objects that were looked up, superseded ones included."""
    versions = []
    for (place, identity, number), state in sorted(found.items(), key=lambda item: item[0]):
        told = not isinstance(state, CannotTell)
        version = (state.version or "").upper() if isinstance(state, DestinationObject) else None
        versions.append([place, identity, number, told, version])
    return hashlib.sha256(json.dumps(versions, ensure_ascii=True).encode("ascii")).hexdigest()


def _ids(rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    return sorted([row["id"].upper(), row["type"]] for row in rows)


def _seen(change: Mapping[str, Any]) -> list[Any]:
    versions = [change.get(name) for name in ("version_now", "version_before", "version_after")]
    known = [version.upper() if version else None for version in versions]
    return [change["id"].upper(), change["type"], change["effect"], *known]


def loads(text: str, *, edited: bool = False) -> PlanDocument:
    """Return the plan that a text holds.

    Args:
        text: The text.
        edited: Whether it may have been edited after it was made.

    Raises:
        ShapeError: The text is no plan, is of a newer format, or was edited; the message says what is wrong.
    """
    try:
        document = shape.mapping(json.loads(text), "plan")
    except ShapeError:
        raise
    except (ValueError, RecursionError) as error:
        raise ShapeError("not JSON: %s" % error) from error
    written = shape.integer(document, "format", "plan")
    if written > FORMAT:
        raise ShapeError("its format is %d, and this version of the collection knows up to %d" % (written, FORMAT))
    content = {name: value for name, value in document.items() if name != "checksum"}
    is_as_made = document.get("checksum") == _checksum(content)
    plan = PlanDocument(
        environment=shape.text(document, "environment", "plan"),
        base_url=shape.text(document, "base_url", "plan"),
        selection=shape.optional_text(document, "selection", "plan"),
        seen=shape.text(document, "seen", "plan"),
        packages=tuple(
            shape.build(PlannedPackage, item, "plan.packages[%d]" % index)
            for index, item in enumerate(shape.items(document.get("packages"), "plan.packages"))
        ),
        steps=tuple(
            _step(item, "plan.steps[%d]" % index)
            for index, item in enumerate(shape.items(document.get("steps"), "plan.steps"))
        ),
        made=shape.text(document, "made", "plan"),
        run=shape.optional_text(document, "run", "plan"),
        newest=dict(shape.mapping(document.get("newest") or {}, "plan.newest")),
        metadata=shape.optional_text(document, "metadata", "plan"),
    )
    if edited:
        return plan
    if document.get("plan_id") != plan.plan_id:
        raise ShapeError("plan_id: it is not that of what the plan says; it was edited after it was made")
    if not is_as_made:
        raise ShapeError("checksum: it is not that of what the file says; it was edited after it was made")
    return plan


def _step(data: Any, where: str) -> Step:
    step = shape.build(Step, data, where)
    if step.do not in STEPS:
        raise ShapeError("%s.do: expected one of %s" % (where, ", ".join(STEPS)))
    if not all(isinstance(entry, str) for entry in step.entries):
        raise ShapeError("%s.entries: expected texts" % where)
    for name in ("missing", "still_used"):
        for index, item in enumerate(getattr(step, name)):
            place = "%s.%s[%d]" % (where, name, index)
            shape.text(shape.mapping(item, place), "id", place)
            shape.integer(item, "type", place)
            ids = shape.items(item.get("needed_by" if name == "missing" else "uses"), place)
            if not all(isinstance(identity, str) for identity in ids):
                raise ShapeError("%s: expected ids" % place)
            shape.optional_text(item, "name", place)
    for index, item in enumerate(step.changes):
        place = "%s.changes[%d]" % (where, index)
        change = shape.mapping(item, place)
        shape.text(change, "id", place)
        shape.integer(change, "type", place)
        shape.text(change, "effect", place)
        for name in ("version_now", "version_before", "version_after"):
            shape.optional_text(change, name, place)
            change.setdefault(name, None)
    return step


def path_for(plan_file: str, environment: str) -> str:
    """Return where the plan of an environment goes: in a directory, a file is named after the environment."""
    if plan_file.endswith(os.sep) or os.path.isdir(plan_file):
        return os.path.join(plan_file, file_name_part(environment) + SUFFIX)
    return plan_file


def read(path: str, *, edited: bool = False) -> PlanDocument:
    """Return the plan at path.

    Args:
        path: The file.
        edited: Whether it may have been edited after it was made.

    Raises:
        InputError: There is none, or it is no plan.
        DiskError: It cannot be read.
    """
    try:
        with open(path, encoding="utf-8-sig") as handle:
            return loads(handle.read(), edited=edited)
    except FileNotFoundError as error:
        raise InputError("plan_file: there is no file %s on the host where the module runs." % path) from error
    except ShapeError as error:
        raise InputError("plan_file: %s is no plan: %s. Make it anew." % (path, printable(error))) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DiskError("plan_file: %s cannot be read: %s." % (path, printable(error))) from error


def write(path: str, plan: PlanDocument) -> None:
    """Write a plan. Of the same plan, that is there already, only what is of this run changes.

    Raises:
        InputError: The file holds another environment's plan, or something else.
        DiskError: It cannot be written.
    """
    if os.path.lexists(path):
        there = read(path, edited=True)
        if there.environment != plan.environment or there.base_url != plan.base_url:
            raise InputError(
                "plan_file: %s holds the plan of environment %s (%s), not one of %s (%s); it is left as it is. Name "
                "another file, or a directory for one file an environment."
                % (
                    path,
                    printable(there.environment, 100),
                    printable(there.base_url, 200),
                    plan.environment,
                    plan.base_url,
                )
            )
    with disk_errors("plan_file: %s cannot be written" % path):
        write_file(path, plan.dumps().encode("utf-8"), 0o644)


def as_named(path: str | None) -> str | None:
    """Return a file as the list names it; of an absolute path its name alone, so that all machines write the same."""
    if not path:
        return None
    return os.path.basename(path) if os.path.isabs(path) else path


def in_order(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return steps as they are done: first what is taken back, newest first, then the packages in their order."""
    undoing = [step for step in steps if step.do == TAKE_BACK]
    undoing.sort(key=lambda step: step.entries[0] if step.entries else "", reverse=True)
    return (*undoing, *(step for step in steps if step.do != TAKE_BACK))
