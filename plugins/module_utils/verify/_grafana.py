# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Grafana: does every panel of every dashboard have data?"""

from __future__ import annotations

import re
import time
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..daemon._finding import Finding
from . import _panels
from ._client import Client, Unanswered, Verdict
from ._panels import Question
from ._prometheus import same_version, version_finding

_AT_ONCE = 8
NOTHING = "no data"
_ASKED = ("prometheus", "elasticsearch")


@dataclass(frozen=True)
class Wanted:
    """What the inventory says of it."""

    unit: str
    version: str
    boards: Sequence[str]  # uids that must be there
    may_be_empty: Mapping[str, Mapping[str, str]]  # board -> "panel/ref" or "panel" -> why
    minutes: float = 15  # how far back a panel may have its data


@dataclass(frozen=True)
class _Source:
    uid: str
    name: str
    place: str  # below /api/datasources/proxy
    kind: str
    index: str  # of Elasticsearch


def verify(client: Client, wanted: Wanted) -> Verdict:
    """Ask it everything. A part that is not answered is a finding; the others are still asked."""
    verdict = Verdict()
    for part in (_version, _boards):
        try:
            verdict.findings += part(client, wanted, verdict.seen)
        except Unanswered as exc:
            name = part.__name__.strip("_")
            verdict.findings.append(Finding(name, str(exc), f"systemctl status {wanted.unit}"))
    return verdict


def _version(client: Client, wanted: Wanted, seen: dict[str, Any]) -> Iterator[Finding]:
    running = str(client.get("/api/frontend/settings")["buildInfo"]["version"])
    seen["version"] = running
    # What is appended for a package of the same release does not count.
    if not same_version(running, wanted.version.partition("+")[0]):
        yield version_finding(running, wanted.version, wanted.unit)


def _boards(client: Client, wanted: Wanted, seen: dict[str, Any]) -> Iterator[Finding]:
    known = client.get("/api/search", {"type": "dash-db", "limit": 5000})
    uids = sorted(str(board["uid"]) for board in known)
    for uid in sorted(set(wanted.boards) - set(uids)):
        fault = f"the dashboard {uid} is not there"
        yield Finding("dashboards", fault, f"journalctl --unit={wanted.unit} --grep=provisioning")
    sources = _sources(client, str(seen.get("version", "")))
    library: dict[str, Any] = {}
    asked: list[tuple[Question, str]] = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for uid in uids:
            board = client.get(f"/api/dashboards/uid/{uid}")["dashboard"]
            title = str(board.get("title") or uid)
            yield from _of_library(client, title, _panels.of_library(board), library)
            values = _values(board, sources)
            ask = partial(_ask, client, sources, values, wanted.minutes)
            every = _panels.questions(board, values, library)
            questions = (question for question in every if _is_asked(question, sources))
            answers = list(pool.map(ask, questions))
            asked += answers
            yield from _findings(title, answers, wanted.may_be_empty.get(uid, {}))
    filled = sum(not fault for _query, fault in asked)
    seen["panels"] = f"{filled}/{len(asked)} queries have data"


def _of_library(
    client: Client, board: str, wanted: Mapping[str, str], library: dict[str, Any]
) -> Iterator[Finding]:
    """Fetch the panels that a board shows from the library, as the browser does."""
    for uid, title in wanted.items():
        if uid in library:
            continue
        try:
            library[uid] = client.get(f"/api/library-elements/{uid}")["result"]["model"]
        except Unanswered as exc:
            yield Finding("panels", f"{board}: {title}: {exc}", "is it still in the library?")


def _sources(client: Client, version: str) -> dict[str, _Source]:
    """The data sources by uid and by name; the default one has the empty name, too."""
    found: dict[str, _Source] = {}
    # Versions up to 9.3 take what follows a hyphen, as in many a uid that they made, for a part of
    # the path behind it; those from 13 on know no numbers.
    by_number = version.startswith("9.")
    for each in client.get("/api/datasources"):
        # Up to 9.x the index stands in the place of a database's name.
        index = (each.get("jsonData") or {}).get("index") or each.get("database") or "*"
        uid = str(each["uid"])
        lost = by_number and not re.fullmatch("[A-Za-z0-9_]+", uid)
        place = str(each["id"]) if lost else f"uid/{urllib.parse.quote(uid, safe='')}"
        source = _Source(uid, str(each["name"]), place, str(each["type"]), str(index))
        found[source.uid] = found[source.name] = source
        if each.get("isDefault"):
            found[""] = source
    return found


