# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Further pipelines of a Logstash: entries of pipelines.yml, and their files (private)."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    shown,
)

_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]*")
_OWN = ("logs", "dead_letters")


def logstash_pipelines(pipelines: Any, *, directory: str) -> dict[str, list[dict[str, Any]]]:
    """Return entries and files. pipelines: name -> {config: text, and keys of pipelines.yml}."""
    faults = Faults()
    if not isinstance(pipelines, dict):
        faults.add("pipelines", f"{kind(pipelines)} is no dictionary of name and pipeline")
        pipelines = {}
    for name, pipeline in pipelines.items():
        where = f"pipelines.{name}"
        if not _NAME.fullmatch(str(name)):
            faults.add("pipelines", f"{shown(name)} is no name (lower case, digits, - and _)")
        elif name in _OWN:
            faults.add(where, "is a pipeline of the role; give yours another name")
        if not isinstance(pipeline, dict) or not isinstance(pipeline.get("config"), str):
            faults.add(where, "needs the key config, the text of the pipeline")
            continue
        for key in ("pipeline.id", "path.config", "config.string"):
            if key in pipeline:
                faults.add(f"{where}.{key}", "is set by the role")
        if not re.search(r"^\s*output\s*\{", pipeline["config"], re.MULTILINE):
            faults.add(f"{where}.config", "has no output; what it reads would be lost")
    faults.refuse()
    paths = {name: f"{directory}/{name}.conf" for name in pipelines}
    return {
        "pipelines": [
            {"pipeline.id": name, "path.config": paths[name], **_settings(pipeline)}
            for name, pipeline in pipelines.items()
        ],
        # Up to 8.14 a comment on a last line without an end is a fault.
        "files": [
            {"path": paths[name], "content": pipeline["config"].rstrip() + "\n"}
            for name, pipeline in pipelines.items()
        ],
    }


def _settings(pipeline: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in pipeline.items() if key != "config"}
