# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The documented calls with curl. Sourced: BASE, USERNAME, PASSWORD, PROJECT_ID, PACKAGE and WORK are given.

set -eu
headers=$(mktemp "$WORK/headers.XXXXXX")
cookies=$(mktemp "$WORK/cookies.XXXXXX")
trap 'rm -f "$headers" "$cookies"' EXIT

call() {
    method=$1
    path=$2
    shift 2
    curl -fsS -X "$method" -b "$cookies" -H "X-MSTR-AuthToken: $token" -H "X-MSTR-ProjectID: $PROJECT_ID" "$@" "$BASE/api$path"
}

# The value of a field of a flat JSON answer, an id's equals signs ready for a path.
field() {
    sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p" | sed 's/=/%3D/g'
}

log_in() {
    curl -fsS -o /dev/null -D "$headers" -c "$cookies" -H 'Content-Type: application/json' \
        -d "{\"username\": \"$USERNAME\", \"password\": \"$PASSWORD\", \"loginMode\": 1}" "$BASE/api/auth/login"
    token=$(sed -n 's/^x-mstr-authtoken: *\([^[:space:]]*\).*/\1/Ip' "$headers")
}

log_out() {
    call POST /auth/logout
}

upload() {
    package=$(call POST /packages | field id)
    call PUT "/packages/$package/binary" -o /dev/null -F "file=@$PACKAGE"
    until [ "$(call GET "/packages/$package" | field status | tr '[:upper:]' '[:lower:]')" = ready ]; do
        sleep 0.2
    done
}

import() {
    process=$(call POST "/packages/imports?packageId=$package&generateUndo=true" -H 'Prefer: respond-async' | field id)
    until [ "$(call GET "/packages/imports/$process" | field undoPackageCreated)" = true ]; do
        sleep 0.2
    done
}

download_undo() {
    call GET "/packages/imports/$process/undoPackage/binary" -o "$WORK/undo-by-curl.mmp"
}

release() {
    call DELETE "/packages/imports/$process" -H 'Prefer: respond-async'
    call DELETE "/packages/$package" -H 'Prefer: respond-async' -o /dev/null
}

sha256() {
    "$PYTHON" -c 'import hashlib, sys; print(hashlib.file_digest(open(sys.argv[1], "rb"), "sha256").hexdigest())' "$1"
}
