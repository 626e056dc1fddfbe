# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWX refuses beyond the types of fields.

Each function raises ``Refused`` with the answer's body. Sources: ``awx/main/fields.py`` (credentials and their types),
``awx/api/serializers.py`` (templates, nodes), ``awx/api/views/__init__.py`` (surveys, lists), ``awx/main/models``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from awx_double.kinds import ASKED

ENCRYPTED = "$encrypted$"
_VARIABLE = re.compile(r"[a-zA-Z_]+[a-zA-Z0-9_]*\Z")
_USED = re.compile(r"\{\{\s*([\w.]+)|\{%-?\s*if\s+([\w.]+)")
_INPUT_KEYS = {
    "id",
    "label",
    "type",
    "format",
    "choices",
    "help_text",
    "multiline",
    "secret",
    "ask_at_runtime",
    "default",
}
_NOT_ALLOWED = {"VIRTUAL_ENV", "PATH", "PYTHONPATH", "JOB_ID", "INVENTORY_ID", "AWX_HOST", "PROJECT_REVISION"}
_QUESTIONS: dict[str, Any] = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": str,
    "integer": int,
    "float": (float, int),
}


class Refused(Exception):
    """A request that is refused.

    Attributes:
        status: The HTTP status.
        body: What the answer says.
    """

    def __init__(self, body: Any, status: int = 400) -> None:
        super().__init__(body)
        self.status = status
        self.body = body


def check_credential_type(item: Mapping[str, Any], before: Mapping[str, Any] | None, in_use: bool) -> None:
    """Check a credential type, and complete its inputs as AWX does."""
    if item["kind"] not in ("cloud", "net"):
        raise Refused({"kind": ["Must be 'cloud' or 'net', not %s" % item["kind"]]})
    if in_use and before is not None and before["inputs"] != item["inputs"]:
        raise Refused({"detail": "Modifications to inputs are not allowed for credential types that are in use"}, 403)
    if set(item["inputs"]) - {"fields", "required"}:
        raise Refused({"inputs": ["Additional properties are not allowed"]})
    seen = set()
    for field in item["inputs"].get("fields", []):
        _check_input_field(field)
        if field["id"] in seen:
            raise Refused({"inputs": ["field IDs must be unique (%s)" % field["id"]]})
        seen.add(field["id"])
    _check_injectors(item["injectors"], seen)


def _check_input_field(field: dict[str, Any]) -> None:
    if set(field) - _INPUT_KEYS or not {"id", "label"} <= set(field):
        raise Refused({"inputs": ["%s: needs id and label, and can have %s" % (field, sorted(_INPUT_KEYS))]})
    if not _VARIABLE.match(field["id"]) or field["id"] == "tower":
        raise Refused({"inputs": ["%s is an invalid variable name" % field["id"]]})
    if field.setdefault("type", "string") not in ("string", "boolean"):
        raise Refused({"inputs": ["'%s' is not one of ['string', 'boolean']" % field["type"]]})
    if field["type"] != "string" and {"choices", "multiline", "format", "secret"} & set(field):
        raise Refused({"inputs": ["not allowed for %s type (%s)" % (field["type"], field["id"])]})
    if field.get("ask_at_runtime"):
        raise Refused({"inputs": ["'ask_at_runtime' is not supported for custom credentials."]})


def _check_injectors(injectors: Mapping[str, Any], fields: set[str]) -> None:
    if set(injectors) - {"file", "env", "extra_vars"}:
        raise Refused({"injectors": ["Additional properties are not allowed"]})
    known = set(fields)
    if injectors.get("file"):
        known.add("tower.filename")
    for name in injectors.get("env", {}):
        if name.startswith("ANSIBLE_") or name in _NOT_ALLOWED or not _VARIABLE.match(name):
            raise Refused({"injectors": ["Environment variable %s is not allowed to be used in credentials." % name]})
    for kind, templates in injectors.items():
        for name, template in templates.items():
            used = {first or second for first, second in _USED.findall(template)}
            if used - known:
                message = "%s uses an undefined field ('%s' is undefined)" % (name, sorted(used - known)[0])
                raise Refused({"injectors": [message]})
            if kind == "env" and not template.isascii():
                raise Refused({"injectors": ["%s does not match '^[\\x00-\\x7F]*$'" % template]})


