# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find divisions whose result is the same whatever the series say (private to this collection)."""

from __future__ import annotations

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _promql_nodes as tree


def divided_by_itself(node: tree.Binary) -> str:
    """Find a filtered series divided by the unfiltered one, label by label: that is always 1.

    Both sides must be the same apart from the matchers: another function, range, offset or moment
    makes it a comparison of two values of one series.
    """
    if node.op != "/" or node.matching.kind:
        return ""
    left, right = _read(node.left), _read(node.right)
    if left is None or right is None or left.metric != right.metric or not left.metric:
        return ""
    if set(left.matchers) == set(right.matchers):
        return ""
    if _without_matchers(node.left) != _without_matchers(node.right):
        return ""
    return (
        f'divides "{left.metric}" by itself, series by series, with other matchers: the result is '
        "always 1 or nothing; aggregate both sides, as in sum by (job) (...) / sum by (job) (...)"
    )


def _read(node: tree.Node) -> tree.Selector | None:
    """Give the one series that is read, directly or by one function."""
    node = tree.bare(node)
    if isinstance(node, tree.Call):
        bare = map(tree.bare, node.arguments)
        node = next((found for found in bare if isinstance(found, tree.Selector)), node)
    return node if isinstance(node, tree.Selector) else None


def _without_matchers(node: tree.Node) -> tree.Node:
    node = tree.bare(node)
    if isinstance(node, tree.Call):
        return node._replace(arguments=tuple(map(_without_matchers, node.arguments)))
    return node._replace(matchers=()) if isinstance(node, tree.Selector) else node
