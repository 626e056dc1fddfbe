# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an import does to the metadata: the conflict rules, undo packages, and what servers do on their own account."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from double_client import ADMINISTRATOR, DEMO, Double, Packages

OBJECT = "A" * 32
OTHER = "B" * 32
FOLDER = "F" * 32
MINE, THEIRS = "1" * 32, "2" * 32
OLD, PRESENT, NEW = (f"202{digit}-01-01T00:00:00.000+0000" for digit in (1, 2, 3))
ACTIONS = ("use_existing", "replace", "force_replace", "keep_both", "use_newer", "use_older", "delete")


def row(**more: Any) -> dict[str, Any]:
    return {"id": OBJECT, "name": "Packed", "type": 4, "version": MINE, "dateModified": NEW, **more}


def put_there(double: Double, **more: Any) -> dict[str, Any]:
    fields = {"name": "There", "type": 4, "version": THEIRS, "dateModified": PRESENT, **more}
    return double.put(fields.pop("id", OBJECT), **fields)


@pytest.mark.parametrize("by_default", [False, True], ids=["own-action", "default-action"])
@pytest.mark.parametrize("action", ACTIONS)
def test_object_that_does_not_exist(double: Double, packages: Packages, action: str, by_default: bool) -> None:
    data = _package(packages, action, by_default)
    state, _undo = double.login().run_import(data)
    assert state["status"] == "imported"
    there = double.objects().get(OBJECT)
    if action == "delete":
        assert there is None
    else:
        assert there is not None
        assert (there["name"], there["version"], there["dateModified"]) == ("Packed", MINE, NEW)


@pytest.mark.parametrize("by_default", [False, True], ids=["own-action", "default-action"])
@pytest.mark.parametrize("action", ACTIONS)
def test_object_that_exists_identically(double: Double, packages: Packages, action: str, by_default: bool) -> None:
    put_there(double, version=MINE)
    before = double.objects()
    double.login().run_import(_package(packages, action, by_default))
    after = double.objects()
    if action == "delete":
        assert OBJECT not in after
    elif action == "force_replace":
        # It replaces even the same version, which the other name in the package shows.
        assert after[OBJECT]["name"] == "Packed"
    else:
        assert after == before


@pytest.mark.parametrize("packed", [OLD, PRESENT, NEW], ids=["older", "same-time", "newer"])
@pytest.mark.parametrize("action", ACTIONS)
def test_object_that_exists_differently(double: Double, packages: Packages, action: str, packed: str) -> None:
    put_there(double)
    before = double.objects()
    double.login().run_import(packages.make([row(dateModified=packed, action=action)]))
    after = double.objects()
    replaced = {
        "replace": True,
        "force_replace": True,
        "use_newer": packed == NEW,
        "use_older": packed != NEW,
    }.get(action, False)
    if action == "delete":
        assert OBJECT not in after
    elif replaced:
        assert (after[OBJECT]["version"], after[OBJECT]["dateModified"]) == (MINE, packed)
    else:
        assert after[OBJECT] == before[OBJECT]
    copies = [item for item in after.values() if item["id"] not in before]
    assert len(copies) == (action == "keep_both")
    for copied in copies:
        assert copied["name"].startswith("Packed")
        assert copied["version"] not in (MINE, THEIRS)


def _package(packages: Packages, action: str, by_default: bool) -> bytes:
    if by_default:
        return packages.make([row()], settings={"defaultAction": action})
    # A default that would do something else shows that the row's own action wins.
    default = "use_existing" if action != "use_existing" else "force_replace"
    return packages.make([row(action=action)], settings={"defaultAction": default})


