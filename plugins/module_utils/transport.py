# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP session with the server: TLS, proxies, time limits, retries, and errors in words.

Sending twice is the caller's decision, call by call (``Repeat``): the transport knows what broke, only the
caller knows what a second request would do.
"""

from __future__ import annotations

import enum
import os
import re
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Callable
from urllib.parse import urlencode, urljoin, urlsplit

from . import signals
from .answers import LONGEST_PAUSE, is_hopeless, refused, retry_after, says_not_found
from .errors import ConnectionLost, InputError, ServerError
from .text import is_secret, printable
from .tls import SharedContextAdapter, client_context
from .upload import MultipartFile

try:
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter
    from requests.cookies import RequestsCookieJar, extract_cookies_to_jar
    from requests.utils import requote_uri
except ImportError as error:
    RequestsCookieJar = object  # type: ignore[assignment,misc]
    HAS_REQUESTS = False
    REQUESTS_IMPORT_ERROR: Exception | None = error
else:
    HAS_REQUESTS = True
    REQUESTS_IMPORT_ERROR = None

# As many connections as the plan looks objects up over.
POOL_SIZE = 16
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_MOST_REDIRECTS = 5
_TEMPORARY = frozenset((429, 500, 502, 503, 504))
# Seconds to wait for each answer, once the task was told to stop.
_HURRY = 3.0
# What stands for a secret in a text, as in the output of Ansible.
_MASK = "********"


class Repeat(enum.Enum):
    """When a request may be sent again.

    REFUSED: only where the server plainly refused it before acting: connection refused, or 429 or 503 with
        ``Retry-After``.
    SAFE: also after a lost answer, a time-out or a temporary error, because a second one changes nothing more.
    """

    REFUSED = "refused"
    SAFE = "safe"


@dataclass(frozen=True)
class TransportOptions:
    """How to reach the server.

    Attributes:
        base_url: ``https://host/MicroStrategyLibrary``, without a trailing slash.
        validate_certs: Whether the server's certificate is checked.
        ca_path: A file or directory of CA certificates; None for the environment's or the system's.
        client_cert: A client certificate (PEM), or None.
        client_key: Its key (PEM), None where the certificate's file holds it.
        timeout: Seconds to connect, and the longest silence within a request.
        retries: How often a request is sent again where that is safe.
    """

    base_url: str
    validate_certs: bool = True
    ca_path: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    timeout: float = 60.0
    retries: int = 3


def normalise_base_url(url: str) -> str:
    """Return a base URL without a trailing ``/`` or ``/api``.

    Raises:
        InputError: It is no http or https URL, or it carries a user, a query or a fragment.
    """
    stripped = url.strip().rstrip("/")
    if stripped.endswith("/api"):
        stripped = stripped[: -len("/api")].rstrip("/")
    try:
        parts = urlsplit(stripped)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        port_is_fine = False
        parts = urlsplit("")
    if not port_is_fine or parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(
            "base_url: %s is not a URL such as https://host/MicroStrategyLibrary." % printable(_without_user(url), 200)
        )
    if parts.username is not None or parts.password is not None:
        raise InputError("base_url: a user or password in the URL would be logged; use username and password.")
    if parts.query or parts.fragment:
        raise InputError("base_url: leave out everything from the ? or # on.")
    return stripped


def _without_user(url: str) -> str:
    return url.rsplit("@", 1)[-1]


def same_base_url(one: str, other: str) -> bool:
    """Return whether two normalised base URLs lead to the same place (case of scheme and host, default port)."""
    return _origin(one) == _origin(other) and urlsplit(one).path == urlsplit(other).path


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    return (parts.scheme, (parts.hostname or "").lower(), port)


# Characters on which parsers of URLs disagree about where the host ends.
_AMBIGUOUS = re.compile(r"[\\\x00-\x20\x7f]")


def _same_origin(target: str, base_url: str) -> bool:
    """Return whether a redirect stays with the server; what two parsers could read differently does not."""
    try:
        return (
            not _AMBIGUOUS.search(target)
            and "@" not in urlsplit(target).netloc
            and _origin(target) == _origin(base_url)
        )
    except ValueError:
        return False


class _SharedCookies(RequestsCookieJar):
    """Cookies that can be gone through while the answers to other threads bring some or take them away.

    requests goes through them for each request. Before Python 3.11 one that goes meanwhile leaves None in its place.
    """

    def __iter__(self) -> Iterator[Any]:
        # Whoever puts a cookie in holds it, too.
        with self._cookies_lock:  # type: ignore[attr-defined]
            return iter(list(super().__iter__()))


class Transport:
    """An HTTP session with one server.

    Args:
        options: How to reach it.
        sleep: Waits a number of seconds; given by tests.
    """

    def __init__(self, options: TransportOptions, sleep: Callable[[float], None] = time.sleep) -> None:
        self.options = options
        self._sleep = sleep
        self._in_a_hurry = False
        self._secrets: set[str] = set()
        # Requests that were sent, by their headers: see _get.
        self._prepared: dict[tuple[Any, ...], requests.PreparedRequest] = {}
        self._session = requests.Session()
        # Off, because requests would read .netrc then; what is wanted of the environment is set here by hand.
        self._session.trust_env = False
        self._session.cookies = _SharedCookies()
        self._session.proxies = requests.utils.get_environ_proxies(options.base_url)
        if not options.validate_certs:
            # The user has said so; a warning a request says nothing more.
            urllib3.disable_warnings()
        self._session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=POOL_SIZE, pool_block=True))
        self._session.mount("https://", SharedContextAdapter(self._tls_context, POOL_SIZE))
        self._session.headers.update({"Accept": "application/json", "User-Agent": "mstr.migration"})

    def _verify(self) -> bool | str:
        if not self.options.validate_certs:
            return False
        if self.options.ca_path:
            return self.options.ca_path
        return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True

    def _tls_context(self, with_client_cert: bool) -> ssl.SSLContext:
        if not with_client_cert:
            return client_context(self._verify(), None, None)
        return client_context(self._verify(), self.options.client_cert, self.options.client_key)

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

    def cookies(self) -> list[dict[str, Any]]:
        """Return the session's cookies as plain data, for ``set_cookies``."""
        return [
            {
                "name": cookie.name,
                "value": cookie.value,
                "domain": cookie.domain,
                "path": cookie.path,
                "secure": cookie.secure,
            }
            for cookie in self._session.cookies
        ]

    def set_cookies(self, cookies: Iterable[Mapping[str, Any]]) -> None:
        """Put cookies into the session that ``cookies`` returned earlier."""
        for cookie in cookies:
            self._session.cookies.set(
                cookie["name"],
                cookie["value"],
                domain=cookie["domain"],
                path=cookie["path"],
                secure=cookie["secure"],
            )
        self._prepared = {}

    def fresh_connections(self) -> None:
        """Drop idle connections.

        A request that must never be sent twice must not be lost on a connection which the server, or
        something between, closed while it was idle.
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
        expect: Iterable[int] = (200,),
        headers: Mapping[str, str | None] | None = None,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        data: MultipartFile | None = None,
        stream: bool = False,
        answer_timeout: float | None = None,
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
            answer_timeout: Seconds to wait for the answer once the request is sent, where that is not
                ``timeout``.

        Raises:
            ConnectionLost: There was no complete answer.
            ServerError: The answer's status is another one.
        """
        accepted = frozenset(expect)
        attempt = 0
        while True:
            if data is not None:
                data.rewind()
            try:
                response = self._send(method, path, step, headers, params, body, data, stream, answer_timeout)
            except ConnectionLost as lost:
                may_repeat = repeat is Repeat.SAFE or not lost.sent
                if attempt >= self._retries() or lost.hopeless or not may_repeat:
                    raise
                pause: float | None = None
            else:
                if response.status_code in accepted:
                    return response
                error = refused(response, step, self.masked)
                pause = retry_after(response)
                if pause is not None:
                    error.details["retry_after"] = pause
                response.close()
                plainly = response.status_code in (429, 503) and pause is not None
                temporary = response.status_code in _TEMPORARY and repeat is Repeat.SAFE
                pointless = says_not_found(error) or is_hopeless(error)
                if attempt >= self._retries() or not (plainly or temporary) or pointless:
                    raise error
            if pause is None:
                pause = 0.2 * 2**attempt
            self._sleep(min(pause, LONGEST_PAUSE))
            attempt += 1

    def _retries(self) -> int:
        return 0 if self._in_a_hurry else self.options.retries

    def _limits(self, answer_timeout: float | None) -> tuple[float, float]:
        """Return the seconds to connect, and those to wait for an answer."""
        limits = (self.options.timeout, self.options.timeout if answer_timeout is None else answer_timeout)
        if signals.told_to_stop() is None:
            return limits
        # Only the clean-up is left, and whoever stopped the task does not wait long for it.
        if not self._in_a_hurry:
            self._in_a_hurry = True
            # Those that there are may be taken by requests that hang.
            self.fresh_connections()
        return (min(limits[0], _HURRY), min(limits[1], _HURRY))

    def _send(
        self,
        method: str,
        path: str,
        step: str,
        headers: Mapping[str, str | None] | None,
        params: Mapping[str, str] | None,
        body: Any,
        data: MultipartFile | None,
        stream: bool,
        answer_timeout: float | None,
    ) -> requests.Response:
        url = "%s/api%s" % (self.options.base_url, path)
        limits = self._limits(answer_timeout)
        for _hop in range(_MOST_REDIRECTS + 1):
            try:
                if method == "GET" and not stream and url.isascii():
                    response = self._get(url, headers or {}, params or {}, limits)
                else:
                    response = self._session.request(
                        method,
                        url,
                        headers=dict(headers or {}),
                        params=params,
                        json=body,
                        data=data,
                        stream=stream,
                        timeout=limits,
                        allow_redirects=False,
                    )
                    # It may have brought cookies.
                    self._prepared = {}
            except (requests.RequestException, OSError, ValueError) as error:
                raise self.broken(error, step, limits[1]) from error
            if response.status_code not in _REDIRECTS:
                return response
            url, params = self._redirected(response, method, url, step), None
        raise ServerError(
            "%s: the server redirects without end (%d times). Check base_url." % (step, _MOST_REDIRECTS),
            response.status_code,
        )

    def _get(
        self,
        url: str,
        headers: Mapping[str, str | None],
        params: Mapping[str, str],
        limits: tuple[float, float],
    ) -> requests.Response:
        """Send a GET that differs from earlier ones by its address only.

        A plan sends thousands. What requests makes anew for each, headers and cookies, takes as long as sending it.
        """
        key = (*self._session.headers.items(), *headers.items())
        # This one, should a cookie come to another thread meanwhile: what is put into it is forgotten then.
        prepared = self._prepared
        model = prepared.get(key)
        if model is None:
            model = prepared[key] = self._session.prepare_request(requests.Request("GET", url, headers=dict(headers)))
        request = requests.PreparedRequest()
        request.method, request.headers, request.hooks = model.method, model.headers, model.hooks
        request.url = requote_uri(url) + ("?" + urlencode(params) if params else "")
        adapter = self._session.get_adapter(url)
        response = adapter.send(request, timeout=limits, proxies=self._session.proxies)
        if "Set-Cookie" in response.headers:
            extract_cookies_to_jar(self._session.cookies, request, response.raw)  # type: ignore[no-untyped-call]
            self._prepared = {}
        # Read here, so that what breaks is what is raised here, and the connection is free for the next one.
        _content = response.content
        return response

    def _redirected(self, response: requests.Response, method: str, url: str, step: str) -> str:
        """Return where a redirect leads, if the session's token may follow it there."""
        location = response.headers.get("Location", "")
        try:
            target = urljoin(url, location)
        except ValueError:
            # No address at all.
            target = location
        response.close()
        shown = printable(target.split("?", 1)[0], 200)
        if not _same_origin(target, self.options.base_url):
            raise ServerError(
                "%s: the server redirects to %s, which is another origin than base_url; this is refused, because "
                "the session's token would go there. If it is right, set base_url to it." % (step, shown),
                response.status_code,
            )
        if method not in ("GET", "HEAD"):
            raise ServerError(
                "%s: the server redirects a %s to %s. Set base_url to the address that answers without a redirect."
                % (step, method, shown),
                response.status_code,
            )
        return target

    def broken(self, error: Exception, step: str, limit: float | None = None) -> ConnectionLost | InputError:
        """Return what to raise for an error that came instead of an answer, or in the middle of one.

        Args:
            error: The error.
            step: What the request is a part of.
            limit: Seconds that an answer was waited for, where that is not ``timeout``.
        """
        where = self.options.base_url
        reason = _innermost(error)
        if isinstance(error, requests.exceptions.SSLError):
            return ConnectionLost(
                "%s: no TLS connection to %s: %s. If the certificate is from a private CA, set ca_path to that "
                "CA's file; a server that asks for a client certificate needs client_cert and client_key; "
                "validate_certs: false turns the check off." % (step, where, reason),
                sent=True,
                # urllib3 1.26 speaks of the hostname alone where the certificate is for another one.
                hopeless=any(word in reason.lower() for word in ("certificate", "hostname")),
            )
        if isinstance(error, requests.exceptions.ProxyError):
            return ConnectionLost(
                "%s: the proxy for %s cannot be used: %s. Check https_proxy, http_proxy and no_proxy in the "
                "environment." % (step, where, reason),
                # A proxy that broke off later may have passed the request on.
                sent=not _never_connected(error),
            )
        if isinstance(error, requests.exceptions.ConnectTimeout):
            return ConnectionLost(
                "%s: %s did not accept a connection within %g s (timeout)." % (step, where, self.options.timeout),
                sent=False,
            )
        if isinstance(error, requests.exceptions.Timeout):
            return ConnectionLost(
                "%s: %s went silent: nothing came for %g s (timeout; after an upload, wait_timeout)."
                % (step, where, self.options.timeout if limit is None else limit),
                sent=True,
            )
        if isinstance(error, requests.exceptions.ConnectionError) and _never_connected(error):
            return ConnectionLost(
                "%s: cannot connect to %s: %s. Check base_url, and that the server runs." % (step, where, reason),
                sent=False,
            )
        if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
            # Not the network: requests wraps that. A CA or client certificate file that cannot be used ends here.
            return InputError("%s: %s. Check ca_path, client_cert and client_key." % (step, reason))
        text = "%s: the connection to %s broke: %s." % (step, where, reason)
        if where.startswith("https:") and not self.options.client_cert:
            # With TLS 1.3 the client's handshake is over before the server misses the certificate.
            text += " A server that asks for a client certificate ends a connection so, too: set client_cert."
        return ConnectionLost(text, sent=True)


def _never_connected(error: Exception) -> bool:
    """Return whether a connection error came before anything could be sent."""
    seen: set[int] = set()
    current: Any = error
    while isinstance(current, BaseException) and id(current) not in seen:
        seen.add(id(current))
        if type(current).__name__ in ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError"):
            return True
        inner = getattr(current, "reason", None) or next(
            (item for item in current.args if isinstance(item, BaseException)), None
        )
        current = inner
    return False


def _innermost(error: Exception) -> str:
    """Return the plainest words for what broke: the innermost exception's own text."""
    seen: set[int] = set()
    current: Any = error
    while id(current) not in seen:
        seen.add(id(current))
        inner = getattr(current, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((item for item in current.args if isinstance(item, BaseException)), None)
        if inner is None:
            break
        current = inner
    text = str(current) or type(current).__name__
    # urllib3 puts the connection before the reason, as its repr or as HTTPConnection(...).
    text = re.sub(r"^(?:<[^>]*>|HTTPS?Connection(?:Pool)?\([^)]*\)): ", "", text)
    return printable(text.rstrip("."), 300)
