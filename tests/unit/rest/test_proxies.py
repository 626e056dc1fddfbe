# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proxies of the environment: which one is used, what of it is told, and what never is."""

from __future__ import annotations

import base64
import importlib.util

import pytest
from samples import Pauses
from scripted_server import CERTIFICATE, Reply, unused_port

from ansible_collections.mstr.migration.plugins.module_utils.errors import ConnectionLost, InputError, MigrationError
from ansible_collections.mstr.migration.plugins.module_utils.rest import proxies
from ansible_collections.mstr.migration.plugins.module_utils.rest.http import Repeat, Transport, TransportOptions

OK = Reply(200, {"fine": True})
ELSEWHERE = "http://mstr.example.invalid/Library"


def send(base_url=ELSEWHERE, **options):
    pauses = Pauses()
    transport = Transport(TransportOptions(base_url, timeout=5.0, **options), sleep=pauses, clock=pauses.clock)
    return transport.request("GET", "/things", "do a thing", repeat=Repeat.SAFE)


# What cannot be a proxy, and the words for it. Each has the password s3cr3t, or a part of it.
BAD = {
    "http://user:s3cr3t#x@proxy:3128": "stands before its @",
    "http://user:s3cr3t/x@proxy:3128": "stands before its @",
    "http://user:s3cr3t?x@proxy:3128": "stands before its @",
    # The host would be user, at port 12.
    "http://user:12#s3cr3t@proxy:3128": "stands before its @",
    "user:s3cr3t/x@proxy:3128": "stands before its @",
    "http://user:s3cr3t@proxy:port": "port",
    "http://user:s3cr3t@proxy:99999": "port",
    "http://user:s3cr3t@proxy:0": "port",
    "http://user:s3cr3t@proxy:-1": "port",
    "http://user:s3cr3t@:3128": "no host",
    "http://user:s3cr3t@": "no host",
    "http://user:s3cr3t": "port",
    "http://user:s3cr3t@pro xy:3128": "host is no name",
    "http://user:s3cr3t@pro\\xy": "host is no name",
    "http://user:s3cr3t@fe80::1:3128": "brackets",
    "http://user:s3cr3t@[fe80::1:3128": "brackets",
    "http://user:s3cr3t@[::1]:port": "brackets",
    "ftp://user:s3cr3t@proxy:3128": "scheme",
    "http://user:s3cr3t%E2%82%AC@proxy:3128": "Latin-1",
    "http://user:s3cr3t\u20ac@proxy:3128": "Latin-1",
}


@pytest.mark.parametrize(("value", "words"), BAD.items(), ids=BAD)
def test_a_value_that_is_no_proxy_is_named_by_its_variable_and_never_shown(monkeypatch, value, words):
    monkeypatch.setenv("http_proxy", value)
    with pytest.raises(InputError) as refused:
        send()
    message = refused.value.message
    assert message.startswith("http_proxy: ")
    assert words in message
    assert "%23 for #" in message
    for part in ("s3cr3t", "user:12", "proxy:3128"):
        assert part not in message


@pytest.mark.parametrize(("scheme", "variable"), [("http", "HTTP_PROXY"), ("https", "ALL_PROXY")])
def test_the_variable_that_is_named_is_the_one_that_is_set(monkeypatch, scheme, variable):
    monkeypatch.setenv(variable, "http://user:s3cr3t@proxy:port")
    with pytest.raises(InputError, match="^%s: " % variable):
        send("%s://mstr.example.invalid/Library" % scheme)


def test_a_bad_proxy_matters_only_where_it_would_be_used(serve, monkeypatch):
    server = serve(OK)
    monkeypatch.setenv("https_proxy", "http://proxy:port")
    assert send(server.base_url).status_code == 200
    monkeypatch.setenv("http_proxy", "http://proxy:port")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert send(server.base_url).status_code == 200


PASSWORDS = {
    # As it is written, and as the proxy gets it.
    "plain": ("s3cr3t", "s3cr3t"),
    "escaped": ("a%23b%2Fc%3Fd%40e%3Af%25", "a#b/c?d@e:f%"),
    "raw": ("a@b:c", "a@b:c"),
    "empty": ("", ""),
    "brackets": ("a[b", "a[b"),
}


@pytest.mark.parametrize(("written", "meant"), PASSWORDS.values(), ids=PASSWORDS)
@pytest.mark.parametrize("form", ["http://%s", "%s", "HTTP://%s/", " http://%s "])
def test_user_and_password_reach_the_proxy(serve, monkeypatch, form, written, meant):
    proxy = serve(OK)
    monkeypatch.setenv("http_proxy", form % ("user:%s@127.0.0.1:%d" % (written, proxy.port)))
    assert send().status_code == 200
    (request,) = proxy.requests
    assert request.path == ELSEWHERE + "/api/things"
    kind, _space, login = request.headers["Proxy-Authorization"].partition(" ")
    assert (kind, base64.b64decode(login).decode()) == ("Basic", "user:" + meant)


@pytest.mark.parametrize("form", ["http://127.0.0.1:%d", "127.0.0.1:%d", "//127.0.0.1:%d", "http://127.0.0.1:%d/x?y"])
def test_a_proxy_needs_neither_scheme_nor_user(serve, monkeypatch, form):
    proxy = serve(OK)
    monkeypatch.setenv("http_proxy", form % proxy.port)
    assert send().status_code == 200
    assert proxy.requests[0].headers["Proxy-Authorization"] is None


