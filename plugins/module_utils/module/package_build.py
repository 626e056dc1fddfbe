# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flow of the module mstr_package where it builds a package: from its options to its result."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import InputError, MigrationError
from ..export import build as building
from ..export.changes import Change, changes, counts, is_as_asked, of_rows, predicted, text
from ..export.choose import Choice, Chooser, look_up
from ..export.define import Definer
from ..export.needs import Needs
from ..export.request import Request, parse_request
from ..package import manifest as manifests
from ..package.content import Content
from ..package.kind import check_project_option
from ..rest.models import CONFIGURATION, PROJECT, Key, same_version
from ..session.file import PackageInSession
from ..session.session import Session
from ..support.files import sha256_of
from ..support.text import printable
from .base import MigrationModule

_STAY = "stay as they are"
# Why a package is built although no object that was chosen has changed.
_OTHERWISE, _COMES_ALONG = "it is declared in another way than it was built", "what comes along with them has changed"


def build(module: MigrationModule) -> dict[str, Any]:
    """Build a package from objects of the environment, unless it is there already."""
    params = module.params
    check_project_option(params["project"], params["type"])
    request = parse_request(params)
    if request.type != CONFIGURATION and not params["project"]:
        raise InputError("project: a package of type %s is built from one; say which." % request.type)
    dest = params["dest"]
    if params["definitions"] and (not dest or params["manifest"] is False):
        raise InputError("definitions: they are kept beside dest, with its manifest; give dest, and leave manifest.")
    module.package = os.path.basename(dest or "")
    last = _last_export(dest, module.warnings) if dest else None
    with module.session() as session:
        session.progress.package(module.package)
        return _Build(module, session, request, last).run()


