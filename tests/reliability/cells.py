# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The matrix: every call of the workflows, every fault, and the rules that say which of them go together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ONCE, ALWAYS = "once", "always"
# What the double is told is no fault of a call, but how the whole server is.
SETTINGS = "settings"

# The workflows, see workflows.py.
ONE_TASK, ROLE, TAKE_BACK, AROUND, EDITED, BUILD = "A", "B", "C", "D", "E", "F"
# Those in which nothing is imported.
READING = (EDITED, BUILD)

# Objects of the package; each is looked up.
OBJECTS = 3
JSON, BINARY, HEADER, NOTHING = "JSON", "binary", "header", "nothing"


@dataclass(frozen=True)
class Call:
    """A call of a workflow.

    Attributes:
        name: What the table calls it.
        method: Its method.
        path: Its path below /api, as a regular expression.
        answers: Where the answer says what the client needs: in a body of JSON or of bytes, in a header, in its status.
        step: What the messages of the collection call it.
        skip: How many calls of the same kind the workflow makes before.
        needs_session: Whether it needs a log-in.
        fields: The fields of the answer that the client needs, as the fault ``remove`` takes them.
        status_word: Whether the answer has a status word.
        progress: Whether the answer says how far an import is.
        sends: Whether it sends more than its path.
        releases: Whether it releases something that the server holds.
        waits: Whether it is repeated until a time limit of its own, or its answer is waited for so long.
        spare: Whether the run goes on without its answer, whatever breaks.
    """

    name: str
    method: str
    path: str
    answers: str
    step: str
    skip: int = 0
    needs_session: bool = True
    fields: tuple[str, ...] = ()
    status_word: bool = False
    progress: bool = False
    sends: bool = False
    releases: bool = False
    waits: bool = False
    spare: bool = False

    @property
    def reads(self) -> bool:
        return self.method == "GET"


STATUS = Call("GET /status", "GET", "^/status$", JSON, "ask for the server's version", needs_session=False)
LOG_IN = Call("POST /auth/login", "POST", "^/auth/login$", HEADER, "log in", needs_session=False, sends=True)
PROJECTS = Call("GET /projects", "GET", "^/projects$", JSON, "list the projects", fields=("*.id", "*.name"))
# The preflight, whose calls are sent side by side, in any order; in a run that takes back, the first comes before.
REPOSITORY = Call(
    "GET /configurations/repository", "GET", "^/configurations/", JSON, "ask which metadata this is", spare=True
)
PREFLIGHT = (
    REPOSITORY,
    Call("GET /sessions/privileges", "GET", "^/sessions/privileges$", JSON, "list the user's privileges", spare=True),
    Call("GET /monitors/iServer/nodes", "GET", "^/monitors/", JSON, "list the nodes", spare=True),
    Call(
        "GET /projects/{id}/lock", "GET", "^/projects/[^/]+/lock$", JSON, "look for a lock on the project", spare=True
    ),
    Call("GET /model/schema/lock", "GET", "^/model/schema/lock$", JSON, "look for a lock on the schema", spare=True),
)
SIDE_BY_SIDE = tuple(sorted(call.name for call in PREFLIGHT))
# So is who edited objects, and who the user is.
ASKED_OF_EDITORS = ("GET /changeJournal/{id}", "GET /sessions/userInfo", "POST /changeJournal")
CREATE = Call(
    "POST /packages", "POST", "^/packages$", JSON, "create an empty package", fields=("id",), status_word=True
)
UPLOAD = Call(
    "PUT /packages/{id}/binary",
    "PUT",
    "^/packages/[^/]+/binary$",
    JSON,
    "upload the package",
    fields=("status",),
    status_word=True,
    sends=True,
    waits=True,
)
START = Call(
    "POST /packages/imports",
    "POST",
    "^/packages/imports$",
    JSON,
    "start the import",
    fields=("id", "status"),
    status_word=True,
    progress=True,
)
UNDO = Call(
    "GET /packages/imports/{id}/undoPackage/binary",
    "GET",
    "/undoPackage/binary$",
    BINARY,
    "download the undo package",
    waits=True,
)
DELETE_IMPORT = Call(
    "DELETE /packages/imports/{id}",
    "DELETE",
    "^/packages/imports/",
    NOTHING,
    "release the import process",
    releases=True,
)
DELETE_PACKAGE = Call(
    "DELETE /packages/{id}", "DELETE", "^/packages/[^/]+$", NOTHING, "release the package", releases=True
)
LOG_OUT = Call("POST /auth/logout", "POST", "^/auth/logout$", NOTHING, "log out", releases=True)


