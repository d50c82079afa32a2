# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.logstash_pipelines."""

from __future__ import annotations

DOCUMENTATION = r"""
name: logstash_pipelines
short_description: Make the files of further pipelines
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Makes entries of C(pipelines.yml) and the files that they name.
options:
  _input: {description: "Pipelines, name to C(config) and keys of C(pipelines.yml).", type: dict, required: true}
  directory: {description: Directory of the files., type: str, required: true}
  names:
    description: What messages call the inputs, for example the variables of a role.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the pipelines
  ansible.builtin.debug:
    msg: >-
      {{ {'tcp': {'config': 'input { tcp { port => 5000 } } output { stdout {} }'}}
         | barehost.monitoring.logstash_pipelines(directory='/etc/logstash/pipelines') }}
"""

RETURN = r"""
_value:
  description: C(pipelines) for C(pipelines.yml), and C(files) for the module M(barehost.monitoring.daemon).
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import (
    _logstash_pipelines as core,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def logstash_pipelines(given: Any, *, names: Any = None, **options: Any) -> Any:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.logstash_pipelines(plain(given), **plain(options))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc.called(plain(names) or {}))) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"logstash_pipelines": logstash_pipelines}