def check_credential(item: Mapping[str, Any], of_type: Mapping[str, Any]) -> None:
    """Check the inputs of a credential against its type."""
    fields = {field["id"]: field for field in of_type["inputs"].get("fields", [])}
    for name, value in item["inputs"].items():
        if name not in fields:
            raise Refused({"inputs": ["Additional properties are not allowed ('%s' was unexpected)" % name]})
        expected = {"string": str, "boolean": bool}[fields[name]["type"]]
        if not isinstance(value, expected):
            raise Refused({"inputs": {name: ["%r is not of type '%s'" % (value, fields[name]["type"])]}})
        choices = fields[name].get("choices")
        if choices and value not in choices:
            raise Refused({"inputs": {name: ["'%s' is not one of %s" % (value, choices)]}})


def check_variables(item: Mapping[str, Any], name: str) -> None:
    """Check variables, which are a text of JSON here: all that the modules send."""
    try:
        parsed = json.loads(item[name] or "{}")
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise Refused({name: ["Cannot parse as JSON (error: %s)." % item[name]]})


def check_job_template(item: Mapping[str, Any], project: Mapping[str, Any] | None) -> None:
    """Check a job template against its project."""
    if project is None:
        raise Refused({"project": ["This field is required."]})
    if item["inventory"] is None and not item["ask_inventory_on_launch"]:
        raise Refused({"inventory": ["You must either set a default value or ask to prompt on launch."]})
    if not item["playbook"]:
        raise Refused({"playbook": ["Must select playbook for project."]})
    if item["playbook"] not in project["playbooks"] and not project["allow_override"]:
        raise Refused({"playbook": ["Playbook not found for project."]})
    if (item["scm_branch"] or item["ask_scm_branch_on_launch"]) and not project["allow_override"]:
        raise Refused({"scm_branch": ["Project does not allow overriding branch."]})
    check_variables(item, "extra_vars")


def check_node(item: Mapping[str, Any], template: Mapping[str, Any] | None) -> None:
    """Check what a node prompts for: its template has to ask for it."""
    if template is None:
        return
    errors: dict[str, Any] = {}
    for name, asked in ASKED.items():
        value = item.get(name)
        if name == "extra_data" or value is None or value == template.get(name):
            continue
        if not template.get(asked):
            errors[name] = ["Field is not configured to prompt on launch."]
    questions = {question["variable"] for question in template.get("survey_spec", {}).get("spec", [])}
    unasked = set(item["extra_data"]) - (questions if template.get("survey_enabled") else set())
    if unasked and not template.get("ask_variables_on_launch"):
        errors["extra_data"] = ["Variables %s are not allowed on launch." % ", ".join(sorted(unasked))]
    if errors:
        raise Refused(errors)


def check_survey(spec: Mapping[str, Any]) -> None:
    """Check a survey's specification."""
    for name, kind in (("name", str), ("description", str), ("spec", list)):
        if not isinstance(spec.get(name), kind):
            raise Refused({"error": "Field '%s' is missing from survey spec." % name})
    if not spec["spec"]:
        raise Refused({"error": "'spec' doesn't contain any items."})
    seen = set()
    for index, question in enumerate(spec["spec"]):
        _check_question(index, question)
        if question["variable"] in seen:
            raise Refused(
                {"error": "'variable' '%s' duplicated in survey question %d." % (question["variable"], index)}
            )
        seen.add(question["variable"])


def _check_question(index: int, question: Mapping[str, Any]) -> None:
    for name, kind in (("type", str), ("question_name", str), ("variable", str), ("required", bool)):
        if name not in question:
            raise Refused({"error": "'%s' missing from survey question %d" % (name, index)})
        if not isinstance(question[name], kind):
            raise Refused({"error": "'%s' in survey question %d expected to be %s." % (name, index, kind.__name__)})
    if question["type"] not in _QUESTIONS:
        raise Refused({"error": "'%s' in survey question %d is not one of the allowed." % (question["type"], index)})
    default = question.get("default", "")
    if default != "" and not isinstance(default, _QUESTIONS[question["type"]]):
        raise Refused(
            {"error": "Default value %s in survey question %d expected to be of its type." % (default, index)}
        )
    if question["type"] in ("multiplechoice", "multiselect"):
        if "choices" not in question:
            raise Refused({"error": "Survey question %d of type %s must specify choices." % (index, question["type"])})
        if any(choice not in question["choices"] for choice in str(default).splitlines()):
            raise Refused({"error": "Default choice must be answered from the choices listed."})
