# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose history it is: of this server, of another one, or of nobody yet."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from ..errors import InputError
from ..history.entry import Entry
from ..history.store import History
from ..session.session import Session
from ..support.text import environment_from_url, printable
from .base import MigrationModule
from .options import parse_mode

# How many entries a sentence names.
_NAMED = 5


def open_history(module: MigrationModule) -> History | None:
    """Return the history that the options name, None where they name none, or no server.

    Says whose entries it holds besides those of this server, and that it is begun anew. Entries that are to be taken
    over count from now on, and are rewritten once a session shows that this is the server that is meant.

    Called before a log-in, so that what is wrong leaves no session. What is to be said or taken over is so once,
    however often it is called.

    Args:
        module: The module.

    Raises:
        InputError: There is none and there must be one, or it cannot be read or written.
    """
    if module.history is None:
        module.history = _open(module)
    return module.history


def _open(module: MigrationModule) -> History | None:
    params = module.params
    mode = parse_mode(params["history_mode"])
    if not params["history_dir"] or not module.environment:
        return None
    history = History(params["history_dir"], module.environment, mode, module.base_url)
    if not history.exists:
        _begin(module, history)
        return history
    others = history.of_other_servers()
    if others and params["server_moved"]:
        _refuse_mixed(history, others)
        module.access.when_logged_in.append(lambda: _take_over(module, history, others))
        return History(history.directory, history.environment, history.mode)
    if others and params["history_must_exist"] and not history.all_entries():
        raise InputError("history_must_exist: %s Nothing was sent." % others_in_words(history, others))
    if others:
        module.warnings.append(others_in_words(history, others))
    return history


def moved_from(module: MigrationModule, history: History) -> list[str]:
    """Return the addresses, as file names, from which entries are to be taken over."""
    if not module.params["server_moved"]:
        return []
    theirs = History(history.directory, history.environment, history.mode, module.base_url).of_other_servers()
    found = set()
    for entry in theirs:
        # What is no address has no lock.
        with contextlib.suppress(ValueError):
            found.add(environment_from_url(entry.made_on or ""))
    return sorted(found)


def _refuse_mixed(history: History, others: list[Entry]) -> None:
    """Fail where this server had a history of its own when another one still got entries: both are in use."""
    own = history.all_entries()
    if own and own[0].name < others[-1].name:
        raise InputError(
            "server_moved: the history of environment %s below %s has entries of this server (%s) that are older than "
            "some that were made on %s (%s). So it has not moved: both are in use under one name. Nothing was sent. "
            "Give each an environment_name of its own."
            % (history.environment, history.directory, own[0].name, _servers(others), others[-1].name)
        )


def _begin(module: MigrationModule, history: History) -> None:
    if module.params["history_must_exist"]:
        raise InputError(
            "history_must_exist: there is no history of environment %s below %s, and none is begun. Perhaps a volume "
            "is not mounted, or history_dir or environment_name is another one than before. Nothing was sent. To begin "
            "a history: history_must_exist: false, once." % (history.environment, history.directory)
        )
    module.warnings.append(
        "The history of environment %s below %s is begun anew: what was imported or taken back before is not known. If "
        "there should be one, see whether its volume is mounted. history_must_exist: true (mstr_history_must_exist of "
        "the role) refuses to begin a history." % (history.environment, history.directory)
    )
    if not module.check_mode:
        history.begin_anew()


def _take_over(module: MigrationModule, history: History, others: list[Entry]) -> None:
    module.warnings.append(
        "%d entries of the history of environment %s %s from %s, because server_moved is set. Leave it out from now on."
        % (
            len(others),
            history.environment,
            "would be taken over" if module.check_mode else "are taken over",
            _servers(others),
        )
    )
    if not module.check_mode:
        for entry in others:
            Entry.reopen(entry.path).write(base_url=history.base_url, moved_from=entry.made_on)


def says_metadata(module: MigrationModule) -> bool:
    """Return whether the history says on which metadata its entries were made, so that a run has to compare it."""
    return module.history is not None and bool(module.history.known_metadata())


def settle_metadata(module: MigrationModule, session: Session) -> None:
    """See that the history is of the metadata behind the server; take its entries over where the user says so.

    A restored metadata, or another one behind the same address, has not what the history says. The server is asked only
    where the history has entries that say which metadata they were made on, and once in a run.

    Args:
        module: The module.
        session: The session.

    Raises:
        InputError: The history has entries of another metadata, and nobody said that it is to count.
        DiskError: A receipt cannot be read or written.
    """
    history = module.history
    known = history.known_metadata() if history is not None else []
    if history is None or not known:
        return
    current = session.metadata
    if current is None:
        sentence = (
            "Whether the history of environment %s is of the metadata that is behind %s now cannot be told, because "
            "the server does not say which one that is. %s"
            % (history.environment, module.base_url, session.without_metadata)
        )
        if sentence not in module.warnings:
            module.warnings.append(sentence)
        return
    others = [(entry, metadata) for entry, metadata in known if metadata != current]
    if others and not module.params["server_moved"]:
        _refuse_metadata(module, history, others, current)
    if others:
        _take_over_metadata(module, history, others, current)


def _refuse_metadata(module: MigrationModule, history: History, others: list[tuple[Entry, str]], current: str) -> None:
    raise InputError(
        "server_moved: behind %s is another metadata now (%s) than the one on which the history of environment %s "
        "below %s was made (%s): %s. It may have been restored, or the address leads elsewhere. What the history "
        "says of it need not be so, and nothing was done. If it is the environment that the history is of, say "
        "server_moved: true, once. Else see where the address leads, or give this one its own environment_name."
        % (
            module.base_url,
            printable(current, 80),
            history.environment,
            history.directory,
            _metadata_of(others),
            _some(entry.name for entry, _metadata in others),
        )
    )


def _take_over_metadata(
    module: MigrationModule, history: History, others: list[tuple[Entry, str]], current: str
) -> None:
    module.warnings.append(
        "%d entries of the history of environment %s %s from another metadata behind the same server (%s), because "
        "server_moved is set. Leave it out from now on."
        % (
            len(others),
            history.environment,
            "would be taken over" if module.check_mode else "are taken over",
            _metadata_of(others),
        )
    )
    if not module.check_mode:
        for entry, metadata in others:
            Entry.reopen(entry.path).write(metadata=current, metadata_before=metadata)
        history.forget_origins()


def _metadata_of(others: list[tuple[Entry, str]]) -> str:
    return _some(sorted({printable(metadata, 80) for _entry, metadata in others}))


def others_in_words(history: History, others: list[Entry]) -> str:
    """Return what entries of other servers mean and what to do about them, as a sentence."""
    return (
        "The history of environment %s below %s also has entries that were made on %s, not on %s: %s. They count for "
        "nothing here. If this is that server under another address, say server_moved: true, once. If both are in use, "
        "give each an environment_name of its own."
        % (
            history.environment,
            history.directory,
            _servers(others),
            printable(history.base_url, 200),
            _some(entry.name for entry in others),
        )
    )


def _servers(entries: Iterable[Entry]) -> str:
    return _some(sorted({printable(entry.made_on, 200) for entry in entries}))


def _some(names: Iterable[str]) -> str:
    known = list(names)
    more = len(known) - _NAMED
    return ", ".join(known[-_NAMED:]) + (" and %d more" % more if more > 0 else "")
