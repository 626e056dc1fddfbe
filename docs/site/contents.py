# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of contents of the documentation site: what docs/README.md links, section by section.

``python contents.py TREE`` writes it into a copy of the checkout.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT_PAGE = "contents"
REFERENCE = """\

.. toctree::
   :caption: Reference
   :maxdepth: 1

   reference/index
   reference/mstr_role
   reference/environment_variables
"""
CHANGELOG = "CHANGELOG.rst"


def sections(index: str) -> list[tuple[str, list[str]]]:
    """Return the headings of docs/README.md, each with the pages that are linked below it, as paths in the checkout."""
    found: list[tuple[str, list[str]]] = []
    for line in index.splitlines():
        if line.startswith("## "):
            found.append((line[3:], []))
        for target in re.findall(r"\]\(([^)#:]+\.(?:md|rst))\)", line) if found else ():
            parts: list[str] = ["docs"]
            for part in target.split("/"):
                parts = parts[:-1] if part == ".." else [*parts, part]
            found[-1][1].append("/".join(parts))
    return found


def write(tree: Path) -> None:
    """Write the table of contents of a copy of the checkout."""
    text = "mstr.migration\n==============\n\n.. toctree::\n   :hidden:\n\n   README\n   docs/README\n"
    text += "\n:doc:`README` says what it is, :doc:`docs/README` where to read on.\n"
    for heading, pages in sections((tree / "docs" / "README.md").read_text(encoding="utf-8")):
        text += "\n.. toctree::\n   :caption: %s\n   :maxdepth: 1\n\n" % heading
        text += "".join("   %s\n" % page.rpartition(".")[0] for page in pages)
    text += REFERENCE
    # There is none before the first release.
    if (tree / CHANGELOG).exists():
        text += "   CHANGELOG\n"
    (tree / (ROOT_PAGE + ".rst")).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
