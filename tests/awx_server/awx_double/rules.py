# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWX refuses beyond the types of fields, of all kinds but credentials and surveys.

Each function raises ``Refused`` with the answer's body. Sources: ``awx/api/serializers.py`` (their ``validate``), the
``clean_`` functions of ``awx/main/models``, ``awx/main/models/jobs.py`` and ``workflow.py`` (what a node may say),
``awx/main/utils/common.py`` (addresses of repositories), ``awx/main/validators.py`` (names of images).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from awx_double import surveys
from awx_double.kinds import ASKED, KINDS, PROMPTS
from awx_double.refused import Refused, forbidden

_SCHEMES = {
    "git": ("ssh", "git", "http", "https", "ftp", "ftps", "file"),
    "svn": ("http", "https", "svn", "svn+ssh", "file"),
    "insights": ("http", "https"),
    "archive": ("http", "https"),
}
_WORD = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_TAG, _DIGEST = r":\w[\w.-]{0,127}", r"@[A-Za-z][\w+.-]*:[0-9a-fA-F]{32,}"
_IMAGE = re.compile(rf"(?:{_HOST}(?:\.{_HOST})*(?::\d+)?/)?{_WORD}(?:/{_WORD})*(?:{_TAG})?(?:{_DIGEST})?")
_OF_GIT = ("scm_refspec", "scm_track_submodules")
_OPTIONS = ("scm_update_on_launch", "scm_delete_on_update", "scm_track_submodules", "scm_clean")
_MOST_FORKS = 200


