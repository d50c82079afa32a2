# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The monitoring itself: Prometheus, its targets and rules, Alertmanager and its notifications."""

from __future__ import annotations

from dashboards.board import Board, Row
from dashboards.look import GOOD, NONE_LIKED, NONE_WANTED, SEVERITIES
from dashboards.panels import lines, number
from dashboards.queries import Query, limit, percentile, share
from dashboards.tables import Column, table
from dashboards.variables import datasource, targets_of

RELOADS = {"1": ("current", GOOD), "0": ("an old one", SEVERITIES["critical"])}
DRILLS = {"1": ("passed", GOOD), "0": ("failed", SEVERITIES["critical"])}
HEARTBEAT = {"1": ("works", GOOD), "0": ("broken", SEVERITIES["critical"])}
STATES = {"active": SEVERITIES["critical"], "suppressed": "blue", "unprocessed": "gray"}
PER_SERVER = "sum by (instance) (rate(%s{<target>}[<rate>]))"
WITHIN = "sum(increase(%s{<target>}[1h]))"
LATENCY = "increase(alertmanager_notification_latency_seconds_bucket{<target>}[1h])"

OWN = 'and on (job, instance) {__name__=~"prometheus_build_info|alertmanager_build_info",<target>}'
"""Of what every process exposes, that of the two alone, also while all jobs are chosen."""

SYMPTOMS = Row(
    widths=4,
    height=4,
    panels=(
        number(
            "Targets down",
            "Targets, of all jobs, that did not answer the last scrape.",
            Query("count(up == 0) or vector(0)"),
            unit="none",
            steps=NONE_WANTED,
            alerts=["TargetDown", "JobAbsent"],
            trend=False,
        ),
        number(
            "Alerting",
            "Whether rules are evaluated: the alert Watchdog always fires.",
            Query('count(ALERTS{alertname="Watchdog",alertstate="firing"}) > bool 0 or vector(0)'),
            unit="none",
            words=HEARTBEAT,
            alerts=["Watchdog"],
            trend=False,
        ),
        number(
            "Prometheus config",
            "Whether the last reload succeeded.",
            Query("min(prometheus_config_last_reload_successful{<target>})"),
            unit="none",
            words=RELOADS,
            alerts=["PrometheusConfigReloadFailed"],
            trend=False,
        ),
        number(
            "Alertmanager config",
            "Whether the last reload succeeded.",
            Query("min(alertmanager_config_last_reload_successful{<target>})"),
            unit="none",
            words=RELOADS,
            alerts=["AlertmanagerConfigReloadFailed"],
            trend=False,
        ),
        number(
            "Failed rule evaluations",
            "Within the last hour. A rule that cannot be evaluated cannot fire.",
            Query("sum(increase(prometheus_rule_evaluation_failures_total{<target>}[1h]))"),
            unit="none",
            steps=NONE_WANTED,
            alerts=["PrometheusRuleFailures"],
            decimals=0,
            trend=False,
        ),
        number(
            "Failed notifications",
            "Within the last hour, by all ways.",
            Query("sum(increase(alertmanager_notifications_failed_total{<target>}[1h]))"),
            unit="none",
            steps=NONE_LIKED,
            alerts=["AlertmanagerNotificationsFailing"],
            decimals=0,
            trend=False,
        ),
    ),
)

TARGETS = Row(
    title="Targets",
    widths=6,
    panels=(
        table(
            "Targets by job",
            "How many targets each job has, and how many of them answer.",
            Query("sum by (job) (up)"),
            Query("count by (job) (up)"),
            columns=(
                Column("job", "Job"),
                Column("Value #A", "Up", width=70),
                Column("Value #B", "All", width=70),
            ),
            alerts=["TargetDown", "JobAbsent"],
        ),
        lines(
            "Scrape duration",
            "The slowest target of each job.",
            Query("max by (job) (scrape_duration_seconds)", "{{job}}"),
            unit="s",
        ),
        lines(
            "Samples per scrape",
            "The largest target of each job; a jump is a label that took too many values.",
            Query("max by (job) (scrape_samples_post_metric_relabeling)", "{{job}}"),
            limit("TooManySeries"),
            unit="short",
        ),
        lines(
            "Samples that were refused",
            "Within an hour: doubled, out of order, or more than sample_limit allows.",
            Query(
                WITHIN % "prometheus_target_scrapes_sample_duplicate_timestamp_total",
                "doubled",
            ),
            Query(
                WITHIN % "prometheus_target_scrapes_sample_out_of_order_total",
                "out of order",
            ),
            Query(
                WITHIN % "prometheus_target_scrapes_exceeded_sample_limit_total",
                "over the limit",
            ),
            Query(
                WITHIN % "prometheus_target_scrape_pools_failed_total",
                "jobs not set up",
            ),
            unit="short",
            alerts=[
                "PrometheusSamplesRejected",
                "PrometheusSampleLimitExceeded",
                "PrometheusScrapePoolsFailed",
            ],
        ),
    ),
)

