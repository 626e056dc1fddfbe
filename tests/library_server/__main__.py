# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start the double of a MicroStrategy Library server: ``python3 tests/library_server --port 0``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REEXEC_MARK = "MSTR_DOUBLE_REEXEC"


def need_aiohttp() -> None:
    """Make sure that aiohttp is there: continue in the environment made for it if it is not here.

    The environment variable stops a loop, should that environment lack aiohttp as well.
    """
    try:
        import aiohttp  # noqa: F401  pylint: disable=unused-import
    except ImportError:
        python = HERE.parent.parent / ".cache" / "nox" / "double" / "bin" / "python"
        if python.exists() and REEXEC_MARK not in os.environ:
            os.environ[REEXEC_MARK] = "1"
            os.execv(str(python), [str(python), str(HERE), *sys.argv[1:]])
        sys.stderr.write("The server double needs the Python package aiohttp: run 'make demo' first.\n")
        sys.exit(2)


if __name__ == "__main__":
    if sys.argv[1:2] not in (["make-package"], ["sample-packages"]):
        need_aiohttp()
    if str(HERE) not in sys.path:
        sys.path.insert(0, str(HERE))
    from mstr_double.cli import main

    sys.exit(main(sys.argv[1:]))
