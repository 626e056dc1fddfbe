# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flow of the module mstr_package_plan: from its options to its result."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import InputError
from ..history.entry import Entry
from ..history.queries import latest, named, older_imports, vouches
from ..history.receipt import UNDONE
from ..history.store import History
from ..imports.rollback import names_of_entries, parts_to_take_back, refuse_edited, refuse_under_newer, undo_file
from ..package import manifest as manifests
from ..package import upload as staging
from ..package.manifest import Manifest
from ..package.upload import PackageFile
from ..plan import text as plan_text
from ..plan.destination import look_up_all, make_plans
from ..plan.listing import Listed, ListedPlan, ObjectKey
from ..plan.package import CannotTell, Change, Found, PackagePlan, refuse_keep_both
from ..plan.undo import change_of_undo
from ..rest import models
from ..rest.models import DestinationObject
from ..session.session import Session
from ..support.files import directory_mode, make_directory
from ..support.text import printable
from .base import MigrationModule
from .history import open_history
from .options import parse_mode

_IMPORTED = "imported"
_HELD = "held"


@dataclass
class _Wanted:
    """A package as the option ``packages`` names it, and what is found out about it.

    Attributes:
        name: Its name.
        option: What the option says of it.
        project: The project's name or id, empty for none.
        file: The package file; None where only a manifest is given, or it is to be undone.
        content: Its content, once that is known.
        project_id: The project's id, once that is known.
        newest: For a package that is to be undone: its newest entry in the history.
        to_undo: The entries that are to be taken back, newest first.
        older: The entries of older imports of the same file, which are not.
    """

    name: str
    option: dict[str, Any]
    project: str
    file: PackageFile | None = None
    content: Manifest | None = None
    project_id: str | None = None
    newest: Entry | None = None
    to_undo: list[Entry] = field(default_factory=list)
    older: list[Entry] = field(default_factory=list)

    @property
    def undone(self) -> bool:
        """Whether the environment is not to have it."""
        return bool(self.option["state"] == UNDONE)


def plan_packages(module: MigrationModule) -> dict[str, Any]:
    """Plan the list, and return what the task returns."""
    params = module.params
    mode = parse_mode(params["history_mode"])
    if not params["packages"]:
        module.warnings.append(
            "packages: the list is empty (mstr_packages of the role), so nothing is declared for this environment."
        )
    packages = [_examine(module, option) for option in params["packages"]]
    _refuse_twice(packages, [package.project for package in packages])
    selected = _selected(packages, params["name"])
    history = open_history(module)
    with module.session() as session:
        for package in packages:
            with _about(module, package):
                package.project_id = session.project_id(package.project)
        # Once more, since one may name the project and another give its id.
        _refuse_twice(packages, [package.project_id for package in packages])
        to_learn = [package for package in packages if package.file is not None and package.content is None]
        if history is not None:
            for package in to_learn:
                # A history that cannot be written is said so before the manifest below it is.
                with _about(module, package):
                    history.check(package.project_id, make=False)
        _learn(module, session, to_learn, mode)
        if params["write_manifests"]:
            _write_beside(module, packages)
        if history is not None:
            _find_entries(module, session, history, packages, selected)
        to_import = [package for package in packages if not package.undone]
        listed = []
        for package in to_import:
            with _about(module, package):
                listed.append(_as_listed(package, package in selected))
        projects = {package.project for package in packages}
        # What breaks now is about the list as a whole.
        module.project = projects.pop() if len(projects) == 1 else ""
        plans = make_plans(session, listed, history, _once_undone(packages, selected))
        _refuse_needed(plans, params["name"])
        for package, planned in zip(to_import, plans):
            with _about(module, package):
                _check(module, history, package, planned)
                if not planned.due and not planned.held and package in selected:
                    _confirm(module, session, history, package, mode)
        result = _result(module, packages, selected, dict(zip((id(package) for package in to_import), plans)))
        result["logged_out"] = result["in_sync"] and params["log_out_when_in_sync"] and session.end_with_task()
    return result


@contextlib.contextmanager
def _about(module: MigrationModule, package: _Wanted) -> Iterator[None]:
    """Say, should this fail, that it was about a package."""
    module.package, module.project = package.name, package.project
    yield
    module.package, module.project = "", None


