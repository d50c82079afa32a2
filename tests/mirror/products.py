# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the mirror holds: upstream's names, and where Debian's packages keep the same files."""

from __future__ import annotations

import hashlib
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
    packages: tuple[str, ...]
    # path in the release -> path in the packages; a path that a version lacks is left out
    files: dict[str, str] = field(default_factory=dict)
    # Empty where no older version is needed.
    previous: str = ""
    # The only suite of Debian that has it, unless all have.
    suite: str = ""
    # How upstream names the top folder, and with it the archive.
    naming: str = "{name}-{version}.linux-{arch}"
    # Of a release that is one program instead of an archive; upstream publishes no list of these.
    digests: dict[str, str] = field(default_factory=dict)

    def release(self, version: str) -> str:
        """Return the path of a release's folder below the mirror."""
        return f"{self.repository}/releases/download/v{version}"

    def folder(self, version: str) -> str:
        """Return the name of a release's top folder, or of its bare program."""
        return self.naming.format(name=self.name, version=version, arch=ARCH)

    def asset(self, version: str) -> str:
        """Return the name of the file that is downloaded."""
        return self.folder(version) + ("" if self.bare else ".tar.gz")

    @property
    def bare(self) -> bool:
        """Whether a release is the program itself."""
        return bool(self.digests)


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
    Product(
        name="redis_exporter",
        repository="oliver006/redis_exporter",
        version="1.86.0",
        previous="1.69.0",
        packages=("prometheus-redis-exporter",),
        naming="{name}-v{version}.linux-{arch}",
        files={
            "redis_exporter": "usr/bin/prometheus-redis-exporter",
            "LICENSE": "usr/share/doc/prometheus-redis-exporter/copyright",
        },
    ),
    Product(
        name="postgres_exporter",
        repository="prometheus-community/postgres_exporter",
        version="0.19.1",
        previous="0.17.1",
        packages=("prometheus-postgres-exporter",),
        files={
            "postgres_exporter": "usr/bin/prometheus-postgres-exporter",
            **_legal("prometheus-postgres-exporter"),
        },
    ),
    Product(
        name="elasticsearch_exporter",
        repository="prometheus-community/elasticsearch_exporter",
        version="1.10.0",
        previous="1.9.0",
        packages=("prometheus-elasticsearch-exporter",),
        files={
            "elasticsearch_exporter": "usr/bin/prometheus-elasticsearch-exporter",
            **_legal("prometheus-elasticsearch-exporter"),
        },
    ),
    Product(
        name="cadvisor",
        repository="google/cadvisor",
        version="0.60.6",
        packages=("cadvisor",),
        suite="bullseye",
        naming="{name}-v{version}-linux-{arch}",
        digests={
            "amd64": "c381c2c911bc43d465d1e0eaff60f96d58c031c409bddf06da0316fdde8a9296",
            "arm64": "d788162d9deea8aa024fd79a0a685df90a987362d8f0e580f822474c1fbef7f9",
        },
        files={"cadvisor": "usr/bin/cadvisor"},
    ),
)


def recipe() -> str:
    """Digest what the mirror is made of, so that a change is noticed."""
    return hashlib.sha256(repr(PRODUCTS).encode()).hexdigest()
