# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at a daemon without changing anything: is it what is described, and is it well?

Whatever is not as it should be becomes a finding with its remedy; one fault hides no other one.
"""

from __future__ import annotations

import os
import posixpath
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import _transaction
from ._errors import DaemonError
from ._finding import Finding
from ._health import endpoints
from ._host import Host
from ._phases import Run
from ._plan import Observed, Plan
from ._spec import Spec
from ._store import Store
from ._systemd import Status


@dataclass(frozen=True)
class Limits:
    """From where on something is a finding."""

    exposure: float = 2.0  # of 10, as systemd-analyze security counts
    certificate_days: float = 14
    disk_free: float = 0.1  # part of the file system that holds the data
    data: str = "{data}"  # where these are


@dataclass(frozen=True)
class Verdict:
    """What was found, and what was seen on the way."""

    findings: tuple[Finding, ...]
    seen: Mapping[str, Any] = field(default_factory=dict)


def verify(
    spec: Spec, host: Host, health: Mapping[str, Any], limits: Limits, lock_timeout: float
) -> Verdict:
    """Compare and ask. Waits for a run that deploys the daemon. Raises DaemonError where nothing can be seen."""
    store = Store(posixpath.join(spec.layout.state, spec.name))
    host.systemd.preflight()
    with store.locked(lock_timeout, create=False):
        current = Run(spec, host, store, lambda point: None)
        try:
            wanted = _transaction.described(current, health, True)
            observed, outcome = _transaction.decide(current, wanted)
        except DaemonError as exc:
            # It says what may not be changed, and would be: the host differs.
            status = host.systemd.status(spec.main_unit)
            return Verdict((Finding("state", str(exc), _DEPLOY),), _seen_of(status, ""))
    status = observed.status
    findings = [*_state(spec, outcome.plan, observed)]
    seen = _seen_of(status, observed.record.version if observed.record else "")
    if status.running:
        findings += _unit(spec, status)
        findings += _job(spec, host)
        findings += _health(spec, host)
        findings += _sockets(spec, host, status, seen)
        findings += _sandbox(spec, host, limits, seen)
        findings += _certificates(spec, host, limits, seen)
    findings += _disk(spec, limits, seen)
    return Verdict(tuple(findings), seen)


_DEPLOY = "look with site.yml --check --diff at what differs, then deploy"


def _seen_of(status: Status, version: str) -> dict[str, Any]:
    return {"version": version, "active": status.active, "restarts": status.restarts}


def _state(spec: Spec, plan: Plan, observed: Observed) -> Iterator[Finding]:
    """What a run would do is what is not as it is described."""
    if observed.record is None:
        yield Finding("state", "it is not deployed", "deploy it with site.yml")
        return
    if observed.transaction is not None:
        yield Finding("state", "a run that deployed it did not end", "deploy it once more")
    for drift in plan.repaired:
        yield Finding("state", drift, _DEPLOY)
    if not plan.repaired:
        for action in plan.actions:
            yield Finding("state", f"a run would {action}", _DEPLOY)


def _unit(spec: Spec, status: Status) -> Iterator[Finding]:
    if status.restarts:
        times = "once" if status.restarts == 1 else f"{status.restarts} times"
        fault = f"systemd has restarted it {times}"
        yield Finding("unit", fault, f"journalctl --unit={spec.name} --grep='Main process'", True)


def _job(spec: Spec, host: Host) -> Iterator[Finding]:
    """Of a job the timer waits whatever became of its last turn."""
    status = host.systemd.status(spec.unit_name) if spec.timer else None
    if status and status.active == "failed":
        fault = f"its last run failed ({status.result}, exit status {status.exit_status})"
        yield Finding("unit", fault, f"journalctl --unit={spec.name} --lines=50")


def _health(spec: Spec, host: Host) -> Iterator[Finding]:
    report = host.probe(spec.health, None)
    remedy = f"journalctl --unit={spec.name} --lines=50"
    yield from (Finding("health", fault, remedy) for fault in report.faults)
    yield from (Finding("health", fault, remedy, True) for fault in report.warnings)


def _sockets(spec: Spec, host: Host, status: Status, seen: dict[str, Any]) -> Iterator[Finding]:
    """It listens where its description says, and nowhere else."""
    held = host.held(status)
    seen["listens"] = sorted(str(listener) for listener in held)
    known = {endpoint.port for endpoint in endpoints(spec.health)}
    for listener in held:
        if listener.port not in known:
            fault = f"listens on {listener}, which its description does not name"
            yield Finding("sockets", fault, "close it, or name it in health.listens")
    for fault in host.unowned(spec.health, status):
        yield Finding("sockets", fault, f"systemctl restart {spec.unit_name}")


def _sandbox(spec: Spec, host: Host, limits: Limits, seen: dict[str, Any]) -> Iterator[Finding]:
    exposure = host.systemd.exposure(spec.unit_name)
    if exposure is None:
        return  # an old systemd, or one without its analyser
    seen["exposure"] = exposure
    if exposure > limits.exposure:
        fault = f"its sandbox scores {exposure:g}, more than {limits.exposure:g} of 10"
        yield Finding("sandbox", fault, f"systemd-analyze security {spec.unit_name}", True)


def _certificates(
    spec: Spec, host: Host, limits: Limits, seen: dict[str, Any]
) -> Iterator[Finding]:
    addresses = [one.url for one in spec.health.probes if one.url.startswith("https:")]
    places = dict.fromkeys(re.match(r"https://[^/?]*", url)[0] for url in addresses)  # type: ignore[index]
    for place in places:
        try:
            days = (host.certificate_end(place, spec.health) - time.time()) / 86_400
        except OSError:
            continue  # its probe says so
        seen["certificate_days"] = round(min(days, seen.get("certificate_days", days)), 1)
        if days < limits.certificate_days:
            fault = f"the certificate of {place} ends in {days:.1f} days"
            yield Finding("certificate", fault, "give the role a new one and deploy", days > 0)


def _disk(spec: Spec, limits: Limits, seen: dict[str, Any]) -> Iterator[Finding]:
    directory = spec.expand(limits.data, spec.release_directory)
    if not os.path.isdir(directory):
        return
    status = os.statvfs(directory)
    free = status.f_bavail / status.f_blocks if status.f_blocks else 1.0
    seen["disk_free"] = round(free, 3)
    if free < limits.disk_free:
        fault = f"{directory} has {free:.0%} of its disk left, less than {limits.disk_free:.0%}"
        yield Finding("disk", fault, "make room, or shorten how long data is kept")
