# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options: one argument spec, and what the options come to together."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.errors import AnsibleFallbackNotFound

from ..errors import InputError
from ..rest.address import TransportOptions, normalise_base_url, same_base_url
from ..rest.login import LOGIN_MODES
from ..support.files import readable_file
from ..support.text import printable
from .file import SessionFile


class _FromEnvironment(str):
    """An option's value that the environment gave, not the task."""


class _Default(str):
    """An option's value that nobody gave."""


def _environment(name: str) -> str:
    """Return what the environment says, without white space around it, so that it can be told from what the task says.

    What the task says beats the environment, also in another option. A task with a user and a password must not fail,
    nor log in as somebody else, because MSTR_API_TOKEN is set.
    """
    return _marked(os.environ.get(name, "").strip())


def _environment_line(name: str) -> str:
    # A secret that is mounted as a file ends in a line break, and no password does. Other white space may belong to it.
    return _marked(os.environ.get(name, "").rstrip("\r\n"))


def _marked(value: str) -> str:
    if not value:
        raise AnsibleFallbackNotFound
    return _FromEnvironment(value)


def connection_spec(with_project: bool = True) -> dict[str, Any]:
    """Return the argument spec of the connection options, the option project among them or not."""
    spec: dict[str, Any] = {
        "base_url": {"type": "str", "fallback": (_environment, ["MSTR_BASE_URL"])},
        "username": {"type": "str", "fallback": (_environment_line, ["MSTR_USERNAME"])},
        "password": {"type": "str", "no_log": True, "fallback": (_environment_line, ["MSTR_PASSWORD"])},
        "api_token": {"type": "str", "no_log": True, "fallback": (_environment, ["MSTR_API_TOKEN"])},
        "login_mode": {
            "type": "str",
            "choices": list(LOGIN_MODES),
            "default": _Default("standard"),
            "fallback": (_environment, ["MSTR_LOGIN_MODE"]),
        },
        "session_file": {"type": "path"},
        "validate_certs": {"type": "bool", "default": True, "fallback": (_environment, ["MSTR_VALIDATE_CERTS"])},
        "ca_path": {"type": "path", "fallback": (_environment, ["MSTR_CA_PATH"])},
        "client_cert": {"type": "path"},
        # The path of a key is no secret.
        "client_key": {"type": "path", "no_log": False},
        "timeout": {"type": "float", "default": 60.0, "fallback": (_environment, ["MSTR_TIMEOUT"])},
        "retries": {"type": "int", "default": 3},
        "environment_name": {"type": "str"},
    }
    if with_project:
        spec["project"] = {"type": "str", "fallback": (_environment, ["MSTR_PROJECT"])}
    return spec


def secrets_of(params: Mapping[str, Any]) -> set[str]:
    """Return what of a task's options must not be shown, each with and without white space around it.

    A task with a session file is given them too, and its server knows them from the log-in.
    """
    given = [value for value in (params.get("password"), params.get("api_token")) if value]
    return {secret for value in given for secret in (value, value.strip()) if secret}


class Credentials:
    """Who logs in, and how.

    Attributes:
        login_mode: One of ``LOGIN_MODES``.
        username: The user, for standard and ldap.
        password: Their password, for standard and ldap.
        api_token: The API token, for api_token, without white space around it.

    Args:
        params: The task's options.

    Raises:
        InputError: The options do not go together, or one is missing.
    """

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.username: str | None = None
        self.password: str | None = None
        self.api_token: str | None = None
        self.login_mode = _login_mode(params)
        if self.login_mode == "api_token":
            self._take_token(params)
        elif self.login_mode != "anonymous":
            self._take_user(params)

    def _take_token(self, params: Mapping[str, Any]) -> None:
        if given_by_task(params, "username") or given_by_task(params, "password"):
            raise InputError("api_token: give either an api_token, or username and password, not both.")
        # One from a file has a line break at its end, and no token has white space around it.
        self.api_token = (params["api_token"] or "").strip()
        if not self.api_token:
            raise InputError("api_token: login_mode api_token needs one (or MSTR_API_TOKEN in the environment).")

    def _take_user(self, params: Mapping[str, Any]) -> None:
        if given_by_task(params, "api_token"):
            raise InputError("login_mode: %s does not go with an api_token." % self.login_mode)
        self.username, self.password = params["username"], params["password"]
        if not self.username:
            raise InputError(
                "username: say who logs in: username and password, an api_token, or a session_file (or MSTR_USERNAME "
                "and MSTR_PASSWORD, or MSTR_API_TOKEN, in the environment)."
            )
        # An empty password is one: users of a new environment have it.
        if self.password is None:
            shown = printable(self.username, 60)
            raise InputError("password: the user %s needs one (or MSTR_PASSWORD in the environment)." % shown)

    def doubts(self) -> str:
        """Return sentences on what may be wrong with them, should the server refuse them; nothing, where nothing is."""
        values = {"user name": self.username, "password": self.password}
        return "".join(
            " The %s that was given begins or ends in white space, which was sent with it. Take it away, unless it is "
            "meant." % name
            for name, value in values.items()
            if value and value != value.strip()
        )


