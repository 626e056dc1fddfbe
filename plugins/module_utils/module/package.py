# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flow of the module mstr_package: from its options to its result."""

from __future__ import annotations

import os
from typing import Any

from ..package import manifest as manifests
from ..package.content import with_reasons
from ..package.kind import examine_declared
from ..package.upload import stage
from .base import MigrationModule


def present(module: MigrationModule) -> dict[str, Any]:
    """Make the session hold the file, or build a package."""
    params = module.params
    if params["content"] is not None:
        # Here, imported where it is needed: most tasks upload a file.
        from .package_build import build

        return build(module)
    module.package = os.path.basename(params["src"])
    package, declared = examine_declared(params, params["project"], module.warnings)
    with module.session() as session:
        session.progress.package(module.package)
        staged = stage(
            session,
            package,
            session.project_id(params["project"]),
            declared,
            params["wait_timeout"],
            # In check mode nothing is let go of that a person could not get back.
            params["force"] and not module.check_mode,
        )
        path = manifests.path_for(package.path)
        written = bool(params["manifest"]) and manifests.write(
            path, with_reasons(staged.content, package.manifest), module.check_mode
        )
    there = package.manifest is not None or (params["manifest"] and not module.check_mode)
    return {
        # Without a session file the upload is gone with the task, and only the manifest is left.
        "changed": (staged.uploaded and session.outlives_task) or written,
        "package": {
            "id": staged.package.id,
            "status": "ready",
            "type": staged.package.type,
            "sha256": staged.package.sha256,
            "size": staged.package.size,
            "object_count": len(staged.content.rows),
            "manifest": path if there else None,
        },
    }


def absent(module: MigrationModule) -> dict[str, Any]:
    """Release the package that the session holds."""
    with module.session() as session:
        released = session.package is not None or session.import_process is not None
        if not module.params["force"] or module.check_mode:
            session.refuse_loss("release the package")
        session.release_all()
    return {"changed": released}
