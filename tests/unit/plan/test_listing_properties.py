# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a list: what holds for every list and every drift, against a server that does what the vendor documents.

The server here shares no code with the plan. A version is a letter; an object has the date of its version, as every
edit gives it both. Tables are given a version of the server's own whenever an import writes them, as folders are.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st
from samples import FOLDER, PROJECT_ID, REPORT, USER, listed, row

from ansible_collections.mstr.migration.plugins.module_utils.history.queries import Record
from ansible_collections.mstr.migration.plugins.module_utils.plan.listing import plan_list
from ansible_collections.mstr.migration.plugins.module_utils.plan.package import CannotTell
from ansible_collections.mstr.migration.plugins.module_utils.rest.models import ACTIONS, DestinationObject

TABLE = 15
PLACES = (PROJECT_ID, "C" * 32, "")
PLAIN = (("A" * 32, REPORT), ("B" * 32, REPORT), ("C" * 32, REPORT), ("F" * 32, FOLDER))
TABLES_TOO = (*PLAIN[1:], ("D" * 32, TABLE))
EVERYWHERE = [(place, *key) for place in PLACES for key in (*PLAIN, *TABLES_TOO)]
DATES = {"A": 1, "B": 2, "C": 3, "D": 4}
SURE_TO_WIN = ("replace", "force_replace", "delete")
WITHOUT_COPIES = [action for action in ACTIONS if action != "keep_both"]
# Where a later package makes the object newer or older, the copy comes with a second run; no such lists are drawn.
WITH_COPIES = (*SURE_TO_WIN, "use_existing", "keep_both")


def moment(second):
    return "2021-03-04T03:%02d:%02d.000+0000" % divmod(second, 60)


def as_found(version, date):
    return DestinationObject(version * 32 if len(version) == 1 else version, moment(date))


def place_of(package, item):
    return (package.project_id or "", *item.key)


@dataclass(frozen=True)
class Import:
    """What the receipt of an import says."""

    sha256: str
    place: str
    before: dict
    after: dict
    touched: frozenset


@dataclass
class Server:
    """A destination: its objects as (version, date), those that may not be looked up, and the history."""

    objects: dict
    hidden: frozenset = frozenset()
    taken_back: frozenset = frozenset()
    receipts: list = field(default_factory=list)
    made: int = 0

    def found(self):
        seen = {key: as_found(*value) for key, value in self.objects.items()}
        seen.update(dict.fromkeys(self.hidden, CannotTell("forbidden")))
        return seen

    def make_version(self):
        self.made += 1
        return ("%032X" % self.made, 100 + self.made)

    def versions(self, package):
        if package.content.type == "project_security":
            return {}
        keys = {item.key: place_of(package, item) for item in package.content.rows}
        found = self.found()
        return {key: found[at].version if at in found else None for key, at in keys.items() if at not in self.hidden}

    def take(self, package):
        """Import a package."""
        before = self.versions(package)
        if package.content.type != "project_security":
            for item in package.content.rows:
                self._take_row(place_of(package, item), item, item.action or package.content.settings["defaultAction"])
        after = self.versions(package)
        touched = {
            item.key for item in package.content.rows if item.key not in after or before[item.key] != after[item.key]
        }
        self.receipts.append(
            Import(package.content.sha256, package.project_id or "", before, after, frozenset(touched))
        )

    def _take_row(self, key, item, action):
        ours = (item.version[0], DATES[item.version[0]])
        theirs = self.objects.get(key)
        if action == "delete":
            self.objects.pop(key, None)
            return
        if theirs == ours:
            return
        wins = {
            "replace": True,
            "force_replace": True,
            "use_newer": theirs is not None and ours[1] > theirs[1],
            "use_older": theirs is not None and ours[1] <= theirs[1],
        }
        if theirs is None or wins.get(action, False):
            self.objects[key] = self.make_version() if item.type in (FOLDER, TABLE) else ours

    def record(self, package):
        """Return what the history says of the newest import of a package's file."""
        if package.name in self.taken_back:
            return Record("entry", held=True)
        here = [receipt for receipt in self.receipts if receipt.place == (package.project_id or "")]
        own = [index for index, receipt in enumerate(here) if receipt.sha256 == package.content.sha256]
        if not own:
            return None
        newest, overtaken = here[own[-1]], {}
        for other in here[own[-1] + 1 :]:
            for key in other.touched:
                overtaken.setdefault(key, set()).add(other.sha256)
        return Record("entry", True, before=newest.before, versions=newest.after, overtaken=overtaken)

    def plans(self, packages, records=True):
        known = [replace(item, record=self.record(item)) for item in packages] if records else packages
        return plan_list(known, self.found())

    def run(self, packages, records=True):
        """Import what is due, in the order of the list, and return the names."""
        due = [item.package for item in self.plans(packages, records) if item.due]
        for package in due:
            self.take(package)
        return [package.name for package in due]


