# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Saved objects: documents of the index .kibana in Elasticsearch."""

import json
import urllib.parse
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from elastic.common.elasticsearch import Client

Object = dict[str, Any]
TYPES = (
    *("index-pattern", "search", "dashboard", "visualization", "lens", "config", "query", "tag"),
    *("map", "url", "canvas-workpad", "event-annotation-group", "alert", "action", "space"),
)
_MOST = 10000


class Fault(Exception):
    """An answer that is a refusal: status, kind and text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Store:
    """Reads and writes them; raises Away while Elasticsearch is."""

    def __init__(self, client: Client, version: str) -> None:
        self._client, self._version = client, version

    def prepare(self) -> None:
        """Make the index unless it is there; raises Fault."""
        if self._client.ask("HEAD", "/.kibana")[0] == 200:
            return
        name = f".kibana_{self._version}_001"
        body: Object = {
            "settings": {"number_of_shards": 1, "auto_expand_replicas": "0-1", "hidden": True},
            "mappings": {"dynamic": False, "properties": {"type": {"type": "keyword"}}},
            "aliases": {".kibana": {"is_hidden": True}},
        }
        status, told = self._client.ask("PUT", f"/{name}", body)
        if status != 200:
            raise Fault(503, f"cannot make {name}: {told}")

    def get(self, kind: str, name: str) -> Object:
        """Return one; raises Fault."""
        status, told = self._client.ask("GET", f"/.kibana/_doc/{_id(kind, name)}")
        if status == 404:
            raise Fault(404, f"Saved object [{kind}/{name}] not found")
        _fine(status, told)
        return _object(kind, name, told["_source"])

    def find(self, kinds: list[str]) -> Iterator[Object]:
        """Yield those of some types."""
        body: Object = {"size": _MOST, "query": {"terms": {"type": kinds}}}
        status, told = self._client.ask("POST", "/.kibana/_search", body)
        _fine(status, told)
        for hit in told["hits"]["hits"]:
            kind, _colon, name = hit["_id"].partition(":")
            yield _object(kind, name, hit["_source"])

    def create(self, kind: str, name: str | None, given: Object, overwrite: bool = False) -> Object:
        """Make one; raises Fault for one that is there."""
        if kind not in TYPES:
            raise Fault(400, f"Unsupported saved object type: '{kind}': Bad Request")
        name = name or str(uuid.uuid4())
        when = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        source = {
            "type": kind,
            kind: given.get("attributes") or {},
            "references": given.get("references") or [],
            "migrationVersion": given.get("migrationVersion") or {},
            "coreMigrationVersion": self._version,
            "namespaces": ["default"],
            "created_at": given.get("created_at") or when,
            "updated_at": when,
        }
        action = "_doc" if overwrite else "_create"
        status, told = self._client.ask(
            "PUT", f"/.kibana/{action}/{_id(kind, name)}?refresh=true", source
        )
        if status == 409:
            raise Fault(409, f"Saved object [{kind}/{name}] conflict")
        _fine(status, told)
        return _object(kind, name, source)

    def update(
        self, kind: str, name: str, attributes: Object, references: list[Any] | None
    ) -> Object:
        """Change one; raises Fault."""
        old = self.get(kind, name)
        given = {**old, "attributes": {**old["attributes"], **attributes}}
        given["references"] = old["references"] if references is None else references
        return self.create(kind, name, given, overwrite=True)

    def delete(self, kind: str, name: str) -> None:
        """Remove one; raises Fault."""
        status, told = self._client.ask("DELETE", f"/.kibana/_doc/{_id(kind, name)}?refresh=true")
        if status == 404:
            raise Fault(404, f"Saved object [{kind}/{name}] not found")
        _fine(status, told)


def _id(kind: str, name: str) -> str:
    return urllib.parse.quote(f"{kind}:{name}", safe="")


def _fine(status: int, told: Any) -> None:
    if status >= 300:
        raise Fault(503 if status >= 500 else 500, json.dumps(told))


def _object(kind: str, name: str, source: Object) -> Object:
    keys = (
        "references",
        "migrationVersion",
        "coreMigrationVersion",
        "namespaces",
        "created_at",
        "updated_at",
    )
    return {
        "id": name,
        "type": kind,
        "attributes": source.get(kind, {}),
        **{k: source[k] for k in keys if k in source},
    }
