# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts: processor, memory, disks, network, services and containers."""

from __future__ import annotations

import re

from dashboards.alerts import entries, shipped, steps
from dashboards.board import Board, Row
from dashboards.look import NONE_LIKED, NONE_WANTED
from dashboards.panels import lines, number
from dashboards.queries import Query, limit
from dashboards.variables import datasource, targets_of

IDLE = 'rate(node_cpu_seconds_total{<host>,mode="idle"}[<rate>])'
CPU = f"1 - avg by (host, instance) ({IDLE})"
CORES = 'count by (host, instance) (node_cpu_seconds_total{<host>,mode="idle"})'
LOAD = f"sum by (host, instance) (node_load5{{<host>}}) / {CORES}"
MEMORY = "1 - node_memory_MemAvailable_bytes{<host>} / node_memory_MemTotal_bytes{<host>}"
DISK = (
    "max by (host, device) (1 - node_filesystem_avail_bytes{<host>,<filesystem>}"
    " / node_filesystem_size_bytes{<host>,<filesystem>}"
    " unless node_filesystem_readonly{<host>} == 1)"
)
INODES = (
    "max by (host, device) (1 - node_filesystem_files_free{<host>,<filesystem>}"
    " / (node_filesystem_files{<host>,<filesystem>} > 0))"
)
DRIVES = '<host>,device!~"loop.*|ram.*|sr.*|fd.*"'
UNITS = ('<host>,service!=""', '<host>,name!=""')
"""cAdvisor counts each level of the tree of cgroups: services and containers are one level each."""


def of_units(metric: str, form: str = "%s") -> str:
    """Write the sum of a metric of cAdvisor for each service and each container."""
    levels = " or ".join(form % f"{metric}{{{unit}}}" for unit in UNITS)
    return f"sum by (host, service, name) ({levels})"


def of_packets(kind: str) -> str:
    """Write how many packets of a kind a device received and sent, a second."""
    ways = [
        f"sum by (host, device) (rate(node_network_{way}_{kind}_total{{<host>,<interface>}}[<rate>]))"
        for way in ("receive", "transmit")
    ]
    return f"({' + '.join(ways)})"


RATE = "rate(%s[<rate>])"
UNIT_CPU = " + ".join(
    of_units(f"container_cpu_{mode}_seconds_total", RATE) for mode in ("user", "system")
)
WORKING_SET = "container_memory_working_set_bytes"
COLLECTORS = re.findall(r'collector=~"(.+?)"', entries()["CollectorFailing"]["expr"])[0]
STALE = shipped()["TextfileStale"].thresholds["warning"]
FAULTS = {
    # Turned, not is: what is meant to be read-only was never seen otherwise.
    "read-only disks": (
        "node_filesystem_readonly{<host>,<filesystem>} == 1"
        " and min_over_time(node_filesystem_readonly{<host>,<filesystem>}[1d]) == 0"
    ),
    "degraded arrays": (
        "(node_md_disks_required{<host>}"
        ' - ignoring (state) node_md_disks{<host>,state="active"}) > 0'
    ),
    "failed units": 'node_systemd_unit_state{<host>,state="failed"} == 1',
    "unset clocks": (
        "node_timex_sync_status{<host>} == 0 and node_timex_maxerror_seconds{<host>} >= 16"
    ),
    "failing collectors": f'node_scrape_collector_success{{<host>,collector=~"{COLLECTORS}"}} == 0',
    "unread textfiles": "node_textfile_scrape_error{<host>} == 1",
    "stale textfiles": f"time() - node_textfile_mtime_seconds{{<host>}} > {STALE:g}",
    "blind cAdvisors": (
        "up{<host>} and on (instance) cadvisor_version_info{<host>}"
        ' unless on (instance) container_last_seen{<host>,id!="/"}'
    ),
}

