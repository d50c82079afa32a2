# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.prometheus_config."""

from __future__ import annotations

DOCUMENTATION = r"""
name: prometheus_config
short_description: Compose Prometheus' main configuration
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Composes C(prometheus.yml) from scrape jobs, targets and Alertmanagers.
  - A job that names no service discovery reads its targets from C(targets/<job>.yml).
  - Refuses what Prometheus accepts in silence, all faults in one message.
options:
  _input:
    description: Scrape jobs in Prometheus' own form.
    type: list
    elements: dict
    required: true
  settings: {description: The section C(global)., type: dict, default: {}}
  targets: {description: Target groups by job name., type: dict, default: {}}
  alertmanagers:
    description: Entries of C(alerting.alertmanagers).
    type: list
    elements: dict
    default: []
  extra:
    description: Top-level sections that replace or join the ones above.
    type: dict
    default: {}
  agent:
    description: Whether Prometheus runs as an agent, which has no rules and no alerts.
    type: bool
    default: false
  alerts:
    description: Number of alerts that need an Alertmanager to be sent to.
    type: int
    default: 0
  names:
    description: What messages call the inputs, for example the variables of a role; by option, and V(jobs) for the input itself.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the configuration of one job
  ansible.builtin.debug:
    msg: "{{ [{'job_name': 'redis'}] | barehost.monitoring.prometheus_config }}"
"""

RETURN = r"""
_value:
  description: The configuration as data.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _prometheus_config as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def prometheus_config(
    jobs: Any, *, agent: Any = False, alerts: Any = 0, names: Any = None, **sections: Any
) -> dict[str, Any]:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.prometheus_config(
            plain(jobs), agent=bool(agent), alerts=int(alerts), **plain(sections)
        )
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc.called(plain(names) or {}))) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"prometheus_config": prometheus_config}
