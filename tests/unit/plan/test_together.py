# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run taken back in a history that is simulated: every object gets the version from before it, or nothing is done."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import PROJECT_ID, SHA256

from ansible_collections.mstr.migration.plugins.module_utils.errors import InputError
from ansible_collections.mstr.migration.plugins.module_utils.history.entry import Entry
from ansible_collections.mstr.migration.plugins.module_utils.history.receipt import Receipt
from ansible_collections.mstr.migration.plugins.module_utils.history.runs import find_run
from ansible_collections.mstr.migration.plugins.module_utils.plan.listing import ObjectKey
from ansible_collections.mstr.migration.plugins.module_utils.plan.package import CannotTell, Found
from ansible_collections.mstr.migration.plugins.module_utils.plan.together import Together, parts_of_run
from ansible_collections.mstr.migration.plugins.module_utils.rest.models import DestinationObject

PLACES = ("", PROJECT_ID)
IDS = tuple(letter * 32 for letter in "ABCD")
REPORT = 3
# What an environment has: the versions of its objects, None for what is not there.
World = dict[ObjectKey, "str | None"]


class Import(NamedTuple):
    """An import: where, and what it gives which version; None deletes."""

    place: str
    gives: dict[str, str | None]


VERSIONS = st.sampled_from([None, "1", "2", "3"])
IMPORTS = st.builds(Import, st.sampled_from(PLACES), st.dictionaries(st.sampled_from(IDS), VERSIONS, min_size=1))
RUNS = st.lists(st.lists(IMPORTS, min_size=1, max_size=4), min_size=1, max_size=3)


def key(place: str, identity: str) -> ObjectKey:
    return (place, identity, REPORT)


def empty() -> World:
    return {key(place, identity): None for place in PLACES for identity in IDS}


def recorded(number: int, run: str, world: World, imported: Import, **values: str) -> Entry:
    """Import something, and return the entry that the history gets."""
    before = {identity: world[key(imported.place, identity)] for identity in imported.gives}
    world.update({key(imported.place, identity): version for identity, version in imported.gives.items()})
    receipt = Receipt.parse(
        {
            "state": "imported",
            "name": "p%d" % number,
            "sha256": "%064d" % number,
            "project": imported.place or None,
            "changes": [{"id": item, "type": REPORT, "name": item[0], "effect": "replace"} for item in before],
            "versions_before": {"%s:%d" % (item, REPORT): version for item, version in before.items()},
            "versions": {"%s:%d" % (item, REPORT): version for item, version in imported.gives.items()},
            "run": run,
            **values,
        }
    )
    scope = imported.place or "configuration"
    return Entry("/none/prod/%s/20260301T%09dZ-p%d-%s" % (scope, number, number, SHA256[:12]), 0o600, receipt)


def found(world: World) -> dict[ObjectKey, Found]:
    return {each: None if version is None else DestinationObject(version, None) for each, version in world.items()}


def undo(entry: Entry, world: World) -> None:
    """Do to the world what the undo package of an import does, and note it as the collection does."""
    place = entry.receipt.project or ""
    restored = {identity: version for (identity, _type), version in entry.receipt.before.items()}
    world.update({key(place, identity): version for identity, version in restored.items()})
    left = {"%s:%d" % (identity, REPORT): version for identity, version in restored.items()}
    entry.receipt = replace(
        entry.receipt, state="undone", undone_at="%09d" % (10**9 - int(entry.receipt.sha256)), versions_undone=left
    )


def history(runs: list[list[Import]], world: World) -> tuple[list[Entry], list[World]]:
    """Return the entries of runs, and what there was before each run."""
    entries: list[Entry] = []
    befores = []
    for number, run in enumerate(runs):
        befores.append(dict(world))
        for imported in run:
            entries.append(recorded(len(entries), "r%d" % number, world, imported))
    return entries, befores


