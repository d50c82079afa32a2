# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The annotations of the rules of one alert entry (private to this collection)."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _alert_checks as checks
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _alert_text as texts
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_defaults import Defaults
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_ladder import Step
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_sources import Entry
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import Faults
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_checks import Analysis

_KNOWN = ("summary", "description", "runbook_url")


def filled(
    given: Mapping[str, str], key: str, entry: Entry, step: Step, faults: Faults
) -> dict[str, str]:
    """Fill the placeholders of labels or annotations."""
    done: dict[str, str] = {}
    for name, text in given.items():
        done[name], found = texts.filled(text, step.static)
        path = name if key == "annotations" and name in _KNOWN else f"{key}.{name}"
        checks.add(faults, entry.place, path, iter(found))
    return done


def annotated(
    entry: Entry,
    defaults: Defaults,
    step: Step,
    found: Analysis,
    labels: Mapping[str, str],
    faults: Faults,
) -> dict[str, str]:
    """Collect the annotations of a rule and check them."""
    values = entry.values
    given = {name: values[name] for name in _KNOWN if name in values}
    if "runbook_url" not in given and (page := defaults.page(entry.path)):
        given["runbook_url"] = page
    if "runbook_url" in given:
        given["runbook_url"] = given["runbook_url"].replace("<alertname>", entry.name)
    given = {**defaults.annotations, **given, **values.get("annotations", {})}
    for name in defaults.required:
        if name not in given and name not in entry.wrong:
            faults.add(entry.place(name), "is missing")
    done = filled(given, "annotations", entry, step, faults)
    about_alerts = any(metric.startswith("ALERTS") for metric in found.metrics)
    for name, text in done.items():
        path = name if name in _KNOWN else f"annotations.{name}"
        checks.add(faults, entry.place, path, checks.text_faults(text, found, labels, about_alerts))
    return done
