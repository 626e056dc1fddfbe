# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A package of a folder with the vendor's Python client: log in, search, build, save the file, release, log out.

With the argument ``needs`` it also saves what each object needs.
"""

import json
import os
import sys
import time
from pathlib import Path

from mstrio.api import migration
from mstrio.connection import Connection
from mstrio.object_management.search_operations import full_search

given = os.environ
connection = Connection(
    given["BASE"], given["USERNAME"], given["PASSWORD"], project_id=given["PROJECT_ID"], verbose=False
)
try:
    project = given["PROJECT_ID"]
    # The place of a package file is the folder here.
    found = full_search(connection, project=project, root=given["PACKAGE"], to_dictionary=True)
    if sys.argv[1:] == ["needs"]:
        needs = {
            one["id"]: full_search(
                connection,
                project=project,
                used_by_object_id=one["id"],
                used_by_object_type=one["type"],
                to_dictionary=True,
            )
            for one in found
        }
        Path(given["WORK"], "needs-by-mstrio.json").write_text(json.dumps(needs))
    content = [{"id": one["id"], "type": one["type"], "action": "replace", "includeDependents": False} for one in found]
    settings = {
        "defaultAction": "replace",
        "updateSchema": [],
        "aclOnReplacingObjects": "use_existing",
        "aclOnNewObjects": ["keep_acl_as_source_object"],
    }
    package = migration.create_package_holder(connection, project_id=project).json()["id"]
    body = {"type": "project", "settings": settings, "content": content}
    migration.update_package_holder(connection, body, package, project_id=project)
    while migration.get_package_holder(connection, package, project_id=project).json()["status"].lower() != "ready":
        time.sleep(0.2)
    data = migration.download_package(connection, package, project_id=project).content
    Path(given["WORK"], "folder-by-mstrio.mmp").write_bytes(data)
    migration.delete_package_holder(connection, package, project_id=project)
finally:
    connection.close()
