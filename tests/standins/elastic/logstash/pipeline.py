# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pipeline: inputs, a queue, and a worker that filters and writes in the order of the queue.

Logstash has several workers; this one has one, so events keep their order.
"""

import re
import threading
import time
from collections.abc import Callable
from typing import Any

from elastic.common import Refused
from elastic.logstash import grammar
from elastic.logstash.conditions import Condition, WorkerFault, compiled
from elastic.logstash.deadletters import Limits, Writer
from elastic.logstash.event import Event, ReferenceFault
from elastic.logstash.filters import FILTERS, Filter
from elastic.logstash.inputs import INPUTS, Input
from elastic.logstash.logs import Log
from elastic.logstash.options import checked, release
from elastic.logstash.outputs import OUTPUTS, Interrupted, Output
from elastic.logstash.queue import Memory, Persisted, Queue
from elastic.logstash.sources import Source
from elastic.logstash.tree import Body, Branch, Plugin

# Branches are arms of a condition (None: else) and what is below; plugins are made by `make`.
Node = Any
_FREE_COMMENTS_SINCE = (8, 15)
_EARLY = ("date",)  # made, not only checked, by a test of the configuration


class Pipeline:
    """Made, it is checked as far as `logstash -t` does; started, it runs until it is shut down."""

    def __init__(self, source: Source) -> None:
        self.source, self.name, self.settings = source, source.name, source.settings
        self.log = Log("logstash.javapipeline", source.name)
        self.ephemeral = f"{time.time_ns():x}"
        self.events = {"in": 0, "filtered": 0, "out": 0}
        self.plugins: dict[str, list[dict[str, Any]]] = {"inputs": [], "filters": [], "outputs": []}
        self._checked: dict[int, tuple[str, dict[str, Any]]] = {}
        self._ids: set[str] = set()
        self._bodies: dict[str, list[Node]] = {"input": [], "filter": [], "output": []}
        free = release(self.settings.version) >= _FREE_COMMENTS_SINCE
        for _name, text in source.texts:
            for section in grammar.parse(text, free):
                self._check(section.kind, section.body)
                self._bodies[section.kind] += section.body
        self.stopping, self.stopped = threading.Event(), threading.Event()
        self.crashed = False
        self._queue: Queue | None = None
        self._letters: Writer | None = None
        self._inputs: list[Input] = []
        self._outputs: list[Output] = []
        self._threads: list[threading.Thread] = []

    # -- checks -------------------------------------------------------------------

    def _check(self, kind: str, body: Body) -> None:
        for node in body:
            if isinstance(node, Branch):
                for _test, inner in node.arms:
                    self._check(kind, inner)
                continue
            log = Log(f"logstash.{kind}s.{node.name}")
            options = checked(kind, node, self.settings.version, log.error)
            if kind == "filter" and node.name in _EARLY:
                FILTERS[node.name](options, log)
            options.setdefault("ecs_compatibility", self.settings["pipeline.ecs_compatibility"])
            name = options.get("id", f"{node.name}_{node.place}")
            if name in self._ids and "id" in options:
                raise Refused(
                    "org.logstash.config.ir.InvalidIRException: Config has duplicate Ids: \n"
                    f"ID: {name}"
                )
            self._ids.add(name)
            self._checked[id(node)] = name, options

    def test(self) -> None:
        """Open what lies on the disk, as a test of the configuration does; raises Refused."""
        self._open()
        self._close()

    # -- life ---------------------------------------------------------------------

    def start(self) -> None:
        """Run; raises Refused if it cannot."""
        self._open()
        try:
            self._outputs_body = self._made("output", self._bodies["output"], self._make_output)
            self._filters_body = self._made("filter", self._bodies["filter"], self._make_filter)
            self._made("input", self._bodies["input"], self._make_input)
        except (Refused, re.error, ReferenceFault, OSError) as exc:
            self.log.error("Pipeline error", exception=str(exc))
            for output in self._outputs:
                output.close()
            self._close()
            raise Refused(str(exc)) from None
        self.log.info(
            "Starting pipeline",
            **{"pipeline.workers": 1, "pipeline.batch.size": self.settings["pipeline.batch.size"]},
        )
        worker = threading.Thread(target=self._work, daemon=True)
        self._threads = [threading.Thread(target=one.run, daemon=True) for one in self._inputs]
        for thread in (*self._threads, worker):
            thread.start()
        self.log.info("Pipeline started", **{"pipeline.id": self.name})

    def shutdown(self) -> None:
        """Stop inputs; write what is in memory; let go. A queue on disk keeps what was not written."""
        self.stopping.set()
        for one in self._inputs:
            one.stop()
        if not isinstance(self._queue, Memory):
            for output in self._outputs:
                output.close()
        self.stopped.wait()

    def _open(self) -> None:
        settings = self.settings
        if settings["dead_letter_queue.enable"]:
            limits = Limits(
                settings["dead_letter_queue.max_bytes"],
                max(settings["dead_letter_queue.flush_interval"] / 1000, 1),
                settings["dead_letter_queue.storage_policy"] == "drop_older",
                settings["dead_letter_queue.retain.age"] or 0,
            )
            self._letters = Writer(settings["path.dead_letter_queue"] / self.name, limits, self.log)
        try:
            self._queue = Memory()
            if settings["queue.type"] == "persisted":
                page, most = settings["queue.page_capacity"], settings["queue.max_bytes"]
                folder = settings["path.queue"] / self.name
                self._queue = Persisted(folder, page, most, int(settings["queue.max_events"]))
        except (Refused, OSError) as exc:
            if self._letters:
                self._letters.close()
            raise Refused(str(exc)) from None

    def _close(self) -> None:
        if self._queue:
            self._queue.close()
        if self._letters:
            self._letters.close()

    # -- plugins ------------------------------------------------------------------

    def _made(self, kind: str, body: Any, make: Callable[[Plugin], Any]) -> list[Node]:
        nodes: list[Node] = []
        for node in body:
            if isinstance(node, Branch):
                arms: list[tuple[Condition | None, list[Node]]] = [
                    (compiled(test) if test else None, self._made(kind, inner, make))
                    for test, inner in node.arms
                ]
                nodes.append(arms)
            else:
                nodes.append(make(node))
        return nodes

    def _figures(self, kind: str, node: Plugin) -> tuple[dict[str, Any], dict[str, Any], Log]:
        name, options = self._checked[id(node)]
        figures = {"id": name, "name": node.name, "events": {"in": 0, "out": 0}}
        self.plugins[f"{kind}s"].append(figures)
        return figures, options, Log(f"logstash.{kind}s.{node.name}", self.name)

    def _make_input(self, node: Plugin) -> None:
        figures, options, log = self._figures("input", node)
        made = INPUTS[node.name](options, log, self.settings["path.data"])

        def push(events: list[Event]) -> bool:
            assert self._queue
            stored = self._queue.push(events, self.stopping.is_set)
            if stored:
                figures["events"]["out"] += len(events)
                self.events["in"] += len(events)
            return stored

        made.push = push
        self._inputs.append(made)

    def _make_filter(self, node: Plugin) -> tuple[dict[str, Any], Filter]:
        figures, options, log = self._figures("filter", node)
        return figures, FILTERS[node.name](options, log)

    def _make_output(self, node: Plugin) -> tuple[dict[str, Any], Output]:
        figures, options, log = self._figures("output", node)
        letters = self._letters

        def bury(event: Event, reason: str) -> None:
            assert letters
            letters.write(event, node.name, figures["id"], reason)

        made = OUTPUTS[node.name](options, log, bury if letters else None)
        figures |= made.figures
        self._outputs.append(made)
        return figures, made

    # -- work ---------------------------------------------------------------------

    def _work(self) -> None:
        assert self._queue
        size, wait = (
            self.settings["pipeline.batch.size"],
            self.settings["pipeline.batch.delay"] / 1000,
        )
        drain = isinstance(self._queue, Memory) or self.settings["queue.drain"]
        try:
            while not self._done(drain):
                if self._letters:
                    self._letters.tick()
                if batch := self._queue.take(size, wait):
                    self._batch(batch)
                    self._queue.acknowledge(batch)
        except Interrupted:
            self.log.info("Batch interrupted, its events stay in the queue")
        except (WorkerFault, ReferenceFault) as exc:
            self.log.error("Pipeline worker error, the pipeline will be stopped", error=str(exc))
            self.crashed = True
        except Exception as exc:
            self.log.error("Pipeline worker error, the pipeline will be stopped", error=repr(exc))
            self.crashed = True
            raise
        finally:
            self._end()

    def _done(self, drain: bool) -> bool:
        assert self._queue
        ended = self.stopping.is_set() or not any(thread.is_alive() for thread in self._threads)
        waiting = any(thread.is_alive() for thread in self._threads)
        return ended and (not drain or (self._queue.empty and not waiting))

    def _end(self) -> None:
        self.stopping.set()
        for one in self._inputs:
            one.stop()
        for output in self._outputs:
            output.close()
        for thread in self._threads:
            thread.join(5)
        self._close()
        self.log.info("Pipeline terminated", **{"pipeline.id": self.name})
        self.stopped.set()

    def _batch(self, events: list[Event]) -> None:
        for event in events:
            self._filter(self._filters_body, event)
        kept = [event for event in events if not event.cancelled]
        self.events["filtered"] += len(events)
        bound: dict[int, tuple[dict[str, Any], Output, list[Event]]] = {}
        for event in kept:
            self._route(self._outputs_body, event, bound)
        for figures, output, wanted in bound.values():
            figures["events"]["in"] += len(wanted)
            output.write(wanted)
            figures["events"]["out"] += len(wanted)
        self.events["out"] += len(kept)

    def _filter(self, nodes: list[Node], event: Event) -> None:
        for node in nodes:
            if event.cancelled:
                return
            if isinstance(node, list):
                self._filter(_arm(node, event), event)
                continue
            figures, one = node
            figures["events"]["in"] += 1
            one(event)
            figures["events"]["out"] += not event.cancelled

    def _route(self, nodes: list[Node], event: Event, bound: dict[int, Any]) -> None:
        for node in nodes:
            if isinstance(node, list):
                self._route(_arm(node, event), event, bound)
                continue
            figures, output = node
            bound.setdefault(id(output), (figures, output, []))[2].append(event)

    # -- what the API says ----------------------------------------------------------

    def told(self) -> dict[str, Any]:
        """Return the figures of it."""
        told: dict[str, Any] = {"events": dict(self.events), "plugins": self.plugins}
        if not self.stopped.is_set() and self._queue:
            told["queue"] = self._queue.told()
        told |= {"hash": f"{abs(hash(self.source.texts)):x}", "ephemeral_id": self.ephemeral}
        if self._letters:
            told["dead_letter_queue"] = self._letters.told()
        return told


def _arm(arms: list[tuple[Condition | None, list[Node]]], event: Event) -> list[Node]:
    return next((inner for test, inner in arms if test is None or test(event)), [])
