# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Activation and the gate behind it: only a proved service counts as deployed."""

from __future__ import annotations

import time

from ._errors import DaemonError, Final
from ._health import Baseline
from ._host import Host
from ._spec import Health
from ._systemd import Status

_POLL = (0.05, 0.5)  # seconds between two looks: the first, and the longest


def activate(host: Host, unit: str, verb: str, health: Health) -> Baseline | None:
    """Restart or reload the unit, or with the verb none leave it alone.

    Returns what prove compares with: the readings before a reload, nothing after a restart, when
    every value is new, and None when nothing was done.
    """
    if verb == "none":
        return None
    if verb == "reload":
        baseline = host.probe(health, None).readings
        host.systemd.control("reload", "--", unit)
        return baseline
    # After a crash loop systemd refuses to start the unit until its failure is forgotten.
    forget_failure(host, unit)
    host.systemd.control("restart", "--", unit)
    return {}


def forget_failure(host: Host, unit: str) -> None:
    """What an earlier state has done says nothing about the new one."""
    if host.systemd.status(unit).active == "failed":
        host.systemd.control("reset-failed", "--", unit)


def prove_job(host: Host, unit: str) -> None:
    """A job whose timer was due at once must not have failed since."""
    status = host.systemd.status(unit)
    if status.active == "failed":
        raise DaemonError(f"{unit} has failed: {_exit(status)}")


def prove(host: Host, unit: str, health: Health, baseline: Baseline | None) -> tuple[str, ...]:
    """Wait until the unit is healthy, answers by itself and has settled.

    baseline: what activate returned.
    Returns the warnings of optional conditions. Raises DaemonError as soon as it is hopeless.
    """
    begin = time.monotonic()
    first = host.systemd.status(unit)
    pause = _POLL[0]
    while True:
        status = host.systemd.status(unit)
        _fail_if_dead(unit, first, status)
        report = host.probe(health, baseline)
        faults = list(report.faults)
        if not status.running:
            faults.insert(0, f"{unit} is {status.active} ({status.sub})")
        if not faults:
            faults += host.unowned(health, status)
        elapsed = time.monotonic() - begin
        if not faults and elapsed >= health.settle:
            return report.warnings
        if report.final:
            raise Final(f"not healthy: {'; '.join(faults)}")
        if faults and elapsed >= health.timeout:
            raise DaemonError(f"not healthy after {health.timeout:g} s: {'; '.join(faults)}")
        # Healthy but not settled: look again when it should have.
        time.sleep(pause if faults else max(0.0, min(pause, health.settle - elapsed)))
        pause = min(pause * 1.5, _POLL[1])


def _fail_if_dead(unit: str, first: Status, status: Status) -> None:
    if status.active == "failed" or status.sub.startswith("auto-restart"):
        raise DaemonError(f"{unit} died: {_exit(status)}")
    if status.active == "inactive":
        raise DaemonError(f"{unit} ended by itself: {_exit(status)}")
    if status.restarts > first.restarts or (
        first.main_pid and status.main_pid and status.main_pid != first.main_pid
    ):
        raise DaemonError(f"{unit} does not stay up: systemd had to restart it ({_exit(status)})")


def _exit(status: Status) -> str:
    return f"{status.result}, exit status {status.exit_status}"
