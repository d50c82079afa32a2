# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logstash's release: a given archive (BAREHOST_LOGSTASH), else upstream's, else a stand-in."""

from __future__ import annotations

from pathlib import Path

import pyparsing
import yaml

from mirror import elastic

_LOG4J = """# The real file has appenders; the stand-in writes the same lines to the same places.
status = error
name = LogstashPropertiesConfig
"""


_JVM = "-Xms1g\n-Xmx1g\n-Dfile.encoding=UTF-8\n-XX:+HeapDumpOnOutOfMemoryError\n"


def _files(version: str) -> dict[str, str]:
    return {
        "config/logstash.yml": "# All of it has defaults.\n",
        "config/pipelines.yml": "# No pipeline is defined.\n",
        "config/jvm.options": _JVM,
        "config/log4j2.properties": _LOG4J,
        "logstash-core/versions-gem-copy.yml": f"---\nlogstash: {version}\n",
    }


RELEASE = elastic.Release(
    name="logstash",
    folder="logstash",
    machine=elastic.MACHINE,
    top="logstash-{version}",
    program="bin/logstash",
    libraries=(pyparsing, yaml),
    files=_files,
)


def recipe() -> str:
    """Digest what the release is made of."""
    return elastic.recipe(RELEASE)


def add(mirror: Path, version: str = elastic.VERSION) -> list[str]:
    """Put it below the mirror and return a role's variables."""
    return elastic.add(RELEASE, mirror, version)
