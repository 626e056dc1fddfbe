# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The points that can be answered by reading: nothing is changed, though sessions are opened and closed."""

from __future__ import annotations

import time
from typing import Any

from report import Answers
from server import Live, answer_of, error_of, send, word

from ansible_collections.mstr.migration.plugins.module_utils.errors import MigrationError, ServerError
from ansible_collections.mstr.migration.plugins.module_utils.module.info import describe
from ansible_collections.mstr.migration.plugins.module_utils.rest.answers import (
    refused,
    says_no_such_call,
    says_not_found,
    timestamp,
)
from ansible_collections.mstr.migration.plugins.module_utils.rest.client import Library
from ansible_collections.mstr.migration.plugins.module_utils.rest.known import NOTHING
from ansible_collections.mstr.migration.plugins.module_utils.rest.login import TOKEN_HEADER
from ansible_collections.mstr.migration.plugins.module_utils.rest.models import Project
from ansible_collections.mstr.migration.plugins.module_utils.rest.state import (
    metadata_id,
    parse_lock,
    parse_nodes,
    parse_privileges,
)

USER_TYPE, REPORT_TYPE = "34", "3"
SESSION_COOKIE = "JSESSIONID"


def read(live: Live, answers: Answers) -> None:
    """Answer what can be answered by reading.

    Raises:
        MigrationError: Nobody can log in.
    """
    _status(live, answers)
    library = _log_in(live, answers)
    projects = _projects(library, answers)
    loaded = [project for project in projects if project.status in (None, 0)]
    project = next((one for one in loaded if live.project in (one.name, one.id)), loaded[0] if loaded else None)
    _session(live, library, answers)
    _errors(library, answers, project)
    _there(library, answers, project)
    with answers.trying():
        about = describe(library, answers.versions, project.id if project else None)
        answers.calls = about["calls"]
    _end(live, answers)


def _status(live: Live, answers: Answers) -> None:
    with answers.trying("status"):
        response = send(live.library(), "GET", "/status")
        answers.give("status", response.status_code, fits=response.status_code in (200, 401, 403, 404, 405))
        date = timestamp(response.headers.get("Date", ""))
        if date is None:
            answers.leave("clock", "The answer has no date.")
        else:
            ahead = date - time.time()
            answers.give("clock", "within a minute" if abs(ahead) < 60 else "ahead" if ahead > 0 else "behind")
    with answers.trying():
        answers.versions = live.library().status([])
    version = answers.versions["iserver_version"]
    if version is None:
        answers.leave("version_form", "The version is not known.")
    else:
        answers.give("version_form", len(version.split(".")))


def _log_in(live: Live, answers: Answers) -> Library:
    # By itself first: one that is refused is not tried again, because accounts lock.
    library = live.log_in()
    names = {cookie["name"] for cookie in library.transport.cookies()}
    others = bool(names - {SESSION_COOKIE})
    which = "JSESSIONID and others" if others else "JSESSIONID alone"
    answers.give("cookies", which if SESSION_COOKIE in names else "others alone" if others else "none")
    with answers.trying("log_in"):
        response = _opened(live, messagesLocale="en_us")
        if response.headers.get(TOKEN_HEADER):
            answers.give("log_in", f"{response.status_code} with a token", fits=response.status_code in (200, 204))
        else:
            # The client has logged in, without the language then.
            answers.give("log_in", f"{response.status_code} with messagesLocale", fits=True)
    with answers.trying("python_application"):
        response = _opened(live, applicationType=76)
        if response.headers.get(TOKEN_HEADER):
            answers.give("python_application", "accepted")
        elif "constraint violation" in str(error_of(response).get("message", "")):
            answers.give("python_application", "refused for constraint violations")
        else:
            answers.give("python_application", f"refused with {answer_of(response)}")
    return library


def _opened(live: Live, **fields: Any) -> Any:
    """Log in with further fields, and out again. :returns: the answer to the log-in"""
    library = live.library()
    response = send(library, "POST", "/auth/login", body=live.log_in_fields(**fields))
    if response.headers.get(TOKEN_HEADER):
        library.token = response.headers[TOKEN_HEADER]
        send(library, "POST", "/auth/logout")
    return response


def _session(live: Live, library: Library, answers: Answers) -> None:
    with answers.trying("renew"):
        response = send(library, "PUT", "/sessions")
        answers.give("renew", response.status_code, fits=response.status_code in (200, 202, 204))
    with answers.trying("idle_limit"):
        answers.give("idle_limit", int(send(library, "GET", "/sessions").json()["timeout"]), fits=True)
    with answers.trying("cookies_needed"):
        response = send(live.without_cookies(library), "GET", "/sessions")
        answers.give("cookies_needed", response.status_code)


def _end(live: Live, answers: Answers) -> None:
    with answers.trying("log_out", "log_out_ends"):
        library = live.log_in()
        response = send(library, "POST", "/auth/logout")
        answers.give("log_out", response.status_code, fits=response.status_code in (200, 202, 204))
        response = send(library, "GET", "/sessions")
        answers.give("log_out_ends", response.status_code, fits=response.status_code == 401)
        if response.status_code == 401:
            live.forget(library)


