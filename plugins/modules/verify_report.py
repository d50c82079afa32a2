#!/usr/bin/python
# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action barehost.monitoring.verify_report."""

from __future__ import annotations

DOCUMENTATION = r"""
module: verify_report
short_description: Report what all hosts have said that were verified
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Gathers what tasks with M(barehost.monitoring.daemon) and O(barehost.monitoring.daemon#module:state=verified) have found on
    the hosts of the play, shows it as a table, and fails when something is wrong.
  - It runs once, on the controller, and contacts no host.
extends_documentation_fragment: [barehost.monitoring._attributes]
attributes:
  check_mode: {support: full, details: It changes nothing but O(path).}
  diff_mode: {support: none}
  platform: {platforms: all}
options:
  path:
    description:
      - File on the controller that gets the report as JSON. Without it none is written. Example V(/tmp/verified.json).
      - "Its keys are C(time), the numbers C(daemons), C(faults), C(warnings) and C(unknown), and C(hosts): by host and daemon,
        C(verdict) (V(ok), V(warning), V(FAULT), or V(unknown) where nobody could look), C(findings) and C(seen) as
        M(barehost.monitoring.daemon) returns them."
    type: path
    default: ""
  strict:
    description: Whether a warning is enough to fail.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Tell how it stands
  barehost.monitoring.verify_report:
    path: /tmp/verified.json
"""

RETURN = r"""
msg:
  description: How it stands, in one line.
  returned: always
  type: str
  sample: "16 daemons on 2 hosts: 1 fault, 0 warnings"
"""
