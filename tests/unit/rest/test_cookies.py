# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cookies of a log-in that do not come back: seen at once, the session closed, the attribute named."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from samples import session_with
from scripted_server import CERTIFICATE, Reply

from ansible_collections.mstr.migration.plugins.module_utils.errors import ServerError
from ansible_collections.mstr.migration.plugins.module_utils.rest.client import Library
from ansible_collections.mstr.migration.plugins.module_utils.rest.http import Repeat, Transport, TransportOptions

SECRET = "C00KIE0123456789ABCDEF"
COOKIE = "JSESSIONID=" + SECRET
HOUR = 3600


class Site:
    """A server that wants its session cookie back, as the vendor's does.

    Args:
        set_cookie: The headers ``Set-Cookie`` of its log-in.
        needs: The cookie that it needs, None for none.
        date: What its log-in says that time it is.
        log_out: What it answers to a log-out with the cookie.
    """

    def __init__(self, *set_cookie, needs=COOKIE, date=None, log_out=204):
        self.set_cookie = list(set_cookie)
        self.needs = needs
        self.date = date
        self.log_out = log_out
        self.is_open = False

    def __call__(self, request):
        path = request.path.partition("/api")[2]
        if path == "/auth/login":
            self.is_open = True
            headers = {"X-MSTR-AuthToken": "t0ken-of-tina", "Set-Cookie": self.set_cookie}
            return Reply(204, headers={**headers, **({"Date": self.date} if self.date else {})})
        sent = (request.headers["Cookie"] or "").split("; ")
        if self.needs is not None and self.needs not in sent:
            return Reply(401, {"code": "ERR009", "message": "The session has expired"})
        if path == "/auth/logout":
            self.is_open = self.is_open and self.log_out != 204
            return Reply(self.log_out)
        return Reply(200, [])


def log_in(library):
    library.log_in("standard", "tina", "s3cret", None)


def asked(server):
    return [path.replace("/MicroStrategyLibrary/api", "") for path in server.paths]


def at(seconds):
    return formatdate(time.time() + seconds, usegmt=True)


# Attributes that keep the cookie from coming back, and the words for it.
UNTAKEN = {
    "Secure": ("Path=/; Secure", ["marked Secure", "https in base_url"]),
    "Domain": ("Path=/; Domain=other.example", ["Domain=other.example", "host of base_url is 127.0.0.1"]),
    "Path": ("Path=/other", ["Path=/other", "path of base_url is /MicroStrategyLibrary"]),
    "Path in another case": ("Path=/microstrategylibrary", ["Path=/microstrategylibrary"]),
    "a Path that only begins alike": ("Path=/MicroStrategy", ["Path=/MicroStrategy,"]),
    "no Path": ("HttpOnly", ["no Path", "/MicroStrategyLibrary/api/auth alone"]),
    "Expires": ("Path=/; Expires=" + at(-60), ["its Expires has passed", " s ahead", "clock"]),
    "Secure among newer ones": ("Path=/; Secure; HttpOnly; SameSite=None; Partitioned", ["marked Secure"]),
}


@pytest.mark.parametrize(("attributes", "words"), UNTAKEN.values(), ids=UNTAKEN)
def test_a_session_whose_cookie_does_not_come_back_is_closed_and_the_attribute_named(serve, attributes, words):
    # By the server's clock, the cookie is valid for two hours.
    site = Site("%s; %s" % (COOKIE, attributes), date=at(-2 * HOUR))
    server = serve(site)
    with pytest.raises(ServerError) as refused:
        log_in(session_with(server).library)
    message = refused.value.message
    for part in ("log in: ", "the cookie JSESSIONID: ", "The session was closed.", *words):
        assert part in message
    assert SECRET not in message
    assert asked(server) == ["POST /auth/login", "PUT /sessions", "POST /auth/logout"]
    assert not site.is_open


