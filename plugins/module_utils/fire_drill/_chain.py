# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to Prometheus and Alertmanager. A question about a hop answers why it is not made yet."""

from __future__ import annotations

import datetime
import re
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import _named
from ._report import Broken, Strayed
from ._settings import Settings
from ._textfile import METRIC
from ._world import World

Labels = Mapping[str, str]
_HEARTBEAT = "Watchdog"
_RANGE = "5m"  # that samples are looked for in
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)\Z")


@dataclass(frozen=True)
class Look:
    """What a look at a hop has shown."""

    why: str  # it is not made yet; nothing when it is
    at: float = 0  # when it was made, by the service's clock; 0 where that is not known


def seconds(text: str) -> float:
    """A time of an API in seconds since the epoch; 0 when it cannot be read."""
    found = _TIME.match(text)
    if not found:
        return 0
    zone = found[3].replace("Z", "+00:00")
    whole = datetime.datetime.fromisoformat(f"{found[1]}{zone}").timestamp()
    return whole + float(found[2] or 0)


@dataclass
class Chain:
    """The services on the way of one drill."""

    settings: Settings
    world: World
    drill: str
    strangers: tuple[str, ...] = ()  # Alertmanagers that only Prometheus names; told finds them
    taken: bool = False  # whether one of them had the alert and tells the drill's receiver

    @property
    def alertmanagers(self) -> tuple[str, ...]:
        """Every Alertmanager that gets the alert."""
        return self.settings.alertmanagers + self.strangers

    # -- before anything is written -------------------------------------------

    def rule(self) -> Labels:
        """The labels that the drill's rule adds; every Prometheus has to have it."""
        labels: Labels = {}
        for url in self.settings.prometheus:
            found = [
                rule
                for group in self._prometheus("rule", url, "rules?type=alert")["groups"]
                for rule in group["rules"]
                if rule["name"] == self.settings.alert
            ]
            if not found:
                raise Broken(
                    "rule",
                    f"{url} has no rule {self.settings.alert}",
                    "deploy with site.yml; the alert must not be disabled in "
                    "prometheus_alert_overrides, and the job node-exporter needs this host",
                )
            labels = found[0].get("labels") or {}
        return {"alertname": self.settings.alert, **labels}

    def told(self) -> None:
        """Every Prometheus has to know an Alertmanager, and this host whomever Prometheus knows."""
        strangers: list[str] = []
        for url in self.settings.prometheus:
            named = self._prometheus("alertmanager", url, "alertmanagers")["activeAlertmanagers"]
            if not named:
                raise Broken("alertmanager", f"{url} knows no Alertmanager")
            strangers += [self._stranger(url, one["url"]) for one in named]
        self.strangers = tuple(dict.fromkeys(filter(None, strangers)))

    def _stranger(self, prometheus: str, told: str) -> str:
        """Where an Alertmanager answers that only a Prometheus names; nothing when it is known.

        Raises Broken where it does not answer: nobody could say whom it tells.
        """
        try:
            found = _named.address(told, prometheus, self.world.here)
            if _named.known(found, self.settings.alertmanagers):
                return ""
            self.world.get(f"{found}/api/v2/status")
        except (OSError, ValueError) as exc:
            fault = (
                f"{prometheus} sends alerts to {told} as well, which can not be asked whom a drill "
                f"would reach: {exc}; nothing was fired"
            )
            raise Broken("alertmanager", fault, _STRANGER) from None
        return found

    def external_labels(self) -> Labels:
        """What Prometheus adds on the way to Alertmanager, learned from the heartbeat."""
        added: dict[str, str] = {}
        wanted = urllib.parse.quote(f'alertname="{_HEARTBEAT}"')
        here: set[tuple[str, str]] = set()
        for url in self.settings.prometheus:
            for alert in self._prometheus("rule", url, "alerts")["alerts"]:
                if alert["labels"].get("alertname") == _HEARTBEAT:
                    here |= set(alert["labels"].items())
        for url in self.settings.alertmanagers:
            for alert in self._alertmanager("alertmanager", url, f"alerts?filter={wanted}"):
                added.update(pair for pair in alert["labels"].items() if pair not in here)
        return added

    def route(self, labels: Labels) -> list[str]:
        """Whom each Alertmanager would tell, by its own running configuration.

        Raises Broken where this is not as asked: a drill must never page by accident.
        """
        told: list[str] = []
        for url in self.alertmanagers:
            config = self._alertmanager("alertmanager", url, "status")["config"]["original"]
            try:
                found = self.world.receivers(config, labels)
            except OSError as exc:
                fault = f"it cannot be told whom a drill would reach: {exc}"
                raise Broken("receiver", fault, _ASK) from None
            self._refuse_strangers(url, found)
            told += [name for name in found if name not in told]
        return told

    def _refuse_strangers(self, url: str, found: list[str]) -> None:
        settings = self.settings
        if settings.receiver not in found:
            fault = f"{url} would tell {', '.join(found)}, not {settings.receiver}"
            raise Broken("receiver", f"{fault}; nothing was fired", _ROUTE)
        others = [name for name in found if name != settings.receiver]
        if others and not settings.page:
            fault = f"{url} would tell {', '.join(others)} as well"
            raise Broken("receiver", f"{fault}; nothing was fired", _ROUTE)
        if settings.page and not others:
            fault = f"{url} would tell nobody but {settings.receiver}, although it is asked to page"
            raise Broken("receiver", f"{fault}; nothing was fired", _ROUTE)

    # -- hops -----------------------------------------------------------------

    def sample(self, wanted: Callable[[float], bool]) -> Look:
        """Whether the last sample in each Prometheus is as wanted; with when it was scraped first."""
        at = 0.0
        for url in self.settings.prometheus:
            last = self._samples(url)[0]
            if not last or not wanted(last[-1][1]):
                return Look(f"{url} has no such sample")
            at = max(at, next(when for when, value in last if wanted(value)))
        return Look("", at)

    def labels(self) -> Labels:
        """The labels of the metric as Prometheus has them."""
        return self._samples(self.settings.prometheus[0])[1]

    def fires(self) -> Look:
        """Whether the alert fires everywhere; with when its rule first held."""
        at = 0.0
        for url in self.settings.prometheus:
            firing = [alert for alert in self._alerts(url) if alert["state"] == "firing"]
            if not firing:
                return Look(f"{url} has the fault, but the alert does not fire")
            at = max(at, seconds(firing[0]["activeAt"]))
        return Look("", at)

    def arrived(self) -> Look:
        """Whether the alert is in every Alertmanager; with when it came."""
        at, missing = 0.0, ""
        for url in self.alertmanagers:
            try:
                known = self._known(url)
            except Broken as exc:
                missing = missing or str(exc)
                continue
            if not known:
                missing = missing or f"{url} does not have the alert"
                continue
            self._refuse_strays(url, known[0])
            at = max(at, seconds(known[0]["updatedAt"]))
        return Look(missing, at)

    def _refuse_strays(self, url: str, alert: Any) -> None:
        """amtool knows no relabelling between Prometheus and Alertmanager."""
        told = [one["name"] for one in alert["receivers"]]
        self.taken = self.taken or self.settings.receiver in told
        if not self.settings.page and told != [self.settings.receiver]:
            fault = f"{url} is about to tell {', '.join(told)}; the fault was ended at once"
            raise Strayed("receiver", fault, _ROUTE)

    def ended(self) -> Look:
        """Whether the alert has ended everywhere."""
        for url in self.settings.prometheus:
            if self._alerts(url):
                return Look(f"{url} still has the alert")
        return Look("")

    def held_back(self) -> str:
        """What keeps an Alertmanager from telling of the alert, as far as it says."""
        for url in self.alertmanagers:
            for alert in self._known(url):
                status = alert["status"]
                ways = {"silencedBy": "silenced", "inhibitedBy": "inhibited", "mutedBy": "muted"}
                reasons = [
                    f"{word} by {', '.join(status[key])}"
                    for key, word in ways.items()
                    if status.get(key)
                ]
                if reasons:
                    return f"{url} holds it back: {'; '.join(reasons)}"
        return ""

    def _samples(self, url: str) -> tuple[list[tuple[float, float]], Labels]:
        """Time and value of each sample of the metric, and its labels."""
        query = urllib.parse.quote(f'{METRIC}{{drill="{self.drill}"}}[{_RANGE}]')
        found = self._prometheus("armed", url, f"query?query={query}")["result"]
        if not found:
            return [], {}
        labels = {name: value for name, value in found[0]["metric"].items() if name != "__name__"}
        return [(float(when), float(value)) for when, value in found[0]["values"]], labels

    def _alerts(self, url: str) -> list[Any]:
        alerts = self._prometheus("rule", url, "alerts")["alerts"]
        return [alert for alert in alerts if alert["labels"].get("drill") == self.drill]

    def _known(self, url: str) -> list[Any]:
        wanted = urllib.parse.quote(f'drill="{self.drill}"')
        found: list[Any] = self._alertmanager("alertmanager", url, f"alerts?filter={wanted}")
        return found

    def _prometheus(self, hop: str, url: str, path: str) -> Any:
        return self._get(hop, f"{url}/api/v1/{path}", url, "systemctl status prometheus")["data"]

    def _alertmanager(self, hop: str, url: str, path: str) -> Any:
        return self._get(hop, f"{url}/api/v2/{path}", url, "systemctl status alertmanager")

    def _get(self, hop: str, address: str, url: str, remedy: str) -> Any:
        try:
            return self.world.get(address)
        except OSError as exc:
            raise Broken(hop, f"{url}: {exc}", remedy) from None


_ASK = "run drills on a host of the role alertmanager, which brings amtool (fire_drill_amtool)"
_STRANGER = (
    "name it in fire_drill_alertmanagers by an address where this host reaches it, the one that "
    "Prometheus has, or take it out of prometheus_alertmanagers"
)
_ROUTE = (
    "leave alertmanager_fire_drill set, deploy with site.yml, and look at what "
    "alertmanager_route or alertmanager_config_extra make of it: amtool config routes test"
)
