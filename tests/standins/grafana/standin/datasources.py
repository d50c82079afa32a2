# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sources from provisioning/datasources: read before anything listens, or the end of it."""

import hashlib
from pathlib import Path
from typing import Any

from standin import Refused, documents, log
from standin.database import Database


def provision(folder: Path, database: Database) -> None:
    """Make the database's data sources what the files say."""
    try:
        files = documents.read(folder)
    except OSError as exc:
        words = "can't read datasource provisioning files from directory"
        log("error", words, logger="provisioning.datasources", error=exc)
        return
    try:
        _apply(files, database)
    except Refused as exc:
        raise Refused(f"Datasource provisioning error: {exc}") from None


def _apply(files: list[tuple[str, dict[str, Any]]], database: Database) -> None:
    sources = [_source(raw, data) for _name, data in files for raw in data.get("datasources") or []]
    defaults = [source["orgId"] for source, _prune in sources if source["isDefault"]]
    if len(defaults) > len(set(defaults)):
        words = "Only one datasource per organization can be marked as default"
        raise Refused(f"datasource.yaml config is invalid. {words}")
    for _name, data in files:
        for gone in data.get("deleteDatasources") or []:
            database.rows("delete from data_source where name=?", gone["name"])
    names = [source["name"] for source, _prune in sources]
    for uid, name in database.rows("select uid, name from data_source where prune=1"):
        if name not in names:
            database.rows("delete from data_source where uid=?", uid)
    for source, prune in sources:
        database.put_source(source, not source.pop("editable"), prune)


def _source(raw: dict[str, Any], file: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    raw = documents.interpolated(raw)
    if not raw.get("name"):
        words = "unique identifier and org id are needed to be able to get or delete a datasource"
        raise Refused(words)
    if int(raw.get("orgId") or 1) != 1:
        raise Refused("organization not found")
    versioned = "apiVersion" in file  # without it, newer keys are not read
    derived = "P" + hashlib.sha256(raw["name"].encode()).hexdigest()[:16].upper()
    source = {
        "orgId": 1,
        "uid": (raw.get("uid") if versioned else None) or derived,
        "name": raw["name"],
        "type": raw.get("type") or "",
        "access": raw.get("access") or "proxy",
        "url": raw.get("url") or "",
        "user": raw.get("user") or "",
        "database": raw.get("database") or "",
        "basicAuth": documents.truth(raw.get("basicAuth")),
        "basicAuthUser": raw.get("basicAuthUser") or "",
        "isDefault": documents.truth(raw.get("isDefault")) and versioned,
        "editable": documents.truth(raw.get("editable")),
        "jsonData": raw.get("jsonData") or {},
        "secureJsonData": raw.get("secureJsonData") or {},
    }
    source["secureJsonFields"] = dict.fromkeys(source["secureJsonData"], True)
    return source, documents.truth(file.get("prune"))
