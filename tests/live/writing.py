# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The points that need a scratch project and a package of the user's: imported, compared, taken back, compared again.

What the import changed is taken back by its undo package, which is kept on disk from before anything is released until
the objects are seen to be as they were.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from report import Answers
from server import ASYNC, Live, answer_of, error_of, send, word, word_of

from ansible_collections.mstr.migration.plugins.module_utils.errors import InputError, MigrationError
from ansible_collections.mstr.migration.plugins.module_utils.package.content import Content
from ansible_collections.mstr.migration.plugins.module_utils.package.file import examine, refuse_text
from ansible_collections.mstr.migration.plugins.module_utils.plan.package import (
    PackagePlan,
    default_action,
    plan_row,
    refuse_keep_both,
)
from ansible_collections.mstr.migration.plugins.module_utils.rest.client import Library
from ansible_collections.mstr.migration.plugins.module_utils.rest.known import NOTHING
from ansible_collections.mstr.migration.plugins.module_utils.rest.models import (
    PROJECT,
    DestinationObject,
    ImportInfo,
    Key,
    PackageInfo,
    Row,
    same_version,
)
from ansible_collections.mstr.migration.plugins.module_utils.rest.multipart import MultipartFile
from ansible_collections.mstr.migration.plugins.module_utils.session.session import pick_project

# The types that the vendor's page on the content of packages names.
DEFINED_TYPES = (12, 13, 14, 15)
FOLDER, REPORT = 8, 3
LONGEST_PAUSE = 5.0
# Seconds within which a package that was released makes room for another one.
RELEASE_LIMIT = 60.0
# Seconds within which an undo package that is there can be had.
UNDO_LIMIT = 60.0
Found = dict[Key, DestinationObject | None]


class GivenUp(Exception):
    """Nothing more can be asked. The text is for the person who runs the suite."""


@dataclass
class Scratch:
    """What the user gave to write with.

    Attributes:
        project: The id of the project.
        package: The package's file.
        undo: Where the undo package is kept as long as it may be needed.
        limit: Seconds to wait for the server's work.
        imported: Whether something is, or may be, imported and was not taken back.
    """

    project: str
    package: Path
    undo: Path
    limit: float
    imported: bool = False

    @property
    def left(self) -> str:
        """What is left in the project, in words."""
        kept = f"Its undo package is {self.undo}." if self.undo.exists() else "There is no undo package of it."
        return f"LIVETEST_PACKAGE is, or may be, imported into LIVETEST_PROJECT and was not taken back. {kept}"


def scratch(library: Library, project: str, package: Path, directory: Path, limit: float) -> Scratch:
    """Return what to write with, checked.

    Raises:
        InputError: There is no such project or file.
    """
    found = pick_project(library.projects(), project)
    examine(str(package), None, [])
    undo = directory / "undo.mmp"
    if undo.exists():
        raise InputError(f"{undo} is of an earlier run, which did not take back what it imported. Move it away.")
    return Scratch(found.id, package, undo, limit)


def write(live: Live, answers: Answers, given: Scratch) -> None:
    """Answer what needs an import, and take it back; ``given.imported`` says whether that could not be done.

    Raises:
        GivenUp: The package cannot be imported, or the import does not end.
    """
    library = live.log_in()
    with answers.trying("package_made", "status_words", "second_package", "prefer_missing", "package_released"):
        _holder(library, answers, given)
    _import(library, answers, given)
    with answers.trying("log_out_frees"):
        _log_out_frees(live, answers, given)
    with answers.trying("unlock"):
        _unlock(library, answers, given)


def _path(form: str, identity: str) -> str:
    return form % quote(identity, safe="")


