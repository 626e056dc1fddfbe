# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A certificate that is refused: what is wrong with it, and what to do, instead of the same advice for all."""

from __future__ import annotations

import sys

import pytest
from certificates import DAY, NOW, ExtendedKeyUsageOID, make_ca, make_server
from scripted_server import Reply

from ansible_collections.mstr.migration.plugins.module_utils.errors import ConnectionLost
from ansible_collections.mstr.migration.plugins.module_utils.rest.http import Repeat, Transport, TransportOptions

OK = Reply(200, {"fine": True})
IS_STRICT = sys.version_info >= (3, 13)


@pytest.fixture(name="connect")
def connect_to_a_server_with_a_certificate(serve, tmp_path):
    def connect(certificate, ca, host="127.0.0.1", **options):
        server = serve(OK, tls=True, certificate=certificate.write(tmp_path / "server.pem"))
        if ca is not None:
            options["ca_path"] = str(tmp_path / "ca.pem")
            (tmp_path / "ca.pem").write_bytes(ca.pem())
        url = server.base_url.replace("127.0.0.1", host)
        transport = Transport(TransportOptions(url, timeout=5.0, **options))
        return transport.request("GET", "/things", "do a thing", repeat=Repeat.SAFE)

    return connect


def refusal(connect, *arguments, **options):
    with pytest.raises(ConnectionLost, match=r"^do a thing: no TLS connection to https://") as refused:
        connect(*arguments, **options)
    assert refused.value.hopeless, "it would be refused again"
    assert "_ssl.c" not in refused.value.message
    return refused.value.message


# What a private CA's certificates lack, and the words for it.
LACKS = [
    pytest.param(["subject key"], [], "CA's certificate lacks the Subject Key Identifier", id="subject key"),
    pytest.param(["key usage"], [], "CA's certificate lacks the key usage", id="key usage"),
    pytest.param(["critical"], [], "Basic Constraints of the CA's certificate are not marked critical", id="critical"),
    pytest.param([], ["authority key"], "lacks the Authority Key Identifier", id="authority key"),
    pytest.param(["subject key", "key usage"], ["authority key"], "lacks the Authority Key Identifier", id="all"),
]


@pytest.mark.skipif(not IS_STRICT, reason="older versions of Python take such certificates")
@pytest.mark.parametrize(("ca_lacks", "server_lacks", "words"), LACKS)
def test_what_a_certificate_lacks_for_python_3_13_is_said_and_ca_path_is_not_to_blame(
    connect, ca_lacks, server_lacks, words
):
    ca = make_ca(without=ca_lacks)
    message = refusal(connect, make_server(ca, without=server_lacks), ca)
    for part in (words, "RFC 5280", "Python 3.13", "Python 3.12 or older", "issued anew", "ca_path is not the cause"):
        assert part in message
    assert "set ca_path" not in message


@pytest.mark.skipif(IS_STRICT, reason="Python 3.13 refuses such certificates")
@pytest.mark.parametrize(("ca_lacks", "server_lacks", "words"), LACKS)
def test_before_python_3_13_such_certificates_do(connect, ca_lacks, server_lacks, words):
    ca = make_ca(without=ca_lacks)
    assert connect(make_server(ca, without=server_lacks), ca).status_code == 200


def test_a_private_ca_whose_certificates_lack_nothing_is_trusted(connect):
    ca = make_ca()
    assert connect(make_server(ca), ca).status_code == 200
    alone = make_server(None)
    assert connect(alone, alone).status_code == 200


OTHERS = {
    "expired": ({"begins": NOW - 3 * DAY, "ends": NOW - DAY}, {}, "has expired: have it renewed"),
    "not yet valid": ({"begins": NOW + DAY, "ends": NOW + 2 * DAY}, {}, "not valid yet: check the clock"),
    "another address": ({"address": "127.0.0.2"}, {}, "base_url must name the server by a name in it"),
    "another host": ({}, {"host": "localhost"}, "base_url must name the server by a name in it"),
    "no server's": ({"usage": ExtendedKeyUsageOID.CLIENT_AUTH}, {}, "extended key usage"),
}


@pytest.mark.parametrize(("made", "options", "words"), OTHERS.values(), ids=OTHERS)
def test_what_else_is_wrong_with_a_certificate_has_its_own_advice(connect, made, options, words):
    ca = make_ca()
    message = refusal(connect, make_server(ca, **made), ca, **options)
    assert words in message
    assert "ca_path" not in message


def test_a_ca_that_is_not_known_is_for_ca_path(connect, tmp_path):
    server = make_server(make_ca())
    assert "set ca_path (mstr_ca_path of the role) to that CA's file" in refusal(connect, server, None)
    wrong = refusal(connect, server, make_ca())
    assert "is not in %s (ca_path)" % (tmp_path / "ca.pem") in wrong
    assert "set ca_path" not in wrong
    assert "set ca_path (mstr_ca_path of the role) to a file with that certificate" in refusal(
        connect, make_server(None), None
    )


def test_a_server_that_does_not_speak_tls_is_no_matter_of_certificates(serve):
    base_url = serve(OK).base_url.replace("http:", "https:")
    with pytest.raises(ConnectionLost, match="does not speak TLS: check the scheme and the port") as refused:
        Transport(TransportOptions(base_url, timeout=5.0, retries=0)).request("GET", "/", "x", repeat=Repeat.SAFE)
    assert "ca_path" not in refused.value.message


def test_the_certificate_of_a_proxy_has_the_same_advice(serve, tmp_path, monkeypatch):
    proxy = serve(OK, tls=True, certificate=make_server(make_ca()).write(tmp_path / "proxy.pem"))
    monkeypatch.setenv("https_proxy", proxy.origin)
    transport = Transport(TransportOptions("https://mstr.example.invalid/Library", timeout=5.0))
    with pytest.raises(ConnectionLost, match=r"the proxy 127\.0\.0\.1:\d+\b.*set ca_path") as refused:
        transport.request("GET", "/", "x", repeat=Repeat.SAFE)
    assert refused.value.hopeless
    assert proxy.requests == []
