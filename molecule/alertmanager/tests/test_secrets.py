# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alertmanager's secrets arrive as written, and are found nowhere else, also after failures."""

from __future__ import annotations

from typing import Any

import pytest

SECRETS = {
    "smtp_password": "planted-%40\"$'\\x",
    "wrong_password": "planted-wrong",
    "slack_url": "http://127.0.0.1:2580/slack/planted-slack",
    "heartbeat_url": "http://127.0.0.1:2580/webhook/planted-heartbeat",
    "pager_url": "http://127.0.0.1:2580/nowhere/planted-pager",
}
PLANTED = ("planted-%40", "planted-wrong", "planted-slack", "planted-heartbeat", "planted-pager")
PLACES = {
    "arguments and environment": "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null",
    "systemctl show": "systemctl show alertmanager; systemctl cat alertmanager",
    "journal": "journalctl --no-pager",
    "readable files": "find / -xdev -type f -perm -o=r -size -9M -newer /etc/machine-id"
    " -not -path '/proc/*' -not -path '/sys/*' -not -path '/srv/receivers/lib/*' -exec cat {} +",
    "the store": "cat /var/lib/barehost/alertmanager/*.json",
    "the configuration": "cat /etc/alertmanager/alertmanager.yml",
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_arrives_as_written(host: Any, name: str) -> None:
    file = host.file(f"/etc/alertmanager/secrets/{name}")
    assert file.content_string == SECRETS[name]
    assert (file.mode, file.user, file.group) == (0o640, "root", "alertmanager")


@pytest.mark.parametrize("place", PLACES)
def test_no_secret_is_found_elsewhere(host: Any, failed: Any, place: str) -> None:
    """Neither after a login that was refused, nor after an address that answered with an error."""
    text = host.run(f"({PLACES[place]}) | tr '\\0' '\\n' | grep -a planted").stdout
    assert [secret for secret in PLANTED if secret in text] == []


def test_the_service_shows_no_secret(ask: Any, failed: Any) -> None:
    pages = ("/api/v2/status", "/api/v2/receivers", "/api/v2/alerts", "/metrics")
    text = "".join(ask.text(f"http://127.0.0.1:9093{page}") for page in pages)
    assert "planted" not in text
