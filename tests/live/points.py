# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of a server: each point with its question, the answer that the documents give, and what hangs on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """One question.

    Attributes:
        question: The question, for people.
        usual: The answer that the documents give, or that most servers do; None where there is no such.
        relied: Whether the collection relies on an answer that fits. Where it does not, another answer is only noted.
        writes: Whether asking needs a scratch project and a package.
    """

    question: str
    usual: str | None = None
    relied: bool = False
    writes: bool = False


POINTS: dict[str, Point] = {
    # The session
    "status": Point("What is GET /status answered with before a log-in?", "200", relied=True),
    "version_form": Point("How many parts has the version of the Intelligence Server?", "4"),
    "log_in": Point("Is a log-in with messagesLocale accepted, and with what answer?", "204 with a token", relied=True),
    "cookies": Point("Which cookies does a log-in set?", "JSESSIONID and others"),
    "cookies_needed": Point("What is a call without the session's cookies answered with?", "401"),
    "python_application": Point("Is a log-in with applicationType 76 accepted?", "accepted"),
    "idle_limit": Point("After how many idle seconds does a session end?"),
    "renew": Point("What is PUT /sessions answered with?", "204", relied=True),
    "log_out": Point("What is POST /auth/logout answered with?", "204", relied=True),
    "log_out_ends": Point("What is a call of a session that was logged out answered with?", "401", relied=True),
    "clock": Point("Is the server's clock that of this machine?", "within a minute"),
    # Errors
    "missing_object": Point(
        "What is an object that is not there answered with, in a project?", "404 ERR004", relied=True
    ),
    "missing_configuration_object": Point(
        "What is an object that is not there answered with, at the configuration level?", "404 ERR004", relied=True
    ),
    "unknown_call": Point("What is a call that no server has answered with?", "404 ERR004 HTTP 404 Not Found"),
    "unknown_method": Point("What is a method that a path does not have answered with?", "405"),
    "error_form": Point("Are errors {code, message}, or inside of {errors: [...]}?", "flat"),
    # What is there
    "projects": Point("Has each project an id, a name and a status?", "yes", relied=True),
    "configuration_object": Point("Has an object of the configuration a version?", "yes", relied=True),
    "privileges": Point("In what form does the server list the privileges of the user?", "an object with a list"),
    "project_lock": Point("What is a project's lock called where there is none?", "not_locked"),
    "schema_lock": Point("What is a schema's lock called where there is none?", "none"),
    "nodes": Point("Do nodes name the projects that are loaded there?", "yes"),
    "metadata": Point("Has the answer of GET /configurations/repository an id?", "yes"),
    "metadata_stays": Point("Does it identify the same metadata when asked twice?", "yes", relied=True),
    "cache_path": Point("Is the path to purge caches written /caches/ or /cache/?", "caches"),
    # Writing
    "package_made": Point("What is POST /packages answered with?", "201", relied=True, writes=True),
    "status_words": Point("Are status words written in lower or in upper case?", "lower", writes=True),
    "second_package": Point("What is a second package in a session answered with?", "409 ERR015", writes=True),
    "error_codes": Point("Are codes with two digits written as ERR015 or as ERR0015?", "ERR015", writes=True),
    "prefer_missing": Point(
        "What is a release without Prefer: respond-async answered with?", "400 ERR005", writes=True
    ),
    "project_header": Point(
        "What is a package answered with that is asked for without its project's header?", "400 ERR006", writes=True
    ),
    "package_released": Point("What is the release of a package answered with?", "202", relied=True, writes=True),
    "released_is_gone": Point("What is a package that was released answered with?", "404 ERR004", writes=True),
    "upload": Point("What is the upload of a package answered with?", "200 ready", relied=True, writes=True),
    "content": Point("Have all rows of its content what a plan needs?", "yes", relied=True, writes=True),
    "definitions": Point("What is GET /packages/{id}/objects answered with?", writes=True),
    "looked_up": Point("Can all objects of the package be looked up?", "yes", relied=True, writes=True),
    "import_started": Point("What is the start of an import answered with?", "202", relied=True, writes=True),
    "import_progress": Point("Which progress does an import show before its end?", writes=True),
    "import_ended": Point("How does the import end?", "imported", relied=True, writes=True),
    "undo_made": Point("When is the undo package there?", "with the end", relied=True, writes=True),
    "undo_length": Point("Does its download say its length?", "yes", writes=True),
    "undo_form": Point("Does it begin as the package does?", "yes", writes=True),
    "import_released": Point("What is the release of an import answered with?", "202", relied=True, writes=True),
    "as_planned": Point("Did the import change what the plan said, and nothing else?", "yes", relied=True, writes=True),
    "new_versions": Point("Have all objects that were imported the versions of the package?", "yes", writes=True),
    "undone": Point(
        "Are all objects as they were, once the undo package is imported?", "yes", relied=True, writes=True
    ),
    "dependents": Point("Does a package that is built list dependents as rows?", "listed", writes=True),
    "missing_content": Point(
        "What becomes of a package that is built from an object that is not there?", "fails", writes=True
    ),
    "unlock": Point("What is the release of a schema lock answered with?", "201", writes=True),
    "log_out_frees": Point(
        "What is a package of a session that was logged out answered with?", "404 ERR004", writes=True
    ),
}

# Where the sources disagree, and two environments, a cluster or a loss would be needed to see it.
NOT_ASKED = {
    "certification_body": "The body that certifies a migration: wrapped or not. It needs a migration.",
    "group_undo": "generateUndo of migration groups: header or query. It needs two environments.",
    "search_status": "POST /metadataSearches/results: 200 or 201. It leaves a search on the server.",
    "tree_view": "treeView of migrations: object or text. It needs a migration.",
    "unknown_migration": "DELETE of a migration that is not there: ERR006 or ERR004. It may delete what is there.",
    "undo_of_a_failed_migration": "It needs a migration that failed.",
    "search_lost": "A search read on another node. It needs a cluster.",
}
