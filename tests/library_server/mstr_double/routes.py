# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls that the double knows: method, path below ``/api``, handler, and whether it works without a session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from mstr_double import (
    routes_imports,
    routes_journal,
    routes_migrations,
    routes_model,
    routes_monitors,
    routes_objects,
    routes_packages,
    routes_search,
    routes_server,
    routes_session,
    routes_storage,
    routes_upkeep,
)
from mstr_double.reply import Reply
from mstr_double.server import Call
from mstr_double.unplayed import UNPLAYED, nothing_there

Handler = Callable[[Call], Awaitable[Reply]]
FILES = "/mstrServices/library/storage/sharedFileStore/files"

ROUTES: list[tuple[str, str, Handler, bool]] = [
    ("GET", "/status", routes_session.get_status, True),
    ("POST", "/auth/login", routes_session.login, True),
    ("POST", "/auth/logout", routes_session.logout, False),
    ("GET", "/sessions", routes_session.get_session, False),
    ("PUT", "/sessions", routes_session.renew_session, False),
    ("GET", "/sessions/userInfo", routes_server.get_user, False),
    ("GET", "/sessions/privileges", routes_server.list_privileges, False),
    ("GET", "/configurations/repository", routes_server.get_repository, False),
    ("GET", "/openapi.yaml", routes_server.get_openapi, False),
    ("GET", "/projects", routes_objects.list_projects, False),
    ("GET", "/projects/{project_id}/lock", routes_monitors.get_project_lock, False),
    ("PUT", "/projects/{project_id}/lock", routes_monitors.set_project_lock, False),
    ("DELETE", "/projects/{project_id}/lock", routes_monitors.drop_project_lock, False),
    ("GET", "/iserver/lock", routes_monitors.get_configuration_lock, False),
    ("PUT", "/iserver/lock", routes_monitors.set_configuration_lock, False),
    ("DELETE", "/iserver/lock", routes_monitors.drop_configuration_lock, False),
    ("GET", "/model/schema/lock", routes_monitors.get_schema_lock, False),
    ("POST", "/model/schema/lock", routes_monitors.set_schema_lock, False),
    ("DELETE", "/model/schema/lock", routes_monitors.drop_schema_lock, False),
    ("GET", "/monitors/iServer/nodes", routes_monitors.list_nodes, False),
    ("POST", "/changeJournal", routes_journal.search_journal, False),
    ("GET", "/changeJournal/{search_id}", routes_journal.read_journal, False),
    ("PATCH", "/monitors/iServer/nodes/{node}/projects/{project_id}", routes_upkeep.change_on_node, False),
    ("PATCH", "/monitors/projects/status", routes_upkeep.change_everywhere, False),
    ("GET", "/monitors/userConnections", routes_upkeep.list_connections, False),
    ("DELETE", "/monitors/projects/{project_id}/caches/{kind}", routes_upkeep.purge_caches, False),
    ("DELETE", "/monitors/projects/{project_id}/cache/{kind}", routes_upkeep.purge_caches, False),
    ("POST", "/model/schema/reload", routes_upkeep.reload_schema, False),
    ("GET", "/model/tasks/{task_id}", routes_upkeep.get_task, False),
    *(("GET", "/model/%s/{object_id}" % kind, routes_model.get_definition(kind), False) for kind in routes_model.KINDS),
    ("GET", "/objects/{object_id}", routes_objects.get_object, False),
    ("GET", "/folders", routes_search.list_root, False),
    ("GET", "/folders/{folder_id}", routes_search.list_folder, False),
    ("POST", "/metadataSearches/results", routes_search.start_search, False),
    ("GET", "/metadataSearches/results", routes_search.read_search, False),
    ("POST", "/v2/metadataSearches/results", routes_search.start_search_v2, False),
    ("GET", "/searchObjects/{search_id}", routes_search.get_search_object, False),
    ("GET", "/searchObjects/{search_id}/results", routes_search.run_search_object, False),
    # The imports come before the packages, else "imports" would be taken for the id of a package.
    ("POST", "/packages/imports", routes_imports.create_import, False),
    ("GET", "/packages/imports/{import_id}", routes_imports.get_import, False),
    ("DELETE", "/packages/imports/{import_id}", routes_imports.delete_import, False),
    ("GET", "/packages/imports/{import_id}/undoPackage/binary", routes_imports.download_undo, False),
    ("POST", "/packages", routes_packages.create_package, False),
    ("PUT", "/packages/{package_id}", routes_packages.define_package, False),
    ("GET", "/packages/{package_id}", routes_packages.get_package, False),
    ("DELETE", "/packages/{package_id}", routes_packages.delete_package, False),
    ("PUT", "/packages/{package_id}/binary", routes_packages.upload_package, False),
    ("GET", "/packages/{package_id}/binary", routes_packages.download_package, False),
    ("POST", "/migrations", routes_migrations.create_migration, False),
    ("GET", "/migrations", routes_migrations.list_migrations, False),
    ("DELETE", "/migrations", routes_migrations.delete_migration, False),
    ("GET", "/migrations/packages/{package_id}/binary", routes_migrations.download_migration_package, False),
    ("GET", "/migrations/imports/{import_id}/binary", routes_migrations.download_migration_undo, False),
    ("GET", "/migrations/{migration_id}", routes_migrations.get_migration, False),
    ("PATCH", "/migrations/{migration_id}", routes_migrations.change_migration, False),
    ("PUT", "/migrations/{migration_id}", routes_migrations.import_migration, False),
    ("PUT", "/migrations/{migration_id}/validation", routes_migrations.validate_migration, False),
    ("PATCH", "/migrations/{migration_id}/packageInfo/certification", routes_migrations.certify_migration, False),
    ("GET", "/mstrServices/library/storage", routes_storage.get_storage, False),
    ("GET", FILES, routes_storage.list_files, False),
    ("POST", FILES, routes_storage.create_file, False),
    ("DELETE", FILES + "/{file_id}", routes_storage.delete_file, False),
    ("PUT", FILES + "/{file_id}/binary", routes_storage.upload_file, False),
    ("GET", FILES + "/{file_id}/binary", routes_storage.download_file, False),
]
ROUTES += [(method, path, nothing_there, False) for method, path in UNPLAYED]
