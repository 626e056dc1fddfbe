# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The three workflows, run with the real modules against the server double."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cells import ALWAYS, LARGE, ONCE, ONE_TASK, ROLE, TAKE_BACK, Call, Cell

ROOT = Path(__file__).resolve().parent.parent.parent
# The harness of the integration tests knows how to start a double and to ask it.
sys.path.insert(0, str(ROOT / "tests" / "integration"))
from harness import API_TOKEN, PASSWORD, TUTORIAL, Server, declared  # noqa: E402

# Seconds after which a module hangs for good.
LIMIT = 40
# Where nobody waits in vain, limits are long, so that a slow machine changes no outcome.
AMPLE = {"timeout": 15, "wait_timeout": 30, "undo_timeout": 30, "retries": 1, "poll_interval": 0.3}
# Once refused, the server is there again after this many seconds: later than the first try, earlier than the last.
REFUSED_FOR = 0.6

_SHAPES = (
    (re.compile(r"^/packages/imports/[^/]+"), "/packages/imports/{id}"),
    (re.compile(r"^/packages/(?!imports(?:/|$))[^/]+"), "/packages/{id}"),
    (re.compile(r"^/objects/[^/]+"), "/objects/{id}"),
)


def shape(entry: dict[str, Any]) -> str:
    """Return what a call of the double's log is called in cells.py."""
    path = entry["path"]
    for pattern, form in _SHAPES:
        path = pattern.sub(form, path)
    return "%s %s" % (entry["method"], path)


def is_kind(entry: dict[str, Any], call: Call) -> bool:
    return entry["method"] == call.method and bool(re.search(call.path, entry["path"]))


@dataclass
class Ran:
    """A module that has run.

    Attributes:
        module: Its name.
        code: Its exit status; None where it had to be ended.
        stdout: Its output.
        stderr: What it wrote to standard error.
    """

    module: str
    code: int | None
    stdout: str
    stderr: str

    @property
    def result(self) -> dict[str, Any]:
        """The result, which is a single document of strict JSON."""

        def refuse(constant: str) -> Any:
            raise ValueError("%s is no JSON" % constant)

        return dict(json.loads(self.stdout, parse_constant=refuse))

    @property
    def failed(self) -> bool:
        return bool(self.result.get("failed"))

    @property
    def message(self) -> str:
        return str(self.result.get("msg", "")) if self.failed else ""

    @property
    def text(self) -> str:
        """All that a person is told."""
        result = self.result
        said = [self.message, *(_words(warning) for warning in result.get("warnings", []))]
        return "\n".join(said)


def _words(warning: Any) -> str:
    """Return a warning's text; newer versions of ansible-core wrap it."""
    return str(warning["event"]["msg"]) if isinstance(warning, dict) else str(warning)


class Modules:
    """The warm process that runs modules, see warm.py."""

    def __init__(self) -> None:
        collections = os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".cache" / "collections"))
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("warm.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": collections, "LC_ALL": "C.UTF-8"},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        assert self._from.readline() == "ready\n", "the modules could not be imported from %s" % collections

    def run(self, module: str, arguments: dict[str, Any], directory: Path, outside: Path, temporary: Path) -> Ran:
        """Run a module.

        Args:
            module: Its name.
            arguments: Its options.
            directory: Its working directory.
            outside: Where its output goes.
            temporary: Its TMPDIR.
        """
        out, err = outside / "stdout", outside / "stderr"
        job = {
            "module": module,
            "arguments": arguments,
            "directory": str(directory),
            "environment": {"PATH": os.defpath, "HOME": str(directory), "TMPDIR": str(temporary), "LC_ALL": "C.UTF-8"},
            "stdout": str(out),
            "stderr": str(err),
            "limit": LIMIT,
        }
        self._to.write(json.dumps(job) + "\n")
        self._to.flush()
        code = json.loads(self._from.readline())["code"]
        return Ran(module, code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))

    def stop(self) -> None:
        self._to.close()
        self._process.wait(10)


