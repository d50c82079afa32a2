# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.template_checks."""

from __future__ import annotations

DOCUMENTATION = r"""
name: template_checks
short_description: Make the commands that render every text of Alertmanager's receivers
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - >-
    Makes entries for the option O(barehost.monitoring.daemon#module:checks), one for each distinct Go template in
    the receivers and each sample notification.
  - >-
    C(amtool check-config) parses templates; only rendering finds a template or a field that does not exist.
    One sample fires and another is resolved, since a fault may stand in a branch that only one of them takes.
  - The command begins its text with a remark that says where the text stands, so the error shows it.
options:
  _input:
    description: Receivers in Alertmanager's own form.
    type: list
    elements: dict
    required: true
  templates:
    description: Patterns of the template files, relative ones below the configuration directory.
    type: list
    elements: str
    default: []
  samples:
    description: >-
      Files with a notification as JSON, relative ones below the configuration directory. Without any there is no check.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show the commands
  ansible.builtin.debug:
    msg: "{{ receivers | barehost.monitoring.template_checks(templates=['templates/*.tmpl'], samples=['samples/firing.json']) }}"
"""

RETURN = r"""
_value:
  description: Entries with the key C(argv), in the order of the receivers.
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _template_checks as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def template_checks(
    receivers: Any, *, templates: Any = (), samples: Any = ()
) -> list[dict[str, list[str]]]:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.template_checks(
            plain(receivers), templates=plain(templates), samples=plain(samples)
        )
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc)) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"template_checks": template_checks}
