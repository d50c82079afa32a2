# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pipelines of the Logstash stand-in in this process, and an Elasticsearch that does as it is told."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.tests.unit.standins.fakes import Elasticsearch

from elastic.logstash.pipeline import Pipeline
from elastic.logstash.settings import Settings
from elastic.logstash.sources import Source

Run = Callable[..., Pipeline]


@pytest.fixture
def elasticsearch() -> Iterator[Elasticsearch]:
    """Begin with an empty one."""
    node = Elasticsearch()
    yield node
    node.stop()


@pytest.fixture
def port() -> int:
    """Find a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., Source]:
    """Return what a pipeline is made of."""

    def made(text: str, name: str = "main", version: str = "8.5.0", **given: Any) -> Source:
        settings = Settings(version)
        settings.set("path.data", str(tmp_path / "data"))
        for key, value in given.items():
            settings.set(key.replace("__", "."), value)
        return Source(name, settings, (("test.conf", text),))

    return made


@pytest.fixture
def run(source: Callable[..., Source]) -> Iterator[Run]:
    """Start pipelines, which end with the test."""
    running: list[Pipeline] = []

    def start(text: str, **given: Any) -> Pipeline:
        pipeline = Pipeline(source(text, **given))
        pipeline.start()
        running.append(pipeline)
        return pipeline

    yield start
    for pipeline in running:
        if not pipeline.stopped.is_set():
            pipeline.shutdown()
