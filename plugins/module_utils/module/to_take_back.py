# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which imports the options of mstr_undo_package mean: by the undo package's file, a package's name, or a run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from ..errors import DiskError, InputError
from ..history import store as histories
from ..history.entry import Entry
from ..history.queries import latest, named, older_imports
from ..history.receipt import UNDONE
from ..history.runs import LAST, SHOWN, find_run, run_before, runs_of
from ..history.store import History
from ..package.file import PackageFile, name_of
from ..plan.together import parts_of_run
from ..plan.undo import names_of_entries, parts_to_take_back
from ..rest.models import CONFIGURATION
from ..session.connection import from_environment
from ..session.session import Session
from ..support.text import printable
from .base import MigrationModule
from .history import others_in_words


@dataclass(frozen=True)
class Chosen:
    """What a task is to take back.

    Attributes:
        what: What it is, as the subject of a message: the option, and what it names.
        parts: The entries that are to be taken back, newest first.
        done: Those that are meant too, and are taken back already.
        entries: All entries of their projects.
        first: The entry that is meant first of all.
        nothing_left: What to say where there is nothing to be taken back.
        further: What to say then of how to go further back.
        run_id: The id of the run, where one is meant.
    """

    what: str
    parts: Sequence[Entry]
    done: Sequence[Entry]
    entries: Sequence[Entry]
    first: Entry
    nothing_left: str
    further: str = ""
    run_id: str | None = None

    @classmethod
    def one(cls, entry: Entry, entries: Sequence[Entry], force: bool) -> Chosen:
        """Return one import alone.

        Args:
            entry: Its entry.
            entries: All entries of its project.
            force: Whether to take it back although that is done already.
        """
        is_done = entry.receipt.state == UNDONE and not force
        return cls(
            what="entry: %s" % entry.name,
            parts=[] if is_done else [entry],
            done=[entry] if is_done else [],
            entries=entries,
            first=entry,
            nothing_left=_taken_back_already(entry),
        )


def _taken_back_already(entry: Entry) -> str:
    return "%s: taken back already (%s)" % (printable(entry.receipt.name, 100), entry.name)


def by_run(module: MigrationModule, history: History) -> Chosen:
    """Return what is left to take back of the run that the option names.

    Raises:
        InputError: There is no such run, or nothing of it can be taken back.
    """
    wanted = module.params["run"]
    entries = history.all_entries()
    try:
        run = find_run(entries, wanted)
    except InputError as error:
        others = history.of_other_servers()
        error.message += " " + others_in_words(history, others) if others else ""
        if not entries and not others:
            error.message += (
                " There is nothing of this environment below %s. If the history is elsewhere, name its directory: "
                "history_dir (mstr_history_dir of the role, which looks for a relative one where ansible-playbook is "
                "started)." % history.directory
            )
        raise
    further = ""
    if wanted == LAST:
        before = run_before(entries, run)
        further = (
            "To go further back, name the run before it: %s (playbook rollback: -e mstr_run=%s)."
            % (before.in_words(), before.id)
            if before is not None
            else "There is no run before it that is not taken back."
        )
    return Chosen(
        what="run: %s" % printable(run.id, 200),
        parts=parts_of_run(run, entries, module.warnings),
        done=[entry for entry in run.entries if entry.receipt.state == UNDONE],
        entries=entries,
        first=run.entries[-1],
        nothing_left="Run %s is taken back already." % printable(run.id, 200),
        further=further,
        run_id=run.id,
    )


