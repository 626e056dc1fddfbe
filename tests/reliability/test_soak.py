# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A short soak; the long one is ``make soak``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_a_short_soak() -> None:
    program = Path(__file__).with_name("soak.py")
    command = [sys.executable, str(program), "--deployments", "9", "--environments", "3", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
