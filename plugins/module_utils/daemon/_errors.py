# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of the daemon module. Every message is a sentence for the operator."""

from __future__ import annotations


class DaemonError(Exception):
    """Something the operator has to know: what failed, on which file, key or address, and why."""


class SpecError(DaemonError):
    """The task describes no possible daemon. Carries every fault found, not just the first."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class Interrupted(DaemonError):
    """The run was asked to stop (lost connection, Ctrl-C, shutdown): roll back, then leave."""


class Final(DaemonError):
    """The daemon answers as it would after any waiting, such as to a wrong password."""
