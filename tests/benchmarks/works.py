# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The works: what is measured, against what, and the goal of each.

Each returns a Finding: the figures that have a goal, and what the picture and the page show beside them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import statistics
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from ground import MIB, MSTRIO, PEERS, PROJECT, Ground, Server, make_package, package_rows
from measure import MEAN, WORST, Command, Cost, Result, in_turns, middle, processor_time, run

# What the goals of some works are made of.
IMPORT_SECONDS = 0.3
LATENCY = 0.02
CONNECTIONS = 16
# How often memory is measured: it hardly varies.
EACH = "1 over HTTP, 1 over TLS"


@dataclass
class Finding:
    """What a work came to.

    Attributes:
        results: The figures that have a goal.
        series: What else is shown, by name.
    """

    results: list[Result]
    series: dict[str, Any] = field(default_factory=dict)


def after(prepare: Callable[[], None], command: Command) -> Callable[[], Cost]:
    """Return a way to run a command, with something unmeasured before it each time."""

    def way() -> Cost:
        prepare()
        return run(command)

    return way


def ping(ground: Ground) -> Command:
    """The floor: what ansible-playbook takes to run one task that does nothing."""
    return ground.tasks([{"ansible.builtin.ping": {}}])


def _seconds(costs: dict[str, list[Cost]]) -> dict[str, dict[str, float]]:
    return {name: {"wall": middle(items).wall, "cpu": middle(items).cpu} for name, items in costs.items()}


def one_package(ground: Ground, rounds: int) -> Finding:
    """One small package: by one task, by the role, and in the ways that people have without the collection."""
    package = ground.package("small", 20)
    with ground.server() as server:

        def fresh() -> None:
            server.reset(import_duration=IMPORT_SECONDS)
            ground.forget_history()

        floor = ping(ground)
        options = ground.connection(server, project=PROJECT, src=str(package), history_dir=str(ground.history))
        play = {
            "hosts": "all",
            "gather_facts": False,
            "tasks": [{"mstr.migration.mstr_package_import": options}],
        }
        by_uri = ["-i", str(ground.directory / "tasks-hosts.yml")]
        uri = ground.playbook(PEERS / "import.yml", *by_uri)
        peer = ground.peer("sh", str(PEERS / "import.sh"), server=server, package=package)
        ways = {
            "floor": floor,
            "task": ground.play("task", play, {"here": {}}),
            "role": ground.role({"prod": server}, [{"name": "small", "src": str(package)}]),
            "uri": Command(uri.arguments, peer.variables, ground.directory),
            "curl": peer,
            "mstrio": ground.peer(str(MSTRIO), str(PEERS / "import_mstrio.py"), server=server, package=package),
        }
        costs = in_turns({name: after(fresh, command) for name, command in ways.items()}, rounds)
    walls = {name: [cost.wall for cost in items] for name, items in costs.items()}
    return Finding(
        [
            Result(
                "one small package, one task",
                [(task - IMPORT_SECONDS) / base for task, base in zip(walls["task"], walls["floor"])],
                1.4,
                "%s x floor + 0.3 s",
            ),
            Result(
                "one small package through the role, first time",
                [role / uri for role, uri in zip(walls["role"], walls["uri"])],
                0.65,
                "%s x the uri playbook",
            ),
        ],
        {"one package": _seconds(costs)},
    )


def five_packages(ground: Ground, rounds: int) -> Finding:
    """Five small packages: by the role, and by tasks of ansible.builtin.uri."""
    files = {name: ground.package(name, 20) for name in ("north", "south", "east", "west", "head")}
    with ground.server() as server:

        def fresh() -> None:
            server.reset(import_duration=IMPORT_SECONDS)
            ground.forget_history()

        peer = ground.peer(server=server, package=os.pathsep.join(map(str, files.values())))
        uri = ground.playbook(PEERS / "import_all.yml", "-i", str(ground.directory / "tasks-hosts.yml"))
        ways = {
            "floor": ping(ground),
            "role": ground.role({"prod": server}, [{"name": name, "src": str(path)} for name, path in files.items()]),
            "uri": Command(uri.arguments, peer.variables, ground.directory),
        }
        costs = in_turns({name: after(fresh, command) for name, command in ways.items()}, rounds)
        started = server.state()["imports_started"]
    if started != len(files):
        raise AssertionError("the uri playbook imported %d packages" % started)
    values = [role.wall / uri.wall for role, uri in zip(costs["role"], costs["uri"])]
    work = "five small packages through the role, first time"
    return Finding([Result(work, values, 0.35, "%s x the uri playbook")], {"five packages": _seconds(costs)})


