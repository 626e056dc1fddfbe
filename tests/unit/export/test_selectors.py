# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the options of a package that is built say, and which objects a selector lets through."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.mstr.migration.plugins.module_utils.errors import InputError, MigrationError
from ansible_collections.mstr.migration.plugins.module_utils.export.kinds import TAKEN, check_fits, parse_types
from ansible_collections.mstr.migration.plugins.module_utils.export.request import (
    ACL_ON_NEW,
    UPDATE_SCHEMA,
    parse_request,
    parse_settings,
)
from ansible_collections.mstr.migration.plugins.module_utils.export.saved import query_of
from ansible_collections.mstr.migration.plugins.module_utils.export.selectors import (
    FILTERS,
    PLACES,
    Selector,
    parse_selectors,
)
from ansible_collections.mstr.migration.plugins.module_utils.rest.models import ACTIONS, PACKAGE_TYPES
from ansible_collections.mstr.migration.plugins.module_utils.rest.objects import SourceObject

ID = "8D67938B11D3E4981000E787EC6DE8A4"


def item(**fields):
    values = {"id": ID, "type": 3, "name": "Sales 2026", "subtype": 768, "owner_id": "U1", "owner_name": "Tina"}
    return SourceObject(**{**values, "date_modified": "2026-01-31T12:00:00.000+0000", **fields})


def request(**params):
    given_params = {"type": "project", "settings": None, "content": [{"name": "x"}], "exclude": None, "complete": None}
    return parse_request({**given_params, **params})


@pytest.mark.parametrize(
    ("name", "numbers"),
    [("report", (3,)), ("Security_Role", (44,)), ("3", (3,)), ("776", (776,)), (4, (4,)), ("cube", (776, 779))],
)
def test_types_have_names_and_numbers(name, numbers):
    assert parse_types(name, "content: item 1") == numbers


@pytest.mark.parametrize("name", ["metrik", "", "-3", "0", "3.5", "99999999"])
def test_what_is_no_type_names_option_and_item(name):
    with pytest.raises(InputError, match="content: item 7: no type of object is called"):
        parse_types(name, "content: item 7")


def test_only_what_surely_does_not_fit_is_refused():
    for kind in PACKAGE_TYPES[:1] + PACKAGE_TYPES[2:]:
        # A type that came after this was written.
        check_fits(93, kind, "content: item 1")
        for number in TAKEN[kind]:
            check_fits(number, kind, "content: item 1")
            check_fits(number * 256 + 1, kind, "content: item 1")
    for number, kind in ((34, "project"), (8704, "project"), (3, "configuration"), (44, "project_security")):
        with pytest.raises(InputError, match="content: item 1: .* cannot be in a package of type %s" % kind):
            check_fits(number, kind, "content: item 1")


@pytest.mark.parametrize(
    ("selector", "accepts"),
    [
        ({"types": (3,)}, True),
        ({"types": (4, 768)}, True),
        ({"types": (769,)}, False),
        ({"name": "sales*"}, True),
        ({"name": "*2?26"}, True),
        ({"name": "sales"}, False),
        ({"owner": "u1"}, True),
        ({"owner": "TINA"}, True),
        ({"owner": "tin"}, False),
        ({"modified_since": "2026-01-31T12:00:00Z"}, True),
        ({"modified_since": "2026-01-31T13:00:00+0100"}, True),
        ({"modified_since": "2026-01-31T12:00:01Z"}, False),
        ({"name": "sales*", "owner": "tim"}, False),
    ],
)
def test_filters(selector, accepts):
    assert Selector("content: item 1", **selector).accepts(item()) is accepts


