# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters for Grafana: whatever comes in, only one kind of error goes out."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.filter import (
    grafana_dashboards,
    grafana_datasources,
    grafana_ini,
    grafana_probes,
    grafana_provisioning,
    grafana_references,
    grafana_secrets,
)
from ansible_collections.barehost.monitoring.tests.unit.plugins.filter.test_filters import junk

MODULES = (
    grafana_dashboards,
    grafana_datasources,
    grafana_ini,
    grafana_probes,
    grafana_provisioning,
    grafana_references,
    grafana_secrets,
)
SOURCE = {"name": "a", "uid": "a", "type": "prometheus", "url": "http://a"}
lay_out, provide = grafana_dashboards.grafana_dashboards, grafana_provisioning.grafana_provisioning
FILTERS: dict[str, Callable[[Any], Any]] = {
    "groups": lay_out,
    "group": lambda junk: lay_out([{"folder": "F", "contents": [junk]}]),
    "panels": lambda junk: lay_out(
        [{"folder": "F", "contents": [{"uid": "a", "title": "A", "x": junk}]}]
    ),
    "templating": lambda junk: lay_out(
        [{"folder": "F", "contents": [{"uid": "a", "title": "A", "templating": {"list": junk}}]}]
    ),
    "extra": lambda junk: lay_out([], extra=junk),
    "known": lambda junk: lay_out([], datasources=junk),
    "elsewhere": lambda junk: lay_out([], elsewhere=junk),
    "home": lambda junk: lay_out([], home=junk),
    "targets": lambda junk: grafana_datasources.grafana_datasources(junk, type="prometheus"),
    "type": lambda junk: grafana_datasources.grafana_datasources([], type=junk),
    "settings": lambda junk: grafana_datasources.grafana_datasources(
        [], type="prometheus", settings=junk
    ),
    "sections": grafana_ini.grafana_ini,
    "keys": lambda junk: grafana_ini.grafana_ini({"server": junk}),
    "environment": lambda junk: grafana_ini.grafana_ini({}, environment=junk),
    "probed": lambda junk: grafana_probes.grafana_probes(junk, url="http://a"),
    "uids": lambda junk: grafana_probes.grafana_probes([], url="http://a", dashboards=junk),
    "sources": provide,
    "source": lambda junk: provide(
        [SOURCE | (junk if isinstance(junk, dict) else {"jsonData": junk})]
    ),
    "secret": lambda junk: provide([SOURCE | {"secureJsonData": junk}]),
    "absent": lambda junk: provide([], absent=junk),
    "secrets": lambda junk: provide([SOURCE], secrets=junk),
    "alerting": lambda junk: provide([], alerting=junk),
    "references": grafana_references.grafana_references,
    "given": grafana_secrets.grafana_secrets,
    "password": lambda junk: grafana_secrets.grafana_secrets({"admin_password": junk}),
    "user": lambda junk: grafana_secrets.grafana_secrets({}, user=junk),
    "database": lambda junk: grafana_secrets.grafana_secrets(
        {"database_password": "a b"}, database=junk
    ),
}


@pytest.mark.parametrize("name", FILTERS)
def test_whatever_comes_in_only_one_kind_of_error_goes_out(name: str) -> None:
    chance = random.Random(name)
    for _turn in range(500):
        given = junk(chance)
        try:
            FILTERS[name](given)
        except AnsibleTemplatePluginError as error:
            assert "Traceback" not in str(error)
        except Exception as error:
            pytest.fail(f"{type(error).__name__}: {error} from {given!r}")


def test_each_file_offers_its_filter() -> None:
    for module in MODULES:
        name = module.__name__.rsplit(".", 1)[1]
        assert list(module.FilterModule().filters()) == [name]


def test_messages_call_inputs_as_a_person_knows_them() -> None:
    names = {"config": "grafana_config", "admin_password": "grafana_admin_password"}
    with pytest.raises(AnsibleTemplatePluginError, match="^grafana_config.sever: "):
        grafana_ini.grafana_ini({"sever": {}}, names=names)
    with pytest.raises(AnsibleTemplatePluginError, match="^grafana_admin_password: is empty"):
        grafana_secrets.grafana_secrets({"admin_password": ""}, names=names)