def look_up(when: str, rounds: int) -> Call:
    """The look-ups of the package's objects, after so many rounds of them."""
    name = "GET /objects/{id}" + (", %s" % when if when else "")
    # A version that is missing is none that is needed: it means that objects cannot be compared.
    return Call(name, "GET", "^/objects/", JSON, "look up object", skip=rounds * OBJECTS)


LOOK_UP = look_up("", 0)


def read_package(when: str, skip: int) -> Call:
    """The question what a package holds."""
    name = "GET /packages/{id}" + (", %s" % when if when else "")
    fields = ("id", "status", "content")
    return Call(
        name, "GET", "^/packages/[^/]+$", JSON, "read the package", skip, fields=fields, status_word=True, waits=True
    )


def poll(when: str, skip: int) -> Call:
    """The question how far an import is."""
    name = "GET /packages/imports/{id}" + (", %s" % when if when else "")
    return Call(
        name,
        "GET",
        "^/packages/imports/[^/]+$",
        JSON,
        "ask how far the import is",
        skip,
        fields=("id", "status"),
        status_word=True,
        progress=True,
        waits=True,
    )


def nodes(when: str, skip: int) -> Call:
    """The question what the project is on each node."""
    name = "GET /monitors/iServer/nodes, %s" % when
    return Call(name, "GET", "^/monitors/iServer/nodes$", JSON, "list the nodes", skip, fields=("nodes",), waits=True)


def change_state(when: str, skip: int) -> Call:
    """The change of what the project is."""
    name = "PATCH /monitors/projects/status, %s" % when
    return Call(name, "PATCH", "^/monitors/projects/status$", NOTHING, "change the state of the project", skip)


def purge(kind: str) -> Call:
    """The purge of caches."""
    name = "DELETE /monitors/projects/{id}/caches/%s" % kind
    return Call(name, "DELETE", "^/monitors/projects/[^/]+/caches/%s$" % kind, NOTHING, "purge the %s caches" % kind)


# Nothing fails by it: that the session, or the server, is gone shows in the call after it.
CONNECTIONS = Call(
    "GET /monitors/userConnections",
    "GET",
    "^/monitors/userConnections$",
    JSON,
    "",
    fields=("userConnections",),
)
RELOAD = Call(
    "POST /model/schema/reload",
    "POST",
    "^/model/schema/reload$",
    JSON,
    "reload the schema",
    fields=("id", "status"),
    status_word=True,
)
TASK = Call(
    "GET /model/tasks/{id}",
    "GET",
    "^/model/tasks/",
    JSON,
    "reload of the schema",
    fields=("id", "status"),
    status_word=True,
    waits=True,
)

JOURNAL = (
    Call("POST /changeJournal", "POST", "^/changeJournal$", JSON, "search the change journal", spare=True),
    Call("GET /changeJournal/{id}", "GET", "^/changeJournal/", JSON, "read the change journal", spare=True),
)


def searching(when: str, skip: int) -> tuple[Call, Call]:
    """A search of the metadata, and the page that it has found."""
    start = Call(
        "POST /v2/metadataSearches/results, " + when,
        "POST",
        "^/v2/metadataSearches/results$",
        JSON,
        "search the metadata",
        skip,
        fields=("id",),
        sends=True,
        waits=True,
    )
    page = Call(
        "GET /metadataSearches/results, " + when,
        "GET",
        "^/metadataSearches/results$",
        JSON,
        "search the metadata",
        skip,
        fields=("*.id",),
    )
    return start, page


