# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service that answers what a test says, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _parse
from ansible_collections.barehost.monitoring.plugins.module_utils.verify import _client
from ansible_collections.barehost.monitoring.plugins.module_utils.verify._client import (
    Client,
    Verdict,
)

Answers = dict[str, Any]
"""Path without its query -> JSON, text, or (status, text)."""


class Service:
    """Stands for the network; keeps what was asked."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        """Take the answers by path."""
        self.answers, self.asked = dict(answers), list[tuple[str, bytes | None]]()

    def fetch(
        self, url: str, _access: Any, _headers: Any, _method: str = "GET", body: bytes | None = None
    ) -> tuple[int, str]:
        """Answer as daemon._health.fetch does."""
        self.asked.append((url, body))
        path = url.removeprefix("http://service").partition("?")[0]
        if path not in self.answers:
            raise OSError("connection refused")
        answer = self.answers[path]
        if isinstance(answer, tuple):
            return answer
        return 200, answer if isinstance(answer, str) else json.dumps(answer)


def client(monkeypatch: Any, answers: Mapping[str, Any]) -> tuple[Client, Service]:
    """Return a client of a service that gives these answers."""
    service = Service(answers)
    monkeypatch.setattr(_client, "fetch", service.fetch)
    return Client("http://service", _parse.health({}, [])), service


def faults(verdict: Verdict) -> list[tuple[str, str, bool]]:
    """Show what was found, without the remedies (which must be there)."""
    assert all(finding.remedy for finding in verdict.findings)
    return [(f.check, f.fault, f.warning) for f in verdict.findings]
