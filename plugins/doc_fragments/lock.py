# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the options by which one run at a time works on an environment."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragments C(mstr.migration.lock) and C(mstr.migration.lock.one_task)."""

    DOCUMENTATION = r"""
options:
  session_dir:
    description:
      - The directory in which the session file is made where O(session_file) is not set. Use one on a disk of this machine where
        O(history_dir) is on a share on which files do not stay private to their user.
      - What a run left that was cut off is taken up by the next one only where that finds the directory again.
      - If not set, the file is made below O(history_dir), or, without that and in check mode, among temporary files.
    type: path
    version_added: 0.1.0
  lease_timeout:
    description:
      - After how many seconds without a sign of life a run counts as dead. Used with O(history_dir).
    type: float
    default: 60.0
    version_added: 0.1.0
  lock_timeout:
    description:
      - How many seconds to wait for another run that is at work on the environment, before failing. Used with O(history_dir).
    type: float
    default: 90.0
    version_added: 0.1.0
  job:
    description:
      - The job of AWX or Automation Controller that runs the task. Receipts name it, and so does the lock to those who wait.
      - Its id comes from the environment, where AWX sets E(JOB_ID). Template and user AWX tells to playbooks alone.
      - Taken with the log-in. A task with O(session_file) has the job of its run.
    type: dict
    version_added: 0.1.0
    suboptions:
      template:
        description: The name of its job template, as in the extra variable C(awx_job_template_name).
        type: str
      user:
        description: Who launched it, as in the extra variable C(awx_user_name).
        type: str
notes:
  - A lock is a file for each environment below O(history_dir), by the address of the server. It is not removed by hand; the lease of a
    dead run runs out.
"""

    ONE_TASK = r"""
options: {}
notes:
  - With O(history_dir), without O(session_file) and not in check mode, the task is a run of its own. It has the environment to itself,
    first takes up what runs left that were cut off (RV(ignore:recovered)), and keeps a session file below O(history_dir) or in
    O(session_dir) while it works. See M(mstr.migration.mstr_session). So no other task of the same play may be in a session
    of its own with this O(history_dir) meanwhile.
  - Such a task that is stopped, or that gives up, while its import runs or its undo package is not on disk yet, leaves its session for
    the next run on the environment, which waits for the import and fetches the undo package.
"""
