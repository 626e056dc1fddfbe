# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opening and closing the session that a task's options name."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from secrets import token_hex
from typing import Any, Callable

from ansible.module_utils.common.parameters import remove_values

from ..errors import InputError, MigrationError, ServerError
from ..rest.client import Library
from ..rest.http import Transport
from ..support import signals
from ..support.progress import Progress
from ..support.text import is_secret, printable
from . import connection
from . import file as session_file
from . import lock as locks
from .file import SessionFile
from .heartbeat import Heartbeat
from .job import Job
from .session import Session

# Seconds to wait for another task that uses the same session file.
_ANOTHER_TASK = 5.0


class Access:
    """The way to a session.

    Attributes:
        environment: The environment's name. Empty where the options do not tell, which fails with the first session.
        current: The session of a session file, which goes on after the task, or is left to the next run.
        left_behind: What could not be closed, in words.
        run: The id of a run that begins with this task.
        when_logged_in: What is to be done once a session is there: it shows that this is the server that is meant.

    Args:
        params: The task's options.
        name: Returns the environment's name, for the server's address and what a session file holds.
        secrets: Gets what must be in no output.
        is_masked: Returns whether a text would be changed in the task's result, because a secret is a part of it.
        warnings: Gets sentences about what is not as it should be and is no failure.
    """

    def __init__(
        self,
        params: Mapping[str, Any],
        name: Callable[[str, SessionFile | None], str],
        secrets: set[str],
        is_masked: Callable[[str], bool],
        warnings: list[str],
    ) -> None:
        self.environment = ""
        self.current: Session | None = None
        self.left_behind: list[str] = []
        self.run = "%s-%s" % (time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), token_hex(4))
        self.when_logged_in: list[Callable[[], None]] = []
        self._params = params
        self._name = name
        self._secrets = secrets
        self._is_masked = is_masked
        self.warnings = warnings
        # Sessions come and go within a task, and all note to the same place. What is noted is shown, as a result is.
        self._progress = Progress(params.get("progress_file"), lambda text: str(remove_values(text, secrets)))

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """Give the session that the task's options name: the session file's, or one that ends with the task.

        A session that was logged in here is logged out in any case, which frees all that it holds.

        Raises:
            MigrationError: There is no such session, or the log-in was refused.
        """
        path = self._params["session_file"]
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

        A run that holds the lock of its environment is a run of the role, or of this one task. Where a task of the role
        is told to stop, ansible-playbook most often is as well, and nobody comes to log out.
        """
        with Heartbeat(session.leases, session.state.lease_timeout, session.lock is not None) as heartbeat:
            try:
                yield
            finally:
                if session.is_left or session.ends_with_task or session.is_of_one_task:
                    with signals.ignored():
                        heartbeat.stop()
                        self._stop_working(session)

    def _stop_working(self, session: Session) -> None:
        """Close the session of a session file, or leave it to the next run where it holds what must not be lost."""
        if session.is_taken_over:
            return
        if session.is_to_be_recovered:
            locks.give_up(session.leases)
            return
        self.current = None
        try:
            self.discard_session_file(session)
        except MigrationError as error:
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
            self.current = self.session_of(path, claimed)
        except BaseException:
            os.close(claimed)
            raise
        return self.current

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
        return self._noting(Session(library, state, path, claimed))

    def _noting(self, session: Session) -> Session:
        """Have a session note how far the task is; return it."""
        session.progress = self._progress
        return session

    def _hide(self, state: SessionFile) -> None:
        """Keep a session's secrets out of all output, even where a server's message repeats them."""
        cookies = [str(cookie["value"]) for cookie in state.cookies]
        self._secrets.update([state.token, *filter(is_secret, cookies)])

    def _refuse_masked(self, path: str) -> None:
        """Fail for a path that Ansible would change in results, since later tasks could not find the file."""
        if self._is_masked(path):
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
        credentials = connection.Credentials(self._params)
        library = self._library(None)
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
            run=self.run if self._params.get("history_dir") else None,
            job=Job.of(self._params),
        )
        self._hide(state)
        return self._noting(Session(library, state, path))

    def log_in_to_file(
        self, path: str, own_directory: bool, lock: locks.Lock | None, is_of_one_task: bool = False
    ) -> Session:
        """Log in and write the session file.

        Args:
            path: The file.
            own_directory: Whether its directory was made for it alone.
            lock: The lock on the environment under which the session is used, or None.
            is_of_one_task: Whether no other task is to find the file.

        Raises:
            MigrationError: The log-in was refused, or the file cannot be written.
        """
        session_file.check_place(path)
        session = None
        try:
            # A signal in the middle would leave a session that nobody knows.
            with signals.held_back():
                session = self.log_in(path)
                session.is_of_one_task = is_of_one_task
                if not is_of_one_task:
                    self._refuse_masked(path)
                session.state.own_directory = own_directory
                if lock is not None:
                    session.state.lock, session.state.lock_token = lock.path, lock.token
                    session.state.lease_timeout = self._params["lease_timeout"]
                session.save()
        except BaseException:
            if session is not None:
                self.discard_session_file(session)
            raise
        return session

    def log_in_again(self, session: Session) -> None:
        """Bring a session back that has ended, with the credentials of the task; what it held is gone with it.

        Args:
            session: The session, which goes on in its file where it has one.

        Raises:
            MigrationError: The log-in was refused, or the task has no credentials.
        """
        old = session.state
        with signals.held_back():
            fresh = self.log_in(session.path)
            fresh.state.run, fresh.state.own_directory = old.run, old.own_directory
            fresh.state.lock, fresh.state.lock_token, fresh.state.lease_timeout = (
                old.lock,
                old.lock_token,
                old.lease_timeout,
            )
            session.continue_as(fresh)

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
                self.left_behind.append("the session, until the server ends it (%s)" % error.message)
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
                locks.give_up([path])
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
            given = self._params[option]
            if connection.given_by_task(self._params, option) and known and given != known:
                raise InputError(
                    "%s: the session of %s is that of %s, not %s. Log out first (state absent), or name another "
                    "session_file." % (option, session.path, printable(known, 100), printable(given, 100))
                )

    def _library(self, state: SessionFile | None) -> Library:
        url = connection.base_url(self._params, state)
        self.environment = self._name(url, state)
        transport = Transport(connection.transport_options(self._params, url, state))
        secrets = connection.secrets_of(self._params)
        # Ansible hides them as they were given, and in no file.
        self._secrets.update(secrets)
        transport.hide(*secrets)
        return Library(transport)
