# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWX refuses in credentials and their types, and the types that it brings along.

From ``awx/main/fields.py``, ``awx/main/models/credential``, and the serializers of both in ``awx/api/serializers.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from awx_double.refused import Refused, forbidden

ENCRYPTED = "$encrypted$"
_VARIABLE = re.compile(r"[a-zA-Z_]+[a-zA-Z0-9_]*\Z")
_FILE = re.compile(r"template(\.[a-zA-Z_]+[a-zA-Z0-9_]*)?\Z")
_USED = re.compile(r"\{\{\s*([\w.]+)|\{%-?\s*if\s+([\w.]+)")
_FORMATS = ("ssh_private_key", "url")
_TEXT_KEYS = ("id", "label", "type", "format", "help_text")
_FLAG_KEYS = ("multiline", "secret", "ask_at_runtime")
_TYPES: dict[str, type] = {"string": str, "boolean": bool}
_NOT_ALLOWED = {
    "AD_HOC_COMMAND_ID",
    "AWX_HOST",
    "CACHE",
    "CALLBACK_CONNECTION",
    "CALLBACK_QUEUE",
    "INVENTORY_HOSTVARS",
    "INVENTORY_ID",
    "INVENTORY_SOURCE_ID",
    "INVENTORY_UPDATE_ID",
    "JOB_CALLBACK_DEBUG",
    "JOB_ID",
    "MAX_EVENT_RES",
    "PATH",
    "PROJECT_REVISION",
    "PYTHONPATH",
    "REST_API_TOKEN",
    "REST_API_URL",
    "SUPERVISOR_CONFIG_PATH",
    "VIRTUAL_ENV",
}
# Kind, namespace, inputs: those after the bar are secret, of those with a question mark a job can ask.
_MANAGED = {
    "Machine": (
        "ssh",
        "ssh",
        "username become_method become_username",
        "password? ssh_key_data ssh_public_key_data ssh_key_unlock? become_password?",
    ),
    "Source Control": ("scm", "scm", "username", "password ssh_key_data ssh_key_unlock"),
    "Vault": ("vault", "vault", "vault_id", "vault_password?"),
    "Container Registry": ("registry", "registry", "host username", "password"),
    "Ansible Galaxy/Automation Hub API Token": ("galaxy", "galaxy_api_token", "url auth_url", "token"),
}


def managed_types() -> list[dict[str, Any]]:
    """Return the types that AWX brings along, as far as a project, an image, an organization or a job needs one."""
    types = []
    for name, (kind, namespace, plain, secret) in _MANAGED.items():
        fields = [{"id": each, "label": each, "type": "string"} for each in plain.split()]
        for each in secret.split():
            field = {"id": each.rstrip("?"), "label": each.rstrip("?"), "type": "string", "secret": True}
            fields.append({**field, **({"ask_at_runtime": True} if each.endswith("?") else {})})
        if kind == "registry":
            fields.append({"id": "verify_ssl", "label": "verify_ssl", "type": "boolean", "default": True})
        types.append({"name": name, "kind": kind, "namespace": namespace, "inputs": {"fields": fields}})
    return types


def check_type(item: Mapping[str, Any], before: Mapping[str, Any] | None, in_use: bool) -> None:
    """Check a credential type, and complete its inputs as AWX does."""
    _check_inputs(item["inputs"])
    fields = [field["id"] for field in item["inputs"].get("fields", [])]
    _check_injectors(item["injectors"], set(fields))
    if in_use and before is not None and before["inputs"] != item["inputs"]:
        raise forbidden("Modifications to inputs are not allowed for credential types that are in use")
    if item["kind"] not in ("cloud", "net"):
        raise Refused({"kind": ["Must be 'cloud' or 'net', not %s" % item["kind"]]})
    if any(field.get("ask_at_runtime") for field in item["inputs"].get("fields", [])):
        raise Refused({"inputs": ["'ask_at_runtime' is not supported for custom credentials."]})


def _check_inputs(inputs: Mapping[str, Any]) -> None:
    if set(inputs) - {"fields", "required"}:
        raise Refused({"inputs": ["Additional properties are not allowed"]})
    if not isinstance(inputs.get("fields", []), list) or not isinstance(inputs.get("required", []), list):
        raise Refused({"inputs": ["fields and required are to be lists"]})
    seen = set()
    for field in inputs.get("fields", []):
        _check_input_field(field)
        if field["id"] in seen:
            raise Refused({"inputs": ["field IDs must be unique (%s)" % field["id"]]})
        seen.add(field["id"])


def _check_input_field(field: Any) -> None:
    keys = {*_TEXT_KEYS, *_FLAG_KEYS, "choices", "default"}
    if not isinstance(field, dict) or set(field) - keys or not {"id", "label"} <= set(field):
        raise Refused({"inputs": ["%s: needs id and label, and can have %s" % (field, sorted(keys))]})
    wrong = [key for key in _TEXT_KEYS if not isinstance(field.get(key, ""), str)]
    wrong += [key for key in _FLAG_KEYS if not isinstance(field.get(key, False), bool)]
    if wrong:
        raise Refused({"inputs": ["%s of %s: it is of the wrong type" % (wrong[0], field["id"])]})
    if not _VARIABLE.match(field["id"]) or field["id"] == "tower":
        raise Refused({"inputs": ["%s is an invalid variable name" % field["id"]]})
    if field.setdefault("type", "string") not in _TYPES:
        raise Refused({"inputs": ["'%s' is not one of ['string', 'boolean']" % field["type"]]})
    if "format" in field and field["format"] not in _FORMATS:
        raise Refused({"inputs": ["'%s' is not one of %s" % (field["format"], list(_FORMATS))]})
    choices = field.get("choices", ["a"])
    if not choices or not all(isinstance(choice, str) for choice in choices) or len(set(choices)) < len(choices):
        raise Refused({"inputs": ["choices of %s: a list of different texts is needed" % field["id"]]})
    if "default" in field and type(field["default"]) is not _TYPES[field["type"]]:
        raise Refused({"inputs": ["%s is not a %s" % (field["default"], field["type"])]})
    if field["type"] != "string" and {"choices", "multiline", "format", "secret"} & set(field):
        raise Refused({"inputs": ["not allowed for %s type (%s)" % (field["type"], field["id"])]})


