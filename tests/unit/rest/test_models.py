# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the server's answers mean: any spelling that is documented, and nothing else than a ShapeError for the rest."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import OTHER_VERSION, PROJECT_ID, damaged, json_values, row_json

from ansible_collections.mstr.migration.plugins.module_utils.plan import package as plan
from ansible_collections.mstr.migration.plugins.module_utils.rest import models
from ansible_collections.mstr.migration.plugins.module_utils.rest.models import DestinationObject
from ansible_collections.mstr.migration.plugins.module_utils.support.shape import ShapeError

PACKAGE = {"id": "x=", "status": "READY", "settings": {"defaultAction": "replace"}, "content": [row_json()]}
IMPORT = {"id": "x=", "status": "IMPORTED", "undoPackageCreated": True, "progress": 100.0, "message": "done"}
OBJECT = {"id": "x", "version": "1", "dateModified": "2021-03-04T03:53:09.000+0000"}
PROJECTS = [{"id": PROJECT_ID, "name": "Tutorial", "status": 0}]
PARSERS = {
    "package": (models.parse_package, PACKAGE),
    "import": (models.parse_import, IMPORT),
    "object": (models.parse_object, OBJECT),
    "projects": (models.parse_projects, PROJECTS),
    "row": (lambda data: models.parse_row(data, "row"), row_json()),
}
parsers = pytest.mark.parametrize(("parse", "document"), PARSERS.values(), ids=PARSERS)


@parsers
@given(data=st.data())
def test_any_json_is_parsed_or_said_to_be_of_another_shape(parse, document, data):
    answer = data.draw(st.one_of(json_values, damaged(document)))
    with contextlib.suppress(ShapeError):
        parse(answer)


@parsers
def test_fields_that_newer_servers_add_are_ignored(parse, document):
    def extended(value):
        if isinstance(value, dict):
            return dict({key: extended(item) for key, item in value.items()}, brandNew={"a": [1]})
        return [extended(item) for item in value] if isinstance(value, list) else value

    parsed, plain = parse(extended(document)), parse(document)
    assert getattr(parsed, "rows", None) == getattr(plain, "rows", None)
    assert getattr(parsed, "status", None) == getattr(plain, "status", None)


@parsers
def test_a_nest_of_brackets_is_no_crash(parse, document):
    nest = json.loads('{"message": ' + "[" * 900 + "]" * 900 + "}")["message"]
    for key in document if isinstance(document, dict) else ():
        with contextlib.suppress(ShapeError):
            parse(dict(document, **{key: nest}))


@pytest.mark.parametrize("status", ["READY", "ready", "Ready"])
def test_status_words_have_no_case(status):
    assert models.parse_package(dict(PACKAGE, status=status)).status == "ready"
    assert models.parse_import(dict(IMPORT, status=status)).status == "ready"


@pytest.mark.parametrize("action", ["force_replace", "FORCE_REPLACE"])
def test_actions_have_no_case(action):
    assert models.parse_row(row_json(action=action), "row").action == "force_replace"


@pytest.mark.parametrize("missing", ["id", "type"])
def test_what_is_used_is_required_and_the_error_says_where(missing):
    bad = {key: value for key, value in row_json().items() if key != missing}
    with pytest.raises(ShapeError, match=r"content\[1\]\.%s" % missing):
        models.parse_package(dict(PACKAGE, content=[row_json(), bad]))


def test_no_content_is_not_the_same_as_an_empty_one():
    assert models.parse_package({"id": "x=", "status": "EMPTY"}).rows is None
    assert models.parse_package({"id": "x=", "status": "EMPTY", "content": []}).rows == ()


@pytest.mark.parametrize(
    ("progress", "expected"),
    [(0, 0.0), (55.5, 55.5), (100, 100.0), (None, None), ("55", None), (-1, None), (1e9, None)],
)
def test_progress_is_a_percentage_or_nothing(progress, expected):
    assert models.parse_import(dict(IMPORT, progress=progress)).progress == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        (False, False),
        (None, False),
        ("true", True),
        ("True", True),
        ("false", False),
        ("", False),
        (1, False),
    ],
)
def test_whether_the_undo_package_can_be_had(value, expected):
    assert models.parse_import(dict(IMPORT, undoPackageCreated=value)).undo_package_created is expected


def test_the_message_of_a_failed_import_is_fit_to_be_shown():
    message = models.parse_import(dict(IMPORT, message="no\x1b[2J\nway" + "!" * 5000)).message
    assert message.startswith("no")
    assert "\x1b" not in message
    assert "\n" not in message
    assert len(message) <= 1000


@pytest.mark.parametrize("identifier", ["ab12", "AB12", "aB12"])
def test_an_object_is_the_same_whatever_the_case_of_its_id(identifier):
    assert models.parse_row(row_json(id=identifier), "row").key == ("AB12", 3)


date_texts = st.one_of(
    st.text(max_size=30),
    st.dates().map(str),
    st.datetimes().map(str),
    st.datetimes(timezones=st.timezones()).map(str),
    st.sampled_from(
        ["2021-03-04", "2021-W09-4", "20210304T035309Z", "0001-01-01T00:00:00+23:59", "2021-03-04T24:00:00Z"]
    ),
)


@given(date_texts, date_texts)
def test_whatever_two_dates_hold_they_can_be_compared(ours, theirs):
    item = models.parse_row(row_json(dateModified=ours, action="use_newer"), "row")
    change = plan.plan_row(item, "replace", DestinationObject(OTHER_VERSION, theirs))
    assert change.effect in ("replace", "none", "unknown")


def test_a_type_that_nobody_knows_has_its_number_for_a_name():
    assert models.type_name(3) == "report"
    assert "4711" in models.type_name(4711)


def test_a_number_may_come_as_a_text():
    assert models.parse_row(row_json(type="12"), "row").type == 12


def test_the_parts_of_a_failure_name_its_objects():
    part = {"message": "Not found.", "additionalProperties": {"objectId": "AB12", "objectName": "Revenue"}}
    failed = dict(IMPORT, status="failed", message="Dependencies are missing.", subErrors=[part])
    assert models.parse_import(failed).message == 'Dependencies are missing: object AB12 "Revenue": Not found'
    assert models.parse_import(dict(failed, message=None)).message == 'object AB12 "Revenue": Not found'


ROOT = {"name": "Demo Project", "id": "D43364C684E34A5F9B2F9AD7108F7828", "level": 3}
PUBLIC = {"name": "Public Objects", "id": "98FE182C2A10427EACE0CD30B6768258", "level": 2}
REPORTS = {"name": "Reports", "id": "D3C7D461F69C4610AA6BAA5EF51F4125", "level": 1}


@pytest.mark.parametrize(
    ("ancestors", "folder"),
    [
        ([ROOT, PUBLIC, REPORTS], "/Public Objects/Reports"),
        ([REPORTS, ROOT, PUBLIC], "/Public Objects/Reports"),
        ([ROOT], "/"),
        ([REPORTS], "/Reports"),
        ([], None),
        (None, None),
        ({"name": "Reports"}, None),
        ([ROOT, {"name": None, "level": 1}], None),
        ([ROOT, "Reports"], None),
        ([{"name": "Reports", "level": "near"}], None),
    ],
)
def test_the_folder_of_an_object_is_its_path_below_the_projects_root(ancestors, folder):
    assert models.parse_object({**OBJECT, "ancestors": ancestors}).folder == folder


def test_an_object_is_the_same_in_another_folder():
    moved = models.parse_object({**OBJECT, "ancestors": [ROOT, PUBLIC]})
    assert moved == models.parse_object(OBJECT)
