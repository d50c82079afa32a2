# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Command line of the benchmark: python3 -m bench, from the checkout.

BENCH_PEER names a checkout of prometheus.prometheus, or BENCH_PEER_PATH a path of collections with it.
BENCH_ROUNDS and BENCH_MINUTES bound the repetitions. BENCH_REPORT: a folder for the report, not docs/.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import yaml

from bench import facts, peer
from bench.contenders import MIRROR, SETTLE, VERSIONS, Collection, Contender, Peer, Shell, peers
from bench.playbook import WORK, RunFailed, play
from bench.report import data, page
from bench.results import BUDGETS, Result, verdict
from bench.rounds import compare
from hosts.shell import CHECKOUT, give_up, say

ABSENT = "it is not installed here (BENCH_PEER, BENCH_PEER_PATH)"


def main() -> None:
    """Measure, write the report, show what matters of it."""
    WORK.mkdir(parents=True, exist_ok=True)
    rounds = int(os.environ.get("BENCH_ROUNDS", "3"))
    minutes = float(os.environ.get("BENCH_MINUTES", "10"))
    versions = _versions()
    before = facts.machine()
    try:
        rendered = _render()
        with peers(rendered, versions) as other:
            contenders: list[Contender] = [
                Collection(),
                Shell(rendered, versions),
                Shell(rendered, versions, "careful", SETTLE),
            ]
            if other:
                contenders.append(other)
            results = compare(contenders, rounds, minutes * 60)
    except RunFailed as exc:
        give_up(str(exc))
    results.setdefault("peer", Result(reason=ABSENT))
    _write(results, _labels(other), before | facts.method(results, versions))
    if reason := results["collection"].reason or results["shell"].reason:
        give_up(reason)


def _versions() -> dict[str, str]:
    """Return the versions of the three products that all contenders deploy."""
    known = yaml.safe_load((MIRROR / "versions.yml").read_text())
    products = ("prometheus", "alertmanager", "node_exporter")
    return {product: str(known[f"{product}_version"]) for product in products}


def _render() -> Path:
    """Have our own roles write the configuration that all of them deploy."""
    shutil.rmtree(WORK / "rendered", ignore_errors=True)
    target = f"--extra-vars=barehost_render_directory={WORK / 'rendered'}"
    play("playbooks/render.yml", "none", VERSIONS, target, log="render")
    return WORK / "rendered/bench/etc"


def _labels(other: Peer | None) -> dict[str, str]:
    number = f" {peer.version(other.collections)}" if other else ""
    return {
        "collection": "barehost.monitoring",
        "shell": "shell script",
        "careful": f"the same script, seeing each service stay up for {SETTLE:g} s, as we do",
        "peer": f"prometheus.prometheus{number}",
    }


def _write(results: dict[str, Result], labels: dict[str, str], notes: dict[str, str]) -> None:
    text = page(results, labels, notes)
    folder = Path(os.environ.get("BENCH_REPORT") or CHECKOUT / "docs").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmark.md").write_text(text)
    (folder / "benchmark.json").write_text(json.dumps(data(results, notes), indent=2) + "\n")
    print(text)
    for budget in BUDGETS:
        say(f"{budget.text}: {verdict(results, budget)[1]}")
    say(f"written: {folder / 'benchmark.md'}, benchmark.json beside it")


if __name__ == "__main__":
    main()
