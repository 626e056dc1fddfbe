# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP session with the server: TLS, proxies, time limits, retries, and errors in words.

Whether a request may be sent twice is the caller's decision, call by call (``Repeat``). What broke is known here, what
a second request would do only there.
"""

from __future__ import annotations

import enum
import json
import os
import ssl
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Callable
from urllib.parse import urlencode, urlsplit

from ..errors import ConnectionLost, InputError, Interrupted, ServerError
from ..support import signals
from ..support.text import is_secret
from .address import TransportOptions, redirected
from .answers import LONGEST_PAUSE, given_up, is_hopeless, is_refused_for_now, refused, retry_after, says_not_found
from .cookies import SharedCookies, Untaken, as_data, cookie_header, put_in, untaken_cookies
from .failures import broken
from .multipart import MultipartFile
from .pace import Pace, Stalled
from .proxies import Proxy, find_proxy
from .tls import SharedContextAdapter, client_context
from .wire import Adapter

try:
    import requests
    import urllib3
    from requests.cookies import extract_cookies_to_jar
    from requests.utils import requote_uri
except ImportError as error:
    HAS_REQUESTS = False
    REQUESTS_IMPORT_ERROR: Exception | None = error
else:
    HAS_REQUESTS = True
    REQUESTS_IMPORT_ERROR = None

# As many connections as the plan looks objects up over.
POOL_SIZE = 16
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_MOST_REDIRECTS = 5
_TEMPORARY = frozenset((500, 502, 503, 504))
# Seconds to wait for each answer, once the task was told to stop.
_HURRY = 3.0
# What stands for a secret in a text, as in the output of Ansible.
_MASK = "********"


class Repeat(enum.Enum):
    """When a request may be sent again.

    REFUSED: only where the server plainly refused it before acting: connection refused, 429, or 503 with
        ``Retry-After``.
    SAFE: also after a lost answer, a time-out or a temporary error, because a second one changes nothing more.
    """

    REFUSED = "refused"
    SAFE = "safe"


class Transport:
    """An HTTP session with one server. Tests give a sleep and a clock of their own.

    Args:
        options: How to reach it.
        sleep: Waits a number of seconds.
        clock: A clock that only goes forward.
    """

    def __init__(
        self,
        options: TransportOptions,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.options = options
        self._sleep = sleep
        self._pace = Pace(options.timeout, options.retries, sleep, clock)
        self._in_a_hurry = False
        self._secrets: set[str] = set()
        # Requests that were sent, by their method and headers: see _send_plain.
        self._prepared: dict[tuple[Any, ...], requests.PreparedRequest] = {}
        self._session = requests.Session()
        # Off, because requests would read .netrc then; what is wanted of the environment is set here by hand.
        self._session.trust_env = False
        self._session.cookies = SharedCookies()
        self._proxy: Proxy | None = None
        # Why the proxy cannot be used. Told with the first request: a session must be closable without any.
        self._no_proxy: InputError | None = None
        self._set_proxy()
        if not options.validate_certs:
            # The user has said so; a warning a request says nothing more.
            urllib3.disable_warnings()
        self._session.mount("http://", Adapter(POOL_SIZE))
        self._session.mount("https://", SharedContextAdapter(self._tls_context, POOL_SIZE))
        self._session.headers.update({"Accept": "application/json", "User-Agent": "mstr.migration"})

    def _set_proxy(self) -> None:
        scheme = urlsplit(self.options.base_url).scheme
        try:
            self._proxy = find_proxy(scheme, requests.utils.get_environ_proxies(self.options.base_url))
        except InputError as error:
            self._no_proxy = error
        if self._proxy is not None:
            self._session.proxies = {scheme: self._proxy.url}
            self.hide(*self._proxy.secrets)

    def _tls_context(self, with_client_cert: bool) -> ssl.SSLContext:
        options = self.options
        of_environment = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
        verify = options.validate_certs and (options.ca_path or of_environment or True)
        cert, key = (options.client_cert, options.client_key) if with_client_cert else (None, None)
        return client_context(verify, cert, key)

    def hide(self, *secrets: str | None) -> None:
        """Keep secrets out of messages, even where a server repeats them: messages go into receipts, too."""
        self._secrets.update(secret for secret in secrets if secret)

    def masked(self, text: str) -> str:
        """Return a text of the server without the secrets and cookies that went to it."""
        cookies = {cookie.value for cookie in self._session.cookies if cookie.value and is_secret(cookie.value)}
        # The longest first, since one may be a part of another.
        for secret in sorted(self._secrets | cookies, key=len, reverse=True):
            text = text.replace(secret, _MASK)
        return text

    @property
    def headers(self) -> Any:
        """The headers that every request carries."""
        return self._session.headers

    def untaken_cookies(self, response: requests.Response) -> list[Untaken]:
        """Return the cookies of an answer that no request carries, although the server did not delete them."""
        return untaken_cookies(response, self._session.cookies, self.options.base_url)

    def cookie_header(self, untaken: list[Untaken]) -> str:
        """Return the header ``Cookie`` of a request that carries such cookies all the same; they count as secrets."""
        self.hide(*(cookie.value for cookie in untaken if is_secret(cookie.value)))
        return cookie_header(self._session.cookies, self.options.base_url, untaken)

    def cookies(self) -> list[dict[str, Any]]:
        """Return the session's cookies as plain data, for ``set_cookies``."""
        return as_data(self._session.cookies)

    def set_cookies(self, cookies: Iterable[Mapping[str, Any]]) -> None:
        """Put cookies into the session that ``cookies`` returned earlier."""
        put_in(self._session.cookies, cookies)
        self._prepared = {}

    def fresh_connections(self) -> None:
        """Drop idle connections.

        The server, or something between, may have closed one. A request that must never be sent twice must not be lost
        on it.
        """
        for adapter in self._session.adapters.values():
            adapter.close()

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def request(
        self,
        method: str,
        path: str,
        step: str,
        *,
        repeat: Repeat,
        expect: Collection[int] = (200,),
        headers: Mapping[str, str | None] | None = None,
        params: Mapping[str, str | list[str]] | None = None,
        body: Any = None,
        data: MultipartFile | None = None,
        stream: bool = False,
        answer_timeout: float | None = None,
        fresh: bool = False,
    ) -> requests.Response:
        """Send a request and return the answer, which has one of the expected statuses.

        Args:
            method: The HTTP method.
            path: The path below ``/api``, quoted.
            step: What this is a part of, for messages: ``log in``.
            repeat: When it may be sent again.
            expect: The statuses that are no error.
            headers: Further headers.
            params: The query.
            body: What to send as JSON.
            data: A file to send, each time from its beginning.
            stream: Whether the caller reads the answer's body by itself.
            answer_timeout: Seconds to wait for the answer once the request is sent; None for ``timeout``.
            fresh: Whether to send it on no connection that was idle.

        Raises:
            ConnectionLost: There was no complete answer.
            ServerError: The answer's status is another one.
            InputError: A proxy, or a file of certificates, cannot be used.
        """
        if self._no_proxy is not None:
            raise InputError(self._no_proxy.message)
        sent = {"headers": dict(headers or {}), "params": params, "json": body, "data": data, "stream": stream}

        def send() -> requests.Response:
            if data is not None:
                data.rewind()
            if fresh:
                self.fresh_connections()
            return self._send(method, path, step, answer_timeout, sent)

        return self._until_answered(send, step, repeat, expect)

    def _until_answered(
        self, send: Callable[[], requests.Response], step: str, repeat: Repeat, expect: Collection[int]
    ) -> requests.Response:
        attempt = 0
        asked = self._pace.now()
        started = self._pace.begin(asked)
        while True:
            pause: float | None = None
            try:
                response = send()
            except ConnectionLost as lost:
                if not self._may_repeat(lost, repeat, attempt):
                    raise
            else:
                if response.status_code in expect:
                    self._pace.passed()
                    return response
                error = self._refusal(response, step)
                pause = error.details.get("retry_after")
                if is_refused_for_now(response) and not is_hopeless(error):
                    started = self._slow_down(error, started, asked, pause)
                    continue
                self._pace.passed()
                if not self._may_repeat(error, repeat, attempt):
                    raise error
            self._wait(0.2 * 2**attempt if pause is None else pause)
            attempt += 1
            started = self._pace.begin(asked)

    def _may_repeat(self, failure: ConnectionLost | ServerError, repeat: Repeat, attempt: int) -> bool:
        # Told to stop, there is only time for the clean-up.
        if signals.told_to_stop() is not None or attempt >= self.options.retries:
            return False
        if isinstance(failure, ConnectionLost):
            return not failure.hopeless and (repeat is Repeat.SAFE or not failure.sent)
        pointless = says_not_found(failure) or is_hopeless(failure)
        return repeat is Repeat.SAFE and failure.status in _TEMPORARY and not pointless

    def _refusal(self, response: requests.Response, step: str) -> ServerError:
        error = refused(response, step, self.masked)
        if (pause := retry_after(response)) is not None:
            error.details["retry_after"] = pause
        response.close()
        return error

    def _slow_down(self, error: ServerError, started: float, asked: float, pause: float | None) -> float:
        """Have all requests wait because one was refused for now; return when that one is sent again."""
        if signals.told_to_stop() is not None:
            raise error
        self._pace.refused(started, pause)
        try:
            return self._pace.begin(asked, again=True)
        except Stalled as stalled:
            error.message += " " + given_up(error.status, stalled.seconds, self.options.timeout)
            raise error from None

    def _wait(self, seconds: float) -> None:
        self._sleep(min(seconds, LONGEST_PAUSE))
        # In a thread: the main one is told by an exception.
        if (stopped_by := signals.told_to_stop()) is not None:
            raise Interrupted(stopped_by)

    def _limits(self, answer_timeout: float | None) -> tuple[float, float]:
        """Return the seconds to connect, and those to wait for an answer."""
        limits = (self.options.timeout, self.options.timeout if answer_timeout is None else answer_timeout)
        if signals.told_to_stop() is None:
            return limits
        # Whoever stopped the task does not wait long for the clean-up.
        if not self._in_a_hurry:
            self._in_a_hurry = True
            # Requests that hang may keep all connections.
            self.fresh_connections()
        return (min(limits[0], _HURRY), min(limits[1], _HURRY))

    def _send(
        self, method: str, path: str, step: str, answer_timeout: float | None, sent: dict[str, Any]
    ) -> requests.Response:
        url = "%s/api%s" % (self.options.base_url, path)
        limits = self._limits(answer_timeout)
        for _hop in range(_MOST_REDIRECTS + 1):
            try:
                if sent["data"] is None and not sent["stream"] and url.isascii():
                    response = self._send_plain(method, url, sent, limits)
                else:
                    response = self._session.request(method, url, timeout=limits, allow_redirects=False, **sent)
                    # It may have brought cookies.
                    self._prepared = {}
            except (requests.RequestException, OSError, ValueError) as error:
                raise self.broken(error, step, limits[1]) from error
            if response.status_code not in _REDIRECTS:
                return response
            response.close()
            url, sent = redirected(response, method, url, self.options.base_url, step), {**sent, "params": None}
        raise ServerError(
            "%s: the server redirects without end (%d times). Check base_url." % (step, _MOST_REDIRECTS),
            response.status_code,
        )

    def _send_plain(
        self, method: str, url: str, sent: dict[str, Any], limits: tuple[float, float]
    ) -> requests.Response:
        """Send a request that differs from earlier ones by its address and body only.

        A plan and an export send thousands. To make headers and cookies anew for each, as requests does, takes as long
        as sending.
        """
        body = None if sent["json"] is None else json.dumps(sent["json"], allow_nan=False).encode()
        key = (method, body is None, *self._session.headers.items(), *sent["headers"].items())
        # Should a cookie come to another thread meanwhile, this dictionary is given up with all that is put into it.
        prepared = self._prepared
        model = None if self._has_cookies_of_parts() else prepared.get(key)
        if model is None:
            made = requests.Request(method, url, headers=sent["headers"], json=sent["json"])
            model = prepared[key] = self._session.prepare_request(made)
        request = requests.PreparedRequest()
        request.method, request.headers, request.hooks, request.body = method, model.headers, model.hooks, body
        if body is not None:
            request.headers = model.headers.copy()
            request.headers["Content-Length"] = str(len(body))
        request.url = requote_uri(url) + ("?" + urlencode(sent["params"], doseq=True) if sent["params"] else "")
        response = self._session.get_adapter(url).send(request, timeout=limits, proxies=self._session.proxies)
        if "Set-Cookie" in response.headers:
            extract_cookies_to_jar(self._session.cookies, request, response.raw)  # type: ignore[no-untyped-call]
            self._prepared = {}
        # Read here: what breaks is raised here, and the connection is free for the next request.
        _content = response.content
        return response

    def _has_cookies_of_parts(self) -> bool:
        """Return whether a cookie goes with some calls and not with others, by its path."""
        longest = len(urlsplit(self.options.base_url).path) + len("/api/")
        return any(len(cookie.path) > longest for cookie in self._session.cookies)

    def broken(self, error: Exception, step: str, limit: float | None = None) -> ConnectionLost | InputError:
        """Return what to raise for an error that came instead of an answer, or in the middle of one.

        Args:
            error: The error.
            step: What the request is a part of.
            limit: For how many seconds an answer was awaited; None for ``timeout``.
        """
        awaited = self.options.timeout if limit is None else limit
        return broken(error, step, self.options, self._proxy, awaited, self.masked)
