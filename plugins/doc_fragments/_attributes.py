# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private fragment: what the attributes of this collection's modules mean."""

from __future__ import annotations


class ModuleDocFragment:
    """Descriptions of the attributes; each module says how far it supports them."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and tell what it would change, without changing it.
  diff_mode:
    description: Returns what differs, or would differ in C(check_mode), when in C(diff) mode.
  platform:
    description: Kinds of host that the module can work on.
    support: full
"""
