# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alertmanager: its silences, read and told over its API while it runs."""

from __future__ import annotations

import json
import posixpath
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ..daemon import _files
from ..daemon._errors import DaemonError
from ._manifest import Manifest
from ._product import Check, Daemon, Product
from ._web import Api

_FILE = "silences.json"
_KEPT = ("matchers", "startsAt", "endsAt", "createdBy", "comment")
Silence = Mapping[str, Any]


class Alertmanager(Product):
    """The silences of one Alertmanager."""

    kind = "alertmanager"

    def __init__(self, api: Api) -> None:
        self.api = api

    def plan_save(
        self, daemon: Daemon, target: str, previous: str
    ) -> tuple[list[str], list[str], int]:
        """They are few and small."""
        daemon.must_run("only a running Alertmanager tells its silences")
        return [f"read the silences of {daemon.name}"], [], 0

    def save(self, daemon: Daemon, target: str, name: str, previous: str) -> Mapping[str, Any]:
        """Write those that are active or will be."""
        silences = living(self.api.get("/api/v2/silences"))
        text = json.dumps(silences, indent=1, sort_keys=True)
        _files.write(posixpath.join(target, _FILE), text.encode(), 0o600)
        return {"silences": len(silences)}

    def check(self, daemon: Daemon, manifest: Manifest, data: str) -> Check:
        """Those that it lacks."""
        daemon.must_run("silences are told to a running Alertmanager")
        lacking, over = self._lacking(data)
        check = Check(nothing=not lacking)
        check.actions = [f"create the silence {shown(silence)}" for silence in lacking]
        if over:
            check.warnings.append(f"{over} silences have ended since the backup and are left out")
        return check

    def _lacking(self, data: str) -> tuple[list[Silence], int]:
        with open(posixpath.join(data, _FILE), encoding="utf-8") as file:
            saved = json.load(file)
        wanted = [silence for silence in saved if parsed(silence["endsAt"]) > time.time()]
        there = [identity(silence) for silence in living(self.api.get("/api/v2/silences"))]
        return [s for s in wanted if identity(s) not in there], len(saved) - len(wanted)

    def restore(self, daemon: Daemon, manifest: Manifest, data: str) -> list[str]:
        """Create what is lacking; when one is refused, those before it are taken back."""
        made: list[str] = []
        try:
            for silence in self._lacking(data)[0]:
                body = {key: silence[key] for key in _KEPT}
                made.append(self.api.send("POST", "/api/v2/silences", body)["silenceID"])
            lacking, _over = self._lacking(data)
            if lacking:
                told = ", ".join(map(shown, lacking))
                raise DaemonError(
                    f"Alertmanager took these silences, but does not show them: {told}"
                )
        except BaseException as exc:
            left = [one for one in made if not self._withdrawn(one)]
            words = "The silences created before that are expired again"
            if left:
                words = (
                    "These silences were created before that, and could not be expired: "
                    f"{', '.join(left)}. Expire them by hand (amtool silence expire), or run again: "
                    "they are not created twice"
                )
            raise DaemonError(f"{exc}. {words}") from exc
        return []

    def _withdrawn(self, identifier: str) -> bool:
        try:
            self.api.send("DELETE", f"/api/v2/silence/{identifier}")
        except DaemonError:
            return False  # the first fault is the one to tell
        return True


def living(silences: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that are not over."""
    found = [s for s in silences if s["status"]["state"] in ("active", "pending")]
    return sorted(found, key=lambda silence: str(silence["id"]))


def identity(silence: Silence) -> tuple[Any, ...]:
    """What makes two silences the same.

    Alertmanager gives each a name of its own, and lets none begin in the past.
    """
    matchers = sorted(json.dumps(one, sort_keys=True) for one in map(_matcher, silence["matchers"]))
    end = round(parsed(silence["endsAt"]), 3)
    return (matchers, end, silence["createdBy"], silence["comment"])


def _matcher(matcher: Mapping[str, Any]) -> dict[str, Any]:
    return {"isEqual": True, **matcher}


def parsed(text: str) -> float:
    """Seconds since the epoch of 2026-11-26T08:00:00.123456789Z."""
    whole, _dot, rest = text.rstrip("Z").partition(".")
    moment = datetime.strptime(whole[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    digits = "".join(letter for letter in rest if letter.isdigit())
    return moment.timestamp() + (float(f"0.{digits}") if digits else 0.0)


def shown(silence: Silence) -> str:
    """A silence as people write it."""
    signs = {(True, False): "=", (True, True): "=~", (False, False): "!=", (False, True): "!~"}
    words = [
        f'{m["name"]}{signs[m.get("isEqual", True), m["isRegex"]]}"{m["value"]}"'
        for m in silence["matchers"]
    ]
    return f"{{{','.join(words)}}} until {silence['endsAt']} ({silence['comment']})"
