# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must hold in every cell, whatever broke, and the words for what came of it."""

from __future__ import annotations

import hashlib
import json
import re
import stat
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cells import AROUND, BUILD, LOG_IN, LOOK_UP, READING, START, TAKE_BACK, Cell
from workflows import Bench, Ran, is_kind

LONGEST_MESSAGE = 4000
IMPORTING = {"mstr_package_import", "mstr_undo_package"}
# What a message names where what broke is a time limit of the task, and not a call.
_LIMITS = ("wait_timeout", "undo_timeout")
_MARKUP = re.compile(r"<(?:!doctype|html|head|body|b|h1|p|form)\b", re.IGNORECASE)
_LEFT = re.compile(r"Left behind: the session|session could not be closed|may have opened a session", re.IGNORECASE)
_NO_WAY_BACK = re.compile(r"cannot be undone|undo package is lost|Lost: the undo package", re.IGNORECASE)
_TAKEN_UP = re.compile(r"is left as it is, because its import is not at its end|for the next run to take up")
_DONE = re.compile(r"The import is done|What was imported, or taken back, stays so|What was due is done")
_NOT_RESTORED = re.compile(r"Projects that were idled are not restored")
_UNKNOWN = re.compile(r"It is unknown whether")
_NOBODY = re.compile(r"nobody can be named")

DONE, NOT_DONE, UNKNOWN = "done", "not done", "unknown"


