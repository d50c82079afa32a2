# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Elasticsearch's snapshots, in repositories that are directories."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..daemon._errors import DaemonError
from ._web import Api, Refusal

_PAUSE = 0.5
_PATIENCE = 60  # seconds until Elasticsearch has let go of a repository


class Kept(NamedTuple):
    """What a snapshot holds: data streams and indices by their names, and features."""

    names: list[str]
    features: list[str]


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
    api: Api,
    repository: str,
    snapshot: str,
    indices: Sequence[str] | None = None,
    features: Sequence[str] = (),
) -> Any:
    """Make a snapshot and wait for it, however long it takes. Returns its description.

    Without indices of everything. Templates and settings of the cluster are always in it.
    """
    body: dict[str, Any] = {"include_global_state": True}
    if indices is not None:
        body.update(indices=",".join(indices) or "-*", feature_states=list(features) or ["none"])
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


def kept(api: Api, repository: str, snapshot: str) -> Kept | None:
    """What a snapshot holds; nothing when it was not finished."""
    try:
        found = api.get(f"/_snapshot/{repository}/{snapshot}")["snapshots"][0]
    except Refusal as exc:
        if exc.status == 404:
            return None
        raise
    if found["state"] != "SUCCESS":
        return None
    states = found.get("feature_states") or []
    own = {name for one in states for name in one["indices"]}
    plain = [n for n in outside(found["indices"], found["data_streams"]) if n not in own]
    return Kept([*found["data_streams"], *plain], [one["feature_name"] for one in states])


def outside(indices: Sequence[str], data_streams: Sequence[str]) -> list[str]:
    """The indices that are no part of a data stream: those are .ds-<stream>-2026.11.26-000001."""
    stems = {name: name[len(".ds-") :].rsplit("-", 2)[0] for name in indices if name[:4] == ".ds-"}
    return [name for name in indices if stems.get(name, "") not in data_streams]


def put_back(
    api: Api, repository: str, snapshot: str, indices: Sequence[str], features: Sequence[str]
) -> None:
    """Restore from a snapshot and wait until every primary shard is there.

    Templates and settings of the cluster are restored with it.
    """
    path = f"/_snapshot/{repository}/{snapshot}/_restore"
    body = {
        "indices": ",".join(indices) or "-*",
        "include_global_state": True,
        "feature_states": list(features) or ["none"],
    }
    api.send("POST", path, body, wait_for_completion="false")
    while _restoring(api, repository):
        time.sleep(_PAUSE)
    lacking = _lacking(api, indices) if indices else []
    if lacking:
        told = ", ".join(lacking)
        raise DaemonError(f"these indices have shards that were not restored: {told}")


def _lacking(api: Api, names: Sequence[str]) -> list[str]:
    """Which of them lack shards. All are asked for: an address with many names is not taken."""
    found = api.get("/_resolve/index/*", expand_wildcards="all")
    streams = {stream["name"]: stream["backing_indices"] for stream in found["data_streams"]}
    wanted = {part for name in names for part in streams.get(name, [name])}
    states = _states(api)
    return sorted(name for name in wanted if states.get(name, "red") == "red")


def red(api: Api) -> list[str]:
    """The indices that lack shards, also those of features."""
    return sorted(name for name, state in _states(api).items() if state == "red")


def _states(api: Api) -> dict[str, str]:
    found = api.get("/_cluster/health", level="indices", filter_path="indices.*.status")
    return {name: one["status"] for name, one in found.get("indices", {}).items()}


def _restoring(api: Api, repository: str) -> bool:
    """Whether shards are on their way; those that cannot be restored end too."""
    state = api.get("/_cluster/state/customs", filter_path="restore")
    going = state.get("restore", {}).get("snapshots", [])
    return any(one["repository"] == repository for one in going)


def present(api: Api) -> dict[str, int | None]:
    """The data streams and the indices outside these, with the number of their documents.

    None: nobody knows, since it is closed or shards are missing; of some shards it tells the rest.
    """
    found, lacking = api.get("/_resolve/index/*", expand_wildcards="all"), red(api)
    counts = {
        one["index"]: None
        if one["docs.count"] is None or one["index"] in lacking
        else int(one["docs.count"])
        for one in api.get(
            "/_cat/indices", format="json", expand_wildcards="all", h="index,docs.count"
        )
    }
    plain = [one["name"] for one in found["indices"] if "data_stream" not in one]
    known = {name: counts.get(name, 0) for name in plain}
    for stream in found["data_streams"]:
        parts = [counts.get(name, 0) for name in stream["backing_indices"]]
        known[stream["name"]] = None if None in parts else sum(part or 0 for part in parts)
    return known


def system(api: Api) -> dict[str, float]:
    """The indices of features, and when they were made, in seconds since the epoch."""
    told = ("metadata.indices.*.system", "metadata.indices.*.settings.index.creation_date")
    found = api.get("/_cluster/state/metadata", filter_path=",".join(told))
    indices = found.get("metadata", {}).get("indices", {})
    return {
        name: int(one["settings"]["index"]["creation_date"]) / 1000
        for name, one in sorted(indices.items())
        if one.get("system")
    }


def streams(api: Api) -> list[str]:
    """The data streams."""
    found = api.get("/_resolve/index/*", expand_wildcards="all")
    return [stream["name"] for stream in found["data_streams"]]
