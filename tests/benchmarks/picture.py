# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draw docs/performance.svg from what bench.py measured.

Runs in an environment of its own: ``picture.py RESULTS PICTURE``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
# The same figures make the same file, and text stays text.
mpl.rcParams.update({"svg.hashsalt": "mstr.migration", "svg.fonttype": "none", "font.size": 9, "axes.axisbelow": True})
from matplotlib import pyplot as plt  # noqa: E402

OURS, PEER, LIMIT, EACH = "#1a6faf", "#9aa5b1", "#c0392b", "#2e8b57"


def ways(axes: Any, costs: dict[str, dict[str, float]]) -> None:
    names = {
        "floor": "ping",
        "task": "one task",
        "role": "role",
        "uri": "uri tasks",
        "curl": "curl",
        "mstrio": "mstrio-py",
    }
    values = [costs[key]["wall"] / costs["floor"]["wall"] for key in names]
    colours = [OURS if key in ("task", "role") else PEER for key in names]
    axes.barh(list(names.values()), values, color=colours)
    axes.invert_yaxis()
    axes.set_xlabel("time, x floor")
    axes.set_title("One small package, first time")


def transfers(axes: Any, speeds: dict[str, dict[str, float]]) -> None:
    names = list(speeds)
    places = range(len(names))
    axes.bar(
        [place - 0.2 for place in places], [speeds[key]["module"] for key in names], 0.4, color=OURS, label="module"
    )
    axes.bar(
        [place + 0.2 for place in places],
        [speeds[key]["curl"] for key in names],
        0.4,
        color=PEER,
        label="curl, then sha256",
    )
    axes.set_xticks(list(places), [name.replace(", ", "\n") for name in names])
    axes.set_ylabel("MiB/s")
    axes.legend()
    axes.set_title("2 GiB up, an undo package of 512 MiB down")


def noticing(axes: Any, rows: dict[str, list[list[float]]]) -> None:
    durations = [row[0] for row in rows["progress"]]
    late = {name: [max(0.01, row[1]) for row in items] for name, items in rows.items()}
    axes.loglog(durations, late["progress"], "o-", color=OURS, label="noticed after; with the number of polls")
    axes.loglog([row[0] for row in rows["none"]], late["none"], "x", color=PEER, label="without progress")
    axes.loglog(durations, [max(0.2, 0.1 * value) for value in durations], "--", color=LIMIT, label="goal")
    for (duration, _late, polls), place in zip(rows["progress"], late["progress"]):
        axes.annotate("%d" % polls, (duration, place), textcoords="offset points", xytext=(3, -11))
    axes.set_xlabel("duration of the import, s")
    axes.set_ylabel("s after its end")
    axes.legend()
    axes.set_title("Noticing the end of an import")


def fleet(axes: Any, rows: list[list[float]], cores: int) -> None:
    sizes = [row[0] for row in rows]
    bound = [max(rows[0][1], row[0] * (row[2] + row[3]) / cores) for row in rows]
    axes.plot(sizes, [row[1] for row in rows], "o-", color=OURS, label="measured")
    axes.plot(sizes, bound, ":", color=PEER, label="one alone, or processor time / %d cores" % cores)
    axes.plot(sizes, [1.3 * value for value in bound], "--", color=LIMIT, label="goal")
    axes.set_xlabel("environments at once")
    axes.set_ylabel("s")
    each = axes.twinx()
    each.plot(sizes, [row[2] for row in rows], "s--", color=EACH, label="processor time of each")
    each.set_ylabel("processor time of each, s")
    each.set_ylim(bottom=0, top=2 * max(row[2] for row in rows))
    lines = axes.get_lines() + each.get_lines()
    axes.legend(lines, [line.get_label() for line in lines], loc="upper left")
    axes.set_title("Three packages to each environment")


def plan(axes: Any, rows: list[list[float]]) -> None:
    sizes = [row[0] for row in rows]
    axes.plot(sizes, [row[1] for row in rows], "o-", color=OURS, label="time")
    axes.set_xlabel("objects")
    axes.set_ylabel("s")
    memory = axes.twinx()
    memory.plot(sizes, [row[3] for row in rows], "s--", color=PEER, label="peak memory")
    memory.set_ylabel("MiB")
    memory.set_ylim(bottom=0)
    lines = axes.get_lines() + memory.get_lines()
    axes.legend(lines, [line.get_label() for line in lines])
    axes.set_title("Planning")


def shares(axes: Any, results: list[dict[str, Any]]) -> None:
    axes.barh([row["work"] for row in results], [row["share"] for row in results], color=OURS)
    axes.axvline(1.0, color=LIMIT, linestyle="--", label="goal")
    axes.invert_yaxis()
    axes.tick_params(axis="y", labelsize=7)
    axes.set_xlabel("cost, as a share of the goal")
    axes.legend()
    axes.set_title("All goals")


def main() -> None:
    found = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    series = found["series"]
    figure, axes = plt.subplots(3, 2, figsize=(11, 12), layout="constrained")
    ways(axes[0][0], series["one package"])
    transfers(axes[0][1], series["transfers"])
    noticing(axes[1][0], series["noticing"])
    fleet(axes[1][1], series["fleet"], series["cores"])
    plan(axes[2][0], series["plan"])
    shares(axes[2][1], found["results"])
    figure.savefig(sys.argv[2], metadata={"Date": None})


main()