def test_undo_brings_back_exactly_what_was_there(double: Double, packages: Packages) -> None:
    put_there(double, definition={"formula": "old"}, depends_on=[OTHER], hidden=True)
    put_there(double, id=OTHER, name="Goes")
    put_there(double, id=FOLDER, name="Folder", type=8)
    before = double.objects()
    data = packages.make(
        [
            row(action="replace", definition={"formula": "new"}),
            row(id=OTHER, action="delete"),
            row(id=FOLDER, type=8, action="replace"),
            row(id="C" * 32, name="Created", action="use_existing"),
        ]
    )
    client = double.login()
    _state, undo = client.run_import(data)
    after = double.objects()
    assert after != before
    assert undo is not None
    _state, redo = client.run_import(undo)
    assert double.objects() == before
    assert redo is not None
    client.run_import(redo)
    assert double.objects() == after


def test_undo_package_is_shown_as_a_package(double: Double, packages: Packages) -> None:
    put_there(double)
    client = double.login()
    _state, undo = client.run_import(packages.make([row(action="replace"), row(id=OTHER, action="replace")]))
    assert undo is not None
    shown = client.package(client.stage(undo)).json()
    assert {(item["id"], item["action"], item["version"]) for item in shown["content"]} == {
        (OBJECT, "force_replace", THEIRS),
        (OTHER, "delete", MINE),
    }


def test_undo_reverts_only_its_own_import(double: Double, packages: Packages) -> None:
    client = double.login()
    _state, undo = client.run_import(packages.make([row(action="replace")]))
    client.run_import(packages.make([row(id=OTHER, action="replace")]))
    assert undo is not None
    client.run_import(undo)
    assert OBJECT not in double.objects()
    assert OTHER in double.objects()


def test_no_undo_package_with_keep_both_or_without_being_asked(double: Double, packages: Packages) -> None:
    client = double.login()
    for content, settings, undo in (
        ([row(action="keep_both"), row(id=OTHER, action="replace")], {}, "true"),
        ([row()], {"defaultAction": "keep_both"}, "true"),
        ([row(action="replace")], {}, "false"),
        ([row(action="replace")], {}, "False"),
    ):
        state, _undo = client.run_import(packages.make(content, settings=settings), undo)
        assert (state["status"], state["undoPackageCreated"]) == ("imported", False)


