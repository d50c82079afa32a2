# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Elasticsearch, as elasticsearch_exporter sees it, and what comes into its logs."""

from __future__ import annotations

from dashboards.board import Board, Row
from dashboards.look import GOOD, NONE_LIKED, SEVERITIES
from dashboards.panels import lines, number
from dashboards.queries import Query, limit
from dashboards.variables import datasource, targets_of

HEALTH = "elasticsearch_cluster_health"
STATES = {
    "0": ("green", GOOD),
    "1": ("yellow", SEVERITIES["warning"]),
    "2": ("red", SEVERITIES["critical"]),
}
STATE = (
    f'max({HEALTH}_status{{<target>,color="yellow"}}) '
    f'+ 2 * max({HEALTH}_status{{<target>,color="red"}})'
)
# Recorded of the cluster, whichever exporter told it.
LINES = 'log:lines:increase5m{job=~"$job"}'
ERRORS = 'log:errors:per_minute5m{job=~"$job"}'
DISK = "1 - elasticsearch_filesystem_data_available_bytes{<target>}"
POOL = 'elasticsearch_jvm_memory_pool_{0}_bytes{{<target>,pool="old"}}'


def per_second(metric: str, legend: str) -> Query:
    """Ask for the rate of a counter of each node."""
    return Query(f"sum by (instance) (rate({metric}{{<target>}}[<rate>]))", legend)


SYMPTOMS = Row(
    widths=4,
    height=4,
    panels=(
        number(
            "Cluster",
            "Green: all shards have all their copies. Yellow: some lack a copy. Red: some are not there.",
            Query(STATE),
            unit="none",
            words=STATES,
            alerts=["ElasticsearchClusterRed", "ElasticsearchClusterYellow"],
            trend=False,
        ),
        number(
            "Nodes",
            "Members of the cluster, as those of them say that answer.",
            Query(f"max({HEALTH}_number_of_nodes{{<target>}})"),
            unit="none",
            alerts=["ElasticsearchDown"],
            trend=False,
        ),
        number(
            "Shards",
            "Active shards of all indices, copies included.",
            Query(f"max({HEALTH}_active_shards{{<target>}})"),
            unit="none",
        ),
        number(
            "Lines a minute",
            "Lines of all logs, over the last five minutes.",
            Query(f"sum({LINES}) / 5"),
            unit="none",
            decimals=0,
        ),
        number(
            "Errors a minute",
            "Lines with the level of an error, of all logs, over the last five minutes.",
            Query(f"sum({ERRORS}) or 0 * sum({LINES})"),
            unit="none",
            steps=NONE_LIKED,
            decimals=0,
        ),
        number(
            "Refused lines",
            "The most within five minutes of the chosen time; they are in the data set dead_letters.",
            Query(
                'max(max_over_time(log:lines:increase5m{job=~"$job",dataset="dead_letters"}[<range>])) '
                f"or 0 * sum({LINES})",
                "",
                "instant",
            ),
            unit="none",
            steps=NONE_LIKED,
            alerts=["LogLinesRefused"],
            decimals=0,
            trend=False,
        ),
    ),
)

LOGS = Row(
    title="Logs",
    widths=12,
    panels=(
        lines(
            "Lines a minute by data set",
            "What came into the streams of logs. Errors have data sets of their own.",
            Query(f"{LINES} / 5", "{{dataset}}"),
            unit="short",
            alerts=["LogsStopped"],
            legend="right",
        ),
        lines(
            "Errors a minute by data set",
            "Lines with the level of an error.",
            Query(ERRORS, "{{dataset}}"),
            limit("LogErrorRateHigh"),
            unit="short",
            legend="right",
            no_value="none",
        ),
    ),
)

NODES = Row(
    title="Nodes",
    widths=8,
    panels=(
        lines(
            "Disk",
            "Share of the disk that is in use. From 90% on shards are moved away, at 95% nothing is taken any more.",
            Query(
                "max by (instance) "
                f"({DISK} / elasticsearch_filesystem_data_size_bytes{{<target>}})",
                "{{instance}}",
            ),
            limit("ElasticsearchDiskHigh"),
            unit="percentunit",
            highest=1,
        ),
        lines(
            "Old generation of the heap",
            "What outlives the collection of the young, as a share of the heap.",
            Query(
                f"max by (instance) ({POOL.format('used')} / {POOL.format('max')})",
                "{{instance}}",
            ),
            limit("ElasticsearchHeapHigh"),
            unit="percentunit",
            highest=1,
        ),
        lines(
            "Time for the collection of garbage",
            "Share of the time in which the Java machine collects garbage.",
            per_second("elasticsearch_jvm_gc_collection_seconds_sum", "{{instance}}"),
            unit="percentunit",
        ),
        lines(
            "Documents taken in a second",
            "Of all indices of a node, copies included.",
            per_second("elasticsearch_indices_indexing_index_total", "{{instance}}"),
            unit="ops",
        ),
        lines(
            "Searches a second",
            "On the shards of a node.",
            per_second("elasticsearch_indices_search_query_total", "{{instance}}"),
            unit="reqps",
        ),
        lines(
            "Size of the indices",
            "What they take on the disk of a node.",
            Query(
                "sum by (instance) (elasticsearch_indices_store_size_bytes{<target>})",
                "{{instance}}",
            ),
            unit="bytes",
        ),
    ),
)

BOARD = Board(
    name="elasticsearch",
    title="Elasticsearch",
    description="State of the cluster, lines and errors of the logs in it, heap and disks of its nodes.",
    variables=(datasource(), *targets_of(f"{HEALTH}_number_of_nodes")),
    rows=(SYMPTOMS, LOGS, NODES),
    marked='job=~"$job"',
    marked_with=f"{HEALTH}_number_of_nodes",
)
