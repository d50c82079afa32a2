# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL, as postgres_exporter sees it."""

from __future__ import annotations

from dashboards.alerts import steps
from dashboards.board import Board, Row
from dashboards.look import GOOD, NONE_LIKED, SEVERITIES
from dashboards.panels import lines, number
from dashboards.queries import Query, limit
from dashboards.variables import choice, datasource, targets_of

DATABASE = '<target>,datname=~"$database"'
ANSWERS = {"1": ("up", GOOD), "0": ("down", SEVERITIES["critical"])}
# As the alert does: when there is no free connection, the exporter's collectors have nothing to tell.
CONNECTIONS = (
    'sum by (instance) (pg_stat_activity_count{<target>,backend_type="client backend"})'
    " / max by (instance) (pg_settings_max_connections{<target>})"
)
OLDEST = (
    "max by (instance, datname) (pg_stat_activity_max_tx_duration"
    f'{{{DATABASE},backend_type="client backend",application_name!~"pg_dump|pg_basebackup"}})'
)
HIT, READ = (f"pg_stat_database_blks_{kind}{{{DATABASE}}}" for kind in ("hit", "read"))


def per_second(*counters: str) -> str:
    """Add counters of the chosen databases."""
    return " + ".join(
        f"sum by (instance) (rate(pg_stat_database_{name}{{{DATABASE}}}[<rate>]))"
        for name in counters
    )


SYMPTOMS = Row(
    widths=4,
    height=4,
    panels=(
        number(
            "Database",
            "Whether the exporter can log in and ask.",
            Query("min(pg_up{<target>})"),
            unit="none",
            words=ANSWERS,
            alerts=["PostgresDown", "PostgresExporterFailing"],
            trend=False,
        ),
        number(
            "Connections in use",
            "Share of max_connections.",
            Query(f"max({CONNECTIONS})"),
            unit="percentunit",
            steps=steps("PostgresConnectionsHigh"),
            alerts=["PostgresConnectionsHigh"],
            decimals=0,
        ),
        number(
            "Transactions per second",
            "Committed and rolled back.",
            Query(f"sum({per_second('xact_commit', 'xact_rollback')})"),
            unit="ops",
        ),
        number(
            "Longest transaction",
            "One that stays open keeps dead rows from being cleared away. Dumps are left out.",
            Query(f"clamp_min(max({OLDEST}), 0)"),
            unit="s",
            steps=steps("PostgresLongTransaction"),
            alerts=["PostgresLongTransaction"],
            decimals=1,
        ),
        number(
            "Deadlocks",
            "Within the chosen time.",
            Query(
                f"sum(increase(pg_stat_database_deadlocks{{{DATABASE}}}[<range>]))", "", "instant"
            ),
            unit="none",
            steps=NONE_LIKED,
            decimals=0,
            trend=False,
        ),
        number(
            "Size",
            "Disk space of the chosen databases.",
            Query(f"sum(pg_database_size_bytes{{{DATABASE}}})"),
            unit="bytes",
        ),
    ),
)

WORK = Row(
    title="Work",
    panels=(
        lines(
            "Transactions",
            "Many that are rolled back are a fault of the application.",
            Query(per_second("xact_commit"), "committed {{instance}}"),
            Query(per_second("xact_rollback"), "rolled back {{instance}}"),
            unit="ops",
        ),
        lines(
            "Rows",
            "Rows that were handed out and changed, a second.",
            *(
                Query(per_second(f"tup_{kind}"), f"{kind} {{{{instance}}}}")
                for kind in ("fetched", "inserted", "updated", "deleted")
            ),
            unit="ops",
        ),
        lines(
            "Cache hit ratio",
            "Share of the blocks that were found in shared_buffers.",
            Query(
                f"sum by (instance) (rate({HIT}[<rate>])) / (sum by (instance) (rate({HIT}[<rate>]))"
                f" + sum by (instance) (rate({READ}[<rate>])))",
                "{{instance}}",
            ),
            unit="percentunit",
            highest=1,
            no_value="no reads",
        ),
    ),
)

SESSIONS = Row(
    title="Sessions and locks",
    panels=(
        lines(
            "Connections by state",
            "Idle in transaction: a client that keeps locks and does nothing.",
            Query(f"sum by (state) (pg_stat_activity_count{{{DATABASE}}})", "{{state}}"),
            unit="short",
            stacked=True,
        ),
        lines(
            "Connections in use by server",
            "Share of max_connections; at 1 nobody else gets in.",
            Query(CONNECTIONS, "{{instance}}"),
            limit("PostgresConnectionsHigh"),
            unit="percentunit",
            highest=1,
        ),
        lines(
            "Longest transaction by database",
            "Age of the oldest open transaction of a client, dumps left out.",
            Query(OLDEST, "{{instance}} {{datname}}"),
            limit("PostgresLongTransaction"),
            unit="s",
        ),
        lines(
            "Locks",
            "Locks that are held, by mode.",
            Query(f"sum by (mode) (pg_locks_count{{{DATABASE}}}) > 0", "{{mode}}"),
            unit="short",
            no_value="none",
        ),
        lines(
            "Deadlocks and conflicts",
            "Transactions that were broken off.",
            Query(per_second("deadlocks"), "deadlocks {{instance}}"),
            Query(per_second("conflicts"), "conflicts {{instance}}"),
            unit="ops",
        ),
        lines(
            "Temporary files",
            "Bytes a second that did not fit into work_mem.",
            Query(per_second("temp_bytes"), "{{instance}}"),
            unit="Bps",
        ),
    ),
)

STORAGE = Row(
    title="Storage and replication",
    widths=6,
    panels=(
        lines(
            "Size by database",
            "Disk space of each database.",
            Query(
                f"max by (instance, datname) (pg_database_size_bytes{{{DATABASE}}})",
                "{{instance}} {{datname}}",
            ),
            unit="bytes",
        ),
        lines(
            "Write-ahead log",
            "Size on disk. It grows while an archive or a replica does not keep up.",
            Query("max by (instance) (pg_wal_size_bytes{<target>})", "{{instance}}"),
            unit="bytes",
        ),
        lines(
            "Replication lag",
            "How far a replica is behind; 0 on a primary.",
            Query("max by (instance) (pg_replication_lag_seconds{<target>})", "{{instance}}"),
            limit("PostgresReplicationLag"),
            unit="s",
        ),
        lines(
            "Archiving",
            "Segments of the log that were archived, and attempts that failed, within an hour.",
            Query(
                "sum by (instance) (increase(pg_stat_archiver_archived_count{<target>}[1h]))",
                "archived {{instance}}",
            ),
            Query(
                "sum by (instance) (increase(pg_stat_archiver_failed_count{<target>}[1h]))",
                "failed {{instance}}",
            ),
            unit="short",
            colors={"failed": SEVERITIES["critical"]},
            alerts=["PostgresArchiveFailing"],
        ),
    ),
)

BOARD = Board(
    name="postgresql",
    title="PostgreSQL",
    description="Sessions, transactions, locks, storage and replication of the databases.",
    variables=(
        datasource(),
        *targets_of("pg_up"),
        choice(
            "database", "Database", 'label_values(pg_database_size_bytes{job=~"$job"}, datname)'
        ),
    ),
    rows=(SYMPTOMS, WORK, SESSIONS, STORAGE),
    marked='job=~"$job"',
    marked_with="pg_up",
)
