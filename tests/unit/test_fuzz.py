# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever JSON and whatever options there are: a plan, or an error in words.

The parsers of single documents have their own such tests, beside the others of theirs.
"""

from __future__ import annotations

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st
from samples import OTHER_VERSION, PROJECT_ID, VERSION, damaged, json_values, listed, row_json

from ansible_collections.mstr.migration.plugins.module_utils.errors import InputError
from ansible_collections.mstr.migration.plugins.module_utils.history.queries import Record
from ansible_collections.mstr.migration.plugins.module_utils.module.options import parse_mode
from ansible_collections.mstr.migration.plugins.module_utils.package.file import parse_checksum
from ansible_collections.mstr.migration.plugins.module_utils.plan.listing import plan_list, wanted
from ansible_collections.mstr.migration.plugins.module_utils.plan.package import CannotTell
from ansible_collections.mstr.migration.plugins.module_utils.plan.text import describe
from ansible_collections.mstr.migration.plugins.module_utils.rest.address import normalise_base_url
from ansible_collections.mstr.migration.plugins.module_utils.rest.models import (
    PACKAGE_TYPES,
    DestinationObject,
    parse_object,
    parse_package,
)
from ansible_collections.mstr.migration.plugins.module_utils.support.shape import ShapeError
from ansible_collections.mstr.migration.plugins.module_utils.support.text import environment_from_url

PACKAGE = {
    "id": "A=",
    "status": "READY",
    "settings": {"defaultAction": "replace"},
    "content": [row_json(), row_json(type=8, action="keep_both"), row_json(level="configuration_object", type=34)],
}
THERE = {
    "id": "A" * 32,
    "name": "Revenue",
    "type": 3,
    "version": VERSION,
    "dateModified": "2021-03-04T03:53:09.000+0000",
}


@st.composite
def packages(draw):
    """Return packages as a server that has gone mad describes them."""
    answer = draw(st.one_of(damaged(PACKAGE), st.just(PACKAGE), json_values))
    try:
        info = parse_package(answer)
    except ShapeError:
        return None
    return listed(
        *(info.rows or ()),
        name=draw(st.text(max_size=8)),
        settings=info.settings,
        type=draw(st.sampled_from(PACKAGE_TYPES)),
        project_id=draw(st.sampled_from([None, PROJECT_ID])),
        force=draw(st.booleans()),
        selected=draw(st.booleans()),
        record=draw(st.sampled_from([None, Record("entry"), Record("entry", held=True), Record("entry", unseen=True)])),
    )


@given(st.lists(packages(), max_size=3), st.data())
def test_a_plan_of_anything_is_one_that_can_be_shown(items, data):
    known = [item for item in items if item is not None]
    found = {}
    for key in wanted(known):
        what = data.draw(st.sampled_from(["missing", "hidden", "there", "mad"]))
        if what == "hidden":
            found[key] = CannotTell("forbidden")
        elif what == "there":
            found[key] = DestinationObject(OTHER_VERSION, None)
        elif what == "mad":
            with contextlib.suppress(ShapeError):
                found[key] = parse_object(data.draw(damaged(THERE)))
    for planned in plan_list(known, found):
        json.dumps(planned.plan.as_result())
        text = describe(planned.package.name, planned.plan)
        assert text.isprintable() or "\n" in text
        assert all(line.isprintable() for line in text.split("\n"))
        assert not (planned.due and planned.is_left_alone)
        assert not (planned.in_sync and planned.is_left_alone)


OPTIONS = st.one_of(st.text(max_size=40), st.integers(), st.floats(), st.booleans(), st.none())


def refused(parse, value):
    """Return what is made of a value, or the message that refuses it."""
    try:
        return parse(value), None
    except InputError as error:
        return None, error.message


@given(OPTIONS)
def test_any_mode_is_one_or_refused(value):
    mode, message = refused(parse_mode, value)
    if message is None:
        assert mode & 0o600 == 0o600
        assert not mode & 0o113
    else:
        assert "history_mode" in message


@given(st.one_of(st.none(), st.text(max_size=80), st.from_regex(r"sha256:[0-9a-fA-F]{60,66}", fullmatch=True)))
def test_any_checksum_is_one_or_refused(value):
    checksum, message = refused(parse_checksum, value)
    if message is None:
        assert checksum is None or len(checksum) == 64
    else:
        assert "checksum" in message


@given(st.one_of(st.text(max_size=60), st.text(max_size=30).map("https://host/".__add__)))
def test_any_address_is_one_or_refused(value):
    url, message = refused(normalise_base_url, value)
    if message is None:
        assert url.startswith(("http://", "https://"))
        assert "/" not in environment_from_url(url)
    else:
        assert "base_url" in message
        assert message.isprintable()