def nothing_to_do(ground: Ground, rounds: int) -> Finding:
    """50 packages of 20 objects, all of them in sync, and a server that is some way off."""
    count, objects = 50, 20
    names = ["part%02d" % number for number in range(count)]
    packages = [{"name": name, "src": str(ground.package(name, objects))} for name in names]
    waiting = 1.5 * count * objects * LATENCY / CONNECTIONS
    # All objects as one package, which brings the second server to where the role brings the first one.
    rows = [row for name in names for row in package_rows(name, objects)]
    everything = make_package(ground.directory / "packages" / "everything.mmp", *rows)
    # The same name for both, so that they share a history.
    trust = {
        "HTTP": {"environment_name": "prod"},
        "TLS": {"environment_name": "prod", "ca_path": str(ground.many_certificates)},
    }
    ground.forget_history()
    results, series = [], {}
    for transport, options in trust.items():
        with ground.server(tls=transport == "TLS") as server:
            role = ground.role({"prod": server}, packages, **options)
            login = ground.connection(server, project=PROJECT, **options)
            if transport == "HTTP":
                run(ground.module("mstr_package_plan", **login, packages=packages, write_manifests=True))
            else:
                run(ground.module("mstr_package_import", **login, src=str(everything), generate_undo=False))
            # Imports. On the second server, where no import vouches for the manifests, it sees that they are right.
            run(role)
            server.set(latency=LATENCY)
            server.forget()
            costs = in_turns({"floor": after(lambda: None, ping(ground)), "role": after(lambda: None, role)}, rounds)
            uploads = server.uploads()
            looked_up = len(server.calls("GET", "/objects/")) / (rounds + 1)
            if uploads or looked_up != count * objects:
                raise AssertionError("%d uploads and %d look-ups a run: that is another work" % (uploads, looked_up))
            if transport == "HTTP":
                history = _with_long_history(ground, login, packages, rounds)
        values = [(own.wall - waiting) / base.wall for own, base in zip(costs["role"], costs["floor"])]
        if transport == "HTTP":
            results.append(
                Result("nothing to do, 50 packages of 20 objects", values, 2.0, "%%s x floor + %.3g s" % waiting)
            )
            over_http = costs["role"]
        else:
            ratios = [own.wall / base.wall for own, base in zip(costs["role"], over_http)]
            results.append(Result("nothing to do, the same over TLS", ratios, 1.15, "%s x that over HTTP"))
        series["nothing to do, " + transport] = _seconds(costs)
    ratios = [long.wall / none.wall for long, none in zip(history["long"], history["none"])]
    form = "%s x that with no history"
    results.append(Result("log-in and plan of it, 1,000 imports in the history", ratios, 1.25, form))
    return Finding(results, {**series, "history": _seconds(history)})


def _with_long_history(
    ground: Ground, login: dict[str, Any], packages: list[dict[str, Any]], rounds: int
) -> dict[str, list[Cost]]:
    """What log-in and plan take where the history has 1,000 imports of other packages, and where it has none."""
    directories = {"none": ground.directory / "no-history", "long": ground.directory / "long-history"}
    _copy_entry(ground.history, directories["long"], 1000)
    planned = {key: login[key] for key in ("project", "environment_name")}
    without_project = {key: value for key, value in login.items() if key != "project"}

    def way(history: Path) -> Callable[[], Cost]:
        def once() -> Cost:
            kept = {"history_dir": str(history)}
            begin = run(ground.module("mstr_session", **without_project, **kept))
            session = {"session_file": json.loads(begin.output)["session_file"]}
            plan = run(ground.module("mstr_package_plan", **session, **planned, **kept, packages=packages))
            run(ground.module("mstr_session", **session, state="absent"))
            if not json.loads(plan.output)["in_sync"]:
                raise AssertionError("something is due: that is another work")
            return Cost(begin.wall + plan.wall, begin.cpu + plan.cpu, max(begin.memory, plan.memory))

        return once

    return in_turns({name: way(directory) for name, directory in directories.items()}, rounds)