@pytest.mark.parametrize(
    ("selector", "lacking"),
    [
        ({"owner": "u1"}, {"owner_id": None, "owner_name": None}),
        ({"modified_since": "2026-01-01T00:00:00Z"}, {"date_modified": None}),
    ],
)
def test_what_the_server_does_not_say_is_no_answer(selector, lacking):
    with pytest.raises(MigrationError, match="content: item 1: the server does not say"):
        Selector("content: item 1", **selector).accepts(item(**lacking))


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), st.integers(-3, 3))
def test_a_time_is_a_limit_that_counts_itself(moment, seconds):
    moment = moment.replace(microsecond=0)
    since = Selector("w", modified_since=moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
    changed = (moment + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    assert since.accepts(item(date_modified=changed)) is (seconds >= 0)


TEXTS = st.one_of(
    st.none(), st.just(""), st.sampled_from(["a", ID, "/Public Objects", "report", "2026-01-01T00:00:00Z"])
)
ITEMS = st.fixed_dictionaries(
    dict.fromkeys((*PLACES, "type", "owner", "name", "modified_since"), TEXTS),
    optional={
        "types": st.lists(st.sampled_from(["report", "metric", "34", "nonsense"]), max_size=2),
        "action": st.sampled_from([None, *ACTIONS]),
        "recursive": st.sampled_from([None, True, False]),
        "include_dependents": st.sampled_from([None, True, False]),
    },
)


@given(st.lists(ITEMS, max_size=3), st.sampled_from(["content", "exclude"]), st.sampled_from(PACKAGE_TYPES))
def test_a_selector_is_refused_by_its_item_or_says_what_it_chooses(items, option, kind):
    said = ""
    try:
        selectors = parse_selectors(items, option, kind)
    except InputError as error:
        said = error.message
        selectors = None
    if selectors is None:
        assert said.startswith(option + ": item ")
        return
    assert len(selectors) == len(items)
    for selector in selectors:
        document = selector.document()
        assert json.loads(json.dumps(document)) == document
        assert any(name in document for name in (*PLACES, *FILTERS))
        # What a manifest has of it is the same selector.
        (again,) = parse_selectors([document], option, kind)
        assert again.document() == document


def test_requests_that_ask_for_the_same_have_the_same_document():
    one = request(content=[{"folder": "/A", "types": ["metric", "report"], "recursive": True, "owner": ""}])
    other = request(content=[{"folder": "/A", "types": ["3", "4", "4"]}], settings={}, exclude=[], complete=False)
    assert one.document("P") == other.document("P")
    assert one.document("P") != one.document("Q")
    for changed in ({"complete": True}, {"settings": {"default_action": "use_newer"}}, {"exclude": [{"name": "x"}]}):
        assert request(**changed).document("P") != request().document("P")


@given(
    st.sampled_from(PACKAGE_TYPES),
    st.fixed_dictionaries(
        {},
        optional={
            "default_action": st.sampled_from([None, *ACTIONS]),
            "update_schema": st.lists(st.sampled_from(UPDATE_SCHEMA)),
            "acl_on_replacing_objects": st.sampled_from([None, "use_existing", "replace", "keep_both"]),
            "acl_on_new_objects": st.lists(st.sampled_from(ACL_ON_NEW)),
        },
    ),
)
def test_settings_fit_the_type(kind, settings):
    said = ""
    try:
        found = parse_settings(settings, kind)
    except InputError as error:
        said, found = error.message, None
    if found is None:
        assert said.startswith("settings: ")
        return
    assert found["defaultAction"] in ACTIONS
    assert ("updateSchema" in found) == (kind == "project")
    assert ("aclOnReplacingObjects" in found) == (kind != "project_security")
    assert found["aclOnNewObjects"]


def test_a_saved_search_is_run_anew_only_where_all_it_asks_for_is_known():
    known = {"id": ID, "name": "My search", "type": 39, "nameQuery": "rev", "root": ID, "ownerId": None}
    known.update(types=["report_definition"], includeSubfolders=True, visibility="visible", scope="not_managed_only")
    query = query_of(known)
    assert query is not None
    assert (query.root, query.types, query.name, query.criteria) == (ID, (3,), "rev", {"includeSubfolders": True})
    for more in ({"usesObject": [{"id": ID}]}, {"types": ["mystery"]}, {"somethingNew": 1}, {"matchExactName": True}):
        assert query_of({**known, **more}) is None