def test_all_cookies_that_do_not_come_back_are_sent_to_log_out_and_named(serve):
    site = Site("SERVERID=node-1; Path=/", "ROUTE=a; Path=/other", COOKIE + "; Path=/; Secure")
    server = serve(site)
    with pytest.raises(ServerError) as refused:
        log_in(session_with(server).library)
    assert sorted(server.requests[2].headers["Cookie"].split("; ")) == [COOKIE, "ROUTE=a", "SERVERID=node-1"]
    assert "the cookie JSESSIONID: " in refused.value.message
    assert "the cookie ROUTE: " in refused.value.message
    assert "SERVERID" not in refused.value.message


@pytest.mark.parametrize("status", [401, 500])
def test_a_session_that_cannot_be_closed_is_said_to_stay(serve, status):
    server = serve(Site(COOKIE + "; Path=/; Secure", log_out=status))
    with pytest.raises(ServerError, match=r"could not be closed, and stays until the server ends it.*%d" % status):
        log_in(session_with(server).library)


def test_the_cookie_is_masked_where_the_server_repeats_it(serve):
    def answer(request):
        if request.path.endswith("/auth/logout"):
            return Reply(400, {"code": "ERR006", "message": "no " + request.headers["Cookie"]})
        return site(request)

    # It is not even kept.
    site = Site(COOKIE + "; Path=/; Domain=other.example")
    with pytest.raises(ServerError) as refused:
        log_in(session_with(serve(answer)).library)
    assert "ERR006" in refused.value.message
    assert SECRET not in refused.value.message


@pytest.mark.parametrize(
    "cookie",
    [
        COOKIE + "; Path=/; Secure",
        "TRACK=1; Domain=ads.example; Path=/",
        "TRACK=1; Path=/; Expires=" + at(-60),
    ],
)
def test_a_cookie_that_is_not_needed_is_no_failure_and_asked_about_once(serve, cookie):
    server = serve(Site(cookie, needs=None, date=at(-2 * HOUR)))
    library = session_with(server).library
    log_in(library)
    library.projects()
    assert asked(server) == ["POST /auth/login", "PUT /sessions", "GET /projects"]


# Cookies that go back, or that the server takes away itself.
FINE = {
    "plain": [COOKIE + "; Path=/MicroStrategyLibrary; HttpOnly"],
    "newer attributes": [COOKIE + "; Path=/; HttpOnly; SameSite=Strict; Partitioned; Priority=High"],
    "its own host as Domain": [COOKIE + "; Path=/; Domain=127.0.0.1"],
    "valid for a while": [COOKIE + "; Path=/; Max-Age=3600", "SERVERID=1; Path=/; Expires=" + at(HOUR)],
    "Max-Age beats Expires": [COOKIE + "; Path=/; Max-Age=3600; Expires=" + at(-HOUR)],
    "quoted": [COOKIE + "; Path=/", 'SERVERID="node 1"; Path=/'],
    "an = in it": [COOKIE + "; Path=/", "SERVERID=bm9kZQ==; Path=/"],
    "deleted by Max-Age": [COOKIE + "; Path=/", "OLD=x; Path=/other; Max-Age=0"],
    "deleted by a negative Max-Age": [COOKIE + "; Path=/", "OLD=x; Path=/; Max-Age=-1"],
    "deleted by Expires": [COOKIE + "; Path=/", "OLD=x; Path=/; Expires=Thu, 01-Jan-1970 00:00:10 GMT"],
    "deleted by an empty value": [COOKIE + "; Path=/", "OLD=; Path=/other"],
    "twice, the last one fits": ["JSESSIONID=old; Path=/; Secure", COOKIE + "; Path=/"],
    "deleted, then set": ["JSESSIONID=old; Path=/; Max-Age=0", COOKIE + "; Path=/"],
    "no cookie at all": [COOKIE + "; Path=/", "SRV; Path=/other", ""],
}


@pytest.mark.parametrize("cookies", FINE.values(), ids=FINE)
def test_cookies_that_come_back_or_are_deleted_are_not_asked_about(serve, cookies):
    server = serve(Site(*cookies))
    library = session_with(server).library
    log_in(library)
    library.projects()
    assert asked(server) == ["POST /auth/login", "GET /projects"]


