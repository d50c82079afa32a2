# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deployments of the real Prometheus and Alertmanager, described directly for the module."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from hosts.shell import CACHE
from integration.support.fake import Fake, merge

MIRROR = "file:///srv/mirror/prometheus"
VERSIONS = yaml.safe_load((CACHE / "mirror" / "versions.yml").read_text())
RULE = "groups:\n- name: g\n  rules:\n  - {alert: A, expr: up == 0}\n"


def dump(data: Any) -> str:
    """Write YAML (JSON is YAML)."""
    return json.dumps(data, indent=1) + "\n"


@dataclass
class Product(Fake):
    """One deployment of a product; several share the releases below /opt/<product>."""

    product: str = ""

    @property
    def version(self) -> str:
        """The version in the mirror."""
        return str(VERSIONS[f"{self.product}_version"])

    def described(
        self, files: Mapping[str, str], flags: list[str], checks: list[list[str]], **groups: Any
    ) -> dict[str, Any]:
        """Describe a deployment with files that need a reload."""
        folder = f"{MIRROR}/{self.product}/releases/download/v{{version}}"
        base = {
            "name": self.name,
            "release": {
                "name": self.product,
                "version": self.version,
                "url": f"{folder}/{self.product}-{{version}}.linux-{{arch}}.tar.gz",
                "checksum": f"{folder}/sha256sums.txt",
            },
            "files": [
                {"path": path, "content": content, "on_change": "reload"}
                for path, content in files.items()
            ],
            "checks": [{"argv": argv} for argv in checks],
            "command": [f"{{release}}/{self.product}", *flags],
            "unit": {"Service": {"ExecReload": "/bin/kill -HUP $MAINPID"}},
            "health": {
                "timeout": 20,
                "settle": 0.5,
                "probes": [
                    {"url": f"http://127.0.0.1:{self.port}/-/ready"},
                    {"url": f"http://127.0.0.1:{self.port}/metrics", "metrics": self.proofs()},
                ],
            },
        }
        return merge(base, groups)

    def proofs(self) -> list[dict[str, Any]]:
        """Return the metrics that prove a reload."""
        prefix = f"{self.product}_config_last_reload_success"
        return [
            {"name": f"{prefix}ful", "equals": 1},
            {"name": f"{prefix}_timestamp_seconds", "since_activation": True},
        ]

    def prometheus(
        self,
        files: Mapping[str, str] | None = None,
        flags: tuple[str, ...] = (),
        config: Mapping[str, Any] | None = None,
        **groups: Any,
    ) -> dict[str, Any]:
        """Describe a Prometheus with rule and scrape files."""
        main = {
            "global": {"scrape_interval": "1s"},
            "rule_files": ["rules/*.yml"],
            "scrape_config_files": ["scrape_configs/*.yml"],
            **(config or {}),
        }
        return self.described(
            {"prometheus.yml": dump(main), **(files or {})},
            [
                "--config.file={config}/prometheus.yml",
                "--storage.tsdb.path={data}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                *flags,
            ],
            [["{release}/promtool", "check", "config", "--lint-fatal", "{config}/prometheus.yml"]],
            **groups,
        )

    def alertmanager(
        self, files: Mapping[str, str] | None = None, flags: tuple[str, ...] = (), **groups: Any
    ) -> dict[str, Any]:
        """Describe an Alertmanager with template files."""
        main = {
            "templates": ["templates/*.tmpl"],
            "route": {"receiver": "nobody"},
            "receivers": [{"name": "nobody"}],
        }
        return self.described(
            {"alertmanager.yml": dump(main), **(files or {})},
            [
                "--config.file={config}/alertmanager.yml",
                "--storage.path={data}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--cluster.listen-address=",
                *flags,
            ],
            [["{release}/amtool", "check-config", "{config}/alertmanager.yml"]],
            **groups,
        )

    def metric(self, name: str) -> float:
        """Return the sum of a metric's series, 0 for none."""
        lines = self.get("/metrics")[1].splitlines()
        return sum(float(x.split()[-1]) for x in lines if x.startswith((f"{name} ", f"{name}{{")))

    def api(self, path: str) -> Any:
        """Ask the API for the data of an answer."""
        return self.ask(f"/api/v1/{path}")["data"]