def _examine(module: MigrationModule, option: dict[str, Any]) -> _Wanted:
    """Read what is known of a package without asking the server.

    Raises:
        InputError: Its options, its file or its manifest cannot be used; the message names the package.
    """
    source = option["src"] or option["manifest"]
    name = option["name"] or _name_of(source)
    if not name:
        raise InputError("packages: each needs a name, a src or a manifest.")
    for path in ("src", "manifest"):
        if option[path]:
            option[path] = os.path.abspath(option[path])
    project = option["project"]
    if project is None:
        project = "" if option["type"] == models.CONFIGURATION else module.params["project"] or ""
    package = _Wanted(name, option, project)
    if not package.undone:
        with _about(module, package):
            _read_package(module, package)
    return package


def _read_package(module: MigrationModule, package: _Wanted) -> None:
    option = package.option
    declared = option["type"]
    if option["src"]:
        package.file = staging.examine(option["src"], option["checksum"], module.warnings)
        package.content = package.file.manifest
        declared = staging.agreed_type(declared, package.content)
        if package.content is None:
            package.content = _remembered(module, package.file)
    elif option["manifest"]:
        package.content = _read(option)
        declared = staging.agreed_type(declared, package.content)
    else:
        raise InputError("packages: %s needs its src, or its manifest." % printable(package.name, 100))
    staging.check_project_option(package.project, declared)


def _name_of(path: str | None) -> str:
    name = os.path.basename(path or "")
    if name.endswith(manifests.SUFFIX):
        name = name[: -len(manifests.SUFFIX)]
    return os.path.splitext(name)[0]


def _read(option: dict[str, Any]) -> Manifest:
    found = staging.read_manifest(option["manifest"])
    if found is None:
        raise InputError("manifest: there is no file %s on the host where the module runs." % option["manifest"])
    wanted = staging.parse_checksum(option["checksum"])
    if wanted is not None and wanted != found.sha256:
        raise InputError(
            "checksum: %s is of the file with sha256:%s, not %s." % (option["manifest"], found.sha256, wanted)
        )
    return found


def _remembered_path(directory: str, sha256: str) -> str:
    return os.path.join(directory, sha256 + manifests.SUFFIX)


def _remembered(module: MigrationModule, package: PackageFile) -> Manifest | None:
    """Return the manifest that an earlier run learnt of the very same file."""
    directory = module.params["manifest_dir"]
    if not directory:
        return None
    path = _remembered_path(directory, package.hash())
    try:
        found = staging.read_manifest(path)
    except InputError as error:
        # It can be learnt again, and is then written anew.
        module.warnings.append("%s It is ignored." % error.message)
        return None
    return found if found is not None and found.sha256 == package.hash() else None


def _refuse_twice(packages: Iterable[_Wanted], projects: Iterable[str | None]) -> None:
    seen = set()
    for package, project in zip(packages, projects):
        key = (project, package.name)
        if key in seen:
            place = " in project %s" % printable(package.project, 100) if package.project else ""
            raise InputError(
                "packages: two are called %s%s. The name is what the history knows a package by; give each its own."
                % (printable(package.name, 100), place)
            )
        seen.add(key)


def _selected(packages: list[_Wanted], name: str | None) -> list[_Wanted]:
    if not name:
        return packages
    found = [package for package in packages if package.name == name]
    if not found:
        names = sorted({printable(package.name, 60) for package in packages})
        raise InputError(
            "name: no package of the list is called %s; there is: %s."
            % (printable(name, 100), ", ".join(names) or "none")
        )
    return found


def _learn(module: MigrationModule, session: Session, packages: list[_Wanted], mode: int) -> None:
    """Upload packages that have no manifest, to see what they hold.

    The first of them last, so that it is what the session holds when its turn comes to be imported.
    """
    for package in reversed(packages):
        with _about(module, package):
            _learn_one(module, session, package, mode)


def _learn_one(module: MigrationModule, session: Session, package: _Wanted, mode: int) -> None:
    if package.file is None:
        raise AssertionError("there is no file to learn from")
    staged = staging.stage(
        session, package.file, package.project_id, package.option["type"], module.params["wait_timeout"]
    )
    package.content = staged.as_manifest()
    directory = module.params["manifest_dir"]
    if directory and not module.check_mode:
        try:
            make_directory(directory, directory_mode(mode))
        except OSError as error:
            raise InputError("manifest_dir: %s cannot be made: %s." % (directory, error.strerror)) from error
        path = _remembered_path(directory, package.content.sha256)
        staging.write_manifest(path, package.content, check_mode=False, mode=mode)


