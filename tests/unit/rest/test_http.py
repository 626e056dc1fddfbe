# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP session: what is sent again, where the token may go, and errors in words."""

from __future__ import annotations

import gc
import json
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from samples import Pauses, json_values
from scripted_server import CERTIFICATE, CLOSE, SILENCE, Reply, ScriptedServer, unused_port

from ansible_collections.mstr.migration.plugins.module_utils.errors import (
    ConnectionLost,
    Interrupted,
    MigrationError,
    ServerError,
)
from ansible_collections.mstr.migration.plugins.module_utils.rest.http import Repeat, Transport, TransportOptions
from ansible_collections.mstr.migration.plugins.module_utils.support import signals

TOKEN = "t0p-s3cret-t0ken"
OK = Reply(200, {"fine": True})


def transport_to(base_url, pauses=None, **options):
    options.setdefault("timeout", 5.0)
    pauses = Pauses() if pauses is None else pauses
    clock = getattr(pauses, "clock", time.monotonic)
    transport = Transport(TransportOptions(base_url, **options), sleep=pauses, clock=clock)
    transport.headers["X-MSTR-AuthToken"] = TOKEN
    return transport


def send(transport, method="GET", repeat=Repeat.SAFE, **kwargs):
    return transport.request(method, "/things", "do a thing", repeat=repeat, **kwargs)