def test_undo_package_is_the_default(double: Double, packages: Packages) -> None:
    client = double.login()
    package_id = client.stage(packages.make([row()]))
    answer = client.post("/packages/imports", params={"packageId": package_id}, headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    assert client.finish(answer.json()["id"])["undoPackageCreated"]


def test_deleting_an_object_in_use_fails_the_import(double: Double, packages: Packages) -> None:
    put_there(double)
    put_there(double, id=OTHER, name="User of it", depends_on=[OBJECT])
    client = double.login()
    state, undo = client.run_import(packages.make([row(id="C" * 32, action="replace"), row(action="delete")]))
    assert state["status"] == "failed"
    assert OBJECT in state["message"]
    assert "User of it" in state["message"]
    assert {OBJECT, "C" * 32} <= set(double.objects())
    # What was done before the failure can be taken back.
    assert undo is not None
    client.run_import(undo)
    assert "C" * 32 not in double.objects()


def test_deleting_an_object_with_its_users_works(double: Double, packages: Packages) -> None:
    put_there(double)
    put_there(double, id=OTHER, depends_on=[OBJECT])
    state, _undo = double.login().run_import(packages.make([row(action="delete"), row(id=OTHER, action="delete")]))
    assert state["status"] == "imported"
    assert not {OBJECT, OTHER} & set(double.objects())


@pytest.mark.parametrize("exists", [False, True])
def test_folders_never_get_the_version_of_the_source(double: Double, packages: Packages, exists: bool) -> None:
    if exists:
        put_there(double, id=FOLDER, type=8)
    client = double.login()
    data = packages.make([row(id=FOLDER, type=8, action="replace")])
    client.run_import(data)
    first = double.objects()[FOLDER]
    client.run_import(data)
    second = double.objects()[FOLDER]
    assert first["name"] == "Packed"
    assert len({MINE, THEIRS, first["version"], second["version"]}) == 4
    assert NEW not in (first["dateModified"], second["dateModified"])


def test_types_that_get_new_versions_while_being_imported(double: Double, packages: Packages) -> None:
    double.settings(reversion_types=[15])
    client = double.login()
    before = double.objects()
    _state, undo = client.run_import(packages.make([row(type=15), row(id=OTHER)]))
    there = double.objects()
    assert there[OBJECT]["version"] != MINE
    assert there[OTHER]["version"] == MINE
    assert undo is not None
    client.run_import(undo)
    assert double.objects() == before


def test_ignored_objects_stay_as_they_are(double: Double, packages: Packages) -> None:
    there = put_there(double)
    double.settings(ignore_objects=[OBJECT])
    state, _undo = double.login().run_import(packages.make([row(), row(id=OTHER)]))
    assert state["status"] == "imported"
    assert double.objects()[OBJECT] == there
    assert OTHER in double.objects()


@pytest.mark.parametrize("undo_on_failure", [True, False])
def test_import_that_fails_half_way(double: Double, packages: Packages, undo_on_failure: bool) -> None:
    double.settings(
        import_failure={"message": "The disk is full.", "after_objects": 2}, undo_on_failure=undo_on_failure
    )
    before = double.objects()
    rows = [row(id=str(number) * 32, name=f"Object {number}") for number in range(1, 5)]
    client = double.login()
    state, undo = client.run_import(packages.make(rows))
    assert (state["status"], state["message"]) == ("failed", "The disk is full.")
    assert state["progress"] < 100
    assert set(double.objects()) - set(before) == {"1" * 32, "2" * 32}
    assert (undo is not None) == undo_on_failure
    if undo is not None:
        double.settings(import_failure=None)
        client.run_import(undo)
        assert double.objects() == before


def test_configuration_package(double: Double, samples: Path) -> None:
    client = double.login(project=None)
    before = double.objects("configuration")
    _state, undo = client.run_import((samples / "users.mmp").read_bytes())
    added = [item for key, item in double.objects("configuration").items() if key not in before]
    assert sorted(item["type"] for item in added) == [34, 34, 44]
    assert undo is not None
    client.run_import(undo)
    assert double.objects("configuration") == before


def test_project_security_package_changes_links_only(double: Double, samples: Path) -> None:
    before = (double.objects(), double.objects("configuration"))
    client = double.login()
    _state, undo = client.run_import((samples / "project_security.mmp").read_bytes())
    assert double.control("GET", f"/security/{DEMO}") == {
        ADMINISTRATOR: {"securityRoles": ["Analyst"], "securityFilters": []}
    }
    assert (double.objects(), double.objects("configuration")) == before
    assert undo is not None
    client.run_import(undo)
    assert double.control("GET", f"/security/{DEMO}") == {}


def test_increments_overlap(double: Double, samples: Path) -> None:
    client = double.login()
    versions = []
    for name in ("inc1", "inc2", "inc3"):
        client.run_import((samples / f"{name}.mmp").read_bytes())
        versions.append({item["name"]: item["version"] for item in double.objects().values()})
    assert len({edition["Store"] for edition in versions}) == 3
    assert versions[0]["Manager"] == versions[1]["Manager"] != versions[2]["Manager"]
    assert versions[0]["Region"] == versions[2]["Region"]


def test_an_edit_by_hand_gives_a_new_version(double: Double) -> None:
    first = put_there(double)
    second = double.put(OBJECT, name="Edited")
    assert re.fullmatch("[0-9A-F]{32}", second["version"])
    assert second["version"] != first["version"]
    assert second["dateModified"] > first["dateModified"]
    assert (second["type"], second["dateCreated"]) == (first["type"], first["dateCreated"])


def test_large_package(double: Double, packages: Packages) -> None:
    rows = [{"id": f"{number:032X}", "name": f"Object {number}", "type": 4} for number in range(20000)]
    state, undo = double.login().run_import(packages.make(rows))
    assert state["status"] == "imported"
    assert len(double.objects()) == 20002
    assert undo is not None