DEFINE = Call("PUT /packages/{id}", "PUT", "^/packages/[^/]+$", NOTHING, "build the package", sends=True)
DOWNLOAD = Call(
    "GET /packages/{id}/binary", "GET", "^/packages/[^/]+/binary$", BINARY, "download the package", waits=True
)

RELEASE = (DELETE_IMPORT, DELETE_PACKAGE, LOG_OUT)
UPLOADING = (PROJECTS, *PREFLIGHT, CREATE, UPLOAD)

CALLS: dict[str, tuple[Call, ...]] = {
    ONE_TASK: (
        STATUS,
        LOG_IN,
        *UPLOADING,
        read_package("", 0),
        look_up("", 0),
        START,
        poll("", 0),
        poll("for the undo package", 1),
        UNDO,
        look_up("verifying", 1),
        *RELEASE,
    ),
    ROLE: (
        STATUS,
        LOG_IN,
        *UPLOADING,
        read_package("planning", 0),
        look_up("planning", 0),
        look_up("carrying out", 1),
        read_package("importing", 1),
        START,
        poll("", 0),
        poll("for the undo package", 1),
        UNDO,
        look_up("verifying", 2),
        *RELEASE,
    ),
    TAKE_BACK: (
        STATUS,
        LOG_IN,
        REPOSITORY,
        PROJECTS,
        *PREFLIGHT[1:],
        CREATE,
        UPLOAD,
        read_package("", 0),
        look_up("", 0),
        START,
        poll("", 0),
        look_up("verifying", 1),
        *RELEASE,
    ),
    # The others are those of the role.
    AROUND: (
        nodes("before", 0),
        CONNECTIONS,
        change_state("idling", 0),
        nodes("idling", 1),
        RELOAD,
        TASK,
        purge("element"),
        purge("object"),
        nodes("after", 2),
        change_state("restoring", 1),
        nodes("restoring", 3),
    ),
    # The others are those of a plan.
    EDITED: JOURNAL,
    BUILD: (
        STATUS,
        LOG_IN,
        PROJECTS,
        *searching("choosing", 0),
        CREATE,
        DEFINE,
        read_package("until it is built", 0),
        *searching("what it needs", 1),
        DOWNLOAD,
        DELETE_PACKAGE,
        LOG_OUT,
    ),
}

