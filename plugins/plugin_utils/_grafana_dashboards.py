# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check dashboards and lay them out for Grafana (private to this collection).

Grafana skips a broken dashboard with a line in its log, and one uid or title that stands twice
freezes its whole folder. Here both are refused, with the file.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils import (
    _grafana_panels as panels,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    nearest,
    shown,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._grafana_provisioning import UID

PROVIDERS = "provisioning/dashboards/barehost.yaml"
DIRECTORY = "dashboards"
# Folders share their uids with dashboards: one that has a folder's is never shown.
FOLDER_UID = "folder-"
# Where Grafana shows dashboards without a folder; it makes no other of this name.
_GENERAL = "general"
_LONGEST = 33  # letters of a slug, with which a folder's uid is not too long
# As dashboards of this collection link to the page of an alert.
_RUNBOOK = re.compile(r"\$\{runbooks\}/(\w+|\$\{__data\.fields\.Alert\})\.md")
_ALERT = "<alertname>"
# How often Grafana looks for changed files, in seconds.
_INTERVAL = 10


@dataclass(frozen=True)
class _Entry:
    """One dashboard as it was given, with its place for messages."""

    where: str
    folder: Any
    content: Any
    shipped: bool


@dataclass(frozen=True)
class Dashboard:
    """One dashboard that passed: where it came from, its data and its text."""

    where: str
    folder: str
    shipped: bool
    data: dict[str, Any]
    text: str

    @property
    def uid(self) -> str:
        """The identity in every link."""
        return str(self.data["uid"])

    @property
    def path(self) -> str:
        """The place below the configuration directory; it follows the uid, not a file's name."""
        return f"{DIRECTORY}/{slug(self.folder)}/{self.uid}.json"


def grafana_dashboards(
    groups: Any,
    *,
    extra: Any = None,
    datasources: Any = None,
    elsewhere: Any = None,
    home: Any = "",
    runbook_url: Any = "",
    config: Any = "/etc/grafana",
) -> dict[str, Any]:
    """Return {files, providers, uids, home}: files for the module daemon, the provider file, ...

    groups: [{folder, contents, files, directory, shipped}]; extra: folder -> dashboards. One that
    is shipped with the collection gives way to another of the same uid, and is left out where no
    data source of its kind is there. runbook_url: to where its links to runbooks lead.
    """
    faults = Faults()
    if runbook_url and not (isinstance(runbook_url, str) and _ALERT in runbook_url):
        text = f"has no {_ALERT} (example: https://wiki.example.com/runbooks/{_ALERT})"
        faults.add("runbook_url", f"{shown(runbook_url)} {text}")
    known = panels.known(datasources, elsewhere, faults)
    entries = [*_grouped(groups, faults), *_extra(extra, faults)]
    read = [_read(entry, known, faults) for entry in entries]
    kept = _kept([dashboard for dashboard in read if dashboard])
    _check_together(kept, faults)
    paths = {dashboard.uid: dashboard.path for dashboard in kept}
    if not isinstance(home, str):
        faults.add("home", f"{shown(home)} is {kind(home)}, not the uid of a dashboard")
    elif home and home not in paths and not faults.lines:
        hint = nearest(home, paths) or f" (there are: {', '.join(paths) or 'none'})"
        faults.add("home", f"no dashboard has the uid {shown(home)}{hint}")
    faults.refuse()
    kept = [_linked(dashboard, runbook_url) for dashboard in kept]
    folders = list(dict.fromkeys(dashboard.folder for dashboard in kept))
    return {
        "files": [
            {"path": dashboard.path, "content": dashboard.text, "on_change": "none"}
            for dashboard in kept
        ],
        "providers": {
            "apiVersion": 1,
            "providers": [_provider(folder, str(config)) for folder in folders],
        },
        "uids": list(paths),
        "home": f"{config}/{paths[home]}" if home else "",
    }


def _linked(dashboard: Dashboard, runbook_url: str) -> Dashboard:
    """A shipped dashboard, with links to the runbooks that are in use here."""
    if not (dashboard.shipped and runbook_url):
        return dashboard
    before, _alert, after = (json.dumps(runbook_url)[1:-1]).partition(_ALERT)
    text = _RUNBOOK.sub(lambda found: before + found[1] + after, dashboard.text)
    return replace(dashboard, text=text)


def slug(folder: str) -> str:
    """The name of the folder's directory, and a part of its uid.

    What is lost of a title in another script, or of a long one, is made up for by its digest.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-")
    if folder.isascii() and len(plain) <= _LONGEST:
        return plain
    digest = hashlib.sha256(folder.lower().encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain[: _LONGEST - 9]}-{digest}".strip("-")


def _grouped(groups: Any, faults: Faults) -> Iterator[_Entry]:
    if not isinstance(groups, list):
        faults.add("dashboards", f"{shown(groups)} is {kind(groups)}, not a list")
        return
    for index, group in enumerate(groups):
        if not isinstance(group, dict) or not isinstance(group.get("contents"), list):
            text = f"{shown(group)} is no dictionary with folder and contents"
            faults.add(f"dashboards[{index}]", text)
            continue
        contents, directory = group["contents"], group.get("directory")
        if directory and not contents:
            faults.add(str(directory), "there is no such directory, or no *.json in it")
        files = group.get("files") or []
        for number, content in enumerate(contents):
            named = str(files[number]) if number < len(files) else f"dashboards[{index}][{number}]"
            yield _Entry(named, group.get("folder"), content, bool(group.get("shipped")))


def _extra(extra: Any, faults: Faults) -> Iterator[_Entry]:
    given = {} if extra is None else extra
    if not isinstance(given, dict):
        faults.add("extra", f"{shown(given)} is {kind(given)}, not a dictionary of folders")
        return
    for folder, dashboards in given.items():
        if not isinstance(dashboards, list):
            faults.add(f"extra.{folder}", f"{shown(dashboards)} is {kind(dashboards)}, not a list")
            continue
        for number, content in enumerate(dashboards):
            yield _Entry(f"extra.{folder}[{number}]", folder, content, False)


def _read(entry: _Entry, known: panels.Known, faults: Faults) -> Dashboard | None:
    where, folder, content = entry.where, entry.folder, entry.content
    if not isinstance(folder, str) or not re.search(r"\w", folder):
        faults.add(where, f"the folder {shown(folder)} has no letter or digit in its name")
        return None
    if folder.strip().lower() == _GENERAL:
        faults.add(where, "Grafana keeps the name General for itself; name another folder")
        return None
    data = _data(content, where, faults)
    if data is None:
        return None
    text = content if isinstance(content, str) else _text(data, where, faults)
    found = list(_faults(data, known))
    if entry.shipped and found and all(fault.absent for fault in found):
        return None  # it is about something that is not deployed here
    for fault in found:
        faults.add(where, fault.text)
    return None if found else Dashboard(where, folder, entry.shipped, data, text)


def _text(data: dict[str, Any], where: str, faults: Faults) -> str:
    try:
        return json.dumps(data, indent=1, allow_nan=False) + "\n"
    except (TypeError, ValueError) as exc:
        faults.add(where, f"cannot be written as JSON: {exc}")
        return ""


def _data(content: Any, where: str, faults: Faults) -> dict[str, Any] | None:
    try:
        data = (
            json.loads(content, parse_constant=_no_number) if isinstance(content, str) else content
        )
    except ValueError as exc:
        faults.add(where, f"is no JSON: {exc}")
        return None
    except RecursionError:
        faults.add(where, "is no JSON: it is nested too deep")
        return None
    if not isinstance(data, dict):
        faults.add(where, f"holds {kind(data)}, not a dashboard")
        return None
    if isinstance(data.get("dashboard"), dict) and "panels" not in data:
        text = 'is wrapped as the API answers; its value of "dashboard" is what belongs here'
        faults.add(where, text)
        return None
    if data.keys() >= {"apiVersion", "spec"} or data.keys() >= {"elements", "layout"}:
        faults.add(where, "is in the new form (V2); export it as Classic")
        return None
    return data


def _no_number(text: str) -> None:
    """Python takes NaN and Infinity, which no JSON has."""
    raise ValueError(f"{text} is no number")


def _faults(data: dict[str, Any], known: panels.Known) -> Sequence[panels.Fault]:
    found = []
    title, uid = data.get("title"), data.get("uid")
    if not isinstance(title, str) or not title.strip():
        found.append(panels.Fault("has no title"))
    if not isinstance(uid, str) or not UID.fullmatch(uid):
        text = f"its uid is {shown(uid)}; give it one (letters, digits, - and _; at most 40)"
        found.append(panels.Fault(text))
    if data.get("__inputs"):
        text = "was exported for sharing and asks for its data sources; export it without that"
        return [*found, panels.Fault(text)]
    return [*found, *panels.faults(data, known)]


def _kept(dashboards: list[Dashboard]) -> list[Dashboard]:
    """What a user brings takes the place of what is shipped with the same uid."""
    own = {dashboard.uid for dashboard in dashboards if not dashboard.shipped}
    return [d for d in dashboards if not d.shipped or d.uid not in own]


def _check_together(dashboards: list[Dashboard], faults: Faults) -> None:
    uids: dict[str, Dashboard] = {}
    titles: dict[tuple[str, str], Dashboard] = {}
    folders: dict[str, Dashboard] = {}
    for one in dashboards:
        other = uids.setdefault(one.uid, one)
        if other is not one:
            faults.add(one.where, f"its uid {shown(one.uid)} is that of {other.where} too")
        title = str(one.data["title"])
        same = title.strip().lower()  # as Grafana compares them
        if same == one.folder.strip().lower():
            faults.add(
                one.where, f"its title {shown(title)} is its folder's, which Grafana refuses"
            )
        if one.uid in [FOLDER_UID + slug(each.folder) for each in dashboards]:
            faults.add(one.where, f"its uid {shown(one.uid)} is that of a folder, too")
        other = titles.setdefault((one.folder, same), one)
        if other is not one:
            text = f"its title {shown(title)} is that of {other.where} too, in the same folder"
            faults.add(one.where, text)
        other = folders.setdefault(slug(one.folder), one)
        if other.folder != one.folder:
            text = f"its folder {shown(one.folder)} would lie in the directory of "
            faults.add(one.where, f"{text}{shown(other.folder)}; name one of them differently")


def _provider(folder: str, config: str) -> dict[str, Any]:
    return {
        "name": slug(folder),
        "orgId": 1,
        "type": "file",
        "folder": folder.replace("$", "$$"),
        "folderUid": FOLDER_UID + slug(folder),
        "disableDeletion": False,
        "allowUiUpdates": False,
        "updateIntervalSeconds": _INTERVAL,
        "options": {"path": f"{config}/{DIRECTORY}/{slug(folder)}"},
    }