@pytest.mark.parametrize("value", ["http://[::1]:%d", "[::1]:%d", "http://user:pw@[::1]:%d"])
def test_a_proxy_with_an_ipv6_address_is_named(monkeypatch, value):
    port = unused_port()
    monkeypatch.setenv("http_proxy", value % port)
    with pytest.raises(ConnectionLost, match=r"the proxy \[::1\]:%d " % port):
        send(retries=0)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_cannot_be_used_is_named_without_its_user_and_password(monkeypatch, scheme):
    port = unused_port()
    monkeypatch.setenv(scheme + "_proxy", "http://someone:s3cr%%23t@127.0.0.1:%d" % port)
    with pytest.raises(ConnectionLost) as lost:
        send("%s://mstr.example.invalid/Library" % scheme, retries=0)
    message = lost.value.message
    assert "the proxy 127.0.0.1:%d for %s://mstr.example.invalid/Library" % (port, scheme) in message
    assert "Check %s_proxy and no_proxy" % scheme in message
    for secret in ("someone", "s3cr%23t", "s3cr#t", base64.b64encode(b"someone:s3cr#t").decode()):
        assert secret not in message
    assert lost.value.sent is False


@pytest.mark.parametrize("secret", ["s3cr%23t-of-proxy", "s3cr#t-of-proxy", "{basic}"])
def test_a_proxy_that_repeats_the_password_does_not_get_it_into_a_message(serve, monkeypatch, secret):
    basic = base64.b64encode(b"someone:s3cr#t-of-proxy").decode()
    refusal = Reply(400, {"code": "ERR006", "message": "no " + secret.format(basic=basic)})
    monkeypatch.setenv("http_proxy", "http://someone:s3cr%%23t-of-proxy@127.0.0.1:%d" % serve(refusal).port)
    with pytest.raises(MigrationError, match=r"no \*\*\*\*\*\*\*\*") as refused:
        send()
    assert "s3cr" not in refused.value.message
    assert basic not in refused.value.message


def test_a_proxy_that_asks_for_a_password_is_told_apart(serve, monkeypatch):
    page = Reply(407, "<html>Proxy authentication required</html>", {"Content-Type": "text/html"})
    monkeypatch.setenv("http_proxy", serve(page).origin)
    with pytest.raises(MigrationError, match=r"407.*The proxy asks for a user and a password") as refused:
        send()
    assert "base_url" not in refused.value.message


def test_a_proxy_that_asks_for_a_password_for_a_tunnel_is_told_apart(serve, monkeypatch):
    proxy = serve(OK, no_tunnel=(407, "Proxy Authentication Required"))
    monkeypatch.setenv("https_proxy", proxy.origin)
    with pytest.raises(ConnectionLost, match=r"407.*asks for a user and a password.*in https_proxy") as refused:
        send("https://mstr.example.invalid/Library", retries=3)
    assert refused.value.sent is False
    assert len(proxy.requests) == 1, "it would be refused again"


def test_a_proxy_that_repeats_the_password_where_it_makes_no_tunnel(serve, monkeypatch):
    proxy = serve(OK, no_tunnel=(403, "Forbidden to s3cr3t"))
    monkeypatch.setenv("https_proxy", "http://someone:s3cr3t@127.0.0.1:%d" % proxy.port)
    with pytest.raises(ConnectionLost, match=r"403 Forbidden to \*\*\*\*\*\*\*\*") as refused:
        send("https://mstr.example.invalid/Library", retries=0)
    assert "s3cr3t" not in refused.value.message
    assert refused.value.sent is False


@pytest.mark.skipif(importlib.util.find_spec("socks") is not None, reason="PySocks is installed")
@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "SOCKS4"])
def test_a_socks_proxy_without_pysocks_says_what_is_missing(monkeypatch, scheme):
    monkeypatch.setenv("all_proxy", "%s://user:s3cr3t@proxy:1080" % scheme)
    with pytest.raises(InputError, match=r"^all_proxy: .*PySocks is missing.*pip install PySocks") as refused:
        send()
    assert "s3cr3t" not in refused.value.message


def test_a_socks_proxy_with_pysocks_is_taken(monkeypatch):
    monkeypatch.setattr(proxies.importlib.util, "find_spec", lambda name: object())
    found = proxies.find_proxy("https", {"all": "socks5h://user:pw@proxy:1080"})
    assert (found.url, found.place) == ("socks5h://user:pw@proxy:1080", "proxy:1080")


def test_a_token_in_place_of_a_user_is_sent_and_kept_secret(serve, monkeypatch):
    token = "t0ken-of-the-proxy-0123"
    proxy = serve(Reply(400, {"code": "ERR006", "message": "no " + token}))
    monkeypatch.setenv("http_proxy", "http://%s@127.0.0.1:%d" % (token, proxy.port))
    with pytest.raises(MigrationError) as refused:
        send()
    assert token not in refused.value.message
    login = proxy.requests[0].headers["Proxy-Authorization"].partition(" ")[2]
    assert base64.b64decode(login).decode() == token + ":"


def test_a_session_can_be_closed_although_the_proxy_is_bad(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://proxy:port")
    transport = Transport(TransportOptions(ELSEWHERE))
    with pytest.raises(InputError):
        transport.request("POST", "/auth/logout", "log out", repeat=Repeat.SAFE)
    transport.close()


def test_a_tunnel_through_a_proxy_with_a_password(serve, monkeypatch):
    server, proxy = serve(OK, tls=True), serve(OK)
    monkeypatch.setenv("https_proxy", "http://user:pw@127.0.0.1:%d" % proxy.port)
    assert send(server.base_url, ca_path=str(CERTIFICATE)).status_code == 200
    assert base64.b64decode(proxy.requests[0].headers["Proxy-Authorization"].partition(" ")[2]) == b"user:pw"
    assert server.requests[0].headers["Proxy-Authorization"] is None
