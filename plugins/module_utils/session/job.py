# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The job of AWX or Automation Controller that a run is, for receipts and for those who find its lock."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Job:
    """A job, as far as it is known.

    Attributes:
        id: Its id.
        template: The name of its job template.
        user: Who launched it there. The user of the environment is another one.
    """

    id: str | None = None
    template: str | None = None
    user: str | None = None

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Job:
        """Return the job in which a task runs.

        AWX tells the id in the environment of a job (``JOB_ID``). The others it tells only to the playbook, in extra
        variables, so that they come as the option ``job``.

        Args:
            params: The task's options.
        """
        told = params.get("job") or {}
        return cls(os.environ.get("JOB_ID") or None, told.get("template") or None, told.get("user") or None)

    def as_imported(self) -> dict[str, Any]:
        """Return it as a receipt has it of an import."""
        return {"job_id": self.id, "job_template": self.template, "job_user": self.user}

    def as_undone(self) -> dict[str, Any]:
        """Return it as a receipt has it of taking an import back."""
        return {"undone_" + name: value for name, value in self.as_imported().items()}
