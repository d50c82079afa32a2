# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus: does it watch what the inventory says, by the rules that were rendered?"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..daemon._finding import Finding
from ..daemon._metrics import samples
from ._client import Client, Unanswered, Verdict

_RELOADED = "prometheus_config_last_reload_success_timestamp_seconds"
_SUCCESSFUL = "prometheus_config_last_reload_successful"
_TOLD = "a look at its log: journalctl --unit={} --grep=level=(warn|error) --lines=20"


@dataclass(frozen=True)
class Wanted:
    """What the inventory says of it."""

    unit: str
    version: str
    jobs: Sequence[str]
    targets: Mapping[str, Sequence[str]]  # job -> addresses; a job that finds its own has none
    rules: Mapping[str, Sequence[str]]  # group -> alerts and recorded series
    alertmanagers: Sequence[str]  # host:port
    files: Sequence[str]  # what it has to have loaded
    agent: bool = False  # scrapes and forwards; has neither rules nor queries
    clock_skew: float = 2  # seconds
    patience: float = 30  # seconds for what is young: a target not scraped yet, a new rule


def verify(client: Client, wanted: Wanted) -> Verdict:
    """Ask it everything. A part that is not answered is a finding; the others are still asked."""
    verdict = Verdict()
    parts = [_configuration, _version, _targets]
    if not wanted.agent:
        parts += [_rules, _alerts, _alertmanagers, _clocks]
    limit = time.monotonic() + wanted.patience
    for part in parts:
        try:
            verdict.findings += part(client, wanted, verdict.seen, limit)
        except Unanswered as exc:
            name = part.__name__.strip("_")
            verdict.findings.append(Finding(name, str(exc), f"systemctl status {wanted.unit}"))
    return verdict


def _data(client: Client, path: str, **words: str | int | float) -> Any:
    return client.get(f"/api/v1/{path}", words)["data"]


def _configuration(
    client: Client, wanted: Wanted, seen: dict[str, Any], _limit: float
) -> Iterator[Finding]:
    """What is loaded is what lies on the disk, which was compared with the inventory already."""
    found = {
        name: value
        for name, _labels, value in samples(client.text("/metrics"), (_RELOADED, _SUCCESSFUL))
    }
    remedy = f"promtool check config, then systemctl reload {wanted.unit}"
    if found.get(_SUCCESSFUL) != 1:
        yield Finding("configuration", "the last reload has failed", remedy)
    loaded = found.get(_RELOADED, 0)
    # The metric has whole seconds; a file is written before it is loaded.
    late = [path for path in wanted.files if _changed(path) > loaded + 1]
    for path in late:
        fault = f"{path} was written after the last reload"
        yield Finding("configuration", fault, f"systemctl reload {wanted.unit}")
    text = str(_data(client, "status/config")["yaml"])
    names = [name.strip("'\"") for name in re.findall(r"^- job_name: (.+)$", text, re.MULTILINE)]
    seen["jobs"] = len(names)
    for job in sorted(set(wanted.jobs) - set(names)):
        yield Finding("configuration", f"the job {job} is not loaded", remedy)
    for job in sorted(set(names) - set(wanted.jobs)):
        yield Finding("configuration", f"the job {job} is loaded, but not described", remedy)


