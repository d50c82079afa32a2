# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis, as redis_exporter sees it."""

from __future__ import annotations

from dashboards.board import Board, Row
from dashboards.look import GOOD, NONE_LIKED, SEVERITIES
from dashboards.panels import lines, number
from dashboards.queries import Query, limit
from dashboards.variables import datasource, targets_of

ANSWERS = {"1": ("up", GOOD), "0": ("down", SEVERITIES["critical"])}
SAVES = {"1": ("succeeded", GOOD), "0": ("failed", SEVERITIES["critical"])}
HITS = "sum by (instance) (rate(redis_keyspace_hits_total{<target>}[<rate>]))"
MISSES = "sum by (instance) (rate(redis_keyspace_misses_total{<target>}[<rate>]))"
COMMANDS = "rate(redis_commands_total{<target>}[<rate>])"
TIME = "rate(redis_commands_duration_seconds_total{<target>}[<rate>])"


def per_second(metric: str, legend: str = "{{instance}}") -> Query:
    """Ask for the rate of a counter of each server."""
    return Query(f"sum by (instance) (rate({metric}{{<target>}}[<rate>]))", legend)


SYMPTOMS = Row(
    widths=4,
    height=4,
    panels=(
        number(
            "Server",
            "Whether the exporter can log in and ask.",
            Query("min(redis_up{<target>})"),
            unit="none",
            words=ANSWERS,
            alerts=["RedisDown"],
            trend=False,
        ),
        number(
            "Commands per second",
            "All commands of all clients.",
            Query("sum(rate(redis_commands_processed_total{<target>}[<rate>]))"),
            unit="ops",
        ),
        number(
            "Memory",
            "Memory that Redis took for data and its own purposes.",
            Query("sum(redis_memory_used_bytes{<target>})"),
            unit="bytes",
        ),
        number(
            "Clients",
            "Connected clients, the exporter included.",
            Query("sum(redis_connected_clients{<target>})"),
            unit="none",
        ),
        number(
            "Refused connections",
            "Within the chosen time: more clients than maxclients allows.",
            Query(
                "sum(increase(redis_rejected_connections_total{<target>}[<range>]))", "", "instant"
            ),
            unit="none",
            steps=NONE_LIKED,
            alerts=["RedisConnectionsRejected"],
            decimals=0,
            trend=False,
        ),
        number(
            "Last save",
            "Whether the last snapshot, and the last write to the append-only file, reached the disk.",
            Query("min(redis_rdb_last_bgsave_status{<target>})", "snapshot"),
            Query("min(redis_aof_last_write_status{<target>})", "append-only file"),
            unit="none",
            words=SAVES,
            alerts=["RedisPersistenceFailing"],
            trend=False,
        ),
    ),
)

WORK = Row(
    title="Work",
    widths=(12, 12, 6, 6, 6, 6),
    panels=(
        lines(
            "Commands",
            "The ten commands that are called most often.",
            Query(f"topk(10, sum by (cmd) ({COMMANDS}) > 0)", "{{cmd}}"),
            unit="ops",
            legend="right",
        ),
        lines(
            "Time per command",
            "Mean time of a call, the ten slowest commands.",
            Query(f"topk(10, sum by (cmd) ({TIME}) / (sum by (cmd) ({COMMANDS}) > 0))", "{{cmd}}"),
            unit="s",
            legend="right",
        ),
        lines(
            "Hit ratio of the keyspace",
            "Share of the look-ups that found a key.",
            Query(f"{HITS} / ({HITS} + {MISSES})", "{{instance}}"),
            unit="percentunit",
            highest=1,
            no_value="no look-ups",
        ),
        lines(
            "Clients against the limit",
            "Share of maxclients; at 1 nobody else gets in.",
            Query(
                "max by (instance) (redis_connected_clients{<target>} / redis_max_clients{<target>})",
                "{{instance}}",
            ),
            limit("RedisConnectionsHigh"),
            unit="percentunit",
        ),
        lines(
            "Traffic",
            "Received (up) and sent (down).",
            per_second("redis_net_input_bytes_total", "received {{instance}}"),
            per_second("redis_net_output_bytes_total", "sent {{instance}}"),
            unit="Bps",
            below="/^sent/",
        ),
        lines(
            "Slow commands",
            "Entries in the slow log.",
            Query("redis_slowlog_length{<target>}", "{{instance}}"),
            unit="short",
        ),
    ),
)

DATA = Row(
    title="Data",
    panels=(
        lines(
            "Memory by server",
            "In use, and the limit where one is set. Without a limit Redis may fill the host.",
            Query("redis_memory_used_bytes{<target>}", "used {{instance}}"),
            Query("redis_memory_max_bytes{<target>} > 0", "maxmemory {{instance}}"),
            unit="bytes",
            alerts=["RedisMemoryHigh"],
        ),
        lines(
            "Keys",
            "Keys in all databases of a server, and those that expire by themselves.",
            Query("sum by (instance) (redis_db_keys{<target>})", "all {{instance}}"),
            Query("sum by (instance) (redis_db_keys_expiring{<target>})", "expiring {{instance}}"),
            unit="short",
        ),
        lines(
            "Expired and evicted keys",
            "Evicted: thrown away for lack of memory.",
            per_second("redis_expired_keys_total", "expired {{instance}}"),
            per_second("redis_evicted_keys_total", "evicted {{instance}}"),
            unit="ops",
            colors={"evicted": SEVERITIES["warning"]},
        ),
        lines(
            "Age of the last save",
            "Time since the last snapshot; what changed since then is lost in a crash.",
            Query("time() - redis_rdb_last_save_timestamp_seconds{<target>}", "{{instance}}"),
            unit="s",
        ),
        lines(
            "Replication",
            "Replicas that are connected, and whether a replica has the link to its master.",
            Query("redis_connected_slaves{<target>}", "replicas {{instance}}"),
            Query("redis_master_link_up{<target>}", "link {{instance}}"),
            unit="short",
            alerts=["RedisReplicationBroken"],
        ),
        lines(
            "Fragmentation",
            "Memory taken from the system for each byte in use. Below 1: Redis is swapped out.",
            Query("redis_mem_fragmentation_ratio{<target>}", "{{instance}}"),
            unit="short",
        ),
    ),
)

BOARD = Board(
    name="redis",
    title="Redis",
    description="Commands, memory, keys and persistence of the Redis servers.",
    variables=(datasource(), *targets_of("redis_up")),
    rows=(SYMPTOMS, WORK, DATA),
    marked='job=~"$job"',
    marked_with="redis_up",
)