SYMPTOMS = Row(
    widths=4,
    height=4,
    panels=(
        number(
            "Busiest processor",
            "The host whose processors have the least idle time.",
            Query(f"max({CPU})"),
            unit="percentunit",
            steps=steps("HighCpuUsage"),
            alerts=["HighCpuUsage"],
            decimals=0,
        ),
        number(
            "Fullest memory",
            "The host with the smallest share of available memory.",
            Query(f"max({MEMORY})"),
            unit="percentunit",
            steps=steps("HighMemoryUsage"),
            alerts=["HighMemoryUsage"],
            decimals=0,
        ),
        number(
            "Fullest disk",
            "The device with the smallest share of free space.",
            Query(f"max({DISK})"),
            unit="percentunit",
            steps=steps("DiskSpaceLow", complement=True),
            alerts=["DiskSpaceLow"],
            decimals=0,
        ),
        number(
            "Highest load per core",
            "Processes that run or wait to run, for each core, over five minutes. 1 is all busy.",
            Query(f"max({LOAD})"),
            unit="short",
            steps=steps("HighLoad"),
            alerts=["HighLoad"],
            decimals=2,
        ),
        number(
            "Hosts that answer",
            "node_exporters that Prometheus can scrape.",
            Query(
                "sum(up{<host>} and on (instance) count_over_time(node_uname_info{<target>}[1d]))"
            ),
            unit="none",
            alerts=["TargetDown", "JobAbsent"],
            trend=False,
        ),
        number(
            "Last boot",
            "How long ago the first of the hosts was started.",
            Query("min(time() - node_boot_time_seconds{<host>})"),
            unit="dtdurations",
            trend=False,
        ),
    ),
)

PROCESSOR = Row(
    title="Processor",
    widths=6,
    panels=(
        lines(
            "CPU Usage",
            "Share of the time in which the processors were not idle.",
            Query(CPU, "{{host}}"),
            limit("HighCpuUsage", hosts=True),
            unit="percentunit",
            highest=1,
        ),
        lines(
            "CPU Usage by kind of work",
            "Where the time goes, over all chosen hosts. Much iowait: the disks are too slow.",
            Query(
                'avg by (mode) (rate(node_cpu_seconds_total{<host>,mode!="idle"}[<rate>]))',
                "{{mode}}",
            ),
            unit="percentunit",
            stacked=True,
        ),
        lines(
            "Load per core",
            "Processes that run or wait to run, for each core, over five minutes.",
            Query(LOAD, "{{host}}"),
            limit("HighLoad", hosts=True),
            unit="short",
        ),
        lines(
            "Pressure",
            "Share of the time in which nothing could go on, for lack of memory or of disk.",
            Query(
                "max by (host) (rate(node_pressure_memory_stalled_seconds_total{<host>}[<rate>]))",
                "memory {{host}}",
            ),
            Query(
                "max by (host) (rate(node_pressure_io_stalled_seconds_total{<host>}[<rate>]))",
                "disk {{host}}",
            ),
            limit("MemoryPressure", of="memory", hosts=True),
            limit("IoPressure", of="disk", hosts=True),
            unit="percentunit",
        ),
    ),
)

MEMORY_PANELS = Row(
    title="Memory",
    widths=(8, 8, 4, 4),
    panels=(
        lines(
            "Memory Usage",
            "Share of the memory that is not available. Caches count as available.",
            Query(MEMORY, "{{host}}"),
            limit("HighMemoryUsage", hosts=True),
            unit="percentunit",
            highest=1,
        ),
        lines(
            "Memory by use",
            "What the memory of all chosen hosts holds.",
            Query(
                "sum(node_memory_MemTotal_bytes{<host>}) - sum(node_memory_MemAvailable_bytes{<host>})",
                "processes",
            ),
            Query(
                "sum(node_memory_MemAvailable_bytes{<host>}) - sum(node_memory_MemFree_bytes{<host>})",
                "caches",
            ),
            Query("sum(node_memory_MemFree_bytes{<host>})", "free"),
            unit="bytes",
            colors={"processes": "orange", "caches": "blue", "free": "green"},
            stacked=True,
        ),
        lines(
            "Swap in use",
            "Memory that was moved to disk.",
            Query(
                "node_memory_SwapTotal_bytes{<host>} - node_memory_SwapFree_bytes{<host>}",
                "{{host}}",
            ),
            unit="bytes",
        ),
        number(
            "Killed for memory",
            "Times that the kernel ended a process within the chosen time, for lack of memory.",
            Query(
                "sum by (host) (increase(node_vmstat_oom_kill{<host>}[<range>]))",
                "{{host}}",
                "instant",
            ),
            unit="none",
            steps=NONE_LIKED,
            alerts=["OomKill"],
            decimals=0,
            trend=False,
        ),
    ),
)