def _confirm(module: MigrationModule, session: Session, history: History | None, package: _Wanted, mode: int) -> None:
    """Upload a package that is left alone by its manifest, unless it was seen before that the manifest is right.

    A manifest may have been edited, or be that of an older build. What is due is compared when it is imported.

    Raises:
        MigrationError: The server reads something else in the file.
    """
    if package.file is None or package.file.manifest is None:
        return
    digest, sha256 = package.file.manifest.digest, package.file.hash()
    remembered = _remembered(module, package.file)
    if remembered is not None and remembered.digest == digest:
        return
    if history is not None and vouches(history.entries(package.project_id), sha256, digest):
        return
    _learn_one(module, session, package, mode)


def _write_beside(module: MigrationModule, packages: Iterable[_Wanted]) -> None:
    """Write the manifests that are to be committed with their packages, where they are not there yet."""
    for package in packages:
        if package.file is not None and package.file.manifest is None and package.content is not None:
            with _about(module, package):
                staging.write_manifest(manifests.path_for(package.file.path), package.content, module.check_mode)


def _find_entries(
    module: MigrationModule, session: Session, history: History, packages: list[_Wanted], selected: list[_Wanted]
) -> None:
    """Find the imports of the packages that are to be undone.

    Raises:
        MigrationError: One cannot be taken back: others that stay are built on it, its undo package is missing, or
            objects were edited since.
    """
    undone = [package for package in packages if package.undone]
    entries = {package.project_id: history.entries(package.project_id) for package in undone}
    for package in undone:
        own = named(entries[package.project_id], package.name)
        if not own and package.option["project"] is None and package.option["type"] is None:
            own = _find_elsewhere(history, package)
            entries.setdefault(package.project_id, history.entries(package.project_id))
        package.newest = latest(own)
        if package.newest is not None:
            package.to_undo = parts_to_take_back(package.newest, own, module.warnings)
            package.older = older_imports(package.newest, own)
        elif not own:
            place = " in project %s" % printable(package.project, 100) if package.project else ""
            module.warnings.append(
                "Package %s is to be undone, but the history of environment %s has no import of that name%s. Nothing "
                "is done about it." % (printable(package.name, 100), module.environment, place)
            )
    due = [package for package in undone if package in selected and package.to_undo]
    names = [entry.name for package in due for entry in package.to_undo]
    for package in undone:
        with _about(module, package):
            _warn_of_older(module, package, due)
    for package in due:
        with _about(module, package):
            _refuse_to_undo(session, package, entries[package.project_id], names)


def _warn_of_older(module: MigrationModule, package: _Wanted, due: list[_Wanted]) -> None:
    # Where the run goes on to take the newest one back, that task says it.
    if package.older and (module.check_mode or package not in due):
        module.warnings.append(
            "Package %s is to be undone, which takes back its newest import only. Older imports of the same file stay: "
            "%s. To take them back too: playbook rollback with mstr_package and mstr_entry, newest first."
            % (printable(package.name, 100), names_of_entries(package.older[-5:]))
        )


def _refuse_to_undo(session: Session, package: _Wanted, entries: list[Entry], undone_first: list[str]) -> None:
    """Fail now, and not half-way through the list, where a package cannot be taken back.

    Raises:
        MigrationError: It cannot.
    """
    newest = package.to_undo[0]
    own = named(entries, package.name)
    for entry in package.to_undo:
        undo_file(entry, own)
    if package.option["force"]:
        return
    refuse_under_newer(newest, entries, undone_first)
    stands_on_it = [name for name in undone_first if name > newest.name]
    if not stands_on_it:
        refuse_edited(newest, entries, _what_undoing_changes(session, package, newest))


def _what_undoing_changes(session: Session, package: _Wanted, entry: Entry) -> list[Change]:
    """Return what taking an import back would change in the environment as it is now."""
    changes = {(package.project_id or "", *change.row.key): change for change in change_of_undo([entry])}
    found = look_up_all(session, {key: change.row for key, change in changes.items()})
    now = []
    for place, change in changes.items():
        seen = found[place]
        if isinstance(seen, CannotTell):
            continue
        version = seen.version if seen is not None else None
        if not models.same_version(version, change.row.version):
            now.append(replace(change, version_before=version))
    return now


