# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list of packages is one state: later ones win, what is due is simulated, receipts settle what versions do not.

Objects are called by a letter and versions by a digit; a version is modified on the day of March that it counts.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from samples import FOLDER, PROJECT_ID, REPORT, USER, listed, row

from ansible_collections.mstr.migration.plugins.module_utils.history.queries import Record
from ansible_collections.mstr.migration.plugins.module_utils.plan.listing import plan_list, wanted
from ansible_collections.mstr.migration.plugins.module_utils.plan.package import CannotTell
from ansible_collections.mstr.migration.plugins.module_utils.rest.models import DestinationObject

OTHER_PROJECT = "C" * 32
TABLE = 15
HIDDEN = CannotTell("forbidden")
SURE_TO_WIN = ("replace", "force_replace", "delete")
NOT_SURE_TO_WIN = ("use_existing", "keep_both", "use_newer", "use_older")


def version(digit):
    return None if digit is None else digit * 32


def day(digit):
    return "2021-03-%02dT12:00:00.000+0000" % (1 + int(digit))


def of(letter, digit, action="replace", **fields):
    return row(id=letter * 32, name=letter, version=version(digit), date_modified=day(digit), action=action, **fields)


def pack(name, *rows, **fields):
    return listed(*rows, name=name, sha256="sha256 of " + name, **fields)


def destination(type=REPORT, place=PROJECT_ID, **versions):
    return {
        (place, letter * 32, type): found
        if isinstance(found, CannotTell)
        else DestinationObject(found * 32, day(found))
        for letter, found in versions.items()
    }


def record(type=REPORT, before="0", after="9", **fields):
    """Return the record of an import that changed object A."""
    key = ("A" * 32, type)
    return Record("entry", True, before={key: version(before)}, versions={key: version(after)}, **fields)


def due(packages, found):
    return [item.package.name for item in plan_list(packages, found) if item.due]


def effects(item):
    return {change.row.name: change.effect for change in item.plan.changes}


def counted(item):
    return {word: count for word, count in item.plan.summary.items() if count}


def test_a_content_group_is_brought_by_the_package_of_the_configuration():
    def group(digit):
        return of("A", digit, type=77, level="configuration_object")

    whole = pack("whole", group("1"), type="configuration", project_id=None)
    parts = [pack("part", group("1"), of("B", "1")), pack("other", group("1"), project_id=OTHER_PROJECT)]
    found = {**destination(type=77, place="", A="0"), **destination(B="1")}
    plans = plan_list([whole, *parts], found)
    assert [item.due for item in plans] == [True, False, False]
    assert [effects(item) for item in plans] == [{"A": "replace"}, {}, {}]
    # In another version it is another state, and the last one counts.
    newer = pack("other", group("2"), project_id=OTHER_PROJECT)
    assert due([whole, parts[0], newer], found) == ["other"]
    assert due(parts, found) == ["part"]


@pytest.mark.parametrize("action", SURE_TO_WIN)
@pytest.mark.parametrize("default", ["replace", "use_existing"])
def test_a_later_package_that_is_sure_to_win_supersedes(action, default):
    packages = [pack("1", of("A", "1")), pack("2", of("A", "2", action), settings={"defaultAction": default})]
    first, second = plan_list(packages, destination(A="0"))
    assert (first.due, first.in_sync, counted(first)) == (False, True, {"superseded": 1})
    assert first.plan.objects[0].superseded_by == "2"
    assert second.due


@pytest.mark.parametrize("action", NOT_SURE_TO_WIN)
@pytest.mark.parametrize("default", ["replace", "use_existing"])
def test_a_later_package_that_may_leave_the_object_does_not(action, default):
    packages = [pack("1", of("A", "1")), pack("2", of("A", "2", action), settings={"defaultAction": default})]
    first, _second = plan_list(packages, destination(A="0"))
    assert first.due
    assert effects(first) == {"A": "replace"}