STORAGE = Row(
    title="Prometheus",
    widths=6,
    panels=(
        lines(
            "Samples stored",
            "Samples a second that are written.",
            Query(PER_SERVER % "prometheus_tsdb_head_samples_appended_total", "{{instance}}"),
            unit="ops",
        ),
        lines(
            "Series in memory",
            "Series that were written within the last two to three hours.",
            Query("prometheus_tsdb_head_series{<target>}", "{{instance}}"),
            unit="short",
        ),
        lines(
            "Storage",
            "Disk space of the blocks and of the write-ahead log.",
            Query("prometheus_tsdb_storage_blocks_bytes{<target>}", "blocks {{instance}}"),
            Query("prometheus_tsdb_wal_storage_size_bytes{<target>}", "log {{instance}}"),
            unit="bytes",
        ),
        lines(
            "Storage failures",
            "Within an hour: compactions, reloads, truncations, checkpoints and writes to the log.",
            *(
                Query(WITHIN % f"prometheus_tsdb_{metric}_total", name)
                for metric, name in (
                    ("compactions_failed", "compactions"),
                    ("reloads_failures", "reloads"),
                    ("head_truncations_failed", "truncations"),
                    ("checkpoint_creations_failed", "checkpoints"),
                    ("wal_writes_failed", "writes"),
                    ("wal_corruptions", "corruptions"),
                )
            ),
            unit="short",
            alerts=[
                "PrometheusStorageFailing",
                "PrometheusWalWritesFailing",
                "PrometheusWalCorrupted",
            ],
        ),
        lines(
            "Memory",
            "Resident memory of Prometheus and Alertmanager.",
            Query(
                f"max by (job, instance) (process_resident_memory_bytes{{<target>}} {OWN})",
                "{{job}} {{instance}}",
            ),
            unit="bytes",
        ),
        lines(
            "Processor time",
            "Cores that Prometheus and Alertmanager use.",
            Query(
                f"sum by (job, instance) (rate(process_cpu_seconds_total{{<target>}}[<rate>]) {OWN})",
                "{{job}} {{instance}}",
            ),
            unit="short",
        ),
        lines(
            "Rule evaluation",
            "Time for a group of rules as a share of its interval; from 1 on evaluations are left out.",
            Query(
                "max by (group) (label_replace("
                "prometheus_rule_group_last_duration_seconds{<target>}"
                " / prometheus_rule_group_interval_seconds{<target>},"
                ' "group", "$1", "rule_group", ".*;(.+)"))',
                "{{group}}",
            ),
            unit="percentunit",
            alerts=["PrometheusRuleGroupSlow"],
        ),
        lines(
            "Query time, P90",
            "Time that the engine takes for a query; rules and dashboards ask too.",
            Query(
                "max by (instance) (prometheus_engine_query_duration_seconds"
                '{<target>,slice="inner_eval",quantile="0.9"})',
                "{{instance}}",
            ),
            unit="s",
        ),
    ),
)

