# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the options that say what is asked and done around an import."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragments C(mstr.migration.around), and C(.journal) and C(.refuse) of it."""

    DOCUMENTATION = r"""
options:
  preflight:
    description:
      - Whether to find out, before anything is imported, what would make an import fail. A privilege that the user certainly lacks, a
        project that is loaded on no node, and somebody else's lock on the project, its schema or the configuration end the task. In
        check mode they are warned of, and shown with the plan.
      - Asked only where something is due. What the server does not say stops nothing, and is warned of. A lock of this very user in
        another session is warned of too.
    type: bool
    default: true
    version_added: 0.1.0
"""

    JOURNAL = r"""
options:
  journal:
    description:
      - Whether to ask the server's change journal who edited the objects of due packages that are neither as the package has them nor
        as the last import left them, which O(history_dir) knows. It is asked once for at most 100 objects, and only where there are some.
      - The plan names who it was, when, and from which machine, or says why nobody can be named. That is never a failure.
    type: bool
    default: true
    version_added: 0.1.0
"""

    REFUSE = r"""
options:
  refuse:
    description:
      - Kinds of effects at which the task refuses the whole list, before anything is imported. In check mode they are
        warned of, and shown with the plan. C(force) of a package has all of its effects let through.
      - V(delete) and V(duplicate), where an object would be deleted or copied.
      - V(missing), where the import would fail, because an object needs one that is nowhere, or because something uses an object that
        would be deleted.
      - V(older_target), where the Intelligence Server is of an older version than the one that the package was exported from, which the
        manifest of a package has that M(mstr.migration.mstr_package) built.
    type: list
    elements: str
    choices: [delete, duplicate, missing, older_target]
    default: [missing]
    version_added: 0.1.0
  proven_on:
    description:
      - Environments on which a package that is due must be proven. This very file (sha256) must have been imported there, into any
        project, verified, and not taken back, at least O(soak) hours ago. Else the task refuses the whole list, as O(refuse) does.
        C(force) of a package changes nothing of that.
      - What is proven is found in the histories of these environments.
    type: list
    elements: dict
    default: []
    version_added: 0.1.0
    suboptions:
      name:
        description: What messages call the environment. If not set, its name in the history.
        type: str
      environment_name:
        description: Its name in the history, as the task that imported there had it as C(environment_name).
        type: str
      base_url:
        description:
          - Its address. Its name in the history is made of it where there is no O(proven_on[].environment_name), and imports that were
            done at another address prove nothing.
        type: str
      history_dir:
        description: The directory with its history. If not set, that of the task.
        type: path
  soak:
    description: For how many hours a package must have been on each environment of O(proven_on).
    type: float
    default: 0
    version_added: 0.1.0
"""
