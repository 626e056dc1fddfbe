# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Putting objects into the lists of others, and taking them out.

From ``SubListCreateAttachDetachAPIView`` in ``awx/api/generics.py``, the views of the lists in ``awx/api/views``, and
what ``awx/main/access.py`` says of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from awx_double import credentials
from awx_double.kinds import ASKED, KINDS, LINKS, Listed
from awx_double.refused import Refused, forbidden, not_allowed
from awx_double.store import Store


def post(store: Store, kind: str, item: dict[str, Any], name: str, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """Do what is asked of a list of an object.

    Args:
        store: All objects.
        kind: The plural of the object's kind.
        item: The object.
        name: The name of the list.
        given: What was sent. With ``disassociate``, whatever it is, something is taken out. Beside an id all else is
            ignored. Without an id an object is made.

    Returns:
        What was made; None where nothing was.

    Raises:
        Refused: It does not go there.
    """
    listed = KINDS[kind].lists[name]
    if not listed.makes and not listed.takes:
        raise not_allowed("POST")
    if "disassociate" in given and listed.takes:
        _take_out(store, item, name, listed, given)
        return None
    # Where nothing can be put, an id is one of the fields that are ignored.
    identity = _known(store, item, listed, given) if listed.takes else None
    if identity is not None:
        other = store.named(listed.kind, identity)
        _check(store, kind, item, name, other)
        _put_in(item, name, listed, other)
        return None
    if not listed.makes:
        raise Refused({"msg": "An id is needed."})
    own = {listed.key: item["id"]} if listed.key else {}
    own.update({listed.same: item[listed.same]} if listed.same else {})
    other = store.make(listed.kind, {**given, **own})
    if not listed.key:
        try:
            # A node that is made there leads nowhere yet.
            _check(store, kind, item, name, other)
        except Refused:
            store.drop(listed.kind, other)
            raise
        _put_in(item, name, listed, other)
    return other


def _known(store: Store, item: Mapping[str, Any], listed: Listed, given: Mapping[str, Any]) -> int | None:
    """Return the id of what is there already; also where AWX takes one of the same name for the same."""
    identity = given.get("id")
    if identity:
        if not isinstance(identity, int):
            raise Refused({"msg": "An id is a number."})
        return identity
    same: dict[str, Any] = {}
    if listed.kind == "labels" and "organization" in given:
        same = {"organization": given["organization"]}
    elif (item["_kind"], listed.kind) == ("groups", "hosts") and given.get("variables", "") in ("", "{}", "---"):
        same = {"inventory": item["inventory"]}
    for other in store.items[listed.kind].values() if same else ():
        if all(other[key] == value for key, value in {**same, "name": given.get("name")}.items()):
            return int(other["id"])
    return None


def _put_in(item: dict[str, Any], name: str, listed: Listed, other: dict[str, Any]) -> None:
    holder, held, field = (other, item, listed.held_by) if listed.held_by else (item, other, name)
    if not listed.key and held["id"] not in holder[field]:
        holder[field].append(held["id"])


def _take_out(store: Store, item: dict[str, Any], name: str, listed: Listed, given: Mapping[str, Any]) -> None:
    if not given.get("id") or not isinstance(given["id"], int):
        raise Refused({"msg": "Say by its id, a number, what is to be taken out."})
    other = store.named(listed.kind, given["id"])
    if listed.key:
        # What belongs to it is nothing without it.
        store.drop(listed.kind, other)
        return
    holder, held, field = (other, item, listed.held_by) if listed.held_by else (item, other, name)
    holder[field] = [each for each in holder[field] if each != held["id"]]
    if listed.kind == "labels" and not any(other["id"] in each.get("labels", []) for each in store.all()):
        store.drop("labels", other)


def _check(store: Store, kind: str, item: dict[str, Any], name: str, other: dict[str, Any]) -> None:
    if kind in ("groups", "hosts") and other["inventory"] != item["inventory"]:
        raise Refused({"detail": "Both are to be of one inventory."})
    if (kind, name) == ("groups", "children") and item["id"] in reached(store, "groups", other["id"], ["children"]):
        raise Refused({"error": "The groups would go in a circle."})
    if name == "galaxy_credentials" and store.type_of(other)["namespace"] != "galaxy_api_token":
        raise Refused({"msg": "A credential for Galaxy is needed."})
    if (kind, name) == ("job_templates", "credentials"):
        _check_own(store, item, other)
    elif name == "credentials":
        _check_prompted(store, item, other)
    if name in LINKS:
        _check_link(store, item, name, other)


def _is_there(store: Store, item: Mapping[str, Any], credential: Mapping[str, Any]) -> bool:
    """Return whether a template or node has a credential of the same type."""
    there = [store.find("credentials", each) for each in item["credentials"]]
    known = [credentials.likeness(each, store.type_of(each)) for each in there]
    return credentials.likeness(credential, store.type_of(credential)) in known


def _check_own(store: Store, template: Mapping[str, Any], credential: Mapping[str, Any]) -> None:
    of_type = store.type_of(credential)
    if _is_there(store, template, credential):
        raise Refused({"error": "Cannot assign multiple %s credentials." % of_type["name"]})
    if of_type["kind"] not in ("ssh", "vault", "cloud", "net", "kubernetes"):
        raise Refused({"error": "Cannot assign a Credential of kind `%s`." % of_type["kind"]})


def _check_prompted(store: Store, node: Mapping[str, Any], credential: Mapping[str, Any]) -> None:
    of_type = store.type_of(credential)
    if node["unified_job_template"] is None:
        raise Refused({"msg": "Cannot assign credential when related template is null."})
    template = store.find("unified_job_templates", node["unified_job_template"])
    if template["type"] != "job_template":
        raise Refused({"msg": "What the node runs takes no credentials."})
    if credentials.asks(credential, of_type):
        raise Refused({"msg": "A workflow asks for no password."})
    if not template[ASKED["credentials"]]:
        raise Refused({"msg": "Related template is not configured to accept credentials on launch."})
    if _is_there(store, node, credential):
        raise Refused({"msg": "This launch configuration already provides a %s credential." % of_type["name"]})
    if credential["id"] in template["credentials"]:
        raise Refused({"msg": "Related template already uses %s credential." % credential["name"]})


def _check_link(store: Store, node: Mapping[str, Any], name: str, other: Mapping[str, Any]) -> None:
    if other["workflow_job_template"] != node["workflow_job_template"]:
        raise forbidden()
    if node["id"] == other["id"]:
        raise Refused({"Error": "Cycle detected."})
    if any(other["id"] in node[each] for each in LINKS if each != name):
        raise Refused({"Error": "Relationship not allowed."})
    if node["id"] in reached(store, "workflow_job_template_nodes", other["id"], LINKS):
        raise Refused({"Error": "Cycle detected."})


def reached(store: Store, kind: str, identity: int, names: Iterable[str]) -> set[int]:
    """Return the ids that one comes to from an object by some of its lists, its own among them."""
    found: set[int] = set()
    ahead = [identity]
    while ahead:
        here = ahead.pop()
        if here not in found:
            found.add(here)
            ahead += [each for name in names for each in store.items[kind][here][name]]
    return found