@pytest.mark.parametrize("action", [*SURE_TO_WIN, *NOT_SURE_TO_WIN])
def test_the_default_action_counts_for_rows_without_one(action):
    packages = [pack("1", of("A", "1")), pack("2", of("A", "2", None), settings={"defaultAction": action})]
    assert ("1" in due(packages, destination(A="0"))) is (action in NOT_SURE_TO_WIN)


@pytest.mark.parametrize("settings", [{}, {"defaultAction": "merge"}])
def test_no_action_or_one_that_nobody_documented_is_not_sure_to_win(settings):
    packages = [pack("1", of("A", "1")), pack("2", of("A", "2", None), settings=settings)]
    assert due(packages, destination(A="0")) == ["1", "2"]


def test_an_earlier_package_never_supersedes():
    assert due([pack("1", of("A", "1")), pack("2", of("A", "2"))], destination(A="1")) == ["2"]


def test_the_last_that_is_sure_to_win_is_named():
    packages = [pack(name, of("A", name)) for name in "123"]
    plans = plan_list(packages, destination(A="0"))
    assert [item.plan.objects[0].superseded_by for item in plans] == ["3", "3", None]


def test_increments_converge():
    packages = [
        pack("1.0", of("A", "1"), of("B", "1")),
        pack("1.1", of("A", "2")),
        pack("1.2", of("A", "3", "delete")),
    ]
    assert due(packages, destination(B="1")) == []


@pytest.mark.parametrize(
    "later",
    [
        pytest.param({"project_id": OTHER_PROJECT}, id="another project"),
        pytest.param({"project_id": None, "type": "configuration"}, id="the configuration"),
    ],
)
def test_packages_of_another_place_do_not_supersede(later):
    found = {**destination(A="0"), **destination(A="0", place=later["project_id"] or "")}
    assert due([pack("1", of("A", "1")), pack("2", of("A", "2"), **later)], found) == ["1", "2"]


def test_objects_of_another_type_do_not_supersede():
    packages = [pack("1", of("A", "1")), pack("2", of("A", "2", type=FOLDER))]
    assert due(packages, destination(A="0")) == ["1", "2"]


def test_an_object_of_the_configuration_is_the_same_in_every_project():
    user = {"type": USER, "level": "configuration_object"}
    packages = [
        pack("1", of("A", "1", **user)),
        pack("2", of("A", "2", **user), project_id=OTHER_PROJECT),
        pack("3", of("A", "3", **user), type="configuration", project_id=None),
    ]
    assert due(packages, destination(USER, "", A="0")) == ["3"]


def test_ids_are_the_same_in_either_case():
    later = of("A", "2")
    later = row(id=later.id.lower(), version=later.version)
    packages = [pack("1", of("A", "1")), pack("2", later)]
    assert list(wanted(packages)) == [(PROJECT_ID, "A" * 32, REPORT)]
    assert due(packages, destination(A="0")) == ["2"]


def test_a_package_that_was_taken_back_does_not_supersede():
    packages = [pack("1", of("A", "1")), pack("2", of("A", "2"), record=Record("entry", held=True))]
    assert due(packages, destination(A="0")) == ["1"]


def test_links_do_not_supersede_links():
    links = {"type": "project_security"}
    packages = [pack("1", of("A", "1", type=USER), **links), pack("2", of("A", "2", type=USER), **links)]
    assert due(packages, {}) == ["1", "2"]


@pytest.mark.parametrize("level", ["project_object", "configuration_object", None])
@pytest.mark.parametrize("place", [PROJECT_ID, None], ids=["project", "configuration"])
def test_a_user_does_not_supersede_the_links_of_it(level, place):
    packages = [
        pack("1", of("A", "1", type=USER, level=level), type="project_security"),
        pack("2", of("A", "2", type=USER, level=None), type="project" if place else "configuration", project_id=place),
    ]
    assert due(packages, destination(USER, place or "", A="2")) == ["1"]


