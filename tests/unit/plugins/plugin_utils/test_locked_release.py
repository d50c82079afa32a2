# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pinning releases to the lock of a mirror."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._locked_release import (
    locked_release,
)

FOLDER = "prometheus/prometheus/releases/download/v3.5.3"
FILES = {
    f"{FOLDER}/sha256sums.txt": "sha256:list",
    f"{FOLDER}/prometheus-3.5.3.linux-amd64.tar.gz": "sha256:amd",
    f"{FOLDER}/prometheus-3.5.3.linux-arm64.tar.gz": "sha256:arm",
    "prometheus/prometheus/releases/download/v2.0.0/prometheus-2.0.0.linux-amd64.tar.gz": "sha256:old",
    "downloads/kibana/kibana-8.5.0-linux-x86_64.tar.gz": "sha512:kibana",
    "grafana/release/12.4.1+b/grafana_12.4.1+b_0_linux_amd64.tar.gz": "sha256:grafana",
    "tool/1/linux/amd64/tool-amd64": "sha256:twice",
    "tool/1/linux/amd64/tool-arm64": "sha256:mixed",
    "plain/1/plain": "sha256:plain",
    "other/plain": "sha256:shorter",
}
LOCK = json.dumps(
    {"format": 1, "files": {path: {"digest": digest} for path, digest in FILES.items()}}
)


def release(url: str, version: str, **more: str) -> dict[str, Any]:
    return {"name": "web", "version": version, "url": url, "checksum": "a list", **more}


PROMETHEUS = (
    "/prometheus/prometheus/releases/download/v{version}/prometheus-{version}.linux-{arch}.tar.gz"
)


@pytest.mark.parametrize(
    ("url", "version", "checksum"),
    [
        (
            f"https://github.com{PROMETHEUS}",
            "3.5.3",
            {"amd64": "sha256:amd", "arm64": "sha256:arm"},
        ),
        (
            f"file:///srv/mirror{PROMETHEUS}",
            "3.5.3",
            {"amd64": "sha256:amd", "arm64": "sha256:arm"},
        ),
        (f"http://u:p@web:81/deep{PROMETHEUS}", "2.0.0", {"amd64": "sha256:old"}),
        (
            "https://x/downloads/kibana/kibana-{version}-linux-{arch}.tar.gz",
            "8.5.0",
            {"x86_64": "sha512:kibana"},
        ),
        (
            "https://x/grafana/release/{version}/grafana_{version}_0_linux_{arch}.tar.gz",
            "12.4.1+b",
            {"amd64": "sha256:grafana"},
        ),
        ("https://x/tool/{version}/linux/{arch}/tool-{arch}", "1", {"amd64": "sha256:twice"}),
        ("https://x/plain/{version}/plain", "1", "sha256:plain"),
    ],
    ids=["upstream", "file", "below a path", "own words", "plus", "twice", "no architecture"],
)
def test_the_locked_digests_take_the_place_of_the_checksum(
    url: str, version: str, checksum: Any
) -> None:
    given = release(url, version, keep="1")
    assert locked_release(given, LOCK, "lock") == {**given, "checksum": checksum}


def test_without_a_lock_the_release_is_as_it_was() -> None:
    given = release("https://x/a", "1")
    assert locked_release(given, "", "lock") == given


@pytest.mark.parametrize(
    ("url", "version", "lock", "said"),
    [
        (f"https://x{PROMETHEUS}", "3.5.4", LOCK, r"does not have web 3\.5\.4 \(prometheus-3\.5\.4\.linux-\{arch"),
        ("https://x/plain/2/plain", "1", LOCK, "does not have web 1"),
        ("https://x/a", "1", "no json", "the lock can not be read"),
        ("https://x/a", "1", '{"files": {"a": 1}}', "the lock can not be read"),
    ],
)  # fmt: skip
def test_what_the_lock_does_not_have_is_refused(
    url: str, version: str, lock: str, said: str
) -> None:
    with pytest.raises(InputError, match=f"prometheus_release_lock: .*{said}"):
        locked_release(release(url, version), lock, "prometheus_release_lock")
