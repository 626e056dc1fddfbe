# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The note of a window that is open: which projects were idled, and what they were before.

``<history>/locks/<environment's address>.window.json``, beside the lock under which it is written: one run at a
time has a window open on an environment. It holds no secret.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from typing import Any

from ..errors import DiskError, MigrationError
from ..history.receipt import now
from ..history.store import History
from ..session import lock as locks
from ..support import shape
from ..support.files import disk_errors, write_file
from ..support.shape import ShapeError
from ..support.text import environment_from_url, printable, readable_json
from .messages import sentence

_FORMAT = 1


@dataclass(frozen=True)
class Project:
    """A project that is idled.

    Attributes:
        id: Its id.
        name: Its name, for people.
        before: What it was before on each node.
    """

    id: str
    name: str
    before: dict[str, str]


@dataclass(frozen=True)
class OpenWindow:
    """What is idled.

    Attributes:
        base_url: The server's address.
        run: The id of the run.
        projects: The projects.
        since: When it was opened.
    """

    base_url: str
    run: str
    projects: tuple[Project, ...]
    since: str = field(default_factory=now)

    @property
    def address(self) -> str:
        """The server's address as a file name."""
        return environment_from_url(self.base_url)

    @property
    def names(self) -> str:
        """The projects in words, with what they were."""
        return "; ".join(
            "%s (%s)" % (printable(project.name, 100), _in_words(project.before)) for project in self.projects
        )

    def project(self, project_id: str) -> Project | None:
        """Return a project by its id, None for one that is not idled."""
        return next((one for one in self.projects if one.id == project_id), None)


def _in_words(states: dict[str, str]) -> str:
    return ", ".join("%s on %s" % (printable(state, 40), printable(node, 60)) for node, state in states.items())


def path_of(history: History, address: str) -> str:
    """Return where the note is of a server, whose address is given as a file name."""
    return os.path.join(locks.directory_of(history.directory), address + locks.WINDOW)


def write(history: History, window: OpenWindow) -> None:
    """Write the note, whole or not at all.

    Raises:
        DiskError: It cannot be written.
    """
    text = readable_json({"format": _FORMAT, **asdict(window)})
    path = path_of(history, window.address)
    with disk_errors("history_dir: %s cannot be written, and nothing is idled without it" % path):
        write_file(path, text.encode("utf-8"), history.mode)


def read(history: History, address: str) -> OpenWindow | None:
    """Return the note, None where there is none.

    Raises:
        DiskError: It cannot be read.
    """
    path = path_of(history, address)
    try:
        with open(path, encoding="utf-8") as handle:
            return _parse(json.load(handle))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise DiskError(
            "history_dir: %s says which projects a run has idled, and cannot be read: %s. See which projects are idle, "
            "put that right by hand, and remove the file." % (path, printable(error, 200))
        ) from error


def _parse(document: Any) -> OpenWindow:
    data = shape.mapping(document, "window")
    if shape.integer(data, "format", "window") > _FORMAT:
        raise ShapeError("window.format: a newer version of the collection wrote it")
    projects = []
    for index, item in enumerate(shape.items(data.get("projects"), "window.projects")):
        where = "window.projects[%d]" % index
        project = shape.build(Project, item, where)
        if not all(isinstance(state, str) for state in project.before.values()):
            raise ShapeError("%s.before: expected texts" % where)
        projects.append(project)
    return OpenWindow(
        base_url=shape.text(data, "base_url", "window"),
        run=str(data.get("run") or ""),
        projects=tuple(projects),
        since=shape.text(data, "since", "window"),
    )


def remove(history: History, address: str) -> None:
    """Remove the note, once all is what it was.

    Raises:
        DiskError: It cannot be removed.
    """
    path = path_of(history, address)
    with disk_errors("history_dir: %s cannot be removed" % path):
        try:
            os.unlink(path)
        except FileNotFoundError:
            return


def not_restored(history: History, window: OpenWindow, error: MigrationError) -> str:
    """Return what to do about projects that are not what they were before, as a sentence."""
    return (
        "Projects that were idled are not restored: they are to be %s. %s The next run on this environment restores "
        "them first. To do it by hand: put them right, then remove %s."
        % (window.names, sentence(error.message), path_of(history, window.address))
    )


def remark(history: History, address: str) -> str | None:
    """Return a warning of a window that is open, for a run that only looks; None where there is none.

    Raises:
        DiskError: The note cannot be read.
    """
    window = read(history, address)
    if window is None:
        return None
    return (
        "Projects are idle for an import since %s: %s. Where the run that did it was cut off, the next one that is not "
        "in check mode restores them." % (printable(window.since, 40), window.names)
    )