@pytest.mark.parametrize(
    ("first", "second", "now"),
    [
        (of("A", "1"), of("A", "2", "use_newer"), {"A": "2"}),
        (of("A", "2"), of("A", "1", "use_older"), {"A": "1"}),
        (of("A", "1", "delete"), of("A", "2", "use_existing"), {"A": "2"}),
        (of("A", "1", "delete", type=FOLDER), of("A", "2", "keep_both", type=FOLDER), {"A": "7"}),
    ],
)
def test_what_a_later_package_would_bring_back_as_it_is_causes_no_import(first, second, now):
    assert due([pack("1", first), pack("2", second)], destination(first.type, **now)) == []


@pytest.mark.parametrize("later", [of("A", "2", "use_newer"), of("A", "0", "use_older")], ids=["newer", "older"])
def test_keep_both_copies_what_a_later_package_brought_once_and_its_receipt_settles_it(later):
    found = destination(A=later.version[0])
    second = pack("2", later)
    assert due([pack("1", of("A", "1", "keep_both")), second], found) == ["1"]
    assert due([pack("1", of("A", "1", "keep_both"), record=record()), second], found) == []


CHAIN = (
    pack("1", of("A", "1"), of("B", "1")),
    pack("2", of("B", "2"), of("C", "1")),
    pack("3", of("C", "2"), of("D", "1")),
    pack("4", of("E", "1")),
)
IN_SYNC = {"A": "1", "B": "2", "C": "2", "D": "1", "E": "1"}


@pytest.mark.parametrize(
    ("drifted", "expected"),
    [
        ((), []),
        ("A", ["1", "2", "3"]),
        ("B", ["2", "3"]),
        ("C", ["3"]),
        ("D", ["3"]),
        ("E", ["4"]),
        ("DE", ["3", "4"]),
    ],
)
def test_a_drifted_object_makes_later_packages_due_where_they_overlap_and_only_there(drifted, expected):
    for digit in ("0", "9"):
        found = destination(**{**IN_SYNC, **dict.fromkeys(drifted, digit)})
        assert due(CHAIN, found) == expected


def test_the_changes_are_those_at_the_packages_turn():
    plans = plan_list(CHAIN, destination(**{**IN_SYNC, "A": "0"}))
    assert [effects(item) for item in plans] == [{"A": "replace"}, {"B": "replace"}, {"C": "replace"}, {}]
    shown = [change for item in plans for change in item.plan.changes]
    assert [change.version_before for change in shown] == [version("0"), version("1"), version("1")]
    assert shown[0].note is None
    assert "package 1 " in shown[1].note


@pytest.mark.parametrize(
    ("action", "digit", "expected"),
    [
        ("use_existing", "2", []),
        ("use_newer", "2", ["2"]),
        ("use_newer", "0", []),
        ("use_older", "0", ["2"]),
        ("use_older", "2", []),
        ("keep_both", "2", ["2"]),
        ("keep_both", "1", []),
    ],
)
def test_a_later_package_is_compared_with_what_the_import_leaves(action, digit, expected):
    packages = [pack("1", of("A", "1"), of("B", "1")), pack("2", of("A", digit, action))]
    assert due(packages, destination(B="0")) == ["1", *expected]


def test_what_an_import_deletes_is_missing_for_later_packages():
    packages = [pack("1", of("A", "1", "delete"), of("B", "1")), pack("2", of("A", "1", "use_existing"))]
    first, second = plan_list(packages, destination(A="1", B="0"))
    assert effects(first) == {"B": "replace"}
    assert effects(second) == {"A": "create"}


def test_what_an_import_makes_of_a_hidden_object_nobody_knows():
    settled = record(after=None)
    packages = [pack("1", of("A", "1", "use_newer")), pack("2", of("A", "2", "use_newer"), record=settled)]
    assert due(packages, destination(A=HIDDEN)) == ["1", "2"]


def test_a_copy_changes_nothing_for_later_packages():
    packages = [pack("1", of("A", "2", "keep_both")), pack("2", of("A", "1", "use_older"))]
    assert due(packages, destination(A="1")) == ["1"]