@dataclass
class _Build:
    """The building of one package.

    Attributes:
        module: The module.
        session: The session.
        request: What is asked for.
        last: The package at dest, as its manifest tells; None where there is none to rely on.
        definer: Keeps the definitions of its objects; None where nobody wants them.
    """

    module: MigrationModule
    session: Session
    request: Request
    last: Content | None
    definer: Definer | None = None
    _reason: str = _COMES_ALONG

    def run(self) -> dict[str, Any]:
        """Return the module's result."""
        params, session = self.module.params, self.session
        project_id = None if self.request.type == CONFIGURATION else session.project_id(params["project"])
        timeout, warnings = params["wait_timeout"], self.module.warnings
        choice = Chooser(session, project_id, self.request, self.last, timeout, warnings).choose()
        if params["definitions"]:
            shows = self.module.wants_diff
            self.definer = Definer(session.library, project_id, params["dest"], self.last, shows, warnings)
        if self.last is not None and self._is_there(self.last, choice, project_id):
            return self._completed(self.last, choice)
        needs = Needs(session.library, project_id, self.request.type, self.last, timeout, warnings)
        needs.add(choice, self.request)
        held = session.package
        digest = building.digest_of(self.request, project_id, choice)
        if not params["dest"] and held is not None and held.built == digest:
            return self._held(held)
        if self.module.check_mode:
            found = predicted(self.last, choice)
            inside = self.definer.foretell(found, _subtypes(choice)) if self.definer is not None else {}
            return {"changed": True, "package": None, **self._shown(found, "would be", inside)}
        return self._build(choice, needs, project_id, digest)

    def _is_there(self, last: Content, choice: Choice, project_id: str | None) -> bool:
        """Return whether the package at dest is what was asked for: the request, and the version of each object."""
        if last.request != self.request.document(project_id):
            self._reason = _OTHERWISE
            return False
        if not is_as_asked(last, choice):
            return False
        home = project_id if self.request.type == PROJECT else None
        needed = [row for row in last.rows if row.key not in choice.objects]
        found = look_up(self.session.library.source_object, [row.key for row in needed], home)
        for row in needed:
            item = found[row.key]
            if item is None or not same_version(item.version, row.version):
                return False
        return True

    def _build(self, choice: Choice, needs: Needs, project_id: str | None, digest: str) -> dict[str, Any]:
        params, session, dest = self.module.params, self.session, self.module.params["dest"]
        info = building.build(session, project_id, self.request, choice, params["wait_timeout"], params["force"])
        try:
            rows = building.reasoned(info, choice, needs)
            unlisted = building.unlisted_groups(rows, self.request)
            self.module.warnings.extend([unlisted] if unlisted else [])
            content = building.content_of(session, info, rows, self.request, project_id, choice)
            sha256, size = building.save(session, info.id, project_id, dest)
            content = replace(content, sha256=sha256, size=size)
            found = changes(of_rows(self.last.rows) if self.last else {}, of_rows(rows))
            content, inside = self._define(content, found, choice)
            # Last, so that what is there with it is complete.
            if dest and params["manifest"] is not False:
                manifests.write(manifests.path_for(dest), content, check_mode=False)
        except BaseException:
            # What is to be shown is this failure, not what the release says.
            with contextlib.suppress(MigrationError):
                session.release_package()
            raise
        name = os.path.basename(dest or "")
        session.put_package(PackageInSession(info.id, project_id, sha256, size, name, self.request.type, built=digest))
        if dest and session.outlives_task:
            self._release()
        return self._result(True, content, found, None if dest else info.id, inside)

    def _release(self) -> None:
        """Release the package, whose file is there: that it cannot be done is no failure of the task.

        A session that ends with the task releases it then.
        """
        try:
            self.session.release_package()
        except MigrationError as error:
            self.module.warnings.append("The package is saved, and the session still holds it: %s" % error.message)

    def _define(self, content: Content, found: list[Change], choice: Choice) -> tuple[Content, dict[Key, list[str]]]:
        """Keep definitions where they are wanted; return the content that says so, and what changed in them."""
        if self.definer is None:
            return content, {}
        kept, inside = self.definer.keep([row.key for row in content.rows], found, _subtypes(choice))
        return replace(content, definitions=kept), inside

    def _completed(self, last: Content, choice: Choice) -> dict[str, Any]:
        """Return the result for a package that is there; its definitions are kept now where they are wanted."""
        if self.definer is None or self.definer.are_kept:
            return self._result(False, last, [], None)
        if not self.module.check_mode:
            content, _inside = self._define(last, [], choice)
            manifests.write(manifests.path_for(self.module.params["dest"]), content, check_mode=False)
        verb = "would be" if self.module.check_mode else "are"
        msg = "The objects stay as they are; their definitions %s kept beside the package." % verb
        return {**self._result(False, last, [], None), "changed": True, "msg": msg}

    def _held(self, held: PackageInSession) -> dict[str, Any]:
        info = self.session.library.package(held.id, held.project_id, content=True)
        content = Content(held.sha256, held.size, held.type, info.settings, info.rows or ())
        return self._result(False, content, [], held.id)

    def _result(
        self,
        changed: bool,
        content: Content,
        found: list[Change],
        held: str | None,
        inside: Mapping[Key, Sequence[str]] | None = None,
    ) -> dict[str, Any]:
        dest = self.module.params["dest"]
        path = manifests.path_for(dest) if dest else None
        return {
            "changed": changed,
            "package": {
                "id": held,
                "status": "ready",
                "type": content.type,
                "sha256": content.sha256,
                "size": content.size,
                "object_count": len(content.rows),
                "manifest": path if path and os.path.exists(path) else None,
            },
            **self._shown(found, "are" if changed else _STAY, inside),
        }

    def _shown(
        self, found: list[Change], verb: str, inside: Mapping[Key, Sequence[str]] | None = None
    ) -> dict[str, Any]:
        """Return what is told of the changes."""
        result: dict[str, Any] = {
            "changes": [change.as_result() for change in found],
            "msg": self._sentence(found, verb),
        }
        if self.module.wants_diff and (found or verb != _STAY):
            project = self.module.params["project"]
            notes = [*(self.definer.notes if self.definer is not None else ()), *([] if found else [self._reason])]
            prepared = text(self.module.package or "in the session", project, found, inside, notes)
            result["diff"] = {"prepared": prepared}
        return result

    def _sentence(self, found: list[Change], verb: str) -> str:
        name = "package %s" % printable(self.module.package, 100) if self.module.package else "the package"
        if found:
            return "Objects of %s: %s." % (name, counts(found))
        if verb == _STAY:
            return "The objects of %s %s." % (name, _STAY)
        return "The objects of %s stay as they are; %s." % (name, self._reason)


def _subtypes(choice: Choice) -> dict[Key, int | None]:
    return {key: chosen.item.subtype for key, chosen in choice.objects.items()}


def _last_export(dest: str, warnings: list[str]) -> Content | None:
    """Return what the package at dest holds, by the manifest that was written with it; None where nothing tells.

    Raises:
        InputError: Dest is no place for a file, or its manifest cannot be read.
    """
    if os.path.islink(dest) or (os.path.exists(dest) and not os.path.isfile(dest)):
        raise InputError("dest: %s is a link or no regular file; name a file." % dest)
    directory = os.path.dirname(dest)
    if not os.path.isdir(directory):
        raise InputError("dest: there is no directory %s on the host where the module runs." % directory)
    if not os.access(directory, os.W_OK | os.X_OK):
        raise InputError("dest: the directory %s cannot be written to; check its permissions." % directory)
    if not os.path.exists(dest):
        return None
    found = manifests.read(manifests.path_for(dest))
    if found is None:
        return None
    if found.sha256 != sha256_of(dest)[0]:
        warnings.append(
            "%s is of another file than %s (its sha256 differs), so the package is built anew."
            % (manifests.path_for(dest), dest)
        )
        return None
    return found if found.request is not None else None
