# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan knows before an import that it will fail: what is needed and nowhere, what is deleted and still used."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

from harness import DEMO, TUTORIAL, Controller, Run, Server, make_package

SALES, MARGIN, COST, BOARD = ("%032X" % (0xABC0 + number) for number in range(4))
SETTINGS = {
    "updateSchema": [],
    "aclOnReplacingObjects": "use_existing",
    "aclOnNewObjects": ["keep_acl_as_source_object"],
    "defaultAction": "replace",
}
NEEDS_MARGIN = 'report "Sales" needs metric "Margin", which is nowhere'
MARGIN_USED = 'report "Board" uses metric "Margin", which is to be deleted'


def written(path: Path, *rows: dict[str, Any], kinds: dict[str, tuple[int, str]], **options: Any) -> dict[str, Any]:
    """Write a package and its manifest, as an export does that knows what each object uses.

    Args:
        path: The package file.
        rows: Its rows; ``depends_on`` of each are its components.
        kinds: Type and name of each component.
        options: Further keys of the item of the list.
    """
    rows = tuple(
        {"version": row["id"][:31] + "1", "dateModified": "2024-01-01T00:00:00.000+0000", **row} for row in rows
    )
    make_package(path, *rows)
    data = path.read_bytes()
    content = [
        {
            "id": row["id"],
            "name": row["name"],
            "type": row["type"],
            "version": row["version"],
            "date_modified": row["dateModified"],
            "action": row.get("action"),
            "level": "project_object",
            "components": [
                {"id": one, "type": kinds[one][0], "name": kinds[one][1]} for one in row.get("depends_on", ())
            ],
        }
        for row in rows
    ]
    manifest = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "type": "project"}
    text = json.dumps({**manifest, "settings": SETTINGS, "content": content})
    path.with_name(path.name + ".manifest.json").write_text(text, encoding="utf-8")
    return {"name": path.stem, "src": str(path), **options}


def run(server: Server, controller: Controller, module: str, *arguments: str, **options: Any) -> Run:
    options = {"project": TUTORIAL, **options}
    return controller.tasks(server, [{"name": module, "mstr.migration.mstr_package_" + module: options}], *arguments)


