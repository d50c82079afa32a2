# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several workers, one answer: each writes its values into a directory that every scrape adds up.

The directory is named by PROMETHEUS_MULTIPROC_DIR, which must be set before prometheus_client is
imported. Without it there is one process, which knows everything by itself.
"""

from __future__ import annotations

import multiprocessing
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

_FILE = re.compile(r".+_(\d+)\.db")
# How the values of several processes become one; what is not named here is added up.
_COMBINED: dict[str, Callable[[list[float]], float]] = {
    "process_start_time_seconds": min,
    "process_open_fds": max,
    "process_max_fds": min,
}
_TICKS = os.sysconf("SC_CLK_TCK")


def empty_directory() -> None:
    """Remove what an earlier run has left. Call it before any worker starts or imports a metric."""
    if directory := os.environ.get(VARIABLE):
        Path(directory).mkdir(parents=True, exist_ok=True)
        for file in Path(directory).glob("*.db"):
            file.unlink()


def registry() -> CollectorRegistry:
    """Return what a scrape reads: the values of this process, or of all workers."""
    directory = os.environ.get(VARIABLE)
    if not directory:
        return REGISTRY
    workers = _workers(Path(directory))
    for pid, lives in workers.items():
        if not lives:
            with suppress(FileNotFoundError):  # another scrape has been faster
                mark_process_dead(pid, directory)  # type: ignore[no-untyped-call]
    every = CollectorRegistry()
    MultiProcessCollector(every, directory)  # type: ignore[no-untyped-call]
    every.register(_Processes(pid for pid, lives in workers.items() if lives))
    return every


def _workers(directory: Path) -> dict[int, bool]:
    """Return who has written into the directory, and whether it still runs."""
    found = (_FILE.fullmatch(path.name) for path in directory.iterdir())
    return {pid: _runs(pid) for pid in {int(match[1]) for match in found if match}}


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class _Processes(Collector):
    """The process_* metrics of all workers and their parent, as if they were one process."""

    def __init__(self, workers: Iterable[int]) -> None:
        parent = multiprocessing.parent_process()
        self._parent = parent.pid if parent else None
        self._pids = sorted({*workers, *([self._parent] if self._parent else [])})

    def collect(self) -> Iterable[Metric]:
        metrics: dict[str, Metric] = {}
        values: defaultdict[str, list[float]] = defaultdict(list)
        for pid in self._pids:
            for metric in _metrics_of(pid):
                metrics.setdefault(metric.name, metric)
                values[metric.name].append(metric.samples[0].value)
        if self._parent:  # else the sum would fall with every worker that ends
            values["process_cpu_seconds"].append(_seconds_of_ended_children(self._parent))
        for name, metric in metrics.items():
            value = _COMBINED.get(name, sum)(values[name])
            metric.samples = [metric.samples[0]._replace(value=value)]
        return metrics.values()


def _metrics_of(pid: int) -> Iterable[Metric]:
    return ProcessCollector(pid=lambda: pid, registry=None).collect()


def _seconds_of_ended_children(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[13]) + int(fields[14])) / _TICKS
