# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.slo_rule_tests."""

from __future__ import annotations

DOCUMENTATION = r"""
name: slo_rule_tests
short_description: Turn service level objectives into a promtool test file
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Writes a file for C(promtool test rules) that tries the rules of objectives - what is counted, and for
    each pair of ranges, too many failures and not too many, the end of it, too few failures.
  - Nothing but the objectives is needed. What must fire when is worked out from the definition of the burn
    rate. Selectors for which no example of a series is found are not tried.
options:
  _input:
    description: The rules, as P(barehost.monitoring.alert_rules#filter) returns them.
    type: dict
    required: true
  slos:
    description: The objectives, as the option C(slos) of P(barehost.monitoring.alert_rules#filter) takes them.
    type: dict
    required: true
  known_jobs:
    description: The jobs that are scraped; objectives of others are left out.
    type: list
    elements: str
  selectors:
    description: What placeholders in the objectives stand for, by name.
    type: dict
    default: {}
  evaluation_interval:
    description: How often the server evaluates rules, unless the group C(slo) says it.
    type: str
    default: 15s
  rule_files:
    description: The rule files, as seen from the test file.
    type: list
    elements: str
    default: [rules.yml]
"""

EXAMPLES = r"""
- name: Write the tests
  ansible.builtin.copy:
    content: "{{ rules | barehost.monitoring.slo_rule_tests(slos) | to_nice_yaml }}"
    dest: /tmp/tests.yml
    mode: "0644"
  vars:
    rules: "{{ {} | barehost.monitoring.alert_rules(slos=slos) }}"
    slos:
      shop: {objective: 99.9, total: requests_total, errors: 'requests_total{code=~"5.."}'}
"""

RETURN = r"""
_value:
  description: The content of a test file.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _slo_tests as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def slo_rule_tests(
    rules: Any,
    slos: Any,
    *,
    known_jobs: Any = None,
    selectors: Any = None,
    evaluation_interval: Any = "15s",
    rule_files: Any = ("rules.yml",),
) -> dict[str, Any]:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.slo_test_file(
            plain(rules),
            plain(slos),
            known_jobs=plain(known_jobs),
            selectors=plain(selectors),
            evaluation_interval=plain(evaluation_interval),
            rule_files=plain(rule_files),
        )
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc)) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"slo_rule_tests": slo_rule_tests}
