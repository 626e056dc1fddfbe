# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The workflows, run with the real modules against the server double."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cells import ALWAYS, AROUND, BUILD, EDITED, LARGE, ONCE, ONE_TASK, ROLE, SETTINGS, TAKE_BACK, Call, Cell

ROOT = Path(__file__).resolve().parent.parent.parent
# The harness of the integration tests knows how to start a double and to ask it.
sys.path.insert(0, str(ROOT / "tests" / "integration"))
from harness import API_TOKEN, PASSWORD, TUTORIAL, Server, declared  # noqa: E402
from warm_modules import Modules, Ran  # noqa: E402

# Where nobody waits in vain, limits are long, so that a slow machine changes no outcome.
AMPLE = {"timeout": 15, "wait_timeout": 30, "undo_timeout": 30, "retries": 1, "poll_interval": 0.3}
# What differs between two runs that leave the same: ids and checksums, times, and how long something took.
_OWN = re.compile(rb"[\w=+-]*\d[\w=+:.-]{5,}|[A-F]{8,}|\b\d+\.\d+\b")
# Once refused, the server is there again after this many seconds: later than the first try, earlier than the last.
REFUSED_FOR = 0.6

_SHAPES = (
    (re.compile(r"^/packages/imports/[^/]+"), "/packages/imports/{id}"),
    (re.compile(r"^/packages/(?!imports(?:/|$))[^/]+"), "/packages/{id}"),
    (re.compile(r"^/objects/[^/]+"), "/objects/{id}"),
    (re.compile(r"^/projects/[^/]+"), "/projects/{id}"),
    (re.compile(r"^/model/tasks/[^/]+"), "/model/tasks/{id}"),
    (re.compile(r"^/monitors/projects/[^/]+/caches/"), "/monitors/projects/{id}/caches/"),
    (re.compile(r"^/changeJournal/[^/]+"), "/changeJournal/{id}"),
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
        fresh: The metadata of the seed, once they were looked at.
        credential: The password or API token of the workflow.
        lease: Seconds after which a run that gives no sign of life counts as dead.
        changed: The settings of the double that the fault of the cell changed.
        known: What was left for a second run, of which one has begun in some cell.
        around: The options of what the workflow does around an import.
    """

    server: Server
    modules: Modules
    package: Path
    base: Path
    ran: list[Ran] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    fresh: dict[str, Any] | None = None
    credential: str = PASSWORD
    lease: float = 60.0
    changed: dict[str, Any] = field(default_factory=dict)
    around: dict[str, Any] = field(default_factory=lambda: {"schema": "none"})
    known: set[str] = field(default_factory=set)

    @property
    def work(self) -> Path:
        return self.base / "work"

    @property
    def temporary(self) -> Path:
        return self.base / "tmp"

    @property
    def history(self) -> Path:
        return self.work / "history"

    @property
    def built(self) -> Path:
        """The package file that is built."""
        return self.work / "built.mmp"

    def renew(self) -> None:
        """Begin anew: the server's seed, no files."""
        shutil.rmtree(self.base, ignore_errors=True)
        for directory in (self.work, self.temporary):
            directory.mkdir(parents=True)
        # A server may make the undo package after it has told the end. Then there is one call more that can break.
        self.server.reset(undo_unseen=1)
        self.ran, self.seen, self.changed = [], [], {}
        self.options = dict(AMPLE)
        self.lease = 60.0
        if self.fresh is None:
            self.fresh = self.server.objects()
        self.before = self.fresh

    def module(self, module: str, /, **arguments: Any) -> Ran:
        """Run a module, and keep what it came to."""
        ran = self.modules.run(module, {**self.options, **arguments}, self.work, self.temporary)
        self.ran.append(ran)
        return ran

    def run(self, workflow: str) -> list[Ran]:
        """Run a workflow to its end. :returns: what ran"""
        self.ran = []
        self.credential = API_TOKEN if workflow in (ROLE, AROUND) else PASSWORD
        # Only one of them does something around the import.
        self.around = {"schema": "none"}
        if workflow == AROUND:
            # The calls of the preflight break in the other workflows.
            self.around = {"schema": "auto", "caches": "purge", "preflight": False}
        ways = {
            ONE_TASK: self._one_task,
            ROLE: self._role,
            TAKE_BACK: self._take_back,
            AROUND: self._role,
            EDITED: self._plan,
            BUILD: self._build,
        }
        ways[workflow]()
        return self.ran

    def prepare(self, workflow: str) -> None:
        """Bring about what a workflow begins with."""
        if workflow in (TAKE_BACK, EDITED):
            self._imported()
        if workflow == EDITED:
            self.server.edit(next(iter(declared(self.package.stem))), by="viewer")
            self.before = self.server.objects()
        self.server.forget()

    def _imported(self) -> None:
        """Import the package into the seed, once: later on, what that has left is brought back."""
        kept = self.base.with_name("imported")
        is_seed = self.before is self.fresh
        if is_seed and kept.exists():
            self.server.restore()
            shutil.copytree(kept, self.work, dirs_exist_ok=True)
            return
        self._one_task()
        assert not self.ran[-1].failed, self.ran[-1].stdout
        assert self.metadata()[0]
        assert self.server.held() == []
        assert not list(self.temporary.iterdir())
        if is_seed:
            # The server knows of these no more once the seed has been brought back.
            assert not self.files_with_secrets([PASSWORD, *self.server.secrets()])
            self.server.keep()
            shutil.copytree(self.work, kept)

    def _one_task(self) -> None:
        options = {**self._user(), **self._project(), **self._run(), **self.around}
        self.module("mstr_package_import", **options, src=str(self.package))

    def _take_back(self) -> None:
        self.module(
            "mstr_undo_package",
            **self._user(),
            **self._project(),
            **self._run(),
            **self.around,
            state="applied",
            name=self.package.stem,
        )

    def _plan(self) -> None:
        """Plan what somebody has edited since it was imported."""
        poll = self.options.pop("poll_interval")
        packages = [{"src": str(self.package)}]
        own = {**self._user(), **self._project(), **self._run(), "packages": packages, "preflight": False}
        self.module("mstr_package_plan", **own, manifest_dir=str(self.history / "manifests"))
        self.options["poll_interval"] = poll

    def _build(self) -> None:
        """Build a package of an attribute that a search finds."""
        options = {name: self.options.pop(name) for name in ("poll_interval", "undo_timeout")}
        content = [{"types": ["attribute"], "name": "Year"}]
        own = {**self._user(), **self._project(), "type": "project", "content": content, "dest": str(self.built)}
        self.module("mstr_package", **own)
        self.options.update(options)

    def _role(self) -> None:
        """What the role does with a list of one package; it logs out where the modules have not, whatever happened."""
        known = {"history_dir": str(self.history), "lock_timeout": 0.5, "lease_timeout": self.lease}
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
            self._role_block(login.result, connection, limits)
        finally:
            if not self.ran[-1].result.get("logged_out"):
                self.module("mstr_session", **session, state="absent")
            self.options.update(limits, poll_interval=AMPLE["poll_interval"])

    def _role_block(self, login: dict[str, Any], connection: dict[str, str], limits: dict[str, Any]) -> None:
        session = {"session_file": login["session_file"]}
        self._look_for_secrets(login)
        listed = {
            **session,
            **connection,
            **self._project(),
            "packages": [{"name": self.package.stem, "src": str(self.package)}],
            "plan_file": login["plan_file"],
            "history_dir": str(self.history),
            "manifest_dir": str(self.history / "manifests"),
            **self.around,
        }
        planned = self.module("mstr_package_plan", **listed, wait_timeout=limits["wait_timeout"])
        self._look_for_secrets(login)
        if planned.failed or planned.result["in_sync"]:
            return
        window = {"window": True} if self.around["schema"] == "auto" else {}
        self.module("mstr_package_import", **listed, **limits, **window, poll_interval=AMPLE["poll_interval"])
        self._look_for_secrets(login)

    def _user(self) -> dict[str, Any]:
        return {"base_url": self.server.base_url, "username": "administrator", "password": PASSWORD}

    @staticmethod
    def _project() -> dict[str, Any]:
        return {"project": "MicroStrategy Tutorial"}

    def _run(self) -> dict[str, Any]:
        """The options of a task that is a run of its own."""
        return {"history_dir": str(self.history), "lock_timeout": 0.5, "lease_timeout": self.lease}

    def _look_for_secrets(self, session: dict[str, Any]) -> None:
        """Look, between two steps, whether the session file is private and the only one that holds a secret."""
        path = Path(session["session_file"])
        if path.exists() and stat.S_IMODE(path.stat().st_mode) != 0o600:
            self.seen.append("%s has mode %o" % (path.name, path.stat().st_mode))
        self.seen += self.files_with_secrets(self.secrets(), path)

    def files_with_secrets(self, secrets: list[str], but: Path | None = None) -> list[str]:
        """Return the files that hold a secret."""
        found = []
        for path in self.files():
            if path != but:
                content = path.read_bytes()
                found += [str(path) for secret in secrets if secret.encode() in content]
        return found

    def secrets(self) -> list[str]:
        """Return what the workflow logs in with, and the tokens and cookies that it was given."""
        return [self.credential, *self.server.secrets()]

    def files(self) -> list[Path]:
        """Return the files that the modules made."""
        return [path for top in (self.work, self.temporary) for path in sorted(top.rglob("*")) if path.is_file()]

    def metadata(self) -> tuple[bool, bool]:
        """Return whether the metadata have what the package declares, and whether they are as in the beginning."""
        objects = self.server.objects()
        versions = {key: item["version"] for key, item in objects.items()}
        return declared(self.package.stem).items() <= versions.items(), objects == self.before

    def state_of_project(self) -> set[str]:
        """Return what the project is on the nodes."""
        return set(self.server.upkeep()["states"][TUTORIAL].values())

    def settle(self) -> dict[str, Any]:
        """Wait until the server has done all that it was asked for. :returns: its state then"""
        deadline = time.monotonic() + 10
        while True:
            state = self.server.state()
            if not state["in_flight"] and not state["imports_running"]:
                return state
            assert time.monotonic() < deadline, "the server does not come to rest"
            time.sleep(0.005)

    def leaves_something_new(self, workflow: str, state: dict[str, Any]) -> bool:
        """Return whether a workflow left what no cell has left before, so that the next run does what none has done.

        What a server holds can differ in what nobody sees: where something is left there, it is new in any case.
        """
        if state["sessions"] or state["packages"] or state["imports"]:
            return True
        left = hashlib.sha256(json.dumps([workflow, self.server.objects(), self.server.upkeep()["states"]]).encode())
        # What is equal stays so, and what differs differs.
        names: dict[bytes, bytes] = {}
        for path in self.files():
            for part in (str(path.relative_to(self.base)).encode(), path.read_bytes()):
                left.update(_OWN.sub(lambda own: names.setdefault(own[0], b"#%d" % len(names)), part) + b"\0")
        is_new = left.hexdigest() not in self.known
        self.known.add(left.hexdigest())
        return is_new

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
        if what["kind"] == SETTINGS:
            self.changed = {name: value for name, value in what.items() if name != "kind"}
            self.server.set(**self.changed)
            return
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

    def mend(self) -> None:
        """Take the fault away."""
        self.server.reset_faults()
        if self.changed:
            self.server.set(**dict.fromkeys(self.changed))
            self.changed = {}

    def pass_time(self) -> None:
        """Lift all limits. A run that gives no sign of life counts as dead soon."""
        self.lease = 0.5
        self.options = dict(AMPLE)

    def limit(self, cell: Cell) -> None:
        """Set the time limits of a cell."""
        if cell.fault.silent:
            self.options["timeout"] = 0.5
        if cell.fault.name == "409":
            # A place that is taken is waited for as long as for an answer.
            self.options["timeout"] = 1
        if cell.fault.name in ("429", "503 later") and cell.times == ALWAYS:
            # A request that is refused for now is sent again for as long.
            self.options["timeout"] = 1
        if cell.is_brief:
            self.options.update(wait_timeout=1, undo_timeout=1)