def by_name(module: MigrationModule, session: Session, history: History) -> Chosen:
    """Return what is to be taken back of the package, or of the packages, that the option names.

    Raises:
        InputError: There is no such import, or it is not clear which is meant.
    """
    name, force = module.params["name"], module.params["force"]
    places = _places(module, session, history)
    entries = [entry for place in places for entry in place]
    if module.params["entry"]:
        own = named(entries, name)
        return Chosen.one(_entry_of(history, name, module.params["entry"], own), entries, force)
    newest = _newest_of_each(module, history, places)
    parts: list[Entry] = []
    done = []
    for entry, place in newest:
        if entry.receipt.state == UNDONE:
            done.append(entry)
            parts += [entry] if force else []
        parts += parts_to_take_back(entry, named(place, name), module.warnings)
    first = newest[0][0]
    return Chosen(
        what="entry: %s" % first.name if len(parts) < 2 else "name: %s" % printable(name, 100),
        parts=sorted(parts, key=lambda entry: entry.name, reverse=True),
        done=[entry for entry in done if not force],
        entries=entries,
        first=first,
        nothing_left="\n".join(_taken_back_already(entry) for entry in done),
    )


def _places(module: MigrationModule, session: Session, history: History) -> list[list[Entry]]:
    """Return the entries of each project, or of the configuration level, in which the package is looked for."""
    params = module.params
    name = params["name"]
    if params["packages"] is not None:
        listed = [_project_of(item, params["project"]) for item in params["packages"] if _name_of(item) == name]
        module.project = listed[0] if len(listed) == 1 else ""
        if listed:
            found = dict.fromkeys(map(session.project_id, listed))
            return [history.entries(project) for project in found]
    elif params["project"] is not None:
        entries = history.entries(session.project_id(params["project"]))
        # What the environment says is for those who say nothing; it must not hide where the package is.
        if not from_environment(params, "project") or named(entries, name):
            return [entries]
    own = named(history.all_entries(), name)
    places = sorted({str(entry.receipt.project or histories.CONFIGURATION) for entry in own})
    if len(places) > 1:
        raise InputError(
            "project: packages called %s were imported into several (%s); say which. '' is the configuration level."
            % (printable(name, 100), ", ".join(printable(place, 60) for place in places))
        )
    return [history.entries(own[-1].receipt.project)] if own else []


def _name_of(item: dict[str, Any]) -> str:
    return str(item["name"] or name_of(item["src"] or item["manifest"]))


def _project_of(item: dict[str, Any], default: str | None) -> str:
    if item["project"] is not None:
        return str(item["project"])
    return "" if item["type"] == CONFIGURATION else default or ""


def _newest_of_each(
    module: MigrationModule, history: History, places: list[list[Entry]]
) -> list[tuple[Entry, list[Entry]]]:
    """Return the newest import in each place that has one, with the entries of that place; the newest of all first."""
    name = module.params["name"]
    with_it = [place for place in places if latest(named(place, name)) is not None]
    if not with_it:
        own = [entry for place in places for entry in named(place, name)]
        if own:
            raise InputError(
                "name: no import of %s changed anything; there is nothing to take back (%s)."
                % (printable(name, 100), names_of_entries(own))
            )
        _refuse_unknown(history, name)
    if len(with_it) < len(places):
        module.warnings.append(
            "The list (packages) has %s for %d projects, and the history has imports that changed something for %d of "
            "them. Nothing is done about the others." % (printable(name, 100), len(places), len(with_it))
        )
    found = [(_newest(module, named(place, name)), place) for place in with_it]
    return sorted(found, key=lambda item: item[0].name, reverse=True)


def _newest(module: MigrationModule, own: list[Entry]) -> Entry:
    """Return the newest import of a package that changed something, and say which others stay as they are."""
    name = module.params["name"]
    newest = latest(own)
    if newest is None:
        raise AssertionError("no import changed anything")
    idle = [entry for entry in own if entry.name > newest.name]
    if idle and newest.receipt.state != UNDONE:
        module.warnings.append(
            "Newer imports of %s are passed over, because no object got another version by them: %s."
            % (printable(name, 100), names_of_entries(idle[-5:]))
        )
    older = older_imports(newest, own)
    if older:
        module.warnings.append(
            "Only the newest import of %s is taken back (%s%s). Older imports of the same file stay: %s. To go further "
            "back, name one as entry (playbook rollback: mstr_entry)."
            % (
                printable(name, 100),
                newest.name,
                ", before this run" if newest.receipt.state == UNDONE else "",
                names_of_entries(older[-5:]),
            )
        )
    return newest


