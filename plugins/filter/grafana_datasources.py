# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.grafana_datasources."""

from __future__ import annotations

DOCUMENTATION = r"""
name: grafana_datasources
short_description: Turn scrape targets into Grafana data sources
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Turns what the filter P(barehost.monitoring.scrape_targets#filter) returns into data sources, one a host.
  - The first bears the product's name and uid, which dashboards and links may rely on; further ones bear their host's name too.
options:
  _input:
    description: Target groups with the label C(host).
    type: list
    elements: dict
    required: true
  type: {description: "Product, one of V(prometheus), V(alertmanager), V(elasticsearch).", type: str, required: true}
  scheme: {description: V(http) or V(https)., type: str, default: http}
  settings:
    description: Keys to add or replace in upstream's form; those below C(jsonData) join the ones that are set here.
    type: dict
    default: {}
"""

EXAMPLES = r"""
# [{name: Prometheus, uid: prometheus, type: prometheus, url: "http://192.0.2.7:9090", isDefault: true, jsonData: {...}}]
- name: Show the data sources of a group
  ansible.builtin.debug:
    msg: >-
      {{ groups['prometheus'] | barehost.monitoring.scrape_targets(hostvars, port=9090, scraper=inventory_hostname)
         | barehost.monitoring.grafana_datasources(type='prometheus') }}
"""

RETURN = r"""
_value:
  description: Data sources in Grafana's own form.
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import (
    _grafana_datasources as core,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def grafana_datasources(
    targets: Any,
    *,
    type: Any,  # noqa: A002 (the word of Grafana)
    scheme: Any = "http",
    settings: Any = None,
) -> list[dict[str, Any]]:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.grafana_datasources(
            plain(targets), kind_=plain(type), scheme=plain(scheme), settings=plain(settings)
        )
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc)) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"grafana_datasources": grafana_datasources}