def test_twice_the_same_name_of_which_the_wrong_one_comes_back(serve):
    server = serve(Site("JSESSIONID=old; Path=/", COOKIE + "; Path=/MicroStrategyLibrary; Secure"))
    with pytest.raises(ServerError, match=r"JSESSIONID.*Secure.*was closed"):
        log_in(session_with(server).library)
    # With the other one beside it, a server takes the first, or none.
    assert server.requests[2].headers["Cookie"] == COOKIE


def test_a_secure_cookie_comes_back_over_https(serve):
    server = serve(Site(COOKIE + "; Path=/; Secure"), tls=True)
    options = TransportOptions(server.base_url, timeout=5.0, ca_path=str(CERTIFICATE))
    log_in(Library(Transport(options)))
    assert asked(server) == ["POST /auth/login"]


def test_where_it_cannot_be_asked_the_calls_that_follow_show_it(serve):
    def answer(request):
        return Reply(500) if request.path.endswith("/sessions") else site(request)

    site = Site(COOKIE + "; Path=/; Secure")
    library = session_with(serve(answer)).library
    log_in(library)
    with pytest.raises(ServerError, match="401"):
        library.projects()
    assert site.is_open


def test_a_cookie_that_comes_with_a_redirect_goes_with_what_follows(serve):
    def answer(request):
        if request.path.endswith("/things"):
            moved = {"Location": "/MicroStrategyLibrary/api/moved", "Set-Cookie": "ROUTE=2; Path=/"}
            return Reply(302, headers=moved)
        return Reply(200, {})

    server = serve(answer)
    transport = session_with(server).library.transport
    transport.request("GET", "/things", "test", repeat=Repeat.SAFE)
    assert [request.headers["Cookie"] for request in server.requests] == [None, "ROUTE=2"]


GONE = Reply(401, {"code": "ERR009", "message": "The session has expired"})
LOGGED_IN = Reply(204, headers={"X-MSTR-AuthToken": "t0ken-of-tina"})


def test_a_session_that_never_worked_is_not_closed_by_a_401(serve):
    library = session_with(serve(LOGGED_IN, GONE)).library
    log_in(library)
    with pytest.raises(ServerError):
        library.projects()
    with pytest.raises(ServerError, match=r"log out: .*401.*never accepted"):
        library.log_out()


@pytest.mark.parametrize("works", [Reply(200, []), Reply(200, [{"id": "A" * 32, "name": "P"}])])
def test_a_session_that_worked_and_is_gone_needs_no_log_out(serve, works):
    library = session_with(serve(LOGGED_IN, works, GONE)).library
    log_in(library)
    library.projects()
    library.log_out()


def test_a_sign_in_page_does_not_show_that_a_session_works(serve):
    page = Reply(200, "<html>Sign in</html>", {"Content-Type": "text/html"})
    library = session_with(serve(LOGGED_IN, page, GONE)).library
    log_in(library)
    with pytest.raises(ServerError):
        library.projects()
    with pytest.raises(ServerError, match="never accepted"):
        library.log_out()


def test_a_cookie_of_some_calls_goes_with_these_alone(serve):
    server = serve(Site(COOKIE + "; Path=/MicroStrategyLibrary", "P=part; Path=/MicroStrategyLibrary/api/packages"))
    library = session_with(server).library
    log_in(library)
    for path in ("/projects", "/packages/1", "/projects", "/packages/2"):
        library.transport.request("DELETE", path, "release", repeat=Repeat.SAFE)
    sent = [(request.path, "P=part" in (request.headers["Cookie"] or "")) for request in server.requests]
    assert {path.rpartition("/api")[2]: is_sent for path, is_sent in sent if "/auth" not in path} == {
        "/sessions": False,
        "/projects": False,
        "/packages/1": True,
        "/packages/2": True,
    }
