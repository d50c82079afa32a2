# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A health probe finds the daemon wherever it listens."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._local_url import local_url

CASES: list[tuple[Any, str]] = [
    (["127.0.0.1:9090"], "http://127.0.0.1:9090"),
    (":9090", "http://127.0.0.1:9090"),
    (["0.0.0.0:9090"], "http://127.0.0.1:9090"),
    (["[::]:9090"], "http://[::1]:9090"),
    (["[2001:db8::7]:9090", ":1"], "http://[2001:db8::7]:9090"),
    (["[fe80::1%eth0]:9090"], "http://[fe80::1%eth0]:9090"),
    (["monitor.example.com:9090"], "http://monitor.example.com:9090"),
]


@pytest.mark.parametrize(("addresses", "wanted"), CASES)
def test_url(addresses: Any, wanted: str) -> None:
    assert local_url(addresses) == wanted


def test_path_and_tls() -> None:
    assert local_url([":1"], "/x/-/ready", tls=True) == "https://127.0.0.1:1/x/-/ready"


@pytest.mark.parametrize(
    "address", ["localhost", "::1:9090", "a:0", "a:65536", "http://a:1", "a b:1", 9090, ""]
)
def test_what_is_no_address_is_refused_wherever_it_stands(address: Any) -> None:
    with pytest.raises(InputError, match=r"listen addresses\[1\]: .* is no address"):
        local_url([":1", address])


def test_no_address_at_all_is_refused() -> None:
    with pytest.raises(InputError, match="there is none"):
        local_url([])