def _values(board: Mapping[str, Any], sources: Mapping[str, _Source]) -> dict[str, str]:
    """What the variables stand for, those for data sources too."""
    values = _panels.variables(board)
    for variable in (board.get("templating") or {}).get("list") or ():
        name = str(variable["name"])
        chosen = values[name] and values[name] in (*sources, "default")
        if variable.get("type") == "datasource" and not chosen:
            values[name] = _first(variable, sources) or values[name]
    return values


def _first(variable: Mapping[str, Any], sources: Mapping[str, _Source]) -> str:
    """The uid of the first of its kind, by name, where nobody has chosen any."""
    pattern = str(variable.get("regex") or "")
    for source in sources.values():
        if source.kind == variable.get("query") and _panels.matches(pattern, source.name):
            return source.uid
    return ""


def _source(question: Question, sources: Mapping[str, _Source]) -> _Source:
    """Where it is asked: what is known by no name is the first of its kind."""
    if question.source in sources and (question.source or not question.kind):
        return sources[question.source]
    default = sources.get("")
    if question.source == "default" and default and question.kind in ("", default.kind):
        return default
    alike = [source for source in sources.values() if source.kind == question.kind]
    return alike[0] if alike else _Source("", "", "", "", "")


def _is_asked(question: Question, sources: Mapping[str, _Source]) -> bool:
    """Nothing is asked by a query of which nothing has been written yet."""
    kind = _source(question, sources).kind
    written = kind != "prometheus" or str(question.target.get("expr") or "").strip()
    return kind in _ASKED and bool(written)


def _ask(
    client: Client,
    sources: Mapping[str, _Source],
    values: Mapping[str, str],
    minutes: float,
    question: Question,
) -> tuple[Question, str]:
    """Ask as the panel does; returns the question with what is wrong with the answer."""
    source = _source(question, sources)
    through = f"/api/datasources/proxy/{source.place}"
    now = time.time()
    try:
        if source.kind == "prometheus":
            path, words = _panels.prometheus_query(question.target, values, now, minutes)
            answer = client.get(f"{through}/api/v1/{path}", words)
            return question, "" if _panels.has_numbers(answer["data"]) else NOTHING
        body = _panels.search(question.target, values, now, minutes)
        lines = _panels.multi_search(source.index, body)
        answer = client.post(f"{through}/_msearch", lines, "application/x-ndjson")["responses"][0]
    except Unanswered as exc:
        return question, str(exc)
    if "error" in answer:
        return question, str(answer["error"])
    return question, "" if _panels.found_lines(answer) else NOTHING


def _findings(
    board: str, faults: Sequence[tuple[Question, str]], may_be_empty: Mapping[str, str]
) -> Iterator[Finding]:
    """A query that is refused is a fault; what has no data is worth a look, unless a reason is known."""
    refused: dict[str, list[str]] = {}
    for question, fault in faults:
        if fault and fault != NOTHING:
            refused.setdefault(fault, []).append(question.panel)
    for fault, panels in refused.items():
        names = ", ".join(dict.fromkeys(panels))
        yield Finding("panels", f"{board}: {names}: {fault}", "mend the query, or its data source")
    empty = [question for question, fault in faults if fault == NOTHING]
    if faults and len(empty) == len(faults):
        fault = f"{board}: no panel has data"
        yield Finding("panels", fault, "does Prometheus have targets of what it shows?", True)
        return
    named = dict.fromkeys(q.panel for q in empty if not _known(q, may_be_empty))
    if named:
        fault = f"{board}: no data in {', '.join(named)}"
        yield Finding(
            "panels", fault, "open it: is the metric there, under the labels it asks for?", True
        )


def _known(question: Question, may_be_empty: Mapping[str, str]) -> bool:
    return question.panel in may_be_empty or f"{question.panel}/{question.ref}" in may_be_empty
