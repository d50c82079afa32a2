# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts that one play leaves for another one of the same run (private to this collection).

Where facts are cached (fact_caching), those of earlier runs are still there, also of daemons that are gone since.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible import constants

_RUN = "run"


def this_run() -> str:
    """Name the run: by the temporary directory that Ansible makes for each, before there is any worker."""
    return str(constants.DEFAULT_LOCAL_TMP).rpartition("/")[2]


def marked(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of a fact, as one of this run."""
    return {**value, _RUN: this_run()}


def of_this_run(facts: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return by name, without their prefix, the values of the facts that this run has left."""
    return {
        name.removeprefix(prefix): {key: item for key, item in value.items() if key != _RUN}
        for name, value in sorted(facts.items())
        if name.startswith(prefix) and isinstance(value, Mapping) and value.get(_RUN) == this_run()
    }