def _changed(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0  # that it is missing the daemon's own check says


def _version(
    client: Client, wanted: Wanted, seen: dict[str, Any], _limit: float
) -> Iterator[Finding]:
    running = str(_data(client, "status/buildinfo")["version"])
    seen["version"] = running
    if not same_version(running, wanted.version):
        yield version_finding(running, wanted.version, wanted.unit)


def same_version(running: str, wanted: str) -> bool:
    """Whether a version that a build names is the wanted one; builders may add words of their own."""
    return running == wanted or re.match(re.escape(wanted) + r"(?![0-9.])", running) is not None


def version_finding(running: str, wanted: str, unit: str) -> Finding:
    """Say that another version answers than the one that was deployed."""
    fault = f"answers as version {running}, deployed is {wanted}"
    return Finding("version", fault, f"systemctl restart {unit}, or look at who else answers there")


def _targets(
    client: Client, wanted: Wanted, seen: dict[str, Any], limit: float
) -> Iterator[Finding]:
    targets = _scraped(client, limit)
    active = targets["activeTargets"]
    up = [target for target in active if target["health"] == "up"]
    seen["targets"] = f"{len(up)}/{len(active)} up"
    for target in active:
        if target["health"] != "up":
            yield _down(target)
    known = {_identity(target) for target in active}
    dropped = {
        str(target["discoveredLabels"].get("__address__", ""))
        for target in targets.get("droppedTargets") or ()
    }
    for job, addresses in sorted(wanted.targets.items()):
        for address in addresses:
            if (job, address) not in known and address not in dropped:
                fault = f"{job} at {address} is in the inventory, but no target of Prometheus"
                yield Finding("targets", fault, "deploy Prometheus anew with site.yml")
    for job, address in sorted(known):
        if job in wanted.targets and address not in wanted.targets[job]:
            fault = f"{job} at {address} is scraped, but not in the inventory"
            yield Finding("targets", fault, "deploy Prometheus anew with site.yml")


def _identity(target: Mapping[str, Any]) -> tuple[str, str]:
    return str(target["scrapePool"]), str(target["discoveredLabels"].get("__address__", ""))


def _down(target: Mapping[str, Any]) -> Finding:
    where = f"{target['scrapePool']} at {target['scrapeUrl']}"
    if target["health"] == "unknown":
        remedy = "wait for one scrape interval, then verify again"
        return Finding("targets", f"{where} was not scraped yet", remedy, True)
    fault = f"{where} is down: {target['lastError'] or 'no reason is given'}"
    remedy = (
        "open the address from this host: does the exporter run, does a firewall let it through?"
    )
    return Finding("targets", fault, remedy)


def _scraped(client: Client, limit: float) -> Mapping[str, Any]:
    """The targets; those that were just found get the time for their first scrape."""
    while True:
        found: Mapping[str, Any] = _data(client, "targets", state="any")
        young = any(target["health"] == "unknown" for target in found["activeTargets"])
        if not young or time.monotonic() > limit:
            return found
        time.sleep(0.5)


def _rules(client: Client, wanted: Wanted, seen: dict[str, Any], limit: float) -> Iterator[Finding]:
    groups = _evaluated(client, limit)
    rules = [(group, rule) for group in groups for rule in group["rules"]]
    seen["rules"] = len(rules)
    for group, rule in rules:
        where = f"{rule['name']} in the group {group['name']}"
        if rule["health"] == "unknown":
            remedy = f"verify again in {float(group['interval']):g} s"
            yield Finding("rules", f"{where} was not evaluated yet", remedy, True)
        elif rule["health"] != "ok":
            remedy = "mend its expression; promtool query instant shows the error"
            fault = f"{where} is {rule['health']}: {rule.get('lastError')}"
            yield Finding("rules", fault, remedy)
    for group in groups:
        yield from _lateness(group)
    loaded = {(str(group["name"]), str(rule["name"])) for group, rule in rules}
    described = {(group, rule) for group, names in wanted.rules.items() for rule in names}
    remedy = f"systemctl reload {wanted.unit}"
    for name, rule in sorted(described - loaded):
        yield Finding("rules", f"{rule} of the group {name} is not loaded", remedy)
    for name, rule in sorted(loaded - described):
        if name in wanted.rules:
            yield Finding(
                "rules", f"{rule} of the group {name} is loaded, but not described", remedy
            )


def _evaluated(client: Client, limit: float) -> Sequence[Mapping[str, Any]]:
    """The groups; those that are due soon get the time for their first evaluation."""
    while True:
        groups: Sequence[Mapping[str, Any]] = _data(client, "rules")["groups"]
        now = time.monotonic()
        soon = [group for group in groups if now + float(group["interval"]) <= limit]
        young = any(rule["health"] == "unknown" for group in soon for rule in group["rules"])
        if not young:
            return groups
        time.sleep(0.5)


def _lateness(group: Mapping[str, Any]) -> Iterator[Finding]:
    interval, took = float(group["interval"]), float(group.get("evaluationTime") or 0)
    if took > interval:
        fault = f"the group {group['name']} takes {took:.1f} s, longer than its {interval:g} s"
        yield Finding("rules", fault, "make its rules cheaper, or its interval longer", True)


def _alerts(
    client: Client, wanted: Wanted, seen: dict[str, Any], limit: float
) -> Iterator[Finding]:
    """What fires is known to be wrong; and the alert that always fires has to."""
    firing: dict[str, int] = {}
    alerts = [alert for alert in _data(client, "alerts")["alerts"] if alert["state"] == "firing"]
    for alert in alerts:
        name = str(alert["labels"]["alertname"])
        firing[name] = firing.get(name, 0) + 1
    watched = any("Watchdog" in names for names in wanted.rules.values())
    if watched and "Watchdog" not in firing:
        fault = "Watchdog does not fire, so no alert would"
        yield Finding("alerts", fault, _TOLD.format(wanted.unit))
    firing.pop("Watchdog", None)
    seen["firing"] = sum(firing.values())
    for name, count in sorted(firing.items()):
        times = "" if count == 1 else f" ({count} times)"
        yield Finding("alerts", f"{name} fires{times}", "its runbook is linked in the alert", True)


def _alertmanagers(
    client: Client, wanted: Wanted, seen: dict[str, Any], _limit: float
) -> Iterator[Finding]:
    active = [str(each["url"]) for each in _data(client, "alertmanagers")["activeAlertmanagers"]]
    seen["alertmanagers"] = len(active)
    for address in wanted.alertmanagers:
        if not any(f"//{address}/" in url for url in active):
            fault = f"does not know the Alertmanager at {address}"
            yield Finding("alertmanagers", fault, f"systemctl reload {wanted.unit}")
    if wanted.rules and not active:
        fault = "knows no Alertmanager: its alerts reach nobody"
        yield Finding("alertmanagers", fault, "name one in prometheus_alertmanagers")


def _clocks(
    client: Client, wanted: Wanted, seen: dict[str, Any], _limit: float
) -> Iterator[Finding]:
    """A host's clock against that of Prometheus, as node_exporter tells it at each scrape."""
    found = _data(client, "query", query="node_time_seconds - timestamp(node_time_seconds)")
    skews = {str(s["metric"].get("instance", "")): float(s["value"][1]) for s in found["result"]}
    if skews:
        seen["clock_skew"] = round(max(map(abs, skews.values())), 2)
    for instance, skew in sorted(skews.items()):
        if abs(skew) > wanted.clock_skew:
            way = "ahead of" if skew > 0 else "behind"
            fault = f"the clock of {instance} is {abs(skew):.1f} s {way} that of Prometheus"
            yield Finding("clocks", fault, "look at timedatectl timesync-status on both hosts")
