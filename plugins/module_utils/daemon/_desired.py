# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a Spec to the wanted State: every file, link and digest that the host shall have. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import _unit
from ._spec import Account, Prepare, Spec
from ._state import Entry, State, digest, keyed_digest, selected


@dataclass(frozen=True)
class Desired:
    """The wanted state and the contents that it names."""

    state: State
    contents: Mapping[str, bytes]


def build(
    spec: Spec, salt: bytes, generated: Mapping[str, bytes], health: Mapping[str, Any]
) -> Desired:
    """Compute the wanted state.

    salt: keys the visible digests. generated: path -> content of the secrets that the host made.
    health: the health group as given, kept with the state so that a roll-back can prove it.
    """
    contents: dict[str, bytes] = {}
    entries: dict[str, Entry] = {}

    def add(path: str, content: bytes, **attributes: Any) -> None:
        name = digest(content)
        contents[name] = content
        entries[path] = Entry(digest=name, **attributes)

    for file in spec.files:
        add(
            file.path,
            generated.get(file.path, b"") if file.content is None else file.content,
            mode=file.mode,
            owner=file.owner,
            group=file.group,
            on_change=file.on_change,
            secret=file.secret,
            generated=file.content is None,
        )
    if spec.account.user != "root":
        add(spec.sysusers_path, sysusers(spec.account).encode(), mode=0o644, on_change="none")
    entries.update(_links(spec))
    prepared = {step.name: _cause(step, spec, entries, salt) for step in spec.prepare}
    activation = keyed_digest(
        salt,
        [
            spec.release.version if spec.release else "",
            _unit.render(spec, "", spec.release_link),
            selected(entries, "restart"),
        ],
    )
    unit = _unit.render(spec, activation, spec.release_link)
    add(spec.unit_path, unit.encode(), mode=0o644, on_change="restart")
    if spec.timer:
        timer = _unit.render_timer(spec)
        add(spec.timer_path, timer.encode(), mode=0o644, on_change="restart")
    state = State(
        version=spec.release.version if spec.release else "",
        activation=activation,
        reloadable=keyed_digest(salt, selected(entries, "reload")),
        entries=entries,
        prepared=prepared,
        health=health,
    )
    return Desired(state, contents)


def sysusers(account: Account) -> str:
    """The account in the words of sysusers.d(5)."""
    lines = [f"g {account.group} -"]
    lines.append(f'u {account.user} -:{account.group} "{account.gecos}" {account.home}')
    lines += [f"m {account.user} {group}" for group in account.groups]
    return "".join(f"{line}\n" for line in lines)


def _links(spec: Spec) -> dict[str, Entry]:
    if spec.release is None:
        return {}
    links = {spec.release_link: Entry(target=spec.release.version)}
    # Only the instance that bears the product's name offers its tools to people.
    if spec.release.name == spec.name:
        for binary in spec.release.binaries:
            path = posixpath.join(spec.layout.binaries, posixpath.basename(binary))
            target = posixpath.join(spec.release_link, binary)
            links[path] = Entry(target=target, on_change="none")
    return links


def _cause(step: Prepare, spec: Spec, entries: Mapping[str, Entry], salt: bytes) -> str:
    """Changes exactly when the step has to run again."""
    causes: list[Any] = [step.argv, step.stdin, step.user]
    for name in (*step.depends, *([step.stdin_file] if step.stdin_file else [])):
        if name == "release":
            causes.append(spec.release.version if spec.release else "")
        else:
            entry = entries.get(posixpath.normpath(posixpath.join(spec.config_directory, name)))
            causes.append(entry.digest if entry else name)
    return keyed_digest(salt, causes)