ALERTS = Row(
    title="From alert to receiver",
    widths=6,
    panels=(
        lines(
            "Alerts",
            "Alerts in Alertmanager. Suppressed: silenced, or held back by a graver one.",
            Query("sum by (state) (alertmanager_alerts{<target>})", "{{state}}"),
            unit="short",
            colors=STATES,
            stacked=True,
        ),
        lines(
            "Alerts on their way",
            "Share of the alerts sent to each Alertmanager that did not arrive.",
            Query(
                share(
                    "rate(prometheus_notifications_errors_total{<target>}[<rate>])",
                    "rate(prometheus_notifications_sent_total{<target>}[<rate>])",
                    by="alertmanager",
                ),
                "failed {{alertmanager}}",
            ),
            limit("PrometheusNotificationsFailing"),
            unit="percentunit",
        ),
        lines(
            "Notifications",
            "Within an hour, by way: sent, and failed.",
            Query(
                "sum by (integration) (increase(alertmanager_notifications_total{<target>}[1h])) > 0",
                "sent {{integration}}",
            ),
            Query(
                "sum by (integration) (increase(alertmanager_notifications_failed_total{<target>}[1h])) > 0",
                "failed {{integration}}",
            ),
            unit="short",
            colors={"failed": SEVERITIES["critical"]},
            alerts=["AlertmanagerNotificationsFailing"],
            no_value="none",
        ),
        lines(
            "Time to notify, P95",
            "How long the mail server or the chat takes, within an hour.",
            Query(f"{percentile(0.95, LATENCY, 'integration')} >= 0", "{{integration}}"),
            unit="s",
            no_value="none",
        ),
        lines(
            "Alertmanagers known",
            "Alertmanagers that each Prometheus tells.",
            Query("prometheus_notifications_alertmanagers_discovered{<target>}", "{{instance}}"),
            unit="short",
            alerts=["PrometheusNoAlertmanager"],
        ),
        lines(
            "Alerts lost",
            "Alerts a second that no Alertmanager took.",
            Query(PER_SERVER % "prometheus_notifications_dropped_total", "{{instance}}"),
            unit="ops",
            alerts=["PrometheusNotificationsDropped"],
        ),
        lines(
            "Silences",
            "Active: somebody keeps alerts quiet. Old ones are forgotten ones.",
            Query("sum by (state) (alertmanager_silences{<target>})", "{{state}}"),
            unit="short",
            stacked=True,
        ),
        lines(
            "Restarts within 30 minutes",
            "Starts of each process behind a target.",
            Query(
                "max by (job, instance) (changes(process_start_time_seconds[30m])) > 0",
                "{{job}} {{instance}}",
            ),
            limit("ProcessRestartLoop"),
            unit="short",
            no_value="none",
        ),
    ),
)

FIRE_DRILLS = Row(
    title="Fire drills",
    widths=6,
    panels=(
        number(
            "Last fire drill",
            "Whether a synthetic fault made its way to the receiver and back.",
            Query("min(barehost_fire_drill_success)"),
            unit="none",
            words=DRILLS,
            alerts=["FireDrillFailed"],
            trend=False,
            no_value="none yet",
        ),
        number(
            "Fire drills under way",
            "Synthetic faults that last at this moment.",
            Query("count(barehost_fire_drill_until_seconds > time()) or vector(0)"),
            unit="none",
            alerts=["FireDrill", "FireDrillPage"],
            trend=False,
        ),
        lines(
            "Since a fire drill passed",
            "Time since the last drill that passed, and when the next one is overdue.",
            Query("time() - barehost_fire_drill_last_success_timestamp_seconds", "{{host}}"),
            Query("barehost_fire_drill_overdue_after_seconds", "overdue {{host}}"),
            unit="s",
            alerts=["FireDrillOverdue"],
            no_value="none yet",
        ),
        lines(
            "Time of a fire drill by hop",
            "How long each hop of the last drill took.",
            Query("max by (hop) (barehost_fire_drill_hop_seconds)", "{{hop}}"),
            unit="s",
            stacked=True,
            no_value="none yet",
        ),
    ),
)

BOARD = Board(
    name="monitoring",
    title="Monitoring",
    description="Whether the monitoring itself works: targets, rules, storage, notifications.",
    variables=(
        datasource(),
        *targets_of('{__name__=~"prometheus_build_info|alertmanager_build_info"}'),
    ),
    rows=(SYMPTOMS, TARGETS, STORAGE, ALERTS, FIRE_DRILLS),
    marked='job=~"$job"',
)
