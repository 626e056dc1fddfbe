# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What came instead of an answer, or in the middle of one, in words."""

from __future__ import annotations

import errno
import re
import ssl
from collections.abc import Iterator
from typing import Any, Callable

from ..errors import ConnectionLost, InputError
from ..support.text import printable
from .address import TransportOptions
from .proxies import Proxy

try:
    import requests
except ImportError:
    # ``http`` keeps what the user is told; here it must only be possible to import.
    requests = None  # type: ignore[assignment]


def broken(
    error: Exception,
    step: str,
    options: TransportOptions,
    proxy: Proxy | None,
    limit: float,
    masked: Callable[[str], str],
) -> ConnectionLost | InputError:
    """Return what to raise for an error that came instead of an answer: see ``Transport.broken``."""
    where = options.base_url if proxy is None else "%s by the proxy %s" % (options.base_url, proxy.place)
    reason = printable(masked(_reason(error)), 300)
    certificate = _certificate_advice(error, reason, options.ca_path)
    if isinstance(error, requests.exceptions.SSLError):
        text = "%s: no TLS connection to %s: %s. %s" % (step, where, reason, certificate or _tls_advice(reason))
        # The reason has the word where the server refuses the client's.
        return ConnectionLost(text, sent=True, hopeless=certificate is not None or "certificate" in reason.lower())
    if isinstance(error, requests.exceptions.ProxyError) and proxy is not None:
        start = "%s: the proxy %s for %s cannot be used: %s." % (step, proxy.place, options.base_url, reason)
        return _proxy_failed(error, start, proxy.variable, reason, certificate)
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return ConnectionLost(
            "%s: %s did not accept a connection within %g s (timeout)." % (step, where, options.timeout), sent=False
        )
    if _was_dropped(error):
        return ConnectionLost(
            "%s: the connection to %s is gone without a word: while the answer was awaited, nothing answered to TCP "
            "keep-alive any more. Look at the network, and at the idle time-outs of firewalls and load balancers."
            % (step, where),
            sent=True,
        )
    if isinstance(error, requests.exceptions.Timeout):
        return ConnectionLost(
            "%s: %s went silent: nothing came for %g s (timeout; after an upload, wait_timeout)."
            % (step, where, limit),
            sent=True,
        )
    if isinstance(error, requests.exceptions.ConnectionError) and _never_connected(error):
        check = "base_url, and that the server runs" if proxy is None else proxy.variable
        return ConnectionLost("%s: cannot connect to %s: %s. Check %s." % (step, where, reason, check), sent=False)
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        # A CA or client certificate file that cannot be used. What the network does, requests wraps.
        return InputError("%s: %s. Check ca_path, client_cert and client_key." % (step, reason))
    text = "%s: the connection to %s broke: %s." % (step, where, reason)
    if options.base_url.startswith("https:") and not options.client_cert:
        # With TLS 1.3 the client's handshake is over before the server misses the certificate.
        text += " A server that asks for a client certificate ends a connection so, too: set client_cert."
    return ConnectionLost(text, sent=True)


def _proxy_failed(error: Exception, text: str, variable: str, reason: str, certificate: str | None) -> ConnectionLost:
    asks_who = "407" in reason
    if asks_who:
        advice = "The proxy asks for a user and a password: write it as http://user:password@host:port in %s."
    else:
        advice = "Check %s and no_proxy in the environment."
    return ConnectionLost(
        " ".join(filter(None, (text, advice % variable, certificate))),
        # A proxy that broke off later may have passed the request on; without a tunnel there was nothing to pass on.
        sent=not (_never_connected(error) or reason.startswith("Tunnel connection failed")),
        hopeless=certificate is not None or asks_who,
    )