def _copy_entry(history: Path, to: Path, count: int) -> None:
    """Make a history of an entry that is there, as if so many other packages had been imported, a minute apart."""
    receipt_path = next(history.rglob("receipt.json"))
    receipt = json.loads(receipt_path.read_text(encoding="utf-8"))
    first = datetime(2025, 1, 1, tzinfo=timezone.utc)
    for number in range(count):
        name = "other%04d" % number
        digest = hashlib.sha256(name.encode()).hexdigest()
        stamp = (first + timedelta(minutes=number)).strftime("%Y%m%dT%H%M%S000Z")
        entry = to / receipt_path.parent.parent.relative_to(history) / ("%s-%s-%s" % (stamp, name, digest[:12]))
        shutil.copytree(receipt_path.parent, entry)
        values = {**receipt, "name": name, "file": name + ".mmp", "sha256": digest}
        (entry / "receipt.json").write_text(json.dumps(values, indent=2), encoding="utf-8")


def _transfer_ratio(costs: dict[str, list[Cost]]) -> list[float]:
    """How much faster the module is than its peer, round by round."""
    return [peer.wall / own.wall for own, peer in zip(costs["module"], costs["curl"])]


def _memory(ground: Ground, module: str, options: dict[str, Any]) -> float:
    """Return the most memory, in MiB, of a module that ansible-playbook runs."""
    command = ground.tasks([{"mstr.migration." + module: options}], watch="plugins.modules." + module)
    memory = run(command).memory
    if not memory:
        raise AssertionError("the process of %s was not seen" % module)
    return memory / MIB


def upload(ground: Ground, rounds: int) -> Finding:
    """A package of 2 GiB, over HTTP and over TLS."""
    size = 2048
    package = ground.package("large", 20, size * MIB)
    results, series, memory = [], {}, []
    for transport in ("HTTP", "TLS"):
        with ground.server(tls=transport == "TLS") as server:
            # The server's disk is not what is measured; the module's and curl's uploads meet the same server.
            server.reset(keep_uploads=False)
            options = ground.connection(server, project=PROJECT, src=str(package))
            peer = ground.peer("sh", str(PEERS / "upload.sh"), server=server, package=package)
            ways = {"module": ground.module("mstr_package", **options), "curl": peer}
            used = processor_time(server.process.pid)
            costs = in_turns({name: after(lambda: None, command) for name, command in ways.items()}, rounds)
            used = processor_time(server.process.pid) - used
            memory.append(_memory(ground, "mstr_package", options))
        ratios = _transfer_ratio(costs)
        results.append(Result("upload of 2 GiB over " + transport, ratios, 1.0, "%s x (curl, then sha256)", True))
        series["upload, " + transport] = _speeds(size, costs, used / (2 * rounds + 2))
    package.unlink()
    results.append(Result("peak memory, upload of 2 GiB", memory, 48, "%s MiB", judged=WORST, rounds=EACH))
    return Finding(results, {"transfers": series})


def _speeds(size: int, costs: dict[str, list[Cost]], of_the_server: float) -> dict[str, float]:
    """MiB a second of each way, and the server's processor time as a share of the time of the faster one."""
    walls = {name: middle(items).wall for name, items in costs.items()}
    return {**{name: size / wall for name, wall in walls.items()}, "server": of_the_server / min(walls.values())}


def undo(ground: Ground, rounds: int) -> Finding:
    """An undo package of 512 MiB."""
    size = 512
    package = ground.package("small", 20)
    results, series, memory = [], {}, []
    dest = ground.directory / "undo-by-module.mmp"
    session_file = ground.directory / "session.json"
    for transport in ("HTTP", "TLS"):
        with ground.server(tls=transport == "TLS") as server, contextlib.ExitStack() as stack:
            server.reset(undo_padding=size * MIB)
            session = {"session_file": str(session_file), "project": PROJECT}
            run(ground.module("mstr_session", **ground.connection(server), session_file=str(session_file)))
            stack.callback(run, ground.module("mstr_session", session_file=str(session_file), state="absent"))
            staged = json.loads(run(ground.module("mstr_package", **session, src=str(package))).output)
            imported = ground.module("mstr_package_import", **session, package_id=staged["package"]["id"])
            import_id = json.loads(run(imported).output)["import"]["id"]
            options = {**session, "import_id": import_id, "dest": str(dest), "hold": True}
            peer = ground.peer("sh", str(PEERS / "undo.sh"), server=server, package=package)
            variables = {**peer.variables, **_session_of(server, session_file, ground), "IMPORT_ID": import_id}
            ways = {
                "module": ground.module("mstr_undo_package", **options),
                "curl": Command(peer.arguments, variables, ground.directory),
            }

            def clear() -> None:
                dest.unlink(missing_ok=True)
                (ground.directory / "undo-by-curl.mmp").unlink(missing_ok=True)
                # What the last one left to be written would be paid by the next.
                os.sync()

            used = processor_time(server.process.pid)
            costs = in_turns({name: after(clear, command) for name, command in ways.items()}, rounds)
            used = processor_time(server.process.pid) - used
            clear()
            memory.append(_memory(ground, "mstr_undo_package", options))
            clear()
        ratios = _transfer_ratio(costs)
        results.append(
            Result("undo download of 512 MiB over " + transport, ratios, 0.8, "%s x (curl, then sha256)", True)
        )
        series["undo, " + transport] = _speeds(size, costs, used / (2 * rounds + 2))
    results.append(Result("peak memory, undo of 512 MiB", memory, 48, "%s MiB", judged=WORST, rounds=EACH))
    return Finding(results, {"transfers": series})


