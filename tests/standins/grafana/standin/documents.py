# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Provisioning files: YAML as Grafana reads it, and the variables in it."""

import os
import re
from pathlib import Path
from typing import Any

import yaml

from standin import Refused, log
from standin.ini import expand

_TRUTH = {**dict.fromkeys(["1", "t", "T", "true", "TRUE", "True"], True)}
_TRUTH |= dict.fromkeys(["0", "f", "F", "false", "FALSE", "False"], False)
_ENVIRONMENT = re.compile(r"\$(?:\{(\w+)\}|(\w+)|[*#$@!?-])")


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice, as Grafana does."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    lines: dict[Any, int] = {}
    for key, _value in node.value:
        line = key.start_mark.line + 1
        if key.value in lines:
            words = f'mapping key "{key.value}" already defined at line {lines[key.value]}'
            raise Refused(f"yaml: unmarshal errors:\n  line {line}: {words}")
        lines[key.value] = line
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
# Only these words are true and false; others are texts.
_Loader.yaml_implicit_resolvers = {
    letter: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:bool"]
    for letter, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def read(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Read every .yaml and .yml of a folder, in their order."""
    names = sorted(name for name in os.listdir(folder) if name.endswith((".yaml", ".yml")))
    if folder.name == "alerting":
        for name in sorted(set(os.listdir(folder)) - set(names)):
            log(
                "warn",
                f"file has invalid suffix '{name}', skipping",
                logger="provisioning.alerting",
            )
    return [(name, _read(folder / name)) for name in names]


def _read(path: Path) -> dict[str, Any]:
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 (a safe loader)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        raise Refused(f"yaml: line {line}: {getattr(exc, 'problem', exc)}") from None
    except OSError as exc:
        raise Refused(f"open {path}: {str(exc.strerror).lower()}") from None
    return data if isinstance(data, dict) else {}


def truth(value: Any) -> bool:
    """Read a boolean; the words of YAML 1.1 are none."""
    if isinstance(value, bool):
        return value
    if value is None or value == "":
        return False
    if str(value) not in _TRUTH:
        raise Refused(f'strconv.ParseBool: parsing "{value}": invalid syntax')
    return _TRUTH[str(value)]


def interpolated(value: Any) -> Any:
    """Expand variables in every text; $$ is a dollar."""
    if isinstance(value, dict):
        return {key: interpolated(item) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolated(item) for item in value]
    return _text(value) if isinstance(value, str) else value


def _text(value: str) -> str:
    try:
        return "$".join(_environment(expand(part, "value")) for part in value.split("$$"))
    except Refused as exc:
        raise Refused(f"failed to interpolate value: {exc}") from None


def _environment(text: str) -> str:
    """Expand once more, as a shell would: what came out of a file, too."""
    return _ENVIRONMENT.sub(lambda match: os.environ.get(match[1] or match[2] or "", ""), text)