def planned(server: Server, controller: Controller, *packages: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    """Return the plan of a list, which nobody refuses."""
    ran = run(server, controller, "plan", packages=list(packages), **{"refuse": [], **options})
    assert ran.code == 0, ran.output
    return list(ran.named("plan")["packages"])


KINDS = {SALES: (3, "Sales"), MARGIN: (4, "Margin"), COST: (13, "Cost"), BOARD: (3, "Board")}


def row(identity: str, *needs: str, **more: Any) -> dict[str, Any]:
    kind, name = KINDS[identity]
    return {"id": identity, "name": name, "type": kind, "depends_on": list(needs), **more}


def package(controller: Controller, name: str, *rows: dict[str, Any], **options: Any) -> dict[str, Any]:
    return written(controller.directory / (name + ".mmp"), *rows, kinds=KINDS, **options)


def test_an_export_without_what_it_needs_is_refused_before_it_is_uploaded(
    server: Server, controller: Controller
) -> None:
    server.plant([row(MARGIN), row(SALES, MARGIN)], DEMO)
    built = controller.tasks(
        server,
        [
            {
                "name": "build",
                "mstr.migration.mstr_package": {
                    "project": DEMO,
                    "type": "project",
                    "content": [{"id": SALES, "type": "report"}],
                    "dest": str(controller.directory / "sales.mmp"),
                },
            }
        ],
    )
    assert built.code == 0, built.output
    controller.declare(server, {"src": str(controller.directory / "sales.mmp")})
    server.forget()
    refused = controller.deploy()
    assert refused.failures[0].startswith(
        "refuse: the import is refused, and was not begun. Package sales (project MicroStrategy Tutorial) cannot be "
        "imported: %s. To import all the same: force: true of the package, or leave missing out of refuse"
        % NEEDS_MARGIN
    )
    assert (server.uploads(), server.state()["imports_started"], server.held()) == (0, 0, [])
    # Each object is looked up once.
    assert len(server.calls("GET", "/objects/" + SALES)) == len(server.calls("GET", "/objects/" + MARGIN)) == 1
    checked = controller.deploy("--check", "--diff")
    assert "\n! %s: the import would fail." % NEEDS_MARGIN in checked.named("Plan the list")["diff"]["prepared"]
    assert checked.packages[0]["missing"] == [
        {"id": MARGIN, "type": 4, "type_name": "metric", "name": "Margin", "needed_by": [SALES]}
    ]
    # One task with the file says the same.
    alone = run(server, controller, "import", src=str(controller.directory / "sales.mmp"))
    assert NEEDS_MARGIN in alone.failures[0]
    assert server.uploads() == 0
    # It is right: forced, the server says it.
    server.set(missing_component="fail")
    forced = controller.deploy("-e", "mstr_refuse=delete")
    assert "id=%s> is not found" % MARGIN in forced.failures[0]
    server.plant([row(MARGIN)])
    assert controller.deploy().changed == ["sales"]
    # Nothing is due: nothing is asked of what it needs.
    server.forget()
    assert controller.deploy().changed == []
    assert server.calls("GET", "/objects/" + MARGIN) == []


def test_what_an_earlier_package_brings_or_takes_away_counts(server: Server, controller: Controller) -> None:
    needs = package(controller, "needs", row(SALES, MARGIN))
    brings = package(controller, "brings", row(MARGIN))
    takes = package(controller, "takes", row(MARGIN, action="delete"))
    keeps = package(controller, "keeps", row(MARGIN, COST, action="use_existing"))

    def gaps(*packages: dict[str, Any]) -> list[list[str]]:
        return [[one["id"] for one in found["missing"]] for found in planned(server, controller, *packages)]

    server.forget()
    assert gaps(brings, needs) == [[], []]
    assert len(server.calls("GET", "/objects/" + MARGIN)) == 1
    assert gaps(needs, brings) == [[MARGIN], []]
    server.plant([row(MARGIN)])
    assert gaps(needs) == [[]]
    assert gaps(takes, needs) == [[], [MARGIN]]
    # What stays as it is needs nothing.
    assert gaps(keeps, needs) == [[], []]
    both = package(controller, "both", row(MARGIN, action="delete"), row(SALES, MARGIN))
    assert gaps(both) == [[MARGIN]]


def test_what_is_needed_of_the_configuration_is_looked_up_there(server: Server, controller: Controller) -> None:
    source, physical = "D5" * 16, "D6" * 16
    kinds = {**KINDS, source: (29, "Warehouse"), physical: (53, "Physical table")}
    table = {"id": COST, "name": "Facts", "type": 15, "depends_on": [source, physical]}
    needs = written(controller.directory / "needs.mmp", table, kinds=kinds)
    server.forget()
    (found,) = planned(server, controller, needs)
    assert [(one["type_name"], one["name"]) for one in found["missing"]] == [("database instance", "Warehouse")]
    # No package carries the other by itself.
    assert server.calls("GET", "/objects/" + physical) == []
    server.plant([{"id": source, "name": "Warehouse", "type": 29}], "configuration")
    assert planned(server, controller, needs)[0]["missing"] == []


def test_what_is_deleted_and_still_used(server: Server, controller: Controller) -> None:
    server.plant([row(MARGIN), row(BOARD, MARGIN), row(COST)])
    takes = package(controller, "takes", row(MARGIN, action="delete"), row(COST, action="delete"))
    (found,) = planned(server, controller, takes)
    assert found["still_used"] == [{"id": BOARD, "type": 3, "type_name": "report", "name": "Board", "uses": [MARGIN]}]
    asked = server.calls("POST", "/metadataSearches/results")
    assert len(asked) == 2
    refused = run(server, controller, "plan", packages=[takes])
    assert "Package takes (project %s) cannot be imported: %s." % (TUTORIAL, MARGIN_USED) in refused.failures[0]
    # Not where it goes as well, or uses it no longer.
    gone = package(controller, "gone", row(BOARD, action="delete"))
    other = package(controller, "other", row(BOARD, COST))
    assert [found["still_used"] for found in planned(server, controller, gone, takes)] == [[], []]
    later = planned(server, controller, other, takes)[1]["still_used"]
    assert [(user["id"], user["uses"]) for user in later] == [(BOARD, [COST])]
    assert run(server, controller, "plan", packages=[{**takes, "force": True}]).code == 0


def test_a_server_that_does_not_say_who_uses_an_object_stops_nothing(server: Server, controller: Controller) -> None:
    server.plant([row(MARGIN), row(BOARD, MARGIN)])
    takes = package(controller, "takes", row(MARGIN, action="delete"), row(BOARD, action="replace"))
    # An older server has the older search alone.
    server.set(calls={"POST /v2/metadataSearches/results": False})
    rows = planned(server, controller, package(controller, "one", row(MARGIN, action="delete")))
    assert [user["id"] for user in rows[0]["still_used"]] == [BOARD]
    server.fault("POST", "/metadataSearches/results", {"kind": "status", "status": 403}, times=9)
    ran = run(server, controller, "plan", packages=[takes])
    assert ran.code == 0, ran.output
    assert "Whether something still uses the objects that are deleted cannot be told" in ran.warnings


def test_an_approved_plan_has_what_it_would_fail_for(server: Server, controller: Controller) -> None:
    server.plant([row(MARGIN)])
    needs = package(controller, "needs", row(SALES, MARGIN))
    file = controller.directory / "approved.json"
    planned(server, controller, needs, plan_file=str(file))
    assert json.loads(file.read_text())["steps"][0]["missing"] == []
    first = json.loads(file.read_text())["plan_id"]
    server.remove(MARGIN)
    carry_out = {"packages": [needs], "plan_file": str(file)}
    stale = run(server, controller, "import", refuse=[], **carry_out)
    assert "is stale. Package needs: %s now. Nothing was done." % NEEDS_MARGIN in stale.failures[0]
    file.unlink()
    planned(server, controller, needs, plan_file=str(file))
    plan = json.loads(file.read_text())
    assert [one["id"] for one in plan["steps"][0]["missing"]] == [MARGIN]
    assert plan["plan_id"] != first
    refused = run(server, controller, "import", **carry_out)
    assert NEEDS_MARGIN in refused.failures[0]
    assert (server.uploads(), server.state()["imports_started"]) == (0, 0)
    done = run(server, controller, "import", refuse=[], **carry_out)
    assert done.code == 0, done.output
    assert [one["id"] for one in done.named("import")["packages"][0]["missing"]] == [MARGIN]


# A project and its packages, at random.

IDS = ["%032X" % (0xBAD0000 + number) for number in range(10)]
WORLD = {one: ((3, 4, 12, 1)[number % 4], "Object %d" % number) for number, one in enumerate(IDS)}
ACTIONS = ["replace"] * 5 + ["delete"] * 3 + ["use_existing", "force_replace", "use_newer", "keep_both"]


def edition(chance: random.Random, identity: str, number: int, version: int) -> dict[str, Any]:
    """Return a version of an object, which uses some of those before it."""
    kind, name = WORLD[identity]
    return {
        "id": identity,
        "name": name,
        "type": kind,
        "version": "%s%X" % (identity[:31], version),
        "dateModified": "2024-%02d-01T00:00:00.000+0000" % (version + 1),
        "depends_on": chance.sample(IDS[:number], min(number, chance.choice([0, 0, 1, 1, 2]))),
    }


def generated(chance: random.Random, server: Server, controller: Controller, seed: int) -> list[dict[str, Any]]:
    """Plant a project at random, and return a list of packages for it."""
    editions = {one: [edition(chance, one, number, v) for v in range(3)] for number, one in enumerate(IDS)}
    there = [one for one in IDS if chance.random() < 0.75]
    server.plant([chance.choice(editions[one][:2]) for one in there])
    packages = []
    for position in range(chance.choice([1, 2, 2, 3])):
        chosen = chance.sample(IDS, chance.choice([1, 2, 3, 5]))
        rows = [{**chance.choice(editions[one]), "action": chance.choice(ACTIONS)} for one in chosen]
        path = controller.directory / ("p%d-%d.mmp" % (seed, position))
        packages.append(written(path, *rows, kinds=WORLD, generate_undo=False))
    return packages


def test_what_is_predicted_is_what_the_server_does(server: Server, controller: Controller) -> None:
    failed, went_well = set(), 0
    for seed in range(20):
        server.reset(missing_component="fail")
        packages = generated(random.Random(seed), server, controller, seed)
        file = str(controller.directory / ("%d.json" % seed))
        rows = planned(server, controller, *packages, plan_file=file)
        done = run(server, controller, "import", packages=packages, plan_file=file, refuse=[], schema="none")
        predicted = [found for found in rows if found["due"] and (found["missing"] or found["still_used"])]
        outcome = {found["name"]: found for found in done.named("import")["packages"]}
        if not predicted:
            assert done.code == 0, "%d: %s" % (seed, done.failures)
            went_well += 1
            continue
        # The first of them fails, those before it do not, and it fails for what was said.
        first = predicted[0]
        assert [name for name, found in outcome.items() if found["failed"]] == [first["name"]], (
            seed,
            first,
            done.failures,
        )
        message = outcome[first["name"]]["msg"]
        if first["missing"]:
            assert any("id=%s> is not found" % one["id"] in message for one in first["missing"]), (seed, message)
            failed.add("missing")
        else:
            # A copy has an id of its own, and a number behind its name.
            pairs = [(used, user["name"]) for user in first["still_used"] for used in user["uses"]]
            assert any("'%s' cannot be deleted: the object '%s" % (used, name) in message for used, name in pairs), (
                seed,
                pairs,
                message,
            )
            failed.add("still_used")
        server.forget()
        refused = run(server, controller, "plan", packages=packages)
        assert refused.code == 0 or server.uploads() == 0
    # There were some of each.
    assert failed == {"missing", "still_used"}
    assert went_well >= 3
