# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialect of grafana.ini: how Grafana's parser takes lines apart, and what it expands."""

import os
import re

from standin import Refused

Sections = dict[str, dict[str, str]]
_EXPRESSION = re.compile(r"\$(|__\w+)\{([^}]+)\}")
_KEY = re.compile(r"%\(([^)]+)\)s")


def parse(text: str, path: str) -> Sections:
    """Read sections; keys above the first one belong to DEFAULT."""
    sections: Sections = {"DEFAULT": {}}
    current = sections["DEFAULT"]
    lines = iter(text.splitlines())
    for raw in lines:
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if line.startswith("["):
            end = line.find("]")
            if end < 0:
                raise Refused(f"failed to parse {path}: unclosed section: {line}")
            current = sections.setdefault(line[1:end], {})
            continue
        found = re.match(r"([^=:]+)[=:](.*)", line)
        if not found:
            raise Refused(f"failed to parse {path}: key-value delimiter not found: {line}")
        current[found[1].strip()] = _value(found[2].strip(), lines)
    return sections


def _value(text: str, lines: "iter[str]") -> str:  # type: ignore[valid-type]
    for quotes in ('"""', "`"):
        if text.startswith(quotes):
            text = text[len(quotes) :]
            while not text.endswith(quotes):
                text += "\n" + next(lines)
            return text[: -len(quotes)]
    text = re.split("[#;]", text, maxsplit=1)[0].strip()
    while text.endswith("\\"):
        text = text[:-1] + next(lines, "").strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text


def load(defaults: str, config: str) -> Sections:
    """Read both files and the environment; an empty value leaves what was there before."""
    settings: Sections = {}
    for path in (defaults, config):
        try:
            with open(path, encoding="utf-8") as file:
                found = parse(file.read(), path)
        except FileNotFoundError:
            if path == defaults:
                words = "Could not find config defaults, make sure homepath command line parameter"
                raise Refused(f"{words} is set or working directory is homepath") from None
            raise Refused(f"failed to load config file {path}: no such file") from None
        for section, keys in found.items():
            known = settings.setdefault(section, {})
            known.update({key: value for key, value in keys.items() if value or key not in known})
    for section, keys in settings.items():
        for key in keys:
            name = f"GF_{section}_{key}".upper().replace(".", "_").replace("-", "_")
            keys[key] = os.environ.get(name) or keys[key]
    for section, keys in settings.items():
        for key in keys:
            keys[key] = expand(_interpolated(keys, key, settings["DEFAULT"]), f"{section}.{key}")
    return settings


def _interpolated(keys: dict[str, str], key: str, top: dict[str, str]) -> str:
    def other(match: re.Match[str]) -> str:
        return keys.get(match[1], top.get(match[1], match[0]))

    return _KEY.sub(other, keys[key])


def expand(text: str, where: str) -> str:
    """Replace ${X}, $__env{X} and $__file{path}."""

    def found(match: re.Match[str]) -> str:
        kind, name = match[1], match[2]
        if kind in ("", "__env"):
            return os.environ.get(name, "")
        if kind != "__file":
            return match[0]
        try:
            with open(name, encoding="utf-8") as file:
                return file.read().strip()
        except OSError as exc:
            words = f"{exc.strerror}".lower()
            raise Refused(
                f"got error while expanding {where} with expander 'file': stat {name}: {words}"
            ) from None

    return _EXPRESSION.sub(found, text)
