# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.alert_rules."""

from __future__ import annotations

DOCUMENTATION = r"""
name: alert_rules
short_description: Turn compact alert data into a Prometheus rule file
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Turns alerts, given as data, into the content of a Prometheus rule file, and checks them on
    the way.
  - An error names every fault of the input at once, one a line, each with its path. Besides wrong
    names, types, durations and PromQL it finds what C(promtool) accepts although it cannot work -
    an alert that always or never fires, a text that uses a label which is aggregated away, a
    series divided by itself, a rate shown as a percentage.
  - Texts hold placeholders where Prometheus wants Go templates, since Jinja would read C({{ }})
    first. C(<instance>) is the label C(instance) of the series. C(<value>), C(<value:percent>),
    C(<value:duration>), C(<value:bytes>), C(<value:integer>), C(<value:number>) and
    C(<value:time>) are the value. C(<threshold>), C(<threshold:percent>),
    C(<threshold:duration>) (of the host, where it has its own), C(<for>), C(<window>) and C(<severity>) are filled in with what the entry
    says, C(<for:words>) and C(<window:words>) in words (V(5 minutes)). Go templates behind C(!unsafe) pass as they are.
options:
  _input:
    description:
      - Entries by alert name. Or rule groups in Prometheus' own form, as a list or below the key
        C(groups); these are checked and passed.
      - C(expr) (str, required) is the PromQL expression; C(threshold) (float, or a dict of
        severity and float, the ladder) and C(op) (str, V(>) by default) are put behind it;
        C(guard) (str) is a second condition that must hold as well, such as a least volume.
        C(<job>) in an expression is the name of the job, C(<window>) the key C(window) (a duration),
        and any other name is one of C(selectors) in O(defaults).
      - C(for), C(keep_firing_for) (durations; C(for) also as a dict of severity and duration),
        C(severity), C(labels), C(annotations), C(summary), C(description), C(runbook_url),
        C(group) (name of the rule group).
      - C(enabled) (bool) switches an alert off. C(job) (str) leaves it out where that job has no
        targets. C(each_job) (bool) makes a rule for each job of O(known_jobs),
        C(each_slo) (bool) for each objective of O(slos); C(<burn>) in its expression is the condition
        under which the error budget is used up too fast, C(<slo>), C(<objective>), C(<period>) and
        C(<period:words>) are those of the objective. C(always) (bool) allows an
        expression that always fires. C(unit) (V(ratio), V(seconds), V(bytes), V(count)) bounds
        the threshold. C(per) (list of labels) must survive the expression. C(meaning) (str),
        C(runbook) (str, what to do first), C(commands) (list of shell commands) and C(tests) are for
        people and for P(barehost.monitoring.alert_rule_tests#filter).
    type: raw
    required: true
  extra:
    description: Further entries. A name that is in O(_input) already is refused.
    type: dict
  overrides:
    description:
      - Changes of single keys, by alert name. C(labels) and C(annotations) are merged. A key that is
        null is taken away, so that the default holds; also a single label or annotation. A
        C(threshold) with a ladder takes the C(severity) of the entry away; over another ladder it
        changes the steps that it names, and a single number is refused unless C(severity) says of
        which step it is.
    type: dict
  defaults:
    description:
      - What entries leave out. C(group), C(severity), C(for), C(keep_firing_for), C(labels),
        C(annotations), C(runbook_url) (C(<alertname>) is replaced).
      - C(severities) (list, the mildest first), C(required) (annotations that every alert has),
        C(always) (alerts that may always fire), C(groups) (C(interval) and C(limit) by group
        name).
      - C(selectors) (dict of name and matchers) are what expressions share. With one of the name C(disks),
        C(<disks>) stands for its matchers.
      - C(runbook_url_extra) replaces C(runbook_url) for alerts of O(extra).
      - C(scrape_interval), C(evaluation_interval) and C(retention) are what ranges and C(for) are
        held against.
    type: dict
  recording_rules:
    description:
      - Recording rules with C(record), C(expr), C(labels) and C(group). They come before the
        alerts of their group. One with a C(job) is left out where that job has no targets; C(<job>)
        in its expression is the name of the job.
    type: list
    elements: dict
  groups:
    description: Rule groups in Prometheus' own form, checked and added.
    type: list
    elements: dict
  target_version:
    description: The version of Prometheus that will read the rules.
    type: str
    default: 3.5.3
  known_jobs:
    description: The jobs that are scraped. An expression that asks for another job is refused.
    type: list
    elements: str
  other_jobs:
    description:
      - Jobs whose name comes with their series, from a Pushgateway or another Prometheus. Alerts may
        be about them; C(each_job) leaves them out, since there is no C(up) of theirs.
    type: list
    elements: str
  declared_jobs:
    description:
      - All jobs of the configuration, with or without targets. Where this is given, an alert of
        O(extra) or a change of O(overrides) whose C(job) is neither here nor in O(known_jobs) nor in
        O(other_jobs) is refused as misspelt. An alert of O(_input) may be about a product that is
        not here; it is only refused where the name is close to one of these.
    type: list
    elements: str
  scrape_intervals:
    description:
      - The scrape intervals of jobs that have their own, by job. Ranges of expressions that name the
        job are held against it instead of the default C(scrape_interval).
    type: dict
  slos:
    description:
      - Service level objectives by name. C(objective) (float, percent, required), C(job) (str), and what
        is counted, C(total) and C(errors) (metrics with their matchers) or C(histogram) and C(bucket)
        (float, seconds; slower requests count as failed).
      - C(period) (duration, V(30d) by default), C(min_errors) (int, V(10); fewer failures within the long
        range of an alert prove nothing), C(per) (list of labels that have a budget each), C(labels) (of
        the alerts), C(severity) (dict of C(page) and C(ticket), V(critical) and V(warning); V(null)
        leaves that alert out).
      - Recorded are C(slo:requests:rate5m), C(slo:errors:rate5m), C(slo:error:ratio_rate5m) and likewise
        30m, 1h, 2h, 6h, 1d, 3d, C(slo:objective:ratio) and C(slo:error_budget:remaining).
    type: dict
  thresholds:
    description:
      - Thresholds that single hosts have, by host and alert, as P(barehost.monitoring.alert_thresholds#filter)
        collects them. A host is what the label C(host) of the series names. An alert with steps takes a
        dict of severity and number.
      - Every threshold is recorded as C(alert:threshold{alert, severity, host}); the usual one has no C(host).
    type: dict
  names:
    description: What messages call the inputs, for example the variables of a role; by option, and V(alerts) for the input itself.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Write the rules
  ansible.builtin.copy:
    content: "{{ rules | to_nice_yaml(width=1000, sort_keys=false) }}"
    dest: /etc/prometheus/rules/alerts.yml
    mode: "0644"
  vars:
    rules: "{{ alerts | barehost.monitoring.alert_rules(known_jobs=['node-exporter']) }}"
    alerts:
      HighMemoryUsage:
        expr: 1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes
        threshold: {warning: 0.9, critical: 0.95}
        unit: ratio
        for: 15m
        summary: Memory of <instance> is nearly used up
        description: <value:percent> of the memory is in use, more than <threshold:percent>
"""

RETURN = r"""
_value:
  description: The content of a rule file, C({groups} [...]), plain and in a stable order.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _alerts as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._last_call import remembering
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain

_rules = remembering(core.alert_rules)


def alert_rules(alerts: Any, *, names: Any = None, **options: Any) -> dict[str, Any]:
    """Copy what Jinja passed and hand it to the core."""
    unknown = sorted(set(options) - set(core.OPTIONS))
    if unknown:
        known = ", ".join(core.OPTIONS)
        raise AnsibleTemplatePluginError(f"unknown option {unknown[0]!r} (options: {known})")
    try:
        return _rules(plain(alerts), **plain(options))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc.called(plain(names) or {}))) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"alert_rules": alert_rules}
