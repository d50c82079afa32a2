# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.alert_runbooks."""

from __future__ import annotations

DOCUMENTATION = r"""
name: alert_runbooks
short_description: Write pages that tell what to do about alerts
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Writes a page in Markdown for every alert of a rule file. It says what the alert means, when it fires,
    how its threshold is changed for all hosts or for some, what to do first, and how to silence it.
options:
  _input:
    description: The rules, as P(barehost.monitoring.alert_rules#filter) returns them.
    type: dict
    required: true
  alerts:
    description:
      - The alert entries by name, for what the rules do not hold - C(meaning), C(runbook), C(commands),
        C(threshold), C(job).
    type: dict
    required: true
  source:
    description: What the pages are made from, for the notice at their top.
    type: str
    default: the alerts' data
"""

EXAMPLES = r"""
- name: Write the runbooks
  ansible.builtin.copy:
    content: "{{ item.value }}"
    dest: "/srv/wiki/{{ item.key }}.md"
    mode: "0644"
  loop: "{{ alerts | barehost.monitoring.alert_rules | barehost.monitoring.alert_runbooks(alerts) | dict2items }}"
"""

RETURN = r"""
_value:
  description: The pages by alert name.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _runbooks as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def alert_runbooks(rules: Any, alerts: Any, *, source: Any = "the alerts' data") -> dict[str, str]:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.runbooks(plain(rules), plain(alerts), source=str(source))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc)) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"alert_runbooks": alert_runbooks}
