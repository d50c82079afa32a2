# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration that the role alertmanager makes, and what its inhibition rules ask for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[3]
Labels = dict[str, str]


def play(
    folder: Path, connection: Mapping[str, Any], variables: Mapping[str, Any]
) -> subprocess.CompletedProcess[str]:
    """Run the role on one host."""
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": {"monitor": connection}}}))
    role = {"role": "barehost.monitoring.alertmanager", "vars": variables}
    playbook = [{"hosts": "all", "gather_facts": False, "roles": [role]}]
    (folder / "play.yml").write_text(_yaml(playbook))
    program = Path(sys.executable).with_name("ansible-playbook")
    command = [str(program), f"--inventory={folder / 'hosts.json'}", str(folder / "play.yml")]
    settings = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCAL_TEMP": str(folder / "tmp")}
    environment = os.environ | settings | {"ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg")}
    return subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )


def rendered(folder: Path, variables: Mapping[str, Any]) -> Path:
    """Render the role's files; return what will be /etc/alertmanager."""
    connection = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    target = {"alertmanager_state": "rendered", "alertmanager_render_directory": str(folder)}
    done = play(folder, connection, {**variables, **target})
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "monitor/etc/alertmanager"


class Unsafe(str):
    """A text with Go templates, which Ansible must not take for its own."""


def _yaml(value: Any) -> str:
    """Write data as YAML in one line; JSON has no way to mark a text."""
    if isinstance(value, Unsafe):
        return f"!unsafe {json.dumps(value)}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(k)}: {_yaml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    return json.dumps(value)


@dataclass(frozen=True)
class Case:
    """An alert beside a source that inhibits, and whether it must be held back."""

    what: str
    labels: Labels
    held_back: bool


@dataclass(frozen=True)
class Proof:
    """What one inhibition rule must do: its source, and alerts that it holds back or not.

    bare: the source without the labels that the rule compares. Labels that both sides lack are equal,
    so a careless rule would let it hold back every alert that lacks them too.
    """

    source: Labels
    bare: Labels
    cases: tuple[Case, ...]


def proofs(rules: list[dict[str, Any]]) -> list[Proof]:
    """Make a pair and its near misses for every rule, each rule with values of its own."""
    return [_proof(rule, f"rule{number}") for number, rule in enumerate(rules)]


def _proof(rule: Mapping[str, Any], name: str) -> Proof:
    shared = {label: f"{name}-{label}" for label in rule["equal"]}
    sources = [_matcher(text) for text in rule["source_matchers"]]
    targets = [_matcher(text) for text in rule["target_matchers"]]
    # What a matcher asks for counts more than what is merely equal on both sides.
    source = {"alertname": f"{name}-source", **shared} | _satisfying(sources, shared)
    target = {"alertname": f"{name}-target", **shared} | _satisfying(targets, shared)
    compared = set(rule["equal"]) - {"alertname"}  # no alert is without a name
    stranger = _without(target, compared) | {"alertname": f"{name}-stranger"}
    cases = (*_cases(rule["equal"], targets, target), Case("nothing in common", stranger, False))
    return Proof(source, _without(source, compared), cases)


def _cases(equal: list[str], targets: list[tuple[str, str, str]], target: Labels) -> Iterator[Case]:
    yield Case("the pair", target, True)
    for label in equal:
        yield Case(f"another {label}", target | {label: "another"}, False)
        if label != "alertname":
            yield Case(f"no {label}", _without(target, {label}), False)
    for label, _operator, _value in targets:
        if label not in equal:
            yield Case(f"{label} is none of the rule's", target | {label: "unlike"}, False)


def _without(labels: Labels, names: set[str]) -> Labels:
    return {label: value for label, value in labels.items() if label not in names}


def _satisfying(matchers: list[tuple[str, str, str]], shared: Labels) -> Labels:
    """Give labels that the matchers accept."""
    found: Labels = {}
    for label, operator, value in matchers:
        if operator == "=":
            found[label] = value
        elif operator == "=~":
            found[label] = value.split("|")[0]
        elif operator == "!=" and value == "":
            found[label] = shared.get(label, "anything")
        else:
            raise AssertionError(f"no label is known for {label}{operator}{value!r}: extend this")
    return found


def _matcher(text: str) -> tuple[str, str, str]:
    found = re.fullmatch(r'\s*(\w+)\s*(=~|!~|!=|=)\s*"(.*)"\s*', text)
    assert found, f"{text!r}: no matcher with a quoted value"
    return found[1], found[2], found[3]
