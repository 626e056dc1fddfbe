# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs, launched by the rules of AWX and run by ansible-runner.

What AWX does between a launch and ansible-runner is from its source (24.6): which variables a job gets
(``main/models/mixins.py``, ``main/models/workflow.py``, ``main/models/unified_jobs.py``), how a credential is injected
(``main/models/credential``), and what the private data directory of a job holds (``main/tasks/jobs.py``).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from jinja2 import sandbox
from stand_in import BIN, Awx

from processes import kill_all  # isort: skip

# The user of the containers of jobs, and its group.
USER, GROUP = 1000, 0


class Unsafe(str):
    """A text that is no template, as AWX marks what a launch says."""


class _Dumper(yaml.SafeDumper):
    """Writes extra variables as AWX does."""


_Dumper.add_representer(Unsafe, lambda dumper, value: dumper.represent_scalar("!unsafe", str(value)))


def _marked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _marked(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_marked(each) for each in value]
    return Unsafe(value) if isinstance(value, str) else value


@dataclass
class Workflow:
    """A workflow job.

    Attributes:
        id: Its number.
        answers: The answers to its survey.
        artifacts: The artifacts of its jobs so far.
    """

    id: int
    answers: dict[str, Any]
    artifacts: dict[str, Any] = field(default_factory=dict)


@dataclass
class Ended:
    """A job that has ended.

    Attributes:
        directory: Its artifacts directory.
        status: How, in the words of ansible-runner.
        output: What it printed.
        events: Its events, in their order.
    """

    directory: Path
    status: str
    output: str
    events: list[dict[str, Any]]

    @property
    def artifacts(self) -> dict[str, Any]:
        """What set_stats has kept, as AWX reads it from the last event."""
        (stats,) = (event for event in self.events if event["event"] == "playbook_on_stats")
        return stats["event_data"].get("artifact_data", {})

    @property
    def changed(self) -> dict[str, int]:
        """How many tasks changed something, by host."""
        (stats,) = (event for event in self.events if event["event"] == "playbook_on_stats")
        return stats["event_data"]["changed"]

    @property
    def text(self) -> str:
        """What it printed, with one space for all white space."""
        return " ".join(self.output.split())


class Controller:
    """Launches jobs of the objects that a stand-in holds.

    Args:
        awx: The stand-in.
        directory: Where the private data directories of jobs are made.
        project: The project, as AWX has fetched it.
    """

    def __init__(self, awx: Awx, directory: Path, project: Path) -> None:
        self.awx = awx
        self.directory = directory
        self.project = project
        # As the project stood before, nothing of it is written.
        _read_only(project)

    def node(self, identifier: str, job_id: int, workflow: Workflow, user: str = "alice") -> Job:
        """Prepare the job of a workflow's node."""
        node = self.awx.one("workflow_job_template_nodes", identifier)
        template = self.awx.by_id("job_templates", node["unified_job_template"])
        # A workflow's variables come to its jobs whatever their templates ask for, after those of earlier artifacts.
        questions = self.awx.one("workflow_job_templates", "MicroStrategy")["survey_spec"]["spec"]
        answers = {**_defaults(questions), **workflow.answers}
        told = {"workflow_job_id": workflow.id, "workflow_job_name": "MicroStrategy"}
        variables = {**node["extra_data"], **workflow.artifacts, **answers}
        return self._job(template, job_id, variables, node["limit"], node["credentials"], user, told)

    def launch(self, template: str, job_id: int, answers: dict[str, Any], limit: str, user: str = "bob") -> Job:
        """Prepare a job that a person launches: with answers to its survey, and the environment's own credential."""
        found = self.awx.one("job_templates", template)
        own = [item["id"] for item in self.awx.state()["credentials"] if item["name"] == "MicroStrategy " + limit]
        return self._job(found, job_id, answers, limit, own, user, {})

    def _job(
        self,
        template: dict[str, Any],
        job_id: int,
        runtime: dict[str, Any],
        limit: str,
        credentials: list[int],
        user: str,
        told: dict[str, Any],
    ) -> Job:
        # What a template says comes first, then the defaults of its survey, then what the launch says.
        spec = template["survey_spec"].get("spec", []) if template["survey_enabled"] else []
        variables = {**json.loads(template["extra_vars"] or "{}"), **_defaults(spec), **runtime}
        meta = {"job_id": job_id, "job_template_name": template["name"], "user_name": user, **told}
        variables.update(
            {"%s_%s" % (prefix, name): value for prefix in ("awx", "tower") for name, value in meta.items()}
        )
        safe = json.loads(template["extra_vars"] or "{}")
        variables = {key: value if safe.get(key) == value else _marked(value) for key, value in variables.items()}
        directory = self.directory / str(job_id)
        for part in ("env", "inventory", "artifacts"):
            (directory / part).mkdir(parents=True)
        # Copied, so that each job has the commit that was fetched last.
        shutil.copytree(self.project, directory / "project")
        (directory / "env" / "extravars").write_text(yaml.dump(variables, Dumper=_Dumper), encoding="utf-8")
        environment = {"JOB_ID": str(job_id), "AWX_PRIVATE_DATA_DIR": str(directory), "PROJECT_REVISION": "5e7d1c0"}
        for identity in [*credentials] or template["credentials"]:
            environment.update(self._injected(identity, directory))
        (directory / "env" / "envvars").write_text(json.dumps(environment), encoding="utf-8")
        self._write_inventory(template["inventory"], directory)
        options = ["--limit", limit, *(["--check"] if template["job_type"] == "check" else [])]
        options += ["--diff"] if template["diff_mode"] else []
        return Job(directory, template["playbook"], job_id, options)

    def _injected(self, identity: int, directory: Path) -> dict[str, str]:
        credential = self.awx.by_id("credentials", identity)
        injectors = self.awx.by_id("credential_types", credential["credential_type"])["injectors"]
        # What is blank is not there for the templates.
        names = {name: value for name, value in credential["inputs"].items() if value}
        templates = sandbox.ImmutableSandboxedEnvironment()
        for text in injectors.get("file", {}).values():
            handle, path = tempfile.mkstemp(dir=directory / "env")
            with os.fdopen(handle, "w") as file:
                file.write(templates.from_string(text).render(**names))
            names["tower"] = {"filename": path}
        return {name: templates.from_string(text).render(**names) for name, text in injectors["env"].items()}

    def _write_inventory(self, identity: int, directory: Path) -> None:
        inventory = self.awx.by_id("inventories", identity)
        state = self.awx.state()
        hosts = {host["id"]: host for host in state["hosts"] if host["inventory"] == identity}
        groups = [group for group in state["groups"] if group["inventory"] == identity]
        content: dict[str, Any] = {
            group["name"]: {"hosts": [hosts[host]["name"] for host in group["hosts"]]} for group in groups
        }
        content["all"] = {"vars": json.loads(inventory["variables"] or "{}")}
        variables = {host["name"]: json.loads(host["variables"] or "{}") for host in hosts.values()}
        content["_meta"] = {"hostvars": variables}
        script = directory / "inventory" / "hosts"
        script.write_text("#!/bin/sh\ncat <<'END'\n%s\nEND\n" % json.dumps(content), encoding="utf-8")
        script.chmod(0o700)


