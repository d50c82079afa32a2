# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Elasticsearch: what is restored, what gives way to it, and what comes back when that fails."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.backup import _snapshots
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._elasticsearch import (
    Elasticsearch,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._manifest import (
    Manifest,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._product import (
    Daemon,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._web import Refusal
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError

SEEN = {
    "indices": [".ds-logs-a-default-2026.11.26-000001", ".ds-odd", "notes", ".kibana_1", ".tasks"],
    "data_streams": ["logs-a-default"],
    "snapshot": "s",
    "features": {"kibana": [".kibana_1"], "tasks": [".tasks"], "security": []},
}
MANIFEST = Manifest("elasticsearch", "web", "8.5.0", "h", "20261126T081500Z", {}, SEEN)


class Server:
    """An Elasticsearch with indices, repositories in directories, and data streams."""

    def __init__(self, **there: int) -> None:
        self.there = {name.replace("_", "-"): count for name, count in there.items()}
        self.repositories: dict[str, str] = {}
        self.snapshots: dict[str, dict[str, int]] = {}
        self.refuses = ""  # a repository that is not restored from
        self.sent: list[str] = []

    def get(self, path: str, **_query: str) -> Any:
        """Answer questions."""
        if path == "/_snapshot":
            return dict.fromkeys(self.repositories)
        if path.startswith("/_resolve"):
            streams = [
                {"name": name, "backing_indices": [f".ds-{name}-1"]}
                for name in self.there
                if name.startswith("logs-")
            ]
            plain = [{"name": name} for name in self.there if not name.startswith("logs-")]
            return {"indices": plain, "data_streams": streams}
        if path == "/_cat/indices":
            return [
                {"index": f".ds-{n}-1" if n.startswith("logs-") else n, "docs.count": str(count)}
                for n, count in self.there.items()
            ]
        if path.endswith("/_all"):
            return {"snapshots": [{"snapshot": "of-the-last"}, {"snapshot": "20261126t081500z"}]}
        if path.startswith("/_snapshot/"):
            held = self.snapshots[path.split("/")[2]]
            streams = [name for name in held if name.startswith("logs-")]
            plain = [name for name in held if name not in streams]
            found = {"state": "SUCCESS", "indices": plain, "data_streams": streams}
            return {"snapshots": [{**found, "feature_states": [], "shards": {"total": 1}}]}
        if path.startswith("/_cluster/health"):
            return {"indices": {}, "timed_out": False}
        return {}

    def send(self, method: str, path: str, body: Any = None, **_query: str) -> Any:
        """Do what it is told."""
        self.sent.append(f"{method} {path}")
        words = path.strip("/").split("/")
        if words[0] == "_snapshot" and len(words) == 2:
            if method == "DELETE":
                self.repositories.pop(words[1], None)
            else:
                self.repositories[words[1]] = body["settings"]["location"]
                Path(body["settings"]["location"]).mkdir(parents=True, exist_ok=True)
        elif words[-1] == "_restore":
            self._restore(words[1], body)
        elif words[0] == "_snapshot" and method == "PUT":
            names = body.get("indices", ",".join(self.there)).split(",")
            self.snapshots[words[1]] = {name: self.there[name] for name in names}
        elif method == "DELETE" and words[0] != "_snapshot":
            del self.there[words[-1]]
        return {}

    def _restore(self, repository: str, body: Any) -> None:
        for name in body["indices"].split(","):
            if name in self.there:
                text = f"cannot restore {name}, an index of the same name already exists"
                raise Refusal(text, 500, text)
            self.there[name] = self.snapshots.get(repository, {}).get(name, 7)
        if re.search(self.refuses or "^$", repository):
            raise DaemonError("shards are missing")


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, str]:
    """Return data with a place for snapshots, and the files of a backup."""
    (tmp_path / "data").mkdir()
    (tmp_path / "backup/repository").mkdir(parents=True)
    (tmp_path / "backup/repository/index-0").write_text("{}")
    return tmp_path / "data", str(tmp_path / "backup")


def product(data: Path, server: Server) -> Elasticsearch:
    """The product on such a server."""
    return Elasticsearch(server, str(data / "snapshots"), str(data))  # type: ignore[arg-type]


def test_parts_of_data_streams_and_of_features_are_not_restored_by_themselves(
    daemon: Callable[..., Daemon], places: tuple[Path, str]
) -> None:
    data, backup = places
    check = product(data, Server()).check(daemon(), MANIFEST, backup)
    assert check.actions == ["restore logs-a-default", "restore .ds-odd", "restore notes"]


def test_a_backup_is_the_snapshot_alone(
    daemon: Callable[..., Daemon], places: tuple[Path, str], tmp_path: Path
) -> None:
    data, server = places[0], Server(notes=3, logs_a=2)
    target = tmp_path / "target"
    target.mkdir()
    seen = product(data, server).save(daemon(), str(target), "20261126T081500Z", "")
    assert (seen["indices"], seen["data_streams"]) == (["notes"], ["logs-a"])
    assert os.listdir(target) == ["repository"]
    assert [one for one in server.sent if one.startswith("DELETE") and "of-the-last" in one]
    assert os.listdir(data / "snapshots") == [] and server.repositories == {}


def test_what_two_backups_have_in_common_lies_on_the_disk_once(
    daemon: Callable[..., Daemon], places: tuple[Path, str], tmp_path: Path
) -> None:
    data, backup = places
    target = tmp_path / "target"
    target.mkdir()
    product(data, Server(notes=1)).save(daemon(), str(target), "20261126T081500Z", backup)
    assert (target / "repository/index-0").samefile(f"{backup}/repository/index-0")


def test_documents_give_way_only_when_asked(
    daemon: Callable[..., Daemon], places: tuple[Path, str]
) -> None:
    data, backup = places
    web = product(data, Server(notes=3))
    assert "notes (3 documents)" in web.check(daemon(), MANIFEST, backup).faults[0]
    check = web.check(daemon(replaced=True), MANIFEST, backup)
    assert check.faults == [] and "replace notes" in check.actions


def test_what_is_empty_gives_way(daemon: Callable[..., Daemon], places: tuple[Path, str]) -> None:
    data, backup = places
    server = Server(notes=0, other=5)
    assert product(data, server).check(daemon(), MANIFEST, backup).faults == []
    product(data, server).restore(daemon(), MANIFEST, backup)
    assert server.there == {"other": 5, "logs-a-default": 7, ".ds-odd": 7, "notes": 7}
    assert os.listdir(data / "snapshots") == [] and server.repositories == {}


def test_what_fails_is_taken_back(daemon: Callable[..., Daemon], places: tuple[Path, str]) -> None:
    data, backup = places
    server = Server(notes=3, other=5)
    server.refuses = "source"
    with pytest.raises(DaemonError, match="shards are missing.*is gone again, and notes is as it"):
        product(data, server).restore(daemon(replaced=True), MANIFEST, backup)
    assert server.there == {"notes": 3, "other": 5}
    assert os.listdir(data / "snapshots") == [] and server.repositories == {}


def test_when_that_fails_too_what_was_there_is_kept_for_the_next_run(
    daemon: Callable[..., Daemon], places: tuple[Path, str]
) -> None:
    data, backup = places
    server = Server(notes=3)
    server.refuses = "source|before"
    web = product(data, server)
    with pytest.raises(DaemonError, match="TAKING IT BACK FAILED.*is kept in"):
        web.restore(daemon(replaced=True), MANIFEST, backup)
    assert os.listdir(data / "snapshots") == ["barehost-before"]
    server.refuses = ""
    assert web.cut_off(daemon())
    web.recover(daemon())
    assert server.there["notes"] == 3
    assert os.listdir(data / "snapshots") == [] and not web.cut_off(daemon())


def test_who_goes_on_writing_is_told_to_stop(
    daemon: Callable[..., Daemon], places: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, backup = places
    server = Server(notes=0)
    remove = Elasticsearch._remove

    def raced(self: Elasticsearch, names: Any) -> None:
        remove(self, names)
        server.there["notes"] = 1

    monkeypatch.setattr(Elasticsearch, "_remove", raced)
    with pytest.raises(DaemonError, match="Something writes into it: stop Logstash"):
        product(data, server).restore(daemon(), MANIFEST, backup)


def test_the_directory_may_hold_more_than_ours(
    daemon: Callable[..., Daemon], places: tuple[Path, str]
) -> None:
    place = places[0] / "snapshots"
    for name in ("20261126T081500Z", "barehost-source", "barehost-before", "nightly"):
        (place / name).mkdir(parents=True)
    server = Server()
    server.repositories = {"barehost-backup-source": "", "nightly": ""}
    product(places[0], server).clean(daemon())
    assert sorted(os.listdir(place)) == ["barehost-before", "nightly"]
    assert list(server.repositories) == ["nightly"]


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ("doesn't match any of the locations specified by path.repo", "deploy it once more"),
        ("[r] [[n2, 'store location is not accessible on the node']]", "mount a shared one on all"),
        ("something else", "Its journal says more"),
    ],
)
def test_a_directory_that_is_not_taken_is_explained(answer: str, hint: str) -> None:
    class Refusing(Server):
        def send(self, method: str, path: str, body: Any = None, **_query: str) -> Any:
            raise Refusal(f"PUT answers 500: {answer}", 500, answer)

    with pytest.raises(DaemonError, match=hint):
        _snapshots.register(Refusing(), "r", "/place")  # type: ignore[arg-type]