# The calls of a run in which nothing breaks, in order. That a call is hit shows in the run itself; this shows that the
# list above has them all, and tells which call comes before another.
COURSE: dict[str, tuple[str, ...]] = {
    ONE_TASK: (
        "GET /status",
        "POST /auth/login",
        "GET /projects",
        *SIDE_BY_SIDE,
        "POST /packages",
        "PUT /packages/{id}/binary",
        "GET /packages/{id}",
        *["GET /objects/{id}"] * OBJECTS,
        "POST /packages/imports",
        "GET /packages/imports/{id}",
        "GET /packages/imports/{id}",
        "GET /packages/imports/{id}/undoPackage/binary",
        *["GET /objects/{id}"] * OBJECTS,
        "DELETE /packages/imports/{id}",
        "DELETE /packages/{id}",
        "POST /auth/logout",
    ),
    ROLE: (
        "GET /status",
        "POST /auth/login",
        "GET /projects",
        *SIDE_BY_SIDE,
        "POST /packages",
        "PUT /packages/{id}/binary",
        "GET /packages/{id}",
        *["GET /objects/{id}"] * OBJECTS,
        "GET /packages/{id}",
        *["GET /objects/{id}"] * OBJECTS,
        "POST /packages/imports",
        "GET /packages/imports/{id}",
        "GET /packages/imports/{id}",
        "GET /packages/imports/{id}/undoPackage/binary",
        *["GET /objects/{id}"] * OBJECTS,
        "DELETE /packages/imports/{id}",
        "DELETE /packages/{id}",
        "POST /auth/logout",
    ),
    TAKE_BACK: (
        "GET /status",
        "POST /auth/login",
        REPOSITORY.name,
        "GET /projects",
        *(name for name in SIDE_BY_SIDE if name != REPOSITORY.name),
        "POST /packages",
        "PUT /packages/{id}/binary",
        "GET /packages/{id}",
        *["GET /objects/{id}"] * OBJECTS,
        "POST /packages/imports",
        "GET /packages/imports/{id}",
        *["GET /objects/{id}"] * OBJECTS,
        "DELETE /packages/imports/{id}",
        "DELETE /packages/{id}",
        "POST /auth/logout",
    ),
    AROUND: (
        "GET /status",
        "POST /auth/login",
        "GET /projects",
        "GET /configurations/repository",
        "POST /packages",
        "PUT /packages/{id}/binary",
        "GET /packages/{id}",
        *["GET /objects/{id}"] * OBJECTS,
        "GET /monitors/iServer/nodes",
        "GET /monitors/userConnections",
        "PATCH /monitors/projects/status",
        "GET /monitors/iServer/nodes",
        "GET /packages/{id}",
        *["GET /objects/{id}"] * OBJECTS,
        "POST /packages/imports",
        "GET /packages/imports/{id}",
        "GET /packages/imports/{id}",
        "GET /packages/imports/{id}/undoPackage/binary",
        *["GET /objects/{id}"] * OBJECTS,
        "POST /model/schema/reload",
        "GET /model/tasks/{id}",
        "DELETE /monitors/projects/{id}/caches/element",
        "DELETE /monitors/projects/{id}/caches/object",
        "GET /monitors/iServer/nodes",
        "PATCH /monitors/projects/status",
        "GET /monitors/iServer/nodes",
        "DELETE /packages/imports/{id}",
        "DELETE /packages/{id}",
        "POST /auth/logout",
    ),
    EDITED: (
        "GET /status",
        "POST /auth/login",
        "GET /projects",
        "GET /configurations/repository",
        "POST /packages",
        "PUT /packages/{id}/binary",
        "GET /packages/{id}",
        *["GET /objects/{id}"] * OBJECTS,
        *ASKED_OF_EDITORS,
        "DELETE /packages/{id}",
        "POST /auth/logout",
    ),
    BUILD: (
        "GET /status",
        "POST /auth/login",
        "GET /projects",
        "POST /v2/metadataSearches/results",
        "GET /metadataSearches/results",
        "POST /packages",
        "PUT /packages/{id}",
        "GET /packages/{id}",
        "POST /v2/metadataSearches/results",
        "GET /metadataSearches/results",
        "GET /packages/{id}/binary",
        "DELETE /packages/{id}",
        "POST /auth/logout",
    ),
}


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        name: What the table calls it.
        about: What it is.
        group: The part of the table that it is in.
        make: Returns what the double is told, for a call.
        fits: Whether it makes sense for a call.
        times: Whether it strikes once, always, or each in a cell of its own.
        silent: Whether the client sees it by nothing coming, so that its time limit must be short.
        unreachable: Whether all later calls break as well.
        says: What a message about it says at least, besides the step; empty for nothing sure.
        alike: Whether the client takes it alike in every step of every workflow, see ``ALIKE_IN``.
    """

    name: str
    about: str
    group: str
    make: Callable[[Call], dict[str, Any]]
    fits: Callable[[Call], bool] = lambda call: True
    times: tuple[str, ...] = (ONCE, ALWAYS)
    silent: bool = False
    unreachable: bool = False
    says: str = ""
    alike: bool = False


def answer(status: int, body: Any = "", **more: Any) -> Callable[[Call], dict[str, Any]]:
    return lambda _call: {"kind": "status", "status": status, "body": body, **more}


def error(code: str, message: str) -> dict[str, Any]:
    return {"code": code, "message": message, "ticketId": "0a1b2c"}


def page(status: int, title: str, **more: Any) -> Callable[[Call], dict[str, Any]]:
    """A proxy's answer."""
    text = "<html><head><title>%d %s</title></head><body><h1>%s</h1></body></html>" % (status, title, title)
    return answer(status, text, content_type="text/html", **more)


