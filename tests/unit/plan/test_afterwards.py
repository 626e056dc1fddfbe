# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When the schema is reloaded, and caches are purged, after an import."""

from __future__ import annotations

import pytest

from ansible_collections.mstr.migration.plugins.module_utils.package.content import Content
from ansible_collections.mstr.migration.plugins.module_utils.plan.afterwards import NOTHING, Wanted, as_due

ATTRIBUTE, REPORT = ("A" * 32, 12), ("B" * 32, 3)


def content(*update_schema: str) -> Content:
    settings = {"updateSchema": list(update_schema)} if update_schema else {}
    return Content("0" * 64, 1, "project", settings, ())


@pytest.mark.parametrize(
    ("schema", "changed", "itself", "reloads"),
    [
        ("auto", [ATTRIBUTE, REPORT], (), True),
        ("auto", [REPORT], (), False),
        ("auto", [], (), False),
        ("auto", [ATTRIBUTE], ("update_schema_logical_info",), False),
        ("auto", [ATTRIBUTE], ("UPDATE_SCHEMA_LOGICAL_INFO", "recal_table_logical_size"), False),
        ("auto", [ATTRIBUTE], ("recal_table_logical_size", "recal_table_keys_fact_entry_level"), True),
        ("reload", [REPORT], ("update_schema_logical_info",), True),
        ("reload", [], (), False),
        ("none", [ATTRIBUTE], (), False),
    ],
)
def test_the_schema(schema, changed, itself, reloads):
    assert Wanted(schema).after(changed, content(*itself)) == (reloads, False)


@pytest.mark.parametrize("kind", [12, 13, 14, 15, 22, 26, 43])
def test_each_type_of_which_a_schema_is_made(kind):
    assert Wanted("auto").after([("A" * 32, kind)], None) == (True, False)


@pytest.mark.parametrize(
    ("caches", "changed", "purges"), [("purge", [REPORT], True), ("purge", [], False), ("none", [REPORT], False)]
)
def test_caches(caches, changed, purges):
    assert Wanted("none", caches).after(changed, content()) == (False, purges)


def test_what_the_list_says_of_a_package_comes_first():
    wanted = Wanted("auto", "none")
    assert wanted.of({"schema": None, "caches": None}) == wanted
    assert wanted.of({"schema": "none", "caches": "purge"}) == Wanted("none", "purge")
    assert NOTHING.after([ATTRIBUTE], content()) == (False, False)


def test_a_receipt_says_only_what_is_due():
    assert as_due((False, False)) == {"schema": None, "caches": None}
    assert as_due((True, False))["schema"]["due"] is True
