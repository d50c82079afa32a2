# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Elasticsearch's snapshots, in repositories that are directories."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from ..daemon._errors import DaemonError
from ._web import Api, Refusal

_PAUSE = 0.5
_PATIENCE = 60  # seconds until Elasticsearch has let go of a repository


def register(api: Api, repository: str, location: str, readonly: bool = False) -> None:
    """Tell Elasticsearch of a directory; every node has to see it."""
    settings = {"location": location, "readonly": readonly}
    try:
        api.send("PUT", f"/_snapshot/{repository}", {"type": "fs", "settings": settings})
    except Refusal as exc:
        hint = "Its journal says more"
        if "path.repo" in exc.text:
            hint = (
                "It was deployed without elk_elasticsearch_repository, or with another one: "
                "deploy it once more (site.yml), which restarts it"
            )
        elif "verif" in exc.text or "not accessible" in exc.text:
            hint = (
                f"Each node of the cluster must see the same directory: mount a shared one on all, "
                f"name it in elk_elasticsearch_repository, and deploy ({location} is on this node)"
            )
        raise DaemonError(
            f"Elasticsearch does not take {location} for snapshots. {hint}: {exc}"
        ) from None


def forget(api: Api, repository: str) -> None:
    """Take a directory away from Elasticsearch; what is in it stays."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            api.send("DELETE", f"/_snapshot/{repository}")
            return
        except Refusal as exc:
            if exc.status == 404:
                return
            if exc.status != 409 or time.monotonic() > end:  # it is still used
                raise
        time.sleep(_PAUSE)


def known(api: Api, prefix: str) -> list[str]:
    """The repositories of ours that a run which was cut off has left."""
    return sorted(name for name in api.get("/_snapshot") or {} if name.startswith(prefix))


def take(
    api: Api, repository: str, snapshot: str, indices: Sequence[str] = (), state: bool = True
) -> Any:
    """Make a snapshot and wait for it, however long it takes. Returns its description."""
    body: dict[str, Any] = {"include_global_state": state}
    if indices:
        body.update(indices=",".join(indices), feature_states=["none"])
    path = f"/_snapshot/{repository}/{snapshot}"
    api.send("PUT", path, body, wait_for_completion="false")
    while True:
        found = api.get(path)["snapshots"][0]
        if found["state"] == "SUCCESS":
            return found
        if found["state"] != "IN_PROGRESS":
            reasons = "; ".join(str(failure.get("reason")) for failure in found["failures"][:3])
            raise DaemonError(f"the snapshot is {found['state']}: {reasons or found.get('reason')}")
        time.sleep(_PAUSE)


def drop_others(api: Api, repository: str, snapshot: str) -> None:
    """Leave one snapshot alone in its repository."""
    for one in api.get(f"/_snapshot/{repository}/_all")["snapshots"]:
        if one["snapshot"] != snapshot:
            api.send("DELETE", f"/_snapshot/{repository}/{one['snapshot']}")


def kept(api: Api, repository: str, snapshot: str) -> list[str]:
    """What a snapshot holds outside features; nothing when it was not finished."""
    try:
        found = api.get(f"/_snapshot/{repository}/{snapshot}")["snapshots"][0]
    except Refusal as exc:
        if exc.status == 404:
            return []
        raise
    if found["state"] != "SUCCESS":
        return []
    return [*found["data_streams"], *outside(found["indices"], found["data_streams"])]


def outside(indices: Sequence[str], data_streams: Sequence[str]) -> list[str]:
    """The indices that are no part of a data stream: those are .ds-<stream>-2026.11.26-000001."""
    stems = {name: name[len(".ds-") :].rsplit("-", 2)[0] for name in indices if name[:4] == ".ds-"}
    return [name for name in indices if stems.get(name, "") not in data_streams]


def put_back(
    api: Api,
    repository: str,
    snapshot: str,
    indices: Sequence[str],
    features: Sequence[str] | None,
) -> None:
    """Restore from a snapshot and wait until every primary shard is there.

    features: those to restore, with templates and settings of the cluster; None for neither.
    """
    path = f"/_snapshot/{repository}/{snapshot}/_restore"
    body = {
        "indices": ",".join(indices) or "-*",
        "include_global_state": features is not None,
        "feature_states": list(features or ()) or ["none"],
    }
    api.send("POST", path, body, wait_for_completion="false")
    while _restoring(api, repository):
        time.sleep(_PAUSE)
    if indices:
        names = ",".join(indices)
        health = api.get(f"/_cluster/health/{names}", expand_wildcards="all", level="indices")
        red = [name for name, one in health["indices"].items() if one["status"] == "red"]
        if red or health["timed_out"]:
            told = ", ".join(red) or names
            raise DaemonError(f"these indices have shards that were not restored: {told}")


def _restoring(api: Api, repository: str) -> bool:
    """Whether shards are on their way; those that cannot be restored end too."""
    state = api.get("/_cluster/state/customs", filter_path="restore")
    going = state.get("restore", {}).get("snapshots", [])
    return any(one["repository"] == repository for one in going)


def present(api: Api) -> dict[str, int]:
    """The data streams and the indices outside these, with the number of their documents."""
    found = api.get("/_resolve/index/*", expand_wildcards="all")
    counts = {
        one["index"]: int(one["docs.count"] or 0)
        for one in api.get(
            "/_cat/indices", format="json", expand_wildcards="all", h="index,docs.count"
        )
    }
    streams = {
        stream["name"]: sum(counts.get(name, 0) for name in stream["backing_indices"])
        for stream in found["data_streams"]
    }
    plain = [one["name"] for one in found["indices"] if "data_stream" not in one]
    return {**{name: counts.get(name, 0) for name in plain}, **streams}


def streams(api: Api) -> list[str]:
    """The data streams."""
    found = api.get("/_resolve/index/*", expand_wildcards="all")
    return [stream["name"] for stream in found["data_streams"]]
