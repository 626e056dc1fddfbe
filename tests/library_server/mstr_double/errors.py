# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Error answers: the vendor's page "Handle REST API errors" has their form and the meaning of the codes."""

from __future__ import annotations

import uuid
from typing import Any

# What an Intelligence Server calls a missing object.
OBJECT_NOT_FOUND = -2147216373
LOGIN_FAILED = -2147216959
PACKAGE_CORRUPT = -2147206908
PACKAGE_MISMATCH = -2147206907
PROJECT_NOT_LOADED = -2147209151
NO_PRIVILEGE = -2147213784


class ApiError(Exception):
    """An answer that refuses a call."""

    def __init__(self, status: int, code: str, message: str, iserver_code: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.iserver_code = iserver_code

    def payload(self, wrapped: bool) -> dict[str, Any]:
        """The JSON of the answer; some versions put it into a list called ``errors``."""
        body: dict[str, Any] = {"code": self.code}
        if self.iserver_code is not None:
            body["iServerCode"] = self.iserver_code
        body["message"] = self.message
        body["ticketId"] = uuid.uuid4().hex
        return {"errors": [body]} if wrapped else body


def missing_information(message: str) -> ApiError:
    return ApiError(400, "ERR005", message)


def invalid_input(message: str, iserver_code: int | None = None) -> ApiError:
    return ApiError(400, "ERR006", message, iserver_code)


def not_found(message: str) -> ApiError:
    return ApiError(404, "ERR004", message)


def session_invalid() -> ApiError:
    return ApiError(401, "ERR009", "The user's session has expired, please reauthenticate.")


def no_privilege(name: str) -> ApiError:
    return ApiError(403, "ERR017", f"You do not have the {name} privilege(s) to perform the task.", NO_PRIVILEGE)


def iserver_error(message: str, iserver_code: int) -> ApiError:
    return ApiError(500, "ERR002", message, iserver_code)


def no_such_call() -> ApiError:
    """What a version that does not have the call answers."""
    return ApiError(404, "ERR004", "HTTP 404 Not Found")


def wrong_method() -> ApiError:
    return ApiError(405, "ERR001", "HTTP 405 Method Not Allowed")