@given(RUNS, st.integers(0, 3))
def test_the_last_run_taken_back_newest_first_leaves_what_was_before_it(runs: list[list[Import]], cut: int) -> None:
    world = empty()
    entries, befores = history(runs, world)
    changing = [entry for entry in entries if not entry.receipt.changed_nothing]
    if not changing:
        with pytest.raises(InputError, match="no run that changed something"):
            find_run(entries, "last")
        return
    run = find_run(entries, "last")
    number = int(run.id[1:])
    # Broken off after some of it, and gone on with.
    for part in parts_of_run(run, entries, [])[:cut]:
        undo(part, world)
    run = find_run(entries, "last")
    parts = parts_of_run(run, entries, [])
    together = Together("run", parts, entries)
    together.refuse_under_newer()
    together.refuse_edited(found(world))
    predicted = together.predicted(found(world))
    for part, changes in zip(parts, predicted):
        place = part.receipt.project or ""
        before = dict(world)
        undo(part, world)
        differs = {each: version for each, version in world.items() if before[each] != version}
        assert {key(place, change.row.id): change.row.version for change in changes} == differs
        assert all(change.version_before == before[key(place, change.row.id)] for change in changes)
    assert world == befores[number]
    again = find_run(entries, "last")
    assert again.id == run.id
    assert parts_of_run(again, entries, []) == []


@given(RUNS, st.sampled_from(PLACES), st.sampled_from(IDS))
def test_an_edit_is_lost_by_no_run(runs: list[list[Import]], place: str, identity: str) -> None:
    world = empty()
    entries, _befores = history(runs, world)
    if all(entry.receipt.changed_nothing for entry in entries):
        return
    parts = parts_of_run(find_run(entries, "last"), entries, [])
    touched = {key(part.receipt.project or "", each) for part in parts for each, _type in part.receipt.touched}
    world[key(place, identity)] = "edited"
    together = Together("run: r", parts, entries)
    if key(place, identity) in touched:
        with pytest.raises(InputError, match=r'run: r is not taken back.*"%s" by p' % identity[0]):
            together.refuse_edited(found(world))
    else:
        together.refuse_edited(found(world))


def test_what_cannot_be_looked_up_stops_nobody_and_is_foretold() -> None:
    world = empty()
    entries, _befores = history([[Import("", {IDS[0]: "1"})]], world)
    unseen: dict[ObjectKey, Found] = {each: CannotTell("forbidden") for each in world}
    together = Together("run", entries, entries)
    together.refuse_edited(unseen)
    assert [change.effect for change in together.predicted(unseen)[0]] == ["delete"]


def test_newer_runs_that_touched_the_same_are_all_named_newest_first() -> None:
    world = empty()
    one, two = (Import("", {IDS[0]: version}) for version in ("1", "2"))
    elsewhere = Import(PROJECT_ID, {IDS[0]: "1"})
    entries, _befores = history([[one, one], [two, elsewhere], [one]], world)
    parts = parts_of_run(find_run(entries, "r0"), entries, [])
    with pytest.raises(InputError) as caught:
        Together("run: r0", parts, entries).refuse_under_newer()
    said = caught.value.message
    assert "p4 (%s), p2 (%s). Take" % (entries[4].name, entries[2].name) in said
    assert "r2, r1" in said


def test_a_failed_import_without_an_undo_package_stays_and_is_said() -> None:
    world = empty()
    entries = [
        recorded(0, "r", world, Import("", {IDS[0]: "1"})),
        recorded(1, "r", world, Import("", {IDS[1]: "1"}), state="failed"),
    ]
    warnings: list[str] = []
    assert parts_of_run(find_run(entries, "r"), entries, warnings) == entries[:1]
    assert entries[1].name in warnings[0]
    with pytest.raises(InputError, match="has no undo package"):
        parts_of_run(find_run(entries[1:], "r"), entries[1:], [])


def test_all_undo_packages_that_are_missing_are_named() -> None:
    world = empty()
    entries, _befores = history([[Import("", {each: "1"}) for each in IDS[:2]]], world)
    with pytest.raises(InputError) as caught:
        Together("run: r0", entries[::-1], entries).files()
    assert caught.value.message.count("has no undo package") == 2
    assert caught.value.message.startswith("run: r0 is not taken back.")
