# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of _targets."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._targets import scrape_targets

NAMES = ("barehost_address", "ansible_host", "barehost_labels")


def targets(hosts: Any, variables: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    """Make targets of hosts on port 9100."""
    return scrape_targets(hosts, variables.get, NAMES, **{"port": 9100, **options})


@pytest.mark.parametrize(
    ("variables", "target"),
    [
        ({}, "db1:9100"),
        ({"ansible_host": "192.0.2.7"}, "192.0.2.7:9100"),
        ({"ansible_host": "container-1", "barehost_address": "172.17.0.5"}, "172.17.0.5:9100"),
        ({"ansible_host": "2001:db8::7"}, "[2001:db8::7]:9100"),
        ({"ansible_host": "[2001:db8::7]"}, "[2001:db8::7]:9100"),
        ({"barehost_address": "", "ansible_host": "db1.example.com"}, "db1.example.com:9100"),
        ({"barehost_address": None}, "db1:9100"),
    ],
)
def test_the_address_comes_from_the_first_variable_set(
    variables: dict[str, Any], target: str
) -> None:
    (group,) = targets(["db1"], {"db1": variables})
    assert group == {"targets": [target], "labels": {"instance": "db1:9100", "host": "db1"}}


def test_the_scraper_reaches_itself_by_loopback() -> None:
    found = targets(["a", "b"], {"a": {"ansible_host": "192.0.2.1"}, "b": {}}, scraper="a")
    assert [group["targets"] for group in found] == [["127.0.0.1:9100"], ["b:9100"]]
    assert found[0]["labels"]["instance"] == "a:9100"


def test_labels_of_a_host_win_over_common_ones() -> None:
    hosts = {"a": {"barehost_labels": {"rack": "r9"}}, "b": {}}
    found = targets(["b", "a"], hosts, labels={"rack": "r1", "site": "x"})
    assert [group["labels"]["rack"] for group in found] == ["r1", "r9"]
    assert found[1]["labels"]["site"] == "x"


def test_the_order_is_that_of_the_hosts_and_each_comes_once() -> None:
    found = targets(["c", "a", "c"], {"a": {}, "b": {}, "c": {}})
    assert [group["labels"]["host"] for group in found] == ["c", "a"]


def test_no_hosts_are_no_targets() -> None:
    assert targets([], {}) == []


@pytest.mark.parametrize(
    ("hosts", "options", "fault"),
    [
        ("db1", {}, 'hosts: "db1" is a string, not a list of host names'),
        (["db2"], {}, 'hosts[0]: there is no host "db2" in the inventory'),
        ([5], {}, "hosts[0]: there is no host 5 in the inventory"),
        ([["a"]], {}, 'hosts[0]: there is no host ["a"] in the inventory'),
        (["db1"], {"port": 0}, "port: 0 is no port from 1 to 65535 (example: 9100)"),
        (["db1"], {"port": 65536}, "port: 65536 is no port"),
        (["db1"], {"port": True}, "port: true is no port"),
        (["db1"], {"port": "http"}, 'port: "http" is no port'),
        (["db1"], {"labels": {"a": 1}}, "labels: a: 1 is a number, not a string"),
        (["db1"], {"labels": {"host": "x"}}, "labels.host: is made from the inventory name"),
        (["db1"], {"labels": ["x"]}, 'labels: ["x"] is a list, not a dictionary'),
        (["bad"], {}, 'hostvars.bad.ansible_host: "a b" is no address'),
        (["odd"], {}, "hostvars.odd.barehost_labels: a: true is a boolean, not a string"),
        (["no name"], {}, 'hostvars.no name: "no name" is no address'),
    ],
)
def test_a_fault_is_named_with_its_path(hosts: Any, options: dict[str, Any], fault: str) -> None:
    variables = {
        "db1": {},
        "bad": {"ansible_host": "a b"},
        "odd": {"barehost_labels": {"a": True}},
        "no name": {},
    }
    with pytest.raises(InputError) as caught:
        targets(hosts, variables, **options)
    assert fault in str(caught.value)


def test_all_faults_come_in_one_error() -> None:
    with pytest.raises(InputError, match="^3 faults"):
        targets(["x", "y"], {"y": {"ansible_host": ":"}}, port=0)


def test_a_port_may_be_the_text_that_a_variable_gave() -> None:
    assert targets(["a"], {"a": {}}, port="9100")[0]["targets"] == ["a:9100"]
