# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module of the collection is made of: options, a session, failures in words, and the clean-up."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.parameters import remove_values

from ..errors import InputError, Interrupted, MigrationError, ServerError
from ..history.environment import environment_name
from ..rest import http as transport
from ..rest.client import Library
from ..rest.http import Transport
from ..session import connection
from ..session import file as session_file
from ..session import lock as lease
from ..session.file import SessionFile
from ..session.heartbeat import Heartbeat
from ..session.session import Session
from ..support import signals
from ..support.text import is_secret, printable

# Seconds to wait for another task that uses the same session file.
_ANOTHER_TASK = 5.0


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
                self.params[name] = os.path.abspath(self.params[name])
        # Sentences for people about what is not as it should be and is no failure.
        self.warnings: list[str] = []
        # Where the task works. Empty where the options do not tell, which fails as soon as a session is needed.
        self.base_url = ""
        self.environment = ""
        # What the task is about, for the message of a failure. A project of None is that of the option.
        self.package = ""
        self.project: str | None = None
        # What is to be done once a session is there: it shows that this is the server that the options mean.
        self.when_logged_in: list[Callable[[], None]] = []
        self._left_behind: list[str] = []
        # The session of a session file, which goes on after the task.
        self._session: Session | None = None

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
        try:
            with signals.as_exceptions():
                self._check_numbers()
                result = task()
        except MigrationError as error:
            failure = error
        except Interrupted as stop:
            failure = MigrationError("Stopped by %s." % stop.signal_name)
        except Exception as error:  # pylint: disable=broad-exception-caught
            # A defect of the collection. The message is what a person can report; a traceback may show data.
            failure = MigrationError(
                "Unexpected %s: %s. This is a defect of mstr.migration; please report it."
                % (type(error).__name__, printable(error))
            )
        # Outside of the handlers, where Ansible would add their traceback.
        if failure is not None:
            if failure.about is not None:
                self.package, self.project = failure.about
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
        """Fail for an option that is no sensible number of seconds.

        Raises:
            InputError: One is.
        """
        for name, option in self.argument_spec.items():
            value = self.params[name]
            if option["type"] != "float" or name == "timeout":
                continue
            connection.check_seconds(name, value, zero=name != "wait_timeout")

    def _name_environment(self) -> None:
        """Find the environment's name for messages, as far as the options tell; what is wrong with them shows later."""
        with contextlib.suppress(InputError):
            path = self.params["session_file"]
            state = session_file.read(path) if path and session_file.exists(path) else None
            self.base_url = connection.base_url(self.params, state)
            self.environment = environment_name(self.params, self.base_url, state)

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """Give the session that the task's options name: the session file's, or one that ends with the task.

        A session that was logged in here is logged out in any case, which frees all that it holds.

        Raises:
            MigrationError: There is no such session, or the log-in was refused.
        """
        path = self.params["session_file"]
        if path:
            lasting = self.open_session_file(path)
            try:
                lasting.check_lock()
                with contextlib.closing(lasting.library.transport), self.at_work(lasting):
                    self.logged_in()
                    yield lasting
            finally:
                lasting.let_go()
            return
        session: Session | None = None
        try:
            # A signal in the middle of the log-in would leave a session that nobody knows.
            with signals.held_back():
                session = self.log_in(None)
            with self.at_work(session):
                self.logged_in()
                yield session
        finally:
            if session is not None:
                self.close_session(session)

    def logged_in(self) -> None:
        """Do what waited for a session.

        Raises:
            MigrationError: It cannot be done.
        """
        while self.when_logged_in:
            self.when_logged_in.pop(0)()

    @contextlib.contextmanager
    def at_work(self, session: Session) -> Iterator[None]:
        """Show for as long as this lasts that the session is used; where it ends with the task, close it.

        Told to stop, close it, or leave it to the next run.

        A run that holds the lock of its environment is a run of the role: where its task is told to stop,
        ansible-playbook most often is as well, and nobody comes to log out.
        """
        with Heartbeat(session.leases, session.state.lease_timeout, session.lock is not None) as heartbeat:
            try:
                yield
            finally:
                if session.is_left or session.ends_with_task:
                    with signals.ignored():
                        heartbeat.stop()
                        self._stop_working(session)

    def _stop_working(self, session: Session) -> None:
        """Close the session of a session file, or leave it to the next run where it holds what must not be lost."""
        if session.is_taken_over:
            return
        if session.is_to_be_taken_up:
            lease.give_up(session.leases)
            return
        self._session = None
        try:
            self.discard_session_file(session)
        except InputError as error:
            self.warnings.append(error.message)

    def open_session_file(self, path: str) -> Session:
        """Return the session that a session file describes; no other task can use it until this one lets go.

        Raises:
            InputError: The file cannot be used, or another task uses it.
        """
        # Read first, for what is wrong with it: a file that is not this user's alone is not even locked.
        session_file.read(path)
        claimed = session_file.claim(path, _ANOTHER_TASK)
        try:
            self._session = self.session_of(path, claimed)
        except BaseException:
            os.close(claimed)
            raise
        return self._session

    def session_of(self, path: str, claimed: int | None = None, private: bool = True) -> Session:
        """Return the session that a session file describes, whoever uses it.

        Args:
            path: The file.
            claimed: The descriptor by which it is claimed for this task.
            private: Whether the file must be this user's alone.

        Raises:
            InputError: The file cannot be used.
        """
        state = session_file.read(path, private)
        library = self._library(state)
        library.token = state.token
        library.transport.set_cookies(state.cookies)
        self._hide(state)
        return Session(library, state, path, claimed)

    def _hide(self, state: SessionFile) -> None:
        """Keep a session's secrets out of all output, even where a server's message repeats them."""
        cookies = [str(cookie["value"]) for cookie in state.cookies]
        self.no_log_values.update([state.token, *filter(is_secret, cookies)])

    def _refuse_masked(self, path: str) -> None:
        """Fail for a path that Ansible would change in results, since later tasks could not find the file.

        Raises:
            InputError: A secret is a part of it.
        """
        if remove_values(path, self.no_log_values) != path:
            raise InputError(
                "session_file: a secret, the password perhaps, is a part of the path of the session file, and Ansible "
                "blanks it out in results. Name another session_file, history_dir or environment_name, or give the "
                "user another password."
            )

    def log_in(self, path: str | None) -> Session:
        """Log in and return the session.

        Args:
            path: Where the session's file is to be; None for a session within this task.

        Raises:
            MigrationError: The log-in was refused, or an option is missing.
        """
        credentials = connection.Credentials(self.params)
        # Ansible hides them as they were given.
        self.no_log_values.update(credentials.secrets)
        library = self._library(None)
        library.transport.hide(*credentials.secrets)
        # Asked for first, because it needs no log-in: a server that cannot be reached leaves no session.
        server = library.status(self.warnings)
        try:
            library.log_in(credentials.login_mode, credentials.username, credentials.password, credentials.api_token)
        except ServerError as error:
            if error.status == 401:
                error.message += credentials.doubts()
            raise
        options = library.transport.options
        state = SessionFile(
            base_url=options.base_url,
            environment=self.environment,
            user=credentials.username,
            token=library.token or "",
            cookies=library.transport.cookies(),
            server=server,
            tls={
                "validate_certs": options.validate_certs,
                "ca_path": options.ca_path,
                "client_cert": options.client_cert,
                "client_key": options.client_key,
            },
        )
        self._hide(state)
        return Session(library, state, path)

    def log_in_to_file(self, path: str, own_directory: bool, lock: lease.Lock | None) -> Session:
        """Log in and write the session file.

        Args:
            path: The file.
            own_directory: Whether its directory was made for it alone.
            lock: The lock on the environment under which the session is used, or None.

        Raises:
            MigrationError: The log-in was refused, or the file cannot be written.
        """
        session_file.check_place(path)
        session = None
        try:
            # A signal in the middle would leave a session that nobody knows.
            with signals.held_back():
                session = self.log_in(path)
                self._refuse_masked(path)
                session.state.own_directory = own_directory
                if lock is not None:
                    session.state.lock, session.state.lock_token = lock.path, lock.token
                    session.state.lease_timeout = self.params["lease_timeout"]
                session.save()
        except BaseException:
            if session is not None:
                self.discard_session_file(session)
            raise
        return session

    def close_session(self, session: Session) -> bool:
        """Log out, which frees all that the session holds; what cannot be freed is told, not raised.

        Returns:
            Whether the session is closed.
        """
        # The task is over: a signal now must not break the clean-up, and there is nothing left for it to stop.
        with signals.ignored(), contextlib.closing(session.library.transport):
            releases = (session.release_import, session.release_package)
            # Told to stop, logging out is worth more than the time for the others.
            for release in releases if signals.told_to_stop() is None else ():
                # Logging out frees both as well; releasing them first is what the vendor documents.
                with contextlib.suppress(MigrationError):
                    release()
            try:
                session.library.log_out()
                return True
            except MigrationError as error:
                self._left_behind.append("the session, until the server ends it (%s)" % error.message)
                self.warnings.append("The session could not be closed: %s" % error.message)
                return False

    def discard_session_file(self, session: Session) -> None:
        """Close the session of a session file, and remove the file and the lock.

        A session that cannot be closed now keeps its file where it holds the lock of its environment: the next run
        takes it up.
        """
        path, lock = session.path, session.lock
        # From here on nobody is to rely on what the file says.
        session.path = None
        closed = False
        try:
            closed = self.close_session(session)
        finally:
            if path is not None and not closed and lock is not None and session_file.exists(path):
                lease.give_up([path])
            elif path is not None:
                session_file.remove(path, session.state.own_directory)
            if lock is not None:
                lock.release()

    def refuse_another_user(self, session: Session) -> None:
        """Fail where the task names another user, or environment, than the session's.

        Raises:
            InputError: It does.
        """
        for option, known in (("username", session.state.user), ("environment_name", session.state.environment)):
            given = self.params[option]
            if connection.given_by_task(self.params, option) and known and given != known:
                raise InputError(
                    "%s: the session of %s is that of %s, not %s. Log out first (state absent), or name another "
                    "session_file." % (option, session.path, printable(known, 100), printable(given, 100))
                )

    def _library(self, state: SessionFile | None) -> Library:
        url = connection.base_url(self.params, state)
        self.environment = environment_name(self.params, url, state)
        return Library(Transport(connection.transport_options(self.params, url, state)))

    def _fail(self, message: str, details: dict[str, Any]) -> None:
        self._show_warnings()
        left = list(self._left_behind)
        if self._session is not None and self._session.import_process is not None:
            held = self._session.import_process
            left.append(
                "%s, in the session of %s %s"
                % (
                    "import %s" % held.id if held.id else "an import that was asked for",
                    self._session.path,
                    "for the next run to take up" if self._session.is_to_be_taken_up else "until that is logged out",
                )
            )
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
        self.fail_json(msg=text, environment=self.environment or None, left_behind=left, **result)

    def _show_warnings(self) -> None:
        for text in self.warnings:
            # Not every version of ansible-core blanks secrets out in warnings as in results.
            self.warn(str(remove_values(text, self.no_log_values)))
