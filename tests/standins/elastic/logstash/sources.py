# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where pipelines come from: pipelines.yml, or the command line."""

import glob
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from elastic.common import Refused, documents, variables
from elastic.logstash.logs import Log
from elastic.logstash.settings import Settings, Unreadable, missing

_LOG = Log("logstash.config.sourceloader")


@dataclass(frozen=True)
class Source:
    """One pipeline's texts by file name, and its settings."""

    name: str
    settings: Settings
    texts: tuple[tuple[str, str], ...]

    @property
    def mark(self) -> tuple[object, ...]:
        """What makes it another pipeline when it changes."""
        return self.texts, tuple(self.settings.told().items())


def fetch(settings: Settings, folder: Path) -> list[Source]:
    """Read all pipelines; raises Refused."""
    own = [name for name in ("path.config", "config.string") if settings[name]]
    if len(own) > 1:
        raise Refused(
            "Settings 'path.config' (-f) and 'config.string' (-e) can't be used simultaneously."
        )
    if own:
        _LOG.warn(
            "Ignoring the 'pipelines.yml' file because modules or command line options are "
            "specified"
        )
        return _sources([settings])
    try:
        listed = _listed(folder / "pipelines.yml")
        return _sources([settings.of_pipeline(given) for given in listed])
    except Unreadable:
        raise
    except Refused as exc:
        _LOG.error("Could not fetch all the sources", message=str(exc))
        raise Refused("Could not load the configuration file") from None


def fitting(sources: list[Source]) -> None:
    """See whether queues have room for a page, as a start alone does; raises Refused."""
    small = [
        f"Pipeline {source.name} 'queue.page_capacity' must be less than or equal to "
        "'queue.max_bytes'."
        for source in sources
        if source.settings["queue.type"] == "persisted"
        and source.settings["queue.page_capacity"] > source.settings["queue.max_bytes"] > 0
    ]
    if small:
        raise Refused(" ".join(small))


def _listed(path: Path) -> list[dict[str, Any]]:
    try:
        data = documents.read(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        raise Unreadable(f"Failed to read pipelines yaml file. Location: {path}") from None
    if not data:
        raise Unreadable(f"Failed to read pipelines yaml file. Location: {path}")
    if not isinstance(data, list):
        kind = "Hash" if isinstance(data, dict) else "String"
        raise Unreadable(
            f'Pipelines YAML file must contain an array of pipeline configs. Found "{kind}" in '
            f"{path}"
        )
    if not all(isinstance(entry, dict) for entry in data):
        raise Refused(
            f"Pipelines YAML file must contain an array of pipeline configs, each a mapping: {path}"
        )
    entries: list[dict[str, Any]] = variables.replaced(data, missing)
    names = [str(entry.get("pipeline.id", "main")) for entry in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        listed = ", ".join(f'"{name}"' for name in twice)
        raise Refused(
            f"Pipelines YAML file contains duplicate pipeline ids: [{listed}]. Location: {path}"
        )
    return entries


def _sources(pipelines: list[Settings]) -> list[Source]:
    sources = []
    for settings in pipelines:
        texts = _texts(settings)
        if texts:
            sources.append(Source(settings["pipeline.id"], settings, tuple(texts)))
    return sources


def _texts(settings: Settings) -> list[tuple[str, str]]:
    if settings["config.string"]:
        return [("config_string", settings["config.string"])]
    if not settings["path.config"]:
        return []
    wanted = settings["path.config"].removeprefix("file://")
    found, wrong = [], []
    for name in sorted(glob.glob(f"{wanted}/*" if Path(wanted).is_dir() else _expanded(wanted))):
        path = Path(name)
        if not path.is_file():
            continue
        if name.endswith("~"):
            _LOG.warn("NOT reading config file because it is a temp file", config_file=name)
            continue
        try:
            found.append((name, path.read_bytes().decode()))
        except UnicodeDecodeError:
            wrong.append(name)
    if wrong:
        raise Refused(
            f"The following config files contains non-ascii characters but are not UTF-8 encoded "
            f"{wrong}"
        )
    if not found:
        _LOG.info("No config files found in path", path=wanted)
    return found


def _expanded(pattern: str) -> str:
    """Ruby's {a,b} with one alternative is that alternative; more of them the stand-in refuses."""
    if re.search(r"\{[^}]*,", pattern):
        raise Refused(f"the stand-in does not expand {pattern}")
    return pattern