def _holder(library: Library, answers: Answers, given: Scratch) -> None:
    response = send(library, "POST", "/packages", given.project)
    answers.give("package_made", answer_of(response), fits=response.status_code in (200, 201))
    package, status = response.json()["id"], word_of(response)
    answers.give("status_words", "lower" if status.islower() else "upper" if status.isupper() else "mixed")
    path = _path("/packages/%s", package)
    second = send(library, "POST", "/packages", given.project)
    if second.status_code < 300:
        answers.give("second_package", "accepted")
        send(library, "DELETE", path, given.project, headers=ASYNC)
        _until_gone(library, path, given)
        path = _path("/packages/%s", second.json()["id"])
    else:
        answers.give("second_package", answer_of(second))
        code = str(error_of(second).get("code", ""))
        if re.fullmatch(r"ERR0{0,2}[1-9]\d", code):
            answers.give("error_codes", "ERR0015" if len(code) == 7 else "ERR015")
        else:
            answers.leave("error_codes", "No such code came.")
    with answers.trying("project_header"):
        response = send(library, "GET", path, params={"showContent": "false"})
        answers.give("project_header", answer_of(response))
    response = send(library, "DELETE", path, given.project)
    if response.status_code < 300:
        answers.give("prefer_missing", "accepted")
        _until_gone(library, path, given)
        again = send(library, "POST", "/packages", given.project)
        path = _path("/packages/%s", again.json()["id"])
    else:
        answers.give("prefer_missing", answer_of(response))
    response = send(library, "DELETE", path, given.project, headers=ASYNC)
    answers.give("package_released", answer_of(response), fits=response.status_code in (200, 202, 204))
    with answers.trying("released_is_gone"):
        response = send(library, "GET", path, given.project, params={"showContent": "false"})
        gone = response.status_code >= 400
        answers.give("released_is_gone", answer_of(response) if gone else word_of(response).lower())
    _until_gone(library, path, given)


def _until_gone(library: Library, path: str, given: Scratch) -> None:
    """Wait until a package that was released has made room for another one."""
    about = {"showContent": "false"}
    _until(lambda: send(library, "GET", path, given.project, params=about).status_code >= 400, RELEASE_LIMIT)


def _release(library: Library, package_id: str, given: Scratch) -> None:
    library.delete_package(package_id, given.project)
    _until_gone(library, _path("/packages/%s", package_id), given)


@contextmanager
def _uploaded(library: Library, given: Scratch, path: Path) -> Iterator[tuple[PackageInfo, str]]:
    """Give a package file in the session, with its content, and how the upload was answered; release it afterwards."""
    package = library.create_package(given.project)
    try:
        with MultipartFile(str(path)) as upload:
            info = library.upload_package(package.id, upload, given.project, given.limit)
        answer = f"200 {word(info.status)}"
        _until(lambda: library.package(package.id, given.project).status not in ("empty", "processing"), given.limit)
        yield library.package(package.id, given.project, content=True), answer
    finally:
        _release(library, package.id, given)


def _until(done: Any, limit: float) -> bool:
    """Ask again and again, with pauses that grow; return whether it is done within the limit."""
    end, pause = time.monotonic() + limit, 0.05
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
    return True


def _import(library: Library, answers: Answers, given: Scratch) -> None:
    before: Found = {}
    with answers.trying("upload", "content", "looked_up", "import_started", "import_ended", "undo_made", "as_planned"):
        with _uploaded(library, given, given.package) as (info, answer):
            answers.give("upload", answer, fits=info.status == "ready")
            content = _content(answers, info, given)
            _definitions(library, answers, info, given)
            before = _look_up(library, answers, content.rows, given)
            planned = PackagePlan(
                tuple(plan_row(row, default_action(content.settings), before[row.key]) for row in content.rows)
            )
            _imported(library, answers, info, given)
        after = _look_up(library, answers, content.rows, given)
        _compare(answers, planned, before, after)
        with answers.trying("dependents", "missing_content"):
            _build(library, answers, content.rows, given)
    if given.undo.exists():
        with answers.trying("undone"):
            _take_back(library, answers, before, given)
        if answers.values["undone"] == "yes":
            given.imported = False
            given.undo.unlink()


def _content(answers: Answers, info: PackageInfo, given: Scratch) -> Content:
    rows = info.rows or ()
    whole = bool(rows) and all(row.version and row.level for row in rows)
    answers.give("content", "yes" if whole else "without versions or levels" if rows else "no rows", fits=whole)
    content = Content("", given.package.stat().st_size, PROJECT, info.settings, rows)
    try:
        refuse_keep_both(content, generate_undo=True)
    except InputError:
        raise GivenUp(
            "LIVETEST_PACKAGE: with keep_both in it there is no undo package. Nothing was imported; give another one."
        ) from None
    if not rows or info.status != "ready":
        raise GivenUp("LIVETEST_PACKAGE: the server did not read the package, so nothing was imported.")
    return content