FAILURES = {
    "429": Reply(429),
    "429 page": Reply(429, "<html>Too many requests", {"Content-Type": "text/html"}),
    "429 with Retry-After": Reply(429, headers={"Retry-After": "7"}),
    "503 with Retry-After": Reply(503, headers={"Retry-After": "7"}),
    "503": Reply(503),
    "500": Reply(500, {"code": "ERR001", "message": "General error."}),
    "502": Reply(502, "<html>Bad gateway</html>"),
    "504": Reply(504),
    "closed without an answer": CLOSE,
    "closed within the answer": Reply(200, "x" * 100, missing=50),
    "silence": SILENCE,
    "400": Reply(400, {"code": "ERR006"}),
    "401": Reply(401, {"code": "ERR003"}),
    "401 with Retry-After": Reply(401, {"code": "ERR003"}, {"Retry-After": "1"}),
    "403": Reply(403, {"code": "ERR014"}),
    "404": Reply(404, {"code": "ERR004"}),
}
# After which failures a request is sent again: one whose repetition changes nothing, and one that starts something.
SENT_AGAIN = {
    Repeat.SAFE: {
        "429",
        "429 page",
        "429 with Retry-After",
        "503 with Retry-After",
        "503",
        "500",
        "502",
        "504",
        "closed without an answer",
        "closed within the answer",
        "silence",
    },
    Repeat.REFUSED: {"429", "429 page", "429 with Retry-After", "503 with Retry-After"},
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("repeat", Repeat)
def test_a_request_is_sent_again_only_where_that_is_safe(serve, failure, repeat):
    server = serve(FAILURES[failure], OK)
    transport = transport_to(server.base_url, timeout=0.2 if failure == "silence" else 5.0)
    method = "GET" if repeat is Repeat.SAFE else "POST"
    if failure in SENT_AGAIN[repeat]:
        assert send(transport, method, repeat).json() == {"fine": True}
        assert len(server.requests) == 2
    else:
        with pytest.raises(MigrationError):
            send(transport, method, repeat)
        assert len(server.requests) == 1


@pytest.mark.parametrize("repeat", Repeat)
def test_a_refused_connection_is_tried_again_and_sends_once(serve, repeat):
    port = unused_port()
    servers = []
    transport = transport_to(
        "http://127.0.0.1:%d/MicroStrategyLibrary" % port, lambda seconds: servers.append(serve(OK, port=port))
    )
    assert send(transport, "POST", repeat).status_code == 200
    assert servers[0].paths == ["POST /MicroStrategyLibrary/api/things"]


@pytest.mark.parametrize("retries", [0, 3])
@pytest.mark.parametrize("failure", ["500", "502", "closed without an answer"])
def test_retries_end(serve, failure, retries):
    server = serve(FAILURES[failure])
    with pytest.raises(MigrationError):
        send(transport_to(server.base_url, retries=retries))
    assert len(server.requests) == 1 + retries


@pytest.mark.parametrize("repeat", Repeat)
@pytest.mark.parametrize("retries", [0, 3, 20])
@pytest.mark.parametrize("failure", ["429", "429 with Retry-After", "503 with Retry-After"])
def test_what_is_refused_for_now_is_given_up_by_time_and_not_by_count(serve, failure, retries, repeat):
    server, pauses = serve(FAILURES[failure]), Pauses()
    with pytest.raises(ServerError):
        send(transport_to(server.base_url, pauses, timeout=60.0, retries=retries), "POST", repeat)
    assert len(server.requests) >= 1 + retries
    # With 7 seconds between them, the wish for 20 of them takes longer.
    assert 60.0 <= pauses.time < max(68.0, 7.5 * retries)


def test_what_is_refused_for_a_while_gets_through_in_the_end(serve):
    server, pauses = serve(*[Reply(429)] * 15, OK), Pauses()
    assert send(transport_to(server.base_url, pauses, timeout=60.0, retries=0), "POST", Repeat.REFUSED).ok
    assert len(server.requests) == 16


def test_refusals_for_now_do_not_use_the_tries_up(serve):
    server = serve(Reply(429), Reply(502), *[Reply(429)] * 3, Reply(500), Reply(429), OK)
    assert send(transport_to(server.base_url, retries=2)).ok


LIMIT = {"Retry-After": "7", "X-RateLimit-Limit": "20", "RateLimit-Limit": "20, 20;w=1"}


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(429, {"message": "API rate limit exceeded"}, LIMIT), id="JSON"),
        pytest.param(Reply(429, "<html>Slow down", {"Content-Type": "text/html", **LIMIT}), id="page"),
        pytest.param(Reply(429, "", LIMIT), id="nothing"),
    ],
)
def test_a_limit_that_is_given_up_is_named_and_base_url_is_not_to_blame(serve, reply):
    with pytest.raises(ServerError) as refused:
        send(transport_to(serve(reply).base_url, timeout=60.0))
    message = refused.value.message
    for part in ("429", "limits how often", "Retry-After: 7", "X-RateLimit-Limit: 20", "RateLimit-Limit: 20, 20;w=1"):
        assert part in message
    for part in ("For 63 s no request got through", "timeout: 60 s", "limit raised", "fewer jobs"):
        assert part in message
    assert ("API rate limit exceeded" in message) is (isinstance(reply.body, dict))
    assert "base_url" not in message
    assert "<" not in message


def test_a_server_that_takes_no_requests_for_now_is_told_apart_from_a_limit(serve):
    page = Reply(503, "<html>Maintenance", {"Content-Type": "text/html", "Retry-After": "30"})
    with pytest.raises(ServerError) as refused:
        send(transport_to(serve(page).base_url))
    for part in ("503", "takes no requests for now", "Retry-After: 30", "Try again"):
        assert part in refused.value.message
    assert "base_url" not in refused.value.message


def test_the_header_of_a_limit_shows_no_secret_and_no_escape(serve):
    reply = Reply(429, headers={"X-RateLimit-Limit": "\x1b[31m %s %s" % (TOKEN, "x" * 500)})
    transport = transport_to(serve(reply).base_url)
    transport.hide(TOKEN)
    with pytest.raises(ServerError) as refused:
        send(transport)
    assert "\x1b" not in refused.value.message
    assert TOKEN not in refused.value.message
    assert len(refused.value.message) < 500