# What a certificate lacks, by OpenSSL's number (X509_V_ERR_...) of the strict checks, and whose certificate it is.
_LACKS = {
    80: "a certificate that is no CA's has a path length",
    81: "a CA's certificate has a path length and lacks the key usage keyCertSign",
    82: "a certificate that is no CA's has the key usage keyCertSign",
    83: "a certificate lacks the name of its issuer",
    84: "a CA's certificate lacks a subject",
    85: "the server's certificate, or that of a CA below the root, lacks the Authority Key Identifier",
    86: "the CA's certificate lacks the Subject Key Identifier",
    87: "a certificate has a Subject Alternative Name without any name",
    88: "a certificate has neither a subject nor a critical Subject Alternative Name",
    89: "the Basic Constraints of the CA's certificate are not marked critical",
    90: "the Authority Key Identifier of a certificate is marked critical",
    91: "the Subject Key Identifier of a certificate is marked critical",
    92: "the CA's certificate lacks the key usage (keyCertSign)",
    93: "a certificate has extensions, and is none of version 3",
}
_HAVE_ISSUED = "Have a certificate issued that fits, or, for a test only, set validate_certs: false."
# By OpenSSL's number, too.
_OTHERS = {
    9: "The server's certificate, or its CA's, is not valid yet: check the clock of the machine where the module runs, "
    "and the certificate's dates.",
    10: "The server's certificate, or its CA's, has expired: have it renewed, unless the clock of the machine where "
    "the module runs is wrong.",
    26: "The server's certificate is none for servers (its extended key usage lacks serverAuth). " + _HAVE_ISSUED,
    62: "The certificate is for another name: base_url must name the server by a name in it. " + _HAVE_ISSUED,
    64: "The certificate is for another address: base_url must name the server by a name in it. " + _HAVE_ISSUED,
    66: "The key of the server's certificate is too weak for OpenSSL on this machine: have it issued anew.",
    67: "The key of the CA's certificate is too weak for OpenSSL on this machine: have it issued anew.",
    68: "The signature of the CA's certificate is too weak for OpenSSL on this machine: have it issued anew.",
    79: "What signed the server's certificate is not marked as a CA (Basic Constraints). " + _HAVE_ISSUED,
}
_SELF_SIGNED = 18
_UNKNOWN_CA = (2, 19, 20, 21)


def _certificate_advice(error: Exception, reason: str, ca_path: str | None) -> str | None:
    """Return what to do about a certificate that is refused, None where none is."""
    refused = next((each for each in _chain(error) if isinstance(each, ssl.SSLCertVerificationError)), None)
    number = getattr(refused, "verify_code", 0)
    if number in _LACKS:
        return (
            "What is wrong with it: %s. RFC 5280 asks for that, and Python 3.13 and newer refuse a certificate "
            "otherwise; ca_path is not the cause. Have the certificates issued anew (a CA's with a Subject Key "
            "Identifier, critical Basic Constraints and the key usage keyCertSign, the server's with an Authority Key "
            "Identifier), or run the modules by Python 3.12 or older (ansible_python_interpreter)." % _LACKS[number]
        )
    if number in _OTHERS:
        return _OTHERS[number]
    if number == _SELF_SIGNED:
        return (
            "The server's certificate is signed by itself: set ca_path (mstr_ca_path of the role) to a file with that "
            "certificate; validate_certs: false turns the check off."
        )
    if number in _UNKNOWN_CA:
        if ca_path:
            return (
                "The CA of the server's certificate is not in %s (ca_path), or the server does not send the "
                "certificates between that CA and its own; validate_certs: false turns the check off." % ca_path
            )
        return (
            "If the certificate is from a private CA, set ca_path (mstr_ca_path of the role) to that CA's file; "
            "validate_certs: false turns the check off."
        )
    # urllib3 1.26 speaks of the hostname alone where the certificate is for another one.
    if not number and "hostname" in reason.lower():
        return _OTHERS[62]
    return None if refused is None else _HAVE_ISSUED


def _tls_advice(reason: str) -> str:
    """Return what to do where no TLS connection comes about, and no certificate is refused."""
    if "wrong version number" in reason.lower() or "record layer failure" in reason.lower():
        return "What answers there does not speak TLS: check the scheme and the port of base_url."
    return (
        "A server that asks for a client certificate needs client_cert and client_key. Else check that the server "
        "speaks TLS 1.2 or newer."
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Go through an error and what it wraps, the innermost last."""
    seen: set[int] = set()
    current: Any = error
    while isinstance(current, BaseException) and id(current) not in seen:
        seen.add(id(current))
        yield current
        inner = getattr(current, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((item for item in current.args if isinstance(item, BaseException)), None)
        current = inner


def _never_connected(error: Exception) -> bool:
    """Return whether an error came before anything could be sent."""
    names = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError")
    return any(type(each).__name__ in names for each in _chain(error))


def _was_dropped(error: Exception) -> bool:
    """Return whether TCP gave the connection up, which urllib3 takes for its own time limit."""
    if _never_connected(error):
        return False
    causes = (cause for each in _chain(error) for cause in (each, each.__cause__, each.__context__))
    return any(isinstance(cause, OSError) and cause.errno == errno.ETIMEDOUT for cause in causes)


def _reason(error: Exception) -> str:
    """Return the plainest words for what broke: the innermost exception's own text."""
    *_outer, innermost = _chain(error)
    text = str(innermost) or type(innermost).__name__
    # urllib3 puts the connection before the reason, as its repr or as HTTPConnection(...).
    text = re.sub(r"^(?:<[^>]*>|\w*Connection(?:Pool)?\([^)]*\)): ", "", text)
    # An error of ssl that was made without a number has its only argument as a tuple.
    text = re.sub(r"""^\(["'](.*)["'],\)$""", r"\1", text)
    # Some of OpenSSL's texts end in the line of the C source that noticed.
    return text.split(" (_ssl.c:", 1)[0].rstrip(".")
