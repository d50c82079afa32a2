# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests that run the daemon module: hosts, deployments, web servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from integration.support.fake import VERSIONS, Fake, numbers, publish, remove
from integration.support.host import Host, booted
from integration.support.products import Product
from integration.support.server import Server, ports

SUITES = ("bookworm", "trixie", "bullseye")


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark that widens a test to several systems."""
    config.addinivalue_line(
        "markers", "suites(*names): run on these systems instead of bookworm alone"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on the systems its mark names."""
    if "suite" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("suites")
        metafunc.parametrize("suite", mark.args if mark else ("bookworm",), scope="session")


@pytest.fixture(scope="session")
def hosts(prefix: str) -> Iterator[Callable[[str], Host]]:
    """Boot each system once, when first needed."""
    running: dict[str, Host] = {}
    with ExitStack() as stack:

        def get(suite: str) -> Host:
            if suite not in running:
                running[suite] = stack.enter_context(booted(f"{prefix}-{suite}", suite))
                for version in VERSIONS:
                    publish(running[suite], version)
            return running[suite]

        yield get


@pytest.fixture
def host(hosts: Callable[[str], Host], suite: str) -> Host:
    """Return the running host of the system under test."""
    return hosts(suite)


@pytest.fixture
def make_fake(host: Host) -> Iterator[Callable[[], Fake]]:
    """Make deployments with names and ports of their own; what they left is removed afterwards."""
    made: list[Fake] = []

    def make() -> Fake:
        number = next(numbers)
        made.append(Fake(host, f"fake{number:03}", 20000 + number))
        return made[-1]

    yield make
    for fake in made:
        remove(fake)


@pytest.fixture
def fake(make_fake: Callable[[], Fake]) -> Fake:
    """Return one deployment, not deployed yet."""
    return make_fake()


@pytest.fixture
def server(host: Host) -> Iterator[Server]:
    """Return a web server on the host that serves the releases."""
    server = Server(host, next(ports)).start()
    yield server
    host.run("systemctl", "stop", "barehost-it-web-*", check=False)


@pytest.fixture
def make(host: Host) -> Iterator[Callable[[str], Product]]:
    """Make deployments of a product, each with a name and port of its own."""
    made: list[Product] = []

    def make(product: str) -> Product:
        number = next(numbers)
        made.append(Product(host, f"real{number:03}", 20000 + number, product))
        return made[-1]

    yield make
    for product in made:
        remove(product)


@pytest.fixture
def prometheus(make: Callable[[str], Product]) -> Product:
    """Return a Prometheus, not deployed yet."""
    return make("prometheus")


@pytest.fixture
def alertmanager(make: Callable[[str], Product]) -> Product:
    """Return an Alertmanager, not deployed yet."""
    return make("alertmanager")
