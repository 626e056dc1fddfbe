# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls that an OpenAPI file names, read without a parser of YAML and compared with what one reads."""

from __future__ import annotations

import json
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.mstr.migration.plugins.module_utils.rest.openapi import calls_of, form_of

METHODS = ("get", "put", "post", "delete", "patch")
# Below 128 characters: longer keys are written in another way, and no path of the server is that long.
SEGMENTS = st.one_of(
    st.from_regex(r"[A-Za-z][A-Za-z0-9_.:@-]{0,8}", fullmatch=True),
    st.from_regex(r"\{[A-Za-z]{1,8}\}", fullmatch=True),
)
PATHS = st.lists(SEGMENTS, min_size=1, max_size=6).map(lambda parts: "/" + "/".join(parts))
# Texts that look like what is looked for.
TEXTS = st.one_of(st.text(max_size=40), st.sampled_from(["paths:", "  /no/such/path:\n    get:\n", "get:", "/x: y"]))
OPERATIONS = st.fixed_dictionaries(
    {"responses": st.just({"200": {"description": "get:\n  post:\n"}})},
    optional={"summary": TEXTS, "tags": st.lists(TEXTS)},
)
ITEMS = st.builds(
    lambda operations, more: {**more, **operations},
    st.dictionaries(st.sampled_from(METHODS), OPERATIONS, max_size=3),
    st.fixed_dictionaries({}, optional={"description": TEXTS, "parameters": st.just([{"name": "get", "in": "query"}])}),
)
DOCUMENTS = st.builds(
    lambda paths, before, after: {"openapi": "3.0.1", "info": {"description": before}, "paths": paths, "tags": after},
    st.dictionaries(PATHS, ITEMS, max_size=5),
    TEXTS,
    st.lists(st.fixed_dictionaries({"name": TEXTS, "get": TEXTS}), max_size=2),
)


def expected(document):
    return {
        (method.upper(), form_of(path))
        for path, item in document["paths"].items()
        for method in item
        if method in METHODS
    }


@given(DOCUMENTS, st.integers(2, 6), st.sampled_from([None, '"', "'"]), st.booleans())
def test_as_a_parser_of_yaml_reads_it(document, indent, style, windows):
    text = yaml.safe_dump(
        document, indent=indent, default_style=style, sort_keys=False, width=60, default_flow_style=False
    )
    assert yaml.safe_load(text) == document
    assert calls_of(line + "\r" if windows else line for line in text.split("\n")) == expected(document)


def test_a_file_as_people_and_servers_write_them():
    text = """\
\ufeff# made by a server
openapi: 3.0.1
info:
    description: |
        paths:
          /not/a/path:
            get:
servers:
- url: /MicroStrategyLibrary
paths:
    # a comment
    "/api/packages/{packageId}" :
        description: >
            post:
        get: {responses: {}}
        'put':
            summary: text
    /api/projects:

        GET:
            responses:
    $ref: x
components:
    schemas:
        /no/path:
            get:
                x: y
"""
    assert calls_of(text.split("\n")) == {("GET", "/packages/{}"), ("PUT", "/packages/{}"), ("GET", "/projects")}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<!DOCTYPE html>\n<html>paths:</html>",
        "paths: {}",
        "paths:\n",
        json.dumps({"paths": {"/a": {"get": {}}}}),
        "paths:\n- /a:\n",
    ],
)
def test_what_is_no_such_file_names_no_calls(text):
    assert calls_of(text.split("\n")) == frozenset()


def test_long_lines_take_no_time():
    lines = ["paths:", "  /a:", "    get: {x: %s}" % ("y" * 10000), "  b" + " " * 1000000 + "c"]
    began = time.process_time()
    assert calls_of(lines) == {("GET", "/a")}
    assert time.process_time() - began < 5


@given(st.lists(st.text(max_size=30)))
def test_no_text_makes_it_fail(lines):
    assert all(method.isupper() for method, _path in calls_of(["paths:", *lines]))
