# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon is as it was last deployed, also when that ends while a run waits for it."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.barehost.monitoring.plugins.module_utils.backup import _build
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._spec import Layout
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._state import State


def test_how_it_is_asked_is_what_is_deployed_now(tmp_path: Path) -> None:
    warned: list[str] = []
    daemon = _build.daemon("web", False, warned.append, Layout(state=str(tmp_path)))
    assert daemon.health.username == ""
    daemon.store.create()
    for user in ("before", "now"):
        daemon.store.save_record(State("1", "a", "r", {}, health={"url_username": user}))
        assert daemon.health.username == user
