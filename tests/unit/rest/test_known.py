# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which calls a server has: what its answers to harmless questions say of that."""

from __future__ import annotations

import pytest

from ansible_collections.mstr.migration.plugins.module_utils.errors import ServerError
from ansible_collections.mstr.migration.plugins.module_utils.rest.known import BY_NAME, KNOWN_CALLS, is_there

OWN, WITNESS, WRONG_METHOD = BY_NAME["project_lock"], BY_NAME["imports"], BY_NAME["schema_reload"]


def error(status, code=None, message=None):
    return ServerError("refused", status, code=code, server_message=message)


NO_CALL = error(404, "ERR004", "HTTP 404 Not Found")
NO_METHOD = error(405, "ERR001", "HTTP 405 Method Not Allowed")


@pytest.mark.parametrize(
    ("refusal", "own", "witness", "wrong_method"),
    [
        (None, True, True, True),
        (NO_CALL, False, False, False),
        (NO_METHOD, False, False, True),
        (error(404, "ERR004", "The object is not found."), True, True, True),
        (error(404, None, None), None, None, None),
        (error(400, "ERR006", "bad id"), True, True, True),
        (error(403, "ERR014", "no privilege"), True, True, True),
        (error(403), None, None, None),
        (error(401, "ERR009", "session"), None, None, None),
        (error(500, "ERR001", "failed"), True, True, True),
        (error(500), None, None, None),
        (error(501, "ERR001", "not here"), None, None, None),
        (error(503, "ERR016", "later"), None, None, None),
    ],
)
def test_what_an_answer_says(refusal, own, witness, wrong_method):
    assert [is_there(call, refusal, True) for call in (OWN, WITNESS, WRONG_METHOD)] == [own, witness, wrong_method]


def test_a_server_that_hides_methods_does_not_tell_of_paths_without_a_get():
    assert is_there(WRONG_METHOD, NO_CALL, False) is None
    assert is_there(WRONG_METHOD, NO_METHOD, False) is True
    assert is_there(OWN, NO_CALL, False) is False


def test_names_and_calls_are_named_once():
    assert len({call.name for call in KNOWN_CALLS}) == len({call.key for call in KNOWN_CALLS}) == len(KNOWN_CALLS)


@pytest.mark.parametrize("call", KNOWN_CALLS, ids=lambda call: call.name)
def test_what_is_asked_for_has_an_id_of_nothing_or_of_a_project(call):
    """A question names nothing that could be there, but for a project, whose state it reads."""
    assert call.asked.startswith("/")
    assert "{" not in call.asked.replace("{nothing}", "").replace("{project}", "")
    assert not call.lacking.endswith(".")
    if call.has_no_get:
        assert call.method != "GET"
        assert call.asked == call.path.replace("{}", "{nothing}")
