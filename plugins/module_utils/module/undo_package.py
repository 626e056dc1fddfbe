# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flow of the module mstr_undo_package: saving an undo package. What takes imports back is in ``take_back``."""

from __future__ import annotations

import os
from typing import Any

from ..errors import DiskError, InputError
from ..history.entry import Entry
from ..imports import undo_package
from ..imports.outcome import Outcome
from ..imports.undo_package import Place
from ..package.file import name_of
from ..support.text import printable
from .base import MigrationModule


def present(module: MigrationModule) -> dict[str, Any]:
    """Save the undo package of an import."""
    import_id, dest = module.params["import_id"], module.params["dest"]
    undo_package.check_destination(dest, "dest", make=not module.check_mode)
    with module.session() as session:
        process = session.import_process
        if process is None or process.id != import_id:
            raise InputError("import_id: this session holds no import %s." % printable(import_id, 100))
        if not process.generate_undo:
            raise InputError(
                "import_id: %s was started with generate_undo: false; there is no undo package." % import_id
            )
        session.progress.package(name_of(session.package.file if session.package else None))
        force, timeout = module.params["force"], module.params["undo_timeout"]
        if module.check_mode:
            undo_package.wait_until_created(session, process, timeout)
            saved = undo_package.would_change(session, process, Place(dest, force=force))
        else:
            entry = Entry.reopen(process.entry) if process.entry else None
            # In the history it has the mode of the history, so that whoever may read the receipt can take it back.
            is_kept = entry is not None and entry.undo_path == dest
            places = [Place(dest, entry.mode if entry is not None and is_kept else 0o600, force)]
            if entry is not None and not is_kept and not os.path.exists(entry.undo_path):
                places.append(Place(entry.undo_path, entry.mode))
            outcome = Outcome(process.plan, entry=entry)
            saved = undo_package.keep(session, process, places, outcome, timeout, everywhere=True)
            if outcome.problems:
                raise DiskError(" ".join(outcome.problems))
    result: dict[str, Any] = {"changed": saved.changed, "undo": saved.as_result()}
    if saved.backup:
        result["backup_file"] = saved.backup
    return result
