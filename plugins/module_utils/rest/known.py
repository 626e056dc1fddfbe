# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls that the collection uses, or has a use for; how to find out harmlessly whether a server has one."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ServerError
from .answers import says_no_such_call
from .openapi import CallKey

# An id that nothing has.
NOTHING = "0" * 32
# What is before a server answers so, or the server where it cannot say anything about the call now.
_SAYS_NOTHING = frozenset((401, 429, 501, 502, 503, 504))


@dataclass(frozen=True)
class KnownCall:
    """A call of the REST API.

    Attributes:
        name: What it is called in results.
        method: Its HTTP method.
        path: Its path below ``/api``, with ``{}`` for each parameter.
        asked: The path of a GET that shows whether the call is there: of itself, of one that came with the same version
            of the server, or of its own path, which then answers 405. ``{project}`` stands for a project,
            ``{nothing}`` for an id that nothing has.
        lacking: What it means for the user of the collection that a server lacks it.
        needs_project: Whether asking needs the project's header.
        has_no_get: Whether ``asked`` is its own path, which has no GET: 405 shows that it is there.
    """

    name: str
    method: str
    path: str
    asked: str
    lacking: str
    needs_project: bool = False
    has_no_get: bool = False

    @property
    def key(self) -> CallKey:
        """What it is known by in an OpenAPI file."""
        return (self.method, self.path)

    @property
    def shown(self) -> str:
        """The call for people."""
        return "%s %s" % (self.method, self.path.replace("{}", "{id}"))


_TOO_OLD = "the collection cannot import anything here; it needs MicroStrategy 2021 Update 2 or newer"
_PACKAGE = "/packages/{nothing}"

