# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the mirror holds: upstream's names, and where Debian's packages keep the same files."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field

ARCH = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


@dataclass(frozen=True)
class Release:
    """A release that was added to the mirror, and what it was made from (address -> SHA-256)."""

    version: str
    origins: dict[str, str]


@dataclass(frozen=True, eq=False)
class Product:
    """One product in two versions: the one that is deployed, and an older one to come from."""

    name: str
    repository: str
    version: str
    previous: str
    packages: tuple[str, ...]
    # path in the release -> path in the packages; a path that a version lacks is left out
    files: dict[str, str] = field(default_factory=dict)

    def release(self, version: str) -> str:
        """Return the path of a release's folder below the mirror."""
        return f"{self.repository}/releases/download/v{version}"

    def asset(self, version: str) -> str:
        """Return the name of a release's top folder, which names its archive too."""
        return f"{self.name}-{version}.linux-{ARCH}"


def _legal(package: str) -> dict[str, str]:
    documents = f"usr/share/doc/{package}"
    return {"LICENSE": f"{documents}/copyright", "NOTICE": f"{documents}/NOTICE"}


PRODUCTS = (
    Product(
        name="prometheus",
        repository="prometheus/prometheus",
        version="3.5.3",
        previous="2.53.3",
        packages=("prometheus", "promtool"),
        files={
            "prometheus": "usr/bin/prometheus",
            "promtool": "usr/bin/promtool",
            "prometheus.yml": "etc/prometheus/prometheus.yml",
            "consoles": "usr/share/doc/prometheus/examples/consoles",
            "console_libraries": "usr/share/doc/prometheus/examples/console_libraries",
            **_legal("prometheus"),
        },
    ),
    Product(
        name="alertmanager",
        repository="prometheus/alertmanager",
        version="0.33.1",
        previous="0.28.1",
        packages=("prometheus-alertmanager",),
        files={
            "alertmanager": "usr/bin/prometheus-alertmanager",
            "amtool": "usr/bin/amtool",
            "alertmanager.yml": "etc/prometheus/alertmanager.yml",
            **_legal("prometheus-alertmanager"),
        },
    ),
    Product(
        name="node_exporter",
        repository="prometheus/node_exporter",
        version="1.11.1",
        previous="1.9.0",
        packages=("prometheus-node-exporter",),
        files={
            "node_exporter": "usr/bin/prometheus-node-exporter",
            **_legal("prometheus-node-exporter"),
        },
    ),
)
