# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects that the stand-in holds: made, changed and removed by the rules of AWX."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from awx_double import credentials, rules
from awx_double.kinds import ASKED, KINDS, UNIFIED
from awx_double.refused import Refused, forbidden, no_such, not_found
from awx_double.values import cleaned

# The playbooks of each project. AWX reads them from the repository when it has fetched it.
_PLAYBOOKS = ("deploy.yml", "rollback.yml")
# When one of these changes, the project is fetched again.
_SOURCE = ("scm_type", "scm_url", "scm_branch", "scm_refspec")
# What a running update becomes, each time that somebody asks for it.
RUNNING = {"pending": "running", "running": "successful"}
_NODES = "workflow_job_template_nodes"
_APPROVALS = "workflow_approval_templates"


class Store:
    """All objects, by the plural of their kind and their ids, which are from one series for all kinds."""

    def __init__(self) -> None:
        self.items: dict[str, dict[int, dict[str, Any]]] = {kind: {} for kind in KINDS}
        self._last_id = 0
        for kind, name in (("organizations", "Default"), ("instance_groups", "default"), ("instance_groups", "mstr")):
            self.make(kind, {"name": name})
        for of_type in credentials.managed_types():
            # None that a user could make.
            self._put("credential_types", {"description": "", "injectors": {}, **of_type, "managed": True})

    def find(self, kind: str, identity: Any) -> dict[str, Any]:
        """Return an object. :raises Refused: there is none"""
        number = int(identity)
        if kind == "unified_job_templates":
            kind = next((each for each in UNIFIED if number in self.items[each]), "job_templates")
        if number not in self.items.get(kind, {}):
            raise not_found(KINDS[kind].type if kind in KINDS else kind.rstrip("s"))
        return self.items[kind][number]

    def those_of(self, kind: str, item: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
        """Return what is in a list of an object."""
        listed = KINDS[kind].lists[name]
        if listed.key:
            return [each for each in self.items[listed.kind].values() if each[listed.key] == item["id"]]
        if listed.held_by:
            return [each for each in self.items[listed.kind].values() if item["id"] in each[listed.held_by]]
        return [self.find(listed.kind, each) for each in item[name]]

    def make(self, kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Make an object. :raises Refused: it cannot be made"""
        if kind == "hosts" and str(given.get("inventory", "")).isdecimal():
            # Whether one may add a host is asked of its inventory, before all else.
            self.named("inventories", int(given["inventory"]))
        spec = KINDS[kind]
        values = cleaned(kind, given, self.find, part=False)
        item = {name: copy.deepcopy(field.default) for name, field in spec.fields.items()}
        if kind == _NODES:
            item["identifier"] = str(uuid.uuid4())
        item.update(values)
        if kind == "credentials":
            credentials.check_owner(item)
        self._check(kind, item, None, item)
        hidden = [name for name, field in spec.fields.items() if field.written_only]
        return self._put(kind, {name: value for name, value in item.items() if name not in hidden})

    def change(self, kind: str, item: dict[str, Any], given: Mapping[str, Any], *, whole: bool = False) -> None:
        """Change an object.

        Args:
            kind: The plural of its kind.
            item: The object.
            given: What was sent.
            whole: Whether what was not sent becomes what it is without being said, as PUT does.

        Raises:
            Refused: It cannot be changed so.
        """
        if item.get("managed"):
            raise forbidden("Modifications not allowed for managed credential types")
        if kind == "hosts":
            rules.check_inventory_of(item, given)
        fields = KINDS[kind].fields
        values = cleaned(kind, given, self.find, part=not whole)
        if whole:
            values = {**_unsaid(kind), **values}
        kept = [name for name, field in fields.items() if field.fixed or field.written_only]
        values = {name: value for name, value in values.items() if name not in kept}
        changed = copy.deepcopy({**item, **values})
        self._check(kind, changed, item, given)
        if kind == _NODES and item["unified_job_template"] != changed["unified_job_template"]:
            self._forget_approval(item)
        item.update(changed, modified=_now())
        self._fetch_changed(kind, item)

    def approval(self, node: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        """Make the approval of a node, in place of what it ran. :raises Refused: it cannot be made"""
        template = self.make(_APPROVALS, given)
        self._forget_approval(node)
        node["unified_job_template"] = template["id"]
        return template

    def update(self, project: dict[str, Any]) -> dict[str, Any]:
        """Fetch a project's repository. :returns: what does it"""
        update = self._put("project_updates", {"project": project["id"], "status": "pending", "name": project["name"]})
        project["_update"] = update["id"]
        return update

    def go_on(self, update: dict[str, Any]) -> None:
        """Let a project's update go on, each time that somebody asks for it. One of a project runs after the other."""
        for each in self.items["project_updates"].values():
            if each["project"] == update["project"] and each["id"] < update["id"]:
                while each["status"] in RUNNING:
                    self._step(each)
        if update["status"] in RUNNING:
            self._step(update)

    def _step(self, update: dict[str, Any]) -> None:
        project = self.find("projects", update["project"])
        update["status"] = RUNNING[update["status"]]
        if update["status"] == "successful":
            if "unreachable" in project["scm_url"]:
                update["status"] = "failed"
            else:
                project["playbooks"] = list(_PLAYBOOKS)
            update["finished"] = _now()
            project["_last_update"] = update["id"]

    def drop(self, kind: str, item: dict[str, Any]) -> None:
        """Remove an object, what goes with it, and what leads to it."""
        self.items[kind].pop(item["id"], None)
        if kind == _NODES:
            self._forget_approval(item)
        for other in self.all():
            spec = KINDS[other["_kind"]]
            for name in spec.held:
                if spec.lists[name].kind == kind:
                    other[name] = [each for each in other[name] if each != item["id"]]
            for name, field in spec.fields.items():
                refers = field.type == kind or (field.type == "unified_job_templates" and kind in UNIFIED)
                if refers and other.get(name) == item["id"]:
                    self._lose(other, name, field.cascade)
            if kind == "organizations" and other.get("organization") == item["id"]:
                # That of a job template is no field of its own.
                other["organization"] = None

    def _lose(self, item: dict[str, Any], name: str, cascade: bool) -> None:
        if cascade:
            self.drop(item["_kind"], item)
        else:
            item[name] = None

    def type_of(self, credential: Mapping[str, Any]) -> dict[str, Any]:
        """Return the type of a credential."""
        return self.find("credential_types", credential["credential_type"])

    def all(self) -> list[dict[str, Any]]:
        """Return all objects."""
        return [item for items in self.items.values() for item in items.values()]

    def named(self, kind: str, identity: int) -> dict[str, Any]:
        """Return an object that a body names. :raises Refused: there is none"""
        if identity not in self.items[kind]:
            raise no_such(KINDS[kind].type)
        return self.items[kind][identity]

    def _put(self, kind: str, item: dict[str, Any]) -> dict[str, Any]:
        self._last_id += 1
        item.update({name: [] for name in KINDS[kind].held})
        if kind in ("job_templates", "workflow_job_templates"):
            item["survey_spec"] = {}
        if "managed" in KINDS[kind].read_only:
            item.setdefault("managed", False)
        if kind == "credential_types":
            item.setdefault("namespace", None)
        item.update(id=self._last_id, type=KINDS[kind].type, created=_now(), modified=_now(), _kind=kind)
        self.items[kind][item["id"]] = item
        if kind == "projects":
            item["playbooks"] = []
        self._fetch_changed(kind, item)
        return item

    def _fetch_changed(self, kind: str, project: dict[str, Any]) -> None:
        """Fetch the repository of a project that is new or another one now."""
        if kind != "projects":
            return
        source = [project[name] for name in _SOURCE]
        if project["scm_type"] and not project["local_path"]:
            project["local_path"] = "_%d__%s" % (project["id"], project["name"].lower().replace(" ", "_"))
        if project["scm_type"] and project.get("_source") != source:
            self.update(project)
        project["_source"] = source

    def _check(self, kind: str, item: dict[str, Any], before: dict[str, Any] | None, given: Mapping[str, Any]) -> None:
        if kind == "credential_types":
            used = before is not None and self.those_of(kind, before, "credentials")
            credentials.check_type(item, before, bool(used))
        elif kind == "credentials":
            credentials.check_credential(item, before, self.type_of(item), before is not None and self._is_used(before))
        elif kind == "projects":
            used_by = [each for each in self.items["job_templates"].values() if each["project"] == item.get("id")]
            rules.check_project(item, before, used_by if before is not None else [])
            self._check_namespace(item, "insights" if item["scm_type"] == "insights" else "scm")
        elif kind == "execution_environments":
            self._check_namespace(item, "registry")
            rules.check_image(item, before)
        elif kind == "inventories":
            rules.check_inventory(item, before)
        elif kind in ("hosts", "groups"):
            self._check_member(kind, item, before)
        elif kind == "job_templates":
            project = self.items["projects"].get(item["project"])
            item["organization"] = project["organization"] if project else None
            rules.check_job_template(item, project)
        elif kind == "workflow_job_templates":
            rules.check_workflow(item)
        elif kind == _NODES:
            self._check_node(item, before, given)
        self._check_unique(kind, item, before)

    def _check_member(self, kind: str, item: dict[str, Any], before: dict[str, Any] | None) -> None:
        inventory = self.find("inventories", item["inventory"])
        if before is None and inventory["kind"]:
            raise Refused({"inventory": {"detail": ["Nothing is made in an inventory of this kind."]}})
        others = self.items["groups" if kind == "hosts" else "hosts"].values()
        names = {each["name"] for each in others if each["inventory"] == inventory["id"]}
        rules.check_member(kind, item, names)

    def _check_node(self, item: dict[str, Any], before: dict[str, Any] | None, given: Mapping[str, Any]) -> None:
        if item["unified_job_template"] is None:
            if before is None:
                rules.forget_prompts(item)
            return
        template = self.find("unified_job_templates", item["unified_job_template"])
        asked = {name for name, asks in ASKED.items() if asks in template}
        # Where a change says nothing that such a template could ask for, nothing is looked at.
        if before is None or set(given) & {*asked, "extra_data"}:
            project = self.items["projects"].get(template.get("project"))
            inventory = item["inventory"] or template.get("inventory")
            hosts = [each for each in self.items["hosts"].values() if each["inventory"] == inventory]
            own = [self.find("credentials", each) for each in template.get("credentials", [])]
            asks = any(credentials.asks(each, self.type_of(each)) for each in own)
            rules.check_node(item, template, rules.Launch(project, len(hosts), asks))

    def _check_unique(self, kind: str, item: Mapping[str, Any], before: Mapping[str, Any] | None) -> None:
        spec = KINDS[kind]
        mine = [item.get(name) for name in spec.unique]
        if not mine or (None in mine and not spec.unique_without):
            return
        others = (other for other in self.items[kind].values() if other is not before)
        if all([other.get(name) for name in spec.unique] != mine for other in others):
            return
        type_ = spec.type.replace("_", " ").capitalize()
        names = [name.replace("_", " ").capitalize() for name in spec.unique]
        if before is not None and any(spec.fields[name].fixed for name in spec.unique if name in spec.fields):
            # It is not looked for then, and the database refuses it.
            raise Refused({"detail": "duplicate key value violates unique constraint"})
        if len(names) == 1:
            raise Refused({spec.unique[0]: ["%s with this %s already exists." % (type_, names[0])]})
        listed = "%s and %s" % (", ".join(names[:-1]), names[-1])
        raise Refused({"__all__": ["%s with this %s already exists." % (type_, listed)]})

    def _check_namespace(self, item: Mapping[str, Any], wanted: str) -> None:
        if item["credential"] is None:
            if wanted == "insights":
                raise Refused({"credential": ["A project of this kind needs one."]})
        elif self.type_of(self.find("credentials", item["credential"]))["namespace"] != wanted:
            raise Refused({"credential": ["Credential must be of kind %s." % wanted]})

    def _is_used(self, credential: Mapping[str, Any]) -> bool:
        projects = (each["credential"] for each in self.items["projects"].values())
        templates = (each for template in self.items["job_templates"].values() for each in template["credentials"])
        return credential["id"] in {*projects, *templates}

    def _forget_approval(self, node: Mapping[str, Any]) -> None:
        """Remove the approval of a node that is not to wait for it any more."""
        approval = self.items[_APPROVALS].get(node["unified_job_template"])
        if approval is not None:
            self.drop(_APPROVALS, approval)


def _unsaid(kind: str) -> dict[str, Any]:
    """Return what the fields of an object are where they are not said, as far as AWX has a default for them."""
    fields = KINDS[kind].fields
    named = {
        name for name, field in fields.items() if field.type in (*KINDS, "users", "teams", "unified_job_templates")
    }
    return {name: field.default for name, field in fields.items() if name not in (*named, "local_path", "identifier")}


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