# Of an undo package of LARGE bytes. It comes in several pieces, of which some are written before it breaks off.
LARGE, MOST_OF_IT = 1_000_000, 900_000


def has_body(call: Call) -> bool:
    return call.answers in (JSON, BINARY)


def writes(call: Call) -> bool:
    return not call.reads


def expired(call: Call) -> dict[str, Any]:
    if call.needs_session:
        return {"kind": "expire"}
    return {"kind": "status", "status": 401, "body": error("ERR003", "Login failed")}


def rant(call: Call) -> dict[str, Any]:
    said = LOGIN_RANT if call is LOG_IN else RANT
    return {"kind": "status", "status": 500, "body": error("ERR001", said)}


def cut(call: Call) -> dict[str, Any]:
    return {"kind": "cut", "bytes": 7 if call.answers == JSON else MOST_OF_IT}


def encoded_and_cut(call: Call) -> dict[str, Any]:
    return {"kind": "encoded", "encoding": "gzip", "cut": 12 if call.answers == JSON else 200}


def not_a_package(_call: Call) -> dict[str, Any]:
    return {
        "kind": "body",
        "json": error("ERR002", "The gateway is broken"),
        "content_type": "application/octet-stream",
    }


def malformed(_call: Call) -> dict[str, Any]:
    return {
        "kind": "status",
        "status": 200,
        "act": True,
        "body": '{"id": "', "content_type": "application/json",
    }  # fmt: skip


def missing(call: Call) -> dict[str, Any]:
    if call.answers == HEADER:
        # The token is a header, so an answer without it lacks what is needed most.
        return {"kind": "status", "status": 204, "act": True}
    return {"kind": "remove", "fields": list(call.fields)}


# What a careless server might say: long, as HTML, with colours, and with the secret of the caller.
RANT = "<html><b>Failure</b> for token={token}\n\x1b[31m" + "at com.example.Frame.invoke " * 8000
# Both secrets that log-ins send, since the password is the beginning of the API token.
LOGIN_RANT = RANT.replace("{token}", "library-demo-token")

CONNECTION, REFUSALS, SERVER, ANSWERS = "connections", "refusals", "errors of the server", "answers"
GROUPS = (CONNECTION, REFUSALS, SERVER, ANSWERS)

