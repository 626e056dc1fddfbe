# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages that users read, and what is in them: fenced blocks, headings, links, commands."""

from __future__ import annotations

import re
import shlex
import subprocess
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

__all__ = ["PAGES", "ROOT", "Block", "anchors", "blocks", "commands", "links"]


def tracked() -> list[str]:
    """Return the files that Git has or would take."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [name for name in names if (ROOT / name).exists()]


PAGES = sorted(name for name in tracked() if name.endswith(".md"))


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        page: The page, as a path in the checkout.
        line: The number of its first line, that of the fence.
        language: What stands behind the fence.
        text: What is in it, without the indentation of the fence.
    """

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return "%s:%d" % (self.page, self.line)


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a page."""
    found = []
    text = (ROOT / page).read_text(encoding="utf-8")
    for match in re.finditer(r"^( *)```(\w*)\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL):
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(page, line, match.group(2), textwrap.dedent(match.group(3))))
    assert sum(1 for line in text.splitlines() if line.lstrip().startswith("```")) == 2 * len(found), page
    return found


def without_code(page: str) -> str:
    """Return a page without its blocks and its code, in which a bracket is no link and a hash no heading."""
    text = re.sub(r"^( *)```.*?^\1```$", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]+`(?!\])", lambda match: "x" * len(match.group()), text)


def links(page: str) -> list[str]:
    """Return the targets of a page's links."""
    return re.findall(r"\]\(([^)\s]+)\)", without_code(page))


def anchors(page: str) -> set[str]:
    """Return the anchors of a page's headings, as the forge makes them."""
    text = re.sub(r"^( *)```.*?^\1```$", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(block: Block) -> list[list[str]]:
    """Return the commands of a block as words. In a block of the language console they begin with a dollar."""
    lines = re.sub(r" *\\\n\s*", " ", block.text).splitlines()
    if block.language == "console":
        lines = [line[2:] for line in lines if line.startswith("$ ")]
    elif block.language:
        return []
    found = []
    for line in lines:
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            # Output, or prose.
            continue
        while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
            words = words[1:]
        if words:
            found.append(words)
    return found
