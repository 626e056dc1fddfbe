# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifest: a text that comes back as it was, diffs well, and shows every difference."""

from __future__ import annotations

import contextlib
import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import OBJECT_ID, SHA256, damaged, json_values, row

from ansible_collections.mstr.migration.plugins.module_utils.package import manifest
from ansible_collections.mstr.migration.plugins.module_utils.package.content import Content, sort_rows
from ansible_collections.mstr.migration.plugins.module_utils.rest import models
from ansible_collections.mstr.migration.plugins.module_utils.rest.models import Row
from ansible_collections.mstr.migration.plugins.module_utils.support.shape import ShapeError

texts = st.text(max_size=12)
optional_texts = st.one_of(st.none(), st.text(min_size=1, max_size=12))
rows = st.builds(
    Row,
    id=st.integers(0, 5).map("{:032X}".format),
    name=texts,
    type=st.sampled_from([3, 8, 34, 9999]),
    version=optional_texts,
    date_modified=optional_texts,
    action=st.sampled_from([*models.ACTIONS, None]),
    level=st.sampled_from(["project_object", "configuration_object", None]),
)
distinct_rows = st.lists(rows, max_size=6, unique_by=lambda item: item.key)
settings = st.dictionaries(texts, st.one_of(texts, st.booleans(), st.lists(texts, max_size=3)), max_size=4)
requests = st.one_of(st.none(), st.dictionaries(texts, texts, max_size=3))
SMALL = Content(SHA256, 4, "project", {"defaultAction": "replace"}, (row(),))


def of(content, **fields):
    return dataclasses.replace(SMALL, rows=tuple(content), **fields)


@given(distinct_rows, settings, requests, st.sampled_from(models.PACKAGE_TYPES), st.integers(0))
def test_a_manifest_comes_back_as_it_was_written(content, chosen, request, kind, size):
    written = Content(SHA256, size, kind, chosen, tuple(content), request)
    read = manifest.loads(manifest.dumps(written))
    assert read == dataclasses.replace(written, rows=sort_rows(content))
    assert manifest.dumps(read) == manifest.dumps(written)
    assert manifest.differences(read, chosen, content) == []


@given(st.lists(rows, max_size=6).flatmap(lambda items: st.tuples(st.just(items), st.permutations(items))))
def test_the_order_of_the_rows_does_not_show(pair):
    content, shuffled = pair
    assert manifest.dumps(of(content)) == manifest.dumps(of(shuffled))


@given(settings.flatmap(lambda chosen: st.tuples(st.just(chosen), st.permutations(sorted(chosen)))))
def test_the_order_of_the_settings_does_not_show(pair):
    chosen, order = pair
    assert manifest.dumps(of([], settings=chosen)) == manifest.dumps(
        of([], settings={key: chosen[key] for key in order})
    )


@given(
    st.lists(rows, min_size=1, max_size=6, unique_by=lambda item: item.key),
    st.data(),
    st.fixed_dictionaries(
        {}, optional={"name": texts, "version": optional_texts, "action": st.sampled_from([*models.ACTIONS, None])}
    ),
)
def test_a_change_of_one_object_touches_only_its_own_lines(content, data, change):
    place = data.draw(st.integers(0, len(content) - 1))
    changed = list(content)
    changed[place] = dataclasses.replace(content[place], **change)
    before, after = manifest.dumps(of(content)).split("\n"), manifest.dumps(of(changed)).split("\n")
    assert len(before) == len(after)
    its_lines = [number for number, line in enumerate(before) if '"id": "%s"' % content[place].id in line]
    touched = [number for number, pair in enumerate(zip(before, after)) if pair[0] != pair[1]]
    assert all(any(start <= number < start + 8 for start in its_lines) for number in touched)
    assert len(touched) == len({key for key, value in change.items() if getattr(content[place], key) != value})


def test_the_text_is_json_with_the_documented_fields_and_one_field_a_line():
    text = manifest.dumps(of([row()], request={"content": ["x"]}))
    document = json.loads(text)
    assert list(document) == ["sha256", "size", "type", "settings", "content", "request"]
    assert document["content"] == [
        {
            "id": row().id,
            "name": "Revenue",
            "type": 3,
            "type_name": "report",
            "version": row().version,
            "date_modified": row().date_modified,
            "action": "replace",
            "level": "project_object",
        }
    ]
    assert text.endswith("}\n")
    assert all(line.count('": ') <= 1 for line in text.split("\n"))


