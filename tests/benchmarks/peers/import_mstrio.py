# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One package with the vendor's Python client: log in, upload, import, save the undo package, release, log out."""

import os
import time
from pathlib import Path

from mstrio.api import migration
from mstrio.connection import Connection

given = os.environ
connection = Connection(
    given["BASE"], given["USERNAME"], given["PASSWORD"], project_id=given["PROJECT_ID"], verbose=False
)
try:
    project = given["PROJECT_ID"]
    package = migration.create_package_holder(connection, project_id=project).json()["id"]
    migration.upload_package(connection, package, Path(given["PACKAGE"]).read_bytes(), project_id=project)
    while migration.get_package_holder(connection, package, project_id=project).json()["status"].lower() != "ready":
        time.sleep(0.2)
    process = migration.create_import(connection, package, project_id=project, generate_undo=True).json()["id"]
    while not migration.get_import(connection, process, project_id=project).json()["undoPackageCreated"]:
        time.sleep(0.2)
    undo = migration.create_undo(connection, process, project_id=project).content
    Path(given["WORK"], "undo-by-mstrio.mmp").write_bytes(undo)
    migration.delete_import(connection, process, project_id=project)
    migration.delete_package_holder(connection, package, project_id=project)
finally:
    connection.close()
