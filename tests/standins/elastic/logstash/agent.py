# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent: which pipelines run, and what becomes of them when their files change."""

import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from elastic.common import Refused
from elastic.logstash.event import shown
from elastic.logstash.logs import Log
from elastic.logstash.pipeline import Pipeline
from elastic.logstash.settings import Settings
from elastic.logstash.sources import Source, fetch, fitting

_LOG = Log("logstash.agent")


def _reloads() -> dict[str, Any]:
    return {
        "successes": 0,
        "failures": 0,
        "last_error": None,
        "last_success_timestamp": None,
        "last_failure_timestamp": None,
    }


class Agent:
    """Runs pipelines."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self._folder = settings, folder
        self.pipelines: dict[str, Pipeline] = {}
        self.reloads: dict[str, dict[str, Any]] = {}
        self.total = {"successes": 0, "failures": 0}
        self.wanted, self._ended = threading.Event(), threading.Event()
        self._lock = threading.Lock()

    def run(self) -> int:
        """Run until the end, and return the exit code."""
        self.converge()
        automatic, every = (
            self.settings["config.reload.automatic"],
            self.settings["config.reload.interval"],
        )
        if not self.pipelines and not automatic:
            return 1
        next_look = time.monotonic() + every
        while not self._ended.is_set():
            if self.wanted.wait(0.2):
                self.wanted.clear()
                if not self._ended.is_set():
                    _LOG.warn("SIGHUP received.")
                    self.converge()
            elif automatic and time.monotonic() >= next_look:
                self.converge()
                next_look = time.monotonic() + every
            elif not automatic and all(one.stopped.is_set() for one in self.pipelines.values()):
                break
        for pipeline in list(self.pipelines.values()):
            pipeline.shutdown()
        return 0

    def stop(self) -> None:
        """End it."""
        self._ended.set()
        self.wanted.set()

    def converge(self) -> None:
        """Make what runs what the files say; a pipeline that is refused leaves the old one running."""
        with self._lock:
            try:
                sources = {source.name: source for source in fetch(self.settings, self._folder)}
                fitting(list(sources.values()))
            except Refused as exc:
                _LOG.error("An exception happened when converging configuration", message=str(exc))
                return
            done = [self._create(s) for n, s in sources.items() if n not in self.pipelines]
            for name, pipeline in list(self.pipelines.items()):
                if name not in sources:
                    done.append(self._remove(pipeline))
                elif pipeline.source.mark != sources[name].mark or pipeline.crashed:
                    done.append(self._reload(pipeline, sources[name]))
            if done and all(done):
                running = [n for n, p in self.pipelines.items() if not p.stopped.is_set()]
                _LOG.info(
                    "Pipelines running",
                    count=len(running),
                    running_pipelines=running,
                    non_running_pipelines=[],
                )

    def _create(self, source: Source) -> bool:
        self.reloads.setdefault(source.name, _reloads())
        try:
            pipeline = Pipeline(source)
            pipeline.start()
        except Refused as exc:
            _LOG.error(
                "Failed to execute action",
                action=f"LogStash::PipelineAction::Create/pipeline_id:{source.name}",
                exception="LogStash::ConfigurationError",
                message=str(exc),
            )
            return False
        self.pipelines[source.name] = pipeline
        return True

    def _remove(self, pipeline: Pipeline) -> bool:
        pipeline.shutdown()
        del self.pipelines[pipeline.name]
        return True

    def _reload(self, old: Pipeline, source: Source) -> bool:
        figures = self.reloads[source.name]
        try:
            new = Pipeline(source)
            _LOG.info("Reloading pipeline", **{"pipeline.id": source.name})
            old.shutdown()
            new.start()
        except Refused as exc:
            _LOG.error(
                "Failed to execute action",
                id=source.name,
                action_type="LogStash::ConvergeResult::FailedAction",
                message=str(exc),
            )
            self.total["failures"] += 1
            figures |= {
                "failures": figures["failures"] + 1,
                "last_error": {"message": str(exc), "backtrace": None},
                "last_failure_timestamp": _now(),
            }
            return False
        self.pipelines[source.name] = new
        self.total["successes"] += 1
        figures |= {
            "successes": figures["successes"] + 1,
            "last_error": None,
            "last_success_timestamp": _now(),
        }
        return True


def _now() -> str:
    return shown(datetime.now(UTC))