@dataclass
class Verdict:
    """What a cell came to.

    Attributes:
        outcome: Words for the table.
        problems: What does not hold.
        doubled: How many imports were started beyond one.
        lost: Undo packages that are gone without a word.
        unsaid: What the server holds without a word.
        secrets: Places in which a secret was found.
    """

    outcome: str = ""
    problems: list[str] = field(default_factory=list)
    doubled: int = 0
    lost: int = 0
    unsaid: int = 0
    secrets: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Judge:
    """Looks at a cell, once the server has come to rest.

    Args:
        cell: The cell.
        bench: Where it ran.
        course: The log of a run in which nothing breaks.
        state: What the server holds at rest.
    """

    def __init__(self, cell: Cell, bench: Bench, course: list[dict[str, Any]], state: dict[str, Any]) -> None:
        self.cell = cell
        self.bench = bench
        self.course = course
        self.verdict = Verdict()
        # Whether it is done, by the metadata.
        self.truth = NOT_DONE
        self.had_session_file = False
        # Whether an import that was not seen to end, or whose undo package is not on disk, is left to the next run,
        # session and all.
        self.is_left_running = bool(_TAKEN_UP.search("\n".join(ran.text for ran in bench.ran)))
        self.ran = list(bench.ran)
        self.log = bench.server.log()
        self.state = state

    def wrong(self, what: str) -> None:
        self.verdict.problems.append(what)

    def check(self, holds: bool, what: str) -> None:
        if not holds:
            self.wrong(what)

    def judge(self) -> Verdict:
        """Check everything about the run with the fault."""
        for ran in self.ran:
            if not self._is_well_formed(ran):
                return self.verdict
        self._check_messages()
        self._check_secrets()
        claim, truth = self._claim(), self._truth()
        self.truth = truth
        self._check_imports(claim, truth)
        undo = self._check_files(claim)
        self._check_left()
        if self.cell.workflow == AROUND:
            restored = self.bench.state_of_project() == {"loaded"}
            self.check(restored or bool(_NOT_RESTORED.search(self._text)), "the project is idle, and nobody is told")
        self.had_session_file = self._session_file() is not None
        self.verdict.outcome = self._outcome(claim, truth, undo)
        return self.verdict

    # One run of a module

    def _is_well_formed(self, ran: Ran) -> bool:
        """Check that there is one result, and nothing besides."""
        if ran.code is None:
            self.wrong("%s had to be ended" % ran.module)
            return False
        self.check(not ran.stderr, "%s wrote to standard error: %s" % (ran.module, ran.stderr[-2000:]))
        self.check("Traceback" not in ran.stdout, "%s shows a traceback: %s" % (ran.module, ran.stdout[:2000]))
        try:
            result = ran.result
        except ValueError as error:
            self.wrong("%s did not answer with one document of JSON (%s): %s" % (ran.module, error, ran.stdout[:2000]))
            return False
        self.check(ran.code == int(bool(result.get("failed"))), "exit status %s: %s" % (ran.code, ran.stdout[:500]))
        self.check("Unexpected" not in ran.message, "a defect: %s" % ran.message)
        self.check(not _MARKUP.search(ran.stdout), "%s shows HTML: %s" % (ran.module, ran.text[:2000]))
        self.check("\x1b" not in ran.text, "%s shows a terminal escape" % ran.module)
        self.check(len(ran.text) <= LONGEST_MESSAGE, "%s says %d characters" % (ran.module, len(ran.text)))
        return True

    def _check_messages(self) -> None:
        """Check that a failure says in which step, and what happened."""
        first = next((ran for ran in self.ran if ran.failed), None)
        if first is None:
            return
        call, fault = self.cell.call, self.cell.fault
        message = first.message
        named = call.step in message.lower() or any(limit in message for limit in _LIMITS)
        self.check(named, "the message does not name the step: %s" % message)
        self.check(
            not fault.says or fault.says.lower() in message.lower(),
            "the message does not say what happened (%s): %s" % (fault.says, message),
        )
        self.check("[environment " in message, "the message does not name the environment: %s" % message)

    # All of them together

    @property
    def _text(self) -> str:
        return "\n".join(ran.text for ran in self.ran)

    def _check_secrets(self) -> None:
        secrets = self.bench.secrets()
        found = [*self.bench.seen, *self.bench.files_with_secrets(secrets, self._session_file())]
        shown = "".join(ran.stdout + ran.stderr for ran in self.ran)
        found += ["the output" for secret in secrets if secret in shown]
        self.verdict.secrets = len(found)
        self.check(not found, "secrets are in: %s" % ", ".join(found))

    def _session_file(self) -> Path | None:
        """The session file, where it is left on purpose.

        The next run is to close the session that this one could not, or to go on with the import in it.

        It is the one file that may hold a secret.
        """
        left = [path for path in self.bench.files() if path.parent.name == "sessions" and path.suffix == ".json"]
        on_purpose = self.is_left_running or "session could not be closed" in self._text
        return left[0] if len(left) == 1 and on_purpose else None

    def _importing(self) -> Ran | None:
        """The run of the module that imports, where the workflow came that far."""
        found = [ran for ran in self.ran if ran.module in IMPORTING]
        return found[-1] if found else None

    def _claim(self) -> str:
        """What the user is told about the import."""
        ran = self._importing()
        if ran is None:
            return NOT_DONE
        if not ran.failed:
            return DONE
        outcome = ran.result.get("import_outcome")
        self.check(
            (outcome == "unknown") == bool(_UNKNOWN.search(ran.message)),
            "import_outcome is %s, and the message says: %s" % (outcome, ran.message),
        )
        if outcome == "unknown":
            return UNKNOWN
        return DONE if _DONE.search(ran.message) else NOT_DONE

    def _truth(self) -> str:
        """What the metadata say."""
        done, undone = self.bench.metadata()
        self.check(done != undone, "the metadata are neither as before nor as declared")
        if self.cell.workflow == TAKE_BACK:
            done = undone
        return DONE if done else NOT_DONE

    def _check_imports(self, claim: str, truth: str) -> None:
        """Check that nothing was imported twice, and that what the user is told is so."""
        started = self.state["imports_started"] - (self.cell.workflow == TAKE_BACK)
        self.verdict.doubled += max(0, started - 1)
        self.check(started <= 1, "%d imports were started" % started)
        self.check(claim in (UNKNOWN, truth), "the user is told %s, and the truth is %s" % (claim, truth))
        ran = self._importing()
        if started and ran is not None:
            says_so = ran.result.get("changed") is True or bool(ran.result.get("import_outcome"))
            self.check(says_so, "an import was started, and the result does not say so: %s" % ran.stdout[:1000])
        failed = any(run.failed for run in self.ran)
        self.check(failed or claim == DONE, "nothing failed, and it is not done")
        if failed and claim == DONE and ran is not None and ran.failed:
            whole = ran.result.get("verified") and (self._named_undo(ran) or self.cell.workflow == TAKE_BACK)
            self.check(not whole, "it failed, and everything is done: %s" % ran.message)

    def _check_files(self, claim: str) -> Path | None:
        """Check the receipt, and that the undo package is whole or absent. :returns: the undo package"""
        files = self.bench.files()
        temporary = [str(path) for path in files if ".mstr_" in path.name or self.bench.temporary in path.parents]
        self.check(not temporary, "files were left: %s" % ", ".join(temporary))
        session = self._session_file()
        own = (".json", ".plan", ".seen")
        of_session = [session.with_suffix(ending) for ending in own] if session is not None else []
        left = [str(path) for path in files if path.parent.name in ("sessions", "locks") and path not in of_session]
        if _NOT_RESTORED.search(self._text):
            # It tells the next run what to restore.
            left = [path for path in left if not path.endswith(".window.json")]
        if self.is_left_running:
            # The lock tells the next run of it.
            self.check(
                session is not None, "an import is said to be left to the next run, and the session file is gone"
            )
            left = [path for path in left if not path.endswith(".lock")]
        self.check(not left, "files of the session were left: %s" % ", ".join(left))
        if session is not None:
            mode = stat.S_IMODE(session.stat().st_mode)
            self.check(mode == 0o600, "the session file has mode %o" % mode)
        receipts = [json.loads(path.read_text(encoding="utf-8")) for path in files if path.name == "receipt.json"]
        states = [receipt["state"] for receipt in receipts]
        unknown = "started" if self.is_left_running else "interrupted"
        expected = {DONE: ["imported"], UNKNOWN: [unknown], NOT_DONE: []}[claim]
        if self.cell.workflow == TAKE_BACK:
            expected = ["undone" if claim == DONE else "imported"]
        self.check(states == expected, "the receipts say %s, the user is told %s" % (states, claim))
        undos = [path for path in files if path.name == "undo.mmp"]
        self.check(len(undos) <= 1, "there are %d undo packages" % len(undos))
        undo = undos[0] if undos else None
        ran = self._importing()
        if self.cell.workflow == TAKE_BACK or ran is None:
            return undo
        if undo is not None:
            self._check_undo(undo, self._named_undo(ran), receipts)
        else:
            self.check(not self._named_undo(ran), "the result names an undo package that is not there")
            if self.truth == DONE and not _NO_WAY_BACK.search(self._text) and not self.is_left_running:
                self.verdict.lost += 1
                self.wrong("there is no undo package, and the user is not told: %s" % self._text)
        return undo

    @staticmethod
    def _named_undo(ran: Ran) -> Any:
        """The undo package that a result names; where a plan was carried out, in the row of its package."""
        rows = ran.result.get("packages")
        return rows[0]["undo"] if rows else ran.result.get("undo")

    def _check_undo(self, path: Path, named: Any, receipts: list[dict[str, Any]]) -> None:
        digest, size = hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size
        sent = {
            # What was encoded on its way counts as it was before.
            entry.get("sha256_plain", entry["sha256_out"])
            for entry in self.log
            if "sha256_out" in entry and entry.get("fault") not in ("cut", "short") and entry["status"] == 200
        }
        self.check(digest in sent, "%s is not what the server sent" % path)
        self.check(
            named == {"path": str(path), "sha256": digest, "size": size},
            "the result names another undo package than that on disk: %s" % named,
        )
        self.check(
            [receipt["undo"] for receipt in receipts] == [{"sha256": digest, "size": size}],
            "the receipt names another undo package than that on disk",
        )

    def _check_left(self) -> None:
        """Check that the server holds nothing, or that the user is told and nothing could be done about it."""
        held = self.state["sessions"] + self.state["packages"] + self.state["imports"]
        told = bool(_LEFT.search(self._text)) or self.is_left_running
        if not held:
            self.check(
                not self.is_left_running, "an import is said to be left to the next run, and the server has none"
            )
            return
        call, fault = self.cell.call, self.cell.fault
        hopeless = call.releases or fault.unreachable or call is LOG_IN
        self.check(hopeless or self.is_left_running, "the server still holds %s" % held)
        if not told:
            self.verdict.unsaid += 1
            self.wrong("the server still holds %s, and the user is not told: %s" % (held, self._text))

    def _outcome(self, claim: str, truth: str, undo: Path | None) -> str:
        failed = any(run.failed for run in self.ran)
        words = claim
        if claim == UNKNOWN:
            words = "unknown, done" if truth == DONE else "unknown, not done"
        elif claim == DONE and failed:
            words = "done, fails"
        elif claim == DONE and not self._was_seen():
            words = "done, unseen"
            self.check(
                not any(ran.result.get("verified") for ran in self.ran), "verified, though nobody could look at objects"
            )
        elif claim == DONE and self._asked_again():
            words = "done, again"
        if claim == DONE and failed and undo is None and self.cell.workflow != TAKE_BACK:
            words = "done, undo later" if self.is_left_running else "done, no undo"
        if self.state["sessions"]:
            words += " +session"
        return words

    def _was_seen(self) -> bool:
        """Whether the server let the client look at each object after the import."""
        after = self.log
        for index, entry in enumerate(self.log):
            if is_kind(entry, START):
                after = self.log[index:]
        last = {entry["path"]: entry["status"] for entry in after if is_kind(entry, LOOK_UP)}
        return all(status in (200, 404) for status in last.values())

    def _asked_again(self) -> bool:
        call = self.cell.call
        return sum(is_kind(entry, call) for entry in self.log) > sum(is_kind(entry, call) for entry in self.course)

    # The second run, in which nothing breaks

    def judge_again(self) -> Verdict:
        """Check that running it once more brings it to its end, without importing again what was imported."""
        before = self.state["imports_started"]
        for ran in self.bench.ran:
            if not self._is_well_formed(ran):
                return self.verdict
            self.check(not ran.failed, "the next run fails: %s" % ran.message)
        self.check(self._truth() == DONE, "the next run does not bring it to its end")
        again = self.bench.server.state()
        more = again["imports_started"] - before
        doubled = max(0, more - (self.truth != DONE))
        self.verdict.doubled += doubled
        self.check(not doubled, "the next run imports what was imported")
        self.check(len(again["sessions"]) <= len(self.state["sessions"]), "the next run leaves a session")
        files = self.bench.files()
        left = [str(path) for path in files if path.parent.name in ("sessions", "locks")]
        self.check(not left, "the next run leaves %s" % ", ".join(left))
        if self.had_session_file:
            self.check(not again["sessions"], "the next run does not close the session that it was left")
        receipts = [path for path in files if path.name == "receipt.json"]
        said = [json.loads(path.read_text(encoding="utf-8")) for path in receipts]
        states = [receipt["state"] for receipt in said]
        if self.cell.workflow == AROUND:
            self.check(self.bench.state_of_project() == {"loaded"}, "the next run leaves the project idle")
            due = [name for receipt in said for name in ("schema", "caches") if (receipt.get(name) or {}).get("due")]
            self.check(not due, "the next run leaves due: %s" % due)
        self.check("started" not in states, "the next run leaves the receipts %s" % states)
        if self.is_left_running:
            expected = ["undone" if self.cell.workflow == TAKE_BACK else "imported"]
            self.check(states == expected, "the import was left to the next run; the receipts say %s" % states)
            undos = [path for path in files if path.name == "undo.mmp"]
            self.check(len(undos) == 1, "the import was left to the next run, which did not keep its undo package")
        self.check(not self.bench.files_with_secrets(self.bench.secrets()), "the next run leaves secrets in files")
        return self.verdict