def variables(item: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return variables, which are a text of JSON here: all that the modules and awxkit send."""
    text = item[name]
    try:
        parsed = {} if text in ("", '""') else json.loads(text)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise Refused({name: ["Cannot parse as JSON (error: %s)." % text]})
    return parsed


def check_image(item: Mapping[str, Any], before: Mapping[str, Any] | None) -> None:
    """Check an execution environment."""
    if not _IMAGE.fullmatch(item["image"]):
        raise Refused({"image": ["%s is not the name of an image." % item["image"]]})
    if before is not None and item["organization"] not in (None, before["organization"]):
        raise Refused({"organization": ["An execution environment keeps its organization, or has none."]})


def check_project(item: dict[str, Any], before: Mapping[str, Any] | None, templates: list[dict[str, Any]]) -> None:
    """Check a project. What it has no use for becomes empty, as in AWX.

    Args:
        item: The project as it would be.
        before: The project as it is; None for a new one.
        templates: The job templates that use it.
    """
    kind = item["scm_type"]
    if kind:
        kept = before["local_path"] if before is not None else ""
        if before is not None and item["local_path"] != kept:
            raise Refused({"local_path": ["It cannot be changed where the files are fetched."]})
        item["local_path"] = kept
    elif item["local_path"] and (before is None or item["local_path"] != before["local_path"]):
        raise Refused({"local_path": ["There is no such directory, or another project has it."]})
    errors = {name: ["Only git has that."] for name in _OF_GIT if item[name] and kind != "git"}
    if item["scm_branch"] and kind == "archive":
        errors["scm_branch"] = ["An archive has none."]
    if errors:
        raise Refused(errors)
    depending = [each["id"] for each in templates if each["scm_branch"] or each["ask_scm_branch_on_launch"]]
    if before is not None and before["allow_override"] and not item["allow_override"] and depending:
        raise Refused({"allow_override": ["Job templates depend on it: %s" % depending]})
    if before is not None and before["organization"] != item["organization"] and templates:
        raise Refused({"organization": ["It cannot be another one while job templates use the project."]})
    if not kind:
        for name in _OPTIONS:
            if item[name]:
                raise Refused({name: ["It is for projects whose files are fetched."]})
        item.update(scm_url="", credential=None)
    else:
        _check_address(kind, item["scm_url"])


def _check_address(kind: str, url: str) -> None:
    if not url:
        raise Refused({"scm_url": ["A project whose files are fetched needs an address."]})
    if "://" not in url:
        # A path, or as ssh has it: user@host:path. Both are for git alone.
        if kind != "git" or url.rpartition("@")[2].count(":") > 1:
            raise Refused({"scm_url": ["It is no address of %s." % kind]})
        return
    parts = urlsplit(url)
    known = parts.scheme in _SCHEMES[kind] and (parts.scheme == "file" or parts.netloc)
    try:
        _number = parts.port
    except ValueError:
        known = False
    if not known or (parts.scheme == "file" and parts.netloc not in ("", "localhost")):
        raise Refused({"scm_url": ["It is no address of %s." % kind]})


def check_inventory(item: Mapping[str, Any], before: Mapping[str, Any] | None) -> None:
    """Check an inventory."""
    variables(item, "variables")
    if before is not None and item["kind"] and item["kind"] != before["kind"]:
        raise Refused({"error": "An inventory stays of its kind."}, 405)
    if item["kind"] == "smart" and not item["host_filter"]:
        raise Refused({"host_filter": ["A smart inventory needs one."]})


def check_member(kind: str, item: dict[str, Any], others: set[str]) -> None:
    """Check a host or a group.

    Args:
        kind: ``hosts`` or ``groups``.
        item: It, as it would be.
        others: The names of the groups in the inventory of a host, or of the hosts in that of a group.
    """
    said = variables(item, "variables")
    if kind == "groups" and item["name"] in ("all", "_meta"):
        raise Refused({"name": ["A group cannot have this name."]})
    if kind == "hosts" and item["name"].count(":") == 1:
        name, port = item["name"].split(":")
        if not port.isdecimal() or not 1 <= int(port) <= 65535:
            raise Refused({"name": ["%s is no port." % port]})
        item.update(name=name, variables=json.dumps({**said, "ansible_ssh_port": int(port)}))
    if item["name"] in others:
        raise Refused({"__all__": ["A %s of that name already exists." % ("Group" if kind == "hosts" else "Host")]})


def check_job_template(item: Mapping[str, Any], project: Mapping[str, Any] | None) -> None:
    """Check a job template against its project."""
    variables(item, "extra_vars")
    if item["host_config_key"] and item["inventory"] is None:
        raise Refused({"host_config_key": ["It needs an inventory."]})
    if project is None:
        raise Refused({"project": ["A job template needs a project."]})
    if item["inventory"] is None and not item["ask_inventory_on_launch"]:
        raise Refused({"inventory": ["Name one, or ask for it on launch."]})
    _check_webhook(item)
    override = project["allow_override"] and project["scm_type"]
    if item["playbook"] and item["playbook"] not in project["playbooks"] and not override:
        raise Refused({"playbook": ["Playbook not found for project."]})
    if not item["playbook"]:
        raise Refused({"playbook": ["Name one of the project's."]})
    for name in ("scm_branch", "ask_scm_branch_on_launch"):
        if item[name] and not project["allow_override"]:
            raise Refused({name: ["The project has one branch for all."]})
    if item["forks"] > _MOST_FORKS:
        raise Refused({"forks": ["%d are the most." % _MOST_FORKS]})


def check_workflow(item: Mapping[str, Any]) -> None:
    """Check a workflow."""
    variables(item, "extra_vars")
    _check_webhook(item)


def _check_webhook(item: Mapping[str, Any]) -> None:
    if item["webhook_credential"] is not None:
        # There are none of that kind here.
        raise Refused({"webhook_credential": ["It is to be a personal access token."]})


def said_by(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a node says to the template that it runs. What is null or an empty list says nothing."""
    said = {name: item.get(name) for name in ASKED}
    return {name: value for name, value in said.items() if value is not None and value not in ([], {})}


def forget_prompts(item: dict[str, Any]) -> None:
    """Drop what a new node says where it runs nothing yet, as AWX does."""
    fields = KINDS["workflow_job_template_nodes"].fields
    item.update({name: fields[name].default for name in PROMPTS})
    item["extra_data"] = {}


@dataclass(frozen=True)
class Launch:
    """What a job of a template would have.

    Attributes:
        project: Its project; None where it has none.
        hosts: How many hosts its inventory has.
        asks: Whether a credential of its template asks for a password.
    """

    project: Mapping[str, Any] | None
    hosts: int
    asks: bool


def check_node(item: Mapping[str, Any], template: Mapping[str, Any], launch: Launch) -> None:
    """Check what a node says: the template that it runs has to ask for it."""
    said = said_by(item)
    if template["type"] not in ("job_template", "workflow_job_template"):
        if said:
            raise Refused({name: ["Nothing is taken on launch."] for name in said})
        return
    errors: dict[str, Any] = {}
    accepted = set()
    for name, value in said.items():
        # A workflow asks for some of it only, and takes no notice of the rest.
        if name == "extra_data" or ASKED[name] not in template or not _differs(name, value, template, launch):
            continue
        if not template[ASKED[name]]:
            errors[name] = ["Field is not configured to prompt on launch."]
        elif name == "scm_branch" and launch.project is not None and not launch.project["allow_override"]:
            errors[name] = ["The project has one branch for all."]
        elif name == "job_slice_count" and value > 1 and min(value, launch.hosts) <= 1:
            errors[name] = ["There are not enough hosts."]
        else:
            accepted.add(name)
    errors.update(_check_answers(said.get("extra_data", {}), template))
    if launch.asks and not template.get("ask_credential_on_launch"):
        errors["passwords_needed_to_start"] = ["A workflow asks for no password."]
    if template["type"] == "job_template":
        missing = [name for name in ("project", "inventory") if template[name] is None and name not in accepted]
        if missing:
            errors["resources_needed_to_start"] = ["The job template has no %s." % name for name in missing]
    if errors:
        raise Refused(errors)


def _differs(name: str, value: Any, template: Mapping[str, Any], launch: Launch) -> bool:
    if name == "credentials":
        return bool(set(value) - set(template["credentials"]))
    if name == "scm_branch" and template[name] == "" and launch.project is not None:
        return bool(value != launch.project["scm_branch"])
    return bool(value != template.get(name))


def _check_answers(said: Mapping[str, Any], template: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is wrong with the variables that a node says."""
    errors: dict[str, Any] = {}
    survey = template["survey_spec"] if template["survey_enabled"] else {}
    wrong = surveys.wrong_answers(survey, said)
    if wrong:
        errors["variables_needed_to_start"] = wrong
    if not template["ask_variables_on_launch"]:
        asked = {question["variable"] for question in survey.get("spec", [])}
        own = variables(template, "extra_vars")
        new = {name for name, value in said.items() if name not in own or own[name] != value}
        unasked = new - asked
        if unasked:
            errors["extra_data"] = ["Variables %s are not allowed on launch." % ", ".join(sorted(unasked))]
    return errors


def check_inventory_of(before: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse to move a host into another inventory."""
    said = given.get("inventory")
    if said not in (None, "", before["inventory"], str(before["inventory"])):
        raise forbidden("A host stays in its inventory.")
