#!/bin/sh
# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Save the undo package of an import that the session in SESSION_TOKEN and SESSION_COOKIES holds, and make its sha256.

. "$(dirname "$0")/steps.sh"
token=$SESSION_TOKEN
cat "$SESSION_COOKIES" > "$cookies"
process=$IMPORT_ID
download_undo
sha256 "$WORK/undo-by-curl.mmp"