class ReadingJudge(Judge):
    """Looks at a cell of a workflow that imports nothing: a plan, or a package that is built."""

    def judge(self) -> Verdict:
        """Check everything about the run with the fault."""
        for ran in self.ran:
            if not self._is_well_formed(ran):
                return self.verdict
        self._check_messages()
        self._check_secrets()
        self.check(self.bench.server.objects() == self.bench.before, "objects were changed")
        self.check(not any(_line(entry) == "POST /packages/imports" for entry in self.log), "an import was started")
        self._check_left()
        self._check_temporary()
        failed = self.ran[-1].failed
        self.check(not (failed and self.cell.call.spare), "it fails for what can be done without")
        if self.cell.workflow == BUILD:
            self._check_built(failed)
        self.truth = NOT_DONE if failed else DONE
        again = " again" if not failed and self._asked_again() else ""
        self.verdict.outcome = self.truth + ("," + again if again else "")
        if not failed and _NOBODY.search(self.ran[-1].stdout):
            self.verdict.outcome = "done, unnamed"
        if self.state["sessions"]:
            self.verdict.outcome += " +session"
        return self.verdict

    def _check_temporary(self) -> None:
        files = self.bench.files()
        left = [str(path) for path in files if ".mstr_" in path.name or self.bench.temporary in path.parents]
        left += [str(path) for path in files if path.parent.name in ("sessions", "locks")]
        self.check(not left, "files were left: %s" % ", ".join(left))

    def _check_built(self, failed: bool) -> None:
        """Check that the file is there with a manifest of it, or that neither is."""
        path = self.bench.built
        manifest = path.with_name(path.name + ".manifest.json")
        self.check(
            path.exists() != failed, "the task %s, and the file is otherwise" % ("fails" if failed else "is done")
        )
        if path.exists() and manifest.exists():
            said = json.loads(manifest.read_text(encoding="utf-8"))["sha256"]
            self.check(said == hashlib.sha256(path.read_bytes()).hexdigest(), "the manifest is another file's")
        self.check(manifest.exists() != failed, "the manifest is there without its file, or the file without it")

    def judge_again(self) -> Verdict:
        """Check that running it once more does it."""
        for ran in self.bench.ran:
            if not self._is_well_formed(ran):
                return self.verdict
            self.check(not ran.failed, "the next run fails: %s" % ran.message)
        if self.cell.workflow == BUILD:
            self._check_built(False)
            changed = self.bench.ran[-1].result.get("changed")
            self.check(changed is (self.truth != DONE), "the next run says changed: %s" % changed)
        self._check_temporary()
        again = self.bench.server.state()
        self.check(len(again["sessions"]) <= len(self.state["sessions"]), "the next run leaves a session")
        return self.verdict


def _line(entry: dict[str, Any]) -> str:
    return "%s %s" % (entry["method"], entry["path"])


def judge_of(cell: Cell, bench: Bench, course: list[dict[str, Any]], state: dict[str, Any]) -> Judge:
    """Return what looks at a cell."""
    return (ReadingJudge if cell.workflow in READING else Judge)(cell, bench, course, state)
