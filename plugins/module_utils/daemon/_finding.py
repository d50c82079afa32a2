# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody finds who looks at a daemon and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be, and what to do about it."""

    check: str  # what was looked at: state, health, sockets, disk, targets, rules, panels, ...
    fault: str
    remedy: str
    warning: bool = False  # worth a look; the daemon does its work
