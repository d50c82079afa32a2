# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One drill: arm, look where it would go, cause the fault, watch it travel, end it, watch that too."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from . import _inbox, _textfile
from ._chain import Chain, Look
from ._inbox import Inbox
from ._report import CAUSED, OVER, Broken, Report, Strayed, latencies
from ._settings import Settings
from ._world import World

_POLL = 0.25  # seconds between two looks
Mark = Callable[[bool], None]


def inspect(settings: Settings, world: World, drill: str) -> Report:
    """What can be known without a fault: the services answer, the rule is there, the route is right."""
    report = _report(settings, world, drill)
    report.inspected = True
    begin = world.monotonic()
    try:
        chain = Chain(settings, world, drill)
        _make_sure_of_directory(settings)
        report.receivers = _conditions(chain)
    except Broken as exc:
        _fail(report, exc)
    report.seconds = world.monotonic() - begin
    return report


def run(
    settings: Settings,
    world: World,
    drill: str,
    inbox: Inbox,
    mark: Mark = lambda _open: None,
) -> Report:
    """Carry out a drill while somebody listens for its notifications.

    mark: called with True once the fault is on its way, with False when nothing is any more.
    """
    return _Drill(settings, world, drill, inbox, mark).run()


def listen_and_run(settings: Settings, world: World, drill: str, mark: Mark) -> Report:
    """Carry out a drill, with a receiver of its own."""
    inbox = Inbox(drill, world.now)
    try:
        with _inbox.listening(settings.place, inbox, settings.wait):
            return run(settings, world, drill, inbox, mark)
    except _inbox.Busy as exc:
        report = _report(settings, world, drill)
        return _fail(report, Broken("start", str(exc), "wait for it, or change fire_drill_listen"))


def _report(settings: Settings, world: World, drill: str) -> Report:
    return Report(drill, socket.gethostname(), world.now(), settings.page)


def _fail(report: Report, exc: Broken) -> Report:
    report.failed_hop, report.fault, report.remedy = exc.hop, str(exc), exc.remedy
    return report


def _make_sure_of_directory(settings: Settings) -> None:
    directory = settings.textfile_directory
    if not os.path.isdir(directory):
        raise Broken(
            "armed",
            f"{directory} is missing on this host",
            "put the host into the group node_exporter and deploy, or name the directory "
            "(fire_drill_textfile_directory)",
        )


def _conditions(chain: Chain, series: Mapping[str, str] | None = None) -> list[str]:
    """Everything that needs no fault. series: the labels of the metric as Prometheus has them."""
    rule = chain.rule()
    chain.told()
    return chain.route({"drill": chain.drill, **chain.external_labels(), **(series or {}), **rule})


class _Drill:
    def __init__(
        self, settings: Settings, world: World, drill: str, inbox: Inbox, mark: Mark
    ) -> None:
        self.settings, self.world, self.inbox, self.mark = settings, world, inbox, mark
        self.chain = Chain(settings, world, drill)
        self.report = _report(settings, world, drill)
        self.drill = drill
        self.seen: dict[str, float] = {}
        self.looks: Mapping[str, Callable[[], Look]] = {
            "armed": lambda: self.chain.sample(lambda value: value == 0),
            "scraped": lambda: self.chain.sample(lambda value: value > 0),
            "rule": self.chain.fires,
            "alertmanager": self.chain.arrived,
            "receiver": lambda: self._told("firing"),
            "ended": self.chain.ended,
            "resolved": lambda: self._told("resolved"),
        }

    def run(self) -> Report:
        report, begin = self.report, self.world.monotonic()
        try:
            _make_sure_of_directory(self.settings)
            report.receivers = _conditions(self.chain)
            series = self._arm()
            report.host = series.get("host", report.host)  # as alerts call it
            # Now with every label that the alert will have.
            report.receivers = _conditions(self.chain, series)
            self._cause()
            if self.settings.page:
                self.world.sleep(self.settings.hold)
            self._end()
        except Broken as exc:
            _fail(report, exc)
        except OSError as exc:
            _fail(report, Broken("armed", f"{exc.filename or exc}: {exc.strerror or 'failed'}"))
        finally:
            with suppress(OSError):
                _textfile.remove(self.settings.textfile_directory)
        # Where no Alertmanager had it, there is nothing that could still be told. One is enough: it tells of
        # the end, too, and would try again and again where nobody listens any more.
        if report.passed or not (self.inbox.seen or self.chain.taken):
            self.mark(False)
        report.seconds = self.world.monotonic() - begin
        return report

    def _write(self, until: float) -> None:
        text = _textfile.fault(self.drill, self.settings.page, until)
        _textfile.write(self.settings.textfile_directory, _textfile.FAULT, text)

    def _arm(self) -> Mapping[str, str]:
        """A sample that is no fault yet: its labels decide where the alert will go."""
        begin = self.world.monotonic()
        self._write(0)
        self._watch(("armed",))
        self.report.hops.update(latencies(("armed",), begin, self.seen))
        return self.chain.labels()

    def _cause(self) -> None:
        patience = self.settings.patience
        begin = self.world.monotonic()
        self._write(self.world.now() + (len(CAUSED) + 1) * patience + self.settings.hold)
        try:
            self._watch(CAUSED)
        finally:
            self.report.hops.update(latencies(CAUSED, begin, self.seen))

    def _end(self) -> None:
        begin = self.world.monotonic()
        _textfile.remove(self.settings.textfile_directory)
        try:
            self._watch(OVER)
        finally:
            self.report.hops.update(latencies(OVER, begin, self.seen))

    def _told(self, status: str) -> Look:
        if status in self.inbox.seen:
            return Look("", self.inbox.seen[status])
        return Look(f"no message ({status}) has come to {self.settings.listen}")

    def _watch(self, hops: Sequence[str]) -> None:
        """Look until every hop is made. Each has its patience, from the one before on."""
        limit = self.world.monotonic() + self.settings.patience
        while True:
            missing = reason = ""
            for hop in hops:
                if hop in self.seen:
                    continue
                look = self._look(hop)
                if not look.why:
                    self.seen[hop] = self._monotonic(look.at)
                    if hop == "scraped":
                        self.mark(True)
                    limit = self.world.monotonic() + self.settings.patience
                elif not missing:
                    missing, reason = hop, look.why
            if not missing:
                return
            if self.world.monotonic() >= limit:
                raise Broken(missing, self._explained(missing, reason))
            self.world.sleep(_POLL)

    def _look(self, hop: str) -> Look:
        """Ask; a service that does not answer now may do so in a moment."""
        try:
            return self.looks[hop]()
        except Strayed:
            raise
        except Broken as exc:
            return Look(str(exc))

    def _monotonic(self, at: float) -> float:
        """A time of a service as this host counts. A clock that is ahead cannot mean the future."""
        now = self.world.monotonic()
        return min(now, now - (self.world.now() - at)) if at else now

    def _explained(self, hop: str, reason: str) -> str:
        text = f"{reason} after {self.settings.patience:g} s"
        with suppress(Broken):
            held = self.chain.held_back() if hop == "receiver" else ""
            return f"{text}; {held}" if held else text
        return text
