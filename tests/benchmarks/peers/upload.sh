#!/bin/sh
# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Upload a package, release it, and make its sha256: what a module does that stages a package.

. "$(dirname "$0")/steps.sh"
log_in
upload
call DELETE "/packages/$package" -H 'Prefer: respond-async' -o /dev/null
log_out
sha256 "$PACKAGE"
