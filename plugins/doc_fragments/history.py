# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the options that say whose history it is, shared by the modules that have a history."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragment C(mstr.migration.history)."""

    DOCUMENTATION = r"""
options:
  history_dir:
    description:
      - The directory with the receipts and undo packages of imports.
    type: path
  history_mode:
    description:
      - Permission bits of the files below O(history_dir), for example V("0660"). Directories get the matching search bits.
        Others than owner and group can get none.
    type: raw
    default: "0600"
  server_moved:
    description:
      - Takes over what was imported on another server, which is this one under another address.
      - An entry of the history belongs to the server on which it was made, by its O(base_url). Entries of other servers count for
        nothing, and a warning names them. V(true) makes them entries of this server, for good; in check mode only as long
        as the task lasts.
      - Does the same for entries that were made on another metadata behind the same address, as after a restore. Without it the task
        fails there, before anything is done.
      - Set it once, for one run after the move.
    type: bool
    default: false
    version_added: 0.1.0
  history_must_exist:
    description:
      - Fails where O(history_dir) has no history of the environment, before anything is sent. Without it a history is begun, and a
        warning says so.
      - Without its history, an environment gets again what was taken back. Set it where the history is on a volume that
        may not be mounted.
    type: bool
    default: false
    version_added: 0.1.0
"""