def test_a_copy_makes_nothing_needed():
    # The second package is out of sync by itself, and not by the copy.
    copy, other = pack("copy", of("A", "1", "keep_both")), pack("other", of("A", "5", "use_newer"), selected=False)
    plans = plan_list([copy, other], destination(A="3"))
    assert [(item.due, item.needed) for item in plans] == [(True, False), (False, False)]


def test_a_copy_brings_nothing_back():
    packages = [pack("1", of("A", "1")), pack("2", of("A", "2", "keep_both"))]
    assert due(packages, destination(A="2")) == ["1", "2"]


def folders(*digits_and_actions):
    return [
        pack(str(number), of("A", digit, action, type=FOLDER))
        for number, (digit, action) in enumerate(digits_and_actions, 1)
    ]


@pytest.mark.parametrize("now", "0129")
def test_a_folder_that_exists_makes_nothing_due(now):
    packages = folders(("1", "replace"), ("2", "use_newer"), ("3", "force_replace"))
    plans = plan_list(packages, destination(FOLDER, A=now))
    assert [counted(item) for item in plans] == [{"none": 1}] * 3


def test_a_folder_that_is_missing_is_created_once():
    assert due(folders(("1", "use_existing"), ("2", "use_existing")), {}) == ["1"]
    assert due(folders(("1", "replace"), ("2", "replace")), {}) == ["2"]


def test_a_folder_that_an_import_makes_has_no_version_that_is_known():
    _first, second = plan_list(folders(("1", "use_existing"), ("2", "use_newer")), {})
    assert second.plan.objects[0].version_before is None
    assert second.plan.objects[0].effect == "none"


def test_a_folder_is_deleted_whatever_its_version():
    assert due(folders(("1", "replace"), ("2", "delete")), destination(FOLDER, A="9")) == ["2"]


def is_settled(item, found, **fields):
    (planned,) = plan_list([pack("1", item, **fields)], found)
    assert planned.due is not planned.in_sync
    assert counted(planned) == ({"settled": 1} if planned.in_sync else {planned.plan.objects[0].effect: 1})
    return planned.in_sync


@pytest.mark.parametrize("before", [None, "0"])
@pytest.mark.parametrize("action", ["replace", "force_replace", "use_newer"])
def test_a_version_that_the_server_gave_while_importing(action, before):
    item = of("A", "9" if action == "use_newer" else "1", action)
    assert is_settled(item, destination(A="5"), record=record(before=before, after="5"))


def test_a_version_that_the_receipt_writes_in_another_case():
    key = ("A" * 32, REPORT)
    written = Record("entry", True, before={key: None}, versions={key: "abcd" * 8})
    found = {(PROJECT_ID, *key): DestinationObject("ABCD" * 8, None)}
    assert is_settled(of("A", "1"), found, record=written)


@pytest.mark.parametrize(
    "what",
    [
        pytest.param(None, id="nothing"),
        pytest.param(Record("entry"), id="an import that did not end well"),
        pytest.param(record(unresolved=frozenset({("A" * 32, REPORT)})), id="an object left unresolved"),
        pytest.param(record(after="8"), id="another version: edited since"),
        pytest.param(record(after=None), id="no version: edited since"),
        pytest.param(record(before="9"), id="an object that the import left as it was"),
        pytest.param(Record("entry", True), id="an object that is not named"),
    ],
)
def test_what_does_not_settle_a_replace(what):
    assert not is_settled(of("A", "1"), destination(A="9"), record=what)


def test_what_cannot_be_compared_by_date_is_settled_by_an_import_that_left_it_too():
    undated = replace(of("A", "1", "use_newer"), date_modified=None)
    for before in ("0", "9"):
        assert is_settled(undated, destination(A="9"), record=record(before=before))
    for other in (None, record(after="8"), Record("entry")):
        assert not is_settled(undated, destination(A="9"), record=other)


@pytest.mark.parametrize(
    ("action", "found"), [("replace", {}), ("delete", {"A": "9"})], ids=["gone since", "there again"]
)
def test_creations_and_deletions_are_never_settled(action, found):
    assert not is_settled(of("A", "1", action), destination(**found), record=record())