@dataclass
class Bench:
    """An environment, a package, and a place to work in, fresh for each cell.

    Attributes:
        server: The double.
        modules: Runs modules.
        package: The package file.
        base: A directory of which this owns all.
        ran: What ran since the cell began.
        seen: Files that held a secret between two steps of the workflow.
        options: The options that every module is given.
        before: The metadata in the beginning.
        credential: The password or API token of the workflow.
    """

    server: Server
    modules: Modules
    package: Path
    base: Path
    ran: list[Ran] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    credential: str = PASSWORD

    @property
    def work(self) -> Path:
        return self.base / "work"

    @property
    def temporary(self) -> Path:
        return self.base / "tmp"

    @property
    def outside(self) -> Path:
        return self.base / "out"

    @property
    def history(self) -> Path:
        return self.work / "history"

    def renew(self) -> None:
        """Begin anew: the server's seed, no files."""
        shutil.rmtree(self.base, ignore_errors=True)
        for directory in (self.work, self.temporary, self.outside):
            directory.mkdir(parents=True)
        # A server may make the undo package after it has told the end. Then there is one call more that can break.
        self.server.reset(undo_unseen=1)
        self.ran, self.seen = [], []
        self.options = dict(AMPLE)
        self.before = self.server.objects()

    def module(self, module: str, /, **arguments: Any) -> Ran:
        """Run a module, and keep what it came to."""
        ran = self.modules.run(module, {**self.options, **arguments}, self.work, self.outside, self.temporary)
        self.ran.append(ran)
        return ran

    def run(self, workflow: str) -> list[Ran]:
        """Run a workflow to its end. :returns: what ran"""
        self.ran = []
        self.credential = API_TOKEN if workflow == ROLE else PASSWORD
        {ONE_TASK: self._one_task, ROLE: self._role, TAKE_BACK: self._take_back}[workflow]()
        return self.ran

    def prepare(self, workflow: str) -> None:
        """Bring about what a workflow begins with."""
        if workflow == TAKE_BACK:
            self._one_task()
            assert not self.ran[-1].failed, self.ran[-1].stdout
            assert self.is_imported()
        self.server.forget()

    def _one_task(self) -> None:
        self.module("mstr_package_import", **self._user(), **self._project(), **self._waiting(), src=str(self.package))

    def _take_back(self) -> None:
        self.module(
            "mstr_undo_package",
            **self._user(),
            **self._project(),
            **self._waiting(),
            state="applied",
            name=self.package.stem,
        )

    def _role(self) -> None:
        """What the role does with a list of one package; it logs out whatever happened."""
        known = {"history_dir": str(self.history), "lock_timeout": 0.5}
        limits = {key: self.options[key] for key in ("wait_timeout", "undo_timeout")}
        connection = {"base_url": self.server.base_url, "api_token": API_TOKEN, "login_mode": "api_token"}
        del self.options["poll_interval"]
        for key in limits:
            del self.options[key]
        login = self.module("mstr_session", **connection, **known, **limits)
        if login.failed:
            return
        session = {"session_file": login.result["session_file"]}
        try:
            self._role_block(session, connection, limits, known)
        finally:
            self.module("mstr_session", **session, state="absent")
            self.options.update(limits, poll_interval=AMPLE["poll_interval"])

    def _role_block(
        self, session: dict[str, str], connection: dict[str, str], limits: dict[str, Any], known: dict[str, Any]
    ) -> None:
        wait = {"wait_timeout": limits["wait_timeout"]}
        history = {"history_dir": str(self.history)}
        item = {"name": self.package.stem, "src": str(self.package)}
        self._look_for_secrets(session)
        manifests = {"manifest_dir": str(self.history / "manifests")}
        planned = self.module(
            "mstr_package_plan", **session, **self._project(), **wait, **history, **manifests, packages=[item]
        )
        self._look_for_secrets(session)
        if planned.failed or not planned.result["packages"][0]["due"]:
            return
        # As where the role logs in once more, since time has gone by.
        if self.module("mstr_session", **session, **connection, **known, **limits).failed:
            return
        self._look_for_secrets(session)
        staged = self.module("mstr_package", **session, **self._project(), **wait, src=str(self.package))
        self._look_for_secrets(session)
        if staged.failed:
            return
        package = {"package_id": staged.result["package"]["id"], "name": item["name"]}
        polls = {"poll_interval": AMPLE["poll_interval"]}
        self.module("mstr_package_import", **session, **self._project(), **limits, **polls, **history, **package)
        self._look_for_secrets(session)

    def _user(self) -> dict[str, Any]:
        return {"base_url": self.server.base_url, "username": "administrator", "password": PASSWORD}

    @staticmethod
    def _project() -> dict[str, Any]:
        return {"project": "MicroStrategy Tutorial"}

    def _waiting(self) -> dict[str, Any]:
        return {"history_dir": str(self.history)}

    def _look_for_secrets(self, session: dict[str, str]) -> None:
        """Look, between two steps, whether the session file is private and the only one that holds a secret."""
        path = Path(session["session_file"])
        if path.exists() and stat.S_IMODE(path.stat().st_mode) != 0o600:
            self.seen.append("%s has mode %o" % (path.name, path.stat().st_mode))
        self.seen += self.files_with_secrets(path)

    def files_with_secrets(self, but: Path | None = None) -> list[str]:
        """Return the files that hold the password, a token or a cookie."""
        secrets = [secret.encode() for secret in self.secrets()]
        found = []
        for path in self.files():
            if path != but:
                content = path.read_bytes()
                found += [str(path) for secret in secrets if secret in content]
        return found

    def secrets(self) -> list[str]:
        """Return what the workflow logs in with, and the tokens and cookies that it was given."""
        return [self.credential, *self.server.secrets()]

    def files(self) -> list[Path]:
        """Return the files that the modules made."""
        return [path for top in (self.work, self.temporary) for path in sorted(top.rglob("*")) if path.is_file()]

    def is_imported(self) -> bool:
        """Whether the metadata has what the package declares."""
        return self.server.has(declared(self.package.stem))

    def is_as_before(self) -> bool:
        """Whether the metadata is as it was before anything was imported."""
        return self.server.objects(TUTORIAL) == self.before

    def settle(self) -> None:
        """Wait until the server has done all that it was asked for."""
        deadline = time.monotonic() + 10
        while True:
            state = self.server.state()
            if not state["in_flight"] and not state["imports_running"]:
                return
            assert time.monotonic() < deadline, "the server does not come to rest"
            time.sleep(0.005)

    def enlarge(self) -> None:
        """Make the undo package large: it has to bring back an object with a long definition."""
        first = next(iter(declared(self.package.stem)))
        self.server.edit(first, name="Long", type=12, definition={"text": os.urandom(LARGE // 2).hex()})
        self.before = self.server.objects()

    def break_call(self, cell: Cell, course: list[dict[str, Any]]) -> None:
        """Set the fault of a cell.

        Args:
            cell: The cell.
            course: The log of a run in which nothing breaks.
        """
        call, what = cell.call, cell.fault.make(cell.call)
        if what["kind"] == "refuse":
            what["seconds"] = None if cell.times == ALWAYS else REFUSED_FOR
            position = [index for index, entry in enumerate(course) if is_kind(entry, call)][call.skip]
            if position:
                # The fault of the call before: once that is answered, nobody gets in any more.
                self.server.fault("*", "", what, skip=position - 1)
            else:
                self.server.refuse(what["seconds"])
            if cell.times == ONCE:
                self.options["retries"] = 3
            return
        self.server.fault(call.method, call.path, what, skip=call.skip, times=1 if cell.times == ONCE else None)

    def pass_time(self) -> None:
        """Let some minutes go by, after which a run that gave no sign of life counts as dead; lift all limits."""
        long_ago = time.time() - 600
        for path in self.files():
            os.utime(path, (long_ago, long_ago))
        self.options = dict(AMPLE)

    def limit(self, cell: Cell) -> None:
        """Set the time limits of a cell."""
        if cell.fault.silent:
            self.options["timeout"] = 0.5
        if cell.fault.name == "409":
            # A place that is taken is waited for as long as for an answer.
            self.options["timeout"] = 1
        if cell.is_brief:
            self.options.update(wait_timeout=1, undo_timeout=1)
