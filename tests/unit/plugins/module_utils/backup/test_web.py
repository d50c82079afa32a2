# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long an answer may take."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.backup import _web
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._web import Api
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._spec import Health

HEALTH = Health(1, 0, True, "", "", "", ())


@pytest.mark.parametrize(("method", "least"), [("GET", 10), ("POST", 600), ("DELETE", 600)])
def test_what_is_told_may_take_longer_than_what_is_asked(
    monkeypatch: pytest.MonkeyPatch, method: str, least: float
) -> None:
    given: list[float] = []

    def fetch(*arguments: Any) -> tuple[int, str]:
        given.append(arguments[-1])
        return 200, "{}"

    monkeypatch.setattr(_web._health, "fetch", fetch)
    assert Api("http://h", lambda: HEALTH).send(method, "/x") == {}
    assert given == [least]


def test_it_is_asked_as_it_is_deployed_at_that_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waited for a deployment to end was started before it, and knows the login of then."""
    logins = iter(("of before", "of now"))
    api = Api("http://h", lambda: replace(HEALTH, username=next(logins)))
    given: list[str] = []

    def fetch(_url: str, health: Health, *_rest: Any) -> tuple[int, str]:
        given.append(health.username)
        return 200, "{}"

    monkeypatch.setattr(_web._health, "fetch", fetch)
    api.get("/x")
    api.get("/x")
    assert given == ["of before", "of now"]