@pytest.mark.parametrize("now", ["0", "9"])
def test_a_copy_was_made_whatever_became_of_the_object(now):
    assert is_settled(of("A", "1", "keep_both"), destination(A=now), record=record(before="0", after="0"))
    assert not is_settled(of("A", "1", "keep_both"), destination(A=now))


@pytest.mark.parametrize("links", [False, True], ids=["forbidden", "project_security"])
def test_what_no_version_tells_is_settled_by_the_import_of_the_very_file(links):
    place = {"type": "project_security"} if links else {}
    found = {} if links else destination(USER, A=HIDDEN)
    assert is_settled(of("A", "1", type=USER), found, record=Record("entry", True), **place)
    for not_imported in (None, Record("entry")):
        assert not is_settled(of("A", "1", type=USER), found, record=not_imported, **place)


def test_another_import_over_what_no_version_tells_unsettles_it():
    newer = Record("entry", True, overtaken={("A" * 32, REPORT): frozenset({"of a file that is not listed"})})
    assert not is_settled(of("A", "1"), destination(A=HIDDEN), record=newer)
    assert is_settled(of("B", "1"), destination(B=HIDDEN), record=newer)


@pytest.mark.parametrize(("later", "expected"), [(True, []), (False, ["1"])], ids=["later", "earlier"])
def test_only_a_later_package_of_the_list_is_meant_to_overtake(later, expected):
    overtaken = Record("entry", True, overtaken={("A" * 32, REPORT): frozenset({"sha256 of 2"})})
    packages = [
        pack("1", of("A", "1", "use_newer"), record=overtaken),
        pack("2", of("A", "2", "use_newer"), record=Record("entry", True)),
    ]
    assert due(packages if later else packages[::-1], destination(A=HIDDEN)) == expected


@pytest.mark.parametrize("now", [HIDDEN, "9"], ids=["hidden", "a version of the server's own"])
def test_an_import_of_this_run_unsettles_what_it_changes(now):
    first = pack("1", of("A", "1", "use_older"))
    second = pack("2", of("A", "2", "use_newer"), record=record(after="9"))
    assert due([second], destination(A=now)) == []
    assert due([replace(first, force=True), second], destination(A=now)) == ["1", "2"]


def test_a_settled_object_that_is_imported_again_gets_a_version_that_nobody_can_foretell():
    packages = [
        pack("1", of("A", "1"), of("B", "1"), record=record(after="9")),
        pack("2", of("A", "1", "use_existing"), of("C", "1")),
        pack("3", of("A", "1", "keep_both")),
    ]
    plans = plan_list(packages, destination(A="9", B="0", C="1"))
    assert [item.due for item in plans] == [True, False, True]
    (change,) = plans[2].plan.changes
    assert (change.effect, change.version_before) == ("duplicate", None)


HELD = Record("entry", held=True)


def test_a_table_that_an_early_package_brings_anew_makes_the_last_that_carries_it_due():
    # The server gave the table a version of its own at each import: 7, then 9.
    first = pack("first", of("A", "1", type=TABLE), of("B", "1"), record=record(TABLE, before="0", after="7"))
    last = pack("last", of("A", "1", type=TABLE), record=record(TABLE, before="7", after="9"))
    table = destination(TABLE, A="9")
    assert due([first, last], {**table, **destination(B="1")}) == []
    assert due([first, last], {**table, **destination(B="2")}) == ["first", "last"]


def test_a_package_that_was_taken_back_is_not_due_and_not_in_sync():
    (plan,) = plan_list([pack("1", of("A", "1"), record=HELD)], destination(A="0"))
    assert (plan.package.held, plan.due, plan.in_sync) == (True, False, False)
    assert effects(plan) == {"A": "replace"}


def test_a_package_that_was_taken_back_is_not_in_sync_even_where_nothing_would_change():
    (plan,) = plan_list([pack("1", of("A", "1"), record=HELD)], destination(A="1"))
    assert (plan.due, plan.in_sync) == (False, False)


