# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS: who is trusted, what the client shows of itself, and files that are read once."""

from __future__ import annotations

import threading

import pytest
from scripted_server import CERTIFICATE, Reply

from ansible_collections.mstr.migration.plugins.module_utils.errors import ConnectionLost, InputError
from ansible_collections.mstr.migration.plugins.module_utils.rest.http import Repeat, Transport, TransportOptions

OK = Reply(200, {"fine": True})
# The name under which OpenSSL looks for the certificate in a directory.
HASH = "ffbb8612.0"
# Made for this test; its passphrase does not matter, since nobody can give it.
ENCRYPTED_KEY = """\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgwDZGvf9MuzwICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEHnLN95MhxZvEVdd0hP6gmMEgZCJ
vmBVK5k2xGfCb95DGHQFmtsUyORgqgBcz8/FJ/9BG2hTF2Nt/Vh29v8+tun5zovO
mwk9ytuQCUCpM8VsMeiZqU93ra+FeKjGBtp5mJ7kObkmd6VgfP4x+rCs6GyzLlKC
tzvdqXbF9R/Po6iQ/b2DAjeREH0rEtOfUmIqmF/LLjqGnpwZPGwl8zCtGV5b3so=
-----END ENCRYPTED PRIVATE KEY-----
"""


def transport_to(base_url, **options):
    return Transport(TransportOptions(base_url, timeout=5.0, retries=0, **options), sleep=lambda _seconds: None)


def send(transport):
    return transport.request("GET", "/things", "do a thing", repeat=Repeat.SAFE)


@pytest.fixture(name="ca")
def ca_in_a_place_of_its_own(tmp_path):
    path = tmp_path / "ca.pem"
    path.write_bytes(CERTIFICATE.read_bytes())
    return path