def _entry_of(history: History, name: str, directory: str, own: list[Entry]) -> Entry:
    """Return the entry of a package that a directory name means."""
    wanted = [entry for entry in own if entry.name == os.path.basename(directory.rstrip("/"))]
    if not wanted:
        raise InputError(
            "entry: the history of environment %s has no entry %s of package %s; there is: %s.%s"
            % (
                history.environment,
                printable(directory, 200),
                printable(name, 100),
                names_of_entries(own),
                _elsewhere(history, name),
            )
        )
    return wanted[-1]


def _refuse_unknown(history: History, name: str) -> NoReturn:
    raise InputError(
        "name: the history of environment %s below %s has no import of a package called %s there; the environment has: "
        "%s.%s"
        % (history.environment, history.directory, printable(name, 100), _names(history), _elsewhere(history, name))
    )


def _elsewhere(history: History, name: str) -> str:
    """Return a sentence on what other servers have of that name, with a space before it; empty for nothing."""
    others = named(history.of_other_servers(), name)
    return " " + others_in_words(history, others) if others else ""


def _names(history: History) -> str:
    found = {
        "%s (%s)" % (entry.receipt.name, entry.receipt.project or histories.CONFIGURATION)
        for entry in history.all_entries()
    }
    return ", ".join(printable(name, 120) for name in sorted(found)[:20]) or "none"


def refuse_nothing_named(history: History | None) -> NoReturn:
    """Fail because nobody said what is to be taken back; name the newest runs of the environment."""
    if history is None:
        raise InputError("history_dir: it is needed, unless src names the undo package to take an import back with.")
    runs = list(reversed(runs_of(history.all_entries())))[:SHOWN]
    say = (
        "Say run: last, or the id of one (playbook rollback: -e mstr_run=last); or name, for the newest import of a "
        "package (-e mstr_package=<name>)."
    )
    if not runs:
        raise InputError(
            "run: it is not said what is to be taken back, and the history below %s has no run that changed anything. "
            "%s" % (history.directory, say),
            runs=[],
        )
    lines = [run.in_words() for run in runs]
    raise InputError(
        "run: it is not said what is to be taken back. The newest runs, newest first:\n%s\n%s"
        % ("\n".join(lines), say),
        runs=[run.as_result() for run in runs],
    )


def entry_of_file(
    package: PackageFile, history: History | None, project_id: str | None
) -> tuple[Entry | None, list[Entry]]:
    """Return the entry whose undo package is this very file, None where there is none, and all of its project."""
    entries = history.entries(project_id) if history is not None else []
    return _whose_undo(entries, package), entries


def _whose_undo(entries: Iterable[Entry], package: PackageFile) -> Entry | None:
    """Return the newest entry whose undo package is this very file, None where there is none."""
    own = [entry for entry in entries if (entry.receipt.undo or {}).get("sha256") == package.hash()]
    return own[-1] if own else None


def refuse_of_another_server(module: MigrationModule, package: PackageFile, history: History | None) -> None:
    """Fail for an undo package that takes back what was imported on another server."""
    if module.params["server_moved"] or not module.base_url:
        return
    entry = _whose_undo(history.of_other_servers(), package) if history is not None else None
    beside = Entry(os.path.dirname(package.path), 0o600)
    if entry is None and histories.is_elsewhere(beside.made_on, module.base_url):
        # What lies beside the file may also be no receipt.
        with contextlib.suppress(InputError, DiskError):
            entry = _whose_undo([beside], package)
    if entry is not None:
        raise InputError(
            "src: %s takes back %s, which was imported on %s, not on %s. Nothing was sent. If this is that server "
            "under another address, say server_moved: true."
            % (package.path, entry.name, printable(entry.made_on, 200), module.base_url)
        )
