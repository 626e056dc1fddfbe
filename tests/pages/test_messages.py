# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/troubleshooting.md quotes messages that the code still has: who looks one up at night finds it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import ansible.executor.task_queue_manager
import pytest
from pages import ROOT

PAGE = ROOT / "docs" / "troubleshooting.md"
# What ansible-core itself says, and in which of its files.
OF_ANSIBLE = {
    "User interrupted execution": ("cli/__init__.py", "User interrupted execution"),
    "Failed to import the required Python library (requests)": (
        "module_utils/basic.py",
        "Failed to import the required Python library (%s)",
    ),
}
# What stands for a value in a message: of the operator %, of format(), of an f-string.
VALUE = re.compile(r"%\([^)]*\)[sdrfg]|%[\d.]*[sdrfg]|\{[^{}]*\}|\x00")
# A piece of a message that could stand anywhere says nothing.
LEAST = 8


def texts() -> list[str]:
    """Return the texts of the plugins' code, and the lines of roles and playbooks.

    A value that an f-string fills in is the character NUL.
    """
    found = []
    for part in ("roles", "playbooks", "extensions"):
        for path in sorted((ROOT / part).rglob("*.yml")):
            found += [
                line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.lstrip()[:1] != "#"
            ]
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        # What EXAMPLES and the like show is no message.
        for node in tree.body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("DOCUMENTATION", "EXAMPLES", "RETURN"):
                documentation.add(id(node.value))
        for node in ast.walk(tree):
            if id(node) in documentation:
                continue
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "\x00" for part in node.values]
                found.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    # A text within a template.
    return found + [text for template in found if "{{" in template for text in re.findall("'([^']+)'", template)]


def pieces(text: str) -> list[str]:
    """Return the parts of a text of the code between what is filled in."""
    return [piece for piece in VALUE.split(text) if len(piece.strip()) >= 3]


PIECES = sorted({piece for text in texts() for piece in pieces(text)}, key=len, reverse=True)
QUOTES = [
    quote.replace("\\|", "|")
    for row in re.findall(r"^\| (`.*?) \| ", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    for quote in re.findall(r"`([^`]+)`", row)
    # Names of options and codes of the server, which the row's message is about.
    if " " in quote
]


def uncovered(part: str) -> str:
    """Return a part of a quote less what texts of the code say of it.

    A text of the code covers the place in the quote where it stands. Where the quote shows only a stretch of a text, it
    stands in that as a whole.
    """
    if any(part in piece for piece in PIECES):
        return ""
    for piece in PIECES:
        stripped = piece.strip(" .,:;")
        if len(stripped) >= LEAST:
            part = part.replace(stripped, "\n")
        # The quote begins within the text, or ends within it.
        if (length := overlap(part, stripped)) >= LEAST:
            part = part[:-length]
        if (length := overlap(stripped, part)) >= LEAST:
            part = part[length:]
    return part


def overlap(first: str, second: str) -> int:
    """Return the length of the longest end of a text that is the beginning of another one."""
    return next((n for n in range(min(len(first), len(second)), 0, -1) if first.endswith(second[:n])), 0)


def leftover(quote: str) -> list[str]:
    """Return what no text of the code accounts for: words, without values such as numbers and codes."""
    words = []
    for part in re.split(r" ?\.\.\. ?", quote):
        rest = uncovered(part.strip())
        words += [word for word in re.findall(r"[A-Za-z_]{2,}\w*", rest) if not re.fullmatch(r"ERR\d+", word)]
    return words


def test_there_are_messages() -> None:
    assert len(QUOTES) > 40
    assert len(PIECES) > 400


@pytest.mark.parametrize("quote", QUOTES)
def test_a_message_is_said(quote: str) -> None:
    if quote in OF_ANSIBLE:
        root = Path(ansible.executor.task_queue_manager.__file__).parents[1]
        name, text = OF_ANSIBLE[quote]
        assert text in (root / name).read_text(encoding="utf-8")
        return
    # A name or a value that the example has in it (finance, 3, 8) may be left; a message that is gone leaves more.
    assert len(leftover(quote)) <= 2, leftover(quote)


def test_a_message_that_is_gone_is_seen() -> None:
    assert len(leftover("the server has run out of paper and asks for more")) > 2
    assert len(leftover("the list is somewhat empty and lonely")) > 2
