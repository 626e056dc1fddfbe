# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The name of an environment, which is that of its directory in a history."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..errors import InputError
from ..session.file import SessionFile
from ..support.text import environment_from_url, file_name_part, plain_environment_from_url, printable


def environment_name(params: Mapping[str, Any], url: str, session: SessionFile | None) -> str:
    """Return the environment's name.

    Raises:
        InputError: The name that was given is none for a directory.
    """
    given = params.get("environment_name")
    if not given:
        # One that logged in without a history could not know how this one calls it.
        if session is not None and session.environment != environment_from_url(url):
            return session.environment
        return _name_of(url, params.get("history_dir"))
    if file_name_part(given) != given:
        raise InputError(
            "environment_name: %s is to be a directory's name: up to 100 letters, digits and . _ -, beginning "
            "and ending with a letter, a digit or -." % printable(given, 100)
        )
    return str(given)


def _name_of(url: str, history_dir: str | None) -> str:
    """Return the name of an environment that was given none.

    Before names were made so that no two addresses share one, an environment may have got the plain one.
    """
    name, plain = environment_from_url(url), plain_environment_from_url(url)
    if history_dir and name != plain and not os.path.isdir(os.path.join(history_dir, name)):
        # Imported where it is needed, because hardly any address needs it.
        from .store import History

        if History(history_dir, plain, base_url=url).all_entries():
            return plain
    return name