def _find_elsewhere(history: History, package: _Wanted) -> list[Entry]:
    """Return the entries of a package to be undone whose project nobody names, if the history has it in one place."""
    found = named(history.all_entries(), package.name)
    places = {entry.receipt.project for entry in found}
    if len(places) != 1:
        return []
    package.project_id = places.pop()
    package.project = package.project_id or ""
    return found


def _as_listed(package: _Wanted, selected: bool) -> Listed:
    content = package.content
    if content is None:
        raise AssertionError("the content of a package is not known")
    # What a manifest that was only remembered says of the type came from the user of then.
    beside = package.file is None or package.file.manifest is not None
    declared = content.type if beside else package.option["type"] or content.type
    return Listed(
        name=package.name,
        rows=content.rows,
        settings=content.settings,
        type=staging.package_type(declared, content.rows, package.project_id is not None),
        project_id=package.project_id,
        sha256=content.sha256,
        force=package.option["force"] and selected,
        selected=selected,
    )


def _once_undone(packages: Iterable[_Wanted], selected: list[_Wanted]) -> dict[ObjectKey, Found]:
    """Return what the objects will be once the packages that are to be undone are taken back, newest first."""
    entries = [
        (entry, package.project_id or "") for package in packages if package in selected for entry in package.to_undo
    ]
    expected: dict[ObjectKey, Found] = {}
    for entry, place in sorted(entries, key=lambda item: item[0].name, reverse=True):
        before = entry.receipt.before
        for key in entry.receipt.touched:
            if key in before:
                version, identity = before[key], (place, *key)
                expected[identity] = None if version is None else DestinationObject(version, None)
    return expected


def _refuse_needed(plans: Iterable[ListedPlan], name: str | None) -> None:
    needed = [planned.package.name for planned in plans if planned.needed]
    if needed:
        raise InputError(
            "name: importing only %s would leave older versions of objects that later packages of this list carry too, "
            "which would have to be imported after it: %s. Nothing was imported. Deploy the whole list, without naming "
            "a package." % (printable(name, 100), ", ".join(printable(item, 100) for item in needed))
        )


def _check(module: MigrationModule, history: History | None, package: _Wanted, planned: ListedPlan) -> None:
    """Say now, before anything of the list is imported, what would stop the import of a package.

    Raises:
        InputError: Something would.
    """
    if planned.held:
        module.warnings.append(plan_text.held(planned))
    if not planned.due:
        return
    refuse_keep_both(planned.package.rows, planned.package.settings, package.option["generate_undo"] is True)
    if history is not None:
        history.check(package.project_id, make=False)


def _result(
    module: MigrationModule, packages: list[_Wanted], selected: list[_Wanted], plans: dict[int, ListedPlan]
) -> dict[str, Any]:
    results = []
    texts = []
    for position, package in enumerate(packages, 1):
        planned = plans.get(id(package))
        known = {"position": position, "name": package.name, "project": package.project}
        if planned is None:
            plan = PackagePlan(tuple(change_of_undo(package.to_undo)))
            due = bool(package.to_undo) and package in selected
            results.append(
                {
                    **known,
                    "state": UNDONE,
                    **plan.as_result(),
                    "in_sync": not package.to_undo and not package.older,
                    "due": due,
                    "entry": package.newest.name if package.newest else None,
                }
            )
            if due:
                title = plan_text.title("%s (taken back)" % package.name, package.project)
                texts.append(plan_text.describe(title, plan))
            continue
        results.append(
            {
                **known,
                "state": _HELD if planned.held else _IMPORTED,
                **planned.plan.as_result(),
                "in_sync": planned.in_sync,
                "due": planned.due,
                "entry": None,
            }
        )
        if planned.due:
            title = plan_text.title(package.name, package.project)
            texts.append(plan_text.describe(title, planned.plan, planned.package.force))
    result: dict[str, Any] = {
        "changed": False,
        "in_sync": not any(item["due"] for item in results),
        "packages": results,
    }
    if module.wants_diff and texts:
        result["diff"] = {"prepared": "".join(texts)}
    return result
