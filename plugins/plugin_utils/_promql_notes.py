# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes taken on the way through a PromQL tree (private to this collection)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_nodes import Selector
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_shape import (
    RANGE,
    VECTOR,
    Shape,
)

_WHOLE_BUCKET = re.compile(r"([0-9]+)(\.0)?")


@dataclass(slots=True)
class Notes:
    """Faults, and what is needed for checks that know more than the expression."""

    faults: list[str] = field(default_factory=list)
    jobs: set[str] = field(default_factory=set)
    metrics: set[str] = field(default_factory=set)
    pinned: set[str] = field(default_factory=set)
    longest: int = 0
    shortest: int = 0

    def selector(self, node: Selector) -> Shape:
        """Look at a selector."""
        absent: set[str] = set()
        self.metrics.add(node.metric)
        for matcher in node.matchers:
            if matcher.op != "=":
                continue
            self.pinned.add(matcher.label)
            if matcher.value == "":
                absent.add(matcher.label)
            elif matcher.label == "job":
                self.jobs.add(matcher.value)
            elif matcher.label == "le" and (whole := _WHOLE_BUCKET.fullmatch(matcher.value)):
                self.faults.append(
                    f'le="{matcher.value}" is written "{whole[1]}" by Prometheus 2 and '
                    f'"{whole[1]}.0" by Prometheus 3; write le=~"{whole[1]}(\\\\.0)?"'
                )
        if node.range:
            self.longest = max(self.longest, node.range)
        return Shape(RANGE if node.range else VECTOR, frozenset(absent), open=True)

    def window(self, length: int) -> None:
        """Note a range."""
        self.longest = max(self.longest, length)

    def sampled(self, length: int) -> None:
        """Note a range from which a change or a rate is computed."""
        self.shortest = min(self.shortest or length, length)
