# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages that tell what to do about an alert, one a page (private to this collection)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _alert_schema as schema
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _numbers as numbers
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_schema import ALERT_NAME
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_thresholds import (
    SERIES,
    has_hosts,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._durations import in_words
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    shown,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_forms import analyse
from ansible_collections.barehost.monitoring.plugins.plugin_utils._rule_tests import alerts_of

_TOLD: Mapping[str, schema.Check] = {
    "commands": schema.texts,
    "description": schema.text,
    "each_slo": schema.boolean,
    "job": schema.text,
    "meaning": schema.text,
    "per": schema.texts,
    "runbook": schema.text,
    "summary": schema.text,
    "threshold": schema.thresholds,
    "window": schema.span,
}
_PLACEHOLDER = re.compile(r"<([a-zA-Z_]\w*)(?::\w+)?>")
_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_OPERATOR = re.compile(r"\s+(and|or|unless|/)\s+(?=[^\"]*(?:\"[^\"]*\"[^\"]*)*$)")
_WIDTH = 100


def runbooks(rule_file: Any, entries: Any, *, source: str = "the alerts' data") -> dict[str, str]:
    """Write a page for each alert of a rule file; entries say what the rules do not hold."""
    faults = Faults()
    groups = rule_file.get("groups") if isinstance(rule_file, dict) else None
    if not isinstance(groups, list):
        faults.add("rules", "wants what alert_rules returns (example: {groups: [...]})")
    if not isinstance(entries, dict):
        faults.add("alerts", f"{shown(entries)} is {kind(entries)}, not a dictionary")
    faults.refuse()
    pages: dict[str, str] = {}
    for name, group, rules in _alerts(groups or []):
        page = _page(name, group, rules, _sound(entries.get(name)), source)
        pages[name] = "\n".join(page) + "\n"
    return dict(sorted(pages.items()))


def _sound(entry: Any) -> dict[str, Any]:
    """Keep what a page tells; faults are told where the rules are made."""
    given = entry if isinstance(entry, dict) else {}
    return {
        key: given[key] for key, check in _TOLD.items() if key in given and not check(given[key])
    }


def _alerts(groups: list[Any]) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """List the alerts by name, each with its group and its rules."""
    for group in groups:
        found: dict[str, list[dict[str, Any]]] = {}
        for rule in alerts_of({"groups": [group]}):
            wrong = (
                schema.text(rule.get("expr")),
                *map(_named, (rule.get("labels"), rule.get("annotations"))),
            )
            if ALERT_NAME.fullmatch(rule["alert"]) and not any(wrong):
                found.setdefault(rule["alert"], []).append(rule)
        for name, rules in found.items():
            yield name, str(group.get("name")), rules


def _named(given: Any) -> str:
    return "" if given is None else schema.named_texts(given)


def _page(
    name: str, group: str, rules: list[dict[str, Any]], entry: Mapping[str, Any], source: str
) -> Iterator[str]:
    annotations = rules[0].get("annotations") or {}
    yield f"# {name}"
    yield ""
    yield f"<!-- Made from {source}; changes here are lost. -->"
    yield ""
    yield f"{_told(entry.get('summary') or annotations.get('summary', name), entry)}."
    yield ""
    meaning = entry.get("meaning"), entry.get("description") or annotations.get("description")
    for text in filter(None, meaning):
        yield f"{_told(text, entry).rstrip('.')}."
        yield ""
    yield from _conditions(group, rules, entry)
    yield from _threshold(name, rules, entry)
    yield from _steps(entry)
    yield from _silence(name, rules, entry)


def _told(text: str, entry: Mapping[str, Any]) -> str:
    """Fill in what holds for the alert, and show other placeholders as what they stand for."""
    known: dict[str, str] = {}
    if "window" in entry:
        known |= {"window": entry["window"], "window:words": in_words(entry["window"])}
    if numbers.is_number(threshold := entry.get("threshold")):
        known |= {"threshold": numbers.exact(threshold)}
        known |= {"threshold:percent": numbers.percentage(threshold)}
        known |= {"threshold:duration": numbers.duration(threshold)}

    def fill(match: re.Match[str]) -> str:
        return known.get(match[0][1:-1], f"*{match[1]}*")

    return _ACTION.sub("*…*", _PLACEHOLDER.sub(fill, text)).strip()


def _conditions(group: str, rules: list[dict[str, Any]], entry: Mapping[str, Any]) -> Iterator[str]:
    yield "## When it fires"
    yield ""
    for rule in _distinct(rules):
        hold = rule.get("for")
        held = f"after it was true for {hold}" if hold else "at once"
        severity = (rule.get("labels") or {}).get("severity", "")
        yield f"`{severity}`, {held}:"
        yield ""
        yield "```promql"
        yield _broken(rule["expr"])
        yield "```"
        yield ""
    job = entry.get("job")
    left_out = f" It is left out where the job `{job}` has no targets." if job else ""
    yield f"It stands in the group `{group}`.{left_out}"
    yield ""


def _broken(expr: str) -> str:
    """Break a long expression before its larger operators."""
    return _OPERATOR.sub(r"\n\1 ", expr) if len(expr) > _WIDTH else expr


def _distinct(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Take one rule of each severity: those of single jobs or objectives differ by the name."""
    found: dict[str, dict[str, Any]] = {}
    for rule in rules:
        found.setdefault((rule.get("labels") or {}).get("severity", ""), rule)
    return list(found.values())


def _threshold(name: str, rules: list[dict[str, Any]], entry: Mapping[str, Any]) -> Iterator[str]:
    if entry.get("each_slo"):
        yield "The limits follow from the objective, its period and its budget: see `prometheus_slos`."
        yield ""
    threshold = entry.get("threshold")
    if threshold is None:
        return
    value = _flow(threshold)
    yield "## Another threshold"
    yield ""
    yield "For all hosts:"
    yield ""
    yield "```yaml"
    yield "prometheus_alert_overrides:"
    yield f"  {name}: {{threshold: {value}}}"
    yield "```"
    yield ""
    if not has_hosts(analyse(rules[0]["expr"]).shape, entry.get("per", ())):
        yield "The alert looks at several hosts at once, so none can have a threshold of its own."
        yield ""
        return
    yield "For a host, or for a group of hosts, in its host or group variables:"
    yield ""
    yield "```yaml"
    yield "barehost_alert_thresholds:"
    yield f"  {name}: {value}"
    yield "```"
    yield ""
    yield f'What holds at present is recorded as `{SERIES}{{alert="{name}"}}`.'
    yield ""


def _flow(threshold: Any) -> str:
    if not isinstance(threshold, dict):
        return str(threshold)
    return "{" + ", ".join(f"{key}: {value}" for key, value in threshold.items()) + "}"


def _steps(entry: Mapping[str, Any]) -> Iterator[str]:
    if not entry.get("runbook") and not entry.get("commands"):
        return
    yield "## What to do first"
    yield ""
    if entry.get("runbook"):
        yield entry["runbook"].strip()
        yield ""
    if entry.get("commands"):
        yield "```sh"
        yield from entry["commands"]
        yield "```"
        yield ""


def _silence(name: str, rules: list[dict[str, Any]], entry: Mapping[str, Any]) -> Iterator[str]:
    labels = _identifying(rules[0], entry.get("per", ()))
    matchers = " ".join([f"alertname={name}", *(f"{label}=<{label}>" for label in labels)])
    yield "## Silence it"
    yield ""
    yield "While somebody works on it, on the host of Alertmanager:"
    yield ""
    yield "```sh"
    yield (
        "amtool silence add --alertmanager.url=http://localhost:9093 --duration=2h "
        f"--comment='<why>' {matchers}"
    )
    yield "```"


def _identifying(rule: Mapping[str, Any], per: Sequence[str]) -> list[str]:
    """Name the labels that tell one alert from another of its name: a silence must not hide more."""
    fixed = [label for label in ("slo", "job") if label in (rule.get("labels") or {})]
    shape = analyse(rule["expr"]).shape
    if shape.open:
        return fixed or list(per) or ["instance"]
    kept = shape.labels - ({"host", "job"} if "instance" in shape.labels else set())
    return [*fixed, *sorted(kept.difference(fixed))]
