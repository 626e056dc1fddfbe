# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of the modules that may take long: the module as always, and meanwhile lines on how far it is."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible import constants as C
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.utils.display import Display

from .installed import InstalledModuleAction
from .progress import Follower, Lines, is_for_people

_OPTION = "progress_file"
_VARIABLE = "mstr_progress"


class FollowedAction(InstalledModuleAction):
    """Runs the module of its name, and prints what the module notes meanwhile.

    Whatever breaks here but the module itself is passed over: an import is worth more than a line on it.
    """

    def _run_module(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        lines = Lines(task_vars.get("inventory_hostname", ""))
        with self._followed(arguments, lines, task_vars):
            result = super()._run_module(arguments, task_vars)
        self._print_rest(result, lines)
        return result

    @contextlib.contextmanager
    def _followed(self, arguments: dict[str, Any], lines: Lines, task_vars: Mapping[str, Any]) -> Iterator[None]:
        """Follow the module while this lasts, where somebody is to see it. Adds the file's option to the arguments."""
        with contextlib.ExitStack() as held:
            _passed_over(lambda: self._follow(held, arguments, lines, task_vars))
            yield

    def _follow(
        self, held: contextlib.ExitStack, arguments: dict[str, Any], lines: Lines, task_vars: Mapping[str, Any]
    ) -> None:
        # The file is on this machine. A task that names one has somebody else to follow it.
        if arguments.get(_OPTION) or self._connection.transport != "local" or not self._is_seen:
            return
        if not self._is_wanted(task_vars):
            return
        # Removed with all that is there when ansible-playbook ends, should this process be killed.
        descriptor, path = tempfile.mkstemp(prefix="progress-", dir=C.DEFAULT_LOCAL_TMP)
        os.close(descriptor)
        held.callback(_passed_over, lambda: os.unlink(path))
        held.enter_context(Follower(path, lines, Display().display))
        arguments[_OPTION] = path

    @property
    def _is_seen(self) -> bool:
        """Whether lines of this task may be printed."""
        if self._task.async_val or self._task.check_mode or self._task.no_log:
            return False
        return is_for_people(C.DEFAULT_STDOUT_CALLBACK, os.environ)

    def _is_wanted(self, task_vars: Mapping[str, Any]) -> bool:
        """Return whether the user wants to see how far the task is; blank is not given, as in the role."""
        value = self._templar.template(task_vars.get(_VARIABLE))
        # A text of the vault is one only then.
        text = "" if value is None else str(value).strip()
        return not text or bool(boolean(text, strict=False))

    def _print_rest(self, result: Mapping[str, Any], lines: Lines) -> None:
        """Print what the task says in the end, as far as it was not said on its way."""

        def show() -> None:
            text = result.get("msg")
            if isinstance(text, str) and self._is_seen and not result.get("failed") and not result.get("skipped"):
                for line in lines.say(text):
                    Display().display(line)

        _passed_over(show)


def _passed_over(step: Callable[[], object]) -> None:
    """Do what nobody misses where it breaks."""
    try:
        step()
    except Exception as error:  # pylint: disable=broad-exception-caught
        with contextlib.suppress(Exception):
            Display().vvv("mstr.migration: how far the task is cannot be shown: %s" % error)
