# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Going back on request: the state before the last good one becomes the wanted one.

It was checked and proved when it was deployed, and its files are still kept. So it is not described
by the task any more; only what the memory does not hold is taken from there: where releases come
from, the account, how a step that changes data is run.
"""

from __future__ import annotations

from dataclasses import replace

from . import _parse
from ._desired import Desired
from ._phases import Run
from ._spec import Spec
from ._state import State


def wanted(current: Run) -> Desired | None:
    """Return the state before the last good one, and make it what the run is about.

    None when there is none: the daemon was deployed once only, or is back already.
    """
    previous = current.store.record("previous")
    if previous is None:
        return None
    current.spec = _spec(current.spec, previous)
    files = [entry for entry in previous.entries.values() if not entry.is_link]
    return Desired(previous, {entry.digest: current.store.get(entry.digest) for entry in files})


def _spec(spec: Spec, state: State) -> Spec:
    return replace(
        spec,
        release=replace(spec.release, version=state.version) if spec.release else None,
        files=tuple(file for file in spec.files if file.path in state.entries),
        prepare=tuple(step for step in spec.prepare if step.name in state.prepared),
        health=_parse.health(state.health, []),
        requires=(),
        checks=(),
        api=(),
    )
