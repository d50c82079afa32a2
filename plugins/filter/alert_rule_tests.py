# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.alert_rule_tests."""

from __future__ import annotations

DOCUMENTATION = r"""
name: alert_rule_tests
short_description: Turn tests of alerts into a promtool test file
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Turns short tests of alerts into a file for C(promtool test rules).
  - Annotations that hold no template are taken from the rules; all others must be written out in
    the test.
options:
  _input:
    description: The rules, as P(barehost.monitoring.alert_rules#filter) returns them.
    type: dict
    required: true
  tests:
    description:
      - Lists of tests by alert name, or alert entries with the key C(tests).
      - A test has a C(name), C(series) (values by series, in promtool's notation), C(interval) of
        the values (V(1m) by default), and C(at), which lists for a moment the alerts that fire
        then; none is V([]).
      - In the short form a test has C(series) with one value or with two, just over and just under the
        threshold (V([9, 11])); a number stays as it is, V("+6") grows by six a minute. C(fires) lists the
        alerts that fire over it; C(value) in one of them makes its texts of labels and value. C(under) lists
        those that still fire just under it, C(silent) names cases in which nothing fires with the series
        that differ then, C(from) is when the condition is met first (V(1m) with counters, else V(0m)).
        Tests in the long form follow, for the moments before and after C(for).
      - Every alert that is seen firing is also tried without data, and with its series of another job.
      - A firing alert has C(labels), and C(summary), C(description), C(annotations) as far as
        they hold templates.
    type: dict
    required: true
  rule_files:
    description: The rule files, as seen from the test file.
    type: list
    elements: str
    default: [rules.yml]
"""

EXAMPLES = r"""
- name: Write the tests
  ansible.builtin.copy:
    content: "{{ rules | barehost.monitoring.alert_rule_tests(tests) | to_nice_yaml }}"
    dest: /tmp/tests.yml
    mode: "0644"
  vars:
    tests:
      TargetDown:
        - name: fires after five minutes, not before
          series:
            up{job="redis",instance="db1:9121"}: "0x10"
          at:
            4m: []
            5m:
              - labels: {severity: critical, job: redis, instance: db1:9121}
                summary: db1:9121 is down
"""

RETURN = r"""
_value:
  description: The content of a test file.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _rule_tests as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def alert_rule_tests(rules: Any, tests: Any, *, rule_files: Any = ("rules.yml",)) -> dict[str, Any]:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.rule_tests(plain(rules), plain(tests), rule_files=plain(rule_files))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc)) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"alert_rule_tests": alert_rule_tests}
