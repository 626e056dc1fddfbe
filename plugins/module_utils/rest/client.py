# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Library server's REST API: one method a call, answers as plain data.

Paths, statuses and headers are those of the vendor's REST documentation (pages "Authentication", "Create a migration
package", "Import a migration package") and of the vendor's own Python client.

Calls raise ``ConnectionLost`` and ``ServerError`` as ``Transport.request`` does. What is asked is asked again after a
lost answer. What makes or starts something is only sent again where the server plainly refused it.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..errors import ConnectionLost, MigrationError, ServerError
from ..support.text import printable
from . import login, models
from .answers import is_page, media_type, refused, says_no_such_call, says_not_found
from .calls import quoted as _path
from .calls import with_project as _with_project
from .cookies import Untaken
from .definitions import Definitions
from .http import Repeat
from .login import TOKEN_HEADER
from .models import DestinationObject, ImportInfo, PackageInfo, Project
from .multipart import MultipartFile
from .search import Search
from .upkeep import Upkeep

# Required by the calls that only start something.
_ASYNC = {"Prefer": "respond-async"}
# How gateways answer to calls that they do not let through.
_NOT_LET_THROUGH = (401, 403, 404, 405)
_DOWNLOAD_CHUNK = 1 << 20


class Library(Search, Upkeep, Definitions):
    """A Library server.

    Args:
        transport: The HTTP session with it.
    """

    # Sessions

    @property
    def token(self) -> str | None:
        """The session's token, None before the log-in."""
        value = self.transport.headers.get(TOKEN_HEADER)
        return str(value) if value else None

    @token.setter
    def token(self, value: str) -> None:
        self.transport.hide(value)
        self.transport.headers[TOKEN_HEADER] = value

    def status(self, warnings: list[str]) -> dict[str, str | None]:
        """Return the server's versions: ``web_version`` and ``iserver_version``, None where it does not say.

        Args:
            warnings: Gets a sentence where the call is not let through: gateways block it, and nothing depends on it.
        """
        data: Any = {}
        try:
            data = self._json("GET", "/status", "ask for the server's version", None)
        except ServerError as error:
            if error.status not in _NOT_LET_THROUGH:
                raise
            warnings.append("The versions of the server are not known: %s" % error.message)
        data = data if isinstance(data, dict) else {}
        return {
            "web_version": _text_or_none(data.get("webVersion")),
            "iserver_version": _text_or_none(data.get("iServerVersion")),
        }

    def log_in(self, login_mode: str, username: str | None, password: str | None, api_token: str | None) -> None:
        """Log in as ``login.log_in`` does; the token and the cookies of the session go with every later call."""
        self.token, untaken = login.log_in(self.transport, login_mode, username, password, api_token)
        self._is_unproven = True
        if untaken:
            self._do_without(untaken)

    def _do_without(self, untaken: list[Untaken]) -> None:
        """Close the session, and fail, where it does not work without the cookies that are not sent back."""
        try:
            if self.renew_session():
                return
        except MigrationError:
            # The calls that follow show it.
            return
        try:
            header = {"Cookie": self.transport.cookie_header(untaken)}
            self._without_body("POST", "/auth/logout", "log out", header)
            closed = "The session was closed."
        except MigrationError as error:
            closed = "The session could not be closed, and stays until the server ends it (%s)" % error.message
        raise ServerError(
            "log in: the server does not accept the session that it opened, because it does not get back %s %s"
            % (" ".join("the cookie %s: %s." % (printable(each.name, 60), each.why) for each in untaken), closed),
            401,
        )

    def log_out(self) -> None:
        """Log out, which frees everything the session holds; a session that is gone already is fine.

        Raises:
            ServerError: It could not be closed; also where the server never accepted the session that was opened here.
        """
        try:
            self._without_body("POST", "/auth/logout", "log out")
        except ServerError as error:
            if error.status != 401:
                raise
            if self._is_unproven:
                raise ServerError(
                    "log out: the server answered 401 for a session that it opened in this task and never accepted; "
                    "a cookie or a header of it may be lost on the way",
                    401,
                ) from None

    def renew_session(self) -> bool:
        """Start the session's time limit anew; return False where the session is gone."""
        try:
            self._without_body("PUT", "/sessions", "renew the session")
        except ServerError as error:
            if error.status == 401:
                return False
            raise
        return True

    # Projects and objects

    def projects(self) -> list[Project]:
        """Return the environment's projects."""
        return self._parsed(models.parse_projects, "GET", "/projects", "list the projects", None)

    def find_object(self, object_id: str, object_type: int, project_id: str | None) -> DestinationObject | None:
        """Return an object, or None where the server clearly says that there is none.

        Args:
            object_id: Its id.
            object_type: Its type.
            project_id: The project it is in; None for one of the configuration level.
        """
        path, step = _path("/objects/%s", object_id), "look up object %s" % printable(object_id, 40)
        try:
            return self._parsed(models.parse_object, "GET", path, step, project_id, params={"type": str(object_type)})
        except ServerError as error:
            if says_not_found(error):
                return None
            raise

    # Packages

    def create_package(self, project_id: str | None) -> PackageInfo:
        """Make an empty package, of which a session can hold one."""
        return self._parsed(
            models.parse_package, "POST", "/packages", "create an empty package", project_id, expect=(200, 201)
        )

    def upload_package(
        self, package_id: str, upload: MultipartFile, project_id: str | None, answer_timeout: float
    ) -> PackageInfo:
        """Send a package file into an empty package.

        Args:
            package_id: The package's id.
            upload: The file, as the body of the request.
            project_id: The destination project; None for a configuration package.
            answer_timeout: Seconds to wait for the answer once all is sent.
        """
        return self._parsed(
            models.parse_package,
            "PUT",
            _path("/packages/%s/binary", package_id),
            "upload the package",
            project_id,
            headers={"Content-Type": upload.content_type},
            data=upload,
            answer_timeout=answer_timeout,
        )

    def package(self, package_id: str, project_id: str | None, content: bool = False) -> PackageInfo:
        """Return a package's state and, with content, its settings and rows."""
        path, params = _path("/packages/%s", package_id), {"showContent": "true" if content else "false"}
        return self._parsed(
            models.parse_package,
            "GET",
            path,
            "read the package",
            project_id,
            params=params,
            object_hook=models.without_unread,
        )

    def build_package(self, package_id: str, definition: Mapping[str, Any], project_id: str | None) -> PackageInfo:
        """Have an empty package filled with objects; it is then read until it is ready.

        Args:
            package_id: The package's id.
            definition: ``{type, settings, content}`` (the vendor's page "Create a migration package").
            project_id: The project that the objects are in; None for a configuration package.
        """
        return self._parsed(
            models.parse_package,
            "PUT",
            _path("/packages/%s", package_id),
            "build the package",
            project_id,
            headers=_ASYNC,
            body=definition,
            expect=(200, 202),
        )

    def package_file(self, package_id: str, project_id: str | None) -> tuple[int | None, Iterator[bytes]]:
        """Return a package as a file, as ``undo_package`` does."""
        return self._download(_path("/packages/%s/binary", package_id), "download the package", project_id)

    def delete_package(self, package_id: str, project_id: str | None) -> None:
        """Release a package; one that is gone already is fine."""
        self._delete(_path("/packages/%s", package_id), "release the package", project_id)

    # Imports

    def create_import(self, package_id: str, generate_undo: bool, project_id: str | None) -> ImportInfo:
        """Start importing a package. Never sent twice, unless the server plainly refused the first."""
        return self._parsed(
            models.parse_import,
            "POST",
            "/packages/imports",
            "start the import",
            project_id,
            headers=_ASYNC,
            params={"packageId": package_id, "generateUndo": "true" if generate_undo else "false"},
            fresh=True,
            expect=(200, 201, 202),
        )

    def import_process(self, import_id: str, project_id: str | None) -> ImportInfo:
        """Return how far an import is."""
        path = _path("/packages/imports/%s", import_id)
        info = self._parsed(models.parse_import, "GET", path, "ask how far the import is", project_id)
        # The message of a failed import is kept in its receipt.
        return replace(info, message=self.transport.masked(info.message)) if info.message else info

    def undo_package(self, import_id: str, project_id: str | None) -> tuple[int | None, Iterator[bytes]]:
        """Return an import's undo package: its length in bytes, None where the server gives none, and its parts.

        Raises:
            ConnectionLost: Also while the parts are read.
        """
        path = _path("/packages/imports/%s/undoPackage/binary", import_id)
        return self._download(path, "download the undo package", project_id)

    def _download(self, path: str, step: str, project_id: str | None) -> tuple[int | None, Iterator[bytes]]:
        response = self.transport.request(
            "GET",
            path,
            step,
            repeat=Repeat.SAFE,
            # Something on the way may compress it all the same: whether it is whole shows at its decoded end.
            headers=_with_project(
                {"Accept": "application/octet-stream, */*;q=0.1", "Accept-Encoding": "identity"}, project_id
            ),
            stream=True,
        )
        if is_page(response):
            response.close()
            raise ServerError("%s: the server sent a web page instead of a package." % step, response.status_code)
        if media_type(response) == "application/json":
            with contextlib.closing(response):
                raise refused(response, step, self.transport.masked)
        length = response.headers.get("Content-Length", "")
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()

        def parts() -> Iterator[bytes]:
            try:
                if encoding == "identity":
                    yield from response.iter_content(_DOWNLOAD_CHUNK)
                else:
                    yield from _decoded(response, encoding, step)
            except MigrationError:
                raise
            except Exception as error:
                raise self.transport.broken(error, step) from error
            finally:
                response.close()

        return (int(length) if length.isdigit() and encoding == "identity" else None), parts()

    def delete_import(self, import_id: str, project_id: str | None) -> None:
        """Release an import process; one that is gone already is fine."""
        self._delete(_path("/packages/imports/%s", import_id), "release the import process", project_id)

    def _delete(self, path: str, step: str, project_id: str | None) -> None:
        try:
            self._without_body("DELETE", path, step, _with_project(_ASYNC, project_id))
        except ServerError as error:
            gone = error.status == 404 and error.code is not None
            if not gone or says_no_such_call(error.status, error.server_message):
                raise


def _decoded(response: Any, encoding: str, step: str) -> Iterator[bytes]:
    """Decode an answer that was compressed on its way, to its very end."""
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise ServerError(
            "%s: the package came with the encoding %s, which was not asked for; a proxy may have made it."
            % (step, printable(encoding, 40)),
            response.status_code,
        )
    # Of gzip and of zlib alike, by the header.
    decoder = zlib.decompressobj(zlib.MAX_WBITS | 32)
    for chunk in response.raw.stream(_DOWNLOAD_CHUNK, decode_content=False):
        yield decoder.decompress(chunk)
    yield decoder.flush()
    if not decoder.eof:
        raise ConnectionLost("%s: the answer, which was compressed on its way, broke off." % step, sent=True)


def _text_or_none(value: Any) -> str | None:
    return printable(value, 80) if isinstance(value, str) and value else None
