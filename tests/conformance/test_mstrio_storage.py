# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The class Migration of the current mstrio-py, which has the storage service import packages, as its example uses it.

Source and target are two doubles, as they are by themselves, that share a storage.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from double_client import ADMINISTRATOR, DEMO, TUTORIAL, Double, Program, wait_until

REPORT, USER = 3, 34


@pytest.fixture(scope="module", name="programs")
def two_programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, Program]]:
    directory = tmp_path_factory.mktemp("storage")
    both = Program("--storage", directory), Program("--storage", directory)
    yield both
    for program in both:
        assert program.stop() == (0, "", "")


@pytest.fixture(name="doubles")
def fresh_doubles(programs: tuple[Program, Program]) -> tuple[Double, Double]:
    both = Double(programs[0].base), Double(programs[1].base)
    for double in both:
        double.reset()
        # So that the client sees each state that things go through.
        double.settings(build_duration=0.1, import_duration=0.1, validation_duration=0.1)
    return both


@pytest.fixture(name="client")
def the_module(mstrio: Any) -> Any:
    assert mstrio
    return importlib.import_module("mstrio.object_management.migration")


@pytest.fixture(autouse=True)
def where_the_client_saves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It saves packages where it runs."""
    monkeypatch.chdir(tmp_path)


def wanted(client: Any, object_id: str, kind: int, action: str, dependents: bool) -> Any:
    """What is to be migrated, and how."""
    types: Any = importlib.import_module("mstrio.types")
    settings = client.PackageSettings
    return client.PackageConfig(
        settings(
            default_action=client.package.Action.USE_EXISTING,
            acl_on_replacing_objects=settings.AclOnReplacingObjects.REPLACE,
            acl_on_new_objects=settings.AclOnNewObjects.KEEP_ACL_AS_SOURCE_OBJECT,
        ),
        [
            client.PackageContentInfo(
                id=object_id,
                type=types.ObjectTypes(kind),
                action=client.package.Action[action],
                include_dependents=dependents,
            )
        ],
    )


def report_of(double: Double) -> dict[str, Any]:
    return next(item for item in double.objects(TUTORIAL).values() if item["type"] == REPORT)


def until_done(migration: Any, part: str, *busy: str) -> str:
    """Ask again as long as the client is told that something is going on. :returns: what it came to"""

    def look() -> str | None:
        migration.fetch()
        status = getattr(migration, part).status.value
        return None if status in busy else status

    return str(wait_until(look, f"the end of the {part}"))


def make(client: Any, connection: Any, double: Double) -> Any:
    """Have a package of the report made."""
    migration = client.Migration.create_object_migration(
        connection=connection,
        toc_view=wanted(client, report_of(double)["id"], REPORT, "USE_EXISTING", True),
        name="report",
        project_id=TUTORIAL,
    )
    assert until_done(migration, "package_info", "creating") == "created"
    return migration


def test_create_validate_migrate_reverse(client: Any, connect: Any, doubles: tuple[Double, Double]) -> None:
    here, there = doubles
    before = there.objects()
    source, target = connect(TUTORIAL, here), connect(DEMO, there)
    migration = make(client, source, here)
    assert migration.package_info.type == client.PackageType.OBJECT

    migration.trigger_validation(target_env=target, target_project_name="Demo Project")
    validated = wait_until(lambda: migration.validation.status.value != "validating" and migration.validation, "it")
    assert (validated.status.value, validated.message) == ("validated", None)
    assert there.objects() == before

    migration.migrate(target_env=target, target_project_name="Demo Project")
    there_too = client.Migration(target, id=migration.id)
    assert until_done(there_too, "import_info", "pending", "importing") == "imported"
    assert there.objects()[report_of(here)["id"]] == report_of(here)
    assert len(there.objects()) == len(before) + 6

    migration.reverse(target_env=target, target_project_id=DEMO)
    assert until_done(there_too, "import_info", "undoing") == "undo_success"
    assert there.objects() == before


def test_administration(client: Any, connect: Any, doubles: tuple[Double, Double]) -> None:
    here, there = doubles
    source, target = connect(None, here), connect(None, there)
    migration = client.Migration.create_admin_migration(
        connection=source,
        toc_view=wanted(client, ADMINISTRATOR, USER, "FORCE_REPLACE", False),
        name="administrator",
    )
    assert until_done(migration, "package_info", "creating") == "created"
    edited = there.put(ADMINISTRATOR, "configuration", name="Renamed")
    migration.migrate(target_env=target)
    there_too = client.Migration(target, id=migration.id)
    assert until_done(there_too, "import_info", "pending", "importing") == "imported"
    assert there.objects("configuration")[ADMINISTRATOR]["name"] == "Administrator"
    migration.reverse(target_env=target)
    assert until_done(there_too, "import_info", "undoing") == "undo_success"
    assert there.objects("configuration")[ADMINISTRATOR] == edited


def test_download_and_migrate_from_the_file(client: Any, connect: Any, doubles: tuple[Double, Double]) -> None:
    here, there = doubles
    before = there.objects()
    source, target = connect(TUTORIAL, here), connect(DEMO, there)
    saved = make(client, source, here).download_package(save_path="./")
    assert Path(saved["filepath"]).read_bytes() == saved["file_binary"]
    migration = client.Migration.migrate_from_file(
        connection=target,
        file_path=saved["filepath"],
        package_type=client.PackageType.OBJECT,
        name="from a file",
        target_project_name="Demo Project",
    )
    assert until_done(migration, "import_info", "pending", "importing") == "imported"
    assert len(there.objects()) == len(before) + 6
    migration.reverse(target_env=target, target_project_id=DEMO)
    assert until_done(migration, "import_info", "undoing") == "undo_success"
    assert there.objects() == before
    assert migration.delete(force=True)
    assert client.list_migrations(target) == []
    # It was deleted by the path that the record has, and the list of files too.
    assert (
        importlib.import_module("mstrio.api.migration").list_storage_files(target, "migrations.packages").json()["data"]
        == []
    )


def test_reuse_certify_list_delete(client: Any, connect: Any, doubles: tuple[Double, Double]) -> None:
    here, there = doubles
    source, target = connect(TUTORIAL, here), connect(DEMO, there)
    migration = make(client, source, here)
    migration.alter_migration_info(name="altered")
    users: Any = importlib.import_module("mstrio.users_and_groups")
    somebody = users.User.from_dict({"id": ADMINISTRATOR, "name": "Administrator", "fullName": "A."}, source)
    migration.certify(client.package.PackageCertificationStatus.CERTIFIED, somebody, datetime.now(timezone.utc))
    migration.fetch()
    assert migration.package_info.certification.status == client.package.PackageCertificationStatus.CERTIFIED
    assert migration.package_info.certification.operator.name == "Administrator"

    migration.migrate(target_env=target, target_project_id=DEMO)
    assert until_done(client.Migration(target, id=migration.id), "import_info", "pending", "importing") == "imported"
    again = migration.reuse(target_env=target, target_project_id=DEMO)
    assert until_done(client.Migration(target, id=again.id), "import_info", "pending", "importing") == "imported"

    for connection in (source, target):
        found = client.list_migrations(connection)
        assert [(one.id, one.name) for one in found] == [(migration.id, "altered"), (again.id, "altered")]
        # Both are imports of one package.
        assert [one.delete(force=True) for one in found] == [True, True]
        assert client.list_migrations(connection) == []


def test_content_that_is_missing(client: Any, connect: Any, doubles: tuple[Double, Double]) -> None:
    here, _there = doubles
    migration = client.Migration.create_object_migration(
        connection=connect(TUTORIAL, here),
        toc_view=wanted(client, "D" * 32, REPORT, "REPLACE", True),
        name="nothing",
        project_id=TUTORIAL,
    )
    assert until_done(migration, "package_info", "creating") == "create_failed"
    assert "D" * 32 in migration.package_info.message


def test_storage_that_is_not_configured(client: Any, connect: Any, doubles: tuple[Double, Double]) -> None:
    here, _there = doubles
    source = connect(TUTORIAL, here)
    assert source.environment.storage_service.configured
    here.settings(storage_configured=False)
    with pytest.raises(Exception, match="Storage Service"):
        client.list_migrations(source)
