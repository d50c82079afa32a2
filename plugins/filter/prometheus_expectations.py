# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.prometheus_expectations."""

from __future__ import annotations

DOCUMENTATION = r"""
name: prometheus_expectations
short_description: Tell what a running Prometheus has to say of itself
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Reads a configuration of Prometheus and tells which jobs, targets, rules and Alertmanagers it must have once it runs.
  - The module M(barehost.monitoring.daemon) compares that with what Prometheus says, with O(barehost.monitoring.daemon#module:state=verified).
options:
  _input:
    description: C(prometheus.yml) as data, as P(barehost.monitoring.prometheus_config#filter) returns it.
    type: dict
    required: true
  targets: {description: Target groups by the job that reads them from C(targets/<job>.yml)., type: dict, default: {}}
  rules: {description: The rule file as data., type: dict, default: {}}
"""

EXAMPLES = r"""
- name: Show {'jobs':['redis'],'targets':{'redis':['192.0.2.7:9121']},'rules':{},'alertmanagers':[]}
  ansible.builtin.debug:
    msg: "{{ config | barehost.monitoring.prometheus_expectations(targets=targets) }}"
  vars:
    config: {scrape_configs: [{job_name: redis, file_sd_configs: [{files: [targets/redis.yml]}]}]}
    targets: {redis: [{targets: ["192.0.2.7:9121"]}]}
"""

RETURN = r"""
_value:
  description: The options C(jobs), C(targets), C(rules) and C(alertmanagers) of O(barehost.monitoring.daemon#module:verify.prometheus).
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils import (
    _prometheus_expectations as core,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def prometheus_expectations(
    config: Any, *, targets: Any = None, rules: Any = None
) -> dict[str, Any]:
    """Copy what Jinja passed and hand it to the core."""
    given = (plain(targets) or {}, plain(rules) or {})
    return core.expectations(plain(config), targets=given[0], rules=given[1])


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"prometheus_expectations": prometheus_expectations}
