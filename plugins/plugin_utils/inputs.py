# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people and AWX hand to the role and its playbooks: what counts as given, and what is wrong with it.

A survey of AWX answers what was left blank with null or an empty text. An argument spec takes these for values, so the
one of the role lets everything through, and what is wrong is found here: for all variables at once, before the log-in,
and in words that name the variable.
"""

from __future__ import annotations

import difflib
import json
import math
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable

from ansible import context
from ansible.errors import AnsibleError, AnsibleFilterError
from ansible.inventory.manager import InventoryManager, split_host_pattern
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.parsing.dataloader import DataLoader

# What modules take as it is: absolute paths, and those that begin with a home directory or a variable of the host.
AS_IT_IS = ("/", "~", "$")

_OCTAL = re.compile(r"0?[0-7]{3}\Z")
_BATCH = re.compile(r"\s*[0-9]+\s*%?\Z")
_SHARE = re.compile(r"\s*[0-9]+(\.[0-9]*)?\s*%?\s*\Z")
_SHA256 = re.compile(r"sha256:[0-9a-fA-F]{64}\Z")
# Options of ansible-playbook by which it runs no task.
_ONLY_LOOKS = ("syntax", "listhosts", "listtasks", "listtags")
# What mstr_refuse and mstr_allow may name.
REFUSED = ("delete", "duplicate", "missing", "older_target")
# How much of a value, and how many groups, a message shows.
_LONGEST = 60
_MOST = 10
# How like a key another has to be, to be meant: "source" is not "force".
_ALIKE = 0.75


def given(value: Any, otherwise: Any = None) -> Any:
    """Return a value, or what counts in its place where it is not given: null, empty, or white space alone.

    ``false``, ``0``, an empty list and an empty dictionary are values.

    Args:
        value: The value. A text of the vault is decrypted to be looked at, and returned as it is.
        otherwise: What counts where it is not given.
    """
    if value is None:
        return otherwise
    if _is_container(value):
        return value
    return value if str(value).strip() else otherwise


def mistakes(variables: Mapping[str, Any], playbook: str) -> list[str]:
    """Return what is wrong with the variables of the role, a sentence or two each, as far as no server has to be asked.

    Args:
        variables: The role's variables by their names; those that are not given count for nothing.
        playbook: Which of the role's playbooks they are for, ``deploy``, ``rollback`` or ``export``.
    """
    found = []
    for name, kind in VARIABLES.items():
        value = given(variables.get(name))
        if value is not None and not kind.fits(value):
            found.append("%s: it is to be %s, not %s." % (name, kind.words, _shown(value)))
    if playbook == "export":
        exports, chosen = given(variables.get("mstr_exports"), []), given(variables.get("mstr_package"))
        found += list(mistakes_of_exports(exports, given(variables.get("mstr_project")))) if not found else []
        if chosen is not None and not found:
            found += _mistakes_of_choice(str(chosen), map(export_name, exports), "mstr_exports")
        return found
    packages = given(variables.get("mstr_packages"), [])
    if _is_list(packages):
        found += _mistakes_of_list(packages, given(variables.get("mstr_project"), ""))
    name = given(variables.get("mstr_package"))
    if playbook == "rollback":
        found += _mistakes_of_rollback(name, given(variables.get("mstr_run")), given(variables.get("mstr_entry")))
    # What is wrong with the list hides what is in it.
    if name is not None and playbook == "deploy" and not found:
        found += _mistakes_of_choice(str(name), map(name_of, packages), "mstr_packages")
    return found


def host_pattern(pattern: Any, groups: Mapping[str, Sequence[str]], variable: str = "mstr_hosts") -> Any:
    """Return a pattern of hosts as it is, unless it, or a part of it that adds hosts, matches none.

    Ansible takes a play without hosts for a success. Which hosts ``--limit`` leaves is not looked at: a playbook that
    imports this one may be limited to hosts that are none of this one's.

    Args:
        pattern: The pattern, or a list of patterns.
        groups: The hosts of the inventory by their groups, as the variable ``groups`` has them.
        variable: The variable that says which hosts.

    Raises:
        AnsibleFilterError: It matches no host.
    """
    if any(context.CLIARGS.get(option) for option in _ONLY_LOOKS):
        return pattern
    inventory = InventoryManager(DataLoader(), parse=False)
    for group, hosts in groups.items():
        inventory.add_group(group)
        for host in hosts:
            inventory.add_host(host, group=group)
    parts = split_host_pattern(pattern)
    adding = [part for part in parts if not part.startswith(("!", "&"))]
    unknown = [part for part in adding if part not in groups and not _matches(inventory, part)]
    # Without a part Ansible takes all hosts.
    if unknown or not parts or not _matches(inventory, pattern):
        named = ", ".join(unknown or parts) or "an empty pattern"
        known = sorted(group for group, hosts in groups.items() if hosts and group not in ("all", "ungrouped"))
        more = ", ..." if len(known) > _MOST else ""
        raise AnsibleFilterError(
            "%s: no host of the inventory matches %s, so nothing would be done there. Put the environments "
            "into the group mstr, or name in %s the hosts, or a group, of this inventory. Its groups with "
            "hosts are: %s." % (variable, named[:_LONGEST], variable, ", ".join(known[:_MOST]) + more or "none")
        )
    return pattern


def play_option(value: Any, name: str, otherwise: Any) -> Any:
    """Return what a variable of the playbooks says of their plays, where it is given; Ansible does not name it.

    Args:
        value: The variable's value.
        name: Its name, one of ``PLAY_VARIABLES``.
        otherwise: What counts where it is not given.

    Raises:
        AnsibleFilterError: It is none that Ansible can use.
    """
    value = given(value)
    if value is None:
        return otherwise
    kind = PLAY_VARIABLES[name]
    if not kind.fits(value):
        raise AnsibleFilterError("%s: it is to be %s, not %s." % (name, kind.words, _shown(value)))
    return value


def name_of(package: Mapping[str, Any]) -> str | None:
    """Return what a package is called: its name, or its file's without the ending. None where only its host knows.

    Args:
        package: An item of ``mstr_packages``.
    """
    name = given(package.get("name"))
    if name is not None:
        return str(name)
    file = posixpath.basename(str(given(package.get("src"), "")))
    return None if "$" in file else posixpath.splitext(file)[0]


@dataclass(frozen=True)
class Kind:
    """What a value can be.

    Attributes:
        words: The same for people, as what follows "it is to be".
        fits: Whether a value that is given is one.
    """

    words: str
    fits: Callable[[Any], bool]

    def refusal(self, value: Any) -> str:
        """Return what is wrong with a value that is none, as what follows its name."""
        return "it is to be %s, not %s." % (self.words, _shown(value))


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _is_container(value: Any) -> bool:
    return _is_list(value) or isinstance(value, Mapping)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a dictionary"
    if _is_list(value):
        return "a list"
    if value is None or isinstance(value, (bool, int, float)):
        return json.dumps(value)
    text = str(value)
    # In quotes, so that white space shows, and escaped, so that nothing steers a terminal.
    return json.dumps(text if len(text) <= _LONGEST else text[:_LONGEST] + "...")


def _number(value: Any) -> float:
    """Return the number that a module would take a value for; one that is no number for what is none."""
    if isinstance(value, bool) or _is_container(value):
        return math.nan
    try:
        return float(str(value))
    except ValueError:
        return math.nan


def _seconds(zero: bool) -> Kind:
    def fits(value: Any) -> bool:
        number = _number(value)
        return math.isfinite(number) and (number > 0 or (zero and number == 0))

    return Kind("a number of seconds, %s" % ("0 or more" if zero else "more than 0"), fits)


def _count(least: int) -> Kind:
    def fits(value: Any) -> bool:
        try:
            return _number(value) >= least and int(str(value)) >= least
        except ValueError:
            return False

    return Kind("a whole number, %d or more" % least, fits)


def _one_of(*words: str) -> Kind:
    return Kind(", ".join(words[:-1]) + " or " + words[-1], lambda value: str(value) in words)


def _is_switch(value: Any) -> bool:
    try:
        boolean(value if isinstance(value, (bool, int, float)) else str(value))
    except TypeError:
        return False
    return True


def _is_mode(value: Any) -> bool:
    """Return whether a value is a file's mode: a number as YAML makes it of 0660, or digits."""
    if isinstance(value, bool):
        return False
    mode = value if isinstance(value, int) else int(str(value), 8) if _OCTAL.match(str(value)) else -1
    return 0 <= mode <= 0o777 and mode & 0o600 == 0o600 and not mode & 0o117