def test_a_package_that_was_taken_back_changes_nothing_for_later_ones():
    packages = [pack("1", of("A", "1"), of("B", "1"), record=HELD), pack("2", of("A", "2"))]
    assert due(packages, destination(A="2", B="0")) == []


def test_force_lets_a_package_that_was_taken_back_in_again():
    packages = [pack("1", of("A", "1")), pack("2", of("A", "2"), record=HELD, force=True)]
    first, second = plan_list(packages, destination(A="0"))
    assert (first.due, second.due, second.package.held) == (False, True, False)


def test_force_imports_where_nothing_would_change():
    (plan,) = plan_list([pack("1", of("A", "1"), force=True)], destination(A="1"))
    assert (plan.due, plan.in_sync) == (True, True)


def test_force_makes_later_packages_due_where_it_changes_what_they_carry():
    packages = [pack("1", of("A", "1"), of("B", "1"), force=True), pack("2", of("A", "2")), pack("3", of("B", "1"))]
    assert due(packages, destination(A="2", B="1")) == ["1", "2"]


def acted_on(selected, **versions):
    packages = [replace(item, selected=item.name in selected) for item in CHAIN]
    return {
        item.package.name: "due" if item.due else "needed" if item.needed else "untouched"
        for item in plan_list(packages, destination(**versions))
    }


@pytest.mark.parametrize(
    ("selected", "drifted", "expected"),
    [
        pytest.param("1", {"A": "0"}, {"1": "due", "2": "needed", "3": "needed"}, id="others would be left older"),
        pytest.param("12", {"A": "0"}, {"1": "due", "2": "due", "3": "needed"}, id="one of the others"),
        pytest.param("1234", {"A": "0"}, {"1": "due", "2": "due", "3": "due"}, id="all"),
        pytest.param("1", {"A": "0", "C": "0", "E": "0"}, {"1": "due", "2": "needed", "3": "needed"}, id="due anyway"),
        pytest.param("3", {"A": "0", "C": "0"}, {"3": "due"}, id="an earlier one is due too"),
        pytest.param("23", {"A": "0"}, {}, id="only an earlier one is due"),
        pytest.param("1", {"B": "0"}, {}, id="only a later one is due"),
        pytest.param("", {"A": "0"}, {}, id="none"),
    ],
)
def test_a_run_limited_to_some_packages_names_those_that_it_would_leave_older(selected, drifted, expected):
    assert acted_on(selected, **{**IN_SYNC, **drifted}) == {**dict.fromkeys("1234", "untouched"), **expected}


def test_a_package_that_is_due_by_itself_is_not_needed():
    packages = [pack("1", of("A", "1")), pack("2", of("B", "1"), selected=False)]
    plans = plan_list(packages, destination(A="0", B="0"))
    assert [(item.due, item.needed, item.in_sync) for item in plans] == [
        (True, False, False),
        (False, False, False),
    ]


def test_a_package_that_is_due_beside_what_another_changes_is_not_needed():
    packages = [pack("1", of("A", "1")), pack("2", of("A", "2", "use_existing"), of("B", "1"), selected=False)]
    plans = plan_list(packages, destination(A="0", B="0"))
    assert [(item.due, item.needed) for item in plans] == [(True, False), (False, False)]


def test_a_package_that_was_taken_back_is_never_needed():
    held = Record("entry", held=True)
    packages = [pack("1", of("A", "1")), pack("2", of("A", "2"), selected=False, record=held)]
    plans = plan_list(packages, destination(A="0"))
    assert [(item.due, item.needed) for item in plans] == [(True, False), (False, False)]


def test_force_does_not_reach_a_package_that_is_not_selected():
    packages = [pack("1", of("A", "1"), selected=False, force=True), pack("2", of("A", "2"))]
    plans = plan_list(packages, destination(A="2"))
    assert [(item.due, item.needed) for item in plans] == [(False, False), (False, False)]