DISKS = Row(
    title="Disks",
    widths=6,
    panels=(
        lines(
            "Disk Usage",
            "Share of the space in use, one line a device, however often it is mounted.",
            Query(DISK, "{{host}} {{device}}"),
            limit("DiskSpaceLow", value="1 - <limit>", hosts=True),
            alerts=["DiskFillsUp", "FilesystemTurnedReadOnly"],
            unit="percentunit",
            highest=1,
        ),
        lines(
            "Disk I/O",
            "Bytes read (up) and written (down) a second.",
            Query(
                f"sum by (host, device) (rate(node_disk_read_bytes_total{{{DRIVES}}}[<rate>]))",
                "read {{host}} {{device}}",
            ),
            Query(
                f"sum by (host, device) (rate(node_disk_written_bytes_total{{{DRIVES}}}[<rate>]))",
                "written {{host}} {{device}}",
            ),
            unit="Bps",
            below="/^written/",
        ),
        lines(
            "Disk busy",
            "Share of the time in which a device had something to do.",
            Query(
                f"max by (host, device) (rate(node_disk_io_time_seconds_total{{{DRIVES}}}[<rate>]))",
                "{{host}} {{device}}",
            ),
            unit="percentunit",
        ),
        lines(
            "Inodes in use",
            "Share of the files that a file system can hold.",
            Query(INODES, "{{host}} {{device}}"),
            limit("InodesLow", value="1 - <limit>", hosts=True),
            unit="percentunit",
            highest=1,
        ),
    ),
)

NETWORK = Row(
    title="Network, clock, faults",
    widths=(6, 6, 4, 8),
    panels=(
        lines(
            "Network Traffic",
            "Received (up) and sent (down), without loopback and the devices of containers.",
            Query(
                "sum by (host, device) (rate(node_network_receive_bytes_total{<host>,<interface>}[<rate>])) * 8",
                "received {{host}} {{device}}",
            ),
            Query(
                "sum by (host, device) (rate(node_network_transmit_bytes_total{<host>,<interface>}[<rate>])) * 8",
                "sent {{host}} {{device}}",
            ),
            unit="bps",
            below="/^sent/",
        ),
        lines(
            "Network errors",
            "Share of the packets that arrived damaged or could not be sent.",
            Query(f"{of_packets('errs')} / ({of_packets('packets')} > 0)", "{{host}} {{device}}"),
            limit("NetworkErrors", hosts=True),
            unit="percentunit",
        ),
        lines(
            "Clock offset",
            "How far the clock is from its source of time.",
            Query("max by (host) (abs(node_timex_offset_seconds{<host>}))", "{{host}}"),
            limit("ClockSkew", hosts=True),
            unit="s",
        ),
        number(
            "Faults",
            "How many of each there are now. Disks: that turned read-only within a day. "
            "Units: services that systemd has given up on.",
            *(Query(f"count({expr}) or vector(0)", name) for name, expr in FAULTS.items()),
            unit="none",
            steps=NONE_WANTED,
            alerts=[
                "FilesystemTurnedReadOnly",
                "RaidDegraded",
                "UnitFailed",
                "ClockNotSynchronised",
                "CollectorFailing",
                "TextfileUnreadable",
                "TextfileStale",
                "CadvisorBlind",
            ],
            trend=False,
        ),
    ),
)

CONTAINERS = Row(
    title="Services and containers",
    widths=6,
    panels=(
        lines(
            "Container CPU",
            "Cores in use by each service and container, the ten busiest.",
            Query(f"topk(10, {UNIT_CPU})", "{{service}}{{name}} {{host}}"),
            unit="short",
        ),
        lines(
            "Container Memory",
            "Memory that each service and container cannot do without, the ten largest.",
            Query(f"topk(10, {of_units(WORKING_SET)})", "{{service}}{{name}} {{host}}"),
            unit="bytes",
        ),
        lines(
            "Container memory against its limit",
            "Share of the limit (MemoryMax=), where there is one.",
            Query(
                f"{of_units(WORKING_SET)} / ({of_units('container_spec_memory_limit_bytes')} > 0)",
                "{{service}}{{name}} {{host}}",
            ),
            limit("ServiceMemoryHigh", hosts=True),
            unit="percentunit",
            no_value="no limits",
        ),
        lines(
            "Container CPU throttled",
            "Share of the periods in which a quota (CPUQuota=) was used up, where there is one.",
            Query(
                f"{of_units('container_cpu_cfs_throttled_periods_total', RATE)}"
                f" / {of_units('container_cpu_cfs_periods_total', RATE)}",
                "{{service}}{{name}} {{host}}",
            ),
            limit("ServiceThrottled", hosts=True),
            unit="percentunit",
            no_value="no quotas",
        ),
    ),
)

BOARD = Board(
    name="system",
    title="System",
    description="Processor, memory, disks and network of the hosts, and what runs on them.",
    variables=(
        datasource(),
        *targets_of('{__name__=~"node_uname_info|cadvisor_version_info"}', host=True),
    ),
    rows=(SYMPTOMS, PROCESSOR, MEMORY_PANELS, DISKS, NETWORK, CONTAINERS),
    marked='host=~"$host",host!=""',
)
