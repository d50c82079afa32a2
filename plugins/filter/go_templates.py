# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.go_templates."""

from __future__ import annotations

DOCUMENTATION = r"""
name: go_templates
short_description: List the Go templates in a configuration
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Lists every distinct string of nested data that holds a Go template.
  - Alertmanager's checker does not render the templates of receivers; C(amtool template render)
    does, given this list.
options:
  _input: {description: A configuration or a part of one., type: raw, required: true}
"""

EXAMPLES = r"""
- name: Show the texts that Alertmanager will render
  ansible.builtin.debug:
    msg: "{{ receivers | barehost.monitoring.go_templates }}"
"""

RETURN = r"""
_value:
  description: The templates, in the order of the data.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _go_templates as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def go_templates(data: Any) -> list[str]:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.go_templates(plain(data))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc)) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"go_templates": go_templates}
