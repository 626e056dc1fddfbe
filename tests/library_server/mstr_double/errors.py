# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Error answers: the vendor's page "Handle REST API errors" has their form and the meaning of the codes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mstr_double.settings import Settings

# What an Intelligence Server calls a missing object.
OBJECT_NOT_FOUND = -2147216373
LOGIN_FAILED = -2147216959
PACKAGE_CORRUPT = -2147206908
PACKAGE_MISMATCH = -2147206907
PROJECT_NOT_LOADED = -2147209151
NO_PRIVILEGE = -2147213784
TOO_MANY_SESSIONS = -2147072486
METADATA_LOCKED = -2147206906
PROJECT_IDLE = -2147206905


@dataclass(frozen=True)
class Missing:
    """An object that something needs and that is not there; its name is known where another project has it."""

    id: str
    kind: str
    name: str | None = None

    def __str__(self) -> str:
        return f"Object: <{self.kind} id={self.id}> is not found"

    def as_sub_error(self) -> dict[str, Any]:
        about = {"objectId": self.id, "objectName": self.name}
        return {
            "iServerCode": OBJECT_NOT_FOUND,
            "message": str(self),
            "additionalProperties": {name: value for name, value in about.items() if value is not None},
        }


class ApiError(Exception):
    """An answer that refuses a call."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        iserver_code: int | None = None,
        missing: Sequence[Missing] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.iserver_code = iserver_code
        self.missing = missing

    def payload(self, settings: Settings) -> dict[str, Any]:
        """The JSON of the answer; some versions put it into a list called ``errors``."""
        body: dict[str, Any] = {"code": code_word(self.code, settings)}
        if self.iserver_code is not None:
            body["iServerCode"] = self.iserver_code
        body["message"] = self.message
        body["ticketId"] = uuid.uuid4().hex
        body.update(sub_errors(self.missing, settings))
        return {"errors": [body]} if settings.wrap_errors else body


def code_word(code: str, settings: Settings) -> str:
    """A code as this server writes it: ERR015, or with the number behind ERR00, as the vendor's table has some."""
    return code if settings.error_codes == "padded" else f"ERR00{int(code[3:])}"


def sub_errors(missing: Sequence[Missing], settings: Settings) -> dict[str, Any]:
    """The part of an answer that names the objects it is about, where this server has such a part."""
    if not missing or not settings.sub_errors:
        return {}
    return {"subErrors": [one.as_sub_error() for one in missing]}


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


def objects_missing(message: str, missing: Sequence[Missing]) -> ApiError:
    return ApiError(500, "ERR002", message, OBJECT_NOT_FOUND, missing)


def no_such_call() -> ApiError:
    """What a version that does not have the call answers."""
    return ApiError(404, "ERR004", "HTTP 404 Not Found")


def wrong_method() -> ApiError:
    return ApiError(405, "ERR001", "HTTP 405 Method Not Allowed")
