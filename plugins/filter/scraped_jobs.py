# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.scraped_jobs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: scraped_jobs
short_description: Name the scrape jobs that have targets
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Names the jobs that have targets, and those that find their targets by a service discovery.
  - An alert about a job without targets could never fire; the filter
    P(barehost.monitoring.alert_rules#filter) leaves it out, given this list.
options:
  _input:
    description: Scrape jobs in Prometheus' own form.
    type: list
    elements: dict
    required: true
  targets: {description: Target groups by job name., type: dict, default: {}}
  names:
    description: What messages call the inputs, for example the variables of a role; by option, and V(jobs) for the input itself.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show ['redis']
  ansible.builtin.debug:
    msg: "{{ jobs | barehost.monitoring.scraped_jobs(targets=targets) }}"
  vars:
    jobs: [{job_name: redis}, {job_name: postgres}]
    targets: {redis: [{targets: ["192.0.2.7:9121"]}]}
"""

RETURN = r"""
_value:
  description: The names, in the order of the jobs.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _prometheus_config as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def scraped_jobs(jobs: Any, *, targets: Any = None, names: Any = None) -> list[str]:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.scraped_jobs(plain(jobs), targets=plain(targets))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc.called(plain(names) or {}))) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"scraped_jobs": scraped_jobs}