def _session_of(server: Server, session_file: Path, ground: Ground) -> dict[str, str]:
    """What curl needs to go on with the session of a session file: its token, and its cookies in a file."""
    held = json.loads(session_file.read_text(encoding="utf-8"))
    cookies = ground.directory / "session.cookies"
    lines = ["127.0.0.1\tFALSE\t/\tFALSE\t0\t%s\t%s" % (item["name"], item["value"]) for item in held["cookies"]]
    cookies.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {"SESSION_TOKEN": held["token"], "SESSION_COOKIES": str(cookies)}


class Noticing:
    """How soon it is seen that an import has ended, and how often is asked: with progress told, and without.

    The long waits sleep nearly all the time: they run beside the other works, with servers of their own.
    """

    LONG = 600.0
    MANY_POLLS = 20.0
    WITH_PROGRESS = (0.4, 1.3, 3.1, 7.7, 13.0, MANY_POLLS)
    # Where an end falls between two looks is then luck: as many as can be, spread by the golden ratio, so that they do
    # not keep step with pauses that grow by a factor.
    WITHOUT = (*sorted(round(0.4 * 50 ** ((0.618034 * step + 0.3) % 1), 2) for step in range(24)), MANY_POLLS)

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._package = ground.package("steps", 500)
        self._long: dict[bool, tuple[float, int]] = {}
        self._threads = [
            threading.Thread(target=self._measure_long, args=(told,), daemon=True) for told in (True, False)
        ]

    def begin(self) -> None:
        for thread in self._threads:
            thread.start()

    def _measure_long(self, told: bool) -> None:
        with self._ground.server() as server:
            self._long[told] = self._once(server, self.LONG, told)

    def _once(self, server: Server, duration: float, told: bool) -> tuple[float, int]:
        """Return the seconds between the end of an import and its being noticed, and the number of polls."""
        server.reset(import_duration=duration, import_progress=told)
        options = self._ground.connection(server, project=PROJECT, src=str(self._package), force=True)
        with tempfile.TemporaryDirectory(dir=self._ground.directory) as directory:
            cost = run(self._ground.module("mstr_package_import", **options, undo_dest=directory + "/undo.mmp"))
        calls = server.calls("GET", "/packages/imports/")
        polls = [call for call in calls if not call["path"].endswith("/binary")]
        return json.loads(cost.output)["import"]["seconds"] - duration, len(polls)

    def finish(self, rounds: int) -> Finding:
        """Measure the short waits, and wait for the long ones."""
        few = min(rounds, 2)
        seen: dict[bool, dict[float, list[tuple[float, int]]]] = {True: {}, False: {}}
        with self._ground.server() as server:
            for duration in self.WITH_PROGRESS:
                count = rounds if duration < 10 else few
                seen[True][duration] = [self._once(server, duration, True) for _round in range(count)]
            for duration in self.WITHOUT:
                seen[False][duration] = [self._once(server, duration, False)]
        for thread in self._threads:
            thread.join()
        without = _shares(seen[False])
        for told, item in self._long.items():
            seen[told][self.LONG] = [item]
        polls = {
            duration: [float(count) for told in seen for _late, count in seen[told][duration]]
            for duration in (self.MANY_POLLS, self.LONG)
        }
        form = "%s x the larger of 10 %% and 0.2 s"
        times = "%d; %d of 13 s and of 20 s, 1 of 10 min" % (rounds, few)
        return Finding(
            [
                Result("noticing the end of an import", _shares(seen[True]), 1.0, form, judged=WORST, rounds=times),
                Result(
                    "noticing it without progress, on average",
                    without,
                    1.0,
                    form,
                    judged=MEAN,
                    rounds="%d durations, 1 each" % len(without),
                ),
                Result(
                    "polls in 20 s",
                    polls[self.MANY_POLLS],
                    25,
                    "%s",
                    judged=WORST,
                    rounds="%d, without progress 1" % few,
                ),
                Result("polls in 10 min", polls[self.LONG], 150, "%s", judged=WORST, rounds="1, without progress 1"),
            ],
            {
                "noticing": {
                    name: [[duration, *map(max, zip(*items))] for duration, items in seen[told].items()]
                    for name, told in (("progress", True), ("none", False))
                }
            },
        )


