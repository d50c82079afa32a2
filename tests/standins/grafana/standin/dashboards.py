# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dashboards from files: looked at again and again while the server runs."""

import hashlib
import json
import os
import threading
from pathlib import Path
from typing import Any

from standin import Refused, documents, log
from standin.database import Database

_LEAST = 3  # seconds between two looks


def providers(folder: Path) -> list[dict[str, Any]]:
    """Read the providers; a broken one is the end of the server."""
    try:
        files = documents.read(folder)
    except FileNotFoundError as exc:
        words = "can't read dashboard provisioning files from directory"
        log("error", words, logger="provisioning.dashboard", error=exc)
        return []
    except Refused as exc:
        raise Refused(f"Failed to create provisioner: {exc}") from None
    found = [p for _name, data in files for p in data.get("providers") or []]
    for one in found:
        if one.get("type") != "file":
            raise Refused(f"Failed to create provisioner: type {one.get('type')} is not supported")
        if not isinstance((one.get("options") or {}).get("path"), str):
            raise Refused("Failed to create provisioner: path param is not a string")
        one["folder"] = documents.interpolated(one.get("folder") or "")
    return found


class Watcher(threading.Thread):
    """Keeps the database's dashboards as the files are."""

    def __init__(self, found: list[dict[str, Any]], database: Database) -> None:
        super().__init__(daemon=True)
        self._providers, self._database = found, database
        self._told: set[str] = set()
        self.ended = threading.Event()
        names = [one.get("name") for one in found]
        self._twice = {name for name in names if names.count(name) > 1}

    def run(self) -> None:
        """Look, and look again."""
        waits = [int(one.get("updateIntervalSeconds") or 10) for one in self._providers]
        while True:
            self.look()
            if self.ended.wait(max(_LEAST, min(waits, default=10))):
                return

    def look(self) -> None:
        """Compare files and database once."""
        names = [str(one.get("name")) for one in self._providers]
        for uid, provider in self._database.rows("select uid, provider from dashboard"):
            if provider and provider not in names:
                self._database.rows("delete from dashboard where uid=?", uid)
        for one in self._providers:
            folder = os.path.realpath(one["options"]["path"])
            if not os.path.isdir(folder):
                self._tell("warn", "Failed to provision config", one, f"{folder}: no such folder")
                return  # those behind it are not looked at either
            self._provision(one, Path(folder))

    def _provision(self, one: dict[str, Any], folder: Path) -> None:
        found = [self._read(path, one) for path in sorted(folder.rglob("*.json"))]
        good = [item for item in found if item]
        if one.get("name") in self._twice or self._doubled(one, good):
            words = "Not saving new dashboard due to restricted database access"
            self._tell("warn", words, one, "no database write permissions because of duplicates")
            return
        uid = one.get("folderUid") or ""
        if good and uid:
            query = "insert into folder values (?, ?) on conflict (uid) do update set title=?"
            self._database.rows(query, uid, one["folder"], one["folder"])
        known = "select path, uid from dashboard where provider=?"
        for path, stored in self._database.rows(known, one["name"]):
            if path not in [str(p) for p, _data in good]:
                self._database.rows("delete from dashboard where uid=?", stored)
        folders = [row[0] for row in self._database.rows("select uid from folder")]
        for path, data in good:
            text = json.dumps(data)
            words = ""
            if data["uid"] in folders:  # they share their uids
                words = "Dashboard cannot be changed to a folder"
            elif data["title"] == one["folder"]:
                words = "Dashboard name cannot be the same as folder"
            if words:
                self._tell("error", "failed to save dashboard", one, words)
                continue
            self._database.rows(
                "insert or replace into dashboard values (?, ?, ?, ?, ?, ?, ?)",
                *(data["uid"], data["title"], uid, one["name"], str(path)),
                *(hashlib.sha256(text.encode()).hexdigest(), text),
            )

    def _read(self, path: Path, one: dict[str, Any]) -> tuple[Path, dict[str, Any]] | None:
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(data, dict) or not data.get("title"):
                raise ValueError("Dashboard title cannot be empty")
        except (ValueError, OSError) as exc:
            self._tell("error", f"failed to load dashboard from {path}", one, exc)
            return None
        derived = hashlib.sha256(str(path).encode()).hexdigest()[:14]
        return path, {**data, "uid": data.get("uid") or derived}

    def _doubled(self, one: dict[str, Any], good: list[tuple[Path, dict[str, Any]]]) -> bool:
        doubled = False
        texts = (("uid", "the same UID is used more than once"),)
        texts += (("title", "dashboard title is not unique in folder"),)
        for key, words in texts:
            values = [data[key] for _path, data in good]
            if len(values) > len(set(values)):
                self._tell("warn", words, one, next(v for v in values if values.count(v) > 1))
                doubled = True
        return doubled

    def _tell(self, level: str, words: str, one: dict[str, Any], error: object) -> None:
        """Say it once, not at every look."""
        if f"{words}{error}" not in self._told:
            self._told.add(f"{words}{error}")
            told = {"provider": one.get("name"), "error": error}
            log(level, words, logger="provisioning.dashboard", **told)
