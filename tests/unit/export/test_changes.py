# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changes in a package: by objects and versions, whatever their order."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import SHA256, row

from ansible_collections.mstr.migration.plugins.module_utils.export.changes import Entry, changes, counts, of_rows, text
from ansible_collections.mstr.migration.plugins.module_utils.export.needs import users_of
from ansible_collections.mstr.migration.plugins.module_utils.package import manifest
from ansible_collections.mstr.migration.plugins.module_utils.package.content import Content, with_reasons
from ansible_collections.mstr.migration.plugins.module_utils.rest.models import Component
from ansible_collections.mstr.migration.plugins.module_utils.support.text import readable_json

KEYS = st.tuples(st.sampled_from(["A" * 32, "B" * 32, "C" * 32, "D" * 32]), st.sampled_from([3, 4]))
ENTRIES = st.builds(Entry, st.just("n"), st.sampled_from(["V1", "v1", "V2"]), st.sampled_from(["replace", "delete"]))
PACKAGES = st.dictionaries(KEYS, ENTRIES, max_size=6)


@given(PACKAGES)
def test_nothing_changes_from_a_package_to_itself(package):
    other = {key: entry._replace(version=entry.version.lower(), name="other") for key, entry in package.items()}
    assert changes(package, other) == []
    assert counts([]) == "the same objects"


@given(PACKAGES, PACKAGES)
def test_changes_lead_from_one_package_to_the_other(before, after):
    found = changes(before, after)
    made = dict(before)
    for change in found:
        if change.after is None:
            del made[change.key]
        else:
            made[change.key] = change.after
    assert changes(made, after) == []
    assert len({change.key for change in found}) == len(found)
    old, new = before, after
    back = {change.key: change.what for change in changes(new, old)}
    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    assert {change.key: turned[change.what] for change in found} == back


@given(PACKAGES, PACKAGES)
def test_a_diff_has_a_line_for_each_change(before, after):
    found = changes(before, after)
    lines = text("sales.mmp", "Tutorial", found).splitlines()
    assert lines[0] == "package sales.mmp (project Tutorial)"
    assert [line[0] for line in lines[1:-1]] == [
        {"added": "+", "changed": "~", "removed": "-"}[one.what] for one in found
    ]


@given(
    st.dictionaries(
        KEYS, st.one_of(st.none(), st.lists(KEYS.map(lambda key: Component(*key)), max_size=3).map(tuple)), max_size=5
    )
)
def test_users_are_the_other_side_of_components(components):
    users = users_of(components.items())
    for user, used in components.items():
        for needed in used or ():
            assert user[0] in users[needed.key]
    assert sum(len(ids) for ids in users.values()) <= sum(len(set(used or ())) for used in components.values())


def content(*rows, **fields):
    return Content(SHA256, 4, "project", {"defaultAction": "replace"}, rows, **fields)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_manifest_is_the_text_of_one_document(count):
    rows = [row(id="%032X" % number, name="a\n\u202e \x00rows \u00fc", components=()) for number in range(count)]
    text_of_it = manifest.dumps(content(*rows, request={"content": [{"name": "\x00rows"}]}))
    assert text_of_it == readable_json(json.loads(text_of_it))
    assert len(json.loads(text_of_it)["content"]) == count


def test_a_manifest_says_why_and_one_of_before_stays_as_it_was():
    plain = content(row())
    assert "included" not in manifest.dumps(plain)
    told = row(
        included="needed", needed_by=("A" * 32,), components=(Component("B" * 32, 12), Component("C" * 32, 4, "Margin"))
    )
    why = content(told, request={"complete": True}, seen_until="2026-01-31T12:00:00.000+0000")
    assert manifest.loads(manifest.dumps(why)) == why
    # Why a row is there is nothing that the server could agree with.
    assert why.digest == plain.digest
    assert manifest.differences(why, plain.settings, plain.rows) == []
    assert with_reasons(plain, why) == why
    assert of_rows(why.rows)[told.key].included == "needed"