FAULTS: tuple[Fault, ...] = (
    Fault(
        "refused",
        "the connection is refused; once: for 0.6 s, with 3 retries",
        CONNECTION,
        # Set upon the call before; see workflows.py.
        lambda _call: {"kind": "refuse"},
        unreachable=True,
        says="connect",
    ),
    Fault(
        "reset before",
        "TCP reset before the server acts",
        CONNECTION,
        lambda _call: {"kind": "reset", "when": "before"},
        says="broke",
    ),
    Fault(
        "reset after",
        "TCP reset after it acted",
        CONNECTION,
        lambda _call: {"kind": "reset", "when": "after"},
        says="broke",
    ),
    Fault("cut", "the connection ends in the middle of the answer", CONNECTION, cut, has_body, says="broke"),
    Fault(
        "silent",
        "no answer in time; the server has acted",
        CONNECTION,
        lambda _call: {"kind": "hang", "seconds": 20, "when": "after"},
        silent=True,
        says="silent",
    ),
    Fault(
        "silent, late",
        "no answer in time; the server acts when the client has given up",
        CONNECTION,
        lambda _call: {"kind": "hang", "seconds": 20, "when": "before"},
        writes,
        silent=True,
        says="silent",
    ),
    Fault(
        "trickle",
        "the answer comes a few bytes at a time",
        CONNECTION,
        lambda call: {"kind": "trickle", "bytes_per_second": 400 if call.answers == JSON else 2000},
        has_body,
        alike=True,
    ),
    Fault(
        "interim",
        "103 twice before each answer",
        CONNECTION,
        lambda _call: {"kind": "interim", "status": 103, "count": 2},
        times=(ALWAYS,),
        alike=True,
    ),
    Fault(
        "401",
        "the session has expired; for the log-in: wrong password",
        REFUSALS,
        expired,
        lambda call: call.needs_session or call is LOG_IN,
        says="401",
    ),
    Fault("403", "", REFUSALS, answer(403, error("ERR017", "No privilege")), says="403"),
    Fault(
        "404",
        "ERR004, not found",
        REFUSALS,
        answer(404, error("ERR004", "The thing is not found")),
        # To a look-up it is a plain answer: there is no such object.
        lambda call: call.step != "look up object",
        says="404",
    ),
    Fault("404 call", "HTTP 404 Not Found", REFUSALS, answer(404, error("ERR004", "HTTP 404 Not Found")), says="404"),
    Fault("404 page", "a proxy's", REFUSALS, page(404, "Not Found"), says="404", alike=True),
    Fault("405", "", REFUSALS, answer(405, error("ERR001", "HTTP 405 Method Not Allowed")), says="405", alike=True),
    Fault("409", "", REFUSALS, answer(409, error("ERR015", "It exists already")), writes, says="409"),
    Fault(
        "413",
        "a proxy's, too large",
        REFUSALS,
        page(413, "Request Entity Too Large"),
        lambda call: call.sends,
        says="413",
        alike=True,
    ),
    Fault(
        "429",
        "with Retry-After",
        REFUSALS,
        # At once, which costs nothing; that the time is kept is for a unit test to see.
        answer(429, error("ERR016", "Too many requests"), headers={"Retry-After": "0"}),
        says="429",
    ),
    Fault(
        "limit",
        "429 without Retry-After",
        REFUSALS,
        answer(429, {"message": "API rate limit exceeded"}),
        # One that lasts is the same as the one above.
        times=(ONCE,),
        says="429",
    ),
    Fault(
        "cookie",
        "the session's cookie is not taken: Secure over http",
        REFUSALS,
        lambda _call: {"kind": SETTINGS, "session_cookie_attributes": "Secure"},
        lambda call: call is LOG_IN,
        times=(ALWAYS,),
        says="JSESSIONID",
    ),
    Fault("500", "JSON", SERVER, answer(500, error("ERR002", "The metadata database is down")), says="500"),
    Fault("500 acted", "after it acted", SERVER, answer(500, error("ERR001", "Broken"), act=True), writes, says="500"),
    Fault("500 rant", "200 kB of HTML and stack, with the token or password", SERVER, rant, says="500"),
    Fault("502", "a proxy's", SERVER, page(502, "Bad Gateway"), says="502", alike=True),
    Fault("503", "a proxy's, without Retry-After", SERVER, page(503, "Service Unavailable"), says="503", alike=True),
    Fault(
        "503 later",
        "with Retry-After",
        SERVER,
        page(503, "Service Unavailable", headers={"Retry-After": "0"}),
        says="503",
        alike=True,
    ),
    Fault("504", "a proxy's", SERVER, page(504, "Gateway Time-out"), says="504", alike=True),
    Fault("504 acted", "after the server acted", SERVER, page(504, "Gateway Time-out", act=True), writes, says="504"),
    Fault("sign-in", "200 and a sign-in page", ANSWERS, lambda _call: {"kind": "html"}),
    Fault("malformed", "JSON that ends too soon", ANSWERS, malformed, lambda call: call.answers == JSON),
    Fault(
        "fields",
        "without the fields that are needed",
        ANSWERS,
        missing,
        lambda call: bool(call.fields) or call.answers == HEADER,
    ),
    Fault(
        "type",
        "the right answer as text/html",
        ANSWERS,
        lambda _call: {"kind": "content_type", "content_type": "text/html"},
        alike=True,
    ),
    Fault(
        "elsewhere",
        "redirect to another origin",
        ANSWERS,
        lambda _call: {"kind": "redirect", "location": "http://elsewhere.invalid/MicroStrategyLibrary/"},
        says="redirects",
        alike=True,
    ),
    Fault(
        "endless",
        "endless redirect",
        ANSWERS,
        lambda _call: {"kind": "redirect", "location": "{self}"},
        times=(ALWAYS,),
        says="redirects",
        alike=True,
    ),
    Fault(
        "progress",
        "an absurd progress: 7e307, negative, no number",
        ANSWERS,
        lambda call: {"kind": "json", "merge": {"progress": -7e307 if call.reads else float("nan")}},
        lambda call: call.progress,
    ),
    Fault(
        "word",
        "an unknown status word",
        ANSWERS,
        lambda _call: {"kind": "json", "merge": {"status": "half-baked\x1b[31m"}},
        lambda call: call.status_word,
    ),
    Fault(
        "encoded",
        "compressed on its way, though nobody asked for it",
        ANSWERS,
        lambda _call: {"kind": "encoded", "encoding": "gzip"},
        has_body,
        times=(ALWAYS,),
        alike=True,
    ),
    Fault(
        "encoded, cut",
        "the same, and cut; its length fits what is left",
        ANSWERS,
        encoded_and_cut,
        has_body,
        alike=True,
    ),
    Fault(
        "no package",
        "a JSON error as application/octet-stream, with 200",
        ANSWERS,
        not_a_package,
        lambda call: call.answers == BINARY,
    ),
    Fault(
        "short",
        "shorter than announced",
        ANSWERS,
        lambda _call: {"kind": "short", "bytes": MOST_OF_IT},
        lambda call: call.answers == BINARY,
    ),
)