@dataclass
class Job:
    """A job that is prepared.

    Attributes:
        directory: Its private data directory.
        playbook: Its playbook, in the project.
        id: Its number.
        options: More options of ansible-playbook.
    """

    directory: Path
    playbook: str
    id: int
    options: list[str]

    def start(self) -> subprocess.Popen[bytes]:
        """Start it as the user of a job's container, with the environment of one and nothing else."""
        _read_only(self.directory / "project")
        command = [str(BIN / "ansible-runner"), "run", str(self.directory), "-p", self.playbook, "-i", str(self.id)]
        environment = {
            "PATH": "%s:/usr/local/bin:/usr/bin:/bin" % BIN,
            # It is /runner there, where the private data directory is mounted.
            "HOME": str(self.directory),
            "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
            "LC_ALL": "C.UTF-8",
        }
        if os.geteuid() == 0:
            hand_over(self.directory, but=self.directory / "project")
            # It may read what it is given to run with, wherever that is, and write only what is its own.
            ids = ["--reuid", str(USER), "--regid", str(GROUP), "--clear-groups"]
            read = ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search", "--bounding-set"]
            command = ["setpriv", *ids, *read, "-all,+dac_read_search", *command]
        with (self.directory / "printed").open("wb") as printed:
            return subprocess.Popen(
                [*command, "--cmdline", " ".join(self.options)],
                cwd="/",
                env=environment,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run(self) -> Ended:
        """Run it to its end."""
        process = self.start()
        try:
            process.wait(200)
        finally:
            end(process)
        return self.ended()

    def ended(self) -> Ended:
        """Return what it came to."""
        artifacts = self.directory / "artifacts" / str(self.id)
        output = (self.directory / "printed").read_text(encoding="utf-8")
        status = artifacts / "status"
        assert status.exists(), output
        paths = artifacts.glob("job_events/*.json")
        events = [json.loads(path.read_text(encoding="utf-8")) for path in paths if "partial" not in path.name]
        events.sort(key=lambda event: event["counter"])
        return Ended(artifacts, status.read_text(encoding="utf-8"), output, events)


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a job with all that it has started, where it still runs, as AWX and the end of its container do."""
    # The number of one that has ended may be another's by now.
    if process.poll() is None:
        kill_all(process.pid)
        process.wait(30)


def hand_over(directory: Path, but: Path | None = None) -> None:
    """Give a directory with all that is in it to the user of jobs, where this user can."""
    if os.geteuid() != 0:
        return
    for path in [directory, *directory.rglob("*")]:
        if but is None or (path != but and but not in path.parents):
            os.chown(path, USER, GROUP, follow_symlinks=False)


def _defaults(questions: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the answers that a survey gives where nobody does."""
    return {question["variable"]: question["default"] for question in questions if question.get("default") is not None}


def _read_only(directory: Path) -> None:
    for path in [directory, *directory.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
