# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.filebeat_inputs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: filebeat_inputs
short_description: Make the inputs of a Filebeat
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Makes an input of the type C(filestream) for each data set, whose lines go into a data stream of its own.
options:
  _input: {description: "Paths by data set, or C(paths) with further keys of the input.", type: dict, required: true}
  extra: {description: "Further inputs, each with C(type) and C(id).", type: list, elements: dict, default: []}
  namespace: {description: Namespace of the data streams., type: str, default: default}
  version: {description: Version of Filebeat., type: str, default: "8"}
  unit: {description: "What is changed in Filebeat's unit, by section.", type: dict, default: {}}
  names:
    description: What messages call the inputs, for example the variables of a role.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the inputs
  ansible.builtin.debug:
    msg: "{{ {'app': ['/var/log/app/*.log']} | barehost.monitoring.filebeat_inputs }}"
"""

RETURN = r"""
_value:
  description: The inputs.
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import (
    _filebeat_inputs as core,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def filebeat_inputs(given: Any, *, names: Any = None, **options: Any) -> Any:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.filebeat_inputs(plain(given), **plain(options))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc.called(plain(names) or {}))) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"filebeat_inputs": filebeat_inputs}
