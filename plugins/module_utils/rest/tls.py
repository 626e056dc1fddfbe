# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One TLS context for all connections with the server.

Left alone, requests reads the CA certificates anew for each connection. That takes a processor longer than many a
request, and memory for as long as the connection lasts.
"""

from __future__ import annotations

import os
import ssl
import threading
from typing import Any, Callable

from .wire import Adapter

try:
    from requests.utils import DEFAULT_CA_BUNDLE_PATH, extract_zipped_paths
    from urllib3.util.ssl_ import create_urllib3_context
except ImportError:
    # ``http`` keeps what the user is told; here it must only be possible to import.
    pass


class TlsFileError(OSError):
    """A file of certificates or a key cannot be used; the text names it."""


def client_context(verify: bool | str, cert: str | None, key: str | None) -> ssl.SSLContext:
    """Return a TLS context such as urllib3 makes for a connection.

    Args:
        verify: Whether to check the server's certificate, against the CA certificates that come with requests, or the
            file or directory of those to check it against.
        cert: The file of the client's certificate, or None.
        key: The file of its key, None where that is in the certificate's.

    Raises:
        TlsFileError: A file cannot be used.
    """
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if verify else ssl.CERT_NONE)
    if verify:
        # Those that came with certifi may lie in an archive.
        path = extract_zipped_paths(DEFAULT_CA_BUNDLE_PATH) if verify is True else verify  # type: ignore[no-untyped-call]
        try:
            if os.path.isdir(path):
                context.load_verify_locations(capath=path)
            else:
                context.load_verify_locations(cafile=path)
        except OSError as error:
            raise TlsFileError("the CA certificates in %s cannot be used: %s" % (path, _reason(error))) from error
    if cert:
        try:
            context.load_cert_chain(cert, key, password=_no_passphrase)
        except OSError as error:
            files = "%s and %s" % (cert, key) if key else cert
            raise TlsFileError("the client certificate in %s cannot be used: %s" % (files, _reason(error))) from error
    # urllib3 sets this for each connection, and OpenSSL frees the old value, which another thread may be copying.
    context.set_alpn_protocols(["http/1.1"])
    context.set_alpn_protocols = lambda alpn_protocols: None  # type: ignore[method-assign]
    return context


def _no_passphrase() -> str:
    # Without this OpenSSL would ask for it at the terminal, and wait.
    raise TlsFileError("the key is encrypted; give one without a passphrase")


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        # Some of OpenSSL's texts end in the line of the C source that noticed.
        return str(error).split(" (_ssl.c:", 1)[0]
    return error.strerror or str(error)


class SharedContextAdapter(Adapter):
    """What requests sends with over https, where all connections share a TLS context.

    Args:
        make_context: Returns a context; given False, one without the client certificate. Called at the first request.
        connections: How many connections with a server there are at most.
    """

    def __init__(self, make_context: Callable[[bool], ssl.SSLContext], connections: int) -> None:
        self._make_context = make_context
        self._connections = connections
        self._context: ssl.SSLContext | None = None
        self._making = threading.Lock()
        super().__init__(connections)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        """Make what makes connections, with the context."""
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._context, **pool_kwargs)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        """Return what makes connections through a proxy, with the context."""
        if proxy not in self.proxy_manager:
            proxy_kwargs["ssl_context"] = self._context
            if proxy.lower().startswith("https:"):
                # The proxy is checked in the same way, but the client certificate is for the server.
                proxy_kwargs["proxy_ssl_context"] = self._make_context(False)
        return super().proxy_manager_for(proxy, **proxy_kwargs)

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Send a request.

        Raises:
            TlsFileError: A file of certificates or a key cannot be used.
        """
        with self._making:
            if self._context is None:
                self._context = self._make_context(True)
                self.init_poolmanager(1, self._connections, block=True)
        # Anything but None makes some version of requests load files, or take a context of its own.
        return super().send(request, *args, **dict(kwargs, verify=None, cert=None))

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Let the context decide what is checked, whatever a version of requests makes of the lack of options."""
        conn.cert_reqs = None
