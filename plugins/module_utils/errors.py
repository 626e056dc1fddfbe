# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The exceptions of the collection: each carries what a failed task shows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


class MigrationError(Exception):
    """Something a task must fail with, in words for the person who runs it.

    Args:
        message: What went wrong and what to do next, one or more sentences.
        details: What the failed task returns besides the message, by result key.

    Attributes:
        about: The package, and its project, that it is about, where the task is about several.
    """

    about: tuple[str, str] | None = None

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, Any] = details


class InputError(MigrationError):
    """An option, a file that one names, or a combination of them cannot be used; nothing was sent for it."""


class DiskError(MigrationError):
    """A file or a directory that the collection keeps cannot be read or written, or is damaged."""


class LockError(MigrationError):
    """Another run or task is at work where this one is to work."""


class ConnectionLost(MigrationError):
    """The server gave no complete answer.

    Args:
        sent: Whether the server may have received, and acted on, the request.
        hopeless: Whether another try would end the same way.
    """

    def __init__(self, message: str, sent: bool, hopeless: bool = False, **details: Any) -> None:
        super().__init__(message, **details)
        self.sent = sent
        self.hopeless = hopeless


class ServerError(MigrationError):
    """The server answered, and the answer is an error or is not what is documented.

    Args:
        status: The HTTP status of the answer.
        code: The server's own code (``ERR004``), or None where the answer had none.
        iserver_code: The Intelligence Server's code, or None.
        server_message: The server's own message, cleaned and cut, or None.
    """

    def __init__(
        self,
        message: str,
        status: int,
        code: str | None = None,
        iserver_code: int | None = None,
        server_message: str | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message, http_status=status, code=code, iserver_code=iserver_code, **details)
        self.status = status
        self.code = code
        self.iserver_code = iserver_code
        self.server_message = server_message


@contextlib.contextmanager
def about(package: str, project: str) -> Iterator[None]:
    """Have failures say which package, and which project of it, they are about."""
    try:
        yield
    except (Exception, Interrupted) as error:
        error.about = (package, project)  # type: ignore[union-attr]
        raise


def as_failure(error: MigrationError | Interrupted) -> MigrationError:
    """Return what a task fails with, also where it was told to stop."""
    if isinstance(error, MigrationError):
        return error
    failure = MigrationError("Stopped by %s." % error.signal_name)
    failure.about = error.about
    return failure


class Interrupted(BaseException):
    """The module was told to stop by a signal.

    Not an Exception, so that no handler for ordinary failures mistakes it for one.

    Args:
        signal_name: The signal's name, for example ``SIGTERM``.

    Attributes:
        about: As that of ``MigrationError``.
    """

    about: tuple[str, str] | None = None

    def __init__(self, signal_name: str) -> None:
        super().__init__(signal_name)
        self.signal_name = signal_name