def rows(draw, objects, actions, level):
    keys = draw(st.lists(st.sampled_from(objects), max_size=4, unique=True))
    content = []
    for identity, number in keys:
        letter = draw(st.sampled_from("ABCD"))
        content.append(
            row(
                id=identity,
                name=identity[0],
                type=number,
                version=letter * 32,
                date_modified=moment(DATES[letter]),
                action=draw(st.sampled_from(actions)),
                level=level,
            )
        )
    return content


@st.composite
def lists(
    draw, objects=PLAIN, actions=(*ACTIONS, None), defaults=("replace", "use_newer", "use_existing"), links=False
):
    """Draw a list of packages; those that are not for a project are of the configuration."""
    packages = []
    for number in range(draw(st.integers(1, 5))):
        place = draw(st.sampled_from((PROJECT_ID, PROJECT_ID, PROJECT_ID, "C" * 32, None)))
        fields = {
            "name": str(number),
            "sha256": "sha256 of %d" % number,
            "project_id": place,
            "type": "project" if place else "configuration",
            "settings": {"defaultAction": draw(st.sampled_from(defaults))},
        }
        level = "project_object" if place else "configuration_object"
        kinds = objects
        if links and place and draw(st.booleans()):
            fields["type"] = "project_security"
            kinds = [(identity, USER) for identity, _type in objects]
        packages.append(listed(*rows(draw, kinds, actions, level), **fields))
    return packages


drifts = st.dictionaries(st.sampled_from(EVERYWHERE), st.sampled_from(sorted(DATES.items())), max_size=8)
hidden = st.frozensets(st.sampled_from(EVERYWHERE), max_size=3)


@st.composite
def marked(draw, packages):
    """Draw a list in which some packages are taken back, imported, forced or not selected."""
    records = st.sampled_from([None, Record("entry"), Record("entry", held=True), Record("entry", imported=True)])
    return [
        replace(item, record=draw(records), force=draw(st.booleans()), selected=draw(st.booleans()))
        for item in draw(packages)
    ]


def counting(item):
    return {place_of(item.package, change.row) for change in item.plan.changes}


def out_of_sync(plans):
    return {item.package.name for item in plans if not item.in_sync}


@given(marked(lists(links=True)), drifts, hidden)
def test_planning_again_says_the_same_and_counts_each_object_once(packages, drift, unseen):
    server = Server(dict(drift), unseen)
    plans = server.plans(packages, records=False)
    assert plans == server.plans(packages, records=False)
    assert [item.package for item in plans] == packages
    for item in plans:
        assert [change.row for change in item.plan.objects] == list(item.package.content.rows)
        assert sum(item.plan.summary.values()) == len(item.package.content.rows)
        assert not (item.due and item.needed)


@given(lists(actions=("replace", "force_replace", None), defaults=("replace",)), drifts)
def test_a_package_that_was_imported_under_replace_is_in_sync(packages, drift):
    for package in packages:
        server = Server(dict(drift))
        server.take(package)
        assert server.plans([package], records=False)[0].in_sync


def components(packages):
    """Return for each package a number that it has in common with those it is tied to by objects."""
    labels = list(range(len(packages)))
    for index, package in enumerate(packages):
        own = {place_of(package, item) for item in package.content.rows}
        for other in range(index):
            if own & {place_of(packages[other], item) for item in packages[other].content.rows}:
                labels = [labels[index] if label == labels[other] else label for label in labels]
    return labels


@given(marked(lists(links=True)), drifts, hidden, st.randoms(use_true_random=False))
def test_order_matters_only_where_packages_share_an_object(packages, drift, unseen, random):
    server = Server(dict(drift), unseen)
    labels = components(packages)
    turns = random.sample(labels, len(labels))
    queues = {label: [item for item, own in zip(packages, labels) if own == label] for label in labels}
    shuffled = [queues[label].pop(0) for label in turns]
    expected = {item.package.name: item for item in server.plans(packages, records=False)}
    assert {item.package.name: item for item in server.plans(shuffled, records=False)} == expected


