# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Alertmanager has many names; loopback means another host where another one says it."""

from __future__ import annotations

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.fire_drill import _named

HERE = "http://127.0.0.1:9090"


@pytest.mark.parametrize(
    ("told", "prometheus", "wanted"),
    [
        ("http://mon1:9093/api/v2/alerts", HERE, "http://mon1:9093"),
        ("http://mon1:9093/am/api/v1/alerts", HERE, "http://mon1:9093/am"),
        ("https://alerts.example.com/api/v2/alerts", HERE, "https://alerts.example.com:443"),
        ("http://127.0.0.1:9093/api/v2/alerts", HERE, "http://127.0.0.1:9093"),
        ("http://localhost:9093/api/v2/alerts", "http://mon2:9090", "http://mon2:9093"),
        ("http://[::1]:9093/api/v2/alerts", "http://[fd00::2]:9090", "http://[fd00::2]:9093"),
        ("http://127.0.0.1:9093/api/v2/alerts", "http://me:9090", "http://127.0.0.1:9093"),
        ("http://[fd00::3]:9093/api/v2/alerts", HERE, "http://[fd00::3]:9093"),
    ],
)
def test_where_it_is_reached(told: str, prometheus: str, wanted: str) -> None:
    assert _named.address(told, prometheus, lambda host: host == "me") == wanted


@pytest.mark.parametrize("told", ["x", "", "file:///etc/passwd", "http://:9093", "http://a:b/"])
def test_what_is_no_address_is_refused(told: str) -> None:
    with pytest.raises(ValueError):
        _named.address(told, HERE, lambda _host: False)


def test_it_is_known_by_host_port_and_path() -> None:
    addresses = ("http://Mon1:9093", "https://alerts.example.com/am/")
    assert _named.known("https://mon1:9093", addresses)
    assert _named.known("https://alerts.example.com:443/am", addresses)
    for other in ("http://mon1:9094", "http://mon2:9093", "https://alerts.example.com/other"):
        assert not _named.known(other, addresses)


def test_an_address_of_this_host_is_its_own() -> None:
    assert _named.here("127.0.0.1")
    assert not _named.here("192.0.2.1")
    assert not _named.here("no-such-name.invalid")
