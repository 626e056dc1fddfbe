#!/bin/sh
# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# One package: log in, upload, import, save the undo package, release, log out.

. "$(dirname "$0")/steps.sh"
log_in
upload
import
download_undo
release
log_out