def test_the_summary_counts_each_object_once_and_the_changes_are_those_that_count():
    key = ("A" * 32, REPORT)
    settled = Record("entry", True, before={key: version("0")}, versions={key: version("9")})
    packages = [
        pack(
            "1",
            of("A", "1"),
            of("B", "1"),
            of("C", "1"),
            of("D", "1"),
            of("E", "1", "delete"),
            of("F", "1", "keep_both"),
            of("0", "1"),
            of("1", "1"),
            record=settled,
        ),
        pack("2", of("B", "2")),
    ]
    found = destination(**{"A": "9", "B": "2", "C": "1", "E": "1", "F": "0", "0": HIDDEN, "1": "0"})
    plan, later = plan_list(packages, found)
    once = dict.fromkeys(("create", "replace", "delete", "none", "superseded"), 1)
    assert plan.plan.summary == {**once, "settled": 3, "duplicate": 0, "unknown": 0}
    assert sum(plan.plan.summary.values()) == len(packages[0].content.rows)
    assert effects(plan) == {"D": "create", "E": "delete", "1": "replace"}
    assert [shown["name"] for shown in plan.plan.as_result()["changes"]] == ["D", "E", "1"]
    assert later.due, "package 1 brings an older version of B"


def test_wanted_names_each_object_once_and_no_links():
    packages = [
        pack("1", of("A", "1"), of("B", "1")),
        pack("2", of("A", "2"), project_id=OTHER_PROJECT),
        pack("3", of("A", "3")),
        pack("4", of("A", "1", type=USER), type="configuration", project_id=None),
        pack("5", of("B", "1", type=USER), type="project_security"),
    ]
    assert sorted(wanted(packages)) == sorted(
        [
            (PROJECT_ID, "A" * 32, REPORT),
            (PROJECT_ID, "B" * 32, REPORT),
            (OTHER_PROJECT, "A" * 32, REPORT),
            ("", "A" * 32, USER),
        ]
    )


def test_an_empty_list_and_an_empty_package_are_in_sync():
    assert plan_list([], {}) == []
    assert [item.in_sync for item in plan_list([pack("1")], {})] == [True]


def test_packages_that_share_nothing_may_stand_in_any_order():
    packages = [pack("1", of("A", "1")), pack("2", of("B", "1", "delete")), pack("3", of("C", "1", "use_newer"))]
    found = destination(A="0", B="0", C="0")
    expected = {item.package.name: item for item in plan_list(packages, found)}
    for order in itertools.permutations(packages):
        assert {item.package.name: item for item in plan_list(order, found)} == expected


def test_an_unknown_action_is_not_settled_where_the_object_is_gone():
    packages = [pack("1", of("A", "1", "merge"), record=record())]
    assert due(packages, destination(A="9")) == []
    assert due(packages, destination()) == ["1"]


UNSEEN = Record("entry", unseen=True)


@pytest.mark.parametrize("action", ["keep_both", "replace"])
def test_what_may_have_been_imported_is_not_imported_twice(action):
    """Nobody saw its import end, and what is left shows in no version."""
    found = destination(A="1") if action == "keep_both" else {(PROJECT_ID, "A" * 32, REPORT): HIDDEN}
    (plan,) = plan_list([pack("1", of("A", "2", action), record=UNSEEN)], found)
    assert (plan.due, plan.doubtful, plan.is_left_alone, plan.in_sync) == (False, True, True, False)
    (forced,) = plan_list([pack("1", of("A", "2", action), record=UNSEEN, force=True)], found)
    assert (forced.due, forced.doubtful) == (True, False)
    (known,) = plan_list([pack("1", of("A", "2", action), record=Record("entry"))], found)
    assert known.due


def test_what_was_surely_not_imported_is_due():
    packages = [pack("1", of("A", "2", "keep_both"), of("B", "2"), record=UNSEEN)]
    (missing,) = plan_list(packages, destination(A="1", B="1"))
    assert (missing.due, missing.doubtful) == (True, False)
    (there,) = plan_list(packages, destination(A="2", B="2"))
    assert (there.due, there.doubtful, there.in_sync) == (False, False, True)