# How often a fault strikes in the cells of a workflow. The longer ones are run with what lasts: that asks more of them.
TIMES = {
    ONE_TASK: (ONCE, ALWAYS),
    ROLE: (ALWAYS,),
    TAKE_BACK: (ALWAYS,),
    AROUND: (ALWAYS,),
    EDITED: (ALWAYS,),
    BUILD: (ALWAYS,),
}


@dataclass(frozen=True)
class Cell:
    """A call of a workflow, and what befalls it."""

    workflow: str
    times: str
    call: Call
    fault: Fault

    @property
    def key(self) -> str:
        return "%s %s, %s: %s" % (self.workflow, self.times, self.call.name, self.fault.name)

    @property
    def is_brief(self) -> bool:
        """Whether the time limits for waiting are short, since the workflow is going to wait in vain."""
        return self.call.waits and (self.times == ALWAYS or self.fault.silent)

    @property
    def is_large(self) -> bool:
        """Whether the undo package must not fit into one piece."""
        return self.call.answers == BINARY and self.fault.name in ("cut", "short")


# Some faults end below the steps, in the code that sends requests, where they turn into the outcomes of others: a page
# of a proxy with 502 is what 500 is. The calls of workflow A meet all of them, as faults that last. Elsewhere, and
# where faults strike once, calls meet those by which steps and workflows decide.
ALIKE_IN = (ONE_TASK, ALWAYS)

# What befalls the calls that a run can do without: one of each kind, since the same comes of all.
OF_SPARE = ("reset before", "cut", "silent", "403", "404 call", "405", "429", "500", "503", "sign-in", "malformed")


def fits(workflow: str, call: Call, fault: Fault, times: str) -> bool:
    """Whether a fault makes sense for a call; every cell that is left out is left out here."""
    if call.spare and fault.name not in OF_SPARE:
        return False
    if fault.alike and (workflow, times) != ALIKE_IN:
        return False
    return times in fault.times and fault.fits(call)


def all_cells() -> list[Cell]:
    return [
        Cell(workflow, times, call, fault)
        for workflow, calls in CALLS.items()
        for times in TIMES[workflow]
        for call in calls
        for fault in FAULTS
        if fits(workflow, call, fault, times)
    ]