@given(lists(), drifts, hidden)
def test_a_superseded_object_never_causes_an_import(packages, drift, unseen):
    plans = Server(dict(drift), unseen).plans(packages, records=False)
    for index, item in enumerate(plans):
        sure = {
            place_of(later, one)
            for later in packages[index + 1 :]
            for one in later.content.rows
            if (one.action or later.content.settings["defaultAction"]) in SURE_TO_WIN
        }
        assert not sure & counting(item)
        assert item.due is bool(item.plan.changes)


@given(lists(), drifts)
def test_the_plan_foretells_what_each_import_meets_and_leaves(packages, drift):
    server = Server(dict(drift))
    for item in server.plans(packages):
        if not item.due:
            continue
        compared = [change for change in item.plan.objects if change.row.type != FOLDER]
        before = server.versions(item.package)
        assert [change.version_before for change in compared] == [before[change.row.key] for change in compared]
        server.take(item.package)
        after = server.versions(item.package)
        assert [change.version_after for change in compared] == [after[change.row.key] for change in compared]


some_list = st.one_of(lists(actions=WITHOUT_COPIES, links=True), lists(actions=WITH_COPIES, defaults=SURE_TO_WIN))


@given(some_list, drifts, hidden, st.frozensets(st.sampled_from("0123"), max_size=2))
def test_one_run_ends_in_the_declared_state_whatever_the_drift(packages, drift, unseen, taken_back):
    server = Server(dict(drift), unseen, taken_back)
    server.run(packages)
    assert out_of_sync(server.plans(packages)) == {item.name for item in packages if item.name in taken_back}
    assert server.run(packages) == []


@given(lists(actions=WITHOUT_COPIES), drifts)
def test_one_run_ends_in_the_declared_state_without_a_history_too(packages, drift):
    server = Server(dict(drift))
    server.run(packages, records=False)
    assert not out_of_sync(server.plans(packages, records=False))


@given(some_list, drifts, drifts, hidden)
def test_one_run_ends_every_later_drift(packages, drift, later, unseen):
    server = Server(dict(drift), unseen)
    server.run(packages)
    server.objects.update(later)
    server.run(packages)
    assert not out_of_sync(server.plans(packages))


@given(lists(TABLES_TOO, [action for action in WITHOUT_COPIES if action != "use_older"]), drifts, drifts)
def test_versions_of_the_servers_own_come_to_an_end(packages, drift, later):
    server = Server(dict(drift))
    for drifted in (drift, later):
        server.objects.update(drifted)
        server.run(packages)
        server.run(packages)
        assert not out_of_sync(server.plans(packages))


@given(lists(TABLES_TOO, ("replace", "force_replace")), st.data())
def test_no_edit_escapes(packages, data):
    server = Server({})
    server.run(packages)
    server.run(packages)
    last = {place_of(package, item): package.name for package in packages for item in package.content.rows}
    edited = [key for key in sorted(server.objects) if key[2] != FOLDER]
    if edited:
        key = data.draw(st.sampled_from(edited))
        server.objects[key] = server.make_version()
        assert last[key] in server.run(packages)


@given(lists(), drifts, st.sampled_from("ABCD"))
def test_the_version_of_a_folder_decides_nothing(packages, drift, letter):
    server = Server(dict(drift))
    plans = server.plans(packages, records=False)
    for key in server.objects:
        if key[2] == FOLDER:
            server.objects[key] = (letter, DATES[letter])
    assert [item.due for item in server.plans(packages, records=False)] == [item.due for item in plans]
    folders = [change for item in plans for change in item.plan.objects if change.row.type == FOLDER]
    assert {change.effect for change in folders} <= {"create", "delete", "none"}


@given(lists(actions=WITHOUT_COPIES), drifts, st.sets(st.sampled_from("01234")))
def test_a_limited_run_leaves_no_package_without_what_it_touched(packages, drift, selected):
    packages = [replace(item, selected=item.name in selected) for item in packages]
    server = Server(dict(drift))
    plans = server.plans(packages)
    assert {item.package.name for item in plans if item.due} <= selected
    if any(item.needed for item in plans):
        return
    server.run(packages)
    imported = {receipt.sha256: {(receipt.place, *key) for key in receipt.touched} for receipt in server.receipts}
    touched = set().union(*imported.values())
    amiss = set().union(*(counting(item) for item in plans if not item.package.selected))
    touched_before = set()
    for index, package in enumerate(packages):
        counts = counting(server.plans(packages[index:])[0])
        assert not touched & counts - amiss, "out of sync, though every package that may not be imported was in sync"
        assert not {key for key in touched_before & counts if key[2] != FOLDER}, "a later package's object is older"
        touched_before |= imported.get(package.content.sha256, set())
