# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Silences: which are saved, which are lacking, and how they read."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.backup import (
    _alertmanager,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._alertmanager import (
    Alertmanager,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._manifest import (
    Manifest,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._product import (
    Daemon,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError

MANIFEST = Manifest("alertmanager", "web", "1", "monitor", "20261126T081500Z", {})


def silence(
    comment: str, state: str = "active", end: float = 3600, **changed: Any
) -> dict[str, Any]:
    """One silence as Alertmanager tells it."""
    form = "%Y-%m-%dT%H:%M:%S"
    return {
        "id": f"id-{comment}",
        "status": {"state": state},
        "updatedAt": "2026-11-26T08:00:00.000Z",
        "matchers": [{"name": "a", "value": "b", "isRegex": False, "isEqual": True}],
        "startsAt": "2026-11-26T08:00:00.000Z",
        "endsAt": time.strftime(form, time.gmtime(time.time() + end)) + ".000Z",
        "createdBy": "me",
        "comment": comment,
        **changed,
    }


class Server:
    """An Alertmanager that keeps silences in a list, and refuses those that are called so."""

    def __init__(self, *there: dict[str, Any]) -> None:
        self.there = list(there)

    def get(self, _path: str) -> Any:
        """Tell all."""
        return self.there

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """Create one, or end one."""
        if method == "DELETE":
            self.there = [one for one in self.there if one["id"] != path.split("/")[-1]]
            return None
        if body["comment"] == "refused":
            raise DaemonError("bad matcher")
        self.there.append({**body, "id": f"new-{len(self.there)}", "status": {"state": "active"}})
        return {"silenceID": self.there[-1]["id"]}


def product(*there: dict[str, Any]) -> Alertmanager:
    """The product on such a server."""
    return Alertmanager(Server(*there))  # type: ignore[arg-type]


def test_those_that_are_over_are_not_saved(daemon: Callable[..., Daemon], tmp_path: Path) -> None:
    seen = product(silence("b"), silence("a", "pending"), silence("over", "expired", -5)).save(
        daemon(), str(tmp_path), "", ""
    )
    assert seen == {"silences": 2}
    kept = json.loads((tmp_path / "silences.json").read_text())
    assert [one["comment"] for one in kept] == ["a", "b"]


def test_the_lacking_are_created_once(daemon: Callable[..., Daemon], tmp_path: Path) -> None:
    saved = [silence("there"), silence("lacking"), silence("ended since", end=-1)]
    (tmp_path / "silences.json").write_text(json.dumps(saved))
    web = product(silence("there", id="another", startsAt="2026-11-26T08:30:00.000Z"))
    check = web.check(daemon(), MANIFEST, str(tmp_path))
    assert [action.split("(")[1] for action in check.actions] == ["lacking)"]
    assert check.warnings == ["1 silences have ended since the backup and are left out"]
    web.restore(daemon(), MANIFEST, str(tmp_path))
    assert [one["comment"] for one in web.api.get("")] == ["there", "lacking"]
    assert web.check(daemon(), MANIFEST, str(tmp_path)).nothing


def test_when_one_is_refused_none_stays(daemon: Callable[..., Daemon], tmp_path: Path) -> None:
    saved = [silence("fine"), silence("refused")]
    (tmp_path / "silences.json").write_text(json.dumps(saved))
    web = product()
    with pytest.raises(DaemonError, match="bad matcher. The silences created before"):
        web.restore(daemon(), MANIFEST, str(tmp_path))
    assert web.api.get("") == []


def test_what_could_not_be_taken_back_is_told(
    daemon: Callable[..., Daemon], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = [silence("fine"), silence("refused")]
    (tmp_path / "silences.json").write_text(json.dumps(saved))
    send = Server.send

    def sent(self: Server, method: str, path: str, body: Any = None) -> Any:
        if method == "DELETE":
            raise DaemonError("no answer")
        return send(self, method, path, body)

    monkeypatch.setattr(Server, "send", sent)
    with pytest.raises(
        DaemonError, match="bad matcher.*could not be expired: new-0.*by hand"
    ) as said:
        product().restore(daemon(), MANIFEST, str(tmp_path))
    assert "are expired again" not in str(said.value)


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({"id": "x", "startsAt": "2026-11-26T09:00:00Z", "updatedAt": ""}, True),
        ({"comment": "c"}, False),
        ({"createdBy": "you"}, False),
        ({"endsAt": "2026-11-26T10:00:00.001Z"}, False),
        ({"endsAt": "2026-11-26T10:00:00.000000Z"}, True),
        ({"matchers": [{"name": "a", "value": "b", "isRegex": False}]}, True),
        ({"matchers": [{"name": "a", "value": "b", "isRegex": True}]}, False),
    ],
)
def test_what_makes_two_silences_the_same(changed: dict[str, Any], same: bool) -> None:
    one = silence("b", endsAt="2026-11-26T10:00:00.000Z")
    equal = _alertmanager.identity(one) == _alertmanager.identity({**one, **changed})
    assert equal is same


@pytest.mark.parametrize(
    ("regex", "equal", "shown"),
    [
        (False, True, 'a="b"'),
        (True, True, 'a=~"b"'),
        (False, False, 'a!="b"'),
        (True, False, 'a!~"b"'),
    ],
)
def test_a_silence_is_shown_as_people_write_it(regex: bool, equal: bool, shown: str) -> None:
    matcher = {"name": "a", "value": "b", "isRegex": regex, "isEqual": equal}
    text = _alertmanager.shown(silence("why", endsAt="2026-11-26T10:00:00Z", matchers=[matcher]))
    assert text == f"{{{shown}}} until 2026-11-26T10:00:00Z (why)"