def _check_injectors(injectors: Mapping[str, Any], fields: set[str]) -> None:
    if set(injectors) - {"file", "env", "extra_vars"}:
        raise Refused({"injectors": ["Additional properties are not allowed"]})
    files = list(injectors.get("file", {}))
    if not all(_FILE.match(name) for name in files):
        raise Refused({"injectors": ["file: the names are to be template, or template.<name>"]})
    if "template" in files and len(files) > 1:
        raise Refused({"injectors": ["file: of several files each is to be template.<name>"]})
    known = {*fields, *("tower.filename" + name[len("template") :] for name in files)}
    for name in injectors.get("env", {}):
        if name.startswith("ANSIBLE_") or name in _NOT_ALLOWED or not _VARIABLE.match(name):
            raise Refused({"injectors": ["Environment variable %s is not allowed to be used in credentials." % name]})
    for kind, templates in injectors.items():
        for name, template in templates.items():
            _check_template(kind, name, template, known)


def _check_template(kind: str, name: str, template: Any, known: set[str]) -> None:
    if isinstance(template, (dict, list)) and kind == "extra_vars":
        for each in template.items() if isinstance(template, dict) else enumerate(template):
            _check_template(kind, "%s.%s" % (name, each[0]), each[1], known)
        return
    if not isinstance(template, str):
        raise Refused({"injectors": ["%s of %s: a text is needed" % (name, kind)]})
    used = {first or second for first, second in _USED.findall(template)}
    if used - known:
        message = "%s uses an undefined field ('%s' is undefined)" % (name, sorted(used - known)[0])
        raise Refused({"injectors": [message]})
    if kind == "env" and not template.isascii():
        raise Refused({"injectors": ["%s does not match '^[\\x00-\\x7F]*$'" % template]})


def fields_of(of_type: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the inputs of a credential type by their ids."""
    return {field["id"]: field for field in of_type["inputs"].get("fields", [])}


def secrets_of(of_type: Mapping[str, Any]) -> set[str]:
    """Return the names of the secret inputs of a credential type."""
    return {name for name, field in fields_of(of_type).items() if field.get("secret")}


def check_owner(given: Mapping[str, Any]) -> None:
    """Check that a new credential says of whom it is, and of one alone."""
    owners = [name for name in ("organization", "team", "user") if given.get(name)]
    if len(owners) != 1:
        raise Refused({"detail": ["A credential belongs to a user, a team or an organization, not: %s" % owners]})


def check_credential(
    item: dict[str, Any], before: Mapping[str, Any] | None, of_type: Mapping[str, Any], in_use: bool
) -> None:
    """Check a credential against its type, and complete its inputs as AWX does."""
    if before is not None and before["credential_type"] != of_type["id"] and in_use:
        raise Refused({"credential_type": ["It cannot be another one while something uses the credential."]})
    if of_type["kind"] == "galaxy" and item["organization"] is None:
        raise Refused({"organization": ["Such a credential belongs to an organization."]})
    fields, secrets = fields_of(of_type), secrets_of(of_type)
    inputs = item["inputs"]
    for name, value in inputs.items():
        if not value and name in fields:
            # What is empty becomes the first of the choices where there are some.
            choices = fields[name].get("choices")
            inputs[name] = choices[0] if choices else _TYPES[fields[name]["type"]]()
    if before is None and any(inputs.get(name) == ENCRYPTED for name in secrets):
        raise Refused({"inputs": ["%s stands for a secret that is there, and there is none yet." % ENCRYPTED]})
    for name, value in inputs.items():
        _check_input(fields, name, value)
    if before is not None:
        # What is sent back as it was shown stays as it is.
        kept = before["inputs"]
        for name in secrets & set(inputs):
            inputs[name] = kept.get(name, "") if inputs[name] == ENCRYPTED else inputs[name]
    item["inputs"] = {name: value for name, value in inputs.items() if value or name not in secrets}


def _check_input(fields: Mapping[str, Any], name: str, value: Any) -> None:
    if name not in fields:
        raise Refused({"inputs": ["Additional properties are not allowed ('%s' was unexpected)" % name]})
    field = fields[name]
    if not isinstance(value, _TYPES[field["type"]]):
        raise Refused({"inputs": {name: ["%r is not of type '%s'" % (value, field["type"])]}})
    choices = field.get("choices")
    if choices and value not in choices:
        raise Refused({"inputs": {name: ["'%s' is not one of %s" % (value, choices)]}})
    if field["id"] == "vault_id" and "@" in value:
        raise Refused({"inputs": {name: ["'%s' is not a 'vault_id'" % value]}})


def asks(credential: Mapping[str, Any], of_type: Mapping[str, Any]) -> bool:
    """Return whether a job with the credential asks for a password."""
    fields = fields_of(of_type)
    return any(
        value == "ASK" and fields[name].get("ask_at_runtime")
        for name, value in credential["inputs"].items()
        if name in fields
    )


def likeness(credential: Mapping[str, Any], of_type: Mapping[str, Any]) -> tuple[int, str]:
    """Return what no two credentials of one template have alike: the type, and of a vault its id."""
    vault = str(credential["inputs"].get("vault_id", "")) if of_type["kind"] == "vault" else ""
    return of_type["id"], vault
