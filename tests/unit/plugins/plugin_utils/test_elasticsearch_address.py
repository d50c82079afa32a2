# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is more particular wins, as in Elasticsearch."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _elasticsearch_address
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError

SETTINGS = {"network.host": ["127.0.0.1", "10.0.0.1"], "http.port": 9200, "transport.port": 9300}


@pytest.mark.parametrize(
    ("extra", "http", "transport"),
    [
        ({}, "127.0.0.1:9200", "127.0.0.1:9300"),
        ({"http.port": 9201}, "127.0.0.1:9201", "127.0.0.1:9300"),
        ({"http": {"port": "9201-9210"}}, "127.0.0.1:9201", "127.0.0.1:9300"),
        ({"http.port": None, "transport.port": None}, "127.0.0.1:9200", "127.0.0.1:9300"),
        ({"network.host": None}, "127.0.0.1:9200", "127.0.0.1:9300"),
        ({"network.host": "10.0.0.2"}, "10.0.0.2:9200", "10.0.0.2:9300"),
        ({"http.host": "_local:ipv6_"}, "[::1]:9200", "127.0.0.1:9300"),
        (
            {"network.bind_host": "0.0.0.0", "transport": {"bind_host": "::", "host": "x"}},
            "0.0.0.0:9200",
            "[::]:9300",
        ),
    ],
)
def test_where_it_listens(extra: Any, http: str, transport: str) -> None:
    found = _elasticsearch_address.elasticsearch_address(SETTINGS, extra=extra)
    assert found == http
    found = _elasticsearch_address.elasticsearch_address(SETTINGS, extra=extra, service="transport")
    assert found == transport


@pytest.mark.parametrize(
    ("settings", "extra", "service"), [([], {}, "http"), ({}, "x", "http"), ({}, {}, "https")]
)
def test_a_wrong_input_is_refused(settings: Any, extra: Any, service: str) -> None:
    with pytest.raises(InputError):
        _elasticsearch_address.elasticsearch_address(settings, extra=extra, service=service)