@pytest.fixture(name="pair")
def certificate_and_key(tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    before, begin, rest = CERTIFICATE.read_text().partition("-----BEGIN CERTIFICATE-----")
    middle, end, after = rest.partition("-----END CERTIFICATE-----\n")
    certificate.write_text(begin + middle + end)
    key.write_text(before + after)
    return certificate, key


def test_ca_certificates_are_read_once_for_all_connections(serve, ca):
    server = serve(OK, tls=True)
    transport = transport_to(server.base_url, ca_path=str(ca))
    send(transport)
    ca.unlink()
    threads = [threading.Thread(target=send, args=(transport,)) for _number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    transport.fresh_connections()
    send(transport)
    assert len(server.requests) == 10
    assert len({request.connection for request in server.requests}) > 1


def test_a_request_without_tls_reads_no_certificates(serve, tmp_path):
    files = dict.fromkeys(("ca_path", "client_cert", "client_key"), str(tmp_path / "missing.pem"))
    assert send(transport_to(serve(OK).base_url, **files)).status_code == 200


@pytest.mark.parametrize("variable", [None, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_ca_certificates_may_be_a_directory(serve, tmp_path, monkeypatch, variable):
    (tmp_path / HASH).write_bytes(CERTIFICATE.read_bytes())
    if variable:
        monkeypatch.setenv(variable, str(tmp_path))
    options = {} if variable else {"ca_path": str(tmp_path)}
    assert send(transport_to(serve(OK, tls=True).base_url, **options)).status_code == 200


def test_a_certificate_for_another_host_is_refused(serve):
    server = serve(OK, tls=True)
    transport = transport_to(server.base_url.replace("127.0.0.1", "localhost"), ca_path=str(CERTIFICATE))
    with pytest.raises(ConnectionLost, match=r"(certificate|hostname).*localhost") as refused:
        send(transport)
    assert refused.value.hopeless
    assert server.requests == []


def test_without_validation_neither_host_nor_ca_matter(serve, tmp_path):
    server = serve(OK, tls=True)
    url = server.base_url.replace("127.0.0.1", "localhost")
    transport = transport_to(url, validate_certs=False, ca_path=str(tmp_path / "missing.pem"))
    assert send(transport).status_code == 200


@pytest.mark.parametrize("options", [{}, {"ca_path": str(CERTIFICATE)}], ids=["unknown CA", "known CA"])
@pytest.mark.parametrize("tls", [False, True], ids=["http proxy", "https proxy"])
def test_through_a_proxy_the_server_is_checked_as_well(serve, monkeypatch, ca, tls, options):
    server, proxy = serve(OK, tls=True), serve(OK, tls=tls)
    monkeypatch.setenv("https_proxy", proxy.origin)
    transport = transport_to(server.base_url, **options)
    if options:
        assert send(transport).status_code == 200
        assert proxy.paths == ["CONNECT 127.0.0.1:%d" % server.port]
    else:
        with pytest.raises(ConnectionLost, match="certificate"):
            send(transport)
        assert server.requests == []
        # A proxy that speaks TLS is checked before it is told where to.
        assert len(proxy.requests) == (0 if tls else 1)


def test_the_client_certificate_is_for_the_server_and_not_for_its_proxy(serve, monkeypatch):
    server = serve(OK, tls=True, client_ca=CERTIFICATE)
    monkeypatch.setenv("https_proxy", serve(OK, tls=True, client_ca=CERTIFICATE).origin)
    with pytest.raises(ConnectionLost):
        send(transport_to(server.base_url, ca_path=str(CERTIFICATE), client_cert=str(CERTIFICATE)))
    assert server.requests == []
    monkeypatch.setenv("https_proxy", serve(OK, tls=True).origin)
    assert send(transport_to(server.base_url, ca_path=str(CERTIFICATE), client_cert=str(CERTIFICATE))).ok


@pytest.mark.parametrize("in_two_files", [False, True], ids=["one file", "two files"])
@pytest.mark.parametrize("validate_certs", [False, True])
def test_a_client_certificate_is_shown(serve, pair, in_two_files, validate_certs):
    server = serve(OK, tls=True, client_ca=CERTIFICATE)
    files = dict(zip(("client_cert", "client_key"), map(str, pair if in_two_files else (CERTIFICATE,))))
    options = {"ca_path": str(CERTIFICATE), "validate_certs": validate_certs}
    assert send(transport_to(server.base_url, **options, **files)).status_code == 200
    with pytest.raises(ConnectionLost, match="client_cert"):
        send(transport_to(server.base_url, **options))


@pytest.mark.parametrize(
    ("ca_text", "words"), [("nothing", "ca.pem.*no certificate"), (None, "ca.pem.*No such file")], ids=str
)
def test_ca_certificates_that_cannot_be_used_are_named(serve, ca, ca_text, words):
    if ca_text is None:
        ca.unlink()
    else:
        ca.write_text(ca_text)
    server = serve(OK, tls=True)
    with pytest.raises(InputError, match=r"^do a thing: .*%s.*ca_path" % words) as failure:
        send(transport_to(server.base_url, ca_path=str(ca)))
    assert "_ssl.c" not in failure.value.message
    assert server.requests == []


@pytest.mark.parametrize(
    ("key_text", "words"),
    [(ENCRYPTED_KEY, "passphrase"), ("nothing", "cannot be used"), (None, "No such file")],
    ids=["encrypted", "garbage", "missing"],
)
@pytest.mark.parametrize("in_two_files", [False, True], ids=["one file", "two files"])
def test_a_client_key_that_cannot_be_used_is_named(serve, pair, key_text, words, in_two_files):
    certificate, key = pair
    if key_text is None:
        (key if in_two_files else certificate).unlink()
    else:
        key.write_text(key_text)
        if not in_two_files:
            certificate.write_text(certificate.read_text() + key_text)
    files = {"client_cert": str(certificate), "client_key": str(key) if in_two_files else None}
    server = serve(OK, tls=True, client_ca=CERTIFICATE)
    with pytest.raises(InputError, match=r"^do a thing: .*cert\.pem.*%s.*client_key" % words):
        send(transport_to(server.base_url, ca_path=str(CERTIFICATE), **files))
    assert server.requests == []