def _shares(seen: dict[float, list[tuple[float, int]]]) -> list[float]:
    """How late each end was noticed, in units of what is allowed: 10 % of the duration, and at least 0.2 s."""
    return [late / max(0.2, 0.1 * duration) for duration, items in seen.items() for late, _polls in items]


def fleet(ground: Ground, rounds: int) -> Finding:
    """From 1 to 20 environments at once, each with three packages to import."""
    sizes = (1, 2, 5, 10, 20)
    packages = [{"name": name, "src": str(ground.package(name, 20))} for name in ("one", "two", "three")]
    cores = len(os.sched_getaffinity(0))
    with contextlib.ExitStack() as stack:
        servers = {"env%02d" % number: stack.enter_context(ground.server()) for number in range(max(sizes))}

        def way(size: int) -> Callable[[], Cost]:
            some = dict(list(servers.items())[:size])

            def once() -> Cost:
                command = ground.role(some, packages, "--forks", "20")
                for server in some.values():
                    server.reset(import_duration=0.5)
                ground.forget_history()
                before = sum(processor_time(server.process.pid) for server in some.values())
                cost = run(command)
                used = sum(processor_time(server.process.pid) for server in some.values()) - before
                served.setdefault(size, []).append(used)
                return cost

            return once

        served: dict[int, list[float]] = {}
        # All servers and all that is on disk are warm after one run with all of them.
        way(max(sizes))()
        served.clear()
        costs = in_turns({str(size): way(size) for size in sizes}, rounds, warm_up=False)
    walls = {size: [cost.wall for cost in costs[str(size)]] for size in sizes}
    times = {size: [cost.cpu for cost in costs[str(size)]] for size in sizes}
    most = max(sizes)
    bounds = [
        max(alone, (cpu + by_servers) / cores) for alone, cpu, by_servers in zip(walls[1], times[most], served[most])
    ]
    table = [
        [
            size,
            middle(costs[str(size)]).wall,
            middle(costs[str(size)]).cpu / size,
            statistics.median(served[size]) / size,
        ]
        for size in sizes
    ]
    return Finding(
        [
            Result(
                "20 environments of 3 packages",
                [wall / bound for wall, bound in zip(walls[most], bounds)],
                1.3,
                "%s x the larger of one alone and processor time / cores",
            ),
            Result(
                "processor time an environment, of 20",
                [cpu / most / alone for cpu, alone in zip(times[most], times[1])],
                1.2,
                "%s x a lone run",
            ),
            Result(
                "processor time of each of 19 more",
                [(cpu - alone) / (most - 1) / alone for cpu, alone in zip(times[most], times[1])],
                1.2,
                "%s x a lone run",
            ),
        ],
        {"fleet": table, "cores": cores},
    )


def large_plan(ground: Ground, rounds: int) -> Finding:
    """A plan of 100 to 10,000 objects, with manifests."""
    sizes = (100, 300, 1000, 3000, 10000)
    commands = {}
    with ground.server() as server:
        for size in sizes:
            packages = [{"name": "p%d" % size, "src": str(ground.package("p%d" % size, size))}]
            options = ground.connection(server, project=PROJECT, packages=packages)
            run(ground.module("mstr_package_plan", **options, write_manifests=True))
            commands[str(size)] = ground.module("mstr_package_plan", **options)
        costs = in_turns({name: after(server.forget, command) for name, command in commands.items()}, rounds)
    results = [
        Result("plan of 10,000 objects: %s an object" % what, _steepness(costs, sizes, key), 1.15, "%s x that to 3,000")
        for what, key in (("time", "wall"), ("memory", "memory"))
    ]
    typical = {size: middle(costs[str(size)]) for size in sizes}
    return Finding(
        results, {"plan": [[size, cost.wall, cost.cpu, cost.memory / MIB] for size, cost in typical.items()]}
    )