def _projects(library: Library, answers: Answers) -> list[Project]:
    projects: list[Project] = []
    with answers.trying("projects"):
        projects = library.projects()
        whole = bool(projects) and all(project.status is not None for project in projects)
        answers.give(
            "projects", "yes" if whole else "without a status" if projects else "there is none", bool(projects)
        )
    return projects


def missing(response: Any) -> tuple[str, bool]:
    """Return what an object that is not there was answered with, and whether the client takes it for that."""
    error = refused(response, "look up") if response.status_code >= 400 else ServerError("found", response.status_code)
    code = error_of(response).get("iServerCode")
    return answer_of(response) + (f" {code}" if code is not None else ""), says_not_found(error)


def _errors(library: Library, answers: Answers, project: Project | None) -> None:
    with answers.trying("missing_configuration_object"):
        response = send(library, "GET", f"/objects/{NOTHING}", params={"type": USER_TYPE})
        answers.give("missing_configuration_object", *missing(response))
        body = response.json()
        answers.give("error_form", "flat" if "code" in body else "in errors" if "errors" in body else "another")
    if project is None:
        answers.leave("missing_object", "There is no project that is loaded.")
    else:
        with answers.trying("missing_object"):
            response = send(library, "GET", f"/objects/{NOTHING}", project.id, params={"type": REPORT_TYPE})
            answers.give("missing_object", *missing(response))
    with answers.trying("unknown_call"):
        response = send(library, "GET", "/mstr-migration/no-such-call")
        message = str(error_of(response).get("message", ""))
        known = says_no_such_call(response.status_code, message)
        answers.give("unknown_call", answer_of(response) + (" HTTP 404 Not Found" if known else " in other words"))
    with answers.trying("unknown_method"):
        answers.give("unknown_method", send(library, "GET", "/auth/login").status_code)


def _there(library: Library, answers: Answers, project: Project | None) -> None:
    _configuration_object(library, answers)
    with answers.trying("privileges"):
        _privileges(send(library, "GET", "/sessions/privileges"), answers)
    with answers.trying("nodes"):
        response = send(library, "GET", "/monitors/iServer/nodes")
        if response.status_code == 200:
            answers.give("nodes", any(node.projects for node in parse_nodes(response.json())))
        else:
            answers.leave("nodes", f"Refused: {answer_of(response)}.")
    _metadata(library, answers)
    if project is None:
        return
    locks = {"project_lock": (f"/projects/{project.id}/lock", None), "schema_lock": ("/model/schema/lock", project.id)}
    for name, (path, header) in locks.items():
        with answers.trying(name):
            response = send(library, "GET", path, header)
            if response.status_code != 200:
                answers.leave(name, f"Refused: {answer_of(response)}.")
            elif parse_lock(response.json()).is_locked:
                answers.leave(name, "There is a lock.")
            else:
                answers.give(name, word(response.json()["lockType"]))
    if answers.values.get("unknown_method") != "405":
        answers.leave("cache_path", "This server does not show which paths it has.")
        return
    with answers.trying("cache_path"):
        asked = {name: f"/monitors/projects/{NOTHING}/{name}/{NOTHING}" for name in ("caches", "cache")}
        there = [name for name, path in asked.items() if send(library, "GET", path).status_code == 405]
        answers.give("cache_path", " and ".join(there) or "neither")


def _configuration_object(library: Library, answers: Answers) -> None:
    with answers.trying("configuration_object"):
        try:
            user = library.user().id
        except MigrationError:
            user = None
        if user is None:
            answers.leave("configuration_object", "The user's id is not known.")
            return
        found = library.find_object(user, int(USER_TYPE), None)
        if found is None:
            answers.leave("configuration_object", "The user cannot be seen.")
        else:
            answers.give("configuration_object", found.version is not None)


def _privileges(response: Any, answers: Answers) -> None:
    if response.status_code != 200:
        answers.leave("privileges", f"Refused: {answer_of(response)}.")
        return
    body = response.json()
    parse_privileges(body)
    rows = body["privileges"] if isinstance(body, dict) else body
    what = "a list" if rows and isinstance(rows[0], dict) else "a list of names"
    answers.give("privileges", f"an object with {what}" if isinstance(body, dict) else what)


def _metadata(library: Library, answers: Answers) -> None:
    with answers.trying("metadata", "metadata_stays"):
        first, second = (send(library, "GET", "/configurations/repository") for _time in range(2))
        if first.status_code != 200:
            for name in ("metadata", "metadata_stays"):
                answers.leave(name, f"Refused: {answer_of(first)}.")
            return
        body = first.json()
        answers.give("metadata", isinstance(body, dict) and bool(body.get("id")))
        answers.give("metadata_stays", metadata_id(body) == metadata_id(second.json()))
