# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Links between pages lead somewhere, on the forge as on the site, and every page can be found."""

from __future__ import annotations

import os
import re

import pytest
from pages import PAGES, ROOT, anchors, links


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for link in links(page):
        if link.startswith("https://"):
            continue
        path, _hash, anchor = link.partition("#")
        target = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
        assert (ROOT / target).exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_index_has_every_page() -> None:
    linked = {os.path.normpath("docs/" + link.partition("#")[0]) for link in links("docs/README.md")}
    assert set(PAGES) - linked <= {"README.md", "docs/README.md"}


def test_the_readme_has_what_users_need() -> None:
    """The first section of the index is what a user needs; the README names each page of it."""
    section = (ROOT / "docs" / "README.md").read_text(encoding="utf-8").split("\n## ")[1]
    wanted = {os.path.normpath("docs/" + link) for link in re.findall(r"\]\(([^)#]+)\)", section)}
    assert len(wanted) > 5
    assert wanted <= set(links("README.md"))
