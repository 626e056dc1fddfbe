# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an import would fail for, in words and as a result; and which version of a server is older."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.mstr.migration.plugins.module_utils.plan.gaps import Gaps, Missing, Named, StillUsed
from ansible_collections.mstr.migration.plugins.module_utils.plan.refusals import is_older

SALES, BOARD = Named(("A" * 32, 3), "Sales"), Named(("B" * 32, 3), "Board")
MARGIN, UNNAMED = Named(("C" * 32, 4), "Margin"), Named(("D" * 32, 13), None)
MANY = tuple(Named(("%032X" % number, 4), "M%d" % number) for number in range(8))


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        (Missing(MARGIN, (SALES,)), 'report "Sales" needs metric "Margin", which is nowhere'),
        (
            Missing(UNNAMED, (SALES, BOARD)),
            'report "Sales", report "Board" need fact %s, which is nowhere' % ("D" * 32),
        ),
        (StillUsed(BOARD, (MARGIN,)), 'report "Board" uses metric "Margin", which is to be deleted'),
        (
            StillUsed(BOARD, MANY),
            'report "Board" uses %s and 3 more, which are to be deleted'
            % ", ".join('metric "M%d"' % number for number in range(5)),
        ),
    ],
)
def test_a_gap_is_a_sentence(gap, said):
    assert gap.sentence == said


named = st.sampled_from((SALES, BOARD, MARGIN, UNNAMED))
some = st.lists(named, max_size=4, unique=True).map(tuple)
gaps = st.builds(
    Gaps,
    st.lists(st.builds(Missing, named, some), max_size=3).map(tuple),
    st.lists(st.builds(StillUsed, named, some), max_size=3).map(tuple),
)


@given(gaps)
def test_what_a_plan_says_comes_back(found):
    objects = {item.key[0]: item for item in (SALES, BOARD, MARGIN, UNNAMED)}
    result = found.as_result()
    assert Gaps.of_result(result["missing"], result["still_used"], objects) == found


@given(gaps, gaps)
def test_what_is_new_was_not_there(found, before):
    new = found.since(before)
    assert found.since(found) == Gaps()
    assert found.since(Gaps()) == found
    assert not {item.what for item in new.missing} & {item.what for item in before.missing}
    assert not {item.user for item in new.still_used} & {item.user for item in before.still_used}


parts = st.tuples(st.integers(9, 12), st.integers(0, 12), st.integers(0, 1300))


@given(parts, parts, st.integers(0, 99999), st.sampled_from(["", "J"]))
def test_the_first_three_numbers_say_what_is_older(one, other, build, letter):
    def text(version):
        return "%d.%d.%04d.%05d%s" % (*version, build, letter)

    assert is_older(text(one), text(other)) == (one < other)


@pytest.mark.parametrize("unknown", [None, "", "2026", "11.3"])
def test_an_unknown_version_is_not_older(unknown):
    assert not is_older(unknown, "11.6.0200.20210")
    assert not is_older("11.6.0200.20210", unknown)
