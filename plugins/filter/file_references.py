# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.file_references."""

from __future__ import annotations

DOCUMENTATION = r"""
name: file_references
short_description: List the files that a configuration refers to
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Lists every path that stands under a key ending in C(_file), such as C(ca_file),
    C(password_file), C(credentials_file), C(api_url_file) or C(smtp_auth_password_file), at any
    depth.
  - The products' own checkers do not notice when some of these files are missing;
    O(barehost.monitoring.daemon#module:requires) does.
  - Paths below C(/run/credentials/) are left out, since systemd makes them when the service
    starts.
options:
  _input:
    description: A configuration, a part of one, or a list of them.
    type: raw
    required: true
  ignore:
    description: Keys that end in C(_file) and hold no path of an existing file.
    type: list
    elements: str
    default: [query_log_file, scrape_failure_log_file]
"""

EXAMPLES = r"""
# [tls/ca.pem, /etc/prometheus/secrets/token]
- name: Show what the daemon will read
  ansible.builtin.debug:
    msg: "{{ config | barehost.monitoring.file_references }}"
  vars:
    config:
      scrape_configs:
        - job_name: api
          tls_config: {ca_file: tls/ca.pem}
          authorization: {credentials_file: /etc/prometheus/secrets/token}
"""

RETURN = r"""
_value:
  description: The paths as they are written, each once, in the order of the configuration.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _file_references as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def file_references(config: Any, *, ignore: Any = core.WRITTEN) -> list[str]:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.file_references(plain(config), ignore=plain(ignore))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc)) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"file_references": file_references}