_TEXT = Kind("a text", lambda value: not _is_container(value))
_SWITCH = Kind("true or false", _is_switch)
_WAIT = _seconds(zero=True)
_LIMIT = _seconds(zero=False)


def _is_refuse(value: Any) -> bool:
    """Return whether a value names kinds of effects: a list, or a text with commas, of which Ansible makes one."""
    if isinstance(value, Mapping):
        return False
    return set(names_in(value)) <= set(REFUSED)


def names_in(value: Any) -> list[str]:
    """Return the names in a list, or in a text with commas; none for what is not given."""
    if given(value) is None:
        return []
    names = value if _is_list(value) else str(value).split(",")
    return [str(name).strip() for name in names if str(name).strip()]


# The variables of the role by their names, in the order of its argument spec.
VARIABLES: dict[str, Kind] = {
    "mstr_packages": Kind(
        'a list of packages, as [{"src": "finance.mmp"}] (with -e, as JSON: -e \'{"mstr_packages": [...]}\')', _is_list
    ),
    "mstr_exports": Kind("a list of packages, as docs/export.md has them", _is_list),
    "mstr_package": _TEXT,
    "mstr_run": _TEXT,
    "mstr_entry": _TEXT,
    "mstr_force": _SWITCH,
    "mstr_plan_file": _TEXT,
    "mstr_plan_max_age": _LIMIT,
    "mstr_on_failure": _one_of("stop", "rollback"),
    "mstr_schema": _one_of("auto", "reload", "none"),
    "mstr_caches": _one_of("purge", "none"),
    "mstr_window": _SWITCH,
    "mstr_manifest_dir": _TEXT,
    "mstr_history_keep": _count(1),
    "mstr_project": _TEXT,
    "mstr_base_url": _TEXT,
    "mstr_username": _TEXT,
    "mstr_password": _TEXT,
    "mstr_api_token": _TEXT,
    "mstr_login_mode": _one_of("standard", "ldap", "anonymous", "api_token"),
    "mstr_validate_certs": _SWITCH,
    "mstr_ca_path": _TEXT,
    "mstr_client_cert": _TEXT,
    "mstr_client_key": _TEXT,
    "mstr_environment_name": _TEXT,
    "mstr_base_dir": Kind(
        "an absolute path, since others mean it, or to begin with ~ or $",
        lambda value: not _is_container(value) and str(value).startswith(AS_IT_IS),
    ),
    "mstr_history_dir": _TEXT,
    "mstr_history_mode": Kind(
        "a mode such as 0600, 0640 or 0660: read and write for the owner, nothing for others", _is_mode
    ),
    "mstr_server_moved": _SWITCH,
    "mstr_history_must_exist": _SWITCH,
    "mstr_session_dir": _TEXT,
    "mstr_timeout": _LIMIT,
    "mstr_retries": _count(0),
    "mstr_wait_timeout": _LIMIT,
    "mstr_undo_timeout": _WAIT,
    "mstr_lease_timeout": _WAIT,
    "mstr_lock_timeout": _WAIT,
    "mstr_poll_interval": _WAIT,
    "mstr_preflight": _SWITCH,
    "mstr_refuse": Kind("a list of delete, duplicate, missing and older_target; [] for none", _is_refuse),
    "mstr_proven_on": Kind("a list of hosts of the inventory", lambda value: not isinstance(value, Mapping)),
    "mstr_soak": Kind("a number of hours, 0 or more", _WAIT.fits),
    "mstr_journal": _SWITCH,
    "mstr_progress": _SWITCH,
}
# Those of the playbooks, which are about their plays.
PLAY_VARIABLES: dict[str, Kind] = {
    "mstr_source": Kind("a host of the inventory", lambda value: not _is_container(value)),
    "mstr_targets": Kind("a pattern of hosts", lambda value: not isinstance(value, Mapping)),
    "mstr_allow": Kind("a list of delete, duplicate, missing and older_target", _is_refuse),
    "mstr_serial": Kind(
        "a number of environments or a percentage of them, as 2 or 25%, or a list of such",
        lambda value: all(_BATCH.match(str(part)) for part in (value if _is_list(value) else str(value).split(","))),
    ),
    "mstr_max_fail_percentage": Kind("a percentage, as 0 or 25", lambda value: bool(_SHARE.match(str(value)))),
}
# The keys of an item of mstr_packages.
KEYS: dict[str, Kind] = {
    "name": _TEXT,
    "src": _TEXT,
    "project": _TEXT,
    "type": _one_of("project", "project_security", "configuration"),
    "state": _one_of("imported", "undone"),
    "checksum": Kind("sha256: and 64 hexadecimal digits", lambda value: bool(_SHA256.match(str(value)))),
    "generate_undo": _SWITCH,
    "schema": _one_of("auto", "reload", "none"),
    "caches": _one_of("purge", "none"),
    "force": _SWITCH,
}


