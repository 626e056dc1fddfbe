# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the server's answers mean, as plain data: packages, their rows, import processes, objects.

The parsers take decoded JSON of any shape. They ignore what they do not know, require only what is used, and raise
``ShapeError``, which says which field is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from ..support import shape
from ..support.text import printable
from .answers import error_parts

PROJECT = "project"
PROJECT_SECURITY = "project_security"
CONFIGURATION = "configuration"
PACKAGE_TYPES = (PROJECT, PROJECT_SECURITY, CONFIGURATION)

PROJECT_OBJECT = "project_object"
CONFIGURATION_OBJECT = "configuration_object"

USE_EXISTING = "use_existing"
REPLACE = "replace"
FORCE_REPLACE = "force_replace"
KEEP_BOTH = "keep_both"
USE_NEWER = "use_newer"
USE_OLDER = "use_older"
DELETE = "delete"
ACTIONS = (USE_EXISTING, REPLACE, FORCE_REPLACE, KEEP_BOTH, USE_NEWER, USE_OLDER, DELETE)

FOLDER_TYPE = 8
# Of the folder that holds all others of a project, and has the project's name: the same in every project.
_ROOT_FOLDER = "D43364C684E34A5F9B2F9AD7108F7828"
USER_TYPE = 34
CONTENT_GROUP_TYPE = 77

# Object types of the metadata, from the vendor's EnumDSSXMLObjectTypes. Only for people to read: a type that is missing
# here works all the same, and is shown as its number.
_TYPES = """
    1 filter, 2 template, 3 report, 4 metric, 6 autostyle, 7 aggregate metric, 8 folder, 9 device, 10 prompt,
    11 function, 12 attribute, 13 fact, 14 hierarchy, 15 table, 16 datamart report, 17 fact group, 18 shortcut,
    19 resolution, 21 attribute form, 22 schema, 23 format, 24 catalog, 25 catalog definition, 26 column,
    28 property set, 29 database instance, 30 database login, 31 database connection, 32 project,
    33 server definition, 34 user, 35 transmitter, 36 configuration, 39 search, 40 search folder, 41 datamart,
    42 package definition, 43 transformation, 44 security role, 45 locale, 47 consolidation,
    48 consolidation element, 49 event, 50 schedule, 51 schedule trigger, 52 link, 53 database table,
    54 table source, 55 document, 56 drill map, 57 DBMS, 58 security filter, 59 prompt answer, 60 prompt answers,
    61 graph style, 66 change journal, 67 shortcut, 68 shortcut target, 70 layer, 71 palette, 72 thresholds,
    76 script, 77 content bundle, 78 application, 79 timezone, 81 calendar, 84 driver, 85 interface language,
    86 workflow
"""
TYPE_NAMES = {int(number): " ".join(words) for number, *words in map(str.split, _TYPES.split(","))}


def type_name(object_type: int) -> str:
    """Return what people call an object type, or ``type N`` for one that is not known here."""
    return TYPE_NAMES.get(object_type, "type %d" % object_type)


_DATE = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6})\d*)?\s*(?:Z|([+-])(\d{2}):?(\d{2}))?\Z", re.ASCII
)


def parse_date(text: str | None) -> datetime | None:
    """Return a server's date such as ``2021-03-04T03:53:09.000+0000`` in UTC, or None where there is none to read.

    A date without an offset is taken for UTC.
    """
    match = _DATE.match(text.strip()) if text else None
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, sign, hours, minutes = match.groups()[6:]
    try:
        moment = datetime(year, month, day, hour, minute, second, int((fraction or "").ljust(6, "0")))
        if sign:
            offset = timedelta(hours=int(hours), minutes=int(minutes))
            moment = moment - offset if sign == "+" else moment + offset
    except (ValueError, OverflowError):
        return None
    return moment


def same_version(one: str | None, other: str | None) -> bool:
    """Return whether two version ids are the same; None is that of what is not there.

    They are hexadecimal digits, which servers write in upper or lower case.
    """
    return (one or "").upper() == (other or "").upper()


# What an object is known by in the metadata: its id in upper case, and its type.
Key = tuple[str, int]


class Component(NamedTuple):
    """An object that another one uses directly.

    Attributes:
        id: Its id, in upper case.
        type: Its type.
        name: Its name, as the source has it; None where not known.
    """

    id: str
    type: int
    name: str | None = None

    @property
    def key(self) -> Key:
        """What it is known by in the metadata."""
        return (self.id, self.type)


@dataclass(frozen=True)
class Row:
    """One object in a package, and what the package wants done about it.

    Attributes:
        id: The object's id, 32 hexadecimal digits.
        name: Its name, as the source has it.
        type: Its type, a number of EnumDSSXMLObjectTypes.
        version: Its version id in the package; None where the server gave none.
        date_modified: When the source last changed it, as the server wrote it; None where not given.
        action: One of ``ACTIONS``; None where the package's default action applies.
        level: ``project_object`` or ``configuration_object``; None where the server gave none.
        included: For a package that was built here, why it is in there: ``asked`` or ``needed``; None where not known.
        needed_by: For one that is needed, the ids of the objects in the package that use it directly.
        components: The objects that it uses directly; None where not known.
    """

    id: str
    name: str
    type: int
    version: str | None
    date_modified: str | None
    action: str | None
    level: str | None
    included: str | None = None
    needed_by: tuple[str, ...] | None = None
    components: tuple[Component, ...] | None = None

    @property
    def key(self) -> Key:
        """What its object is known by in the metadata."""
        return (self.id.upper(), self.type)


