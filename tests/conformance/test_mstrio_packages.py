# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The class Migration of mstrio-py 11.3.9, which imports packages by itself, as its own example uses it.

The double is as it is by itself: the client compares status words with lower case, and gives up after a minute.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from double_client import ADMINISTRATOR, DEMO, TUTORIAL, Double

REPORT, USER = 3, 34


@pytest.fixture(name="client")
def the_module(mstrio: Any) -> Any:
    assert mstrio
    return importlib.import_module("mstrio.object_management.migration")


def configuration(client: Any, package_type: str, object_id: str, kind: int, action: str) -> Any:
    """What is to be migrated, and how."""
    types: Any = importlib.import_module("mstrio.types")
    settings = client.PackageSettings
    is_project = package_type == "PROJECT"
    return client.PackageConfig(
        client.PackageConfig.PackageUpdateType[package_type],
        settings(
            settings.DefaultAction.USE_EXISTING,
            settings.UpdateSchema.RECAL_TABLE_LOGICAL_SIZE if is_project else None,
            settings.AclOnReplacingObjects.REPLACE,
            settings.AclOnNewObjects.KEEP_ACL_AS_SOURCE_OBJECT,
        ),
        client.PackageContentInfo(
            id=object_id,
            type=types.ObjectTypes(kind),
            action=client.PackageContentInfo.Action[action],
            include_dependents=is_project,
        ),
    )


def report_of(double: Double) -> dict[str, Any]:
    return next(item for item in double.objects(TUTORIAL).values() if item["type"] == REPORT)


@pytest.fixture(name="migrate")
def migrating(client: Any, connect: Any, double: Double, tmp_path: Path) -> Any:
    """Makes migrations of the report of one project to the other, each with a file of its own."""
    source, target = connect(TUTORIAL), connect(DEMO)
    wanted = configuration(client, "PROJECT", report_of(double)["id"], REPORT, "USE_EXISTING")

    def migrate(name: str = "first", **options: Any) -> Any:
        ends = {"source_connection": source, "target_connection": target, "configuration": wanted}
        return client.Migration(save_path=str(tmp_path / f"{name}.mmp"), name=name, **{**ends, **options})

    return migrate


def test_full_migration_and_undo(client: Any, migrate: Any, double: Double, tmp_path: Path) -> None:
    double.settings(import_duration=0.3, undo_delay=0.3, build_duration=0.3)
    before = double.objects()
    migration = migrate()
    assert migration.perform_full_migration() is True
    assert migration.status == client.migration.MigrationStatus.MIGRATION_COMPLETED
    assert double.objects()[report_of(double)["id"]] == report_of(double)
    # The report, and all that it needs.
    assert len(double.objects()) == len(before) + 6
    assert {path.name for path in tmp_path.iterdir()} == {"first.mmp", "first_undo.mmp"}
    assert (tmp_path / "first_undo.mmp").read_bytes() == migration.undo_binary
    # It has released what it held.
    assert double.state()["packages"] == double.state()["imports"] == []
    migration.undo_migration()
    assert migration.status == client.migration.MigrationStatus.UNDO_COMPLETED
    assert double.objects() == before


def test_step_by_step(client: Any, migrate: Any, double: Double, tmp_path: Path) -> None:
    before = double.objects()
    only_source = migrate(target_connection=None)
    assert only_source.create_package() is True
    assert only_source.status == client.migration.MigrationStatus.CREATING_PACKAGE_COMPLETED
    assert double.objects() == before
    file = str(tmp_path / "first.mmp")
    only_target = migrate("second", source_connection=None, configuration=None, custom_package_path=file)
    assert only_target.migrate_package() is True
    assert len(double.objects()) == len(before) + 6
    # The undo package is beside the file.
    back = migrate("third", source_connection=None, custom_package_path=str(tmp_path / "first_undo.mmp"))
    assert back.migrate_package(is_undo=True) is True
    assert double.objects() == before


def test_many_at_once(client: Any, migrate: Any, double: Double, tmp_path: Path) -> None:
    migration = migrate()
    client.bulk_full_migration([migration])
    assert migration.status == client.migration.MigrationStatus.MIGRATION_COMPLETED
    again = migrate("second", custom_package_path=str(tmp_path / "first.mmp"))
    client.bulk_migrate_package([migration, again])
    assert again.status == client.migration.MigrationStatus.MIGRATION_COMPLETED
    assert double.state()["imports_started"] == 3
    # The same versions were there: the last undo package takes nothing back.
    after = double.objects()
    again.undo_migration()
    assert double.objects() == after


def test_without_undo(client: Any, migrate: Any, tmp_path: Path) -> None:
    migration = migrate(create_undo=False)
    assert migration.perform_full_migration() is True
    assert {path.name for path in tmp_path.iterdir()} == {"first.mmp"}
    with pytest.raises(AttributeError):
        migration.undo_migration()
    assert migration.status == client.migration.MigrationStatus.UNDO_FAILED


def test_configuration_objects(client: Any, connect: Any, double: Double, tmp_path: Path) -> None:
    connection = connect(None)
    migration = client.Migration(
        save_path=str(tmp_path / "users.mmp"),
        source_connection=connection,
        target_connection=connection,
        configuration=configuration(client, "CONFIGURATION", ADMINISTRATOR, USER, "FORCE_REPLACE"),
    )
    delivered = double.objects("configuration")
    assert migration.create_package() is True
    edited = double.put(ADMINISTRATOR, "configuration", name="Renamed")
    assert migration.migrate_package() is True
    assert double.objects("configuration") == delivered
    migration.undo_migration()
    assert double.objects("configuration")[ADMINISTRATOR] == edited


def test_package_as_an_object(client: Any, connect: Any, double: Double) -> None:
    """What the class of packages reads of the content."""
    connection = connect(TUTORIAL)
    package = client.Package.create(connection)
    wanted = configuration(client, "PROJECT", report_of(double)["id"], REPORT, "REPLACE")
    assert package.update_config(wanted) is True
    assert package.status == "ready"
    rows = {row.id: row for row in package.content}
    report = rows.pop(report_of(double)["id"])
    assert (report.name, report.version) == (report_of(double)["name"], report_of(double)["version"])
    assert (report.explicit_included, report.include_dependents) == (True, True)
    assert {row.level for row in rows.values()} == {client.PackageContentInfo.Level.PROJECT_OBJECT}
    assert package.settings.default_action == client.PackageSettings.DefaultAction.USE_EXISTING
    assert package.download_package_binary() == package.download_package_binary()
    assert package.delete(force=True)
