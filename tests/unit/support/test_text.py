# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text from elsewhere: nothing in it reaches a terminal or a path unchecked."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.mstr.migration.plugins.module_utils.rest import address
from ansible_collections.mstr.migration.plugins.module_utils.support import text

any_text = st.text(st.characters(), max_size=200)


@given(any_text, st.integers(3, 100))
def test_no_control_character_gets_through_and_the_limit_holds(raw, limit):
    shown = text.printable(raw, limit)
    assert len(shown) <= limit
    assert not [char for char in shown if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    shown.encode("utf-8")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("Umsatz für Zürich 売上", "Umsatz für Zürich 売上"),
        ("one\r\ntwo\tthree", "one two three"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("\u202eemoh", "\\u202eemoh"),
        ("\x9b2J", "\\x9b2J"),
        ("\ud800", "\\ud800"),
        (None, "None"),
        (ValueError("no"), "no"),
    ],
)
def test_what_is_shown(raw, shown):
    assert text.printable(raw) == shown


def test_what_is_cut_says_so():
    assert text.printable("x" * 301) == "x" * 297 + "..."
    assert text.printable("x" * 300) == "x" * 300
    assert text.printable(" " * 10_000_000 + "x").endswith("...")


@given(any_text)
def test_a_part_of_a_path_stays_one(raw):
    part = text.file_name_part(raw)
    assert part not in ("", ".", "..")
    assert not set(part) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
    assert len(part) <= 100


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        ("finance 1.0", "finance_1.0"),
        ("../../etc/passwd", "etc_passwd"),
        ("..", "_"),
        ("", "_"),
        (".hidden", "hidden"),
        ("a\\b\0c", "a_b_c"),
    ],
)
def test_parts_of_paths(raw, part):
    assert text.file_name_part(raw) == part


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://mstr.example.com/MicroStrategyLibrary", "mstr.example.com_MicroStrategyLibrary"),
        ("https://mstr.example.com:443/MicroStrategyLibrary", "mstr.example.com_MicroStrategyLibrary"),
        ("https://MSTR.example.com/MicroStrategyLibrary", "mstr.example.com_MicroStrategyLibrary"),
        ("https://mstr.example.com:8443/MicroStrategyLibrary", "mstr.example.com_8443_MicroStrategyLibrary"),
        ("http://mstr.example.com:80/MicroStrategyLibrary", "mstr.example.com_MicroStrategyLibrary"),
        ("https://mstr.example.com", "mstr.example.com"),
    ],
)
def test_an_environment_is_named_after_host_port_and_path(url, name):
    assert text.environment_from_url(url) == name


@pytest.mark.parametrize(
    "other", ["https://b/Library", "https://a:8443/Library", "https://a/Library2", "https://a/team/Library"]
)
def test_other_environments_have_other_names(other):
    assert text.environment_from_url(other) != text.environment_from_url("https://a/Library")


# Addresses whose plain names are one.
SAME_NAMES = [
    ["https://a/b_c", "https://a/b/c", "https://a/b//c", "https://a/b c", "https://a/b%20c", "https://a/b\u00e9c"],
    ["https://a/b\u00e9", "https://a/b\u00e8"],
    ["https://a/b", "https://a/b./", "https://a/b_"],
    ["https://a/" + "x" * 120 + "1", "https://a/" + "x" * 120 + "2"],
    ["https://a:8443/Library", "https://a/8443/Library", "https://a_8443/Library"],
    ["https://[::1]/Library", "https://[1::]/Library"],
]


@pytest.mark.parametrize("urls", SAME_NAMES, ids=lambda urls: urls[0][:20])
def test_addresses_that_would_have_one_name_have_several(urls):
    names = [text.environment_from_url(url) for url in urls]
    assert len(set(names)) == len(urls)
    for name in names:
        assert text.file_name_part(name) == name


def test_spellings_of_an_address_have_one_name():
    assert text.environment_from_url("https://A:443/b_c/") == text.environment_from_url("https://a/b_c")


@given(*[st.from_regex(r"\Ahttps://[a-z0-9._-]{1,6}(:[1-9]\d{0,3})?(/[ -.0-~]{0,6}){0,3}\Z") for _url in range(2)])
def test_two_addresses_have_two_names(one, other):
    # An address has no query: base_url refuses it.
    assume(not {"?", "#"} & {*one, *other})
    try:
        same = address.same_base_url(one.rstrip("/"), other.rstrip("/"))
        names = [text.environment_from_url(url.rstrip("/")) for url in (one, other)]
    except ValueError:
        assume(False)
    assert same or names[0] != names[1]


@given(
    st.from_regex(r"\A[a-z0-9.-]{1,40}\Z"),
    st.one_of(st.just(""), st.integers(1, 65535).map(":{}".format)),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=150),
)
def test_an_environments_name_is_a_part_of_a_path(host, port, path):
    name = text.environment_from_url("https://%s%s/%s" % (host, port, path))
    assert "/" not in name
    assert name not in ("", ".", "..")
    assert len(name) <= 100


@pytest.mark.parametrize(("raw", "width"), [("Year", 4), ("売上", 4), ("Revenu\u0301", 6), ("", 0)])
def test_how_wide_a_text_is(raw, width):
    assert text.columns(raw) == width


@given(any_text, st.integers(0, 60))
def test_a_shortened_text_fits_and_begins_as_it_did(raw, width):
    short = text.shortened(raw, width)
    assert text.columns(short) <= width
    if short != raw:
        assert short.endswith("..."[:width])
        assert raw.startswith(short[: max(0, len(short) - 3)])


@pytest.mark.parametrize(
    ("width", "short"),
    [
        (39, "/Public Objects/Reports/Finance/Monthly"),
        (38, "/Public Objects/.../Finance/Monthly"),
        (34, "/Public Objects/.../Monthly"),
        (26, ".../Monthly"),
        (10, "/Pu...thly"),
    ],
)
def test_a_shortened_path_keeps_where_it_begins_and_ends(width, short):
    assert text.shortened_path("/Public Objects/Reports/Finance/Monthly", width) == short


@given(any_text.map(lambda raw: "/" + raw) | any_text, st.integers(0, 60))
def test_a_shortened_path_fits(raw, width):
    assert text.columns(text.shortened_path(raw, width)) <= width


@given(any_text, st.integers(2, 60))
def test_a_folded_text_fits_and_loses_nothing(raw, width):
    lines = text.folded(raw, width)
    assert lines
    assert all(text.columns(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(raw.split())
