# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects that the stand-in holds: made, changed and listed by the rules of AWX."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from awx_double import rules
from awx_double.kinds import ASKED, KINDS, UNIFIED, Field
from awx_double.rules import ENCRYPTED, Refused

_TYPES = {"str": str, "int": int, "bool": bool, "dict": dict}
_DENIED = {"detail": "Not found."}
# The playbooks of each project. AWX reads them from the repository when it has fetched it.
_PLAYBOOKS = ("deploy.yml", "rollback.yml")


class Store:
    """All objects, by the plural of their kind and their ids."""

    def __init__(self) -> None:
        self.items: dict[str, dict[int, dict[str, Any]]] = {kind: {} for kind in KINDS}
        self._last_id = 0
        for kind, name in (("organizations", "Default"), ("instance_groups", "default"), ("instance_groups", "mstr")):
            self.make(kind, {"name": name})
        source = {"fields": [{"id": "username", "label": "Username", "type": "string"}]}
        # The types that AWX brings along are none that a user could make.
        for name, kind in (("Source Control", "scm"), ("Container Registry", "registry")):
            of_type = {"name": name, "description": "", "kind": kind, "inputs": source, "injectors": {}}
            self._put("credential_types", {**of_type, "managed": True})

    def find(self, kind: str, identity: Any) -> dict[str, Any]:
        """Return an object. :raises Refused: there is none"""
        if kind == "unified_job_templates":
            kind = next((each for each in UNIFIED if identity in self.items[each]), kind)
        try:
            return self.items[kind][int(identity)]
        except (KeyError, ValueError, TypeError):
            raise Refused(_DENIED, 404) from None

    def listed(self, kind: str, wanted: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the objects that fit a query."""
        unified = kind == "unified_job_templates"
        found = [(each, item) for each in (UNIFIED if unified else [kind]) for item in self.items[each].values()]
        either = {name[4:]: value for name, value in wanted.items() if name.startswith("or__")}
        exact = {name: value for name, value in wanted.items() if not name.startswith("or__")}
        for name in {*either, *exact}:
            fields = {"id", "type", "organization", "name"} if unified else {"id", "type", *KINDS[kind].fields}
            if kind == "job_templates":
                fields.add("organization")
            if name not in fields:
                raise Refused({"detail": "%s has no field named '%s'" % (kind, name)})
        return [
            item
            for _each, item in found
            if all(str(item.get(name)) == value for name, value in exact.items())
            and (not either or any(str(item.get(name)) == value for name, value in either.items()))
        ]

    def make(self, kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Make an object. :raises Refused: it cannot be made"""
        spec = KINDS[kind]
        item = {name: copy.deepcopy(field.default) for name, field in spec.fields.items()}
        missing = {
            name: ["This field is required."]
            for name, field in spec.fields.items()
            if field.required and given.get(name) in (None, "")
        }
        if missing:
            raise Refused(missing)
        item.update(self._cleaned(kind, given))
        self._check(kind, item, None)
        return self._put(kind, item)

    def change(self, kind: str, item: dict[str, Any], given: Mapping[str, Any]) -> None:
        """Change an object. :raises Refused: it cannot be changed so"""
        if item.get("managed"):
            raise Refused({"detail": "Modifications not allowed for managed credential types"}, 403)
        cleaned = self._cleaned(kind, given)
        if kind == "workflow_job_template_nodes":
            # Where a node is, is said when it is made.
            cleaned.pop("workflow_job_template", None)
        changed = {**item, **cleaned}
        if kind == "credentials":
            # What is sent back as it was shown stays as it is.
            for name, value in changed["inputs"].items():
                if value == ENCRYPTED:
                    changed["inputs"][name] = item["inputs"][name]
        self._check(kind, changed, item)
        item.update(changed)
        self._fetch(kind, item)

    def remove(self, kind: str, item: dict[str, Any]) -> None:
        """Remove an object, and whatever leads to it."""
        del self.items[kind][item["id"]]
        for others in self.items.values():
            for other in others.values():
                for relation, related in KINDS_OF_RELATIONS.get(other["_kind"], {}).items():
                    if related == kind and item["id"] in other[relation]:
                        other[relation].remove(item["id"])

    def relate(self, kind: str, item: dict[str, Any], relation: str, given: Mapping[str, Any]) -> None:
        """Put an object into a list of another one, or take it out. :raises Refused: it does not go there"""
        related = KINDS[kind].relations[relation]
        if set(given) - {"id", "disassociate"} or "id" not in given:
            raise Refused({"msg": '"id" is required to disassociate'})
        other = self.find(related, given["id"])
        if given.get("disassociate"):
            item[relation] = [each for each in item[relation] if each != other["id"]]
            return
        if relation == "credentials":
            self._check_credential_of(kind, item, other)
        if relation.endswith("_nodes"):
            self._check_link(item, relation, other)
        if kind == "groups" and other["inventory"] != item["inventory"]:
            raise Refused({"error": "%s is of another inventory" % other["name"]})
        if other["id"] not in item[relation]:
            item[relation].append(other["id"])

    def approval(self, node: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        """Make the approval of a node. :raises Refused: it cannot be made"""
        if not given.get("name"):
            raise Refused({"name": ["This field is required."]})
        template = self.make("workflow_approval_templates", given)
        node["unified_job_template"] = template["id"]
        return template

    def secrets_of(self, credential: Mapping[str, Any]) -> set[str]:
        """Return the names of a credential's secret inputs."""
        of_type = self.find("credential_types", credential["credential_type"])
        return {field["id"] for field in of_type["inputs"].get("fields", []) if field.get("secret")}

    def _put(self, kind: str, item: dict[str, Any]) -> dict[str, Any]:
        self._last_id += 1
        item.update({relation: [] for relation in KINDS[kind].relations})
        if kind in ("job_templates", "workflow_job_templates"):
            item["survey_spec"] = {}
        if "managed" in KINDS[kind].read_only:
            item.setdefault("managed", False)
        item.update(id=self._last_id, type=KINDS[kind].type, _kind=kind)
        self.items[kind][item["id"]] = item
        self._fetch(kind, item)
        return item

    def _fetch(self, kind: str, project: dict[str, Any]) -> None:
        """Fetch the repository of a project that is new or another one now."""
        source = (project.get("scm_type"), project.get("scm_url"), project.get("scm_branch"))
        if kind != "projects" or project.get("_source") == source:
            return
        project["_source"] = source
        project["playbooks"] = []
        if project["scm_type"]:
            update = self._put(
                "project_updates", {"project": project["id"], "status": "pending", "name": project["name"]}
            )
            project["_update"] = update["id"]

    def go_on(self, update: dict[str, Any]) -> None:
        """Let a project's update go on, each time that somebody asks for it."""
        if update["status"] in ("pending", "running"):
            project = self.find("projects", update["project"])
            working = "unreachable" not in project["scm_url"]
            after = {"pending": "running", "running": "successful" if working else "failed"}
            update["status"] = after[update["status"]]
            if update["status"] == "successful":
                project["playbooks"] = list(_PLAYBOOKS)
            if update["status"] not in after:
                del project["_update"]

    def _cleaned(self, kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
        spec = KINDS[kind]
        cleaned, errors = {}, {}
        for name, value in given.items():
            if name in spec.read_only:
                continue
            if name not in spec.fields:
                # AWX drops it without a word. Whoever sends it means something by it.
                errors[name] = ["There is no such field."]
                continue
            field = spec.fields[name]
            try:
                cleaned[name] = self._value(field, value)
            except ValueError as error:
                errors[name] = [str(error)]
        if errors:
            raise Refused(errors)
        return {name: value for name, value in cleaned.items() if not spec.fields[name].written_only}

    def _value(self, field: Field, value: Any) -> Any:
        if value is None:
            if field.nullable:
                return None
            if field.type in ("str", "bool"):
                # As the fields of AWX do that are not null in its database.
                return "" if field.type == "str" else False
            raise ValueError("This field may not be null.")
        kind = _TYPES.get(field.type)
        if kind is None:
            if value == "" and field.nullable:
                return None
            try:
                return self.find(field.type, value)["id"]
            except Refused:
                raise ValueError('Invalid pk "%s" - object does not exist.' % value) from None
        if kind is int and isinstance(value, str) and value.isdecimal():
            value = int(value)
        if kind is not bool and isinstance(value, bool):
            raise ValueError("A valid %s is required." % field.type)
        if not isinstance(value, kind):
            raise ValueError("A valid %s is required." % field.type)
        if field.choices and value not in field.choices:
            raise ValueError('"%s" is not a valid choice.' % value)
        return copy.deepcopy(value)

    def _check(self, kind: str, item: dict[str, Any], before: dict[str, Any] | None) -> None:
        if kind == "credential_types":
            used = before is not None and self.listed("credentials", {"credential_type": str(before["id"])})
            rules.check_credential_type(item, before, bool(used))
        elif kind == "credentials":
            if item["organization"] is None and before is None:
                raise Refused({"detail": "Missing 'user', 'team', or 'organization'."})
            rules.check_credential(item, self.find("credential_types", item["credential_type"]))
        elif kind == "job_templates":
            project = self.items["projects"].get(item["project"])
            item["organization"] = project["organization"] if project else None
            rules.check_job_template(item, project)
        elif kind == "workflow_job_template_nodes":
            template = item["unified_job_template"]
            rules.check_node(item, None if template is None else self.find("unified_job_templates", template))
        elif kind in ("inventories", "hosts", "groups"):
            rules.check_variables(item, "variables")
        elif kind in ("projects", "execution_environments"):
            self._check_kind_of_credential(item, "scm" if kind == "projects" else "registry")
        self._check_unique(kind, item, before)

    def _check_unique(self, kind: str, item: Mapping[str, Any], before: Mapping[str, Any] | None) -> None:
        names = KINDS[kind].unique
        mine = [item.get(name) for name in names]
        for other in self.items[kind].values() if names else ():
            if other is not before and [other.get(name) for name in names] == mine:
                fields = " and ".join(name.replace("_", " ").capitalize() for name in names)
                raise Refused({"__all__": ["%s with this %s already exists." % (KINDS[kind].type, fields)]})

    def _check_kind_of_credential(self, item: Mapping[str, Any], wanted: str) -> None:
        if item["credential"] is not None and self._kind_of(self.find("credentials", item["credential"])) != wanted:
            raise Refused({"credential": ["Credential must be of kind %s." % wanted]})

    def _kind_of(self, credential: Mapping[str, Any]) -> str:
        return str(self.find("credential_types", credential["credential_type"])["kind"])

    def _check_credential_of(self, kind: str, item: Mapping[str, Any], credential: Mapping[str, Any]) -> None:
        there = [self.find("credentials", each)["credential_type"] for each in item["credentials"]]
        if kind == "job_templates":
            if credential["credential_type"] in there:
                raise Refused({"error": "Cannot assign multiple %s credentials." % self._kind_of(credential)})
            if self._kind_of(credential) not in ("ssh", "vault", "cloud", "net", "kubernetes"):
                raise Refused({"error": "Cannot assign a Credential of kind `%s`." % self._kind_of(credential)})
            return
        template = self.items["job_templates"].get(item["unified_job_template"])
        if template is None:
            raise Refused({"msg": "Cannot assign credential when related template is null."})
        if not template[ASKED["credentials"]]:
            raise Refused({"msg": "Related template is not configured to accept credentials on launch."})
        if credential["credential_type"] in there:
            raise Refused(
                {"msg": "This launch configuration already provides a %s credential." % self._kind_of(credential)}
            )
        if credential["id"] in template["credentials"]:
            raise Refused({"msg": "Related template already uses %s credential." % credential["name"]})

    def _check_link(self, node: Mapping[str, Any], relation: str, other: Mapping[str, Any]) -> None:
        if other["workflow_job_template"] != node["workflow_job_template"]:
            raise Refused({"Error": "The node is of another workflow."})
        links = ("success_nodes", "failure_nodes", "always_nodes")
        if any(other["id"] in node[each] for each in links if each != relation):
            raise Refused({"Error": "Relationship not allowed."})
        reached, ahead = set(), [other["id"]]
        while ahead:
            identity = ahead.pop()
            if identity in reached:
                continue
            reached.add(identity)
            ahead += self._children(self.items["workflow_job_template_nodes"][identity], links)
        if node["id"] in reached:
            raise Refused({"Error": "Cycle detected."})

    @staticmethod
    def _children(node: Mapping[str, Any], links: Iterable[str]) -> list[int]:
        return [identity for link in links for identity in node[link]]


KINDS_OF_RELATIONS = {name: kind.relations for name, kind in KINDS.items()}