@pytest.mark.parametrize("failure", ["429", "429 with Retry-After", "503 with Retry-After", "502", "500"])
def test_once_the_task_is_told_to_stop_nothing_is_sent_again(serve, monkeypatch, failure):
    server, pauses = serve(FAILURES[failure]), Pauses()
    monkeypatch.setattr(signals, "_came", ["SIGTERM"])
    with pytest.raises(ServerError):
        send(transport_to(server.base_url, pauses))
    assert len(server.requests) == 1
    assert pauses == []


@pytest.mark.parametrize("failure", ["429", "429 with Retry-After", "502"])
def test_a_thread_that_waits_for_another_try_sends_nothing_once_the_task_is_told_to_stop(serve, monkeypatch, failure):
    server = serve(FAILURES[failure], OK)
    transport = transport_to(
        server.base_url, lambda seconds: monkeypatch.setattr(signals, "_came", ["SIGTERM"]), timeout=60.0
    )
    with pytest.raises(Interrupted):
        send(transport)
    assert len(server.requests) == 1


def test_one_limit_slows_all_threads_down_and_fails_none(serve):
    """Twenty look-ups a second, and sixteen threads that would do hundreds."""
    times, refusals = [], []
    lock = threading.Lock()

    def limited(request):
        now = time.monotonic()
        with lock:
            if len([moment for moment in times if moment > now - 1]) < 20:
                times.append(now)
                return OK
            refusals.append(now)
        return Reply(429)

    server = serve(limited)
    transport = transport_to(server.base_url, time.sleep, timeout=5.0, retries=0)
    done = []

    def work():
        for _number in range(4):
            done.append(send(transport).status_code)

    threads = [threading.Thread(target=work) for _number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(50)
    assert done == [200] * 64
    # Each thread on its own would have been refused about ten times.
    assert len(refusals) < 80


def test_threads_that_wait_in_vain_give_up_together(serve):
    server = serve(Reply(429, headers={"Retry-After": "1"}))
    transport = transport_to(server.base_url, time.sleep, timeout=1.5, retries=0)
    failures = []

    def work():
        with pytest.raises(ServerError) as refused:
            send(transport)
        failures.append((time.monotonic(), refused.value.message))

    before = time.monotonic()
    threads = [threading.Thread(target=work) for _number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(50)
    assert ["no request got through" in message for _moment, message in failures] == [True] * 16
    # One after the other they would wait for a second each.
    assert max(moment for moment, _message in failures) - before < 8


def test_pauses_follow_the_server_or_grow(serve):
    pauses = Pauses()
    send(transport_to(serve(FAILURES["429 with Retry-After"], OK).base_url, pauses, timeout=60.0))
    assert pauses == [7.0]
    pauses.clear()
    with pytest.raises(ServerError):
        send(transport_to(serve(Reply(502)).base_url, pauses))
    assert len(pauses) == 3
    assert 0 < pauses[0] < pauses[1] < pauses[2] < 10


@pytest.mark.parametrize(
    ("after", "date", "pause"),
    [
        # By the server's own clock, which has nothing to do with this one.
        ("Wed, 21 Oct 2015 07:28:09 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", 9.0),
        ("Wednesday, 21-Oct-15 07:28:09 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", 9.0),
        ("Wed, 21 Oct 2015 09:28:00 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", 60.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", "yesterday", 1.0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_may_be_a_date(serve, status, after, date, pause):
    pauses = Pauses()
    server = serve(Reply(status, headers={"Retry-After": after, "Date": date}), OK)
    assert send(transport_to(server.base_url, pauses)).ok
    assert pauses == [pause]


@pytest.mark.parametrize(
    "value", ["0", "-5", "nan", "inf", "1e300", "soon", "Wed, 21 Oct 2015 07:28:00 GMT", "9" * 400]
)
def test_an_odd_retry_after_is_no_crash_and_no_endless_pause(serve, value):
    pauses = Pauses()
    assert send(transport_to(serve(Reply(503, headers={"Retry-After": value}), OK).base_url, pauses)).status_code == 200
    assert all(0 <= pause <= 60 for pause in pauses)


@pytest.mark.parametrize(("failure", "sent"), [(CLOSE, True), (SILENCE, True), (None, False)])
def test_a_lost_connection_tells_whether_the_request_may_have_arrived(serve, failure, sent):
    base_url = serve(failure).base_url if failure else "http://127.0.0.1:%d/x" % unused_port()
    with pytest.raises(ConnectionLost) as lost:
        send(transport_to(base_url, timeout=0.2, retries=0), "POST", Repeat.REFUSED)
    assert lost.value.sent is sent
    assert lost.value.message.startswith("do a thing: ")
    assert TOKEN not in lost.value.message


def test_an_answer_may_take_longer_than_the_time_limit_where_the_caller_says_so(serve):
    def late(request):
        server.stopping.wait(0.3)
        return OK

    server = serve(late)
    transport = transport_to(server.base_url, timeout=0.1, retries=0)
    assert send(transport, "PUT", answer_timeout=5.0).status_code == 200
    with pytest.raises(ConnectionLost):
        send(transport, "PUT")


# Where else a redirect may lead; {port} is another server's, {own} the server's own.
ELSEWHERE = (
    "http://127.0.0.1:{port}/x",
    "//127.0.0.1:{port}/x",
    "http://user@127.0.0.1:{port}/x",
    "http://127.0.0.1:{own}@127.0.0.1:{port}/x",
    "http://127.0.0.1:{port}\\@127.0.0.1:{own}/x",
    "//127.0.0.1:{port}\\@127.0.0.1:{own}/x",
    "http://localhost:{own}/x",
    "https://127.0.0.1:{own}/x",
    "ftp://127.0.0.1:{own}/x",
    "http://127.0.0.1:99999/x",
    "http://[",
)


@pytest.mark.parametrize("location", ELSEWHERE)
@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect_to_another_origin_is_refused_and_takes_no_token_there(serve, location, status):
    other = serve(OK)
    server = serve(
        lambda request: Reply(status, headers={"Location": location.format(port=other.port, own=server.port)})
    )
    with pytest.raises(MigrationError) as refused:
        send(transport_to(server.base_url, retries=0))
    assert other.requests == []
    assert len(server.requests) == 1
    assert TOKEN not in refused.value.message


def test_the_refusal_of_a_redirect_says_where_it_led_and_what_to_do(serve):
    server = serve(Reply(302, headers={"Location": "https://sso.example.com/login?ticket=1"}))
    with pytest.raises(ServerError, match=r"https://sso\.example\.com/login.*base_url") as refused:
        send(transport_to(server.base_url))
    assert "ticket=1" not in refused.value.message


@pytest.mark.parametrize("location", ["/moved/things?a=1", "{origin}/moved/things?a=1"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_within_the_origin_is_followed_with_the_token(serve, location, status):
    server = serve(lambda request: OK if "moved" in request.path else moved)
    moved = Reply(status, headers={"Location": location.format(origin=server.origin)})
    assert send(transport_to(server.base_url), params={"type": "3"}).json() == {"fine": True}
    assert server.paths == ["GET /MicroStrategyLibrary/api/things?type=3", "GET /moved/things?a=1"]
    assert server.requests[1].headers["X-MSTR-AuthToken"] == TOKEN


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_only_a_read_follows_a_redirect(serve, method, status):
    server = serve(Reply(status, headers={"Location": "/moved"}))
    with pytest.raises(ServerError, match="base_url"):
        send(transport_to(server.base_url), method)
    assert len(server.requests) == 1


@pytest.mark.parametrize("headers", [{"Location": "/again"}, {}])
def test_redirects_end(serve, headers):
    server = serve(Reply(302, headers=headers))
    with pytest.raises(ServerError, match="redirects"):
        send(transport_to(server.base_url))
    assert len(server.requests) < 20


def refusal(serve, reply, **options):
    with pytest.raises(ServerError) as refused:
        send(transport_to(serve(reply).base_url, retries=0, **options))
    return refused.value


ERROR = {"code": "ERR006", "iServerCode": -2147072488, "message": "Invalid input.", "ticketId": "5a1c"}


def test_the_parts_of_an_error_name_the_objects(serve):
    missing = {"message": "Not in the metadata.", "iServerCode": -2147216373}
    about = {"objectId": "A" * 32, "objectName": "Revenue\x1b[31m"}
    parts = [
        {**missing, "additionalProperties": about},
        {"message": "Only a message"},
        {},
        None,
        "text",
        {"additionalProperties": []},
    ]
    error = refusal(serve, Reply(400, {**ERROR, "subErrors": parts}))
    assert (
        'object %s "Revenue\\x1b[31m": Not in the metadata, iServerCode -2147216373; Only a message' % ("A" * 32)
        in error.message
    )
    many = refusal(serve, Reply(400, {**ERROR, "subErrors": [missing] * 9}))
    assert many.message.count("Not in the metadata") == 5
    assert "and 4 more" in many.message
    for odd in ({}, "text", [[]], 7):
        assert refusal(serve, Reply(400, {**ERROR, "subErrors": odd})).code == "ERR006"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        *((status, {**ERROR, "iServerCode": -2147072486}) for status in (429, 500, 503)),
        # As the modeling service says it.
        (500, {"errors": [{"code": "8004cb0a", "message": "Too many.", "additionalProperties": {}}]}),
    ],
)
def test_a_user_with_too_many_sessions_is_told_at_once(serve, status, body):
    server = serve(Reply(status, body, {"Retry-After": "1"}))
    with pytest.raises(ServerError, match="as many sessions as the server allows"):
        send(transport_to(server.base_url, retries=3))
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", [ERROR, {"errors": [ERROR]}], ids=["plain", "wrapped"])
def test_an_error_says_step_status_code_message_ticket_and_iserver_code(serve, body):
    error = refusal(serve, Reply(400, body))
    for part in ("do a thing", "400", "ERR006", "-2147072488", "Invalid input", "5a1c"):
        assert part in error.message
    assert (error.status, error.code, error.iserver_code) == (400, "ERR006", -2147072488)
    assert error.details["http_status"] == 400


@pytest.mark.parametrize("value", [-2147216373, "-2147216373"])
def test_an_iserver_code_may_be_a_number_or_text(serve, value):
    assert refusal(serve, Reply(400, {"code": "ERR002", "iServerCode": value})).iserver_code == -2147216373


@pytest.fixture
def _nothing_is_collected():
    """Keep what other tests left from being finalized where a parser is as deep as Python lets it go."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize(
    "body",
    ["<html><body>Proxy error</body></html>", "", b"\xff\xfe\x00", "[]", '"no"', '{"errors": [1]}', "[" * 60_000],
    ids=lambda body: repr(body[:10]),
)
@pytest.mark.parametrize("status", [400, 404, 500, 503])
@pytest.mark.usefixtures("_nothing_is_collected")
def test_an_error_that_is_no_documented_one_still_has_its_status_and_shows_no_page(serve, body, status):
    error = refusal(serve, Reply(status, body, {"Content-Type": "text/html"}))
    assert str(status) in error.message
    assert error.code is None
    assert "<" not in error.message
    assert "Proxy error" not in error.message


@pytest.mark.parametrize("size", [1000, 100_000, 2_000_000])
def test_a_long_error_text_is_cut_and_its_code_is_kept(serve, size):
    error = refusal(serve, Reply(400, {"message": "Bad " * (size // 4), "code": "ERR006", "ticketId": "5a1c"}))
    assert len(error.message) < 2000
    assert "Bad Bad" in error.message
    assert error.code == "ERR006"
    assert "5a1c" in error.message


def test_terminal_escapes_in_an_error_do_not_get_through(serve):
    error = refusal(serve, Reply(400, {"code": "\x1b]0;x\x07", "message": "a\x1b[2Jb\nc", "ticketId": "\u202e"}))
    assert not set("\x1b\x07\n\u202e") & set(error.message)


@pytest.fixture(scope="module", name="any_answer")
def server_for_any_answer():
    server = ScriptedServer(lambda request: server.reply)
    yield server
    server.stop()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=json_values)
def test_any_json_in_an_error_is_an_error_in_words(any_answer, body):
    for document in (body, {"errors": [body]}, dict.fromkeys(("code", "message", "ticketId", "iServerCode"), body)):
        any_answer.reply = Reply(400, json.dumps(document))
        with pytest.raises(ServerError, match="400"):
            send(transport_to(any_answer.base_url))


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, {"code": "ERR003"}, "not tried again"),
        (401, {"code": "ERR009"}, "log in again"),
        (403, {"code": "ERR014"}, "privileges"),
        (404, {"message": "HTTP 404 Not Found"}, "version"),
        (405, {}, "version"),
        (413, "<html>", "larger"),
    ],
)
def test_common_errors_come_with_advice(serve, status, body, words):
    assert words in refusal(serve, Reply(status, body)).message


@pytest.mark.parametrize("variable", ["NETRC", "HOME"])
def test_netrc_is_never_read(serve, tmp_path, monkeypatch, variable):
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1\nlogin enno\npassword n3trc\n")
    netrc.chmod(0o600)
    monkeypatch.setenv(variable, str(netrc if variable == "NETRC" else tmp_path))
    server = serve(OK)
    send(transport_to(server.base_url))
    assert server.requests[0].headers["Authorization"] is None


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_a_proxy_of_the_environment_is_used(serve, monkeypatch, variable):
    proxy = serve(OK)
    monkeypatch.setenv(variable, proxy.origin)
    assert send(transport_to("http://mstr.example.invalid/Library")).status_code == 200
    assert proxy.paths == ["GET http://mstr.example.invalid/Library/api/things"]


@pytest.mark.parametrize("no_proxy", ["127.0.0.1", "*", "example.com,127.0.0.0/8"])
def test_no_proxy_is_honoured(serve, monkeypatch, no_proxy):
    proxy, server = serve(OK), serve(OK)
    monkeypatch.setenv("http_proxy", proxy.origin)
    monkeypatch.setenv("no_proxy", no_proxy)
    send(transport_to(server.base_url))
    assert (len(proxy.requests), len(server.requests)) == (0, 1)


@pytest.mark.parametrize("failure", [CLOSE, SILENCE, Reply(502), Reply(504), Reply(200, "x" * 9, missing=5)])
def test_a_proxy_that_took_the_request_gets_no_second_one(serve, monkeypatch, failure):
    proxy = serve(failure)
    monkeypatch.setenv("http_proxy", proxy.origin)
    with pytest.raises(MigrationError) as lost:
        send(transport_to("http://mstr.example.invalid/Library", timeout=0.3), "POST", Repeat.REFUSED)
    assert len(proxy.requests) == 1
    assert getattr(lost.value, "sent", True) is True


@pytest.fixture(name="foreign_ca")
def ca_that_signed_nothing_here(tmp_path, monkeypatch):
    def use(variable):
        # Not the server's, and not even a certificate.
        path = tmp_path / "ca.pem"
        path.write_text("nothing")
        monkeypatch.setenv(variable, str(path))

    return use


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_validate_certs_false_beats_the_environments_ca_bundle(serve, foreign_ca, variable):
    foreign_ca(variable)
    server = serve(OK, tls=True)
    assert send(transport_to(server.base_url, validate_certs=False)).status_code == 200


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environments_ca_bundle_is_used_and_ca_path_beats_it(serve, monkeypatch, foreign_ca, variable):
    server = serve(OK, tls=True)
    monkeypatch.setenv(variable, str(CERTIFICATE))
    assert send(transport_to(server.base_url)).status_code == 200
    foreign_ca(variable)
    assert send(transport_to(server.base_url, ca_path=str(CERTIFICATE))).status_code == 200


@pytest.mark.parametrize("repeat", Repeat)
def test_a_certificate_that_nobody_vouches_for_is_refused_once_with_advice(serve, repeat):
    server = serve(OK, tls=True)
    pauses = Pauses()
    with pytest.raises(ConnectionLost, match="ca_path"):
        send(transport_to(server.base_url, pauses), "POST", repeat)
    assert server.requests == []
    assert pauses == []


def test_cookies_of_a_session_go_on_in_another_task(serve):
    server = serve(Reply(200, headers={"Set-Cookie": "JSESSIONID=a1; Path=/MicroStrategyLibrary; HttpOnly"}), OK)
    first, second = transport_to(server.base_url), transport_to(server.base_url)
    send(first)
    second.set_cookies(json.loads(json.dumps(first.cookies())))
    send(second)
    assert server.requests[1].headers["Cookie"] == "JSESSIONID=a1"


def test_many_reads_carry_what_is_new_since_the_first(serve):
    brings = [Reply(200, headers={"Set-Cookie": "route=%d; Path=/" % number}) for number in (1, 2)]
    server = serve(OK, brings[0], OK, brings[1], OK)
    transport = transport_to(server.base_url)
    del transport.headers["X-MSTR-AuthToken"]

    def read(path, **options):
        transport.request("GET", path, "test", repeat=Repeat.SAFE, **options)

    read("/a b", params={"type": "4", "name": "x&y"}, headers={"X-MSTR-ProjectID": "P"})
    read("/two", headers={"X-MSTR-ProjectID": "P"})
    read("/three", headers={"X-MSTR-ProjectID": "P"})
    transport.request("POST", "/four", "test", repeat=Repeat.REFUSED)
    transport.headers["X-MSTR-AuthToken"] = "t0ken"
    read("/five")
    sent = [request.headers for request in server.requests]
    assert [headers.get("Cookie") for headers in sent] == [None, None, "route=1", "route=1", "route=2"]
    assert [headers.get("X-MSTR-ProjectID") for headers in sent] == ["P", "P", "P", None, None]
    assert [headers.get("X-MSTR-AuthToken") for headers in sent] == [None, None, None, None, "t0ken"]
    assert server.requests[0].path.endswith("/api/a%20b?type=4&name=x%26y")
    assert len({request.connection for request in server.requests}) == 1


def test_a_cookie_may_go_while_another_thread_goes_through_them(serve):
    kept, dropped = ("%s=a1%%s; Path=/MicroStrategyLibrary" % name for name in ("JSESSIONID", "route"))
    server = serve(
        Reply(200, headers={"Set-Cookie": kept % ""}),
        Reply(200, headers={"Set-Cookie": dropped % ""}),
        Reply(200, headers={"Set-Cookie": dropped % "; Max-Age=0"}),
    )
    transport = transport_to(server.base_url)
    send(transport)
    send(transport)
    # As requests does for each request, and what is to be masked is found.
    other_thread = iter(transport._session.cookies)
    first = next(other_thread)
    send(transport)
    assert [cookie.name for cookie in (first, *other_thread)] == ["JSESSIONID", "route"]
    assert [cookie["name"] for cookie in transport.cookies()] == ["JSESSIONID"]


def test_connections_are_kept_until_fresh_ones_are_asked_for(serve):
    server = serve(OK)
    transport = transport_to(server.base_url)
    send(transport)
    send(transport)
    transport.fresh_connections()
    send(transport)
    first, second, third = (request.connection for request in server.requests)
    assert first == second != third
