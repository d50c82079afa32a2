# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a rule does not hold, and why. An entry that is not needed any more fails a test."""

from __future__ import annotations

WHOLE = "it shows the whole stack: nothing is chosen"
RECORDED = "recorded for the service as a whole"
SELF = "it is about the scraping of all targets"
DRILL = "the metrics are those of the host that drills"
ELASTIC = "its data comes from Elasticsearch"

RULES: dict[tuple[str, str, str], str] = {
    ("barehost-overview", "template-job-rule", "*"): WHOLE,
    ("barehost-overview", "template-instance-rule", "*"): WHOLE,
    ("barehost-overview", "target-job-rule", "*"): WHOLE,
    ("barehost-overview", "target-instance-rule", "*"): WHOLE,
    ("barehost-slo", "template-job-rule", "*"): RECORDED,
    ("barehost-slo", "template-instance-rule", "*"): RECORDED,
    ("barehost-logs", "template-job-rule", "*"): ELASTIC,
    ("barehost-logs", "template-instance-rule", "*"): ELASTIC,
    **{
        ("barehost-monitoring", rule, panel): SELF
        for rule in ("target-job-rule", "target-instance-rule")
        for panel in (
            "Targets down",
            "Targets by job",
            "Scrape duration",
            "Samples per scrape",
            "Restarts within 30 minutes",
        )
    },
    **{
        ("barehost-monitoring", rule, panel): DRILL
        for rule in ("target-job-rule", "target-instance-rule")
        for panel in (
            "Last fire drill",
            "Fire drills under way",
            "Since a fire drill passed",
            "Time of a fire drill by hop",
        )
    },
}
"""Board, rule, panel (or all) -> reason."""

QUIET = "a healthy stack notifies nobody"
UNTRIED = "no fire drill has run yet"
EMPTY: dict[tuple[str, str, str], str] = {
    ("barehost-elasticsearch", "Errors a minute by data set", "A"): "nothing has failed",
    ("barehost-logs", "Errors", "A"): "nothing has failed",
    ("barehost-logs", "Errors by logger", "A"): "nothing has failed",
    ("barehost-overview", "Firing alerts", "A"): "nothing fires",
    ("barehost-overview", "Alerts by severity", "A"): "nothing fires",
    ("barehost-application", "Exceptions", "A"): "no exception was left uncaught",
    ("barehost-monitoring", "Notifications", "*"): QUIET,
    ("barehost-monitoring", "Time to notify, P95", "A"): QUIET,
    ("barehost-monitoring", "Restarts within 30 minutes", "A"): "nothing restarts",
    ("barehost-monitoring", "Last fire drill", "A"): UNTRIED,
    ("barehost-monitoring", "Since a fire drill passed", "*"): UNTRIED,
    ("barehost-monitoring", "Time of a fire drill by hop", "A"): UNTRIED,
    ("barehost-redis", "Memory by server", "B"): "no limit is set",
    ("barehost-redis", "Replication", "B"): "only a replica has it",
    ("barehost-system", "Container memory against its limit", "A"): "no service has a limit",
    ("barehost-system", "Container CPU throttled", "A"): "no service has a quota",
}
"""Board, panel, refId (or all) -> why a healthy stack has no data there."""