def _definitions(library: Library, answers: Answers, info: PackageInfo, given: Scratch) -> None:
    row = next((row for row in info.rows or () if row.type in DEFINED_TYPES), None)
    if row is None:
        answers.leave("definitions", "The package has no attribute, fact, hierarchy or table.")
        return
    path = _path("/packages/%s/objects", info.id)
    answers.give("definitions", answer_of(send(library, "GET", path, given.project, params={"id": row.id})))


def _look_up(library: Library, answers: Answers, rows: tuple[Row, ...], given: Scratch) -> Found:
    found = {row.key: library.find_object(row.id, row.type, given.project) for row in rows}
    answers.give("looked_up", all(one is None or one.version for one in found.values()))
    return found


def _imported(library: Library, answers: Answers, info: PackageInfo, given: Scratch) -> None:
    """Import the package that is in the session, and keep its undo package."""
    params = {"packageId": info.id, "generateUndo": "true"}
    given.imported = True
    response = send(library, "POST", "/packages/imports", given.project, headers=ASYNC, params=params)
    if 400 <= response.status_code < 500:
        given.imported = False
    answers.give("import_started", answer_of(response), fits=response.status_code in (200, 201, 202))
    process = str(response.json()["id"])
    try:
        state, progress = _ended(library, process, given)
        answers.give("import_ended", word(state.status), fits=state.status == "imported")
        between = any(value not in (None, 0, 100) for value in progress)
        answers.give("import_progress", "some between" if between else "none, or 0 and 100 alone")
        at_once = state.undo_package_created
        made = at_once or _until(
            lambda: library.import_process(process, given.project).undo_package_created, min(given.limit, 300)
        )
        answers.give("undo_made", "with the end" if at_once else "later" if made else "never", fits=made)
        if made:
            _keep_undo(library, answers, process, given)
    finally:
        path = _path("/packages/imports/%s", process)
        response = send(library, "DELETE", path, given.project, headers=ASYNC)
        answers.give("import_released", answer_of(response), fits=response.status_code in (200, 202, 204))


def _ended(library: Library, process: str, given: Scratch) -> tuple[ImportInfo, list[float | None]]:
    """Wait for the end of an import. :returns: its last state, and the progress that it showed"""
    states: list[ImportInfo] = []

    def ended() -> bool:
        states.append(library.import_process(process, given.project))
        return states[-1].has_ended

    if not _until(ended, given.limit):
        raise GivenUp(f"The import did not end within {given.limit:g} s (LIVETEST_TIMEOUT). It may still go on.")
    return states[-1], [state.progress for state in states[:-1]]


def _keep_undo(library: Library, answers: Answers, process: str, given: Scratch) -> None:
    """Keep the undo package on disk. It is asked for again where it comes broken: without it nothing is taken back."""
    broken: list[MigrationError] = []

    def is_kept() -> bool:
        try:
            length, parts = library.undo_package(process, given.project)
            data = b"".join(parts)
            _save(given.undo, data)
            refuse_text(str(given.undo))
        except MigrationError as error:
            given.undo.unlink(missing_ok=True)
            broken.append(error)
            return False
        answers.give("undo_length", length is not None)
        with given.package.open("rb") as handle:
            answers.give("undo_form", handle.read(4) == data[:4])
        return True

    if not _until(is_kept, UNDO_LIMIT):
        raise broken[-1]