def given_by_task(params: Mapping[str, Any], name: str) -> bool:
    """Return whether the task, not the environment or a default, gives an option; empty is not given."""
    return bool(params[name]) and not isinstance(params[name], (_FromEnvironment, _Default))


def from_environment(params: Mapping[str, Any], name: str) -> bool:
    """Return whether the value of an option is the environment's."""
    return isinstance(params[name], _FromEnvironment)


def _login_mode(params: Mapping[str, Any]) -> str:
    """Return how to log in, which the task decides before the environment."""
    mode = str(params["login_mode"])
    if given_by_task(params, "api_token"):
        if mode in ("ldap", "anonymous") and given_by_task(params, "login_mode"):
            raise InputError("login_mode: %s does not go with an api_token." % mode)
        return "api_token"
    if given_by_task(params, "login_mode"):
        return mode
    if given_by_task(params, "username") or given_by_task(params, "password"):
        return mode if mode in ("standard", "ldap") else "standard"
    if from_environment(params, "login_mode") or not params["api_token"]:
        return mode
    if params["username"] or params["password"]:
        raise InputError(
            "api_token: the environment has MSTR_API_TOKEN, and MSTR_USERNAME or MSTR_PASSWORD; set only one of "
            "both, or say in the task who logs in."
        )
    return "api_token"


def check_seconds(name: str, value: float, zero: bool) -> None:
    """Fail for an option that is no number of seconds to wait, or is 0 and may not be.

    Raises:
        InputError: It is negative, infinite or no number.
    """
    if not math.isfinite(value) or value < 0 or (value == 0 and not zero):
        raise InputError("%s: it must be a number of seconds, %s." % (name, "0 or more" if zero else "more than 0"))


def base_url(params: Mapping[str, Any], session: SessionFile | None) -> str:
    """Return where the server is.

    Args:
        params: The task's options.
        session: The session file's content, where one is used.

    Raises:
        InputError: There is no base_url, it is none, or it is another one than the session's.
    """
    given = params["base_url"]
    if session is not None:
        if given_by_task(params, "base_url") and not same_base_url(normalise_base_url(given), session.base_url):
            raise InputError(
                "session_file: its session is with %s, but base_url is %s; it is not used."
                % (session.base_url, normalise_base_url(given))
            )
        return session.base_url
    if not given:
        raise InputError("base_url: say where the server is, or set MSTR_BASE_URL in the environment.")
    return normalise_base_url(given)


def transport_options(params: Mapping[str, Any], url: str, session: SessionFile | None) -> TransportOptions:
    """Return how to reach the server.

    With a session file, its own TLS settings stand in for those that the task leaves out.

    Raises:
        InputError: A file is missing, or a number is out of range.
    """
    of_session = {} if session is None else session.tls
    names = ("ca_path", "client_cert", "client_key")
    ca_path, client_cert, client_key = (params[name] or of_session.get(name) for name in names)
    if ca_path and not os.path.exists(ca_path):
        raise InputError("ca_path: there is no %s on the host where the module runs." % ca_path)
    if client_cert:
        readable_file(client_cert, "client_cert")
    if client_key:
        readable_file(client_key, "client_key")
        if not client_cert:
            raise InputError("client_key: it needs its client_cert.")
    check_seconds("timeout", params["timeout"], zero=False)
    if params["retries"] < 0:
        raise InputError("retries: it must be 0 or more.")
    return TransportOptions(
        base_url=url,
        validate_certs=params["validate_certs"] and of_session.get("validate_certs") is not False,
        ca_path=ca_path,
        client_cert=client_cert,
        client_key=client_key,
        timeout=params["timeout"],
        retries=params["retries"],
    )