@given(st.one_of(json_values, damaged(json.loads(manifest.dumps(SMALL)))))
def test_any_json_is_a_manifest_or_said_to_be_none(document):
    with contextlib.suppress(ShapeError):
        read = manifest.loads(json.dumps(document))
        assert manifest.loads(manifest.dumps(read)) == read


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "[" * 100_000,
        '{"content": ' + "9" * 10_000 + "}",
        manifest.dumps(SMALL).replace(SHA256, "z" * 64),
        manifest.dumps(SMALL).replace(SHA256, SHA256[:40]),
        manifest.dumps(SMALL).replace('"size": 4', '"size": -4'),
        manifest.dumps(SMALL).replace('"size": 4', '"size": true'),
        manifest.dumps(SMALL).replace('"type": "project"', '"type": "bundle"'),
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_manifest_is_refused(text):
    with pytest.raises(ShapeError):
        manifest.loads(text)


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("name", "Costs"),
        ("version", "0" * 32),
        ("date_modified", "2022-01-01T00:00:00.000+0000"),
        ("action", "delete"),
        ("action", None),
        ("level", "configuration_object"),
    ],
)
def test_a_field_that_differs_from_the_reviewed_one_is_named(field, other):
    (sentence,) = manifest.differences(SMALL, SMALL.settings, [row(**{field: other})])
    assert field in sentence
    assert row().id in sentence


@pytest.mark.parametrize(
    "served",
    [
        pytest.param([], id="one less"),
        pytest.param([row(), row(id="0" * 32)], id="one more"),
        pytest.param([row(type=4)], id="another type"),
        pytest.param([row(), row()], id="the same object twice"),
        pytest.param([row(action="delete"), row()], id="the same object twice, with another action first"),
        pytest.param([row(), row(action="delete")], id="the same object twice, with another action last"),
    ],
)
def test_objects_that_nobody_reviewed_are_a_difference(served):
    assert manifest.differences(SMALL, SMALL.settings, served)


@pytest.mark.parametrize(
    ("settings", "differ"),
    [
        ({"defaultAction": "replace"}, False),
        ({"defaultAction": "replace", "updateSchema": []}, False),
        ({"defaultAction": "replace", "updateSchema": None}, False),
        ({"defaultAction": "force_replace"}, True),
        ({"defaultAction": "replace", "aclOnReplacingObjects": "replace"}, True),
        ({}, True),
    ],
)
def test_settings_are_compared_too(settings, differ):
    assert bool(manifest.differences(SMALL, settings, [row()])) is differ


def test_the_order_of_a_setting_that_is_a_list_is_no_difference():
    settings = {"updateSchema": ["recal_table_logical_size", "recal_table_keys_fact_entry_level"]}
    turned = {"updateSchema": settings["updateSchema"][::-1]}
    reviewed = Content("0" * 64, 1, "project", settings, ())
    assert manifest.differences(reviewed, turned, ()) == []
    assert manifest.differences(reviewed, {"updateSchema": settings["updateSchema"][:1]}, ()) != []


def test_what_does_not_show_is_escaped_for_the_reviewer():
    row = Row("0" * 32, "Sales\u202eseirtnE\u009b é", 4, None, None, "replace", None)
    text = manifest.dumps(Content("0" * 64, 1, "project", {}, (row,)))
    assert "Sales\\u202eseirtnE\\u009b é" in text
    assert manifest.loads(text).rows == (row,)


def test_the_digest_is_that_of_what_is_said():
    settings = {"defaultAction": "replace", "aclOnNewObjects": ["a", "b"], "updateSchema": []}
    rows = (row(), row(id=OBJECT_ID.lower()[::-1], version="ab"))

    def digest_of(settings, rows):
        return Content(SHA256, 4, "project", settings, tuple(rows)).digest

    digest = digest_of(settings, rows)
    same = {"aclOnNewObjects": ["b", "a"], "defaultAction": "replace"}
    assert digest_of(same, [row(id=OBJECT_ID[::-1], version="AB"), row()]) == digest
    for other in (row(version="AC"), row(action="delete"), row(name="Other"), row(type=12), row(date_modified=None)):
        assert digest_of(settings, (other, rows[1])) != digest
    assert digest_of({**settings, "defaultAction": "delete"}, rows) != digest
    assert digest_of(settings, rows[:1]) != digest


def test_ids_and_versions_in_another_case_are_no_difference():
    known = Content("a" * 64, 1, "project", {}, (row(version="AB"),))
    assert manifest.differences(known, {}, [row(id=OBJECT_ID.lower(), version="ab")]) == []