def _save(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(data)
    except OSError as error:
        raise GivenUp(f"The undo package could not be written to {path}: {error.strerror}.") from error


def _compare(answers: Answers, planned: PackagePlan, before: Found, after: Found) -> None:
    """Hold what the import changed against the plan."""
    as_planned = new_versions = True
    for change in planned.objects:
        was, now = before[change.row.key], after[change.row.key]
        changed = (was is None) != (now is None) or bool(was and now and not same_version(was.version, now.version))
        # A folder gets a version of its own, whatever was planned.
        as_planned &= changed == change.counts or change.row.type == FOLDER
        if change.counts and now is not None and change.row.type != FOLDER:
            new_versions &= same_version(now.version, change.row.version)
    answers.give("as_planned", as_planned)
    answers.give("new_versions", new_versions)


def _take_back(library: Library, answers: Answers, before: Found, given: Scratch) -> None:
    with _uploaded(library, given, given.undo) as (info, _answer):
        process = library.create_import(info.id, False, given.project).id
        try:
            state, _progress = _ended(library, process, given)
        finally:
            library.delete_import(process, given.project)
    if state.status != "imported":
        answers.give("undone", f"the import of the undo package ended as {word(state.status)}", fits=False)
        return
    same = True
    for (object_id, kind), was in before.items():
        now = library.find_object(object_id, kind, given.project)
        same &= (was is None) == (now is None) and (
            was is None or now is None or kind == FOLDER or same_version(was.version, now.version)
        )
    answers.give("undone", same)


def _built(library: Library, given: Scratch, rows: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    """Build a package from objects, and release it. :returns: the status of the request, and what came of it"""
    package = library.create_package(given.project)
    try:
        body = {"type": PROJECT, "settings": {"defaultAction": "use_existing"}, "content": rows}
        path = _path("/packages/%s", package.id)
        response = send(library, "PUT", path, given.project, headers=ASYNC, body=body)
        if response.status_code >= 300:
            return response.status_code, error_of(response)
        _until(lambda: library.package(package.id, given.project).status not in ("empty", "processing"), given.limit)
        return response.status_code, send(library, "GET", path, given.project, params={"showContent": "true"}).json()
    finally:
        _release(library, package.id, given)


def _build(library: Library, answers: Answers, rows: tuple[Row, ...], given: Scratch) -> None:
    wanted = {"id": NOTHING, "type": REPORT, "action": "use_existing", "includeDependents": False}
    status, built = _built(library, given, [wanted])
    fails = str(built.get("status", "")).lower() == "failed"
    answers.give("missing_content", f"refused with {status}" if status >= 300 else "fails" if fails else "goes through")
    # The object that most likely needs others: what the types are made of comes before them in their numbers' use.
    order = (55, 3, 4, 1, 12, 13, 14)
    first = min(rows, key=lambda row: order.index(row.type) if row.type in order else len(order))
    wanted = {"id": first.id, "type": first.type, "action": "use_existing", "includeDependents": True}
    status, built = _built(library, given, [wanted])
    content = built.get("content")
    if status >= 300 or not isinstance(content, list):
        answers.leave("dependents", "No package could be built.")
    else:
        answers.give("dependents", "listed" if len(content) > 1 else "not listed, or there are none")


def _unlock(library: Library, answers: Answers, given: Scratch) -> None:
    lock = {"lockType": "absolute_individual"}
    try:
        locked = send(library, "POST", "/model/schema/lock", given.project, body=lock)
        if locked.status_code >= 500:
            raise GivenUp(f"The schema of LIVETEST_PROJECT may be locked: {answer_of(locked)} was the answer.")
        if locked.status_code >= 300:
            answers.leave("unlock", f"The schema could not be locked: {answer_of(locked)}.")
            return
        response = send(library, "DELETE", "/model/schema/lock", given.project, params=lock)
    except MigrationError as error:
        raise GivenUp(f"The schema of LIVETEST_PROJECT may be locked: {error.message}") from error
    except KeyboardInterrupt:
        raise GivenUp("Stopped. The schema of LIVETEST_PROJECT may be locked.") from None
    answers.give("unlock", answer_of(response))
    if response.status_code >= 300:
        raise GivenUp(
            f"The schema of LIVETEST_PROJECT is still locked; its release was answered {answer_of(response)}."
        )


def _log_out_frees(live: Live, answers: Answers, given: Scratch) -> None:
    first = live.log_in()
    package = first.create_package(given.project)
    first.log_out()
    live.forget(first)
    second = live.log_in()
    path = _path("/packages/%s", package.id)
    response = send(second, "GET", path, given.project, params={"showContent": "false"})
    answers.give("log_out_frees", answer_of(response))