def _mistakes_of_list(packages: Sequence[Any], default_project: Any) -> Iterator[str]:
    seen: dict[tuple[str, str], int] = {}
    for position, package in enumerate(packages, 1):
        item = "mstr_packages: item %d" % position
        if not isinstance(package, Mapping):
            yield "%s is to be a package, as {src: finance.mmp}, not %s." % (item, _shown(package))
            continue
        name = name_of(package)
        if name:
            item += " (%s)" % _shown(name)[1:-1]
        for mistake in _mistakes_of_item(package, name):
            yield "%s: %s" % (item, mistake)
        configuration = given(package.get("type")) == "configuration"
        project = "" if configuration else str(given(package.get("project"), default_project))
        first = seen.setdefault((project, name), position) if name else position
        if first != position:
            place = ", and is for the same project" if project else ""
            yield "%s: item %d is called the same%s. The history knows a package by its name; give each its own." % (
                item,
                first,
                place,
            )


def _no_such_key(what: str, key: str, keys: Mapping[str, Kind]) -> str:
    similar = difflib.get_close_matches(key, keys, 1, _ALIKE)
    return "%s has no %s%s. It can have %s." % (
        what,
        _shown(key)[1:-1],
        "; %s is meant, perhaps" % similar[0] if similar else "",
        ", ".join(keys),
    )


