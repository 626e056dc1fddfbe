# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The course of an import process in time."""

from __future__ import annotations

import asyncio
import tempfile
from typing import BinaryIO

from mstr_double.holders import FAILED, IMPORTED, ImportProcess
from mstr_double.importer import Importer, ImportRefused, effective_action
from mstr_double.package_format import Blob, FileBlob, MemoryBlob, PackageContent, encode, pieces
from mstr_double.passing import take
from mstr_double.settings import Settings
from mstr_double.store import User

STEPS = 50
# With no duration the work is still cut up, so that other requests are answered in between.
ROWS_AT_ONCE = 5000


# From where imports come, as the change journal has it.
MACHINE = "library.example"


async def run_import(
    process: ImportProcess, importer: Importer, settings: Settings, generate_undo: bool, user: User | None = None
) -> None:
    """Import row by row, then make the undo package. Goes on whether or not a session still asks for it.

    :param user: who imports, for the change journal
    """
    failure = settings.import_failure
    try:
        if settings.missing_component == "fail" and (missing := importer.missing()):
            raise ImportRefused(str(missing[0]), missing)
        await _apply(process, importer, settings, None if failure is None else failure.get("after_objects", 0))
        if failure is not None:
            raise ImportRefused(failure["message"])
    except ImportRefused as error:
        process.message, process.missing = str(error), error.missing
        process.status = FAILED
    else:
        process.progress = 100.0
        process.status = IMPORTED
    if user is not None:
        importer.note(user, MACHINE)
    if not generate_undo or settings.undo_never or not undo_possible(importer):
        return
    if process.status == FAILED and not settings.undo_on_failure:
        return
    content = importer.undo_package()
    blob: Blob = MemoryBlob(encode(content))
    if settings.undo_padding:
        blob = await asyncio.to_thread(_padded_file, content, settings.undo_padding)
    if settings.undo_delay:
        await take(lambda: settings.undo_delay)
    process.undo = blob


def _padded_file(content: PackageContent, padding: int) -> FileBlob:
    file: BinaryIO = tempfile.TemporaryFile(prefix="library-double-")  # noqa: SIM115
    for piece in pieces(content, padding):
        file.write(piece)
    file.flush()
    blob = FileBlob(file, 0, file.tell())
    # Now, in this thread, and not while somebody waits for a download.
    _digest = blob.sha256
    return blob


def undo_possible(importer: Importer) -> bool:
    """With ``keep_both`` no undo package can be made [import page, More examples]."""
    content = importer.content
    return all(effective_action(row, content.settings) != "keep_both" for row in content.rows)


async def _apply(process: ImportProcess, importer: Importer, settings: Settings, limit: int | None) -> None:
    tells = settings.import_progress
    rows = importer.content.rows
    wanted = len(rows) if limit is None else min(limit, len(rows))
    size = max(1, -(-len(rows) // STEPS)) if settings.import_duration else ROWS_AT_ONCE
    steps = max(1, -(-len(rows) // size))
    start = asyncio.get_running_loop().time()
    for step in range(steps):
        # From the start of all and not from that of the step: else 50 steps would be late 50 times.
        await take(lambda part=(step + 1) / steps: settings.import_duration * part, start)
        chunk = rows[step * size : min((step + 1) * size, wanted)]
        for row in chunk:
            importer.apply(row)
        done = step * size + len(chunk)
        if tells:
            process.progress = round(min(99.0, 100.0 * done / max(1, len(rows))), 1)
        if limit is not None and done >= wanted:
            break