def _steepness(costs: dict[str, list[Cost]], sizes: tuple[int, ...], what: str) -> list[float]:
    """What an object more costs in the last stretch, against all before it: 1 on a straight line."""
    first, before, last = sizes[0], sizes[-2], sizes[-1]
    values = []
    for low, mid, high in zip(costs[str(first)], costs[str(before)], costs[str(last)]):
        slope = (getattr(mid, what) - getattr(low, what)) / (before - first)
        values.append((getattr(high, what) - getattr(mid, what)) / (last - before) / slope)
    return values


# The objects of the largest folder that is measured; a page of a search has 1000.
LARGE_FOLDER = 12000
EXPORT_MIB = 64


def export(ground: Ground, rounds: int) -> Finding:
    """An export of 500 objects, also by mstrio-py, and a second one of up to 12,000, in which nothing has changed."""
    sizes = (500, 3000, LARGE_FOLDER)
    commands = {}
    with ground.server() as server:
        for size in sizes:
            folder = "%032X" % size
            server.plant(_folder_of_metrics(folder, size), PROJECT)
            options = ground.connection(
                server,
                project=PROJECT,
                type="project",
                content=[{"folder": folder}],
                dest=str(ground.directory / ("folder%d.mmp" % size)),
            )
            run(ground.module("mstr_package", **options))
            commands[str(size)] = ground.module("mstr_package", **options)
        costs = in_turns({name: after(server.forget, command) for name, command in commands.items()}, rounds)
        assert server.calls("PUT", "/packages/") == []
        needing = "%032X" % (500 << 32)
        server.plant(_folder_of_metrics(needing, 500, needs=True), PROJECT)
        alone = _first_exports(ground, server, rounds, "%032X" % 500)
        built = _first_exports(ground, server, rounds, needing, asks=True)
    memory = [cost.memory / MIB for cost in costs[str(LARGE_FOLDER)]]
    typical = {size: middle(costs[str(size)]) for size in sizes}
    return Finding(
        [
            Result(
                "export of 500 objects that need nothing, first time",
                [own.wall / peer.wall for own, peer in zip(alone["module"], alone["mstrio"])],
                # It asks all the same, and the script does not.
                1.5,
                "%s x mstrio-py, which does not ask",
            ),
            Result(
                "export of 500 objects and what each needs, first time",
                [own.wall / peer.wall for own, peer in zip(built["module"], built["mstrio"])],
                1,
                "%s x the same by mstrio-py",
            ),
            Result(
                "peak memory, export of 500 objects",
                [cost.memory / MIB for cost in built["module"]],
                EXPORT_MIB,
                "%s MiB",
                judged=WORST,
            ),
            Result("peak memory, export of 12,000 objects", memory, EXPORT_MIB, "%s MiB", judged=WORST),
        ],
        {"export": [[size, cost.wall, cost.cpu, cost.memory / MIB] for size, cost in typical.items()]},
    )


def _folder_of_metrics(folder: str, size: int, needs: bool = False) -> list[dict[str, Any]]:
    """Return a folder, metrics in it, and facts elsewhere, one of which each metric may need."""
    facts = [{"id": "%032X" % (1 << 64 | number), "name": "Fact %d" % number, "type": 13} for number in range(20)]
    metrics = [
        {
            "id": "%032X" % ((int(folder, 16) << 32) + number),
            "name": "Metric %d" % number,
            "type": 4,
            "folder": folder,
            "depends_on": [facts[number % len(facts)]["id"]] if needs else [],
        }
        for number in range(size)
    ]
    return [{"id": folder, "name": "Folder %d" % size, "type": 8}, *facts, *metrics]


def _first_exports(
    ground: Ground, server: Server, rounds: int, folder: str, asks: bool = False
) -> dict[str, list[Cost]]:
    """Return what it costs to build a package of a folder, by the module and by mstrio-py.

    The module asks what each object needs. mstrio-py does so where ``asks`` says it.
    """
    dest = ground.directory / "first.mmp"

    def fresh() -> None:
        for path in (dest, Path(str(dest) + ".manifest.json")):
            path.unlink(missing_ok=True)

    content = [{"folder": folder}]
    own = ground.connection(server, project=PROJECT, type="project", content=content, dest=str(dest))
    options = ["needs"] if asks else []
    peer = ground.peer(str(MSTRIO), str(PEERS / "export_mstrio.py"), *options, server=server, package=folder)
    return in_turns(
        {"module": after(fresh, ground.module("mstr_package", **own)), "mstrio": after(fresh, peer)}, rounds
    )


def clean(ground: Ground) -> None:
    """Throw the working directory away."""
    shutil.rmtree(ground.directory, ignore_errors=True)
