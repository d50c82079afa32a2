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
    jobless: bool = False
    """Whether a selector takes series of any job."""
    pinned: set[str] = field(default_factory=set)
    windows: dict[str, int] = field(default_factory=dict)
    """The shortest range from which a change or a rate is computed, by job, "" for any job."""
    longest: int = 0
    behind: int = 0
    """How far back the subqueries reach that are being looked into."""

    def selector(self, node: Selector) -> Shape:
        """Look at a selector."""
        absent: set[str] = set()
        self.metrics.add(node.metric)
        named = [m.label for m in node.matchers if m.op == "=" and m.value]
        self.jobless = self.jobless or "job" not in named
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
        if node.range or node.offset or self.behind:
            self.longest = max(self.longest, self.behind + node.range + node.offset)
        return Shape(RANGE if node.range else VECTOR, frozenset(absent), open=True)

    def sampled(self, node: Selector) -> None:
        """Note a range from which a change or a rate is computed."""
        jobs = [m.value for m in node.matchers if m.label == "job" and m.op == "="]
        job = jobs[0] if jobs else ""
        self.windows[job] = min(self.windows.get(job, node.range), node.range)