def _mistakes_of_item(package: Mapping[str, Any], name: str | None) -> Iterator[str]:
    for key, value in package.items():
        kind = KEYS.get(key)
        if kind is None:
            yield _no_such_key("a package", str(key), KEYS)
        elif given(value) is not None and not kind.fits(value):
            yield "its %s is to be %s, not %s." % (key, kind.words, _shown(value))
    if given(package.get("src")) is None and not (name and str(package.get("state")) == "undone"):
        yield "it needs its src, the package file; one that is to be undone needs a name or its src."


def _mistakes_of_choice(chosen: str, declared: Iterable[str | None], where: str) -> Iterator[str]:
    names = list(declared)
    if chosen not in names and None not in names:
        known = sorted({_shown(name)[1:-1] for name in names})
        yield "mstr_package: no package of %s is called %s; there is: %s." % (
            where,
            _shown(chosen),
            ", ".join(known) or "none",
        )


def _mistakes_of_rollback(name: Any, run: Any, entry: Any) -> Iterator[str]:
    if run is not None and name is not None:
        yield (
            "mstr_run: it is not to be together with mstr_package. A run is taken back as a whole: leave one of the "
            "two out."
        )
    if entry is not None and name is None:
        yield "mstr_entry: it is that of a package; say with mstr_package of which."


def _matches(inventory: InventoryManager, pattern: Any) -> bool:
    try:
        return bool(inventory.get_hosts(pattern))
    # An index that is out of range is none that Ansible catches.
    except (AnsibleError, IndexError):
        return False


# The keys of an item of mstr_exports. What is in its lists of selectors the module checks, before it logs in.
EXPORT_KEYS: dict[str, Kind] = {
    "name": _TEXT,
    "project": _TEXT,
    "type": _one_of("project", "project_security", "configuration"),
    "dest": _TEXT,
    "settings": Kind("a dictionary", lambda value: isinstance(value, Mapping)),
    "content": Kind("a list of selectors", _is_list),
    "exclude": Kind("a list of selectors", _is_list),
    "complete": _SWITCH,
    "definitions": _SWITCH,
}


def mistakes_of_exports(exports: Sequence[Any], default_project: Any) -> Iterator[str]:
    """Give what is wrong with ``mstr_exports``.

    Args:
        exports: The list.
        default_project: The project of items that name none, None for none.
    """
    if not exports:
        yield "mstr_exports: it is empty, so nothing would be exported; declare the packages of this environment."
    seen: dict[tuple[str, str], int] = {}
    for position, export in enumerate(exports, 1):
        item = "mstr_exports: item %d" % position
        if not isinstance(export, Mapping):
            yield "%s is to be a package, as {dest: sales.mmp, content: [...]}, not %s." % (item, _shown(export))
            continue
        name = export_name(export)
        if name:
            item += " (%s)" % _shown(name)[1:-1]
        for mistake in _mistakes_of_export(export, default_project):
            yield "%s: %s" % (item, mistake)
        for what, value in (("name", name), ("dest", str(given(export.get("dest"), "")))):
            first = seen.setdefault((what, value), position) if value else position
            if first != position:
                yield "%s: item %d has the same %s; give each its own." % (item, first, what)


def _mistakes_of_export(export: Mapping[str, Any], default_project: Any) -> Iterator[str]:
    for key, value in export.items():
        kind = EXPORT_KEYS.get(key)
        if kind is None:
            yield _no_such_key("an export", str(key), EXPORT_KEYS)
        elif given(value) is not None and not kind.fits(value):
            yield "its %s is to be %s, not %s." % (key, kind.words, _shown(value))
    if given(export.get("dest")) is None:
        yield "it needs its dest, the package file to write."
    if not given(export.get("content")):
        yield "it needs its content, the objects that the package is to hold."
    configuration = given(export.get("type")) == "configuration"
    project = given(export.get("project"))
    if configuration and project is not None:
        yield "a configuration package must not name a project."
    elif not configuration and project is None and default_project is None:
        yield "it needs its project, or mstr_project."


def export_name(export: Mapping[str, Any]) -> str:
    """Return what an item of ``mstr_exports`` is called: its name, or its file's without the ending; empty for none."""
    return name_of({"name": export.get("name"), "src": export.get("dest")}) or ""
