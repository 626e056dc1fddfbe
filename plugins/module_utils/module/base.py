# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module of the collection is made of: options, a session, failures in words, and the clean-up."""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, Any, Callable

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.parameters import remove_values

from ..errors import Interrupted, MigrationError
from ..history.environment import environment_name
from ..rest import http as transport
from ..session import connection
from ..session import file as session_file
from ..session.access import Access
from ..session.session import Session
from ..support import signals
from ..support.text import printable

if TYPE_CHECKING:
    from ..history.store import History


class MigrationModule(AnsibleModule):
    """An Ansible module that talks to a Library server.

    Args:
        argument_spec: The module's own options; the connection options are added.
        with_project: Whether the module has the option project.
        kwargs: As AnsibleModule takes them.
    """

    def __init__(self, argument_spec: dict[str, Any], with_project: bool = True, **kwargs: Any) -> None:
        spec = connection.connection_spec(with_project)
        spec.update(argument_spec)
        super().__init__(argument_spec=spec, supports_check_mode=True, **kwargs)
        for name, option in spec.items():
            # Results and receipts outlive the directory in which the module happens to run.
            if option["type"] == "path" and self.params[name]:
                # The plan of an environment goes into a directory by its name; one not there yet shows by its slash.
                slash = os.sep if name == "plan_file" and self.params[name].endswith(os.sep) else ""
                self.params[name] = os.path.abspath(self.params[name]) + slash
        # Sentences for people about what is not as it should be and is no failure.
        self.warnings: list[str] = []
        # Where the task works. Empty where the options do not tell, which fails as soon as a session is needed.
        self.base_url = ""
        # The run whose session file the task uses, None for none.
        self.run_id: str | None = None
        # What the task is about, for the message of a failure. A project of None is that of the option.
        self.package = ""
        self.project: str | None = None
        # The history, once it was opened.
        self.history: History | None = None
        # What became of what dead runs left, where this task is a run of its own; None where it is none.
        self.recovered: list[dict[str, Any]] | None = None
        self.access = Access(
            self.params,
            lambda url, state: environment_name(self.params, url, state),
            self.no_log_values,
            lambda text: bool(remove_values(text, self.no_log_values) != text),
            self.warnings,
        )

    @property
    def environment(self) -> str:
        """The environment's name; empty where the options do not tell."""
        return self.access.environment

    @property
    def wants_diff(self) -> bool:
        """Whether the run asks for differences (``--diff``)."""
        # Ansible tells it by this private attribute of its modules.
        return bool(self._diff)  # pylint: disable=protected-access

    def run(self, task: Callable[[], dict[str, Any]]) -> None:
        """Run the task and exit with what it returns, or fail with what it raised, in words.

        Args:
            task: Returns the module's result.
        """
        if not transport.HAS_REQUESTS:
            self.fail_json(msg=missing_required_lib("requests"), exception=str(transport.REQUESTS_IMPORT_ERROR))
        self._name_environment()
        result: dict[str, Any] = {}
        failure: MigrationError | None = None
        about = None
        try:
            with signals.as_exceptions():
                self._check_numbers()
                result = task()
                if self.recovered is not None:
                    result["recovered"] = self.recovered
        except MigrationError as error:
            failure, about = error, error.about
        except Interrupted as stop:
            failure, about = MigrationError("Stopped by %s." % stop.signal_name), stop.about
        except Exception as error:  # pylint: disable=broad-exception-caught
            about = getattr(error, "about", None)
            # A defect of the collection. The message is what a person can report; a traceback may show data.
            failure = MigrationError(
                "Unexpected %s: %s. This is a defect of mstr.migration; please report it."
                % (type(error).__name__, printable(error))
            )
        # Outside of the handlers, where Ansible would add their traceback.
        if failure is not None:
            if about is not None:
                self.package, self.project = about
            self._fail(failure.message, failure.details)
        self._warn_of_masked(result)
        self._show_warnings()
        self.exit_json(**result)

    def _warn_of_masked(self, result: dict[str, Any]) -> None:
        """Say which parts of the result Ansible will change because a secret is in them: later tasks may need these."""
        # Nearly always there are none, and a result can be long.
        text = json.dumps(result, ensure_ascii=False)
        if not any(json.dumps(secret, ensure_ascii=False)[1:-1] in text for secret in self.no_log_values):
            return
        masked = remove_values(result, self.no_log_values)
        names = [name for name in result if masked.get(name) != result[name]]
        if names:
            self.warnings.append(
                "Ansible blanks a secret out in results, and a part of %s equals one. Do not use that in later tasks. "
                "Give the user a password that is no word of a path or a name." % ", ".join(sorted(names))
            )

    def _check_numbers(self) -> None:
        """Fail for an option that is no sensible number of seconds."""
        for name, option in self.argument_spec.items():
            value = self.params[name]
            if option["type"] != "float" or name == "timeout" or value is None:
                continue
            connection.check_seconds(name, value, zero=name != "wait_timeout")

    def _name_environment(self) -> None:
        """Find the environment's name for messages, as far as the options tell; what is wrong with them shows later."""
        with contextlib.suppress(MigrationError):
            path = self.params["session_file"]
            state = session_file.read(path) if path and session_file.exists(path) else None
            self.base_url = connection.base_url(self.params, state)
            self.run_id = state.run if state is not None else None
            self.access.environment = environment_name(self.params, self.base_url, state)

    def session(self) -> contextlib.AbstractContextManager[Session]:
        """Give the session that the task's options name, see ``Access.session``.

        A task that logs in for itself and works with a history is a run of its own: it locks the environment, and
        takes up what dead runs left.
        """
        if self.params["session_file"] or not self.params.get("history_dir"):
            return self.access.session()
        # Here, imported where it is needed: most tasks work in a run that has begun.
        from .sole_run import session_of_one_task

        return session_of_one_task(self)

    def _fail(self, message: str, details: dict[str, Any]) -> None:
        self._show_warnings()
        left = list(self.access.left_behind)
        session = self.access.current
        if session is not None and session.import_process is not None:
            process = session.import_process
            if session.is_taken_over:
                until = "which another run sees to"
            else:
                until = "for the next run to take up" if session.is_to_be_recovered else "until that is logged out"
            what = "import %s" % process.id if process.id else "an import that was asked for"
            left.append("%s, in the session of %s %s" % (what, session.path, until))
        where = []
        if self.environment:
            where.append("environment %s" % self.environment)
        project = self.params.get("project") if self.project is None else self.project
        if project:
            where.append("project %s" % printable(project, 100))
        if self.package:
            where.append("package %s" % printable(self.package, 100))
        text = message.strip()
        if where:
            text += " [%s]" % ", ".join(where)
        if left:
            text += " Left behind: %s." % "; ".join(left)
        result = {key: value for key, value in details.items() if value is not None}
        if self.recovered is not None:
            result["recovered"] = self.recovered
        self.fail_json(msg=text, environment=self.environment or None, left_behind=left, **result)

    def _show_warnings(self) -> None:
        for text in self.warnings:
            # Not every version of ansible-core blanks secrets out in warnings as in results.
            self.warn(str(remove_values(text, self.no_log_values)))