@dataclass(frozen=True)
class PackageInfo:
    """A package as the server describes it (``GET /packages/{id}``).

    Attributes:
        id: The package's id in the session.
        status: Lower-case status word: empty, processing, ready, failed, deleting, or one not known.
        settings: The settings as the server wrote them; empty where it gave none.
        rows: The content, None where the answer had none.
        message: What the server says about a failure, or None.
    """

    id: str
    status: str
    settings: dict[str, Any] = field(default_factory=dict)
    rows: tuple[Row, ...] | None = None
    message: str | None = None


@dataclass(frozen=True)
class ImportInfo:
    """An import process as the server describes it (``GET /packages/imports/{id}``).

    Attributes:
        id: The import process's id in the session.
        status: Lower-case status word: processing, imported, failed, or one not known.
        progress: Percent done, 0 to 100; None where the server gave no sensible number.
        undo_package_created: Whether the undo package can be had now.
        message: What the server says about a failure, or None.
    """

    id: str
    status: str
    progress: float | None
    undo_package_created: bool
    message: str | None

    @property
    def has_failed(self) -> bool:
        """Whether it has ended, and not well."""
        return self.status == "failed"

    @property
    def has_ended(self) -> bool:
        """Whether it has ended; a word that is not known is no end."""
        return self.has_failed or self.status == "imported"


@dataclass(frozen=True)
class DestinationObject:
    """An object as the environment has it (``GET /objects/{id}``).

    Attributes:
        version: Its version id; None where the server gave none.
        date_modified: When it was last changed, as the server wrote it; None where not given.
        folder: The path of the folder that it is in, for people to read; None where not given.
    """

    version: str | None
    date_modified: str | None
    folder: str | None = field(default=None, compare=False)


def parse_row(data: Any, where: str) -> Row:
    """Return a row of a package's content from decoded JSON, which is at this place in the document."""
    row = shape.mapping(data, where)
    action = shape.optional_text(row, "action", where)
    level = shape.optional_text(row, "level", where)
    return Row(
        id=shape.text(row, "id", where),
        name=shape.optional_text(row, "name", where) or "",
        type=shape.integer(row, "type", where),
        version=shape.optional_text(row, "version", where),
        date_modified=shape.optional_text(row, "dateModified", where),
        action=action.lower() if action else None,
        level=level.lower() if level else None,
    )


# Of rows: nothing here reads it, and thousands of rows take much memory with it.
_UNREAD = frozenset(("owner", "dateCreated", "explicitIncluded", "includeDependents", "subtype", "extType"))


def without_unread(data: dict[str, Any]) -> dict[str, Any]:
    """Return an object of JSON, as it is decoded, without what is not read of a package's rows."""
    return {name: value for name, value in data.items() if name not in _UNREAD}


def parse_package(data: Any) -> PackageInfo:
    """Return a package from decoded JSON."""
    package = shape.mapping(data, "package")
    content = package.get("content")
    rows = None
    if content is not None:
        rows = tuple(
            parse_row(item, "package.content[%d]" % index)
            for index, item in enumerate(shape.items(content, "package.content"))
        )
    settings = package.get("settings")
    return PackageInfo(
        id=shape.text(package, "id", "package"),
        status=shape.text(package, "status", "package").lower(),
        settings={} if settings is None else shape.mapping(settings, "package.settings"),
        rows=rows,
        message=_failure_message(package),
    )


def _failure_message(data: Mapping[str, Any]) -> str | None:
    """Return what a package or an import says of its failure, with the objects that it is about."""
    message = str(data.get("message") or "")
    parts = "; ".join(error_parts(data.get("subErrors")))
    if parts:
        message = "%s: %s" % (message.rstrip("."), parts) if message else parts
    return printable(message, 1000) if message else None


def parse_import(data: Any) -> ImportInfo:
    """Return an import process from decoded JSON."""
    process = shape.mapping(data, "import")
    progress = process.get("progress")
    sensible = isinstance(progress, (int, float)) and not isinstance(progress, bool) and 0 <= progress <= 100
    return ImportInfo(
        id=shape.text(process, "id", "import"),
        status=shape.text(process, "status", "import").lower(),
        progress=float(progress) if sensible and progress is not None else None,
        # Some gateways write a text.
        undo_package_created=str(process.get("undoPackageCreated")).lower() == "true",
        message=_failure_message(process),
    )


def parse_object(data: Any) -> DestinationObject:
    """Return a destination object from decoded JSON."""
    found = shape.mapping(data, "object")
    return DestinationObject(
        version=shape.optional_text(found, "version", "object"),
        date_modified=shape.optional_text(found, "dateModified", "object"),
        folder=_folder(found.get("ancestors")),
    )


def _folder(ancestors: Any) -> str | None:
    """Return the path of the folders above an object, None where they are not told as documented (nothing hangs on it).

    Each has a level, which is 1 for the nearest (the vendor's page "Manage object's ACL").
    """
    if not isinstance(ancestors, list) or not ancestors:
        return None
    folders = []
    for item in ancestors:
        told = item if isinstance(item, dict) else {}
        level, name = told.get("level"), told.get("name")
        if not isinstance(level, int) or not isinstance(name, str):
            return None
        if str(told.get("id")).upper() != _ROOT_FOLDER:
            folders.append((level, name))
    folders.sort(key=lambda folder: folder[0], reverse=True)
    return "/" + "/".join(name for _level, name in folders)


@dataclass(frozen=True)
class Project:
    """A project of the environment; active when its status is 0."""

    id: str
    name: str
    status: int | None


def parse_projects(data: Any) -> list[Project]:
    """Return the environment's projects from decoded JSON."""
    projects = []
    for index, item in enumerate(shape.items(data, "projects")):
        where = "projects[%d]" % index
        row = shape.mapping(item, where)
        status = row.get("status")
        projects.append(
            Project(
                id=shape.text(row, "id", where),
                name=shape.text(row, "name", where),
                status=status if isinstance(status, int) else None,
            )
        )
    return projects