KNOWN_CALLS = (
    KnownCall("projects", "GET", "/projects", "/projects", "projects cannot be named, and packages not be imported"),
    KnownCall("objects", "GET", "/objects/{}", "/objects/{nothing}?type=32", "no plan can be made"),
    KnownCall("packages", "POST", "/packages", _PACKAGE, _TOO_OLD),
    KnownCall("package_upload", "PUT", "/packages/{}/binary", _PACKAGE, _TOO_OLD),
    KnownCall("imports", "POST", "/packages/imports", "/packages/imports/{nothing}", _TOO_OLD),
    KnownCall(
        "undo_packages",
        "GET",
        "/packages/imports/{}/undoPackage/binary",
        "/packages/imports/{nothing}/undoPackage/binary",
        "imports cannot be taken back: give generate_undo false",
    ),
    KnownCall("package_build", "PUT", "/packages/{}", _PACKAGE, "packages cannot be built from objects of a project"),
    KnownCall(
        "package_download",
        "GET",
        "/packages/{}/binary",
        _PACKAGE + "/binary",
        "packages that were built cannot be saved",
    ),
    KnownCall(
        "package_definitions",
        "GET",
        "/packages/{}/objects",
        _PACKAGE + "/objects?id={nothing}",
        "the definitions of the objects in a package cannot be shown (since 2021 Update 3)",
    ),
    KnownCall(
        "definitions",
        "GET",
        "/model/attributes/{}",
        "/model/attributes/{nothing}",
        "what objects are made of cannot be shown, nor kept beside a package (since 2021 Update 1)",
        needs_project=True,
    ),
    KnownCall(
        "user", "GET", "/sessions/userInfo", "/sessions/userInfo", "the user's name is not known after a token log-in"
    ),
    KnownCall(
        "privileges",
        "GET",
        "/sessions/privileges",
        "/sessions/privileges",
        "that a privilege is missing shows only when a call is refused",
    ),
    KnownCall(
        "project_lock",
        "GET",
        "/projects/{}/lock",
        "/projects/{project}/lock",
        "that somebody has locked a project shows only when an import fails (since 2021 Update 6)",
    ),
    KnownCall(
        "configuration_lock",
        "GET",
        "/iserver/lock",
        "/iserver/lock",
        "that somebody has locked the configuration shows only when an import fails (since 2021 Update 6)",
    ),
    KnownCall(
        "nodes",
        "GET",
        "/monitors/iServer/nodes",
        "/monitors/iServer/nodes",
        "whether a project is loaded on every node is not known",
    ),
    KnownCall(
        "node_project_status",
        "PATCH",
        "/monitors/iServer/nodes/{}/projects/{}",
        "/monitors/iServer/nodes/{nothing}/projects/{nothing}",
        "a project cannot be made idle while a package is imported",
        has_no_get=True,
    ),
    KnownCall(
        "project_status",
        "PATCH",
        "/monitors/projects/status",
        "/monitors/projects/status",
        "a project is made idle node by node (since 2025)",
        has_no_get=True,
    ),
    KnownCall(
        "repository",
        "GET",
        "/configurations/repository",
        "/configurations/repository",
        "that another metadata stands behind the same address cannot be noticed",
    ),
    KnownCall(
        "schema_lock",
        "GET",
        "/model/schema/lock",
        "/model/schema/lock",
        "that somebody edits the schema shows only when an import or a reload fails",
        needs_project=True,
    ),
    KnownCall(
        "schema_reload",
        "POST",
        "/model/schema/reload",
        "/model/schema/reload",
        "the schema has to be reloaded by hand after an import that needs it",
        needs_project=True,
        has_no_get=True,
    ),
    KnownCall(
        "caches",
        "DELETE",
        "/monitors/projects/{}/caches/{}",
        "/monitors/projects/{nothing}/caches/{nothing}",
        "caches have to be purged by hand after an import (since 2021 Update 8)",
        has_no_get=True,
    ),
    KnownCall(
        "change_journal",
        "POST",
        "/changeJournal",
        "/changeJournal/{nothing}",
        "who edited an object is not known (since September 2024)",
    ),
    KnownCall(
        "searches",
        "POST",
        "/metadataSearches/results",
        "/metadataSearches/results?searchId={nothing}",
        "objects cannot be searched for, nor what depends on them",
        needs_project=True,
    ),
    KnownCall(
        "searches_v2",
        "POST",
        "/v2/metadataSearches/results",
        "/v2/metadataSearches/results",
        "searches leave out hidden objects, and cannot be narrowed by date (since December 2024)",
        needs_project=True,
        has_no_get=True,
    ),
    KnownCall(
        "saved_searches",
        "GET",
        "/searchObjects/{}/results",
        "/searchObjects/{nothing}/results",
        "packages cannot be built from a saved search",
        needs_project=True,
    ),
    KnownCall(
        "object_batches",
        "POST",
        "/searches/objects",
        "/searches/objects",
        "objects are looked up one by one (since 11.3.1160)",
        has_no_get=True,
    ),
    KnownCall(
        "folders",
        "GET",
        "/folders/{}",
        "/folders/{nothing}",
        "packages cannot be built from folders",
        needs_project=True,
    ),
    KnownCall(
        "migrations", "GET", "/migrations", "/migrations?limit=1", "migrations of the storage service are not there"
    ),
    KnownCall(
        "storage",
        "GET",
        "/mstrServices/library/storage",
        "/mstrServices/library/storage",
        "migrations of the storage service cannot be made from files",
    ),
    KnownCall(
        "openapi",
        "GET",
        "/openapi.yaml",
        "/openapi.yaml",
        "which calls are there was found out by asking for each",
    ),
)
BY_NAME = {call.name: call for call in KNOWN_CALLS}


def is_there(call: KnownCall, refusal: ServerError | None, wrong_methods_show: bool) -> bool | None:
    """Return what the answer to asking for a call says of it: whether it is there; None where it cannot tell.

    Args:
        call: The call.
        refusal: The error that the server answered with, None where it answered without one.
        wrong_methods_show: Whether this server answers 405 where a path has other methods only.
    """
    if refusal is None:
        return True
    if call.has_no_get:
        if refusal.status == 405:
            return True
        if not wrong_methods_show:
            return None
    if says_no_such_call(refusal.status, refusal.server_message):
        return False
    # A code comes from the server, which has looked at what was asked for; a page or nothing may come from a gateway.
    return True if refusal.code is not None and refusal.status not in _SAYS_NOTHING else None
